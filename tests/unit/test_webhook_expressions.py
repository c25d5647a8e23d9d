"""Expressions of mappings: what they return, and that no expression and no payload can use up time or memory."""

import time
import tracemalloc
from decimal import Decimal
from typing import Any

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from journeys import jsontext
from journeys.webhooks import expressions
from journeys.webhooks.expressions import (
    MAX_PARTS,
    Evaluator,
    InvalidExpression,
    TooExpensive,
    compile_expression,
)
from tests.support.properties import examples

HEADERS = {"x-github-event": "issues", "authorization": "Bearer secret", "x-hub-signature-256": "sha256=secret"}


def value_of(text: str, payload: Any = None) -> Any:
    evaluator = Evaluator.of_delivery(HEADERS, 1_700_000_000_000)
    return evaluator.for_event().value(compile_expression(text), payload)


# -- our own functions -------------------------------------------------------------------------------------------------


def test_a_header_is_found_by_its_name_in_any_case() -> None:
    assert value_of("header('X-GitHub-Event')") == "issues"
    assert value_of("header('x-missing')") is None


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Hub-Signature-256", "Cookie", "X-Amz-Security-Token", "X-Api-Key"]
)
def test_a_header_that_can_carry_a_secret_is_refused_and_never_returned(name: str) -> None:
    with pytest.raises(InvalidExpression, match="secret"):
        compile_expression(f"header('{name}')")
    assert value_of("header(@)", name) is None


def test_the_time_of_receipt_is_text_in_utc() -> None:
    assert value_of("received()") == "2023-11-14T22:13:20.000Z"


def test_a_digest_depends_on_every_argument_and_not_on_the_order_of_names() -> None:
    digest = value_of("digest(a, b)", {"a": 1, "b": {"x": 1, "y": 2}})
    assert len(digest) == 32
    assert digest == value_of("digest(a, b)", {"b": {"y": 2, "x": 1}, "a": 1})
    assert digest != value_of("digest(b, a)", {"a": 1, "b": {"x": 1, "y": 2}})
    assert digest != value_of("digest(a, b)", {"a": 2, "b": {"x": 1, "y": 2}})


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("199.00", Decimal("199.0")), (" 7 ", 7), ("-1.5e3", Decimal("-1500.0")), (".5", Decimal("0.5")),
        ("1e-05", Decimal("1e-05")), ("1_000", None), ("1,5", None), ("٣", None), ("nan", None), ("Infinity", None),
        ("", None), ("9" * 41, None), ("x", None),
    ],
)  # fmt: skip
def test_numeric_text_becomes_a_number_and_other_text_null(text: str, number: Any) -> None:
    assert value_of("to_number(@)", text) == number


@pytest.mark.parametrize("payload", [True, False, None, [], {}])
def test_what_is_no_text_and_no_number_becomes_null(payload: Any) -> None:
    assert value_of("to_number(@)", payload) is None
    assert value_of("split(@, '/')", payload) is None
    assert value_of("from_unix_ms(@)", payload) is None


def test_a_text_is_split_into_the_parts_between_the_separators() -> None:
    assert value_of("split(@, '/')", "/a/b") == ["", "a", "b"]
    assert value_of("split(link, '/')[-1]", {"link": "https://x/api/now/table/sys_user/1"}) == "1"
    assert value_of("split(@, '')", "ab") is None
    assert value_of("split(@, `1`)", "a1b") is None


def test_a_text_with_too_many_parts_is_not_split() -> None:
    assert len(value_of("split(@, ',')", "," * (MAX_PARTS - 1))) == MAX_PARTS
    assert value_of("split(@, ',')", "," * MAX_PARTS) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1516324157228, "2018-01-19T01:09:17.228Z"), ("1516324157228", "2018-01-19T01:09:17.228Z"),
        (0, "1970-01-01T00:00:00.000Z"), ("soon", None), ("", None), (10**30, None), ("9" * 20, None),
    ],
)  # fmt: skip
def test_a_unix_time_becomes_text_in_utc(value: Any, text: str | None) -> None:
    assert value_of("from_unix_ms(@)", value) == text


# -- expressions that are refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.[", "at character 4"), ("", "1 to 1000 characters"), ("a" * 1001, "1 to 1000 characters"),
        (7, "1 to 1000 characters"), ("foo(@)", 'calls the unknown function "foo". Use one of abs,'),
        ("(" * 990 + "a", "is not a valid JMESPath expression"), ("@" + "|@" * 150, "more than 150 steps or levels"),
        ("a" + "||a" * 200, "more than 150 steps or levels"),
    ],
)  # fmt: skip
def test_an_invalid_expression_is_refused_with_what_is_wrong(text: object, says: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        compile_expression(text)
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["@" + "|@" * 149, "a" + ".a" * 149, "[" * 100 + "@" + "]" * 100], ids=len)
def test_an_expression_of_the_most_steps_is_evaluated_wherever_it_is_called(text: str) -> None:
    compiled = compile_expression(text)
    evaluator = Evaluator.of_delivery({}, 0)

    def below(frames: int) -> Any:
        return below(frames - 1) if frames else evaluator.search(compiled, None)

    below(300)


# -- the budget --------------------------------------------------------------------------------------------------------

HOSTILE: dict[str, tuple[str, Any]] = {
    "doubling": ("@" + "|[@,@]" * 60, {"a": 1}),
    "doubling below the budget of nodes": ("@" + "|[@,@]" * 25, {"a": 1}),
    "doubling objects": ("@" + "|{a:@,b:@}" * 60, 1),
    "doubling lists": ("length(@" + "|[@,@][]" * 100 + ")", [1]),
    "doubling text": ("'aaaaaaaaaaaaaaaa'" + "|join('',[@,@])" * 60, {}),
    "comparing what doubled": ("[@,@]|[@[0]" + "|[@,@]" * 25 + "==@[1]" + "|[@,@]" * 25 + "]", {"a": 1}),
    "joining many texts with a long one": ("length(join(a, b))", {"a": "x" * 600_000, "b": [""] * 9000}),
    "writing what doubled": ("to_string(@" + "|[@,@]" * 60 + ")", {}),
    "digesting what doubled": ("digest(@" + "|[@,@]" * 60 + ")", {}),
    "searching what doubled": ("contains(@" + "|[@,@]" * 60 + ", 'x')", {}),
    "merging what doubled": ("merge({a:@}, {b:@" + "|[@,@]" * 60 + "})", {}),
    "enormous numbers": ("sum(@)", [10**4300] * 3),
    "an enormous number": ("@", 10**4300),
    "nested loops": ("[*].[" + ",".join(["length(@)"] * 50) + "]", [[1] * 10] * 1000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_expression_that_asks_for_too_much_ends_within_its_budget(name: str) -> None:
    text, payload = HOSTILE[name]
    compiled = compile_expression(text)
    evaluator = Evaluator.of_delivery({}, 0).for_event()
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(TooExpensive):
        evaluator.value(compiled, payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (
        time.process_time() - began < 5
    )  # seconds of CPU, with memory traced: without a budget it is minutes or never
    assert peak < 50_000_000


def test_a_result_has_the_depth_that_an_event_can_hold_and_no_more() -> None:
    nested: Any = 1
    for _ in range(expressions.MAX_RESULT_DEPTH):
        nested = {"a": nested}
    assert value_of("@", nested) == nested
    with pytest.raises(TooExpensive):
        value_of("@", {"a": nested})


def test_events_of_one_delivery_share_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "DELIVERY_BUDGET", 100)
    delivery, compiled = Evaluator.of_delivery({}, 0), compile_expression("a.b.c")
    for _ in range(100 // 5):  # one unit for each node, and one for the result
        delivery.for_event().value(compiled, {})
    with pytest.raises(TooExpensive):
        delivery.for_event().value(compiled, {})


def test_the_expressions_of_one_event_share_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "EVENT_BUDGET", 100)
    event, compiled = Evaluator.of_delivery({}, 0).for_event(), compile_expression("a.b.c")
    for _ in range(100 // 5):
        event.value(compiled, {})
    with pytest.raises(TooExpensive):
        event.value(compiled, {})


# -- otherwise it is JMESPath ------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
PARTS = st.sampled_from(
    ["@", "a", "b.c", "a[0]", "[*].a", "a[]", "*.b", "[?a==b]", "[?a>`1`].b", "length(@)", "keys(@)", "sort(@)",
     "not_null(a,b)", "[a,b]", "{x:a,y:b}", "a||b", "a&&b", "!a", "[1:3]", "[::-1]", "max_by(@,&a)", "map(&a,@)",
     "to_string(@)", "type(@)", "reverse(@)"]
)  # fmt: skip


@given(st.lists(PARTS, min_size=1, max_size=4).map(" | ".join), JSON)
def test_an_expression_within_its_budget_returns_what_jmespath_returns(text: str, payload: Any) -> None:
    try:
        expected = jmespath.search(text, payload)
    except (JMESPathError, TypeError, ValueError, AttributeError):
        expected = None
    assert Evaluator.of_delivery({}, 0).search(compile_expression(text), payload) == expected


@settings(max_examples=examples(100))
@given(st.lists(PARTS, min_size=1, max_size=30).map(" | ".join), JSON)
def test_every_result_is_json_or_too_expensive(text: str, payload: Any) -> None:
    try:
        result = value_of(text, payload)
    except TooExpensive:
        return
    jsontext.loads(jsontext.dumps({"attributes": {"a": result}}).encode())


def test_a_reference_to_an_expression_never_becomes_text_with_an_address_in_memory() -> None:
    assert Evaluator.of_delivery({}, 0).search(compile_expression("to_string(&name)"), {"name": "x"}) is None
