"""The log under concurrency: one event is stored, never changes, and is acknowledged only once it is stored."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from journeys import aws
from journeys.events.bindings import Bindings
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import Ingest, IngestOutcome, IngestResult
from journeys.events.store import EventLog
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.store import SchemaStore
from tests.conftest import ORGANIZATION
from tests.support.tables import Tables
from tests.unit.test_ingest import SCHEMA, an_event

THREADS = 32


@pytest.fixture
def configuration_id(database: Tables) -> str:
    schema = SchemaStore(database.dynamodb, database.registry).create(ORGANIZATION, parse(SCHEMA), {"id": "x"})
    made = ConfigurationStore(database.dynamodb, database.registry).create(
        ORGANIZATION, name="Orders", description=None, division_id=None, schema_id=schema.schema_id, source="ERP"
    )
    return made.configuration_id


def an_ingest(tables: Tables, log_client: Any = None) -> Ingest:
    """A new Ingest. Only the log uses `log_client`."""
    return Ingest(
        EventLog(log_client or tables.dynamodb, tables.events),
        FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive"),
        Bindings(ConfigurationStore(tables.dynamodb, tables.registry), SchemaStore(tables.dynamodb, tables.registry)),
    )


def outcomes_of(result: IngestResult) -> list[str]:
    """The outcomes of a request's events, in the order of the request."""
    found = {index: str(outcome) for index, (_, outcome) in result.processed.items()}
    found |= {index: refusal.reason for index, refusal in result.refused.items()}
    return [found[index] for index in range(len(found))]


def test_of_concurrent_events_with_one_id_and_different_contents_one_is_stored_and_never_changes(
    database: Tables, configuration_id: str
) -> None:
    start = threading.Barrier(THREADS)
    ingest = an_ingest(database)

    def send(number: int) -> str:
        start.wait()
        event = an_event("contested", attributes={"quantity": number})
        return outcomes_of(ingest.ingest(ORGANIZATION, configuration_id, [event], request_id=f"r-{number}"))[0]

    with ThreadPoolExecutor(THREADS) as threads:
        outcomes = list(threads.map(send, range(THREADS)))
        assert Counter(outcomes) == {"created": 1, "event.conflict": THREADS - 1}
        before = database.items(database.events)
        assert len(before) == 1
        winner = outcomes.index("created")
        assert before[0]["attributes"] == {"M": {"quantity": {"N": str(winner)}}}

        again = list(threads.map(send, range(THREADS)))
    assert [outcome for number, outcome in enumerate(again) if number != winner] == ["event.conflict"] * (THREADS - 1)
    assert again[winner] in ("created", "duplicate")  # A repeated put of the winner is recognized by its receipt.
    assert database.items(database.events) == before


def test_of_concurrent_identical_events_one_is_created_and_the_others_are_duplicates(
    database: Tables, configuration_id: str
) -> None:
    start = threading.Barrier(THREADS)
    ingest = an_ingest(database)

    def send(number: int) -> str:
        start.wait()
        return outcomes_of(ingest.ingest(ORGANIZATION, configuration_id, [an_event()], request_id=f"r-{number}"))[0]

    with ThreadPoolExecutor(THREADS) as threads:
        outcomes = Counter(threads.map(send, range(THREADS)))
    assert outcomes == {"created": 1, "duplicate": THREADS - 1}
    assert len(database.items(database.events)) == 1
    assert database.items(database.failures) == []


def test_a_second_put_returns_the_stored_event_and_changes_nothing(database: Tables, configuration_id: str) -> None:
    ingest = an_ingest(database)
    ingest.ingest(ORGANIZATION, configuration_id, [an_event()], request_id="first")
    (item,) = database.items(database.events)
    there = EventLog(database.dynamodb, database.events).put(item | {"attributes": {"M": {}}, "receipt": {"S": "x"}})
    assert there is not None
    assert there.receipt == "first#0"
    assert database.items(database.events) == [item]


class Watched:
    """A client that counts concurrent puts, and that loses the responses of some puts or never sends them."""

    def __init__(self, client: Any, *, lost: frozenset[str] = frozenset(), never: frozenset[str] = frozenset()) -> None:
        self._client, self._lost, self._never = client, lost, never
        self._lock = threading.Lock()
        self._together = threading.Barrier(aws.PUT_CONCURRENCY)
        self._in_flight = self.most_in_flight = self.puts = 0

    def put_item(self, **request: Any) -> Any:
        with self._lock:
            self.puts += 1
            first = self.puts <= aws.PUT_CONCURRENCY
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            if first:
                self._together.wait(timeout=20)  # The barrier breaks if puts are sequential.
            id_ = request["Item"]["pk"]["S"].split("#")[2]
            if id_ in self._never:
                raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
            assert request["ConditionExpression"] == "attribute_not_exists(pk)"
            answer = self._client.put_item(**request)
            if id_ in self._lost:
                raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
            return answer
        finally:
            with self._lock:
                self._in_flight -= 1


def test_100_events_of_a_request_are_put_in_parallel_each_with_its_own_condition(
    database: Tables, configuration_id: str
) -> None:
    watched = Watched(database.dynamodb)
    events = [an_event(f"e-{index}") for index in range(100)]
    result = an_ingest(database, watched).ingest(ORGANIZATION, configuration_id, events, request_id="r")
    assert outcomes_of(result) == ["created"] * 100
    assert watched.puts == 100
    assert watched.most_in_flight == aws.PUT_CONCURRENCY
    assert len(database.items(database.events)) == 100


def test_acknowledged_events_are_stored_and_the_others_can_be_sent_again(
    database: Tables, configuration_id: str
) -> None:
    lost, never = (frozenset(f"e-{index}" for index in range(start, 100, 7)) for start in (0, 3))
    events = [an_event(f"e-{index}") for index in range(100)]
    watched = Watched(database.dynamodb, lost=lost, never=never)
    result = an_ingest(database, watched).ingest(ORGANIZATION, configuration_id, events, request_id="r-1")

    stored = {item["pk"]["S"].split("#")[2] for item in database.items(database.events)}
    acknowledged = {id_ for id_, _ in result.processed.values()}
    assert acknowledged == {event["id"] for event in events} - lost - never
    assert stored == acknowledged | lost
    assert {refusal.reason for refusal in result.refused.values()} == {"service.unavailable"}
    assert all(refusal.retryable for refusal in result.refused.values())

    again = an_ingest(database).ingest(
        ORGANIZATION, configuration_id, [events[index] for index in sorted(result.refused)], request_id="r-2"
    )
    outcomes = dict(again.processed.values())
    assert outcomes == dict.fromkeys(lost, IngestOutcome.DUPLICATE) | dict.fromkeys(never, IngestOutcome.CREATED)
    assert len(database.items(database.events)) == 100
    assert database.items(database.failures) == []


def test_the_largest_and_smallest_numbers_are_stored_and_read_unchanged(
    database: Tables, configuration_id: str
) -> None:
    """DynamoDB must store what the validator accepts. Otherwise senders would retry the event indefinitely."""
    numbers = [
        10**38 - 1,
        -(10**38) + 1,
        *map(Decimal, ("1E-130", "-9.9E-130", "1E+37", "-0.0", "0E+200", "0." + "1" * 38)),
    ]
    events = [an_event(f"e-{index}", attributes={"amount": number}) for index, number in enumerate(numbers)]
    ingest = an_ingest(database)
    assert outcomes_of(ingest.ingest(ORGANIZATION, configuration_id, events, request_id="r-1")) == ["created"] * len(
        events
    )
    assert outcomes_of(ingest.ingest(ORGANIZATION, configuration_id, events, request_id="r-2")) == ["duplicate"] * len(
        events
    )
