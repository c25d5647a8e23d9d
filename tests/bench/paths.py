"""The computation of paths, compared with SQL and with libraries of process mining, and how it scales.

`python -m tests.bench paths` runs only these. Contenders alternate, each in its own process. A figure uses the best
times of all rounds. The libraries take part if `.local/venvs/mining` has the packages of tools/requirements/mining.txt.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import views_data
from tests.bench.figures import Figure
from tests.bench.paths_contenders import PER_LEVEL, STEPS
from tests.bench.views import MILLION, ROOT, ROUNDS, RUNS, Measurement, better

MINING = ROOT / ".local" / "venvs" / "mining" / "bin" / "python"
RARE, FREQUENT = 3, 0
"""Event types that paths start from: 8% and 32% of the events."""
LIBRARIES = {"pm4py": "pm4py's directly-follows graph", "retentioneering": "retentioneering's transitions"}


def run() -> list[Figure]:
    files = {events: views_data.compacted(events) for events in (MILLION, 3 * MILLION, 10 * MILLION)}
    ten = files[10 * MILLION]
    turns = {
        "engine": ("engine", ten, RARE),
        "sql": ("sql", ten, RARE),
        "engine, frequent start": ("engine", ten, FREQUENT),
        "sql, frequent start": ("sql", ten, FREQUENT),
        "3 million": ("engine", files[3 * MILLION], RARE),
        "1 million": ("engine", files[MILLION], RARE),
    }
    best: dict[str, Measurement] = {}
    for _ in range(ROUNDS):
        for name, (contender, paths, start) in turns.items():
            order = {"contender": contender, "files": paths, "start": start, "runs": RUNS}
            best[name] = better(best.get(name), _measure(sys.executable, order))
    for end in ("", ", frequent start"):
        if best[f"engine{end}"].figures != best[f"sql{end}"].figures:
            raise AssertionError("SQL comes to other figures")
    if MINING.exists():
        for name in LIBRARIES:
            order = {"contender": name, "files": ten, "start": RARE, "runs": 1}
            best[name] = _measure(MINING, order)
            if not _first_steps(best["engine"]) <= set(map(tuple, best[name].figures)):
                raise AssertionError(f"{name} comes to other figures")
    return [*_against_sql(best), *_against_libraries(best), *_memory(best), *_growth(best)]


def _measure(python: str | Path, order: Mapping[str, Any]) -> Measurement:
    """Run a contender in its own process. `order` says which one, and with what."""
    command = [python, "-m", "tests.bench.paths_contenders", json.dumps(order)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Measurement(**json.loads(finished.stdout))


def _first_steps(measurement: Measurement) -> set[tuple[int, int]]:
    """The first steps that are shown, and the paths that take them."""
    return {(path[0], events) for path, _, events, *_ in measurement.figures if len(path) == 1}


def _against_sql(best: dict[str, Measurement]) -> list[Figure]:
    return [
        Figure(
            "paths",
            f"five steps after {words} start event / DuckDB's lead() and groupings",
            best[f"engine{end}"].seconds / best[f"sql{end}"].seconds,
            "",
            0.5,
            parameters={
                "engine": _seconds(best[f"engine{end}"]),
                "SQL": _seconds(best[f"sql{end}"]),
                "paths": f"{STEPS} steps, the {PER_LEVEL} greatest per level, over 10 million events",
                "measure": f"best of {ROUNDS} processes of {RUNS} runs, in turns; from Parquet; figures are the same",
            },
        )
        for words, end in (("a rare (8%)", ""), ("a frequent (32%)", ", frequent start"))
    ]


def _against_libraries(best: dict[str, Measurement]) -> list[Figure]:
    return [
        Figure(
            "paths",
            f"time / {words}",
            best["engine"].seconds / best[name].seconds,
            "",
            0.05,
            parameters={
                "engine": _seconds(best["engine"]),
                name: _seconds(best[name]),
                "measure": "of equal first steps; the engine's time includes the other four",
            },
        )
        for name, words in LIBRARIES.items()
        if name in best
    ]


def _memory(best: dict[str, Measurement]) -> list[Figure]:
    names = [
        name for name in ("engine", "sql", "engine, frequent start", "sql, frequent start", *LIBRARIES) if name in best
    ]
    return [Figure("paths", f"most memory, {name}", best[name].megabytes, "MB") for name in names]


def _growth(best: dict[str, Measurement]) -> list[Figure]:
    each = {1: best["1 million"].seconds, 3: best["3 million"].seconds / 3, 10: best["engine"].seconds / 10}
    told = {f"{millions} million": f"{seconds * 1000:.0f} ns an event" for millions, seconds in each.items()}
    return [
        Figure(
            "paths", f"time an event of {millions} million / of {fewer}", each[millions] / each[fewer], "", 1.1,
            parameters=told,
        )
        for fewer, millions in ((1, 3), (3, 10))
    ]  # fmt: skip


def _seconds(measurement: Measurement) -> str:
    return f"{measurement.seconds:.2f} s"
