"""Store delivery records, one item each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from journeys import keys
from journeys.aws import from_item, is_condition_failure, to_item, to_value
from journeys.errors import NotFound
from journeys.webhooks.deliveries.model import DeliveryRecord, RecordedOutcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_ROWS_READ = 1000
"""Rows that one page of a filtered listing reads: at most 1 MB, which is also DynamoDB's limit for one query."""


class RecordPage(NamedTuple):
    """Records, newest first. `position` is where the next page begins; None after the last record."""

    records: list[DeliveryRecord]
    position: str | None


class DeliveryStore:
    """The deliveries table."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def add(self, record: DeliveryRecord) -> None:
        """Store a new record, unless one with its id exists: the queue can be done before the receiver is."""
        try:
            self._dynamodb.put_item(
                TableName=self._table, Item=_to_item(record), ConditionExpression="attribute_not_exists(pk)"
            )
        except ClientError as error:
            if not is_condition_failure(error):
                raise

    def replace(self, record: DeliveryRecord) -> None:
        """Store the final record of a delivery that was queued."""
        self._dynamodb.put_item(TableName=self._table, Item=_to_item(record))

    def get(self, organization_id: str, endpoint_id: str, record_id: str) -> DeliveryRecord:
        """Return one record. Raises NotFound."""
        key = keys.delivery(organization_id, endpoint_id, record_id)
        response = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in response:
            raise NotFound("The endpoint has no such delivery. Deliveries are listed for 14 days.")
        return _from_item(response["Item"])

    def newest_first(
        self,
        organization_id: str,
        endpoint_id: str,
        *,
        size: int,
        before: str | None = None,
        outcome: RecordedOutcome | None = None,
    ) -> RecordPage:
        """Return at most `size` records of an endpoint, of one outcome or of all.

        `before` is the position of the previous page. With an outcome, the page can hold fewer records, even none, and
        still have a position: then MAX_ROWS_READ rows were read.
        """
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": to_value(keys.deliveries(organization_id, endpoint_id))},
            "ScanIndexForward": False,
            "ConsistentRead": True,
            "Limit": size + 1,
        }
        if before is not None:
            query["ExclusiveStartKey"] = keys.delivery(organization_id, endpoint_id, before)
        if outcome is not None:
            query["FilterExpression"] = "outcome = :outcome"
            query["ExpressionAttributeValues"][":outcome"] = to_value(outcome.value)
            query["Limit"] = MAX_ROWS_READ
        response = self._dynamodb.query(**query)
        found = [_from_item(item) for item in response["Items"]]
        if len(found) > size:
            return RecordPage(found[:size], found[size - 1].record_id)
        more = response.get("LastEvaluatedKey")
        return RecordPage(found, more["sk"]["S"] if more else None)


def _to_item(record: DeliveryRecord) -> dict[str, Any]:
    key = keys.delivery(record.organization_id, record.endpoint_id, record.record_id)
    return key | to_item(record.to_values())


def _from_item(item: Mapping[str, Any]) -> DeliveryRecord:
    return DeliveryRecord.from_values(item["sk"]["S"], from_item(item))
