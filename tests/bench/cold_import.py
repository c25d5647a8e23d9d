"""Cold import of the ingest handler and of the full set of libraries, in new processes that alternate."""

import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.bench.figures import Figure
from tests.support.template import ROOT

ROUNDS = 9
PRODUCT = ROOT / "functions" / "ingest" / "handler.py"
FULL_SET = Path(__file__).with_name("full_set.py")

_MEASURE = """
import sys, time
sys.path[:0] = {paths!r}
began = time.process_time()
import {module}
print((time.process_time() - began) * 1000)
"""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as compiled:  # so that both are compiled alike, whatever was there before
        for module in (PRODUCT, FULL_SET):
            _milliseconds(module, compiled)
        product, full = [], []
        for _ in range(ROUNDS):
            product.append(_milliseconds(PRODUCT, compiled))
            full.append(_milliseconds(FULL_SET, compiled))
    has_tracer = find_spec("aws_xray_sdk") is not None
    ours, theirs = min(product), min(full)
    parameters = {
        "handler": f"{ours:.0f} ms",
        "full set": f"{theirs:.0f} ms",
        "medians": f"{statistics.median(product):.0f} and {statistics.median(full):.0f} ms",
        "tracer of the full set": "enabled" if has_tracer else "left out, as aws_xray_sdk is not installed: no target",
        "measure": f"CPU time, the best of {ROUNDS}, in turns",
    }
    target = 0.70 if has_tracer else None
    return [Figure("import", "ingest handler / full set", ours / theirs, target=target, parameters=parameters)]


def _milliseconds(module: Path, compiled: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": compiled, "LAMBDA_TASK_ROOT": "/var/task"}  # elsewhere the tracer is off
    script = _MEASURE.format(paths=[str(module.parent), str(ROOT / "layers" / "core")], module=module.stem)
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])
