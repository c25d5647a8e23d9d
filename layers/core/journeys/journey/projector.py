"""Projects a batch of the log's stream into journeys, and decides what happens to records that cannot be projected."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from journeys.aws import error_code
from journeys.defects import report
from journeys.errors import JourneysError
from journeys.events.failures.store import FailureStore
from journeys.events.model import StoredEvent
from journeys.journey.model import Step, Summary, check_storable, step_of
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore
from journeys.stream.batch import lag_ms
from journeys.stream.failures import RecordFailures
from journeys.stream.records import NewEvent, Record, sequence_number, split
from journeys.telemetry import emit_count, emit_duration, log_error

CUSTOMERS_AT_ONCE = 8
"""Customers whose journeys are projected in parallel."""


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """A step, and the key of the journey that it belongs to."""

    journey_key: str
    step: Step


@dataclass(frozen=True, slots=True)
class ProjectionResult:
    """How many steps were counted, how many journeys are retried, and the sequence numbers of the records to retry."""

    counted: int = 0
    delayed: int = 0
    to_retry: tuple[str, ...] = ()

    def __add__(self, other: "ProjectionResult") -> "ProjectionResult":
        return ProjectionResult(
            self.counted + other.counted, self.delayed + other.delayed, self.to_retry + other.to_retry
        )


def read_step(stored: StoredEvent) -> JourneyStep:
    """The step of an event. Raises ValueError if the journeys table could not store it."""
    journey_key, step = step_of(stored)
    check_storable(journey_key, step)
    return JourneyStep(journey_key, step)


class Projector:
    """Keeps journeys up to date with the log."""

    def __init__(self, journeys: JourneyStore, failures: FailureStore) -> None:
        self._journeys, self._failures = journeys, RecordFailures(failures)
        self._threads = ThreadPoolExecutor(CUSTOMERS_AT_ONCE, thread_name_prefix="customer")

    def project(self, records: Sequence[Record]) -> list[str]:
        """Adds the new events of a batch to their journeys. Returns the sequence numbers of the records to retry.

        Customers do not affect each other: if the store is busy for one of them, only that customer's records are
        returned. Poison records and tampering are stored as failures and skipped.
        """
        batch = split(records, read_step)
        stored_poison = [(record, self._failures.store_poison(record)) for record in batch.unreadable]
        stored_evidence = [(record, self._failures.store_tampering(record)) for record in batch.tampered]
        to_retry = [sequence_number(record) for record, stored in stored_poison + stored_evidence if not stored]
        by_journey: dict[str, list[NewEvent[JourneyStep]]] = defaultdict(list)
        for event in batch.new:
            by_journey[event.value.journey_key].append(event)
        summaries = self._read_summaries(by_journey)
        result = ProjectionResult()
        for part in self._threads.map(lambda key: self._project(by_journey[key], summaries.get(key)), by_journey):
            result += part
        emit_count("StepsCounted", result.counted)
        if result.delayed:
            emit_count("ProjectionsDelayed", result.delayed)
        emit_duration("JourneyLag", lag_ms(records))
        return to_retry + list(result.to_retry)

    def _read_summaries(self, journey_keys: Iterable[str]) -> dict[str, Summary]:
        """Reads the summaries of all customers in one call.

        Returns no summaries if the call fails. Each customer's summary is then read on its own, so that an error
        affects only that customer.
        """
        try:
            return self._journeys.summaries(journey_keys)
        except (ClientError, BotoCoreError, JourneysError) as error:
            report("the summaries of a batch were not read in one call", error)
            return {}

    def _project(self, events: Sequence[NewEvent[JourneyStep]], summary: Summary | None = None) -> ProjectionResult:
        """Projects one customer's events.

        If a call to AWS fails, all records of the customer are retried: the store is busy, or the deployment has a
        defect that must not cost events. Any other error is caused by an event: the events are then projected one at a
        time, and the one that fails is stored as a failure.
        """
        try:
            steps = [event.value.step for event in events]
            new = count_steps(self._journeys, events[0].value.journey_key, steps, known=summary)
        except (ClientError, BotoCoreError, JourneysError) as error:
            if not (isinstance(error, ClientError) and error_code(error) == "ValidationException"):
                report("a journey was not updated and will be retried", error)
                return ProjectionResult(delayed=1, to_retry=tuple(sequence_number(event.record) for event in events))
            log_error("DynamoDB rejected a step as invalid", error)
        except Exception as error:
            log_error("a step could not be added to its journey", error)
        else:
            return ProjectionResult(counted=new)
        if len(events) > 1:
            return sum((self._project([event]) for event in events), ProjectionResult())
        record = events[0].record
        stored = self._failures.store_poison(record)
        return ProjectionResult(to_retry=() if stored else (sequence_number(record),))
