"""What a computation finds in some of the customers. Parts of different customers merge to the figures of all."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from typing import Any

from journeys.errors import NotComputable
from journeys.views.model import Aggregate, Chart, Element, Metric, ViewDefinition

MOST_GROUPS = 100_000
"""Groups that a chart can have."""

MOST_VALUES = 300_000
"""Values that the metrics of all charts can have together, before `groupByMax` takes its groups. Until it is written,
one takes 2.4 KB of memory where groups are of four attributes; and no answer holds a third as many."""

TIME = "groupByTime"
"""What stands for the attribute in a group's entry for the time; that entry is the first, where a chart has one."""

EXACT = Context(prec=1000, traps=[Inexact])
"""For sums: numbers have 38 digits between 10^-130 and 10^126, so that no sum of them has as many as this."""

AVERAGES = Context(prec=38)
"""For averages: as many digits as a number can have."""

Group = tuple[str | None, ...]
"""The name of a group: the text of its time, where the chart has one, and of each attribute, None for a missing one."""

Value = int | Decimal | tuple[Decimal, int]
"""What an aggregate is of a group so far: a count, a number, or the sum and the count of an average."""


class TooManyGroups(NotComputable):
    """A chart groups by something that has too many values, or all charts together do."""

    code = "too.many.groups"

    def __init__(self, what: str | None = None) -> None:
        what = what or f"A chart has more than {MOST_GROUPS} groups"
        super().__init__(f"{what}; group by an attribute with fewer values, or by a longer time.")


@dataclass(frozen=True, slots=True)
class Counts:
    """Customers of an element, each once: those with a reachable event, and how far the furthest of these went."""

    participants: int = 0
    completed: int = 0
    flow: int = 0
    active: int = 0
    dropout: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.participants + other.participants,
            self.completed + other.completed,
            self.flow + other.flow,
            self.active + other.active,
            self.dropout + other.dropout,
        )


@dataclass(frozen=True, slots=True)
class MetricPart:
    """A chart's metric: its value for each group that has one."""

    aggregate: Aggregate
    groups: Mapping[Group, Value]


@dataclass(frozen=True, slots=True)
class Part:
    """Counts by the places of elements, customers by the places of links, and metrics by the places of charts."""

    elements: tuple[Counts, ...]
    connections: tuple[int, ...]
    charts: tuple[tuple[MetricPart, ...], ...]

    def to_values(self) -> dict[str, Any]:
        """A form that JSON can hold; numbers are texts, so that they keep every digit."""
        return {
            "elements": [[one.participants, one.completed, one.flow, one.active, one.dropout] for one in self.elements],
            "connections": list(self.connections),
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
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Part":
        return cls(
            elements=tuple(Counts(*one) for one in values["elements"]),
            connections=tuple(values["connections"]),
            charts=tuple(
                tuple(
                    MetricPart(
                        Aggregate(metric["aggregate"]),
                        {tuple(group): _value_from_values(value) for group, value in metric["groups"]},
                    )
                    for metric in metrics
                )
                for metrics in values["charts"]
            ),
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


def merge(parts: Iterable[Part]) -> Part:
    """The part of all customers of some parts, of which no two have one in common. Raises TooManyGroups."""
    rest = iter(parts)
    first = next(rest)
    elements, connections = first.elements, first.connections
    charts = [[dict(metric.groups) for metric in metrics] for metrics in first.charts]
    aggregates = [[metric.aggregate for metric in metrics] for metrics in first.charts]
    for part in rest:
        elements = tuple(one + other for one, other in zip(elements, part.elements, strict=True))
        connections = tuple(one + other for one, other in zip(connections, part.connections, strict=True))
        for merged, metrics in zip(charts, part.charts, strict=True):
            for groups, metric in zip(merged, metrics, strict=True):
                _add(groups, metric)
            check_groups(merged)
        check_values(groups for metrics in charts for groups in metrics)
    return Part(
        elements,
        connections,
        tuple(
            tuple(MetricPart(*one) for one in zip(kinds, metrics, strict=True))
            for kinds, metrics in zip(aggregates, charts, strict=True)
        ),
    )


def check_groups(metrics: Iterable[Mapping[Group, Value]]) -> None:
    """Raises TooManyGroups where the metrics of a chart have more of them than a chart may."""
    if len({group for groups in metrics for group in groups}) > MOST_GROUPS:
        raise TooManyGroups


def check_values(metrics: Iterable[Mapping[Group, Value]]) -> None:
    """Raises TooManyGroups where the metrics of all charts have more values together than a job may."""
    if sum(map(len, metrics)) > MOST_VALUES:
        raise TooManyGroups(f"The charts have more than {MOST_VALUES} values together, one a metric and group")


def _add(groups: dict[Group, Value], metric: MetricPart) -> None:
    combined = COMBINE[metric.aggregate]
    for group, value in metric.groups.items():
        groups[group] = combined(groups[group], value) if group in groups else value


def _both(one: Any, other: Any) -> Any:
    return EXACT.add(one[0], other[0]), one[1] + other[1]


COMBINE: Mapping[Aggregate, Callable[[Any, Any], Any]] = {
    Aggregate.EVENT_COUNT: int.__add__,
    Aggregate.CUSTOMER_COUNT: int.__add__,
    Aggregate.MINIMUM: min,
    Aggregate.MAXIMUM: max,
    Aggregate.SUM: EXACT.add,
    Aggregate.AVERAGE: _both,
}
"""How two values of a group become one."""


# -- the result --------------------------------------------------------------------------------------------------------


def to_result(definition: ViewDefinition, part: Part) -> dict[str, Any]:
    """The contract's `JourneyViewResult` of a whole view, without addresses of its own. Numbers are int and Decimal."""
    connections = iter(part.connections)
    return {
        "elements": [
            _element_to_result(element, counts, connections)
            for element, counts in zip(definition.elements, part.elements, strict=True)
        ],
        "charts": [
            _chart_to_result(chart, metrics) for chart, metrics in zip(definition.charts, part.charts, strict=True)
        ],
    }


def _element_to_result(element: Element, counts: Counts, connections: Iterable[int]) -> dict[str, Any]:
    return {
        "id": element.id,
        "metrics": {
            "participantCount": counts.participants,
            "activeCount": counts.active,
            "completedCount": counts.completed,
            "dropoutCount": counts.dropout,
            "flowCount": counts.flow,
        },
        "followedBy": [
            {"id": link.id, "connectionCount": count}
            for link, count in zip(element.followedBy, connections, strict=False)
        ],
    }


def _chart_to_result(chart: Chart, metrics: Iterable[MetricPart]) -> dict[str, Any]:
    named = [
        (metric, _names(chart, metric), {group: number(value) for group, value in found.groups.items()})
        for metric, found in zip(chart.metrics, metrics, strict=True)
    ]
    results = []
    for metric, names, values in named:
        alike = [groups for _, others, groups in named if others == names]
        kept = values if chart.groupByMax is None else _greatest(alike, chart.groupByMax)
        results.append(
            {
                "id": metric.id,
                "values": [
                    {
                        "value": values[group],
                        "groupByAttributes": [
                            {"attribute": name, "value": text} for name, text in zip(names, group, strict=True)
                        ],
                    }
                    for group in sorted(values, key=_by_name)
                    if group in kept
                ],
            }
        )
    version = {} if chart.version is None else {"version": chart.version}
    return {"id": chart.id, **version, "metrics": results}


def _names(chart: Chart, metric: Metric) -> tuple[str, ...]:
    """What the entries of a group's name are about."""
    time = (TIME,) if chart.groupByTime else ()
    return time + tuple(one.attribute for one in chart.groupByAttributes if one.elementId == metric.elementId)


def _greatest(alike: list[dict[Group, int | Decimal]], most: int) -> set[Group]:
    """The groups with the greatest values, and of equal ones those whose names come first.

    Values are those of the first of the metrics that are grouped alike; groups that it has no value for come last.
    """
    first = alike[0]
    ranked = sorted(sorted(first, key=_by_name), key=first.__getitem__, reverse=True)  # which keeps equal ones in order
    others = {group for groups in alike for group in groups} - first.keys()
    return {*(ranked + sorted(others, key=_by_name))[:most]}


def _by_name(group: Group) -> tuple[tuple[bool, str], ...]:
    """In the order of their texts; what is missing comes last."""
    return tuple((text is None, text or "") for text in group)


def number(value: Value) -> int | Decimal:
    """The number that an aggregate comes to: an integer where it is whole."""
    if isinstance(value, tuple):
        value = AVERAGES.divide(*value)
    return int(value) if value == EXACT.to_integral_value(value) else EXACT.normalize(value)
