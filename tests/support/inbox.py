"""A receiver of webhook deliveries with one endpoint for every sender."""

import json
import os
import time
import uuid
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest

from journeys import aws
from journeys.events.bindings import Bindings
from journeys.events.failures.model import Failure
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import Ingest
from journeys.events.store import EventLog
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.store import SchemaStore
from journeys.webhooks.deliveries.model import DeliveryRecord
from journeys.webhooks.deliveries.recorder import DeliveryRecorder
from journeys.webhooks.deliveries.store import DeliveryQueue, DeliveryStore
from journeys.webhooks.delivery import Delivery, DeliveryResponse
from journeys.webhooks.mapper import Mapper
from journeys.webhooks.model import Endpoint
from journeys.webhooks.processing import Processor
from journeys.webhooks.receive import Receiver
from journeys.webhooks.rotation import Rotation
from journeys.webhooks.senders.adobe import Adobe
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import EndpointStore, SecretStore
from tests.conftest import ORGANIZATION
from tests.support.tables import Tables
from tests.support.webhooks import ADOBE_KEY_PATH, SCHEMA, Sent, adobe_public_key, sender_cases

URL = "https://api.example.com/prod/webhooks/"
CASES = {case.name: case for case in sender_cases()}


class KeyHost:
    """Serves Adobe's key at its path, and records the requested paths."""

    def __init__(self, error: type[Exception] | None = None) -> None:
        self.requested: list[str] = []
        self.error = error

    def __call__(self, path: str) -> bytes:
        self.requested.append(path)
        if self.error is not None:
            raise self.error("no")
        if path != ADOBE_KEY_PATH:
            raise ValueError("there is no such key")
        return adobe_public_key()


@dataclass
class Inbox:
    """A receiver with an endpoint for every sender, named as the sender."""

    tables: Tables
    receiver: Receiver
    endpoints: EndpointStore
    secrets: SecretStore
    failures: FailureStore
    configuration_id: str

    def receive(self, endpoint_id: str, sent: Sent, now: float | None = None) -> DeliveryResponse:
        headers = {name.lower(): value for name, value in sent.headers.items()}
        delivery = Delivery(
            sent.method, headers, sent.query, sent.body, URL + endpoint_id, time.time() if now is None else now
        )
        return self.receiver.receive(endpoint_id, delivery, request_id=str(uuid.uuid4()))

    def send(self, name: str, **changes: Any) -> dict[str, int]:
        """Return the outcomes of a sender's sample delivery, or of one with another body or secret."""
        return dict(json.loads(self.receive(name, sample(name, **changes)).body))

    def change(self, name: str, **changes: Any) -> None:
        current = self.endpoints.get(ORGANIZATION, name)
        assert self.endpoints.update(replace(current, revision=current.revision + 1, **changes))

    def rotate(self, name: str, secret: str, *, keep_previous: bool = True) -> None:
        """Set the secret of an endpoint."""
        Rotation(self.endpoints, self.secrets).rotate(ORGANIZATION, name, secret, keep_previous=keep_previous)

    def lose_secrets(self, name: str) -> None:
        """Delete the secrets that an endpoint names."""
        self.secrets.delete(name, self.endpoints.get(ORGANIZATION, name).secret_version)

    def failure(self) -> Failure:
        """Return the only failure, with its payload."""
        (listed,) = [item["failureId"]["S"] for item in self.tables.items(self.tables.failures) if "reason" in item]
        return self.failures.get(ORGANIZATION, listed)

    def records(self, name: str) -> list[DeliveryRecord]:
        """Return the records of an endpoint's deliveries, newest first."""
        store = DeliveryStore(self.tables.dynamodb, self.tables.deliveries)
        return store.newest_first(ORGANIZATION, name, size=100).records

    def new_recorder(self) -> DeliveryRecorder:
        return DeliveryRecorder(DeliveryStore(self.tables.dynamodb, self.tables.deliveries))

    def new_bindings(self) -> Bindings:
        """Return bindings with an empty cache."""
        return Bindings(
            ConfigurationStore(self.tables.dynamodb, self.tables.registry),
            SchemaStore(self.tables.dynamodb, self.tables.registry),
        )

    def new_ingest(self, bindings: Bindings) -> Ingest:
        return Ingest(EventLog(self.tables.dynamodb, self.tables.events), self.failures, bindings)

    def new_configuration(self, source: str) -> str:
        """Create another configuration for the same schema and return its id."""
        store = ConfigurationStore(self.tables.dynamodb, self.tables.registry)
        schema_id = store.get(ORGANIZATION, self.configuration_id).schema_id
        return store.create(
            ORGANIZATION, name=source, description=None, division_id=None, schema_id=schema_id, source=source
        ).configuration_id

    def delete_configuration(self) -> None:
        ConfigurationStore(self.tables.dynamodb, self.tables.registry).delete(ORGANIZATION, self.configuration_id)

    def change_schema(self, document: dict[str, Any]) -> None:
        """Store a new version of the schema of all endpoints."""
        schemas = SchemaStore(self.tables.dynamodb, self.tables.registry)
        configurations = ConfigurationStore(self.tables.dynamodb, self.tables.registry)
        schema_id = configurations.get(ORGANIZATION, self.configuration_id).schema_id
        version = schemas.get(ORGANIZATION, schema_id).version
        schemas.update(ORGANIZATION, schema_id, version=version, enabled=None, document=parse(document))

    def nothing_written(self) -> bool:
        return not self.tables.items(self.tables.events) and not self.tables.items(self.tables.failures)

    def reasons(self) -> list[str]:
        return sorted(item["reason"]["S"] for item in self.tables.items(self.tables.failures) if "reason" in item)


def new_queue() -> DeliveryQueue:
    return DeliveryQueue(aws.s3, "archive", aws.sqs, os.environ["DELIVERIES_QUEUE_URL"])


def sample(name: str, **changes: Any) -> Sent:
    return CASES[name].deliver(url=URL + name, now=time.time(), **changes)


def make_inbox(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    """Return an inbox with an empty log. All endpoints have one configuration."""
    monkeypatch.setenv("SECRETS_PREFIX", "journeys/webhooks/")
    monkeypatch.setitem(SENDERS, "adobe", Adobe(KeyHost()))
    schema = SchemaStore(tables.dynamodb, tables.registry).create(ORGANIZATION, parse(SCHEMA), {"id": "x"})
    configurations = ConfigurationStore(tables.dynamodb, tables.registry)
    configuration_id = configurations.create(
        ORGANIZATION, name="SaaS", description=None, division_id=None, schema_id=schema.schema_id, source="SaaS"
    ).configuration_id
    endpoints = EndpointStore(tables.dynamodb, tables.registry)
    secrets = SecretStore(boto3.client("secretsmanager"), "journeys/webhooks/")
    for case in sender_cases():
        endpoints.create(
            Endpoint(
                case.name,
                *(ORGANIZATION, case.name, case.name, configuration_id, True, 0, 0),
                options=case.options,
                mapping=case.mapping,
                secret_version=secrets.create(case.name, case.secret),
            )
        )
    bindings = Bindings(configurations, SchemaStore(tables.dynamodb, tables.registry))
    failures = FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive")
    stopped = lambda: 0.0  # noqa: E731  # A stopped clock, so that a slow machine does not exceed the time limit.
    ingest = Ingest(EventLog(tables.dynamodb, tables.events), failures, bindings, clock=stopped)
    return Inbox(
        tables,
        Receiver(
            endpoints,
            secrets,
            Processor(ingest, Mapper(bindings), failures, clock=stopped),
            DeliveryRecorder(DeliveryStore(tables.dynamodb, tables.deliveries), clock=stopped),
            new_queue(),
            clock=stopped,
        ),
        endpoints,
        secrets,
        failures,
        configuration_id,
    )
