"""`journeys verify`, `rebuild` and `redrive` on the deployed stack, while events arrive."""

import json
import time
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
from tests.support.cli import run_journeys
from tools.api import ApiClient, ApiError
from tools.operator import repair
from tools.stack import Stack

FIRST = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def run(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command on the stack and returns its exit status. Requests to this stack take less than a second."""
    monkeypatch.setattr(repair, "READER_SECONDS", 3.0)
    monkeypatch.setenv("JOURNEYS_STACK", stack.name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(stack.endpoint_url))
    return lambda *arguments: run_journeys(*arguments).exit_code


def _send(api: ApiClient, configuration_id: str, numbers: range, customer: str) -> None:
    events = [
        event(f"{customer}-{number}", (FIRST + timedelta(minutes=number)).isoformat(), {}, ("crm", customer))
        for number in numbers
    ]
    answer = api.send(configuration_id, events)
    assert len(answer["processed"]) == len(events)


def _until(what: Callable[[], bool], seconds: float = 180) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends
        time.sleep(1)


def test_damaged_journeys_are_repaired_while_events_arrive_and_readers_lose_no_event(
    stack: Stack, caller: Callable[..., Caller], run: Callable[..., int]
) -> None:
    one = caller()
    api, organization = one.api, ("--organization", one.organization_id)
    configuration_id = configure(api, ORDER, "ERP")
    for customer in ("ada", "bob"):
        _send(api, configuration_id, range(40), customer)
    for customer in ("ada", "bob"):
        wait_for(api, 40, ("crm", customer))
    store = JourneyStore(stack.dynamodb, stack.outputs["JourneysTableName"])
    ada, bob = (keys.journey(one.organization_id, "crm", customer) for customer in ("ada", "bob"))
    rows = list(store.steps(ada, ascending=True))
    store.delete_rows(ada, rows[5:9])
    store.put_rows(ada, [Step(rows[0].key.replace("ada-0", "ghost"), "a")])
    stack.dynamodb.delete_item(TableName=stack.outputs["JourneysTableName"], Key=keys.item(bob, keys.SUMMARY))
    stack.dynamodb.update_item(
        TableName=stack.outputs["JourneysTableName"],
        Key=keys.item(ada, keys.SUMMARY),
        UpdateExpression="SET version = version + :one",  # as every write does
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert run("verify", "--journeys-only", "--in-flight", "0", *organization) == 1

    done = Flag()
    seen: list[int] = []
    expected = {f"ada-{number}" for number in range(40)}

    def read_on() -> None:
        whole = False
        while not done.is_set():
            count = api.call("GET", "customers", externalSourceId="crm", value="ada")["eventCount"]
            listed = {found["id"] for found in events_of(api, ("crm", "ada"), pageSize=20)}
            whole = whole or listed >= expected
            assert not whole or listed >= expected
            assert len(listed & expected) >= 36
            seen.append(count)

    def send_on() -> None:
        for start in range(40, 80, 10):
            for customer in ("ada", "bob"):
                _send(api, configuration_id, range(start, start + 10), customer)

    with ThreadPoolExecutor(2) as threads:
        reading, sending = threads.submit(read_on), threads.submit(send_on)
        try:
            for _ in range(2):
                assert run("rebuild", *organization) == 0
            sending.result()
            for customer in ("ada", "bob"):
                assert wait_for(api, 80, ("crm", customer))["eventTypes"][0]["eventCount"] == 80
        finally:
            done.set()
        reading.result()
    assert all(count >= 40 for count in seen)
    assert seen[-1] >= 70
    assert run("verify", "--journeys-only", "--in-flight", "0", *organization) == 0
    _until(lambda: run("verify", "--in-flight", "0", *organization) == 0)  # the archive as well, when it has landed


def test_a_discarded_batch_is_processed_by_redrive(
    stack: Stack, caller: Callable[..., Caller], run: Callable[..., int]
) -> None:
    one = caller()
    configuration_id = configure(one.api, PAGE | {"required": []}, "Adobe")
    _send(one.api, configuration_id, range(3), "eve")
    wait_for(one.api, 3, ("crm", "eve"))
    table, eve = stack.outputs["JourneysTableName"], keys.journey(one.organization_id, "crm", "eve")
    JourneyStore(stack.dynamodb, table).delete_rows(
        eve, list(JourneyStore(stack.dynamodb, table).steps(eve, ascending=True))
    )
    stack.dynamodb.delete_item(TableName=table, Key=keys.item(eve, keys.SUMMARY))
    with pytest.raises(ApiError):
        one.api.call("GET", "customers", externalSourceId="crm", value="eve")

    records: list[Any] = []
    for number in range(3):
        name = keys.event(one.organization_id, configuration_id, f"eve-{number}")
        item = stack.dynamodb.get_item(TableName=stack.outputs["EventsTableName"], Key=keys.item(name))["Item"]
        records.append({"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": str(number)}})
    found = stack.client("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId="ProjectorFunction"
    )
    function = found["StackResourceDetail"]["PhysicalResourceId"]
    discarded = {
        "requestContext": {"functionArn": f"arn:aws:lambda:{stack.region}:000000000000:function:{function}"},
        "payload": json.dumps({"Records": records}),
    }
    s3, bucket = stack.client("s3"), stack.outputs["ArchiveBucketName"]
    key = f"{PREFIX}{one.organization_id}/shard/2026/01/02/moment-id"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(discarded).encode())
    assert run("redrive") == 0
    assert wait_for(one.api, 3, ("crm", "eve"))["eventCount"] == 3
    assert s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 0
