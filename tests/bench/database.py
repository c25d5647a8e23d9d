"""DynamoDB Local with the template's tables, and journeys of any length in them."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config

from journeys import dates, keys
from journeys.aws import put_all
from journeys.events.bindings import Bindings
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import Ingest, IngestOutcome
from journeys.events.store import EventLog
from journeys.identity.store import LinkStore
from journeys.journey.fold import journey_of
from journeys.journey.model import Step, Summary, step
from journeys.journey.store import JourneyStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from tests.bench.figures import dynamodb_local
from tests.bench.sample import EVENT_TYPES, ORGANIZATION, SOURCE_ID, EventType, event, event_type, registry_items
from tests.support.tables import create_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Database:
    """Empty tables with the registry's rows, and the log and journey stores that use them."""

    def __init__(self) -> None:
        self.client: DynamoDBClient = boto3.client(
            "dynamodb",
            endpoint_url=dynamodb_local(),
            config=Config(max_pool_connections=64, parameter_validation=False, retries={"mode": "standard"}),
        )
        self.tables = create_tables(self.client)
        self.types = [event_type(place) for place in range(EVENT_TYPES)]
        put_all(self.client, self.tables.registry, registry_items(self.types))
        self.log = EventLog(self.client, self.tables.events)
        self.journeys = JourneyStore(self.client, self.tables.journeys)
        self.links = LinkStore(self.client, self.tables.links)
        registry = self.tables.registry
        self.failures = FailureStore(self.client, self.tables.failures, _no_bucket, "archive")
        self.ingest = Ingest(
            self.log,
            self.failures,
            Bindings(ConfigurationStore(self.client, registry), SchemaStore(self.client, registry)),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        tables = self.tables
        for table in (
            tables.events, tables.journeys, tables.links, tables.failures, tables.deliveries, tables.registry
        ):  # fmt: skip
            self.client.delete_table(TableName=table)

    def warm(self, chance: random.Random) -> None:
        """Fills ingest's caches, so that the next call costs what a usual request costs."""
        for kept in self.types:
            sent = [event(chance, "somebody", dates.now_ms())]
            self.ingest.validate(ORGANIZATION, kept.configuration.configuration_id, sent)

    def send(self, chance: random.Random, customer: str, moments: Sequence[int]) -> list[Step]:
        """Ingests one event per time, of different types, and returns their steps."""
        by_type: dict[int, list[dict[str, Any]]] = {}
        for moment in moments:
            by_type.setdefault(chance.randrange(len(self.types)), []).append(event(chance, customer, moment))
        steps: list[Step] = []
        for place, sent in sorted(by_type.items()):
            kept = self.types[place]
            for start in range(0, len(sent), 100):
                part = sent[start : start + 100]
                taken = self.ingest.ingest(ORGANIZATION, kept.configuration.configuration_id, part, request_id="bench")
                assert [outcome for _, outcome in taken.processed.values()] == [IngestOutcome.CREATED] * len(part)
            steps += [_step_of(kept, one) for one in sent]
        return sorted(steps)

    def seed(self, chance: random.Random, customer: str, moments: Sequence[int]) -> None:
        """Writes a journey with one event per time, in the form in which the projector would have written it."""
        journey_key = journey_key_of(customer)
        steps = [_step_of(chance.choice(self.types), event(chance, customer, moment)) for moment in moments]
        parts = [steps[start : start + 25] for start in range(0, len(steps), 25)]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda part: self.journeys.put_rows(journey_key, part), parts))
        self.journeys.put_summary(journey_key, Summary(journey_of(steps)))


def journey_key_of(customer: str) -> str:
    return keys.journey(ORGANIZATION, SOURCE_ID, customer)


def _step_of(kept: EventType, sent: dict[str, Any]) -> Step:
    date = dates.parse(sent["dateCreated"])
    return step(date, kept.configuration.configuration_id, sent["id"], kept.schema.slot)


def _no_bucket() -> Any:
    raise AssertionError("no benchmark keeps a payload in a bucket")
