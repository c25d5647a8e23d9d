"""The sample data of the benchmarks: one organization, its event types, and the events of a shop."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from journeys import dates, jsontext, keys
from journeys.aws import Item, to_item
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.configurations.model import Configuration, configuration_id
from journeys.registry.schemas.model import SLOTS, Schema

ORGANIZATION = "5d1f0c9e-4a57-4a1e-9c1b-7f0b6a1d2e3f"
CLIENT = "3q0c9d7l2k5m8n1p4r6s7t9v0w"
SOURCE_ID = "shop.example"
CHANNELS = ("web", "app", "store", "phone")
EVENT_TYPES = 8

PROPERTIES: dict[str, Any] = {
    "orderId": {"type": "string", "minLength": 1, "maxLength": 64},
    "page": {"type": "string", "maxLength": 1000},
    "channel": {"type": "string", "enum": list(CHANNELS)},
    "items": {"type": "integer", "minimum": 0, "maximum": 1000},
    "amount": {"type": "number", "minimum": 0, "maximum": 1000000},
    "member": {"type": "boolean"},
    "campaign": {"type": "string", "maxLength": 100},
}
REQUIRED = ("orderId", "channel")


@dataclass(frozen=True)
class EventType:
    """A schema and its configuration."""

    schema: Schema
    configuration: Configuration


def event_type(place: int) -> EventType:
    """One of the organization's event types; all have the same fields."""
    schema_id = str(uuid.UUID(int=random.Random(place).getrandbits(128), version=4))
    schema = Schema(
        schema_id=schema_id,
        version=1,
        enabled=True,
        slot=SLOTS[place],
        used=True,
        date_created=1_700_000_000_000,
        date_modified=1_700_000_000_000,
        created_by={"id": CLIENT, "name": "bench"},
        raw={
            "title": f"Order step {place}",
            "type": "object",
            "properties": PROPERTIES,
            "required": list(REQUIRED),
        },
    )
    configuration = Configuration(
        configuration_id=configuration_id(ORGANIZATION, schema_id, "ERP"),
        name=f"Orders {place}",
        description=None,
        division_id=None,
        schema_id=schema_id,
        source="ERP",
        deleted=False,
        date_modified=1_700_000_000_000,
    )
    return EventType(schema, configuration)


def registry_items(types: Sequence[EventType]) -> list[Item]:
    """The registry rows that ingest reads."""
    client = Client(CLIENT, ORGANIZATION, "bench", PERMISSIONS)
    items = [keys.client(CLIENT) | to_item(client.to_values())]
    for one in types:
        schema, configuration = one.schema, one.configuration
        items.append(keys.schema(ORGANIZATION, schema.schema_id) | to_item(schema.to_values()))
        items.append(
            keys.configuration(ORGANIZATION, configuration.configuration_id) | to_item(configuration.to_values())
        )
    return items


def event(chance: random.Random, customer: str, date_ms: int) -> dict[str, Any]:
    """An event in the form in which senders send it."""
    return {
        "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "dateCreated": dates.text(date_ms),
        "identifiers": {"externalIds": [{"externalSourceId": SOURCE_ID, "value": customer}]},
        "attributes": {
            "orderId": f"ORD-{chance.randrange(10**9):09d}",
            "page": f"https://shop.example/checkout/step-{chance.randrange(9)}?session={chance.getrandbits(64):x}",
            "channel": chance.choice(CHANNELS),
            "items": chance.randrange(1, 20),
            "amount": Decimal(chance.randrange(100, 100_000)) / 100,
            "member": chance.random() < 0.5,
            "campaign": f"autumn-{chance.randrange(100)}",
        },
    }


def body(events: Sequence[dict[str, Any]]) -> bytes:
    """The body of a request."""
    return jsontext.dumps({"entities": events}).encode()


def customer_id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
