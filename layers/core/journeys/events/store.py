"""The log of events. It is append-only: the only write is a conditional put, so no event is ever changed or deleted."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import keys
from journeys.aws import Item, get_all, is_condition_failure, scan_pages
from journeys.events.model import StoredEvent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class EventLog:
    """The events table."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def put(self, item: Item) -> StoredEvent | None:
        """Stores an event. If an event with the same id exists, returns that event and stores nothing."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            return None
        except ClientError as error:
            if not is_condition_failure(error):
                raise
            return StoredEvent.from_item(error.response["Item"])  # type: ignore[typeddict-item]  # missing in the stubs

    def get_all(self, event_keys: Sequence[str]) -> dict[str, StoredEvent]:
        """The existing events of these keys, by key."""
        items = get_all(self._dynamodb, self._table, [keys.item(key) for key in event_keys], consistent=True)
        events = [StoredEvent.from_item(item) for item in items]
        return {event.key: event for event in events}

    def size(self) -> int:
        """The approximate number of events. DynamoDB updates it every six hours."""
        return int(self._dynamodb.describe_table(TableName=self._table)["Table"].get("ItemCount", 0))

    def pages(
        self, segment: int, segments: int, *, organization_id: str | None = None, attributes: Sequence[str] = ()
    ) -> Iterator[tuple[int, list[Item]]]:
        """Scans one segment of the log, for operators. Yields, per page, the number of scanned events and the items.

        `organization_id` limits the items to one organization, `attributes` to these attributes. Every event that was
        stored before the scan began is included.
        """
        scan: dict[str, Any] = {
            "TableName": self._table,
            "Segment": segment,
            "TotalSegments": segments,
            "ConsistentRead": True,
        }
        if organization_id is not None:
            scan["FilterExpression"] = "begins_with(pk, :organization)"
            scan["ExpressionAttributeValues"] = {":organization": {"S": keys.join(organization_id, "")}}
        if attributes:
            names = {f"#{index}": name for index, name in enumerate(attributes)}
            scan |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
        return scan_pages(self._dynamodb, **scan)
