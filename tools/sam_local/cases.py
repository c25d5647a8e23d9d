"""The cases of `sam local`: one invocation each, with the response that it must give."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeys import dates
from journeys.views.jobs.model import scheduled_id
from tools.paths import ROOT
from tools.signing import SIGNS_TIME, sign_event

EVENTS = ROOT / "events"


ORGANIZATION = "sam-local"
CLIENT = "sam-local-client"
SCHEMA = "5a31c0de-0000-4000-8000-000000000001"
SOURCE = "Web shop"
SLOT = "a"
"""The event type's letter, which the records in events/projector-batch.json bear."""

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

BUCKET, QUEUE = "archive", "jobs"
PAST = (
    ("order-901", "max@example.com", "2024-05-16T08:00:00Z", "web", "20"),
    ("order-902", "ann@example.com", "2024-05-17T10:00:00Z", "web", "80.5"),
    ("order-903", "ann@example.com", "2024-05-18T19:30:00Z", "app", "75"),
    ("order-904", "kim@example.com", "2024-05-20T12:00:00Z", "app", "15"),
)
"""Orders that the archive holds before the cases begin: id, customer, date, channel and total. Max is in the buckets
of the second part of a computation, the others in those of the first."""
PAST_RECEIVED = "2024-05-21T08:00:00.000Z"
EVENTS_A_PART = 2
"""By which the buckets of PAST fall into two halves."""
VIEW = "5a31c0de-0000-4000-8000-000000000002"
WAITING_AT, PARTED_AT = dates.parse("2024-07-01T00:00:00Z"), dates.parse("2024-07-02T00:00:00Z")
WAITING_JOB, PARTED_JOB = scheduled_id(VIEW, WAITING_AT), scheduled_id(VIEW, PARTED_AT)
"""The jobs of the view for two moments: one waits to be computed, the other is at work in two parts."""


@dataclass(frozen=True)
class Case:
    """One invocation. `answer` is what the answer must hold: of an object the entries named, of a list every one."""

    name: str
    function: str
    answer: Any
    status: int | None = 200

    @property
    def file(self) -> Path:
        return EVENTS / f"{self.name}.json"

    @property
    def stamped(self) -> str | None:
        """The sender whose delivery this is, where it signs the time."""
        sender = self.name.removeprefix("webhook-")
        return sender if sender in SIGNS_TIME else None

    def event(self, now: float | None = None) -> Any:
        """What the function is given: of a sender that signs the time, signed at that moment, or now."""
        event = json.loads(self.file.read_text())
        if self.stamped is None:
            return event
        return sign_event(event, self.stamped, WEBHOOKS[self.stamped][0], time.time() if now is None else now)

    def judge(self, answered: Any) -> str | None:
        """What is wrong with a function's answer, or None."""
        if self.status is None:
            return difference(self.answer, answered, "the answer")
        status = answered.get("statusCode") if isinstance(answered, dict) else None
        if status != self.status:
            return f"the status is {status} and should be {self.status}: {json.dumps(answered)[:500]}"
        if answered["body"] and answered["body"].startswith("<"):
            return (
                None if self.answer in answered["body"] else f"the body lacks {self.answer}: {answered['body'][:500]}"
            )
        body = json.loads(answered["body"]) if answered["body"] else None
        return difference(self.answer, body, "the body")


def difference(wanted: Any, found: Any, where: str) -> str | None:
    """The first place where something found is not as it is wanted, in words; None where there is none."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in wanted.items():
            if name not in found:
                return f"{where} has no {name}"
            if told := difference(value, found[name], f"{where}.{name}"):
                return told
        return None
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        told_all = (difference(*both, f"{where}[{at}]") for at, both in enumerate(zip(wanted, found, strict=True)))
        return next((told for told in told_all if told), None)
    return None if wanted == found else f"{where} is {json.dumps(found)[:500]} and should be {json.dumps(wanted)}"


def _refused(place: int, status: int, code: str) -> dict[str, Any]:
    return {"originalRequestIndex": place, "statusCode": status, "errorCode": code, "isRetryable": False}


def _processed(*outcomes: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"originalRequestIndex": place, "id": id_, "outcome": outcome} for place, (id_, outcome) in enumerate(outcomes)
    ]


def _element(id_: str, participants: int, **others: Any) -> dict[str, Any]:
    """What is wanted of an element of the view's result."""
    return {"id": id_, "metrics": {"participantCount": participants}} | others


def _turnover(**metrics: dict[str, float]) -> dict[str, Any]:
    """What is wanted of the view's chart: the metrics' values by month."""
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
    Case("definitions-list", "DefinitionsFunction", {"entities": [{"id": SCHEMA, "displayName": "Order"}]}),
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
    Case("compaction", "CompactionFunction", {"days": 2}, status=None),
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
    Case("part-first", "PartFunction", None, status=None),
    Case("part-second", "PartFunction", None, status=None),
    Case("merge-parts", "MergeFunction", None, status=None),
    Case(
        "jobs-list",
        "JobsFunction",
        {
            "entities": [
                {"status": "Accepted"},  # of jobs-create
                {"status": "Accepted"},  # of the timer
                {"id": PARTED_JOB, "status": "Complete"},
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
            "dateDataUntil": "2024-06-02T18:06:00.000Z",
        },
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
            "dateDataUntil": PAST_RECEIVED,
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
    Case("openapi", "OpenapiFunction", {"openapi": "3.1.0", "info": {"title": "Journeys"}}),
)
"""In the order in which they are run: what one stores is what a later one finds."""
