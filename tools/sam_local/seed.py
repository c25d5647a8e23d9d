"""Seeds the database of `sam local`, so that every case finds what it expects."""

import base64
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml

from journeys import dates, jsontext, keys
from journeys.archive import parquet
from journeys.archive.landing import Landing
from journeys.archive.store import ArchiveStore, LandingStore
from journeys.aws import to_item
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.identity.settings import IdentitySettings
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.event_types import EventTypes
from journeys.registry.limits import WAITING_JOBS
from journeys.registry.native_sources.store import NativeSourceStore
from journeys.registry.schemas.model import Activation, Schema
from journeys.views.jobs.identity import JobIdentity
from journeys.views.jobs.model import NEVER, accepted, accepted_paths
from journeys.views.jobs.options import Applied
from journeys.views.jobs.spec import make_spec
from journeys.views.jobs.store import JobStore
from journeys.views.jobs.work.store import WorkStore
from journeys.views.model import MILLISECONDS, ViewDefinition
from journeys.views.paths.model import PathDefinition
from journeys.views.schedules.model import Frequency
from journeys.views.schedules.store import ScheduleStore
from journeys.views.store import ViewStore
from journeys.webhooks.deliveries.model import DeliveryRecord, RecordedOutcome
from journeys.webhooks.deliveries.queued import QueuedDelivery
from journeys.webhooks.deliveries.store import object_key
from journeys.webhooks.delivery import ReceivedDelivery
from journeys.webhooks.model import Endpoint
from journeys.webhooks.store import EndpointStore, SecretStore
from tools.errors import SetupError
from tools.native_events import LOCAL_SOURCE
from tools.paths import ROOT
from tools.sam_local.cases import (
    CLIENT,
    EVENTS,
    EVENTS_PER_PART,
    OPTIONS,
    ORGANIZATION,
    PARTS_DATE,
    PARTS_JOB,
    PAST,
    PAST_RECEIVED,
    PATH_JOB,
    QUEUED_DELIVERY,
    SCHEMA,
    SECRETS_PREFIX,
    SLOT,
    SOURCE,
    VIEW,
    WAITING_DATE,
    WAITING_JOB,
    WEBHOOKS,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SamLocalFailed(SetupError):
    """`sam local` cannot run on this machine. The message says what is missing."""


def seed(dynamodb: "DynamoDBClient", registry_table: str) -> str:
    """Creates an organization, a client with every permission, an event type and a configuration. Returns its id."""
    clients = ClientStore(dynamodb, registry_table)
    clients.put_organization(ORGANIZATION, "sam local")
    clients.put(Client(CLIENT, ORGANIZATION, "sam local", PERMISSIONS))
    start = dates.parse("2024-01-01T00:00:00Z")
    schema = Schema(
        schema_id=SCHEMA,
        version=1,
        enabled=True,
        slot=SLOT,
        used=False,
        date_created=start,
        date_modified=start,
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
        activation=Activation("Order", rank=1, version=1, date_first_activated=start, date_modified=start),
    )
    # `SchemaStore.create` chooses a random slot, but the records in events/ name this slot.
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
    NativeSourceStore(dynamodb, registry_table).add(LOCAL_SOURCE, ORGANIZATION)
    return created.configuration_id


def seed_endpoints(
    dynamodb: "DynamoDBClient", registry_table: str, secretsmanager: "SecretsManagerClient", configuration_id: str
) -> None:
    """Creates an endpoint for each sender in WEBHOOKS."""
    endpoints, secrets = EndpointStore(dynamodb, registry_table), SecretStore(secretsmanager, SECRETS_PREFIX)
    start = dates.parse("2024-01-01T00:00:00Z")
    for sender, (secret, options) in WEBHOOKS.items():
        endpoint_id = f"sam-local-{sender}"
        endpoint = Endpoint(
            endpoint_id=endpoint_id,
            organization_id=ORGANIZATION,
            name=sender,
            sender=sender,
            configuration_id=configuration_id,
            enabled=True,
            date_created=start,
            date_modified=start,
            options=options,
            mapping={"timeZone": "UTC", "attributes": {"orderNumber": "'W-1'", "channel": None}},
            secret_version=secrets.create(endpoint_id, secret),
        )
        endpoints.create(endpoint)


def seed_delivery(dynamodb: "DynamoDBClient", registry_table: str, s3: "S3Client", bucket: str) -> None:
    """Stores the delivery of the case deliveries-queued, as the receiver stores it before it sends the message."""
    endpoint = EndpointStore(dynamodb, registry_table).get(ORGANIZATION, "sam-local-segment")
    sent = json.loads((EVENTS / "webhook-segment.json").read_text())
    now_ms = dates.now_ms()
    received = ReceivedDelivery(endpoint.endpoint_id, base64.b64decode(sent["body"]), {}, now_ms)
    record = DeliveryRecord(QUEUED_DELIVERY, ORGANIZATION, endpoint.endpoint_id, now_ms, RecordedOutcome.QUEUED)
    queued = QueuedDelivery(endpoint, received, record, "sam-local/queued")
    s3.put_object(Bucket=bucket, Key=object_key(record), Body=jsontext.dumps(queued.to_values()).encode())


def seed_views(
    dynamodb: "DynamoDBClient", registry_table: str, s3: "S3Client", bucket: str, configuration_id: str
) -> None:
    """Archives the events of PAST, and creates the view of the case views-create, a due schedule and three jobs."""
    landed = Landing(LandingStore(s3, bucket)).put(ORGANIZATION, map(parquet.row, _past_events(configuration_id)))
    if landed.landed != len(PAST):
        raise SamLocalFailed("The sample orders could not be archived.")

    body = json.loads((EVENTS / "views-create.json").read_text())["body"]
    definition = ViewDefinition.model_validate_json(body)
    view = ViewStore(dynamodb, registry_table).create(ORGANIZATION, definition, CLIENT, VIEW)

    schedules = ScheduleStore(dynamodb, registry_table)
    schedule = schedules.create(ORGANIZATION, VIEW, Frequency.DAILY, CLIENT)
    schedules.advance(schedule, schedule.date_modified - 2 * MILLISECONDS["Days"])

    jobs, event_types = JobStore(dynamodb, registry_table), EventTypes(dynamodb, registry_table)
    for job_id, moment in ((WAITING_JOB, WAITING_DATE), (PARTS_JOB, PARTS_DATE)):
        now = dates.now_ms()
        job = accepted(ORGANIZATION, view, job_id, CLIENT, date_created=moment, now=now, expires=NEVER, options=OPTIONS)
        jobs.create(job, WAITING_JOBS.default)
    paths = PathDefinition.model_validate_json(json.loads((EVENTS / "paths-create.json").read_text())["body"])
    path_job = accepted_paths(ORGANIZATION, paths, PATH_JOB, CLIENT, now=dates.now_ms(), expires=NEVER)
    jobs.create(path_job, WAITING_JOBS.default, paths)
    claimed = jobs.claim(ORGANIZATION, PARTS_JOB)
    if claimed is None:
        raise SamLocalFailed("The sample job could not be started.")
    identity = JobIdentity(IdentitySettings())
    snapshot = ArchiveStore(dynamodb, registry_table, lambda: s3, bucket).snapshot(ORGANIZATION)
    spec = make_spec(
        claimed, Applied(definition, claimed.date_created), event_types, snapshot, EVENTS_PER_PART, lambda _: identity
    )
    WorkStore(s3, bucket).put_spec(spec)


def _past_events(configuration_id: str) -> Iterator[StoredEvent]:
    for index, (id_, customer, date, channel, total) in enumerate(PAST):
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
            receipt=f"sam-local/seed#{index}",
        )


class _Template(yaml.SafeLoader):
    """Reads the template; a CloudFormation function such as !Ref becomes None. Tables have none in what is read."""


_Template.add_multi_constructor("!", lambda *_: None)


def create_tables(dynamodb: "DynamoDBClient") -> None:
    """Creates the template's tables, empty, under their names in the template."""
    template = yaml.load((ROOT / "template.yaml").read_text(), _Template)  # noqa: S506  # a subclass of SafeLoader
    existing = dynamodb.list_tables()["TableNames"]
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::DynamoDB::Table":
            continue
        if name in existing:
            dynamodb.delete_table(TableName=name)
            dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        kept = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")
        properties: Any = {key: value for key, value in resource["Properties"].items() if key in kept}
        dynamodb.create_table(TableName=name, **properties)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})


def empty_bucket(s3: "S3Client", bucket: str) -> None:
    """Creates the bucket, or deletes its objects."""
    s3.create_bucket(Bucket=bucket)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        if objects := page.get("Contents"):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": one["Key"]} for one in objects]})
