"""Why events are refused: every reason, with its HTTP status and whether the sender should retry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from journeys.errors import Detail
from journeys.messages import join_messages


class RefusalStatus(NamedTuple):
    """How a reason is reported to the sender."""

    status: int
    retryable: bool = False


REASONS = {
    "invalid.event": RefusalStatus(400),
    "missing.date": RefusalStatus(400),
    "invalid.date": RefusalStatus(400),
    "date.in.future": RefusalStatus(400),
    "missing.identifier": RefusalStatus(400),
    "invalid.identifier": RefusalStatus(400),
    "missing.id": RefusalStatus(400),
    "invalid.id": RefusalStatus(400),
    "event.too.large": RefusalStatus(422),
    "too.many.attributes": RefusalStatus(422),
    "unknown.attribute": RefusalStatus(422),
    "missing.attribute": RefusalStatus(422),
    "invalid.attribute": RefusalStatus(422),
    "event.conflict": RefusalStatus(409),
    "too.many.requests": RefusalStatus(429, retryable=True),
    "service.unavailable": RefusalStatus(503, retryable=True),
    "internal.error": RefusalStatus(500),  # A retry fails again. The event is stored as a failure, to be replayed.
}

SCHEMA_REASONS = frozenset({"unknown.attribute", "missing.attribute", "invalid.attribute"})
"""The reasons that depend on the schema. They can be wrong if the cached schema is out of date."""


@dataclass(frozen=True, slots=True)
class EventProblem:
    """One rule that an event breaks. The message never contains a value that the sender sent."""

    reason: str
    message: str
    field_name: str | None = None


class InvalidEvent(Exception):
    """An event breaks one or more rules."""

    def __init__(self, *problems: EventProblem) -> None:
        super().__init__(", ".join(problem.reason for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Refusal:
    """One event that was not stored.

    `reason` and `field_name` are those of the first problem. `message` describes up to ten problems. `problems` is
    empty if there is only one. `differing` lists the fields in which a conflicting event differs from the stored one.
    """

    reason: str
    message: str
    field_name: str | None = None
    differing: tuple[str, ...] = ()
    problems: tuple[EventProblem, ...] = ()

    @classmethod
    def of(cls, problems: Sequence[EventProblem]) -> "Refusal":
        """The refusal of an event that breaks these rules."""
        first = problems[0]
        message = join_messages([problem.message for problem in problems])
        return cls(first.reason, message, first.field_name, problems=tuple(problems) if len(problems) > 1 else ())

    @property
    def status(self) -> int:
        return REASONS[self.reason].status

    @property
    def retryable(self) -> bool:
        return REASONS[self.reason].retryable

    @property
    def depends_on_schema(self) -> bool:
        """Whether a newer version of the schema could change this refusal."""
        return self.reason in SCHEMA_REASONS or any(problem.reason in SCHEMA_REASONS for problem in self.problems)

    def details(self) -> list[Detail]:
        """The error code and field of every problem, if there are several."""
        return [Detail(problem.reason, problem.field_name or "") for problem in self.problems]
