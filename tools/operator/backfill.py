"""Fills the archive from the log, and compacts it. Both can be interrupted and repeated.

If an event is archived twice, views count it once. A backfill is needed when the log is older than the archive, and
when landing failed for longer than a day, which is how long the stream keeps its records.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from journeys.archive import parquet
from journeys.archive.compaction import Compaction
from journeys.archive.landing import Landing
from journeys.archive.model import day_of
from journeys.archive.parquet import Row
from journeys.archive.store import ArchiveStore, ManifestConflict
from journeys.events.model import StoredEvent
from tools.errors import ToolError
from tools.progress import Bar, ProgressBars

SEGMENTS = 4
"""Segments of the log that are read at the same time."""

EVENTS_IN_MEMORY = 200_000
"""Events kept in memory at most, about a kilobyte each, so that the events of a day go into few files."""


class NotLanded(ToolError):
    """Events could not be written to the archive."""

    def __init__(self) -> None:
        super().__init__(
            "Events could not be archived: the bucket, memory or disk failed, as the log above says. "
            "Events that were archived stay. Run the command again."
        )


@dataclass(frozen=True)
class BackfillReport:
    """How many events a backfill archived, by organization, and how many items it could not archive."""

    landed: Counter[str]
    refused: int


class Backfill:
    """Reads the whole log and archives its events with the code that archives the stream."""

    def __init__(
        self,
        dynamodb: Any,
        table: str,
        landing: Landing,
        *,
        segments: int = SEGMENTS,
        events_in_memory: int = EVENTS_IN_MEMORY,
    ) -> None:
        self._dynamodb, self._table, self._landing = dynamodb, table, landing
        self._segments, self._limit = segments, events_in_memory // segments
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._landed: Counter[str] = Counter()
        self._refused = 0

    def run(self, bars: ProgressBars | None = None) -> BackfillReport:
        """Archives every event of the log. Raises NotLanded, and what DynamoDB raises."""
        # the table's count of items is up to six hours old
        total = self._dynamodb.describe_table(TableName=self._table)["Table"]["ItemCount"]
        with (
            (bars or ProgressBars()).bar("archiving", total) as bar,
            ThreadPoolExecutor(self._segments, thread_name_prefix="segment") as threads,
        ):
            running = [threads.submit(self._segment, number, bar) for number in range(self._segments)]
            try:
                for future in running:
                    future.result()
            finally:
                self._stopped.set()
        return BackfillReport(self._landed, self._refused)

    def _segment(self, number: int, bar: Bar) -> None:
        """Collects the events of a segment by organization and day; lands the largest groups when memory is full."""
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        count = 0
        for item in self._items(number):
            if self._stopped.is_set():
                return
            try:
                stored = StoredEvent.from_item(item)
                row = parquet.row(stored)
            except (LookupError, ValueError, TypeError, AttributeError):
                with self._lock:
                    self._refused += 1
                continue
            groups[stored.organization_id, day_of(row.received)].append(row)
            count += 1
            if count >= self._limit:
                largest = sorted(groups, key=lambda group: len(groups[group]), reverse=True)
                for group in largest[: len(largest) // 2 + 1]:
                    count -= len(groups[group])
                    self._land(group, groups.pop(group), bar)
        for group in sorted(groups):
            self._land(group, groups[group], bar)

    def _land(self, group: tuple[str, str], rows: Sequence[Row], bar: Bar) -> None:
        outcome = self._landing.put(group[0], rows)
        if outcome.to_retry:
            self._stopped.set()
            raise NotLanded
        with self._lock:
            self._landed[group[0]] += outcome.landed
            self._refused += outcome.refused
        bar.advance(len(rows))

    def _items(self, segment: int) -> Iterator[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table, Segment=segment, TotalSegments=self._segments
        )
        for page in pages:
            yield from page["Items"]


def compact(store: ArchiveStore, organizations: Sequence[str], *, memory: str) -> Iterator[tuple[str, str, int | None]]:
    """Compacts the archives of some organizations; of all when none is named.

    Args:
        memory: the memory that DuckDB may use, such as "2GB".

    Yields the organization, the day and the number of events of every day. The number is None where the compaction
    failed; the day is then empty when another compaction changed the archive at the same time.
    """
    for organization_id in organizations or list(store.organizations()):
        try:
            for day, rows in Compaction(store, memory=memory).compact(organization_id):
                yield organization_id, day, rows
        except ManifestConflict:
            yield organization_id, "", None
