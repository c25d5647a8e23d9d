"""Stores the links that new events make, and the sources of their identifiers.

Putting a row is idempotent, so order, repetition and crashes do not matter: once every event was passed to `link`
without an error, exactly the links of these events have both rows.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from journeys import dates, keys
from journeys.cache import RecentlyUsed
from journeys.events.model import StoredEvent
from journeys.identity.model import Evidence, Pair, made_by
from journeys.identity.store import LinkStore

T = TypeVar("T")

KNOWN_SECONDS = 60.0
"""How long a process remembers that a link or a source is stored."""
KNOWN_BYTES = 16 * 1024**2
"""Bytes of the links and sources that a process remembers: about 50,000."""


class Linker:
    """Adds the links of new events. A link that is stored already costs a read, and none within KNOWN_SECONDS."""

    def __init__(self, store: LinkStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._known: RecentlyUsed[bytes, float] = RecentlyUsed(KNOWN_BYTES)

    def link(self, organization_id: str, events: Sequence[StoredEvent]) -> int:
        """Stores the links and the sources of an organization's events. Returns how many links were new.

        Raises the errors of the store. After an error, call it again with the same events.
        """
        self._add_sources(organization_id, {one.source_id for event in events for one in event.event.external_ids})
        return self._add_links(organization_id, made_by(events))

    def _add_links(self, organization_id: str, links: Mapping[Pair, Evidence]) -> int:
        unknown = self._unknown({_name(organization_id, *_parts(pair)): pair for pair in links})
        if not unknown:
            return 0
        existing = self._store.existing(organization_id, unknown.values())
        new = {pair: links[pair] for pair in unknown.values() if pair not in existing}
        if new:
            self._store.put(organization_id, new)
        self._remember(unknown)
        return len(new)

    def _add_sources(self, organization_id: str, sources: Iterable[str]) -> None:
        unknown = self._unknown({_name(organization_id, source): source for source in sources})
        if unknown:
            self._store.add_sources(organization_id, unknown.values(), now_ms=dates.now_ms())
            self._remember(unknown)

    def _unknown(self, named: Mapping[bytes, T]) -> dict[bytes, T]:
        now = self._clock()

        def is_known(name: bytes) -> bool:
            seen = self._known.get(name)
            return seen is not None and now - seen < KNOWN_SECONDS

        return {name: one for name, one in named.items() if not is_known(name)}

    def _remember(self, names: Iterable[bytes]) -> None:
        now = self._clock()
        for name in names:
            self._known.put(name, now)


def _parts(pair: Pair) -> Iterable[str]:
    return (part for one in pair for part in (one.source_id, one.value))


def _name(*parts: str) -> bytes:
    """A short name for a link or a source of an organization."""
    return hashlib.blake2b(keys.join(*parts).encode(), digest_size=16).digest()
