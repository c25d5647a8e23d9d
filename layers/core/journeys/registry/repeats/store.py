"""Idempotency keys: a repeated request gets the id of the resource that the first one created or was about to create.

The item of a key has this id instead of a response, because responses can contain secrets. A request that was
interrupted is therefore completed by its repetition, and a repeated request creates nothing.
"""

import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import backoff, from_item, is_condition_failure, to_item, to_value
from journeys.errors import Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY_SECONDS = 86_400
"""Seconds for which a key is remembered."""


class RepeatStore:
    """The idempotency keys of organizations."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def claim(self, organization_id: str, scope: str, key: str, content: str, resource_id: str) -> str:
        """Return the id that the request with this key uses: `resource_id`, or that of the first request.

        `scope` names the operation and the client, and `content` has everything else that the request says. Raises
        Conflict if the key was used for another content.
        """
        # The key is a part of the digest, so that no secret of the content can be guessed from it.
        digest = hashlib.sha256(keys.join(scope, key, content).encode()).hexdigest()
        place = keys.repeat(organization_id, hashlib.sha256(keys.join(scope, key).encode()).hexdigest())
        for _ in backoff():
            now = dates.now_ms() // 1000
            values = {"content": digest, "resourceId": resource_id, "expires": now + KEY_SECONDS}
            try:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=place | to_item(values),
                    ConditionExpression="attribute_not_exists(pk) OR expires <= :now",
                    ExpressionAttributeValues={":now": to_value(now)},
                )
                return resource_id
            except ClientError as error:
                if not is_condition_failure(error):
                    raise
            response = self._dynamodb.get_item(TableName=self._table, Key=place, ConsistentRead=True)
            if "Item" in response:  # Otherwise it has expired in the meantime.
                return _same(from_item(response["Item"]), digest)
        raise AssertionError("backoff raises after the last attempt")


def key_reused() -> Conflict:
    """The error of a request whose key was used for another request."""
    return Conflict(
        "The Idempotency-Key was used for another request. Use a new key for each request.",
        code="idempotency.key.reused",
    )


def _same(values: dict[str, str], digest: str) -> str:
    if values["content"] != digest:
        raise key_reused()
    return values["resourceId"]
