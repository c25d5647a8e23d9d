"""Compares the archive with the log, and lands the events that are missing from the archive."""

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from journeys.archive import parquet
from journeys.archive.landing import Landing
from journeys.archive.store import ArchiveStore
from journeys.archive.verify import ArchiveComparison, ArchiveDifferences, by_day, days, rows_of
from journeys.events.model import StoredEvent
from journeys.events.store import EventLog
from tools.operator.report import (
    ARCHIVE_DIFFERING,
    ARCHIVE_MISSING,
    ARCHIVE_ORPHANED,
    ARCHIVE_REPEATED,
    RepairReport,
    RepairScope,
)
from tools.progress import ProgressBars

EVENTS_PER_LANDING = 1000


@dataclass(frozen=True)
class ArchiveRepair:
    """The archive of one stack, for `journeys verify`."""

    store: ArchiveStore
    landing: Landing

    def comparison(self, since: int) -> "ArchiveCheck":
        """A comparison that ignores events received from `since` on, in milliseconds."""
        return ArchiveCheck(self, since)


class ArchiveCheck:
    """Compares the archive with the events of the log, which it is given while the log is read for the journeys."""

    def __init__(self, archive: ArchiveRepair, since: int) -> None:
        self._archive, self._since = archive, since
        self._organizations: set[str] = set()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="journeys-archive-")
        self._comparison = ArchiveComparison(Path(self._folder.name))
        return self

    def __exit__(self, *_: object) -> None:
        self._comparison.close()
        self._folder.cleanup()

    def add_events(self, items: list[Any]) -> None:
        """Adds a page of the log. Items that are not events are skipped, because the survey reports them."""
        rows: list[parquet.Row] = []
        for item in items:
            with contextlib.suppress(LookupError, ValueError, TypeError, AttributeError):
                stored = StoredEvent.from_item(item)
                rows.append(parquet.row(stored))
                self._organizations.add(stored.organization_id)
        self._comparison.add_logged(rows, self._since)

    def finish(
        self, scope: RepairScope, log: EventLog, report: RepairReport, bars: ProgressBars, *, repair: bool
    ) -> None:
        """Reads the archive and reports the differences; with `repair`, lands the missing events."""
        if scope.organization_id is None:
            self._organizations.update(self._archive.store.organizations())
        else:
            self._organizations = {scope.organization_id}
        snapshots = [self._archive.store.snapshot(organization_id) for organization_id in sorted(self._organizations)]
        with bars.bar("reading the archive", sum(snapshot.rows for snapshot in snapshots)) as bar:
            for snapshot in snapshots:
                for day in days(snapshot):
                    for rows in rows_of(self._archive.store, snapshot, day):
                        self._comparison.add_archived(rows)
                        bar.advance(len(rows))
        for part in self._comparison.parts():
            self._report(part, log, report, repair=repair)

    def _report(self, part: ArchiveDifferences, log: EventLog, report: RepairReport, *, repair: bool) -> None:
        stored_meanwhile = log.get_all(part.orphaned)
        report.add_differences(ARCHIVE_MISSING, part.missing)
        report.add_differences(ARCHIVE_ORPHANED, [key for key in part.orphaned if key not in stored_meanwhile])
        report.add_differences(ARCHIVE_REPEATED, part.repeated)
        report.add_differences(ARCHIVE_DIFFERING, part.differing)
        if not repair:
            return
        for start in range(0, len(part.missing), EVENTS_PER_LANDING):
            events = log.get_all(part.missing[start : start + EVENTS_PER_LANDING])
            for (organization_id, _), rows in by_day(events.values()).items():
                outcome = self._archive.landing.put(organization_id, rows)
                report.add_repaired(ARCHIVE_MISSING, outcome.landed)
