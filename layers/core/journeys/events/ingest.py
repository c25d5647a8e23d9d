"""Taking events in: each is judged alone, stored alone, and answered only once it is stored."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from journeys import dates
from journeys.aws import PUT_CONCURRENCY, item_size, store_outage
from journeys.errors import BadRequest, Detail
from journeys.events.bindings import Binding, Bindings
from journeys.events.failures.model import Failure
from journeys.events.failures.store import FailureStore
from journeys.events.model import Event, StoredEvent, differences
from journeys.events.refusals import SCHEMA_REASONS, Refusal
from journeys.events.store import EventLog
from journeys.events.validation import MAX_ITEM_BYTES, check
from journeys.telemetry import emit_count, emit_duration, log_error, logger

MAX_ENTITIES = 100
LATE = 24 * 60 * 60 * 1000
"""Milliseconds after which an event counts as late. It is taken in all the same."""

REQUEST_SECONDS = 12
"""Puts that were not begun by then are answered 429, so that a sender hears of every event in time."""


class IngestOutcome(StrEnum):
    """What became of an event that was not refused."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    VALID = "valid"


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of a request's events: every place of the request is in exactly one of the two.

    `recorded` is True if every permanently refused event was stored as a failure.
    """

    processed: Mapping[int, tuple[str, IngestOutcome]] = field(default_factory=dict)
    refused: Mapping[int, Refusal] = field(default_factory=dict)
    recorded: bool = True

    def to_wire(self, entities: Sequence[object]) -> dict[str, Any]:
        """The contract's `ExternalEventsResponse`, and ours: `processed`."""
        return {
            "unprocessedEntities": [
                {
                    "event": entities[place],
                    "originalRequestIndex": place,
                    "isRetryable": refusal.retryable,
                    "errorMessage": refusal.message,
                    "statusCode": refusal.status,
                    "errorCode": refusal.reason,
                    "fieldName": refusal.field_name,
                }
                for place, refusal in sorted(self.refused.items())
            ],
            "processed": [
                {"originalRequestIndex": place, "id": event_id, "outcome": outcome}
                for place, (event_id, outcome) in sorted(self.processed.items())
            ],
        }


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
    """Takes events in for any configuration of any organisation."""

    def __init__(
        self,
        log: EventLog,
        failures: FailureStore,
        bindings: Bindings,
        *,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = dates.now_ms,
    ) -> None:
        self._log, self._failures, self._bindings = log, failures, bindings
        self._clock, self._now_ms = clock, now_ms
        self._threads = ThreadPoolExecutor(PUT_CONCURRENCY, thread_name_prefix="put")

    def validate(self, organization_id: str, configuration_id: str, entities: Sequence[object]) -> IngestResult:
        """Judges events as `ingest` would, and stores nothing. Raises NotFound and Conflict for the configuration."""
        _, items, refused = self._judge(organization_id, configuration_id, entities, "validate")
        return IngestResult(
            {place: (stored.event.event_id, IngestOutcome.VALID) for place, stored, _ in items}, refused
        )

    def ingest(
        self,
        organization_id: str,
        configuration_id: str,
        entities: Sequence[object],
        *,
        request_id: str,
        seconds: float = REQUEST_SECONDS,
    ) -> IngestResult:
        """Judges and stores events; `seconds` is how long puts are begun. Raises NotFound and Conflict."""
        deadline = self._clock() + seconds
        binding, items, refused = self._judge(organization_id, configuration_id, entities, request_id)
        processed: dict[int, tuple[str, IngestOutcome]] = {}
        for place, answer in self._put_all(items, deadline):
            if isinstance(answer, Refusal):
                refused[place] = answer
            else:
                processed[place] = answer
        kept = self._keep(organization_id, binding, entities, refused, deadline)
        created = [
            stored
            for place, stored, _ in items
            if processed.get(place) == (stored.event.event_id, IngestOutcome.CREATED)
        ]
        _measure(binding, processed, refused, [stored.date_received - stored.event.date_created for stored in created])
        return IngestResult(processed, refused, kept)

    # -- judging -------------------------------------------------------------------------------------------------------

    def _judge(
        self, organization_id: str, configuration_id: str, entities: Sequence[object], request_id: str
    ) -> tuple[Binding, list["_Put"], dict[int, Refusal]]:
        binding = self._bindings.get(organization_id, configuration_id)
        now_ms = self._now_ms()
        judged = [check(raw, binding.validator, now_ms) for raw in entities]
        if any(isinstance(one, Refusal) and one.reason in SCHEMA_REASONS for one in judged):
            newest = self._bindings.fresh(organization_id, configuration_id)
            if newest is not binding:
                binding = newest
                judged = [check(raw, binding.validator, now_ms) for raw in entities]
        puts: list[_Put] = []
        refused: dict[int, Refusal] = {}
        for place, one in enumerate(judged):
            if isinstance(one, Refusal):
                refused[place] = one
                continue
            stored = _stored(one, organization_id, binding, now_ms, f"{request_id}#{place}")
            item = stored.to_item()
            if _may_be_large(one) and item_size(item) > MAX_ITEM_BYTES:
                limit = MAX_ITEM_BYTES // 1024
                refused[place] = Refusal("event.too.large", f"The event is over {limit} KB as it is stored.")
            else:
                puts.append((place, stored, item))
        return binding, puts, refused

    # -- storing -------------------------------------------------------------------------------------------------------

    def _put_all(self, puts: Sequence["_Put"], deadline: float) -> Iterator[tuple[int, "_Answer"]]:
        """Events of one id are put one after another, as they stand in the request; all others at the same time."""
        if len(puts) == 1:
            yield puts[0][0], self._put(puts[0], deadline)
            return
        by_id: dict[str, list[_Put]] = defaultdict(list)
        for put in puts:
            by_id[put[1].event.event_id].append(put)

        waiting = iter(by_id.values())  # every thread takes the next as it gets free

        def take_turns(_: int) -> list[tuple[int, "_Answer"]]:
            return [(put[0], self._put(put, deadline)) for same in waiting for put in same]

        for answers in self._threads.map(take_turns, range(min(PUT_CONCURRENCY, len(by_id)))):
            yield from answers

    def _put(self, put: "_Put", deadline: float) -> "_Answer":
        _, stored, item = put
        if self._clock() >= deadline:
            return Refusal("too.many.requests", "There was no time left to store the event; send it again.")
        try:
            there = self._log.put(item)
        except (ClientError, BotoCoreError) as error:
            log_error("an event was not stored", error)
            trouble = store_outage(error)
            return Refusal(trouble.code, trouble.message)
        event_id = stored.event.event_id
        if there is None or there.receipt == stored.receipt:
            return event_id, IngestOutcome.CREATED  # the same receipt: a put of ours whose answer was lost
        differing = tuple(differences(there.event, stored.event))
        if not differing:
            return event_id, IngestOutcome.DUPLICATE
        return Refusal(
            "event.conflict",
            f"An event with this id is stored already, with another {', '.join(differing)}; it stays as it is.",
            "id",
            differing,
        )

    # -- what was not taken in -----------------------------------------------------------------------------------------

    def _keep(
        self,
        organization_id: str,
        binding: Binding,
        entities: Sequence[object],
        refused: Mapping[int, Refusal],
        deadline: float,
    ) -> bool:
        """Keeps what was refused for good; answers whether all was. That this fails is counted."""
        now_ms = self._now_ms()
        refused_events = [
            Failure.of_event(organization_id, binding.configuration, entities[index], refusal, now_ms=now_ms)
            for index, refusal in refused.items()
            if not refusal.retryable
        ]
        failures = {failure.failure_id: failure for failure in refused_events}

        def keep(failure: Failure) -> bool:
            if self._clock() >= deadline:
                return False  # the sender must hear of every event within the request's time
            try:
                self._failures.put(failure)
                return True
            except Exception as error:  # whatever it is, the sender's answer stands
                log_error("a refused event was not kept", error)
                return False

        kept = sum(self._threads.map(keep, failures.values()))
        if kept < len(failures):
            emit_count("FailuresNotKept", len(failures) - kept)
        return kept == len(failures)


_Put = tuple[int, StoredEvent, dict[str, Any]]
_Answer = tuple[str, IngestOutcome] | Refusal


def _stored(event: Event, organization_id: str, binding: Binding, now_ms: int, receipt: str) -> StoredEvent:
    schema, configuration = binding.schema, binding.configuration
    return StoredEvent(
        event=event,
        organization_id=organization_id,
        configuration_id=configuration.configuration_id,
        schema_id=schema.schema_id,
        schema_version=schema.version,
        slot=schema.slot,
        event_name=schema.title,
        source=configuration.source,
        date_received=now_ms,
        receipt=receipt,
    )


def _may_be_large(event: Event) -> bool:
    """Whether it is worth counting an event's bytes: nothing else of an event can be long."""
    texts = (
        value if type(value) is list else (value,) for value in event.attributes.values() if type(value) in (str, list)
    )
    return len(event.external_ids) > 20 or sum(len(text) for several in texts for text in several) > 50_000


def _measure(
    binding: Binding,
    processed: Mapping[int, tuple[str, IngestOutcome]],
    refused: Mapping[int, Refusal],
    lags: Sequence[int],
) -> None:
    """Figures of a request, and one line of the log. `lags` are the milliseconds that new events were on their way."""
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
    logger.info(
        "taken",
        source=binding.configuration.source,
        configuration=binding.configuration.configuration_id,
        stored=outcomes[IngestOutcome.CREATED],  # "created" is the name of a log record's own date
        duplicate=outcomes[IngestOutcome.DUPLICATE],
        refused=sum(reasons.values()),
        reasons=reasons,
        late=late,
    )
