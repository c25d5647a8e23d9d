"""Runs a job's plan over files of the archive, in a temporary folder that is deleted afterwards."""

import errno
import shutil
from typing import TYPE_CHECKING

import duckdb

from journeys.archive.reading import Events, connect
from journeys.archive.scratch import scratch
from journeys.errors import NotComputable
from journeys.views.computation.partial_result import PartialResult
from journeys.views.computation.run import run
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
        plan = spec.plan()
        snapshot = spec.snapshot.within(plan.start, plan.end, first, last)
        with scratch(self._folder) as folder:
            if sum(file.size for file in snapshot.files) > shutil.disk_usage(folder).free:
                raise DoesNotFit
            try:
                paths = self._archive.fetch(snapshot.files, folder)
                connection = connect(folder, f"{self._memory // 2}MB", max(1, round(self._memory / MB_PER_CORE)))
                try:
                    events = Events.of(connection, snapshot, paths)
                    if isinstance(plan, PathPlan):
                        return run_paths(plan, events, connection, first, last)
                    return run(plan, events, connection, first, last)
                finally:
                    connection.close()
            except (duckdb.OutOfMemoryException, MemoryError):
                raise DoesNotFit from None
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                raise DoesNotFit from None
