"""A webhook delivery as it was received, what is stored of it, and the response to it."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from journeys import dates
from journeys.jsontext import omit_none
from journeys.response_size import response_size
from journeys.webhooks.deliveries.model import RefusalReason
from journeys.webhooks.expressions import is_readable_header

MAX_TEXT_BODY = 3 * 1024 * 1024
"""Bytes of a body in a response. As text, 1 MiB of control characters takes 7 MiB, which no response may have."""


_VOLATILE_HEADERS = re.compile(r"time|date|attempt|retry|trace|span|length|^user-agent$|^host$|^accept|^connection$")
"""Headers that can differ between the attempts of a delivery."""


class SignatureInvalid(Exception):
    """The delivery is not signed by its sender.

    The reason is for the record of the delivery. No response shows it, so that it cannot help an attacker.
    """

    def __init__(self, reason: RefusalReason = RefusalReason.WRONG_SIGNATURE) -> None:
        super().__init__(reason.value)
        self.reason = reason


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
            raise SignatureInvalid(RefusalReason.MISSING_HEADER)
        return value

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class ReceivedDelivery:
    """What is kept of a verified delivery, so that it can be mapped at any later time with the same result.

    `body` is without its content coding. `headers` are those that mappings may read, with names in lower case.
    `received_ms` is the time of receipt in milliseconds since 1970. `delivery_id` is the sender's own id of the
    delivery, which is the same for every attempt.
    """

    endpoint_id: str
    body: bytes
    headers: Mapping[str, str]
    received_ms: int
    delivery_id: str | None = None

    @classmethod
    def of(
        cls, delivery: Delivery, endpoint_id: str, delivery_id: str | None, *, secret_header: str | None = None
    ) -> "ReceivedDelivery":
        """Return what is kept of a delivery. Its content coding must have been removed before.

        `secret_header` is the header that carries the signature if the endpoint's options name it.
        """
        hidden = (secret_header or "").lower()
        headers = {
            name: value for name, value in delivery.headers.items() if is_readable_header(name) and name != hidden
        }
        return cls(endpoint_id, delivery.body, headers, int(delivery.now * 1000), delivery_id)

    def to_delivery(self) -> Delivery:
        """Return the delivery for `Sender.extract_payloads`, without what only its verification needs."""
        return Delivery("POST", self.headers, {}, self.body, "", self.received_ms / 1000)

    @property
    def key(self) -> str:
        """32 hexadecimal digits that are the same for every attempt of this delivery.

        Without the sender's own id of the delivery, all headers count that do not differ from attempt to attempt: a
        mapping can take an event's id from any of them, and deliveries of equal bodies can be different events.
        """
        constant = sorted(item for item in self.headers.items() if not _VOLATILE_HEADERS.search(item[0]))
        identity = json.dumps([self.endpoint_id, self.delivery_id or constant])
        return hashlib.sha256(identity.encode() + self.body).hexdigest()[:32]

    def to_values(self) -> dict[str, Any]:
        """Return the delivery as JSON values, as it is stored and as the API returns it.

        The body is in base64 if it is not UTF-8, or if its text would take more than MAX_TEXT_BODY bytes in a response.
        """
        try:
            body, is_base64 = self.body.decode(), False
        except UnicodeDecodeError:
            body, is_base64 = "", True
        if is_base64 or response_size(body) > MAX_TEXT_BODY:
            body, is_base64 = base64.b64encode(self.body).decode(), True
        return omit_none(
            {
                "body": body,
                "isBase64Encoded": is_base64,
                "headers": dict(self.headers),
                "dateReceived": dates.text(self.received_ms),
                "deliveryId": self.delivery_id,
            }
        )

    @classmethod
    def from_values(cls, endpoint_id: str, values: Mapping[str, Any]) -> "ReceivedDelivery":
        """Return the delivery of stored JSON values."""
        body = values["body"]
        return cls(
            endpoint_id,
            base64.b64decode(body) if values["isBase64Encoded"] else body.encode(),
            values["headers"],
            dates.parse(values["dateReceived"]),
            values.get("deliveryId"),
        )


@dataclass(frozen=True, slots=True)
class DeliveryResponse:
    """The HTTP response to a delivery."""

    status: int
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
