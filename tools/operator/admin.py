"""Organizations, and the clients and people that may call the API for them."""

import contextlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from journeys.aws import from_item
from journeys.errors import JourneysError
from journeys.native.connect import SOURCE as CONNECT_SOURCE
from journeys.registry.callers import State
from journeys.registry.clients.model import PERMISSIONS, Client, ClientWithSecret
from journeys.registry.clients.service import ClientService
from journeys.registry.clients.store import ClientPool, ClientStore
from journeys.registry.limits import QUOTAS
from journeys.registry.native_sources.store import NativeSource, NativeSourceStore
from journeys.registry.people.model import Person, Role, normalized_email
from journeys.registry.people.service import PeopleService
from journeys.registry.people.store import PersonPool, PersonStore
from journeys.registry.quotas.store import QuotaStore, QuotaUse
from journeys.registry.schemas.store import SchemaStore
from journeys.views.jobs.shares.store import ShareStore
from journeys.views.limits import Limits
from tools.errors import ToolError
from tools.stack import Stack

ALL = "all"
"""In a list of permissions: every permission."""

PASSWORD_BYTES = 12
"""Random bytes of a temporary password, which has 16 characters."""

_ORGANIZATION_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,35}")


@dataclass(frozen=True)
class NewClient:
    """A client as it was created. Cognito shows the secret only once."""

    client_id: str
    client_secret: str
    permissions: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        return {
            "clientId": self.client_id,
            "clientSecret": self.client_secret,
            "permissions": sorted(self.permissions),
        }


class Admin:
    """Manages the organizations, clients and people of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        table = stack.outputs["RegistryTableName"]
        self._clients, self._quotas = ClientStore(stack.dynamodb, table), QuotaStore(stack.dynamodb, table)
        schemas, shares = SchemaStore(stack.dynamodb, table), ShareStore(stack.dynamodb, table)
        self._limits = Limits(self._quotas, schemas, shares)
        self._native_sources = NativeSourceStore(stack.dynamodb, table)
        self._client_service = ClientService(self._clients, ClientPool(stack.cognito, stack.outputs["UserPoolId"]))
        self._person_pool = PersonPool(stack.cognito, stack.outputs["PeoplePoolId"])
        self._people_service = PeopleService(PersonStore(stack.dynamodb, table), self._person_pool)

    # -- organizations -------------------------------------------------------------------------------------------------

    def create_organization(self, organization_id: str, name: str) -> None:
        """Creates an organization, or renames an existing one. Raises ToolError for an invalid id."""
        if not _ORGANIZATION_ID.fullmatch(organization_id):
            raise ToolError(
                f'"{organization_id[:100]}" is not an organization id. '
                "Use 1 to 36 lowercase letters, digits and dashes; the first character is not a dash."
            )
        self._clients.put_organization(organization_id, name)

    def organizations(self) -> list[tuple[str, str]]:
        """Every organization: its id and its name, by id."""
        return sorted((str(row["organizationId"]), str(row["name"])) for row in self._rows("ORG"))

    def require_organization(self, organization_id: str) -> None:
        """Raises ToolError when the organization does not exist."""
        if not self._clients.organization_exists(organization_id):
            raise ToolError(
                f"There is no organization {organization_id}. `journeys admin organization list` lists them."
            )

    # -- limits --------------------------------------------------------------------------------------------------------

    def limits(self, organization_id: str) -> list[QuotaUse]:
        """The limits of an organization, and how much of each is in use. Raises ToolError."""
        self.require_organization(organization_id)
        return self._limits.all(organization_id)

    def set_limit(self, organization_id: str, key: str, value: int) -> None:
        """Sets a limit for one organization, which applies immediately. Raises ToolError."""
        quotas = {quota.key: quota for quota in QUOTAS}
        if key not in quotas:
            raise ToolError(f'"{key[:100]}" is not a limit that can be set. Use one of {", ".join(quotas)}.')
        if not 0 <= value <= quotas[key].largest:
            raise ToolError(f"{value} is not a possible limit. Use a number from 0 to {quotas[key].largest}.")
        self.require_organization(organization_id)
        self._quotas.set(organization_id, quotas[key], value)

    # -- native sources ------------------------------------------------------------------------------------------------

    def add_native_source(self, organization_id: str, source: str) -> None:
        """Maps a source of native events to an organization. Raises ToolError if it cannot be one, or is another's."""
        if source == CONNECT_SOURCE:
            raise ToolError(
                f"{CONNECT_SOURCE} is the source of all instances of Amazon Connect. Use the ARN of the instance."
            )
        self.require_organization(organization_id)
        with _refusals():
            self._native_sources.add(source, organization_id)

    def remove_native_source(self, source: str) -> None:
        """Removes a source of native events. Raises ToolError if no organization has it."""
        with _refusals():
            self._native_sources.remove(source)

    def native_sources(self, organization_id: str | None = None) -> list[NativeSource]:
        """The sources of native events of one organization, or of all, by organization and source."""
        if organization_id is not None:
            self.require_organization(organization_id)
        every = [NativeSource(str(row["source"]), str(row["organizationId"])) for row in self._rows("NATIVE")]
        return sorted(
            (one for one in every if organization_id in (None, one.organization_id)),
            key=lambda one: (one.organization_id, one.source),
        )

    # -- clients -------------------------------------------------------------------------------------------------------

    def create_client(self, organization_id: str, name: str, permissions: Sequence[str]) -> NewClient:
        """Creates a client. Raises ToolError for an unknown organization or permission, or at the limit of clients."""
        granted = known_permissions(permissions)
        self.require_organization(organization_id)
        with _refusals():
            return _new_client(self._client_service.create(organization_id, name=name, permissions=granted, by=None))

    def clients(self, organization_id: str | None = None) -> list[Client]:
        """The clients of one organization, or of all, by organization and name.

        Adds clients of the first releases to the lists of their organizations, which the API reads.
        """
        if organization_id is not None:
            self.require_organization(organization_id)
        every = [Client.from_values(row) for row in self._rows("CLIENT")]
        self._clients.list_again(every)
        return sorted(
            (client for client in every if organization_id in (None, client.organization_id)),
            key=lambda client: (client.organization_id, client.name, client.caller_id),
        )

    def client(self, client_id: str) -> Client:
        """The client with that id. Raises ToolError when it does not exist."""
        client = self._clients.find(client_id, consistent=True)
        if client is None:
            raise ToolError(f"There is no client {client_id}. `journeys admin client list` lists them.")
        return client

    def rotate_client(self, client_id: str) -> NewClient:
        """Creates a client with the same organization, name and permissions; the existing client keeps working."""
        client = self.client(client_id)
        with _refusals():
            return _new_client(self._client_service.rotate(client.organization_id, client_id, by=None))

    def set_permissions(self, client_id: str, permissions: Sequence[str]) -> None:
        """Replaces a client's permissions; this takes up to a minute to apply. Raises ToolError."""
        granted = known_permissions(permissions)
        client = self.client(client_id)
        with _refusals():
            self._client_service.update(client.organization_id, client_id, permissions=granted, by=None)

    def delete_client(self, client_id: str) -> None:
        """Deletes a client; its tokens are refused within a minute. Raises ToolError when it does not exist."""
        client = self.client(client_id)
        with _refusals():
            self._client_service.delete(client.organization_id, client_id, by=None)

    # -- people --------------------------------------------------------------------------------------------------------

    def create_person(
        self, organization_id: str, email: str, name: str, role: Role, password: str | None = None
    ) -> Person:
        """Registers a person, who gets an invitation by e-mail, or has the given temporary password.

        Raises ToolError for an unknown organization or a registered address, or at the limit of people.
        """
        self.require_organization(organization_id)
        with _refusals():
            return self._people_service.create(
                organization_id, email=email, name=name, role=role, by=None, password=password
            )

    def set_password(self, person: Person, password: str) -> None:
        """Sets a permanent password, for the people of the local stack."""
        self._person_pool.set_password(person.caller_id, password, permanent=True)

    def people(self, organization_id: str | None = None) -> list[Person]:
        """The people of one organization, or of all, by organization and name."""
        if organization_id is not None:
            self.require_organization(organization_id)
        listed = [organization_id] if organization_id else [one for one, _ in self.organizations()]
        return [person for one in listed for person in self._people_service.all(one)]

    def person(self, organization_id: str, email: str) -> Person:
        """The person with that e-mail address. Raises ToolError when the organization has none."""
        for person in self.people(organization_id):
            if person.email == normalized_email(email):
                return person
        raise ToolError(
            f"{organization_id} has no person with this e-mail address. "
            f"`journeys admin person list {organization_id}` lists its people."
        )

    def change_person(
        self, organization_id: str, email: str, *, role: Role | None = None, state: State | None = None
    ) -> None:
        """Changes a person's role or state; this takes up to a minute to apply. Raises ToolError."""
        person = self.person(organization_id, email)
        with _refusals():
            self._people_service.update(organization_id, person.caller_id, role=role, state=state, by=None)

    def delete_person(self, organization_id: str, email: str) -> None:
        """Deletes a person, who is refused within a minute. Raises ToolError."""
        person = self.person(organization_id, email)
        with _refusals():
            self._people_service.delete(organization_id, person.caller_id, by=None)

    def _rows(self, sort_key: str) -> Iterator[dict[str, Any]]:
        """The registry's rows with that sort key. This reads the whole table, which is small."""
        pages = self._stack.dynamodb.get_paginator("scan").paginate(
            TableName=self._stack.outputs["RegistryTableName"],
            FilterExpression="sk = :sk",
            ExpressionAttributeValues={":sk": {"S": sort_key}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(from_item, page["Items"])


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turns a refusal of the product's services into a ToolError."""
    try:
        yield
    except JourneysError as error:
        raise ToolError(error.message) from None


def temporary_password() -> str:
    """A random password that satisfies the pool's policy."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def _new_client(created: ClientWithSecret) -> NewClient:
    return NewClient(created.client.caller_id, created.secret, created.client.permissions)


def known_permissions(permissions: Sequence[str]) -> frozenset[str]:
    """The permissions as a set; "all" stands for every permission. Raises ToolError for an unknown one."""
    if ALL in permissions:
        return PERMISSIONS
    for permission in sorted(set(permissions) - PERMISSIONS):
        closest = get_close_matches(permission, sorted(PERMISSIONS), n=1, cutoff=0.0)[0]
        raise ToolError(
            f'There is no permission "{permission[:100]}". Did you mean "{closest}"? '
            "`journeys admin client create --help` lists all permissions."
        )
    return frozenset(permissions)
