"""Cursors: an opaque position in a listing.

The checksum protects from mistakes: a cursor of another listing is refused. It is no signature, so a caller can make
cursors for a listing of its own. That is safe, because a position is used only if it has the form of the listing's sort
keys, and then it is a place where a page can begin.
"""

import base64
import binascii
import hashlib
import re

from journeys import keys
from journeys.errors import BadRequest

CHECKSUM_BYTES = 9


def encode(position: str, *scope: str) -> str:
    """The cursor of a position. `scope` holds everything that distinguishes this listing from others."""
    text = position.encode()
    return base64.urlsafe_b64encode(_checksum(text, scope) + text).decode().rstrip("=")


def decode(cursor: str, form: re.Pattern[str], *scope: str) -> str:
    """The position of a cursor. Raises BadRequest if it is for another scope, or if its position has another form."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        checksum, text = data[:CHECKSUM_BYTES], data[CHECKSUM_BYTES:]
        position = text.decode()
        if checksum == _checksum(text, scope) and len(text) <= keys.LONGEST_SORT_KEY and form.fullmatch(position):
            return position
    except (binascii.Error, ValueError):
        pass
    raise BadRequest(
        "The cursor is not valid for this listing. Use a cursor that this listing returned, with the same filters.",
        code="invalid.cursor",
    )


def _checksum(text: bytes, scope: tuple[str, ...]) -> bytes:
    return hashlib.sha256(keys.join(*scope).encode() + b"\0" + text).digest()[:CHECKSUM_BYTES]
