"""Creates and changes clients, for the API and for the operator's command.

`by` is the caller of the API, or None for the operator, who may do everything.
"""

from dataclasses import replace

from journeys import dates
from journeys.errors import LimitReached
from journeys.registry.callers import Caller, State
from journeys.registry.clients.model import Client, ClientWithSecret
from journeys.registry.clients.store import ClientPool, ClientStore


class ClientService:
    """Manages the clients of organizations."""

    def __init__(self, clients: ClientStore, pool: ClientPool) -> None:
        self._clients, self._pool = clients, pool

    def all(self, organization_id: str) -> list[Client]:
        """The organization's clients, sorted by name."""
        return self._clients.all(organization_id)

    def get(self, organization_id: str, client_id: str) -> Client:
        """The client. Raises NotFound."""
        return self._clients.get(organization_id, client_id)

    def create(
        self, organization_id: str, *, name: str, permissions: frozenset[str], by: Caller | None
    ) -> ClientWithSecret:
        """Creates a client. Raises PermissionMissing and LimitReached."""
        if by is not None:
            by.require_grantable(permissions)
        self._clients.require_room(organization_id)
        client_id, secret = self._pool.create(name)
        now = dates.text(dates.now_ms())
        client = Client(client_id, organization_id, name, permissions, date_created=now, date_modified=now)
        try:
            self._clients.create(client)
        except LimitReached:
            self._pool.delete(client_id)
            raise
        return ClientWithSecret(client, secret)

    def update(
        self,
        organization_id: str,
        client_id: str,
        *,
        name: str | None = None,
        permissions: frozenset[str] | None = None,
        state: State | None = None,
        by: Caller | None,
    ) -> Client:
        """Changes a client. None means no change. Raises NotFound, PermissionMissing and Conflict.

        The caller must have each permission that the client gets: by a change of its permissions, or by enabling it.
        """
        client = self._clients.get(organization_id, client_id)
        granted = client.permissions if permissions is None else permissions
        if by is not None:
            by.require_grantable(granted if state is State.ACTIVE else granted - client.permissions)
            if state is State.DISABLED:
                by.require_other(client_id)
        changed = replace(
            client,
            name=client.name if name is None else name,
            permissions=granted,
            state=client.state if state is None else state,
            date_modified=dates.text(dates.now_ms()),
            revision=client.revision + 1,
        )
        self._clients.replace(changed)
        return changed

    def rotate(self, organization_id: str, client_id: str, *, by: Caller | None) -> ClientWithSecret:
        """Creates a client with the same name and permissions. The existing client keeps working.

        Raises NotFound, PermissionMissing and LimitReached.
        """
        client = self._clients.get(organization_id, client_id)
        return self.create(organization_id, name=client.name, permissions=client.permissions, by=by)

    def delete(self, organization_id: str, client_id: str, *, by: Caller | None) -> None:
        """Deletes a client. Its tokens are refused within a minute. Raises NotFound and Conflict."""
        if by is not None:
            by.require_other(client_id)
        self._clients.delete(self._clients.get(organization_id, client_id))
        self._pool.delete(client_id)
