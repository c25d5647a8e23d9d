"""Cursors: a place in a listing, opaque to the caller, good only for the listing that gave it.

A page ends where so many entities were asked for, or where one answer can hold no more; then its cursor is there.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from journeys import jsontext, keys
from journeys.errors import BadRequest

LARGEST_PAGE = 4_500_000
"""Bytes of a page's entities, as Lambda answers with them. It refuses to answer with over 6 MB; the rest is room for
what an answer holds beside them."""

_CHECK = 9


def fitting(entities: Sequence[Mapping[str, Any] | None]) -> int:
    """How many of a page's entities, from the first on, one answer can hold; one at least, if there are any.

    Lambda writes an answer's JSON into JSON, so quotes and line breaks are escaped a second time. Not every runtime
    leaves other letters than ASCII's as they are, so those are counted as escaped too.
    """
    left = LARGEST_PAGE
    for number, entity in enumerate(entities):
        left -= size_answered(entity)
        if left < 0:
            return max(1, number)
    return len(entities)


def size_answered(value: Any) -> int:
    """The bytes that a value takes in what Lambda answers with."""
    return len(json.dumps(jsontext.dumps(value)))


def encode(position: str, *scope: str) -> str:
    """The cursor of a place; `scope` is all that makes this listing different from others."""
    text = position.encode()
    return base64.urlsafe_b64encode(_check(text, scope) + text).decode().rstrip("=")


def decode(cursor: str, *scope: str) -> str:
    """The place that a cursor names. Raises BadRequest unless it is one of ours, for this listing."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, text = data[:_CHECK], data[_CHECK:]
        if check == _check(text, scope):
            return text.decode()
    except (binascii.Error, ValueError):
        pass
    raise BadRequest("The cursor is not one that this listing gave.", code="invalid.cursor")


def _check(text: bytes, scope: tuple[str, ...]) -> bytes:
    return hashlib.sha256(keys.join(*scope).encode() + b"\0" + text).digest()[:_CHECK]
