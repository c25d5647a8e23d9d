"""Evaluates the links of a plan over the events of many customers, with numpy and binary search.

The docstring of `partial_result` defines reachable, completed, flow, active and dropout.

Data. N events are three parallel arrays of length N: `hashes` (int64, identifies the customer), `dates` (int64,
milliseconds since 1970) and `marks` (an unsigned integer type of 8 to 64 bits; bit i is set if the event matches the
element with index i). Customer and date are combined into one int64 *key*:

    key = customer number << date_bits | date - first date

Keys are sorted, so the events of one customer within a time window are consecutive, and binary search finds them.
*Rows* are int64 arrays of ascending positions in the sorted keys; they identify events.

A link that joins by conversation has its source and its target in one conversation of the customer. If a plan has such
links, a fourth array, `conversations` (uint64, 0 for none), identifies the conversation among those of the customer,
and each event has a *joined key*. It has the number of the pair of customer and conversation instead of the customer
number. An event without a conversation has a number of its own, so it is linked to no other event. Searches for such a
link sort the joined keys of its source (or target) events; everything else is as for other links.

Method. A forward pass visits the elements in topological order and finds the reachable events of each. A backward pass
finds the customers that complete. Four properties save most of the searching:

- To decide whether a target event is reached, only one source event matters: the newest of the customer (if the link
  joins by conversation: of the conversation) that is at least `low` before the target. If that one is too old, all
  others are too.
- Every event to which a reachable event satisfies a link is itself reachable. So the customers that satisfy a link
  are the customers of the events that were reached through it, and need no search of their own.
- If a customer satisfies none of an element's links, neither does any of the customer's events. Among these customers,
  whether an event is open therefore depends only on its date, and for links that join by conversation on whether it
  has one.
- If an element has one incoming link, all its reachable events were reached through that link. A customer that
  completes there also completes at the link's source. Only where several links meet, and downstream of such elements,
  is completion computed for each event.

Cost. Sorting takes O(N log N), or O(N) if the events are sorted already. Each link takes O(m log n) in the forward
pass, for m matching events of its target and n reachable events of its source; links that meet take the same again in
the backward pass. Memory is 8 bytes per event for the keys, 8 more if they had to be sorted, and 8 bytes per reachable
event and element. Links that join by conversation take O(N log N) once to number the conversations, O(n log n) more
each, and 16 bytes per event; plans without such links take none of this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from journeys.errors import NotComputable
from journeys.views.computation.partial_result import State
from journeys.views.computation.plan import ComputationPlan, PlannedLink, mark
from journeys.views.computation.portions import (
    MAX_KEY_BITS,
    Booleans,
    Integers,
    Numbers,
    Portion,
    changes,
    date_bits,
    in_original_order,
    is_sorted,
)


class TooManyConversations(NotComputable):
    """Joined keys cannot number the conversations of one customer, which takes about a million within 100 years."""

    code = "too.many.conversations"

    def __init__(self) -> None:
        super().__init__(
            "A customer has more conversations than links can join by. Shorten the view's time frame or remove "
            "joinAttributes."
        )


@dataclass(frozen=True, slots=True)
class Timed:
    """Customers by their numbers, each once and ascending, and the duration of each in milliseconds."""

    customers: Integers
    milliseconds: Integers


def _starts(customers: Integers, conversations: Numbers) -> Booleans:
    """Whether each pair of customer and conversation differs from the one before; without a conversation, it does."""
    starts = np.ones(len(customers), np.bool_)
    starts[1:] = (customers[1:] != customers[:-1]) | (conversations[1:] != conversations[:-1])
    starts |= conversations == 0
    return starts


class LinkEvaluation:
    """The evaluation of a plan's links over a portion of the events.

    Customers are numbered 0, 1, 2, ... in the order of their hashes. Figures are computed when they are asked for.
    Raises TooManyConversations.
    """

    def __init__(self, plan: ComputationPlan, portion: Portion) -> None:
        self._plan = plan
        hashes, dates, marks, conversations = portion.hashes, portion.dates, portion.marks, portion.conversations
        self._date_bits = date_bits(dates)
        self._first_date = int(dates.min())
        self._date_mask = (1 << self._date_bits) - 1
        begins = changes(hashes)
        self.customers: Integers = hashes[begins]
        """The hash of each customer, by the customer's number."""
        keys = np.cumsum(begins, dtype=np.int64)
        keys -= 1
        keys <<= self._date_bits
        keys += dates - self._first_date
        self._order = None if is_sorted(keys) else np.argsort(keys, kind="stable")
        if self._order is not None:
            keys, marks = keys[self._order], marks[self._order]
            conversations = None if conversations is None else conversations[self._order]
        self._keys, self._marks, self._conversations = keys, marks, conversations
        self._joined_keys = keys if conversations is None else self._find_joined_keys(conversations)
        indexes = range(len(plan.order))
        self._outgoing = [[link for link in plan.links if link.source == index] for index in indexes]
        self._incoming = [[link for link in plan.links if link.target == index] for index in indexes]
        # By element: the rows of the reachable events, and whether each customer satisfies some outgoing link.
        self._reachable = [np.zeros(0, np.int64)] * len(plan.order)
        self._satisfying = [np.zeros(len(self.customers), np.bool_)] * len(plan.order)
        for index in plan.order:
            self._reachable[index] = self._find_reachable(index)
        self._completed = self._find_completed()

    def _find_joined_keys(self, conversations: Numbers) -> Integers:
        """The joined key of each row."""
        customers = self._keys >> self._date_bits
        starts = _starts(customers, conversations)  # most events of a conversation follow each other: sort less
        customers, conversations = customers[starts], conversations[starts]
        order = np.lexsort((conversations, customers))
        numbers = np.empty_like(order)
        numbers[order] = np.cumsum(_starts(customers[order], conversations[order])) - 1
        if int(numbers[order[-1]]).bit_length() + self._date_bits > MAX_KEY_BITS:
            raise TooManyConversations
        joined_keys: Integers = numbers[np.cumsum(starts) - 1] << self._date_bits
        joined_keys |= self._keys & self._date_mask
        return joined_keys

    # -- forward pass --------------------------------------------------------------------------------------------------

    def _find_reachable(self, index: int) -> Integers:
        """The rows of an element's reachable events. The sources of its links must have been visited before.

        Also records which customers satisfy the incoming links.
        """
        rows = np.flatnonzero((self._marks & mark(index)) != 0)  # flatnonzero is fast for booleans only
        if not self._incoming[index]:
            return rows
        keys = self._keys[rows]
        reachable = np.zeros(len(rows), np.bool_)
        for link in self._incoming[index]:
            reached = self._has_source(link, rows, keys, self._reachable[link.source])
            self._satisfying[link.source] = self._satisfying[link.source] | self._customers_of(keys[reached])
            reachable |= reached
        return rows[reachable]

    def _has_source(self, link: PlannedLink, rows: Integers, keys: Integers, source_rows: Integers) -> Booleans:
        """For each of these target events, whether one of the source events satisfies the link to it.

        `keys` are the keys of `rows`, without regard to joins; the result has the same length.
        """
        if link.join is not None:
            keys = self._joined_keys[rows]
        sources = self._sorted_keys(link, source_rows)
        if not len(sources):
            return np.zeros(len(rows), np.bool_)
        # A `low` beyond the date range is capped, so that a key cannot overflow; it still matches no source.
        newest = np.searchsorted(sources, keys - min(link.low, self._date_mask + 1), side="right") - 1
        if link.low == 0:
            newest -= self._is_in(rows, source_rows)  # an event does not satisfy a link to itself
        oldest_key = keys & ~self._date_mask  # the first possible key of the customer or conversation
        if link.high is not None:
            np.maximum(oldest_key, keys - min(link.high, self._date_mask), out=oldest_key)
        return (newest >= 0) & (sources[np.maximum(newest, 0)] >= oldest_key)

    def _sorted_keys(self, link: PlannedLink, rows: Integers) -> Integers:
        """The keys of these rows among which the link's events are searched."""
        return self._keys[rows] if link.join is None else np.sort(self._joined_keys[rows])

    # -- backward pass -------------------------------------------------------------------------------------------------

    def _find_completed(self) -> list[Booleans]:
        """For each element, a boolean per customer: whether one of its reachable events there completes."""
        plan = self._plan
        per_event = self._elements_behind_meetings()
        customers = [np.zeros(len(self.customers), np.bool_)] * len(plan.order)
        # For elements in `per_event`, the rows of the completing events; other entries are not read.
        completing_rows = list(self._reachable)
        for index in reversed(plan.order):
            rows = self._reachable[index]
            if not self._outgoing[index]:
                customers[index] = self._customers_of(self._keys[rows])
                continue
            completing = np.zeros(len(rows), np.bool_)
            through_single_links = np.zeros(len(self.customers), np.bool_)
            for link in self._outgoing[index]:
                if link.target in per_event:
                    completing |= self._has_target(link, rows, completing_rows[link.target])
                else:
                    through_single_links |= customers[link.target]
            completing_rows[index] = rows[completing]
            customers[index] = through_single_links | self._customers_of(self._keys[completing_rows[index]])
        return customers

    def _elements_behind_meetings(self) -> set[int]:
        """The elements with several incoming links, and all elements downstream of these."""
        found: set[int] = set()
        for index in self._plan.order:
            incoming = self._incoming[index]
            if len(incoming) > 1 or any(link.source in found for link in incoming):
                found.add(index)
        return found

    def _has_target(self, link: PlannedLink, rows: Integers, target_rows: Integers) -> Booleans:
        """For each of these source events, whether it satisfies the link to one of the target events.

        The result has the length of `rows`.
        """
        return self._find_targets(link, rows, target_rows)[0]

    def _find_targets(self, link: PlannedLink, rows: Integers, target_rows: Integers) -> tuple[Booleans, Integers]:
        """For each of these source events, whether it satisfies the link to one of the target events, and to which.

        The results have the length of `rows`. The second one has the key of the earliest such target, or any value.
        """
        keys = (self._keys if link.join is None else self._joined_keys)[rows]
        targets = self._sorted_keys(link, target_rows)
        if not len(targets):
            return np.zeros(len(rows), np.bool_), keys
        oldest = np.searchsorted(targets, keys + min(link.low, self._date_mask + 1), side="left")
        if link.low == 0:
            oldest += self._is_in(rows, target_rows)  # an event does not satisfy a link to itself
        newest_key = keys | self._date_mask  # the last possible key of the customer or conversation
        if link.high is not None:
            np.minimum(newest_key, keys + min(link.high, self._date_mask), out=newest_key)
        found = targets[np.minimum(oldest, len(targets) - 1)]
        return (oldest < len(targets)) & (found <= newest_key), found

    # -- durations -----------------------------------------------------------------------------------------------------

    def link(self, link: PlannedLink) -> Timed:
        """The customers that are counted on a link, with their durations."""
        rows = self._reachable[link.source]
        satisfies, targets = self._find_targets(link, rows, self._reachable[link.target])
        keys = self._keys[rows[satisfies]]
        durations = (targets[satisfies] & self._date_mask) - (keys & self._date_mask)
        is_first = self._is_first(keys)
        keys, durations = keys[is_first], durations[is_first]
        starts = np.flatnonzero(self._changes(keys))
        least = np.minimum.reduceat(durations, starts) if len(starts) else durations
        return Timed(keys[starts] >> self._date_bits, least)

    def span(self, start: int, end: int) -> Timed:
        """The customers of a span, from one element to another, with their durations."""
        leading = self._find_leading(end)
        first = leading[start][self._is_first(self._keys[leading[start]])]
        reached = {start: first}
        for index in self._plan.order:
            rows = leading[index]
            keys, arrived = self._keys[rows], np.zeros(len(rows), np.bool_)
            for link in self._incoming[index]:
                if link.source in reached:
                    arrived |= self._has_source(link, rows, keys, reached[link.source])
            if index != start:
                reached[index] = rows[arrived]
        starts, ends = self._keys[first], self._keys[reached[end]]
        starts = starts[self._changes(starts)]  # One of the first events of each customer: they have the same date.
        ends = ends[self._changes(ends)]
        return Timed(starts >> self._date_bits, (ends & self._date_mask) - (starts & self._date_mask))

    def _find_leading(self, end: int) -> list[Integers]:
        """By element, the rows of the reachable events that lead to the element `end`."""
        leading = [np.zeros(0, np.int64)] * len(self._plan.order)
        leading[end] = self._reachable[end]
        for index in reversed(self._plan.order):
            if index == end:
                continue
            rows = self._reachable[index]
            leads = np.zeros(len(rows), np.bool_)
            for link in self._outgoing[index]:
                if len(leading[link.target]):
                    leads |= self._has_target(link, rows, leading[link.target])
            leading[index] = rows[leads]
        return leading

    def _is_first(self, keys: Integers) -> Booleans:
        """For each of these ascending keys, whether the customer has no smaller one among them."""
        changes = self._changes(keys)
        is_first: Booleans = keys == keys[changes][np.cumsum(changes) - 1]
        return is_first

    def _changes(self, keys: Integers) -> Booleans:
        """For each of these ascending keys, whether it is the first of its customer."""
        return changes(keys >> self._date_bits)

    # -- elements ------------------------------------------------------------------------------------------------------

    def states(self, index: int) -> NDArray[np.uint8]:
        """The `State` of each customer at an element, by the customer's number."""
        rows = self._reachable[index]
        keys = self._keys[rows]
        states = np.full(len(self.customers), State.ABSENT, np.uint8)
        states[keys >> self._date_bits] = State.DROPOUT
        states[keys[self._can_still_satisfy(index, rows, keys)] >> self._date_bits] = State.ACTIVE
        states[self._satisfying[index]] = State.FLOW
        states[self._completed[index]] = State.COMPLETED
        return states

    def _can_still_satisfy(self, index: int, rows: Integers, keys: Integers) -> Booleans:
        """For each of an element's reachable events, whether it is open, given that it satisfies no outgoing link.

        `keys` are the keys of `rows`, the reachable events.
        """
        links = self._outgoing[index]
        is_open = self._is_recent([link.open_for for link in links if link.join is None], keys)
        joined = [link.open_for for link in links if link.join is not None]
        if joined and self._conversations is not None:
            is_open |= self._is_recent(joined, keys) & (self._conversations[rows] != 0)
        return is_open

    def _is_recent(self, windows: Sequence[int | None], keys: Integers) -> Booleans:
        """For each key, whether one of these windows has not run out since its date; None never runs out."""
        if not windows or self._plan.end < self._plan.at:
            return np.zeros(len(keys), np.bool_)
        if None in windows:
            return np.ones(len(keys), np.bool_)
        longest = max(window for window in windows if window is not None)
        return (keys & self._date_mask) > self._plan.at - longest - self._first_date

    def first_events(self, index: int) -> tuple[Integers, Integers, Integers]:
        """The first reachable events at an element: their customers, their dates, and their positions in the portion.

        Several first events of a customer have the same date and follow each other. Dates are relative to the portion.
        """
        rows = self._reachable[index]
        rows = rows[self._is_first(self._keys[rows])]
        keys = self._keys[rows]
        positions = rows if self._order is None else self._order[rows]
        return keys >> self._date_bits, keys & self._date_mask, positions

    def reachable_marks(self) -> NDArray[Any]:
        """For each of the portion's events, the marks of the elements that it is reachable at."""
        marks = np.zeros_like(self._marks)
        for index, rows in enumerate(self._reachable):
            marks[rows] |= marks.dtype.type(mark(index))
        return in_original_order(marks, self._order)

    def _customers_of(self, keys: Integers) -> Booleans:
        """One boolean per customer: whether one of the keys is the customer's."""
        customers = np.zeros(len(self.customers), np.bool_)
        customers[keys >> self._date_bits] = True
        return customers

    def _is_in(self, rows: Integers, others: Integers) -> Booleans:
        """For each of `rows`, whether it is among `others`."""
        among = np.zeros(len(self._keys), np.bool_)
        among[others] = True
        return among[rows]
