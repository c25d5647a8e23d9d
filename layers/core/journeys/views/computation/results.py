"""Turns the merged figures of a view into the API's result."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from journeys.views.computation.durations import Durations
from journeys.views.computation.partial_result import EXACT, Counts, Group, PartialMetric, PartialResult, Value
from journeys.views.model import AVERAGES, Chart, Element, Metric, ViewDefinition

TIME = "groupByTime"
"""The `attribute` of the group entry that names the time. It is the first entry of a chart that groups by time."""

PERCENTILES = (75, 90, 95)
"""The percentiles of durations in a result, beside the median."""


def to_result(definition: ViewDefinition, result: PartialResult) -> dict[str, Any]:
    """The contract's `JourneyViewResult` of all customers, without `selfUri`. Numbers are int and Decimal."""
    durations = iter(result.durations)
    return {
        "elements": [
            element_to_result(element, counts, durations)
            for element, counts in zip(definition.elements, result.elements, strict=True)
        ],
        "durations": [
            {"fromId": span.fromId, "toId": span.toId} | _durations_to_result(span_durations)
            for span, span_durations in zip(definition.durations or (), result.spans, strict=True)
        ],
        "charts": [
            _chart_to_result(chart, metrics) for chart, metrics in zip(definition.charts, result.charts, strict=True)
        ],
    }


def element_to_result(element: Element, counts: Counts, durations: Iterable[Durations]) -> dict[str, Any]:
    """An element with its links, which take their durations from the iterator `durations`."""
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
            {"id": link.id, "connectionCount": found.count, "duration": _durations_to_result(found)}
            for link, found in zip(element.followedBy, durations, strict=False)
        ],
    }


def _durations_to_result(durations: Durations) -> dict[str, Any]:
    """Durations as the API returns them, in milliseconds. The average is exact to 38 digits."""
    if not durations.count:
        return {"customerCount": 0, "histogram": []}
    return {
        "customerCount": durations.count,
        "minimum": durations.minimum,
        "average": number((Decimal(durations.total), durations.count)),
        "median": durations.percentile(50),
        **{f"percentile{percent}": durations.percentile(percent) for percent in PERCENTILES},
        "maximum": durations.maximum,
        "histogram": [{"from": start, "to": end, "customerCount": count} for start, end, count in durations.bars()],
    }


def _chart_to_result(chart: Chart, metrics: Iterable[PartialMetric]) -> dict[str, Any]:
    named = [
        (metric, _entry_names(chart, metric), {group: number(value) for group, value in partial.groups.items()})
        for metric, partial in zip(chart.metrics, metrics, strict=True)
    ]
    results = []
    for metric, names, values in named:
        grouped_alike = [groups for _, other_names, groups in named if other_names == names]
        included = values if chart.groupByMax is None else _greatest(grouped_alike, chart.groupByMax)
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
                    for group in sorted(values, key=_sort_key)
                    if group in included
                ],
            }
        )
    version = {} if chart.version is None else {"version": chart.version}
    return {"id": chart.id, **version, "metrics": results}


def _entry_names(chart: Chart, metric: Metric) -> tuple[str, ...]:
    """The `attribute` of each entry in the names of a metric's groups."""
    time = (TIME,) if chart.groupByTime else ()
    return time + tuple(group.attribute for group in chart.groupByAttributes if group.elementId == metric.elementId)


def _greatest(grouped_alike: list[dict[Group, int | Decimal]], limit: int) -> set[Group]:
    """The `limit` groups with the greatest values; among equal values, those whose names sort first.

    `grouped_alike` are the values of the metrics that are grouped by the same attributes. The first metric ranks the
    groups; groups without a value of that metric come last.
    """
    first = grouped_alike[0]
    ranked = sorted(sorted(first, key=_sort_key), key=first.__getitem__, reverse=True)  # sorted() is stable
    others = {group for groups in grouped_alike for group in groups} - first.keys()
    return {*(ranked + sorted(others, key=_sort_key))[:limit]}


def _sort_key(group: Group) -> tuple[tuple[bool, str], ...]:
    """Sorts groups by the texts of their names; a missing attribute comes last."""
    return tuple((text is None, text or "") for text in group)


def number(value: Value) -> int | Decimal:
    """The number of an aggregate's value: an int if it is whole, else a Decimal without trailing zeros."""
    if isinstance(value, tuple):
        value = AVERAGES.divide(*value)
    return int(value) if value == EXACT.to_integral_value(value) else EXACT.normalize(value)
