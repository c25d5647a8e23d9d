"""Clients and organizations in the registry table, and the clients' secrets in the user pool."""

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import (
    ConditionsFailed,
    error_code,
    from_item,
    is_condition_failure,
    to_item,
    to_value,
)
from journeys.registry.callers import changed_meanwhile
from journeys.registry.clients.model import Client
from journeys.registry.limits import CLIENTS
from journeys.registry.quotas.store import QuotaStore
from journeys.registry.store import OwnedItems

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient

SCOPE = "journey/api"
_NOT_IN_NAMES = re.compile(r"[^\w\s+=,.@-]")
"""Characters that Cognito refuses in the name of a client."""


class ClientStore(OwnedItems[Client]):
    """Stores clients and organizations."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        super().__init__(dynamodb, table, keys.client, keys.clients, Client.from_values, "There is no such client.")
        self._quotas = QuotaStore(dynamodb, table)

    def require_room(self, organization_id: str) -> None:
        """Raises LimitReached if the organization has all clients that it may have."""
        self._quotas.require_room(organization_id, CLIENTS)

    def create(self, client: Client) -> None:
        """Stores a new client and its entry in the organization's list, in one transaction. Raises LimitReached."""
        put = {"TableName": self._table, "Item": _item(client), "ConditionExpression": "attribute_not_exists(pk)"}
        entry = self._put_entry(client.organization_id, client.caller_id)
        self._quotas.create(client.organization_id, (CLIENTS,), [{"Put": put}, entry])

    def put(self, client: Client) -> None:
        """Creates a client or replaces an existing one. It is not counted in the quota."""
        self._dynamodb.put_item(TableName=self._table, Item=_item(client))
        self._add_to_list(client)

    def _add_to_list(self, client: Client) -> None:
        self._dynamodb.put_item(**self._put_entry(client.organization_id, client.caller_id)["Put"])

    def replace(self, changed: Client) -> None:
        """Replaces the revision before the client's own. Raises Conflict if another request changed that one."""
        condition = "attribute_exists(pk) AND (attribute_not_exists(revision) OR revision = :revision)"
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_item(changed),
                ConditionExpression=condition,
                ExpressionAttributeValues={":revision": to_value(changed.revision - 1)},
            )
        except ClientError as error:
            if is_condition_failure(error):
                raise changed_meanwhile() from None
            raise

    def list_again(self, clients: list[Client]) -> None:
        """Adds clients to the lists of their organizations, if the lists lack them."""
        for organization_id in {client.organization_id for client in clients}:
            unlisted = {one.caller_id for one in clients if one.organization_id == organization_id}
            unlisted -= {client.caller_id for client in self.all(organization_id)}
            for client in clients:
                if client.caller_id in unlisted:
                    self._add_to_list(client)
            if unlisted:
                self._quotas.forget_use(organization_id, CLIENTS)

    def delete(self, client: Client) -> None:
        """Deletes a client and its entry in the list, in one transaction. Raises NotFound."""
        key = keys.client(client.caller_id)
        delete = {"TableName": self._table, "Key": key, "ConditionExpression": "attribute_exists(pk)"}
        writes: list[Any] = [{"Delete": delete}, self._delete_entry(client.organization_id, client.caller_id)]
        try:
            self._quotas.delete(client.organization_id, (CLIENTS,), writes)
        except ConditionsFailed:
            raise self._not_found() from None

    # -- organizations -------------------------------------------------------------------------------------------------

    def put_organization(self, organization_id: str, name: str) -> None:
        """Creates an organization or renames it."""
        values = {"organizationId": organization_id, "name": name, "dateModified": dates.text(dates.now_ms())}
        self._dynamodb.put_item(TableName=self._table, Item=keys.organization(organization_id) | to_item(values))

    def organization_name(self, organization_id: str) -> str | None:
        """The name of an organization, or None if it does not exist."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.organization(organization_id), ConsistentRead=True
        )
        return from_item(response["Item"])["name"] if "Item" in response else None

    def organization_exists(self, organization_id: str) -> bool:
        """Whether the organization exists."""
        return self.organization_name(organization_id) is not None


class ClientPool:
    """The clients in the user pool, which issues their access tokens."""

    def __init__(self, cognito: "CognitoIdentityProviderClient", pool_id: str) -> None:
        self._cognito, self._pool_id = cognito, pool_id

    def create(self, name: str) -> tuple[str, str]:
        """Creates a client. Returns its id and its secret."""
        created = self._cognito.create_user_pool_client(
            UserPoolId=self._pool_id,
            ClientName=_NOT_IN_NAMES.sub("-", name)[:128],
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=[SCOPE],
            AllowedOAuthFlowsUserPoolClient=True,
        )["UserPoolClient"]
        return created["ClientId"], created["ClientSecret"]

    def delete(self, client_id: str) -> None:
        """Deletes a client, if it exists."""
        try:
            self._cognito.delete_user_pool_client(UserPoolId=self._pool_id, ClientId=client_id)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise


def _item(client: Client) -> dict[str, Any]:
    return keys.client(client.caller_id) | to_item(client.to_values())
