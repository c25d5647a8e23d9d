"""Projects a batch of the log's stream into journeys and links, and decides what happens to records that it cannot."""

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
from journeys.identity.linker import Linker
from journeys.identity.store import LinkStore
from journeys.identity.values import too_many
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
    """A step, the key of the journey that it belongs to, and its event."""

    journey_key: str
    step: Step
    stored: StoredEvent


@dataclass(frozen=True, slots=True)
class ProjectionResult:
    """How many steps were counted and links stored, how many journeys are retried, and the records to retry."""

    counted: int = 0
    linked: int = 0
    delayed: int = 0
    to_retry: tuple[str, ...] = ()

    def __add__(self, other: "ProjectionResult") -> "ProjectionResult":
        return ProjectionResult(
            self.counted + other.counted,
            self.linked + other.linked,
            self.delayed + other.delayed,
            self.to_retry + other.to_retry,
        )


def read_step(stored: StoredEvent) -> JourneyStep:
    """The step of an event. Raises ValueError if the journeys table could not store it."""
    journey_key, step = step_of(stored)
    check_storable(journey_key, step)
    return JourneyStep(journey_key, step, stored)


class Projector:
    """Keeps journeys and links up to date with the log. A record is done when its step and its links are stored."""

    def __init__(self, journeys: JourneyStore, links: LinkStore, failures: FailureStore) -> None:
        self._journeys, self._linker, self._failures = journeys, Linker(links), RecordFailures(failures)
        self._threads = ThreadPoolExecutor(CUSTOMERS_AT_ONCE, thread_name_prefix="customer")

    def project(self, records: Sequence[Record]) -> list[str]:
        """Adds the new events of a batch to their journeys, and stores their links.

        Returns the sequence numbers of the records to retry.

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
        linked, all_linked = self._link(event.value.stored for event in batch.new)
        summaries = self._read_summaries(by_journey)
        result = ProjectionResult(linked=linked)
        for part in self._threads.map(
            lambda key: self._project(by_journey[key], summaries.get(key), linked=all_linked), by_journey
        ):
            result += part
        emit_count("StepsCounted", result.counted)
        if result.linked:
            emit_count("LinksStored", result.linked)
        if not_linked := sum(too_many(event.value.stored.event.external_ids) for event in batch.new):
            emit_count("EventsNotLinked", not_linked)
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

    def _link(self, events: Iterable[StoredEvent]) -> tuple[int, bool]:
        """Stores the links of all customers together. Returns how many were new, and whether all are stored.

        If that fails, each customer's links are stored on their own, so that an error affects only that customer.
        """
        by_organization: dict[str, list[StoredEvent]] = defaultdict(list)
        for stored in events:
            by_organization[stored.organization_id].append(stored)
        linked = 0
        try:
            for organization_id, of_organization in by_organization.items():
                linked += self._linker.link(organization_id, of_organization)
        except Exception as error:
            log_error("the links of a batch were not stored together", error)
            return linked, False
        return linked, True

    def _project(
        self, events: Sequence[NewEvent[JourneyStep]], summary: Summary | None = None, *, linked: bool = False
    ) -> ProjectionResult:
        """Projects one customer's events, and stores their links unless they are `linked`.

        If a call to AWS fails, all records of the customer are retried: the store is busy, or the deployment has a
        defect that must not cost events. Any other error is caused by an event: the events are then projected one at a
        time, and the one that fails is stored as a failure.
        """
        first, new, links = events[0].value, 0, 0
        try:
            new = count_steps(self._journeys, first.journey_key, [event.value.step for event in events], known=summary)
            if not linked:
                links = self._linker.link(first.stored.organization_id, [event.value.stored for event in events])
        except (ClientError, BotoCoreError, JourneysError) as error:
            if not (isinstance(error, ClientError) and error_code(error) == "ValidationException"):
                report("a journey was not updated and will be retried", error)
                return ProjectionResult(
                    new, delayed=1, to_retry=tuple(sequence_number(event.record) for event in events)
                )
            log_error("DynamoDB rejected a step or a link as invalid", error)
        except Exception as error:
            log_error("a step or a link could not be added", error)
        else:
            return ProjectionResult(new, links)
        if len(events) > 1:
            return sum((self._project([event]) for event in events), ProjectionResult(new))
        record = events[0].record
        stored = self._failures.store_poison(record)
        return ProjectionResult(new, to_retry=() if stored else (sequence_number(record),))
