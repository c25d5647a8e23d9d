"""Stores stream records that cannot be projected as failures, so that the stream continues without them."""

from journeys import dates, keys
from journeys.events.failures.model import EVENT_CHANGED, EVENT_REMOVED, PROJECTION_FAILED, Failure, failure_id
from journeys.events.failures.store import FailureStore
from journeys.stream.records import Record
from journeys.telemetry import count, report

_MESSAGES = {
    PROJECTION_FAILED: "A stored event could not be added to its customer's journey.",
    EVENT_CHANGED: "A stored event was changed. The payload is the event before the change.",
    EVENT_REMOVED: "A stored event was deleted. The payload is the deleted event.",
}


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
            self._failures.keep(_failure(record, PROJECTION_FAILED, image="NewImage"))
        except Exception as error:
            report("a poison record was not stored as a failure", error)
            return False
        count("ProjectionFailures")
        return True

    def store_tampering(self, record: Record) -> bool:
        """Stores the event as it was before it was changed or deleted. This evidence does not expire."""
        reason = EVENT_REMOVED if record["eventName"] == "REMOVE" else EVENT_CHANGED
        try:
            self._failures.keep_evidence(_failure(record, reason, image="OldImage"))
        except Exception as error:
            report("evidence of tampering was not stored", error)
            return False
        count("LogTampering")
        return True


def _failure(record: Record, reason: str, *, image: str) -> Failure:
    """The failure of a record. Its payload is one of the record's images, in DynamoDB's JSON."""
    payload = record["dynamodb"].get(image) or {}
    names = [*keys.split(str(payload.get("pk", {}).get("S", ""))), "", ""]
    now_ms = dates.now_ms()
    return Failure(
        failure_id=failure_id(names[1], [reason, payload]),
        organization_id=names[0],
        configuration_id=names[1],
        source=str(payload.get("source", {}).get("S", "")),
        reason=reason,
        message=_MESSAGES[reason],
        field_name=None,
        differing=(),
        payload=payload,
        date_first=now_ms,
        date_last=now_ms,
        replayable=False,
    )
