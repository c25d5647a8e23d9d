"""Runs a job's plan over files of the archive, in a temporary folder that is deleted afterwards."""

import errno
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from journeys.archive import links
from journeys.archive.columns import bounds
from journeys.archive.model import ArchiveFile, LinksFile, Snapshot
from journeys.archive.reading import Events, connect
from journeys.archive.scratch import scratch
from journeys.errors import NotComputable
from journeys.views.computation.merging import Merging
from journeys.views.computation.partial_result import PartialResult
from journeys.views.computation.persons import DecisionArrays, Persons, resolve
from journeys.views.computation.run import hash_between, run
from journeys.views.jobs.identity import JobIdentity
from journeys.views.jobs.spec import JobSpec
from journeys.views.paths.partial_result import PathResult
from journeys.views.paths.plan import PathPlan
from journeys.views.paths.run import run as run_paths

if TYPE_CHECKING:
    from journeys.archive.store import ArchiveStore

MB_PER_CORE = 1769
"""The memory, in MB, at which Lambda gives a function one full CPU core."""


class DoesNotFit(NotComputable):
    """The events of one part do not fit into the memory or the disk of a function."""

    code = "events.do.not.fit"

    def __init__(self) -> None:
        super().__init__("There are more events than one run can process. Shorten the interval or the duration.")


class Runner:
    """Computes partial results.

    `memory` is the function's memory in MB: DuckDB gets half of it, numpy and Python use the rest. `folder` is where
    temporary folders are created; None means the system's default.
    """

    def __init__(self, archive: "ArchiveStore", memory: int, folder: str | None = None) -> None:
        self._archive, self._memory, self._folder = archive, memory, folder

    def __call__(self, spec: JobSpec, first: int, last: int) -> PartialResult | PathResult:
        """The partial result of the buckets from first to last.

        Raises DoesNotFit, and the errors of the archive store and of DuckDB.
        """
        with scratch(self._folder) as folder:
            try:
                connection = connect(folder, f"{self._memory // 2}MB", max(1, round(self._memory / MB_PER_CORE)))
                try:
                    return _Run(spec, first, last, self._archive, connection, folder).result()
                finally:
                    connection.close()
            except (duckdb.OutOfMemoryException, MemoryError):
                raise DoesNotFit from None
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                raise DoesNotFit from None


class _Run:
    """The computation of some buckets of a job, with the files that it downloads to a folder."""

    def __init__(
        self,
        spec: JobSpec,
        first: int,
        last: int,
        archive: "ArchiveStore",
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
    ) -> None:
        self._spec, self._buckets, self._plan = spec, (first, last), spec.plan()
        self._archive, self._connection, self._folder = archive, connection, folder
        self._paths: dict[str, Path] = {}

    def result(self) -> PartialResult | PathResult:
        own = self._within(*self._buckets)
        persons = self._persons(self._spec.identity) if self._spec.identity is not None else None
        self._fetch(own.files)
        events = Events.of(self._connection, own, self._paths)
        merging = Merging(persons, self._folder, self._elsewhere(persons)) if persons else None
        if isinstance(self._plan, PathPlan):
            return run_paths(self._plan, events, self._connection, *self._buckets, merging)
        return run(self._plan, events, self._connection, *self._buckets, merging)

    def _persons(self, identity: JobIdentity) -> Persons:
        """The persons of all links of the snapshot, also of events that the view does not read."""
        snapshot = self._spec.snapshot
        self._fetch([*snapshot.landed, *([snapshot.links] if snapshot.links else [])])
        links.find(self._connection, snapshot.organization_id, [self._paths[file.key] for file in snapshot.landed])
        file = self._paths[snapshot.links.key] if snapshot.links else None
        found = links.read(self._connection, file, identity.settings.may_link)
        return resolve(found, DecisionArrays.of(identity.decisions))

    def _elsewhere(self, persons: Persons) -> Iterator[tuple[int, Events]]:
        """The events of each other bucket with identifiers of these buckets' persons. Its files are then deleted."""
        first, last = self._buckets
        for bucket in persons.buckets(*bounds(first, last)):
            if not first <= bucket <= last:
                files = self._within(bucket, bucket)
                fetched = self._fetch(files.files)
                yield (
                    bucket,
                    Events.of(self._connection, files, self._paths, only=hash_between(*bounds(bucket, bucket))),
                )
                for key in fetched:
                    self._paths.pop(key).unlink()

    def _within(self, first: int, last: int) -> Snapshot:
        return self._spec.snapshot.within(self._plan.start, self._plan.end, first, last)

    def _fetch(self, files: Iterable[ArchiveFile | LinksFile]) -> list[str]:
        """Downloads those of the files that are not there. Returns their keys. Raises DoesNotFit."""
        missing = [file for file in files if file.key not in self._paths]
        if sum(file.size for file in missing) > shutil.disk_usage(self._folder).free:
            raise DoesNotFit
        self._paths |= self._archive.fetch(missing, self._folder)
        return [file.key for file in missing]
