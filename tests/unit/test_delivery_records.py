"""Delivery records: their size and order, the pages of a listing, and the operations of the API on them."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from journeys import aws, keys
from journeys.aws import item_size, to_item
from journeys.errors import NotFound
from journeys.events.failures.model import Failure
from journeys.events.failures.store import FailureStore
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.webhooks.deliveries import store as store_module
from journeys.webhooks.deliveries.model import (
    MAX_RECORD_BYTES,
    RETENTION_SECONDS,
    DeliveryRecord,
    RecordedOutcome,
    RefusalReason,
    new_record_id,
    shorten_sender_id,
)
from journeys.webhooks.deliveries.store import DeliveryStore
from journeys.webhooks.model import Endpoint
from journeys.webhooks.store import EndpointStore
from tests.support.functions import api_event, call, load
from tests.support.reads import rows_read
from tests.support.tables import Tables

RECEIVED = 1_800_000_000_000
ENDPOINT = "endpoint-1"
DELIVERIES = f"webhooks/endpoints/{ENDPOINT}/deliveries"


def record(number: int = 0, **changes: Any) -> DeliveryRecord:
    """Return a record whose id is known; a greater number was received later."""
    made = DeliveryRecord(f"{RECEIVED + number:012x}{number:016x}", "acme", ENDPOINT, RECEIVED + number, INGESTED)
    return replace(made, **changes)


INGESTED, FAILED = RecordedOutcome.INGESTED, RecordedOutcome.FAILED
FULL = record(
    outcome=FAILED,
    created=3,
    duplicate=2,
    failed=1,
    ignored=4,
    size=1234,
    duration=56,
    failure_id="f" * 32,
    sender_delivery_id="evt_1",
)


@pytest.fixture
def store(tables: Tables) -> DeliveryStore:
    return DeliveryStore(tables.dynamodb, tables.deliveries)


# -- the record --------------------------------------------------------------------------------------------------------


def test_the_largest_record_costs_one_write_unit() -> None:
    largest = DeliveryRecord(
        record_id=new_record_id(RECEIVED),
        organization_id="o" * 36,
        endpoint_id="-" * 64,
        date_received=RECEIVED,
        outcome=max(RecordedOutcome, key=len),
        reason=max(RefusalReason, key=len),
        created=10**6,
        duplicate=10**6,
        failed=10**6,
        ignored=10**6,
        size=10**9,
        duration=10**9,
        failure_id="f" * 64,
        sender_delivery_id=shorten_sender_id("\U0001f600" * 5000),
    )
    item = keys.delivery(largest.organization_id, largest.endpoint_id, largest.record_id) | to_item(largest.to_values())
    assert item_size(item) <= MAX_RECORD_BYTES


@pytest.mark.parametrize(
    ("sent", "kept"), [(None, None), ("", None), ("evt_1", "evt_1"), ("é\ud800", "??"), ("x" * 101, "x" * 100)]
)
def test_the_senders_id_is_shortened_to_ascii(sent: str | None, kept: str | None) -> None:
    assert shorten_sender_id(sent) == kept


def test_ids_are_unique_and_sort_by_the_time_of_receipt() -> None:
    ids = [new_record_id(RECEIVED + step) for step in range(50)]
    assert ids == sorted(ids)
    assert new_record_id(RECEIVED) != new_record_id(RECEIVED)


def test_a_record_expires_after_14_days(store: DeliveryStore, tables: Tables) -> None:
    store.add(FULL)
    (item,) = tables.items(tables.deliveries)
    assert item["expires"] == {"N": str(RECEIVED // 1000 + RETENTION_SECONDS)}
    assert RETENTION_SECONDS == 14 * 86400


# -- the store ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stored", [record(), FULL, record(outcome=RecordedOutcome.REFUSED, reason=RefusalReason.TOO_OLD)]
)
def test_a_record_is_read_as_it_was_stored(store: DeliveryStore, stored: DeliveryRecord) -> None:
    store.add(stored)
    assert store.get("acme", ENDPOINT, stored.record_id) == stored


def test_a_late_record_of_the_receiver_does_not_replace_that_of_the_queue(store: DeliveryStore) -> None:
    store.replace(FULL)
    store.add(replace(FULL, outcome=RecordedOutcome.QUEUED))
    assert store.get("acme", ENDPOINT, FULL.record_id) == FULL


def test_the_queue_replaces_the_record_of_the_receiver(store: DeliveryStore) -> None:
    store.add(replace(FULL, outcome=RecordedOutcome.QUEUED))
    store.replace(FULL)
    assert store.get("acme", ENDPOINT, FULL.record_id) == FULL


def test_records_belong_to_one_endpoint_of_one_organization(store: DeliveryStore) -> None:
    store.add(FULL)
    for organization_id, endpoint_id in (("globex", ENDPOINT), ("acme", "endpoint-2")):
        assert store.newest_first(organization_id, endpoint_id, size=10).records == []
        with pytest.raises(NotFound):
            store.get(organization_id, endpoint_id, FULL.record_id)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_hold_every_record_once_newest_first(store: DeliveryStore, size: int) -> None:
    for number in range(7):
        store.add(record(number))
    found, position, pages = [], None, 0
    while pages == 0 or position is not None:
        page = store.newest_first("acme", ENDPOINT, size=size, before=position)
        assert len(page.records) <= size
        found += page.records
        position, pages = page.position, pages + 1
    assert found == [record(number) for number in reversed(range(7))]
    assert pages == -(-7 // size)


def test_a_filtered_page_reads_a_bounded_number_of_rows(store: DeliveryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_ROWS_READ", 4)
    for number in range(10):
        store.add(record(number, outcome=FAILED if number in (0, 7, 8) else INGESTED))
    first = store.newest_first("acme", ENDPOINT, size=1, outcome=FAILED)
    assert [one.date_received - RECEIVED for one in first.records] == [8]
    second = store.newest_first("acme", ENDPOINT, size=5, outcome=FAILED, before=first.position)
    assert [one.date_received - RECEIVED for one in second.records] == [7]
    third = store.newest_first("acme", ENDPOINT, size=5, outcome=FAILED, before=second.position)
    assert [one.date_received - RECEIVED for one in third.records] == [0]
    assert second.position == record(4).record_id
    last = store.newest_first("acme", ENDPOINT, size=5, outcome=FAILED, before=record(0).record_id)
    assert last == ([], None)


def test_a_filtered_page_of_many_matches_reads_only_itself(store: DeliveryStore, tables: Tables) -> None:
    for number in range(30):
        store.add(record(number, outcome=FAILED))
    with rows_read(tables.dynamodb) as rows:
        assert len(store.newest_first("acme", ENDPOINT, size=5, outcome=FAILED).records) == 5
    assert sum(rows) == 6


# -- the operations ----------------------------------------------------------------------------------------------------


@pytest.fixture
def endpoints(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function `endpoints`, with one endpoint that has three records."""
    monkeypatch.setenv("SECRETS_PREFIX", "stack/webhooks/")
    EndpointStore(tables.dynamodb, tables.registry).create(
        Endpoint(ENDPOINT, "acme", "Shop", "shopify", "configuration-1", True, 0, 0)
    )
    records = DeliveryStore(tables.dynamodb, tables.deliveries)
    for made in (record(0), replace(FULL, record_id=record(1).record_id), record(2)):
        records.add(made)
    return load("endpoints")


def get(module: ModuleType, path: str, **how: Any) -> tuple[int, Any]:
    return call(module, api_event("GET", path, **how))


def test_deliveries_are_listed_newest_first_in_pages(endpoints: ModuleType) -> None:
    status, first = get(endpoints, DELIVERIES, query={"pageSize": "2"})
    assert (status, [one["id"] for one in first["entities"]]) == (200, [record(2).record_id, record(1).record_id])
    status, second = get(endpoints, DELIVERIES, query={"pageSize": "2", "cursor": first["nextCursor"]})
    assert (status, [one["id"] for one in second["entities"]]) == (200, [record(0).record_id])
    assert "nextCursor" not in second


def test_deliveries_are_filtered_by_outcome(endpoints: ModuleType) -> None:
    _, failed = get(endpoints, DELIVERIES, query={"outcome": "failed"})
    assert [one["id"] for one in failed["entities"]] == [record(1).record_id]
    assert get(endpoints, DELIVERIES, query={"outcome": "lost"})[0] == 400


def test_a_cursor_is_valid_for_one_endpoint_and_filter(endpoints: ModuleType) -> None:
    cursor = get(endpoints, DELIVERIES, query={"pageSize": "1"})[1]["nextCursor"]
    assert get(endpoints, DELIVERIES, query={"cursor": cursor, "outcome": "failed"})[0] == 400


def test_a_delivery_shows_its_counts_and_the_way_to_its_failure(endpoints: ModuleType) -> None:
    status, shown = get(endpoints, f"{DELIVERIES}/{record(1).record_id}")
    assert (status, shown) == (
        200,
        {
            "id": record(1).record_id,
            "dateReceived": "2027-01-15T08:00:00.000Z",
            "outcome": "failed",
            "created": 3,
            "duplicate": 2,
            "failed": 1,
            "ignored": 4,
            "bytes": 1234,
            "durationMs": 56,
            "senderDeliveryId": "evt_1",
            "failureId": "f" * 32,
            "failureUri": f"/api/v2/journey/externalevents/failures/{'f' * 32}",
            "selfUri": f"/api/v2/journey/{DELIVERIES}/{record(1).record_id}",
        },
    )


@pytest.mark.parametrize("path", [f"{DELIVERIES}/nothing", "webhooks/endpoints/nothing/deliveries"])
def test_an_unknown_delivery_or_endpoint_is_not_found(endpoints: ModuleType, path: str) -> None:
    assert get(endpoints, path)[0] == 404


def test_another_organization_finds_nothing(endpoints: ModuleType, tables: Tables) -> None:
    ClientStore(tables.dynamodb, tables.registry).put(Client("rival", "globex", "A rival", PERMISSIONS))
    for path in (DELIVERIES, f"{DELIVERIES}/{record(1).record_id}"):
        assert get(endpoints, path, client_id="rival")[0] == 404


def test_a_delivery_without_a_failure_is_not_replayed(endpoints: ModuleType) -> None:
    status, refused = call(endpoints, api_event("POST", f"{DELIVERIES}/{record(0).record_id}/replay"))
    assert (status, refused["code"]) == (409, "not.replayable")


def test_replaying_needs_the_permission_to_replay_failures(endpoints: ModuleType, tables: Tables) -> None:
    permissions = PERMISSIONS - {"journey:externalEventsFailures:edit"}
    ClientStore(tables.dynamodb, tables.registry).put(Client("viewer", "acme", "A viewer", permissions))
    path = f"{DELIVERIES}/{record(1).record_id}/replay"
    assert call(endpoints, api_event("POST", path, client_id="viewer"))[0] == 403


def test_replaying_a_delivery_replays_its_failure(endpoints: ModuleType, tables: Tables) -> None:
    failures = FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive")
    failures.put(Failure("f" * 32, "acme", "gone", "Shop", "invalid.event", "Wrong.", None, (), {}, RECEIVED, RECEIVED))
    status, replayed = call(endpoints, api_event("POST", f"{DELIVERIES}/{record(1).record_id}/replay"))
    assert (status, replayed["id"], replayed["status"]) == (200, "f" * 32, "open")
    assert [replay["outcome"] for replay in replayed["replays"]] == ["failed"]
