"""Runs a plan of paths over the events of a range of customer buckets, in the batches of `computation.run`."""

# ruff: noqa: S608  (queries are composed here; all user input is passed as query parameters)

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb

from journeys.archive.columns import BUCKETS
from journeys.archive.reading import Events
from journeys.views.computation.run import hash_conditions
from journeys.views.paths.partial_result import PathResult, merge
from journeys.views.paths.plan import END, MARK_BITS, START, TYPE_BITS, PathPlan
from journeys.views.paths.steps import follow_paths


def run(
    plan: PathPlan,
    events: Events,
    connection: duckdb.DuckDBPyConnection,
    first_bucket: int = 0,
    last_bucket: int = BUCKETS - 1,
) -> PathResult:
    """The partial result of the customers in the buckets from first to last. Raises TooManyPaths."""
    # Files are sorted by customer and date. If DuckDB keeps that order, numpy does not have to sort.
    connection.execute("SET preserve_insertion_order = true")
    return merge(_run(plan, events, connection, hash_conditions(events, connection, first_bucket, last_bucket)))


def _run(
    plan: PathPlan, events: Events, connection: duckdb.DuckDBPyConnection, batches: list[str]
) -> Iterator[PathResult]:
    """The partial result of each batch. DuckDB reads the next batch while numpy follows the paths of this one."""
    with ThreadPoolExecutor(max_workers=1) as worker:
        pending: Future[PathResult] | None = None
        for condition in batches:
            rows = connection.execute(_query(plan, events, condition), plan.parameters).fetchnumpy()
            if pending is not None:
                yield pending.result()
            pending = worker.submit(follow_paths, plan, rows["hash"], rows["packed"])
        if pending is not None:
            yield pending.result()


def _query(plan: PathPlan, events: Events, hash_condition: str) -> str:
    """SQL for the considered events of some customers: hash, and the packed event that `steps` describes."""
    where = (
        f"type IN ({', '.join(map(str, plan.types))}) "
        f"AND date >= {plan.start} AND date < {plan.end} AND {hash_condition}"
    )
    # Bitwise operators have the same precedence in DuckDB.
    packed = f"((date - {plan.start}) << {TYPE_BITS + MARK_BITS}) | (type::BIGINT << {MARK_BITS}) | {plan.marks}"
    rows = f"SELECT hash, {packed} AS packed FROM ({events.select(plan.filter_columns, where)})"
    if plan.considered == plan.types:
        return rows
    types = ", ".join(map(str, plan.considered))
    considered = f"(packed & {START | END}) <> 0 OR ((packed >> {MARK_BITS}) & {(1 << TYPE_BITS) - 1}) IN ({types})"
    return f"SELECT * FROM ({rows}) WHERE {considered}"
