"""The model of identity: links between identifiers, decisions about links, and the person behind linked identifiers.

An identifier is an external source and a value (`ExternalId`). People who sign in to the console are something else:
`registry/people`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

from journeys import keys
from journeys.events.model import ExternalId, StoredEvent
from journeys.identity.values import linking

Identifier = ExternalId


class Pair(NamedTuple):
    """Two different identifiers, in order. `pair` makes it."""

    first: Identifier
    second: Identifier


def pair(one: Identifier, other: Identifier) -> Pair:
    """The pair of two different identifiers, in whatever order they are given."""
    return Pair(min(one, other), max(one, other))


def pairs(external_ids: Sequence[Identifier]) -> list[Pair]:
    """The links that an event with these identifiers makes: each with each, so that none is the bridge to the others.

    None if fewer than 2 or more than MAX_EVENT_IDENTIFIERS of them may link; see `values.linking`.
    """
    return [Pair(*both) for both in combinations(sorted(linking(external_ids)), 2)]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The event that made a link: its dates of creation and receipt in milliseconds, its configuration and its id."""

    date: int
    configuration_id: str
    event_id: str
    received: int

    @classmethod
    def of(cls, stored: StoredEvent) -> "Evidence":
        return cls(stored.event.date_created, stored.configuration_id, stored.event.event_id, stored.date_received)


def made_by(events: Iterable[StoredEvent]) -> dict[Pair, Evidence]:
    """The links that events make, each with the first received event that names both identifiers."""
    made: dict[Pair, Evidence] = {}
    for stored in events:
        for both in pairs(stored.event.external_ids):
            made[both] = first_received(Evidence.of(stored), made.get(both))
    return made


def first_received(one: Evidence, other: Evidence | None) -> Evidence:
    """The one of two events that was received first."""
    return one if other is None else min(one, other, key=_receipt)


def _receipt(evidence: Evidence) -> tuple[int, str, str]:
    return evidence.received, evidence.configuration_id, evidence.event_id


class DecisionState(StrEnum):
    """What somebody decided about two identifiers."""

    LINKED = "Linked"
    UNLINKED = "Unlinked"


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about two identifiers. It overrules the events.

    `by` is the id of the caller. `date` is in milliseconds. `revision` increases with every change.
    """

    state: DecisionState
    by: str
    date: int
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Link:
    """Two identifiers, with the event that made their link, the decision about it, or both."""

    pair: Pair
    evidence: Evidence | None = None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """The stored rows of one identifier: its links that events made, and the decisions, by the other identifier.

    `complete` is False if the identifier has more rows than one read returns. Such an identifier links nobody.
    """

    identifier: Identifier
    evidence: Mapping[Identifier, Evidence] = field(default_factory=dict)
    decisions: Mapping[Identifier, Decision] = field(default_factory=dict)
    complete: bool = True

    def link(self, other: Identifier) -> Link:
        """The link to another identifier."""
        return Link(pair(self.identifier, other), self.evidence.get(other), self.decisions.get(other))


@dataclass(frozen=True, slots=True)
class Person:
    """The person behind identifiers. They depend only on the links, the decisions and the settings, not on an order.

    `identifiers` are sorted; there is at least one. `links` are those that join them. `unlinked` are the links of these
    identifiers that somebody cut. `stopped` are identifiers that would belong to the person, but have too many links
    and therefore link nobody. `too_large` says that the links join more identifiers than a person can have: each of
    them then stands alone.
    """

    identifiers: tuple[Identifier, ...]
    links: tuple[Link, ...] = ()
    unlinked: tuple[Link, ...] = ()
    stopped: tuple[Identifier, ...] = ()
    too_large: bool = False


def key(organization_id: str, identifier: Identifier) -> str:
    """The key of an identifier: that of its journey."""
    return keys.journey(organization_id, identifier.source_id, identifier.value)
