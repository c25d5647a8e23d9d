"""The failures table. Payloads over 100 KB are stored in the archive bucket, and the row holds their key."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from journeys import dates, jsontext, keys
from journeys.aws import FORM, FORM_ATTRIBUTE, Item, error_code, from_item, is_condition_failure, query_some, to_value
from journeys.errors import NotFound
from journeys.events.failures.model import RETENTION_SECONDS, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

MAX_PAYLOAD_IN_ROW = 100 * 1024
MAX_REPLAYS = 20
PAGE = 1000
"""Failures that are read at once to process all of them."""
STATUSES = OPEN, RESOLVED = "open", "resolved"
MAX_ROWS_READ = 250
"""Rows of one bucket that a page reads. There are four buckets per status, and a page of the API has at most 100."""
UNREADABLE = "failure.unreadable"
"""The code of the error for a failure whose payload has expired or is damaged."""
MAX_DEPTH = jsontext.MAX_DEPTH + 8
"""Levels of a payload. The failure of a delivery holds events, which can be as deep as a request."""


class FailurePage(NamedTuple):
    """Failures, newest first, each with its position. `position` is where the next page begins; None at the end."""

    rows: list[tuple[str, Failure]]
    position: str | None


class FailureStore:
    """Stores and reads the failures of all organizations. `s3` creates the client on first use."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, s3: "Callable[[], S3Client]", bucket: str) -> None:
        self._dynamodb, self._table, self._s3, self._bucket = dynamodb, table, s3, bucket

    # -- writing -------------------------------------------------------------------------------------------------------

    def put(self, failure: Failure) -> None:
        """Stores a failure. An existing failure with the same id is reopened with the new reason."""
        payload = jsontext.dumps(failure.payload)
        values: dict[str, Any] = {
            FORM_ATTRIBUTE: FORM,
            "failureId": failure.failure_id,
            "configurationId": failure.configuration_id,
            "source": failure.source,
            "reason": failure.reason,
            "message": failure.message,
            "fieldName": failure.field_name or "",
            "differing": list(failure.differing),
            "replayable": failure.replayable,
            "resolved": False,
            "dateLast": dates.text(failure.date_last),
            "bucket": keys.failure_bucket(failure.organization_id, failure.failure_id, OPEN),
            "place": keys.join(dates.text(failure.date_last), failure.failure_id),
            "expires": failure.date_last // 1000 + RETENTION_SECONDS,
        }
        if failure.endpoint_id is not None:
            values["endpointId"] = failure.endpoint_id
        if len(payload.encode()) > MAX_PAYLOAD_IN_ROW:
            values["payloadKey"], other = self._put_payload("failures", failure, payload), "payload"
        else:
            values["payload"], other = payload, "payloadKey"
        assignments = ", ".join(f"#{name} = :{name}" for name in values)
        self._dynamodb.update_item(
            TableName=self._table,
            Key=keys.item(keys.failure(failure.organization_id, failure.failure_id)),
            UpdateExpression=f"SET {assignments}, dateFirst = if_not_exists(dateFirst, :first) REMOVE #other",
            ExpressionAttributeNames={f"#{name}": name for name in values} | {"#other": other},
            ExpressionAttributeValues={f":{name}": to_value(value) for name, value in values.items()}
            | {":first": to_value(dates.text(failure.date_first))},
        )

    def put_with_evidence(self, failure: Failure) -> None:
        """Stores a failure and, permanently, its payload in the bucket: the event before somebody changed it."""
        self._put_payload("evidence", failure, jsontext.dumps(failure.payload))
        self.put(failure)

    def _put_payload(self, folder: str, failure: Failure, payload: str) -> str:
        key = f"{folder}/{keys.join(failure.organization_id)}/{failure.failure_id}.json"
        self._s3().put_object(Bucket=self._bucket, Key=key, Body=payload.encode(), ContentType="application/json")
        return key

    def add_replay(self, failure: Failure, replay: Mapping[str, Any], *, resolved: bool) -> Failure:
        """Adds the result of a replay. A failure that has expired in the meantime is not stored again."""
        replays = [*failure.replays, replay][-MAX_REPLAYS:]
        bucket = keys.failure_bucket(failure.organization_id, failure.failure_id, RESOLVED if resolved else OPEN)
        try:
            response = self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.item(keys.failure(failure.organization_id, failure.failure_id)),
                UpdateExpression="SET replays = :replays, resolved = :resolved, #bucket = :bucket",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeNames={"#bucket": "bucket"},
                ExpressionAttributeValues={
                    ":replays": to_value([dict(replay) for replay in replays]),
                    ":resolved": to_value(resolved),
                    ":bucket": to_value(bucket),
                },
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if not is_condition_failure(error):
                raise
            return replace(failure, replays=tuple(replays), resolved=resolved)
        return self._failure(failure.organization_id, response["Attributes"], whole=True)

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, organization_id: str, id_: str) -> Failure:
        """One failure, with its payload. Raises NotFound."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.item(keys.failure(organization_id, id_)), ConsistentRead=True
        )
        if "Item" not in response:
            raise NotFound("There is no such failure. Failures expire after 30 days.")
        return self._failure(organization_id, response["Item"], whole=True)

    def newest_first(
        self,
        organization_id: str,
        *,
        size: int,
        since: int | None = None,
        until: int | None = None,
        after: str | None = None,
        configuration_id: str | None = None,
        endpoint_id: str | None = None,
        reason: str | None = None,
        status: str | None = None,
    ) -> FailurePage:
        """Up to `size` failures without payloads, newest first, each with its position in the listing.

        `since` (inclusive) and `until` (exclusive) are milliseconds. `after` is the position of the previous page. With
        a filter, the page can hold fewer failures, even none, and still have a position: then
        MAX_ROWS_READ rows of a bucket were read.
        """
        low = dates.text(since or 0)
        high = dates.text(until) if until is not None else "9999"
        if after is not None:
            high = min(high, after)
        if low > high:
            return FailurePage([], None)
        conditions = {"configurationId": configuration_id, "endpointId": endpoint_id, "reason": reason}
        filters = {name: to_value(value) for name, value in conditions.items() if value is not None}
        if status is not None:
            filters["resolved"] = to_value(status == RESOLVED)
        buckets = keys.failure_buckets(organization_id, STATUSES if status is None else (status,))
        found: dict[str, Failure] = {}
        read_until = ""  # The oldest position up to which all buckets were read.
        for bucket in buckets:
            # The range includes the failure at `after`, which is in one of the buckets.
            items, last = self._rows(bucket, low, high, filters, size + 1, MAX_ROWS_READ)
            found |= {item["place"]["S"]: self._failure(organization_id, item, whole=False) for item in items}
            read_until = max(read_until, last["place"]["S"] if last else "")
        rows = sorted(
            (row for row in found.items() if row[0] >= read_until and row[0] != after), key=itemgetter(0), reverse=True
        )
        if len(rows) > size:
            return FailurePage(rows[:size], rows[size - 1][0])
        return FailurePage(rows, read_until or None)

    def all_newest_first(
        self, organization_id: str, *, since: int | None = None, until: int | None = None
    ) -> Iterator[Failure]:
        """All failures without payloads, newest first. `since` and `until` are as in `newest_first`."""
        position: str | None = None
        while True:
            page = self.newest_first(organization_id, size=PAGE, since=since, until=until, after=position)
            yield from (failure for _, failure in page.rows)
            if (position := page.position) is None:
                return

    def _rows(
        self, bucket: str, low: str, high: str, filters: Mapping[str, Any], size: int, max_rows: int
    ) -> tuple[list[Item], Item | None]:
        """The rows of one bucket between two positions that match the filters, newest first: see `query_some`."""
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": keys.FAILURES_BY_TIME,
            "KeyConditionExpression": "#bucket = :bucket AND place BETWEEN :low AND :high",
            "ExpressionAttributeNames": {"#bucket": "bucket"} | {f"#{name}": name for name in filters},
            "ExpressionAttributeValues": {":bucket": to_value(bucket), ":low": to_value(low), ":high": to_value(high)}
            | {f":{name}": value for name, value in filters.items()},
            "ScanIndexForward": False,
        }
        if filters:
            query["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in filters)
        return query_some(self._dynamodb, size=size, max_rows=max_rows, **query)

    def _failure(self, organization_id: str, item: Mapping[str, Any], *, whole: bool) -> Failure:
        values = from_item(item)
        payload = self._payload(values) if whole else None
        return Failure(
            failure_id=values["failureId"],
            organization_id=organization_id,
            configuration_id=values["configurationId"],
            source=values["source"],
            reason=values["reason"],
            message=values["message"],
            field_name=values["fieldName"] or None,
            differing=tuple(values["differing"]),
            payload=payload,
            date_first=dates.parse(values["dateFirst"]),
            date_last=dates.parse(values["dateLast"]),
            resolved=values["resolved"],
            replayable=values["replayable"],
            replays=tuple(values.get("replays", ())),
            endpoint_id=values.get("endpointId"),
        )

    def _payload(self, values: Mapping[str, Any]) -> object:
        """The payload of a row. Raises NotFound if it is no longer there or cannot be read."""
        try:
            if "payloadKey" not in values:
                text = values["payload"].encode()
            else:
                text = self._s3().get_object(Bucket=self._bucket, Key=values["payloadKey"])["Body"].read()
            return jsontext.loads(text, max_depth=MAX_DEPTH)
        except (ValueError, LookupError) as error:
            raise _unreadable() from error
        except ClientError as error:
            if error_code(error) != "NoSuchKey":
                raise
            raise _unreadable() from error


def _unreadable() -> NotFound:
    return NotFound("The payload of this failure has expired, or is damaged.", code=UNREADABLE)
