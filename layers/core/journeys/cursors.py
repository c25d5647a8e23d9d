"""Cursors: an opaque position in a listing. A cursor is valid only for the listing that returned it."""

import base64
import binascii
import hashlib

from journeys import keys
from journeys.errors import BadRequest

_CHECKSUM_BYTES = 9


def encode(position: str, *scope: str) -> str:
    """The cursor of a position. `scope` holds everything that distinguishes this listing from others."""
    text = position.encode()
    return base64.urlsafe_b64encode(_checksum(text, scope) + text).decode().rstrip("=")


def decode(cursor: str, *scope: str) -> str:
    """The position of a cursor. Raises BadRequest if `encode` did not return it for the same scope."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        checksum, text = data[:_CHECKSUM_BYTES], data[_CHECKSUM_BYTES:]
        if checksum == _checksum(text, scope):
            return text.decode()
    except (binascii.Error, ValueError):
        pass
    raise invalid()


def invalid() -> BadRequest:
    """The error for a cursor that the listing did not return."""
    return BadRequest(
        "The cursor is not valid for this listing. Use a cursor that this listing returned, with the same filters.",
        code="invalid.cursor",
    )


def _checksum(text: bytes, scope: tuple[str, ...]) -> bytes:
    return hashlib.sha256(keys.join(*scope).encode() + b"\0" + text).digest()[:_CHECKSUM_BYTES]
