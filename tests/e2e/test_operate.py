"""`journeys verify`, `rebuild` and `redrive` on the deployed stack, while events arrive."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from typing import Any

import pytest

from journeys import keys
from journeys.journey.model import Step
from journeys.journey.store import JourneyStore
from journeys.stream.store import PREFIX
from tests.conftest import Caller
from tests.e2e.test_pipeline import ORDER, PAGE, configure, event, events_of, wait_for
from tests.support.waiting import wait_until
from tools.api import ApiClient, ApiError
from tools.stack import Stack

FIRST = datetime(2026, 1, 2, tzinfo=UTC)


def _send(api: ApiClient, configuration_id: str, numbers: range, customer: str) -> None:
    events = [
        event(f"{customer}-{number}", (FIRST + timedelta(minutes=number)).isoformat(), {}, ("crm", customer))
        for number in numbers
    ]
    response = api.send(configuration_id, events)
    assert len(response["processed"]) == len(events)


def _damage(stack: Stack, ada: str, bob: str) -> None:
    """Deletes rows of one journey, adds a row without an event, and deletes the summary of the other journey."""
    table = stack.outputs["JourneysTableName"]
    store = JourneyStore(stack.dynamodb, table)
    rows = list(store.steps(ada, ascending=True))
    store.delete_rows(ada, rows[5:9])
    store.put_rows(ada, [Step(rows[0].key.replace("ada-0", "ghost"), "a")])
    stack.dynamodb.delete_item(TableName=table, Key=keys.item(bob, keys.SUMMARY))
    stack.dynamodb.update_item(
        TableName=table,
        Key=keys.item(ada, keys.SUMMARY),
        UpdateExpression="SET version = version + :one",  # like every write
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def _read_until(done: Flag, api: ApiClient) -> list[int]:
    """Reads Ada's journey again and again. Once all 40 events are listed, no later read may lack one.

    Returns the counts of events, in the order of the reads.
    """
    expected = {f"ada-{number}" for number in range(40)}
    complete, counts = False, list[int]()
    while not done.is_set():
        count = api.call("GET", "customers", externalSourceId="crm", value="ada")["eventCount"]
        listed = {listed_event["id"] for listed_event in events_of(api, ("crm", "ada"), pageSize=20)}
        complete = complete or listed >= expected
        assert not complete or listed >= expected
        assert len(listed & expected) >= 36
        counts.append(count)
    return counts


def test_damaged_journeys_are_repaired_while_events_arrive_and_readers_lose_no_event(
    stack: Stack, caller: Callable[..., Caller], run: Callable[..., int]
) -> None:
    own = caller()
    api, organization = own.api, ("--organization", own.organization_id)
    configuration_id = configure(api, ORDER, "ERP")
    for customer in ("ada", "bob"):
        _send(api, configuration_id, range(40), customer)
    for customer in ("ada", "bob"):
        wait_for(api, 40, ("crm", customer))
    _damage(stack, *(keys.journey(own.organization_id, "crm", customer) for customer in ("ada", "bob")))
    assert run("verify", "--journeys-only", "--in-flight", "0", *organization) == 1

    def send_more() -> None:
        for start in range(40, 80, 10):
            for customer in ("ada", "bob"):
                _send(api, configuration_id, range(start, start + 10), customer)

    done = Flag()
    with ThreadPoolExecutor(2) as threads:
        reading, sending = threads.submit(_read_until, done, api), threads.submit(send_more)
        try:
            for _ in range(2):
                assert run("rebuild", *organization) == 0
            sending.result()
            for customer in ("ada", "bob"):
                assert wait_for(api, 80, ("crm", customer))["eventTypes"][0]["eventCount"] == 80
        finally:
            done.set()
        counts = reading.result()
    assert all(count >= 40 for count in counts)
    assert counts[-1] >= 70
    assert run("verify", "--journeys-only", "--in-flight", "0", *organization) == 0
    wait_until(lambda: run("verify", "--in-flight", "0", *organization) == 0)  # until the archive has the events


def test_a_discarded_batch_is_processed_by_redrive(
    stack: Stack, caller: Callable[..., Caller], run: Callable[..., int]
) -> None:
    own = caller()
    configuration_id = configure(own.api, PAGE | {"required": []}, "Adobe")
    _send(own.api, configuration_id, range(3), "eve")
    wait_for(own.api, 3, ("crm", "eve"))
    table, eve = stack.outputs["JourneysTableName"], keys.journey(own.organization_id, "crm", "eve")
    JourneyStore(stack.dynamodb, table).delete_rows(
        eve, list(JourneyStore(stack.dynamodb, table).steps(eve, ascending=True))
    )
    stack.dynamodb.delete_item(TableName=table, Key=keys.item(eve, keys.SUMMARY))
    with pytest.raises(ApiError):
        own.api.call("GET", "customers", externalSourceId="crm", value="eve")

    records: list[Any] = []
    for number in range(3):
        name = keys.event(own.organization_id, configuration_id, f"eve-{number}")
        item = stack.dynamodb.get_item(TableName=stack.outputs["EventsTableName"], Key=keys.item(name))["Item"]
        records.append({"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": str(number)}})
    function = stack.physical_id("ProjectorFunction")
    discarded = {
        "requestContext": {"functionArn": f"arn:aws:lambda:{stack.region}:000000000000:function:{function}"},
        "payload": json.dumps({"Records": records}),
    }
    s3, bucket = stack.client("s3"), stack.outputs["ArchiveBucketName"]
    key = f"{PREFIX}{own.organization_id}/shard/2026/01/02/moment-id"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(discarded).encode())
    assert run("redrive") == 0
    assert wait_for(own.api, 3, ("crm", "eve"))["eventCount"] == 3
    assert s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 0
