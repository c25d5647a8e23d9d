"""Failures: payloads that were refused, stored with the reason for 30 days so that nothing is lost silently."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journeys import dates, keys
from journeys.events.refusals import REASONS, Refusal
from journeys.jsontext import canonical, omit_none
from journeys.registry.configurations.model import Configuration
from journeys.registry.native_types import NATIVE

RETENTION_SECONDS = 30 * 24 * 60 * 60

PROJECTION_FAILED = "projection.failed"
EVENT_CHANGED = "event.changed"
EVENT_REMOVED = "event.removed"

INVALID_PAYLOAD = "invalid.payload"
"""A webhook payload could not be read or mapped to an event."""
INVALID_MAPPING = "invalid.mapping"
CONFIGURATION_GONE = "configuration.gone"
"""The configuration of a webhook endpoint was deleted, or its schema was disabled."""

FAILURE_REASONS = (
    *(reason for reason, status in REASONS.items() if not status.retryable),
    INVALID_PAYLOAD,
    INVALID_MAPPING,
    CONFIGURATION_GONE,
    PROJECTION_FAILED,
    EVENT_CHANGED,
    EVENT_REMOVED,
)
"""Every reason that a failure can have."""

_RECORD_MESSAGES = {
    PROJECTION_FAILED: "A stored event could not be added to its customer's journey.",
    EVENT_CHANGED: "A stored event was changed. The payload is the event before the change.",
    EVENT_REMOVED: "A stored event was deleted. The payload is the deleted event.",
}


def failure_id(configuration_id: str, payload: object) -> str:
    """The id of a failure. It is a hash of the payload, so a repeated payload updates the existing failure."""
    return hashlib.sha256(f"{configuration_id}\n{canonical(payload)}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Failure:
    """One refused event, or one webhook delivery of which at least one event was refused.

    `date_first` and `date_last` are milliseconds since 1970. `replays` lists the results of replays, newest last.
    `replayable` is False if the payload is neither an event in the form in which senders send events nor a delivery.
    `endpoint_id` is set if it is a delivery. Its payload is {"delivery": ..., "events": [...]}: what the sender
    delivered, and what the mapping made of it.
    """

    failure_id: str
    organization_id: str
    configuration_id: str
    source: str
    reason: str
    message: str
    field_name: str | None
    differing: tuple[str, ...]
    payload: Any
    date_first: int
    date_last: int
    resolved: bool = False
    replayable: bool = True
    replays: tuple[Mapping[str, Any], ...] = ()
    endpoint_id: str | None = None

    @classmethod
    def of_event(
        cls, organization_id: str, configuration: Configuration, payload: object, refusal: Refusal, *, now_ms: int
    ) -> "Failure":
        """The failure of an event that ingest refused."""
        return cls(
            failure_id=failure_id(configuration.configuration_id, payload),
            organization_id=organization_id,
            configuration_id=configuration.configuration_id,
            source=configuration.source,
            reason=refusal.reason,
            message=refusal.message,
            field_name=refusal.field_name,
            differing=refusal.differing,
            payload=payload,
            date_first=now_ms,
            date_last=now_ms,
        )

    @classmethod
    def of_delivery(
        cls,
        organization_id: str,
        configuration_id: str,
        endpoint_id: str,
        payload: Mapping[str, Any],
        refusal: Refusal,
        *,
        failure_id: str,
        sender: str,
        now_ms: int,
    ) -> "Failure":
        """The failure of a webhook delivery. `refusal` is that of its first refused event."""
        return cls(
            failure_id=failure_id,
            organization_id=organization_id,
            configuration_id=configuration_id,
            source=sender,
            reason=refusal.reason,
            message=refusal.message,
            field_name=refusal.field_name,
            differing=refusal.differing,
            payload=payload,
            date_first=now_ms,
            date_last=now_ms,
            endpoint_id=endpoint_id,
        )

    @classmethod
    def of_native(
        cls,
        organization_id: str,
        source: str,
        envelope: Mapping[str, Any],
        refusal: Refusal,
        *,
        now_ms: int,
    ) -> "Failure":
        """The failure of a native event. The payload is the whole EventBridge event, so that it can be mapped again."""
        return cls(
            failure_id=failure_id(NATIVE, envelope),
            organization_id=organization_id,
            configuration_id=NATIVE,
            source=source,
            reason=refusal.reason,
            message=refusal.message,
            field_name=refusal.field_name,
            differing=refusal.differing,
            payload=envelope,
            date_first=now_ms,
            date_last=now_ms,
        )

    @classmethod
    def of_record(cls, image: Mapping[str, Any], reason: str, *, now_ms: int) -> "Failure":
        """The failure of a stream record.

        `image` is the stored event in DynamoDB's JSON. `reason` is PROJECTION_FAILED, EVENT_CHANGED or EVENT_REMOVED.
        """
        organization_id, configuration_id, *_ = [*keys.split(str(image.get("pk", {}).get("S", ""))), ""]
        return cls(
            failure_id=failure_id(configuration_id, [reason, image]),
            organization_id=organization_id,
            configuration_id=configuration_id,
            source=str(image.get("source", {}).get("S", "")),
            reason=reason,
            message=_RECORD_MESSAGES[reason],
            field_name=None,
            differing=(),
            payload=image,
            date_first=now_ms,
            date_last=now_ms,
            replayable=False,
        )

    def to_wire(self, *, whole: bool) -> dict[str, Any]:
        """The failure as the API returns it. `whole` adds what was refused and the replays."""
        wire: dict[str, Any] = {
            "id": self.failure_id,
            "configurationId": self.configuration_id,
            "endpointId": self.endpoint_id,
            "source": self.source,
            "reason": self.reason,
            "message": self.message,
            "fieldName": self.field_name,
            "differingFields": list(self.differing) or None,
            "dateFirstFailed": dates.text(self.date_first),
            "dateLastFailed": dates.text(self.date_last),
            "status": "resolved" if self.resolved else "open",
            "selfUri": f"/api/v2/journey/externalevents/failures/{self.failure_id}",
        }
        if whole:
            wire["replays"] = list(self.replays)
            if self.endpoint_id is not None and isinstance(self.payload, dict):
                wire |= self.payload
            else:
                wire["payload"] = self.payload
        return omit_none(wire)
