"""A plan's run over the events of some buckets of customers, some customers at a time, so that memory stays bounded."""

# ruff: noqa: S608  (queries are put together here; what people wrote goes in as parameters)

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import duckdb

from journeys.archive.columns import BUCKETS, bounds, quoted
from journeys.archive.reading import Events
from journeys.views.computation.charts import aggregate
from journeys.views.computation.links import Reached, follow
from journeys.views.computation.part import Part, merge
from journeys.views.computation.plan import Plan

ROWS_AT_ONCE = 2_000_000
"""Events, about, that are looked at together; of these a view takes a part."""


def run(
    plan: Plan,
    events: Events,
    connection: duckdb.DuckDBPyConnection,
    first_bucket: int = 0,
    last_bucket: int = BUCKETS - 1,
) -> Part:
    """The part of the view that the customers of the buckets from first to last make. Raises TooManyGroups."""
    connection.execute("SET preserve_insertion_order = true")  # files are sorted by customer, and that is worth keeping
    everybody = (first_bucket, last_bucket) == (0, BUCKETS - 1)  # whom to count takes no reading
    counted = events.select((), "true" if everybody else _whose(*bounds(first_bucket, last_bucket)))
    (rows,) = connection.execute(f"SELECT count(*) FROM ({counted})").fetchall()[0]
    ranges = _ranges(first_bucket, last_bucket, 1 + rows // ROWS_AT_ONCE)
    queries = (_query(plan, events, _whose(first, last)) for first, last in ranges)
    return merge((_with_charts if plan.charts else _without_charts)(plan, connection, queries))


def _whose(first: int, last: int) -> str:
    """SQL for the customers whose hashes are from first to last."""
    return f"hash BETWEEN '{first}'::BIGINT AND '{last}'::BIGINT"  # the least is no BIGINT where it is a number


def _ranges(first_bucket: int, last_bucket: int, count: int) -> Iterator[tuple[int, int]]:
    """The least and the greatest hash of so many groups of the customers of some buckets."""
    low, high = bounds(first_bucket, last_bucket)
    edges = [low + (high + 1 - low) * number // count for number in range(count + 1)]
    return ((first, after - 1) for first, after in pairwise(edges))


def _query(plan: Plan, events: Events, whose: str) -> str:
    """SQL for the events of some customers that count for an element, with the marks of those that they count for."""
    charted = "".join(f", {quoted(column)}" for column in plan.charted)
    where = f"type IN ({', '.join(map(str, plan.types))}) AND date >= {plan.start} AND date < {plan.end} AND {whose}"
    return (
        f"SELECT * FROM (SELECT hash, date, {plan.marks} AS marks{charted} "
        f"FROM ({events.select((*plan.read, *plan.charted), where)})) WHERE marks <> 0"
    )


def _without_charts(plan: Plan, connection: duckdb.DuckDBPyConnection, queries: Iterable[str]) -> Iterator[Part]:
    """The part of each query's customers. While the links of some are followed, the next are read."""
    with ThreadPoolExecutor(max_workers=1) as worker:
        followed: Future[Reached] | None = None
        for query in queries:
            rows = connection.execute(query, plan.parameters).fetchnumpy()
            if followed is not None:
                yield _counts(followed.result())
            followed = worker.submit(follow, plan, rows["hash"], rows["date"], rows["marks"])
        if followed is not None:
            yield _counts(followed.result())


def _counts(reached: Reached) -> Part:
    return Part(reached.elements, reached.connections, ())


def _with_charts(plan: Plan, connection: duckdb.DuckDBPyConnection, queries: Iterable[str]) -> Iterator[Part]:
    """The part of each query's customers, whose events are kept until there are charts of those that are reached."""
    for query in queries:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE viewed AS {query}", plan.parameters)
        rows = connection.execute("SELECT hash, date, marks FROM viewed").fetchnumpy()
        found = follow(plan, rows["hash"], rows["date"], rows["marks"])
        connection.register("reached_marks", {"reached": found.marks})
        try:
            charts = aggregate(connection, plan.charts, "viewed POSITIONAL JOIN reached_marks")
        finally:
            connection.unregister("reached_marks")
            connection.execute("DROP TABLE viewed")
        yield Part(found.elements, found.connections, charts)
