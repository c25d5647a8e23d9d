"""Compaction: a day's events, each once, by buckets of customers and in order; then what no longer counts is deleted.

Whatever ends it, and wherever: until the registry's row moves nothing has changed, and after that all has. One that
finds that another moved the row leaves its files behind; as nobody names them, they are swept like any rubbish.
"""

# ruff: noqa: S608  (queries are put together here; all names and texts in them are quoted)

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from journeys import dates
from journeys.archive import columns, model, parquet
from journeys.archive.model import ArchiveFile, Manifest, Snapshot
from journeys.archive.parquet import literal
from journeys.archive.reading import Events, connect
from journeys.archive.scratch import scratch
from journeys.archive.store import ArchiveStore, ManifestConflict
from journeys.telemetry import emit_count, log_error, logger

KEPT_MS = 2 * 24 * 60 * 60 * 1000
"""So long a reader may go on with the files it began with."""

SMALL_DAY = 100_000
"""A day of fewer events is one file; more files would make it no quicker to read."""

THREADS = 2

BEGUN_WITHIN = 0.6
"""The part of a run's time within which days are begun: the last one must end before the time does."""


def compact_all(
    compaction: "Compaction", store: ArchiveStore, *, seconds: float, clock: Callable[[], float] = time.monotonic
) -> int:
    """Compacts all archives, as far as the time goes; answers with how many days were done.

    Organisations are drawn, so that none waits behind the same others for ever.
    """
    until, done = clock() + BEGUN_WITHIN * seconds, 0
    organizations = list(store.organizations())
    for organization_id in random.sample(organizations, len(organizations)):
        try:
            for _, rows in compaction.compact(organization_id):
                done += rows is not None
                if clock() > until:
                    return done
        except ManifestConflict:
            logger.info("another compaction was quicker")
        except Exception as error:  # one archive must not keep the others waiting
            log_error("an archive was not compacted", error)
            emit_count("CompactionsFailed")
        if clock() > until:
            break
    return done


class Compaction:
    """Compacts archives in bounded memory; what it needs beyond that, it needs of the folder's disk."""

    def __init__(
        self, store: ArchiveStore, *, memory: str, folder: str | None = None, clock: Callable[[], int] = dates.now_ms
    ) -> None:
        self._store, self._memory, self._folder, self._clock = store, memory, folder, clock

    def compact(self, organization_id: str) -> Iterator[tuple[str, int | None]]:
        """Compacts one organisation's archive, day by day; tells of each how many events it has, None where it failed.

        The caller may leave it after any day; the next run goes on. Raises ManifestConflict where another compaction
        of the same archive was quicker.
        """
        now = (
            self._clock()
        )  # before the manifest is read: what is older than that and in no manifest is in none to come
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
            except Exception as error:  # one day must not keep the others waiting
                log_error("a day was not compacted", error)
                emit_count("CompactionsFailed")
            yield day, rows

    # -- one day -------------------------------------------------------------------------------------------------------

    def _compact_day(self, manifest: Manifest, day: str, landed: Sequence[ArchiveFile]) -> tuple[Manifest, int]:
        """Takes a day's landed files in; answers with the manifest that holds then, and how many events the day has."""
        before = [file for file in manifest.compacted if file.day == day]
        with scratch(self._folder) as folder:
            snapshot = Snapshot(manifest.organization_id, tuple(before), tuple(landed))
            paths = self._store.fetch(snapshot.files, folder)
            with connect(folder, self._memory, THREADS) as connection:
                made = list(self._write(connection, snapshot, paths, folder))
        now = self._clock()
        following = replace(
            manifest,
            compacted=tuple(file for file in manifest.compacted if file.day != day) + tuple(made),
            retired={**manifest.retired, **{file.key: now for file in snapshot.files}, **_itself(manifest, now)},
        )
        return self._store.put_manifest(following), sum(file.rows for file in made)

    def _write(
        self,
        connection: duckdb.DuckDBPyConnection,
        snapshot: Snapshot,
        paths: Mapping[str, Path],
        folder: Path,
    ) -> Iterator[ArchiveFile]:
        """The new files of a day, written and put one after the other, so that one bucket alone is in memory."""
        day, width = snapshot.landed[0].day, columns.BUCKETS if snapshot.rows < SMALL_DAY else 1
        for first in range(0, columns.BUCKETS, width):
            last = first + width - 1
            low, high = columns.bounds(first, last)
            key = model.compacted_key(snapshot.organization_id, day, first, last)
            path = folder / "compacted.parquet"
            events = Events.of(connection, snapshot, paths, only=f"(hash BETWEEN {low} AND {high})")
            parquet.copy(connection, events.select(list(events.columns)), path)
            facts = f"SELECT count(*), min(date), max(date), max(received) FROM read_parquet({literal(path)})"
            rows, oldest, newest, received = connection.execute(facts).fetchall()[0]
            if rows:
                size = path.stat().st_size
                file = ArchiveFile(key, day, first, last, rows, size, oldest, newest, received)
                self._store.put_compacted(file, path)
                yield file

    # -- what no longer counts -----------------------------------------------------------------------------------------

    def _clean(self, manifest: Manifest, now: int) -> Manifest:
        """Deletes what was retired two days ago, and rubbish of that age; answers with the manifest without them."""
        expired = {key for key, since in manifest.retired.items() if since < now - KEPT_MS}
        named = {file.key for file in manifest.compacted} | set(manifest.retired) | {manifest.key}
        rubbish = {
            stored.key
            for part in (model.COMPACTED, model.MANIFESTS)
            for stored in self._store.objects(manifest.organization_id, part)
            if stored.key not in named and stored.modified < now - KEPT_MS
        }
        self._store.delete(sorted(expired | rubbish))
        if not expired:
            return manifest
        kept = {key: since for key, since in manifest.retired.items() if key not in expired}
        return replace(manifest, retired=kept | _itself(manifest, now))


def _itself(manifest: Manifest, now: int) -> dict[str, int]:
    """A manifest as one that is retired now; there is nothing to retire of the first."""
    return {manifest.key: now} if manifest.key else {}
