"""Each function has the layers with the packages that its modules import when it starts."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.template import ROOT, resources

CORE = ROOT / "layers" / "core"
ANALYTICS = frozenset({"duckdb", "numpy"})
"""The packages of the analytics layer."""


def imports(path: Path) -> Iterator[str]:
    """The modules that a module imports when it is imported itself, and the names that it may import from them."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def reached(handler: Path, core: Path = CORE) -> Mapping[str, str]:
    """Every package that a function imports when it starts, with the module that imports it."""
    found: dict[str, str] = {}
    waiting, seen = [handler], {handler}
    while waiting:
        path = waiting.pop()
        for name in imports(path):
            found.setdefault(name.partition(".")[0], path.name)
            module = core / Path(*name.split("."))
            for other in (module.with_suffix(".py"), module / "__init__.py"):
                if other.exists() and other not in seen:
                    seen.add(other)
                    waiting.append(other)
    return found


WITHOUT_ANALYTICS = {
    name: one["Properties"]["CodeUri"]
    for name, one in sorted(resources("AWS::Serverless::Function").items())
    if {"Ref": "AnalyticsLayer"} not in one["Properties"].get("Layers", [])
}


@pytest.mark.parametrize("name", WITHOUT_ANALYTICS)
def test_a_function_without_the_analytics_layer_imports_none_of_its_packages(name: str) -> None:
    found = reached(ROOT / WITHOUT_ANALYTICS[name] / "handler.py")
    assert {package: module for package, module in found.items() if package in ANALYTICS} == {}


def test_what_a_module_imports_through_another_is_reached(tmp_path: Path) -> None:
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys" / "one.py").write_text("def late():\n    import duckdb\nfrom journeys import two\n")
    (tmp_path / "journeys" / "two.py").write_text("import numpy as np\n")
    (tmp_path / "handler.py").write_text("from journeys.one import late\n")
    assert reached(tmp_path / "handler.py", tmp_path) == {"journeys": "handler.py", "numpy": "two.py"}
