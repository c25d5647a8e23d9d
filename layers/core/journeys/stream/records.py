"""Records of the events table's stream: which ones are new events, and which ones are something else.

The log is append-only, so every regular record is an INSERT. MODIFY and REMOVE mean that somebody changed the table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from journeys.events.model import StoredEvent
from journeys.telemetry import log_error

Record = Mapping[str, Any]
"""One record of a DynamoDB stream, as Lambda passes it."""

T = TypeVar("T")

UNREADABLE = (LookupError, ValueError, TypeError, AttributeError)
"""The errors that reading an item raises if the item is not a valid event."""


@dataclass(frozen=True, slots=True)
class NewEvent(Generic[T]):
    """A new event, converted to what the consumer needs, and the record that carried it."""

    record: Record
    value: T


@dataclass(frozen=True, slots=True)
class SplitRecords(Generic[T]):
    """The records of a batch by what they mean, each group in the order of the stream."""

    new: tuple[NewEvent[T], ...]
    tampered: tuple[Record, ...]
    """Records of changed or deleted events."""
    unreadable: tuple[Record, ...]
    """INSERT records from which no event can be read (poison records)."""


def split(records: Sequence[Record], convert: Callable[[StoredEvent], T]) -> SplitRecords[T]:
    """Splits a batch into new events, tampering and poison records.

    `convert` turns a stored event into what the consumer needs. If it raises one of UNREADABLE, the record counts as
    unreadable.
    """
    new: list[NewEvent[T]] = []
    tampered: list[Record] = []
    unreadable: list[Record] = []
    for record in records:
        if record["eventName"] != "INSERT":
            tampered.append(record)
            continue
        try:
            value = convert(StoredEvent.from_item(record["dynamodb"]["NewImage"]))
        except UNREADABLE as error:
            log_error("a stream record cannot be read as an event", error)
            unreadable.append(record)
        else:
            new.append(NewEvent(record, value))
    return SplitRecords(tuple(new), tuple(tampered), tuple(unreadable))


def sequence_number(record: Record) -> str:
    """The sequence number of a record, which identifies it in Lambda's partial batch response."""
    return str(record["dynamodb"]["SequenceNumber"])
