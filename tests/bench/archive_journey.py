"""Reads one customer's journey from an archive with and without compaction, with the same events and code."""

# ruff: noqa: ARG002, S608  (a folder with one archive asks for no more; what is put into queries is made here)

import random
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from journeys import keys
from journeys.archive import columns, model, parquet
from journeys.archive.compaction import Compaction
from journeys.archive.model import ArchiveFile, LinksFile, Manifest, Snapshot
from journeys.archive.reading import connect
from journeys.archive.store import ArchiveStore, StoredObject
from tests.bench.figures import Figure
from tests.bench.sample import CHANNELS, ORGANIZATION, SOURCE_ID
from tests.support.archive import read_journey

EVENTS = 2_400_000
CUSTOMERS = 100_000
BATCH = 10_000
"""Events in a landed file: a full stream batch."""
DAYS = 10
FIRST_DAY = 1_767_225_600_000
"""2026-01-01."""
READS = 12
TARGET = 0.15


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = _Folder(folder / "archive")
        with connect(folder, "2GB", 2) as connection:
            for file, path in _land(connection, folder):
                store.add(file, path)
        landed = store.snapshot(ORGANIZATION)
        began = time.process_time()
        days = dict(Compaction(store, memory="1GB", folder=name).compact(ORGANIZATION))
        seconds = time.process_time() - began
        assert sum(rows or 0 for rows in days.values()) == EVENTS
        compacted = store.snapshot(ORGANIZATION)
        assert not compacted.landed
        with connect(folder, "300MB", 1) as connection:
            return [*_reads(connection, store, landed, compacted, folder), _compaction(landed, seconds)]


def _reads(
    connection: duckdb.DuckDBPyConnection, store: "_Folder", landed: Snapshot, compacted: Snapshot, folder: Path
) -> list[Figure]:
    chance = random.Random(7)
    before: list[float] = []
    after: list[float] = []
    for _ in range(READS):
        customer = _customer(chance.randrange(CUSTOMERS))
        slow, one = _timed(connection, store, landed, customer, folder)
        quick, other = _timed(connection, store, compacted, customer, folder)
        assert one == other
        assert one
        before.append(slow)
        after.append(quick)
    slow, quick = statistics.median(before), statistics.median(after)
    bucket = columns.bucket(columns.customer_hash(_customer(0)))
    needed = compacted.within(0, 2**62, bucket, bucket)
    parameters = {
        "events": f"{EVENTS:,}",
        "customers": f"{CUSTOMERS:,}",
        "compacted": f"{quick * 1000:.0f} ms, {len(needed.files)} of {len(compacted.files)} files, "
        f"{_megabytes(needed):.0f} of {_megabytes(compacted):.0f} MB",
        "landed": f"{slow * 1000:.0f} ms, {len(landed.files)} files, {_megabytes(landed):.0f} MB",
        "measure": f"CPU time, medians of {READS} customers in turns, files at hand",
    }
    return [
        Figure("archive", "one journey, compacted / landed", quick / slow, target=TARGET, parameters=parameters),
        Figure("archive", "bytes to fetch, compacted / landed", _megabytes(needed) / _megabytes(landed)),
    ]


def _compaction(landed: Snapshot, seconds: float) -> Figure:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    parameters = {"memory limit": "1 GB", "peak of the process": f"{peak:,.0f} MB", "files": len(landed.files)}
    return Figure("archive", "compaction", landed.rows / seconds, "events per CPU second", parameters=parameters)


def _timed(
    connection: duckdb.DuckDBPyConnection, store: "_Folder", snapshot: Snapshot, customer: str, folder: Path
) -> tuple[float, list[dict[str, Any]]]:
    wanted = ["name", "n:amount", "s:channel", "b:member"]
    began = time.process_time()
    found = read_journey(connection, store, snapshot, customer, folder, wanted=wanted)
    return time.process_time() - began, found


def _megabytes(snapshot: Snapshot) -> float:
    return sum(file.size for file in snapshot.files) / 1e6


def _customer(number: int) -> str:
    return keys.journey(ORGANIZATION, SOURCE_ID, f"customer {number}")


# -- an archive in a folder --------------------------------------------------------------------------------------------


class _Folder(ArchiveStore):
    """An archive whose objects are local files, so that the benchmark measures reading and not a network."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._landed, self._manifest = folder, dict[str, ArchiveFile](), Manifest(ORGANIZATION)

    def add(self, file: ArchiveFile, path: Path) -> None:
        self._landed[file.key] = file
        self.put_file(file, path)

    def manifest(self, organization_id: str) -> Manifest:
        return self._manifest

    def put_manifest(self, manifest: Manifest) -> Manifest:
        self._manifest = replace(manifest, version=manifest.version + 1)
        return self._manifest

    def landed(self, manifest: Manifest) -> Iterator[ArchiveFile]:
        return (file for key, file in self._landed.items() if key not in manifest.retired)

    def objects(self, organization_id: str, part: str) -> Iterator[StoredObject]:
        return iter(())

    def delete(self, object_keys: Iterable[str]) -> None:
        """Does nothing: no file is old."""

    def put_file(self, file: ArchiveFile | LinksFile, path: Path) -> None:
        there = self._folder / file.key
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, there)

    def fetch(self, files: Iterable[ArchiveFile | LinksFile], folder: Path) -> dict[str, Path]:
        return {file.key: self._folder / file.key for file in files}


# -- events ------------------------------------------------------------------------------------------------------------


def _land(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[tuple[ArchiveFile, Path]]:
    """Events in files of ten thousand. A few customers have many events, most have few."""
    customers = [(number, _customer(number)) for number in range(CUSTOMERS)]
    lines = folder / "customers.csv"
    lines.write_text("".join(f"{number};{name};{columns.customer_hash(name)}\n" for number, name in customers))
    connection.execute(
        "CREATE TEMP TABLE customers AS SELECT * FROM read_csv(?, delim=';', header=false, "
        "columns={'number': 'INTEGER', 'customer': 'VARCHAR', 'hash': 'BIGINT'})",
        [str(lines)],
    )
    connection.execute("SELECT setseed(0.5)")
    channels = ", ".join(map(parquet.literal, CHANNELS))
    connection.execute(
        f"""CREATE TEMP TABLE events AS
        WITH drawn AS (
            SELECT range AS number, ({CUSTOMERS} * random() * random())::INTEGER % {CUSTOMERS} AS customer_number,
                {FIRST_DAY} + range * ({DAYS} * 86400000 // {EVENTS}) AS received,
                (random() * 7)::UTINYINT AS type, random() AS chance
            FROM range({EVENTS}))
        SELECT {parquet.literal(ORGANIZATION)} || '#' || md5(type::VARCHAR) || '#' || uuid() AS event, customer, hash,
            received - (chance * 60000)::BIGINT AS date, received, type, 1::UINTEGER AS version,
            'Order step ' || type AS name, 'ERP' AS source, 'ORD-' || (chance * 1e9)::BIGINT AS "s:orderid",
            'https://shop.example/checkout/step-' || type || '?session=' || md5(chance::VARCHAR) AS "s:page",
            ([{channels}])[1 + (chance * 3)::INTEGER] AS "s:channel", (chance * 20)::INTEGER::DOUBLE AS "n:items",
            round(chance * 1000, 2) AS "n:amount", chance < 0.5 AS "b:member",
            'autumn-' || (chance * 100)::INTEGER AS "s:campaign", drawn.number
        FROM drawn JOIN customers ON customers.number = drawn.customer_number"""
    )
    path = folder / "landed.parquet"
    for first in range(0, EVENTS, BATCH):
        batch = f"SELECT * EXCLUDE (number) FROM events WHERE number BETWEEN {first} AND {first + BATCH - 1}"
        for (day,) in connection.execute(f"SELECT DISTINCT received // 86400000 FROM ({batch})").fetchall():
            some = f"{batch} AND received // 86400000 = {day}"
            facts = f"SELECT list(event), max(received), min(date), max(date) FROM ({some})"
            events, received, oldest, newest = connection.execute(facts).fetchall()[0]
            parquet.copy(connection, some, path)
            key = model.landed_key(ORGANIZATION, events, received=received, first=oldest, last=newest)
            yield model.landed_file(key, path.stat().st_size), path
