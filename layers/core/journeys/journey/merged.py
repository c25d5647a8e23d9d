"""Reads the journeys of one person's identifiers as one journey."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

from journeys import dates, keys
from journeys.aws import MAX_ROWS_READ
from journeys.journey.merging import (
    MAX_MERGED_STEPS,
    Overlap,
    PageRequest,
    find_overlaps,
    merge_figures,
    merge_page,
    merge_transitions,
)
from journeys.journey.model import Journey, Step, Summary
from journeys.journey.store import JourneyStore, StepPage
from journeys.parallel import Reads

MAX_READS = 3
"""How often a merge of transitions starts again because events arrived while it read."""
ROWS_PER_CALL = 1000
"""Rows of a window that one call reads."""


class MergedReader:
    """Reads several journeys as one. The journeys are given by their keys."""

    def __init__(self, store: JourneyStore, reads: Reads) -> None:
        self._store, self._reads = store, reads

    def summaries(self, journey_keys: Sequence[str]) -> list[Summary]:
        """The summaries of the identifiers that have events, in one call."""
        found = self._store.summaries(journey_keys)
        return [found[key] for key in journey_keys]

    def journey(self, journey_keys: Sequence[str]) -> tuple[list[Summary], Journey, bool]:
        """The summaries of the identifiers, their merged journey, and whether it has its transitions.

        It has none if the identifiers overlap in more than MAX_MERGED_STEPS steps, or if events kept arriving while
        the steps were read.
        """
        summaries = self.summaries(journey_keys)
        for _ in range(MAX_READS):
            journeys = [summary.journey for summary in summaries]
            merged = merge_figures(journeys)
            windows = self._windows(journey_keys, summaries)
            if windows is None:
                return summaries, merged, False
            # A summary counts exactly the rows and the pending steps that were read, if it did not change since.
            read, summaries = summaries, self.summaries(journey_keys) if windows else summaries
            if [summary.version for summary in read] == [summary.version for summary in summaries]:
                return read, replace(merged, transitions=merge_transitions(journeys, windows)), True
        return summaries, merge_figures(summary.journey for summary in summaries), False

    def page(
        self,
        journey_keys: Sequence[str],
        summaries: Sequence[Summary],
        *,
        ascending: bool,
        size: int,
        after: str | None = None,
        since: int | None = None,
        until: int | None = None,
        slots: frozenset[str] | None = None,
    ) -> StepPage:
        """Up to `size` steps in order, with a date from `since` to before `until`, in milliseconds.

        `slots` limits the event types; then the page reads at most MAX_ROWS_READ rows in all.
        """
        streams = [
            (keys.steps(key, summary.generation), _narrowed(summary.journey, slots, since, until))
            for key, summary in zip(journey_keys, summaries, strict=True)
            if summary.journey.first is not None and (slots is None or slots & summary.journey.types.keys())
        ]
        if not streams:
            return StepPage([], None)

        def read(request: PageRequest) -> StepPage:
            partition, (first, end) = streams[request.index]
            return self._store.page(
                partition,
                ascending=ascending,
                size=request.size,
                after=request.after,
                since=first,
                until=end,
                slots=slots,
                max_rows=MAX_ROWS_READ // len(streams),
            )

        return merge_page(
            lambda requests: self._reads.map(read, requests),
            len(streams),
            ascending=ascending,
            size=size,
            after=after,
            once=slots is not None,
        )

    def _windows(
        self, journey_keys: Sequence[str], summaries: Sequence[Summary]
    ) -> list[Mapping[int, Sequence[Step]]] | None:
        """The steps of the overlapping identifiers within their windows, or None if there are too many."""
        overlaps = find_overlaps([summary.journey for summary in summaries])
        if sum(overlap.steps for overlap in overlaps) > MAX_MERGED_STEPS:
            return None
        budget = _Budget(MAX_MERGED_STEPS)

        def read(place: tuple[Overlap, int]) -> Sequence[Step]:
            overlap, index = place
            return self._window(journey_keys[index], summaries[index], overlap, budget)

        places = [(overlap, index) for overlap in overlaps for index in overlap.members]
        steps = iter(self._reads.map(read, places))
        windows: list[Mapping[int, Sequence[Step]]] = [
            {index: next(steps) for index in overlap.members} for overlap in overlaps
        ]
        return None if budget.exceeded else windows

    def _window(self, journey_key: str, summary: Summary, overlap: Overlap, budget: "_Budget") -> Sequence[Step]:
        """The steps of one identifier in the window, and its last one before and its first one after it."""
        partition, journey = keys.steps(journey_key, summary.generation), summary.journey
        found = {step.key: step for step in summary.pending}
        if journey.first and journey.first.key < overlap.low:
            found |= _by_key(self._store.neighbor(partition, overlap.low, forward=False))
        for step in self._store.steps(
            partition, ascending=True, page=ROWS_PER_CALL, low=overlap.low, high=overlap.high
        ):
            if not budget.take():
                return []
            found[step.key] = step
        if journey.last and journey.last.key > overlap.high:
            found |= _by_key(self._store.neighbor(partition, overlap.high, forward=True))
        in_order = sorted(found)
        first, after = bisect_left(in_order, overlap.low), bisect_right(in_order, overlap.high)
        return [found[key] for key in in_order[max(0, first - 1) : after + 1]]


class _Budget:
    """How many steps the threads of one request can still read."""

    def __init__(self, steps: int) -> None:
        self._steps, self._taken = steps, count(1)  # One call of `next` is atomic.
        self.exceeded = False

    def take(self) -> bool:
        """Takes one step. Returns False if none is left."""
        if next(self._taken) > self._steps:
            self.exceeded = True
        return not self.exceeded


def _narrowed(journey: Journey, slots: frozenset[str] | None, since: int | None, until: int | None) -> tuple[str, str]:
    """The part of a range of dates in which the journey has events, or events of these slots, as texts."""
    spans = [span for slot, span in journey.types.items() if slots is None or slot in slots]
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    return (
        dates.text(first if since is None else max(first, since)),
        dates.text(last + 1 if until is None else min(last + 1, until)),
    )


def _by_key(step: Step | None) -> dict[str, Step]:
    return {} if step is None else {step.key: step}
