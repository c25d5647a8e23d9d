"""The number of events that an organization sent, by month of receipt, counted from the archive."""

from typing import Any

from journeys import dates
from journeys.archive.model import Figures


def usage(figures: Figures) -> dict[str, Any]:
    """The response of the usage operation: the events of each month, newest month first.

    Only native events count toward fair use. All events of the archive are external, because native events are not
    ingested yet.

    `dateExact` is a date of receipt. The events received until then are counted exactly. On a day of receipt that has
    landed files, an event that was delivered twice counts twice until the next compaction, within the hour. So
    `dateExact` is the latest receipt in the compacted files of the days before the first such day. It is omitted if
    there is no such day. A file that landed later than the files of its time counts from the next compaction on.
    """
    response: dict[str, Any] = {
        "entities": [
            {"month": month, "nativeEventCount": 0, "externalEventCount": events, "fairUseEventCount": 0}
            for month, events in sorted(figures.months.items(), reverse=True)
        ]
    }
    exact = figures.exact_until
    return response if exact is None else response | {"dateExact": dates.text(exact)}
