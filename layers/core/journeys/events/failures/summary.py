"""Counts of failures by reason and configuration."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from journeys import dates
from journeys.events.failures.model import Failure

MAX_COUNTED = 20_000
"""How many failures one request counts. If there are more, only the newest are counted and `complete` is False."""


@dataclass(slots=True)
class _Group:
    count: int
    open: int
    source: str
    date_last: int


def summarize(failures: Iterable[Failure]) -> dict[str, Any]:
    """Returns {entities: [{reason, configurationId, source, count, openCount, dateLastFailed}], total, complete}.

    The largest groups come first.
    """
    groups: dict[tuple[str, str], _Group] = {}
    counted = 0
    for failure in islice(failures, MAX_COUNTED + 1):
        counted += 1
        if counted > MAX_COUNTED:
            break
        group = groups.setdefault(
            (failure.reason, failure.configuration_id), _Group(0, 0, failure.source, failure.date_last)
        )
        group.count += 1
        group.open += not failure.resolved
    return {
        "entities": [
            {
                "reason": reason,
                "configurationId": configuration_id,
                "source": group.source,
                "count": group.count,
                "openCount": group.open,
                "dateLastFailed": dates.text(group.date_last),
            }
            for (reason, configuration_id), group in sorted(groups.items(), key=lambda item: (-item[1].count, item[0]))
        ],
        "total": min(counted, MAX_COUNTED),
        "complete": counted <= MAX_COUNTED,
    }
