"""Runs an order's plan over files of the archive, in a folder of its own that it leaves nothing of."""

import errno
import shutil
from typing import TYPE_CHECKING

import duckdb

from journeys.archive.reading import Events, connect
from journeys.archive.scratch import scratch
from journeys.errors import NotComputable
from journeys.views.computation.part import Part
from journeys.views.computation.run import run
from journeys.views.jobs.order import Order

if TYPE_CHECKING:
    from journeys.archive.store import ArchiveStore

CORE_MB = 1769
"""The memory at which Lambda gives a function a whole core."""


class DoesNotFit(NotComputable):
    """The events of a part are more than one function can hold."""

    code = "events.do.not.fit"

    def __init__(self) -> None:
        super().__init__("The events in the view's interval are more than one run can hold; shorten the interval.")


class Runner:
    """Computes parts. `memory` is the function's, in MB; half of it is DuckDB's, the rest numpy's and Python's."""

    def __init__(self, archive: "ArchiveStore", memory: int, folder: str | None = None) -> None:
        self._archive, self._memory, self._folder = archive, memory, folder

    def __call__(self, order: Order, first: int, last: int) -> Part:
        """The part of those buckets. Raises DoesNotFit, and what the archive or the engine raises."""
        plan = order.plan()
        snapshot = order.snapshot.within(plan.start, plan.end, first, last)
        with scratch(self._folder) as folder:
            if sum(file.size for file in snapshot.files) > shutil.disk_usage(folder).free:
                raise DoesNotFit
            try:
                paths = self._archive.fetch(snapshot.files, folder)
                connection = connect(folder, f"{self._memory // 2}MB", max(1, round(self._memory / CORE_MB)))
                try:
                    return run(plan, Events.of(connection, snapshot, paths), connection, first, last)
                finally:
                    connection.close()
            except (duckdb.OutOfMemoryException, MemoryError):
                raise DoesNotFit from None
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                raise DoesNotFit from None
