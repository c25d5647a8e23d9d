"""Why an event was not taken in: every reason, with the status and the advice that go with it."""

from dataclasses import dataclass
from typing import NamedTuple


class RefusalStatus(NamedTuple):
    """How a reason is told to the sender."""

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
