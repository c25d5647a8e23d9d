"""Finds the archives that need compaction and sends a message for each, once an hour.

A message stands for an organization and not for a day, because all days of an archive share a manifest: two days that
are compacted at the same time would conflict, and one of them would be lost work.
"""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from journeys import dates
from journeys.archive import model, sources
from journeys.archive.store import FETCHES, ArchiveStore, CompactionQueue
from journeys.defects import report
from journeys.telemetry import emit_count, emit_duration, logger


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """What the timer needs to know of an archive.

    `waiting_since` is when the oldest file landed that is not compacted, in milliseconds; None if there is none.
    `silent` holds the silent sources, each with the last day on which it had events.
    """

    waiting_since: int | None
    silent: dict[str, str] = field(default_factory=dict)


class CompactionTimer:
    """Checks all archives. One costs a read of the registry, of its manifest, and a list request per 1,000 files."""

    def __init__(self, store: ArchiveStore, queue: CompactionQueue, *, clock: Callable[[], int] = dates.now_ms) -> None:
        self._store, self._queue, self._clock = store, queue, clock

    def run(self) -> int:
        """Sends the messages. Returns the number of archives that need compaction.

        The order of the organizations is random, so that every one has its turn if the time is never enough for all.
        """
        organizations = list(self._store.organizations())
        with ThreadPoolExecutor(FETCHES, thread_name_prefix="check") as threads:
            states = list(threads.map(self._check, random.sample(organizations, len(organizations))))
        now = self._clock()
        waiting = [state.waiting_since for state in states if state.waiting_since is not None]
        emit_duration("CompactionLag", max(0, now - min(waiting, default=now)))
        emit_count("SilentSources", sum(len(state.silent) for state in states))
        return len(waiting)

    def _check(self, organization_id: str) -> ArchiveState:
        """Sends an archive's message if it needs compaction, and logs its silent sources."""
        try:
            state = self._read(organization_id)
        except Exception as error:  # An error in one archive must not delay the others.
            report("an archive was not checked", error)
            state = ArchiveState(self._clock())
        if state.waiting_since is not None:
            try:
                self._queue.send(organization_id)
            except Exception as error:
                report("the compaction of an archive was not queued", error)
                emit_count("CompactionsFailed")
        for configuration_id, day in state.silent.items():
            logger.warning(
                "a regular source is silent", organization=organization_id, configuration=configuration_id, lastDay=day
            )
        return state

    def _read(self, organization_id: str) -> ArchiveState:
        manifest = self._store.manifest(organization_id)
        today = model.day_of(self._clock())
        waiting = list(self._store.landed_objects(manifest))
        is_behind = any(model.landed_file(stored.key, stored.size).day < today for stored in waiting)
        return ArchiveState(
            min((stored.modified for stored in waiting), default=None),
            {} if is_behind else sources.silent(manifest.sources, today),  # The files can hold events of the sources.
        )
