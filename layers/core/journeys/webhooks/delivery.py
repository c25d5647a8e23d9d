"""What arrived at an endpoint, to the byte, and what is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

INVALID_PAYLOAD = "invalid.payload"
"""The reason of a failure that is Unreadable."""


class NotProven(Exception):
    """The delivery does not prove that it comes from its sender. Says nothing more, so that nobody learns from it."""


class Unreadable(Exception):
    """The delivery is proven, but what it carries is not what its sender's deliveries look like."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request. Names of headers are in lower case; `uri` is the public address; `now` is in seconds."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    uri: str
    now: float

    def header(self, name: str) -> str:
        """A header that the proof needs. Raises NotProven where it is missing."""
        value = self.headers.get(name)
        if not value:
            raise NotProven
        return value

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told."""

    status: int
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
