"""The computation of paths, compared with SQL and with libraries of process mining, and how it scales.

`python -m tests.bench paths` runs only these. Contenders alternate, each in its own process. A figure uses the best
times of all rounds. The libraries take part if `.local/venvs/mining` has the packages of tools/requirements/mining.txt.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench import views_data
from tests.bench.figures import Figure
from tests.bench.paths_contenders import PER_LEVEL, STEPS
from tests.bench.views import MILLION, ROOT, ROUNDS, RUNS, Measurement, better, seconds

MINING = ROOT / ".local" / "venvs" / "mining" / "bin" / "python"
RARE, FREQUENT = 3, 0
"""Event types that paths start from: 8% and 32% of the events."""
LIBRARY_SECONDS = 600
"""How long a library may take for 10 million events. If that is not enough, it gets 1 million."""
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
    libraries = _measure_libraries(best, {10: ten, 1: files[MILLION]}) if MINING.exists() else []
    return [*_against_sql(best), *libraries, *_memory(best), *_growth(best)]


def _measure(python: str | Path, order: Mapping[str, Any], timeout: float | None = None) -> Measurement:
    """Run a contender in its own process. `order` says which one, and with what."""
    command = [python, "-m", "tests.bench.paths_contenders", json.dumps(order)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=timeout)
    return Measurement(**json.loads(finished.stdout.splitlines()[-1]))  # pm4py prints a banner before it.


def _measure_libraries(best: dict[str, Measurement], files: Mapping[int, Sequence[str]]) -> list[Figure]:
    """Compare with each library over as many million events as it can take, and add its measurement to `best`."""
    figures = []
    for name in LIBRARIES:
        for millions, engine in ((10, "engine"), (1, "1 million")):
            order = {"contender": name, "files": files[millions], "start": RARE, "runs": 1}
            try:
                best[name] = _measure(MINING, order, LIBRARY_SECONDS)
            except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
                if millions == 1:
                    raise
                how = "did not finish" if isinstance(error, subprocess.TimeoutExpired) else "failed"
                beyond = f"{how} over {millions} million events in {LIBRARY_SECONDS} s; "
                continue
            if not _first_steps(best[engine]) <= set(map(tuple, best[name].figures)):
                raise AssertionError(f"{name} comes to other figures")
            measure = "" if millions == 10 else beyond
            figures.append(_against_library(name, best[engine], best[name], millions, measure))
            break
    return figures


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
                "engine": seconds(best[f"engine{end}"]),
                "SQL": seconds(best[f"sql{end}"]),
                "paths": f"{STEPS} steps, the {PER_LEVEL} greatest per level, over 10 million events",
                "measure": f"best of {ROUNDS} processes of {RUNS} runs, in turns; from Parquet; figures are the same",
            },
        )
        for words, end in (("a rare (8%)", ""), ("a frequent (32%)", ", frequent start"))
    ]


def _against_library(name: str, engine: Measurement, library: Measurement, millions: int, measure: str) -> Figure:
    return Figure(
        "paths",
        f"time / {LIBRARIES[name]}",
        engine.seconds / library.seconds,
        "",
        0.05,
        parameters={
            "engine": seconds(engine),
            name: seconds(library),
            "memory": f"{library.megabytes:.0f} MB, of the engine {engine.megabytes:.0f} MB",
            "measure": f"{measure}of {millions} million events, with equal first steps; the engine's time includes the "
            f"other {STEPS - 1} steps",
        },
    )


def _memory(best: dict[str, Measurement]) -> list[Figure]:
    names = ("engine", "sql", "engine, frequent start", "sql, frequent start")
    return [Figure("paths", f"most memory, {name}", best[name].megabytes, "MB") for name in names]


def _growth(best: dict[str, Measurement]) -> list[Figure]:
    measured = {1: best["1 million"], 3: best["3 million"], 10: best["engine"]}
    figures = []
    for words, each, target in (
        ("time", {millions: one.seconds / millions for millions, one in measured.items()}, 1.1),
        ("processor time", {millions: one.processor / millions for millions, one in measured.items()}, None),
    ):
        told = {f"{millions} million": f"{each[millions] * 1000:.0f} ns an event" for millions in each}
        figures += [
            Figure(
                "paths", f"{words} an event of {millions} million / of {fewer}", each[millions] / each[fewer], "",
                target, parameters=told,
            )
            for fewer, millions in ((1, 3), (3, 10))
        ]  # fmt: skip
    return figures
