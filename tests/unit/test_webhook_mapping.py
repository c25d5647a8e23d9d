"""From payloads to events: the presets, what an endpoint changes of them, dates, and expressions that do not suit."""

import json
from decimal import Decimal
from typing import Any

import pytest

from journeys import jsontext
from journeys.errors import BadRequest
from journeys.events.model import Event
from journeys.events.validation import AttributeValidator, check
from journeys.registry.schemas.document import parse
from journeys.webhooks.delivery import Delivery, InvalidPayload
from journeys.webhooks.mapping import compile_mapping
from journeys.webhooks.senders.registry import SENDERS
from tests.support.webhooks import DATE, SCHEMA, SenderCase, sender_cases

DOCUMENT = parse(SCHEMA)
DEFAULT = SENDERS["hmac"].default_mapping
PAYLOAD: dict[str, Any] = {"id": "h-1", "date": DATE, "customer": "c-1", "type": "call", "status": "done"}
each = pytest.mark.parametrize("case", sender_cases(), ids=lambda case: case.name)


def events(own: dict[str, Any], payload: Any = PAYLOAD, fields: Any = DOCUMENT.fields) -> list[dict[str, Any]]:
    return compile_mapping(DEFAULT, own).to_events(payload, fields)


def event(own: dict[str, Any], payload: Any = PAYLOAD) -> dict[str, Any]:
    (one,) = events(own, payload)
    return one


def date(value: Any, **own: Any) -> Any:
    return event(own, PAYLOAD | {"date": value})["dateCreated"]


def refused(own: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(BadRequest) as refusal:
        compile_mapping(DEFAULT, own)
    assert refusal.value.code == "invalid.mapping"
    return [(detail.error_code, detail.field_name) for detail in refusal.value.details]


# -- presets -----------------------------------------------------------------------------------------------------------


@each
def test_the_preset_makes_valid_events_of_the_usual_payload(case: SenderCase) -> None:
    sent = case.deliver(url="https://x/", now=1738315800)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    sender = SENDERS[case.name]
    mapping = compile_mapping(sender.default_mapping, case.mapping)
    payloads = sender.extract_payloads(Delivery("POST", headers, sent.query, sent.body, "https://x/", 0))
    made = [one for payload in payloads for one in mapping.to_events(payload, DOCUMENT.fields)]
    assert json.loads(jsontext.dumps(made)) == list(case.events)
    for one in made:
        assert isinstance(check(one, AttributeValidator(DOCUMENT), 1738315800_000), Event)


@each
def test_a_preset_makes_no_id_or_customer_of_nothing(case: SenderCase) -> None:
    """So that `null`, as text, never becomes the id of many events."""
    mapping = compile_mapping(SENDERS[case.name].default_mapping, case.mapping)
    payloads: list[Any] = [{}, {"x": 1}, [], None, "text", 5]
    for payload in payloads:
        (one,) = mapping.to_events(payload, DOCUMENT.fields)
        assert one["id"] is None
        assert one["dateCreated"] is None
        assert [identifier["value"] for identifier in one["identifiers"]["externalIds"]] == [None]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("shopify", {"updated_at": DATE}),
        ("zendesk", {"updated_at": DATE}),
        ("github", {"issue": {"updated_at": DATE}}),
        ("servicenow", {"sys_mod_count": "1"}),
        ("cloudevents", {"id": "1"}),
    ],
)
def test_half_an_id_is_none(name: str, payload: Any) -> None:
    (one,) = compile_mapping(SENDERS[name].default_mapping, {}).to_events(payload, ())
    assert one["id"] is None


def test_attributes_of_the_preset_that_the_schema_lacks_are_left_out_and_those_asked_for_are_kept() -> None:
    (one,) = events({"attributes": {"extra": "status"}}, fields=("type",))
    assert one["attributes"] == {"type": "call", "extra": "done"}


# -- what an endpoint changes ------------------------------------------------------------------------------------------


def test_every_part_can_be_overridden() -> None:
    payload = {"n": 7, "at": 1738315800, "who": 12, "mail": "a@example.com", "kind": "shop", "sum": 0.1}
    own = {
        "id": "n",
        "dateCreated": "at",
        "dateFormat": "unix",
        "customer": "who",
        "externalSourceId": "kind",
        "externalIds": [
            {"externalSourceId": "'mail'", "value": "mail"},
            {"externalSourceId": "'phone'", "value": "phone"},
        ],
        "attributes": {"amount": "sum", "type": None, "status": "kind"},
    }
    assert event(own, payload) == {
        "id": "7",
        "dateCreated": DATE,
        "identifiers": {
            "externalIds": [
                {"externalSourceId": "shop", "value": "12"},
                {"externalSourceId": "mail", "value": "a@example.com"},
            ]
        },
        "attributes": {"amount": Decimal("0.1"), "status": "shop"},
    }


def test_null_takes_an_attribute_of_the_preset_away() -> None:
    assert event({"attributes": {"type": None}})["attributes"] == {"status": "done"}


def test_one_payload_may_hold_many_events() -> None:
    payload = {"items": [PAYLOAD | {"id": str(number)} for number in range(1500)]}
    assert [one["id"] for one in events({"events": "items"}, payload)] == [str(number) for number in range(1500)]
    assert [one["id"] for one in events({"events": "items[0]"}, payload)] == ["0"]


def test_an_empty_list_is_a_payload_without_events() -> None:
    assert events({"events": "items"}, {"items": []}) == []
    assert events({"events": "items || `[]`"}, {"other": 1}) == []


@pytest.mark.parametrize(
    ("expression", "payload"),
    [("items", {}), ("items", {"items": None}), ("items", {"items": "x"}), ("items", [PAYLOAD]), ("length(@)", {})],
)
def test_an_expression_that_finds_no_events_says_so(expression: str, payload: Any) -> None:
    with pytest.raises(InvalidPayload, match=r"mapping\.events"):
        events({"events": expression}, payload)


# -- dates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "own", "expected"),
    [
        ("2025-01-31T10:30:00+01:00", {}, DATE),
        ("2025-01-31T09:30:00", {"timeZone": "UTC"}, DATE),
        ("2025-01-31 10:30", {"timeZone": "Europe/Berlin"}, DATE),
        ("2025-01-31T09:30:00Z", {"timeZone": "Europe/Berlin"}, DATE),
        (1738315800, {"dateFormat": "unix"}, DATE),
        ("1738315800.123", {"dateFormat": "unix"}, "2025-01-31T09:30:00.123Z"),
        (1738315800123, {"dateFormat": "unix_ms"}, "2025-01-31T09:30:00.123Z"),
        ("31.01.2025 10:30", {"dateFormat": "%d.%m.%Y %H:%M", "timeZone": "Europe/Berlin"}, DATE),
        ("31.07.2025 11:30", {"dateFormat": "%d.%m.%Y %H:%M", "timeZone": "Europe/Berlin"}, "2025-07-31T09:30:00.000Z"),
        ("2025-01-31 10:30 +0100", {"dateFormat": "%Y-%m-%d %H:%M %z"}, DATE),
    ],
)
def test_dates_become_utc(value: Any, own: dict[str, Any], expected: str) -> None:
    assert date(value, **own) == expected


@pytest.mark.parametrize(
    ("value", "own"),
    [
        ("2025-01-31T09:30:00", {}),
        ("2025-01-31 09:30", {"dateFormat": "%Y-%m-%d %H:%M"}),
        ("soon", {}),
        ("31.01.2025", {"dateFormat": "%Y-%m-%d"}),
        ("soon", {"dateFormat": "unix"}),
        (True, {"dateFormat": "unix"}),
        ("1e999999", {"dateFormat": "unix"}),
        ("NaN", {"dateFormat": "unix_ms"}),
        (10**40, {"dateFormat": "unix"}),
        (5, {}),
        (["x"], {"dateFormat": "%Y-%m-%d"}),
        ("0001-01-01T00:00:00+14:00", {}),
    ],
)
def test_a_date_that_is_not_as_the_mapping_says_is_left_for_ingest_to_refuse(value: Any, own: dict[str, Any]) -> None:
    found = event(own, PAYLOAD | {"date": value})
    assert not isinstance(check(found, AttributeValidator(DOCUMENT), 1738315800_000), Event)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["events", "id", "dateCreated", "customer", "externalSourceId"])
@pytest.mark.parametrize("expression", ["", "a[", "x" * 1001, "(" * 900, 5, None, {}])
def test_a_bad_expression_is_refused_with_its_part(part: str, expression: Any) -> None:
    assert refused({part: expression}) == [("invalid.expression", f"mapping.{part}")]


@pytest.mark.parametrize(
    ("own", "code", "field"),
    [
        ({"Id": "id"}, "unknown.part", "Id"),
        ({"id": "nope(@)"}, "unknown.function", "id"),
        ({"attributes": {"amount": "a["}}, "invalid.expression", "attributes.amount"),
        ({"attributes": {"amount": 1.5}}, "invalid.expression", "attributes.amount"),
        ({"attributes": {"amount": Decimal("1.5")}}, "invalid.expression", "attributes.amount"),
        ({"attributes": ["amount"]}, "invalid.part", "attributes"),
        ({"externalIds": {"mail": "mail"}}, "invalid.part", "externalIds"),
        ({"externalIds": [{"value": "mail"}]}, "invalid.part", "externalIds"),
        (
            {"externalIds": [{"externalSourceId": "'m'", "value": "a["}]},
            "invalid.expression",
            "externalIds[0].value",
        ),
        ({"timeZone": "Mars/Olympus"}, "invalid.part", "timeZone"),
        ({"timeZone": "../../etc/passwd"}, "invalid.part", "timeZone"),
        ({"timeZone": ""}, "invalid.part", "timeZone"),
        ({"timeZone": "Europe"}, "invalid.part", "timeZone"),
        ({"timeZone": 5}, "invalid.part", "timeZone"),
        ({"dateFormat": 5}, "invalid.part", "dateFormat"),
        ({"dateFormat": ""}, "invalid.part", "dateFormat"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(own: dict[str, Any], code: str, field: str) -> None:
    assert refused(own) == [(code, f"mapping.{field}")]


@pytest.mark.parametrize(
    "pattern",
    [
        *("%Y-%m-%d %Q", "%Y-%m-%-d", "%s", "%Y-%m-%d %", "%", "%Y-%m-%d %d"),  # none, or not of strptime
        *("ISO", "yyyy-MM-dd", "%%Y", "%H:%M:%S", "%Y", "%Y-%m", "%m/%d", "%d %B", "2001-%m-%d", "%A"),  # no day
        "%Y-%m-%d %I:%M",  # which half of the day?
        *("\x00%Y-%m-%d", "\ud800%Y-%m-%d"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*day of month without a year:DeprecationWarning")
def test_a_pattern_that_cannot_tell_a_day_is_refused(pattern: str) -> None:
    assert refused({"dateFormat": pattern}) == [("invalid.part", "mapping.dateFormat")]


@pytest.mark.parametrize(
    "pattern",
    [
        *("%Y-%m-%d", "%d.%m.%y", "%Y%m%dT%H%M%S", "%Y-%m-%dT%H:%M:%S.%f%z", "%b %d, %Y %I:%M %p", "%A, %d %B %Y"),
        *("%a %b %d %H:%M:%S %Z %Y", "%Y-%j", "%G-W%V-%u", "%Y %U %w", "%c", "%x %X", "%Y年%m月%d日", "100%% %Y/%m/%d"),
    ],
)
def test_every_pattern_that_tells_a_day_is_taken(pattern: str) -> None:
    compile_mapping(DEFAULT, {"dateFormat": pattern})


def test_everything_that_is_wrong_is_named_at_once() -> None:
    assert len(refused({"id": "a[", "timeZone": "x", "other": 1, "attributes": {"a": "("}})) == 4


# -- expressions that do not suit --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        *("length(id2)", "join('-', [type, nothing])", "sort_by(@, &x)", "max(@)", "type[::0]", "to_number('x')"),
        *("ceil(to_number('1e999'))", "&type", "sum(type)", "contains('abc', `5`)", "avg(`[]`)"),
    ],
)
def test_an_expression_that_does_not_suit_the_payload_gives_nothing(expression: str) -> None:
    own = {"id": expression, "customer": expression, "dateCreated": expression, "attributes": {"amount": expression}}
    found = event(own)
    assert (found["id"], found["dateCreated"], found["attributes"].get("amount")) == (None, None, None)
    with pytest.raises(InvalidPayload):
        events({"events": "length(id2)"})


@pytest.mark.parametrize(
    "expression",
    ["to_number('1e999')", "[to_number('-1e999')]", '`"\\ud800"`', "[&type]", "{a: &type}", '{"a": `{"\\ud800": 1}`}'],
)
def test_what_json_has_not_never_reaches_an_event(expression: str) -> None:
    own = {"id": expression, "customer": expression, "dateCreated": expression, "attributes": {"amount": expression}}
    found = event(own)
    assert json.loads(jsontext.dumps(found).encode())
    assert not isinstance(check(found, AttributeValidator(DOCUMENT), 1738315800_000), Event)
