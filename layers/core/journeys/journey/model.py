"""A customer's journey: its steps in order, and the summary that is kept of them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from journeys import dates, keys


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One event's place in a journey. `key` is its sort key, and the order of keys is the order of events."""

    key: str
    slot: str = field(compare=False)

    @property
    def date(self) -> int:
        """When the event happened, in milliseconds."""
        return dates.parse(self.key[:24])

    @property
    def event_name(self) -> tuple[str, str]:
        """The configuration and the id of the event."""
        _, configuration_id, event_id = keys.split(self.key)
        return configuration_id, event_id


def step(date_created: int, configuration_id: str, event_id: str, slot: str) -> Step:
    """The step of an event; `date_created` is in milliseconds."""
    return Step(keys.step(dates.text(date_created), configuration_id, event_id), slot)


@dataclass(frozen=True, slots=True)
class Span:
    """How many events there were, and the dates of the first and the last in milliseconds."""

    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Journey:
    """What is known of all the steps of a journey; a function of the set of them.

    `types` goes by slot; `transitions` counts, for two slots one after the other ("ab"), how often an event of the
    second directly follows one of the first.
    """

    count: int = 0
    first: Step | None = None
    last: Step | None = None
    types: Mapping[str, Span] = field(default_factory=dict)
    transitions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """A journey as it is stored: its version, and the steps that are counted and may have no row yet.

    `generation` says which rows are the journey's: those beside the summary, or those of a rebuild.
    """

    journey: Journey = field(default_factory=Journey)
    version: int = 0
    pending: tuple[Step, ...] = ()
    generation: str = ""


def new_generation(now_ms: int) -> str:
    """A name that no generation had before, and that says when it was begun."""
    return f"{now_ms:012x}{secrets.token_hex(4)}"


def begun(generation: str) -> int:
    """When a generation was begun, in milliseconds; 0 for the first one."""
    return int(generation[:12], 16) if generation else 0
