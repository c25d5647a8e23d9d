"""Why an event was not taken in: every reason, with the status and the advice that go with it."""

from dataclasses import dataclass
from typing import NamedTuple


class Answer(NamedTuple):
    """How a reason is told to the sender."""

    status: int
    retryable: bool = False


REASONS = {
    "invalid.event": Answer(400),
    "missing.date": Answer(400),
    "invalid.date": Answer(400),
    "date.in.future": Answer(400),
    "missing.identifier": Answer(400),
    "invalid.identifier": Answer(400),
    "missing.id": Answer(400),
    "invalid.id": Answer(400),
    "event.too.large": Answer(422),
    "too.many.attributes": Answer(422),
    "unknown.attribute": Answer(422),
    "missing.attribute": Answer(422),
    "invalid.attribute": Answer(422),
    "event.conflict": Answer(409),
    "too.many.requests": Answer(429, retryable=True),
    "service.unavailable": Answer(503, retryable=True),
}

SCHEMA_REASONS = frozenset({"unknown.attribute", "missing.attribute", "invalid.attribute"})
"""The reasons that rest on a schema, and so may rest on one that is out of date."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One event that was not taken in. Neither the message nor the field's name holds what the sender sent."""

    reason: str
    message: str
    field_name: str | None = None
    differing: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        return REASONS[self.reason].status

    @property
    def retryable(self) -> bool:
        return REASONS[self.reason].retryable
