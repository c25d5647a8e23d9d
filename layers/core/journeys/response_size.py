"""The size limit of responses. Lambda returns at most 6 MB, so listings end a page before that."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from journeys import jsontext

LARGEST_PAGE = 4_500_000
"""The maximum size in bytes of one page's entities. The rest of Lambda's 6 MB is for the other fields and headers."""


def count_fitting(entities: Sequence[Mapping[str, Any] | None]) -> int:
    """How many entities of a page fit into one response, counted from the first. At least one if there are any."""
    left = LARGEST_PAGE
    for index, entity in enumerate(entities):
        left -= response_size(entity)
        if left < 0:
            return max(1, index)
    return len(entities)


def response_size(value: Any) -> int:
    """The number of bytes that a value takes in the response of a Lambda function.

    Lambda returns the body as a JSON string inside JSON, so quotes and line breaks are escaped twice. Some runtimes
    escape every character outside ASCII, so those are counted as escaped too.
    """
    return text_size(jsontext.dumps(value))


def text_size(text: str) -> int:
    """The number of bytes that a text takes in the response of a Lambda function, as part of its body."""
    return len(json.dumps(text))
