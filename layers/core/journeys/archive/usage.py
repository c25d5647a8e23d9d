"""How much an organisation uses, by month of receipt, as the archive counts it."""

from collections import Counter
from typing import Any

from journeys import dates
from journeys.archive.model import Snapshot

NATIVE, EXTERNAL = "native", "external"


def usage(snapshot: Snapshot) -> dict[str, Any]:
    """The events of each month, the newest month first; native ones alone count toward fair use.

    Every event of the archive came through a configuration, so it is external: native events have no door here yet.
    What was received up to `dateExact` is counted once for each event: it is the newest receipt that is compacted,
    of the days before the oldest one that has landed files. In those an event that came twice counts twice until they
    are compacted, within the hour, whether they are today's or brought late to a day long past. It is left out where
    no such day is.
    """
    months: Counter[tuple[str, str]] = Counter()
    for file in snapshot.files:
        months[file.day[:7], EXTERNAL] += file.rows
    oldest = min((file.day for file in snapshot.landed), default=None)
    exact = max((file.received for file in snapshot.compacted if oldest is None or file.day < oldest), default=None)
    answer: dict[str, Any] = {
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
    return answer if exact is None else answer | {"dateExact": dates.text(exact)}
