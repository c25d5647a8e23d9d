"""Cursors: an opaque position in a listing, valid only for the listing that returned it."""

import base64
import binascii
import hashlib

from journeys import keys
from journeys.errors import BadRequest

_CHECK = 9


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
