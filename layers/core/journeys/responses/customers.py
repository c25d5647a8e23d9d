"""Responses of the operations on customers."""

from typing import Any, Literal, NotRequired

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


class IdentifierSummary(TypedDict):
    """An identifier and the events that are stored under it. The dates are missing if there are none."""

    externalSourceId: str
    value: str
    eventCount: int
    dateFirstEvent: NotRequired[DateTime]
    dateLastEvent: NotRequired[DateTime]


class LinkEvidence(TypedDict):
    """The event that named both identifiers of a link, and so made it."""

    eventId: str
    configurationId: str
    dateCreated: DateTime
    dateReceived: DateTime


class LinkDecider(TypedDict):
    """The person or the API client that decided about a link."""

    id: str


class LinkDecision(TypedDict):
    """What somebody decided about a link. It overrules the events."""

    state: Literal["Linked", "Unlinked"]
    by: LinkDecider
    dateDecided: DateTime


CustomerLink = TypedDict(
    "CustomerLink",
    {
        "from": CustomerIdentifier,
        "to": CustomerIdentifier,
        "evidence": NotRequired[LinkEvidence],
        "decision": NotRequired[LinkDecision],
    },
)
"""Two identifiers, with the event that linked them, the decision about them, or both."""


class CustomerIdentifiers(TypedDict):
    """The identifiers of the person behind an identifier.

    `links` join them. `unlinked` are the last 100 links that somebody cut. `stopped` are identifiers that would belong
    to the person, but have too many links and therefore link nobody. `tooLarge` says that links join more identifiers
    than a person can have; then each of them stands alone.
    """

    externalSourceId: str
    value: str
    identifiers: list[IdentifierSummary]
    links: list[CustomerLink]
    unlinked: list[CustomerLink]
    stopped: list[IdentifierSummary]
    tooLarge: bool


class CustomerSearch(TypedDict):
    """The identifiers with a value, in any source."""

    entities: list[IdentifierSummary]


class KnownSource(TypedDict):
    """A source of identifiers that events have used, and whether it may link."""

    externalSourceId: str
    linking: bool


class IdentitySettings(TypedDict):
    """Which sources of identifiers may link: all except `sources`, only `sources`, or none."""

    linking: Literal["AllExcept", "Only", "None"]
    sources: list[str]
    knownSources: list[KnownSource]
