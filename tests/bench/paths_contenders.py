"""The contenders of the benchmark of paths. Each runs in its own process: `python -m tests.bench.paths_contenders`.

The input is a JSON object with a contender's name, the files, a start type and the number of runs; the output is one
with the best time, the peak memory and the figures. The time is measured from the names of the files to the figures.
"""

# ruff: noqa: S608  (queries are put together here, of names of files and numbers)

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from journeys import dates
from tests.bench.views_contenders import THREADS, measured
from tests.bench.views_data import END, START, TYPES

STEPS, PER_LEVEL = 5, 10

Figures = list[list[Any]]
"""By path (a list of event types): customers and paths that take it, drop off there, and go on with other steps."""

Compute = Callable[[Sequence[str], int], Figures]


def engine() -> Compute:
    """The product's computation, as in a job."""
    from journeys.archive.reading import Events, connect
    from journeys.registry.schemas.model import SLOTS
    from journeys.views.computation.plan import EventType
    from journeys.views.paths.model import PathDefinition
    from journeys.views.paths.partial_result import to_result
    from journeys.views.paths.plan import compile_paths
    from journeys.views.paths.run import run

    types = {str(number): EventType(SLOTS[number], {}) for number in range(TYPES)}

    def compute(files: Sequence[str], start: int) -> Figures:
        definition = PathDefinition.model_validate(
            {
                "name": "bench",
                "interval": f"{dates.text(START)}/{dates.text(END)}",
                "start": {"attributes": {"id": str(start)}},
                "steps": STEPS,
                "mostPerLevel": PER_LEVEL,
            }
        )
        with tempfile.TemporaryDirectory() as folder, connect(folder, "2GB", THREADS) as connection:
            result = run(
                compile_paths(definition, types, END), Events(connection, {"2026-04-01": files}, {}), connection
            )
            return sorted(_flattened(to_result(definition, types, result)["tree"], []))

    return compute


def _flattened(step: dict[str, Any], path: list[int]) -> Figures:
    counts = [one[name] for one in (step, step["dropped"], step["others"]) for name in ("customerCount", "eventCount")]
    below = [line for other in step["steps"] for line in _flattened(other, [*path, int(other["eventType"]["id"])])]
    return [[path, *counts], *below]


def sql() -> Compute:
    """DuckDB: window functions find the steps, then each level is counted, and the paths that its steps leave out."""
    import duckdb

    def compute(files: Sequence[str], start: int) -> Figures:
        with duckdb.connect(config={"threads": THREADS}) as connection:
            connection.execute("SET enable_progress_bar = false")  # It would be printed among the figures.
            return _count(connection, files, start)

    return compute


def _count(connection: Any, files: Sequence[str], start: int) -> Figures:
    steps = [f"s{level}" for level in range(1, STEPS + 2)]
    leads = ", ".join(f"lead(type, {level}) OVER w AS {step}" for level, step in enumerate(steps, 1))
    connection.execute(
        f"CREATE TEMP TABLE paths AS SELECT * EXCLUDE type FROM (SELECT hash, type, {leads} "
        f"FROM read_parquet({list(files)}) WHERE date >= {START} AND date < {END} "
        f"WINDOW w AS (PARTITION BY hash ORDER BY date, type)) WHERE type = {start}"
    )
    ((customers, events),) = _grouped(connection, "paths", [])
    figures: dict[tuple[int, ...], list[int]] = {(): [customers, events, 0, 0, 0, 0]}
    shown: list[tuple[int, ...]] = [()]
    for level, step in enumerate(steps):
        before = steps[:level]
        here = f"paths WHERE {_among(before, shown)}" if level else "paths WHERE true"
        below = []
        for *path, last, customers, events in _grouped(connection, here, [*before, step]):
            if last is None:
                figures[tuple(path)][2:4] = [customers, events]
            elif level < STEPS:
                below.append((-customers, -events, (*path, last)))
        greatest = sorted(below)[:PER_LEVEL]
        figures |= {path: [-customers, -events, 0, 0, 0, 0] for customers, events, path in greatest}
        shown = [path for _, _, path in greatest]
        hidden = f"{here} AND {step} IS NOT NULL"
        if shown:
            hidden += f" AND NOT {_among([*before, step], shown)}"
        for *path, customers, events in _grouped(connection, hidden, before):
            figures[tuple(path)][4:6] = [customers, events]
    return sorted([list(path), *counts] for path, counts in figures.items())


def _among(steps: Sequence[str], paths: Sequence[tuple[int, ...]]) -> str:
    """A condition for rows that begin with one of these paths."""
    values = ", ".join(f"({', '.join(map(str, path))})" for path in paths)
    return f"({', '.join(steps)}) IN ({values})"


def _grouped(connection: Any, rows: str, keys: Sequence[str]) -> list[list[int]]:
    """Some steps, and the customers and the paths that take them. Two groupings are faster than count(DISTINCT)."""
    shown, inner = "".join(f"{key}, " for key in keys), ", ".join(["hash", *keys])
    outer = f"GROUP BY {', '.join(keys)}" if keys else "HAVING count(*) > 0"
    one_per_customer = f"SELECT {inner}, count(*) AS n FROM {rows} GROUP BY {inner}"
    query = f"SELECT {shown}count(*), sum(n)::BIGINT FROM ({one_per_customer}) {outer}"
    found: list[list[int]] = connection.execute(query).fetchall()
    return found


# -- libraries of process mining ---------------------------------------------------------------------------------------


def pm4py() -> Compute:
    """The directly-follows graph of all events, of which the paths' first steps are the edges from the start."""
    import pm4py  # type: ignore[import-not-found]

    def compute(files: Sequence[str], start: int) -> Figures:
        events = _table(files, "hash::VARCHAR AS case_id, type::VARCHAR AS activity, epoch_ms(date) AS moment")
        graph, _, _ = pm4py.discover_dfg(events, activity_key="activity", timestamp_key="moment", case_id_key="case_id")
        return [[int(after), count] for (before, after), count in graph.items() if before == str(start)]

    return compute


def retentioneering() -> Compute:
    """The matrix of transitions of all events, of which the paths' first steps are the row of the start."""
    os.environ["RETENTIONEERING_NO_TRACK"] = "1"
    from retentioneering.eventstream import Eventstream  # type: ignore[import-not-found]

    def compute(files: Sequence[str], start: int) -> Figures:
        events = _table(files, "hash AS user_id, type::VARCHAR AS event, epoch_ms(date) AS timestamp")
        matrix = Eventstream(events).transition_graph_data(edge_weight="count")
        row = matrix.loc[str(start)]
        return [[int(after), int(count)] for after, count in row.items() if after.isdigit() and count]

    return compute


def _table(files: Sequence[str], columns: str) -> Any:
    import duckdb

    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute("SET enable_progress_bar = false")
        return connection.execute(f"SELECT {columns} FROM read_parquet({list(files)}) ORDER BY hash, date, type").df()


CONTENDERS: dict[str, Callable[[], Compute]] = {
    "engine": engine,
    "sql": sql,
    "pm4py": pm4py,
    "retentioneering": retentioneering,
}


def main() -> None:
    order = json.loads(sys.argv[1])
    compute = CONTENDERS[order["contender"]]()
    print(json.dumps(measured(lambda: compute(order["files"], order["start"]), order["runs"])))


if __name__ == "__main__":
    main()
