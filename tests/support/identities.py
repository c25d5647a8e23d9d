"""Persons by brute force, as a reference for `identity.resolve`, and links for tests."""

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

from journeys.events.model import Event, StoredEvent
from journeys.identity.model import Decision, DecisionState, Identifier, Pair
from journeys.identity.resolve import GUARDS, Guards
from journeys.identity.settings import IdentitySettings
from journeys.identity.values import may_link

NOON = 1_750_000_000_000


def identifier(name: str) -> Identifier:
    """The identifier `source:value`."""
    source, value = name.split(":", 1)
    return Identifier(source, value)


def groups(
    links: Collection[Pair],
    decisions: Mapping[Pair, Decision],
    settings: IdentitySettings,
    guards: Guards = GUARDS,
) -> dict[Identifier, frozenset[Identifier]]:
    """The identifiers of the person of every identifier with a link or a decision. It is slow and simple."""
    everybody = {one for pair in [*links, *decisions] for one in pair}
    able = {one for one in everybody if settings.may_link(one.source_id) and may_link(one)}
    joined = {pair for pair in links if pair not in decisions} | {
        pair for pair, decision in decisions.items() if decision.state is DecisionState.LINKED
    }
    joined = {pair for pair in joined if set(pair) <= able}
    stopped = {one for one in everybody if sum(one in pair for pair in joined) > guards.links}
    joined = {pair for pair in joined if not stopped & set(pair)}
    sets = {one: {one} for one in everybody}
    for first, second in joined:
        together = sets[first] | sets[second]
        for one in together:
            sets[one] = together
    return {one: frozenset(of if len(of) <= guards.identifiers else {one}) for one, of in sets.items()}


def stored_event(number: int, *identifiers: Identifier, organization: str = "acme", received: int = 0) -> StoredEvent:
    """An event in the log that names identifiers. It was received `received` milliseconds after its date."""
    return StoredEvent(
        Event(f"event-{number}", NOON + number, identifiers, {}),
        organization_id=organization,
        configuration_id="orders",
        schema_id="schema",
        schema_version=1,
        slot="a",
        event_name="Order",
        source="ERP",
        date_received=NOON + number + received,
        receipt=f"request#{number}",
    )


def every_pair(identifiers: Iterable[Identifier]) -> list[Pair]:
    """Each identifier with each."""
    return [Pair(*two) for two in combinations(sorted(set(identifiers)), 2)]
