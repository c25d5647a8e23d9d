"""Delivery records: what became of each delivery to an endpoint, for 14 days and without its content."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from journeys import dates
from journeys.jsontext import omit_none

RETENTION_SECONDS = 14 * 24 * 60 * 60
MAX_RECORD_BYTES = 1024
"""Bytes of a stored record, so that it costs one write unit."""
MAX_SENDER_ID = 100
"""Characters of the sender's id of a delivery that a record keeps."""


class RecordedOutcome(StrEnum):
    """What became of a delivery."""

    INGESTED = "ingested"
    """Every event was stored, was stored before, or was ignored."""
    FAILED = "failed"
    """At least one event was refused for good. `failure_id` names the failure."""
    IGNORED = "ignored"
    """The routing matched none of the events."""
    EMPTY = "empty"
    """The delivery holds no event."""
    QUEUED = "queued"
    """The delivery was stored whole, and its events are ingested from the queue."""
    HANDSHAKE = "handshake"
    """The sender checked the address."""
    REFUSED = "refused"
    """The sender got an error. `reason` says why."""


class RefusalReason(StrEnum):
    """Why a delivery was refused. The sender never learns which of them it was when the signature is invalid."""

    WRONG_SIGNATURE = "wrong.signature"
    TOO_OLD = "too.old"
    """The signed time is more than five minutes from the time of receipt."""
    MISSING_HEADER = "missing.header"
    """A header, or a field, that the signature needs is missing."""
    WAITING_FOR_SECRET = "waiting.for.secret"  # noqa: S105  # No password.
    """The endpoint has no secret yet."""
    TOO_LARGE = "too.large"
    """The body has more than 1 MiB."""
    INVALID_CODING = "invalid.coding"
    """The content coding is damaged, or not supported."""
    RETRY = "retry"
    """A temporary error. The sender has to deliver again."""


def new_record_id(received_ms: int) -> str:
    """Return a random id that begins with the time of receipt in milliseconds, so that ids sort by time."""
    return f"{received_ms:012x}{secrets.token_hex(8)}"


def shorten_sender_id(text: str | None) -> str | None:
    """Return the part of a sender's id that a record keeps, in ASCII. An empty text counts as none."""
    return text[:MAX_SENDER_ID].encode("ascii", "replace").decode() if text else None


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One delivery to an endpoint.

    `date_received` is in milliseconds since 1970, `duration` in milliseconds until the response or, for a delivery that
    was queued, until its events were stored. `size` is that of the body in bytes. `sender_delivery_id` is the sender's
    own id of the delivery, shortened.
    """

    record_id: str
    organization_id: str
    endpoint_id: str
    date_received: int
    outcome: RecordedOutcome
    reason: RefusalReason | None = None
    created: int = 0
    duplicate: int = 0
    failed: int = 0
    ignored: int = 0
    size: int = 0
    duration: int = 0
    failure_id: str | None = None
    sender_delivery_id: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the record as the API returns it."""
        deliveries = f"/api/v2/journey/webhooks/endpoints/{self.endpoint_id}/deliveries"
        failure = f"/api/v2/journey/externalevents/failures/{self.failure_id}" if self.failure_id else None
        return omit_none(
            {
                "id": self.record_id,
                "dateReceived": dates.text(self.date_received),
                "outcome": self.outcome.value,
                "reason": self.reason.value if self.reason else None,
                "created": self.created,
                "duplicate": self.duplicate,
                "failed": self.failed,
                "ignored": self.ignored,
                "bytes": self.size,
                "durationMs": self.duration,
                "senderDeliveryId": self.sender_delivery_id,
                "failureId": self.failure_id,
                "failureUri": failure,
                "selfUri": f"{deliveries}/{self.record_id}",
            }
        )

    def to_values(self) -> dict[str, Any]:
        """Return the attributes of the stored item, without its key."""
        return {
            "organizationId": self.organization_id,
            "endpointId": self.endpoint_id,
            "dateReceived": dates.text(self.date_received),
            "outcome": self.outcome.value,
            "reason": self.reason.value if self.reason else None,
            "created": self.created,
            "duplicate": self.duplicate,
            "failed": self.failed,
            "ignored": self.ignored,
            "bytes": self.size,
            "durationMs": self.duration,
            "failureId": self.failure_id,
            "senderDeliveryId": self.sender_delivery_id,
            "expires": self.date_received // 1000 + RETENTION_SECONDS,
        }

    @classmethod
    def from_values(cls, record_id: str, values: Mapping[str, Any]) -> "DeliveryRecord":
        """Return the record of a stored item."""
        return cls(
            record_id=record_id,
            organization_id=values["organizationId"],
            endpoint_id=values["endpointId"],
            date_received=dates.parse(values["dateReceived"]),
            outcome=RecordedOutcome(values["outcome"]),
            reason=RefusalReason(values["reason"]) if "reason" in values else None,
            created=values["created"],
            duplicate=values["duplicate"],
            failed=values["failed"],
            ignored=values["ignored"],
            size=values["bytes"],
            duration=values["durationMs"],
            failure_id=values.get("failureId"),
            sender_delivery_id=values.get("senderDeliveryId"),
        )
