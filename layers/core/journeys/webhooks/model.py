"""Webhook endpoints: where a tool delivers, how its signature is verified, and how its payloads become events."""

import base64
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from journeys import dates
from journeys.events.refusals import Refusal
from journeys.jsontext import omit_none

DISABLED_BY_DELETION = "configuration.deleted"
"""Why an endpoint is disabled whose configuration was deleted by force."""

ENDPOINT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def new_endpoint_id() -> str:
    """Return a random identifier of 192 bits. It is part of the public address, so it must not be guessable.

    It never begins with a hyphen, which commands would take for an option.
    """
    while (endpoint_id := secrets.token_urlsafe(24)).startswith("-"):
        pass
    return endpoint_id


def new_secret() -> str:
    """Return a random secret in the form of Standard Webhooks. Other senders can use it as any text."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, slots=True)
class Routing:
    """Sends the events of one endpoint to several configurations.

    `expression` is evaluated like those of the mapping. `configurations` has the id of the configuration for each of
    its results: a text, a whole number, `true` or `false`. An event with another result is ignored.
    """

    expression: str
    configurations: Mapping[str, str]

    def to_wire(self) -> dict[str, Any]:
        """Return the routing as the API returns it and as it is stored."""
        return {"expression": self.expression, "configurations": dict(self.configurations)}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint, without its secrets, which are in Secrets Manager.

    Either `configuration_id` or `routing` is set. `options` are those that the sender defines. `mapping` overrides the
    sender's preset of `preset_version`. Dates are milliseconds since 1970. `revision` counts the changes; a change is
    stored only if no other came before it. `secret_version` names the version of the secrets in Secrets Manager. If it
    is None, the endpoint is of the first release, whose secrets have no version, or it has no secrets.
    `disabled_reason` is the reason if the endpoint was not disabled by its owner.
    """

    endpoint_id: str
    organization_id: str
    name: str
    sender: str
    configuration_id: str | None
    enabled: bool
    date_created: int
    date_modified: int
    options: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict)
    preset_version: int = 1
    routing: Routing | None = None
    revision: int = 0
    secret_version: str | None = None
    waiting_for_secret: bool = False
    disabled_reason: str | None = None

    @property
    def status(self) -> str:
        """Whether the endpoint receives deliveries: `active`, `disabled` or `waitingForSecret`."""
        if not self.enabled:
            return "disabled"
        return "waitingForSecret" if self.waiting_for_secret else "active"

    @property
    def configuration_ids(self) -> tuple[str, ...]:
        """The configurations that events of this endpoint can go to, each once; at least one."""
        if self.routing is not None:
            return tuple(dict.fromkeys(self.routing.configurations.values()))
        return () if self.configuration_id is None else (self.configuration_id,)

    def to_wire(self, url: str) -> dict[str, Any]:
        """Return the endpoint as the API returns it. `url` is its public address."""
        return omit_none(
            {
                "id": self.endpoint_id,
                "name": self.name,
                "sender": self.sender,
                "configurationId": self.configuration_id,
                "routing": self.routing.to_wire() if self.routing else None,
                "enabled": self.enabled,
                "status": self.status,
                "disabledReason": self.disabled_reason,
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
            "routing": self.routing.to_wire() if self.routing else None,
            "enabled": self.enabled,
            "options": dict(self.options),
            "mapping": dict(self.mapping),
            "presetVersion": self.preset_version,
            "dateCreated": dates.text(self.date_created),
            "dateModified": dates.text(self.date_modified),
            "revision": self.revision,
            "secretVersion": self.secret_version,
            "waitingForSecret": self.waiting_for_secret,
            "disabledReason": self.disabled_reason,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Endpoint":
        """Return the endpoint of a stored item."""
        return cls(
            endpoint_id=values["endpointId"],
            organization_id=values["organizationId"],
            name=values["name"],
            sender=values["sender"],
            configuration_id=values.get("configurationId"),
            routing=Routing(**values["routing"]) if values.get("routing") else None,
            enabled=values["enabled"],
            options=values["options"],
            mapping=values["mapping"],
            date_created=dates.parse(values["dateCreated"]),
            date_modified=dates.parse(values["dateModified"]),
            preset_version=values.get("presetVersion", 1),  # Endpoints of the first release have none.
            revision=values.get("revision", 0),
            secret_version=values.get("secretVersion"),
            waiting_for_secret=values.get("waitingForSecret", False),
            disabled_reason=values.get("disabledReason"),
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """Why deliveries to an endpoint fail. `field_name` is the part of the endpoint that has to be changed."""

    code: str
    field_name: str
    message: str

    def to_wire(self) -> dict[str, str]:
        """Return the problem as the API returns it."""
        return {"errorCode": self.code, "fieldName": self.field_name, "message": self.message}


@dataclass(frozen=True, slots=True)
class EndpointDescription:
    """An endpoint, the mapping that results from its preset and its own, and why its deliveries will fail."""

    endpoint: Endpoint
    effective_mapping: Mapping[str, Any]
    problems: Sequence[Problem]

    def to_wire(self, url: str) -> dict[str, Any]:
        """Return the endpoint as the API returns it."""
        return self.endpoint.to_wire(url) | {
            "effectiveMapping": self.effective_mapping,
            "problems": [problem.to_wire() for problem in self.problems],
        }


@dataclass(frozen=True, slots=True)
class EndpointWithSecret:
    """An endpoint and its current secret. Only the responses to a creation and a rotation show the secret.

    `secret` is None if the endpoint waits for its secret or needs none, or if a rotation kept the current secret.
    """

    endpoint: Endpoint
    secret: str | None

    def to_wire(self, url: str) -> dict[str, Any]:
        """Return the endpoint as the API returns it, with its secret."""
        return self.endpoint.to_wire(url) | omit_none({"secret": self.secret})


@dataclass(frozen=True, slots=True)
class MappedEvent:
    """What a mapping made of one part of a payload.

    `refusal` is set if the event is invalid. `event` is None if the mapping made none of it. `configuration_id` is None
    if the endpoint's routing ignores the event, or if its configuration is not known.
    """

    configuration_id: str | None = None
    event: Mapping[str, Any] | None = None
    refusal: Refusal | None = None

    @property
    def outcome(self) -> str:
        """`valid`, `refused` or `ignored`."""
        if self.refusal is not None:
            return "refused"
        return "ignored" if self.event is None else "valid"

    def to_wire(self) -> dict[str, Any]:
        """Return the event as the API returns it."""
        wire: dict[str, Any] = {
            "outcome": self.outcome,
            "configurationId": self.configuration_id,
            "event": self.event,
        }
        if self.refusal is not None:
            wire["errorCode"] = self.refusal.reason
            wire["errorMessage"] = self.refusal.message
            wire["fieldName"] = self.refusal.field_name
        return omit_none(wire)
