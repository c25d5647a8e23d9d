"""API clients: programs that call the API with a secret. The permissions of all callers are listed here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journeys.jsontext import omit_none
from journeys.registry.callers import Caller, State

PERMISSIONS = frozenset(
    f"journey:{entity}:{action}"
    for entity, actions in {
        "externalEventsEvent": "add",
        "externalEventsSchema": "view add edit delete",
        "externalEventsConfiguration": "view add edit delete",
        "externalEventsFailures": "view edit",
        "externalEvents": "view activate edit",
        "eventDefinition": "view",
        "customers": "view edit",
        "usage": "view",
        "views": "view add edit delete",
        "viewsJobs": "view add edit",
        "viewsResults": "view",
        "viewsCustomers": "view",
        "viewsSchedule": "view add edit delete",
        "webhooks": "view add edit delete",
        "people": "view add edit delete",
        "clients": "view add edit delete",
    }.items()
    for action in actions.split()
)

CLIENTS_PATH = "/api/v2/journey/clients"


@dataclass(frozen=True, slots=True)
class Client(Caller):
    """A client of the API. Clients of the first releases have no dates and no revision."""

    def to_wire(self) -> dict[str, Any]:
        return omit_none(
            {
                "id": self.caller_id,
                "name": self.name,
                "permissions": sorted(self.permissions),
                "state": self.state,
                "dateCreated": self.date_created,
                "dateModified": self.date_modified,
                "selfUri": f"{CLIENTS_PATH}/{self.caller_id}",
            }
        )

    def to_values(self) -> dict[str, Any]:
        """The attributes of the item, without its key."""
        return {
            "clientId": self.caller_id,
            "organizationId": self.organization_id,
            "name": self.name,
            "permissions": self.permissions or None,
            "state": str(self.state),
            "revision": self.revision,
            "dateCreated": self.date_created,
            "dateModified": self.date_modified,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Client":
        return cls(
            values["clientId"],
            values["organizationId"],
            values["name"],
            frozenset(values.get("permissions", ())),
            State(values.get("state", State.ACTIVE)),
            values.get("dateCreated"),
            values.get("dateModified"),
            values.get("revision", 0),
        )


@dataclass(frozen=True, slots=True)
class ClientWithSecret:
    """A client and its secret, which is shown only once."""

    client: Client
    secret: str

    def to_wire(self) -> dict[str, Any]:
        return self.client.to_wire() | {"secret": self.secret}
