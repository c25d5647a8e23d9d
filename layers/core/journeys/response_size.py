"""How much one response can hold: Lambda refuses to return more than 6 MB, and listings stop before that."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from journeys import jsontext

LARGEST_PAGE = 4_500_000
"""The most bytes that one page's entities take in a response; the rest of Lambda's 6 MB is for what surrounds them."""


def count_fitting(entities: Sequence[Mapping[str, Any] | None]) -> int:
    """How many entities of a page fit into one response, counted from the first; at least one, if there are any."""
    left = LARGEST_PAGE
    for index, entity in enumerate(entities):
        left -= response_size(entity)
        if left < 0:
            return max(1, index)
    return len(entities)


def response_size(value: Any) -> int:
    """The bytes that a value takes in the response that Lambda returns.

    Lambda returns the body as a JSON string inside JSON, so quotes and line breaks are escaped twice. Some runtimes
    escape every character outside ASCII, so those are counted as escaped too.
    """
    return len(json.dumps(jsontext.dumps(value)))
