"""How a response differs from the one that a case must give."""

import json
from typing import Any


def difference(expected: Any, actual: Any, path: str) -> str | None:
    """The first difference in words, or None. Entries that `expected` does not name are ignored."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name, value in expected.items():
            if name not in actual:
                return f"{path} has no {name}"
            if found := difference(value, actual[name], f"{path}.{name}"):
                return found
        return None
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        differences = (
            difference(*pair, f"{path}[{index}]") for index, pair in enumerate(zip(expected, actual, strict=True))
        )
        return next((text for text in differences if text), None)
    if expected == actual:
        return None
    return f"{path} is {json.dumps(actual)[:500]} and should be {json.dumps(expected)}"
