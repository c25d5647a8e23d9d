"""JSON text, read strictly and written exactly.

Reading refuses what two readers could understand differently: NaN and Infinity, a name twice in one object, a lone
surrogate, text that is not UTF-8, nesting over 32. Fractions become `Decimal`, so that no digit is lost; writing gives
every digit back.
"""

from collections.abc import Mapping
from typing import Any

import jiter
import simplejson

MAX_DEPTH = 32


class InvalidJson(ValueError):
    """The text is not JSON as this module reads it; the message names the place and never the content."""


def loads(text: bytes) -> Any:
    """The value of a JSON text. Raises InvalidJson."""
    try:
        value = jiter.from_json(
            text, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True, float_mode="decimal"
        )
    except ValueError as error:
        raise InvalidJson(_reason(str(error))) from None
    if _deeper_than(value, MAX_DEPTH):
        raise InvalidJson(f"nested deeper than {MAX_DEPTH} levels")
    return value


def dumps(value: Any) -> str:
    """The JSON text of a value, compact, with every digit of its numbers. Raises TypeError and ValueError."""
    return str(simplejson.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False))


def canonical(value: Any) -> str:
    """The JSON text of a value, the same for the same value however its names were ordered."""
    return str(simplejson.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False, sort_keys=True))


def omit_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not None: a field that has nothing to say is left out of an answer."""
    return {name: value for name, value in values.items() if value is not None}


def _reason(error: str) -> str:
    place = error[error.rfind(" at line ") :] if " at line " in error else ""
    if error.startswith("Detected duplicate key"):
        return f"an object has the same name twice{place}"
    if error.startswith("recursion limit"):
        return f"nested deeper than {MAX_DEPTH} levels"
    if error.startswith("Internal error"):
        return f"a number is out of range{place}"  # the only thing that the parser leaves to Python
    return error  # the parser's own words name kinds of token and places, never content


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
