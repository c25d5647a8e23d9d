"""Records the examples of the OpenAPI document from the functions, called in this process.

    python -m tests.support.examples

Run it after an operation was added or its response has changed, then run `make openapi`.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any
from unittest import mock

from journeys import aws, dates
from journeys.http.csv_pages import CSV_FORMAT, FORMAT
from journeys.http.router import Route
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.webhooks.deliveries.model import DeliveryRecord, RecordedOutcome, new_record_id
from journeys.webhooks.deliveries.store import DeliveryStore
from tests.support.functions import Context, api_event, load
from tests.support.pools import UserPools
from tests.support.tables import Tables, create_tables
from tools.documentation.openapi import EXAMPLES
from tools.documentation.routes import camel_case

FUNCTIONS = (
    "schemas", "configurations", "definitions", "ingest", "failures", "customers", "endpoints", "views", "jobs",
    "usage", "people",
)  # fmt: skip
CLIENT = "6kq1hd0b6tqjp6n4bkf3o0vqf2"
PREFIX = "/api/v2/journey/"

SCHEMA = {
    "title": "Order placed",
    "description": "A customer placed an order in the web shop.",
    "properties": {
        "orderId": {"allOf": [{"$ref": "#/definitions/identifier"}]},
        "channel": {"type": "string", "enum": ["web", "app", "store"]},
        "amount": {"type": "number", "minimum": 0},
    },
    "required": ["orderId"],
}
EVENT = {
    "id": "order-1001",
    "dateCreated": "2026-01-31T09:30:00Z",
    "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "customer-42"}]},
    "attributes": {"orderId": "1001", "channel": "web", "amount": 59.9},
}
INVALID_EVENT = EVENT | {"id": "order-1002", "attributes": {"orderId": "1002", "channel": "phone"}}
CUSTOMER = {"externalSourceId": "crm", "value": "customer-42"}


def view(schema_id: str) -> dict[str, Any]:
    return {
        "name": "Orders in January 2026",
        "interval": "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z",
        "elements": [{"id": "order", "name": "Order placed", "attributes": {"type": "Event", "id": schema_id}}],
        "charts": [
            {
                "id": "by-channel",
                "name": "Orders by channel",
                "groupByAttributes": [{"elementId": "order", "attribute": "channel"}],
                "metrics": [{"id": "orders", "elementId": "order", "aggregate": "EventCount"}],
            }
        ],
    }


@contextmanager
def environment() -> Iterator[Tables]:
    """Tables, a bucket and a queue in moto, and the environment of the functions."""
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }
    from moto import mock_aws

    with mock_aws(), mock.patch.object(aws, "cognito", return_value=UserPools()):
        tables = create_tables(aws.dynamodb())
        aws.s3().create_bucket(Bucket="archive")
        names = ("events", "journeys", "links", "failures", "deliveries")
        os.environ |= {f"{name.upper()}_TABLE": getattr(tables, name) for name in names}
        os.environ |= {
            "REGISTRY_TABLE": tables.registry,
            "ARCHIVE_BUCKET": "archive",
            "JOBS_QUEUE_URL": aws.sqs().create_queue(QueueName="jobs")["QueueUrl"],
            "DELIVERIES_QUEUE_URL": aws.sqs().create_queue(QueueName="deliveries")["QueueUrl"],
            "COMPUTATION_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:computation",
            "EVENTS_PER_RUN": "1000000",
            "JOB_RETENTION_DAYS": "90",
            "COMPUTE_SLOTS": "6",
            "SECRETS_PREFIX": "journeys/webhooks/",
            "USER_POOL_ID": "clients",
            "PEOPLE_POOL_ID": "people",
        }
        clients = ClientStore(tables.dynamodb, tables.registry)
        clients.put_organization("acme", "Acme Electronics")
        clients.put(Client(CLIENT, "acme", "Web shop", PERMISSIONS))
        yield tables


class Recorder:
    """Calls operations by their ids, and stores what they were sent and what they responded."""

    def __init__(self) -> None:
        self.operations: dict[str, tuple[ModuleType, Route]] = {}
        for function in FUNCTIONS:
            module = load(function)
            self.operations |= {camel_case(route.handler.__name__): (module, route) for route in module.router.routes}
        self.path: dict[str, Any] = {"name": "enum", "version": 1, "chartVersion": 1, "chartId": "by-channel"}
        self.recorded: set[str] = set()

    def record(self, operation_id: str, body: Any = None, query: dict[str, str] | None = None) -> Any:
        module, route = self.operations[operation_id]
        names = [camel_case(name) for name in re.findall(r"<(?:int:)?(\w+)>", route.path)]
        path = {name: self.path[name] for name in names}
        filled = re.sub(r"<(?:int:)?(\w+)>", lambda match: str(path[camel_case(match[1])]), route.path)
        text = _answer(module, route.method, filled, body, query)
        response = json.loads(text) if text else None
        asked = (query or {}) | {FORMAT.name: CSV_FORMAT}
        csv = _answer(module, route.method, filled, body, asked) if FORMAT in route.query else None
        facts = {"path": path, "query": query, "request": body, "response": response, "csv": csv}
        example = {name: value for name, value in facts.items() if value or (name == "request" and value is not None)}
        if operation_id in self.recorded:
            return response  # the first call is the example
        (EXAMPLES / f"{operation_id}.json").write_text(json.dumps(example, indent=1, ensure_ascii=False) + "\n")
        self.recorded.add(operation_id)
        return response


def _answer(module: ModuleType, method: str, path: str, body: Any, query: dict[str, str] | None) -> str:
    """Call an operation. Return the text of the response's body."""
    event = api_event(method, path.removeprefix(PREFIX), body, client_id=CLIENT, query=query)
    event["resource"] = event["path"]
    event["requestContext"] |= {"domainName": "api.example.com", "path": event["path"]}
    answer = module.handler(event, Context())
    assert answer["statusCode"] < 300, (path, answer)
    return str(answer["body"] or "")


def record_events(recorder: Recorder, tables: Tables) -> None:
    """Record the operations on schemas, configurations, events, failures and customers."""
    schema = recorder.record("createSchema", SCHEMA)
    recorder.path |= {"schemaId": schema["id"], "definitionId": schema["id"]}
    for operation in ("listSchemas", "getSchema", "listSchemaVersions", "getSchemaVersion", "listCoreTypes",
                      "getCoreType", "getSchemaLimits", "listExternalEventChanges"):  # fmt: skip
        recorder.record(operation)
    wanted = {"name": "Web shop", "schemaId": schema["id"], "source": "Shopify"}
    configuration = recorder.record("createConfiguration", wanted)
    recorder.path["configurationId"] = configuration["id"]
    recorder.record("getConfiguration")
    recorder.record("listConfigurations", query={"pageSize": "25", "pageNumber": "1"})
    recorder.record("updateConfiguration", {"name": "Web shop, live"})
    recorder.record("activateEventDefinition", {"displayName": "Order", "rank": 1})
    recorder.record("updateEventDefinition", {"displayName": "Order placed", "rank": 2})
    for operation in ("listEventDefinitions", "getEventDefinition", "listExternalEvents"):
        recorder.record(operation)
    recorder.record("validateEvents", {"entities": [EVENT, INVALID_EVENT]})
    recorder.record("ingestEvents", {"entities": [EVENT, INVALID_EVENT]})
    failure = recorder.record("listFailures", query={"status": "open", "reason": "invalid.attribute"})["entities"][0]
    recorder.path["failureId"] = failure["id"]
    recorder.record("summarizeFailures", query={"from": "2026-01-01T00:00:00Z"})
    recorder.record("getFailure")
    recorder.record("replayFailures", {"configurationId": configuration["id"], "reason": "invalid.attribute"})
    recorder.record("replayFailure")
    records = [
        {"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": str(number)}}
        for number, item in enumerate(tables.items(tables.events))
    ]
    load("projector").handler({"Records": records}, Context())
    load("landing").handler({"Records": records}, Context())
    recorder.record("getCustomer", query=CUSTOMER)
    recorder.record("listCustomerEvents", query=CUSTOMER | {"order": "asc", "pageSize": "10"})
    record_identifiers(recorder)
    recorder.record("getUsage")
    recorder.record("getActivity")
    recorder.record("listLimits")


def record_identifiers(recorder: Recorder) -> None:
    """Record the operations on the identifiers of customers."""
    link = {"from": CUSTOMER, "to": {"externalSourceId": "email", "value": "customer-42@example.com"}}
    recorder.record("linkIdentifiers", link)
    recorder.record("getCustomerIdentifiers", query=CUSTOMER)
    recorder.record("unlinkIdentifiers", link)
    recorder.record("searchCustomers", query={"value": CUSTOMER["value"]})
    recorder.record("getIdentitySettings")
    recorder.record("updateIdentitySettings", {"linking": "AllExcept", "sources": ["phone", "conversation"]})


def record_endpoints(recorder: Recorder) -> None:
    wanted = {"name": "Web shop", "sender": "shopify", "configurationId": recorder.path["configurationId"]}
    wanted["secret"] = "an example of a secret"
    endpoint = recorder.record("createEndpoint", wanted)
    recorder.path["endpointId"] = endpoint["id"]
    recorder.record("getEndpoint")
    recorder.record("listSenders")
    recorder.record("listEndpoints", query={"pageSize": "25", "pageNumber": "1"})
    recorder.record("updateEndpoint", {"mapping": {"attributes": {"orderId": "to_string(id)"}}})
    recorder.record("rotateEndpointSecret", {"secret": "another example of a secret", "keepPrevious": True})
    recorder.record(
        "testEndpointMapping",
        {"payload": {"id": 1001, "created_at": "2026-01-31T09:30:00Z", "customer": {"id": 42}}},
    )


def record_deliveries(recorder: Recorder, tables: Tables) -> None:
    """Record the operations on the deliveries to an endpoint."""
    failure = {"outcome": RecordedOutcome.FAILED, "failed": 1, "failure_id": recorder.path["failureId"]}
    records = DeliveryStore(tables.dynamodb, tables.deliveries)
    changes: dict[str, Any]
    for ago, changes in ((60_000, {"outcome": RecordedOutcome.INGESTED, "created": 1}), (0, failure)):
        received = dates.now_ms() - ago
        record = DeliveryRecord(
            new_record_id(received), "acme", recorder.path["endpointId"], received, **changes, size=412, duration=31
        )
        records.add(replace(record, sender_delivery_id="f2b1c0de-0001"))
    recorder.path["deliveryId"] = record.record_id
    recorder.record("listDeliveries", query={"outcome": "failed", "pageSize": "25"})
    recorder.record("getDelivery")
    recorder.record("replayDelivery")


def record_views(recorder: Recorder) -> None:
    """Record the operations on views, schedules and jobs."""
    made = recorder.record("createView", view(recorder.path["schemaId"]))
    recorder.path["viewId"] = made["id"]
    recorder.record("listViews", query={"expand": "charts", "nameOrCreatedBy": "orders"})
    for operation in ("getView", "getViewVersion", "getChart", "getChartVersion", "getDataRange"):
        recorder.record(operation)
    recorder.record("updateViewVersion", view(recorder.path["schemaId"]) | {"description": "By channel"})
    recorder.record("validateEncodings", [{"name": "channel", "value": "web"}, {"name": "channel", "value": "phone"}])
    recorder.record("createSchedule", {"frequency": "Daily"})
    recorder.record("updateSchedule", {"frequency": "Weekly"})
    recorder.record("getSchedule")
    recorder.record("listSchedules", query={"pageSize": "25", "pageNumber": "1"})
    before = recorder.record(
        "createJob", {"period": "Before", "breakdown": {"elementId": "order", "attribute": "channel"}}
    )
    compute_job()
    job = recorder.record("createJob")
    recorder.path["jobId"] = job["id"]
    recorder.record("getJob")
    compute_job()
    for operation in ("getLatestJob", "getJobResults", "getJobChartResult"):
        recorder.record(operation)
    recorder.record("compareJobResults", query={"jobId": before["id"]})
    figure = {"elementId": "order", "state": "Participants", "pageSize": "25"}
    recorder.record("listJobCustomers", query=figure)
    recorder.record("listJobs", query={"statuses": "Complete,Failed", "pageSize": "25"})
    recorder.record("listOwnJobs", query={"pageSize": "25", "pageNumber": "1"})
    recorder.path["jobId"] = recorder.record("createJob")["id"]
    recorder.record("cancelJob", {"status": "Cancelled"})
    recorder.record("createViewVersion", view(recorder.path["schemaId"]) | {"name": "Orders by channel"})


def record_paths(recorder: Recorder) -> None:
    """Record the operations on jobs of paths."""
    aws.sqs().purge_queue(QueueUrl=os.environ["JOBS_QUEUE_URL"])  # It has the message of a canceled job.
    definition = {
        "name": "After an order in the web shop",
        "interval": "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z",
        "start": {
            "attributes": {"type": "Event", "id": recorder.path["schemaId"]},
            "filter": {"predicates": [{"dimension": "channel", "values": ["web"]}]},
        },
        "steps": 3,
        "sessionGap": "P7D",
        "collapseRepeats": True,
    }
    recorder.path["pathJobId"] = recorder.record("createPathJob", definition)["id"]
    recorder.record("getPathJob")
    compute_job()
    recorder.record("getPathJobResults")
    recorder.record("getPathView", query={"path": recorder.path["schemaId"]})
    recorder.record("listPathJobs", query={"statuses": "Complete,Failed", "pageSize": "25"})
    recorder.path["pathJobId"] = recorder.record("createPathJob", definition)["id"]
    recorder.record("cancelPathJob", {"status": "Cancelled"})


def compute_job() -> None:
    """Compute the only job whose message is in the queue."""
    (message,) = aws.sqs().receive_message(QueueUrl=os.environ["JOBS_QUEUE_URL"])["Messages"]
    attributes = {"ApproximateReceiveCount": "1"}
    records = [{"body": message["Body"], "receiptHandle": message["ReceiptHandle"], "attributes": attributes}]
    load("compute").handler({"Records": records}, Context())


def record_people(recorder: Recorder) -> None:
    """Record the operations on people and API clients."""
    recorder.record("getMe")
    wanted = {"email": "ana@acme.example", "name": "Ana Analyst", "role": "analyst"}
    recorder.path["personId"] = recorder.record("createPerson", wanted)["id"]
    recorder.record("listPeople")
    recorder.record("getPerson")
    recorder.record("updatePerson", {"role": "integrator"})
    recorder.record("deletePerson")
    wanted_client = {"name": "Web shop", "permissions": ["journey:externalEventsEvent:add"]}
    recorder.path["clientId"] = recorder.record("createClient", wanted_client)["id"]
    recorder.record("listClients")
    recorder.record("getClient")
    recorder.record("updateClient", {"state": "Disabled"})
    recorder.record("rotateClient")
    recorder.record("deleteClient")


def record_changes(recorder: Recorder) -> None:
    """Record the operations that change or delete what the others need."""
    schema = SCHEMA | {"properties": {**SCHEMA["properties"], "coupon": {"type": "string"}}}  # type: ignore[dict-item]
    recorder.record("updateSchema", {"version": 1, "jsonSchema": schema})
    for operation in ("deleteSchedule", "deleteView", "deleteEndpoint", "deleteConfiguration"):
        recorder.record(operation)
    recorder.path["schemaId"] = recorder.record("createSchema", SCHEMA | {"title": "Order shipped"})["id"]
    recorder.record("deleteSchema")


def main() -> None:
    EXAMPLES.mkdir(exist_ok=True)
    with environment() as tables:
        recorder = Recorder()
        record_events(recorder, tables)
        record_endpoints(recorder)
        record_deliveries(recorder, tables)
        record_views(recorder)
        record_paths(recorder)
        record_people(recorder)
        record_changes(recorder)
        missing = recorder.operations.keys() - recorder.recorded
        assert not missing, f"no example was recorded of {sorted(missing)}"
    for path in EXAMPLES.glob("*.json"):
        if path.stem not in recorder.recorded:
            path.unlink()


if __name__ == "__main__":
    main()
