"""The charts of a plan over reachable events: one query for each element of a chart, exact to the last digit.

Numbers come as doubles, with a text beside those that a double cannot hold. Where a double times a power of ten is a
whole number below 10^15 that gives the double back, its number is that decimal: of decimals with up to 15 digits no two
share a double. Such are added up as integers, and the rest one by one.
"""

# ruff: noqa: S608  (queries are put together here; all names in them are quoted)

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from journeys.archive.columns import quoted, restored
from journeys.registry.schemas.kinds import AttributeKind
from journeys.views.computation.filters import NUMBERS
from journeys.views.computation.part import (
    COMBINE,
    EXACT,
    MOST_GROUPS,
    Group,
    MetricPart,
    TooManyGroups,
    Value,
    check_groups,
    check_values,
)
from journeys.views.computation.plan import Attribute, PlannedChart, PlannedMetric, mark
from journeys.views.model import Aggregate, TimeUnit

SCALES = (3, 6, 12)
"""The powers of ten that doubles are tried with."""

BATCH = 10_000
"""Rows that are fetched at a time."""

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Answer:
    """Columns of a query, and what they say together."""

    sql: tuple[str, ...]
    read: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric: its value of a group, None where it has none, and of which rows that leaves a number out."""

    metric: PlannedMetric
    answer: Answer
    left_out: str | None = None


def aggregate(
    connection: duckdb.DuckDBPyConnection, charts: Sequence[PlannedChart], events: str
) -> tuple[tuple[MetricPart, ...], ...]:
    """The metrics of charts over a relation of events with `reached`, the marks of the elements they are reachable at.

    Raises TooManyGroups.
    """
    found: list[tuple[MetricPart, ...]] = []
    for chart in charts:
        found.append(_chart(connection, chart, events))
        check_values(metric.groups for metrics in found for metric in metrics)
    return tuple(found)


def _chart(connection: duckdb.DuckDBPyConnection, chart: PlannedChart, events: str) -> tuple[MetricPart, ...]:
    found: list[dict[Group, Value]] = [{} for _ in chart.metrics]
    for element, attributes in chart.groups.items():
        reachable = f"{events} WHERE reached & {mark(element)} <> 0"
        names = [*([_TIMES[chart.unit]] if chart.unit else []), *map(_name, attributes)]
        measures = [
            (_measure(metric), groups)
            for metric, groups in zip(chart.metrics, found, strict=True)
            if metric.element == element
        ]
        for group, values in _grouped(connection, names, [measure.answer for measure, _ in measures], reachable):
            for value, (_, groups) in zip(values, measures, strict=True):
                if value is not None:
                    groups[group] = value
        for measure, groups in measures:
            _add_left_out(connection, names, measure, reachable, groups)
    check_groups(found)
    return tuple(MetricPart(metric.aggregate, groups) for metric, groups in zip(chart.metrics, found, strict=True))


def _grouped(
    connection: duckdb.DuckDBPyConnection, names: Sequence[Answer], answers: Sequence[Answer], rows: str
) -> Iterator[tuple[Group, list[Any]]]:
    """Each group of rows, and what is answered of it. Raises TooManyGroups."""
    keys = [sql for name in names for sql in name.sql]
    by = f"GROUP BY {', '.join(map(str, range(1, len(keys) + 1)))}" if keys else ""
    shown = ", ".join([*keys, *(sql for answer in answers for sql in answer.sql)])
    connection.execute(f"SELECT {shown} FROM {rows} {by} LIMIT {MOST_GROUPS + 1}")
    for number, row in enumerate(_fetched(connection)):
        if number == MOST_GROUPS:
            raise TooManyGroups
        values = iter(row)
        yield tuple(_read(name, values) for name in names), [_read(answer, values) for answer in answers]


def _add_left_out(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[Answer],
    measure: Measure,
    rows: str,
    groups: dict[Group, Value],
) -> None:
    """Adds the numbers to a metric that its query left out."""
    attribute = measure.metric.attribute
    if measure.left_out is None or attribute is None:
        return
    number = _number_of(attribute)
    keys = ", ".join(sql for answer in (*names, number) for sql in answer.sql)
    connection.execute(f"SELECT {keys}, count(*) FROM {rows} AND {measure.left_out} GROUP BY ALL")
    combined = COMBINE[measure.metric.aggregate]
    for row in _fetched(connection):
        values = iter(row)
        group = tuple(_read(name, values) for name in names)
        value = _times(measure.metric.aggregate, _read(number, values), next(values))
        groups[group] = combined(groups[group], value) if group in groups else value


def _times(aggregate_: Aggregate, number: Decimal, count: int) -> Value:
    """What a number comes to that is there several times."""
    if aggregate_ in (Aggregate.MINIMUM, Aggregate.MAXIMUM):
        return number
    total = EXACT.multiply(number, Decimal(count))
    return (total, count) if aggregate_ is Aggregate.AVERAGE else total


def _fetched(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while batch := connection.fetchmany(BATCH):
        yield from batch


def _read(answer: Answer, values: Iterator[Any]) -> Any:
    return answer.read(*(next(values) for _ in answer.sql))


# -- the names of groups -----------------------------------------------------------------------------------------------


def _week(number: int) -> str:
    year, week, _ = date.fromordinal(_EPOCH + 7 * number - 3).isocalendar()
    return f"{year:04d}-W{week:02d}"


_TIMES = {
    TimeUnit.DAY: Answer(("date // 86400000",), lambda day: date.fromordinal(_EPOCH + day).isoformat()),
    TimeUnit.WEEK: Answer(("(date // 86400000 + 3) // 7",), _week),  # 1970 began on a Thursday
    TimeUnit.MONTH: Answer(
        ("year(epoch_ms(date))", "month(epoch_ms(date))"), lambda year, month: f"{year:04d}-{month:02d}"
    ),
    TimeUnit.YEAR: Answer(("year(epoch_ms(date))",), lambda year: f"{year:04d}"),
}


def _name(attribute: Attribute) -> Answer:
    """The text of an attribute; None for one that is missing."""
    if attribute.kind in NUMBERS:
        number = _number_of(attribute)
        return Answer(number.sql, lambda *values: _text(number.read(*values)))
    if attribute.kind is AttributeKind.BOOLEAN:
        return Answer((quoted(attribute.column),), lambda value: None if value is None else str(value).lower())
    return Answer((quoted(attribute.column),), lambda value: value)


def _number_of(attribute: Attribute) -> Answer:
    """A number as it was; None for one that is missing. Of zeros there is one."""
    return Answer(
        (f"{quoted(attribute.column)} + 0.0", quoted(attribute.remainder or "")),
        lambda nearest, rest: None if nearest is None else restored(nearest, rest),
    )


def _text(number: Decimal | None) -> str | None:
    """A number with all its digits and no more, as 1200 or 0.05."""
    return None if number is None else f"{EXACT.normalize(number):f}"


# -- metrics -----------------------------------------------------------------------------------------------------------


def _measure(metric: PlannedMetric) -> Measure:
    match metric:
        case PlannedMetric(aggregate=Aggregate.EVENT_COUNT):
            return Measure(metric, Answer(("count(*)",), int))
        case PlannedMetric(aggregate=Aggregate.CUSTOMER_COUNT):
            return Measure(metric, Answer(("count(DISTINCT hash)",), int))
        case PlannedMetric(aggregate=Aggregate.MINIMUM, attribute=Attribute() as attribute):
            return _extreme(metric, "min", attribute)
        case PlannedMetric(aggregate=Aggregate.MAXIMUM, attribute=Attribute() as attribute):
            return _extreme(metric, "max", attribute)
        case PlannedMetric(attribute=Attribute() as attribute):
            return _total(metric, attribute)
    raise AssertionError("a plan has no such metric")


def _extreme(metric: PlannedMetric, function: str, attribute: Attribute) -> Measure:
    """The least or the greatest of the numbers that doubles hold; the others are looked at one by one."""
    rest = quoted(attribute.remainder or "")
    return Measure(
        metric,
        Answer(
            (f"{function}({quoted(attribute.column)}) FILTER (WHERE {rest} IS NULL)",),
            lambda value: None if value is None else restored(value, None),
        ),
        left_out=f"{rest} IS NOT NULL",
    )


def _total(metric: PlannedMetric, attribute: Attribute) -> Measure:
    """The sum of the numbers that are whole at one of the scales, and how many these are."""
    column, rest = quoted(attribute.column), quoted(attribute.remainder or "")
    whole = [f"coalesce({rest} IS NULL AND {_is_whole(column, scale)}, false)" for scale in SCALES]
    sums = [
        f"sum(CASE WHEN {' AND '.join([is_whole, *(f'NOT {before}' for before in whole[:place])])} "
        f"THEN round({column} * 1e{scale})::BIGINT END)"
        for place, (scale, is_whole) in enumerate(zip(SCALES, whole, strict=True))
    ]
    any_whole = " OR ".join(whole)

    def read(*values: int | None) -> Value | None:
        *totals, count = values
        if not count:
            return None
        total = Decimal(0)
        for part, scale in zip(totals, SCALES, strict=True):
            total = EXACT.add(total, EXACT.scaleb(Decimal(part or 0), -scale))
        return (total, count) if metric.aggregate is Aggregate.AVERAGE else total

    return Measure(
        metric,
        Answer((*sums, f"count(*) FILTER (WHERE {any_whole})"), read),
        left_out=f"{column} IS NOT NULL AND NOT ({any_whole})",
    )


def _is_whole(column: str, scale: int) -> str:
    return f"abs({column}) < 1e{15 - scale} AND round({column} * 1e{scale}) / 1e{scale} = {column}"
