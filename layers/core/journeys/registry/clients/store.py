"""Clients and organizations in the registry table."""

from typing import TYPE_CHECKING

from journeys import dates, keys
from journeys.aws import from_item, to_item
from journeys.registry.clients.model import Client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ClientStore:
    """Stores clients and organizations. Requests read them, and only the operator's command writes them."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def get(self, client_id: str, consistent: bool) -> Client | None:
        """The client with this id, in any organization, or None."""
        response = self._dynamodb.get_item(TableName=self._table, Key=keys.client(client_id), ConsistentRead=consistent)
        return Client.from_values(from_item(response["Item"])) if "Item" in response else None

    def put(self, client: Client) -> None:
        """Creates a client or replaces an existing one."""
        self._dynamodb.put_item(TableName=self._table, Item=keys.client(client.client_id) | to_item(client.to_values()))

    def delete(self, client_id: str) -> None:
        """Deletes a client. Its tokens are no longer accepted."""
        self._dynamodb.delete_item(TableName=self._table, Key=keys.client(client_id))

    def put_organization(self, organization_id: str, name: str) -> None:
        """Creates an organization or renames it."""
        values = {"organizationId": organization_id, "name": name, "dateModified": dates.text(dates.now_ms())}
        self._dynamodb.put_item(TableName=self._table, Item=keys.organization(organization_id) | to_item(values))

    def organization_exists(self, organization_id: str) -> bool:
        """Whether the organization exists."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.organization(organization_id), ConsistentRead=True
        )
        return "Item" in response
