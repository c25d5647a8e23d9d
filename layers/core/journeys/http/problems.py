"""Translates what pydantic reports about a body into the API's own error messages."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic_core import ErrorDetails, ValidationError

from journeys.errors import MAX_DETAILS, BadRequest, Detail
from journeys.messages import join_messages, shorten, suggest, use_one_of

if TYPE_CHECKING:
    from pydantic import BaseModel

_WRONG_TYPE, _TOO_SHORT, _TOO_LONG, _OUT_OF_RANGE = "wrong.type", "too.short", "too.long", "out.of.range"
_WHOLE_NUMBER = (_WRONG_TYPE, "has the wrong type. Use a whole number.")
_OBJECT = (_WRONG_TYPE, "has the wrong type. Use an object.")
_NOT_ALLOWED = ("not.allowed", "has a value that is not allowed. {choices}")

_PROBLEMS: Mapping[str, tuple[str, str]] = {
    "missing": ("missing.field", "is missing."),
    "extra_forbidden": ("unknown.field", "is unknown."),
    "string_type": (_WRONG_TYPE, "has the wrong type. Use a string."),
    "int_type": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "bool_type": (_WRONG_TYPE, "has the wrong type. Use true or false."),
    "list_type": (_WRONG_TYPE, "has the wrong type. Use an array."),
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "string_too_short": (_TOO_SHORT, "is too short. Minimum length: {min_length}."),
    "string_too_long": (_TOO_LONG, "is too long. Maximum length: {max_length}."),
    "too_short": (_TOO_SHORT, "has too few items. Use at least {min_length}."),
    "too_long": (_TOO_LONG, "has too many items. Use at most {max_length}."),
    "greater_than_equal": (_OUT_OF_RANGE, "is out of range. Use at least {ge}."),
    "less_than_equal": (_OUT_OF_RANGE, "is out of range. Use at most {le}."),
    "literal_error": _NOT_ALLOWED,
    "enum": _NOT_ALLOWED,
    "string_pattern_mismatch": ("invalid.value", "does not match the pattern {pattern}."),
    "value_error": ("invalid.value", "is invalid: {error}."),
}
"""Per error type of pydantic: our code, and what it says about a field. The placeholders are pydantic's facts."""

WITHOUT_ENVELOPE = "without_envelope"
"""The error type of a model whose body is the value of one of its fields. The fact `field` names that field."""

_OTHER = ("invalid.value", "is invalid. The operation's schema in /openapi.json says what is allowed.")


def invalid_body(model: "type[BaseModel]", error: ValidationError) -> BadRequest:
    """Return the error that names every invalid field of a body."""
    problems = error.errors(include_url=False, include_input=False)
    details = [_detail(problem) for problem in problems[:MAX_DETAILS]]
    return BadRequest(join_messages([_sentence(model, p) for p in problems]), code="invalid.field", details=details)


def _detail(problem: ErrorDetails) -> Detail:
    if problem["type"] == WITHOUT_ENVELOPE:
        return Detail("missing.field", problem["ctx"]["field"])
    return Detail(_PROBLEMS.get(problem["type"], _OTHER)[0], _path(problem["loc"]))


def _sentence(model: "type[BaseModel]", problem: ErrorDetails) -> str:
    facts = problem.get("ctx", {})
    where = _path(problem["loc"])
    if problem["type"] == WITHOUT_ENVELOPE:
        return problem["msg"]  # the model's own validator writes the whole message
    if "expected" in facts:
        choices = facts["expected"].replace("' or '", "', '").replace("'", "").split(", ")
        facts = facts | {"choices": use_one_of(choices)}
    text = _PROBLEMS.get(problem["type"], _OTHER)[1].format_map(facts).replace("'", "")
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
