"""A webhook delivery as it was received, and the response to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

"""The reason of the failure that is stored for an InvalidPayload."""


class SignatureInvalid(Exception):
    """The delivery is not signed by its sender. It carries no reason, so that a response cannot help an attacker."""


class InvalidPayload(Exception):
    """The signature is valid, but the payload does not have the form that the sender's payloads have."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One HTTP request of a sender.

    Names of headers are in lower case. `query` is decoded. `body` holds the exact bytes, since senders sign them.
    `uri` is the public address without its query. `now` is the time of receipt in seconds since 1970. `decoded` is the
    body without its content coding; None if it has none.
    """

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    uri: str
    now: float
    decoded: bytes | None = None

    def without_coding(self) -> "Delivery":
        """Return the delivery with the decoded body. The signature must be verified before, over the exact bytes."""
        return self if self.decoded is None else replace(self, body=self.decoded, decoded=None)

    def header(self, name: str) -> str:
        """Return a header that the signature needs. Raises SignatureInvalid if it is missing or empty."""
        value = self.headers.get(name)
        if not value:
            raise SignatureInvalid
        return value

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class DeliveryResponse:
    """The HTTP response to a delivery."""

    status: int
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
