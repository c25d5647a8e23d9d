"""The permissions of each function's role on events, tested with the role's credentials under enforced IAM."""

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from journeys.events.model import Event, ExternalId, StoredEvent
from tests.conftest import Caller
from tests.support.template import resources
from tools.stack import Stack

WRITERS = {"Ingest", "Failures", "Webhooks", "Endpoints", "Deliveries", "Native"}
FUNCTIONS = sorted(name.removesuffix("Function") for name in resources("AWS::Serverless::Function"))

PROBE = """
import os
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    dynamodb = boto3.client("dynamodb", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))
    results = {}
    for name, (call, arguments) in event.items():
        try:
            getattr(dynamodb, call)(**arguments)
            results[name] = "done"
        except ClientError as error:
            results[name] = error.response["Error"]["Code"]
    return results
"""


@pytest.fixture(scope="module")
def probe(stack: Stack) -> Iterator[Callable[[str, dict[str, Any]], dict[str, str]]]:
    """Calls DynamoDB in a function that runs under a role. Returns "done" or the error code of each call."""
    functions = stack.client("lambda")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("probe.py", PROBE)
    created: list[str] = []

    def call(role: str, calls: dict[str, Any]) -> dict[str, str]:
        role_name = stack.physical_id(role)
        name = f"probe-{uuid.uuid4().hex[:12]}"
        runtime = functions.get_function_configuration(FunctionName=stack.physical_id("IngestFunction"))["Runtime"]
        functions.create_function(
            FunctionName=name,
            Runtime=runtime,
            Handler="probe.handler",
            Role=stack.client("iam").get_role(RoleName=role_name)["Role"]["Arn"],
            Code={"ZipFile": archive.getvalue()},
            Timeout=60,
            Environment={"Variables": {"AWS_ENDPOINT_URL": stack.endpoint_url} if stack.endpoint_url else {}},
        )
        created.append(name)
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        response = functions.invoke(FunctionName=name, Payload=json.dumps(calls).encode())
        results: dict[str, str] = json.loads(response["Payload"].read())
        assert "FunctionError" not in response, results
        return results

    yield call
    for name in created:
        functions.delete_function(FunctionName=name)


def stored_event(organization_id: str, event_id: str, page: str) -> StoredEvent:
    return StoredEvent(
        event=Event(event_id, 1_760_000_000_000, (ExternalId("crm", "ada"),), {"page": page}),
        organization_id=organization_id,
        configuration_id="configuration",
        schema_id="schema",
        schema_version=1,
        slot="a",
        event_name="Page viewed",
        source="Adobe",
        date_received=1_760_000_000_000,
        receipt="probe",
    )


def forbidden_calls(table: str, event: Any, changed: Any) -> dict[str, Any]:
    """Calls that change or delete an event, by name: the operation of DynamoDB and its arguments."""
    key = {"pk": event["pk"]}
    update = {
        "Key": key,
        "UpdateExpression": "SET eventName = :name",
        "ExpressionAttributeValues": {":name": {"S": "Another"}},
    }
    return {
        "update": ("update_item", {"TableName": table, **update}),
        "delete": ("delete_item", {"TableName": table, "Key": key}),
        "batch put": ("batch_write_item", {"RequestItems": {table: [{"PutRequest": {"Item": changed}}]}}),
        "batch delete": ("batch_write_item", {"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}}),
        "transact update": ("transact_write_items", {"TransactItems": [{"Update": {"TableName": table, **update}}]}),
        "transact delete": (
            "transact_write_items",
            {"TransactItems": [{"Delete": {"TableName": table, "Key": key}}]},
        ),
        "statement": (
            "execute_statement",
            {"Statement": f'DELETE FROM "{table}" WHERE pk = ?', "Parameters": [key["pk"]]},  # noqa: S608
        ),
        "delete table": ("delete_table", {"TableName": table}),
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_role_can_change_or_delete_an_event_and_only_writers_can_put(
    stack: Stack, probe: Callable[[str, dict[str, Any]], dict[str, str]], function: str
) -> None:
    table = stack.outputs["EventsTableName"]
    organization_id = f"org-{uuid.uuid4().hex[:12]}"
    event = stored_event(organization_id, "e-1", "/home").to_item()
    stack.dynamodb.put_item(TableName=table, Item=event)
    changed = stored_event(organization_id, "e-1", "/other").to_item()
    other = stored_event(organization_id, "e-2", "/home").to_item()
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    puts = {
        "put existing": ("put_item", {"TableName": table, "Item": changed, **condition}),
        "put new": ("put_item", {"TableName": table, "Item": other, **condition}),
    }
    results = probe(f"{function}Role", forbidden_calls(table, event, changed) | puts)
    put_results = {name: results.pop(name) for name in puts}
    assert set(results.values()) == {"AccessDeniedException"}, results
    if function in WRITERS:
        assert put_results == {"put existing": "ConditionalCheckFailedException", "put new": "done"}
    else:
        assert set(put_results.values()) == {"AccessDeniedException"}
    stored = stack.dynamodb.get_item(TableName=table, Key={"pk": event["pk"]}, ConsistentRead=True)["Item"]
    assert stored == event


def test_sending_or_replaying_an_event_again_never_changes_it(stack: Stack, caller: Callable[..., Caller]) -> None:
    """The deployed functions get the same event, the same id with other content, and a replay."""
    own = caller()
    schema = own.api.call(
        "POST", "externalevents/schemas", {"title": "Page viewed", "properties": {"page": {"type": "string"}}}
    )
    configuration = own.api.call(
        "POST", "externalevents/configurations", {"name": "Site", "schemaId": schema["id"], "source": "Adobe"}
    )

    def send(page: str) -> Any:
        return own.api.send(
            configuration["id"],
            [
                {
                    "id": "e-1",
                    "dateCreated": "2026-01-31T09:30:00Z",
                    "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "ada"}]},
                    "attributes": {"page": page},
                }
            ],
        )

    def stored() -> Any:
        key = {"pk": {"S": f"{own.organization_id}#{configuration['id']}#e-1"}}
        return stack.dynamodb.get_item(TableName=stack.outputs["EventsTableName"], Key=key, ConsistentRead=True)["Item"]

    assert send("/home")["processed"][0]["outcome"] == "created"
    first = stored()
    assert send("/home")["processed"][0]["outcome"] == "duplicate"
    assert stored() == first
    assert send("/other")["unprocessedEntities"][0]["errorCode"] == "event.conflict"
    assert stored() == first
    (failure,) = own.api.call("GET", "externalevents/failures")["entities"]
    replayed = own.api.call("POST", f"externalevents/failures/{failure['id']}/replay")
    assert replayed["replays"][-1]["outcome"] == "failed"
    assert stored() == first
