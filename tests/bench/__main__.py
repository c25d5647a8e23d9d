"""The benchmarks: `python -m tests.bench`, or some of them by name.

Prints a table and writes .local/bench.json, which keeps the figures of benchmarks that were not run. The exit status is
1 if a target was missed.
"""

import argparse
import importlib
import json
import logging
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure, NotHere

BENCHMARKS = {
    "capacity": "tests.bench.capacity",
    "import": "tests.bench.cold_import",
    "importer": "tests.bench.importer",
    "ingest": "tests.bench.ingest_cpu",
    "request": "tests.bench.request_wall",
    "delivery": "tests.bench.cold_delivery",
    "large": "tests.bench.large_delivery",
    "projector": "tests.bench.projector_rate",
    "links": "tests.bench.links",
    "person": "tests.bench.person_reading",
    "archive": "tests.bench.archive_journey",
    "views": "tests.bench.views",
    "questions": "tests.bench.questions",
    "paths": "tests.bench.paths",
    "view-persons": "tests.bench.view_persons",
    "console": "tests.bench.console",
}
RESULTS = Path(__file__).resolve().parents[2] / ".local" / "bench.json"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("benchmark", nargs="*", help=f"{', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the figures are written")
    asked = parser.parse_args(arguments)
    wanted = asked.benchmark or list(BENCHMARKS)
    unknown = sorted(set(wanted) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    _environment()
    console = Console(stderr=True)
    figures: list[Figure] = []
    left_out: dict[str, str] = {}
    for name in wanted:
        with console.status(f"{name} ..."):
            try:
                with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # logs and metrics
                    figures += importlib.import_module(BENCHMARKS[name]).run()
            except NotHere as reason:
                left_out[name] = str(reason)
    _print(figures, left_out)
    _write(asked.json, figures, left_out)
    return 1 if any(figure.met is False for figure in figures) else 0


def _environment() -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "EVENTS_TABLE": "events",
        "JOURNEYS_TABLE": "journeys",
        "LINKS_TABLE": "links",
        "FAILURES_TABLE": "failures",
        "DELIVERIES_TABLE": "deliveries",
        "REGISTRY_TABLE": "registry",
        "ARCHIVE_BUCKET": "archive",
    }
    logging.disable(logging.WARNING)


def _print(figures: list[Figure], left_out: dict[str, str]) -> None:
    table = Table(title="Benchmarks", title_justify="left", show_lines=False)
    for heading in ("benchmark", "figure"):
        table.add_column(heading)
    for heading in ("measured", "target"):
        table.add_column(heading, justify="right")
    table.add_column("")
    table.add_column("measured with")
    for figure in figures:
        verdict = {True: "[green]met[/]", False: "[bold red]missed[/]", None: ""}[figure.met]
        table.add_row(
            figure.benchmark,
            figure.name,
            f"{figure.measured:,.2f} {figure.unit}".strip(),
            "" if figure.target is None else f"{figure.sense} {figure.target:g}",
            verdict,
            ", ".join(f"{name} {value}" for name, value in figure.parameters.items()),
        )
    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(table)
    for name, reason in left_out.items():
        console.print(f"[yellow]{name} was left out:[/] {reason}")


def _write(path: Path, figures: list[Figure], left_out: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    run = {figure.benchmark for figure in figures}
    before = json.loads(path.read_text())["figures"] if path.exists() else []
    results = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "figures": [one for one in before if one["benchmark"] not in run] + [one.to_values() for one in figures],
        "leftOut": left_out,
    }
    path.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
