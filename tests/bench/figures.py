"""What a benchmark answers: figures, each with its target and with what it was measured under."""

import os
from dataclasses import dataclass, field
from typing import Any

AT_MOST, AT_LEAST = "<=", ">="


@dataclass(frozen=True)
class Figure:
    """One measured figure. Without a target it is there to be read beside the others."""

    benchmark: str
    name: str
    measured: float
    unit: str = ""
    target: float | None = None
    sense: str = AT_MOST
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.measured <= self.target if self.sense == AT_MOST else self.measured >= self.target

    def to_values(self) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark,
            "name": self.name,
            "measured": round(self.measured, 4),
            "unit": self.unit,
            "target": None if self.target is None else f"{self.sense} {self.target}",
            "met": self.met,
            "parameters": self.parameters,
        }


class NotHere(Exception):
    """A benchmark that needs something this machine does not have; the message says what."""


def dynamodb_local() -> str:
    """Where AWS's DynamoDB Local answers. Raises NotHere."""
    endpoint_url = os.environ.get("DYNAMODB_LOCAL_URL")
    if not endpoint_url:
        raise NotHere("DYNAMODB_LOCAL_URL is not set; docs/testing.md says how to start DynamoDB Local")
    return endpoint_url
