"""Follows the paths of many customers with numpy. `partial_result` defines what a path is.

Data. N events are two parallel int64 arrays: `hashes`, which identify the customers, and `packed`, which has the rest:

    packed event = milliseconds since the plan's start | place of the type in the plan's order | marks

Sorted by customer and packed event, the events have the order of the definition, and nothing else of them is needed.

Method. Each start event is a path. At each level, all paths move on by one event. The pairs of the steps so far and the
continuation are numbered in their order, and the numbers are the steps so far of the next level. A path that is its
customer's only one with these steps stays the only one, and its customer has one continuation, so counting is enough.
The others are in groups: those of one customer with the same steps so far. A table of groups and continuations shows
which a group has, and which of them make a group at the next level. After a few levels there are few groups.

Cost. Sorting the events takes O(N log N), or O(N) if they are sorted already; each level takes O(n) for n paths, and
O(m log m) for m groups. Memory is 8 bytes per event for the keys, 2 for types and marks, and about 100 per path.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from journeys.views.computation.portions import Booleans, Integers, changes, is_sorted
from journeys.views.computation.tallies import Tally
from journeys.views.paths.partial_result import (
    DROPPED,
    ENDED,
    ONWARD,
    SET_BITS,
    SYMBOL_BITS,
    PathResult,
    TooManyPaths,
)
from journeys.views.paths.plan import END, MARK_BITS, START, TYPE_BITS, PathPlan

Numbers = NDArray[np.int32]

KEY_BITS = 63
"""Bits of an int64 without its sign."""
PATH_BITS = 24
"""Bits of a start event's number. An int64 holds such a number with a set of continuations."""
TABLE_SIZE = 8
"""Entries per path that a table of pairs can have. If it needs more, the pairs are sorted."""


def follow_paths(plan: PathPlan, hashes: Integers, packed: Integers) -> PathResult:
    """The partial result of the events, which may be in any order; all events of a customer must be among them.

    Raises TooManyPaths.
    """
    if not len(hashes):
        return PathResult.nothing()
    if not is_sorted(hashes):
        order = np.argsort(hashes, kind="stable")
        hashes, packed = hashes[order], packed[order]
    begins = changes(hashes)
    if np.any((packed[1:] < packed[:-1]) & ~begins[1:]):
        packed = _sorted(begins, packed)
    if plan.backwards:
        begins, packed = np.append(begins[1:], True)[::-1], packed[::-1]
    return _Walk(plan, begins, packed).run()


def _sorted(begins: Booleans, packed: Integers) -> Integers:
    """The packed events, sorted within each customer. `begins` marks the first event of each customer.

    The number of the customer in front of a packed event makes a key. As many customers are sorted at a time as keys
    can number; usually these are all.
    """
    in_order = np.empty_like(packed)
    packed_bits = int(packed.max()).bit_length()
    max_customers = 1 << (KEY_BITS - packed_bits)
    for first, end in pairwise([*np.flatnonzero(begins)[::max_customers].tolist(), len(packed)]):
        keys = np.cumsum(begins[first:end], dtype=np.int64) - 1
        keys = (keys << packed_bits) | packed[first:end]
        keys.sort(kind="stable")  # Files are sorted by customer and date, which this sort makes use of.
        in_order[first:end] = keys & ((1 << packed_bits) - 1)
    return in_order


class _Walk:
    """The paths of packed events in order. `begins` marks the first event of each customer."""

    def __init__(self, plan: PathPlan, begins: Booleans, packed: Integers) -> None:
        self._plan = plan
        begins_session = begins
        if plan.gap is not None:
            begins_session = begins.copy()
            begins_session[1:] |= np.abs(np.diff(packed >> (TYPE_BITS + MARK_BITS))) > plan.gap
        types = packed.astype(np.uint8)
        marks = types & (START | END)
        types >>= MARK_BITS
        if plan.collapse:
            kept = np.flatnonzero(begins_session | changes(types))
            marks = np.bitwise_or.reduceat(marks, kept)
            begins, begins_session, types = begins[kept], begins_session[kept], types[kept]
        # Continuations are numbered densely, in their order; `alphabet` has the continuation of each number, and `bits`
        # its bit in a set.
        steps = np.array(plan.types, np.int64) + 1
        self._alphabet = np.concatenate((steps, [DROPPED, ENDED, ONWARD]))
        self._bits = np.left_shift(1, self._alphabet - 1)
        self._stop, self._onward = len(steps) + int(plan.has_end), len(steps) + 2
        numbers = np.zeros(1 << TYPE_BITS, np.uint8)
        numbers[: len(steps)] = np.searchsorted(steps - 1, plan.order)
        self._symbols = numbers[types]
        self._starts = np.flatnonzero(marks & START)
        self._customers = self._numbered(np.searchsorted(np.flatnonzero(begins), self._starts, "right"))
        self._start_events, self._starting_customers = len(self._starts), self._count_customers()
        # How many steps each path has, not more than one beyond those that count.
        ends = np.append(np.flatnonzero(begins_session)[1:], len(begins))
        self._lengths = ends[np.searchsorted(ends, self._starts, "right")] - 1 - self._starts
        if plan.has_end:
            self._keep_ending(np.flatnonzero(marks & END))
        if len(self._starts).bit_length() > PATH_BITS:
            raise TooManyPaths

    @staticmethod
    def _numbered(customers: Integers) -> Integers:
        """Numbers 0, 1, 2, ... for the customers of the paths, which are in the order of their customers."""
        return np.cumsum(changes(customers)) - 1

    def _count_customers(self) -> int:
        return int(self._customers[-1]) + 1 if len(self._customers) else 0

    def _keep_ending(self, ends: Integers) -> None:
        """Keep the paths that reach an end within their steps and their session, and let them end there."""
        index = np.searchsorted(ends, self._starts, "right")
        reached = np.append(ends, np.iinfo(np.int64).max)[index] - self._starts
        kept = reached <= np.minimum(self._lengths, self._plan.steps)
        self._starts, self._lengths = self._starts[kept], reached[kept]
        self._customers = self._numbered(self._customers[kept])

    def run(self) -> PathResult:
        customers: list[Tally] = []
        events: list[Tally] = []
        codes = np.zeros(1, np.int64)  # by the numbers of the steps so far
        # Of each path that goes on: its start, its length, the number of its steps so far, and its group. A group is
        # the paths of a customer with the same steps so far, if there are several. A path alone has the group -1.
        starts, lengths, before = self._starts, self._lengths, np.zeros(len(self._starts), np.int32)
        groups = _groups(self._customers, np.bincount(self._customers))
        for level in range(1, self._plan.steps + 2):
            goes_on = lengths >= level
            symbols = np.full(len(starts), self._stop, np.int32)
            symbols[goes_on] = self._symbols[starts[goes_on] + level] if level <= self._plan.steps else self._onward
            numbers, befores, continuations = self._number(before, symbols, len(codes))
            parents = codes[befores]
            events.append(_tally(parents, self._alphabet[continuations], np.bincount(numbers, minlength=len(parents))))
            alone = np.bincount(numbers[groups < 0], minlength=len(parents))
            customers.append(_tally(parents, self._bits[continuations], alone))
            shared, groups = self._shared(codes, groups, before, symbols)
            customers.append(shared)
            codes = (parents << SYMBOL_BITS) | self._alphabet[continuations]
            starts, lengths, before, groups = starts[goes_on], lengths[goes_on], numbers[goes_on], groups[goes_on]
        return PathResult(
            self._starting_customers, self._start_events, Tally.concatenate(customers), Tally.concatenate(events)
        )

    def _number(
        self, before: Numbers, symbols: Numbers, most: int
    ) -> tuple[Numbers, NDArray[np.int64], NDArray[np.int64]]:
        """Number the different pairs of the steps so far, which are below `most`, and a continuation, in their order.

        Returns the number of each pair, then for each number both members of its pair.
        """
        width = len(self._alphabet)
        pairs = before * np.int32(width) + symbols
        if most * width <= TABLE_SIZE * len(pairs):
            occurs = np.zeros(most * width, np.bool_)
            occurs[pairs] = True
            numbers = (np.cumsum(occurs, dtype=np.int32) - np.int32(1))[pairs]
            different = np.flatnonzero(occurs)
        else:
            different, inverse = np.unique(pairs, return_inverse=True)
            numbers = inverse.astype(np.int32)
        befores, continuations = np.divmod(different.astype(np.int64), width)
        return numbers, befores, continuations

    def _shared(self, codes: Integers, groups: Numbers, before: Numbers, symbols: Numbers) -> tuple[Tally, Numbers]:
        """How many of the customers with several paths of the same steps so far have each set of continuations.

        Also returns the group of each path with its continuation.
        """
        rows = np.flatnonzero(groups >= 0)
        owners, width = groups[rows], len(self._alphabet)
        keys = owners * np.int32(width) + symbols[rows]
        count = int(owners.max(initial=-1)) + 1
        occurs = np.bincount(keys, minlength=count * width)
        steps = np.zeros(count, np.int64)
        steps[owners] = before[rows]
        pairs = (steps << SET_BITS) | (occurs.reshape(count, width) > 0) @ self._bits
        pairs.sort()
        firsts = np.flatnonzero(changes(pairs))
        counts = np.diff(firsts, append=len(pairs))
        pairs = pairs[firsts]
        following = np.full(len(groups), -1, np.int32)
        following[rows] = _groups(keys, occurs)
        return Tally(codes[pairs >> SET_BITS], pairs & ((1 << SET_BITS) - 1), counts), following


def _groups(keys: Integers | Numbers, occurs: Integers) -> Numbers:
    """Numbers for the paths of each key that occurs several times, in the order of the keys; -1 for other paths."""
    several = occurs > 1
    numbers = np.cumsum(several, dtype=np.int32) - np.int32(1)
    numbers[~several] = -1
    return numbers[keys]


def _tally(paths: Integers, values: Integers, counts: Integers) -> Tally:
    """A tally without the rows whose count is 0."""
    counted = counts > 0
    return Tally(paths[counted], values[counted], counts[counted])
