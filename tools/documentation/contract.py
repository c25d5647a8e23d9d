"""The contract's models as JSON Schemas, read from the vendor's Python SDK."""

import ast
import inspect
import re
from collections.abc import Mapping
from typing import Any

import PureCloudPlatformClientV2 as Vendor

Schema = dict[str, Any]

_PLAIN: Mapping[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "object": {},
    "Number": {"type": "number"},  # the SDK has a model of this name that describes something else
}

_CORRECTIONS: Mapping[tuple[str, str], Schema] = {
    ("UnprocessedExternalEvent", "event"): {"description": "The event as it was sent."},
}
"""Fields whose values are not what the SDK's models declare."""


def contract_schema(kind: str, components: dict[str, Schema]) -> Schema:
    """Return the schema of one of the contract's types, and add the models that it refers to to the components."""
    if match := re.fullmatch(r"list\[(.+)\]", kind):
        return {"type": "array", "items": contract_schema(match[1], components)}
    if match := re.fullmatch(r"dict\(str, (.+)\)", kind):
        return {"type": "object", "additionalProperties": contract_schema(match[1], components)}
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if kind not in components:
        components[kind] = {}  # a model can contain itself
        model = getattr(Vendor, kind)
        instance = model()
        components[kind] = {
            "type": "object",
            "properties": {
                instance.attribute_map[name]: _CORRECTIONS.get((kind, name))
                or contract_schema(type_, components) | _enumeration(model, name)
                for name, type_ in sorted(instance.swagger_types.items())
            },
        }
    return {"$ref": f"#/components/schemas/{kind}"}


def is_contract_model(name: str) -> bool:
    return hasattr(Vendor, name)


def _enumeration(model: Any, name: str) -> Schema:
    """Return the values of a field, which the SDK checks in the field's setter."""
    source = inspect.getsource(getattr(model, name).fset)
    match = re.search(r"allowed_values = (\[.*?\])", source)
    return {"enum": ast.literal_eval(match[1])} if match else {}
