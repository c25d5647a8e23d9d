"""What was not taken in: kept for 30 days with its reason and its payload, so that nothing is lost in silence."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journeys import dates
from journeys.jsontext import canonical, present

KEPT_SECONDS = 30 * 24 * 60 * 60

PROJECTION_FAILED = "projection.failed"
EVENT_CHANGED = "event.changed"
EVENT_REMOVED = "event.removed"


def failure_id(configuration_id: str, payload: object) -> str:
    """The id of a failure follows from its payload, so that a repeat, or a replay, is the same failure."""
    return hashlib.sha256(f"{configuration_id}\n{canonical(payload)}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Failure:
    """One payload that was refused. Dates are milliseconds; `replays` tell what came of trying again, the newest last.

    `replayable` is False for a payload that is not an event as a sender sends it.
    """

    failure_id: str
    organization_id: str
    configuration_id: str
    source: str
    reason: str
    message: str
    field_name: str | None
    differing: tuple[str, ...]
    payload: object
    date_first: int
    date_last: int
    resolved: bool = False
    replayable: bool = True
    replays: tuple[Mapping[str, Any], ...] = ()

    def to_wire(self, *, whole: bool) -> dict[str, Any]:
        """A failure as the API shows it; the payload only when it is looked at alone."""
        wire: dict[str, Any] = {
            "id": self.failure_id,
            "configurationId": self.configuration_id,
            "source": self.source,
            "reason": self.reason,
            "message": self.message,
            "fieldName": self.field_name,
            "differingFields": list(self.differing) or None,
            "dateFirstFailed": dates.text(self.date_first),
            "dateLastFailed": dates.text(self.date_last),
            "status": "resolved" if self.resolved else "open",
            "selfUri": f"/api/v2/journey/externalevents/failures/{self.failure_id}",
        }
        if whole:
            wire |= {"payload": self.payload, "replays": list(self.replays)}
        return present(wire)
