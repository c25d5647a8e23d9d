"""From new events to the summaries of journeys: any order, repetition, split or concurrency ends in the same journey.

A step is counted exactly when it has a row or is pending in the summary. Rows are put only once the summary that
counts them is written, and the summary is written only if it is still the one that was read; so what is read after
the summary is what that summary counts, or else the write fails and all is read again. A rebuild puts rows of another
generation in their place, with the same write of the summary; those before are then no longer the journey's.
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
SPREAD, MAX_SPREAD = 8, 2.0
"""Those who lost a summary to the same writer spread over the time of so many attempts, and so many seconds at most."""

MAX_CARRIED = 200_000
"""Bytes of others' pending steps beyond which their rows are put here: an item ends at 400 KB, own steps included."""

MAX_OWN = 100_000
"""Bytes of own steps beyond which they are counted part by part, for the same reason."""


def count_steps(
    store: JourneyStore,
    journey_key: str,
    steps: Iterable[Step],
    *,
    known: Summary | None = None,
    sleep: Callable[[float], None] = time.sleep,
    waits: Callable[[], Iterator[float]] = lambda: backoff(attempts=MAX_ATTEMPTS, first=0.03),
) -> int:
    """Brings steps into a customer's journey, each once; answers how many were new.

    `known` is the summary, where it was read already; it must have been read consistently, and before anything else.
    Raises TooManyRequests when others keep writing the same summary, and what the store raises; then all is to be done
    again, and nothing is counted twice.
    """
    new = 0
    for part in _parts(sorted(set(steps))):
        new += _count_part(store, journey_key, part, known, sleep, waits)
        known = None
    return new


def _parts(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    start = size = 0
    for place, one in enumerate(steps):
        size += len(one.key)
        if size > MAX_OWN and place > start:
            yield steps[start:place]
            start, size = place, len(one.key)
    yield steps[start:]


def _count_part(
    store: JourneyStore,
    journey_key: str,
    wanted: Sequence[Step],
    known: Summary | None,
    sleep: Callable[[float], None],
    waits: Callable[[], Iterator[float]],
) -> int:
    rows: set[str] = set()
    summary: Summary | None = None
    for wait in waits():
        began = time.monotonic()
        read, summary = summary, known or store.summary(journey_key)
        known = None
        if read is not None and read.generation != summary.generation:
            read, rows = None, set()
        partition = keys.steps(journey_key, summary.generation)
        ours = wanted if read is None else _unseen(wanted, read, summary)
        rows |= store.with_row(partition, (one for one in (*ours, *summary.pending) if one.key not in rows))
        counted = rows | {one.key for one in summary.pending}
        new = [one for one in wanted if one.key not in counted]
        if new:
            carried = [one for one in summary.pending if one.key not in rows]
            if sum(len(one.key) for one in carried) > MAX_CARRIED:
                store.put_rows(partition, carried)
                carried = []
            grown = replace(
                summary,
                journey=_grow(store, partition, summary, new),
                pending=tuple(sorted({*new, *carried})),
            )
            try:
                store.put_summary(journey_key, grown)
            except SummaryConflict:
                # Whoever lost to the same writer is at the same point now: to wait for less than an attempt takes
                # would be to lose together again.
                spread = min(MAX_SPREAD, SPREAD * (time.monotonic() - began))
                sleep(max(wait, random.random() * spread))  # noqa: S311  # no secret
                continue
        store.put_rows(partition, [one for one in wanted if one.key not in rows])
        return len(new)
    raise AssertionError("backoff ends by raising")


def _unseen(wanted: Sequence[Step], read: Summary, now: Summary) -> Sequence[Step]:
    """Those steps of ours that may have got a row since they were looked up under the summary read before.

    Where all that was counted since is pending still, they are those that were pending then.
    """
    if now.journey.count - read.journey.count != len(set(now.pending) - set(read.pending)):
        return wanted
    return [one for one in wanted if one in read.pending]


def _grow(store: JourneyStore, partition: str, summary: Summary, new: Sequence[Step]) -> Journey:
    """The journey with new steps, in order. What is newer than its end or older than its start needs no reading."""
    journey = summary.journey
    known = sorted(summary.pending)  # counted, and maybe without a row
    gap: _Gap | None = None
    for step in new:
        if journey.first is None or journey.last is None or step > journey.last:
            before, after = journey.last, None
        elif step < journey.first:
            before, after = None, journey.first
        else:
            if gap is None or not gap.holds(step):
                gap = _Gap(store, partition, step)
            place = bisect_left(known, step)
            before = max(_present(gap.before, *known[:place][-1:]), default=None)
            after = min(_present(gap.after, *known[place:][:1]), default=None)
        journey = add(journey, step, before, after)
        insort(known, step)
    return journey


class _Gap:
    """The place between two rows that are neighbours: it is read once for all the steps that fall into it."""

    def __init__(self, store: JourneyStore, partition: str, step: Step) -> None:
        self.before = store.neighbour(partition, step.key, forward=False)
        self.after = store.neighbour(partition, step.key, forward=True)

    def holds(self, step: Step) -> bool:
        """Whether a step that comes later than the one it was read for falls into it as well."""
        return self.after is None or step < self.after


def _present(*steps: Step | None) -> list[Step]:
    return [step for step in steps if step is not None]
