"""Responses of the operations on customers."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from journeys.responses.contract import DateTime


class CustomerIdentifier(TypedDict):
    """A customer's identifier in one external source."""

    externalSourceId: str
    value: str


class CustomerEvent(TypedDict):
    """One stored event. `identifier` is the one under which the event is stored: the first that the event named."""

    id: str
    configurationId: str
    schemaId: str
    eventName: str
    source: str
    dateCreated: DateTime
    dateReceived: DateTime
    attributes: dict[str, Any]
    identifier: CustomerIdentifier


class CustomerEventType(TypedDict):
    """The events of one event type in a journey. `schemaId` is missing if the schema was deleted."""

    schemaId: NotRequired[str]
    eventName: str
    eventCount: int
    dateFirstEvent: DateTime
    dateLastEvent: DateTime


CustomerTransition = TypedDict("CustomerTransition", {"from": str, "to": str, "count": int})
"""How often an event of one type directly followed one of another."""


class CustomerJourney(TypedDict):
    """The journey of one customer in figures, and its most recent events, newest first.

    `identifiers` are those whose events make the journey. `transitions` is empty and `transitionsComplete` is false if
    several identifiers have over 10,000 events in the same period.
    """

    externalSourceId: str
    value: str
    identifiers: list[CustomerIdentifier]
    eventCount: int
    dateFirstEvent: DateTime
    dateLastEvent: DateTime
    eventTypes: list[CustomerEventType]
    transitions: list[CustomerTransition]
    transitionsComplete: bool
    recentEvents: list[CustomerEvent]


class CustomerEventListing(TypedDict):
    """A page of events. `nextCursor` is missing on the last page, and `identifiers` are those whose events are listed.

    With `eventName`, a page can have few events or none although others follow, because it reads a limited number.
    """

    entities: list[CustomerEvent]
    identifiers: list[CustomerIdentifier]
    nextCursor: NotRequired[str]
