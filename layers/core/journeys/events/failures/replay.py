"""Replays failures: sends refused events through ingest again and records the results."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby, islice
from typing import Any

from journeys import dates
from journeys.errors import Conflict, JourneysError
from journeys.events.failures.model import Failure
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import MAX_ENTITIES, Ingest
from journeys.telemetry import log_error

REPLAY_SECONDS = 10
"""How many seconds one request replays failures. The caller sends another request for the remaining ones."""


class Replay:
    """Replays the failures of one organization per call."""

    def __init__(self, ingest: Ingest, failures: FailureStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ingest, self._failures, self._clock = ingest, failures, clock

    def one(self, organization_id: str, id_: str, *, request_id: str) -> Failure:
        """Replays one failure and returns its new state. Raises NotFound, or Conflict if it holds no event to send."""
        failure = self._failures.get(organization_id, id_)
        if not failure.replayable:
            raise Conflict(
                "This failure cannot be replayed, because its payload is not an event.",
                code="not.replayable",
            )
        (replayed,) = self._replay(organization_id, [failure], request_id, REPLAY_SECONDS)
        return replayed

    def matching(
        self,
        organization_id: str,
        *,
        configuration_id: str | None,
        reason: str | None,
        since: int | None,
        until: int | None,
        request_id: str,
    ) -> dict[str, Any]:
        """Replays the matching open failures, newest first, for at most REPLAY_SECONDS.

        Returns {replayed, created, duplicate, failed, complete}. Callers repeat the call until `complete` is True.
        A failure that fails again gets a date after `until`, so it is not replayed twice.
        """
        deadline = self._clock() + REPLAY_SECONDS
        until = min(until if until is not None else dates.now_ms(), dates.now_ms())
        failures = (
            failure
            for _, failure in self._failures.newest_first(
                organization_id,
                since=since,
                until=until,
                configuration_id=configuration_id,
                reason=reason,
                status="open",
            )
            if failure.replayable
        )
        outcomes: Counter[str] = Counter()
        complete = True
        for number, batch in enumerate(_batches(failures)):
            seconds = deadline - self._clock()
            if seconds <= 0:
                complete = False
                break
            with_payloads = [self._failures.get(organization_id, failure.failure_id) for failure in batch]
            for replayed in self._replay(organization_id, with_payloads, f"{request_id}#{number}", seconds):
                outcomes[replayed.replays[-1]["outcome"]] += 1
        return {
            "replayed": outcomes.total(),
            "created": outcomes["created"],
            "duplicate": outcomes["duplicate"],
            "failed": outcomes["failed"],
            "complete": complete,
        }

    def _replay(
        self, organization_id: str, failures: list[Failure], request_id: str, seconds: float
    ) -> Iterator[Failure]:
        """Replays failures of one configuration in one call of ingest."""
        try:
            result = self._ingest.ingest(
                organization_id,
                failures[0].configuration_id,
                [failure.payload for failure in failures],
                request_id=f"replay-{request_id}",
                seconds=seconds,
            )
        except JourneysError as error:  # For example, the configuration was deleted.
            log_error("a replay was refused", error)
            for failure in failures:
                yield self._record(failure, "failed", error.code)
            return
        for index, failure in enumerate(failures):
            if index in result.processed:
                yield self._record(failure, result.processed[index][1], None)
            else:
                yield self._record(failure, "failed", result.refused[index].reason)

    def _record(self, failure: Failure, outcome: str, reason: str | None) -> Failure:
        replay = {"date": dates.text(dates.now_ms()), "outcome": str(outcome)}
        if reason is not None:
            replay["reason"] = reason
        return self._failures.add_replay(failure, replay, resolved=outcome != "failed")


def _batches(failures: Iterator[Failure]) -> Iterator[list[Failure]]:
    """Groups consecutive failures of one configuration into batches of at most MAX_ENTITIES."""
    for _, run in groupby(failures, key=lambda failure: failure.configuration_id):
        while batch := list(islice(run, MAX_ENTITIES)):
            yield batch
