"""The schedule of a view: its latest version is computed at the start of every day, week or month, in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from journeys import dates
from journeys.views.model import MILLISECONDS, VIEWS

_DAY = MILLISECONDS["Days"]
_MONDAY = 4
"""The number of days from 1970-01-01 to the first Monday."""


class Frequency(StrEnum):
    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"


def next_date(frequency: Frequency, ms: int) -> int:
    """The first start of a day, a week (on Monday) or a month after `ms`, in UTC; in milliseconds since 1970."""
    days = ms // _DAY
    match frequency:
        case Frequency.DAILY:
            return (days + 1) * _DAY
        case Frequency.WEEKLY:
            return ((days - _MONDAY) // 7 * 7 + 7 + _MONDAY) * _DAY
        case Frequency.MONTHLY:
            day = datetime.fromtimestamp(ms // 1000, UTC)
            next_month = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
            return int(next_month.timestamp()) * 1000


@dataclass(frozen=True, slots=True)
class Schedule:
    """A view has at most one schedule. Dates are milliseconds since 1970.

    `client_id` is the client that last changed the schedule. `date_next` is when the next job is due.
    """

    organization_id: str
    view_id: str
    frequency: Frequency
    client_id: str
    date_modified: int
    date_next: int

    def to_wire(self) -> dict[str, Any]:
        """The contract's `JourneyViewSchedule` with the additional field `dateNext`. The id is that of the view."""
        return {
            "id": self.view_id,
            "frequency": self.frequency,
            "dateModified": dates.text(self.date_modified),
            "dateNext": dates.text(self.date_next),
            "user": {"id": self.client_id},
            "selfUri": f"{VIEWS}/{self.view_id}/schedules",
        }

    def to_values(self) -> dict[str, Any]:
        """The attributes of the schedule's item, without its key."""
        return {
            "organizationId": self.organization_id,
            "viewId": self.view_id,
            "frequency": self.frequency.value,
            "clientId": self.client_id,
            "dateModified": dates.text(self.date_modified),
            "dateNext": dates.text(self.date_next),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Schedule":
        return cls(
            organization_id=values["organizationId"],
            view_id=values["viewId"],
            frequency=Frequency(values["frequency"]),
            client_id=values["clientId"],
            date_modified=dates.parse(values["dateModified"]),
            date_next=dates.parse(values["dateNext"]),
        )
