"""Process verified deliveries: map them, ingest the events, and store what was refused."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from journeys import dates
from journeys.defects import report
from journeys.errors import Conflict, NotFound, ServerError
from journeys.events.failures.model import CONFIGURATION_GONE, Failure
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import MAX_ENTITIES, Ingest
from journeys.events.refusals import Refusal
from journeys.response_size import response_size
from journeys.telemetry import emit_count
from journeys.webhooks.delivery import ReceivedDelivery
from journeys.webhooks.explanations import explain
from journeys.webhooks.mapper import MAX_EVENTS, Mapper
from journeys.webhooks.mapping import is_same_event
from journeys.webhooks.model import Endpoint, MappedEvent

MAX_SHOWN_EVENTS = 20
MAX_SHOWN_BYTES = 500_000
"""The refused events that a failure shows: their number, and their size as JSON. The delivery itself is kept whole."""


@dataclass(slots=True)
class DeliveryOutcome:
    """The number of events of a delivery by what became of them.

    `failure_id` names the stored failure if events were refused for good, and `reason` is that of the first of them.
    `must_retry` is set if events, or the failure, could not be stored in time: then the same delivery has to be
    processed again, which stores only what is missing.
    """

    created: int = 0
    duplicate: int = 0
    failed: int = 0
    ignored: int = 0
    failure_id: str | None = None
    reason: str | None = None
    must_retry: bool = False

    def to_wire(self) -> dict[str, int]:
        """Return the counts as the sender receives them."""
        wire = {"created": self.created, "duplicate": self.duplicate, "failed": self.failed}
        return wire | ({"ignored": self.ignored} if self.ignored else {})

    @property
    def total(self) -> int:
        return self.created + self.duplicate + self.failed + self.ignored


class Processor:
    """Processes deliveries of all endpoints: when they are received, from the queue, and when failures are replayed."""

    def __init__(
        self,
        ingest: Ingest,
        mapper: Mapper,
        failures: FailureStore,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ingest, self._mapper, self._failures, self._clock = ingest, mapper, failures, clock

    def process(
        self, endpoint: Endpoint, received: ReceivedDelivery, *, request_id: str, seconds: float
    ) -> DeliveryOutcome:
        """Map a delivery, ingest its events, and store one failure if any of them was refused for good."""
        mapped = self.map(endpoint, received)
        return self.ingest(endpoint, received, mapped, request_id=request_id, seconds=seconds)

    def map(self, endpoint: Endpoint, received: ReceivedDelivery, *, at_most: int = MAX_EVENTS) -> list[MappedEvent]:
        """Return what the endpoint's mapping makes of a delivery. Raises MoreEvents; see `Mapper.map_payloads`."""
        return self._mapper.map(endpoint, received, at_most=at_most)

    def ingest(
        self,
        endpoint: Endpoint,
        received: ReceivedDelivery,
        mapped: Sequence[MappedEvent],
        *,
        request_id: str,
        seconds: float,
    ) -> DeliveryOutcome:
        """Ingest the mapped events of a delivery, as `process` does. After `seconds`, no further put is started."""
        deadline = self._clock() + seconds
        outcome = DeliveryOutcome(ignored=sum(event.outcome == "ignored" for event in mapped))
        refused = [event for event in mapped if event.outcome == "refused"]
        emit_refused(refused)
        for number, (configuration_id, batch) in enumerate(_batches(mapped)):
            refused += self._ingest_batch(
                endpoint.organization_id,
                configuration_id,
                batch,
                request_id=f"{request_id}.{number}",
                seconds=deadline - self._clock(),
                received_ms=received.received_ms,
                outcome=outcome,
            )
        outcome.failed = len(refused)
        if refused and not outcome.must_retry:
            self._store_failure(endpoint, received, refused, outcome)
        return outcome

    def _ingest_batch(
        self,
        organization_id: str,
        configuration_id: str,
        batch: Sequence[MappedEvent],
        *,
        request_id: str,
        seconds: float,
        received_ms: int,
        outcome: DeliveryOutcome,
    ) -> list[MappedEvent]:
        """Ingest events of one configuration, count them in `outcome`, and return those that were refused for good."""
        try:
            result = self._ingest.ingest(
                organization_id,
                configuration_id,
                [event.event for event in batch],
                request_id=request_id,
                seconds=seconds,
                record_failures=False,
            )
        except (NotFound, Conflict) as error:  # The configuration was deleted or disabled since the mapping.
            refusal = Refusal(CONFIGURATION_GONE, error.message)
            refused = [replace(event, refusal=refusal) for event in batch]
            emit_refused(refused)
            return refused
        for _, stored in result.processed.values():
            setattr(outcome, stored, getattr(outcome, stored) + 1)
        outcome.must_retry |= any(refusal.retryable for refusal in result.refused.values())
        refused = []
        for index, refusal in sorted(result.refused.items()):
            if is_same_event(batch[index].event or {}, refusal.differing, received_ms):
                outcome.duplicate += 1
            elif not refusal.retryable:
                refused.append(replace(batch[index], refusal=explain(refusal)))
        return refused

    def _store_failure(
        self,
        endpoint: Endpoint,
        received: ReceivedDelivery,
        refused: Sequence[MappedEvent],
        outcome: DeliveryOutcome,
    ) -> None:
        """Store a delivery whose events were refused, and note the failure in `outcome`. Raises ServerError."""
        first, refusal = next((event, event.refusal) for event in refused if event.refusal is not None)
        failure = Failure.of_delivery(
            endpoint.organization_id,
            first.configuration_id or endpoint.configuration_ids[0],
            endpoint.endpoint_id,
            {"delivery": received.to_values(), "events": _shown(refused), "eventsRefused": len(refused)},
            refusal,
            failure_id=received.key,
            sender=endpoint.sender,
            now_ms=dates.now_ms(),
        )
        try:
            self._failures.put(failure)
        except Exception as error:
            emit_count("FailuresNotKept")
            response = report("a refused delivery was not stored as a failure", error)
            if isinstance(response, ServerError):
                raise response from None
            outcome.must_retry = True
            return
        outcome.failure_id, outcome.reason = failure.failure_id, failure.reason


def emit_refused(refused: Iterable[MappedEvent]) -> None:
    """Emit the number of events that were refused before ingest, by reason. Ingest emits those that it refuses."""
    reasons = Counter(event.refusal.reason for event in refused if event.refusal is not None)
    for reason, number in reasons.items():
        emit_count("EventsRefused", number, reason=reason)


def _batches(events: Iterable[MappedEvent]) -> list[tuple[str, list[MappedEvent]]]:
    """Return the valid events by configuration, in batches that one call of ingest takes."""
    by_configuration: dict[str, list[MappedEvent]] = {}
    for event in events:
        if event.outcome == "valid" and event.configuration_id is not None:
            by_configuration.setdefault(event.configuration_id, []).append(event)
    return [
        (configuration_id, batch[start : start + MAX_ENTITIES])
        for configuration_id, batch in by_configuration.items()
        for start in range(0, len(batch), MAX_ENTITIES)
    ]


def _shown(refused: Iterable[MappedEvent]) -> list[Mapping[str, Any]]:
    """Return the first refused events as the API returns them, within the limits of their number and size."""
    shown: list[Mapping[str, Any]] = []
    size = 0
    for event in islice(refused, MAX_SHOWN_EVENTS):
        wire = event.to_wire()
        size += response_size(wire)
        if size > MAX_SHOWN_BYTES:
            wire.pop("event", None)
        shown.append(wire)
    return shown
