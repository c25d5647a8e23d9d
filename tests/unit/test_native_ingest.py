"""Native events from the queue to the log: duplicates, order, failures and their replay, and whose they are."""

import io
import itertools
import json
from typing import Any

import pytest

from journeys import aws, dates
from journeys.errors import Conflict, NotFound
from journeys.events.failures.store import FailureStore
from journeys.events.model import StoredEvent
from journeys.events.store import EventLog
from journeys.native import genesys
from journeys.native.ingest import CONSUME_SECONDS, NativeConsumer, NativeIngest
from journeys.registry.native_sources.store import MAX_SOURCE, NativeSourceStore
from tests.conftest import ORGANIZATION
from tests.support.aws_errors import client_error
from tests.support.functions import Context, api_event, call, load
from tests.support.tables import Tables
from tools.native_events import BODIES, INSTANCE, LOCAL_SOURCE, connect_event, genesys_event

NOON = dates.parse("2026-03-02T12:00:00Z")
OTHER_SOURCE, OTHER = "local.other", "globex"
DAY = 24 * 60 * 60 * 1000


def event(kind: str = "customer.start", **body: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"date_ms": NOON, "conversation_id": "conversation-1"} | body
    return genesys_event(kind, **given)


class Inbound:
    """The function with the sources of two organizations."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.sources = NativeSourceStore(tables.dynamodb, tables.registry)
        self.sources.add(LOCAL_SOURCE, ORGANIZATION)
        self.sources.add(OTHER_SOURCE, OTHER)
        self.function = load("native")
        self.messages = itertools.count()

    def send(self, *envelopes: Any) -> list[int]:
        """Invoke the function with one message per event. Returns the indexes of those that failed."""
        bodies = [one if isinstance(one, str) else json.dumps(one) for one in envelopes]
        records = [{"messageId": f"message-{next(self.messages)}", "body": body} for body in bodies]
        failed = self.function.handler({"Records": records}, Context())["batchItemFailures"]
        ids = [record["messageId"] for record in records]
        return [ids.index(failure["itemIdentifier"]) for failure in failed]

    def stored(self) -> list[StoredEvent]:
        return [StoredEvent.from_item(item) for item in self.tables.items(self.tables.events)]

    def failures(self, organization_id: str = ORGANIZATION) -> list[Any]:
        store = FailureStore(self.tables.dynamodb, self.tables.failures, aws.s3, "archive")
        return [store.get(organization_id, one.failure_id) for one in store.all_newest_first(organization_id)]

    def registry_is_empty_of_events(self) -> bool:
        return not self.stored() and not self.tables.items(self.tables.failures)


@pytest.fixture
def inbound(tables: Tables) -> Inbound:
    return Inbound(tables)


def test_every_kind_is_stored_under_the_pseudo_configuration(inbound: Inbound) -> None:
    assert inbound.send(*(event(kind) for kind in BODIES), connect_event("QUEUED", date_ms=NOON, contact_id="c", source=LOCAL_SOURCE)) == []  # fmt: skip  # noqa: E501
    stored = inbound.stored()
    assert len(stored) == len(BODIES) + 1
    assert {(one.organization_id, one.configuration_id) for one in stored} == {(ORGANIZATION, "native")}
    assert {one.slot for one in stored} == set("ABCDEFGHIJKLMNOP")
    assert {one.source for one in stored} == {"genesys", "amazon-connect"}
    assert inbound.failures() == []


def test_a_redelivery_is_a_duplicate(inbound: Inbound, logged: io.StringIO) -> None:
    inbound.send(event())
    first = inbound.stored()
    logged.truncate(0)
    assert inbound.send(event(), event() | {"id": "another", "time": "2026-03-02T12:00:30Z"}) == []
    assert inbound.stored() == first
    assert inbound.failures() == []
    assert logged.getvalue().count('"outcome":"duplicate"') == 2


def test_the_order_of_arrival_does_not_matter(inbound: Inbound) -> None:
    envelopes = [event(kind, date_ms=NOON + index) for index, kind in enumerate(BODIES)]
    inbound.send(*reversed(envelopes))
    backwards = {one.key: one.event for one in inbound.stored()}
    inbound.send(*envelopes)
    assert {one.key: one.event for one in inbound.stored()} == backwards


def test_a_source_that_is_not_mapped_stores_nothing_anywhere(inbound: Inbound, logged: io.StringIO) -> None:
    assert inbound.send(event(source="local.unknown"), {"source": 5}, [], "no json", "\ud800") == []
    assert inbound.registry_is_empty_of_events()
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert sum(line.get("NativeEventsUnmapped", 0) for line in lines) == 5
    assert [line["nativeSource"] for line in lines if "nativeSource" in line] == ["local.unknown", "", ""]


def test_a_source_writes_only_into_its_own_organization(inbound: Inbound) -> None:
    inbound.send(event(source=LOCAL_SOURCE), event(source=OTHER_SOURCE, organizationId=ORGANIZATION))
    assert sorted(one.organization_id for one in inbound.stored()) == sorted((ORGANIZATION, OTHER))
    inbound.send(event(source=OTHER_SOURCE, eventTime=None))
    assert (len(inbound.failures(ORGANIZATION)), len(inbound.failures(OTHER))) == (0, 1)


def test_nobody_but_amazon_connect_can_name_an_instance(inbound: Inbound) -> None:
    inbound.sources.add(INSTANCE, OTHER)
    sent: dict[str, Any] = {"date_ms": NOON, "contact_id": "contact-1"}
    inbound.send(connect_event("INITIATED", **sent, source=LOCAL_SOURCE))
    assert [one.organization_id for one in inbound.stored()] == [ORGANIZATION]
    inbound.send(connect_event("QUEUED", **sent))
    assert {one.slot: one.organization_id for one in inbound.stored()} == {"A": ORGANIZATION, "C": OTHER}


def test_other_kinds_are_ignored(inbound: Inbound, logged: io.StringIO) -> None:
    assert inbound.send(event() | {"detail-type": "v2.detail.events.conversation.{id}.hologram"}) == []
    assert inbound.registry_is_empty_of_events()
    assert '"NativeEventsIgnored":1' in logged.getvalue()


def test_logs_and_messages_hold_nothing_of_a_customer(inbound: Inbound, logged: io.StringIO) -> None:
    named: dict[str, Any] = {
        "externalContactId": "canary-1",
        "ani": "tel:+1canary",
        "addressFrom": "canary@example.com",
    }
    broken: list[dict[str, Any]] = [
        {"eventTime": "canary"},
        {"participantId": "canary" * 50},
        {"conversationId": ["canary"]},
        {"provider": {"canary": "canary"}},
    ]
    envelopes = [event(**named), *(event(**named | body) for body in broken), event(**named, source="local.unknown")]
    assert inbound.send(*envelopes, *envelopes) == []
    assert len(inbound.failures()) == len(broken)
    assert [failure.message for failure in inbound.failures() if "canary" in failure.message] == []
    assert "canary" not in logged.getvalue()


# -- failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("envelope", "reason", "field"),
    [
        (event(eventTime=None), "missing.date", "eventTime"),
        (event(conversationId=None), "missing.attribute", "conversationId"),
        (event("acd.end", queueId=7), "invalid.attribute", "attributes.queueId"),
        (event("acd.end", connectedDurationMs="long"), "invalid.attribute", "attributes.connectedDurationMs"),
        (event(eventTime=dates.now_ms() + DAY), "date.in.future", "dateCreated"),
        (event(externalContactId="x" * 256), "invalid.identifier", "identifiers.externalIds[0].value"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_malformed_event_is_a_failure_with_the_whole_event(
    inbound: Inbound, envelope: dict[str, Any], reason: str, field: str
) -> None:
    assert inbound.send(envelope, envelope) == []
    assert inbound.stored() == []
    (failure,) = inbound.failures()
    assert (failure.reason, failure.field_name, failure.payload) == (reason, field, envelope)
    assert (failure.configuration_id, failure.source, failure.endpoint_id) == ("native", "genesys", None)
    assert failure.replayable


def test_the_same_event_with_other_content_is_a_conflict(inbound: Inbound) -> None:
    inbound.send(event("acd.end", acdOutcome="ANSWERED"))
    first = inbound.stored()
    inbound.send(event("acd.end", acdOutcome="ABANDON"))
    assert inbound.stored() == first
    (failure,) = inbound.failures()
    assert (failure.reason, failure.differing) == ("event.conflict", ("attributes.acdOutcome",))


def test_a_failure_is_mapped_again_when_it_is_replayed(inbound: Inbound, monkeypatch: pytest.MonkeyPatch) -> None:
    inbound.send(*(event("acd.end", date_ms=NOON + index, queueId=index) for index in range(3)))
    api = load("failures")
    assert call(api, api_event("POST", "externalevents/failures/replay", {"configurationId": "native"}))[1].items() >= {
        "replayed": 3, "failed": 3, "failedReasons": [{"reason": "invalid.attribute", "count": 3}], "complete": True,
    }.items()  # fmt: skip
    monkeypatch.setitem(genesys._KINDS, "acd.end", ("native-acd-end", {}))
    one = inbound.failures()[0].failure_id
    replayed = call(api, api_event("POST", f"externalevents/failures/{one}/replay"))[1]
    assert (replayed["status"], replayed["replays"][-1]["outcome"]) == ("resolved", "created")
    result = call(api, api_event("POST", "externalevents/failures/replay", {}))[1]
    assert (result["replayed"], result["created"], result["complete"]) == (2, 2, True)
    assert len(inbound.stored()) == 3
    assert {stored.organization_id for stored in inbound.stored()} == {ORGANIZATION}


def test_a_replay_of_a_stored_event_is_a_duplicate(inbound: Inbound) -> None:
    inbound.send(event("acd.end", acdOutcome="ANSWERED"))
    inbound.send(event("acd.end", acdOutcome="ABANDON"))
    api = load("failures")
    (failure,) = inbound.failures()
    answer = call(api, api_event("POST", f"externalevents/failures/{failure.failure_id}/replay"))[1]
    assert answer["replays"][-1]["reason"] == "event.conflict"
    assert len(inbound.stored()) == 1


class Log(EventLog):
    """A log whose puts fail."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def put(self, _: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("code", "done", "failures"),
    [("ProvisionedThroughputExceededException", False, 0), ("AccessDeniedException", True, 1)],
)
def test_an_event_that_cannot_be_stored_is_retried_or_a_failure(
    inbound: Inbound, code: str, done: bool, failures: int
) -> None:
    store = FailureStore(inbound.tables.dynamodb, inbound.tables.failures, aws.s3, "archive")
    consumer = NativeConsumer(inbound.sources, NativeIngest(Log(client_error(code)), store))
    assert consumer.consume(json.dumps(event()), request_id="r-1", seconds=9).is_settled is done
    assert len(inbound.failures()) == failures


def test_one_failed_message_does_not_fail_the_others(inbound: Inbound, monkeypatch: pytest.MonkeyPatch) -> None:
    consume = inbound.function.consumer.consume

    def fail_for(message: str, **options: Any) -> Any:
        if "conversation-2" in message:
            raise RuntimeError
        return consume(message, **options)

    monkeypatch.setattr(inbound.function.consumer, "consume", fail_for)
    assert inbound.send(event(), event(conversation_id="conversation-2"), event("acw")) == [1]
    assert len(inbound.stored()) == 2


def test_messages_that_do_not_fit_into_the_time_are_delivered_again(
    inbound: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 1.0, CONSUME_SECONDS])
    monkeypatch.setattr(inbound.function.time, "monotonic", lambda: next(times))
    assert inbound.send(event(), event("acw")) == [1]
    assert [one.slot for one in inbound.stored()] == ["A"]


def test_a_failure_that_cannot_be_recorded_is_tried_again(inbound: Inbound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FailureStore, "put", lambda *_: (_ for _ in ()).throw(client_error("AccessDeniedException")))
    assert inbound.send(event(eventTime=None)) == [0]


# -- sources -----------------------------------------------------------------------------------------------------------


def test_a_source_belongs_to_one_organization(inbound: Inbound) -> None:
    inbound.sources.add(LOCAL_SOURCE, ORGANIZATION)
    with pytest.raises(Conflict):
        inbound.sources.add(LOCAL_SOURCE, OTHER)
    assert inbound.sources.find(LOCAL_SOURCE) == ORGANIZATION
    inbound.sources.remove(LOCAL_SOURCE)
    assert inbound.sources.find(LOCAL_SOURCE) is None
    with pytest.raises(NotFound):
        inbound.sources.remove(LOCAL_SOURCE)
    inbound.sources.add(LOCAL_SOURCE, OTHER)
    assert inbound.sources.find("") is None
    assert inbound.sources.find("x" * (MAX_SOURCE + 1)) is None


def test_an_added_source_is_found_at_once(inbound: Inbound, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(inbound.function.consumer._organizations, "_clock", lambda: now)
    inbound.send(event(source="local.new"))
    inbound.sources.add("local.new", ORGANIZATION)
    now += 2
    inbound.send(event(source="local.new"))
    assert len(inbound.stored()) == 1
