"""Rebuilds a journey from the log while events keep arriving and readers keep reading.

A rebuild has these steps:

1. Compare the journey with the log. If it is correct, leave it unchanged. If it only lacks a few events, add them as
   the projector does.
2. Otherwise put rows for all events of the log under a new generation, which no reader knows yet.
3. Write the summary of these events, on condition that its version has not changed. This one write switches the
   journey to the new generation: readers see the old journey before it, and the complete new one after it.
4. If a projector wrote the summary in between, add the events that it counted and try again.

The rows of the old generation stay for readers that started before the switch. They are deleted later.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from journeys import dates, keys
from journeys.aws import backoff
from journeys.errors import TooManyRequests
from journeys.events.store import EventLog
from journeys.journey import fold
from journeys.journey.model import Step, Summary, generation_started, new_generation
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore, SummaryConflict
from journeys.journey.verify import ROWS_PER_READ, State, logged_steps, read_state

ATTEMPTS = 40

MAX_UNSTABLE_READS = 10
"""How often a journey is read again because its summary changed during the read. After that it is rebuilt anyway."""

MAX_COUNTED = 100
"""The most missing events that are added as the projector does. A batch of the projector has at most as many."""

MAX_BUILD_MS = 30 * 60 * 1000
"""The longest time from the start of a generation to the switch, in milliseconds."""

OBSOLETE_AFTER_MS = 60 * 60 * 1000
"""The age, in milliseconds, from which the rows of another generation than the journey's can be deleted.

It is longer than MAX_BUILD_MS, so that the rows of a running rebuild are never deleted.
"""


class RebuildOutcome(StrEnum):
    """What a rebuild did."""

    CORRECT = "already correct"
    COUNTED = "missing events added"
    REBUILT = "rebuilt"


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What a rebuild did. `replaced` is the old generation, if there was a switch, whose rows can be deleted later."""

    outcome: RebuildOutcome
    replaced: str | None = None


def rebuild_journey(
    store: JourneyStore,
    log: EventLog,
    journey_key: str,
    scanned: Iterable[Step],
    *,
    now: Callable[[], int] = dates.now_ms,
    sleep: Callable[[float], None] = time.sleep,
    waits: Callable[[], Iterator[float]] = lambda: backoff(attempts=ATTEMPTS),
) -> RebuildResult:
    """Makes a customer's journey equal to the journey of the log.

    `scanned` are the customer's steps that a scan of the log found. Events that were stored after the scan are looked
    up. Raises TooManyRequests if projectors keep writing the summary, and the errors of the stores. After an error,
    readers still see the old journey, and the rebuild can be repeated.
    """
    logged = {step.key: step for step in scanned}
    generation, stored = "", set[str]()
    state: State | None = None
    for attempt, wait in enumerate(waits()):
        previous, state = state, read_state(store, journey_key, state if generation else None)
        if generation and state.summary.generation == generation:
            # An earlier attempt switched to the new generation, but its response was lost.
            return RebuildResult(RebuildOutcome.REBUILT, previous.summary.generation if previous else None)
        logged |= logged_steps(log, journey_key, state.counted - logged.keys())
        if not generation:
            if store.summary(journey_key).version == state.summary.version:  # The rows belong to this summary.
                result = _without_rebuild(store, journey_key, state, logged, sleep, waits)
                if result is not None:
                    return result
            elif attempt < MAX_UNSTABLE_READS:
                sleep(wait)
                continue
            generation = new_generation(now())
        store.put_rows(keys.steps(journey_key, generation), [s for s in logged.values() if s.key not in stored])
        stored.update(logged)
        if now() - generation_started(generation) > MAX_BUILD_MS:
            raise TooManyRequests("The journey was not rebuilt in time. Run the rebuild again.")
        journey = fold.journey_of(logged.values())
        try:
            store.put_summary(journey_key, Summary(journey, version=state.summary.version, generation=generation))
        except SummaryConflict:
            sleep(wait)
            continue
        return RebuildResult(RebuildOutcome.REBUILT, state.summary.generation)
    raise AssertionError("backoff ends by raising")


def _without_rebuild(
    store: JourneyStore,
    journey_key: str,
    state: State,
    logged: dict[str, Step],
    sleep: Callable[[float], None],
    waits: Callable[[], Iterator[float]],
) -> RebuildResult | None:
    """Handles a journey that is correct or only lacks a few events. Returns None if it must be rebuilt."""
    differences = state.compare(logged)
    if not differences:
        return RebuildResult(RebuildOutcome.CORRECT)
    if differences.only_incomplete and len(differences.missing) <= MAX_COUNTED:
        count_steps(store, journey_key, differences.missing + differences.missing_row, sleep=sleep, waits=waits)
        return RebuildResult(RebuildOutcome.COUNTED)
    return None


# -- rows of other generations -----------------------------------------------------------------------------------------


def is_obsolete(generation: str, current: str, now_ms: int) -> bool:
    """Whether nobody can still be reading or building a generation.

    A reader may use an old generation until OBSOLETE_AFTER_MS after the current one was started. A rebuild may be
    building a new one until OBSOLETE_AFTER_MS after it was started.
    """
    newest = max(generation_started(generation), generation_started(current))
    return generation != current and newest + OBSOLETE_AFTER_MS < now_ms


def delete_generation(store: JourneyStore, journey_key: str, generation: str) -> int:
    """Deletes the rows of a generation, unless it is the journey's current one. Returns how many were deleted."""
    if store.summary(journey_key).generation == generation:
        return 0
    partition = keys.steps(journey_key, generation)
    rows = list(store.steps(partition, ascending=True, page=ROWS_PER_READ))
    store.delete_rows(partition, rows)
    return len(rows)
