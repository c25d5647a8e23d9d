"""Store endpoints in the registry table, and their secrets in Secrets Manager."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import keys
from journeys.aws import (
    IN_FORM,
    ConditionsFailed,
    error_code,
    from_item,
    get_all,
    query_all,
    to_item,
    to_value,
    transact,
)
from journeys.errors import Conflict, NotFound, ServiceUnavailable
from journeys.registry.limits import ENDPOINTS
from journeys.registry.quotas.store import QuotaStore
from journeys.webhooks.model import Endpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient


UNKNOWN = "The endpoint does not exist."

MAX_ATTEMPTS = 5
"""Attempts to store a change while other requests change the same endpoint."""

# Endpoints of the first release have no revision, which counts as 0.
_UNCHANGED = "(attribute_not_exists(revision) OR revision = :revision)"


class EndpointStore:
    """Stores endpoints. An endpoint is found by its identifier alone, or in the list of its organization."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table
        self._quotas = QuotaStore(dynamodb, table)

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
            raise NotFound(UNKNOWN)
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
        """Store a new endpoint and its entry in the organization's list, in one transaction. Raises LimitReached."""
        listed = keys.item(keys.webhooks(endpoint.organization_id), endpoint.endpoint_id)
        writes = [
            self._put(endpoint, "attribute_not_exists(pk)"),
            {"Put": {"TableName": self._table, "Item": listed | IN_FORM}},
        ]
        self._quotas.create(endpoint.organization_id, (ENDPOINTS,), writes)

    def update(self, endpoint: Endpoint) -> bool:
        """Replace the revision before the endpoint's own; False if another request changed or deleted that one."""
        condition = f"attribute_exists(pk) AND {_UNCHANGED}"
        try:
            transact(self._dynamodb, [self._put(endpoint, condition, _revision(endpoint.revision - 1))])
        except ConditionsFailed:
            return False
        return True

    def change(self, organization_id: str, endpoint_id: str, change: Callable[[Endpoint], Endpoint]) -> Endpoint:
        """Store what `change` makes of the endpoint, and return it.

        If another request changes the endpoint at the same time, `change` is applied again, to the result of that
        request. So no change is lost. Raises NotFound, the errors of `change`, and Conflict if others keep changing
        the endpoint.
        """
        for _ in range(MAX_ATTEMPTS):
            current = self.get(organization_id, endpoint_id)
            changed = replace(change(current), revision=current.revision + 1)
            if self.update(changed):
                return changed
        raise keeps_changing()

    def delete(self, endpoint: Endpoint) -> bool:
        """Delete an endpoint and its entry in the list, in one transaction.

        False if another request changed or deleted the endpoint.
        """
        listed = keys.item(keys.webhooks(endpoint.organization_id), endpoint.endpoint_id)
        delete = {
            "TableName": self._table,
            "Key": keys.webhook(endpoint.endpoint_id),
            "ConditionExpression": f"attribute_exists(pk) AND {_UNCHANGED}",
            "ExpressionAttributeValues": _revision(endpoint.revision),
        }
        writes = [{"Delete": delete}, {"Delete": {"TableName": self._table, "Key": listed}}]
        try:
            self._quotas.delete(endpoint.organization_id, (ENDPOINTS,), writes)
        except ConditionsFailed:
            return False
        return True

    def _put(self, endpoint: Endpoint, condition: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
        put = {
            "TableName": self._table,
            "Item": keys.webhook(endpoint.endpoint_id) | to_item(endpoint.to_values()),
            "ConditionExpression": condition,
        }
        return {"Put": put | ({"ExpressionAttributeValues": values} if values else {})}


def _revision(number: int) -> dict[str, Any]:
    return {":revision": to_value(number)}


def keeps_changing() -> Conflict:
    """Return the error for a change that could not be stored, because other requests keep changing the endpoint."""
    return Conflict(
        "Other requests are changing the endpoint at the same time. Send the request again.", code="endpoint.changed"
    )


class SecretNotFound(ServiceUnavailable):
    """The version of the secrets that an endpoint names does not exist, or is so new that it cannot be read yet."""


class SecretStore:
    """Stores the secrets of endpoints, only in Secrets Manager.

    Each version holds all secrets that are valid together. It is a secret of its own in Secrets Manager and never
    changes, so that a rotation cannot affect the version that another one stored. The endpoint in the registry names
    the version that is valid.
    """

    def __init__(self, client: "SecretsManagerClient", prefix: str) -> None:
        self._client, self._prefix = client, prefix

    def create(self, endpoint_id: str, current: str, previous: str | None = None) -> str:
        """Store the secrets of an endpoint, and return their version."""
        version = uuid.uuid4().hex
        document = {"current": current} | ({"previous": previous} if previous else {})
        self._client.create_secret(Name=self._name(endpoint_id, version), SecretString=json.dumps(document))
        return version

    def get(self, endpoint_id: str, version: str | None) -> tuple[str, ...]:
        """Return the secrets of a version, the current one first. Raises SecretNotFound.

        None is the version of an endpoint of the first release, or of an endpoint without secrets, which has none.
        """
        try:
            text = self._client.get_secret_value(SecretId=self._name(endpoint_id, version))["SecretString"]
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            if version is not None:
                raise SecretNotFound("The endpoint's secret cannot be read. Retry in a few seconds.") from None
            return ()
        secrets = json.loads(text)
        return tuple(secrets[name] for name in ("current", "previous") if secrets.get(name))

    def delete(self, endpoint_id: str, version: str | None) -> None:
        """Delete a version immediately, without Secrets Manager's recovery period."""
        try:
            self._client.delete_secret(SecretId=self._name(endpoint_id, version), ForceDeleteWithoutRecovery=True)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise

    def _name(self, endpoint_id: str, version: str | None) -> str:
        # Secrets of the first release have no version.
        return f"{self._prefix}{endpoint_id}" + (f"/{version}" if version else "")
