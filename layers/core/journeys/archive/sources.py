"""Counts the events of each source by day, and finds sources that fell silent.

A source is a configuration: every event is ingested with one. The compaction reads all events of a day, so it notes in
the manifest how many events each configuration had. The check reads only manifests. Days are days of receipt in UTC.
"""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

WEEK = 7
REGULAR_DAYS = 5
"""Days of a week on which a source must have had events. The silence of a source that sends rarely means nothing."""
HELD_DAYS = 14
"""Days that a manifest holds. Silence needs nine: today, yesterday and the week before yesterday."""


def with_day(
    sources: Mapping[str, Mapping[str, int]], day: str, events: Mapping[str, int], today: str
) -> dict[str, dict[str, int]]:
    """The events of each source by day, after a day was compacted that has these events. Old days are left out."""
    days = {configuration_id: dict(held) for configuration_id, held in sources.items()}
    for configuration_id, count in events.items():
        days.setdefault(configuration_id, {})[day] = count
    recent = {configuration_id: held_days(held, today) for configuration_id, held in days.items()}
    return {configuration_id: held for configuration_id, held in recent.items() if held}


def held_days(counts: Mapping[str, int], today: str) -> dict[str, int]:
    """The counts of the days that a manifest holds, oldest first."""
    first = before(today, HELD_DAYS - 1)
    return {day: counts[day] for day in sorted(counts) if day >= first}


def silent(sources: Mapping[str, Collection[str]], today: str) -> dict[str, str]:
    """The sources that are silent, each with the last day on which it had events."""
    return {configuration_id: max(days) for configuration_id, days in sources.items() if _is_silent(days, today)}


def _is_silent(days: Collection[str], today: str) -> bool:
    """Whether a source had no event yesterday and today, although it is regular.

    It is regular if it had events on five of the seven days before yesterday, and on the same weekday a week earlier.
    So a source that rests on weekends is not silent on a Sunday.
    """
    yesterday = before(today, 1)
    if today in days or yesterday in days:
        return False
    week = [before(yesterday, number) for number in range(1, WEEK + 1)]
    return week[-1] in days and sum(day in days for day in week) >= REGULAR_DAYS


def before(day: str, number: int) -> str:
    """The day that is a number of days earlier."""
    return (date.fromisoformat(day) - timedelta(days=number)).isoformat()
