"""The figures of a view and their definitions, and partial results, which are the figures for some of the customers.

Definitions. A view covers the events with `start <= date < end` and is computed as of a time T. In each definition,
`x` and `y` are events of the same customer.

- An event *matches* an element if it has the element's event type and passes the element's filter.
- `x` *satisfies* the link from element i to element j if `x` matches i, and another event `y` matches j, and the
  distance `d = date(y) - date(x)` fits the link: d > 0 for Sequential, d = 0 for Concurrent, d >= 0 for All, and
  `constraintAfter <= d <= constraintWithin`. Concurrent links ignore both constraints. If the link has
  `joinAttributes`, `x` and `y` must also have the same `conversationId`; events without one do not satisfy it.
- An event is *reachable* at an element if it matches the element, and either the element has no incoming links, or
  a reachable event of the link's source satisfies an incoming link to this event. Charts count reachable events only.
- An event reachable at an element *completes* if the element has no outgoing links, or if the event satisfies an
  outgoing link to an event that completes.
- An event reachable at an element is *open* if it satisfies none of the element's outgoing links, but still can:
  the view's interval has not ended before T, and some outgoing link has no `constraintWithin`, or
  `date(x) + constraintWithin > T`. A link with `joinAttributes` counts only if `x` has a `conversationId`.

Figures of an element. The *participants* are the customers that have a reachable event. Each participant is counted
in exactly one of four groups, the first that applies:

- *completed*: one of the customer's reachable events completes.
- *flow*: one of the customer's reachable events satisfies an outgoing link.
- *active*: one of the customer's reachable events is open.
- *dropout*: none of the above.

Figures of a link. The *connection count* is the number of customers with a reachable event that satisfies the link. The
*duration* of each of them is the time from their first reachable event that satisfies the link to the first event that
it is satisfied by. Of several first events with the same date, the one with the shortest duration counts.

Figures of a span, which is an element to start from and one to arrive at. An event *leads* to an element if it is
reachable there, or if it satisfies a link to an event that leads to the element. The customers of a span have a
reachable event at its start that leads to its end. The *duration* of each of them is the time from the first such event
to the first event at the end to which it, or another such event of the same date, leads.

Every figure counts customers or aggregates their events. Partial results of different customers therefore merge to the
exact figures of all of them. `results` turns merged figures into the API's result.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from journeys.errors import NotComputable
from journeys.views.computation.durations import Durations
from journeys.views.computation.group_tallies import GroupTallies
from journeys.views.computation.lists import Lists
from journeys.views.model import Aggregate

MAX_GROUPS = 100_000
"""Groups that a chart can have."""

MAX_VALUES = 300_000
"""Values that the metrics of all charts of a view can have together, before `groupByMax` is applied.

One value takes up to 2.4 KB of memory until the result is written (measured with groups of four attributes). A result
within `MAX_RESULT_BYTES` holds less than a third as many values.
"""

EXACT = Context(prec=1000, traps=[Inexact])
"""For sums. A number has at most 38 digits between 10^-130 and 10^126, so no sum of numbers needs 1,000 digits."""

Group = tuple[str | None, ...]
"""The name of a group: the text of its time, if the chart groups by time, then the text of each attribute.

None stands for events without the attribute.
"""

Value = int | Decimal | tuple[Decimal, int]
"""The value of an aggregate for a group: a count, a number, or the sum and the count of an average."""


class TooManyGroups(NotComputable):
    """One chart has more than `MAX_GROUPS` groups, or all charts together have more than `MAX_VALUES` values."""

    code = "too.many.groups"

    def __init__(self, problem: str | None = None) -> None:
        problem = problem or f"A chart has more than {MAX_GROUPS} groups"
        super().__init__(f"{problem}. Group by an attribute with fewer values, or by a longer unit of time.")


class State(IntEnum):
    """The group that a customer is in at an element. Customers without a reachable event there are absent."""

    ABSENT = 0
    COMPLETED = 1
    FLOW = 2
    ACTIVE = 3
    DROPOUT = 4


@dataclass(frozen=True, slots=True)
class Counts:
    """The participants of an element, and how many of them are in each of the four groups."""

    participants: int = 0
    completed: int = 0
    flow: int = 0
    active: int = 0
    dropout: int = 0

    @classmethod
    def of(cls, states: NDArray[np.uint8]) -> "Counts":
        """The figures of some customers, each with a `State` at the element."""
        counts = np.bincount(states, minlength=len(State)).tolist()
        return cls(
            len(states) - counts[State.ABSENT],
            counts[State.COMPLETED],
            counts[State.FLOW],
            counts[State.ACTIVE],
            counts[State.DROPOUT],
        )

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.participants + other.participants,
            self.completed + other.completed,
            self.flow + other.flow,
            self.active + other.active,
            self.dropout + other.dropout,
        )


@dataclass(frozen=True, slots=True)
class PartialMetric:
    """A metric of a chart: its value for each group that has one."""

    aggregate: Aggregate
    groups: Mapping[Group, Value]


@dataclass(frozen=True, slots=True)
class PartialResult:
    """The figures of some customers, in the order of the plan.

    `elements` has one entry per element, and `durations` one per link, with as many as the link connects.
    `spans` has the durations of each span, and `charts` the metrics of each chart. `lists` are the customers behind the
    figures; None if they were not asked for. `breakdown` has the figures of groups of customers; None if there are no
    groups.
    """

    elements: tuple[Counts, ...]
    durations: tuple[Durations, ...]
    spans: tuple[Durations, ...]
    charts: tuple[tuple[PartialMetric, ...], ...]
    lists: Lists | None = None
    breakdown: GroupTallies | None = None

    def to_values(self) -> dict[str, Any]:
        """JSON values. Decimals become texts, so that they keep every digit."""
        return {
            "elements": [
                [counts.participants, counts.completed, counts.flow, counts.active, counts.dropout]
                for counts in self.elements
            ],
            "durations": [durations.to_values() for durations in self.durations],
            "spans": [durations.to_values() for durations in self.spans],
            "charts": [
                [
                    {
                        "aggregate": str(metric.aggregate),
                        "groups": [[list(group), _value_to_values(value)] for group, value in metric.groups.items()],
                    }
                    for metric in metrics
                ]
                for metrics in self.charts
            ],
            "lists": self.lists and self.lists.to_values(),
            "breakdown": self.breakdown and self.breakdown.to_values(),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "PartialResult":
        return cls(
            elements=tuple(Counts(*counts) for counts in values["elements"]),
            durations=tuple(map(Durations.from_values, values["durations"])),
            spans=tuple(map(Durations.from_values, values["spans"])),
            charts=tuple(
                tuple(
                    PartialMetric(
                        Aggregate(metric["aggregate"]),
                        {tuple(group): _value_from_values(value) for group, value in metric["groups"]},
                    )
                    for metric in metrics
                )
                for metrics in values["charts"]
            ),
            lists=Lists.from_values(values.get("lists")),
            breakdown=GroupTallies.from_values(values.get("breakdown")),
        )


def _value_to_values(value: Value) -> Any:
    match value:
        case int():
            return value
        case Decimal():
            return str(value)
        case total, count:
            return [str(total), count]


def _value_from_values(value: Any) -> Value:
    match value:
        case str():
            return Decimal(value)
        case [total, count]:
            return Decimal(total), count
        case _:
            return int(value)


# -- merging -----------------------------------------------------------------------------------------------------------


def merge(results: Iterable[PartialResult]) -> PartialResult:
    """Merge at least one partial result; no customer is in two of them. Raises TooManyGroups.

    Takes time proportional to the number of groups in all of them. `results` may be a generator: one partial result
    is held in memory beside the merged one.
    """
    rest = iter(results)
    first = next(rest)
    elements, durations, spans, lists = first.elements, first.durations, first.spans, first.lists
    breakdown = first.breakdown
    charts = [[dict(metric.groups) for metric in metrics] for metrics in first.charts]
    aggregates = [[metric.aggregate for metric in metrics] for metrics in first.charts]
    for result in rest:
        elements = added(elements, result.elements)
        durations, spans = added(durations, result.durations), added(spans, result.spans)
        lists = lists + result.lists if lists and result.lists else None
        breakdown = breakdown + result.breakdown if breakdown and result.breakdown else None
        for merged, metrics in zip(charts, result.charts, strict=True):
            for groups, metric in zip(merged, metrics, strict=True):
                _add(groups, metric)
            check_groups(merged)
        check_values(groups for metrics in charts for groups in metrics)
    return PartialResult(
        elements,
        durations,
        spans,
        tuple(
            tuple(PartialMetric(*pair) for pair in zip(chart_aggregates, metrics, strict=True))
            for chart_aggregates, metrics in zip(aggregates, charts, strict=True)
        ),
        lists,
        breakdown,
    )


Figure = TypeVar("Figure", Counts, Durations)


def added(some: Iterable[Figure], others: Iterable[Figure]) -> tuple[Figure, ...]:
    """The sums of figures of different customers, one by one."""
    return tuple(one + other for one, other in zip(some, others, strict=True))


def check_groups(metrics: Iterable[Mapping[Group, Value]]) -> None:
    """Raise TooManyGroups if the metrics of one chart have more than `MAX_GROUPS` groups."""
    if len({group for groups in metrics for group in groups}) > MAX_GROUPS:
        raise TooManyGroups


def check_values(metrics: Iterable[Mapping[Group, Value]]) -> None:
    """Raise TooManyGroups if the metrics of all charts have more than `MAX_VALUES` values."""
    if sum(map(len, metrics)) > MAX_VALUES:
        raise TooManyGroups(f"The charts have more than {MAX_VALUES} values together, one per metric and group")


def _add(groups: dict[Group, Value], metric: PartialMetric) -> None:
    combine = COMBINE[metric.aggregate]
    for group, value in metric.groups.items():
        groups[group] = combine(groups[group], value) if group in groups else value


def _add_sums_and_counts(one: Any, other: Any) -> Any:
    return EXACT.add(one[0], other[0]), one[1] + other[1]


COMBINE: Mapping[Aggregate, Callable[[Any, Any], Any]] = {
    Aggregate.EVENT_COUNT: int.__add__,
    Aggregate.CUSTOMER_COUNT: int.__add__,
    Aggregate.MINIMUM: min,
    Aggregate.MAXIMUM: max,
    Aggregate.SUM: EXACT.add,
    Aggregate.AVERAGE: _add_sums_and_counts,
}
"""Combines two values of a group into one."""
