"""Runs a plan over the events of a range of customer buckets.

`plan` compiles a view, and `filters` turns its element filters into SQL. This module reads the matching events with
DuckDB, `links` evaluates the links with numpy, and `charts` aggregates the reachable events with DuckDB. The outcome is
a `PartialResult`.

The customers are processed in batches of about `ROWS_PER_BATCH` events, so memory stays bounded. A batch contains all
events of its customers, so the partial results of the batches merge exactly. Customers are persons; `merging` collects
the events of those with several identifiers, which are processed last.
"""

# ruff: noqa: S608  (queries are composed here; all user input is passed as query parameters)

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from journeys.archive.columns import BUCKETS, bounds, quoted
from journeys.archive.reading import Events
from journeys.views.computation.breakdown import RowValues, read_values
from journeys.views.computation.charts import aggregate, list_groups
from journeys.views.computation.figures import LinkFigures, evaluate_links
from journeys.views.computation.merging import MergedRows, Merging
from journeys.views.computation.names import Names
from journeys.views.computation.partial_result import PartialResult, merge
from journeys.views.computation.plan import ComputationPlan

ROWS_PER_BATCH = 2_000_000
"""Events of all types per batch, on average. A view usually reads only some of them."""


Batch = tuple[str, Mapping[str, object]]
"""A query for the needed events of some customers, and its parameters."""

T = TypeVar("T")


def run(
    plan: ComputationPlan,
    events: Events,
    connection: duckdb.DuckDBPyConnection,
    first_bucket: int = 0,
    last_bucket: int = BUCKETS - 1,
    merging: Merging | None = None,
    *,
    with_lists: bool = True,
) -> PartialResult:
    """The partial result of the customers in the buckets from first to last. Raises TooManyGroups and TooManyValues.

    With `merging`, customers are persons, and a person is in the bucket of the hash that stands for the person. Without
    it, each identifier is a customer. `with_lists` says whether the result lists the customers behind the figures.
    """
    evaluate = _run_with_charts if plan.charts or plan.breakdown else _run_without_charts
    names = Names(connection, (plan.start, plan.end), bounds(first_bucket, last_bucket), merging)

    def evaluate_batches(batches: Iterable[Batch], merged: MergedRows | None) -> Iterator[PartialResult]:
        return evaluate(plan, connection, batches, merged, with_lists=with_lists)

    def query(events_: Events, hash_condition: str) -> Batch:
        return _query(plan, events_, hash_condition), plan.parameters

    buckets = (first_bucket, last_bucket)
    merging = names.collecting() if with_lists else merging
    result = merge(evaluate_customers(query, evaluate_batches, events, connection, buckets, merging))
    return result if result.lists is None else replace(result, lists=names.named(result.lists, events))


def evaluate_customers(
    query: Callable[[Events, str], Batch],
    evaluate: Callable[[Iterable[Batch], MergedRows | None], Iterator[T]],
    events: Events,
    connection: duckdb.DuckDBPyConnection,
    buckets: tuple[int, int],
    merging: Merging | None,
) -> Iterator[T]:
    """The results of `evaluate` for all customers: those with one identifier first, then merged ones.

    `query` makes the batch of the customers that a SQL condition selects. Rows of the batches have the column `hash`.
    """
    # Files are sorted by customer. If DuckDB keeps that order, numpy does not have to sort.
    connection.execute("SET preserve_insertion_order = true")
    # Every batch reads the metadata of all files. They are immutable, so they are parsed once.
    connection.execute("SET parquet_metadata_cache = true")
    own = (query(events, condition) for condition in hash_conditions(events, connection, *buckets))
    if merging is None:
        yield from evaluate(own, None)
        return
    merged = MergedRows(connection, merging, *bounds(*buckets))
    yield from evaluate(own, merged)
    for bucket, others in merging.elsewhere:
        for condition in hash_conditions(others, connection, bucket, bucket):
            _create_viewed(connection, *query(others, condition))
            merged.divert("viewed", connection.execute("SELECT hash FROM viewed").fetchnumpy()["hash"])
            connection.execute("DROP TABLE viewed")
    if merged.rows:
        ranges = _hash_ranges(*buckets, 1 + merged.rows // ROWS_PER_BATCH)
        yield from evaluate(((merged.select(hash_between(first, last)), {}) for first, last in ranges), None)


def read_ahead(
    connection: duckdb.DuckDBPyConnection,
    batches: Iterable[Batch],
    merged: MergedRows | None,
    evaluate: Callable[[dict[str, Any]], T],
) -> Iterator[T]:
    """The result of `evaluate` for the rows of each batch, without those that belong to `merged`.

    DuckDB reads the next batch, and the caller uses the results, while numpy evaluates this one.
    """
    with ThreadPoolExecutor(max_workers=1) as worker:
        pending: Future[T] | None = None
        for query, parameters in batches:
            rows = connection.execute(query, parameters).fetchnumpy()
            if merged is not None:
                rows = _without_merged(connection, rows, merged)
            # Submitted before the result of the previous batch is passed on, whose consumer takes time as well.
            previous, pending = pending, worker.submit(evaluate, rows)
            if previous is not None:
                yield previous.result()
        if pending is not None:
            yield pending.result()


def hash_conditions(
    events: Events, connection: duckdb.DuckDBPyConnection, first_bucket: int, last_bucket: int
) -> list[str]:
    """SQL conditions that divide the customers of some buckets into batches of about `ROWS_PER_BATCH` events."""
    # Without a condition on the customers, DuckDB counts from the files' metadata and reads no rows.
    is_everyone = (first_bucket, last_bucket) == (0, BUCKETS - 1)
    condition = "true" if is_everyone else hash_between(*bounds(first_bucket, last_bucket))
    (rows,) = connection.execute(f"SELECT count(*) FROM ({events.select((), condition)})").fetchall()[0]
    ranges = _hash_ranges(first_bucket, last_bucket, 1 + rows // ROWS_PER_BATCH)
    return [hash_between(first, last) for first, last in ranges]


def hash_between(first: int, last: int) -> str:
    """A SQL condition for the customers with hashes from first to last."""
    # Written as a number, the smallest BIGINT would not parse as a BIGINT.
    return f"hash BETWEEN '{first}'::BIGINT AND '{last}'::BIGINT"


def _hash_ranges(first_bucket: int, last_bucket: int, count: int) -> Iterator[tuple[int, int]]:
    """The hashes of some buckets in `count` equal ranges, each as its smallest and its largest hash."""
    low, high = bounds(first_bucket, last_bucket)
    edges = [low + (high + 1 - low) * number // count for number in range(count + 1)]
    return ((first, after - 1) for first, after in pairwise(edges))


def _query(plan: ComputationPlan, events: Events, hash_condition: str) -> str:
    """SQL for the events of some customers that match an element.

    The columns are hash, date, marks, the conversation's number if links join by it, and the columns for charts.
    """
    joined = () if plan.join_column is None else (plan.join_column,)
    numbers = "".join(f", {_number(column)} AS conversation" for column in joined)
    charted = "".join(f", {quoted(column)}" for column in plan.chart_columns)
    where = (
        f"type IN ({', '.join(map(str, plan.types))}) "
        f"AND date >= {plan.start} AND date < {plan.end} AND {hash_condition}"
    )
    return (
        f"SELECT * FROM (SELECT hash, date, {plan.marks} AS marks{numbers}{charted} "
        f"FROM ({events.select((*plan.filter_columns, *joined, *plan.chart_columns), where)})) WHERE marks <> 0"
    )


def _number(column: str) -> str:
    """SQL for a text as an UBIGINT: 0 if it is NULL, else its hash. Only texts of one customer are ever compared."""
    return f"CASE WHEN {quoted(column)} IS NULL THEN 0::UBIGINT ELSE greatest(hash({quoted(column)}), 1::UBIGINT) END"


def _evaluate(
    plan: ComputationPlan, rows: dict[str, Any], values: RowValues | None = None, *, with_lists: bool
) -> LinkFigures:
    conversations = rows.get("conversation")
    return evaluate_links(plan, rows["hash"], rows["date"], rows["marks"], conversations, values, with_lists=with_lists)


def _run_without_charts(
    plan: ComputationPlan,
    connection: duckdb.DuckDBPyConnection,
    batches: Iterable[Batch],
    merged: MergedRows | None,
    *,
    with_lists: bool,
) -> Iterator[PartialResult]:
    """The partial result of each batch. Rows that belong to `merged` are left out."""
    evaluate = partial(_evaluate, plan, with_lists=with_lists)
    return map(_without_charts, read_ahead(connection, batches, merged, evaluate))


def _without_merged(
    connection: duckdb.DuckDBPyConnection, rows: dict[str, Any], merged: MergedRows
) -> dict[str, NDArray[Any]]:
    """The rows of customers with one identifier. The others are diverted."""
    connection.register("viewed", rows)
    try:
        is_merged = merged.divert("viewed", rows["hash"])
    finally:
        connection.unregister("viewed")
    return {name: column[~is_merged] for name, column in rows.items()} if is_merged.any() else rows


def _without_charts(result: LinkFigures) -> PartialResult:
    return PartialResult(result.elements, result.durations, result.spans, (), result.lists)


def _run_with_charts(
    plan: ComputationPlan,
    connection: duckdb.DuckDBPyConnection,
    batches: Iterable[Batch],
    merged: MergedRows | None,
    *,
    with_lists: bool,
) -> Iterator[PartialResult]:
    """The partial result of each batch. A batch stays in a temporary table until its charts are computed and the
    values of its breakdown are read.

    Rows that belong to `merged` are left out.
    """
    for query, parameters in batches:
        _create_viewed(connection, query, parameters)
        joined = "" if plan.join_column is None else ", conversation"
        rows = connection.execute(f"SELECT hash, date, marks{joined} FROM viewed").fetchnumpy()
        if merged is not None:
            is_merged = merged.divert("viewed", rows["hash"])
            rows["marks"] = np.where(is_merged, rows["marks"].dtype.type(0), rows["marks"])  # They match no element.
        values = read_values(connection, plan.breakdown, len(rows["hash"])) if plan.breakdown else None
        result = _evaluate(plan, rows, values, with_lists=with_lists)
        connection.register("reached_marks", {"reached": result.marks})
        try:
            reached = "viewed POSITIONAL JOIN reached_marks"
            charts, lists = aggregate(connection, plan.charts, reached), result.lists
            if lists is not None:
                lists = lists.with_charts(list_groups(connection, plan.charts, charts, reached))
        finally:
            connection.unregister("reached_marks")
            connection.execute("DROP TABLE viewed")
        yield PartialResult(result.elements, result.durations, result.spans, charts, lists, result.breakdown)


def _create_viewed(connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]) -> None:
    """Create the temporary table `viewed` of a query's rows."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE viewed AS {query}", parameters)
