"""Adds new events to stored journeys, so that a journey always equals a rebuild from the set of its events.

The journeys table holds one summary row per customer and one row per step, and these are separate writes. Several
projectors may work on the same customer, a projector can crash between two writes, and the stream delivers events more
than once. One rule keeps the journey correct:

    A step is counted exactly when it has a row or is listed as pending in the summary.

An attempt to add steps makes these reads and writes, in this order:

1. Read the summary.
2. Read which of the steps have a row. Steps that have a row or are pending are counted already and are not added.
3. For each new step, find its neighbors among the rows and the pending steps, and add it to the journey (`fold.add`).
4. Write the summary, with the new steps as pending, on the condition that its version is still the one read in 1.
   If another projector wrote the summary in between, start again at 1.
5. Put the rows of the steps.

Why the summary is read first: a row is put only after the summary that counts it was written. If a row that is read in
2 or 3 is not counted by the summary from 1, then the summary has changed since, and the write in 4 fails. In the other
direction, every step that the summary counts is found in 2 or 3, as a row or as pending. So whenever the write
succeeds, the rows and pending steps were exactly what the summary counts.

What pending is for: between 4 and 5 a step is counted but has no row. If the projector crashes there, the stream
delivers the events again. The retry finds the steps pending, adds nothing and puts the rows. A step stays pending until
a later attempt finds its row.

A journey therefore counts each step once, next to its actual neighbors, which is what `fold` requires for the result to
equal `fold.journey_of`. Rebuilds follow the same rule: they put the rows of a new generation in a partition of its own,
and switch to them with one write of the summary under the same condition.
"""

import random
import time
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from journeys import keys
from journeys.aws import backoff
from journeys.journey.fold import add
from journeys.journey.model import Journey, Step, Summary
from journeys.journey.store import JourneyStore, SummaryConflict

MAX_ATTEMPTS = 25

SPREAD_ATTEMPTS, MAX_SPREAD_SECONDS = 8, 2.0
"""After a conflict, projectors spread their retries over the duration of 8 attempts, at most 2 seconds."""

MAX_CARRIED_BYTES = 200_000
"""The most bytes of other projectors' pending steps that a summary keeps. Beyond it, their rows are put here.

DynamoDB limits an item to 400 KB. This limit and MAX_OWN_BYTES keep the summary below it.
"""

MAX_OWN_BYTES = 100_000
"""The most bytes of steps that are added in one write of the summary. Larger batches are added in chunks."""


def count_steps(
    store: JourneyStore,
    journey_key: str,
    steps: Iterable[Step],
    *,
    known: Summary | None = None,
    sleep: Callable[[float], None] = time.sleep,
    waits: Callable[[], Iterator[float]] = lambda: backoff(attempts=MAX_ATTEMPTS, first=0.03),
) -> int:
    """Adds steps to a customer's journey, each once. Returns how many of them were new.

    `known` is the summary, if the caller has read it already: consistently, and before any row. Raises TooManyRequests
    if other projectors keep writing the summary, and the errors of the store. After an error, call it again with the
    same steps: no step is counted twice.
    """
    new = 0
    for chunk in _chunks(sorted(set(steps))):
        new += _count_chunk(store, journey_key, chunk, known, sleep, waits)
        known = None
    return new


def _chunks(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    start = size = 0
    for index, step in enumerate(steps):
        size += len(step.key)
        if size > MAX_OWN_BYTES and index > start:
            yield steps[start:index]
            start, size = index, len(step.key)
    yield steps[start:]


def _count_chunk(
    store: JourneyStore,
    journey_key: str,
    steps: Sequence[Step],
    known: Summary | None,
    sleep: Callable[[float], None],
    waits: Callable[[], Iterator[float]],
) -> int:
    """Attempts to add steps until the summary is written. The numbers are those of the module's description."""
    rows: set[str] = set()  # the keys of the rows found so far; a row is never deleted within a generation
    previous: Summary | None = None
    for wait in waits():
        started = time.monotonic()
        summary, known = known or store.summary(journey_key), None  # 1
        if previous is not None and previous.generation != summary.generation:
            previous, rows = None, set()  # rows of another generation say nothing about this one
        partition = keys.steps(journey_key, summary.generation)
        unknown = steps if previous is None else _may_have_row(steps, previous, summary)
        rows |= store.existing_rows(partition, [s for s in (*unknown, *summary.pending) if s.key not in rows])  # 2
        counted = rows | {step.key for step in summary.pending}
        new = [step for step in steps if step.key not in counted]
        if not new or _write_summary(store, journey_key, summary, new, rows):  # 3 and 4
            store.put_rows(partition, [step for step in steps if step.key not in rows])  # 5
            return len(new)
        previous = summary
        # All projectors that lost to the same write are at this point now. Back off for at least the duration of an
        # attempt; otherwise the same writers collide again.
        spread = min(MAX_SPREAD_SECONDS, SPREAD_ATTEMPTS * (time.monotonic() - started))
        sleep(max(wait, random.random() * spread))  # noqa: S311  (not a secret)
    raise AssertionError("backoff ends by raising")


def _may_have_row(steps: Sequence[Step], previous: Summary, summary: Summary) -> Sequence[Step]:
    """The steps that may have got a row since the previous attempt looked for them.

    If all steps that were counted since are still pending, then no other step got a row, except those that were
    pending before.
    """
    counted_since = summary.journey.count - previous.journey.count
    if counted_since != len(set(summary.pending) - set(previous.pending)):
        return steps
    return [step for step in steps if step in previous.pending]


def _write_summary(
    store: JourneyStore, journey_key: str, summary: Summary, new: Sequence[Step], rows: set[str]
) -> bool:
    """Writes the summary with the new steps. Returns False if another projector wrote it since it was read."""
    partition = keys.steps(journey_key, summary.generation)
    carried = [step for step in summary.pending if step.key not in rows]
    if sum(len(step.key) for step in carried) > MAX_CARRIED_BYTES:
        store.put_rows(partition, carried)
        carried = []
    journey = _add_steps(store, partition, summary, new)
    try:
        store.put_summary(journey_key, replace(summary, journey=journey, pending=tuple(sorted({*new, *carried}))))
    except SummaryConflict:
        return False
    return True


def _add_steps(store: JourneyStore, partition: str, summary: Summary, new: Sequence[Step]) -> Journey:
    """The journey of a summary with new steps, which are in order.

    A step that is newer than the last one, or older than the first one, needs no read to find its neighbors.
    """
    journey = summary.journey
    without_row = sorted(summary.pending)  # counted steps that a read of the rows may not return
    gap: _Gap | None = None
    for step in new:
        if journey.first is None or journey.last is None or step > journey.last:
            before, after = journey.last, None
        elif step < journey.first:
            before, after = None, journey.first
        else:
            if gap is None or not gap.contains(step):
                gap = _Gap(store, partition, step)
            index = bisect_left(without_row, step)
            before = max(_present(gap.before, *without_row[:index][-1:]), default=None)
            after = min(_present(gap.after, *without_row[index:][:1]), default=None)
        journey = add(journey, step, before, after)
        insort(without_row, step)
    return journey


class _Gap:
    """The gap between two neighboring rows. It is read once for all new steps that belong between these rows."""

    def __init__(self, store: JourneyStore, partition: str, step: Step) -> None:
        self.before = store.neighbor(partition, step.key, forward=False)
        self.after = store.neighbor(partition, step.key, forward=True)

    def contains(self, step: Step) -> bool:
        """Whether a step belongs into the gap too. It must be later than the step for which the gap was read."""
        return self.after is None or step < self.after


def _present(*steps: Step | None) -> list[Step]:
    return [step for step in steps if step is not None]
