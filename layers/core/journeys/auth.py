"""Finds the client that sent a request and checks its permission."""

from collections.abc import Mapping
from typing import Any

from journeys import aws
from journeys.cache import Cache
from journeys.errors import PermissionMissing, Unauthenticated
from journeys.registry.clients.model import Client
from journeys.registry.clients.store import ClientStore


class Authenticator:
    """Identifies callers by the access token that API Gateway has verified.

    The token names only the client. The client's organization and permissions come from the registry, where they are
    cached for a minute.
    """

    def __init__(self, clients: Cache[str, Client | None]) -> None:
        self._clients = clients

    @classmethod
    def for_registry(cls, table: str) -> "Authenticator":
        """Return an authenticator that reads clients from the registry table."""
        return cls(Cache(ClientStore(aws.dynamodb(), table).get))

    def authorize(self, event: Mapping[str, Any], permission: str) -> Client:
        """Return the client that sent the request.

        Raises Unauthenticated if the token names no client, and PermissionMissing if the client is not registered or
        does not have the permission.
        """
        claims = ((event.get("requestContext") or {}).get("authorizer") or {}).get("claims") or {}
        client_id = claims.get("client_id")
        if not isinstance(client_id, str) or not client_id:
            raise Unauthenticated("The request has no access token. Send one in the Authorization header.")
        client = self._clients.get(client_id)
        if client is None or permission not in client.permissions:
            # The cached permissions can be a minute old. Read them again before refusing the request.
            client = self._clients.fresh(client_id)
        if client is None:
            raise PermissionMissing("The client does not belong to an organization.")
        client.require(permission)
        return client
