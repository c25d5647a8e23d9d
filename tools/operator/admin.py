"""Organizations, and the clients that may call the API for them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from journeys.aws import from_item
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.limits import LARGEST_QUOTA, QUOTAS
from journeys.registry.quotas.store import QuotaStore, QuotaUse
from journeys.registry.schemas.store import SchemaStore
from journeys.views.jobs.shares.store import ShareStore
from journeys.views.limits import Limits
from tools.errors import ToolError
from tools.stack import Stack

SCOPE = "journey/api"
ALL = "all"
"""In a list of permissions: every permission."""

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
    """Manages the organizations and clients of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        table = stack.outputs["RegistryTableName"]
        self._clients, self._quotas = ClientStore(stack.dynamodb, table), QuotaStore(stack.dynamodb, table)
        schemas, shares = SchemaStore(stack.dynamodb, table), ShareStore(stack.dynamodb, table)
        self._limits = Limits(self._quotas, schemas, shares)

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
        if not 0 <= value <= LARGEST_QUOTA:
            raise ToolError(f"{value} is not a possible limit. Use a number from 0 to {LARGEST_QUOTA}.")
        self.require_organization(organization_id)
        self._quotas.set(organization_id, quotas[key], value)

    # -- clients -------------------------------------------------------------------------------------------------------

    def create_client(self, organization_id: str, name: str, permissions: Sequence[str]) -> NewClient:
        """Creates a client. Raises ToolError for an unknown organization or permission."""
        granted = known_permissions(permissions)
        self.require_organization(organization_id)
        return self._create(organization_id, name, granted)

    def clients(self, organization_id: str | None = None) -> list[Client]:
        """The clients of one organization, or of all, by organization and name."""
        if organization_id is not None:
            self.require_organization(organization_id)
        clients = (Client.from_values(row) for row in self._rows("CLIENT"))
        return sorted(
            (client for client in clients if organization_id in (None, client.organization_id)),
            key=lambda client: (client.organization_id, client.name, client.client_id),
        )

    def client(self, client_id: str) -> Client:
        """The client with that id. Raises ToolError when it does not exist."""
        client = self._clients.get(client_id, consistent=True)
        if client is None:
            raise ToolError(f"There is no client {client_id}. `journeys admin client list` lists them.")
        return client

    def rotate_client(self, client_id: str) -> NewClient:
        """Creates a client with the same organization, name and permissions; the existing client keeps working."""
        client = self.client(client_id)
        return self._create(client.organization_id, client.name, client.permissions)

    def set_permissions(self, client_id: str, permissions: Sequence[str]) -> None:
        """Replaces a client's permissions; this takes up to a minute to apply. Raises ToolError."""
        granted = known_permissions(permissions)
        client = self.client(client_id)
        self._clients.put(Client(client_id, client.organization_id, client.name, granted))

    def delete_client(self, client_id: str) -> None:
        """Deletes a client; its tokens are refused within a minute. Raises ToolError when it does not exist."""
        self.client(client_id)
        self._clients.delete(client_id)
        self._stack.cognito.delete_user_pool_client(UserPoolId=self._stack.outputs["UserPoolId"], ClientId=client_id)

    def _create(self, organization_id: str, name: str, permissions: frozenset[str]) -> NewClient:
        created = self._stack.cognito.create_user_pool_client(
            UserPoolId=self._stack.outputs["UserPoolId"],
            ClientName=name,
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=[SCOPE],
            AllowedOAuthFlowsUserPoolClient=True,
        )["UserPoolClient"]
        self._clients.put(Client(created["ClientId"], organization_id, name, permissions))
        return NewClient(created["ClientId"], created["ClientSecret"], permissions)

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
