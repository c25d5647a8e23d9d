"""API clients: each belongs to one organization and has permissions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journeys.errors import PermissionMissing

PERMISSIONS = frozenset(
    f"journey:{entity}:{action}"
    for entity, actions in {
        "externalEventsEvent": "add",
        "externalEventsSchema": "view add edit delete",
        "externalEventsConfiguration": "view add edit delete",
        "externalEventsFailures": "view edit",
        "externalEvents": "view activate edit",
        "eventDefinition": "view",
        "customers": "view",
        "usage": "view",
        "views": "view add edit delete",
        "viewsJobs": "view add edit",
        "viewsResults": "view",
        "viewsSchedule": "view add edit delete",
        "webhooks": "view add edit delete",
    }.items()
    for action in actions.split()
)


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the API. It has access only to its own organization."""

    client_id: str
    organization_id: str
    name: str
    permissions: frozenset[str]

    def require(self, permission: str) -> None:
        """Raises PermissionMissing unless the client has the permission."""
        if permission not in self.permissions:
            raise PermissionMissing(
                f"The client lacks the permission {permission}. Ask an administrator to grant it.",
                params={"permission": permission},
            )

    def reference(self) -> dict[str, str]:
        """The client as the contract's `DomainEntityRef`."""
        return {"id": self.client_id, "name": self.name}

    def to_values(self) -> dict[str, Any]:
        return {
            "clientId": self.client_id,
            "organizationId": self.organization_id,
            "name": self.name,
            "permissions": self.permissions or None,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Client":
        return cls(
            values["clientId"],
            values["organizationId"],
            values["name"],
            frozenset(values.get("permissions", ())),
        )
