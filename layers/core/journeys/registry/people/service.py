"""Invites and changes people, for the API and for the operator's command.

`by` is the caller of the API, or None for the operator, who may do everything except removing the last administrator.
"""

from dataclasses import replace

from journeys import dates
from journeys.errors import Conflict, LimitReached
from journeys.registry.callers import Caller, State
from journeys.registry.people.model import ROLES, Person, Role, normalized_email
from journeys.registry.people.store import EXISTS, PersonPool, PersonStore


class PeopleService:
    """Manages the people of organizations, in the registry and in the user pool."""

    def __init__(self, people: PersonStore, pool: PersonPool) -> None:
        self._people, self._pool = people, pool

    def all(self, organization_id: str) -> list[Person]:
        """The organization's people, sorted by name."""
        return self._people.all(organization_id)

    def get(self, organization_id: str, person_id: str) -> Person:
        """The person. Raises NotFound."""
        return self._people.get(organization_id, person_id)

    def create(
        self,
        organization_id: str,
        *,
        email: str,
        name: str,
        role: Role,
        by: Caller | None,
        password: str | None = None,
    ) -> Person:
        """Registers a person, who gets an invitation by e-mail, or has the given temporary password.

        Raises PermissionMissing, Conflict if the address is registered, LimitReached, and the errors of the pool.
        """
        if by is not None:
            by.require_grantable(ROLES[role])
        self._people.require_room(organization_id)
        address = normalized_email(email)
        created = self._pool.create(address, name, password)
        person_id = created or self._unregistered(address, password)
        now = dates.text(dates.now_ms())
        person = Person(person_id, organization_id, name, date_created=now, date_modified=now, email=address, role=role)
        try:
            self._people.create(person)
        except LimitReached:
            if created is not None:
                self._pool.delete(person_id)
            raise
        return person

    def _unregistered(self, email: str, password: str | None) -> str:
        """The id of a user that no organization has registered. Raises Conflict if one has.

        Such a user remains if a request ends between the pool and the registry.
        """
        person_id = self._pool.find(email)
        if self._people.find(person_id, consistent=True) is not None:
            raise Conflict(EXISTS, code="person.exists")
        self._pool.enable(person_id)
        if password is None:
            self._pool.invite_again(email)
        else:
            self._pool.set_password(person_id, password, permanent=False)
        return person_id

    def update(
        self,
        organization_id: str,
        person_id: str,
        *,
        name: str | None = None,
        role: Role | None = None,
        state: State | None = None,
        by: Caller | None,
    ) -> Person:
        """Changes a person. None means no change. It takes up to a minute to apply.

        The caller must have each permission that the person gets: by another role, or by being enabled. Raises
        NotFound, PermissionMissing, and Conflict for the caller itself or for the last administrator.
        """
        person = self._people.get(organization_id, person_id)
        changed = replace(
            person,
            name=person.name if name is None else name,
            role=person.role if role is None else role,
            state=person.state if state is None else state,
            date_modified=dates.text(dates.now_ms()),
            revision=person.revision + 1,
        )
        if by is not None:
            enabled = state is State.ACTIVE
            by.require_grantable(changed.permissions if enabled else changed.permissions - person.permissions)
            if state is State.DISABLED:
                by.require_other(person_id)
        self._people.replace(person, changed)
        if state is State.ACTIVE:
            self._pool.enable(person_id)
        if state is State.DISABLED:
            self._pool.disable(person_id)
        return changed

    def delete(self, organization_id: str, person_id: str, *, by: Caller | None) -> None:
        """Deletes a person, whose tokens are refused within a minute. Raises NotFound, and Conflict like `update`."""
        if by is not None:
            by.require_other(person_id)
        self._people.delete(self._people.get(organization_id, person_id))
        self._pool.delete(person_id)
