"""The results of a benchmark: figures with their targets and conditions."""

import os
from dataclasses import dataclass, field
from typing import Any

AT_MOST, AT_LEAST = "<=", ">="


@dataclass(frozen=True)
class Figure:
    """One measured figure. A figure without a target is for information."""

    benchmark: str
    name: str
    measured: float
    unit: str = ""
    target: float | None = None
    sense: str = AT_MOST
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
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
    """The machine lacks something that a benchmark needs. The message names it."""


def dynamodb_local() -> str:
    """The address of DynamoDB Local. Raises NotHere."""
    endpoint_url = os.environ.get("DYNAMODB_LOCAL_URL")
    if not endpoint_url:
        raise NotHere("DYNAMODB_LOCAL_URL is not set; docs/testing.md says how to start DynamoDB Local")
    return endpoint_url
