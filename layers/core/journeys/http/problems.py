"""Translates what pydantic reports about a body into the API's own error messages."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic_core import ErrorDetails, ValidationError

from journeys.errors import BadRequest, Detail
from journeys.messages import join_messages, shorten, suggest

if TYPE_CHECKING:
    from pydantic import BaseModel

MAX_DETAILS = 100
"""Problems that an error response lists as details; a body of 1 MiB can have many more."""

_WHOLE_NUMBER = "has the wrong type. Use a whole number."
_OBJECT = "has the wrong type. Use an object."
_NOT_ALLOWED = "has a value that is not allowed. Use {expected}."

_TEXTS: Mapping[str, str] = {
    "missing": "is missing.",
    "extra_forbidden": "is unknown.",
    "string_type": "has the wrong type. Use a string.",
    "int_type": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "bool_type": "has the wrong type. Use true or false.",
    "list_type": "has the wrong type. Use an array.",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "string_too_short": "is too short. Use at least {min_length} character(s).",
    "string_too_long": "is too long. Use at most {max_length} characters.",
    "too_short": "has too few items. Use at least {min_length}.",
    "too_long": "has too many items. Use at most {max_length}.",
    "greater_than_equal": "is out of range. Use at least {ge}.",
    "less_than_equal": "is out of range. Use at most {le}.",
    "literal_error": _NOT_ALLOWED,
    "enum": _NOT_ALLOWED,
    "string_pattern_mismatch": "does not match the pattern {pattern}.",
    "value_error": "is invalid: {error}.",
}
"""What each of pydantic's error types says about a field. The placeholders are the facts that pydantic reports."""


def invalid_body(model: "type[BaseModel]", error: ValidationError) -> BadRequest:
    """Return the error that names every invalid field of a body."""
    problems = error.errors(include_url=False, include_input=False)
    details = [Detail(problem["type"].replace("_", "."), _path(problem["loc"])) for problem in problems[:MAX_DETAILS]]
    return BadRequest(join_messages([_sentence(model, p) for p in problems]), code="invalid.field", details=details)


def _sentence(model: "type[BaseModel]", problem: ErrorDetails) -> str:
    facts = problem.get("ctx", {})
    where = _path(problem["loc"])
    if problem["type"] == "value_error" and not where:
        return str(facts["error"])  # a model's own validator writes the whole message
    text = _TEXTS.get(problem["type"], "is invalid.").format_map(facts).replace("'", "")
    if problem["type"] == "extra_forbidden":
        text += suggest(str(problem["loc"][-1]), _known_fields(model, problem["loc"][:-1]))
    return f'The field "{where}" {text}' if where else f"The body {text}"


def _known_fields(model: "type[BaseModel]", path: Sequence[int | str]) -> Sequence[str]:
    """Return the fields that the object at a path of the body can have, from the model's JSON Schema."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
        for option in node.get("anyOf", ()):
            if option.get("type") != "null":
                return resolved(option)
        return definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node

    node = resolved(schema)
    for part in path:
        node = resolved(node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {}))
    return list(node.get("properties", {}))


def _path(location: Sequence[int | str]) -> str:
    """Return the path of a field in a body, such as `elements[2].name`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{shorten(part)}" for part in location)
    return "".join(parts).removeprefix(".")
