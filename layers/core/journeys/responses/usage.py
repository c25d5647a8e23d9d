"""Responses of the operations on usage and limits."""

from typing import NotRequired

from typing_extensions import TypedDict

from journeys.responses.contract import DateTime


class MonthlyUsage(TypedDict):
    """The events that were received in one month (YYYY-MM). Only native events count toward fair use."""

    month: str
    nativeEventCount: int
    externalEventCount: int
    fairUseEventCount: int


class Usage(TypedDict):
    """The usage by month, newest first. Counts are exact for the events received up to `dateExact`."""

    entities: list[MonthlyUsage]
    dateExact: NotRequired[DateTime]


class SourceActivity(TypedDict):
    """The events of one configuration on one day."""

    configurationId: str
    eventCount: int


class DailyActivity(TypedDict):
    """The events that were received on one day (YYYY-MM-DD, UTC), by configuration.

    `otherEventCount` are those that are not in `sources`: they arrived since the last hourly compaction, or their
    configurations are not among the 200 with the most events. `journeyCount` are the customers with events on this day,
    as of the last compaction. It is missing if the day was not compacted.
    """

    date: str
    eventCount: int
    otherEventCount: int
    journeyCount: NotRequired[int]
    sources: list[SourceActivity]


class ActiveConfiguration(TypedDict):
    """A configuration with events on these days. `eventType` is missing if the event type was deleted."""

    id: str
    name: str
    source: str
    schemaId: str
    eventType: NotRequired[str]


class Activity(TypedDict):
    """The last 14 days, newest first. Counts are exact for the events received up to `dateExact`."""

    entities: list[DailyActivity]
    configurations: list[ActiveConfiguration]
    dateExact: NotRequired[DateTime]


class OrganizationLimit(TypedDict):
    """The contract's `Limit` and `count`, how many are in use. A limit per view has no `count`."""

    namespace: str
    key: str
    value: int
    count: NotRequired[int]


class LimitListing(TypedDict):
    """The limits of the organization."""

    total: int
    entities: list[OrganizationLimit]
    selfUri: str
