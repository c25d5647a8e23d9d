"""JSON, parsed strictly and written without losing digits."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import jsontext

NUMBERS = st.integers(-(10**60), 10**60) | st.decimals(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@given(VALUES)
def test_a_value_is_written_and_parsed_unchanged(value: Any) -> None:
    assert jsontext.loads(jsontext.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "digits", ["0.1", "12345678901234567890123456789012345678", "0.00000000000000000000000000000000000001", "100.00"]
)
def test_all_digits_of_a_number_are_preserved(digits: str) -> None:
    written = jsontext.dumps(jsontext.loads(digits.encode()))
    assert Decimal(written).as_tuple() == Decimal(digits).as_tuple()


def test_booleans_integers_and_fractions_keep_their_types() -> None:
    kinds = [type(value) for value in jsontext.loads(b"[true, 1, 1.0, 1e2]")]
    assert kinds == [bool, int, Decimal, Decimal]


def test_the_canonical_text_does_not_depend_on_the_order_of_names() -> None:
    texts = [b'{"a": 1, "b": {"d": [2, 1], "c": "\\u00e9"}}', '{"b":{"c":"é","d":[2,1]},"a":1}'.encode()]
    assert len({jsontext.canonical(jsontext.loads(text)) for text in texts}) == 1


def test_the_canonical_text_depends_on_the_order_of_lists_and_on_types() -> None:
    texts = [b"[1,2]", b"[2,1]", b'["1",2]', b"[true,2]"]
    assert len({jsontext.canonical(jsontext.loads(text)) for text in texts}) == len(texts)


def test_at_most_32_levels_of_nesting_are_allowed() -> None:
    jsontext.loads(nested(32))
    with pytest.raises(jsontext.InvalidJson, match="32"):
        jsontext.loads(nested(33))


def test_nesting_counts_objects_and_lists_alike() -> None:
    jsontext.loads(b'{"a":[' * 16 + b"]}" * 16)
    with pytest.raises(jsontext.InvalidJson, match="32"):
        jsontext.loads(b"[" + b'{"a":[' * 16 + b"]}" * 16 + b"]")


def test_extremely_deep_nesting_is_refused() -> None:
    with pytest.raises(jsontext.InvalidJson, match="32"):
        jsontext.loads(b"[" * 1_000_000)


BREACHES = {
    "NaN": b"[NaN]",
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "a name twice": b'{"a": 1, "a": 1}',
    "a name twice, one of them escaped": b'{"a": 1, "\\u0061": 2}',
    "a name twice, further inside": b'[{"x": {"a": 1, "b": 2, "a": 3}}]',
    "a lone leading surrogate": b'"\\ud83d"',
    "a lone trailing surrogate": b'"\\ude00"',
    "surrogates the wrong way round": b'"\\ude00\\ud83d"',
    "a lone surrogate in a name": b'{"\\ud83d": 1}',
    "a surrogate in UTF-8": b'"\xed\xa0\xbd"',
    "not UTF-8": b'"\xff"',
    "UTF-8 cut short": b'"\xc3"',
    "UTF-8 longer than needed": b'"\xc0\xaf"',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "nothing": b"",
    "only space": b" \n",
    "two values": b"{} {}",
    "a comma too many": b"[1,]",
    "a comment": b"[1] // one",
    "single quotes": b"{'a': 1}",
    "a leading zero": b"[01]",
    "a leading plus": b"[+1]",
    "no digit before the point": b"[.5]",
    "a control character in a text": b'"a\x01"',
    "an unknown escape": b'"\\x41"',
    "an exponent beyond all bounds": b"[1e99999999999999999999]",
    "more digits than can be read": b"9" * 5000,
}


@pytest.mark.parametrize("text", BREACHES.values(), ids=BREACHES.keys())
def test_ambiguous_json_is_refused(text: bytes) -> None:
    with pytest.raises(jsontext.InvalidJson):
        jsontext.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"canary": 1, "canary": 2}',
        b'{"a": canary}',
        b'"canary\\x"',
        b'"canary\xff"',
        b'{"canary" 1}',
        b"canary",
        b'["canary"',
        b'"canary\\ud800"',
        b'{"canary": 1e99999999999999999999}',
    ],
)
def test_the_message_names_the_position_and_never_the_content(text: bytes) -> None:
    with pytest.raises(jsontext.InvalidJson) as caught:
        jsontext.loads(text)
    assert "canary" not in str(caught.value)
    assert "Error" not in str(caught.value)
    assert "at line 1 column" in str(caught.value)
    assert caught.value.__suppress_context__


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123456789.eE+-\\utrfalsn ', max_size=60).map(str.encode))
def test_invalid_json_raises_only_invalid_json(text: bytes) -> None:
    try:
        value = jsontext.loads(text)
    except jsontext.InvalidJson:
        return
    assert jsontext.loads(jsontext.dumps(value).encode()) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN")])
def test_values_without_a_json_form_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        jsontext.dumps([value])


def test_only_fields_that_are_none_are_left_out() -> None:
    assert jsontext.omit_none({"a": None, "b": 0, "c": "", "d": False, "e": []}) == {
        "b": 0,
        "c": "",
        "d": False,
        "e": [],
    }
