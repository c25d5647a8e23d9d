"""Collects the routes that the functions declare."""

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from journeys.http.router import VARIABLE, Route, Router
from journeys.settings import Settings

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"


def declared_routes() -> list[Route]:
    """Return the routes of every function, sorted by path and method."""
    routes = [route for module in _handlers() for route in _routes(module)]
    return sorted(routes, key=lambda route: (template(route.path), route.method))


def template(path: str) -> str:
    """Return a route's path as OpenAPI and API Gateway write it: /views/<view_id> becomes /views/{viewId}."""
    return VARIABLE.sub(lambda match: f"{{{camel_case(match[2])}}}", path)


def camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def variables(path: str) -> list[tuple[str, bool]]:
    """Return the path variables as OpenAPI writes them, and whether each is a number."""
    return [(camel_case(name), bool(kind)) for kind, name in re.findall(VARIABLE, path)]


def _routes(module: ModuleType) -> list[Route]:
    router = getattr(module, "router", None)
    return router.routes if isinstance(router, Router) else []


def _handlers() -> Iterator[ModuleType]:
    """Import the functions' modules. They need a region and settings when they start, and call no service."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    read = Settings.__dict__["read"]
    Settings.read = classmethod(  # type: ignore[method-assign, assignment]
        lambda cls: cls(*["0"] * len(cls.__dataclass_fields__))
    )
    try:
        for path in sorted(FUNCTIONS.glob("*/handler.py")):
            if "Router" in path.read_text():
                yield _load(path)
    finally:
        Settings.read = read  # type: ignore[method-assign]


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"documented_{path.parent.name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
