"""The native event types, and the one place where all event types of an organization are found."""

import pytest

from journeys.archive import parquet
from journeys.errors import NotFound
from journeys.registry.definitions import is_active
from journeys.registry.event_types import EventTypes
from journeys.registry.native_types import AMAZON_CONNECT, CONVERSATION_ID, GENESYS, NATIVE_TYPES
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.kinds import AttributeKind
from journeys.registry.schemas.model import ALL_SLOTS, NATIVE_SLOTS, SLOTS, Schema
from journeys.registry.schemas.store import SchemaStore
from tests.support.tables import Tables

KINDS = {AttributeKind.ENUM, AttributeKind.NUMBER, AttributeKind.STRING, AttributeKind.BOOLEAN}
FIXED = {
    "native-customer-start": "A", "native-customer-end": "B", "native-acd-start": "C", "native-acd-end": "D",
    "native-user-start": "E", "native-user-end": "F", "native-flow-start": "G", "native-flow-end": "H",
    "native-voicemail-start": "I", "native-voicemail-end": "J", "native-acw": "K", "native-wrapup": "L",
    "native-outbound": "M", "native-contact": "N", "native-attributes": "O", "native-flow-outcome": "P",
}  # fmt: skip
"""Stored events and archived files hold these ids and letters."""


def test_ids_and_slots_never_change() -> None:
    assert {id_: schema.slot for id_, schema in NATIVE_TYPES.items()} == FIXED


def test_the_archive_numbers_external_types_before_native_ones() -> None:
    assert ALL_SLOTS == SLOTS + NATIVE_SLOTS
    assert (parquet._SLOTS["a"], parquet._SLOTS["t"], parquet._SLOTS["A"], parquet._SLOTS["P"]) == (0, 19, 20, 35)


@pytest.mark.parametrize("schema", NATIVE_TYPES.values(), ids=lambda schema: schema.schema_id)
def test_a_native_type_is_active_and_has_attributes_that_views_can_filter(schema: Schema) -> None:
    document = parse(schema.raw)
    assert document.raw == schema.raw
    assert {field.kind for field in document.fields.values()} <= KINDS
    assert document.required == {"vendor", CONVERSATION_ID}
    assert document.fields["vendor"].enum == (GENESYS, AMAZON_CONNECT)
    assert schema.is_native
    assert is_active(schema)
    assert Schema.from_values(schema.to_values()) == schema


def test_an_organizations_event_types_are_its_own_and_the_native_ones(tables: Tables) -> None:
    types, schemas = EventTypes(tables.dynamodb, tables.registry), SchemaStore(tables.dynamodb, tables.registry)
    own = schemas.create("acme", parse({"title": "Order"}), {"id": "client"})
    assert types.all("acme") == [own, *NATIVE_TYPES.values()]
    assert types.all("globex") == [*NATIVE_TYPES.values()]
    assert schemas.all("acme") == [own]
    assert types.get("acme", own.schema_id) == own
    assert types.get("globex", "native-acw") is NATIVE_TYPES["native-acw"]
    with pytest.raises(NotFound):
        types.get("globex", own.schema_id)
