"""The tables of a view's result, for CSV. Each table has its columns and its rows in one function.

A new figure adds its function here and its name to TABLES; the API, the OpenAPI document and its cursors follow.
Columns are only added at the end, so that programs can rely on names and order.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from journeys.csvtext import Cell
from journeys.views.model import Chart, ViewDefinition

Row = tuple[Cell, ...]
Result = Mapping[str, Any]
"""A result as the job stored it: the contract's `JourneyViewResult`, with int and Decimal numbers."""


class Table(NamedTuple):
    """The names of the columns, and the rows in the order of the result."""

    columns: tuple[str, ...]
    rows: Iterable[Row]


COUNTS = ("participantCount", "activeCount", "completedCount", "dropoutCount", "flowCount")


def elements(view: ViewDefinition, result: Result) -> Table:
    """A row per element, with its customers."""
    return Table(
        ("elementId", "elementName", *COUNTS),
        (
            (element["id"], view.element(element["id"]).name, *(element["metrics"][count] for count in COUNTS))
            for element in result["elements"]
        ),
    )


DURATION = ("minimum", "average", "median", "percentile75", "percentile90", "percentile95", "maximum")


def _prefixed(prefix: str, name: str) -> str:
    """The name of a column: a prefix and a name, in camel case."""
    return f"{prefix}{name[0].upper()}{name[1:]}"


_DURATION_COLUMNS = tuple(_prefixed("duration", name) for name in DURATION)


def links(view: ViewDefinition, result: Result) -> Table:
    """A row per link, with its customers and how many milliseconds they took, which old results lack."""
    ends = ("sourceElementId", "sourceElementName", "targetElementId", "targetElementName")
    return Table(
        (*ends, "connectionCount", *_DURATION_COLUMNS),
        (
            (
                source["id"],
                view.element(source["id"]).name,
                link["id"],
                view.element(link["id"]).name,
                link["connectionCount"],
                *map(link.get("duration", {}).get, DURATION),
            )
            for source in result["elements"]
            for link in source["followedBy"]
        ),
    )


def durations(view: ViewDefinition, result: Result) -> Table:
    """A row per pair of elements that the view measures the time between, with customers and milliseconds."""
    return Table(
        ("fromElementId", "fromElementName", "toElementId", "toElementName", "customerCount", *_DURATION_COLUMNS),
        (
            (
                *(cell for id_ in (span["fromId"], span["toId"]) for cell in (id_, view.element(id_).name)),
                span["customerCount"],
                *map(span.get, DURATION),
            )
            for span in result.get("durations", ())
        ),
    )


def charts(view: ViewDefinition, result: Result) -> Table:
    """A row per value of a chart's metric: the value, its period if the chart groups by time, and its groups.

    `groupBy1` is the name of the first attribute that the value is grouped by, and `group1` the value of the attribute,
    empty for events without it. The table has as many pairs as the chart with the most attributes needs.
    """
    defined = {chart.id: chart for chart in view.charts}
    shown = [(defined[chart["id"]], chart) for chart in result["charts"]]
    pairs = max((len(chart.groupByAttributes) for chart, _ in shown), default=0)
    groups = tuple(name for number in range(1, pairs + 1) for name in (f"groupBy{number}", f"group{number}"))
    return Table(
        ("chartId", "chartName", "metricId", "elementName", "aggregate", "attribute", "value", "time", *groups),
        (row for chart, figures in shown for row in _chart_rows(view, chart, figures, len(groups))),
    )


def _chart_rows(view: ViewDefinition, chart: Chart, figures: Result, width: int) -> Iterator[Row]:
    """The rows of one chart. `width` is the number of columns for groups."""
    for metric, computed in zip(chart.metrics, figures["metrics"], strict=True):
        element = view.element(metric.elementId).name
        head = (chart.id, chart.name, metric.id, element, str(metric.aggregate), metric.attribute)
        for value in computed["values"]:
            entries = value["groupByAttributes"]
            time, entries = (entries[0]["value"], entries[1:]) if chart.groupByTime else (None, entries)
            groups = [cell for entry in entries for cell in (entry["attribute"], entry["value"])]
            yield (*head, value["value"], time, *groups, *[None] * (width - len(groups)))


_GROUP = ("kind", "value", "customerCount")
_TESTED = ("share", "otherShare", "difference", "z", "pValue", "isSignificant", "isSignificantCorrected", "reason")


def _test_columns(prefix: str) -> tuple[str, ...]:
    return tuple(_prefixed(prefix, name) for name in _TESTED)


def breakdown(view: ViewDefinition, result: Result) -> Table:
    """A row per group and element, with the customers of the group and the test of each figure.

    Results without a breakdown have no rows.
    """
    tested = (column for count in COUNTS for column in _test_columns(f"{count}Test"))
    return Table(
        (*_GROUP, "elementId", "elementName", *COUNTS, *tested),
        (
            (
                *map(group.get, _GROUP),
                element["id"],
                view.element(element["id"]).name,
                *(element["metrics"][count] for count in COUNTS),
                *(cell for count in COUNTS for cell in map(element["tests"][count].get, _TESTED)),
            )
            for group in result.get("breakdown", {}).get("values", ())
            for element in group["elements"]
        ),
    )


def breakdown_links(view: ViewDefinition, result: Result) -> Table:
    """A row per group and link, with the customers of the group, their durations, and the test of their number."""
    groups = result.get("breakdown", {}).get("values", ())
    columns = links(view, result).columns
    return Table(
        (*_GROUP, *columns, *_test_columns("test")),
        (
            (*map(group.get, _GROUP), *row, *map(link["test"].get, _TESTED))
            for group in groups
            for row, link in zip(links(view, group).rows, _links_of(group), strict=True)
        ),
    )


def _links_of(group: Result) -> Iterator[Result]:
    return (link for element in group["elements"] for link in element["followedBy"])


TABLES: Mapping[str, Callable[[ViewDefinition, Result], Table]] = {
    "elements": elements,
    "links": links,
    "charts": charts,
    "durations": durations,
    "breakdown": breakdown,
    "breakdownLinks": breakdown_links,
}
"""The tables by the name that the query parameter `table` has."""


_UNTESTED_DURATION = {"reason": "Durations are compared without a test."}


def comparison(compared: Result) -> Table:
    """A row per figure of a comparison.

    `targetElementId` is set for figures of links and of durations between two elements. Elements, links and durations
    that only one of the jobs has have a row without a figure, with `only`.
    """
    values = ("value", "otherValue", "difference", "ratio")
    return Table(
        ("elementId", "targetElementId", "figure", *values, *_test_columns("test"), "only", "ratioReason"),
        _comparison_rows(compared),
    )


def _comparison_rows(compared: Result) -> Iterator[Row]:
    for element in compared["elements"]:
        yield from _figure_rows(element, (element["id"], None), element.get("metrics", {}))
        for link in element.get("followedBy", ()):
            figures = {"connectionCount": link["connectionCount"]} if "connectionCount" in link else {}
            yield from _figure_rows(
                link, (element["id"], link["id"]), figures | _duration_figures(link.get("duration", {}))
            )
    for span in compared["durations"]:
        yield from _figure_rows(span, (span["fromId"], span["toId"]), _duration_figures(span))


def _duration_figures(owner: Result) -> dict[str, Result]:
    """The figures of durations by their names in the table: `customerCount`, and the columns of durations."""
    return {
        _prefixed("duration", name) if name in DURATION else name: {"test": _UNTESTED_DURATION} | figure
        for name, figure in owner.items()
        if isinstance(figure, dict)
    }


def _figure_rows(owner: Result, ids: tuple[str, str | None], figures: Result) -> Iterator[Row]:
    """The rows of the figures of an element, a link or a duration, or one row if only one of the jobs has it."""
    if "only" in owner:
        yield (*ids, *[None] * (5 + len(_TESTED)), owner["only"], None)
    for name, figure in figures.items():
        values = (figure["value"], figure["otherValue"], figure["difference"], figure["ratio"])
        yield (*ids, name, *values, *map(figure["test"].get, _TESTED), None, figure.get("ratioReason"))


PATH_OUTCOMES = ("dropped", "ended", "others")


def path_steps(result: Result) -> Table:
    """A row per step of a result of paths, in the order of the tree. `path` has the names up to the step, with ">"."""
    outcomes = tuple(f"{name}{count}" for name in PATH_OUTCOMES for count in ("CustomerCount", "EventCount"))
    return Table(
        ("level", "path", "eventTypeId", "eventTypeName", "customerCount", "eventCount", *outcomes),
        _path_rows(result["tree"], ()),
    )


def _path_rows(step: Mapping[str, Any], before: tuple[str, ...]) -> Iterator[Row]:
    event_type, path = step["eventType"], (*before, step["eventType"]["name"])
    figures = (step, *(step[name] for name in PATH_OUTCOMES))
    counts = (one[count] for one in figures for count in ("customerCount", "eventCount"))
    yield (len(before), " > ".join(path), event_type["id"], event_type["name"], *counts)
    for below in step["steps"]:
        yield from _path_rows(below, path)


def complete_paths(result: Result) -> Table:
    """A row per complete path, greatest first. `path` has the names from the start on, with ">".

    `eventTypeIds` has the ids after the start, with ",", as the view of a path takes them.
    """
    return Table(
        ("path", "eventTypeIds", "customerCount", "eventCount"),
        (
            (
                " > ".join([result["tree"]["eventType"]["name"], *(one["name"] for one in path["eventTypes"])]),
                ",".join(one["id"] for one in path["eventTypes"]),
                path["customerCount"],
                path["eventCount"],
            )
            for path in result["paths"]
        ),
    )


PATH_TABLES: Mapping[str, Callable[[Result], Table]] = {"steps": path_steps, "paths": complete_paths}
"""The tables of a result of paths by the name that the query parameter `table` has."""
