"""A refused delivery is kept whole: correct the mapping or the schema, then replay the failure."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from journeys.events.failures.replay import Replay
from journeys.events.store import EventLog
from journeys.http.body import MAX_BODY
from journeys.native.ingest import NativeIngest
from journeys.webhooks.delivery import ReceivedDelivery
from journeys.webhooks.mapper import Mapper
from journeys.webhooks.model import Routing
from journeys.webhooks.processing import MAX_SHOWN_EVENTS, Processor
from journeys.webhooks.replaying import DeliveryReplay
from tests.conftest import ORGANIZATION
from tests.support.functions import Context, api_event, load
from tests.support.inbox import CASES, Inbox, make_inbox, sample
from tests.support.tables import Tables
from tests.support.webhooks import SCHEMA, SenderCase, sender_cases
from tests.unit.test_failures import LAMBDA_RESPONSE

each = pytest.mark.parametrize("case", sender_cases(), ids=lambda case: case.name)


@pytest.fixture
def inbox(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    return make_inbox(tables, monkeypatch)


def replay(inbox: Inbox) -> Replay:
    """Return what the API uses to replay failures, with empty caches."""
    bindings = inbox.new_bindings()
    processor = Processor(inbox.new_ingest(bindings), Mapper(bindings), inbox.failures)
    native = NativeIngest(EventLog(inbox.tables.dynamodb, inbox.tables.events), inbox.failures)
    deliveries = DeliveryReplay(inbox.endpoints, bindings, processor)
    return Replay(inbox.new_ingest(bindings), inbox.failures, deliveries, native)


def replay_only(inbox: Inbox) -> dict[str, Any]:
    """Replay the only failure and return the result that was recorded."""
    replayed = replay(inbox).one(ORGANIZATION, inbox.failure().failure_id, request_id=str(uuid.uuid4()))
    result = dict(replayed.replays[-1])
    assert replayed.resolved == (result["outcome"] != "failed")
    return {name: result[name] for name in ("outcome", "created", "duplicate", "failed", "reason") if name in result}


def stored(inbox: Inbox) -> int:
    return len(inbox.tables.items(inbox.tables.events))


def created(number: int, duplicate: int = 0) -> dict[str, Any]:
    return {"outcome": "created", "created": number, "duplicate": duplicate, "failed": 0}


# -- every sender ------------------------------------------------------------------------------------------------------


@each
def test_a_delivery_refused_by_a_wrong_mapping_is_stored_by_a_replay_after_the_mapping_is_corrected(
    inbox: Inbox, case: SenderCase
) -> None:
    inbox.change(case.name, mapping=dict(case.mapping) | {"dateCreated": "nothing"})
    inbox.receive(case.name, sample(case.name))
    assert (stored(inbox), inbox.reasons()) == (0, ["missing.date"])
    assert replay_only(inbox)["outcome"] == "failed"
    inbox.change(case.name, mapping=case.mapping)
    assert replay_only(inbox) == created(len(case.events))
    assert replay_only(inbox)["outcome"] == "duplicate"
    assert stored(inbox) == len(case.events)


@each
def test_a_delivery_refused_by_the_schema_is_stored_by_a_replay_after_the_schema_is_corrected(
    inbox: Inbox, case: SenderCase
) -> None:
    attribute = next(iter(case.events[0]["attributes"]))
    inbox.change(case.name, mapping=dict(case.mapping) | {"attributes": {"later": "'text'", attribute: None}})
    inbox.receive(case.name, sample(case.name))
    assert inbox.reasons() == ["unknown.attribute"]
    inbox.change_schema({**SCHEMA, "properties": SCHEMA["properties"] | {"later": {"type": "string"}}})
    assert replay_only(inbox) == created(len(case.events))


# -- every reason ------------------------------------------------------------------------------------------------------


def test_an_invalid_payload_can_be_replayed_with_another_mapping(inbox: Inbox) -> None:
    inbox.change("hmac", mapping={"events": "items"})
    assert inbox.send("hmac")["failed"] == 1
    assert inbox.reasons() == ["invalid.payload"]
    inbox.change("hmac", mapping={})
    assert replay_only(inbox) == created(1)


def test_an_invalid_mapping_can_be_corrected_and_replayed(inbox: Inbox) -> None:
    inbox.change("hmac", mapping={"dateFormat": "%H:%M"})
    inbox.send("hmac")
    assert inbox.reasons() == ["invalid.mapping"]
    inbox.change("hmac", mapping={})
    assert replay_only(inbox) == created(1)


def test_a_delivery_for_a_deleted_configuration_can_be_replayed_into_another(inbox: Inbox) -> None:
    another = inbox.new_configuration("Another")
    inbox.delete_configuration()
    inbox.send("hubspot")
    assert inbox.reasons() == ["configuration.gone"]
    assert replay_only(inbox)["reason"] == "configuration.gone"
    inbox.change("hubspot", configuration_id=another)
    assert replay_only(inbox) == created(2)


def test_a_conflict_can_be_replayed_with_another_id(inbox: Inbox) -> None:
    inbox.send("hmac")
    body = json.dumps(json.loads(CASES["hmac"].body) | {"status": "another"}).encode()
    assert inbox.send("hmac", body=body)["failed"] == 1
    assert inbox.reasons() == ["event.conflict"]
    inbox.change("hmac", mapping={"id": "digest(@)"})
    assert replay_only(inbox) == created(1)
    assert stored(inbox) == 2


def test_a_replay_stores_only_the_events_that_are_missing(inbox: Inbox) -> None:
    good, bad = json.loads(CASES["hubspot"].body)
    del bad["occurredAt"]
    assert inbox.send("hubspot", body=json.dumps([bad, good]).encode()) == {"created": 1, "duplicate": 0, "failed": 1}
    mapping = {"dateCreated": "occurredAt || `1738315800000`"}
    inbox.change("hubspot", mapping=mapping)
    assert replay_only(inbox) == created(1, duplicate=1)
    assert stored(inbox) == 2


def test_a_replay_keeps_the_headers_and_the_time_of_the_delivery(inbox: Inbox) -> None:
    mapping = {"id": "header('x-event')", "dateCreated": "received()", "attributes": {"later": "'x'"}}
    inbox.change("hmac", mapping=mapping)
    sent = sample("hmac")
    sent = sent._replace(headers=sent.headers | {"X-Event": "e-7", "Authorization": "Bearer secret"})
    inbox.receive("hmac", sent, now=1_790_000_000.0)
    delivery = inbox.failure().payload["delivery"]
    assert "authorization" not in delivery["headers"]
    inbox.change("hmac", mapping=mapping | {"attributes": {}})
    assert replay_only(inbox) == created(1)
    (item,) = inbox.tables.items(inbox.tables.events)
    assert item["pk"]["S"].endswith("#e-7")
    assert delivery["dateReceived"] in str(item)


def test_a_replay_for_a_deleted_endpoint_fails_and_says_so(inbox: Inbox) -> None:
    inbox.send("hmac", body=b'{"id": "h-1"}')
    inbox.endpoints.delete(inbox.endpoints.get(ORGANIZATION, "hmac"))
    assert replay_only(inbox) == {"outcome": "failed", "reason": "endpoint.gone"}


def test_a_damaged_failure_is_reported_and_not_a_server_error(inbox: Inbox) -> None:
    inbox.send("hmac", body=b'{"id": "h-1"}')
    inbox.failures.put(replace(inbox.failure(), payload={"delivery": {"body": "x"}}))
    assert replay_only(inbox) == {"outcome": "failed", "reason": "failure.unreadable"}


# -- what a failure shows ----------------------------------------------------------------------------------------------


def test_a_failure_shows_the_delivery_and_what_the_mapping_made_of_it(inbox: Inbox) -> None:
    body = b'{"id": "h-1", "type": "call", "date": "soon", "customer": "c-1"}'
    inbox.send("hmac", body=body)
    wire = inbox.failure().to_wire(whole=True)
    assert (wire["endpointId"], wire["delivery"]["body"]) == ("hmac", body.decode())
    (shown,) = wire["events"]
    assert (shown["outcome"], shown["errorCode"]) == ("refused", "invalid.date")
    assert shown["event"]["id"] == "h-1"
    assert "payload" not in wire


def test_a_repeated_delivery_is_one_failure(inbox: Inbox) -> None:
    for _ in range(2):
        inbox.send("hmac", body=b'{"id": "h-1"}')
    inbox.send("hmac", body=b'{"id": "h-2"}')
    assert inbox.reasons() == ["missing.date"] * 2


def test_a_failure_shows_a_limited_number_of_events(inbox: Inbox) -> None:
    inbox.change("hmac", mapping={"events": "items"})
    inbox.send("hmac", body=json.dumps({"items": [{"id": number} for number in range(100)]}).encode())
    payload = inbox.failure().payload
    assert (len(payload["events"]), payload["eventsRefused"]) == (MAX_SHOWN_EVENTS, 100)


@pytest.mark.parametrize("character", ["x", '"', "\\", "\x01", "ü", "€", "💥", None], ids=repr)
def test_the_failure_of_the_largest_delivery_fits_in_a_response(inbox: Inbox, character: str | None) -> None:
    """Every character is escaped in the JSON of the response, and again in that of Lambda."""
    unit = b"\xff" if character is None else character.encode()
    text = "\\u0001" * (MAX_BODY // 6 - 100)
    bodies = [unit * (MAX_BODY // len(unit)), json.dumps([{"id": 1, "status": "€" * 7}] * 9000).encode()]
    bodies.append(f'{{"id": 5, "date": "x", "customer": "c", "status": "{text}"}}'.encode())
    for body in bodies:
        inbox.receive("hmac", sample("hmac", body=body))
    function = load("failures")
    failures = [item["failureId"]["S"] for item in inbox.tables.items(inbox.tables.failures) if "reason" in item]
    assert len(failures) == len(bodies)
    for failure_id in failures:
        for method, path in (("GET", ""), ("POST", "/replay")):
            event = api_event(method, f"externalevents/failures/{failure_id}{path}")
            response = function.handler(event, Context())
            assert response["statusCode"] == 200
            assert len(json.dumps(response)) < LAMBDA_RESPONSE
    found = [inbox.failures.get(ORGANIZATION, failure_id).payload["delivery"] for failure_id in failures]
    assert {ReceivedDelivery.from_values("hmac", delivery).body for delivery in found} == set(bodies)


def test_a_bulk_replay_checks_the_time_after_each_delivery(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox.change("hmac", mapping={"dateCreated": "nothing"})
    for number in range(3):
        inbox.send("hmac", body=json.dumps(json.loads(CASES["hmac"].body) | {"id": number}).encode())
    replaying, now = replay(inbox), [0.0]
    monkeypatch.setattr(replaying, "_clock", lambda: now[0])
    process = Processor.process

    def slow(self: Processor, *arguments: Any, **request: Any) -> Any:
        now[0] += 1000
        return process(self, *arguments, **request)

    monkeypatch.setattr(Processor, "process", slow)
    progress = replaying.matching(
        ORGANIZATION, configuration_id=None, reason=None, since=None, until=None, after=None, request_id="r"
    )
    assert (progress.outcomes.total(), progress.to_wire()["remaining"]) == (1, 2)


def test_a_failure_that_shrinks_below_the_limit_of_a_row_is_read_from_the_row(inbox: Inbox) -> None:
    inbox.change("hmac", mapping={"attributes": {"status": "note"}})
    body = json.dumps(json.loads(CASES["hmac"].body) | {"date": None, "note": "x" * 60_000}).encode()
    inbox.send("hmac", body=body)
    assert inbox.failure().payload["events"][0]["event"]["attributes"]["status"]
    inbox.change("hmac", mapping={"attributes": {"status": None}})
    assert replay_only(inbox)["outcome"] == "failed"
    assert "status" not in inbox.failure().payload["events"][0]["event"]["attributes"]


# -- routing -----------------------------------------------------------------------------------------------------------


def test_events_are_routed_by_an_expression_and_the_others_are_ignored(inbox: Inbox) -> None:
    other = inbox.new_configuration("Other")
    routing = Routing("type", {"call": inbox.configuration_id, "mail": other})
    inbox.change("hmac", configuration_id=None, routing=routing, mapping={"events": "items"})
    sample_event = json.loads(CASES["hmac"].body)
    items = [sample_event | {"id": str(index), "type": type_} for index, type_ in enumerate(["call", "mail", "fax", 5])]
    assert inbox.send("hmac", body=json.dumps({"items": items}).encode()) == {
        "created": 2,
        "duplicate": 0,
        "failed": 0,
        "ignored": 2,
    }
    keys_ = sorted(item["pk"]["S"].split("#")[1:] for item in inbox.tables.items(inbox.tables.events))
    assert keys_ == sorted([[inbox.configuration_id, "0"], [other, "1"]])
    assert inbox.reasons() == []


def test_a_delivery_whose_events_are_all_ignored_is_no_failure(inbox: Inbox) -> None:
    inbox.change("hmac", configuration_id=None, routing=Routing("type", {"other": inbox.configuration_id}))
    assert inbox.send("hmac") == {"created": 0, "duplicate": 0, "failed": 0, "ignored": 1}
    assert inbox.nothing_written()


# -- in bulk -----------------------------------------------------------------------------------------------------------


def test_a_bulk_replay_of_one_endpoint_passes_deliveries_that_fail_again(inbox: Inbox) -> None:
    body = json.loads(CASES["hmac"].body)
    for number in range(5):
        inbox.send("hmac", body=json.dumps(body | {"id": f"e-{number}", "date": None, "when": body["date"]}).encode())
    inbox.send("hmac", body=b'{"id": "never"}')
    inbox.send("cloudevents", body=b"no json")
    inbox.change("hmac", mapping={"dateCreated": "when"})
    progress = replay(inbox).matching(
        ORGANIZATION,
        configuration_id=None,
        endpoint_id="hmac",
        reason=None,
        since=None,
        until=None,
        after=None,
        request_id="r",
    )
    wire = progress.to_wire()
    assert (wire["replayed"], wire["created"], wire["failed"]) == (6, 5, 1)
    assert wire["failedReasons"] == [{"reason": "missing.date", "count": 1}]
    assert stored(inbox) == 5


def test_a_bulk_replay_passes_the_deliveries_of_a_deleted_endpoint_without_reading_them(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        inbox.send("hmac", body=json.dumps({"id": f"e-{number}"}).encode())
    inbox.endpoints.delete(inbox.endpoints.get(ORGANIZATION, "hmac"))
    monkeypatch.setattr(inbox.failures, "get", lambda *_: pytest.fail("read"))
    wire = (
        replay(inbox)
        .matching(ORGANIZATION, configuration_id=None, reason=None, since=None, until=None, after=None, request_id="r")
        .to_wire()
    )
    assert (wire["failed"], wire["failedReasons"]) == (3, [{"reason": "endpoint.gone", "count": 3}])


def test_the_api_replays_a_delivery_and_lists_the_failures_of_an_endpoint(inbox: Inbox) -> None:
    """The function's own wiring, with the permissions of its role."""
    inbox.change("hmac", mapping={"dateCreated": "when"})
    inbox.send("hmac", body=json.dumps(json.loads(CASES["hmac"].body) | {"when": None}).encode())
    inbox.send("cloudevents", body=b"no json")
    function = load("failures")

    def call(method: str, path: str, query: dict[str, str] | None = None) -> Any:
        response = function.handler(api_event(method, f"externalevents/failures{path}", query=query), Context())
        assert response["statusCode"] == 200, response
        return json.loads(response["body"])

    (listed,) = call("GET", "", {"endpointId": "hmac"})["entities"]
    assert listed["endpointId"] == "hmac"
    inbox.change("hmac", mapping={})
    replayed = call("POST", f"/{listed['id']}/replay")
    assert (replayed["status"], replayed["replays"][-1]["created"]) == ("resolved", 1)


# -- what distinguishes failures ---------------------------------------------------------------------------------------


def deliver_with(inbox: Inbox, name: str, headers: dict[str, str]) -> None:
    sent = sample(name)
    inbox.receive(name, sent._replace(headers=sent.headers | headers))


def test_deliveries_of_equal_bodies_with_other_ids_in_headers_are_failures_of_their_own(inbox: Inbox) -> None:
    """A mapping can take the event's id from any header."""
    inbox.change("hmac", mapping={"id": "header('x-request-id')", "dateCreated": "nothing"})
    for number in range(3):
        deliver_with(inbox, "hmac", {"X-Request-Id": f"r-{number}", "X-Timestamp": str(number)})
    assert len(inbox.reasons()) == 3
    deliver_with(inbox, "hmac", {"X-Request-Id": "r-0", "X-Timestamp": "9", "User-Agent": "another"})
    assert len(inbox.reasons()) == 3


def test_a_header_that_the_options_name_for_the_signature_is_not_kept(inbox: Inbox) -> None:
    inbox.change("hmac", mapping={"dateCreated": "nothing"})
    deliver_with(inbox, "hmac", {"X-Auth": "s", "Password": "s", "X-Access-Key": "s", "X-Author": "kept"})
    headers = inbox.failure().payload["delivery"]["headers"]
    assert headers["x-author"] == "kept"
    assert not {"x-auth", "password", "x-access-key", CASES["hmac"].options["header"].lower()} & headers.keys()


def test_a_failure_stays_open_while_the_routing_ignores_its_events(inbox: Inbox) -> None:
    inbox.change("hmac", mapping={"dateCreated": "nothing"})
    inbox.send("hmac")
    inbox.change("hmac", mapping={}, configuration_id=None, routing=Routing("type", {"x": inbox.configuration_id}))
    failure_id = inbox.failure().failure_id
    replayed = replay(inbox).one(ORGANIZATION, failure_id, request_id="r-1")
    assert (replayed.replays[-1]["outcome"], replayed.resolved) == ("ignored", False)
    inbox.change("hmac", routing=Routing("type == 'call'", {"true": inbox.configuration_id}))
    assert replay(inbox).one(ORGANIZATION, failure_id, request_id="r-2").resolved


def test_messages_name_the_part_of_the_mapping_that_has_to_be_corrected(inbox: Inbox) -> None:
    inbox.change("hmac", mapping={"dateCreated": "type"})
    inbox.change("cloudevents", mapping={"customer": "nothing"})
    inbox.send("hmac")
    inbox.send("cloudevents")
    messages = " ".join(item["message"]["S"] for item in inbox.tables.items(inbox.tables.failures))
    assert "mapping.timeZone" in messages
    assert "mapping.customer" in messages
