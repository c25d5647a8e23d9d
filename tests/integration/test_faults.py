"""Ingest and projector while any call fails, hangs up or is the last one, and a stream that repeats itself.

After each: everything acknowledged is in the log once, every journey is what a rebuild makes of the log, everything
refused is among the failures, and what came later went on.
"""

import contextlib
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
from tests.support.functions import Context, api_event, load
from tests.support.schedules import facts
from tests.support.tables import Tables
from tests.unit.test_ingest import an_event, make_source, of
from tests.unit.test_ingest_faults import TROUBLES

Call = Callable[[], Any]


class Killed(BaseException):
    """The function ended here, as Lambda ends one that is out of time or memory: nothing of it goes on."""


# -- what can go wrong at a call ---------------------------------------------------------------------------------------


class Fault:
    """Does something at the n-th call of one run of a function, counted over all its clients and threads."""

    def __init__(self, at: int | None = None, kind: str = "") -> None:
        self._at, self._kind, self._lock = at, kind, threading.Lock()
        self.calls: list[str] = []
        self.dead = False

    def __call__(self, name: str, call: Call) -> Any:
        with self._lock:
            if self.dead:
                raise Killed
            number = len(self.calls)
            self.calls.append(name)
        if number != self._at:
            return call()
        when, _, what = self._kind.partition(" ")
        if what == "killed":
            with self._lock:  # no other thread gets between the call and the end
                if when == "after":
                    call()
                self.dead = True
            raise Killed
        if when == "twice":
            call()
            return call()
        if when == "after":
            call()
        raise TROUBLES[what][0]

    def on(self, client: Any) -> Any:
        """A client all of whose calls go through here."""
        return _Faulty(client, self)


class _Faulty:
    def __init__(self, client: Any, fault: Fault) -> None:
        self._client, self._fault = client, fault

    def __getattr__(self, name: str) -> Any:
        return lambda **request: self._fault(name, lambda: getattr(self._client, name)(**request))


DONE = (
    "after no answer",  # it was done, and nobody heard
    "twice",  # it was done, its answer was lost, and botocore asked again
    "before killed",
    "after killed",
)
NOT_DONE = ("before throttled", "before failed", "before no answer", "before reset")
"""For ingest these are in tests/unit/test_ingest_faults.py, with what the sender hears."""


# -- one organisation's pipeline ---------------------------------------------------------------------------------------

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
    """An organisation of its own, so that many can share tables; functions are made anew after each end."""

    tables: Tables
    organization_id: str
    monkeypatch: pytest.MonkeyPatch
    acknowledged: set[str] = field(default_factory=set)
    first: dict[str, Any] = field(default_factory=dict)
    not_kept: int = 0

    def __post_init__(self) -> None:
        clients = ClientStore(self.tables.dynamodb, self.tables.registry)
        clients.put(Client(self.organization_id, self.organization_id, "A client", PERMISSIONS))
        self.configuration_id = make_source(self.tables, organization_id=self.organization_id).configuration_id

    def function(self, name: str, fault: Fault) -> ModuleType:
        """A fresh sandbox of a function, all of whose calls go through the fault."""
        dynamodb, s3 = fault.on(aws.dynamodb()), fault.on(aws.s3())
        with self.monkeypatch.context() as patch:
            patch.setattr(aws, "dynamodb", lambda: dynamodb)
            patch.setattr(aws, "s3", lambda: s3)
            return load(name)

    def send(self, events: Sequence[Any], fault: Fault) -> list[Any]:
        """One request; answers the events that a sender is to send again, which is all where nobody answered."""
        function = self.function("ingest", fault)
        path = f"externalevents/configurations/{self.configuration_id}/events"
        request = api_event("POST", path, {"entities": events}, client_id=self.organization_id)
        with self.monkeypatch.context() as patch:
            patch.setattr("journeys.events.ingest.emit_count", self._count)
            try:
                answer = function.handler(request, Context())
            except Killed:
                return list(events)
            finally:
                self.first = self.log() | self.first
        if answer["statusCode"] != 200:
            assert answer["statusCode"] in (429, 503), answer
            return list(events)
        body = json.loads(answer["body"])
        self.acknowledged |= {one["id"] for one in body["processed"]}
        assert self.acknowledged <= set(self.first), "acknowledged before it is stored"
        return [events[one["originalRequestIndex"]] for one in body["unprocessedEntities"] if one["isRetryable"]]

    def _count(self, name: str, value: int = 1, **_: str) -> None:
        self.not_kept += value if name == "FailuresNotKept" else 0

    def log(self) -> dict[str, dict[str, Any]]:
        """The items of the log, by the id of the event."""
        return {keys.split(item["pk"]["S"])[2]: item for item in self._rows(self.tables.events)}

    def failures(self) -> list[dict[str, Any]]:
        return self._rows(self.tables.failures)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        pages = self.tables.dynamodb.get_paginator("scan").paginate(
            TableName=table,
            FilterExpression="begins_with(pk, :own)",
            ExpressionAttributeValues={":own": {"S": f"{self.organization_id}#"}},
        )
        return [item for page in pages for item in page["Items"]]

    def records(self) -> list[dict[str, Any]]:
        """The stream of the log, with a poison record in the middle of it."""
        items = sorted(self.log().values(), key=lambda item: str(item["pk"]))
        middle = len(items) // 2
        poison = items[0] | {"pk": {"S": keys.event(self.organization_id, self.configuration_id, "poison")}, "slot": {}}
        return [
            {"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": f"{place:021d}"}}
            for place, item in enumerate([*items[:middle], poison, *items[middle:]])
        ]

    def deliver(self, records: Sequence[Any], fault: Fault) -> list[Any]:
        """One batch; answers what the stream delivers next, as Lambda does: from the first that was reported."""
        function = self.function("projector", fault)
        try:
            answer = function.handler({"Records": records}, Context())
        except Killed:
            return list(records)
        again = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        places = [place for place, one in enumerate(records) if one["dynamodb"]["SequenceNumber"] in again]
        return list(records[places[0] :]) if places else []

    def journeys(self, log: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """What is stored of the journeys, which must be what a rebuild of the log makes of it."""
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
        for customer, those in steps.items():
            found[customer] = facts(store.summary(customer).journey)
            assert found[customer] == facts(fold.journey_of(those)), customer
            assert list(store.steps(customer, ascending=True)) == sorted(those), customer
        return found

    def assert_whole(self) -> None:
        """Everything acknowledged is in the log, everything in the log in its journey, and all else in the failures."""
        log = self.log()
        assert self.acknowledged == set(log) == GOOD
        assert self.first == log, "what is stored stays as it was first"
        assert len(self.journeys(log)) == 2
        reasons = sorted(item["reason"]["S"] for item in self.failures())
        assert [one for one in reasons if one == "projection.failed"] == ["projection.failed"]
        assert set(reasons) - {"projection.failed"} <= BAD
        assert len(reasons) - 1 + self.not_kept >= len(BAD), "what is not kept is counted"
        if not self.not_kept:
            assert reasons == sorted({*BAD, "projection.failed"})


@pytest.fixture
def pipeline(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Pipeline]:
    """Makes organisations with a pipeline."""
    numbers = iter(range(10_000))
    return lambda: Pipeline(tables, f"org-{next(numbers)}", monkeypatch)


def send_all(one: Pipeline, events: Sequence[Any], fault: Fault) -> None:
    """As a sender does: what is to be sent again is, after the trouble."""
    for trouble in (fault, Fault(), Fault()):
        if not (events := one.send(events, trouble)):
            return
    raise AssertionError("the sender was never done")


def deliver_all(one: Pipeline, records: Sequence[Any], fault: Fault) -> None:
    for trouble in (fault, Fault(), Fault()):
        if not (records := one.deliver(records, trouble)):
            return
    raise AssertionError("the stream never went on")


# -- any call fails, or is the last ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DONE)
def test_whichever_call_of_ingest_goes_wrong_nothing_is_lost_or_stored_twice(
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
        one.assert_whole()
        if "killed" in kind or kind == "twice":
            assert one.not_kept == 0


@pytest.mark.parametrize("kind", NOT_DONE + DONE)
def test_whichever_call_of_the_projector_goes_wrong_every_journey_is_as_rebuilt(
    pipeline: Callable[[], Pipeline], kind: str
) -> None:
    """With a poison record in the batch, which is filed once; and the customers that the trouble spared go on."""
    one = pipeline()
    send_all(one, REQUEST, Fault())
    measured = Fault()
    deliver_all(one, one.records(), measured)
    assert {"batch_get_item", "put_item", "batch_write_item", "update_item"} <= set(measured.calls)
    for number in range(len(measured.calls)):
        one, fault = pipeline(), Fault(number, kind)
        send_all(one, REQUEST, Fault())
        records = one.records()
        again = one.deliver(records, fault)
        assert len(fault.calls) > number, "the fault was reached"
        if again and not fault.dead:
            waiting = {_customer(record) for record in again}
            done = {_customer(record) for record in records if _customer(record) not in waiting}
            store = JourneyStore(one.tables.dynamodb, one.tables.journeys)
            for customer in done - {""}:
                assert store.summary(keys.journey(one.organization_id, "crm", customer)).journey.count, customer
        deliver_all(one, again, Fault())
        one.assert_whole()


def _customer(record: Any) -> str:
    """Who a record is of; nobody for the poison."""
    image = record["dynamodb"]["NewImage"]
    return str(image["externalIds"]["L"][0]["M"]["value"]["S"]) if image["slot"] else ""


def test_a_batch_of_many_customers_with_its_projector_killed_at_every_write_in_turn(
    pipeline: Callable[[], Pipeline],
) -> None:
    """The same records, killed at the first write, then at the second of what is left to do, and so on to the end."""
    one = pipeline()
    send_all(one, REQUEST, Fault())
    records, ended = one.records(), False
    for number in range(60):
        fault = Fault(number, "after killed")
        if not one.deliver(records, fault):
            ended = True
            break
    assert ended
    one.assert_whole()


# -- an attempt fails, and botocore tries again ------------------------------------------------------------------------


def _answered(status: int, code: str) -> AWSResponse:
    body = f'{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"told by a test"}}'.encode()
    raw = SimpleNamespace(stream=lambda **_: iter([body]), read=lambda *_: body)
    headers = HeadersDict({"Content-Type": "application/x-amz-json-1.0"})
    return AWSResponse("http://dynamodb", status, headers, raw)  # type: ignore[arg-type]


ATTEMPTS: dict[str, Call] = {
    "throttled": lambda: _answered(400, "ProvisionedThroughputExceededException"),
    "failed": lambda: _answered(500, "InternalServerError"),
}


@contextlib.contextmanager
def failing_attempt(at: int, kind: str) -> Iterator[list[int]]:
    """The n-th request that leaves this process for DynamoDB fails, and no other; answers how many left it."""
    client, seen = aws.dynamodb(), list[int]()

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

    client.meta.events.register_first("before-send.dynamodb", before_send)
    try:
        yield seen
    finally:
        client.meta.events.unregister("before-send.dynamodb", before_send)


@pytest.mark.parametrize("kind", [*ATTEMPTS, "timeout", "reset"])
def test_an_attempt_that_fails_is_tried_again_and_nobody_hears_of_it(
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
        assert one.not_kept == 0
        one.assert_whole()
        attempts = len(sent) + len(delivered) - 1  # one of them was the repetition
        number += 1
    assert attempts > 15


# -- a stream that repeats itself --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_that_delivers_twice_in_pieces_and_late_makes_the_same_journeys(
    pipeline: Callable[[], Pipeline], seed: int
) -> None:
    """Slices of the stream, from anywhere and again and again, some projectors killed or in trouble; then all of it."""
    random, one = Random(seed), pipeline()
    send_all(one, REQUEST, Fault())
    records = one.records()
    for _ in range(8):
        start = random.randrange(len(records))
        piece = records[start : start + random.randint(1, len(records))]
        fault = Fault(random.randrange(12), random.choice(NOT_DONE + DONE)) if random.random() < 0.6 else Fault()
        one.deliver(piece, fault)
    deliver_all(one, records, Fault())
    one.assert_whole()
    before = one.journeys(one.log())
    for record in random.sample(records, len(records)):  # hours later, one by one
        assert one.deliver([record], Fault()) == []
    assert one.journeys(one.log()) == before
    one.assert_whole()


def test_a_request_sent_again_after_every_end_is_stored_once(pipeline: Callable[[], Pipeline]) -> None:
    """A sender whose function is killed at the first call, then at the second, and so on, with one and the same."""
    one = pipeline()
    left: list[Any] = REQUEST
    for number in range(40):
        left = one.send(left, Fault(number, "after killed")) or []
        if not left:
            break
    assert left == []
    deliver_all(one, one.records(), Fault())
    one.assert_whole()
    assert one.not_kept == 0
