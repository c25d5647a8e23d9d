"""Runs a plan of paths over the events of a range of customer buckets, in the batches of `computation.run`."""

# ruff: noqa: S608  (queries are composed here; all user input is passed as query parameters)

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb

from journeys.archive.columns import BUCKETS
from journeys.archive.reading import Events
from journeys.views.computation.run import hash_conditions
from journeys.views.paths.partial_result import PathResult, merge
from journeys.views.paths.plan import PathPlan
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
    """The partial results of each batch. DuckDB reads the next batch while numpy follows the paths of this one."""
    with ThreadPoolExecutor(max_workers=1) as worker:
        pending: Future[list[PathResult]] | None = None
        for condition in batches:
            rows = connection.execute(_query(plan, events, condition), plan.parameters).fetchnumpy()
            if pending is not None:
                yield from pending.result()
            pending = worker.submit(follow_paths, plan, *(rows[name] for name in ("hash", "date", "type", "marks")))
        if pending is not None:
            yield from pending.result()


def _query(plan: PathPlan, events: Events, hash_condition: str) -> str:
    """SQL for the considered events of some customers: hash, date, type and marks."""
    where = (
        f"type IN ({', '.join(map(str, plan.types))}) "
        f"AND date >= {plan.start} AND date < {plan.end} AND {hash_condition}"
    )
    rows = f"SELECT hash, date, type, {plan.marks} AS marks FROM ({events.select(plan.filter_columns, where)})"
    if plan.considered == plan.types:
        return rows
    return f"SELECT * FROM ({rows}) WHERE marks <> 0 OR type IN ({', '.join(map(str, plan.considered))})"
