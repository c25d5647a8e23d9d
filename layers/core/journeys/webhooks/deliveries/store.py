"""Store delivery records, one item each, and deliveries that wait for their ingest."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from journeys import jsontext, keys
from journeys.aws import MAX_ROWS_READ, from_item, is_condition_failure, query_some, to_item, to_value
from journeys.errors import NotFound
from journeys.webhooks.deliveries.model import DeliveryRecord, RecordedOutcome
from journeys.webhooks.deliveries.queued import QueuedDelivery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


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
        }
        if before is not None:
            query["ExclusiveStartKey"] = keys.delivery(organization_id, endpoint_id, before)
        if outcome is not None:
            query["FilterExpression"] = "outcome = :outcome"
            query["ExpressionAttributeValues"][":outcome"] = to_value(outcome.value)
        items, last = query_some(self._dynamodb, size=size, max_rows=MAX_ROWS_READ, **query)
        found = [_from_item(item) for item in items]
        if len(found) > size:
            return RecordPage(found[:size], found[size - 1].record_id)
        return RecordPage(found, last["sk"]["S"] if last else None)


def _to_item(record: DeliveryRecord) -> dict[str, Any]:
    key = keys.delivery(record.organization_id, record.endpoint_id, record.record_id)
    return key | to_item(record.to_values())


def _from_item(item: Mapping[str, Any]) -> DeliveryRecord:
    return DeliveryRecord.from_values(item["sk"]["S"], from_item(item))


def object_key(record: DeliveryRecord) -> str:
    """Return the key of the object that holds a queued delivery."""
    return f"deliveries/{keys.join(record.organization_id)}/{record.record_id}.json"


class DeliveryQueue:
    """Deliveries that were acknowledged before their events were ingested.

    Each is stored whole as `deliveries/{organization}/{record}.json` in the archive bucket, where a lifecycle rule
    deletes it after 30 days. A message in the queue names the object. `s3` and `sqs` create the clients on first use.
    """

    def __init__(
        self, s3: "Callable[[], S3Client]", bucket: str, sqs: "Callable[[], SQSClient]", queue_url: str
    ) -> None:
        self._s3, self._bucket, self._sqs, self._url = s3, bucket, sqs, queue_url

    def put(self, queued: QueuedDelivery) -> None:
        """Store a delivery, and then send its message. If one of the two fails, it must not be acknowledged."""
        key = object_key(queued.record)
        body = jsontext.dumps(queued.to_values()).encode()
        self._s3().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        self._sqs().send_message(QueueUrl=self._url, MessageBody=json.dumps({"key": key}))

    def read(self, message: str) -> QueuedDelivery:
        """Return the delivery of a message."""
        found = self._s3().get_object(Bucket=self._bucket, Key=json.loads(message)["key"])
        return QueuedDelivery.from_values(jsontext.loads(found["Body"].read()))

    def retry_in(self, receipt: str, seconds: int) -> None:
        """Deliver a received message again after `seconds`, instead of after the queue's visibility timeout."""
        self._sqs().change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)
