"""From the records of the log's stream to landed files; a batch may come again, in any cut."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from botocore.exceptions import BotoCoreError, ClientError

from journeys.archive import parquet
from journeys.archive.model import day_of, landed_key
from journeys.archive.parquet import Row
from journeys.archive.reading import connect
from journeys.archive.scratch import scratch
from journeys.archive.store import LandingStore
from journeys.events.model import StoredEvent
from journeys.telemetry import count, milliseconds, report

MEMORY = "300MB"

Record = Mapping[str, Any]
"""One record of a DynamoDB stream, as Lambda passes it."""

_TROUBLE = (ClientError, BotoCoreError, OSError, duckdb.IOException)
"""What may go well another time."""

_TOO_MANY = (duckdb.OutOfMemoryException, MemoryError)
"""What goes well with fewer events; and another time, where it was one. Anything else is the fault of an event."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of events: how many landed, how many never can, and those that are to be tried again."""

    landed: int = 0
    refused: int = 0
    again: tuple[Row, ...] = ()

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.landed + other.landed, self.refused + other.refused, self.again + other.again)


class Landing:
    """Writes events into the archive."""

    def __init__(self, store: LandingStore) -> None:
        self._store = store

    def land(self, records: Sequence[Record]) -> list[str]:
        """Lands the new events of a batch; answers with the sequence numbers of those to be tried again.

        What is no new event, or cannot be read as one, is passed: the projector sees it too, and files it.
        """
        unreadable = 0
        sequence_numbers: dict[str, str] = {}
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for record in records:
            if record["eventName"] != "INSERT":
                continue
            try:
                stored = StoredEvent.from_item(record["dynamodb"]["NewImage"])
                row = parquet.row(stored)
            except (LookupError, ValueError, TypeError, AttributeError) as error:
                report("a record cannot be archived", error)
                unreadable += 1
                continue
            groups[stored.organization_id, day_of(row.received)].append(row)
            sequence_numbers[row.event] = str(record["dynamodb"]["SequenceNumber"])
        outcome = Outcome()
        for (organization_id, _), rows in groups.items():
            outcome += self.put(organization_id, rows)
        count("EventsLanded", outcome.landed)
        if outcome.refused or unreadable:
            count("EventsNotLanded", outcome.refused + unreadable)
        _measure(records)
        return [sequence_numbers[row.event] for row in outcome.again]

    def put(self, organization_id: str, rows: Iterable[Row]) -> "Outcome":
        """Lands events of one organisation and one day of receipt."""
        once = list({row.event: row for row in rows}.values())
        try:
            self._put(organization_id, once)
        except _TROUBLE as error:
            report("events were not landed and will be tried again", error)
            return Outcome(again=tuple(once))
        except Exception as error:
            if len(once) == 1 and isinstance(error, _TOO_MANY):
                report("an event was not landed and will be tried again", error)
                return Outcome(again=tuple(once))
            if len(once) == 1:
                report("an event can never be archived", error)
                return Outcome(refused=1)
            middle = len(once) // 2  # so that one event spoils no other, and each half needs less
            return self.put(organization_id, once[:middle]) + self.put(organization_id, once[middle:])
        return Outcome(landed=len(once))

    def _put(self, organization_id: str, rows: Sequence[Row]) -> None:
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


def _measure(records: Sequence[Record]) -> None:
    """How far the archive is behind the log, for the oldest record of the batch."""
    stored = [float(record["dynamodb"].get("ApproximateCreationDateTime", time.time())) for record in records]
    milliseconds("ArchiveLag", max(0.0, (time.time() - min(stored, default=time.time())) * 1000))
