"""Which organization the events of a native source belong to. Only the operator writes these rows."""

import re
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import from_item, is_condition_failure, to_item, to_value
from journeys.errors import BadRequest, Conflict, NotFound

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_SOURCE = 500
"""Characters of a source. Those of EventBridge have at most 256, and ARNs of Amazon Connect fewer."""
_SOURCE = re.compile(rf"[\w./:-]{{1,{MAX_SOURCE}}}", re.ASCII)
"""The characters of EventBridge's sources, and the colons of ARNs."""


class NativeSource(NamedTuple):
    """An EventBridge source, or the ARN of an Amazon Connect instance, and its organization."""

    source: str
    organization_id: str


class NativeSourceStore:
    """Stores the native sources of all organizations. A source belongs to one organization."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def find(self, source: str, consistent: bool = True) -> str | None:
        """The organization of a source, or None."""
        if not 1 <= len(source) <= MAX_SOURCE:
            return None
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.native_source(source), ConsistentRead=consistent
        )
        return str(from_item(response["Item"])["organizationId"]) if "Item" in response else None

    def add(self, source: str, organization_id: str) -> None:
        """Maps a source to an organization. Raises BadRequest, and Conflict if another organization has it."""
        if not _SOURCE.fullmatch(source):
            raise BadRequest(
                f"A source has 1 to {MAX_SOURCE} letters, digits and the characters . / : - _, without blanks."
            )
        values = {"source": source, "organizationId": organization_id, "dateAdded": dates.text(dates.now_ms())}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=keys.native_source(source) | to_item(values),
                ConditionExpression="attribute_not_exists(pk) OR organizationId = :organization",
                ExpressionAttributeValues={":organization": to_value(organization_id)},
            )
        except ClientError as error:
            if not is_condition_failure(error):
                raise
            raise Conflict("Another organization has this source. Remove it there first.") from None

    def remove(self, source: str) -> None:
        """Removes a source. Raises NotFound. The events that it sent remain."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=keys.native_source(source),
                ConditionExpression="attribute_exists(pk)",
            )
        except ClientError as error:
            if not is_condition_failure(error):
                raise
            raise NotFound("No organization has this source.") from None
