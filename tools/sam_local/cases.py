"""The cases of `sam local`: one invocation of a function each, with the response that it must give."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeys import dates
from journeys.registry.native_types import NATIVE_TYPES
from journeys.views.jobs.model import scheduled_id
from journeys.views.jobs.options import JobOptions
from tools.paths import ROOT
from tools.sam_local.differences import difference
from tools.signing import SIGNS_TIME, sign_event

EVENTS = ROOT / "events"
"""The folder of the cases' events, one file each."""

ORGANIZATION = "sam-local"
CLIENT = "sam-local-client"
SCHEMA = "5a31c0de-0000-4000-8000-000000000001"
SOURCE = "Web shop"
SLOT = "a"
"""The slot of the event type. The records in events/projector-batch.json contain it."""

SECRETS_PREFIX = "sam-local/webhooks/"
WEBHOOKS: dict[str, tuple[str, dict[str, str]]] = {
    "standard": ("whsec_c2FtLWxvY2FsLXN0YW5kYXJk", {}),
    "stripe": ("sam-local-stripe", {}),
    "shopify": ("sam-local-shopify", {}),
    "github": ("sam-local-github", {}),
    "adobe": ("not-used-by-adobe", {"clientId": "sam-local-client"}),
    "qualtrics": ("sam-local-qualtrics", {}),
    "servicenow": ("sam-local:servicenow", {}),
    "hubspot": ("sam-local-hubspot", {}),
    "zendesk": ("sam-local-zendesk", {}),
    "segment": ("sam-local-segment", {}),
    "slack": ("sam-local-slack", {}),
    "salesforce": ("sam-local-salesforce", {"organizationId": "00D000000000001EAA"}),
    "cloudevents": ("sam-local-cloudevents", {}),
    "hmac": ("sam-local-hmac", {"header": "X-Signed", "algorithm": "sha512", "encoding": "base64", "prefix": "v="}),
}
"""Every sender, with the secret and the options of its endpoint."""

BUCKET, QUEUES = "archive", ("jobs", "deliveries", "compactions")
QUEUED_DELIVERY = "sam-local-queued"
"""The id of the record of a delivery that waits in the queue."""
PAST = (
    ("order-901", "max@example.com", "2024-05-16T08:00:00Z", "web", "20"),
    ("order-902", "ann@example.com", "2024-05-17T10:00:00Z", "web", "80.5"),
    ("order-903", "ann@example.com", "2024-05-18T19:30:00Z", "app", "75"),
    ("order-904", "kim@example.com", "2024-05-20T12:00:00Z", "app", "15"),
)
"""Orders in the archive before the first case: id, customer, date, channel and total.

In a computation in two parts, Max is in a bucket of the second part, and the others are in the first.
"""
PAST_RECEIVED = "2024-05-21T08:00:00.000Z"
EVENTS_PER_PART = 2
"""Divides the buckets of PAST into two parts."""
VIEW = "5a31c0de-0000-4000-8000-000000000002"
WAITING_DATE, PARTS_DATE = dates.parse("2024-07-01T00:00:00Z"), dates.parse("2024-07-02T00:00:00Z")
WAITING_JOB, PARTS_JOB = scheduled_id(VIEW, WAITING_DATE), scheduled_id(VIEW, PARTS_DATE)
"""The view's jobs for two dates: one waits to be computed, the other is being computed in two parts."""
OPTIONS = JobOptions.model_validate({"breakdown": {"elementId": "app", "attribute": "channel"}})
"""The options of both jobs."""
PATH_JOB = scheduled_id("paths", WAITING_DATE)
"""A job of paths that waits to be computed. Its definition is that of the case paths-create."""
JANE = {"externalSourceId": "shop", "value": "jane@example.com"}
"""The customer of the events of the case ingest-accepted."""
CUSTOMER = {"externalSourceId": "crm", "value": "customer-7"}
LINK = {"from": CUSTOMER, "to": JANE}
"""The link that the case customers-link makes, and the case customers-unlink cuts."""


@dataclass(frozen=True)
class Case:
    """One invocation of a function.

    Args:
        response: what the response must contain: for an object the named entries, for a list every item.
        status: the HTTP status, or None when an event source invokes the function.
    """

    name: str
    function: str
    response: Any
    status: int | None = 200

    @property
    def file(self) -> Path:
        return EVENTS / f"{self.name}.json"

    @property
    def sender(self) -> str:
        """The sender of a webhook case."""
        return self.name.removeprefix("webhook-")

    @property
    def signs_time(self) -> bool:
        """Whether the case is a delivery whose signature includes the time. Its file has no signature."""
        return self.sender in SIGNS_TIME

    def event(self, now: float | None = None) -> Any:
        """The function's event; a delivery that signs the time is signed for `now`, in seconds."""
        event = json.loads(self.file.read_text())
        if not self.signs_time:
            return event
        secret, _ = WEBHOOKS[self.sender]
        return sign_event(event, self.sender, secret, time.time() if now is None else now)

    def problem(self, response: Any) -> str | None:
        """What is wrong with a function's response, or None."""
        if self.status is None:
            return difference(self.response, response, "the response")
        status = response.get("statusCode") if isinstance(response, dict) else None
        if status != self.status:
            return f"the status is {status} and should be {self.status}: {json.dumps(response)[:500]}"
        text = response["body"] or ""
        if text.startswith("<"):
            return None if self.response in text else f"the body lacks {self.response}: {text[:500]}"
        return difference(self.response, json.loads(text) if text else None, "the body")


def _refused(index: int, status: int, code: str) -> dict[str, Any]:
    return {"originalRequestIndex": index, "statusCode": status, "errorCode": code, "isRetryable": False}


def _processed(*outcomes: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"originalRequestIndex": index, "id": id_, "outcome": outcome} for index, (id_, outcome) in enumerate(outcomes)
    ]


def _element(id_: str, participants: int, **others: Any) -> dict[str, Any]:
    """The expected figures of an element of the view."""
    return {"id": id_, "metrics": {"participantCount": participants}} | others


def _breakdown(**customers: int) -> dict[str, Any]:
    """The expected breakdown by OPTIONS: the kinds of its groups, and their customers."""
    return {"values": [{"kind": kind, "customerCount": count} for kind, count in customers.items()]}


def _turnover(**metrics: dict[str, float]) -> dict[str, Any]:
    """The expected figures of the view's chart: the values of each metric by month."""
    return {
        "id": "turnover",
        "metrics": [
            {
                "id": id_,
                "values": [
                    {"value": value, "groupByAttributes": [{"attribute": "groupByTime", "value": month}]}
                    for month, value in months.items()
                ],
            }
            for id_, months in metrics.items()
        ],
    }


CASES = (
    Case("preflight", "PreflightFunction", None, status=204),
    Case("schemas-create", "SchemasFunction", {"version": 1, "jsonSchema": {"title": "Store Visited"}}, status=201),
    Case(
        "schemas-list",
        "SchemasFunction",
        {"total": 2, "entities": [{"id": SCHEMA}, {"jsonSchema": {"title": "Store Visited"}}]},
    ),
    Case("schemas-limits", "SchemasFunction", {"maxNumberOfSchemasPerOrg": 20, "numberOfSchemas": 2}),
    Case("configurations-list", "ConfigurationsFunction", {"entities": [{"schemaId": SCHEMA, "source": SOURCE}]}),
    Case(
        "definitions-list",
        "DefinitionsFunction",
        {
            "entities": [
                {"id": SCHEMA, "displayName": "Order"},
                *({"id": id_, "source": "Native"} for id_ in NATIVE_TYPES),
            ]
        },
    ),
    Case(
        "ingest-accepted",
        "IngestFunction",
        {"processed": _processed(("order-1001", "created"), ("order-1002", "created")), "unprocessedEntities": []},
    ),
    Case(
        "ingest-duplicate",
        "IngestFunction",
        {"processed": _processed(("order-1001", "duplicate")), "unprocessedEntities": []},
    ),
    Case(
        "ingest-conflict",
        "IngestFunction",
        {"processed": [], "unprocessedEntities": [_refused(0, 409, "event.conflict")]},
    ),
    Case(
        "ingest-dropped",
        "IngestFunction",
        {
            "processed": [],
            "unprocessedEntities": [_refused(0, 400, "missing.date"), _refused(1, 400, "missing.identifier")],
        },
    ),
    Case("ingest-bad-json", "IngestFunction", {"code": "bad.request", "status": 400}, status=400),
    Case(
        "ingest-validate",
        "IngestFunction",
        {
            "processed": _processed(("order-1006", "valid")),
            "unprocessedEntities": [_refused(1, 422, "invalid.attribute") | {"fieldName": "attributes.express"}],
        },
    ),
    Case("projector-batch", "ProjectorFunction", {"batchItemFailures": []}, status=None),
    Case("landing-batch", "LandingFunction", {"batchItemFailures": []}, status=None),
    Case("compaction-timer", "CompactionFunction", {"archives": 1}, status=None),
    Case("compaction-queued", "CompactionFunction", {"batchItemFailures": []}, status=None),
    Case(
        "usage",
        "UsageFunction",
        {
            "entities": [
                {"month": "2024-06", "externalEventCount": 2},
                {"month": "2024-05", "externalEventCount": len(PAST)},
            ],
            "dateExact": "2024-06-02T18:06:00.000Z",
        },
    ),
    Case(
        "people-me",
        "PeopleFunction",
        {"id": CLIENT, "kind": "Client", "organization": {"id": ORGANIZATION, "name": "sam local"}},
    ),
    Case("views-create", "ViewsFunction", {"version": 1, "createdBy": {"id": CLIENT}}, status=201),
    Case("views-list", "ViewsFunction", {"total": 2}),
    Case(
        "views-refused",
        "ViewsFunction",
        {
            "code": "invalid.view",
            "details": [
                {"errorCode": code, "fieldName": field}
                for code, field in (
                    ("interval.or.duration", "interval"),
                    ("impossible.value", "elements[0].filter.predicates[0].values[0]"),
                    ("cycle", "elements[0].followedBy[0].id"),
                    ("cycle", "elements[1].followedBy[0].id"),
                    ("not.a.number", "charts[0].metrics[1].attribute"),
                )
            ],
        },
        status=400,
    ),
    Case("jobs-create", "JobsFunction", {"status": "Accepted", "journeyView": {"id": VIEW, "version": 1}}, status=202),
    Case("timer", "TimerFunction", None, status=None),
    Case("compute-job", "ComputeFunction", None, status=None),
    Case("paths-create", "JobsFunction", {"status": "Accepted", "name": "After an order on the web"}, status=202),
    Case("compute-paths", "ComputeFunction", None, status=None),
    Case("part-first", "PartFunction", None, status=None),
    Case("part-second", "PartFunction", None, status=None),
    Case("merge-parts", "MergeFunction", None, status=None),
    Case(
        "jobs-list",
        "JobsFunction",
        {
            "entities": [
                {"status": "Accepted"},  # created by jobs-create
                {"status": "Accepted"},  # created by timer
                {"id": PARTS_JOB, "status": "Complete"},
                {"id": WAITING_JOB, "status": "Complete"},
            ]
        },
    ),
    Case(
        "jobs-result",
        "JobsFunction",
        {
            "elements": [
                _element("web", 3, followedBy=[{"id": "app", "connectionCount": 2}]),
                _element("app", 2),
            ],
            "charts": [_turnover(web={"2024-05": 150.4}, app={"2024-05": 75, "2024-06": 120})],
            "breakdown": _breakdown(Value=2, NotReached=1),
            "dateDataUntil": "2024-06-02T18:06:00.000Z",
        },
    ),
    Case(
        "jobs-customers",
        "JobsFunction",
        {"total": 2, "listed": 2, "maximum": 1000, "entities": [{"customer": {"externalSourceId": "shop"}}] * 2},
    ),
    Case(
        "jobs-result-merged",
        "JobsFunction",
        {
            "elements": [
                _element("web", 2, followedBy=[{"id": "app", "connectionCount": 1}]),
                _element("app", 1),
            ],
            "charts": [_turnover(web={"2024-05": 100.5}, app={"2024-05": 75})],
            "breakdown": _breakdown(Value=1, NotReached=1),
            "dateDataUntil": PAST_RECEIVED,
        },
    ),
    Case(
        "jobs-comparison",
        "JobsFunction",
        {
            "job": {"id": WAITING_JOB},
            "otherJob": {"id": PARTS_JOB},
            "elements": [
                {"id": "web", "metrics": {"participantCount": {"value": 3, "otherValue": 2, "ratio": 1.5}}},
                {"id": "app", "metrics": {"participantCount": {"value": 2, "otherValue": 1, "ratio": 2}}},
            ],
        },
    ),
    Case(
        "paths-result",
        "JobsFunction",
        {
            "start": {"customerCount": 3, "eventCount": 3},
            "tree": {
                "dropped": {"customerCount": 2},
                "steps": [{"eventType": {"id": SCHEMA, "name": "Order Placed"}, "customerCount": 1}],
            },
        },
    ),
    Case(
        "customers-summary",
        "CustomersFunction",
        {
            "eventCount": 2,
            "eventTypes": [{"schemaId": SCHEMA, "eventName": "Order Placed", "eventCount": 2}],
            "transitions": [{"from": "Order Placed", "to": "Order Placed", "count": 1}],
        },
    ),
    Case(
        "customers-events",
        "CustomersFunction",
        {"entities": [{"id": "order-1001", "attributes": {"total": 49.9}}, {"id": "order-1002"}]},
    ),
    Case("customers-link", "CustomersFunction", {"identifiers": [CUSTOMER, JANE], "links": [LINK], "unlinked": []}),
    Case("customers-identifiers", "CustomersFunction", JANE | {"identifiers": [CUSTOMER, JANE], "links": [LINK]}),
    Case("customers-unlink", "CustomersFunction", {"identifiers": [JANE], "links": [], "unlinked": [LINK]}),
    Case("customers-search", "CustomersFunction", {"entities": [JANE | {"eventCount": 2}]}),
    Case("customers-settings", "CustomersFunction", {"linking": "AllExcept"}),
    Case("customers-settings-update", "CustomersFunction", {"linking": "Only", "sources": ["crm", "shop"]}),
    Case(
        "failures-list",
        "FailuresFunction",
        {"entities": [{"status": "open"}, {"status": "open"}, {"status": "open"}]},
    ),
    Case(
        "failures-summary",
        "FailuresFunction",
        {
            "total": 3,
            "entities": [
                {"reason": reason, "count": 1} for reason in ("event.conflict", "missing.date", "missing.identifier")
            ],
        },
    ),
    Case(
        "endpoints-list",
        "EndpointsFunction",
        {"total": len(WEBHOOKS), "entities": [{"sender": sender, "enabled": True} for sender in sorted(WEBHOOKS)]},
    ),
    *(
        Case(f"webhook-{sender}", "WebhooksFunction", {"created": 1, "duplicate": 0, "failed": 0})
        for sender in WEBHOOKS
        if sender != "salesforce"
    ),
    Case("webhook-salesforce", "WebhooksFunction", "<Ack>true</Ack>"),
    Case("webhook-not-proven", "WebhooksFunction", {"code": "not.proven"}, status=401),
    Case("deliveries-queued", "DeliveriesFunction", {"batchItemFailures": []}, status=None),
    *(
        Case(f"native-{kind}", "NativeFunction", {"batchItemFailures": []}, status=None)
        for kind in (*(schema_id.removeprefix("native-") for schema_id in NATIVE_TYPES), "connect")
    ),
    Case(
        "native-import",
        "NativeFunction",
        {"outcomes": [{"outcome": "duplicate"}, {"outcome": "duplicate"}, {"outcome": "unmapped"}]},
        status=None,
    ),
    Case("console-config", "ConsoleFunction", {"clientId": "sam-local-console"}),
    Case("openapi", "OpenapiFunction", {"openapi": "3.1.0", "info": {"title": "Journeys"}}),
)
"""The cases in the order in which they run, because later cases read what earlier cases store."""
