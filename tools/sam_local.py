"""Every function under `sam local invoke`, in Docker, with a database of its own.

    python -m tools.sam_local              up, check, down
    python -m tools.sam_local up           starts the database, builds, and prints the command for each case
    python -m tools.sam_local check        runs every case and checks its answer
    python -m tools.sam_local sign CASE    prints the delivery of a webhook that signs the time, signed now
    python -m tools.sam_local down

The cases' events lie in events/, one file each. A delivery of a webhook that signs the time lies there unsigned.
"""

import argparse
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from journeys import dates, keys
from journeys.archive import parquet
from journeys.archive.landing import Landing
from journeys.archive.store import ArchiveStore, LandingStore
from journeys.aws import to_item
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.model import Activation, Schema
from journeys.registry.schemas.store import SchemaStore
from journeys.views.jobs.model import accepted, scheduled_id
from journeys.views.jobs.order import make_order
from journeys.views.jobs.store import JobStore, WorkStore
from journeys.views.model import MILLISECONDS, ViewDefinition
from journeys.views.schedules.model import Frequency
from journeys.views.schedules.store import ScheduleStore
from journeys.views.store import ViewStore
from journeys.webhooks.model import Endpoint
from journeys.webhooks.store import EndpointStore, SecretStore
from tools import ministack
from tools.deliveries import serve_adobe_key
from tools.local_stack import KEY_BUCKET
from tools.ministack import ROOT, VENVS
from tools.signing import ADOBE_KEY_PATH, ADOBE_PUBLIC_KEY, STAMPED, signed
from tools.stack import REGION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

HOME = ROOT / ".local" / "sam-local"
EVENTS = ROOT / "events"
PYTHON_VERSION = "3.13"
IMAGE = f"public.ecr.aws/lambda/python:{PYTHON_VERSION}-x86_64"
PREFERRED_PORT = 4580
INVOKE_SECONDS = 120

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


class SamLocalFailed(Exception):
    """It cannot run here; the message says what is missing."""


# -- the cases ---------------------------------------------------------------------------------------------------------


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
        return sender if sender in STAMPED else None

    def event(self, now: float | None = None) -> Any:
        """What the function is given: of a sender that signs the time, signed at that moment, or now."""
        event = json.loads(self.file.read_text())
        if self.stamped is None:
            return event
        return signed(event, self.stamped, WEBHOOKS[self.stamped][0], time.time() if now is None else now)

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


# -- the database ------------------------------------------------------------------------------------------------------


def seed(dynamodb: "DynamoDBClient", registry_table: str) -> str:
    """An organisation, a client that may do everything, an event type and its configuration; answers with its id."""
    clients = ClientStore(dynamodb, registry_table)
    clients.put_organization(ORGANIZATION, "sam local")
    clients.put(Client(CLIENT, ORGANIZATION, "sam local", PERMISSIONS))
    began = dates.parse("2024-01-01T00:00:00Z")
    schema = Schema(
        schema_id=SCHEMA,
        version=1,
        enabled=True,
        slot=SLOT,
        used=False,
        date_created=began,
        date_modified=began,
        created_by={"id": CLIENT},
        raw={
            "title": "Order Placed",
            "required": ["orderNumber"],
            "properties": {
                "orderNumber": {"allOf": [{"$ref": "#/definitions/identifier"}]},
                "channel": {"allOf": [{"$ref": "#/definitions/enum"}], "enum": ["web", "app", "store"]},
                "total": {"type": "number", "minimum": 0},
                "express": {"type": "boolean"},
            },
        },
        activation=Activation("Order", rank=1, version=1, date_first_activated=began, date_modified=began),
    )
    # row by row and not by `SchemaStore.create`, which gives out a slot at random: the stream's records name this one
    for item in (
        keys.schema(ORGANIZATION, SCHEMA) | to_item(schema.to_values()),
        keys.schema_version(ORGANIZATION, SCHEMA, 1) | to_item(schema.to_values()),
        keys.title(ORGANIZATION, schema.title) | to_item({"schemaId": SCHEMA}),
        keys.event_types(ORGANIZATION) | to_item({"used": 1, "slots": {SLOT}}),
    ):
        dynamodb.put_item(TableName=registry_table, Item=item)
    created = ConfigurationStore(dynamodb, registry_table).create(
        ORGANIZATION, name="Orders", description=None, division_id=None, schema_id=SCHEMA, source=SOURCE
    )
    return created.configuration_id


def seed_endpoints(
    dynamodb: "DynamoDBClient", registry_table: str, secretsmanager: "SecretsManagerClient", configuration_id: str
) -> None:
    """An endpoint for each of WEBHOOKS, under its sender's name; what is left of an earlier run is replaced."""
    endpoints, secrets = EndpointStore(dynamodb, registry_table), SecretStore(secretsmanager, SECRETS_PREFIX)
    began = dates.parse("2024-01-01T00:00:00Z")
    for sender, (secret, options) in WEBHOOKS.items():
        endpoint = Endpoint(
            endpoint_id=f"sam-local-{sender}",
            organization_id=ORGANIZATION,
            name=sender,
            sender=sender,
            configuration_id=configuration_id,
            enabled=True,
            date_created=began,
            date_modified=began,
            options=options,
            mapping={"timeZone": "UTC", "attributes": {"orderNumber": "'W-1'", "channel": None}},
        )
        secrets.delete(endpoint.endpoint_id)
        secrets.create(endpoint.endpoint_id, secret)
        endpoints.create(endpoint)


def seed_views(
    dynamodb: "DynamoDBClient", registry_table: str, s3: "S3Client", bucket: str, configuration_id: str
) -> None:
    """The archive of PAST, the view of the case views-create, a schedule of it that is due, and two jobs."""
    landed = Landing(LandingStore(s3, bucket)).put(ORGANIZATION, map(parquet.row, _past_events(configuration_id)))
    if landed.landed != len(PAST):
        raise SamLocalFailed("The past orders could not be archived.")

    asked = json.loads((EVENTS / "views-create.json").read_text())["body"]
    definition = ViewDefinition.model_validate_json(asked)
    view = ViewStore(dynamodb, registry_table).create(ORGANIZATION, definition, CLIENT, VIEW)

    schedules = ScheduleStore(dynamodb, registry_table)
    schedule = schedules.create(ORGANIZATION, VIEW, Frequency.DAILY, CLIENT)
    schedules.advance(schedule, schedule.date_modified - 2 * MILLISECONDS["Days"])

    jobs, schemas = JobStore(dynamodb, registry_table), SchemaStore(dynamodb, registry_table)
    for job_id, moment in ((WAITING_JOB, WAITING_AT), (PARTED_JOB, PARTED_AT)):
        jobs.create(accepted(ORGANIZATION, view, job_id, CLIENT, date_created=moment, now=dates.now_ms()), view)
    at_work = jobs.claim(ORGANIZATION, PARTED_JOB)
    if at_work is None:
        raise SamLocalFailed("The job that is to be at work could not be begun.")
    snapshot = ArchiveStore(dynamodb, registry_table, lambda: s3, bucket).snapshot(ORGANIZATION)
    WorkStore(s3, bucket).put_order(make_order(at_work, definition, schemas.get, snapshot, EVENTS_A_PART))


def _past_events(configuration_id: str) -> Iterator[StoredEvent]:
    for place, (id_, customer, date, channel, total) in enumerate(PAST):
        attributes = {"orderNumber": id_.removeprefix("order-"), "channel": channel, "total": Decimal(total)}
        yield StoredEvent(
            event=Event(id_, dates.parse(date), (ExternalId("shop", customer),), attributes),
            organization_id=ORGANIZATION,
            configuration_id=configuration_id,
            schema_id=SCHEMA,
            schema_version=1,
            slot=SLOT,
            event_name="Order Placed",
            source=SOURCE,
            date_received=dates.parse(PAST_RECEIVED),
            receipt=f"sam-local/seed#{place}",
        )


class _Template(yaml.SafeLoader):
    """Reads the template for its tables, whose keys and indexes hold no functions of CloudFormation."""


_Template.add_multi_constructor("!", lambda *_: None)


def create_tables(dynamodb: "DynamoDBClient") -> None:
    """The template's tables, empty, under their names in the template."""
    template = yaml.load((ROOT / "template.yaml").read_text(), _Template)  # noqa: S506  # ours, and a safe loader's child
    there = dynamodb.list_tables()["TableNames"]
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::DynamoDB::Table":
            continue
        if name in there:
            dynamodb.delete_table(TableName=name)
            dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        taken_over = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")
        properties: Any = {one: value for one, value in resource["Properties"].items() if one in taken_over}
        dynamodb.create_table(TableName=name, **properties)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})


def empty_bucket(s3: "S3Client", bucket: str) -> None:
    """The bucket, without anything in it."""
    s3.create_bucket(Bucket=bucket)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        if found := page.get("Contents"):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": one["Key"]} for one in found]})


@dataclass(frozen=True)
class Place:
    """Where the database listens on this machine, and how a container names that."""

    host: str
    name: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def container_url(self) -> str:
        return f"http://{self.name}:{self.port}"


class SamLocal:
    """The database, the build, and what `sam local invoke` needs to know of both."""

    def __init__(self, home: Path = HOME) -> None:
        self._home = home
        self._state, self._variables = home / "ministack.json", home / "env.json"
        self._built = home / "build" / "template.yaml"

    def up(self) -> None:
        """Starts the database where it is not up, and builds. Raises SamLocalFailed."""
        require_docker()
        self._home.mkdir(parents=True, exist_ok=True)
        if self._place() is None:
            print("  starting the database ...", file=sys.stderr, flush=True)
            self._start()
        self.refresh()
        print("  building ...", file=sys.stderr, flush=True)
        done = self._sam("build", "--build-dir", str(self._built.parent), "--parameter-overrides", self._overrides())
        if done.returncode:
            raise SamLocalFailed(f"sam build failed:\n{(done.stdout + done.stderr)[-4000:]}")

    def refresh(self) -> None:
        """Empties the database and seeds it, so that every case finds what it expects. Raises SamLocalFailed."""
        place = self._required()
        client: Any = boto3.Session("test", "test", region_name=REGION).client
        config = Config(connect_timeout=2, read_timeout=10)
        try:
            dynamodb: DynamoDBClient = client("dynamodb", endpoint_url=place.url, config=config)
            create_tables(dynamodb)
            configuration_id = seed(dynamodb, "RegistryTable")
            secretsmanager: SecretsManagerClient = client("secretsmanager", endpoint_url=place.url, config=config)
            seed_endpoints(dynamodb, "RegistryTable", secretsmanager, configuration_id)
            s3: S3Client = client("s3", endpoint_url=place.url, config=config)
            empty_bucket(s3, BUCKET)
            seed_views(dynamodb, "RegistryTable", s3, BUCKET, configuration_id)
            serve_adobe_key(s3, ADOBE_KEY_PATH, ADOBE_PUBLIC_KEY)
            sqs: SQSClient = client("sqs", endpoint_url=place.url, config=config)
            queue_url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        except (BotoCoreError, ClientError) as error:
            raise SamLocalFailed(f"The database at {place.url} does not do what it should: {error}") from None
        tables = {
            f"{name}_TABLE": f"{name.capitalize()}Table" for name in ("EVENTS", "JOURNEYS", "FAILURES", "REGISTRY")
        }
        variables = {"AWS_ENDPOINT_URL": place.container_url, "ARCHIVE_BUCKET": BUCKET, "JOBS_QUEUE_URL": queue_url}
        variables |= tables | {"SECRETS_PREFIX": SECRETS_PREFIX}
        variables |= {"ADOBE_KEYS_URL": f"{place.container_url}/{KEY_BUCKET}"}
        self._variables.write_text(json.dumps({"Parameters": variables}, indent=2) + "\n")

    def down(self) -> bool:
        """Ends the database and forgets the build; answers whether it was up."""
        was_up = self._place() is not None
        if was_up:
            pid = json.loads(self._state.read_text())["pid"]
            ministack.end(pid)
        shutil.rmtree(self._home, ignore_errors=True)
        return was_up

    @property
    def is_up(self) -> bool:
        return self._place() is not None and self._built.exists()

    def command(self, case: Case) -> list[str]:
        """What runs a case by hand, from the project's folder; one that is signed now reads it from its input."""
        event = "-" if case.stamped else _shown(case.file)
        return [
            *(_shown(VENVS / "sam" / "bin" / "sam"), "local", "invoke", case.function, "--event", event),
            *("--template", _shown(self._built), "--env-vars", _shown(self._variables)),
            *("--parameter-overrides", self._overrides(), "--region", REGION, "--skip-pull-image"),
            *("--layer-cache-basedir", _shown(self._home / "layers")),
        ]

    def invoke(self, case: Case) -> str | None:
        """Runs a case; answers with what is wrong, or None."""
        try:
            done = self._sam(*self.command(case)[1:], given=json.dumps(case.event()) if case.stamped else "")
        except subprocess.TimeoutExpired:
            return f"there was no answer within {INVOKE_SECONDS} seconds"
        try:
            answered = json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError):
            return f"there was no answer, but:\n{(done.stdout + done.stderr)[-3000:]}"
        wrong = case.judge(answered)
        return f"{wrong}\n{done.stderr[-3000:]}" if wrong else None

    # -- inside --------------------------------------------------------------------------------------------------------

    def _overrides(self) -> str:
        # EndpointUrl declares the variable AWS_ENDPOINT_URL, which only then can be given in a file
        return f"PythonRuntime=python{PYTHON_VERSION} EndpointUrl={self._required().container_url}"

    def _sam(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        inherited.pop("PYTHONPATH", None)
        return subprocess.run(
            [VENVS / "sam" / "bin" / "sam", *arguments],
            cwd=ROOT,
            env=inherited
            | {
                "SAM_CLI_TELEMETRY": "0",
                "PYTHON": sys.executable,
                "PYTHON_VERSION": PYTHON_VERSION,
                # with credentials SAM would ask AWS for their account, at every invocation; without, it makes one up
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
            },
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=INVOKE_SECONDS,
        )

    def _start(self) -> None:
        host, name = _reachable()
        place = Place(host, name, ministack.free_port(host, PREFERRED_PORT))
        try:
            pid = ministack.start(self._home, place.host, place.port, SERVICES="dynamodb,s3,secretsmanager,sqs")
        except ministack.DidNotStart as failed:
            raise SamLocalFailed(f"The database at {place.url} did not start:\n{failed}") from None
        state = {"pid": pid, "host": place.host, "name": place.name, "port": place.port}
        self._state.write_text(json.dumps(state))

    def _place(self) -> Place | None:
        """Where the database is, if it is up."""
        try:
            state = json.loads(self._state.read_text())
        except FileNotFoundError:
            return None
        place = Place(state["host"], state["name"], state["port"])
        return place if ministack.alive(state["pid"]) and ministack.answers(place.url) else None

    def _required(self) -> Place:
        place = self._place()
        if place is None:
            raise SamLocalFailed("The database is not up; start it: python -m tools.sam_local up")
        return place


def require_docker() -> None:
    """Sees to Docker and the functions' image. Raises SamLocalFailed with what is missing."""
    if shutil.which("docker") is None:
        raise SamLocalFailed(
            "Docker is missing; `sam local invoke` runs functions in containers: https://docs.docker.com/get-docker/"
        )
    if (told := _docker("info")).returncode:
        why = (told.stderr.strip().splitlines() or ["it gives no reason"])[-1]
        raise SamLocalFailed(f"Docker is installed but does not answer: {why}")
    if _docker("image", "inspect", IMAGE).returncode:
        print(f"  fetching {IMAGE} ...", file=sys.stderr, flush=True)
        if (told := _docker("pull", IMAGE)).returncode:
            why = (told.stderr.strip().splitlines() or ["it gives no reason"])[-1]
            raise SamLocalFailed(
                f"The image {IMAGE}, which functions run in, is not on this machine and cannot be fetched: {why}"
            )


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S607


def _reachable() -> tuple[str, str]:
    """An address of this machine that containers reach, and how they name it."""
    told = _docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}")
    for part in json.loads(told.stdout) if told.returncode == 0 else []:
        # without a gateway of its own choice the bridge has the subnet's first address
        gateway = part.get("Gateway") or str(next(ip_network(part["Subnet"]).hosts()))
        try:
            with socket.create_server((gateway, 0)):
                return gateway, gateway
        except OSError:
            continue  # Docker Desktop: the bridge is inside its virtual machine
    return "127.0.0.1", "host.docker.internal"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


# -- the command -------------------------------------------------------------------------------------------------------


def show_commands(local: SamLocal) -> None:
    """Prints what runs each case by hand."""
    print("From here on by hand, in this order:\n")
    for case in CASES:
        sign = [_shown(Path(sys.executable)), "-m", "tools.sam_local", "sign", case.name]
        print((shlex.join(sign) + " | " if case.stamped else "") + shlex.join(local.command(case)))
    print("\nThen: python -m tools.sam_local check, or down")


def check(local: SamLocal) -> bool:
    """Runs every case on a fresh database and prints how it went; answers whether all went well."""
    if not local.is_up:
        raise SamLocalFailed("Nothing is up to be checked; begin with: python -m tools.sam_local up")
    local.refresh()
    began, good = time.monotonic(), 0
    for case in CASES:
        start = time.monotonic()
        wrong = local.invoke(case)
        good += wrong is None
        status = "" if case.status is None else str(case.status)
        told = f"{'ok' if wrong is None else 'WRONG':6}{case.name:21}{case.function:24}{status:5}"
        print(f"{told}{time.monotonic() - start:5.1f} s", flush=True)
        if wrong is not None:
            print(f"      {wrong}", flush=True)
    print(f"{good} of {len(CASES)} cases are as they should be, in {time.monotonic() - began:.0f} s.")
    return good == len(CASES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers with its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.sam_local", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("command", nargs="?", choices=("all", "up", "check", "sign", "down"), default="all")
    stamped = {case.name: case for case in CASES if case.stamped}
    parser.add_argument("case", nargs="?", choices=stamped, help="what to sign")
    given = parser.parse_args(arguments)
    if (given.command == "sign") != (given.case is not None):
        parser.error("sign, and it alone, wants the name of a case")
    local = SamLocal()
    try:
        match given.command:
            case "sign":
                print(json.dumps(stamped[given.case].event(), indent=2))
            case "up":
                local.up()
                show_commands(local)
            case "check":
                return 0 if check(local) else 1
            case "down":
                print("The database is down." if local.down() else "The database was not up.")
            case _:
                was_up = local.is_up
                try:
                    local.up()
                    return 0 if check(local) else 1
                finally:
                    if not was_up:
                        local.down()
    except SamLocalFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
