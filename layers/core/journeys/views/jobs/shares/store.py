"""The jobs of each organization that wait or are computed, to limit them and to share the computing slots.

An organization's item has the ids of its jobs as two sets, `waiting` and `computing`. Every change of a job's status
changes the sets in the same transaction. The item exists only while one of the sets has an id.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import keys
from journeys.aws import FORM_VALUE, SET_FORM, from_item, is_condition_failure, query_all, to_value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE = 50
"""Organizations that are read at a time when looking for one that waits."""


@dataclass(frozen=True, slots=True)
class Load:
    """The ids of an organization's jobs that wait, and of those that are computed."""

    organization_id: str
    waiting: frozenset[str]
    computing: frozenset[str]


class ShareStore:
    """Reads the loads of organizations, and makes the writes that change them."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, organization_id: str) -> Load:
        """The load of an organization."""
        response = self._dynamodb.get_item(TableName=self._table, Key=keys.share(organization_id), ConsistentRead=True)
        return _load(organization_id, response.get("Item", {}))

    def all(self) -> Iterator[Load]:
        """The loads of all organizations whose jobs wait or are computed."""
        for row in self._query("pk = :pk", {}):
            yield _load(keys.organization_of_share(row["sk"]["S"]), row)

    def others_wait(self, organization_id: str) -> bool:
        """Whether jobs of another organization wait."""
        own = {":own": to_value(keys.share(organization_id)["sk"]["S"])}
        filtering = {"FilterExpression": "attribute_exists(waiting)", "Limit": PAGE}
        return any(True for order in "<>" for _ in self._query(f"pk = :pk AND sk {order} :own", own, **filtering))

    def _query(self, condition: str, values: Mapping[str, Any], **options: Any) -> Iterator[Mapping[str, Any]]:
        return query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues={":pk": to_value(keys.SHARES), **values},
            ConsistentRead=True,
            **options,
        )

    # -- writes of transactions ----------------------------------------------------------------------------------------

    def wait(self, organization_id: str, job_id: str, most: int) -> dict[str, Any]:
        """Add a waiting job, on the condition that fewer than `most` (at least 1) wait."""
        return self._update(
            organization_id,
            job_id,
            "ADD waiting :job",
            ConditionExpression="attribute_not_exists(waiting) OR size(waiting) < :most",
            values={":most": to_value(most)},
        )

    def start(self, organization_id: str, job_id: str, share: int | None) -> dict[str, Any]:
        """Move a job to those that are computed.

        With `share`, on the condition that the job is one of them or that they are fewer than that.
        """
        update = "ADD computing :job DELETE waiting :job"
        if share is None:
            return self._update(organization_id, job_id, update)
        return self._update(
            organization_id,
            job_id,
            update,
            ConditionExpression="attribute_not_exists(computing) OR size(computing) < :share "
            "OR contains(computing, :id)",
            values={":share": to_value(share), ":id": to_value(job_id)},
        )

    def cancel(self, organization_id: str, job_id: str) -> dict[str, Any]:
        """Remove a job from those that wait. An attempt that is running keeps its slot until it ends."""
        return self._update(organization_id, job_id, "DELETE waiting :job")

    def end(self, organization_id: str, job_id: str) -> dict[str, Any]:
        """Remove a job."""
        return self._update(organization_id, job_id, "DELETE waiting :job, computing :job")

    def _update(
        self,
        organization_id: str,
        job_id: str,
        update: str,
        values: Mapping[str, Any] | None = None,
        **condition: str,
    ) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.share(organization_id),
                "UpdateExpression": f"{SET_FORM} {update}",
                "ExpressionAttributeValues": {":form": FORM_VALUE, ":job": to_value({job_id}), **(values or {})},
                **condition,
            }
        }

    # -- repairing -----------------------------------------------------------------------------------------------------

    def remove(self, organization_id: str, job_ids: Collection[str]) -> None:
        """Remove jobs that ended without a write, because their deadline passed or their view was deleted."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=keys.share(organization_id),
            UpdateExpression="DELETE waiting :jobs, computing :jobs",
            ExpressionAttributeValues={":jobs": to_value(frozenset(job_ids))},
        )
        self.tidy(organization_id)

    def tidy(self, organization_id: str) -> None:
        """Delete the item of an organization without waiting and computed jobs."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=keys.share(organization_id),
                ConditionExpression="attribute_not_exists(waiting) AND attribute_not_exists(computing)",
            )
        except ClientError as error:
            if not is_condition_failure(error):
                raise


def _load(organization_id: str, item: Mapping[str, Any]) -> Load:
    values = from_item(item)
    return Load(organization_id, frozenset(values.get("waiting", ())), frozenset(values.get("computing", ())))
