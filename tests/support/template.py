"""The two templates as data, so that tests read tables, roles, routes and alarms from where they are defined."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent


class _Loader(yaml.SafeLoader):
    """Reads `!Ref X` as {"Ref": "X"} and `!Sub X` as {"Fn::Sub": "X"}, the form that CloudFormation uses in JSON."""


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Any:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _short_form)


@cache
def template() -> dict[str, Any]:
    """The content of template.yaml, with anchors and merge keys resolved."""
    return _load("template.yaml")


@cache
def monitoring() -> dict[str, Any]:
    """The content of monitoring/template.yaml."""
    return _load("monitoring/template.yaml")


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of a type in both templates, by logical id."""
    both = template()["Resources"] | monitoring()["Resources"]
    return {name: resource for name, resource in both.items() if resource["Type"] == kind}


def _load(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((ROOT / path).read_text(), _Loader)  # noqa: S506  # a subclass of the safe loader
    return loaded
