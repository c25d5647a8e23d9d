"""AWS clients, and the few things that every store does with DynamoDB in the same way."""

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from journeys.errors import ServiceUnavailable, TooManyRequests

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

PUT_CONCURRENCY = 16

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=2 * PUT_CONCURRENCY,
    parameter_validation=False,  # items are built by typed code, and the check costs a third of a put's CPU
)

BATCH_CONFIG = _CONFIG.merge(
    Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 5, "mode": "standard"})
)
"""For what runs for minutes, and of which nobody waits for a single answer."""

THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TooManyRequestsException",
        "SlowDown",
    }
)
_IN_CONFLICT = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


@cache
def dynamodb() -> "DynamoDBClient":
    """The client of this process, with the time-outs that a request's 12 seconds are made of."""
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def s3() -> "S3Client":
    """The client of this process; made when it is first needed, since few requests need it."""
    return boto3.client("s3", config=_CONFIG)


@cache
def batch_s3() -> "S3Client":
    """The client of this process, for functions that run for minutes."""
    return boto3.client("s3", config=BATCH_CONFIG)


@cache
def secretsmanager() -> "SecretsManagerClient":
    """The client of this process."""
    return boto3.client("secretsmanager", config=_CONFIG)


@cache
def sqs() -> "SQSClient":
    """The client of this process."""
    return boto3.client("sqs", config=_CONFIG)


@cache
def stepfunctions() -> "SFNClient":
    """The client of this process."""
    return boto3.client("stepfunctions", config=_CONFIG)


# -- errors ------------------------------------------------------------------------------------------------------------


def error_code(error: ClientError) -> str:
    """What AWS calls the error."""
    return error.response.get("Error", {}).get("Code", "")


def is_condition_failure(error: ClientError) -> bool:
    """Whether a conditional write was refused by its condition."""
    return error_code(error) == "ConditionalCheckFailedException"


def store_outage(error: ClientError | BotoCoreError) -> TooManyRequests | ServiceUnavailable:
    """What a call that failed means to the sender: the store throttles, or it does not answer."""
    if isinstance(error, ClientError) and error_code(error) in THROTTLES:
        return TooManyRequests("The store asks to slow down; send it again in a moment.")
    return ServiceUnavailable("The store does not answer; send it again in a moment.")


# -- values ------------------------------------------------------------------------------------------------------------

Item = dict[str, Any]
"""An item in the form of the low-level client."""


def to_value(value: Any) -> dict[str, Any]:
    """A plain value in DynamoDB's form. Raises TypeError for what has none."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is bool:
        return {"BOOL": value}
    if kind is int or kind is Decimal:
        return {"N": str(value)}
    if value is None:
        return {"NULL": True}
    if kind is dict:
        return {"M": {name: to_value(inner) for name, inner in value.items()}}
    if kind is list or kind is tuple:
        return {"L": [to_value(inner) for inner in value]}
    if kind is frozenset or kind is set:
        return {"SS": sorted(value)}
    raise TypeError(f"DynamoDB has no form for {kind.__name__}")


def to_item(values: Mapping[str, Any]) -> Item:
    """An item out of plain values; None means that the attribute is left out."""
    return {name: to_value(value) for name, value in values.items() if value is not None}


_deserialize = TypeDeserializer().deserialize


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of an item; whole numbers are `int`, others `Decimal`."""
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def item_size(value: Mapping[str, Any]) -> int:
    """The bytes that DynamoDB counts for an item (or a map), after its documented rules; at most a few over.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    total = 0
    for name, inner in value.items():
        total += len(name.encode()) + _value_size(inner)
    return total


def _value_size(value: Mapping[str, Any]) -> int:
    for kind, content in value.items():  # there is one; a loop is the quickest way to it
        if kind == "S":
            return len(content.encode())
        if kind == "B":
            return len(content)
        if kind == "N":
            return len(content) // 2 + 2
        if kind == "M":
            return 3 + len(content) + item_size(content)
        if kind == "L":
            return 3 + len(content) + sum(map(_value_size, content))
        if kind == "SS":
            return sum(len(text.encode()) for text in content)
    return 1


# -- calls that every store makes --------------------------------------------------------------------------------------


def query_all(client: "DynamoDBClient", **query: Any) -> Iterator[Item]:
    """Every item of a query, page after page."""
    while True:
        page = client.query(**query)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def scan_pages(client: "DynamoDBClient", **scan: Any) -> Iterator[tuple[int, list[Item]]]:
    """The pages of a scan, or of one segment of it: how many items each looked at, and those that it found."""
    while True:
        page = client.scan(**scan)
        yield page["ScannedCount"], page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        scan["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def get_all(
    client: "DynamoDBClient", table: str, wanted: Sequence[Item], *, consistent: bool, **options: Any
) -> list[Item]:
    """The items that exist of the keys wanted, in no order; a call carries up to 100 keys."""
    found: list[Item] = []
    for start in range(0, len(wanted), 100):
        request: Any = {table: {"Keys": list(wanted[start : start + 100]), "ConsistentRead": consistent, **options}}
        for wait in backoff():
            answer = client.batch_get_item(RequestItems=request)
            found += answer["Responses"].get(table, [])
            request = answer.get("UnprocessedKeys")
            if not request:
                break
            time.sleep(wait)
    return found


def put_all(client: "DynamoDBClient", table: str, items: Sequence[Item]) -> None:
    """Puts items whose repetition does no harm; a call carries up to 25."""
    _write_all(client, table, [{"PutRequest": {"Item": item}} for item in items])


def delete_all(client: "DynamoDBClient", table: str, keys: Sequence[Item]) -> None:
    """Deletes the items of those keys; a call carries up to 25."""
    _write_all(client, table, [{"DeleteRequest": {"Key": key}} for key in keys])


def _write_all(client: "DynamoDBClient", table: str, writes: Sequence[Any]) -> None:
    for start in range(0, len(writes), 25):
        request: Any = {table: list(writes[start : start + 25])}
        for wait in backoff():
            request = client.batch_write_item(RequestItems=request).get("UnprocessedItems")
            if not request:
                break
            time.sleep(wait)


class ConditionsFailed(Exception):
    """A transaction was refused by conditions. `failed` holds the places, in its list, of those that did not hold."""

    def __init__(self, failed: frozenset[int]) -> None:
        super().__init__(f"conditions {sorted(failed)} did not hold")
        self.failed = failed


def transact(client: "DynamoDBClient", writes: Iterable[Mapping[str, Any]]) -> None:
    """Writes all or nothing; a conflict with another transaction is retried with jitter. Raises ConditionsFailed."""
    items: Any = list(writes)
    token = str(uuid.uuid4())
    for wait in backoff(attempts=60):
        try:
            client.transact_write_items(TransactItems=items, ClientRequestToken=token)
            return
        except ClientError as error:
            if error_code(error) == "TransactionInProgressException":
                time.sleep(wait)  # the very same one is still being written: the token asks what became of it
                continue
            if error_code(error) != "TransactionCanceledException":
                raise
            reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
            failed = frozenset(place for place, reason in enumerate(reasons) if reason == "ConditionalCheckFailed")
            if failed:
                raise ConditionsFailed(failed) from error
            if not _IN_CONFLICT.intersection(reasons):
                raise
        token = str(uuid.uuid4())
        time.sleep(wait)


def backoff(
    *, attempts: int = 10, first: float = 0.02, most: float = 0.5, random_: Callable[[], float] = random.random
) -> Iterator[float]:
    """Seconds to wait between attempts, doubling, with full jitter. Raises TooManyRequests when they are used up."""
    for attempt in range(attempts):
        yield random_() * min(most, first * 2**attempt)
    raise TooManyRequests("The store is busy; send it again in a moment.")
