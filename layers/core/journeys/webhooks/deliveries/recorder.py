"""Record what became of each delivery, without ever changing or delaying the response to it."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from journeys.defects import report
from journeys.telemetry import emit_count, logger
from journeys.webhooks.deliveries.model import (
    DeliveryRecord,
    RecordedOutcome,
    RefusalReason,
    new_record_id,
    shorten_sender_id,
)
from journeys.webhooks.deliveries.store import DeliveryStore
from journeys.webhooks.processing import DeliveryOutcome

MAX_UNPROVEN = 60
"""Records per minute and endpoint of deliveries without a valid signature, in one process. Anyone can send them."""
RECORD_SECONDS = 0.4
"""How long a response waits for its record. Most puts take a few milliseconds."""


@dataclass(slots=True)
class Attempt:
    """A delivery that is being received, and what is known of it so far.

    `started` is a time of the clock, in seconds. `proven` is set once the signature is verified.
    """

    record: DeliveryRecord
    started: float
    proven: bool = False

    @classmethod
    def begin(
        cls,
        organization_id: str,
        endpoint_id: str,
        *,
        received_ms: int,
        size: int,
        sender_id: str | None,
        started: float,
    ) -> "Attempt":
        """Begin with a record that says that the sender must retry: what holds if nothing else becomes known."""
        record = DeliveryRecord(
            new_record_id(received_ms),
            organization_id,
            endpoint_id,
            received_ms,
            RecordedOutcome.REFUSED,
            RefusalReason.RETRY,
            size=size,
            sender_delivery_id=shorten_sender_id(sender_id),
        )
        return cls(record, started)

    def refused(self, reason: RefusalReason) -> None:
        """Note that the sender gets an error."""
        self.record = replace(self.record, outcome=RecordedOutcome.REFUSED, reason=reason)

    def ended(self, outcome: RecordedOutcome) -> None:
        """Note that the sender gets no error."""
        self.record = replace(self.record, outcome=outcome, reason=None)

    def counted(self, result: DeliveryOutcome) -> None:
        """Note the events by what became of them, and the failure."""
        self.record = with_counts(self.record, result)


class DeliveryRecorder:
    """Stores records of deliveries. A record that cannot be stored is counted in DeliveriesNotRecorded."""

    def __init__(self, records: DeliveryStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._records, self._clock = records, clock
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._minute, self._unproven = 0, Counter[str]()

    def record(self, attempt: Attempt, *, deadline: float) -> None:
        """Store the record of a delivery, and wait for it until the deadline at most. Never raises."""
        if not attempt.proven and self._exceeds_limit(attempt.record.endpoint_id):
            return
        now = self._clock()
        record = replace(attempt.record, duration=round((now - attempt.started) * 1000))
        try:
            call_within(min(RECORD_SECONDS, deadline - now), self._threads, self._records.add, record)
        except TimeoutError:
            logger.warning("a delivery was not recorded in time")
            emit_count("DeliveriesNotRecorded")
        except Exception as error:
            report("a delivery was not recorded", error)
            emit_count("DeliveriesNotRecorded")

    def _exceeds_limit(self, endpoint_id: str) -> bool:
        """Count an unproven delivery, and return whether the endpoint had its share of this minute before."""
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._unproven.clear()
        self._unproven[endpoint_id] += 1
        return self._unproven[endpoint_id] > MAX_UNPROVEN


T = TypeVar("T")


def call_within(seconds: float, threads: Executor, call: Callable[..., T], *arguments: object) -> T:
    """Return the result of a call in another thread. After `seconds` raise TimeoutError; the call itself goes on."""
    future = threads.submit(call, *arguments)
    try:
        return future.result(timeout=max(0.0, seconds))
    finally:
        future.cancel()


def with_counts(record: DeliveryRecord, result: DeliveryOutcome) -> DeliveryRecord:
    """Return the record with the numbers of events by what became of them, and the failure."""
    return replace(
        record,
        created=result.created,
        duplicate=result.duplicate,
        failed=result.failed,
        ignored=result.ignored,
        failure_id=result.failure_id,
    )


def outcome_of(result: DeliveryOutcome) -> RecordedOutcome:
    """Return the outcome of a delivery that was processed to the end."""
    if result.failed:
        return RecordedOutcome.FAILED
    if result.created or result.duplicate:
        return RecordedOutcome.INGESTED
    return RecordedOutcome.IGNORED if result.ignored else RecordedOutcome.EMPTY
