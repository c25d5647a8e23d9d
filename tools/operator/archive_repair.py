"""Compares the archive with the log, and lands what is missing."""

import contextlib
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from journeys.archive import parquet
from journeys.archive.landing import Landing
from journeys.archive.store import ArchiveStore
from journeys.archive.verify import ArchiveComparison, ArchiveDifferences, by_day, days, rows_of
from journeys.events.model import StoredEvent
from journeys.events.store import EventLog
from tools.operator.report import ARCHIVE_DIFFERING, ARCHIVE_FOREIGN, ARCHIVE_MISSING, ARCHIVE_REPEATED, Report, Scope
from tools.progress import Bars

LANDED_AT_ONCE = 1000


@dataclass(frozen=True)
class Archive:
    """Where the archive is, for `verify`."""

    store: ArchiveStore
    landing: Landing

    def comparison(self, since: int) -> "_Comparison":
        return _Comparison(self, since)


class _Comparison:
    """The archive beside the log, while that is read for the journeys."""

    def __init__(self, archive: Archive, since: int) -> None:
        self._archive, self._since = archive, since
        self._organizations: set[str] = set()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="journeys-archive-")
        self._sides = ArchiveComparison(Path(self._folder.name))
        return self

    def __exit__(self, *_: object) -> None:
        self._sides.close()
        self._folder.cleanup()

    def take(self, items: list[Any]) -> None:
        """Takes a page of the log. An item that no event can be made of is told by the survey."""
        rows: list[parquet.Row] = []
        for item in items:
            with contextlib.suppress(LookupError, ValueError, TypeError, AttributeError):
                stored = StoredEvent.from_item(item)
                rows.append(parquet.row(stored))
                self._organizations.add(stored.organization_id)
        self._sides.add_logged(rows, self._since)

    def finish(self, scope: Scope, log: EventLog, report: Report, bars: Bars, *, mend: bool) -> None:
        """Reads the archive, and reports what differs."""
        if scope.organization_id is None:
            self._organizations.update(self._archive.store.organizations())
        else:
            self._organizations = {scope.organization_id}
        snapshots = [self._archive.store.snapshot(one) for one in sorted(self._organizations)]
        with bars.bar("reading the archive", sum(one.rows for one in snapshots)) as advance:
            for snapshot in snapshots:
                for day in days(snapshot):
                    for rows in rows_of(self._archive.store, snapshot, day):
                        self._sides.add_archived(rows)
                        advance(len(rows))
        for part in self._sides.parts():
            self._report(part, log, report, mend=mend)

    def _report(self, part: ArchiveDifferences, log: EventLog, report: Report, *, mend: bool) -> None:
        later = log.get_all(part.orphaned)  # into the log they came while it was read
        report.differs(ARCHIVE_MISSING, part.missing)
        report.differs(ARCHIVE_FOREIGN, [key for key in part.orphaned if key not in later])
        report.differs(ARCHIVE_REPEATED, part.repeated)
        report.differs(ARCHIVE_DIFFERING, part.differing)
        if not mend:
            return
        for start in range(0, len(part.missing), LANDED_AT_ONCE):
            events = log.get_all(part.missing[start : start + LANDED_AT_ONCE])
            for (organization_id, _), rows in by_day(events.values()).items():
                outcome = self._archive.landing.put(organization_id, rows)
                report.add(report.mended, Counter({ARCHIVE_MISSING: outcome.landed}))
