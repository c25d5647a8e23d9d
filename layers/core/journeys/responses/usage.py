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
