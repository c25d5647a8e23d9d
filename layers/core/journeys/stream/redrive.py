"""Processes batches again that Lambda discarded. Processing a batch twice has the same effect as processing it once."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from journeys.stream.batch import Consumer
from journeys.stream.records import UNREADABLE
from journeys.stream.store import DiscardedStore


class RedriveOutcome(StrEnum):
    """What happened to a discarded batch. Every outcome except DONE leaves the batch in the bucket."""

    DONE = "processed and deleted"
    TO_RETRY = "not fully processed; run redrive again"
    UNKNOWN_FUNCTION = "for an unknown function; left in the bucket"
    UNREADABLE = "not a batch of records; left in the bucket"


@dataclass(frozen=True, slots=True)
class RedriveResult:
    """The outcome of one batch, and how many records the batch holds."""

    outcome: RedriveOutcome
    records: int


def redrive(store: DiscardedStore, key: str, consumers: Mapping[str, Consumer]) -> RedriveResult:
    """Processes one discarded batch, and deletes it once every record is processed or stored as a failure.

    `consumers` maps the names of functions to their code. Raises the errors of the S3 client.
    """
    try:
        batch = store.get(key)
    except UNREADABLE:
        return RedriveResult(RedriveOutcome.UNREADABLE, 0)
    consumer = consumers.get(batch.function)
    if consumer is None:
        return RedriveResult(RedriveOutcome.UNKNOWN_FUNCTION, len(batch.records))
    if consumer(batch.records):
        return RedriveResult(RedriveOutcome.TO_RETRY, len(batch.records))
    store.delete(key)
    return RedriveResult(RedriveOutcome.DONE, len(batch.records))
