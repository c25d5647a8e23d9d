"""Signatures, compared in constant time and as text: a signature written in another way is another signature."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from journeys.webhooks.delivery import NotProven

WINDOW_SECONDS = 300

ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")


def mac(key: bytes, content: bytes, algorithm: str = "sha256") -> bytes:
    """The HMAC of some content."""
    return hmac.digest(key, content, getattr(hashlib, algorithm))


def hexadecimal(digest: bytes) -> str:
    return digest.hex()


def base64_text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def keys_from_base64(texts: Iterable[str]) -> list[bytes]:
    """The keys that secrets hold in base64, padded or not; one that is no key is left out, as nothing can match it."""
    keys = []
    for text in texts:
        try:
            keys.append(base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True))
        except (binascii.Error, ValueError):
            continue
    return [key for key in keys if key]


def require_any(given: Iterable[str], expected: Iterable[str]) -> None:
    """Raises NotProven unless one of the texts given is one of those expected. All pairs are compared, always."""
    wanted = [text.encode() for text in expected]
    proven = False
    for text in given:
        for one in wanted:
            proven |= hmac.compare_digest(text.encode("utf-8", "surrogatepass"), one)
    if not proven:
        raise NotProven


def require_recent(timestamp: str, now: float, *, unit: float = 1) -> None:
    """Raises NotProven unless a timestamp, in digits, lies within five minutes of now, either way."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        raise NotProven
    if abs(int(timestamp) * unit - now) > WINDOW_SECONDS:
        raise NotProven
