"""Records what this version stores, for the test that later versions read it.

    python -m tests.support.stored_items FILE

Run it before a change that raises FORM in `journeys.aws`, and commit the file beside this module.
"""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from journeys import aws, dates
from journeys.identity.model import DecisionState, Identifier, pair
from journeys.identity.settings import IdentitySettings, Linking
from journeys.identity.store import IdentitySettingsStore, LinkStore
from tests.support.examples import (
    Recorder,
    environment,
    record_deliveries,
    record_endpoints,
    record_events,
    record_views,
)
from tests.support.functions import Context, api_event, load
from tests.support.tables import Tables

TABLES = ("events", "journeys", "links", "failures", "deliveries", "registry")
BUCKET = "archive"
CUSTOMER = {"externalSourceId": "crm", "value": "customer-42"}
VISITOR = {"externalSourceId": "web", "value": "visitor-7"}


def bytes_as_text(value: bytes) -> str:
    """Return the form of binary data in the file. JSON has none."""
    return base64.b64encode(value).decode()


def stored(tables: Tables) -> dict[str, Any]:
    """Return all items, in DynamoDB's JSON, and all objects."""
    objects = aws.s3().list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {
        "items": {name: tables.items(getattr(tables, name)) for name in TABLES},
        "objects": {one["Key"]: aws.s3().get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in objects},
    }


def operations(path: dict[str, Any]) -> list[tuple[str, str, dict[str, str] | None]]:
    """Return the reading operations as function, path and query."""
    view = f"views/{path['viewId']}"
    version, endpoint = f"{view}/versions/1", f"webhooks/endpoints/{path['endpointId']}"
    return [
        ("schemas", "externalevents/schemas", None),
        ("schemas", f"externalevents/schemas/{path['schemaId']}/versions/1", None),
        ("configurations", f"externalevents/configurations/{path['configurationId']}", None),
        ("definitions", "views/eventdefinitions", None),
        ("failures", f"externalevents/failures/{path['failureId']}", None),
        ("failures", "externalevents/failures", None),
        ("customers", "customers", CUSTOMER),
        ("customers", "customers/events", CUSTOMER),
        ("endpoints", endpoint, None),
        ("endpoints", f"{endpoint}/deliveries", None),
        ("views", view, None),
        ("views", f"{version}/charts/by-channel", None),
        ("views", f"{version}/charts/by-channel/versions/1", None),
        ("views", f"{view}/schedules", None),
        ("views", "views/data/details", None),
        ("jobs", "views/jobs", None),
        ("jobs", f"{version}/jobs/latest", None),
        ("jobs", f"{version}/jobs/{path['completedJobId']}/results", None),
        ("usage", "usage", None),
        ("usage", "limits", None),
    ]


def read(function: str, path: str, query: dict[str, str] | None, client_id: str) -> Any:
    """Return the response of a reading operation. Raises AssertionError unless it is 200."""
    answer = load(function).handler(api_event("GET", path, client_id=client_id, query=query), Context())
    assert answer["statusCode"] == 200, (path, answer)
    return json.loads(answer["body"])


def compact(organization_id: str) -> None:
    """Compact the archive of an organization."""
    os.environ.setdefault("COMPACTIONS_QUEUE_URL", "https://example.com/compactions")  # nothing is sent
    message = {"messageId": "1", "body": json.dumps({"organizationId": organization_id})}
    assert load("compaction").handler({"Records": [message]}, Context()) == {"batchItemFailures": []}


def fill(recorder: Recorder, tables: Tables) -> None:
    """Store items of every kind through the operations of the API, and compact a part of the archive."""
    record_events(recorder, tables)
    record_endpoints(recorder)
    record_deliveries(recorder, tables)
    record_views(recorder)
    jobs = read("jobs", "views/jobs", {"statuses": "Complete"}, CLIENT)
    recorder.path["completedJobId"] = jobs["entities"][0]["id"]
    compact("acme")
    event = {"id": "order-1003", "dateCreated": "2026-02-01T09:30:00Z", "attributes": {"orderId": "1003"}}
    event["identifiers"] = {"externalIds": [CUSTOMER, VISITOR]}
    before = {item["pk"]["S"] for item in tables.items(tables.events)}
    path = f"externalevents/configurations/{recorder.path['configurationId']}/events"
    load("ingest").handler(api_event("POST", path, {"entities": [event]}, client_id=CLIENT), Context())
    records = [
        {"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": "9"}}
        for item in tables.items(tables.events)
        if item["pk"]["S"] not in before
    ]
    load("projector").handler({"Records": records}, Context())
    load("landing").handler({"Records": records}, Context())
    decide(tables)


def decide(tables: Tables) -> None:
    """Link two identifiers by hand, and store settings of identity."""
    by_hand = pair(Identifier("crm", "customer-42"), Identifier("email", "ann@example.org"))
    LinkStore(tables.dynamodb, tables.links).decide(
        "acme", by_hand, DecisionState.LINKED, by=CLIENT, now_ms=dates.now_ms()
    )
    store = IdentitySettingsStore(tables.dynamodb, tables.registry)
    store.put("acme", IdentitySettings(Linking.ALL_EXCEPT, ("phone",), store.get("acme").revision + 1))


CLIENT = "6kq1hd0b6tqjp6n4bkf3o0vqf2"


def main(file: Path) -> None:
    with environment() as tables:
        from journeys.registry.clients.store import ClientStore

        ClientStore(tables.dynamodb, tables.registry).put_organization("acme", "Acme")
        os.environ["TOKEN_URL"] = "https://auth.example.com/oauth2/token"
        recorder = Recorder()
        fill(recorder, tables)
        reads = [
            {"function": function, "path": path, "query": query, "response": read(function, path, query, CLIENT)}
            for function, path, query in operations(recorder.path)
        ]
        content = {"recorded": dates.now_ms(), "client": CLIENT, "reads": reads, **stored(tables)}
    file.write_text(json.dumps(content, indent=1, default=bytes_as_text) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
