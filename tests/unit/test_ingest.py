"""The ingest function: refusals, duplicates, conflicts, dry runs and caching."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import dates, jsontext
from journeys.events.refusals import REASONS
from journeys.events.validation import PLACEHOLDERS
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.store import SchemaStore
from journeys.telemetry import logger
from tests.conftest import ORGANIZATION
from tests.support.functions import Context, api_event, load
from tests.support.tables import Tables

SCHEMA: dict[str, Any] = {
    "title": "Order placed",
    "properties": {
        "amount": {"type": "number"},
        "quantity": {"type": "integer", "minimum": 0, "maximum": 1000},
        "paid": {"type": "boolean"},
        "channel": {"type": "string", "enum": ["web", "shop"]},
        "note": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


def an_event(id_: Any = "e-1", **changes: Any) -> dict[str, Any]:
    """A valid event as a sender sends it, with changes."""
    return {
        "id": id_,
        "dateCreated": "2026-01-31T09:30:00.123Z",
        "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "customer-1"}]},
        "attributes": {"quantity": 5},
    } | changes


def of(source: Any, value: Any) -> dict[str, Any]:
    """The identifiers of an event with one external id."""
    return {"externalIds": [{"externalSourceId": source, "value": value}]}


@dataclass(frozen=True)
class Source:
    """A configuration with its schema, and the ingest function."""

    tables: Tables
    function: ModuleType
    configuration_id: str
    schema_id: str

    def post(self, *events: Any, path: str = "events", **request: Any) -> tuple[int, Any]:
        """The status and the body of a response. Its numbers keep all digits."""
        return ask(
            self.function, f"externalevents/configurations/{self.configuration_id}/{path}", list(events), **request
        )

    def send(self, *events: Any, path: str = "events", **request: Any) -> dict[str, Any]:
        """The response to a request that was processed event by event."""
        status, body = self.post(*events, path=path, **request)
        assert status == 200, body
        assert_every_index_once(len(events), body)
        return dict(body)

    def outcomes(self, *events: Any, path: str = "events") -> list[str]:
        """The outcome or the refusal reason of each event."""
        body = self.send(*events, path=path)
        found = {one["originalRequestIndex"]: one["outcome"] for one in body["processed"]}
        found |= {one["originalRequestIndex"]: one["errorCode"] for one in body["unprocessedEntities"]}
        return [found[index] for index in range(len(events))]

    def refused(self, event: Any) -> dict[str, Any]:
        """The refusal of one event."""
        (refused,) = self.send(event)["unprocessedEntities"]
        return dict(refused)

    def stored(self) -> list[dict[str, Any]]:
        return self.tables.items(self.tables.events)

    def failures(self) -> list[dict[str, Any]]:
        return self.tables.items(self.tables.failures)


def ask(function: ModuleType, path: str, events: list[Any] | None = None, **request: Any) -> tuple[int, Any]:
    """The status and the body of a function's response to a POST. Its numbers keep all digits."""
    body = None if events is None else {"entities": events}
    answer = function.handler(api_event("POST", path, body, **request), Context())
    return answer["statusCode"], jsontext.loads(answer["body"].encode())


def assert_every_index_once(number: int, body: dict[str, Any]) -> None:
    """Every index of the request is in exactly one of the two lists of the response."""
    places = [one["originalRequestIndex"] for one in body["processed"] + body["unprocessedEntities"]]
    assert sorted(places) == list(range(number))


def make_source(tables: Tables, schema: dict[str, Any] | None = None, organization_id: str = ORGANIZATION) -> Source:
    """A configuration for a new event type, and a fresh ingest function."""
    made = SchemaStore(tables.dynamodb, tables.registry).create(organization_id, parse(schema or SCHEMA), {"id": "x"})
    configuration = ConfigurationStore(tables.dynamodb, tables.registry).create(
        organization_id, name="Orders", description=None, division_id=None, schema_id=made.schema_id, source="ERP"
    )
    return Source(tables, load("ingest"), configuration.configuration_id, made.schema_id)


@pytest.fixture
def source(tables: Tables) -> Source:
    return make_source(tables)


def change_schema(source: Source, *, enabled: bool | None = None, **properties: Any) -> None:
    """Writes the next version of the source's schema, with additional fields."""
    schemas = SchemaStore(source.tables.dynamodb, source.tables.registry)
    schema = schemas.get(ORGANIZATION, source.schema_id)
    fields = dict(schema.raw["properties"]) | properties
    schemas.update(
        ORGANIZATION,
        source.schema_id,
        version=schema.version,
        enabled=enabled,
        document=parse(dict(schema.raw) | {"properties": fields}),
    )


def configurations(source: Source) -> ConfigurationStore:
    return ConfigurationStore(source.tables.dynamodb, source.tables.registry)


# -- storing -----------------------------------------------------------------------------------------------------------


def test_an_event_is_stored_as_it_was_sent_with_the_time_of_its_receipt(source: Source) -> None:
    others = [{"externalSourceId": "crm", "value": "Zoë"}, {"externalSourceId": "loyalty", "value": "77"}]
    attributes = {"amount": Decimal("19.90"), "paid": True, "channel": "web", "tags": ["a", "b"], "note": ""}
    before = dates.now_ms()
    body = source.send(
        an_event(
            dateCreated="2026-01-31T10:30:00.9876+01:00", identifiers={"externalIds": others}, attributes=attributes
        )
    )
    after = dates.now_ms()

    assert body["processed"] == [{"originalRequestIndex": 0, "id": "e-1", "outcome": "created"}]
    (item,) = source.stored()
    assert item["pk"] == {"S": f"acme#{source.configuration_id}#e-1"}
    assert item["dateCreated"] == {"S": "2026-01-31T09:30:00.987Z"}
    assert before <= dates.parse(item["dateReceived"]["S"]) <= after
    assert [one["M"] for one in item["externalIds"]["L"]] == [
        {name: {"S": text} for name, text in one.items()} for one in others
    ]
    assert item["attributes"]["M"] == {
        "amount": {"N": "19.90"},
        "paid": {"BOOL": True},
        "channel": {"S": "web"},
        "tags": {"L": [{"S": "a"}, {"S": "b"}]},
        "note": {"S": ""},
    }
    assert item["eventName"] == {"S": "Order placed"}
    assert item["source"] == {"S": "ERP"}


def test_ids_with_any_characters_are_distinct_and_returned_unchanged(source: Source) -> None:
    ids = ["a#b", "a%23b", "ä/ö?", "x" * 255, "…" * 85, " padded ", "padded"]
    body = source.send(*map(an_event, ids))
    assert [one["id"] for one in body["processed"]] == ids
    assert len(source.stored()) == len(ids)


# -- refused events ----------------------------------------------------------------------------------------------------

NOBODY: dict[str, Any] = {"externalIds": []}
AHEAD = 2 * 60 * 60 * 1000

ROWS: list[tuple[dict[str, Any], int, str, str]] = [
    ({"dateCreated": None}, 400, "missing.date", "dateCreated"),
    ({"dateCreated": ""}, 400, "missing.date", "dateCreated"),
    ({"dateCreated": " \t"}, 400, "missing.date", "dateCreated"),
    ({"dateCreated": "2026-01-31T09:30:00"}, 400, "invalid.date", "dateCreated"),
    ({"dateCreated": "yesterday"}, 400, "invalid.date", "dateCreated"),
    ({"dateCreated": 1769850000000}, 400, "invalid.date", "dateCreated"),
    ({"dateCreated": "1969-12-31T23:59:59.999Z"}, 400, "invalid.date", "dateCreated"),
    ({"dateCreated": dates.text(dates.now_ms() + AHEAD)}, 400, "date.in.future", "dateCreated"),
    ({"identifiers": None}, 400, "missing.identifier", "identifiers.externalIds"),
    ({"identifiers": NOBODY}, 400, "missing.identifier", "identifiers.externalIds"),
    ({"identifiers": of("crm", None)}, 400, "missing.identifier", "identifiers.externalIds[0].value"),
    ({"identifiers": of("crm", "  ")}, 400, "missing.identifier", "identifiers.externalIds[0].value"),
    ({"identifiers": of("", "c")}, 400, "missing.identifier", "identifiers.externalIds[0].externalSourceId"),
    ({"identifiers": {"externalIds": "c"}}, 400, "invalid.identifier", "identifiers.externalIds"),
    ({"identifiers": {"externalIds": ["c"]}}, 400, "invalid.identifier", "identifiers.externalIds[0]"),
    ({"identifiers": of("crm", 5)}, 400, "invalid.identifier", "identifiers.externalIds[0].value"),
    ({"identifiers": of("crm", "c" * 256)}, 400, "invalid.identifier", "identifiers.externalIds[0].value"),
    ({"identifiers": of("crm", "Null")}, 400, "invalid.identifier", "identifiers.externalIds[0].value"),
    ({"identifiers": of("crm", "undefined")}, 400, "invalid.identifier", "identifiers.externalIds[0].value"),
    ({"identifiers": of("crm", " ANONYMOUS ")}, 400, "invalid.identifier", "identifiers.externalIds[0].value"),
    ({"id": None}, 400, "missing.id", "id"),
    ({"id": " "}, 400, "missing.id", "id"),
    ({"id": 7}, 400, "invalid.id", "id"),
    ({"id": "é" * 128}, 400, "invalid.id", "id"),
    ({"attributes": {"note": "n" * (300 * 1024)}}, 422, "event.too.large", ""),
    ({"attributes": {f"a{index}": 1 for index in range(51)}}, 422, "too.many.attributes", "attributes"),
    ({"attributes": {"colour": "red"}}, 422, "unknown.attribute", "attributes.colour"),
    ({"colour": "red"}, 422, "unknown.attribute", "colour"),
    ({"attributes": {"quantity": "5"}}, 422, "invalid.attribute", "attributes.quantity"),
    ({"attributes": {"quantity": True}}, 422, "invalid.attribute", "attributes.quantity"),
    ({"attributes": {"paid": 1}}, 422, "invalid.attribute", "attributes.paid"),
    ({"attributes": {"quantity": 1001}}, 422, "invalid.attribute", "attributes.quantity"),
    ({"attributes": {"channel": "phone"}}, 422, "invalid.attribute", "attributes.channel"),
    ({"attributes": [1]}, 422, "invalid.attribute", "attributes"),
]  # fmt: skip


def test_an_invalid_event_is_refused_permanently_with_the_reason(source: Source) -> None:
    for index, (changes, status, code, field) in enumerate(ROWS):
        event = an_event(f"e-{index}") | changes
        refused = source.refused(event)
        assert refused == {
            "event": event,
            "originalRequestIndex": 0,
            "isRetryable": False,
            "errorMessage": refused["errorMessage"],
            "statusCode": status,
            "errorCode": code,
            "fieldName": field or None,
        }
        assert refused["errorMessage"]
    assert source.stored() == []
    assert sorted(row["reason"]["S"] for row in source.failures()) == sorted(code for _, _, code, _ in ROWS)


def test_several_problems_of_an_event_are_reported_in_the_message_and_as_details(source: Source) -> None:
    refused = source.refused(an_event(dateCreated=None, attributes={"quantity": "5"}))
    assert (refused["errorCode"], refused["fieldName"]) == ("missing.date", "dateCreated")
    assert refused["details"] == [
        {"errorCode": "missing.date", "fieldName": "dateCreated"},
        {"errorCode": "invalid.attribute", "fieldName": "attributes.quantity"},
    ]
    assert "dateCreated" in refused["errorMessage"]
    assert 'The attribute "quantity" must be a whole number from' in refused["errorMessage"]


def test_a_required_attribute_that_is_missing_is_refused(tables: Tables) -> None:
    source = make_source(tables, SCHEMA | {"required": ["paid"]})
    refused = source.refused(an_event())
    found = refused["statusCode"], refused["errorCode"], refused["fieldName"], refused["isRetryable"]
    assert found == (422, "missing.attribute", "attributes.paid", False)


def test_an_entity_that_is_not_an_object_is_refused_as_an_event(source: Source) -> None:
    found = source.outcomes(None, 5, "x", True, [], [{}], an_event())
    assert found == ["invalid.event"] * 6 + ["created"]
    assert REASONS["invalid.event"] == (400, False)


def test_placeholders_are_refused_as_customer_identifiers(source: Source) -> None:
    events = [an_event(f"e-{value}", identifiers=of("crm", value.upper())) for value in sorted(PLACEHOLDERS)]
    assert set(source.outcomes(*events)) == {"invalid.identifier"}


def test_missing_fields_are_named(source: Source) -> None:
    nameless = {name: value for name, value in an_event().items() if name != "id"}
    dateless = {name: value for name, value in an_event().items() if name != "dateCreated"}
    customerless = {name: value for name, value in an_event().items() if name != "identifiers"}
    found = source.outcomes(nameless, dateless, customerless)
    assert found == ["missing.id", "missing.date", "missing.identifier"]


BAD: list[Any] = [changes for changes, *_ in ROWS if "note" not in changes.get("attributes", {})]


@settings(max_examples=25)
@given(st.lists(st.one_of(st.none(), st.integers(0, len(BAD) - 1)), min_size=1, max_size=20))
def test_invalid_events_do_not_affect_other_events_of_the_request(source: Source, mix: list[int | None]) -> None:
    """`None` is a valid event, a number an invalid one of that row. Ids are new in every example."""
    stem = f"{dates.now_ms()}-{len(source.stored())}"
    stored = len(source.stored())
    events = [an_event(f"{stem}-{index}") | (BAD[bad] if bad is not None else {}) for index, bad in enumerate(mix)]
    found = source.outcomes(*events)
    assert [one == "created" for one in found] == [bad is None for bad in mix]
    assert len(source.stored()) == stored + mix.count(None)


# -- duplicates and conflicts ------------------------------------------------------------------------------------------


def test_a_duplicate_event_is_reported_and_not_stored_twice(source: Source) -> None:
    event = an_event(attributes={"amount": 5, "paid": True})
    again = an_event(attributes={"paid": True, "amount": Decimal("5.0")}, dateCreated="2026-01-31T10:30:00.123+01:00")
    assert source.outcomes(event) == ["created"]
    before = source.stored()
    assert source.outcomes(event, again) == ["duplicate", "duplicate"]
    assert source.stored() == before
    assert source.failures() == []


CONFLICTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"dateCreated": "2026-01-31T09:30:00.124Z"}, ["dateCreated"]),
    ({"identifiers": of("crm", "customer-2")}, ["identifiers.externalIds"]),
    ({"identifiers": {"externalIds": [*of("crm", "customer-1")["externalIds"], *of("b", "2")["externalIds"]]}},
     ["identifiers.externalIds"]),
    ({"attributes": {"quantity": 6}}, ["attributes.quantity"]),
    ({"attributes": None}, ["attributes.quantity"]),
    ({"attributes": {"quantity": 5, "paid": False}}, ["attributes.paid"]),
    ({"attributes": {"amount": 5}, "dateCreated": "2026-01-30T00:00:00Z"},
     ["dateCreated", "attributes.amount", "attributes.quantity"]),
]  # fmt: skip


def test_an_event_with_a_used_id_and_other_content_is_a_conflict_that_names_the_differing_fields(
    source: Source,
) -> None:
    source.send(an_event())
    before = source.stored()
    for changes, differing in CONFLICTS:
        refused = source.refused(an_event() | changes)
        assert (refused["statusCode"], refused["errorCode"], refused["isRetryable"]) == (409, "event.conflict", False)
        assert refused["fieldName"] == "id"
        assert all(name in refused["errorMessage"] for name in differing)
        assert source.stored() == before
    kept = [[one["S"] for one in failure["differing"]["L"]] for failure in source.failures()]
    assert sorted(kept) == sorted(differing for _, differing in CONFLICTS)


def test_true_and_1_are_different_contents(tables: Tables) -> None:
    """The kind of a field never changes, so the test stores an item directly to compare the two."""
    source = make_source(tables)
    source.send(an_event(attributes={"paid": True}))
    (item,) = source.stored()
    item["attributes"]["M"]["paid"] = {"N": "1"}
    tables.dynamodb.put_item(TableName=tables.events, Item=item)
    assert source.outcomes(an_event(attributes={"paid": True})) == ["event.conflict"]


def test_within_a_request_the_first_event_with_an_id_is_stored(source: Source) -> None:
    first, other = an_event(attributes={"quantity": 1}), an_event(attributes={"quantity": 2})
    assert source.outcomes(first, other, first, an_event("e-2")) == [
        "created",
        "event.conflict",
        "duplicate",
        "created",
    ]
    assert {item["attributes"]["M"]["quantity"]["N"] for item in source.stored()} == {"1", "5"}


def test_an_id_is_unique_only_within_its_configuration(tables: Tables) -> None:
    one, other = make_source(tables), make_source(tables, SCHEMA | {"title": "Another"})
    assert one.outcomes(an_event()) == ["created"]
    assert other.outcomes(an_event(attributes={"quantity": 6})) == ["created"]


# -- dry run -----------------------------------------------------------------------------------------------------------


def test_a_dry_run_gives_the_same_results_and_stores_nothing(source: Source) -> None:
    good, bad = an_event("good"), an_event("bad", attributes={"quantity": "5"})
    judged = source.send(good, bad, path="events/validate")
    assert [one["originalRequestIndex"] for one in judged["processed"]] == [0]
    assert source.stored() == source.failures() == []
    assert judged["unprocessedEntities"] == source.send(good, bad)["unprocessedEntities"]


def test_a_dry_run_refuses_what_ingest_refuses(source: Source) -> None:
    for changes, _, code, _ in ROWS:
        assert source.outcomes(an_event() | changes, path="events/validate") == [code]
    assert source.failures() == []


# -- refused requests --------------------------------------------------------------------------------------------------


def assert_error_body(source: Source, event: dict[str, Any], status: int, code: str) -> dict[str, Any]:
    """The response is the contract's `ErrorBody` with the id of the request."""
    answer = source.function.handler(event, Context())
    body = jsontext.loads(answer["body"].encode())
    assert (answer["statusCode"], body["status"], body["code"]) == (status, status, code)
    assert body["contextId"] == event["requestContext"]["requestId"]
    assert body["message"]
    assert source.stored() == source.failures() == []
    return dict(body)


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"{",
    "trailing": b'{"entities": [{}]} x',
    "NaN": b'{"entities": [{"a": NaN}]}',
    "Infinity": b'{"entities": [{"a": Infinity}]}',
    "-Infinity": b'{"entities": [{"a": -Infinity}]}',
    "a name twice": b'{"entities": [{"id": "1", "id": "2"}]}',
    "nesting over 32": b'{"entities": ' + b"[" * 32 + b"]" * 32 + b"}",
    "nesting far over 32": b"[" * 500_000,
    "a lone surrogate": b'{"entities": [{"id": "\\ud800"}]}',
    "a lone surrogate, encoded": b'{"entities": [{"id": "\xed\xa0\x80"}]}',
    "not UTF-8": b'{"entities": [{"id": "\xff"}]}',
    "an exponent past all bounds": b'{"entities": [{"a": 1e99999999999999999999}]}',
    "a whole number past all bounds": b'{"entities": [{"a": ' + b"9" * 5000 + b"}]}",
    "a list": b"[]",
    "null": b"null",
    "no entities": b"{}",
    "entities null": b'{"entities": null}',
    "entities an object": b'{"entities": {"0": {}}}',
    "0 entities": b'{"entities": []}',
    "101 entities": b'{"entities": [' + b",".join([b"{}"] * 101) + b"]}",
}


@pytest.mark.parametrize("path", ["events", "events/validate"])
def test_a_body_without_a_list_of_events_is_a_bad_request(source: Source, path: str) -> None:
    where = f"externalevents/configurations/{source.configuration_id}/{path}"
    for body in BAD_BODIES.values():
        assert_error_body(source, api_event("POST", where, raw=body), 400, "bad.request")


def test_requests_with_1_and_with_100_events_are_accepted(source: Source) -> None:
    assert source.outcomes(an_event("one")) == ["created"]
    assert set(source.outcomes(*[an_event(f"of-100-{index}") for index in range(100)])) == {"created"}


def test_a_body_of_1_mib_is_accepted_and_a_larger_one_is_refused(source: Source) -> None:
    where = f"externalevents/configurations/{source.configuration_id}/events"
    body = jsontext.dumps({"entities": [an_event()]}).encode()
    whole = body + b" " * (1024 * 1024 - len(body))
    assert_error_body(source, api_event("POST", where, raw=whole + b" "), 413, "payload.too.large")
    assert source.function.handler(api_event("POST", where, raw=whole), Context())["statusCode"] == 200


def test_another_media_type_is_refused(source: Source) -> None:
    where = f"externalevents/configurations/{source.configuration_id}/events"
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""):
        event = api_event("POST", where, {"entities": [an_event()]}, headers={"Content-Type": media_type})
        assert_error_body(source, event, 415, "unsupported.media.type")


def test_all_spellings_of_the_json_media_type_are_accepted(source: Source) -> None:
    for media_type in ("application/json; charset=utf-8", "Application/JSON"):
        assert source.send(an_event(), headers={"Content-Type": media_type})["processed"]


def test_a_request_without_a_client_is_not_authenticated(source: Source) -> None:
    where = f"externalevents/configurations/{source.configuration_id}/events"
    event = api_event("POST", where, {"entities": [an_event()]}, client_id=None)
    assert_error_body(source, event, 401, "authentication.required")


def test_a_client_without_the_permission_gets_its_name(source: Source) -> None:
    add = "journey:externalEventsEvent:add"
    clients = ClientStore(source.tables.dynamodb, source.tables.registry)
    clients.put(Client("reader", ORGANIZATION, "A reader", PERMISSIONS - {add}))
    for path in ("events", "events/validate"):
        where = f"externalevents/configurations/{source.configuration_id}/{path}"
        event = api_event("POST", where, {"entities": [an_event()]}, client_id="reader")
        assert add in assert_error_body(source, event, 403, "missing.permissions")["message"]


def test_an_unknown_configuration_is_not_found(source: Source) -> None:
    for id_ in ("5f0c6f0e-0000-5c67-9b0e-0b7c0a3b6f11", "x", "x" * 3000, "%23", "a b"):
        where = f"externalevents/configurations/{id_}/events"
        assert_error_body(source, api_event("POST", where, {"entities": [an_event()]}), 404, "not.found")
    assert len(source.function.ingest._judge._bindings._cache._existing) == 0  # Invented ids displace no binding.


def test_the_id_of_an_event_type_used_as_a_configuration_id_is_recognized(source: Source) -> None:
    where = f"externalevents/configurations/{source.schema_id}/events"
    body = assert_error_body(source, api_event("POST", where, {"entities": [an_event()]}), 404, "not.found")
    assert body["message"].startswith("This is the id of an event type, not of a configuration. Create a configuration")


def test_another_organizations_event_type_is_not_recognized(source: Source) -> None:
    clients = ClientStore(source.tables.dynamodb, source.tables.registry)
    clients.put(Client("stranger", "globex", "A stranger", PERMISSIONS))
    where = f"externalevents/configurations/{source.schema_id}/events"
    event = api_event("POST", where, {"entities": [an_event()]}, client_id="stranger")
    assert assert_error_body(source, event, 404, "not.found")["message"] == "There is no such configuration."


def test_another_organizations_configuration_is_not_found(source: Source) -> None:
    clients = ClientStore(source.tables.dynamodb, source.tables.registry)
    clients.put(Client("stranger", "globex", "A stranger", PERMISSIONS))
    where = f"externalevents/configurations/{source.configuration_id}/events"
    event = api_event("POST", where, {"entities": [an_event()]}, client_id="stranger")
    assert_error_body(source, event, 404, "not.found")


@pytest.mark.parametrize("path", ["events", "events/validate"])
def test_events_for_a_disabled_schema_or_a_deleted_configuration_are_refused(source: Source, path: str) -> None:
    where = f"externalevents/configurations/{source.configuration_id}/{path}"
    event = api_event("POST", where, {"entities": [an_event()]})
    change_schema(source, enabled=False)
    assert_error_body(source, event, 409, "schema.disabled")
    configurations(source).delete(ORGANIZATION, source.configuration_id)
    fresh = replace(source, function=load("ingest"))
    assert_error_body(fresh, event, 409, "configuration.disabled")


# -- caches ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(source: Source) -> Callable[[float], None]:
    """Moves the clock of the function's caches."""
    now = [1000.0]
    for cache in (source.function.ingest._judge._bindings._cache, source.function.router._authenticator._clients):
        cache._clock = lambda: now[0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return sleep


@pytest.fixture
def reads(source: Source, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For every read of the configuration from now on, whether it is consistent."""
    made: list[bool] = []
    find = ConfigurationStore.find

    def counted(self: ConfigurationStore, organization_id: str, id_: str, *, consistent: bool = True) -> Any:
        made.append(consistent)
        return find(self, organization_id, id_, consistent=consistent)

    monkeypatch.setattr(ConfigurationStore, "find", counted)
    return made


@pytest.mark.usefixtures("clock")
def test_an_event_of_a_new_schema_version_is_accepted_despite_the_cache(source: Source) -> None:
    assert source.outcomes(an_event()) == ["created"]
    change_schema(source, colour={"type": "string"}, channel={"type": "string", "enum": ["web", "shop", "phone"]})
    colourful, by_phone = (
        an_event("e-2", attributes={"colour": "red"}),
        an_event("e-3", attributes={"channel": "phone"}),
    )
    assert source.outcomes(colourful, by_phone) == ["created", "created"]


@pytest.mark.usefixtures("clock")
def test_an_attribute_that_is_no_longer_required_can_be_left_out_despite_the_cache(
    tables: Tables, source: Source
) -> None:
    strict = make_source(tables, SCHEMA | {"title": "Strict", "required": ["paid"]})
    assert strict.outcomes(an_event("e-1", attributes={"paid": True})) == ["created"]
    schemas = SchemaStore(tables.dynamodb, tables.registry)
    schemas.update(
        ORGANIZATION, strict.schema_id, version=1, enabled=None, document=parse(SCHEMA | {"title": "Strict"})
    )
    assert strict.outcomes(an_event("e-2")) == ["created"]


def test_a_recreated_configuration_is_found_despite_the_cache(source: Source, clock: Callable[[float], None]) -> None:
    configurations(source).delete(ORGANIZATION, source.configuration_id)
    assert source.post(an_event())[0] == 409
    configurations(source).create(
        ORGANIZATION, name="Orders", description=None, division_id=None, schema_id=source.schema_id, source="ERP"
    )
    clock(1)
    assert source.outcomes(an_event()) == ["created"]


def test_a_new_configuration_is_found_despite_the_cache(source: Source, clock: Callable[[float], None]) -> None:
    tables = source.tables
    row = next(row for row in tables.items(tables.registry) if row["sk"]["S"] == source.configuration_id)
    tables.dynamodb.delete_item(TableName=tables.registry, Key={"pk": row["pk"], "sk": row["sk"]})
    assert source.post(an_event())[0] == 404
    tables.dynamodb.put_item(TableName=tables.registry, Item=row)
    clock(1)
    assert source.outcomes(an_event()) == ["created"]


def test_events_are_accepted_after_the_schema_is_enabled_again(source: Source, clock: Callable[[float], None]) -> None:
    change_schema(source, enabled=False)
    assert source.post(an_event())[0] == 409
    change_schema(source, enabled=True)
    clock(1)
    assert source.outcomes(an_event()) == ["created"]


def test_a_permission_granted_after_a_refusal_takes_effect(source: Source, clock: Callable[[float], None]) -> None:
    clients = ClientStore(source.tables.dynamodb, source.tables.registry)
    assert source.post(an_event(), client_id="new")[0] == 403
    clients.put(Client("new", ORGANIZATION, "New", PERMISSIONS))
    clock(1)
    assert source.post(an_event(), client_id="new")[0] == 200


def test_refusals_cause_at_most_one_consistent_read_per_second(
    source: Source, clock: Callable[[float], None], reads: list[bool]
) -> None:
    bad = an_event(attributes={"colour": "red"})
    for _ in range(5):
        assert source.outcomes(bad, bad) == ["unknown.attribute"] * 2
    assert reads == [False, True]
    clock(1)
    source.outcomes(bad)
    source.outcomes(bad)
    assert reads == [False, True, True]


def test_accepted_events_cause_no_read_for_a_minute(
    source: Source, clock: Callable[[float], None], reads: list[bool]
) -> None:
    for index in range(3):
        source.outcomes(an_event(f"e-{index}"))
    clock(59)
    source.outcomes(an_event("e-3"))
    assert reads == [False]
    clock(2)
    source.outcomes(an_event("e-4"))
    assert reads == [False, False]


def test_an_eventually_consistent_read_without_the_schema_refuses_no_event(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eventually consistent reads of two items can come from replicas of different ages."""
    get_item = source.tables.dynamodb.get_item

    def behind(**request: Any) -> Any:
        if not request.get("ConsistentRead") and request["Key"]["sk"]["S"] == source.schema_id:
            return {}
        return get_item(**request)

    monkeypatch.setattr(source.tables.dynamodb, "get_item", behind)
    assert source.outcomes(an_event()) == ["created"]


# -- sent data in responses, logs and metrics --------------------------------------------------------------------------

CANARY = "canary-7f3a"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log of the function at every level."""
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    level = logger.log_level
    logger.setLevel("DEBUG")
    yield written
    logger.setLevel(level)


DATA_AS_NAMES = ["zoe.canary@example.com", "+44 20 7946 canary", "Zoë canary", "Zoe canary", "a canary, b",
                 "canary 4711", "canary47110815", "4711canary", "canary" * 20]  # fmt: skip

LEAKS: list[dict[str, Any]] = [
    an_event(f"{CANARY}" * 30),
    an_event([CANARY]),
    an_event(dateCreated=CANARY),
    an_event(dateCreated={CANARY: CANARY}),
    an_event(identifiers=of("crm", CANARY * 30)),
    an_event(identifiers=of(CANARY, [CANARY])),
    an_event(identifiers=CANARY),
    an_event(attributes=CANARY),
    *[an_event(attributes={name: CANARY}) for name in ("amount", "quantity", "paid", "channel", "tags")],
    an_event(attributes={"tags": [CANARY, 5]}),
    an_event(attributes={"tags": {CANARY: 1}}),
    an_event(attributes={"note": CANARY * 30_000}),
    *[an_event(attributes={name: 1}) for name in DATA_AS_NAMES],
    *[an_event() | {name: 1} for name in DATA_AS_NAMES],
]


def test_no_message_field_log_line_or_metric_repeats_sent_data(
    source: Source, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    figures: list[Any] = []
    monkeypatch.setattr(
        "journeys.events.ingest.emit_count", lambda *given, **dimension: figures.append((given, dimension))
    )
    monkeypatch.setattr(source.function.ingest, "_failures", None)  # Storing the failure fails and is logged.
    source.function.ingest._log.put(
        {"pk": {"S": f"acme#{source.configuration_id}#{CANARY}"}} | stored_fields(source, CANARY)
    )
    for event in [*LEAKS, an_event(CANARY)]:
        refused = source.refused(event)
        refused.pop("event")
        assert "canary" not in jsontext.dumps(refused)
    assert "a refused event was not stored as a failure" in log.getvalue()
    assert "canary" not in log.getvalue()
    assert figures
    assert "canary" not in repr(figures)


def stored_fields(source: Source, text: str) -> dict[str, Any]:
    """The item of an event without its key, with the text in every attribute that contains sent data."""
    source.send(an_event("model", identifiers=of("crm", text), attributes={"note": text}))
    return {name: value for name, value in source.stored()[0].items() if name != "pk"}


def test_no_error_repeats_an_invalid_body(source: Source, log: io.StringIO) -> None:
    where = f"externalevents/configurations/{source.configuration_id}/events"
    for body in (
        b'{"canary": 1, "canary": 2}',
        b'{"a": canary}',
        b'{"entities": "canary"}',
        b'"canary',
        b'{"a": "canary\\ud800"}',
    ):
        error = assert_error_body(source, api_event("POST", where, raw=body), 400, "bad.request")
        assert "canary" not in jsontext.dumps(error) + log.getvalue()


def test_unknown_attribute_names_are_shown_if_they_look_like_field_names(source: Source) -> None:
    assert source.refused(an_event(attributes={"order_total.net-2": 1}))["fieldName"] == "attributes.order_total.net-2"


def test_metrics_count_the_outcomes_of_events(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: dict[tuple[str, ...], int] = {}

    def count(name: str, value: int = 1, **dimension: str) -> None:
        figures[name, *dimension.values()] = value

    monkeypatch.setattr("journeys.events.ingest.emit_count", count)
    source.outcomes(an_event(), an_event(), an_event("e-2"), an_event("e-3", dateCreated=None))
    assert figures == {
        ("EventsTaken", "created"): 2,
        ("EventsTaken", "duplicate"): 1,
        ("EventsRefused", "missing.date"): 1,
        ("EventsLate",): 2,
    }
