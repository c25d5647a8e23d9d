"""Counts what reads cost: the rows that DynamoDB read, whether they matched a filter or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.client_events import handling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@contextmanager
def rows_read(client: "DynamoDBClient") -> Iterator[list[int]]:
    """Yields the number of rows that each query of the client reads."""
    rows: list[int] = []

    def count(parsed: dict[str, Any], **_: Any) -> None:
        rows.append(parsed["ScannedCount"])

    with handling(client, "after-call.dynamodb.Query", count):
        yield rows
