"""`journeys identities`: the persons near the bound of a person, and the identifiers that stopped linking."""

from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from journeys.aws import Item
from journeys.events.model import ExternalId
from journeys.identity.model import DecisionState, Evidence, Pair, Person, pair
from journeys.identity.resolve import MAX_IDENTIFIERS, MAX_LINKS, Guards, listed, person, rows_of
from journeys.identity.settings import IdentitySettings
from journeys.identity.store import LinkStore, link_row
from journeys.keys import split
from tools.progress import Bar

NEAR = 40
"""The number of identifiers from which a person is reported. A person has at most MAX_IDENTIFIERS."""
SHOWN = 100
"""The most persons, and the most identifiers, that are named."""


@dataclass
class IdentityReport:
    """What the links of an organization stand for.

    `stopped` are the identifiers that stopped linking, each with the number of identifiers that it lists. `near` are
    the persons of NEAR identifiers or more, and `too_large` the groups that would be larger than a person can be.
    """

    links: int = 0
    decisions: Counter[DecisionState] = field(default_factory=Counter)
    persons: int = 0
    stopped: dict[ExternalId, int] = field(default_factory=dict)
    near: list[Person] = field(default_factory=list)
    too_large: list[Person] = field(default_factory=list)


def report(store: LinkStore, settings: IdentitySettings, organization_id: str, bar: Bar) -> IdentityReport:
    """Resolves all persons of an organization, in memory: about 1 KB for each link."""
    decisions = store.decisions(organization_id)
    links = _links(store, organization_id, bar)
    rows = rows_of(links, decisions)
    found = IdentityReport(len(links), Counter(decision.state for decision in decisions.values()))
    unbounded, seen = Guards(MAX_LINKS, len(rows)), set[ExternalId]()
    for one in sorted(rows):
        if one in seen:
            continue
        who = person(rows.__getitem__, one, settings, guards=unbounded)
        seen.update(who.identifiers)
        if who.stopped == (one,) and not who.links:
            found.stopped[one] = len(listed(rows[one], settings))
        elif len(who.identifiers) > MAX_IDENTIFIERS:
            found.too_large.append(who)
        elif len(who.identifiers) > 1:
            found.persons += 1
            if len(who.identifiers) >= NEAR:
                found.near.append(who)
    return found


def _links(store: LinkStore, organization_id: str, bar: Bar) -> dict[Pair, Evidence]:
    """The links of an organization. A link is taken from one of its two rows."""
    same: dict[ExternalId, ExternalId] = {}  # each identifier in memory once

    def known(one: ExternalId) -> ExternalId:
        return same.setdefault(one, one)

    links: dict[Pair, Evidence] = {}
    for read, items in store.pages(0, 1, organization_id=organization_id):
        for identifier, other in map(_identifiers, items):
            if identifier is not None and other is not None and identifier < other:
                links[pair(known(identifier), known(other))] = _NO_EVIDENCE
        bar.advance(read)
    return links


_NO_EVIDENCE = Evidence(0, "", "", 0)


def _identifiers(item: Item) -> tuple[ExternalId, ExternalId] | tuple[None, None]:
    """The two identifiers of a row of a link."""
    row = link_row(item)
    if row is None:
        return None, None
    _, source, value = split(row.identifier_key)
    return ExternalId(source, value), row.other


# -- printing ----------------------------------------------------------------------------------------------------------


def print_report(console: Console, found: IdentityReport, *, show: bool) -> None:
    """Prints a report. It names identifiers only with `show`, because they are customers'."""
    linked, unlinked = found.decisions[DecisionState.LINKED], found.decisions[DecisionState.UNLINKED]
    console.print(f"{found.links:,} links of events, {linked:,} made and {unlinked:,} cut by hand")
    console.print(f"{found.persons:,} persons with several identifiers")
    table = Table(title="What to look at", title_justify="left")
    table.add_column("finding")
    table.add_column("number", justify="right")
    table.add_row(f"identifiers with more than {MAX_LINKS} links, which stopped linking", f"{len(found.stopped):,}")
    table.add_row(f"persons of {NEAR} to {MAX_IDENTIFIERS} identifiers", f"{len(found.near):,}")
    table.add_row(f"groups of more than {MAX_IDENTIFIERS}, which are not linked", f"{len(found.too_large):,}")
    console.print(table)
    for source, number in sorted(Counter(one.source_id for one in found.stopped).items()):
        console.print(f"stopped linking, source {source}: {number:,}", markup=False)
    if show:
        _print_names(console, found)


def _print_names(console: Console, found: IdentityReport) -> None:
    most = sorted(found.stopped.items(), key=lambda one: (-one[1], one[0]))[:SHOWN]
    for identifier, links in most:
        console.print(f"stopped linking, {links:,} links: {_name(identifier)}", markup=False, soft_wrap=True)
    for label, persons in (("person", found.near), ("group", found.too_large)):
        for who in sorted(persons, key=lambda one: -len(one.identifiers))[:SHOWN]:
            degrees = Counter(one for link in who.links for one in link.pair).most_common(3)
            bridges = ", ".join(f"{_name(one)} ({links} links)" for one, links in degrees)
            console.print(
                f"{label} of {len(who.identifiers):,} identifiers, joined by {bridges}", markup=False, soft_wrap=True
            )


def _name(identifier: ExternalId) -> str:
    return f"{identifier.source_id} {identifier.value}"
