"""A journey anew from the log, while events keep arriving: a reader sees it as it was, and from one moment on, whole.

The rows of a new generation are put where nobody looks, all of them, and then one write of the summary, under its
version, counts them and says that they are the journey's. What projectors count meanwhile moves the version; then it is
added, and the write tried again. Rows of the generation before stay for those who are reading them, and go later.
Where nothing is wrong but that a few events are not counted, they are counted as the projector would.
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
from journeys.journey.model import Step, Summary, begun, new_generation
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore, SummaryConflict
from journeys.journey.verify import ROWS_PER_READ, State, in_log, read

ATTEMPTS = 40
STEADY_ATTEMPTS = 10
"""So often a journey that moves while it is read is read again before it is built anew, right or wrong."""

MOST_COUNTED = 100
"""So many missing events are counted as the projector would, which has as many in a batch."""

LONGEST_BUILD = 30 * 60 * 1000
KEPT = 60 * 60 * 1000
"""Milliseconds that a build may take, and after which a generation that is no journey's is nobody's any more."""


class Outcome(StrEnum):
    """What a rebuild found, or did."""

    RIGHT = "right already"
    COUNTED = "missing events counted"
    REBUILT = "built anew"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of a journey; `replaced` is the generation whose rows are its no longer, if any."""

    outcome: Outcome
    replaced: str | None = None


def rebuild(
    store: JourneyStore,
    log: EventLog,
    journey_key: str,
    found: Iterable[Step],
    *,
    now: Callable[[], int] = dates.now_ms,
    sleep: Callable[[float], None] = time.sleep,
    waits: Callable[[], Iterator[float]] = lambda: backoff(attempts=ATTEMPTS),
) -> Rebuilt:
    """Makes a customer's journey that of the log, of which a scan found these steps; what came later is looked up.

    Raises TooManyRequests where others keep writing the summary, and what the stores raise. Whatever was done until
    then is seen by nobody, and it may be done again.
    """
    logged = {one.key: one for one in found}
    generation, built = "", set[str]()
    state: State | None = None
    for attempt, wait in enumerate(waits()):
        before, state = state, read(store, journey_key, state if generation else None)
        if generation and state.summary.generation == generation:  # our own write, whose answer was lost
            return Rebuilt(Outcome.REBUILT, before.summary.generation if before else None)
        logged |= in_log(log, journey_key, state.counted - logged.keys())
        if not generation:
            differing = state.compare(logged)
            if store.summary(journey_key).version == state.summary.version:  # the rows are those of that summary
                if not differing:
                    return Rebuilt(Outcome.RIGHT)
                if differing.law_holds and len(differing.missing) <= MOST_COUNTED:
                    lacking = differing.missing + differing.rowless
                    count_steps(store, journey_key, lacking, sleep=sleep, waits=waits)
                    return Rebuilt(Outcome.COUNTED)
            elif attempt < STEADY_ATTEMPTS:
                sleep(wait)
                continue
            generation = new_generation(now())
        store.put_rows(keys.steps(journey_key, generation), [one for one in logged.values() if one.key not in built])
        built.update(logged)
        if now() - begun(generation) > LONGEST_BUILD:
            raise TooManyRequests("The journey could not be built anew in time.")
        try:
            store.put_summary(
                journey_key,
                Summary(fold.rebuild(logged.values()), version=state.summary.version, generation=generation),
            )
        except SummaryConflict:
            sleep(wait)
            continue
        return Rebuilt(Outcome.REBUILT, state.summary.generation)
    raise AssertionError("backoff ends by raising")


# -- what is left over -------------------------------------------------------------------------------------------------


def is_left_over(generation: str, live: str, now_ms: int) -> bool:
    """Whether nobody reads or builds a generation any more: it, and the one that is the journey's, are old."""
    return generation != live and max(begun(generation), begun(live)) + KEPT < now_ms


def sweep(store: JourneyStore, journey_key: str, generation: str) -> int:
    """Deletes the rows of a generation, unless it is the journey's; answers how many there were."""
    if store.summary(journey_key).generation == generation:
        return 0
    partition = keys.steps(journey_key, generation)
    rows = list(store.steps(partition, ascending=True, page=ROWS_PER_READ))
    store.delete_rows(partition, rows)
    return len(rows)
