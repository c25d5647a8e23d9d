"""Groups the links of the whole log and the stored rows by identifier, in files on disk.

Little memory is needed. The survey of journeys (`journey.survey`) does the same for steps.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from zlib import crc32

from journeys import dates, keys
from journeys.identity.model import Evidence, Identifier, first_received, key, pairs
from journeys.identity.store import MAX_SOURCES, link_row

PARTS = 128
"""Files. Only one is in memory at a time: about 80,000 rows of ten million."""

Item = Mapping[str, Any]


@dataclass(slots=True)
class SurveyedIdentifier:
    """What scans of the log and of the links table found of one identifier.

    `made` are the links of events, each with the first received one, and `stored` are the rows. Both are keyed by the
    other identifier.
    """

    organization_id: str
    identifier: Identifier
    made: dict[Identifier, Evidence] = field(default_factory=dict)
    stored: dict[Identifier, Evidence] = field(default_factory=dict)

    def looks_correct(self) -> bool:
        """Whether there is a row for every link and no other one."""
        return self.made.keys() == self.stored.keys()


@dataclass(frozen=True, slots=True)
class NamedIdentifiers:
    """The identifiers that an item of the log names, and the evidence for their links."""

    organization_id: str
    identifiers: tuple[Identifier, ...]
    evidence: Evidence


def read_identifiers(item: Item) -> NamedIdentifiers:
    """The identifiers of an item of the log, of which it needs only what a survey of journeys needs.

    Raises LookupError, ValueError or TypeError if the item is no event.
    """
    organization_id, configuration_id, event_id = keys.split(item["pk"]["S"])
    return NamedIdentifiers(
        organization_id,
        tuple(
            Identifier(named["M"]["externalSourceId"]["S"], named["M"]["value"]["S"])
            for named in item["externalIds"]["L"]
        ),
        Evidence(
            dates.parse(item["dateCreated"]["S"]), configuration_id, event_id, dates.parse(item["dateReceived"]["S"])
        ),
    )


class LinkSurvey:
    """Collects pages of both tables, from several threads, and then yields the identifiers part by part.

    `folder` must be empty. `only` is the key of one identifier; the rows of others are then skipped.
    """

    def __init__(self, folder: Path, only: str | None = None) -> None:
        self._files = [(folder / f"{part:03d}").open("w+", encoding="utf-8") for part in range(PARTS)]
        self._only, self._lock = only, Lock()
        self.named_sources: dict[str, set[str]] = defaultdict(set)
        """The sources of identifiers by organization; at most MAX_SOURCES of each."""

    def close(self) -> None:
        for file in self._files:
            file.close()

    def add_event(self, named: NamedIdentifiers) -> None:
        """Adds an event of the log."""
        lines: list[tuple[str, str]] = []
        for first, second in pairs(named.identifiers):
            lines += [
                (key(named.organization_id, one), _line("M", other, named.evidence))
                for one, other in ((first, second), (second, first))
            ]
        with self._lock:
            self._write(lines)
            sources = self.named_sources[named.organization_id]
            for one in named.identifiers:
                if len(sources) < MAX_SOURCES:
                    sources.add(one.source_id)

    def add_rows(self, items: Iterable[Item]) -> None:
        """Adds items of the links table. Other items than links are skipped."""
        rows = [row for row in map(link_row, items) if row is not None]
        with self._lock:
            self._write((row.identifier_key, _line("R", row.other, row.evidence)) for row in rows)

    def parts(self) -> Iterator[list[SurveyedIdentifier]]:
        """Yields all identifiers with links, those of one file at a time."""
        for file in self._files:
            found: dict[str, SurveyedIdentifier] = {}
            file.seek(0)
            for line in file:
                identifier_key, kind, other_key, *values = line.rstrip("\n").split("\t")
                one = found.get(identifier_key)
                if one is None:
                    organization_id, source, value = keys.split(identifier_key)
                    one = found[identifier_key] = SurveyedIdentifier(organization_id, Identifier(source, value))
                other, evidence = Identifier(*keys.split(other_key)), _evidence(values)
                if kind == "M":
                    one.made[other] = first_received(evidence, one.made.get(other))
                else:
                    one.stored[other] = evidence
            yield list(found.values())

    def _write(self, lines: Iterable[tuple[str, str]]) -> None:
        for identifier_key, text in lines:
            if self._only is None or identifier_key == self._only:
                self._files[crc32(identifier_key.encode()) % PARTS].write(f"{identifier_key}\t{text}\n")


def _line(kind: str, other: Identifier, evidence: Evidence) -> str:
    event = keys.join(evidence.configuration_id, evidence.event_id)
    return f"{kind}\t{keys.join(other.source_id, other.value)}\t{evidence.date}\t{event}\t{evidence.received}"


def _evidence(values: list[str]) -> Evidence:
    date, event, received = values
    configuration_id, event_id = keys.split(event)
    return Evidence(int(date), configuration_id, event_id, int(received))
