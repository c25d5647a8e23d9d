"""The faster methods of moto's DynamoDB give the results of its own."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from journeys import aws
from tests.support import fast_moto

KEYS = st.fixed_dictionaries({"pk": st.sampled_from(["p", "q"]), "sk": st.sampled_from([1, 5, 11, 40])})
VALUES = st.dictionaries(st.sampled_from(["n", "note"]), st.sampled_from([0, 1, 2, 10]), max_size=2)
Table = dict[str, Any]


def values(given: dict[str, Any]) -> dict[str, Any]:
    """Values as DynamoDB's JSON."""
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in given.items()}


def put(key: dict[str, Any], attributes: dict[str, int]) -> dict[str, Any]:
    nested = {"list": {"L": [{"S": "a"}, {"NULL": True}, {"B": b"\0"}]}, "map": {"M": {"S": {"BOOL": False}}}}
    return {"Put": {"Item": values(key | attributes) | nested}}


def update(key: dict[str, Any], number: int) -> dict[str, Any]:
    change = {"UpdateExpression": "SET n = :n ADD m :n", "ExpressionAttributeValues": values({":n": number})}
    return {"Update": {"Key": values(key)} | change}


CONDITIONS = ["attribute_exists(pk)", "attribute_not_exists(pk)"]
operations = st.one_of(
    st.builds(put, KEYS, VALUES),
    st.builds(update, KEYS, st.integers(0, 3)),
    st.builds(lambda key: {"Delete": {"Key": values(key)}}, KEYS),
)
conditional = st.builds(
    lambda operation, condition: {
        kind: given | ({"ConditionExpression": condition} if condition else {}) for kind, given in operation.items()
    },
    operations,
    st.sampled_from([None, *CONDITIONS]),
)
transactions = st.builds(
    lambda items: ("transact_write_items", {"TransactItems": items}), st.lists(conditional, min_size=1, max_size=4)
)
queries = st.builds(
    lambda pk, least, forward, limit: (
        "query",
        {
            "KeyConditionExpression": "pk = :pk AND sk >= :least",
            "ExpressionAttributeValues": values({":pk": pk, ":least": least}),
            "ScanIndexForward": forward,
            "Limit": limit,
        },
    ),
    st.sampled_from(["p", "q", "r"]),
    st.sampled_from([0, 5, 12]),
    st.booleans(),
    st.integers(1, 5),
)
indexed = st.builds(
    lambda note, forward: (
        "query",
        {
            "IndexName": "byNote",
            "KeyConditionExpression": "note = :note",
            "ExpressionAttributeValues": values({":note": note}),
            "ScanIndexForward": forward,
        },
    ),
    st.sampled_from([0, 1, 2]),
    st.booleans(),
)
scans: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.just(("scan", {}))


def with_table() -> Any:
    """A client of DynamoDB with a table."""
    dynamodb: Any = aws.dynamodb()
    dynamodb.create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema("pk", "sk"),
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S" if name == "pk" else "N"} for name in ("pk", "sk", "note", "n")
        ],
        GlobalSecondaryIndexes=[
            {"IndexName": "byNote", "KeySchema": schema("note", "n"), "Projection": {"ProjectionType": "ALL"}}
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return dynamodb


def answers(calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """What DynamoDB answers to each call, then the records of the stream."""
    with mock_aws():
        dynamodb = with_table()
        found = [answer(getattr(dynamodb, name), call) for name, call in calls]
        return [*found, stream_records()]


def schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def answer(method: Callable[..., dict[str, Any]], call: dict[str, Any]) -> Any:
    if "TransactItems" in call:
        call = {
            "TransactItems": [
                {kind: {"TableName": "t"} | one for kind, one in item.items()} for item in call["TransactItems"]
            ]
        }
    else:
        call = {"TableName": "t"} | call
    try:
        response = method(**call)
    except ClientError as error:
        return error.response["Error"], error.response.get("CancellationReasons")
    return {name: value for name, value in response.items() if name != "ResponseMetadata"}


def stream_records() -> list[Any]:
    """What the table's stream holds."""
    (shard,) = [one.tables["t"].stream_shard for one in dynamodb_backends[DEFAULT_ACCOUNT_ID].values() if one.tables]
    assert shard is not None
    records = [record.record["dynamodb"] for record in shard.items]
    return [
        {name: record.get(name) for name in ("Keys", "OldImage", "NewImage", "SequenceNumber")} for record in records
    ]


@pytest.mark.slow
@settings(max_examples=25)
@given(calls=st.lists(st.one_of(transactions, transactions, queries, indexed, scans), min_size=1, max_size=12))
def test_the_faster_methods_give_the_results_of_the_slow_ones(calls: list[tuple[str, dict[str, Any]]]) -> None:
    calls = [*calls, ("scan", {})]
    fast = answers(calls)
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, original in fast_moto.ORIGINALS:
            if original is None:
                patch.delattr(owner, name)
            else:
                patch.setattr(owner, name, original)
        slow = answers(calls)
    assert fast == slow


def test_a_failed_transaction_leaves_no_trace() -> None:
    key = {"pk": "p", "sk": 1}
    second = put({"pk": "q", "sk": 1}, {})
    second["Put"]["ConditionExpression"] = "attribute_exists(pk)"
    first = [("transact_write_items", {"TransactItems": [put(key, {"n": 1})]}), ("scan", {})]
    failing = [("transact_write_items", {"TransactItems": [update(key, 5), second]}), ("scan", {})]
    *before, records = answers(first)
    *after, records_after = answers([*first, *failing])
    assert after[-1] == before[-1]
    assert after[-2][0]["Code"] == "TransactionCanceledException"
    assert records_after == records


def test_of_concurrent_transactions_with_one_condition_one_succeeds() -> None:
    """Threads switch so often that transactions would mix."""
    key = values({"pk": "p", "sk": 1})
    put = {"Put": {"TableName": "t", "Item": key, "ConditionExpression": "attribute_not_exists(pk)"}}
    meet = threading.Barrier(4)

    def write(_: int) -> bool:
        meet.wait(timeout=30)
        try:
            dynamodb.transact_write_items(TransactItems=[put])
        except ClientError:
            return False
        return True

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with mock_aws(), ThreadPoolExecutor(4) as threads:
            dynamodb = with_table()
            for _ in range(20):
                assert sum(threads.map(write, range(4))) == 1
                dynamodb.delete_item(TableName="t", Key=key)
    finally:
        sys.setswitchinterval(interval)
