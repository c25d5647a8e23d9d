"""The two templates as data, so that tests read tables, roles, routes and alarms from where they are defined."""

from functools import cache
from typing import Any

from tools.paths import ROOT
from tools.template import MONITORING, TEMPLATE, read

__all__ = ["ROOT", "monitoring", "resources", "template"]


@cache
def template() -> dict[str, Any]:
    """The content of template.yaml, with anchors and merge keys resolved."""
    return read(TEMPLATE)


@cache
def monitoring() -> dict[str, Any]:
    """The content of monitoring/template.yaml."""
    return read(MONITORING)


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of a type in both templates, by logical id."""
    both = template()["Resources"] | monitoring()["Resources"]
    return {name: resource for name, resource in both.items() if resource["Type"] == kind}
