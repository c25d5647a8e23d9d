"""Ingest and the projector with errors, lost responses and crashes at any call, and with a stream that repeats itself.

After each: every acknowledged event is in the log once, every journey equals a rebuild of the log, every refused event
is stored as a failure, and later events are processed.
"""

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from journeys import aws, keys
from journeys.events.model import StoredEvent
from journeys.journey import fold
from journeys.journey.model import Step, step
from journeys.journey.store import JourneyStore
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from tests.support.client_events import handling
from tests.support.functions import Context, api_event, load
from tests.support.schedules import facts
from tests.support.tables import Tables
from tests.unit.test_ingest import an_event, make_source, of
from tests.unit.test_ingest_faults import TROUBLES

Call = Callable[[], Any]


class Killed(BaseException):
    """Simulates that Lambda kills the function, as it does if time or memory runs out: no thread continues."""


# -- faults at a call --------------------------------------------------------------------------------------------------


class Fault:
    """Causes a fault at the n-th call of one invocation, counted over all its clients and threads."""

    def __init__(self, at: int | None = None, kind: str = "") -> None:
        self._at, self._kind, self._lock = at, kind, threading.Lock()
        self.calls: list[str] = []
        self.killed = False

    def __call__(self, name: str, call: Call) -> Any:
        with self._lock:
            if self.killed:
                raise Killed
            number = len(self.calls)
            self.calls.append(name)
        if number != self._at:
            return call()
        when, _, fault = self._kind.partition(" ")
        if fault == "killed":
            with self._lock:  # no other thread runs between the call and the kill
                if when == "after":
                    call()
                self.killed = True
            raise Killed
        if when == "twice":
            call()
            return call()
        if when == "after":
            call()
        raise TROUBLES[fault][0]

    def on(self, client: Any) -> Any:
        """A client whose calls go through this fault."""
        return _Faulty(client, self)


class _Faulty:
    def __init__(self, client: Any, fault: Fault) -> None:
        self._client, self._fault = client, fault

    def __getattr__(self, name: str) -> Any:
        return lambda **request: self._fault(name, lambda: getattr(self._client, name)(**request))


DONE = (
    "after no answer",  # the call succeeded, but its response was lost
    "twice",  # the call succeeded, its response was lost, and botocore repeated it
    "before killed",
    "after killed",
)
NOT_DONE = ("before throttled", "before failed", "before no answer", "before reset")
"""For ingest, tests/unit/test_ingest_faults.py tests these, with the response that the sender gets."""


# -- one organization's pipeline ---------------------------------------------------------------------------------------

LARGE = an_event("bad-large", identifiers=of("crm", "ann"), attributes={"note": "n" * (300 * 1024)})
REQUEST: list[dict[str, Any]] = [
    an_event("a-2", identifiers=of("crm", "ann"), dateCreated="2026-01-31T09:30:00Z"),
    an_event("a-2", identifiers=of("crm", "ann"), dateCreated="2026-01-31T09:30:00Z"),
    an_event("b-1", identifiers=of("crm", "bob"), dateCreated="2026-01-31T09:31:00Z"),
    an_event("a-1", identifiers=of("crm", "ann"), dateCreated="2026-01-31T09:00:00Z"),
    an_event("bad-date", dateCreated=None),
    an_event("bad-attribute", attributes={"colour": "red"}),
    LARGE,
    an_event("a-3", identifiers=of("crm", "ann"), dateCreated="2026-01-31T09:15:00Z"),
]
GOOD = {"a-1", "a-2", "a-3", "b-1"}
BAD = {"missing.date", "unknown.attribute", "event.too.large"}


@dataclass
class Pipeline:
    """The pipeline of one organization. Each invocation uses a new instance of a function."""

    tables: Tables
    organization_id: str
    monkeypatch: pytest.MonkeyPatch
    acknowledged: set[str] = field(default_factory=set)
    first: dict[str, Any] = field(default_factory=dict)
    not_stored: int = 0

    def __post_init__(self) -> None:
        clients = ClientStore(self.tables.dynamodb, self.tables.registry)
        clients.put(Client(self.organization_id, self.organization_id, "A client", PERMISSIONS))
        self.configuration_id = make_source(self.tables, organization_id=self.organization_id).configuration_id

    def function(self, name: str, fault: Fault) -> ModuleType:
        """A new instance of a function, whose calls go through the fault."""
        dynamodb, s3 = fault.on(aws.dynamodb()), fault.on(aws.s3())
        with self.monkeypatch.context() as patch:
            patch.setattr(aws, "dynamodb", lambda: dynamodb)
            patch.setattr(aws, "s3", lambda: s3)
            return load(name)

    def send(self, events: Sequence[Any], fault: Fault) -> list[Any]:
        """Sends one request. Returns the events to send again: all of them if there is no response."""
        function = self.function("ingest", fault)
        path = f"externalevents/configurations/{self.configuration_id}/events"
        request = api_event("POST", path, {"entities": events}, client_id=self.organization_id)
        with self.monkeypatch.context() as patch:
            patch.setattr("journeys.events.ingest.emit_count", self._count)
            try:
                response = function.handler(request, Context())
            except Killed:
                return list(events)
            finally:
                self.first = self.log() | self.first
        if response["statusCode"] != 200:
            assert response["statusCode"] in (429, 503), response
            return list(events)
        body = json.loads(response["body"])
        self.acknowledged |= {one["id"] for one in body["processed"]}
        assert self.acknowledged <= set(self.first), "acknowledged before it is stored"
        return [events[one["originalRequestIndex"]] for one in body["unprocessedEntities"] if one["isRetryable"]]

    def _count(self, name: str, value: int = 1, **_: str) -> None:
        self.not_stored += value if name == "FailuresNotKept" else 0

    def log(self) -> dict[str, dict[str, Any]]:
        """The items of the log, by event id."""
        return {keys.split(item["pk"]["S"])[2]: item for item in self.tables.items(self.tables.events)}

    def failures(self) -> list[dict[str, Any]]:
        return self.tables.items(self.tables.failures)

    def records(self) -> list[dict[str, Any]]:
        """The stream records of the log, with a poison record in the middle."""
        items = sorted(self.log().values(), key=lambda item: str(item["pk"]))
        middle = len(items) // 2
        poison = items[0] | {"pk": {"S": keys.event(self.organization_id, self.configuration_id, "poison")}, "slot": {}}
        return [
            {"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": f"{index:021d}"}}
            for index, item in enumerate([*items[:middle], poison, *items[middle:]])
        ]

    def deliver(self, records: Sequence[Any], fault: Fault) -> list[Any]:
        """Delivers one batch. Returns what Lambda delivers next: the batch from the first reported record."""
        function = self.function("projector", fault)
        try:
            response = function.handler({"Records": records}, Context())
        except Killed:
            return list(records)
        to_retry = {one["itemIdentifier"] for one in response["batchItemFailures"]}
        indexes = [index for index, one in enumerate(records) if one["dynamodb"]["SequenceNumber"] in to_retry]
        return list(records[indexes[0] :]) if indexes else []

    def journeys(self, log: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """The stored journeys. Each must equal a rebuild of the log."""
        steps: dict[str, list[Step]] = {}
        for item in log.values():
            stored = StoredEvent.from_item(item)
            customer = keys.journey(self.organization_id, "crm", stored.event.customer.value)
            event = stored.event
            steps.setdefault(customer, []).append(
                step(event.date_created, stored.configuration_id, event.event_id, stored.slot)
            )
        store = JourneyStore(self.tables.dynamodb, self.tables.journeys)
        found = {}
        for customer, expected in steps.items():
            found[customer] = facts(store.summary(customer).journey)
            assert found[customer] == facts(fold.journey_of(expected)), customer
            assert list(store.steps(customer, ascending=True)) == sorted(expected), customer
        return found

    def assert_complete(self) -> None:
        """Every acknowledged event is in the log and in its journey, and every other event is stored as a failure."""
        log = self.log()
        assert self.acknowledged == set(log) == GOOD
        assert self.first == log, "a stored event does not change"
        assert len(self.journeys(log)) == 2
        reasons = sorted(item["reason"]["S"] for item in self.failures())
        assert [one for one in reasons if one == "projection.failed"] == ["projection.failed"]
        assert set(reasons) - {"projection.failed"} <= BAD
        assert len(reasons) - 1 + self.not_stored >= len(BAD), "a failure that could not be stored is counted"
        if not self.not_stored:
            assert reasons == sorted({*BAD, "projection.failed"})


@pytest.fixture
def pipeline(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Pipeline]:
    """Creates an organization with a pipeline, and deletes the previous one.

    moto takes time in proportion to all stored items, for a scan as for a transaction.
    """
    numbers = itertools.count()

    def create() -> Pipeline:
        tables.clear()
        return Pipeline(tables, f"org-{next(numbers)}", monkeypatch)

    return create


def send_all(one: Pipeline, events: Sequence[Any], fault: Fault) -> None:
    """Sends events as a sender does: first with a fault, then again without one until all are accepted."""
    for attempt in (fault, Fault(), Fault()):
        if not (events := one.send(events, attempt)):
            return
    raise AssertionError("some events were never accepted")


def deliver_all(one: Pipeline, records: Sequence[Any], fault: Fault) -> None:
    for attempt in (fault, Fault(), Fault()):
        if not (records := one.deliver(records, attempt)):
            return
    raise AssertionError("some records were never processed")


# -- a fault at any call -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DONE)
def test_a_fault_at_any_call_of_ingest_loses_no_event_and_stores_none_twice(
    pipeline: Callable[[], Pipeline], kind: str
) -> None:
    measured = Fault()
    send_all(pipeline(), REQUEST, measured)
    assert {"get_item", "put_item", "update_item", "put_object"} == set(measured.calls)
    for number in range(len(measured.calls)):
        one, fault = pipeline(), Fault(number, kind)
        send_all(one, REQUEST, fault)
        assert len(fault.calls) > number, "the fault was reached"
        deliver_all(one, one.records(), Fault())
        one.assert_complete()
        if "killed" in kind or kind == "twice":
            assert one.not_stored == 0


@pytest.mark.parametrize("kind", NOT_DONE + DONE)
def test_a_fault_at_any_call_of_the_projector_leaves_every_journey_equal_to_a_rebuild(
    pipeline: Callable[[], Pipeline], kind: str
) -> None:
    """The batch has a poison record, which is stored once. Customers without the fault are projected."""
    one = pipeline()
    send_all(one, REQUEST, Fault())
    measured = Fault()
    deliver_all(one, one.records(), measured)
    assert {"batch_get_item", "put_item", "batch_write_item", "update_item"} <= set(measured.calls)
    for number in range(len(measured.calls)):
        one, fault = pipeline(), Fault(number, kind)
        send_all(one, REQUEST, Fault())
        records = one.records()
        to_retry = one.deliver(records, fault)
        assert len(fault.calls) > number, "the fault was reached"
        if to_retry and not fault.killed:
            delayed = {_customer(record) for record in to_retry}
            done = {_customer(record) for record in records if _customer(record) not in delayed}
            store = JourneyStore(one.tables.dynamodb, one.tables.journeys)
            for customer in done - {""}:
                assert store.summary(keys.journey(one.organization_id, "crm", customer)).journey.count, customer
        deliver_all(one, to_retry, Fault())
        one.assert_complete()


def _customer(record: Any) -> str:
    """The customer of a record; empty for the poison record."""
    image = record["dynamodb"]["NewImage"]
    return str(image["externalIds"]["L"][0]["M"]["value"]["S"]) if image["slot"] else ""


def test_a_batch_whose_projector_is_killed_after_each_call_in_turn_is_completed(
    pipeline: Callable[[], Pipeline],
) -> None:
    """The projector is killed after its first call, then, with the same records, after its second, and so on."""
    one = pipeline()
    send_all(one, REQUEST, Fault())
    records, ended = one.records(), False
    for number in range(60):
        fault = Fault(number, "after killed")
        if not one.deliver(records, fault):
            ended = True
            break
    assert ended
    one.assert_complete()


# -- an attempt fails, and botocore retries it -------------------------------------------------------------------------


def _response(status: int, code: str) -> AWSResponse:
    body = f'{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"an error of a test"}}'.encode()
    raw = SimpleNamespace(stream=lambda **_: iter([body]), read=lambda *_: body)
    headers = HeadersDict({"Content-Type": "application/x-amz-json-1.0"})
    return AWSResponse("http://dynamodb", status, headers, raw)  # type: ignore[arg-type]


ATTEMPTS: dict[str, Call] = {
    "throttled": lambda: _response(400, "ProvisionedThroughputExceededException"),
    "failed": lambda: _response(500, "InternalServerError"),
}


@contextlib.contextmanager
def failing_attempt(at: int, kind: str) -> Iterator[list[int]]:
    """Makes the n-th HTTP request to DynamoDB fail. Yields a list with one entry per request."""
    seen = list[int]()
    lock = threading.Lock()

    def before_send(**_: Any) -> Any:
        with lock:
            number = len(seen)
            seen.append(number)
        if number != at:
            return None
        if kind == "timeout":
            raise ReadTimeoutError(endpoint_url="http://dynamodb")
        if kind == "reset":
            raise ConnectionClosedError(endpoint_url="http://dynamodb")
        return ATTEMPTS[kind]()

    with handling(aws.dynamodb(), "before-send.dynamodb", before_send, first=True):
        yield seen


@pytest.mark.parametrize("kind", [*ATTEMPTS, "timeout", "reset"])
def test_botocore_retries_a_failed_attempt_without_effect_on_the_result(
    pipeline: Callable[[], Pipeline], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    number, attempts = 0, 1
    while number < attempts:
        one = pipeline()
        with failing_attempt(number, kind) as sent:
            assert one.send(REQUEST, Fault()) == []
        records, before = one.records(), len(sent)
        with failing_attempt(number - before, kind) as delivered:
            assert one.deliver(records, Fault()) == []
        assert one.not_stored == 0
        one.assert_complete()
        attempts = len(sent) + len(delivered) - 1  # one of them was the retry
        number += 1
    assert attempts > 15


# -- a stream that repeats itself --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_that_repeats_splits_and_delays_records_gives_the_same_journeys(
    pipeline: Callable[[], Pipeline], seed: int
) -> None:
    """Random slices of the stream are delivered, partly with faults; then all of it."""
    random, one = Random(seed), pipeline()
    send_all(one, REQUEST, Fault())
    records = one.records()
    for _ in range(8):
        start = random.randrange(len(records))
        piece = records[start : start + random.randint(1, len(records))]
        fault = Fault(random.randrange(12), random.choice(NOT_DONE + DONE)) if random.random() < 0.6 else Fault()
        one.deliver(piece, fault)
    deliver_all(one, records, Fault())
    one.assert_complete()
    before = one.journeys(one.log())
    for record in random.sample(records, len(records)):  # hours later, one by one
        assert one.deliver([record], Fault()) == []
    assert one.journeys(one.log()) == before
    one.assert_complete()


def test_a_request_that_is_repeated_after_each_kill_is_stored_once(pipeline: Callable[[], Pipeline]) -> None:
    """The function is killed after its first call, then, with the same request, after its second, and so on."""
    one = pipeline()
    left: list[Any] = REQUEST
    for number in range(40):
        left = one.send(left, Fault(number, "after killed")) or []
        if not left:
            break
    assert left == []
    deliver_all(one, one.records(), Fault())
    one.assert_complete()
    assert one.not_stored == 0
