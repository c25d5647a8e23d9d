"""An event type: a schema with its versions, its slot and its activation for journey views."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from journeys import dates, jsontext
from journeys.errors import BadRequest, Detail
from journeys.messages import join_messages
from journeys.registry.schemas import document
from journeys.registry.schemas.document import Document

SLOTS = "abcdefghijklmnopqrst"
"""The letters that stand for an organization's event types in journeys, one for each type."""
NATIVE_SLOTS = "ABCDEFGHIJKLMNOP"
"""The letters of the native event types, which are the same for all organizations."""
ALL_SLOTS = SLOTS + NATIVE_SLOTS
"""All letters. The archive stores the index of a letter, so no letter ever moves."""


@dataclass(frozen=True, slots=True)
class Activation:
    """How journey views show an activated event type. Dates are milliseconds. `version` is the acknowledged one."""

    display_name: str
    rank: int
    version: int
    date_first_activated: int
    date_modified: int


@dataclass(frozen=True)
class Schema:
    """One version of an event type. `used` is True once a configuration was created for it. Dates are milliseconds."""

    schema_id: str
    version: int
    enabled: bool
    slot: str
    used: bool
    date_created: int
    date_modified: int
    created_by: Mapping[str, str]
    raw: Mapping[str, Any]
    activation: Activation | None = None

    @cached_property
    def document(self) -> Document:
        return document.parse(self.raw)

    @property
    def title(self) -> str:
        """The name of the event type and of its events."""
        return str(self.raw["title"])

    @property
    def is_native(self) -> bool:
        """Whether contact centers send the events, and nobody in the organization defines the type."""
        return self.slot in NATIVE_SLOTS

    def to_wire(self) -> dict[str, Any]:
        """The contract's `JourneyExternalEventsSchema`."""
        self_uri = f"/api/v2/journey/externalevents/schemas/{self.schema_id}"
        return {
            "id": self.schema_id,
            "version": self.version,
            "enabled": self.enabled,
            "dateCreated": dates.text(self.date_created),
            "createdBy": dict(self.created_by),
            "jsonSchema": dict(self.raw),
            "selfUri": self_uri,
        }

    def to_values(self) -> dict[str, Any]:
        """The attributes of the item, without its key."""
        activation = self.activation
        return {
            "schemaId": self.schema_id,
            "version": self.version,
            "enabled": self.enabled,
            "slot": self.slot,
            "used": self.used,
            "dateCreated": dates.text(self.date_created),
            "dateModified": dates.text(self.date_modified),
            "createdBy": dict(self.created_by),
            "jsonSchema": jsontext.dumps(self.raw),  # Stored as text to keep the order of the fields.
            "activation": activation
            and {
                "displayName": activation.display_name,
                "rank": activation.rank,
                "version": activation.version,
                "dateFirstActivated": dates.text(activation.date_first_activated),
                "dateModified": dates.text(activation.date_modified),
            },
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Schema":
        activation = values.get("activation")
        return cls(
            schema_id=values["schemaId"],
            version=values["version"],
            enabled=values["enabled"],
            slot=values["slot"],
            used=values["used"],
            date_created=dates.parse(values["dateCreated"]),
            date_modified=dates.parse(values["dateModified"]),
            created_by=values["createdBy"],
            raw=jsontext.loads(values["jsonSchema"].encode()),
            activation=activation
            and Activation(
                display_name=activation["displayName"],
                rank=activation["rank"],
                version=activation["version"],
                date_first_activated=dates.parse(activation["dateFirstActivated"]),
                date_modified=dates.parse(activation["dateModified"]),
            ),
        )


def check_evolution(old: Document, new: Document) -> None:
    """Raises BadRequest with every incompatible change between two versions."""
    breaking = list(document.differences(old, new))
    if breaking:
        raise BadRequest(
            join_messages([message for _, _, message in breaking]),
            code=breaking[0][0],
            details=[Detail(code, where) for code, where, _ in breaking],
        )
