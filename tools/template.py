"""Reads a CloudFormation template as data, with anchors and merge keys resolved."""

from pathlib import Path
from typing import Any

import yaml

from tools.paths import ROOT

TEMPLATE = ROOT / "template.yaml"
MONITORING = ROOT / "monitoring" / "template.yaml"


class _Loader(yaml.SafeLoader):
    """Reads `!Ref X` as {"Ref": "X"} and `!Sub X` as {"Fn::Sub": "X"}, the form that CloudFormation uses in JSON."""


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Any:
    value: Any
    if isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_scalar(node)  # type: ignore[arg-type]  # the only other kind of node
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _short_form)


def read(path: Path) -> dict[str, Any]:
    """Reads a template. Raises OSError, and yaml.YAMLError if the file is not YAML."""
    template: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506  # a subclass of the safe loader
    return template
