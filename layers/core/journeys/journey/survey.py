"""Groups the whole log and all journeys by customer, in files on disk, so that little memory is needed."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from zlib import crc32

from journeys import dates, keys
from journeys.journey import fold
from journeys.journey.model import Step, Summary, check_storable
from journeys.journey.rebuild import is_obsolete
from journeys.journey.verify import facts
from journeys.stream.records import UNREADABLE

PARTS = 128
"""Files. Only one is in memory at a time: about 80,000 events of a log of ten million."""

EVENT_ATTRIBUTES = ("pk", "dateCreated", "dateReceived", "externalIds", "slot")
"""The attributes of an event that a survey needs."""

Item = Mapping[str, Any]


@dataclass(slots=True)
class Customer:
    """What a scan of the log, and then one of the journeys, found of one customer.

    `events` and `received` (dates of receipt in milliseconds) are keyed by step keys, `rows` by generation and then by
    step keys. `summary` is a digest of the summary's figures, and `generation` the journey's current generation.
    """

    journey_key: str
    events: dict[str, Step] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)
    rows: dict[str, dict[str, Step]] = field(default_factory=dict)
    summary: str = ""
    generation: str = ""

    def looks_correct(self) -> bool:
        """Whether there is exactly one row for every event, and the summary has the right figures.

        The scans are not simultaneous, so a journey that does not look correct may still be so.
        """
        rows = self.rows.get(self.generation, {})
        return (
            len(rows) == len(self.events)
            and all(key in rows and rows[key].slot == step.slot for key, step in self.events.items())
            and self.summary == _digest(Summary(fold.journey_of(self.events.values())))
        )

    def received_since(self, since: int) -> frozenset[str]:
        """The step keys of the events that were received at this time or later; `since` is in milliseconds."""
        return frozenset(key for key, received in self.received.items() if received >= since)

    def obsolete_generations(self, now_ms: int) -> list[str]:
        """The generations whose rows can be deleted."""
        return [generation for generation in self.rows if is_obsolete(generation, self.generation, now_ms)]


def read_event(item: Item) -> tuple[str, Step, int]:
    """The journey key, the step and the date of receipt (milliseconds) of an item of the log.

    It gives the same as `model.step_of` for the whole event, but needs only EVENT_ATTRIBUTES. Raises LookupError,
    ValueError or TypeError if no journey can contain the event.
    """
    organization, configuration, event = item["pk"]["S"].split("#")
    customer = item["externalIds"]["L"][0]["M"]
    source, value = customer["externalSourceId"]["S"], customer["value"]["S"]
    journey_key = f"{organization}#{keys.join(source, value)}"
    step = Step(f"{dates.text(dates.parse(item['dateCreated']['S']))}#{configuration}#{event}", item["slot"]["S"])
    check_storable(journey_key, step)
    return journey_key, step, dates.parse(item["dateReceived"]["S"])


class Survey:
    """Collects pages of both tables, from several threads, and then yields the customers part by part.

    `folder` must be empty.
    """

    def __init__(self, folder: Path) -> None:
        self._files = [(folder / f"{part:03d}").open("w+", encoding="utf-8") for part in range(PARTS)]
        self._lock = Lock()
        self.events = 0
        self.unreadable: list[str] = []
        """Keys of events in the log that no journey can contain."""

    def close(self) -> None:
        for file in self._files:
            file.close()

    def add_events(self, items: Iterable[Item], only: str | None = None) -> None:
        """Adds items of the log. `only` is the journey key of one customer; other customers are then skipped."""
        lines: list[tuple[str, str]] = []
        unreadable: list[str] = []
        for item in items:
            try:
                journey_key, step, received = read_event(item)
            except UNREADABLE:
                unreadable.append(item["pk"]["S"])
                continue
            if only is None or journey_key == only:
                lines.append((journey_key, f"E\t{step.key}\t{step.slot}\t{received}"))
        with self._lock:
            self.events += len(lines)
            self.unreadable += unreadable
            self._write(lines)

    def add_journeys(self, rows: Iterable[tuple[str, Step | Summary]]) -> None:
        """Adds rows of the journeys table, each with its partition."""
        lines: list[tuple[str, str]] = []
        for partition, row in rows:
            journey_key, generation = keys.journey_and_generation(partition)
            if isinstance(row, Step):
                lines.append((journey_key, f"R\t{row.key}\t{row.slot}\t{generation}"))
            elif not generation:
                lines.append((journey_key, f"S\t{_digest(row)}\t{row.generation}"))
        with self._lock:
            self._write(lines)

    def parts(self) -> Iterator[list[Customer]]:
        """Yields all customers, those of one file at a time."""
        for file in self._files:
            customers: dict[str, Customer] = {}
            file.seek(0)
            for line in file:
                journey_key, kind, *values = line.rstrip("\n").split("\t")
                customer = customers.get(journey_key)
                if customer is None:
                    customer = customers[journey_key] = Customer(journey_key)
                if kind == "E":
                    key, slot, received = values
                    customer.events[key] = Step(key, slot)
                    customer.received[key] = int(received)
                elif kind == "R":
                    key, slot, generation = values
                    customer.rows.setdefault(generation, {})[key] = Step(key, slot)
                else:
                    customer.summary, customer.generation = values
            yield list(customers.values())

    def _write(self, lines: Iterable[tuple[str, str]]) -> None:
        for journey_key, text in lines:
            self._files[crc32(journey_key.encode()) % PARTS].write(f"{journey_key}\t{text}\n")


def _digest(summary: Summary) -> str:
    """A digest of the figures of a journey."""
    return hashlib.blake2b(repr(facts(summary.journey)).encode(), digest_size=16).hexdigest()
