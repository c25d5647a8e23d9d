"""The number of events that an organization sent, by month of receipt, counted from the archive."""

from typing import Any

from journeys import dates
from journeys.archive.model import Figures


def usage(figures: Figures) -> dict[str, Any]:
    """The response of the usage operation: the events of each month, newest month first.

    Only native events count toward fair use. The compaction tells them from external ones; a native event that landed
    since counts as an external one until then, within the hour.

    `dateExact` is a date of receipt. The events received until then are counted exactly. On a day of receipt that has
    landed files, an event that was delivered twice counts twice until the next compaction, within the hour. So
    `dateExact` is the latest receipt in the compacted files of the days before the first such day. It is omitted if
    there is no such day. A file that landed later than the files of its time counts from the next compaction on.
    """
    response: dict[str, Any] = {
        "entities": [
            _month(month, events, figures.compacted.native_months.get(month, 0))
            for month, events in sorted(figures.months.items(), reverse=True)
        ]
    }
    exact = figures.exact_until
    return response if exact is None else response | {"dateExact": dates.text(exact)}


def _month(month: str, events: int, native: int) -> dict[str, Any]:
    return {
        "month": month,
        "nativeEventCount": native,
        "externalEventCount": events - native,
        "fairUseEventCount": native,
    }
