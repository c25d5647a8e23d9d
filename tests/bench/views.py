"""The computation of journey views, compared with hand-written code and with ClickHouse, and how it scales.

`python -m tests.bench.views` runs only these. Contenders alternate, each in its own process, with the packages of
tools/requirements/bench.txt. A figure uses the best times of all rounds.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import views_data
from tests.bench.figures import Figure, NotHere

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".local" / "venvs" / "bench" / "bin" / "python"
ROUNDS, RUNS = 3, 3
MILLION = 1_000_000
FOUR = "four elements with a filter and a week each, over 10 million events"


@dataclass
class Measurement:
    """The best time and the least processor time of a contender in seconds, its peak memory in MB, and its figures."""

    seconds: float
    processor: float
    megabytes: float
    figures: Any


def run() -> list[Figure]:
    if not PYTHON.exists():
        raise NotHere("there is no environment .local/venvs/bench; tools/requirements/bench.txt is what it needs")
    files = {events: views_data.compacted(events) for events in (MILLION, 3 * MILLION, 10 * MILLION)}
    days = views_data.daily(MILLION)
    ten = files[10 * MILLION]
    turns = {
        "engine": ("engine", ten),
        "by hand": ("by hand", ten),
        "sequenceMatch": ("sequenceMatch", ten),
        "windowFunnel": ("windowFunnel", ten),
        "branches": ("branches", ten),
        "charts": ("charts", ten),
        "3 million": ("engine", files[3 * MILLION]),
        "1 million": ("engine", files[MILLION]),
        "days": ("engine", days),
    }
    best: dict[str, Measurement] = {}
    for _ in range(ROUNDS):
        for name, (contender, paths) in turns.items():
            best[name] = better(best.get(name), measure(contender, paths))
    for name in ("by hand", "sequenceMatch"):
        if best[name].figures != best["engine"].figures:
            raise AssertionError(f"{name} comes to other figures")
    if best["days"].figures != best["1 million"].figures:
        raise AssertionError("the same events in other files come to other figures")
    return [*_against_others(best), *_growth(best)]


def measure(contender: str, files: Sequence[str], python: str | Path = PYTHON) -> Measurement:
    order = json.dumps({"contender": contender, "files": files, "runs": RUNS})
    finished = subprocess.run(
        [python, "-m", "tests.bench.views_contenders", order], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return Measurement(**json.loads(finished.stdout))


def better(one: Measurement | None, other: Measurement) -> Measurement:
    if one is None:
        return other
    return Measurement(
        min(one.seconds, other.seconds),
        min(one.processor, other.processor),
        max(one.megabytes, other.megabytes),
        other.figures,
    )


def _against_others(best: dict[str, Measurement]) -> list[Figure]:
    engine = best["engine"]
    compared = [
        ("by hand", "time / one pass by hand, compiled by numba", 2.5, "figures are the same"),
        ("sequenceMatch", "time / chdb's sequenceMatch", 1.0, "figures are the same"),
        ("windowFunnel", "time / chdb's windowFunnel", None, "which counts less: one window for all steps"),
    ]
    ratios = [
        Figure(
            "views", title, engine.seconds / best[name].seconds, "", target, parameters=_parameters(best, name, more)
        )
        for name, title, target, more in compared
    ]
    memory = [
        Figure("views", f"most memory, {name}", best[name].megabytes, "MB", parameters={"view": FOUR})
        for name in ("engine", "by hand", "sequenceMatch", "charts")
    ]
    return ratios + memory


def _growth(best: dict[str, Measurement]) -> list[Figure]:
    engine, twelve = best["engine"], best["branches"]
    figures = [
        Figure(
            "views",
            "twelve elements with branches and joins / four in a row",
            twelve.seconds / engine.seconds,
            "",
            4.0,
            parameters={"twelve": seconds(twelve), "four": seconds(engine), "events": "10 million"},
        ),
        Figure(
            "views",
            "the four with three charts / without",
            best["charts"].seconds / engine.seconds,
            parameters={"with": seconds(best["charts"]), "without": seconds(engine), "events": "10 million"},
        ),
        Figure(
            "views",
            "a file for each day / for each bucket",
            best["days"].seconds / best["1 million"].seconds,
            parameters={
                "days": seconds(best["days"]),
                "buckets": seconds(best["1 million"]),
                "events": "1 million",
            },
        ),
    ]
    each = {1: best["1 million"].seconds, 3: best["3 million"].seconds / 3, 10: engine.seconds / 10}
    told = {f"{millions} million": f"{time * 1000:.0f} ns an event" for millions, time in each.items()}
    return figures + [
        Figure(
            "views",
            f"time an event of {millions} million / of {fewer}",
            each[millions] / each[fewer],
            "",
            1.1,
            parameters=told,
        )
        for fewer, millions in ((1, 3), (3, 10))
    ]


def _parameters(best: dict[str, Measurement], name: str, more: str) -> dict[str, Any]:
    return {
        "engine": seconds(best["engine"]),
        name: seconds(best[name]),
        "view": FOUR,
        "measure": f"best of {ROUNDS} processes of {RUNS} runs, in turns; from Parquet; {more}",
    }


def seconds(measurement: Measurement) -> str:
    """The times of a contender, for the parameters of a figure."""
    return f"{measurement.seconds:.2f} s, {measurement.processor:.2f} s of processors"


if __name__ == "__main__":
    from tests.bench.__main__ import main

    sys.exit(main(["views"]))
