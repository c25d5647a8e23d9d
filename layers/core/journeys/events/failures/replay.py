"""Trying again what was refused: through the same door as everything else, with a trace of how it went."""

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
"""How long one request goes on replaying; what is left is for the next."""


class Replay:
    """Replays failures of one organisation at a time."""

    def __init__(self, ingest: Ingest, failures: FailureStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ingest, self._failures, self._clock = ingest, failures, clock

    def one(self, organization_id: str, id_: str, *, request_id: str) -> Failure:
        """Replays a failure and answers with it as it is then. Raises NotFound, and Conflict for a stored record."""
        failure = self._failures.get(organization_id, id_)
        if not failure.replayable:
            raise Conflict("This failure holds a stored record, not an event to send again.", code="not.replayable")
        (replayed,) = self._take(organization_id, [failure], request_id, REPLAY_SECONDS)
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
        """Replays the open failures that match, the newest first, for some seconds.

        Answers {replayed, created, duplicate, failed, complete}; call it again until `complete`. Failures that fail
        again get a newer date than `until`, so that none is met twice.
        """
        began = self._clock()
        until = min(until if until is not None else dates.now_ms(), dates.now_ms())
        found = (
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
        for number, batch in enumerate(_batches(found)):
            seconds = REPLAY_SECONDS - (self._clock() - began)
            if seconds <= 0:
                complete = False
                break
            whole = [self._failures.get(organization_id, failure.failure_id) for failure in batch]
            for replayed in self._take(organization_id, whole, f"{request_id}#{number}", seconds):
                outcomes[replayed.replays[-1]["outcome"]] += 1
        return {
            "replayed": outcomes.total(),
            "created": outcomes["created"],
            "duplicate": outcomes["duplicate"],
            "failed": outcomes["failed"],
            "complete": complete,
        }

    def _take(
        self, organization_id: str, failures: list[Failure], request_id: str, seconds: float
    ) -> Iterator[Failure]:
        """Failures of one configuration, tried in one go."""
        try:
            taken = self._ingest.ingest(
                organization_id,
                failures[0].configuration_id,
                [failure.payload for failure in failures],
                request_id=f"replay-{request_id}",
                seconds=seconds,
            )
        except JourneysError as error:  # the configuration takes no events now
            log_error("a replay was refused", error)
            for failure in failures:
                yield self._trace(failure, "failed", error.code)
            return
        for place, failure in enumerate(failures):
            if place in taken.processed:
                yield self._trace(failure, taken.processed[place][1], None)
            else:
                yield self._trace(failure, "failed", taken.refused[place].reason)

    def _trace(self, failure: Failure, outcome: str, reason: str | None) -> Failure:
        replay = {"date": dates.text(dates.now_ms()), "outcome": str(outcome)}
        if reason is not None:
            replay["reason"] = reason
        return self._failures.add_replay(failure, replay, resolved=outcome != "failed")


def _batches(failures: Iterator[Failure]) -> Iterator[list[Failure]]:
    """Runs of one configuration, each as long as a request may be."""
    for _, run in groupby(failures, key=lambda failure: failure.configuration_id):
        while batch := list(islice(run, MAX_ENTITIES)):
            yield batch
