"""Callers of the API: clients and people. Each belongs to one organization and has permissions."""

from dataclasses import dataclass, field
from enum import StrEnum

from journeys.errors import Conflict, PermissionMissing


class State(StrEnum):
    """Whether a caller may call the API."""

    ACTIVE = "Active"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True)
class Caller:
    """A client or a person. A caller has access only to its own organization. Dates are ISO-8601 texts.

    `revision` counts the changes, so that two of them at the same time do not overwrite each other.
    """

    caller_id: str
    organization_id: str
    name: str
    permissions: frozenset[str]
    state: State = State.ACTIVE
    date_created: str | None = field(default=None, compare=False)
    date_modified: str | None = field(default=None, compare=False)
    revision: int = field(default=0, compare=False)

    def may(self, permission: str | None) -> bool:
        """Whether the caller is enabled and has the permission. None means that no permission is needed."""
        return self.state is State.ACTIVE and (permission is None or permission in self.permissions)

    def require(self, permission: str) -> None:
        """Raises PermissionMissing unless the caller has the permission."""
        if permission not in self.permissions:
            raise PermissionMissing(
                f"The caller lacks the permission {permission}. Ask an administrator to grant it.",
                params={"permission": permission},
            )

    def require_active(self) -> None:
        """Raises PermissionMissing if the caller is disabled."""
        if self.state is not State.ACTIVE:
            raise PermissionMissing(
                "Your access is disabled. Ask an administrator of your organization to enable it.",
                code="access.disabled",
            )

    def require_grantable(self, permissions: frozenset[str]) -> None:
        """Raises PermissionMissing if the caller lacks one of the permissions, since nobody can grant it then."""
        missing = sorted(permissions - self.permissions)
        if missing:
            raise PermissionMissing(
                f"You cannot grant the permission {missing[0]}, because you do not have it.",
                params={"permission": missing[0]},
            )

    def require_other(self, caller_id: str) -> None:
        """Raises Conflict if the id is the caller's own. Nobody can lock himself or herself out."""
        if caller_id == self.caller_id:
            raise Conflict(
                "You cannot disable or delete yourself. Ask another administrator to do it.", code="own.access"
            )

    @classmethod
    def kind(cls) -> str:
        """What the caller is, in responses: Client or Person."""
        return cls.__name__

    def reference(self) -> dict[str, str]:
        """The caller as the contract's `DomainEntityRef`."""
        return {"id": self.caller_id, "name": self.name}


def changed_meanwhile() -> Conflict:
    """The error of a change that another request overtook."""
    return Conflict("Another request changed this at the same time. Read it again, and repeat the change.")
