"""Event definitions: event types as journey views see them, and which of them need attention."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from journeys import dates
from journeys.jsontext import omit_none
from journeys.registry.schemas.model import Schema


class SystemStatus(StrEnum):
    """The contract's `systemStatus`."""

    NEW = "New"
    UPDATED = "Updated"
    ACTIVE = "Active"
    INACTIVE = "Inactive"
    ERROR = "Error"


NO_CONFIGURATION = "no.configuration"


def is_active(schema: Schema) -> bool:
    """Whether journey views can use the event type: it is enabled and activated."""
    return schema.enabled and schema.activation is not None


def system_status(schema: Schema, *, bound: bool) -> SystemStatus:
    """The status of an event type for analysts. `bound` is True if a configuration exists for it."""
    if not schema.enabled:
        return SystemStatus.INACTIVE
    if schema.activation is None:
        return SystemStatus.NEW
    if not bound:
        return SystemStatus.ERROR
    if schema.version > schema.activation.version:
        return SystemStatus.UPDATED
    return SystemStatus.ACTIVE


def to_definition(schema: Schema) -> dict[str, Any]:
    """The contract's `JourneyEventDefinition`."""
    activation = schema.activation
    raw: Mapping[str, Any] = schema.raw
    definition = {
        "id": schema.schema_id,
        "name": schema.title,
        "source": "Native" if schema.is_native else "External",
        "rank": activation.rank if activation else 0,
        "displayName": activation.display_name if activation else schema.title,
        "description": raw.get("description"),
        "jsonSchema": {"id": schema.schema_id, "type": "object", "additionalProperties": False} | dict(raw),
        "selfUri": f"/api/v2/journey/views/eventdefinitions/{schema.schema_id}",
    }
    return omit_none(definition)


def to_activation(schema: Schema) -> dict[str, Any]:
    """The contract's `ActivateExternalEventResponse` and `UpdateExternalEventResponse`."""
    activation = schema.activation
    return {
        "schemaId": schema.schema_id,
        "eventName": schema.title,
        "displayName": activation.display_name if activation else schema.title,
        "rank": activation.rank if activation else 0,
        "activationStatus": "Activated" if is_active(schema) else "Deactivated",
    }


def to_summary(schema: Schema, *, bound: bool) -> dict[str, Any]:
    """The contract's `ExternalEventSummary`."""
    activation = schema.activation
    modified = max(schema.date_modified, activation.date_modified if activation else 0)
    summary = to_activation(schema) | {
        "systemStatus": system_status(schema, bound=bound),
        "dateCreated": dates.text(schema.date_created),
        "dateModified": dates.text(modified),
        "dateFirstActivated": dates.text(activation.date_first_activated) if activation else None,
    }
    return omit_none(summary)


def to_change(schema: Schema, *, bound: bool) -> dict[str, Any] | None:
    """The contract's `ExternalEventChange`, or None if the event type needs no attention."""
    status = system_status(schema, bound=bound)
    if status not in (SystemStatus.NEW, SystemStatus.UPDATED, SystemStatus.ERROR):
        return None
    change: dict[str, Any] = {
        "changeCategory": status,
        "schemaId": schema.schema_id,
        "eventName": schema.title,
        "dateDetected": dates.text(schema.date_modified),
        "systemStatus": status,
    }
    if status is SystemStatus.ERROR:
        change |= {
            "errorCode": NO_CONFIGURATION,
            "errorDescription": "No configuration exists for this event type, so no events of it can be sent.",
        }
    return change
