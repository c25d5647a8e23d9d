"""Gives batches that Lambda gave up to their function's code again; to do so twice does no harm."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from journeys.journey.discarded.store import DiscardedStore

Consumer = Callable[[Sequence[Mapping[str, Any]]], Sequence[str]]
"""Takes a batch of records; answers with the sequence numbers of those that are to be tried again."""


class Result(StrEnum):
    """What became of a batch."""

    DONE = "taken in, and removed"
    AGAIN = "not all taken in; left for another time"
    UNKNOWN = "for a function that is not known; left"
    UNREADABLE = "holds no records; left"


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of a batch of so many records."""

    result: Result
    records: int


def redrive(store: DiscardedStore, key: str, consumers: Mapping[str, Consumer]) -> Redriven:
    """Redrives one object. It is removed when every record is taken in, or filed as failed, and not before.

    `consumers` go by the names of functions. Raises what the bucket's client raises.
    """
    try:
        batch = store.get(key)
    except (ValueError, LookupError, TypeError, AttributeError):
        return Redriven(Result.UNREADABLE, 0)
    consumer = consumers.get(batch.function)
    if consumer is None:
        return Redriven(Result.UNKNOWN, len(batch.records))
    if consumer(batch.records):
        return Redriven(Result.AGAIN, len(batch.records))
    store.delete(key)
    return Redriven(Result.DONE, len(batch.records))
