"""Compute and compare signatures.

Signatures are compared as text and in constant time. A signature in another notation, such as hexadecimal digits in
upper case, is invalid.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from journeys.webhooks.deliveries.model import RefusalReason
from journeys.webhooks.delivery import SignatureInvalid

TOLERANCE_SECONDS = 300
"""How far a signed time may be from the time of receipt, in the past or in the future."""

ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")


def mac(key: bytes, content: bytes, algorithm: str = "sha256") -> bytes:
    """Return the HMAC of the content."""
    return hmac.digest(key, content, getattr(hashlib, algorithm))


def hexadecimal(digest: bytes) -> str:
    return digest.hex()


def base64_text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def keys_from_base64(texts: Iterable[str]) -> list[bytes]:
    """Decode keys in base64, with or without padding. Texts that are not base64 and empty keys are left out."""
    keys = []
    for text in texts:
        try:
            keys.append(base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True))
        except (binascii.Error, ValueError):
            continue
    return [key for key in keys if key]


def require_any(signatures: Iterable[str], expected: Iterable[str]) -> None:
    """Raise SignatureInvalid unless one of the signatures equals one of those expected.

    All pairs are compared, even after a match, so that the duration does not depend on which one matches.
    """
    expected_bytes = [text.encode() for text in expected]
    valid = False
    for signature in signatures:
        for text in expected_bytes:
            valid |= hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), text)
    if not valid:
        raise SignatureInvalid


def require_recent(timestamp: str, now: float, *, unit: float = 1) -> None:
    """Raise SignatureInvalid unless the timestamp is within TOLERANCE_SECONDS of `now`, in seconds.

    `timestamp` consists of digits. `unit` is the number of seconds that it counts in, such as 0.001 for milliseconds.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        raise SignatureInvalid
    if abs(int(timestamp) * unit - now) > TOLERANCE_SECONDS:
        raise SignatureInvalid(RefusalReason.TOO_OLD)
