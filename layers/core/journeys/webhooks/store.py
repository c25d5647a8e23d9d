"""Store endpoints in the registry table, and their secrets in Secrets Manager."""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import keys
from journeys.aws import ConditionsFailed, error_code, from_item, get_all, query_all, to_item, to_value, transact
from journeys.errors import NotFound
from journeys.webhooks.model import Endpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient


class EndpointStore:
    """Stores endpoints. An endpoint is found by its identifier alone, or in the list of its organization."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def find(self, endpoint_id: str, consistent: bool) -> Endpoint | None:
        """Return an endpoint of any organization, or None."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.webhook(endpoint_id), ConsistentRead=consistent
        )
        return Endpoint.from_values(from_item(response["Item"])) if "Item" in response else None

    def get(self, organization_id: str, endpoint_id: str) -> Endpoint:
        """Return an endpoint of the organization. Raises NotFound."""
        endpoint = self.find(endpoint_id, consistent=True)
        if endpoint is None or endpoint.organization_id != organization_id:
            raise NotFound("The endpoint does not exist.")
        return endpoint

    def all(self, organization_id: str) -> list[Endpoint]:
        """Return the organization's endpoints, sorted by name."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.webhooks(organization_id)}},
            ConsistentRead=True,
        )
        items = get_all(self._dynamodb, self._table, [keys.webhook(row["sk"]["S"]) for row in rows], consistent=True)
        return sorted(
            (Endpoint.from_values(from_item(item)) for item in items),
            key=lambda endpoint: (endpoint.name.casefold(), endpoint.endpoint_id),
        )

    def create(self, endpoint: Endpoint) -> None:
        """Store a new endpoint and its entry in the organization's list, in one transaction."""
        listed = keys.item(keys.webhooks(endpoint.organization_id), endpoint.endpoint_id)
        transact(
            self._dynamodb,
            [
                self._put(endpoint, "attribute_not_exists(pk)"),
                {"Put": {"TableName": self._table, "Item": listed}},
            ],
        )

    def update(self, endpoint: Endpoint) -> bool:
        """Replace the revision before the endpoint's own; False if another request changed or deleted that one."""
        put = self._put(
            endpoint,
            # Endpoints of the first release have no revision, which counts as 0.
            "attribute_exists(pk) AND (attribute_not_exists(revision) OR revision = :previous)",
            {":previous": to_value(endpoint.revision - 1)},
        )
        try:
            transact(self._dynamodb, [put])
        except ConditionsFailed:
            return False
        return True

    def delete(self, endpoint: Endpoint) -> None:
        """Delete an endpoint and its entry in the list, in one transaction."""
        listed = keys.item(keys.webhooks(endpoint.organization_id), endpoint.endpoint_id)
        keys_ = (keys.webhook(endpoint.endpoint_id), listed)
        transact(self._dynamodb, [{"Delete": {"TableName": self._table, "Key": key}} for key in keys_])

    def _put(self, endpoint: Endpoint, condition: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
        put = {
            "TableName": self._table,
            "Item": keys.webhook(endpoint.endpoint_id) | to_item(endpoint.to_values()),
            "ConditionExpression": condition,
        }
        return {"Put": put | ({"ExpressionAttributeValues": values} if values else {})}


class SecretStore:
    """Stores the secrets of endpoints, only in Secrets Manager."""

    def __init__(self, client: "SecretsManagerClient", prefix: str) -> None:
        self._client, self._prefix = client, prefix

    def get(self, endpoint_id: str, consistent: bool) -> tuple[str, ...]:  # noqa: ARG002  # The signature that Cache requires.
        """Return the valid secrets, the current one first. An unknown endpoint has none."""
        try:
            text = self._client.get_secret_value(SecretId=self._name(endpoint_id))["SecretString"]
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return ()
            raise
        secrets = json.loads(text)
        return tuple(secrets[name] for name in ("current", "previous") if secrets.get(name))

    def create(self, endpoint_id: str, secret: str) -> None:
        """Store the first secret of an endpoint."""
        self._client.create_secret(Name=self._name(endpoint_id), SecretString=json.dumps({"current": secret}))

    def put(self, endpoint_id: str, current: str, previous: str | None) -> None:
        """Replace the secrets of an endpoint in one write."""
        secrets = {"current": current} | ({"previous": previous} if previous else {})
        self._client.put_secret_value(SecretId=self._name(endpoint_id), SecretString=json.dumps(secrets))

    def delete(self, endpoint_id: str) -> None:
        """Delete the secrets of an endpoint immediately, without Secrets Manager's recovery period."""
        try:
            self._client.delete_secret(SecretId=self._name(endpoint_id), ForceDeleteWithoutRecovery=True)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise

    def _name(self, endpoint_id: str) -> str:
        return f"{self._prefix}{endpoint_id}"
