"""JSON text, parsed strictly and written without losing digits.

Parsing refuses text that two parsers could understand differently: NaN and Infinity, duplicate names in an object, lone
surrogates, text that is not UTF-8, and nesting deeper than 32 levels. Fractions become `Decimal`.
"""

from collections.abc import Mapping
from typing import Any

import jiter
import simplejson

MAX_DEPTH = 32

_encoder = simplejson.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_canonical_encoder = simplejson.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, sort_keys=True)


class InvalidJson(ValueError):
    """The text is not JSON by the rules of this module. The message names the position, never the content."""


def loads(text: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Parses a JSON text. Raises InvalidJson."""
    try:
        value = jiter.from_json(
            text, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True, float_mode="decimal"
        )
    except ValueError as error:
        raise InvalidJson(_reason(str(error))) from None
    if _deeper_than(value, max_depth):
        raise InvalidJson(f"nested deeper than {max_depth} levels")
    return value


def dumps(value: Any) -> str:
    """The compact JSON text of a value, with all digits of its numbers. Raises TypeError and ValueError."""
    return str(_encoder.encode(value))


def canonical(value: Any) -> str:
    """The JSON text of a value with sorted names, so that equal values have equal texts."""
    return str(_canonical_encoder.encode(value))


def omit_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not None. Responses leave out fields without a value."""
    return {name: value for name, value in values.items() if value is not None}


def _reason(error: str) -> str:
    position = error[error.rfind(" at line ") :] if " at line " in error else ""
    if error.startswith("Detected duplicate key"):
        return f"an object has a duplicate name{position}"
    if error.startswith("recursion limit"):
        return f"nested deeper than {MAX_DEPTH} levels"
    if error.startswith("Internal error"):
        return f"a number is out of range{position}"  # The parser has no other internal errors.
    return error  # The parser's messages name token types and positions, never content.


def _deeper_than(value: Any, limit: int) -> bool:
    containers = [value] if type(value) in (dict, list) else []
    for _ in range(limit):
        if not containers:
            return False
        containers = [
            inner
            for outer in containers
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
    return bool(containers)
