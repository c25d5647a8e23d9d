"""Archives in tests: events, stream records, what a reader finds, and errors at any call to AWS."""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb

from journeys import aws, dates, keys
from journeys.archive import columns, links
from journeys.archive.compaction import Compaction
from journeys.archive.landing import Landing
from journeys.archive.model import Snapshot
from journeys.archive.parquet import literal
from journeys.archive.reading import Events, connect
from journeys.archive.store import ArchiveStore, LandingStore
from journeys.events.model import Event, ExternalId, StoredEvent
from tests.support.tables import Tables

ORGANIZATION = "acme"
BUCKET = "archive"
NOON = 1_750_075_200_000
"""2025-06-16, 12:00 UTC."""
DAY = 86_400_000


def event(number: int, customer: str = "ann", **changes: Any) -> StoredEvent:
    """An event that happened `number` seconds after NOON and was received a minute later, unless `changes` say more.

    `also` has the values of further identifiers, each in its own source.
    """
    also = [ExternalId(source, value) for source, value in changes.pop("also", {}).items()]
    attributes = changes.pop("attributes", {"total": number})
    date = changes.pop("date", NOON + 1000 * number)
    values: dict[str, Any] = {
        "event": Event(f"event {number}", date, (ExternalId("crm", customer), *also), attributes),
        "organization_id": ORGANIZATION,
        "configuration_id": "orders",
        "schema_id": "schema",
        "schema_version": 1,
        "slot": "abc"[number % 3],
        "event_name": "Order",
        "source": "ERP",
        "date_received": date + 60_000,
        "receipt": f"request#{number}",
    }
    return StoredEvent(**values | changes)


def customer_key(customer: str) -> str:
    return keys.journey(ORGANIZATION, "crm", customer)


def records(events: Iterable[StoredEvent]) -> list[dict[str, Any]]:
    """The stream records of new events. Their sequence numbers count from 0."""
    return [
        {
            "eventName": "INSERT",
            "dynamodb": {"SequenceNumber": str(index), "NewImage": one.to_item(), "ApproximateCreationDateTime": 1.0},
        }
        for index, one in enumerate(events)
    ]


@dataclass
class Archive:
    """The archives in moto. `clock` is the time at which functions run."""

    tables: Tables
    store: ArchiveStore
    landing: Landing
    clock: Callable[[], int] = dates.now_ms

    @classmethod
    def of(cls, tables: Tables, watch: "Watch | None" = None, clock: Callable[[], int] = dates.now_ms) -> "Archive":
        s3: Any = aws.s3() if watch is None else Watched(aws.s3(), watch)
        dynamodb: Any = tables.dynamodb if watch is None else Watched(tables.dynamodb, watch)
        store = ArchiveStore(dynamodb, tables.registry, lambda: s3, BUCKET)
        return cls(tables, store, Landing(LandingStore(s3, BUCKET)), clock)

    def land(self, *events: StoredEvent) -> list[str]:
        return self.landing.land(records(events))

    def compact(self, organization_id: str = ORGANIZATION) -> list[tuple[str, int | None]]:
        return list(Compaction(self.store, memory="200MB", clock=self.clock).compact(organization_id))

    def read(self, organization_id: str = ORGANIZATION) -> list[str]:
        """The sorted keys of all events that a reader finds, with repetitions."""
        return sorted(row["event"] for row in self.rows(["event"], organization_id=organization_id))

    def rows(
        self,
        wanted: Sequence[str],
        where: str = "true",
        *,
        snapshot: Snapshot | None = None,
        organization_id: str = ORGANIZATION,
    ) -> list[dict[str, Any]]:
        """The rows that a reader finds, ordered by date."""
        snapshot = snapshot or self.store.snapshot(organization_id)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            paths = self.store.fetch(snapshot.files, folder)
            query = Events.of(_reader(), snapshot, paths).select(wanted, where)
            found = _reader().execute(f"{query} ORDER BY date")
            names = [column for column, *_ in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def links(self, organization_id: str = ORGANIZATION) -> list[tuple[int, int]]:
        """The sorted links that a reader finds, with repetitions."""
        snapshot = self.store.snapshot(organization_id)
        with tempfile.TemporaryDirectory() as name:
            paths = self.store.fetch([*snapshot.landed, *([snapshot.links] if snapshot.links else [])], Path(name))
            links.find(_reader(), organization_id, [paths[file.key] for file in snapshot.landed])
            found = links.read(_reader(), paths[snapshot.links.key] if snapshot.links else None, lambda _: True)
            return sorted(zip(found.one.tolist(), found.other.tolist(), strict=True))

    def objects(self, *parts: str) -> list[str]:
        """The keys of all objects in the organization's archive, or in parts of it."""
        parts = parts or ("landed", "compacted", "links", "manifests")
        return [stored.key for part in parts for stored in self.store.objects(ORGANIZATION, part)]

    def save(self) -> "SavedArchive":
        """A copy of the archive as it is now."""
        bodies = {key: aws.s3().get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in self.objects()}
        row = aws.dynamodb().get_item(TableName=self.tables.registry, Key=keys.archive(ORGANIZATION)).get("Item")
        return SavedArchive(bodies, row)

    def restore(self, saved: "SavedArchive") -> None:
        """Restores the archive from a copy."""
        self.store.delete(self.objects())
        for key, body in saved.bodies.items():
            aws.s3().put_object(Bucket=BUCKET, Key=key, Body=body)
        aws.dynamodb().delete_item(TableName=self.tables.registry, Key=keys.archive(ORGANIZATION))
        if saved.row:
            aws.dynamodb().put_item(TableName=self.tables.registry, Item=saved.row)


@cache
def _reader() -> duckdb.DuckDBPyConnection:
    """One connection for all reads, because it takes longer to open one than to read the archive of a test."""
    return connect(tempfile.gettempdir(), "200MB", 1)


@dataclass(frozen=True)
class SavedArchive:
    """A copy of an archive: its objects and the registry's row."""

    bodies: Mapping[str, bytes]
    row: Any


def names(events: Iterable[StoredEvent]) -> list[str]:
    """The keys that `Archive.read` must return for a set of events."""
    return sorted({one.key for one in events})


def links_of(events: Iterable[StoredEvent]) -> list[tuple[int, int]]:
    """The links that `Archive.links` must return for a set of events."""
    found = set[tuple[int, int]]()
    for one in events:
        hashes = [
            columns.customer_hash(keys.journey(one.organization_id, id_.source_id, id_.value))
            for id_ in one.event.external_ids
        ]
        found |= set(combinations(sorted(hashes), 2))
    return sorted(found)


def bucket_of(customer: str) -> int:
    return columns.bucket(columns.customer_hash(customer_key(customer)))


def read_journey(
    connection: duckdb.DuckDBPyConnection,
    store: ArchiveStore,
    snapshot: Snapshot,
    customer: str,
    folder: Path,
    *,
    wanted: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """One customer's events in order, with the wanted columns and `event`. `customer` is the journey key.

    Only the files of the customer's bucket are downloaded. Of compacted files, only the row groups that contain the
    customer's hash are read.
    """
    customer_hash = columns.customer_hash(customer)
    bucket = columns.bucket(customer_hash)
    files = snapshot.within(-(2**63), 2**63 - 1, bucket, bucket)
    paths = store.fetch(files.files, folder)
    only = f"(hash = {customer_hash} AND customer = {literal(customer)})"
    query = Events.of(connection, files, paths, only=only).select(("event", *wanted))
    found = connection.execute(f"{query} ORDER BY date, event")
    names = [name for name, *_ in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


# -- errors at any call ------------------------------------------------------------------------------------------------


class Crash(BaseException):
    """Simulates a crash: the process stops at this call, and its earlier writes remain."""


class Watch:
    """Records the calls to AWS, and runs `do` before one of them, or after it but before its response."""

    def __init__(self, at: int = -1, do: Callable[[], None] = lambda: None, *, after: bool = False) -> None:
        self._at, self._do, self._after = at, do, after
        self.calls: list[str] = []
        self._lock = Lock()

    def call(self, operation: str, function: Callable[..., Any], *arguments: Any, **request: Any) -> Any:
        with self._lock:
            is_target = len(self.calls) == self._at
            self.calls.append(operation)
        if is_target and not self._after:
            self._do()
        response = function(*arguments, **request)
        if is_target and self._after:
            self._do()
        return response


class Watched:
    """A client whose calls go through a Watch. Each page of a list counts as a call."""

    def __init__(self, client: Any, watch: Watch) -> None:
        self._client, self._watch = client, watch

    def __getattr__(self, operation: str) -> Any:
        if operation == "get_paginator":
            return lambda name: _Pages(self._client, name, self._watch)
        function = getattr(self._client, operation)
        return lambda *arguments, **request: self._watch.call(operation, function, *arguments, **request)


class _Pages:
    def __init__(self, client: Any, operation: str, watch: Watch) -> None:
        self._paginator, self._operation, self._watch = client.get_paginator(operation), operation, watch

    def paginate(self, **request: Any) -> Iterable[Mapping[str, Any]]:
        pages = iter(self._paginator.paginate(**request))
        while (page := self._watch.call(self._operation, next, pages, None)) is not None:
            yield page


def crash() -> None:
    raise Crash
