"""Writes new events of the log's stream to landed files. The same batch can arrive again, also split differently."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
from botocore.exceptions import BotoCoreError, ClientError

from journeys.archive import parquet
from journeys.archive.model import day_of, landed_key
from journeys.archive.parquet import Row
from journeys.archive.reading import connect
from journeys.archive.scratch import scratch
from journeys.archive.store import LandingStore
from journeys.defects import report
from journeys.events.model import StoredEvent
from journeys.stream.batch import lag_ms
from journeys.stream.records import Record, sequence_number, split
from journeys.telemetry import emit_count, emit_duration, log_error

MEMORY = "300MB"

_TEMPORARY = (ClientError, BotoCoreError, OSError, duckdb.IOException)
"""Errors that no event causes. A retry can solve them, or solves them once the deployment is fixed."""

_OUT_OF_MEMORY = (duckdb.OutOfMemoryException, MemoryError)
"""Errors that fewer events at once can solve, or a retry if there is only one event left.

Every other error means that one of the events cannot be archived.
"""


@dataclass(frozen=True, slots=True)
class LandingResult:
    """How many events landed, how many can never be archived (refused), and the events to retry."""

    landed: int = 0
    refused: int = 0
    to_retry: tuple[Row, ...] = ()

    def __add__(self, other: "LandingResult") -> "LandingResult":
        return LandingResult(self.landed + other.landed, self.refused + other.refused, self.to_retry + other.to_retry)


class Landing:
    """Writes events to the archive."""

    def __init__(self, store: LandingStore) -> None:
        self._store = store

    def land(self, records: Sequence[Record]) -> list[str]:
        """Lands the new events of a batch. Returns the sequence numbers of the records to retry.

        Other records are skipped: the projector reads them too and stores them as failures.
        """
        batch = split(records, _organization_and_row)
        sequence_numbers: dict[str, str] = {}
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for event in batch.new:
            organization_id, row = event.value
            groups[organization_id, day_of(row.received)].append(row)
            sequence_numbers[row.event] = sequence_number(event.record)
        result = LandingResult()
        for (organization_id, _), rows in groups.items():
            result += self.put(organization_id, rows)
        emit_count("EventsLanded", result.landed)
        if result.refused or batch.unreadable:
            emit_count("EventsNotLanded", result.refused + len(batch.unreadable))
        emit_duration("ArchiveLag", lag_ms(records))
        return [sequence_numbers[row.event] for row in result.to_retry]

    def put(self, organization_id: str, rows: Iterable[Row]) -> LandingResult:
        """Lands events of one organization that were received on the same day.

        If writing fails for a reason other than a busy store, the events are written in two halves. This separates an
        event that cannot be archived from the others, and halves the memory that is needed.
        """
        unique = list({row.event: row for row in rows}.values())
        try:
            self._write(organization_id, unique)
        except _TEMPORARY as error:
            report("events were not landed and will be retried", error)
            return LandingResult(to_retry=tuple(unique))
        except Exception as error:
            if len(unique) == 1 and isinstance(error, _OUT_OF_MEMORY):
                log_error("an event was not landed and will be retried", error)
                return LandingResult(to_retry=tuple(unique))
            if len(unique) == 1:
                log_error("an event can never be archived", error)
                return LandingResult(refused=1)
            middle = len(unique) // 2
            return self.put(organization_id, unique[:middle]) + self.put(organization_id, unique[middle:])
        return LandingResult(landed=len(unique))

    def _write(self, organization_id: str, rows: Sequence[Row]) -> None:
        key = landed_key(
            organization_id,
            [row.event for row in rows],
            received=max(row.received for row in rows),
            first=min(row.date for row in rows),
            last=max(row.date for row in rows),
        )
        with scratch() as folder, connect(folder, MEMORY, 1) as connection:
            path = folder / "landed.parquet"
            parquet.write(connection, rows, path)
            self._store.put(key, path)


def _organization_and_row(stored: StoredEvent) -> tuple[str, Row]:
    return stored.organization_id, parquet.row(stored)
