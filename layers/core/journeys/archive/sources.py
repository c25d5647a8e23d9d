"""Finds sources that fell silent. A source is a configuration: every event is ingested with one.

The compaction reads all events of a day, so it notes in the manifest which configurations had events on it. The check
reads only manifests. Days are days of receipt in UTC.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

WEEK = 7
REGULAR_DAYS = 5
"""Days of a week on which a source must have had events. The silence of a source that sends rarely means nothing."""
HELD_DAYS = WEEK + 2
"""Days that a manifest holds: today, yesterday and the week before yesterday."""


def with_day(
    sources: Mapping[str, Sequence[str]], day: str, configurations: Iterable[str], today: str
) -> dict[str, list[str]]:
    """The days of each source after a day was compacted. Days that are too old to matter are left out."""
    days = {configuration_id: set(held) for configuration_id, held in sources.items()}
    for configuration_id in configurations:
        days.setdefault(configuration_id, set()).add(day)
    first = _before(today, HELD_DAYS - 1)
    recent = {configuration_id: sorted(one for one in held if one >= first) for configuration_id, held in days.items()}
    return {configuration_id: held for configuration_id, held in recent.items() if held}


def silent(sources: Mapping[str, Collection[str]], today: str) -> dict[str, str]:
    """The sources that are silent, each with the last day on which it had events."""
    return {configuration_id: max(days) for configuration_id, days in sources.items() if _is_silent(days, today)}


def _is_silent(days: Collection[str], today: str) -> bool:
    """Whether a source had no event yesterday and today, although it is regular.

    It is regular if it had events on five of the seven days before yesterday, and on the same weekday a week earlier.
    So a source that rests on weekends is not silent on a Sunday.
    """
    yesterday = _before(today, 1)
    if today in days or yesterday in days:
        return False
    week = [_before(yesterday, number) for number in range(1, WEEK + 1)]
    return week[-1] in days and sum(day in days for day in week) >= REGULAR_DAYS


def _before(day: str, number: int) -> str:
    """The day that is a number of days earlier."""
    return (date.fromisoformat(day) - timedelta(days=number)).isoformat()
