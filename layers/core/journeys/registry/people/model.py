"""People, who sign in to the console, and their roles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from journeys.jsontext import omit_none
from journeys.registry.callers import Caller, State
from journeys.registry.clients.model import PERMISSIONS

PEOPLE_PATH = "/api/v2/journey/people"


class Role(StrEnum):
    """What a person may do. Each role includes the one before it."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    INTEGRATOR = "integrator"
    ADMINISTRATOR = "administrator"


_ACCESS = ("journey:people:", "journey:clients:")
_VIEWS = ("journey:views:", "journey:viewsJobs:", "journey:viewsResults:", "journey:viewsSchedule:")


def _permissions(role: Role) -> frozenset[str]:
    """Viewers read everything except people and clients. Analysts change views, and integrators all but access."""
    if role is Role.ADMINISTRATOR:
        return PERMISSIONS
    no_access = {permission for permission in PERMISSIONS if not permission.startswith(_ACCESS)}
    if role is Role.INTEGRATOR:
        return frozenset(no_access)
    views = _VIEWS if role is Role.ANALYST else ()
    return frozenset(one for one in no_access if one.endswith(":view") or one.startswith(views))


ROLES: Mapping[Role, frozenset[str]] = {role: _permissions(role) for role in Role}
"""The permissions of each role."""


def normalized_email(email: str) -> str:
    """An e-mail address as the user pool stores it. Addresses that differ only in case are the same person's."""
    return email.strip().lower()


@dataclass(frozen=True, slots=True)
class Person(Caller):
    """A person. `caller_id` is the `sub` of the user in the pool, and the role determines the permissions."""

    permissions: frozenset[str] = field(init=False)
    email: str = field(kw_only=True)
    role: Role = field(kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "permissions", ROLES[self.role])

    @property
    def is_active_administrator(self) -> bool:
        return self.role is Role.ADMINISTRATOR and self.state is State.ACTIVE

    def to_wire(self) -> dict[str, Any]:
        return omit_none(
            {
                "id": self.caller_id,
                "name": self.name,
                "email": self.email,
                "role": self.role,
                "state": self.state,
                "dateCreated": self.date_created,
                "dateModified": self.date_modified,
                "selfUri": f"{PEOPLE_PATH}/{self.caller_id}",
            }
        )

    def to_values(self) -> dict[str, Any]:
        """The attributes of the item, without its key."""
        return {
            "personId": self.caller_id,
            "organizationId": self.organization_id,
            "name": self.name,
            "email": self.email,
            "role": str(self.role),
            "state": str(self.state),
            "revision": self.revision,
            "dateCreated": self.date_created,
            "dateModified": self.date_modified,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Person":
        return cls(
            values["personId"],
            values["organizationId"],
            values["name"],
            State(values["state"]),
            values["dateCreated"],
            values["dateModified"],
            values["revision"],
            email=values["email"],
            role=Role(values["role"]),
        )
