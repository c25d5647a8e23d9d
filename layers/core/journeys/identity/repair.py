"""Compares stored links with the log, restores missing ones, and removes those that no event made.

Removing is the difficult part, because projectors write at the same time. A projector that sees the rows of a link, or
remembers them, does not write them; if they are then removed, the link of its event is lost. But that event was in the
log before the projector looked. So a repair that removed links ends with a second scan of the log, and restores those
that an event made. If it is interrupted before, the next one restores them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from journeys import keys
from journeys.events.model import StoredEvent
from journeys.events.store import EventLog
from journeys.identity.model import Evidence, Identifier, Pair, made_by, pair
from journeys.identity.store import LinkStore

Rows = Mapping[Identifier, Evidence]
"""The links in the partition of one identifier, by the other identifier."""


@dataclass(frozen=True, slots=True)
class LinkDifferences:
    """How the partition of an identifier differs from the log.

    `missing` are links of events that have no row there, and `orphaned` are links with a row that no event made.
    """

    organization_id: str
    missing: Mapping[Pair, Evidence] = field(default_factory=dict)
    orphaned: frozenset[Pair] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.missing or self.orphaned)


class LinkRepair:
    """Repairs links, and remembers which it removed. May be used by several threads."""

    def __init__(self, store: LinkStore, log: EventLog) -> None:
        self._store, self._log, self._lock = store, log, Lock()
        self.removed: set[tuple[str, Pair]] = set()
        """Organization and identifiers of the links that were removed."""

    def compare(self, organization_id: str, identifier: Identifier, made: Rows, stored: Rows) -> LinkDifferences:
        """Compares the rows of an identifier with the links that a scan of the log found.

        A row of an event that was stored after the scan is correct: its event is looked up.
        """
        unexplained = {other: evidence for other, evidence in stored.items() if other not in made}
        explained = self._explained(organization_id, identifier, unexplained)
        return LinkDifferences(
            organization_id,
            {pair(identifier, other): evidence for other, evidence in made.items() if other not in stored},
            frozenset(pair(identifier, other) for other in unexplained.keys() - explained),
        )

    def repair(self, differences: LinkDifferences) -> None:
        """Restores the missing links and removes the orphaned ones. Call `complete` after the last one."""
        if differences.missing:
            self._store.put(differences.organization_id, differences.missing)
        if differences.orphaned:
            with self._lock:
                self.removed |= {(differences.organization_id, one) for one in differences.orphaned}
            self._store.delete(differences.organization_id, differences.orphaned)

    def complete(self, organization_id: str, events: Sequence[StoredEvent]) -> int:
        """Restores removed links that these events made. Returns how many.

        Call it with every event of the log, in a scan that starts after the last link was removed.
        """
        made = {one: evidence for one, evidence in made_by(events).items() if (organization_id, one) in self.removed}
        if made:
            self._store.put(organization_id, made)
        return len(made)

    def _explained(self, organization_id: str, identifier: Identifier, rows: Rows) -> frozenset[Identifier]:
        """Those of the other identifiers whose row names an event of the log that made the link."""
        if not rows:
            return frozenset()
        event_keys = {
            other: keys.event(organization_id, evidence.configuration_id, evidence.event_id)
            for other, evidence in rows.items()
        }
        events = self._log.get_all(sorted(set(event_keys.values())))
        return frozenset(
            other
            for other, event_key in event_keys.items()
            if event_key in events and _makes(events[event_key], pair(identifier, other))
        )


def _makes(stored: StoredEvent, both: Pair) -> bool:
    return both in made_by([stored])


def rows_made_by(links: Mapping[Pair, Evidence]) -> dict[Identifier, dict[Identifier, Evidence]]:
    """The rows that links have in the partition of each identifier."""
    rows: dict[Identifier, dict[Identifier, Evidence]] = {}
    for (first, second), evidence in links.items():
        rows.setdefault(first, {})[second] = evidence
        rows.setdefault(second, {})[first] = evidence
    return rows
