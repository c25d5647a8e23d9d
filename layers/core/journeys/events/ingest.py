"""Ingest: validates and stores events. Each event is handled on its own and acknowledged only once it is stored."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from journeys import dates
from journeys.aws import PUT_CONCURRENCY
from journeys.defects import report
from journeys.errors import BadRequest, Detail, ServerError
from journeys.events.bindings import Binding, BindingSource
from journeys.events.failures.model import Failure
from journeys.events.failures.store import FailureStore
from journeys.events.judging import Judge, Put
from journeys.events.model import differences
from journeys.events.refusals import Refusal
from journeys.events.store import EventLog
from journeys.telemetry import emit_count, emit_duration, log_info

MAX_ENTITIES = 100
LATE = 24 * 60 * 60 * 1000
"""Milliseconds between an event's date and its receipt from which on it counts as late. Late events are stored too."""

REQUEST_SECONDS = 12
"""Events whose put has not started by then are refused with 429, so that the sender gets a response in time."""


class IngestOutcome(StrEnum):
    """The outcome of an event that was not refused."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    VALID = "valid"


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The result of a request: every index of the request is either in `processed` or in `refused`.

    `recorded` is True if every permanently refused event was stored as a failure.
    """

    processed: Mapping[int, tuple[str, IngestOutcome]] = field(default_factory=dict)
    refused: Mapping[int, Refusal] = field(default_factory=dict)
    recorded: bool = True

    def to_wire(self, entities: Sequence[object]) -> dict[str, Any]:
        """The contract's `ExternalEventsResponse`, with the additional fields `processed` and `details`."""
        return {
            "unprocessedEntities": [
                _refusal_to_wire(entities[index], index, refusal) for index, refusal in sorted(self.refused.items())
            ],
            "processed": [
                {"originalRequestIndex": index, "id": event_id, "outcome": outcome}
                for index, (event_id, outcome) in sorted(self.processed.items())
            ],
        }


def _refusal_to_wire(entity: object, index: int, refusal: Refusal) -> dict[str, Any]:
    """One of `unprocessedEntities`. If the event has several problems, `details` lists the code and field of each."""
    wire = {
        "event": entity,
        "originalRequestIndex": index,
        "isRetryable": refusal.retryable,
        "errorMessage": refusal.message,
        "statusCode": refusal.status,
        "errorCode": refusal.reason,
        "fieldName": refusal.field_name,
    }
    if refusal.problems:
        wire["details"] = [
            {"errorCode": detail.error_code, "fieldName": detail.field_name} for detail in refusal.details()
        ]
    return wire


def entities_of(body: object) -> list[object]:
    """The events of a request's body. Raises BadRequest."""
    entities = body.get("entities") if isinstance(body, dict) else None
    if not isinstance(entities, list) or not 1 <= len(entities) <= MAX_ENTITIES:
        raise BadRequest(
            f'The body must be {{"entities": [...]}} with 1 to {MAX_ENTITIES} events.',
            details=[Detail("invalid.field", "entities")],
        )
    return entities


class Ingest:
    """Ingests events for all configurations of all organizations."""

    def __init__(
        self,
        log: EventLog,
        failures: FailureStore,
        bindings: BindingSource,
        *,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = dates.now_ms,
    ) -> None:
        self._log, self._failures, self._judge = log, failures, Judge(bindings, now_ms=now_ms)
        self._clock, self._now_ms = clock, now_ms
        self._threads = ThreadPoolExecutor(PUT_CONCURRENCY, thread_name_prefix="put")

    def validate(self, organization_id: str, configuration_id: str, entities: Sequence[object]) -> IngestResult:
        """Validates events as `ingest` does, without storing anything.

        Raises NotFound, or Conflict if the configuration accepts no events.
        """
        judged = self._judge.judge(organization_id, configuration_id, entities, request_id="validate")
        valid = {index: (stored.event.event_id, IngestOutcome.VALID) for index, stored, _ in judged.puts}
        return IngestResult(valid, judged.refused)

    def ingest(
        self,
        organization_id: str,
        configuration_id: str,
        entities: Sequence[object],
        *,
        request_id: str,
        seconds: float = REQUEST_SECONDS,
        record_failures: bool = True,
    ) -> IngestResult:
        """Validates events and stores the valid ones. After `seconds`, no further put is started.

        Without `record_failures`, the caller stores the permanently refused events.
        Raises NotFound, or Conflict if the configuration accepts no events.
        """
        deadline = self._clock() + seconds
        judged = self._judge.judge(organization_id, configuration_id, entities, request_id=request_id)
        binding, puts, refused = judged.binding, judged.puts, dict(judged.refused)
        processed: dict[int, tuple[str, IngestOutcome]] = {}
        for index, outcome in self._put_all(puts, deadline):
            if isinstance(outcome, Refusal):
                refused[index] = outcome
            else:
                processed[index] = outcome
        recorded = True
        if record_failures:
            recorded = self._record_failures(organization_id, binding, entities, refused, deadline)
        lags = [
            stored.date_received - stored.event.date_created
            for index, stored, _ in puts
            if processed.get(index) == (stored.event.event_id, IngestOutcome.CREATED)
        ]
        _measure(binding, processed, refused, lags)
        return IngestResult(processed, refused, recorded)

    # -- storing -------------------------------------------------------------------------------------------------------

    def _put_all(self, puts: Sequence[Put], deadline: float) -> Iterator[tuple[int, "_PutOutcome"]]:
        """Puts events in parallel. Events with the same id are put one after another, in the order of the request."""
        if len(puts) == 1:
            yield puts[0][0], self._put(puts[0], deadline)
            return
        by_id: dict[str, list[Put]] = defaultdict(list)
        for put in puts:
            by_id[put[1].event.event_id].append(put)

        waiting = iter(by_id.values())  # Shared by the threads: each takes the next group when it is free.

        def put_groups(_: int) -> list[tuple[int, "_PutOutcome"]]:
            return [(put[0], self._put(put, deadline)) for group in waiting for put in group]

        for outcomes in self._threads.map(put_groups, range(min(PUT_CONCURRENCY, len(by_id)))):
            yield from outcomes

    def _put(self, put: Put, deadline: float) -> "_PutOutcome":
        _, stored, item = put
        if self._clock() >= deadline:
            return Refusal("too.many.requests", "The event was not stored within the request's time. Send it again.")
        try:
            existing = self._log.put(item)
        except Exception as error:
            response = report("an event was not stored", error)
            return _SERVER_ERROR if isinstance(response, ServerError) else Refusal(response.code, response.message)
        event_id = stored.event.event_id
        # The same receipt means that an earlier attempt of this put succeeded and only its response was lost.
        if existing is None or existing.receipt == stored.receipt:
            return event_id, IngestOutcome.CREATED
        differing = tuple(differences(existing.event, stored.event))
        if not differing:
            return event_id, IngestOutcome.DUPLICATE
        return Refusal(
            "event.conflict",
            f"An event with this id is already stored with a different {', '.join(differing)}. Events cannot be "
            "changed; send a new event with another id.",
            "id",
            differing,
        )

    # -- recording failures --------------------------------------------------------------------------------------------

    def _record_failures(
        self,
        organization_id: str,
        binding: Binding,
        entities: Sequence[object],
        refused: Mapping[int, Refusal],
        deadline: float,
    ) -> bool:
        """Stores the permanently refused events as failures. Returns whether all were stored.

        An error here does not change the response to the sender. It is counted in the metric FailuresNotKept.
        """
        now_ms = self._now_ms()
        refused_events = [
            Failure.of_event(organization_id, binding.configuration, entities[index], refusal, now_ms=now_ms)
            for index, refusal in refused.items()
            if not refusal.retryable
        ]
        if not refused_events:
            return True
        failures = {failure.failure_id: failure for failure in refused_events}

        def record(failure: Failure) -> bool:
            if self._clock() >= deadline:
                return False
            try:
                self._failures.put(failure)
                return True
            except Exception as error:
                report("a refused event was not stored as a failure", error)
                return False

        recorded = sum(self._threads.map(record, failures.values()))
        if recorded < len(failures):
            emit_count("FailuresNotKept", len(failures) - recorded)
        return recorded == len(failures)


_PutOutcome = tuple[str, IngestOutcome] | Refusal
_SERVER_ERROR = Refusal(
    ServerError.code, "The event was not stored because of a server error. Do not send it again until it is fixed."
)


def _measure(
    binding: Binding,
    processed: Mapping[int, tuple[str, IngestOutcome]],
    refused: Mapping[int, Refusal],
    lags: Sequence[int],
) -> None:
    """Emits the metrics of a request, and logs what became of its events.

    `lags` are the milliseconds between the date and the receipt of each new event.
    """
    outcomes = Counter(str(outcome) for _, outcome in processed.values())
    reasons = Counter(refusal.reason for refusal in refused.values())
    late = sum(lag > LATE for lag in lags)
    for outcome, number in outcomes.items():
        emit_count("EventsTaken", number, outcome=outcome)
    for reason, number in reasons.items():
        emit_count("EventsRefused", number, reason=reason)
    if late:
        emit_count("EventsLate", late)
    if lags:
        emit_duration("EventLag", max(0, *lags))
    log_info(
        "ingested",
        source=binding.configuration.source,
        configuration=binding.configuration.configuration_id,
        stored=outcomes[IngestOutcome.CREATED],
        duplicate=outcomes[IngestOutcome.DUPLICATE],
        refused=sum(reasons.values()),
        reasons=reasons or None,
        late=late or None,
    )
