"""Replays failures: sends refused events and deliveries through ingest again and records the results."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any, NamedTuple, Protocol

from journeys import dates
from journeys.errors import Conflict, JourneysError, NotFound
from journeys.events.failures.model import Failure
from journeys.events.failures.store import OPEN, PAGE, UNREADABLE, FailurePage, FailureStore
from journeys.events.ingest import MAX_ENTITIES, Ingest
from journeys.jsontext import omit_none
from journeys.registry.native_types import NATIVE
from journeys.response_size import response_size
from journeys.telemetry import log_error

REPLAY_SECONDS = 10
"""How many seconds one request replays failures. The caller sends another request for the remaining ones."""

MAX_REMAINING = 1000
"""Failures that a response counts as remaining. If there are more, the response says 1000."""
MAX_PAGES_COUNTED = 5
"""Pages that are read to count the failures that remain. A filter that few failures match can leave some uncounted."""
MAX_BATCH_BYTES = 5_000_000
"""Bytes of the payloads that are in memory at the same time. A payload itself has at most about 1 MiB."""


class ReplayOutcome(NamedTuple):
    """The result of one replay.

    `outcome` is `created`, `duplicate`, `failed` or `ignored`. `reason` says why it failed. `counts` are the numbers of
    events by outcome if the failure is a delivery.
    """

    outcome: str
    reason: str | None = None
    counts: Mapping[str, int] = {}


class Deliveries(Protocol):
    """Replays failures that are webhook deliveries, with the current mapping of their endpoints."""

    def refusal(self, organization_id: str, endpoint_id: str) -> str | None:
        """The error code with which all deliveries of an endpoint fail; None if some can succeed."""

    def replay(
        self, organization_id: str, endpoint_id: str, payload: Any, *, request_id: str, seconds: float
    ) -> ReplayOutcome:
        """Processes the delivery of a failure with this payload again.

        Raises NotFound if the endpoint was deleted, and ValueError if the payload is damaged.
        """


class NativeEvents(Protocol):
    """Replays failures that are native events, with the current mapping of their vendor's fields."""

    def replay(self, organization_id: str, payload: Any, *, request_id: str, seconds: float) -> ReplayOutcome:
        """Maps and ingests the event of a failure again. Raises ValueError if the payload is damaged."""


class Replay:
    """Replays the failures of one organization per call."""

    def __init__(
        self,
        ingest: Ingest,
        failures: FailureStore,
        deliveries: Deliveries,
        native_events: NativeEvents,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ingest, self._failures, self._clock = ingest, failures, clock
        self._deliveries, self._native_events = deliveries, native_events

    def one(self, organization_id: str, id_: str, *, request_id: str) -> Failure:
        """Replays one failure and returns its new state. Raises NotFound, or Conflict if it holds no event to send."""
        failure = self._failures.get(organization_id, id_)
        if not failure.replayable:
            raise Conflict(
                "This failure cannot be replayed, because its payload is neither an event nor a delivery.",
                code="not.replayable",
            )
        (replayed,) = self._replay(organization_id, [failure], request_id, self._clock() + REPLAY_SECONDS)
        return replayed

    def matching(
        self,
        organization_id: str,
        *,
        configuration_id: str | None,
        endpoint_id: str | None = None,
        reason: str | None,
        since: int | None,
        until: int | None,
        after: str | None,
        request_id: str,
    ) -> "ReplayProgress":
        """Replays the matching open failures, newest first, for at most REPLAY_SECONDS.

        `after` is the position at which the previous call stopped; without one, the replay begins with the newest.
        A failure that fails again gets a date after `until`, so it is not replayed twice. Failures of a configuration
        that accepts no events are counted without being read, so that they do not use up the time of the others.
        """
        deadline = self._clock() + REPLAY_SECONDS
        until = min(until if until is not None else dates.now_ms(), dates.now_ms())

        def open_failures(after: str | None) -> FailurePage:
            return self._failures.newest_first(
                organization_id,
                size=PAGE,
                since=since,
                until=until,
                after=after,
                configuration_id=configuration_id,
                endpoint_id=endpoint_id,
                reason=reason,
                status=OPEN,
            )

        return self._replay_all(organization_id, open_failures, after, request_id, deadline)

    def _replay_all(
        self,
        organization_id: str,
        open_failures: Callable[[str | None], FailurePage],
        after: str | None,
        request_id: str,
        deadline: float,
    ) -> "ReplayProgress":
        """Replays the failures after a position until the deadline, and counts those that remain."""
        progress = ReplayProgress(position=after)
        refusals: dict[_Target, str | None] = {}
        for number, batch in enumerate(_batches(_pages(open_failures, after))):
            if self._clock() >= deadline:
                remaining = islice(_pages(open_failures, progress.position), MAX_PAGES_COUNTED)
                progress.count_remaining(failure for page in remaining for _, failure in page.rows)
                break
            failures = [failure for _, failure in batch.rows]
            if failures:
                target = _target(failures[0])
                if target not in refusals:
                    refusals[target] = self._refusal(organization_id, failures[0])
                if (refusal := refusals[target]) is not None:
                    progress.failed(refusal, len(failures))
                else:
                    self._replay_batch(organization_id, failures, f"{request_id}#{number}", deadline, progress)
            progress.position = batch.position
        return progress

    def _refusal(self, organization_id: str, failure: Failure) -> str | None:
        """The error code with which the endpoint or the configuration of a failure refuses everything, or None."""
        if failure.endpoint_id is not None:
            return self._deliveries.refusal(organization_id, failure.endpoint_id)
        if failure.configuration_id == NATIVE:
            return None
        try:
            self._ingest.validate(organization_id, failure.configuration_id, [])
        except JourneysError as error:
            return error.code
        return None

    def _replay_batch(
        self,
        organization_id: str,
        failures: Sequence[Failure],
        request_id: str,
        deadline: float,
        progress: "ReplayProgress",
    ) -> None:
        """Replays failures of one configuration. One whose payload cannot be read is counted, and the rest goes on."""
        for number, batch in enumerate(self._readable(organization_id, failures, progress)):
            for replayed in self._replay(organization_id, batch, f"{request_id}.{number}", deadline):
                progress.count(replayed.replays[-1])

    def _readable(
        self, organization_id: str, failures: Sequence[Failure], progress: "ReplayProgress"
    ) -> Iterator[list[Failure]]:
        """Reads failures with their payloads, in batches of about MAX_BATCH_BYTES."""
        batch: list[Failure] = []
        size = 0
        for failure in failures:
            try:
                batch.append(self._failures.get(organization_id, failure.failure_id))
            except NotFound as error:  # It expired, or its payload is damaged.
                log_error("a failure could not be read", error)
                progress.failed(UNREADABLE, 1)
                continue
            size += response_size(batch[-1].payload)
            if size > MAX_BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _replay(
        self, organization_id: str, failures: list[Failure], request_id: str, deadline: float
    ) -> Iterator[Failure]:
        """Replays events of one configuration in one call of ingest, or deliveries and native events one by one."""
        if _is_mapped(failures[0]):
            for failure in failures:
                outcome = self._replay_mapped(
                    failure, request_id=f"replay-{request_id}", seconds=deadline - self._clock()
                )
                yield self._record(failure, outcome)
            return
        try:
            result = self._ingest.ingest(
                organization_id,
                failures[0].configuration_id,
                [failure.payload for failure in failures],
                request_id=f"replay-{request_id}",
                seconds=deadline - self._clock(),
            )
        except JourneysError as error:  # For example, the configuration was deleted.
            log_error("a replay was refused", error)
            for failure in failures:
                yield self._record(failure, ReplayOutcome("failed", error.code))
            return
        for index, failure in enumerate(failures):
            if index in result.processed:
                yield self._record(failure, ReplayOutcome(result.processed[index][1]))
            else:
                yield self._record(failure, ReplayOutcome("failed", result.refused[index].reason))

    def _replay_mapped(self, failure: Failure, *, request_id: str, seconds: float) -> ReplayOutcome:
        """Maps and ingests the delivery or the native event of a failure again."""
        organization_id, payload = failure.organization_id, failure.payload
        try:
            if failure.endpoint_id is None:
                return self._native_events.replay(organization_id, payload, request_id=request_id, seconds=seconds)
            return self._deliveries.replay(
                organization_id, failure.endpoint_id, payload, request_id=request_id, seconds=seconds
            )
        except JourneysError as error:
            log_error("a replay was refused", error)
            return ReplayOutcome("failed", error.code)
        except ValueError as error:
            log_error("a failure could not be read", error)
            return ReplayOutcome("failed", UNREADABLE)

    def _record(self, failure: Failure, outcome: ReplayOutcome) -> Failure:
        replay: dict[str, Any] = {"date": dates.text(dates.now_ms()), "outcome": str(outcome.outcome), **outcome.counts}
        if outcome.reason is not None:
            replay["reason"] = outcome.reason
        return self._failures.add_replay(failure, replay, resolved=outcome.outcome not in ("failed", "ignored"))


def _is_mapped(failure: Failure) -> bool:
    """Whether the payload is not an event yet: a delivery, or a native event."""
    return failure.endpoint_id is not None or failure.configuration_id == NATIVE


_Target = tuple[str | None, str]


def _target(failure: Failure) -> _Target:
    """The endpoint and the configuration of a failure. Failures with the same ones are refused for the same reason."""
    return failure.endpoint_id, failure.configuration_id


def _pages(read: Callable[[str | None], FailurePage], after: str | None) -> Iterator[FailurePage]:
    """The pages of a listing after a position, without failures that cannot be replayed."""
    while True:
        page = read(after)
        yield page._replace(rows=[row for row in page.rows if row[1].replayable])
        if (after := page.position) is None:
            return


def _batches(pages: Iterator[FailurePage]) -> Iterator[FailurePage]:
    """Groups consecutive events of one configuration into batches of at most MAX_ENTITIES.

    A delivery and a native event are batches of their own.

    A delivery can hold a thousand events, so the time is checked after each. An empty batch ends each page: a page
    without a failure takes time as well, and its position is where the next call continues.
    """
    for page in pages:
        for (_, _, is_mapped), run in groupby(page.rows, key=lambda row: (*_target(row[1]), _is_mapped(row[1]))):
            while batch := list(islice(run, 1 if is_mapped else MAX_ENTITIES)):
                yield FailurePage(batch, batch[-1][0])
        if page.position is not None:
            yield FailurePage([], page.position)


@dataclass(slots=True)
class ReplayProgress:
    """What one call replayed, and what remains.

    `position` is where the next call continues. `remaining` counts the failures after it by reason, at most
    MAX_REMAINING of them; None if the replay is complete.
    """

    position: str | None
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    remaining: Counter[str] | None = None

    def count(self, replay: Mapping[str, Any]) -> None:
        """Counts the recorded result of one replay."""
        self.outcomes[replay["outcome"]] += 1
        if "reason" in replay:
            self.reasons[replay["reason"]] += 1

    def failed(self, reason: str, number: int) -> None:
        """Counts failures that could not be replayed."""
        self.outcomes["failed"] += number
        self.reasons[reason] += number

    def count_remaining(self, failures: Iterator[Failure]) -> None:
        """Counts the failures that this call did not reach."""
        self.remaining = Counter(failure.reason for failure in islice(failures, MAX_REMAINING))

    def to_wire(self) -> dict[str, Any]:
        """The progress as the API returns it, without the cursor."""
        return omit_none(
            {
                "replayed": self.outcomes.total(),
                "created": self.outcomes["created"],
                "duplicate": self.outcomes["duplicate"],
                "failed": self.outcomes["failed"],
                "ignored": self.outcomes["ignored"],
                "failedReasons": _by_number(self.reasons),
                "complete": self.remaining is None,
                "remaining": self.remaining.total() if self.remaining is not None else None,
                "remainingReasons": _by_number(self.remaining) if self.remaining is not None else None,
            }
        )


def _by_number(reasons: Counter[str]) -> list[dict[str, Any]]:
    return [{"reason": reason, "count": number} for reason, number in reasons.most_common()]
