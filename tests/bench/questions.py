"""What the questions beside a view's figures cost: how long customers took, and who they are.

`python -m tests.bench questions` runs only these. Contenders alternate, each in its own process.
"""

import sys

from tests.bench import views_data
from tests.bench.figures import Figure
from tests.bench.views import FOUR, MILLION, ROUNDS, RUNS, Measurement, better, measure, seconds

ALONE = "alone"
QUESTIONS = {
    "durations": "a view with durations of all links and one pair / the view alone",
    "durations and lists": "a view with these durations and lists of customers / the view alone",
}


def run() -> list[Figure]:
    files = {millions: views_data.compacted(millions * MILLION) for millions in (1, 3, 10)}
    turns = [(name, 10) for name in (ALONE, *QUESTIONS)] + [(list(QUESTIONS)[-1], millions) for millions in (3, 1)]
    best: dict[tuple[str, int], Measurement] = {}
    for _ in range(ROUNDS):
        for name, millions in turns:
            best[name, millions] = better(best.get((name, millions)), measure(name, files[millions], sys.executable))
    alone = best[ALONE, 10]
    figures = []
    for name, words in QUESTIONS.items():
        found = best[name, 10]
        if found.figures != alone.figures:
            raise AssertionError(f"the view with {name} comes to other figures")
        times = {name: seconds(found), ALONE: seconds(alone), "view": FOUR}
        measured = f"best of {ROUNDS} processes of {RUNS} runs, in turns; from Parquet; figures are the same"
        figures += [
            Figure(
                "questions", words, found.seconds / alone.seconds, "", 1.5, parameters=times | {"measure": measured}
            ),
            Figure("questions", f"{words}, processor time", found.processor / alone.processor),
            Figure(
                "questions",
                f"most memory, {name}",
                found.megabytes,
                "MB",
                parameters={ALONE: f"{alone.megabytes:.0f} MB"},
            ),
        ]
    return figures + _growth({millions: best[name, millions] for name, millions in turns[len(QUESTIONS) :]})


def _growth(measured: dict[int, Measurement]) -> list[Figure]:
    each = {millions: one.seconds / millions for millions, one in measured.items()}
    told = {f"{millions} million": f"{each[millions] * 1000:.0f} ns an event" for millions in sorted(each)}
    return [
        Figure(
            "questions", f"time an event of {millions} million / of {fewer}", each[millions] / each[fewer], "", 1.1,
            parameters=told,
        )
        for fewer, millions in ((1, 3), (3, 10))
    ]  # fmt: skip
