"""Stores stream records that cannot be projected as failures, so that the stream continues without them."""

from journeys import dates
from journeys.defects import report
from journeys.events.failures.model import EVENT_CHANGED, EVENT_REMOVED, PROJECTION_FAILED, Failure
from journeys.events.failures.store import FailureStore
from journeys.stream.records import Record
from journeys.telemetry import emit_count


class RecordFailures:
    """Stores poison records and evidence of tampering.

    Each method returns False if the failure could not be stored. The record must then be retried, so that no record
    is skipped without a trace.
    """

    def __init__(self, failures: FailureStore) -> None:
        self._failures = failures

    def store_poison(self, record: Record) -> bool:
        """Stores a record of a new event that no journey can contain."""
        try:
            self._failures.put(_failure(record, PROJECTION_FAILED, image="NewImage"))
        except Exception as error:
            report("a poison record was not stored as a failure", error)
            return False
        emit_count("ProjectionFailures")
        return True

    def store_tampering(self, record: Record) -> bool:
        """Stores the event as it was before it was changed or deleted. This evidence does not expire."""
        reason = EVENT_REMOVED if record["eventName"] == "REMOVE" else EVENT_CHANGED
        try:
            self._failures.put_with_evidence(_failure(record, reason, image="OldImage"))
        except Exception as error:
            report("evidence of tampering was not stored", error)
            return False
        emit_count("LogTampering")
        return True


def _failure(record: Record, reason: str, *, image: str) -> Failure:
    """The failure of a record. Its payload is one of the record's images, in DynamoDB's JSON."""
    return Failure.of_record(record["dynamodb"].get(image) or {}, reason, now_ms=dates.now_ms())
