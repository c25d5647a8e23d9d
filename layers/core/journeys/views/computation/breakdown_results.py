"""Turns the figures of groups of customers into the breakdown of the API's result."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np

from journeys.views.breakdown import Breakdown
from journeys.views.computation.breakdown import CUSTOMERS, STATES
from journeys.views.computation.durations import BIN_BITS, Durations
from journeys.views.computation.group_tallies import FIRST_VALUE, MISSING, NOT_REACHED, GroupTallies
from journeys.views.computation.partial_result import Counts, PartialResult, State
from journeys.views.computation.portions import Integers
from journeys.views.computation.results import element_to_result
from journeys.views.computation.tallies import Tally
from journeys.views.model import ViewDefinition
from journeys.views.proportions import assumptions, corrected, untested, z_test

SHOWN_VALUES = 20
"""Values that a result shows. The others are one group."""

_STATES = {
    "completedCount": State.COMPLETED,
    "flowCount": State.FLOW,
    "activeCount": State.ACTIVE,
    "dropoutCount": State.DROPOUT,
}


def to_result(definition: ViewDefinition, breakdown: Breakdown | None, result: PartialResult) -> dict[str, Any]:
    """The breakdown of the figures of all customers for the API; nothing if the job has none."""
    if breakdown is None or result.breakdown is None:
        return {}
    return {"breakdown": _Breakdown(definition, breakdown, result, result.breakdown).to_result()}


class _Breakdown:
    """Every group is tested against all other customers.

    By an attribute, only customers who reached its element are compared. Those who did not would differ at the elements
    before and after it by the definition of the groups.
    """

    def __init__(
        self, definition: ViewDefinition, breakdown: Breakdown, result: PartialResult, tallies: GroupTallies
    ) -> None:
        self._definition, self._breakdown, self._tallies = definition, breakdown, tallies
        is_size = tallies.customers.values == CUSTOMERS
        groups, sizes = tallies.customers.keys[is_size].tolist(), tallies.customers.counts[is_size].tolist()
        self._sizes = dict(zip(groups, sizes, strict=True))
        self._customers = sum(sizes) - self._sizes.get(NOT_REACHED, 0)
        left_out = _counts(tallies.customers, [NOT_REACHED], len(definition.elements))
        wholes = zip(definition.elements, result.elements, left_out, strict=True)
        self._whole = {element.id: _without(counts, out) for element, counts, out in wholes}
        links = [(element.id, link.id) for element in definition.elements for link in element.followedBy]
        without = _durations(tallies, [NOT_REACHED], len(links))
        connections = zip(links, result.durations, without, strict=True)
        self._connections = {ids: durations.count - out.count for ids, durations, out in connections}
        self._tests: list[dict[str, Any]] = []

    def to_result(self) -> dict[str, Any]:
        values = list(self._values())
        # Of two groups, each is compared with the other one.
        levels = corrected(self._tests, copies=2 if sum(kind["kind"] != "NotReached" for kind in values) == 2 else 1)
        different = "Each group is compared with all other customers of the view, so both have different customers."
        if self._breakdown.elementId is not None:
            different = (
                "Each group is compared with all other customers who reached the element that makes the groups, "
                "so both have different customers."
            )
        return {
            **self._breakdown.to_values(),
            "valueCount": len(self._tallies.texts),
            "values": values,
            **levels,
            "assumptions": list(assumptions(different, levels["testCount"])),
        }

    def _values(self) -> Iterator[dict[str, Any]]:
        """The groups that have customers: the greatest values, then those without a value, and the other values."""
        ranked = sorted((group for group in self._sizes if group >= FIRST_VALUE), key=lambda group: -self._sizes[group])
        for group in ranked[:SHOWN_VALUES]:  # sorted() is stable, and groups are in the order of their texts.
            yield self._group({"kind": "Value", "value": self._tallies.texts[group - FIRST_VALUE]}, [group])
        for kind, group in (("Missing", MISSING), ("NotReached", NOT_REACHED)):
            if group in self._sizes:
                yield self._group({"kind": kind}, [group])
        others = ranked[SHOWN_VALUES:]
        if others:
            yield self._group({"kind": "Others", "valueCount": len(others)}, others)

    def _group(self, named: dict[str, Any], groups: Sequence[int]) -> dict[str, Any]:
        customers = sum(self._sizes[group] for group in groups)
        all_counts = _counts(self._tallies.customers, groups, len(self._definition.elements))
        durations = iter(_durations(self._tallies, groups, len(self._connections)))
        elements = []
        for element, counts in zip(self._definition.elements, all_counts, strict=True):
            found = element_to_result(element, counts, durations)
            found["tests"] = self._tests_of(groups, element.id, found["metrics"], customers)
            totals = (counts.participants, self._whole[element.id].participants - counts.participants)
            for link in found["followedBy"]:
                del link["duration"]["histogram"]
                connected = link["connectionCount"]
                link["test"] = self._test(groups, connected, self._connections[element.id, link["id"]], totals)
            elements.append(found)
        return {**named, "customerCount": customers, "elements": elements}

    def _tests_of(
        self, groups: Sequence[int], element_id: str, metrics: dict[str, int], customers: int
    ) -> dict[str, Any]:
        """The tests of a group at an element: its participants among all customers, and states among participants."""
        whole, participants = self._whole[element_id], metrics["participantCount"]
        if element_id == self._breakdown.elementId:
            reached = untested("The groups are made by whether and how customers reached this element.")
        else:
            reached = self._test(groups, participants, whole.participants, (customers, self._customers - customers))
        totals = (participants, whole.participants - participants)
        whole_states = (whole.completed, whole.flow, whole.active, whole.dropout)
        states = zip(_STATES, whole_states, strict=True)
        return {"participantCount": reached} | {
            name: self._test(groups, metrics[name], all_, totals) for name, all_ in states
        }

    def _test(self, groups: Sequence[int], count: int, of_all: int, totals: tuple[int, int]) -> dict[str, Any]:
        if NOT_REACHED in groups:
            return untested("Only customers who reached the element that makes the groups are compared.")
        test = z_test((count, of_all - count), totals)
        self._tests.append(test)
        return test


def _without(counts: Counts, left_out: Counts) -> Counts:
    """The figures of all customers but those left out."""
    return Counts(*(count - out for count, out in zip(astuple(counts), astuple(left_out), strict=True)))


def _counts(customers: Tally, groups: Sequence[int], elements: int) -> list[Counts]:
    """The figures of each element, of the customers of some groups."""
    sums = np.zeros(STATES + elements * len(State), np.int64)
    np.add.at(sums, *_of(customers, groups))
    by_state = sums[STATES:].reshape(elements, len(State)).tolist()
    return [Counts(sum(row), *(row[state] for state in _STATES.values())) for row in by_state]


def _durations(tallies: GroupTallies, groups: Sequence[int], links: int) -> list[Durations]:
    """The durations of each link, of the customers of some groups."""
    bins: list[Counter[int]] = [Counter() for _ in range(links)]
    for value, customers in _rows(tallies.bins, groups):
        bins[value >> BIN_BITS][value & ((1 << BIN_BITS) - 1)] += customers
    extremes: list[list[list[int]]] = []
    for tally in (tallies.totals, tallies.minima, tallies.maxima):
        extremes.append([[] for _ in range(links)])
        for link, milliseconds in _rows(tally, groups):
            extremes[-1][link].append(milliseconds)
    return [
        Durations(sum(own.values()), sum(totals), min(minima), max(maxima), dict(own)) if own else Durations()
        for own, totals, minima, maxima in zip(bins, *extremes, strict=True)
    ]


def _rows(tally: Tally, groups: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The values and the figures of the rows of some groups, one by one."""
    values, counts = _of(tally, groups)
    return zip(values.tolist(), counts.tolist(), strict=True)


def _of(tally: Tally, groups: Sequence[int]) -> tuple[Integers, Integers]:
    """The values and the figures of the rows of some groups. One group is found by binary search."""
    if len(groups) == 1:
        return tally.at(groups[0])
    rows = np.isin(tally.keys, groups)
    return tally.values[rows], tally.counts[rows]
