"""What every sender is asked: is this yours, does it want a handshake, which events does it hold."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jiter

from journeys import jsontext
from journeys.errors import BadRequest, Detail
from journeys.webhooks.delivery import Answer, Delivery, Unreadable

EVENT_DEPTH = 2
"""How much deeper than in its delivery a value may lie in an event."""

Options = Mapping[str, Any]
Secrets = Sequence[str]
"""The current secret, and the previous one while it still holds."""


class Sender(ABC):
    """One kind of SaaS tool. To add one, write its module and name it in `registry.py`; nothing else changes."""

    name: ClassVar[str]
    preset: ClassVar[Mapping[str, Any]]
    """The mapping that suits the sender's usual payload; see `mapping.py`."""

    options: ClassVar[Mapping[str, Sequence[str] | None]] = {}
    """The options that an endpoint may set: the texts that each may be, or None where any will do."""

    required_options: ClassVar[frozenset[str]] = frozenset()

    def greeting(self, delivery: Delivery) -> Answer | None:
        """The answer to a handshake that is answered without proof, or None."""
        return None

    @abstractmethod
    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        """Raises NotProven unless the delivery was made with one of the secrets."""

    def handshake(self, delivery: Delivery) -> Answer | None:
        """The answer to a proven delivery that is no event, or None."""
        return None

    def payloads(self, delivery: Delivery) -> list[Any]:
        """What one delivery's events are made of, one each. Raises Unreadable."""
        payload = read_json(delivery.body)
        return payload if isinstance(payload, list) else [payload]

    def acknowledge(self) -> Answer | None:
        """What the sender wants to hear when all is well, where that is not our usual answer."""
        return None

    def check_options(self, options: Options) -> None:
        """Raises BadRequest for options that this sender does not have, or lacks."""
        problems = [
            Detail("unknown.option" if name not in self.options else "invalid.option", f"options.{name}")
            for name, value in options.items()
            if name not in self.options
            or not isinstance(value, str)
            or not value
            or value not in (self.options[name] or (value,))
        ] + [Detail("missing.option", f"options.{name}") for name in sorted(self.required_options - options.keys())]
        if problems:
            raise BadRequest(
                "These options do not suit the sender: "
                + ", ".join(f"{problem.field_name} ({problem.error_code})" for problem in problems)
                + f". It has {', '.join(sorted(self.options)) or 'none'}.",
                code="invalid.options",
                details=problems,
            )


def read_json(body: bytes) -> Any:
    """A sender's JSON; fractions become floats, as the mapping's language wants them. Raises Unreadable."""
    try:
        value = jiter.from_json(body, allow_inf_nan=False, float_mode="float")
    except ValueError as error:
        raise Unreadable(f"The delivery is not JSON: {error}.") from None
    if not _keepable(value, jsontext.MAX_DEPTH - EVENT_DEPTH):
        raise Unreadable("The delivery is nested too deeply, or has a number that is out of range.")
    return value


def _keepable(value: Any, depth: int) -> bool:
    """Whether a value can be written, and read again, as JSON: failures are."""
    if isinstance(value, float):
        return math.isfinite(value)  # 1e999 is read as infinity
    if isinstance(value, dict | list):
        return depth > 0 and all(
            _keepable(one, depth - 1) for one in (value.values() if isinstance(value, dict) else value)
        )
    return True


def bearer(secret: str) -> str:
    return f"Bearer {secret}"
