"""Webhook endpoints: where a tool delivers, how its signature is verified, and how its payloads become events."""

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
    """Return a random identifier of 192 bits. It is part of the public address, so it must not be guessable."""
    return secrets.token_urlsafe(24)


def new_secret() -> str:
    """Return a random secret in the form of Standard Webhooks, for senders that let the receiver choose it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint, without its secrets, which are in Secrets Manager.

    `options` are those that the sender defines. `mapping` overrides the sender's preset of `preset_version`. Dates are
    milliseconds since 1970. `revision` counts the changes; a change is stored only if no other came before it.
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
    preset_version: int = 1
    revision: int = 0

    def to_wire(self, url: str) -> dict[str, Any]:
        """Return the endpoint as the API returns it. `url` is its public address."""
        return omit_none(
            {
                "id": self.endpoint_id,
                "name": self.name,
                "sender": self.sender,
                "configurationId": self.configuration_id,
                "enabled": self.enabled,
                "options": dict(self.options),
                "presetVersion": self.preset_version,
                "mapping": dict(self.mapping),
                "url": url,
                "dateCreated": dates.text(self.date_created),
                "dateModified": dates.text(self.date_modified),
                "selfUri": f"/api/v2/journey/webhooks/endpoints/{self.endpoint_id}",
            }
        )

    def to_values(self) -> dict[str, Any]:
        """Return the attributes of the stored item, without its key."""
        return {
            "endpointId": self.endpoint_id,
            "organizationId": self.organization_id,
            "name": self.name,
            "sender": self.sender,
            "configurationId": self.configuration_id,
            "enabled": self.enabled,
            "options": dict(self.options),
            "mapping": dict(self.mapping),
            "presetVersion": self.preset_version,
            "dateCreated": dates.text(self.date_created),
            "dateModified": dates.text(self.date_modified),
            "revision": self.revision,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Endpoint":
        """Return the endpoint of a stored item."""
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
            preset_version=values.get("presetVersion", 1),  # Endpoints of the first release have none.
            revision=values.get("revision", 0),
        )


@dataclass(frozen=True, slots=True)
class EndpointWithSecret:
    """An endpoint and its current secret. Only the responses to a creation and a rotation show the secret."""

    endpoint: Endpoint
    secret: str

    def to_wire(self, url: str) -> dict[str, Any]:
        """Return the endpoint as the API returns it, with its secret."""
        return self.endpoint.to_wire(url) | {"secret": self.secret}


@dataclass(frozen=True, slots=True)
class MappedEvent:
    """One event that a mapping made of a sample; `refusal` is set if the event is invalid.

    `event` is None if the mapping found no events in the payload.
    """

    event: Mapping[str, Any] | None
    refusal: Refusal | None

    def to_wire(self) -> dict[str, Any]:
        """Return the event as the API returns it."""
        wire: dict[str, Any] = {"event": self.event, "outcome": "refused" if self.refusal else "valid"}
        if self.refusal is not None:
            wire["errorCode"] = self.refusal.reason
            wire["errorMessage"] = self.refusal.message
            wire["fieldName"] = self.refusal.field_name
        return omit_none(wire)
