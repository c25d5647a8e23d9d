"""The schedule of a view: its latest version is computed as every day, week or month begins, in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from journeys import dates
from journeys.views.model import MILLISECONDS, VIEWS

_DAY = MILLISECONDS["Days"]
_MONDAY = 4
"""The first Monday's day, counted from 1970-01-01."""


class Frequency(StrEnum):
    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"


def next_date(frequency: Frequency, ms: int) -> int:
    """The first moment after `ms` at which a day, a week (on Monday) or a month begins, in UTC; all in milliseconds."""
    days = ms // _DAY
    match frequency:
        case Frequency.DAILY:
            return (days + 1) * _DAY
        case Frequency.WEEKLY:
            return ((days - _MONDAY) // 7 * 7 + 7 + _MONDAY) * _DAY
        case Frequency.MONTHLY:
            day = datetime.fromtimestamp(ms // 1000, UTC)
            following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
            return int(following.timestamp()) * 1000


@dataclass(frozen=True, slots=True)
class Schedule:
    """A view has one at most. `client_id` set it last; `date_next` is when it is due. Dates are milliseconds."""

    organization_id: str
    view_id: str
    frequency: Frequency
    client_id: str
    date_modified: int
    date_next: int

    def to_wire(self) -> dict[str, Any]:
        """The contract's `JourneyViewSchedule`, and ours: when it is due. Its id is its view's."""
        return {
            "id": self.view_id,
            "frequency": self.frequency,
            "dateModified": dates.text(self.date_modified),
            "dateNext": dates.text(self.date_next),
            "user": {"id": self.client_id},
            "selfUri": f"{VIEWS}/{self.view_id}/schedules",
        }

    def to_values(self) -> dict[str, Any]:
        """What a row holds, beside its key."""
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
