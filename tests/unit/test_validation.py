"""The rules for events, compared with a simple model of the schema and tested at their limits."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from journeys import aws, dates, jsontext
from journeys.events.attributes import AttributeValidator
from journeys.events.model import Event, StoredEvent
from journeys.events.refusals import REASONS, SCHEMA_REASONS, Refusal
from journeys.events.validation import check
from journeys.registry.schemas.document import parse
from tests.support.properties import examples
from tests.unit.test_ingest import an_event, of

NOW = dates.parse("2026-11-23T12:00:00Z")
HOUR = 60 * 60 * 1000


def judge(event: Any, properties: dict[str, Any] | None = None, required: list[str] | None = None) -> Event | Refusal:
    """Checks an event at NOW against a schema with these properties."""
    document = parse({"title": "T", "properties": properties or {}, "required": required or []})
    return check(event, AttributeValidator(document), NOW)


def reason(judged: Event | Refusal) -> str | None:
    """The reason of a refusal, or None for an accepted event."""
    return judged.reason if isinstance(judged, Refusal) else None


def plain(**changes: Any) -> dict[str, Any]:
    """A valid event without attributes."""
    return an_event(attributes=None) | changes


# -- attributes, compared with a model of the schema -------------------------------------------------------------------

LENGTHS = {"text": 100, "longtext": 1000, "url": 2000, "identifier": 100}
MOST = 10**38 - 1
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def kind_of(definition: dict[str, Any]) -> str:
    if "enum" in definition:
        return "enum"
    return str(definition["allOf"][0]["$ref"].rpartition("/")[2] if "allOf" in definition else definition["type"])


def is_accepted(definition: dict[str, Any], value: Any) -> bool:
    """Whether a definition allows a value, by a simple model that is independent of the implementation."""
    kind = kind_of(definition)
    match kind:
        case "enum":
            return type(value) is str and value in definition["enum"]
        case "boolean" | "checkbox":
            return type(value) is bool
        case "integer":
            return type(value) is int and in_bounds(definition, value)
        case "number":
            return type(value) in (int, Decimal) and in_bounds(definition, value) and is_storable(Decimal(value))
        case "array" | "tag":
            # The core type allows up to 10 strings of up to 100 characters. A plain array has the bounds of its schema.
            item = definition.get("items", {})
            most, longest = (10, 100) if kind == "tag" else (1000, 300 * 1024)
            return (
                type(value) is list
                and definition.get("minItems", 0) <= len(value) <= definition.get("maxItems", most)
                and all(type(one) is str and has_length(item, one, longest) for one in value)
            )
        case "date":
            return (
                type(value) is str and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) is not None and is_day(value)
            )
        case "datetime":
            return type(value) is str and MOMENT.fullmatch(value) is not None and is_moment(value)
        case "url":
            form = r"https?://\S+"
        case "identifier":
            form = r"\S+"
        case _:
            form = r".*"
    return (
        type(value) is str
        and has_length(definition, value, LENGTHS.get(kind, 300 * 1024))
        and re.fullmatch(form, value, re.DOTALL | re.IGNORECASE) is not None
    )


def in_bounds(definition: dict[str, Any], value: int | Decimal) -> bool:
    return bool(definition.get("minimum", -MOST) <= value <= definition.get("maximum", MOST))


def is_storable(value: Decimal) -> bool:
    """DynamoDB stores numbers with up to 38 digits and of at least 1E-130 in size, and zero."""
    return not value or (len(value.as_tuple().digits) <= 38 and value.copy_abs() >= Decimal("1E-130"))


def has_length(definition: dict[str, Any], value: str, most: int) -> bool:
    return bool(definition.get("minLength", 0) <= len(value) <= definition.get("maxLength", most))


def is_day(text: str) -> bool:
    try:
        date(*map(int, text.split("-")))
    except ValueError:
        return False
    return True


def is_moment(text: str) -> bool:
    """Whether a text has a valid date, a valid time, and an offset of less than a day."""
    hour, minute, second = int(text[11:13]), int(text[14:16]), int((re.findall(r"^.{16}:(\d\d)", text) or [0])[0])
    zone = [int(part) for part in (re.findall(r"[+-](\d\d):(\d\d)$", text) or [(0, 0)])[0]]
    return is_day(text[:10]) and hour < 24 and max(minute, second, zone[1]) < 60 and zone[0] < 24


def core(name: str, **bounds: Any) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/definitions/{name}"}], **bounds}


def bounded(low: str, high: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Two ordered bounds. Either can be missing."""
    both = st.tuples(values, values).map(sorted).map(lambda pair: {low: pair[0], high: pair[1]})
    return st.one_of(st.just({}), both, both.map(lambda one: {low: one[low]}), both.map(lambda one: {high: one[high]}))


SPECIAL = ["1E+400", "1E-400", "1E-130", "1E-131", "9.99E-131", "-0.0", "0E+200", "-0E-200", "5.0", "0.1", "-1E-130",
           "9" * 37 + ".9", "9" * 37 + ".99", "0." + "1" * 38, "0." + "1" * 39, "9" * 38 + ".0",
           "1E+37", "1E+38"]  # fmt: skip
INTEGERS = st.one_of(
    st.integers(-20, 20), st.sampled_from([MOST, MOST + 1, -MOST, -MOST - 1, 2**63, 10**37, 10**400]), st.integers()
)
DECIMALS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from([Decimal(text) for text in SPECIAL])
)
LIMITS = st.one_of(st.integers(-20, 20), st.sampled_from([MOST, -MOST]), st.decimals(-20, 20, places=2))
LETTERS = st.sampled_from(["a", "B", "5", " ", "é", "e\u0301", "漢", "😀", "👩‍👩‍👧", "\n", "\u00a0", "\0", "/"])
TEXTS = st.one_of(
    st.lists(LETTERS, max_size=8).map("".join),
    st.text(max_size=12),
    st.sampled_from(["5", "true", "null", "", "a" * 100, "a" * 101, "😀" * 100, "é" * 1000, "é" * 1001]),
)
URLS = st.sampled_from(
    [
        "http://a",
        "HTTPS://a.b/c?d#e",
        "https://",
        "https:// a",
        "ftp://a",
        "http://a b",
        "xhttp://a",
        "http://a\n",
        "//a",
    ]
)
DATES = st.one_of(
    st.dates().map(str),
    st.sampled_from(
        ["2026-02-29", "2024-02-29", "2026-1-1", "20260101", "2026-W01-1", "0000-01-01", "9999-12-31", "2026-13-01",
         "\uff12\uff10\uff12\uff16-01-01", "2026-01-01 "]
    ),
)  # fmt: skip
MOMENTS = st.one_of(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)).map(lambda one: f"{one.isoformat()}Z"),
    st.sampled_from(
        ["2026-01-01T00:00Z", "2026-01-01t00:00:00z", "2026-01-01 00:00:00,5+01:00", "2026-01-01T00:00:00",
         "2026-01-01T23:59:60Z", "2026-01-01T25:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+24:00",
         "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00.Z", "2026-01-01", "2026-01-01T00:60:00Z"]
    ),
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.sampled_from([0, 1]), INTEGERS, DECIMALS, TEXTS, URLS, DATES, MOMENTS,
    st.lists(st.one_of(TEXTS, st.integers(0, 1)), max_size=12), st.dictionaries(TEXTS, st.booleans(), max_size=1),
)  # fmt: skip
TEXT_BOUNDS = bounded("minLength", "maxLength", st.integers(1, 8))
ITEM_BOUNDS = bounded("minItems", "maxItems", st.integers(1, 10))
NUMBER_BOUNDS = bounded("minimum", "maximum", LIMITS)
DEFINITIONS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    TEXT_BOUNDS.map(lambda bounds: {"type": "string", **bounds}),
    st.tuples(st.sampled_from(sorted(LENGTHS)), TEXT_BOUNDS).map(lambda one: core(one[0], **one[1])),
    st.lists(TEXTS.filter(lambda one: 0 < len(one) <= 100), min_size=1, max_size=4, unique=True).flatmap(
        lambda enum: st.sampled_from([{"type": "string", "enum": enum}, {"enum": enum}, core("enum", enum=enum)])
    ),
    st.tuples(st.sampled_from(["integer", "number"]), NUMBER_BOUNDS).map(lambda one: {"type": one[0], **one[1]}),
    st.tuples(st.sampled_from(["integer", "number"]), NUMBER_BOUNDS).map(lambda one: core(one[0], **one[1])),
    st.sampled_from([{"type": "boolean"}, core("boolean"), core("checkbox"), core("date"), core("datetime")]),
    st.tuples(ITEM_BOUNDS, TEXT_BOUNDS).map(
        lambda one: {"type": "array", "items": {"type": "string", **one[1]}, **one[0]}
    ),
    st.tuples(ITEM_BOUNDS, TEXT_BOUNDS).map(lambda one: core("tag", items={"type": "string", **one[1]}, **one[0])),
)


@st.composite
def fields(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """A field's definition and a value that is often close to it."""
    definition = draw(DEFINITIONS)
    close = {
        "enum": st.sampled_from([*definition.get("enum", []), "other"]),
        "integer": INTEGERS,
        "number": st.one_of(INTEGERS, DECIMALS),
        "date": DATES,
        "datetime": MOMENTS,
        "url": URLS,
        "boolean": st.booleans(),
        "checkbox": st.booleans(),
        "array": st.lists(TEXTS, max_size=12),
        "tag": st.lists(TEXTS, max_size=12),
    }
    return definition, draw(st.one_of(close.get(kind_of(definition), TEXTS), VALUES))


@settings(max_examples=examples(200))
@given(fields())
@example(({"type": "number"}, Decimal("1E-131")))
@example(({"type": "number"}, Decimal("-0.0")))
@example(({"type": "number"}, MOST))
@example(({"type": "integer"}, Decimal("5.0")))
@example(({"type": "integer"}, True))
@example(({"type": "boolean"}, 1))
@example(({"type": "boolean"}, 0))
@example(({"type": "string"}, 5))
@example(({"type": "number"}, "5"))
@example(({"enum": ["1"]}, 1))
@example((core("date"), "2026-W01-1"))
@example((core("url"), "http://a\n"))
@example((core("identifier"), "a\n"))
@example((core("text"), "😀" * 100))
@example((core("text"), "😀" * 101))
def test_a_value_is_accepted_exactly_if_its_definition_allows_it_and_is_stored_unchanged(
    field: tuple[dict[str, Any], Any],
) -> None:
    definition, value = field
    judged = judge(plain(attributes={"a": value}), {"a": definition})
    assert reason(judged) == (None if is_accepted(definition, value) else "invalid.attribute")
    if isinstance(judged, Event):
        back = aws.from_item({"a": aws.to_value(judged.attributes)})["a"]
        assert back == {"a": value}
        assert isinstance(back["a"], bool) is isinstance(value, bool)


NAMES = ["a", "b", "c", "d"]


@given(
    st.sets(st.sampled_from(NAMES)),
    st.sets(st.sampled_from(NAMES)),
    st.dictionaries(st.sampled_from(NAMES), st.booleans()),
)
def test_unknown_and_missing_attributes_are_refused(
    known: set[str], required: set[str], attributes: dict[str, bool]
) -> None:
    judged = judge(
        plain(attributes=attributes), {name: {"type": "boolean"} for name in known}, sorted(required & known)
    )
    if attributes.keys() - known:
        expected: str | None = "unknown.attribute"
    else:
        expected = "missing.attribute" if (required & known) - attributes.keys() else None
    assert reason(judged) == expected


@given(VALUES)
def test_any_json_value_is_accepted_or_refused_without_an_error(value: Any) -> None:
    for name in ("id", "dateCreated", "identifiers", "attributes"):
        judge(plain(**{name: value}))
    for identifiers in ({"externalIds": value}, {"externalIds": [value]}, of(value, "c"), of("crm", value)):
        judge(plain(identifiers=identifiers))
    judge(value)


def test_38_digits_are_preserved_from_the_request_to_the_stored_item() -> None:
    for text in ("9" * 38, "-0." + "1" * 38, "1234567890123456789.1234567890123456789", "1E-130", "19.90"):
        attributes = jsontext.loads(b'{"a":' + text.encode() + b"}")
        judged = judge(plain(attributes=attributes), {"a": {"type": "number"}})
        assert isinstance(judged, Event)
        assert aws.to_value(judged.attributes) == {"M": {"a": {"N": text}}}


# -- dates -------------------------------------------------------------------------------------------------------------

TAKEN = {
    "2026-01-31T09:30:00Z": "2026-01-31T09:30:00.000Z",
    "2026-01-31t09:30:00z": "2026-01-31T09:30:00.000Z",
    "2026-01-31 09:30:00Z": "2026-01-31T09:30:00.000Z",
    "2026-01-31T09:30Z": "2026-01-31T09:30:00.000Z",
    "20260131T093000Z": "2026-01-31T09:30:00.000Z",
    "2026-01-31T09:30:00,5Z": "2026-01-31T09:30:00.500Z",
    "2026-01-31T09:30:00.999999999Z": "2026-01-31T09:30:00.999Z",
    "2026-01-31T09:30:00.1239+00:00": "2026-01-31T09:30:00.123Z",
    "2026-01-31T00:30:00+05:45": "2026-01-30T18:45:00.000Z",
    "2026-01-31T23:30:00-0930": "2026-02-01T09:00:00.000Z",
    "2026-01-31T09:30:00+01": "2026-01-31T08:30:00.000Z",
    "1970-01-01T00:00:00Z": "1970-01-01T00:00:00.000Z",
    "1969-12-31T23:00:00-01:00": "1970-01-01T00:00:00.000Z",
    "2024-02-29T12:00:00Z": "2024-02-29T12:00:00.000Z",
}


@pytest.mark.parametrize(("text", "kept"), TAKEN.items())
def test_a_date_is_stored_in_utc_with_milliseconds_and_finer_digits_are_cut(text: str, kept: str) -> None:
    judged = judge(plain(dateCreated=text))
    assert isinstance(judged, Event)
    assert dates.text(judged.date_created) == kept


@pytest.mark.parametrize(
    "text",
    ["2026-01-31", "2026-01-31T09:30:00", "2026-01-31T09:30:00 UTC", "2026-01-31T09:30:00+25:00",
     "2026-02-30T00:00:00Z", "2026-06-30T23:59:60Z", "2026-01-31T24:01:00Z", "31.01.2026 09:30Z",
     "2026-W05-6T09:30:00Z", "1769850000000",
     "2026-01-31T09:30:00Z ", "\n2026-01-31T09:30:00Z", "٢٠٢٦-01-31T09:30:00Z", "2026-01-31T09:30:00Z[Europe/Berlin]",
     "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+10:00", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00+00:01"],
)  # fmt: skip
def test_an_invalid_date_is_refused(text: str) -> None:
    assert reason(judge(plain(dateCreated=text))) == "invalid.date"


def test_a_date_can_be_one_hour_in_the_future_and_no_millisecond_more() -> None:
    at_most = judge(plain(dateCreated=dates.text(NOW + HOUR)))
    assert isinstance(at_most, Event)
    assert at_most.date_created == NOW + HOUR
    assert reason(judge(plain(dateCreated=dates.text(NOW + HOUR + 1)))) == "date.in.future"


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59+14:00", "9998-12-31T23:59:59-10:00"])
def test_a_date_in_the_far_future_is_refused_as_being_in_the_future(text: str) -> None:
    assert reason(judge(plain(dateCreated=text))) == "date.in.future"


def test_a_date_after_the_last_representable_one_is_refused() -> None:
    assert reason(judge(plain(dateCreated="9999-12-31T23:59:59-10:00"))) in {"invalid.date", "date.in.future"}


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2026, 11, 22)), st.sampled_from(
    ["UTC", "Europe/London", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]
))  # fmt: skip
def test_a_time_has_the_same_date_in_every_time_zone(local: datetime, zone: str) -> None:
    moment = local.replace(tzinfo=ZoneInfo(zone))
    offset = moment.utcoffset()
    assert offset is not None
    if offset % timedelta(minutes=1):
        return  # Historical offsets can have seconds, which the format does not support.
    judged = judge(plain(dateCreated=moment.isoformat()))
    assert isinstance(judged, Event)
    expected = (local - offset - datetime(1970, 1, 1)) // timedelta(milliseconds=1)
    assert judged.date_created == expected
    assert dates.parse(dates.text(expected)) == expected


# -- ids and customers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["x", "é", "漢", "😀"])
def test_ids_and_identifiers_have_at_most_255_bytes_in_utf8(letter: str) -> None:
    size = len(letter.encode())
    fits = letter * (255 // size) + "x" * (255 % size)
    assert len(fits.encode()) == 255
    for text, refused in ((fits, False), (fits + "x", True)):
        assert reason(judge(plain(id=text))) == ("invalid.id" if refused else None)
        assert reason(judge(plain(identifiers=of("crm", text)))) == ("invalid.identifier" if refused else None)
        assert reason(judge(plain(identifiers=of(text, "c")))) == ("invalid.identifier" if refused else None)


def test_the_first_external_id_is_the_customer_and_all_are_validated() -> None:
    first, second = of("crm", "c")["externalIds"][0], of("loyalty", "77")["externalIds"][0]
    judged = judge(plain(identifiers={"externalIds": [first, second]}))
    assert isinstance(judged, Event)
    assert (judged.customer.source_id, judged.customer.value) == ("crm", "c")
    assert [one.value for one in judged.external_ids] == ["c", "77"]
    refused = judge(plain(identifiers={"externalIds": [first, of("loyalty", "null")["externalIds"][0]]}))
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.field_name) == ("invalid.identifier", "identifiers.externalIds[1].value")


@pytest.mark.parametrize("value", ["null-1", "nullify", "anonymous@example.com", "0", "None Smith", "--"])
def test_a_value_that_only_resembles_a_placeholder_is_accepted(value: str) -> None:
    assert reason(judge(plain(identifiers=of("crm", value)))) is None


# -- the attributes object ---------------------------------------------------------------------------------------------


def test_missing_null_and_empty_attributes_are_equal() -> None:
    without = {name: value for name, value in plain().items() if name != "attributes"}
    found = [judge(without), judge(plain(attributes=None)), judge(plain(attributes={}))]
    assert all(isinstance(one, Event) and one.attributes == {} for one in found)


@pytest.mark.parametrize("attributes", [[], [1], "", "a", 0, 5, False, True])
def test_attributes_that_are_not_an_object_are_refused(attributes: Any) -> None:
    assert reason(judge(plain(attributes=attributes))) == "invalid.attribute"


def test_an_event_has_at_most_50_attributes() -> None:
    known = {f"a{index}": {"type": "integer"} for index in range(50)}
    attributes = {name: 1 for name in known}  # noqa: C420
    assert reason(judge(plain(attributes=attributes), known)) is None
    assert reason(judge(plain(attributes=attributes | {"a50": 1}), known)) == "too.many.attributes"


# -- messages ----------------------------------------------------------------------------------------------------------


def refusal(event: Any, properties: dict[str, Any] | None = None, required: list[str] | None = None) -> Refusal:
    judged = judge(event, properties, required)
    assert isinstance(judged, Refusal)
    return judged


def test_an_unknown_attribute_is_named_and_the_closest_known_one_is_suggested() -> None:
    refused = refusal(plain(attributes={"wieght": 5}), {"weight": {"type": "integer"}, "colour": {"type": "string"}})
    assert refused.message == 'The attribute "wieght" is not in the schema. Did you mean "weight"?'
    assert (refused.reason, refused.field_name) == ("unknown.attribute", "attributes.wieght")


def test_no_attribute_is_suggested_if_none_is_close() -> None:
    refused = refusal(plain(attributes={"zzz": 5}), {"weight": {"type": "integer"}})
    assert refused.message == 'The attribute "zzz" is not in the schema.'


@pytest.mark.parametrize("name", ["Jane Doe", "jane@example.com", "order12345", "x" * 101])
def test_the_name_of_an_unknown_attribute_is_hidden_if_it_may_be_personal_data(name: str) -> None:
    refused = refusal(plain(attributes={name: 5}))
    assert refused.message == "An attribute whose name is not shown is not in the schema."
    assert name not in str(refused)


def test_a_missing_attribute_is_named() -> None:
    refused = refusal(plain(), {"weight": {"type": "integer"}}, ["weight"])
    assert refused.message == 'The required attribute "weight" is missing.'


@pytest.mark.parametrize(
    ("definition", "requirement"),
    [
        ({"type": "integer"}, "a whole number from -1e+38 to 1e+38"),
        ({"type": "integer", "minimum": 0, "maximum": 10}, "a whole number from 0 to 10"),
        ({"type": "number", "minimum": 0}, "a number of at least 0"),
        ({"type": "number", "maximum": 5}, "a number of at most 5"),
        ({"type": "boolean"}, "true or false"),
        ({"enum": ["red", "green"]}, "one of red, green"),
        ({"enum": [f"v{n}" for n in range(30)]}, f"one of {', '.join(f'v{n}' for n in range(25))} and 5 more"),
        ({"type": "string", "minLength": 1, "maxLength": 20}, "a string of 1 to 20 characters"),
        ({"allOf": [{"$ref": "#/definitions/text"}]}, "a string of at most 100 characters"),
        ({"allOf": [{"$ref": "#/definitions/url"}], "maxLength": 50},
         "a URL that begins with http:// or https://, with at most 50 characters"),
        ({"allOf": [{"$ref": "#/definitions/identifier"}]},
         "a string without white space, with at most 100 characters"),
        ({"allOf": [{"$ref": "#/definitions/date"}]}, "a calendar date, such as 2026-01-31"),
        ({"allOf": [{"$ref": "#/definitions/datetime"}]},
         "a date and time with a time zone, such as 2026-01-31T09:30:00Z"),
        ({"allOf": [{"$ref": "#/definitions/tag"}], "minItems": 1},
         "a list of 1 to 10 items; each item must be a string of at most 100 characters"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_refused_with_what_the_schema_requires(definition: Any, requirement: str) -> None:
    refused = refusal(plain(attributes={"field": {"an": "object"}}), {"field": definition})
    assert refused.message == f'The attribute "field" must be {requirement}.'
    assert (refused.reason, refused.field_name) == ("invalid.attribute", "attributes.field")


@pytest.mark.parametrize(
    ("value", "requirement"),
    [
        (Decimal("1." + "1" * 40), "a number with at most 38 digits"),
        (Decimal("1E-131"), "0 or a number that is at least 1E-130 in size"),
    ],
)
def test_a_number_that_cannot_be_stored_exactly_is_refused_with_the_reason(value: Decimal, requirement: str) -> None:
    refused = refusal(plain(attributes={"field": value}), {"field": {"type": "number"}})
    assert refused.message == f'The attribute "field" must be {requirement}.'


def test_a_message_about_long_enum_values_is_shortened() -> None:
    values = [f"{number:04d}{'é' * 96}" for number in range(600)]
    refused = refusal(plain(attributes={"colour": "blue"}), {"colour": {"enum": values}})
    assert refused.message.startswith(f'The attribute "colour" must be one of {values[0]}')
    assert len(refused.message) <= 500


def test_all_problems_of_an_event_are_reported_together() -> None:
    event = plain(dateCreated=None, id="", attributes={"wieght": 1, "size": "big"}, extra=1)
    refused = refusal(event, {"weight": {"type": "integer"}, "size": {"type": "integer"}}, ["weight"])
    assert (refused.reason, refused.field_name) == ("missing.date", "dateCreated")
    assert [(problem.reason, problem.field_name) for problem in refused.problems] == [
        ("missing.date", "dateCreated"),
        ("missing.id", "id"),
        ("unknown.attribute", "extra"),
        ("unknown.attribute", "attributes.wieght"),
        ("missing.attribute", "attributes.weight"),
        ("invalid.attribute", "attributes.size"),
    ]
    assert refused.message == " ".join(problem.message for problem in refused.problems)
    assert refused.depends_on_schema


def test_ten_problems_are_described_and_the_others_are_counted() -> None:
    properties = {f"field{letter}": {"type": "integer"} for letter in "abcdefghijklm"}
    refused = refusal(plain(attributes=dict.fromkeys(properties, "text")), properties)
    assert len(refused.problems) == 13
    assert refused.message == " ".join(one.message for one in refused.problems[:10]) + " (and 3 more)"


def test_an_attribute_with_several_invalid_items_is_reported_once() -> None:
    refused = refusal(plain(attributes={"tags": [1, 2, 3]}), {"tags": {"allOf": [{"$ref": "#/definitions/tag"}]}})
    assert refused.problems == ()


def test_the_problems_of_external_ids_are_all_reported_but_bounded() -> None:
    external_ids = [{"externalSourceId": "crm"}, {"externalSourceId": "crm", "value": "null"}, 5]
    refused = refusal(plain(identifiers={"externalIds": external_ids}))
    where = "identifiers.externalIds"
    assert [one.field_name for one in refused.problems] == [f"{where}[0].value", f"{where}[1].value", f"{where}[2]"]
    assert len(refusal(plain(identifiers={"externalIds": [5] * 1000})).problems) == 50


# -- size --------------------------------------------------------------------------------------------------------------


def counted(value: dict[str, Any]) -> int:
    """The size of a value by DynamoDB's rules: two digits per byte, and one byte each for a number and its sign."""
    ((kind, content),) = value.items()
    if kind == "S":
        return len(str(content).encode())
    if kind == "N":
        digits = content.lstrip("-").replace(".", "").strip("0")
        return (len(digits) + 1) // 2 + 1 + int(content.startswith("-"))
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + counted(inner) for name, inner in content.items())
    if kind == "L":
        return 3 + sum(1 + counted(inner) for inner in content)
    return 1


def item_size(item: dict[str, Any]) -> int:
    return sum(len(name.encode()) + counted(value) for name, value in item.items())


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.one_of(
            st.text(max_size=9), st.booleans(), st.lists(st.text(max_size=5), max_size=3), st.integers(-MOST, MOST),
            st.decimals(-(10**9), 10**9, places=3),
        ),
        max_size=10,
    )
)  # fmt: skip
def test_the_computed_size_of_an_item_is_at_most_a_few_bytes_too_large(attributes: dict[str, Any]) -> None:
    item = aws.to_item({"pk": "acme#c#e", "attributes": attributes, "schemaVersion": 3})
    assert 0 <= aws.item_size(item) - item_size(item) <= 2 + 20 * len(attributes)


# -- reasons -----------------------------------------------------------------------------------------------------------


def test_every_reason_has_its_documented_status_and_retryability() -> None:
    told = {name: (answer.status, answer.retryable) for name, answer in REASONS.items()}
    dated, named = ["missing.date", "invalid.date", "date.in.future"], ["missing.identifier", "invalid.identifier"]
    sized = ["event.too.large", "too.many.attributes"]
    assert told == {
        **dict.fromkeys([*dated, *named, "missing.id", "invalid.id", "invalid.event"], (400, False)),
        **dict.fromkeys([*sized, "unknown.attribute", "missing.attribute", "invalid.attribute"], (422, False)),
        "event.conflict": (409, False),
        "too.many.requests": (429, True),
        "service.unavailable": (503, True),
        "internal.error": (500, False),
    }
    assert {"unknown.attribute", "missing.attribute", "invalid.attribute"} == SCHEMA_REASONS


def test_the_key_of_a_stored_event_is_made_of_its_ids() -> None:
    judged = judge(plain(id="a#b"))
    assert isinstance(judged, Event)
    stored = StoredEvent(judged, "acme", "c", "s", 1, "a", "Order", "ERP", NOW, "r#0")
    assert stored.key == "acme#c#a%23b"
