"""A webhook endpoint: where one SaaS tool delivers to, how its deliveries are proven, and how they become events."""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from journeys import dates
from journeys.events.refusals import Refusal
from journeys.jsontext import omit_none

ENDPOINT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def new_endpoint_id() -> str:
    """An id that nobody guesses: 192 bits."""
    return secrets.token_urlsafe(24)


def new_secret() -> str:
    """A secret for a sender that leaves making one to us, in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. `options` are the sender's own; `mapping` holds what differs from the sender's preset.

    Its secrets are elsewhere. Dates are milliseconds.
    """

    endpoint_id: str
    organization_id: str
    name: str
    sender: str
    configuration_id: str
    enabled: bool
    date_created: int
    date_modified: int
    options: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict)

    def to_wire(self, url: str) -> dict[str, Any]:
        """An endpoint as the API shows it, without its secrets."""
        return omit_none(
            {
                "id": self.endpoint_id,
                "name": self.name,
                "sender": self.sender,
                "configurationId": self.configuration_id,
                "enabled": self.enabled,
                "options": dict(self.options),
                "mapping": dict(self.mapping),
                "url": url,
                "dateCreated": dates.text(self.date_created),
                "dateModified": dates.text(self.date_modified),
                "selfUri": f"/api/v2/journey/webhooks/endpoints/{self.endpoint_id}",
            }
        )

    def to_values(self) -> dict[str, Any]:
        """What a row holds, beside its key."""
        return {
            "endpointId": self.endpoint_id,
            "organizationId": self.organization_id,
            "name": self.name,
            "sender": self.sender,
            "configurationId": self.configuration_id,
            "enabled": self.enabled,
            "options": dict(self.options),
            "mapping": dict(self.mapping),
            "dateCreated": dates.text(self.date_created),
            "dateModified": dates.text(self.date_modified),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Endpoint":
        return cls(
            endpoint_id=values["endpointId"],
            organization_id=values["organizationId"],
            name=values["name"],
            sender=values["sender"],
            configuration_id=values["configurationId"],
            enabled=values["enabled"],
            options=values["options"],
            mapping=values["mapping"],
            date_created=dates.parse(values["dateCreated"]),
            date_modified=dates.parse(values["dateModified"]),
        )


@dataclass(frozen=True, slots=True)
class EndpointWithSecret:
    """An endpoint and its current secret. Only the responses to a creation and a rotation show the secret."""

    endpoint: Endpoint
    secret: str

    def to_wire(self, url: str) -> dict[str, Any]:
        return self.endpoint.to_wire(url) | {"secret": self.secret}


@dataclass(frozen=True, slots=True)
class MappedEvent:
    """One event that a mapping made of a sample; `refusal` is set if the event is invalid.

    `event` is None if the mapping found no events in the payload.
    """

    event: Mapping[str, Any] | None
    refusal: Refusal | None

    def to_wire(self) -> dict[str, Any]:
        wire: dict[str, Any] = {"outcome": "refused" if self.refusal else "valid"}
        if self.event is not None:
            wire["event"] = self.event
        if self.refusal is not None:
            wire |= omit_none({"errorCode": self.refusal.reason, "errorMessage": self.refusal.message})
            wire |= omit_none({"fieldName": self.refusal.field_name})
        return wire
