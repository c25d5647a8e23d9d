"""Ingests native events: from the queue, of an import, and when failures are replayed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from journeys import dates, jsontext
from journeys.cache import Cache
from journeys.defects import report
from journeys.events.failures.model import Failure
from journeys.events.failures.replay import ReplayOutcome
from journeys.events.failures.store import MAX_DEPTH, FailureStore
from journeys.events.ingest import Ingest, IngestResult
from journeys.events.refusals import InvalidEvent, Refusal
from journeys.events.store import EventLog
from journeys.native.bindings import NativeBindings
from journeys.native.reading import read, source_of, vendor_of
from journeys.registry.native_sources.store import NativeSourceStore
from journeys.telemetry import emit_count, log_error, log_info

CONSUME_SECONDS = 40
"""How long one invocation stores events. The rest of the function's 60 seconds is for the call that is under way."""
MAX_SOURCE_SHOWN = 300
"""Characters of an unknown source in a log line."""


@dataclass(frozen=True, slots=True)
class NativeOutcome:
    """What became of an event.

    `outcome` is `created`, `duplicate`, `valid`, `ignored`, `unmapped` (its source belongs to no organization),
    `unreadable` (it is not JSON) or `failed`, with a refusal. `source` is that of an unmapped event.
    """

    outcome: str
    refusal: Refusal | None = None
    source: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do. Otherwise the event has to be delivered again."""
        return self.refusal is None or not self.refusal.retryable

    def to_values(self) -> dict[str, Any]:
        """JSON values."""
        values: dict[str, Any] = {"outcome": self.outcome, "source": self.source}
        if self.refusal is not None:
            values |= {
                "errorCode": self.refusal.reason,
                "errorMessage": self.refusal.message,
                "isRetryable": self.refusal.retryable,
            }
        return jsontext.omit_none(values)


_NOT_RECORDED = Refusal("service.unavailable", "The event was refused, and could not be stored as a failure.")


class NativeIngest:
    """Ingests the native events of all organizations."""

    def __init__(self, log: EventLog, failures: FailureStore) -> None:
        self._failures = failures
        self._ingest = Ingest(log, failures, NativeBindings())

    def ingest(
        self, organization_id: str, envelope: Mapping[str, Any], *, request_id: str, seconds: float
    ) -> NativeOutcome:
        """Stores an event for an organization, through the same rules as external events."""
        store = partial(self._ingest.ingest, request_id=request_id, seconds=seconds, record_failures=False)
        return self._map(organization_id, envelope, store)

    def validate(self, organization_id: str, envelope: Mapping[str, Any]) -> NativeOutcome:
        """Judges an event as `ingest` does, without storing anything."""
        return self._map(organization_id, envelope, self._ingest.validate)

    @staticmethod
    def _map(
        organization_id: str, envelope: Mapping[str, Any], then: Callable[[str, str, list[object]], IngestResult]
    ) -> NativeOutcome:
        try:
            event = read(envelope)
        except InvalidEvent as invalid:
            refusal = Refusal.of(invalid.problems)
            emit_count("EventsRefused", reason=refusal.reason)
            return NativeOutcome("failed", refusal)
        if event is None:
            emit_count("NativeEventsIgnored")
            return NativeOutcome("ignored")
        result = then(organization_id, NativeBindings.key(event.schema_id, event.vendor), [event.event])
        if 0 in result.refused:
            return NativeOutcome("failed", result.refused[0])
        return NativeOutcome(str(result.processed[0][1]))

    def record(self, organization_id: str, envelope: Mapping[str, Any], refusal: Refusal) -> bool:
        """Stores a refused event as a failure. Returns False if that has to be tried again."""
        failure = Failure.of_native(organization_id, vendor_of(envelope), envelope, refusal, now_ms=dates.now_ms())
        try:
            self._failures.put(failure)
        except Exception as error:
            emit_count("FailuresNotKept")
            report("a refused native event was not stored as a failure", error)
            return False
        return True

    def replay(self, organization_id: str, payload: Any, *, request_id: str, seconds: float) -> ReplayOutcome:
        """Maps the event of a failure again and ingests it. Raises ValueError if the payload is damaged."""
        if not isinstance(payload, dict):
            raise ValueError("the failure holds no native event")  # noqa: TRY004  # The payload is damaged.
        result = self.ingest(organization_id, payload, request_id=request_id, seconds=seconds)
        return ReplayOutcome(result.outcome, result.refusal.reason if result.refusal is not None else None)


class NativeConsumer:
    """Consumes messages: one EventBridge event each, as text."""

    def __init__(self, sources: NativeSourceStore, ingest: NativeIngest) -> None:
        self._ingest = ingest
        self._organizations: Cache[str, str | None] = Cache(sources.find)

    def consume(self, message: str, *, request_id: str, seconds: float, validate_only: bool = False) -> NativeOutcome:
        """Ingests the event of a message, or stores it as a failure. If `seconds` run out, it is neither.

        An event whose source belongs to no organization is dropped: nobody may read it, so it is stored nowhere.
        """
        try:
            envelope = jsontext.loads(message.encode(), max_depth=MAX_DEPTH)
        except ValueError as error:
            log_error("a native event is not valid JSON", error)
            emit_count("NativeEventsUnmapped")
            return NativeOutcome("unreadable")
        source = source_of(envelope) if isinstance(envelope, dict) else None
        organization_id = self._organization(source) if source is not None else None
        if organization_id is None:
            emit_count("NativeEventsUnmapped")
            shown = (source or "")[:MAX_SOURCE_SHOWN]
            log_info("a native event of an unknown source was dropped", nativeSource=shown)
            return NativeOutcome("unmapped", source=shown)
        if validate_only:
            return self._ingest.validate(organization_id, envelope)
        result = self._ingest.ingest(organization_id, envelope, request_id=request_id, seconds=seconds)
        if result.refusal is None or result.refusal.retryable:
            return result
        recorded = self._ingest.record(organization_id, envelope, result.refusal)
        return result if recorded else NativeOutcome("failed", _NOT_RECORDED)

    def _organization(self, source: str) -> str | None:
        """The organization of a source. A source that was added a moment ago is found at once."""
        return self._organizations.get(source) or self._organizations.fresh(source)
