"""The whole log beside all journeys, customer by customer: sorted into files, one of which at a time is in memory."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from zlib import crc32

from journeys import dates, keys
from journeys.journey import fold
from journeys.journey.model import Step, Summary
from journeys.journey.rebuild import is_left_over
from journeys.journey.verify import facts

PARTS = 128
"""A log of ten million events is in memory by 80,000."""

EVENT_ATTRIBUTES = ("pk", "dateCreated", "dateReceived", "externalIds", "slot")
"""What is read of an event."""

Item = Mapping[str, Any]


@dataclass(slots=True)
class Customer:
    """What two scans, one after the other, found of one customer. `received` is in milliseconds, by the step's key."""

    journey_key: str
    events: dict[str, Step] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)
    rows: dict[str, dict[str, Step]] = field(default_factory=dict)
    summary: str = ""
    generation: str = ""

    def seems_right(self) -> bool:
        """Whether there is a row for every event and no other, and the summary says what it should."""
        rows = self.rows.get(self.generation, {})
        return (
            len(rows) == len(self.events)
            and all(key in rows and rows[key].slot == one.slot for key, one in self.events.items())
            and self.summary == _digest(Summary(fold.rebuild(self.events.values())))
        )

    def under_way(self, since: int) -> frozenset[str]:
        """The events that were received from a moment on."""
        return frozenset(key for key, received in self.received.items() if received >= since)

    def left_over(self, now_ms: int) -> list[str]:
        """Generations of rows that are not the journey's, and nobody's any more."""
        return [generation for generation in self.rows if is_left_over(generation, self.generation, now_ms)]


def read_event(item: Item) -> tuple[str, Step, int]:
    """Of an item of the log: whose journey it belongs to, its step, and when it was received.

    The same as the projector makes of the whole event. Raises LookupError, ValueError or TypeError for an item of
    which no journey can be made.
    """
    organization, configuration, event = item["pk"]["S"].split("#")
    customer = item["externalIds"]["L"][0]["M"]
    source, value = customer["externalSourceId"]["S"], customer["value"]["S"]
    journey_key = f"{organization}#{keys.join(source, value)}"
    step = Step(f"{dates.text(dates.parse(item['dateCreated']['S']))}#{configuration}#{event}", item["slot"]["S"])
    if len(step.slot) != 1:
        raise ValueError("not the letter of an event type")
    if len(journey_key) > keys.LONGEST_PARTITION_KEY or len(step.key) > keys.LONGEST_SORT_KEY:
        raise ValueError("a key over DynamoDB's limit")
    return journey_key, step, dates.parse(item["dateReceived"]["S"])


class Survey:
    """Takes pages of both tables, from several threads; then gives customers, part by part. `folder` must be empty."""

    def __init__(self, folder: Path) -> None:
        self._files = [(folder / f"{part:03d}").open("w+", encoding="utf-8") for part in range(PARTS)]
        self._lock = Lock()
        self.events = 0
        self.unreadable: list[str] = []
        """Keys of items of the log of which no journey can be made."""

    def close(self) -> None:
        for file in self._files:
            file.close()

    def add_events(self, items: Iterable[Item], only: str | None = None) -> None:
        """Takes items of the log; with `only`, those of one customer."""
        lines: list[tuple[str, str]] = []
        unreadable: list[str] = []
        for item in items:
            try:
                journey_key, step, received = read_event(item)
            except (LookupError, ValueError, TypeError, AttributeError):
                unreadable.append(item["pk"]["S"])
                continue
            if only is None or journey_key == only:
                lines.append((journey_key, f"E\t{step.key}\t{step.slot}\t{received}"))
        with self._lock:
            self.events += len(lines)
            self.unreadable += unreadable
            self._write(lines)

    def add_journeys(self, rows: Iterable[tuple[str, Step | Summary]]) -> None:
        """Takes rows of the journeys' table, each with its partition."""
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
        """The customers, in as many parts as there are files."""
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
    """What stands for all that a journey says."""
    return hashlib.blake2b(repr(facts(summary.journey)).encode(), digest_size=16).hexdigest()
