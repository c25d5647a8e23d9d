"""Computes a plan's charts over reachable events with DuckDB: one query per chart and element, exact to the last digit.

Exact sums. An attribute's double is exact if its `x:` column is NULL (see `journeys.archive.columns`). Such a double is
summed as an integer if, for one of the powers of ten in `SCALES`, `round(double * power)` is below 10^15 and gives the
double back: decimals of up to 15 digits never share a double, so this integer is the attribute's exact value times the
power. All other numbers are *excluded* from the query, and a second query adds them one by one as decimals.

Cost. One scan of the reachable events per chart and element, one more for each metric with excluded numbers, and one
more for the customers of the groups.
"""

# ruff: noqa: S608  (queries are composed here; all names in them are quoted)

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np

from journeys.archive.columns import quoted, restored
from journeys.registry.schemas.kinds import AttributeKind
from journeys.views.computation.filters import NUMBERS
from journeys.views.computation.lists import Listed, bound
from journeys.views.computation.partial_result import (
    COMBINE,
    EXACT,
    MAX_GROUPS,
    Group,
    PartialMetric,
    TooManyGroups,
    Value,
    check_groups,
    check_values,
)
from journeys.views.computation.plan import PlannedAttribute, PlannedChart, PlannedMetric, mark
from journeys.views.model import Aggregate, TimeUnit

SCALES = (3, 6, 12)
"""The exponents of the powers of ten that turn doubles into integers, tried in this order."""

BATCH = 10_000
"""Rows fetched from DuckDB at a time."""

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class ChartColumns:
    """SQL expressions of a query, and the function that turns their values into one value."""

    sql: tuple[str, ...]
    read: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class MetricColumns:
    """The columns that compute a metric for a group; they read as None if the group has no value.

    `excluded` is a SQL condition for the rows whose numbers the columns do not include; None if they include all.
    """

    metric: PlannedMetric
    columns: ChartColumns
    excluded: str | None = None


def aggregate(
    connection: duckdb.DuckDBPyConnection, charts: Sequence[PlannedChart], events: str
) -> tuple[tuple[PartialMetric, ...], ...]:
    """The metrics of each chart, in the order of the plan.

    `events` is a SQL relation with the columns hash, date and those of the charts' attributes, and `reached`, whose bit
    i is set if the event is reachable at element i. Raises TooManyGroups.
    """
    results: list[tuple[PartialMetric, ...]] = []
    for chart in charts:
        results.append(_chart(connection, chart, events))
        check_values(metric.groups for metrics in results for metric in metrics)
    return tuple(results)


def _chart(connection: duckdb.DuckDBPyConnection, chart: PlannedChart, events: str) -> tuple[PartialMetric, ...]:
    values_by_metric: list[dict[Group, Value]] = [{} for _ in chart.metrics]
    for element, attributes in chart.groups.items():
        reachable = f"{events} WHERE reached & {mark(element)} <> 0"
        names = _group_columns(chart, attributes)
        metrics = [
            (_metric_columns(metric), groups)
            for metric, groups in zip(chart.metrics, values_by_metric, strict=True)
            if metric.element == element
        ]
        for group, values in _query_groups(connection, names, [metric.columns for metric, _ in metrics], reachable):
            for value, (_, groups) in zip(values, metrics, strict=True):
                if value is not None:
                    groups[group] = value
        for metric, groups in metrics:
            _add_excluded(connection, names, metric, reachable, groups)
    check_groups(values_by_metric)
    return tuple(
        PartialMetric(metric.aggregate, groups) for metric, groups in zip(chart.metrics, values_by_metric, strict=True)
    )


def list_groups(
    connection: duckdb.DuckDBPyConnection,
    charts: Sequence[PlannedChart],
    metrics: Sequence[Sequence[PartialMetric]],
    events: str,
) -> list[dict[int, dict[Group, Listed]]]:
    """The customers of each group of each chart, by the index of the element that is grouped.

    `metrics` and `events` are what `aggregate` returned and was given.
    """
    return [
        {
            element: _list_groups(
                connection, _group_columns(chart, attributes), f"{events} WHERE reached & {mark(element)} <> 0",
                bound(max(len(partial.groups) for metric, partial in zip(chart.metrics, partials, strict=True)
                          if metric.element == element)),
            )
            for element, attributes in chart.groups.items()
        }
        for chart, partials in zip(charts, metrics, strict=True)
    ]  # fmt: skip


def _list_groups(
    connection: duckdb.DuckDBPyConnection, names: Sequence[ChartColumns], rows: str, most: int
) -> dict[Group, Listed]:
    """The customers of each group of the rows: their number, and at most `most` of them."""
    keys = [f"{sql} AS key_{number}" for number, sql in enumerate(sql for name in names for sql in name.sql)]
    connection.execute(
        f"SELECT * EXCLUDE (hash), count(*), min(hash, {most}) "
        f"FROM (SELECT DISTINCT {', '.join([*keys, 'hash'])} FROM {rows}) GROUP BY ALL"
    )
    found = {}
    for row in _fetch_rows(connection):
        values = iter(row)
        group = tuple(_read(name, values) for name in names)
        found[group] = Listed(next(values), np.array(next(values) or [], np.int64))
    return found


def _query_groups(
    connection: duckdb.DuckDBPyConnection, names: Sequence[ChartColumns], columns: Sequence[ChartColumns], rows: str
) -> Iterator[tuple[Group, list[Any]]]:
    """Each group of the rows, with one value for each of `columns`. Raises TooManyGroups."""
    keys = [sql for name in names for sql in name.sql]
    by = f"GROUP BY {', '.join(map(str, range(1, len(keys) + 1)))}" if keys else ""
    selected = ", ".join([*keys, *(sql for column in columns for sql in column.sql)])
    connection.execute(f"SELECT {selected} FROM {rows} {by} LIMIT {MAX_GROUPS + 1}")
    for number, row in enumerate(_fetch_rows(connection)):
        if number == MAX_GROUPS:
            raise TooManyGroups
        values = iter(row)
        yield tuple(_read(name, values) for name in names), [_read(column, values) for column in columns]


def _add_excluded(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[ChartColumns],
    columns: MetricColumns,
    rows: str,
    groups: dict[Group, Value],
) -> None:
    """Add the numbers that a metric's columns exclude to the values of its groups."""
    attribute = columns.metric.attribute
    if columns.excluded is None or attribute is None:
        return
    number = _exact_number(attribute)
    keys = ", ".join(sql for column in (*names, number) for sql in column.sql)
    connection.execute(f"SELECT {keys}, count(*) FROM {rows} AND {columns.excluded} GROUP BY ALL")
    combine = COMBINE[columns.metric.aggregate]
    for row in _fetch_rows(connection):
        values = iter(row)
        group = tuple(_read(name, values) for name in names)
        value = _repeated(columns.metric.aggregate, _read(number, values), next(values))
        groups[group] = combine(groups[group], value) if group in groups else value


def _repeated(aggregate_: Aggregate, number: Decimal, count: int) -> Value:
    """The value of an aggregate over one number that occurs `count` times."""
    if aggregate_ in (Aggregate.MINIMUM, Aggregate.MAXIMUM):
        return number
    total = EXACT.multiply(number, Decimal(count))
    return (total, count) if aggregate_ is Aggregate.AVERAGE else total


def _fetch_rows(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while batch := connection.fetchmany(BATCH):
        yield from batch


def _read(columns: ChartColumns, values: Iterator[Any]) -> Any:
    """Take as many values of a row as there are columns, and combine them."""
    return columns.read(*(next(values) for _ in columns.sql))


def _group_columns(chart: PlannedChart, attributes: Iterable[PlannedAttribute]) -> list[ChartColumns]:
    """The columns that group the events of an element of a chart, by these attributes."""
    return [*([_TIMES[chart.unit]] if chart.unit else []), *map(group_name, attributes)]


# -- names of groups ---------------------------------------------------------------------------------------------------


def _week(number: int) -> str:
    """The ISO week of a number of weeks since Monday, 1969-12-29."""
    year, week, _ = date.fromordinal(_EPOCH + 7 * number - 3).isocalendar()
    return f"{year:04d}-W{week:02d}"


_TIMES = {
    TimeUnit.DAY: ChartColumns(("date // 86400000",), lambda day: date.fromordinal(_EPOCH + day).isoformat()),
    TimeUnit.WEEK: ChartColumns(("(date // 86400000 + 3) // 7",), _week),  # 1970-01-01 was a Thursday.
    TimeUnit.MONTH: ChartColumns(
        ("year(epoch_ms(date))", "month(epoch_ms(date))"), lambda year, month: f"{year:04d}-{month:02d}"
    ),
    TimeUnit.YEAR: ChartColumns(("year(epoch_ms(date))",), lambda year: f"{year:04d}"),
}
"""The columns that group by time, in UTC. They read as texts such as 2026-01-31, 2026-W05, 2026-01 and 2026."""


def group_name(attribute: PlannedAttribute) -> ChartColumns:
    """The columns that group by an attribute. They read as its text, or None for events without the attribute."""
    if attribute.kind in NUMBERS:
        number = _exact_number(attribute)
        return ChartColumns(number.sql, lambda *values: _text(number.read(*values)))
    if attribute.kind is AttributeKind.BOOLEAN:
        return ChartColumns((quoted(attribute.column),), lambda value: None if value is None else str(value).lower())
    return ChartColumns((quoted(attribute.column),), lambda value: value)


def _exact_number(attribute: PlannedAttribute) -> ChartColumns:
    """The columns that read as a number's exact decimal, or None for events without the attribute."""
    return ChartColumns(
        (f"{quoted(attribute.column)} + 0.0", quoted(attribute.remainder or "")),  # + 0.0 makes -0.0 and 0.0 one group.
        lambda nearest, rest: None if nearest is None else restored(nearest, rest),
    )


def _text(number: Decimal | None) -> str | None:
    """A number without exponent and without trailing zeros, such as 1200 or 0.05."""
    return None if number is None else f"{EXACT.normalize(number):f}"


# -- metrics -----------------------------------------------------------------------------------------------------------


def _metric_columns(metric: PlannedMetric) -> MetricColumns:
    match metric:
        case PlannedMetric(aggregate=Aggregate.EVENT_COUNT):
            return MetricColumns(metric, ChartColumns(("count(*)",), int))
        case PlannedMetric(aggregate=Aggregate.CUSTOMER_COUNT):
            return MetricColumns(metric, ChartColumns(("count(DISTINCT hash)",), int))
        case PlannedMetric(aggregate=Aggregate.MINIMUM, attribute=PlannedAttribute() as attribute):
            return _extreme(metric, "min", attribute)
        case PlannedMetric(aggregate=Aggregate.MAXIMUM, attribute=PlannedAttribute() as attribute):
            return _extreme(metric, "max", attribute)
        case PlannedMetric(attribute=PlannedAttribute() as attribute):
            return _total(metric, attribute)
    raise AssertionError("a plan has no metric of this form")


def _extreme(metric: PlannedMetric, function: str, attribute: PlannedAttribute) -> MetricColumns:
    """The minimum or maximum of the numbers that are exact as doubles. The others are excluded."""
    rest = quoted(attribute.remainder or "")
    return MetricColumns(
        metric,
        ChartColumns(
            (f"{function}({quoted(attribute.column)}) FILTER (WHERE {rest} IS NULL)",),
            lambda value: None if value is None else restored(value, None),
        ),
        excluded=f"{rest} IS NOT NULL",
    )


def _total(metric: PlannedMetric, attribute: PlannedAttribute) -> MetricColumns:
    """The sum, or the sum and the count, of the numbers that are integers at one of `SCALES`. The others are excluded.

    There is one integer sum per scale, over the numbers for which it is the first scale that fits.
    """
    column, rest = quoted(attribute.column), quoted(attribute.remainder or "")
    fits = [f"coalesce({rest} IS NULL AND {_is_integer_at(column, scale)}, false)" for scale in SCALES]
    sums = [
        f"sum(CASE WHEN {' AND '.join([fits_scale, *(f'NOT {earlier}' for earlier in fits[:index])])} "
        f"THEN round({column} * 1e{scale})::BIGINT END)"
        for index, (scale, fits_scale) in enumerate(zip(SCALES, fits, strict=True))
    ]
    fits_any = " OR ".join(fits)

    def read(*values: int | None) -> Value | None:
        *totals, count = values
        if not count:
            return None
        total = Decimal(0)
        for scaled, scale in zip(totals, SCALES, strict=True):
            total = EXACT.add(total, EXACT.scaleb(Decimal(scaled or 0), -scale))
        return (total, count) if metric.aggregate is Aggregate.AVERAGE else total

    return MetricColumns(
        metric,
        ChartColumns((*sums, f"count(*) FILTER (WHERE {fits_any})"), read),
        excluded=f"{column} IS NOT NULL AND NOT ({fits_any})",
    )


def _is_integer_at(column: str, scale: int) -> str:
    """SQL for whether a double is exactly an integer of up to 15 digits divided by 10^scale."""
    return f"abs({column}) < 1e{15 - scale} AND round({column} * 1e{scale}) / 1e{scale} = {column}"
