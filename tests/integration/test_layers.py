"""The layers, built by their Makefiles for both architectures. It downloads the wheels, so it needs a package index."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.template import ROOT, resources

MACHINES = {"arm64": 183, "x86_64": 62}
"""The number of an architecture in the header of an ELF file (e_machine)."""
BUILT = {"DependenciesLayer", "CoreLayer", "WebhooksLayer", "AnalyticsLayer"}
MAX_UNZIPPED = 250 * 1024 * 1024
"""Lambda's limit for a function with its layers, in bytes, unzipped."""


def build(layer: str, architecture: str, folder: Path) -> None:
    environment = os.environ | {
        "ARTIFACTS_DIR": str(folder),
        "ARCHITECTURE": architecture,
        "PYTHON": sys.executable,
        "PYTHON_VERSION": "3.13",
    }
    source = ROOT / resources("AWS::Serverless::LayerVersion")[layer]["Properties"]["ContentUri"]
    subprocess.run(["make", "-C", source, f"build-{layer}"], env=environment, check=True)


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("architecture", MACHINES)
def test_the_layers_contain_wheels_of_the_architecture_and_fit_into_a_function(
    architecture: str, tmp_path: Path
) -> None:
    layers = resources("AWS::Serverless::LayerVersion").keys()
    assert layers == BUILT
    for layer in layers:
        build(layer, architecture, tmp_path / layer)
    libraries = [file for file in tmp_path.rglob("*.so*") if file.read_bytes()[:4] == b"\x7fELF"]
    machines = {struct.unpack_from("<H", file.read_bytes(), 18)[0] for file in libraries}
    assert machines == {MACHINES[architecture]}
    for name in ("jiter", "pydantic_core", "cryptography", "duckdb", "numpy"):
        assert any(name in str(file) for file in libraries), name
    assert size(tmp_path) < MAX_UNZIPPED  # all layers together, although no function uses all
