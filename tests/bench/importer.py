"""A dry run of a CSV of 100,000 rows against plain csv.reader on the same file, and the memory that more rows add.

Each measurement is a process of its own, so that the peak of its memory is its own.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import Figure
from tests.support.template import ROOT

ROWS, FEW_ROWS = 100_000, 10_000
ROUNDS = 3
MAPPING = """
id = "id"
[date]
value = "when"
[customer]
externalSourceId = "bench"
value = "who"
[type]
title = "Visit"
source = "Bench"
[attributes]
note = { value = "note", kind = "text" }
amount = { value = "amount", kind = "number" }
"""

_READER = """
import csv
with open({csv!r}, newline="") as file:
    for row in csv.reader(file):
        pass
"""
_DRY_RUN = """
from pathlib import Path
from tools.importer.columns import open_csv
from tools.importer.dry_run import judge_for
from tools.importer.import_run import ImportRun, count_rows
from tools.importer.rejected import RejectedRows
file, plan = open_csv(Path({csv!r}), {mapping!r})
run = ImportRun(judge_for(None, plan), plan, 4, RejectedRows(file))
run.run(file, count_rows(file, plan))
assert run.tally.count("valid") == {rows}, run.tally.counts
"""
_MEASURE = """
import resource, sys, time
sys.path[:0] = {paths!r}
began = time.process_time()
{work}
print(time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        few, many = (_write(Path(folder), rows) for rows in (FEW_ROWS, ROWS))
        rounds = [(_measure(_READER, many, ROWS), _measure(_DRY_RUN, many, ROWS)) for _ in range(ROUNDS)]
        reader, dry_run = (statistics.median(one[part][0] for one in rounds) for part in (0, 1))
        peak, few_peak = rounds[0][1][1], _measure(_DRY_RUN, few, FEW_ROWS)[1]
    parameters = {
        "dry run": f"{ROWS / dry_run:,.0f} rows/s",
        "csv.reader": f"{ROWS / reader:,.0f} rows/s",
        "measure": f"CPU time, medians of {ROUNDS} rounds, in turns; the dry run's imports are included",
    }
    memory = {"peak": f"{peak:.0f} MB", f"peak with {FEW_ROWS:,} rows": f"{few_peak:.0f} MB"}
    return [
        Figure("importer", "dry run / csv.reader, 100,000 rows", dry_run / reader, target=150, parameters=parameters),
        Figure("importer", "memory that 90,000 more rows add", peak - few_peak, "MB", 10, parameters=memory),
    ]


def _write(folder: Path, rows: int) -> Path:
    path = folder / f"{rows}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("id,when,who,note,amount\n")
        for number in range(rows):
            file.write(f'c{number},2026-01-05T10:00:00Z,user{number % 5000},"note {number}, more",{number / 8}\n')
    path.with_suffix(".toml").write_text(MAPPING)
    return path


def _measure(work: str, path: Path, rows: int) -> tuple[float, float]:
    """Seconds of CPU time, and the peak of the memory in MB."""
    work = work.format(csv=str(path), mapping=str(path.with_suffix(".toml")), rows=rows)
    script = _MEASURE.format(paths=[str(ROOT), str(ROOT / "layers" / "core")], work=work)
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    seconds, megabytes = done.stdout.split()[-2:]
    return float(seconds), float(megabytes)
