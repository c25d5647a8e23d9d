"""Views that count persons, compared with the same views that count identifiers.

`python -m tests.bench view-persons` runs only these. Contenders alternate, each in its own process.
"""

import sys

from tests.bench import views_data
from tests.bench.figures import Figure
from tests.bench.views import MILLION, ROUNDS, RUNS, Measurement, better, measure, seconds

EVENTS, LINKS = 10 * MILLION, MILLION
TURNS = (("engine", "persons"), ("charts", "persons with charts"))
DATA = {
    "100,000 identifiers with events, 40,000 persons": views_data.few_linked,
    "1.5 million identifiers with events, 500,000 persons": views_data.many_linked,
}


def run() -> list[Figure]:
    figures: list[Figure] = []
    for described, make in DATA.items():
        files = make(EVENTS, LINKS)
        best: dict[str, Measurement] = {}
        for _ in range(ROUNDS):
            for name in (name for turn in TURNS for name in turn):
                best[name] = better(best.get(name), measure(name, files, python=sys.executable))
        for without, with_links in TURNS:
            figures += _compared(described, without, best[without], best[with_links])
    return figures


def _compared(described: str, name: str, without: Measurement, with_links: Measurement) -> list[Figure]:
    view = "a view of four elements" + (" with three charts" if name == "charts" else "")
    parameters = {
        "events": "10 million",
        "links": "1 million",
        "data": described,
        "with": seconds(with_links),
        "without": seconds(without),
        "measure": f"best of {ROUNDS} processes of {RUNS} runs, in turns; from Parquet",
    }
    memory = {"data": described, "with": f"{with_links.megabytes:.0f} MB", "without": f"{without.megabytes:.0f} MB"}
    return [
        Figure(
            "view-persons", f"{view} that counts persons / identifiers", with_links.seconds / without.seconds, "", 3.0,
            parameters=parameters,
        ),
        Figure(
            "view-persons", f"{view}: memory more than for identifiers", with_links.megabytes - without.megabytes, "MB",
            parameters=memory,
        ),
    ]  # fmt: skip
