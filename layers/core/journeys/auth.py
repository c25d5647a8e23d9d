"""Finds the client or the person that sent a request, and checks the permission."""

from collections.abc import Mapping
from typing import Any

from journeys import aws
from journeys.cache import Cache
from journeys.errors import PermissionMissing, Unauthenticated
from journeys.registry.callers import Caller
from journeys.registry.clients.model import Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.people.model import Person
from journeys.registry.people.store import PersonStore

_NO_TOKEN = "The request has no access token. Send one in the Authorization header."  # noqa: S105  # a message


class Authenticator:
    """Identifies callers by the access token that API Gateway has verified.

    The token names only the client or the person. The organization and the permissions come from the registry, where
    they are cached for a minute.
    """

    def __init__(self, clients: Cache[str, Client | None], people: Cache[str, Person | None]) -> None:
        self._clients, self._people = clients, people

    @classmethod
    def for_registry(cls, table: str) -> "Authenticator":
        """Return an authenticator that reads clients and people from the registry table."""
        dynamodb = aws.dynamodb()
        return cls(Cache(ClientStore(dynamodb, table).find), Cache(PersonStore(dynamodb, table).find))

    def authorize(self, event: Mapping[str, Any], permission: str | None) -> Caller:
        """Return the client or the person that sent the request. None means that no permission is needed.

        Raises Unauthenticated if the token names nobody, and PermissionMissing if the caller is not registered, is
        disabled or does not have the permission.
        """
        claims = ((event.get("requestContext") or {}).get("authorizer") or {}).get("claims") or {}
        if claims.get("username"):  # Only the tokens of people have it.
            caller = _authorized(self._people, claims.get("sub"), permission)
            if caller is None:
                raise PermissionMissing(
                    "You are signed in, but no organization has registered you. "
                    "Ask an administrator of your organization to add you in the console, under People.",
                    code="not.registered",
                )
        else:
            caller = _authorized(self._clients, claims.get("client_id"), permission)
            if caller is None:
                raise PermissionMissing("The client does not belong to an organization.")
        caller.require_active()
        if permission is not None:
            caller.require(permission)
        return caller


def _authorized(callers: Cache[str, Any], caller_id: Any, permission: str | None) -> Caller | None:
    """Return the caller, or None if the registry has none. Raises Unauthenticated if there is no id."""
    if not isinstance(caller_id, str) or not caller_id:
        raise Unauthenticated(_NO_TOKEN)
    caller: Caller | None = callers.get(caller_id)
    if caller is None or not caller.may(permission):
        # The cached permissions can be a minute old. Read them again before refusing the request.
        caller = callers.fresh(caller_id)
    return caller
