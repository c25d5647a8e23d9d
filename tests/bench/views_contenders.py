"""The contenders of the benchmark of views. Each runs in its own process: `python -m tests.bench.views_contenders`.

The input is a JSON object with a contender's name, the files and the number of runs; the output is one with the best
time, the least processor time of all threads, the peak memory and the figures: participants, completed, flow and
dropout of each element. The times are measured from the names of the files to the figures.
"""

# ruff: noqa: S608  (queries are put together here, of names of files and numbers)

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from journeys import dates
from tests.bench.views_data import END, START, links_file

WEEK = 7 * 86_400_000
LEAST_AMOUNT = 60
STEPS = 4
"""Consecutive elements of the four most common types. The second has a filter."""

THREADS = os.cpu_count() or 1

Figures = list[list[int]]
Compute = Callable[[Sequence[str]], Figures]


# -- the product -------------------------------------------------------------------------------------------------------


def _view(links: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """A view whose elements are event types by number, with links of a week. The second element has a filter."""
    within = {"unit": "Days", "value": 7}
    elements: list[dict[str, Any]] = [
        {
            "id": f"e{place}",
            "name": f"e{place}",
            "attributes": {"id": f"t{place}"},
            "followedBy": [{"id": f"e{to}", "constraintWithin": within} for source, to in links if source == place],
        }
        for place in range(max(to for _, to in links) + 1)
    ]
    more = {"dimension": "amount", "range": {"gt": {"number": LEAST_AMOUNT}}}
    elements[1]["filter"] = {"numberPredicates": [more]}
    return {"name": "bench", "interval": f"{dates.text(START)}/{dates.text(END)}", "elements": elements}


IN_A_ROW = [(place, place + 1) for place in range(STEPS - 1)]
BRANCHES = [
    (0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (3, 5), (4, 6), (5, 6), (6, 7), (6, 8), (7, 9), (8, 9), (9, 10), (9, 11),
]  # fmt: skip
"""Twelve elements of all types: four branches from one element to two, and three joins back to one."""


CHARTS: list[dict[str, Any]] = [
    {
        "name": "by day",
        "groupByTime": "Day",
        "metrics": [{"id": "m", "elementId": "e3"}],
    },
    {
        "name": "by channel and month",
        "groupByTime": "Month",
        "groupByAttributes": [{"elementId": "e2", "attribute": "channel"}],
        "metrics": [{"id": "m", "elementId": "e2", "aggregate": "EventCount"}],
    },
    {
        "name": "by channel",
        "groupByAttributes": [{"elementId": "e1", "attribute": "channel"}],
        "metrics": [
            {"id": "m", "elementId": "e1", "aggregate": "Average", "attribute": "amount"},
            {"id": "n", "elementId": "e1", "aggregate": "Maximum", "attribute": "amount"},
        ],
    },
]


def engine(
    links: Sequence[tuple[int, int]],
    charts: Sequence[dict[str, Any]] = (),
    memory: str = "2GB",
    *,
    persons: bool = False,
    durations: Sequence[tuple[int, int]] = (),
    lists: bool = True,
) -> Compute:
    """The product's computation, as in a job. With `persons`, it resolves those of the file of links.

    `durations` are pairs of elements between which the view measures the time. With `lists`, the result lists the
    customers behind its figures.
    """
    from journeys.archive.reading import Events, connect
    from journeys.registry.schemas.kinds import AttributeKind
    from journeys.registry.schemas.model import SLOTS
    from journeys.views.computation.merging import Merging
    from journeys.views.computation.plan import EventType, compile_plan
    from journeys.views.computation.run import run
    from journeys.views.model import ViewDefinition

    pairs = [{"fromId": f"e{start}", "toId": f"e{end}"} for start, end in durations]
    view = ViewDefinition.model_validate(_view(links) | {"charts": list(charts), "durations": pairs or None})
    fields = {"amount": AttributeKind.NUMBER, "channel": AttributeKind.STRING}
    types = {f"t{place}": EventType(SLOTS[place], fields) for place in range(len(view.elements))}

    def compute(files: Sequence[str]) -> Figures:
        with tempfile.TemporaryDirectory() as folder, connect(folder, memory, THREADS) as connection:
            plan = compile_plan(view, types, END + WEEK)
            merging = Merging(_persons(connection, files), Path(folder)) if persons else None
            events = Events(connection, {"2026-04-01": files}, {})
            part = run(plan, events, connection, merging=merging, with_lists=lists)
            return [[one.participants, one.completed, one.flow, one.dropout] for one in part.elements]

    return compute


def alone() -> Compute:
    """The product's computation without durations and lists: the customers of a link are only counted."""
    from unittest import mock

    import numpy as np

    from journeys.views.computation.durations import Durations
    from journeys.views.computation.links import LinkEvaluation, Timed

    def counted(self: Any, link: Any) -> Timed:
        rows = self._reachable[link.source]
        keys = self._keys[rows[self._has_target(link, rows, self._reachable[link.target])]]
        customers = keys[self._changes(keys)] >> self._date_bits
        return Timed(customers, np.zeros(len(customers), np.int64))

    compute = engine(IN_A_ROW, lists=False)

    def compute_counted(files: Sequence[str]) -> Figures:
        with (
            mock.patch.object(LinkEvaluation, "link", counted),
            mock.patch.object(Durations, "of", lambda durations: Durations(count=len(durations))),
        ):
            return compute(files)

    return compute_counted


def _persons(connection: Any, files: Sequence[str]) -> Any:
    from journeys.archive import links
    from journeys.identity.settings import IdentitySettings
    from journeys.views.computation.persons import DecisionArrays, resolve

    links.find(connection, "bench", [])
    return resolve(links.read(connection, links_file(files), IdentitySettings().may_link), DecisionArrays.of([]))


# -- by hand -----------------------------------------------------------------------------------------------------------


def by_hand() -> Compute:
    """One pass over arrays sorted by customer and date, compiled by numba, after DuckDB has read and filtered them."""
    import duckdb
    import numba  # type: ignore[import-not-found]
    import numpy as np

    @numba.njit  # type: ignore[untyped-decorator,unused-ignore]
    def levels(hashes, dates, types, steps, week):  # type: ignore[no-untyped-def]
        """How many customers reach each step."""
        reached = np.zeros(steps, np.int64)
        newest = np.empty(
            steps, np.int64
        )  # each step's newest reachable event, and the newest one of before its moment
        before = np.empty(steps, np.int64)
        there = np.zeros(steps, np.bool_)
        for row in range(len(hashes)):
            if row == 0 or hashes[row] != hashes[row - 1]:
                for step in range(steps):
                    reached[step] += there[step]
                there[:] = False
                newest[:] = before[:] = -week - 1
            step, date = types[row], dates[row]
            if step > 0:
                source = newest[step - 1] if newest[step - 1] < date else before[step - 1]
                if date - source > week:
                    continue
            there[step] = True
            if newest[step] < date:
                before[step] = newest[step]
                newest[step] = date
        for step in range(steps):
            reached[step] += there[step]
        return reached

    levels(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.uint8), STEPS, WEEK)  # compiles it

    def compute(files: Sequence[str]) -> Figures:
        with duckdb.connect(config={"threads": THREADS}) as connection:
            rows = connection.execute(
                f"SELECT hash, date, type FROM read_parquet({list(files)}) WHERE type < {STEPS} AND date >= {START} "
                f'AND date < {END} AND (type <> 1 OR "n:amount" > {LEAST_AMOUNT})'
            ).fetchnumpy()
        return _in_a_row(levels(rows["hash"], rows["date"], rows["type"], STEPS, WEEK).tolist())

    return compute


def _in_a_row(reached: Sequence[int]) -> Figures:
    """The figures of consecutive elements in a past interval: customers who reach the last element complete all."""
    completed = reached[-1]
    onward = [*reached[1:], completed]
    return [[here, completed, there - completed, here - there] for here, there in zip(reached, onward, strict=True)]


# -- chdb --------------------------------------------------------------------------------------------------------------


def chdb_sequences() -> Compute:
    """ClickHouse's sequenceMatch. Its figures are the same if no two events of a customer have the same time."""
    patterns = [f"(?t<={WEEK})".join(f"(?{step + 1})" for step in range(steps)) for steps in range(1, STEPS + 1)]
    conditions = ", ".join(f"type = {step}" for step in range(STEPS))
    levels = ["max(type = 0)", *(f"sequenceMatch('{one}')(toUInt64(date), {conditions})" for one in patterns[1:])]
    shown = ", ".join(f"{level} AS l{step}" for step, level in enumerate(levels))
    sums = ", ".join(f"sum(l{step})" for step in range(STEPS))
    return _chdb(
        lambda rows: f"SELECT {sums} FROM (SELECT hash, {shown} {rows} GROUP BY hash)",
        lambda found: _in_a_row(found[0]),
    )


def chdb_funnel() -> Compute:
    """ClickHouse's windowFunnel. One window covers all steps, so its figures differ."""
    conditions = ", ".join(f"type = {step}" for step in range(STEPS))
    level = f"windowFunnel({WEEK}, 'strict_increase')(toUInt64(date), {conditions})"
    return _chdb(
        lambda rows: f"SELECT l, count() FROM (SELECT {level} AS l {rows} GROUP BY hash) GROUP BY l ORDER BY l",
        lambda found: found,
    )


def _chdb(query: Callable[[str], str], read: Callable[[Figures], Figures]) -> Compute:
    from chdb import session  # type: ignore[import-not-found]

    opened = session.Session()

    def compute(files: Sequence[str]) -> Figures:
        rows = (
            f"FROM file('{Path(files[0]).parent}/*.parquet', Parquet) WHERE type < {STEPS} "
            f'AND date >= {START} AND date < {END} AND (type <> 1 OR "n:amount" > {LEAST_AMOUNT})'
        )
        answer = str(opened.query(query(rows), "CSV"))
        return read([[int(number) for number in line.split(",")] for line in answer.split()])

    return compute


# -- the process -------------------------------------------------------------------------------------------------------

CONTENDERS: dict[str, Callable[[], Compute]] = {
    "engine": lambda: engine(IN_A_ROW),
    "branches": lambda: engine(BRANCHES),
    "charts": lambda: engine(IN_A_ROW, CHARTS),
    "alone": alone,
    "durations": lambda: engine(IN_A_ROW, durations=[(0, STEPS - 1)], lists=False),
    "durations and lists": lambda: engine(IN_A_ROW, durations=[(0, STEPS - 1)]),
    "persons": lambda: engine(IN_A_ROW, persons=True),
    "persons with charts": lambda: engine(IN_A_ROW, CHARTS, persons=True),
    "by hand": by_hand,
    "sequenceMatch": chdb_sequences,
    "windowFunnel": chdb_funnel,
}


def main() -> None:
    order = json.loads(sys.argv[1])
    compute = CONTENDERS[order["contender"]]()
    print(json.dumps(measured(lambda: compute(order["files"]), order["runs"])))


def measured(compute: Callable[[], Any], runs: int) -> dict[str, Any]:
    """Computes the figures several times. Returns the fields of a Measurement."""
    seconds, processor = [], []
    for _ in range(runs):
        started, used = time.perf_counter(), time.process_time()
        figures = compute()
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    return {"seconds": min(seconds), "processor": min(processor), "megabytes": most_memory(), "figures": figures}


def most_memory() -> float:
    """The peak memory of this process in MB. `ru_maxrss` would include the parent process."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
