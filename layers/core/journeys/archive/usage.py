"""The number of events that an organization sent, by month of receipt, counted from the archive."""

from collections import Counter
from typing import Any

from journeys import dates
from journeys.archive.model import Snapshot

NATIVE, EXTERNAL = "native", "external"


def usage(snapshot: Snapshot) -> dict[str, Any]:
    """The response of the usage operation: the events of each month, newest month first.

    Only native events count toward fair use. All events of the archive are external, because native events are not
    ingested yet.

    `dateExact` is a date of receipt. The events received until then are counted exactly. On a day of receipt that has
    landed files, an event that was delivered twice counts twice until the next compaction, within the hour. So
    `dateExact` is the latest receipt in the compacted files of the days before the first such day. It is omitted if
    there is no such day.
    """
    months: Counter[tuple[str, str]] = Counter()
    for file in snapshot.files:
        months[file.day[:7], EXTERNAL] += file.rows
    oldest = min((file.day for file in snapshot.landed), default=None)
    exact = max((file.received for file in snapshot.compacted if oldest is None or file.day < oldest), default=None)
    response: dict[str, Any] = {
        "entities": [
            {
                "month": month,
                "nativeEventCount": months[month, NATIVE],
                "externalEventCount": months[month, EXTERNAL],
                "fairUseEventCount": months[month, NATIVE],
            }
            for month in sorted({month for month, _ in months}, reverse=True)
        ]
    }
    return response if exact is None else response | {"dateExact": dates.text(exact)}
