"""AWS clients, and the DynamoDB operations that all stores share."""

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
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError  # noqa: A004

from journeys.errors import TooManyRequests

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

PUT_CONCURRENCY = 16
MAX_ROWS_READ = 1000
"""Rows that one page of a filtered listing reads."""

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=2 * PUT_CONCURRENCY,
    parameter_validation=False,  # Typed code builds the items, and validation takes a third of a put's CPU time.
)

BATCH_CONFIG = _CONFIG.merge(
    Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 5, "mode": "standard"})
)
"""For functions that run for minutes, where no caller waits for a single call."""

_SLOW_CONFIG = _CONFIG.merge(Config(read_timeout=8, retries={"total_max_attempts": 2, "mode": "standard"}))
"""For services whose calls take seconds: Cognito creates a user and sends an e-mail in one call."""

THROTTLES = frozenset(
    {
        "ExecutionLimitExceeded",
        "KmsThrottled",
        "KmsThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes of throttled calls to DynamoDB, S3, SQS, Secrets Manager, Step Functions and CloudFormation."""

_TIMEOUTS = frozenset({"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"})
"""Error codes with a 4xx status that botocore's standard mode retries as transient."""

_IN_CONFLICT = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


@cache
def dynamodb() -> "DynamoDBClient":
    """The shared client. Its timeouts let a request finish within 12 seconds."""
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def s3() -> "S3Client":
    """The shared client, created on first use because few requests need it."""
    return boto3.client("s3", config=_CONFIG)


@cache
def batch_s3() -> "S3Client":
    """The shared client for functions that run for minutes."""
    return boto3.client("s3", config=BATCH_CONFIG)


@cache
def secretsmanager() -> "SecretsManagerClient":
    """The shared client."""
    return boto3.client("secretsmanager", config=_CONFIG)


@cache
def cognito() -> "CognitoIdentityProviderClient":
    """The shared client."""
    return boto3.client("cognito-idp", config=_SLOW_CONFIG)


@cache
def sqs() -> "SQSClient":
    """The shared client."""
    return boto3.client("sqs", config=_CONFIG)


@cache
def stepfunctions() -> "SFNClient":
    """The shared client."""
    return boto3.client("stepfunctions", config=_CONFIG)


# -- errors ------------------------------------------------------------------------------------------------------------


def error_code(error: ClientError) -> str:
    """The error code that AWS returned."""
    return error.response.get("Error", {}).get("Code", "")


def is_condition_failure(error: ClientError) -> bool:
    """Whether the condition of a write did not hold."""
    return error_code(error) == "ConditionalCheckFailedException"


def is_throttled(error: Exception) -> bool:
    """Whether AWS throttled the call."""
    return isinstance(error, ClientError) and error_code(error) in THROTTLES


def is_temporary(error: Exception) -> bool:
    """Whether the same call to AWS can succeed later: it was throttled or timed out, or AWS failed or did not respond.

    All other errors, such as a denied access, an invalid call or a missing table, are permanent.
    """
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or error_code(error) in THROTTLES | _TIMEOUTS
    return isinstance(error, ConnectionError | HTTPClientError | IncompleteReadError)


# -- values ------------------------------------------------------------------------------------------------------------

Item = dict[str, Any]
"""An item in DynamoDB's JSON, as the low-level client uses it."""

FORM = 1
"""The version of the form of all stored items. docs/deploying.md says what a new version may change, and when to raise
this number. An item without the attribute has form 1."""

FORM_ATTRIBUTE = "v"
"""One character, because summaries and steps are written for every event."""

FORM_VALUE: Item = {"N": str(FORM)}
IN_FORM: Item = {FORM_ATTRIBUTE: FORM_VALUE}
"""What `to_item` adds to an item. Items that are written without it add it themselves."""
SET_FORM = f"SET {FORM_ATTRIBUTE} = :form"
"""The clause of an update that can create an item. `:form` is FORM_VALUE."""


class NewerForm(Exception):
    """A newer version of the application wrote a stored item, in a form that this version does not know."""

    def __init__(self, form: int) -> None:
        super().__init__(
            f"A stored item has form {form}, and this version reads forms up to {FORM}. "
            "Deploy the version that wrote the item, or a newer one."
        )


def require_form(item: Mapping[str, Any]) -> None:
    """Raises NewerForm if an item has a form that this version does not know."""
    value = item.get(FORM_ATTRIBUTE)
    if value is not None and value != FORM_VALUE and int(value["N"]) > FORM:
        raise NewerForm(int(value["N"]))


def to_value(value: Any) -> dict[str, Any]:
    """Converts a Python value to DynamoDB's JSON. Raises TypeError for unsupported types."""
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
    raise TypeError(f"DynamoDB cannot store a value of type {kind.__name__}")


def to_item(values: Mapping[str, Any]) -> Item:
    """Converts Python values to an item, with the version of its form. Values that are None are left out."""
    return {name: to_value(value) for name, value in values.items() if value is not None} | IN_FORM


_deserialize = TypeDeserializer().deserialize


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Converts an item to Python values. Whole numbers become `int`, other numbers `Decimal`. Raises NewerForm."""
    require_form(item)
    return {name: _plain(_deserialize(value)) for name, value in item.items() if name != FORM_ATTRIBUTE}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def item_size(value: Mapping[str, Any]) -> int:
    """The size in bytes of an item or a map by DynamoDB's documented rules. The result can be a few bytes too large.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    total = 0
    for name, inner in value.items():
        total += len(name.encode()) + _value_size(inner)
    return total


def _value_size(value: Mapping[str, Any]) -> int:
    for kind, content in value.items():  # There is exactly one. A loop is the fastest way to get it.
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


# -- calls -------------------------------------------------------------------------------------------------------------


def query_all(client: "DynamoDBClient", **query: Any) -> Iterator[Item]:
    """All items of a query, from all pages."""
    while True:
        page = client.query(**query)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def query_some(client: "DynamoDBClient", *, size: int, max_rows: int, **query: Any) -> tuple[list[Item], Item | None]:
    """Matching items of a query, until there are more than `size` or `max_rows` rows were read.

    Returns the key of the last row that was read, or None after the last row of the query. The calls read more rows
    each time, because the first one shows that few of them match.
    """
    found: list[Item] = []
    limit, read = size + 1, 0  # One more than `size` shows whether others follow.
    while True:
        page = client.query(**query, Limit=min(limit, max_rows - read))
        found += page["Items"]
        read, limit = read + page["ScannedCount"], limit * 4
        last = page.get("LastEvaluatedKey")
        if last is None or len(found) > size or read >= max_rows:
            return found, last
        query["ExclusiveStartKey"] = last


def scan_pages(client: "DynamoDBClient", **scan: Any) -> Iterator[tuple[int, list[Item]]]:
    """The pages of a scan or of one segment: for each, the number of scanned items and the matching items."""
    while True:
        page = client.scan(**scan)
        yield page["ScannedCount"], page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        scan["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def get_all(
    client: "DynamoDBClient", table: str, keys: Sequence[Item], *, consistent: bool, **options: Any
) -> list[Item]:
    """The existing items of these keys, in any order, in batches of 100 keys."""
    items: list[Item] = []
    for start in range(0, len(keys), 100):
        request: Any = {table: {"Keys": list(keys[start : start + 100]), "ConsistentRead": consistent, **options}}
        for wait in backoff():
            response = client.batch_get_item(RequestItems=request)
            items += response["Responses"].get(table, [])
            request = response.get("UnprocessedKeys")
            if not request:
                break
            time.sleep(wait)
    return items


def put_all(client: "DynamoDBClient", table: str, items: Sequence[Item]) -> None:
    """Puts items in batches of 25. Batches can be repeated, so the puts must be idempotent."""
    _write_all(client, table, [{"PutRequest": {"Item": item}} for item in items])


def delete_all(client: "DynamoDBClient", table: str, keys: Sequence[Item]) -> None:
    """Deletes the items of these keys in batches of 25."""
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
    """Conditions of a transaction did not hold. `failed` holds the indexes of these writes."""

    def __init__(self, failed: frozenset[int]) -> None:
        super().__init__(f"conditions {sorted(failed)} did not hold")
        self.failed = failed


def transact(client: "DynamoDBClient", writes: Iterable[Mapping[str, Any]]) -> None:
    """Executes a transaction and retries it with jitter after a conflict. Raises ConditionsFailed."""
    items: Any = list(writes)
    token = str(uuid.uuid4())
    for wait in backoff(attempts=60):
        try:
            client.transact_write_items(TransactItems=items, ClientRequestToken=token)
            return
        except ClientError as error:
            if error_code(error) == "TransactionInProgressException":
                time.sleep(wait)  # The same transaction is still running. The same token returns its result.
                continue
            if error_code(error) != "TransactionCanceledException":
                raise
            reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
            failed = frozenset(index for index, reason in enumerate(reasons) if reason == "ConditionalCheckFailed")
            if failed:
                raise ConditionsFailed(failed) from error
            if not _IN_CONFLICT.intersection(reasons):
                raise
        token = str(uuid.uuid4())
        time.sleep(wait)


def backoff(
    *, attempts: int = 10, first: float = 0.02, most: float = 0.5, random_: Callable[[], float] = random.random
) -> Iterator[float]:
    """Seconds to wait after each attempt: exponential with full jitter. Raises TooManyRequests after the last."""
    for attempt in range(attempts):
        yield random_() * min(most, first * 2**attempt)
    raise TooManyRequests("The database is busy. Send the request again in a few seconds.")
