"""Compaction: merges the landed files of a day into compacted files, and deletes files that are no longer used.

A compacted file holds each event of a day once, in order, for a range of customer buckets. The switch to new files is
atomic: readers see the old manifest until the registry row is updated. A compaction that crashes, or that finds that
another one has updated the row, leaves files that no manifest names. They are deleted two days later.
"""

# ruff: noqa: S608  (this module builds SQL; all names and texts in it are quoted)

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from journeys import dates, keys
from journeys.archive import columns, links, model, parquet, sources
from journeys.archive.model import ArchiveFile, LinksFile, Manifest, Snapshot
from journeys.archive.parquet import literal
from journeys.archive.reading import Events, connect
from journeys.archive.scratch import scratch
from journeys.archive.store import ArchiveStore, ManifestConflict
from journeys.registry.schemas.model import SLOTS
from journeys.telemetry import emit_count, log_error, logger

RETENTION_MS = 2 * 24 * 60 * 60 * 1000
"""How long unused files stay, in milliseconds, for readers that started before the files were replaced."""

SMALL_DAY = 100_000
"""A day with fewer events is written as one file. More files would not make reading faster."""

NATIVE = f"count(*) FILTER (type >= {len(SLOTS)})"
"""Counts native events: their types have the numbers after those of external ones."""
THREADS = 2

START_WITHIN = 0.6
"""No day is started after this share of a run's time, so that the last one can finish before the time is over."""


def compact_archive(
    compaction: "Compaction", organization_id: str, *, seconds: float, clock: Callable[[], float] = time.monotonic
) -> bool:
    """Compacts one organization's archive for at most `seconds`. Returns False if it has to be repeated.

    Days for which there is no time are left to the next hour. An error is logged, and counted as CompactionsFailed.
    """
    until, complete = clock() + START_WITHIN * seconds, True
    try:
        for _, rows in compaction.compact(organization_id):
            complete = complete and rows is not None
            if clock() > until:
                break
    except ManifestConflict:
        logger.info("another compaction of the same archive was faster")
    except Exception as error:
        log_error("an archive was not compacted", error)
        emit_count("CompactionsFailed")
        return False
    return complete


@dataclass(slots=True)
class _Written:
    """The new files of a day, its events by configuration, and the number of customers who have events on it."""

    files: list[ArchiveFile] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    journeys: int = 0


class Compaction:
    """Compacts archives with limited memory ("2GB"). Data beyond that is written to the folder's disk."""

    def __init__(
        self, store: ArchiveStore, *, memory: str, folder: str | None = None, clock: Callable[[], int] = dates.now_ms
    ) -> None:
        self._store, self._memory, self._folder, self._clock = store, memory, folder, clock

    def compact(self, organization_id: str) -> Iterator[tuple[str, int | None]]:
        """Compacts one organization's archive. Yields each day with its number of events, or None if the day failed.

        The caller can stop after any day; the next run continues. Raises ManifestConflict if another compaction of the
        same archive was faster.
        """
        # The time is taken before the manifest is read. A file that is older than this time and not in the manifest
        # cannot be in a later manifest either.
        now = self._clock()
        manifest = self._store.manifest(organization_id)
        cleaned = self._clean(manifest, now)
        if cleaned != manifest:
            cleaned = self._store.put_manifest(cleaned)
        days: dict[str, list[ArchiveFile]] = defaultdict(list)
        for file in self._store.landed(cleaned):
            days[file.day].append(file)
        for day in sorted(days):
            rows = None
            try:
                cleaned, rows = self._compact_day(cleaned, day, days[day])
            except ManifestConflict:
                raise
            except Exception as error:  # An error in one day must not delay the others.
                log_error("a day was not compacted", error)
                emit_count("CompactionsFailed")
            yield day, rows

    # -- one day -------------------------------------------------------------------------------------------------------

    def _compact_day(self, manifest: Manifest, day: str, landed: Sequence[ArchiveFile]) -> tuple[Manifest, int]:
        """Merges a day's landed files with its compacted ones. Returns the new manifest and the day's event count."""
        before = [file for file in manifest.compacted if file.day == day]
        with scratch(self._folder) as folder:
            snapshot = Snapshot(manifest.organization_id, tuple(before), tuple(landed))
            paths = self._store.fetch(snapshot.files, folder)
            with connect(folder, self._memory, THREADS) as connection:
                written = self._write(connection, snapshot, paths, folder)
                linked = self._add_links(connection, manifest, landed, paths, folder)
        now = self._clock()
        today = model.day_of(now)
        updated = replace(
            manifest,
            compacted=tuple(file for file in manifest.compacted if file.day != day) + tuple(written.files),
            retired={
                **manifest.retired,
                **{file.key: now for file in snapshot.files},
                **({manifest.links.key: now} if manifest.links and linked != manifest.links else {}),
                **_retire_manifest(manifest, now),
            },
            links=linked,
            sources=sources.with_day(manifest.sources, day, written.events, today),
            journeys=sources.held_days({**manifest.journeys, day: written.journeys}, today),
        )
        return self._store.put_manifest(updated), sum(file.rows for file in written.files)

    def _write(
        self,
        connection: duckdb.DuckDBPyConnection,
        snapshot: Snapshot,
        paths: Mapping[str, Path],
        folder: Path,
    ) -> _Written:
        """Writes and uploads the new files of a day one by one, so that only one file's events are in memory."""
        written = _Written()
        day, width = snapshot.landed[0].day, columns.BUCKETS if snapshot.rows < SMALL_DAY else 1
        for first in range(0, columns.BUCKETS, width):
            last = first + width - 1
            low, high = columns.bounds(first, last)
            key = model.compacted_key(snapshot.organization_id, day, first, last)
            path = folder / "compacted.parquet"
            events = Events.of(connection, snapshot, paths, only=f"(hash BETWEEN {low} AND {high})")
            parquet.copy(connection, events.select(list(events.columns)), path)
            facts = "count(*), min(date), max(date), max(received), count(DISTINCT customer), " + NATIVE
            found = connection.execute(f"SELECT {facts} FROM read_parquet({literal(path)})").fetchall()
            rows, oldest, newest, received, customers, native = found[0]
            if rows:
                size = path.stat().st_size
                file = ArchiveFile(key, day, first, last, rows, size, oldest, newest, received, native)
                self._store.put_file(file, path)
                written.files.append(file)
                written.journeys += customers  # All events of a customer are in one file of the day.
                counts = f"SELECT split_part(event, '#', 2), count(*) FROM read_parquet({literal(path)}) GROUP BY 1"
                for name, count in connection.execute(counts).fetchall():
                    written.events[keys.split(name)[0]] += count
        return written

    def _add_links(
        self,
        connection: duckdb.DuckDBPyConnection,
        manifest: Manifest,
        landed: Sequence[ArchiveFile],
        paths: Mapping[str, Path],
        folder: Path,
    ) -> LinksFile | None:
        """Writes and uploads a file with the links of the manifest and those of landed files.

        Returns the manifest's file if the landed files have no other links. Compacted files are not read, because their
        links are in the manifest's file: links are never removed.
        """
        found = links.find(connection, manifest.organization_id, [paths[file.key] for file in landed])
        if not found:
            return manifest.links
        before = self._store.fetch([manifest.links], folder)[manifest.links.key] if manifest.links else None
        path = folder / "links.parquet"
        count = links.add(connection, before, path)
        if count is None:
            return manifest.links
        file = LinksFile(model.links_key(manifest.organization_id), count, path.stat().st_size)
        self._store.put_file(file, path)
        return file

    # -- unused files --------------------------------------------------------------------------------------------------

    def _clean(self, manifest: Manifest, now: int) -> Manifest:
        """Deletes files that were retired two days ago, and files of that age that no manifest names.

        Returns the manifest without the deleted files.
        """
        expired = {key for key, since in manifest.retired.items() if since < now - RETENTION_MS}
        named = {file.key for file in manifest.compacted} | set(manifest.retired) | {manifest.key}
        if manifest.links:
            named.add(manifest.links.key)
        unnamed = {
            stored.key
            for part in (model.COMPACTED, model.LINKS, model.MANIFESTS)
            for stored in self._store.objects(manifest.organization_id, part)
            if stored.key not in named and stored.modified < now - RETENTION_MS
        }
        self._store.delete(sorted(expired | unnamed))
        if not expired:
            return manifest
        remaining = {key: since for key, since in manifest.retired.items() if key not in expired}
        return replace(manifest, retired=remaining | _retire_manifest(manifest, now))


def _retire_manifest(manifest: Manifest, now: int) -> dict[str, int]:
    """The entry that retires a manifest, which its successor replaces. The first manifest has no object to retire."""
    return {manifest.key: now} if manifest.key else {}
