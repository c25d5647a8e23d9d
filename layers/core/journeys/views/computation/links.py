"""Who went where: the links of a plan over the events of some customers, by binary search.

An event is known by its key: its customer in the upper bits, its moment in the lower ones. Keys are kept in order, so a
window is what lies between two keys. Four facts spare most of the searching:

- Of the sources that are old enough for a target, the newest decides whether one lies in the window.
- An event that satisfies a link reaches another through it. So the customers that satisfy a link are those of the
  events that are reached through it, and none has to be looked for a second time.
- Where a customer satisfies none of an element's links, none of the customer's events there does. So which customers
  are active is a matter of moments.
- What is reached at an element with one incoming link came through that link: where it completes, so does an event
  before it. Only where links join, and from there on, is completion followed event by event.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from journeys.views.computation.part import Counts
from journeys.views.computation.plan import Plan, PlannedLink, mark

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

KEY_BITS = 62
"""Bits of a key: one less than there are, so that a window may reach beyond the last customer."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Counts by the places of elements, customers by the places of links, and the marks of each reachable event."""

    elements: tuple[Counts, ...]
    connections: tuple[int, ...]
    marks: NDArray[Any]


def follow(plan: Plan, hashes: Integers, dates: Integers, marks: NDArray[Any]) -> Reached:
    """What is reached among events, in any order: the hashes of their customers, their dates, their elements' marks."""
    order = None if _in_order(hashes) else np.argsort(hashes, kind="stable")
    if order is not None:
        hashes, dates, marks = hashes[order], dates[order], marks[order]
    elements, connections = (Counts(),) * len(plan.order), (0,) * len(plan.links)
    reached = np.zeros_like(marks)
    for rows in _portions(hashes, dates):
        walk = _Walk(plan, hashes[rows], dates[rows], marks[rows])
        found = walk.to_the_end()
        elements = tuple(one + other for one, other in zip(elements, found.elements, strict=True))
        connections = tuple(one + other for one, other in zip(connections, found.connections, strict=True))
        reached[rows] = found.marks
    if order is not None:
        unordered = np.empty_like(reached)
        unordered[order] = reached
        reached = unordered
    return Reached(elements, connections, reached)


def _in_order(values: Integers) -> bool:
    return bool(np.all(values[1:] >= values[:-1]))


def _portions(hashes: Integers, dates: Integers) -> Iterator[slice]:
    """The rows of as many customers as keys have room for, one after another; usually all."""
    if not len(hashes):
        return
    starts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1])))
    most = 1 << max(KEY_BITS - _bits(dates), 0)
    bounds = [*starts[::most].tolist(), len(hashes)]
    yield from (slice(first, end) for first, end in pairwise(bounds))


def _bits(dates: Integers) -> int:
    """The bits that moments take, from the first of them on."""
    return max(int(dates.max() - dates.min()).bit_length(), 1)


class _Walk:
    """One computation over the events of some customers, which are sorted by customer."""

    def __init__(self, plan: Plan, hashes: Integers, dates: Integers, marks: NDArray[Any]) -> None:
        self._plan = plan
        self._bits = _bits(dates)
        self._start = int(dates.min())
        self._moments = (1 << self._bits) - 1
        keys = np.zeros(len(hashes), np.int64)
        np.cumsum(hashes[1:] != hashes[:-1], out=keys[1:])
        self._customers = int(keys[-1]) + 1
        keys <<= self._bits
        keys += dates - self._start
        self._order = None if _in_order(keys) else np.argsort(keys, kind="stable")
        self._keys, self._marks = (keys, marks) if self._order is None else (keys[self._order], marks[self._order])
        places = range(len(plan.order))
        self._outgoing = [[link for link in plan.links if link.source == place] for place in places]
        self._incoming = [[one for one in enumerate(plan.links) if one[1].target == place] for place in places]
        nobody = np.zeros(self._customers, np.bool_)
        self._reached = [np.zeros(0, np.int64)] * len(plan.order)
        self._flowing = [nobody] * len(plan.order)
        self._connections = [0] * len(plan.links)

    def to_the_end(self) -> Reached:
        for place in self._plan.order:
            self._reached[place] = self._reach(place)
        completed = self._complete()
        return Reached(
            tuple(self._counts(place, completed[place]) for place in range(len(self._plan.order))),
            tuple(self._connections),
            self._reached_marks(),
        )

    # -- forward -------------------------------------------------------------------------------------------------------

    def _reach(self, place: int) -> Integers:
        """The rows of the reachable events of an element; all before it have theirs."""
        rows = np.flatnonzero((self._marks & mark(place)) != 0)  # quick on truths alone
        if not self._incoming[place]:
            return rows
        keys = self._keys[rows]
        reachable = np.zeros(len(rows), np.bool_)
        for number, link in self._incoming[place]:
            found = self._has_before(link, rows, keys)
            connected = self._customers_of(keys[found])
            self._connections[number] = int(np.count_nonzero(connected))
            self._flowing[link.source] = self._flowing[link.source] | connected
            reachable |= found
        return rows[reachable]

    def _has_before(self, link: PlannedLink, rows: Integers, keys: Integers) -> Booleans:
        """Whether a reachable event satisfies the link to each of these events of its target."""
        sources = self._keys[self._reached[link.source]]
        if not len(sources):
            return np.zeros(len(rows), np.bool_)
        newest = np.searchsorted(sources, keys - min(link.low, self._moments + 1), side="right") - 1
        if link.low == 0:
            newest -= self._is_among(rows, self._reached[link.source])  # no event is another than itself
        oldest = keys & ~self._moments
        if link.high is not None:
            np.maximum(oldest, keys - min(link.high, self._moments), out=oldest)
        there = newest >= 0
        return there & (sources[np.maximum(newest, 0)] >= oldest)

    # -- backward ------------------------------------------------------------------------------------------------------

    def _complete(self) -> list[Booleans]:
        """For each element the customers that have an event there which completes."""
        plan = self._plan
        by_event: set[int] = set()
        for place in plan.order:
            if len(self._incoming[place]) > 1 or any(link.source in by_event for _, link in self._incoming[place]):
                by_event.add(place)
        customers = [np.zeros(self._customers, np.bool_)] * len(plan.order)
        rows = list(self._reached)
        for place in reversed(plan.order):
            if not self._outgoing[place]:
                customers[place] = self._customers_of(self._keys[rows[place]])
                continue
            completing = np.zeros(len(rows[place]), np.bool_)
            through = np.zeros(self._customers, np.bool_)
            for link in self._outgoing[place]:
                if link.target in by_event:
                    completing |= self._has_after(link, self._reached[place], rows[link.target])
                else:
                    through |= customers[link.target]
            rows[place] = rows[place][completing]
            customers[place] = through | self._customers_of(self._keys[rows[place]])
        return customers

    def _has_after(self, link: PlannedLink, rows: Integers, others: Integers) -> Booleans:
        """Whether each of these events of the link's source satisfies it to one of the others, of its target."""
        keys, targets = self._keys[rows], self._keys[others]
        if not len(targets):
            return np.zeros(len(rows), np.bool_)
        oldest = np.searchsorted(targets, keys + min(link.low, self._moments + 1), side="left")
        if link.low == 0:
            oldest += self._is_among(rows, others)
        newest = keys | self._moments
        if link.high is not None:
            np.minimum(newest, keys + min(link.high, self._moments), out=newest)
        there = oldest < len(targets)
        return there & (targets[np.minimum(oldest, len(targets) - 1)] <= newest)

    # -- what comes of it ----------------------------------------------------------------------------------------------

    def _counts(self, place: int, completed: Booleans) -> Counts:
        keys = self._keys[self._reached[place]]
        participants = self._customers_of(keys)
        flowing = self._flowing[place] & ~completed
        open_ = self._customers_of(keys[self._is_open(place, keys)]) & ~self._flowing[place] & ~completed
        all_, done, on_their_way, waiting = map(int, map(np.count_nonzero, (participants, completed, flowing, open_)))
        return Counts(all_, done, on_their_way, waiting, dropout=all_ - done - on_their_way - waiting)

    def _is_open(self, place: int, keys: Integers) -> Booleans:
        """Whether events that satisfy no link may still come to."""
        waits = [link.open_for for link in self._outgoing[place]]
        if not waits or self._plan.end < self._plan.at:
            return np.zeros(len(keys), np.bool_)
        longest = max((wait for wait in waits if wait is not None), default=0)
        if None in waits:
            return np.ones(len(keys), np.bool_)
        return (keys & self._moments) > self._plan.at - longest - self._start

    def _reached_marks(self) -> NDArray[Any]:
        """Which elements each event is reachable at, in the order in which the events came; for charts alone."""
        reached = np.zeros_like(self._marks)
        if not self._plan.charts:
            return reached
        for place, rows in enumerate(self._reached):
            reached[rows] |= self._marks.dtype.type(mark(place))
        if self._order is None:
            return reached
        unordered = np.empty_like(reached)
        unordered[self._order] = reached
        return unordered

    def _customers_of(self, keys: Integers) -> Booleans:
        some = np.zeros(self._customers, np.bool_)
        some[keys >> self._bits] = True
        return some

    def _is_among(self, rows: Integers, others: Integers) -> Booleans:
        among = np.zeros(len(self._keys), np.bool_)
        among[others] = True
        return among[rows]
