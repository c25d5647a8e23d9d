"""The number of events that an organization received on each of the last days, by configuration."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from journeys import dates
from journeys.archive import sources
from journeys.archive.model import Figures, day_of
from journeys.jsontext import omit_none
from journeys.registry.configurations.model import Configuration

DAYS = sources.HELD_DAYS
"""Days that the response lists: today, and the days before it, in UTC."""


def activity(
    figures: Figures, configurations: Sequence[Configuration], titles: Mapping[str, str], now: int
) -> dict[str, Any]:
    """The response of the activity operation: the last days, newest first, and the configurations with events.

    `titles` are the names of the event types by their ids. Events that landed since the last compaction are counted,
    but only the compaction tells them apart by configuration and customer. `dateExact` is that of the usage.
    """
    landed: Counter[str] = Counter()
    for file in figures.landed:
        landed[file.day] += file.rows
    today = day_of(now)
    days = [_day(figures, sources.before(today, ago), landed) for ago in range(DAYS)]
    seen = {source["configurationId"] for day in days for source in day["sources"]}
    exact = figures.exact_until
    response = {
        "entities": days,
        "configurations": [_named(one, titles) for one in configurations if one.configuration_id in seen],
    }
    return response if exact is None else response | {"dateExact": dates.text(exact)}


def _day(figures: Figures, day: str, landed: Mapping[str, int]) -> dict[str, Any]:
    counts = {id_: held[day] for id_, held in figures.compacted.sources.items() if day in held}
    events = figures.compacted.days.get(day, 0) + landed.get(day, 0)
    return omit_none(
        {
            "date": day,
            "eventCount": events,
            "otherEventCount": events - sum(counts.values()),
            "journeyCount": figures.compacted.journeys.get(day),
            "sources": [
                {"configurationId": id_, "eventCount": count}
                for id_, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
            ],
        }
    )


def _named(configuration: Configuration, titles: Mapping[str, str]) -> dict[str, Any]:
    return omit_none(
        {
            "id": configuration.configuration_id,
            "name": configuration.name,
            "source": configuration.source,
            "schemaId": configuration.schema_id,
            "eventType": titles.get(configuration.schema_id),
        }
    )
