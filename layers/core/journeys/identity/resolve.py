"""Resolves persons: which identifiers belong together. Pure functions of links, decisions and settings.

The rules, none of which depends on an order:

1. An identifier *lists* another if an event linked them and nobody unlinked them, or if somebody linked them; and if
   both may link by their sources (`settings`) and their values (`values`).
2. An identifier that lists more than `Guards.links` others has stopped linking: it is a kiosk, a shared address, a
   default value. It links nobody. So has one with more than MAX_ROWS rows.
3. A link counts if each of the two identifiers lists the other and neither has stopped linking.
4. Identifiers that links join are one person. If there are more than `Guards.identifiers`, each stands alone.

`person` reads the rows of one identifier after the other. `persons` is the same for a whole set of links.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from journeys.identity.model import Decision, DecisionState, Evidence, Identifier, Link, Links, Pair, Person
from journeys.identity.settings import IdentitySettings
from journeys.identity.values import may_link

MAX_LINKS = 10
"""The most links of an identifier. One with more of them has stopped linking."""
MAX_IDENTIFIERS = 50
"""The most identifiers of a person. If links join more of them, each identifier stands alone."""
MAX_ROWS = 1000
"""The most rows that are read of one identifier. One with more of them has stopped linking."""


@dataclass(frozen=True, slots=True)
class Guards:
    """The bounds that stop links from joining customers who only share a value."""

    links: int = MAX_LINKS
    identifiers: int = MAX_IDENTIFIERS


GUARDS = Guards()

Read = Callable[[Identifier], Links]
Map = Callable[[Read, Iterable[Identifier]], Iterable[Links]]
"""`map`, or that of a pool of threads."""


def listed(links: Links, settings: IdentitySettings) -> frozenset[Identifier]:
    """The identifiers that an identifier lists (rule 1)."""
    if not _can_link(links.identifier, settings):
        return frozenset()
    return frozenset(
        other
        for other in links.evidence.keys() | links.decisions.keys()
        if _is_linked(links.decisions.get(other)) and _can_link(other, settings)
    )


def has_stopped(links: Links, settings: IdentitySettings, guards: Guards = GUARDS) -> bool:
    """Whether an identifier has stopped linking (rule 2)."""
    if not _can_link(links.identifier, settings):
        return False
    return not links.complete or len(listed(links, settings)) > guards.links


def _can_link(identifier: Identifier, settings: IdentitySettings) -> bool:
    return settings.may_link(identifier.source_id) and may_link(identifier)


def _is_linked(decision: Decision | None) -> bool:
    """Whether a link exists: an event made it, unless a decision says otherwise."""
    return decision is None or decision.state is DecisionState.LINKED


def with_decision(read: Read, pair: Pair, decision: Decision) -> Read:
    """`read` as it would be if a decision about two identifiers were stored."""

    def reader(identifier: Identifier) -> Links:
        links = read(identifier)
        if identifier not in pair:
            return links
        (other,) = set(pair) - {identifier}
        decisions = {**links.decisions, other: decision}
        complete = links.complete and len(links.evidence) + len(decisions) <= MAX_ROWS
        return replace(links, decisions=decisions, complete=complete)

    return reader


# -- one person --------------------------------------------------------------------------------------------------------


def person(
    read: Read,
    start: Identifier,
    settings: IdentitySettings,
    *,
    guards: Guards = GUARDS,
    each: Map = map,
) -> Person:
    """The person behind an identifier, breadth-first. `read` returns the rows of an identifier, and is called once for
    each. `each` calls it for several identifiers; a pool's `map` does that at the same time.

    It reads the rows of at most `guards.identifiers` + 1 identifiers and of the identifiers that these list.
    """
    rows = {start: read(start)}
    found, border, waiting = {start: None}, set[Identifier](), [start]
    if has_stopped(rows[start], settings, guards):
        return Person((start,), unlinked=_unlinked([rows[start]]), stopped=(start,))
    while waiting and len(found) <= guards.identifiers:
        to_read = dict.fromkeys(other for one in waiting for other in sorted(listed(rows[one], settings)))
        unread = [other for other in to_read if other not in rows]
        rows |= zip(unread, each(read, unread), strict=True)
        reached = dict.fromkeys(
            other for one in waiting for other in _counted(one, rows, settings, guards, border) if other not in found
        )
        found |= reached
        waiting = list(reached)
    if len(found) > guards.identifiers:
        return Person((start,), unlinked=_unlinked([rows[start]]), too_large=True)
    return _person(sorted(found), rows, settings, border)


def _counted(
    one: Identifier,
    rows: Mapping[Identifier, Links],
    settings: IdentitySettings,
    guards: Guards,
    border: set[Identifier],
) -> Iterator[Identifier]:
    """The identifiers to which an identifier has a link that counts (rule 3). Adds to `border` those that stopped."""
    for other in sorted(listed(rows[one], settings)):
        if has_stopped(rows[other], settings, guards):
            border.add(other)
        elif one in listed(rows[other], settings):
            yield other


def _person(
    found: Sequence[Identifier],
    rows: Mapping[Identifier, Links],
    settings: IdentitySettings,
    border: Iterable[Identifier],
) -> Person:
    links = [
        rows[one].link(other)
        for one in found
        for other in sorted(listed(rows[one], settings))
        if one < other and other in found and one in listed(rows[other], settings)
    ]
    return Person(tuple(found), tuple(links), _unlinked([rows[one] for one in found]), tuple(sorted(border)))


def _unlinked(all_rows: Iterable[Links]) -> tuple[Link, ...]:
    links = {
        link.pair: link
        for rows in all_rows
        for link in map(rows.link, rows.decisions)
        if link.decision is not None and link.decision.state is DecisionState.UNLINKED
    }
    return tuple(links[one] for one in sorted(links))


# -- all persons -------------------------------------------------------------------------------------------------------


def rows_of(
    links: Iterable[Pair] | Mapping[Pair, Evidence], decisions: Mapping[Pair, Decision]
) -> dict[Identifier, Links]:
    """The rows of every identifier that has a link or a decision."""
    evidence: dict[Identifier, dict[Identifier, Evidence]] = defaultdict(dict)
    decided: dict[Identifier, dict[Identifier, Decision]] = defaultdict(dict)
    given = links if isinstance(links, Mapping) else dict.fromkeys(links, Evidence(0, "", "", 0))
    for (first, second), event in given.items():
        evidence[first][second] = evidence[second][first] = event
    for (first, second), decision in decisions.items():
        decided[first][second] = decided[second][first] = decision
    return {
        one: Links(
            one,
            evidence.get(one, {}),
            decided.get(one, {}),
            complete=len(evidence.get(one, {})) + len(decided.get(one, {})) <= MAX_ROWS,
        )
        for one in evidence.keys() | decided.keys()
    }


def persons(
    links: Iterable[Pair] | Mapping[Pair, Evidence],
    decisions: Mapping[Pair, Decision],
    settings: IdentitySettings,
    *,
    guards: Guards = GUARDS,
) -> dict[Identifier, Person]:
    """The person of every identifier that has a link or a decision. All others stand alone."""
    rows = rows_of(links, decisions)
    found: dict[Identifier, Person] = {}
    for one in sorted(rows):
        if one not in found:
            of_one = person(lambda other: rows[other], one, settings, guards=guards)
            found |= dict.fromkeys(of_one.identifiers, of_one)
    return found
