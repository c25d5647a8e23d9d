"""Mappings from payloads to events: default mappings, own mappings, dates, invalid mappings and expressions."""

import json
from decimal import Decimal
from typing import Any

import pytest

from journeys import jsontext
from journeys.cache import RecentlyUsed
from journeys.errors import BadRequest
from journeys.events.attributes import AttributeValidator
from journeys.events.model import Event
from journeys.events.validation import check
from journeys.registry.schemas.document import parse
from journeys.webhooks import mapping
from journeys.webhooks.delivery import Delivery, InvalidPayload
from journeys.webhooks.expressions import Evaluator
from journeys.webhooks.mapping import BYTES_PER_CHARACTER, EventMapping, compile_mapping, is_same_event
from journeys.webhooks.senders.registry import SENDERS
from tests.support.webhooks import DATE, SCHEMA, SenderCase, sender_cases

DOCUMENT = parse(SCHEMA)
DEFAULT = SENDERS["hmac"].presets[1]
PAYLOAD: dict[str, Any] = {"id": "h-1", "date": DATE, "customer": "c-1", "type": "call", "status": "done"}
each = pytest.mark.parametrize("case", sender_cases(), ids=lambda case: case.name)


def events(own: dict[str, Any], payload: Any = PAYLOAD, fields: Any = DOCUMENT.fields) -> list[dict[str, Any]]:
    return compile_mapping(DEFAULT, own).to_events(payload, fields, Evaluator.of_delivery({}, 0))


def event(own: dict[str, Any], payload: Any = PAYLOAD) -> dict[str, Any]:
    (only,) = events(own, payload)
    return only


def date(value: Any, **own: Any) -> Any:
    return event(own, PAYLOAD | {"date": value})["dateCreated"]


def refused(own: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(BadRequest) as refusal:
        compile_mapping(DEFAULT, own)
    assert refusal.value.code == "invalid.mapping"
    return [(detail.error_code, detail.field_name) for detail in refusal.value.details]


# -- default mappings --------------------------------------------------------------------------------------------------


@each
def test_the_default_mapping_makes_valid_events_of_the_sample_payload(case: SenderCase) -> None:
    sent = case.deliver(url="https://x/", now=1738315800)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    sender = SENDERS[case.name]
    mapping = compile_mapping(sender.presets[1], case.mapping)
    payloads = sender.extract_payloads(Delivery("POST", headers, sent.query, sent.body, "https://x/", 0))
    made = [
        event
        for payload in payloads
        for event in mapping.to_events(payload, DOCUMENT.fields, Evaluator.of_delivery({}, 0))
    ]
    assert json.loads(jsontext.dumps(made)) == list(case.events)
    for made_event in made:
        assert isinstance(check(made_event, AttributeValidator(DOCUMENT), 1738315800_000), Event)


@each
def test_the_default_mapping_makes_no_id_date_or_customer_of_a_payload_without_them(case: SenderCase) -> None:
    """Otherwise the text `null` would become the id of many events."""
    mapping = compile_mapping(SENDERS[case.name].presets[1], case.mapping)
    payloads: list[Any] = [{}, {"x": 1}, [], None, "text", 5]
    for payload in payloads:
        (only,) = mapping.to_events(payload, DOCUMENT.fields, Evaluator.of_delivery({}, 0))
        assert only["id"] is None
        assert only["dateCreated"] is None
        assert [identifier["value"] for identifier in only["identifiers"]["externalIds"]] == [None]


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
def test_an_id_is_missing_if_one_of_its_parts_is_missing(name: str, payload: Any) -> None:
    (only,) = compile_mapping(SENDERS[name].presets[1], {}).to_events(payload, (), Evaluator.of_delivery({}, 0))
    assert only["id"] is None


def test_default_attributes_outside_the_schema_are_left_out_and_own_attributes_are_not() -> None:
    (only,) = events({"attributes": {"extra": "status"}}, fields=("type",))
    assert only["attributes"] == {"type": "call", "extra": "done"}


# -- an endpoint's own mapping -----------------------------------------------------------------------------------------


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


def test_null_removes_an_attribute_of_the_default_mapping() -> None:
    assert event({"attributes": {"type": None}})["attributes"] == {"status": "done"}


def test_one_payload_can_contain_many_events() -> None:
    payload = {"items": [PAYLOAD | {"id": str(number)} for number in range(1500)]}
    assert [item["id"] for item in events({"events": "items"}, payload)] == [str(number) for number in range(1500)]
    assert [item["id"] for item in events({"events": "items[0]"}, payload)] == ["0"]


def test_an_empty_list_is_a_payload_without_events() -> None:
    assert events({"events": "items"}, {"items": []}) == []
    assert events({"events": "items || `[]`"}, {"other": 1}) == []


@pytest.mark.parametrize(
    ("expression", "payload"),
    [("items", {}), ("items", {"items": None}), ("items", {"items": "x"}), ("items", [PAYLOAD]), ("length(@)", {})],
)
def test_an_expression_that_finds_no_list_of_events_is_an_invalid_payload(expression: str, payload: Any) -> None:
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
def test_dates_are_converted_to_utc(value: Any, own: dict[str, Any], expected: str) -> None:
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
def test_a_date_in_another_format_is_unchanged_and_ingest_refuses_it(value: Any, own: dict[str, Any]) -> None:
    mapped = event(own, PAYLOAD | {"date": value})
    assert not isinstance(check(mapped, AttributeValidator(DOCUMENT), 1738315800_000), Event)


# -- invalid mappings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["events", "id", "dateCreated", "customer", "externalSourceId"])
@pytest.mark.parametrize("expression", ["", "a[", "x" * 1001, "(" * 900, 5, None, {}])
def test_an_invalid_expression_is_refused_and_its_part_is_named(part: str, expression: Any) -> None:
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
def test_an_invalid_part_is_refused_and_named(own: dict[str, Any], code: str, field: str) -> None:
    assert refused(own) == [(code, f"mapping.{field}")]


@pytest.mark.parametrize(
    "pattern",
    [
        *("%Y-%m-%d %Q", "%Y-%m-%-d", "%s", "%Y-%m-%d %", "%", "%Y-%m-%d %d"),  # Unknown to strptime, or repeated.
        *(
            "ISO",
            "yyyy-MM-dd",
            "%%Y",
            "%H:%M:%S",
            "%Y",
            "%Y-%m",
            "%m/%d",
            "%d %B",
            "2001-%m-%d",
            "%A",
        ),  # The day is incomplete.
        "%Y-%m-%d %I:%M",  # AM or PM is missing.
        *("\x00%Y-%m-%d", "\ud800%Y-%m-%d"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*day of month without a year:DeprecationWarning")
def test_a_date_pattern_without_the_full_day_is_refused(pattern: str) -> None:
    assert refused({"dateFormat": pattern}) == [("invalid.part", "mapping.dateFormat")]


@pytest.mark.parametrize(
    "pattern",
    [
        *("%Y-%m-%d", "%d.%m.%y", "%Y%m%dT%H%M%S", "%Y-%m-%dT%H:%M:%S.%f%z", "%b %d, %Y %I:%M %p", "%A, %d %B %Y"),
        *("%a %b %d %H:%M:%S %Z %Y", "%Y-%j", "%G-W%V-%u", "%Y %U %w", "%c", "%x %X", "%Y年%m月%d日", "100%% %Y/%m/%d"),
    ],
)
def test_a_date_pattern_with_the_full_day_is_accepted(pattern: str) -> None:
    compile_mapping(DEFAULT, {"dateFormat": pattern})


def test_all_problems_of_a_mapping_are_named_at_once() -> None:
    assert len(refused({"id": "a[", "timeZone": "x", "other": 1, "attributes": {"a": "("}})) == 4


# -- expressions that do not fit the payload ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        *("length(id2)", "join('-', [type, nothing])", "sort_by(@, &x)", "max(@)", "type[::0]", "to_number('x')"),
        *("ceil(to_number('1e999'))", "&type", "sum(type)", "contains('abc', `5`)", "avg(`[]`)"),
    ],
)
def test_an_expression_that_does_not_fit_the_payload_returns_nothing(expression: str) -> None:
    own = {"id": expression, "customer": expression, "dateCreated": expression, "attributes": {"amount": expression}}
    mapped = event(own)
    assert (mapped["id"], mapped["dateCreated"], mapped["attributes"].get("amount")) == (None, None, None)
    with pytest.raises(InvalidPayload):
        events({"events": "length(id2)"})


@pytest.mark.parametrize(
    "expression",
    ["to_number('1e999')", "[to_number('-1e999')]", '`"\\ud800"`', "[&type]", "{a: &type}", '{"a": `{"\\ud800": 1}`}'],
)
def test_a_value_that_json_cannot_represent_never_reaches_an_event(expression: str) -> None:
    own = {"id": expression, "customer": expression, "dateCreated": expression, "attributes": {"amount": expression}}
    mapped = event(own)
    assert json.loads(jsontext.dumps(mapped).encode())
    assert not isinstance(check(mapped, AttributeValidator(DOCUMENT), 1738315800_000), Event)


# -- messages ----------------------------------------------------------------------------------------------------------


def message(own: dict[str, Any]) -> str:
    with pytest.raises(BadRequest) as refusal:
        compile_mapping(DEFAULT, own)
    return refusal.value.message


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"id": "data..id"}, "mapping.id is not a valid JMESPath expression at character 6."),
        (
            {"attributes": {"total": "a["}},
            "mapping.attributes.total is not a valid JMESPath expression at character 3.",
        ),
        ({"id": ""}, "mapping.id must be a JMESPath expression: a string of 1 to 1000 characters."),
        (
            {"timeZone": "x"},
            "mapping.timeZone must be the name of a time zone in the IANA database, such as Europe/Berlin.",
        ),
    ],
)
def test_a_message_names_the_field_the_position_and_what_is_allowed(own: dict[str, Any], expected: str) -> None:
    assert message(own) == expected


def test_a_message_about_an_unknown_name_lists_the_names_that_exist() -> None:
    assert message({"color": "id"}).endswith(
        "is not a part of a mapping. Use one of events, id, dateCreated, customer, externalSourceId, dateFormat, "
        "timeZone, externalIds, attributes."
    )
    assert 'the unknown function "upper". Use one of abs, avg, ceil, ' in message({"id": "upper(id)"})
    assert "must be iso, unix, unix_ms or a strptime pattern" in message({"dateFormat": "%H:%M"})


def test_a_message_describes_at_most_ten_problems_and_counts_the_others() -> None:
    own = {"attributes": {f"field{number}": "a[" for number in range(13)}}
    assert message(own).count("is not a valid JMESPath expression") == 10
    assert message(own).endswith(" (and 3 more)")
    assert len(refused(own)) == 13


def test_a_long_name_is_shortened_in_messages_and_details() -> None:
    own = {"x" * 5000: "id"}
    assert len(message(own)) < 500
    assert len(refused(own)[0][1]) < 120


# -- budget ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "own",
    [
        {"attributes": {"a": "@" + "|[@,@]" * 25}},
        {"attributes": {"a": "length(@" + "|[@,@][]" * 100 + ")"}},
        {"id": "id" + "|join('',[@,@])" * 60},
        {"events": "@" + "|[@,@]" * 60},
    ],
)
def test_a_mapping_that_exceeds_its_budget_is_an_invalid_payload(own: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload, match="take too long"):
        events(own)


def test_a_result_that_is_nested_too_deeply_for_an_event_is_an_invalid_payload() -> None:
    with pytest.raises(InvalidPayload, match="nested too deeply"):
        events({"attributes": {"a": "{a: " * 31 + "`1`" + "}" * 31}})


# -- identifiers in the order of preference ----------------------------------------------------------------------------

PREFERRED: dict[str, Any] = {
    "id": "id",
    "dateCreated": "date",
    "externalIds": [
        {"externalSourceId": "'shop'", "value": "customer.id"},
        {"externalSourceId": "'email'", "value": "lower(email)"},
        {"externalSourceId": "'email'", "value": "lower(customer.email)"},
        {"externalSourceId": "'phone'", "value": "phone"},
    ],
    "attributes": {"status": "status"},
}


def identifiers(payload: dict[str, Any], own: dict[str, Any] | None = None) -> list[tuple[str, Any]]:
    mapping = compile_mapping(PREFERRED, own or {})
    (event,) = mapping.to_events({"id": 1, **payload}, ("status",), Evaluator.of_delivery({}, 0))
    return [(one["externalSourceId"], one["value"]) for one in event["identifiers"]["externalIds"]]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"customer": {"id": 7, "email": "A@x.org"}, "email": "a@x.org"}, [("shop", "7"), ("email", "a@x.org")]),
        ({"customer": None, "email": " ", "phone": "+1555"}, [("phone", "+1555")]),
        ({"customer": {"id": ""}, "email": "a@x.org", "phone": None}, [("email", "a@x.org")]),
        ({}, []),
    ],
)
def test_the_first_identifier_that_a_payload_holds_names_the_journey(
    payload: dict[str, Any], expected: list[tuple[str, Any]]
) -> None:
    assert identifiers(payload) == expected


def test_an_own_customer_comes_first_and_must_be_found() -> None:
    own = {"customer": "account", "externalSourceId": "'crm'", "externalIds": [_identifier("'card'", "card")]}
    payload = {"customer": {"id": "7"}, "account": "A", "card": "C"}
    assert identifiers(payload, own) == [("crm", "A"), ("shop", "7"), ("card", "C")]
    assert identifiers({"customer": {"id": "7"}}, own)[0] == ("crm", None)


def test_an_own_source_is_that_of_the_first_identifier() -> None:
    payload = {"customer": {"id": "7"}, "phone": "+1555"}
    assert identifiers(payload, {"externalSourceId": "'crm'"}) == [("crm", "7"), ("phone", "+1555")]


def test_empty_texts_of_a_payload_are_no_values() -> None:
    (event,) = compile_mapping(PREFERRED, {}).to_events({"status": ""}, ("status",), Evaluator.of_delivery({}, 0))
    assert (event["id"], event["attributes"]) == (None, {})


@pytest.mark.parametrize("value", ["undefined", " NULL ", "anonymous", "(not set)"])
def test_a_placeholder_identifies_nobody(value: str) -> None:
    """Otherwise the whole event would be refused, although another identifier is known."""
    assert identifiers({"customer": {"id": value}, "phone": "+1555"}) == [("phone", "+1555")]
    assert identifiers({"account": value, "phone": "+1555"}, {"customer": "account"})[0] == ("shop", value.strip())


@pytest.mark.parametrize(
    ("differing", "date", "expected"),
    [
        (("dateCreated",), "2025-01-31T09:30:00.000Z", True),
        (("dateCreated",), "2025-01-31T09:30:00.001Z", False),
        (("dateCreated", "attributes.type"), "2025-01-31T09:30:00.000Z", False),
        (("attributes.type",), "2025-01-31T09:30:00.000Z", False),
    ],
)
def test_an_event_that_differs_only_in_the_time_of_receipt_is_the_same(
    differing: tuple[str, ...], date: str, expected: bool
) -> None:
    assert is_same_event({"dateCreated": date}, differing, 1738315800_000) is expected


def _identifier(source: str, value: str) -> dict[str, str]:
    return {"externalSourceId": source, "value": value}


# -- the cache of compiled mappings ------------------------------------------------------------------------------------


def test_compiled_mappings_are_cached_up_to_a_total_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping of 40 KB can take 5 MB when it is compiled, so their number alone would not limit the memory."""
    cached: RecentlyUsed[str, EventMapping] = RecentlyUsed(100_000 * BYTES_PER_CHARACTER)
    monkeypatch.setattr(mapping, "_compiled", cached)
    used = compile_mapping(DEFAULT, {})
    for number in range(20):
        own = {"attributes": {f"a{index}": "[" + "@," * 450 + f"a{number}]" for index in range(20)}}
        assert compile_mapping(DEFAULT, own) is not used
        assert compile_mapping(DEFAULT, {}) is used
    assert 1 < len(cached) <= 100_000 // 18_000 + 1
