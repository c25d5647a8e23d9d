"""Merges the journeys of one person's identifiers into the journey that a fold of all their events would give.

An event is stored under one identifier, so the journeys have no step in common. Counts, first and last steps and the
figures of event types add up. Transitions do not, because steps of several identifiers can be neighbors:

- Journeys whose ranges of time do not overlap follow one another. Their transitions add up, and each seam between two
  of them adds one. This reads no step.
- Journeys that overlap share a window: from the second of their first steps to the last but one of their last steps,
  with the steps directly before and after it. Pairs of neighbors differ from those of the journeys only within the
  window. So its steps are read, their own pairs are subtracted, and the pairs of the merged steps are added.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

from journeys.journey.model import Journey, Span, Step
from journeys.journey.store import StepPage

MAX_MERGED_STEPS = 10_000
"""Steps that are read to merge the transitions of a person. Beyond it, they are left out of the summary."""

_key = attrgetter("key")  # Sorting by keys is faster than comparing steps.

MIN_CHUNK = 10
"""Steps that one read of an identifier returns at least, for a page of a person. Otherwise it is twice its share."""


# -- the figures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overlap:
    """Journeys that overlap, by their indexes, and the keys of the first and the last step of their window.

    `steps` is the number of steps in the window that are known without a read.
    """

    members: tuple[int, ...]
    low: str
    high: str
    steps: int


def merge_figures(journeys: Iterable[Journey]) -> Journey:
    """The journey of several identifiers, without its transitions."""
    present = [journey for journey in journeys if journey.first is not None and journey.last is not None]
    types: dict[str, Span] = {}
    for journey in present:
        for slot, span in journey.types.items():
            known = types.get(slot, span)
            count = span.count + (known.count if slot in types else 0)
            types[slot] = Span(count, min(known.first, span.first), max(known.last, span.last))
    return Journey(
        count=sum(journey.count for journey in present),
        first=min((journey.first for journey in present if journey.first), default=None),
        last=max((journey.last for journey in present if journey.last), default=None),
        types=types,
    )


def find_overlaps(journeys: Sequence[Journey]) -> list[Overlap]:
    """The groups of journeys whose ranges of time overlap. Journeys in no group need no read."""
    return [_overlap(journeys, group) for group in _groups(journeys) if len(group) > 1]


def merge_transitions(
    journeys: Sequence[Journey], windows: Iterable[Mapping[int, Sequence[Step]]]
) -> Mapping[str, int]:
    """The transitions of several journeys. `windows` holds, per overlap, each member's steps in the window."""
    pairs: Counter[str] = Counter()
    for journey in journeys:
        pairs.update(journey.transitions)
    for window in windows:
        for steps in window.values():
            pairs.subtract(_pairs(steps))
        pairs.update(_pairs(sorted((step for steps in window.values() for step in steps), key=_key)))
    for before, after in pairwise(_groups(journeys)):
        last = max(step for index in before if (step := journeys[index].last))
        first = min(step for index in after if (step := journeys[index].first))
        pairs[last.slot + first.slot] += 1
    return {pair: count for pair, count in pairs.items() if count}


def _groups(journeys: Sequence[Journey]) -> list[list[int]]:
    """The indexes of the journeys, in groups that follow one another. The ranges of time within a group overlap."""
    ranges = sorted((journey.first, journey.last, index) for index, journey in enumerate(journeys) if journey.first)
    groups: list[list[int]] = []
    end: Step | None = None
    for first, last, index in ranges:
        if end is None or first > end:
            groups.append([])
        groups[-1].append(index)
        end = last if end is None or (last and last > end) else end
    return groups


def _overlap(journeys: Sequence[Journey], group: Sequence[int]) -> Overlap:
    low = sorted(step.key for index in group if (step := journeys[index].first))[1]
    high = sorted(step.key for index in group if (step := journeys[index].last))[-2]
    inside = [
        journey.count
        for journey in (journeys[index] for index in group)
        if journey.first and journey.last and journey.first.key >= low and journey.last.key <= high
    ]
    return Overlap(tuple(group), low, high, sum(inside))


def _pairs(steps: Iterable[Step]) -> Iterator[str]:
    return (before.slot + after.slot for before, after in pairwise(steps))


# -- pages -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for the next steps of one identifier, by its index."""

    index: int
    after: str | None
    size: int


def merge_page(
    read: Callable[[Sequence[PageRequest]], Sequence[StepPage]],
    identifiers: int,
    *,
    ascending: bool,
    size: int,
    after: str | None,
    once: bool,
) -> StepPage:
    """Up to `size` steps of several identifiers in order, after the step with the key `after`.

    `read` reads the steps that follow a position, of each of several identifiers. A page of an identifier says up to
    which position it is complete, so the merged steps are complete up to the earliest of these positions. The
    identifiers there are read again until the page is full. With `once` they are not, so that a page in which few steps
    match reads a bounded number of rows; the page can then be short, even empty, and still have a position.

    The position is a step's key and does not depend on the identifiers, so these may change between two pages.
    """
    chunk = min(size, max(MIN_CHUNK, 2 * size // identifiers))
    found: list[Step] = []
    open_: dict[int, str] = {}
    requests = [PageRequest(index, after, size if once else chunk) for index in range(identifiers)]
    while True:
        for request, page in zip(requests, read(requests), strict=True):
            found += page.steps
            open_.pop(request.index, None)
            if page.position is not None:
                open_[request.index] = page.position
        end = (min if ascending else max)(open_.values(), default=None)
        complete = sorted(
            (step for step in found if end is None or (step.key <= end if ascending else step.key >= end)),
            key=_key,
            reverse=not ascending,
        )
        if len(complete) > size:
            return StepPage(complete[:size], complete[size - 1].key)
        if end is None or once or len(complete) == size:
            return StepPage(complete, end)
        requests = [PageRequest(index, position, chunk) for index, position in open_.items() if position == end]
