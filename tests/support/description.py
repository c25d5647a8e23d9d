"""The operations of the OpenAPI document, for tests that must cover all of them."""

import json
import re
from functools import cache
from typing import Any, NamedTuple

from tests.support.template import ROOT, resources

DOCUMENT = ROOT / "functions" / "openapi" / "openapi.json"
PREFIX = "/api/v2/journey/"


class Described(NamedTuple):
    """One operation: its method, its path with {variables}, and its object in the document."""

    method: str
    path: str
    says: dict[str, Any]

    @property
    def name(self) -> str:
        """The method and the path below the base, such as "GET views/{viewId}"."""
        return f"{self.method} {self.path.removeprefix(PREFIX)}"

    @property
    def variables(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def query(self) -> dict[str, dict[str, Any]]:
        """The query parameters, by name."""
        return {one["name"]: one for one in self.says.get("parameters", []) if one["in"] == "query"}

    @property
    def has_body(self) -> bool:
        return "requestBody" in self.says

    @property
    def wants_token(self) -> bool:
        return bool(self.says["security"])


@cache
def document() -> dict[str, Any]:
    """Return the stored document."""
    read: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return read


@cache
def described() -> tuple[Described, ...]:
    """Return every operation of the document."""
    return tuple(
        Described(method.upper(), path, says)
        for path, item in document()["paths"].items()
        for method, says in item.items()
        if method != "parameters"
    )


def served(operation: Described) -> bool:
    """Return whether the template has a route for the operation, with its own path or with {proxy+}."""
    for function in resources("AWS::Serverless::Function").values():
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] == "Api":
                route = event["Properties"]
                pattern = re.sub(
                    r"\\\{(\w+)(\\\+)?\\\}", lambda found: ".+" if found[2] else "[^/]+", re.escape(route["Path"])
                )
                if route["Method"] in (operation.method, "ANY") and re.fullmatch(pattern, operation.path):
                    return True
    return False
