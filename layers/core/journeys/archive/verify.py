"""Compares the archive with the log: every event must be in both, once and with the same values.

Events of both sides are added in any order. A digest of each event is written to one of many files, and one file at a
time is compared in memory.
"""

import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any
from zlib import crc32

from journeys.archive import parquet
from journeys.archive.model import Snapshot, day_of
from journeys.archive.reading import Events, connect
from journeys.archive.store import ArchiveStore
from journeys.events.model import StoredEvent

PARTS = 128
MEMORY, THREADS = "1GB", 2
ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class ArchiveDifferences:
    """The keys of events that differ between the log and the archive."""

    missing: tuple[str, ...] = ()
    """In the log but not in the archive."""
    orphaned: tuple[str, ...] = ()
    """In the archive but not in the log."""
    repeated: tuple[str, ...] = ()
    """In the archive more than once."""
    differing: tuple[str, ...] = ()
    """In both, but with different values."""


class ArchiveComparison:
    """Collects events of both sides, from several threads, and then yields the differences. `folder` must be empty."""

    def __init__(self, folder: Path) -> None:
        self._files = [(folder / f"{part:03d}").open("w+", encoding="utf-8") for part in range(PARTS)]
        self._lock = Lock()

    def close(self) -> None:
        for file in self._files:
            file.close()

    def add_logged(self, rows: Iterable[parquet.Row], received_before: int) -> None:
        """Adds events of the log. Those received at `received_before` or later need not be in the archive yet."""
        self._write(
            ("L" if row.received < received_before else "U", row.event, _digests(json.loads(row.line))) for row in rows
        )

    def add_archived(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Adds events of the archive, as columns and values."""
        self._write(("A", str(row["event"]), _digest(row)) for row in rows)

    def parts(self) -> Iterator[ArchiveDifferences]:
        """Yields the differences, part by part. Events that were stored after the log was read count as orphaned."""
        for file in self._files:
            logged: dict[str, str] = {}
            recent: dict[str, str] = {}
            archived: dict[str, str] = {}
            repeated: list[str] = []
            file.seek(0)
            for line in file:
                side, key, digest = line.rstrip("\n").split("\t")
                if side == "A" and key in archived:
                    repeated.append(key)
                {"L": logged, "U": recent, "A": archived}[side][key] = digest
            known = logged | recent
            yield ArchiveDifferences(
                missing=tuple(sorted(logged.keys() - archived.keys())),
                orphaned=tuple(sorted(archived.keys() - known.keys())),
                repeated=tuple(sorted(set(repeated))),
                differing=tuple(
                    sorted(key for key, digest in archived.items() if digest not in known.get(key, digest).split())
                ),
            )

    def _write(self, digests: Iterable[tuple[str, str, str]]) -> None:
        lines = [(crc32(key.encode()) % PARTS, f"{side}\t{key}\t{digest}\n") for side, key, digest in digests]
        with self._lock:
            for part, line in lines:
                self._files[part].write(line)


def days(snapshot: Snapshot) -> list[str]:
    """The days of receipt of an archive's events, in order."""
    return sorted({file.day for file in snapshot.files})


def rows_of(store: ArchiveStore, snapshot: Snapshot, day: str) -> Iterator[list[dict[str, Any]]]:
    """Yields the events of one day of receipt, some thousands at a time, without repeated events."""
    compacted = [file for file in snapshot.compacted if file.day == day]
    landed = [file for file in snapshot.landed if file.day == day]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = store.fetch([*compacted, *landed], folder)
        with connect(folder, MEMORY, THREADS) as connection:
            events = Events(
                connection,
                {day: [paths[file.key] for file in compacted]},
                {day: [paths[file.key] for file in landed]},
            )
            result = connection.execute(events.select(list(events.columns)))
            names = [column for column, *_ in result.description or ()]
            while rows := result.fetchmany(ROWS_AT_ONCE):
                yield [dict(zip(names, row, strict=True)) for row in rows]


def by_day(events: Iterable[StoredEvent]) -> Mapping[tuple[str, str], Sequence[parquet.Row]]:
    """The rows of events, grouped for landing by organization and day of receipt."""
    groups: dict[tuple[str, str], list[parquet.Row]] = defaultdict(list)
    for stored in events:
        groups[stored.organization_id, day_of(stored.date_received)].append(parquet.row(stored))
    return groups


def _digests(values: Mapping[str, Any]) -> str:
    """The digests that an archived copy of an event can have: with its links, and without if it was archived earlier.

    A view reads the links of such events from the archive's file of links, which `archive backfill` completes.
    """
    earlier = {name: value for name, value in values.items() if name != "linked"}
    return " ".join(dict.fromkeys((_digest(values), _digest(earlier))))


def _digest(values: Mapping[str, Any]) -> str:
    """A digest of an event's values. A missing column is equal to an empty one."""
    present = {name: value for name, value in values.items() if value is not None}
    text = json.dumps(present, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
