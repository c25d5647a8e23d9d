"""From the records of the log's stream to journeys, customer by customer, and what to do with those that do not fit."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from journeys import dates, keys
from journeys.aws import error_code
from journeys.errors import JourneysError
from journeys.events.failures.model import EVENT_CHANGED, EVENT_REMOVED, PROJECTION_FAILED, Failure, failure_id
from journeys.events.failures.store import FailureStore
from journeys.events.model import StoredEvent
from journeys.journey.model import Step, Summary, step
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore
from journeys.telemetry import count, milliseconds, report

CUSTOMERS_AT_ONCE = 8

Record = Mapping[str, Any]
"""One record of a DynamoDB stream, as Lambda passes it."""


@dataclass(frozen=True, slots=True)
class _New:
    journey_key: str
    step: Step
    record: Record


class Projector:
    """Keeps journeys up to date with the log."""

    def __init__(self, journeys: JourneyStore, failures: FailureStore) -> None:
        self._journeys, self._failures = journeys, failures
        self._threads = ThreadPoolExecutor(CUSTOMERS_AT_ONCE, thread_name_prefix="customer")

    def project(self, records: Sequence[Record]) -> list[str]:
        """Brings a batch of records into the journeys; answers with the sequence numbers of those to be tried again.

        Every customer of the batch is finished before anything is reported.
        """
        again: list[str] = []
        by_customer: dict[str, list[_New]] = defaultdict(list)
        for record in records:
            if record["eventName"] != "INSERT":
                again += self._file(record, _tampering(record))
                continue
            try:
                new = _read(record)
            except (LookupError, ValueError, TypeError, AttributeError) as error:
                report("a record cannot be read as an event", error)
                again += self._file(record, PROJECTION_FAILED)
                continue
            by_customer[new.journey_key].append(new)
        known = self._summaries(by_customer)
        for unfinished in self._threads.map(lambda key: self._customer(by_customer[key], known.get(key)), by_customer):
            again += unfinished
        _measure(records)
        return again

    def _summaries(self, journey_keys: Iterable[str]) -> dict[str, Summary]:
        """The summaries of a batch's customers in one call; where it fails, each is read, and judged, alone."""
        try:
            return self._journeys.summaries(journey_keys)
        except (ClientError, BotoCoreError, JourneysError) as error:
            report("the summaries of a batch were not read at once", error)
            return {}

    def _customer(self, batch: Sequence[_New], known: Summary | None = None) -> list[str]:
        """One customer's part of a batch. A busy store means trying again; whatever can never be folded is filed."""
        try:
            new = count_steps(self._journeys, batch[0].journey_key, [one.step for one in batch], known=known)
        except (ClientError, BotoCoreError, JourneysError) as error:
            if not (isinstance(error, ClientError) and error_code(error) == "ValidationException"):
                report("a journey is busy and will be tried again", error)
                count("ProjectionsDelayed")
                return [_sequence_number(one.record) for one in batch]
            report("a step can never be stored", error)
        except Exception as error:
            report("a journey cannot be folded", error)
        else:
            count("StepsCounted", new)
            return []
        if len(batch) == 1:
            return self._file(batch[0].record, PROJECTION_FAILED)
        return [again for one in batch for again in self._customer([one])]  # so that one record spoils no other

    def _file(self, record: Record, reason: str) -> list[str]:
        """Files a record as failed and passes it; where even that fails, it is to be tried again."""
        try:
            failure = _failure(record, reason)
            if reason == PROJECTION_FAILED:
                self._failures.keep(failure)
            else:
                self._failures.keep_evidence(failure)
        except Exception as error:  # not filed is not passed
            report("a record was not filed", error)
            return [_sequence_number(record)]
        count("ProjectionFailures" if reason == PROJECTION_FAILED else "LogTampering")
        return []


def _read(record: Record) -> _New:
    """Raises what reading raises, and ValueError for a step that could be counted but never be stored as a row."""
    stored = StoredEvent.from_item(record["dynamodb"]["NewImage"])
    customer = stored.event.customer
    journey_key = keys.journey(stored.organization_id, customer.source_id, customer.value)
    one = step(stored.event.date_created, stored.configuration_id, stored.event.event_id, stored.slot)
    if len(one.slot) != 1:
        raise ValueError("not the letter of an event type")
    if len(journey_key) > keys.LONGEST_PARTITION_KEY or len(one.key) > keys.LONGEST_SORT_KEY:
        raise ValueError("a key over DynamoDB's limit")
    return _New(journey_key, one, record)


def _tampering(record: Record) -> str:
    return EVENT_REMOVED if record["eventName"] == "REMOVE" else EVENT_CHANGED


def _failure(record: Record, reason: str) -> Failure:
    """What is kept of a record, in DynamoDB's JSON: the event before it was changed, or the one that was not folded."""
    payload = record["dynamodb"].get("NewImage" if reason == PROJECTION_FAILED else "OldImage") or {}
    names = [*keys.split(str(payload.get("pk", {}).get("S", ""))), "", ""]
    now_ms = dates.now_ms()
    return Failure(
        failure_id=failure_id(names[1], [reason, payload]),
        organization_id=names[0],
        configuration_id=names[1],
        source=str(payload.get("source", {}).get("S", "")),
        reason=reason,
        message={
            PROJECTION_FAILED: "A stored event could not be brought into its customer's journey.",
            EVENT_CHANGED: "A stored event was changed; this is how it was before.",
            EVENT_REMOVED: "A stored event was removed; this is what it was.",
        }[reason],
        field_name=None,
        differing=(),
        payload=payload,
        date_first=now_ms,
        date_last=now_ms,
        replayable=False,
    )


def _sequence_number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _measure(records: Sequence[Record]) -> None:
    """How far the journeys are behind the log, for the oldest record of the batch."""
    stored = [float(record["dynamodb"].get("ApproximateCreationDateTime", time.time())) for record in records]
    milliseconds("JourneyLag", max(0.0, (time.time() - min(stored, default=time.time())) * 1000))
