"""Runs a plan of paths over the events of a range of customer buckets, in the batches of `computation.run`."""

# ruff: noqa: S608  (queries are composed here; all user input is passed as query parameters)

from collections.abc import Iterable, Iterator

import duckdb

from journeys.archive.columns import BUCKETS
from journeys.archive.reading import Events
from journeys.views.computation.merging import MergedRows, Merging
from journeys.views.computation.run import Batch, evaluate_customers, read_ahead
from journeys.views.paths.partial_result import PathResult, merge
from journeys.views.paths.plan import END, MARK_BITS, START, TYPE_BITS, PathPlan
from journeys.views.paths.steps import follow_paths


def run(
    plan: PathPlan,
    events: Events,
    connection: duckdb.DuckDBPyConnection,
    first_bucket: int = 0,
    last_bucket: int = BUCKETS - 1,
    merging: Merging | None = None,
) -> PathResult:
    """The partial result of the customers in the buckets from first to last, as `computation.run.run`.

    Raises TooManyPaths.
    """

    def query(events_: Events, hash_condition: str) -> Batch:
        return _query(plan, events_, hash_condition), plan.parameters

    def follow(batches: Iterable[Batch], merged: MergedRows | None) -> Iterator[PathResult]:
        return read_ahead(connection, batches, merged, lambda rows: follow_paths(plan, rows["hash"], rows["packed"]))

    return merge(evaluate_customers(query, follow, events, connection, (first_bucket, last_bucket), merging))


def _query(plan: PathPlan, events: Events, hash_condition: str) -> str:
    """SQL for the considered events of some customers: hash, and the packed event that `steps` describes."""
    where = (
        f"type IN ({', '.join(map(str, plan.types))}) "
        f"AND date >= {plan.start} AND date < {plan.end} AND {hash_condition}"
    )
    places = " ".join(f"WHEN {type_} THEN {place}" for place, type_ in enumerate(plan.order))
    place = f"(CASE type {places} END)::BIGINT"
    # Bitwise operators have the same precedence in DuckDB.
    packed = f"((date - {plan.start}) << {TYPE_BITS + MARK_BITS}) | ({place} << {MARK_BITS}) | {plan.marks}"
    rows = f"SELECT hash, {packed} AS packed FROM ({events.select(plan.filter_columns, where)})"
    if plan.considered == plan.types:
        return rows
    considered = ", ".join(str(plan.order.index(type_)) for type_ in plan.considered)
    is_considered = f"((packed >> {MARK_BITS}) & {(1 << TYPE_BITS) - 1}) IN ({considered})"
    return f"SELECT * FROM ({rows}) WHERE (packed & {START | END}) <> 0 OR {is_considered}"
