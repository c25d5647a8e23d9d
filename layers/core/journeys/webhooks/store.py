"""Store endpoints in the registry table, and their secrets in Secrets Manager."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import keys
from journeys.aws import (
    ConditionsFailed,
    error_code,
    to_item,
    to_value,
    transact,
)
from journeys.errors import Conflict, ServiceUnavailable
from journeys.registry.limits import ENDPOINTS
from journeys.registry.quotas.store import QuotaStore
from journeys.registry.store import OwnedItems
from journeys.webhooks.model import Endpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient


MAX_ATTEMPTS = 5
"""Attempts to store a change while other requests change the same endpoint."""

# Endpoints of the first release have no revision, which counts as 0.
_UNCHANGED = "(attribute_not_exists(revision) OR revision = :revision)"


class EndpointStore(OwnedItems[Endpoint]):
    """Stores endpoints."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        super().__init__(
            dynamodb, table, keys.webhook, keys.webhooks, Endpoint.from_values, "The endpoint does not exist."
        )
        self._quotas = QuotaStore(dynamodb, table)

    def create(self, endpoint: Endpoint) -> None:
        """Store a new endpoint and its entry in the organization's list, in one transaction. Raises LimitReached."""
        entry = self._put_entry(endpoint.organization_id, endpoint.endpoint_id)
        writes = [self._put(endpoint, "attribute_not_exists(pk)"), entry]
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
        delete = {
            "TableName": self._table,
            "Key": keys.webhook(endpoint.endpoint_id),
            "ConditionExpression": f"attribute_exists(pk) AND {_UNCHANGED}",
            "ExpressionAttributeValues": _revision(endpoint.revision),
        }
        writes = [{"Delete": delete}, self._delete_entry(endpoint.organization_id, endpoint.endpoint_id)]
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
