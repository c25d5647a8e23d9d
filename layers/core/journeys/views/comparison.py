"""Compares the results of two jobs of one view: differences, ratios, and whether a difference is more than chance.

Elements and links are matched by their ids. Shares of customers are tested by `proportions`:

- Each state of an element and each link is a share of the participants of the element.
- The participants of an element are a share of those of the first element that leads to it: the one without incoming
  links. All of them are its participants, too. If several first elements lead to an element, its participants can be
  those of any of them, and there is no such share.

Durations are compared without a test.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from journeys import dates
from journeys.views.computation.plan import time_range
from journeys.views.model import AVERAGES, Element, ViewDefinition
from journeys.views.proportions import assumptions, corrected, untested, z_test
from journeys.views.rules import downstream

STATES = ("completedCount", "flowCount", "activeCount", "dropoutCount")
OPEN_STATES = ("activeCount", "dropoutCount")
"""The states that depend on whether a job counts active customers."""
DURATIONS = ("average", "median")

Figures = Mapping[str, Any]
"""A part of a result as a job stored it."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A definition as a job computed it, as of `at` in milliseconds since 1970, and the result."""

    definition: ViewDefinition
    at: int
    result: Figures

    @property
    def interval(self) -> tuple[int, int]:
        """The start (inclusive) and the end (exclusive) of the events, in milliseconds since 1970."""
        return time_range(self.definition, self.at)

    @property
    def counts_active(self) -> bool:
        """Whether a customer can be active: the interval had not ended before the job's time."""
        return self.interval[1] >= self.at

    def interval_text(self) -> str:
        return "/".join(map(dates.text, self.interval))


def compare(one: Computed, other: Computed) -> dict[str, Any]:
    """The comparison of two results for the API, without what identifies the jobs."""
    (start, end), (other_start, other_end) = one.interval, other.interval
    comparison = _Comparison(one, other, have_common_time=start < other_end and other_start < end)
    elements, durations = list(comparison.elements()), list(comparison.durations())
    levels = corrected(comparison.tests)
    return {
        "elements": elements,
        "durations": durations,
        **levels,
        "assumptions": list(_assumptions(one, other, levels["testCount"])),
    }


def _assumptions(one: Computed, other: Computed, tests: int) -> Iterator[str]:
    yield from assumptions(
        "The two jobs count different customers. Each customer whom both count makes a test less reliable.", tests
    )
    if one.counts_active is not other.counts_active:
        yield (
            "Only one of the jobs counts active customers, because the interval of the other one had ended. "
            "So active customers and dropouts are not tested."
        )
    if one.definition.counts_persons is not other.definition.counts_persons:
        yield "One of the jobs counts persons and the other one identifiers."


@dataclass(slots=True)
class _Comparison:
    """Compares two results. `tests` are the tests so far, also those that do not apply."""

    one: Computed
    other: Computed
    have_common_time: bool
    tests: list[dict[str, Any]] = field(default_factory=list)

    # -- elements ------------------------------------------------------------------------------------------------------

    def elements(self) -> Iterator[dict[str, Any]]:
        one, other = (
            {element["id"]: element for element in side.result["elements"]} for side in (self.one, self.other)
        )
        for id_, found, other_found in _matched(one, other):
            defined = (self.one if found else self.other).definition.element(id_)
            named = {"id": id_, "name": defined.name}
            if found is None or other_found is None:
                yield named | _only(found)
            else:
                yield named | self._element(defined, found, other_found)

    def _element(self, element: Element, found: Figures, other: Figures) -> dict[str, Any]:
        metrics, other_metrics = found["metrics"], other["metrics"]
        totals = (metrics["participantCount"], other_metrics["participantCount"])
        participants = _figure(*totals) | {"test": self._test_of_participants(element.id, totals)}
        states = {name: (metrics[name], other_metrics[name]) for name in STATES}
        links, other_links = ({link["id"]: link for link in side["followedBy"]} for side in (found, other))
        return {
            "metrics": {"participantCount": participants}
            | {
                name: _figure(*counts) | {"test": self._test_of_state(name, counts, totals)}
                for name, counts in states.items()
            },
            "followedBy": [
                {"id": id_}
                | (_only(link) if link is None or other_link is None else self._link(link, other_link, totals))
                for id_, link, other_link in _matched(links, other_links)
            ],
        }

    def _link(self, link: Figures, other: Figures, totals: tuple[int, int]) -> dict[str, Any]:
        counts = (link["connectionCount"], other["connectionCount"])
        return {
            "connectionCount": _figure(*counts) | {"test": self._test(counts, totals)},
            "duration": _durations(link.get("duration", {}), other.get("duration", {})),
        }

    def _test_of_state(self, name: str, counts: tuple[int, int], totals: tuple[int, int]) -> dict[str, Any]:
        if name in OPEN_STATES and self.one.counts_active is not self.other.counts_active:
            return untested("The interval of only one of the jobs had ended, and then no customer counts as active.")
        return self._test(counts, totals)

    def _test_of_participants(self, element_id: str, counts: tuple[int, int]) -> dict[str, Any]:
        """The test of an element's participants as a share of those of the first element that leads to it."""
        firsts = [_first_elements(side.definition, element_id) for side in (self.one, self.other)]
        if {element_id} in firsts:
            return untested("Journeys begin at this element, so there is no earlier element to take a share of.")
        if any(len(ids) > 1 for ids in firsts):
            return untested("Several first elements lead to this one, so compare the shares of its links.")
        if firsts[0] != firsts[1]:
            return untested("The first elements that lead to this one differ.")
        ((first,),) = {tuple(ids) for ids in firsts}
        total, other_total = (_participants(side.result, first) for side in (self.one, self.other))
        return self._test(counts, (total, other_total))

    # -- durations -----------------------------------------------------------------------------------------------------

    def durations(self) -> Iterator[dict[str, Any]]:
        one, other = (
            {(span["fromId"], span["toId"]): span for span in side.result.get("durations", ())}
            for side in (self.one, self.other)
        )
        for (from_id, to_id), found, other_found in _matched(one, other):
            ids = {"fromId": from_id, "toId": to_id}
            if found is None or other_found is None:
                yield ids | _only(found)
            else:
                counts = (found["customerCount"], other_found["customerCount"])
                yield ids | {"customerCount": _figure(*counts)} | _durations(found, other_found)

    # -- tests ---------------------------------------------------------------------------------------------------------

    def _test(self, counts: tuple[int, int], totals: tuple[int, int]) -> dict[str, Any]:
        if self.have_common_time:
            return untested(
                "The intervals of the jobs overlap, so the same customers can be in both. "
                "Compute the earlier period first, or choose intervals that do not overlap."
            )
        test = z_test(counts, totals)
        self.tests.append(test)
        return test


# -- figures -----------------------------------------------------------------------------------------------------------


def _figure(value: int | Decimal | None, other: int | Decimal | None) -> dict[str, Any]:
    """Two values of a figure, with their difference and ratio. Those that do not exist are None."""
    found: dict[str, Any] = {"value": value, "otherValue": other, "difference": None, "ratio": None}
    if value is None or other is None:
        return found | {"ratioReason": "One of the jobs has no such value."}
    found["difference"] = _difference(value, other)
    if not other:
        return found | {"ratioReason": "The value of the other job is 0."}
    return found | {"ratio": float(Fraction(value) / Fraction(other))}


def _difference(value: int | Decimal, other: int | Decimal) -> int | Decimal:
    if isinstance(value, int) and isinstance(other, int):
        return value - other
    return AVERAGES.subtract(Decimal(value), Decimal(other))


def _durations(found: Figures, other: Figures) -> dict[str, Any]:
    return {name: _figure(found.get(name), other.get(name)) for name in DURATIONS}


# -- matching ----------------------------------------------------------------------------------------------------------


def _matched(one: Mapping[Any, Figures], other: Mapping[Any, Figures]) -> Iterator[tuple[Any, Any, Any]]:
    """Each key with its figures in both results, None where a result lacks it; first in the order of `one`."""
    for key in {**one, **other}:
        yield key, one.get(key), other.get(key)


def _only(found: Figures | None) -> dict[str, str]:
    return {"only": "OtherJob" if found is None else "Job"}


def _participants(result: Figures, element_id: str) -> int:
    (count,) = (one["metrics"]["participantCount"] for one in result["elements"] if one["id"] == element_id)
    return int(count)


def _first_elements(definition: ViewDefinition, element_id: str) -> set[str]:
    """The ids of the elements without incoming links from which links lead to an element, or of the element itself."""
    links = {element.id: [link.id for link in element.followedBy] for element in definition.elements}
    targets = {id_ for ids in links.values() for id_ in ids}
    return {id_ for id_ in links.keys() - targets if element_id in downstream(id_, links)}
