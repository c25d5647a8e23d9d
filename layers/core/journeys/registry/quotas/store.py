"""The quotas of organizations, and how much of each is in use, in the registry table.

A quota's item has the number of resources (`used`), and the value that the operator set for the organization (`most`).
Resources and their number change in one transaction, so the number is right under concurrency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import keys
from journeys.aws import (
    FORM_VALUE,
    SET_FORM,
    ConditionsFailed,
    backoff,
    from_item,
    is_condition_failure,
    query_all,
    to_value,
    transact,
)
from journeys.registry.limits import (
    CLIENTS,
    CONFIGURATIONS,
    CONFIGURATIONS_EVER,
    ENDPOINTS,
    PEOPLE,
    QUOTAS,
    VIEWS,
    Quota,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PARTITIONS = {
    CONFIGURATIONS: keys.configurations,
    CONFIGURATIONS_EVER: keys.configurations,
    ENDPOINTS: keys.webhooks,
    VIEWS: keys.views,
    PEOPLE: keys.people,
    CLIENTS: keys.clients,
}
"""Where the resources of a quota are, to count them if their number is unknown."""


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A quota of an organization: its value and how much of it is in use.

    `used` is None for a quota of something else than the organization, such as a view.
    """

    quota: Quota
    value: int
    used: int | None

    def to_wire(self) -> dict[str, Any]:
        """The contract's `Limit` with the additional field `count`, the use."""
        limit = {"namespace": self.quota.namespace, "key": self.quota.key, "value": self.value}
        return limit if self.used is None else limit | {"count": self.used}


class QuotaStore:
    """Counts the resources of organizations, and limits their numbers."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- reading and setting -------------------------------------------------------------------------------------------

    def all(self, organization_id: str) -> list[QuotaUse]:
        """All quotas of an organization."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": to_value(keys.quotas(organization_id))},
            ConsistentRead=True,
        )
        stored = {row["sk"]["S"]: from_item(row) for row in rows}
        return [_use(quota, stored.get(quota.key, {})) for quota in QUOTAS]

    def get(self, organization_id: str, quota: Quota) -> QuotaUse:
        """One quota of an organization."""
        return _use(quota, self._read(organization_id, quota))

    def set(self, organization_id: str, quota: Quota, value: int) -> None:
        """Set the value of a quota for one organization. Resources above the value remain."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=keys.quota(organization_id, quota.key),
            UpdateExpression=f"{SET_FORM}, most = :most",
            ExpressionAttributeValues={":form": FORM_VALUE, ":most": to_value(value)},
        )

    def require_room(self, organization_id: str, quota: Quota) -> None:
        """Raise LimitReached if another resource would exceed the quota. Only `create` is safe under concurrency."""
        use = self.get(organization_id, quota)
        if use.used is not None and use.used >= use.value:
            raise quota.reached(use.value, use.used)

    def forget_use(self, organization_id: str, quota: Quota) -> None:
        """Count the resources of a quota again when the next one is created."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=keys.quota(organization_id, quota.key),
            UpdateExpression=f"{SET_FORM} REMOVE used",
            ExpressionAttributeValues={":form": FORM_VALUE},
        )

    # -- creating and deleting resources -------------------------------------------------------------------------------

    def create(self, organization_id: str, quotas: Sequence[Quota], writes: Sequence[Mapping[str, Any]]) -> None:
        """Execute a transaction that creates a resource, and count it in each of the quotas.

        Raises LimitReached, and ConditionsFailed if a condition of `writes` does not hold.
        """
        self._transact(organization_id, quotas, writes, self._claim)

    def delete(self, organization_id: str, quotas: Sequence[Quota], writes: Sequence[Mapping[str, Any]]) -> None:
        """Execute a transaction that deletes a resource, and stop counting it in each of the quotas.

        Raises ConditionsFailed if a condition of `writes` does not hold.
        """
        self._transact(organization_id, quotas, writes, self._release)

    def _transact(
        self, organization_id: str, quotas: Sequence[Quota], writes: Sequence[Mapping[str, Any]], count: Any
    ) -> None:
        counts = [count(organization_id, quota) for quota in quotas]
        for _ in backoff():
            try:
                transact(self._dynamodb, [*writes, *counts])
                return
            except ConditionsFailed as failed:
                if any(index < len(writes) for index in failed.failed):
                    raise ConditionsFailed(frozenset(index for index in failed.failed if index < len(writes))) from None
                for index in sorted(failed.failed):
                    self._resolve(organization_id, quotas[index - len(writes)], claims=count == self._claim)
        raise AssertionError("backoff raises after the last attempt")

    def _resolve(self, organization_id: str, quota: Quota, *, claims: bool) -> None:
        """Raise LimitReached if a claim failed because of the quota. Otherwise the number was wrong: correct it."""
        values = self._read(organization_id, quota)
        used, most = values.get("used"), values.get("most", quota.default)
        if not claims or used is None:
            self._recount(organization_id, quota, used)
        elif used >= most:
            raise quota.reached(most, used)

    def _recount(self, organization_id: str, quota: Quota, seen: int | None) -> None:
        """Store the number of a quota's resources, unless another request has changed the number."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": to_value(_PARTITIONS[quota](organization_id))},
            ProjectionExpression="deleted",
            ConsistentRead=True,
        )
        # A view counts until its deletion is finished, but a deleted configuration remains.
        count = sum(quota is not CONFIGURATIONS or not from_item(row).get("deleted") for row in rows)
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.quota(organization_id, quota.key),
                UpdateExpression=f"{SET_FORM}, used = :count",
                ConditionExpression="attribute_not_exists(used)" if seen is None else "used = :seen",
                ExpressionAttributeValues={":form": FORM_VALUE, ":count": to_value(count)}
                | ({} if seen is None else {":seen": to_value(seen)}),
            )
        except ClientError as error:
            if not is_condition_failure(error):
                raise

    def _read(self, organization_id: str, quota: Quota) -> dict[str, Any]:
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.quota(organization_id, quota.key), ConsistentRead=True
        )
        return from_item(response.get("Item", {}))

    def _claim(self, organization_id: str, quota: Quota) -> dict[str, Any]:
        return self._add(
            organization_id,
            quota,
            "used < most OR (attribute_not_exists(most) AND used < :default)",
            {":change": 1, ":default": quota.default},
        )

    def _release(self, organization_id: str, quota: Quota) -> dict[str, Any]:
        return self._add(organization_id, quota, "used > :zero", {":change": -1, ":zero": 0})

    def _add(self, organization_id: str, quota: Quota, condition: str, values: Mapping[str, int]) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.quota(organization_id, quota.key),
                "UpdateExpression": f"{SET_FORM} ADD used :change",
                "ConditionExpression": condition,
                "ExpressionAttributeValues": {":form": FORM_VALUE}
                | {name: to_value(value) for name, value in values.items()},
            }
        }


def _use(quota: Quota, values: Mapping[str, Any]) -> QuotaUse:
    return QuotaUse(quota, values.get("most", quota.default), values.get("used", 0) if quota in _PARTITIONS else None)
