"""What each function's role may do to an event: asked with the role's own credentials, where IAM is enforced."""

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

WRITERS = {"Ingest", "Failures", "Webhooks"}
FUNCTIONS = sorted(name.removesuffix("Function") for name in resources("AWS::Serverless::Function"))

PROBE = """
import os
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    dynamodb = boto3.client("dynamodb", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))
    answers = {}
    for name, (call, arguments) in event.items():
        try:
            getattr(dynamodb, call)(**arguments)
            answers[name] = "done"
        except ClientError as error:
            answers[name] = error.response["Error"]["Code"]
    return answers
"""


@pytest.fixture(scope="module")
def probe(stack: Stack) -> Iterator[Callable[[str, dict[str, Any]], dict[str, str]]]:
    """Makes calls of DynamoDB in a Lambda that runs under a role; answers what became of each."""
    functions = stack.client("lambda")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("probe.py", PROBE)
    made: list[str] = []

    def call(role: str, calls: dict[str, Any]) -> dict[str, str]:
        resource = stack.client("cloudformation").describe_stack_resource(StackName=stack.name, LogicalResourceId=role)
        role_name = resource["StackResourceDetail"]["PhysicalResourceId"]
        name = f"probe-{uuid.uuid4().hex[:12]}"
        runtime = functions.get_function_configuration(FunctionName=_any_function(stack))["Runtime"]
        functions.create_function(
            FunctionName=name,
            Runtime=runtime,
            Handler="probe.handler",
            Role=stack.client("iam").get_role(RoleName=role_name)["Role"]["Arn"],
            Code={"ZipFile": archive.getvalue()},
            Timeout=60,
            Environment={"Variables": {"AWS_ENDPOINT_URL": stack.endpoint_url} if stack.endpoint_url else {}},
        )
        made.append(name)
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(calls).encode())
        answers: dict[str, str] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, answers
        return answers

    yield call
    for name in made:
        functions.delete_function(FunctionName=name)


def _any_function(stack: Stack) -> str:
    resource = stack.client("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId="IngestFunction"
    )
    return str(resource["StackResourceDetail"]["PhysicalResourceId"])


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


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_role_may_change_or_remove_an_event_and_only_the_writers_put(
    stack: Stack, probe: Callable[[str, dict[str, Any]], dict[str, str]], function: str
) -> None:
    table = stack.outputs["EventsTableName"]
    organization_id = f"org-{uuid.uuid4().hex[:12]}"
    event = stored_event(organization_id, "e-1", "/home").to_item()
    stack.dynamodb.put_item(TableName=table, Item=event)
    key = {"pk": event["pk"]}
    changed = stored_event(organization_id, "e-1", "/other").to_item()
    other = stored_event(organization_id, "e-2", "/home").to_item()
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    update = {
        "Key": key,
        "UpdateExpression": "SET eventName = :name",
        "ExpressionAttributeValues": {":name": {"S": "Another"}},
    }
    answers = probe(
        f"{function}Role",
        {
            "update": ("update_item", {"TableName": table, **update}),
            "delete": ("delete_item", {"TableName": table, "Key": key}),
            "batch put": ("batch_write_item", {"RequestItems": {table: [{"PutRequest": {"Item": changed}}]}}),
            "batch delete": ("batch_write_item", {"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}}),
            "transact update": (
                "transact_write_items",
                {"TransactItems": [{"Update": {"TableName": table, **update}}]},
            ),
            "transact delete": (
                "transact_write_items",
                {"TransactItems": [{"Delete": {"TableName": table, "Key": key}}]},
            ),
            "statement": (
                "execute_statement",
                {"Statement": f'DELETE FROM "{table}" WHERE pk = ?', "Parameters": [key["pk"]]},  # noqa: S608
            ),
            "delete table": ("delete_table", {"TableName": table}),
            "put again": ("put_item", {"TableName": table, "Item": changed, **condition}),
            "put": ("put_item", {"TableName": table, "Item": other, **condition}),
        },
    )
    puts = {"put again": answers.pop("put again"), "put": answers.pop("put")}
    assert set(answers.values()) == {"AccessDeniedException"}, answers
    if function in WRITERS:
        assert puts == {"put again": "ConditionalCheckFailedException", "put": "done"}
    else:
        assert set(puts.values()) == {"AccessDeniedException"}
    stored = stack.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    assert stored == event


def test_a_second_put_never_changes_an_event(stack: Stack, caller: Callable[..., Caller]) -> None:
    """By the functions as they are deployed: sent again, sent otherwise, and replayed."""
    one = caller()
    schema = one.api.call(
        "POST", "externalevents/schemas", {"title": "Page viewed", "properties": {"page": {"type": "string"}}}
    )
    configuration = one.api.call(
        "POST", "externalevents/configurations", {"name": "Site", "schemaId": schema["id"], "source": "Adobe"}
    )

    def send(page: str) -> Any:
        return one.api.send(
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
        key = {"pk": {"S": f"{one.organization_id}#{configuration['id']}#e-1"}}
        return stack.dynamodb.get_item(TableName=stack.outputs["EventsTableName"], Key=key, ConsistentRead=True)["Item"]

    assert send("/home")["processed"][0]["outcome"] == "created"
    first = stored()
    assert send("/home")["processed"][0]["outcome"] == "duplicate"
    assert stored() == first
    assert send("/other")["unprocessedEntities"][0]["errorCode"] == "event.conflict"
    assert stored() == first
    (failure,) = one.api.call("GET", "externalevents/failures")["entities"]
    replayed = one.api.call("POST", f"externalevents/failures/{failure['id']}/replay")
    assert replayed["replays"][-1]["outcome"] == "failed"
    assert stored() == first
