"""Configurations: each binds an event type to a source. Events are sent to a configuration."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journeys import dates
from journeys.jsontext import omit_none

_NAMESPACE = uuid.UUID("5f0c6f0e-6d3f-5c67-9b0e-0b7c0a3b6f11")


def configuration_id(organization_id: str, schema_id: str, source: str) -> str:
    """The id of a configuration, derived from the schema and the source. A re-created configuration has the same id."""
    return str(uuid.uuid5(_NAMESPACE, f"{organization_id}\n{schema_id}\n{source}"))


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration. Deleted ones remain in the table, because their events remain. Dates are milliseconds."""

    configuration_id: str
    name: str
    description: str | None
    division_id: str | None
    schema_id: str
    source: str
    deleted: bool
    date_modified: int

    def to_wire(self, *, schema_active: bool) -> dict[str, Any]:
        """The contract's `ExternalEventsConfiguration`."""
        return omit_none(
            {
                "id": self.configuration_id,
                "name": self.name,
                "description": self.description,
                "divisionId": self.division_id,
                "divisionIdActive": True,
                "schemaId": self.schema_id,
                "schemaActive": schema_active,
                "source": self.source,
                "dateLastModified": dates.text(self.date_modified),
                "selfUri": f"/api/v2/journey/externalevents/configurations/{self.configuration_id}",
            }
        )

    def to_values(self) -> dict[str, Any]:
        """The attributes of the item, without its key."""
        return {
            "configurationId": self.configuration_id,
            "name": self.name,
            "description": self.description,
            "divisionId": self.division_id,
            "schemaId": self.schema_id,
            "source": self.source,
            "deleted": self.deleted,
            "dateModified": dates.text(self.date_modified),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Configuration":
        return cls(
            configuration_id=values["configurationId"],
            name=values["name"],
            description=values.get("description"),
            division_id=values.get("divisionId"),
            schema_id=values["schemaId"],
            source=values["source"],
            deleted=values["deleted"],
            date_modified=dates.parse(values["dateModified"]),
        )
