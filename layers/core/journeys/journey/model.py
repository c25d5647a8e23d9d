"""The model of a customer's journey: its steps in order, and the summary that the journeys table stores."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from journeys import dates, keys
from journeys.events.model import StoredEvent


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One event in a journey.

    `key` is the sort key of the step's row: date, configuration and event. Steps are ordered and compared by it, so
    steps of the same date have a fixed order as well. `slot` is the letter of the event type.
    """

    key: str
    slot: str = field(compare=False)

    @property
    def date(self) -> int:
        """The date of the event in milliseconds."""
        return dates.parse(self.key[:24])

    @property
    def event_ids(self) -> tuple[str, str]:
        """The ids of the configuration and of the event."""
        _, configuration_id, event_id = keys.split(self.key)
        return configuration_id, event_id


def step(date_created: int, configuration_id: str, event_id: str, slot: str) -> Step:
    """The step of an event; `date_created` is in milliseconds."""
    return Step(keys.step(dates.text(date_created), configuration_id, event_id), slot)


def step_of(stored: StoredEvent) -> tuple[str, Step]:
    """The key of the journey that a stored event belongs to, and the event's step."""
    customer = stored.event.customer
    return (
        keys.journey(stored.organization_id, customer.source_id, customer.value),
        step(stored.event.date_created, stored.configuration_id, stored.event.event_id, stored.slot),
    )


def check_storable(journey_key: str, step: Step) -> None:
    """Raises ValueError if the journeys table could not store the row of a step."""
    if len(step.slot) != 1:
        raise ValueError("the slot is not the letter of an event type")
    if len(journey_key) > keys.LONGEST_PARTITION_KEY or len(step.key) > keys.LONGEST_SORT_KEY:
        raise ValueError("a key is longer than DynamoDB allows")


@dataclass(frozen=True, slots=True)
class Span:
    """The number of events of one type, and the dates of the first and the last in milliseconds."""

    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Journey:
    """The figures of a journey. They depend only on the set of its steps; see `fold`.

    `types` is keyed by slot. `transitions` is keyed by two slots ("ab") and counts how often an event of the second
    type directly follows an event of the first.
    """

    count: int = 0
    first: Step | None = None
    last: Step | None = None
    types: Mapping[str, Span] = field(default_factory=dict)
    transitions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """A journey as the journeys table stores it.

    `version` increases with every write. `pending` lists steps that the journey counts and whose rows may not be
    stored yet; see `projection`. `generation` names the set of rows that belongs to the journey: empty for the rows in
    the summary's own partition, otherwise the rows that a rebuild stored; see `rebuild`.
    """

    journey: Journey = field(default_factory=Journey)
    version: int = 0
    pending: tuple[Step, ...] = ()
    generation: str = ""


def new_generation(now_ms: int) -> str:
    """A unique name for a generation, which contains the time when it was started."""
    return f"{now_ms:012x}{secrets.token_hex(4)}"


def generation_started(generation: str) -> int:
    """When a generation was started, in milliseconds; 0 for the first generation of a journey."""
    return int(generation[:12], 16) if generation else 0
