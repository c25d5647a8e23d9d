"""Whether the archive holds what the log holds: every event once, with the same values, and nothing else.

Both sides are told event by event, in any order; what is kept of an event is a digest, in files, one part of which is
in memory at a time.
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
    """The keys of events that are not as they should be."""

    missing: tuple[str, ...] = ()
    """In the log and not in the archive."""
    orphaned: tuple[str, ...] = ()
    """In the archive and not in the log."""
    repeated: tuple[str, ...] = ()
    """In the archive more than once."""
    differing: tuple[str, ...] = ()
    """With other values than in the log."""


class ArchiveComparison:
    """Takes events of both sides, from several threads; then tells the differences. `folder` must be empty."""

    def __init__(self, folder: Path) -> None:
        self._files = [(folder / f"{part:03d}").open("w+", encoding="utf-8") for part in range(PARTS)]
        self._lock = Lock()

    def close(self) -> None:
        for file in self._files:
            file.close()

    def add_logged(self, rows: Iterable[parquet.Row], received_before: int) -> None:
        """Takes events of the log; those that came in since then may be in the archive, and need not."""
        self._write(
            ("L" if one.received < received_before else "U", one.event, _digest(json.loads(one.line))) for one in rows
        )

    def add_archived(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Takes events of the archive, as columns and values."""
        self._write(("A", str(one["event"]), _digest(one)) for one in rows)

    def parts(self) -> Iterator[ArchiveDifferences]:
        """The differences, part by part. Events that came into the log after it was read are taken for foreign."""
        for file in self._files:
            logged: dict[str, str] = {}
            under_way: dict[str, str] = {}
            archived: dict[str, str] = {}
            repeated: list[str] = []
            file.seek(0)
            for line in file:
                side, key, digest = line.rstrip("\n").split("\t")
                if side == "A" and key in archived:
                    repeated.append(key)
                {"L": logged, "U": under_way, "A": archived}[side][key] = digest
            known = logged | under_way
            yield ArchiveDifferences(
                missing=tuple(sorted(logged.keys() - archived.keys())),
                orphaned=tuple(sorted(archived.keys() - known.keys())),
                repeated=tuple(sorted(set(repeated))),
                differing=tuple(sorted(key for key, digest in archived.items() if known.get(key, digest) != digest)),
            )

    def _write(self, told: Iterable[tuple[str, str, str]]) -> None:
        lines = [(crc32(key.encode()) % PARTS, f"{side}\t{key}\t{digest}\n") for side, key, digest in told]
        with self._lock:
            for part, line in lines:
                self._files[part].write(line)


def days(snapshot: Snapshot) -> list[str]:
    """The days of receipt that an archive has."""
    return sorted({file.day for file in snapshot.files})


def rows_of(store: ArchiveStore, snapshot: Snapshot, day: str) -> Iterator[list[dict[str, Any]]]:
    """The events of one day of receipt, repeats left out as for every reader, some thousands at a time."""
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
            found = connection.execute(events.select(list(events.columns)))
            names = [column for column, *_ in found.description or ()]
            while rows := found.fetchmany(ROWS_AT_ONCE):
                yield [dict(zip(names, row, strict=True)) for row in rows]


def by_day(events: Iterable[StoredEvent]) -> Mapping[tuple[str, str], Sequence[parquet.Row]]:
    """The rows of events as landing wants them: by organisation and day of receipt."""
    groups: dict[tuple[str, str], list[parquet.Row]] = defaultdict(list)
    for stored in events:
        groups[stored.organization_id, day_of(stored.date_received)].append(parquet.row(stored))
    return groups


def _digest(values: Mapping[str, Any]) -> str:
    """What stands for the values of an event; columns that it does not have count like those that are empty."""
    present = {name: value for name, value in values.items() if value is not None}
    text = json.dumps(present, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
