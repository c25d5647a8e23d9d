"""The capacity that calls to DynamoDB consume, as DynamoDB reports it."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journeys.aws import Item, item_size

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READS = frozenset({"GetItem", "BatchGetItem", "Query"})


@dataclass
class Cost:
    """Capacity units, the rows that were requested (found or not), and the writes that a condition refused."""

    write_units: float = 0
    read_units: float = 0
    rows_read: int = 0
    refused: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.write_units + other.write_units,
            self.read_units + other.read_units,
            self.rows_read + other.rows_read,
            self.refused + other.refused,
        )


class Meter:
    """Adds up the cost of all calls of a client. Thread-safe."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._cost, self._lock = Cost(), threading.Lock()
        self.counts_refused = False
        """Whether this DynamoDB reports the cost of refused writes. If not, it is computed from their size."""
        client.meta.events.register("before-parameter-build.dynamodb", self._before)
        client.meta.events.register("after-call.dynamodb", self._after)

    @contextmanager
    def measured(self) -> Iterator[Cost]:
        """Collects the cost of the calls in the block."""
        self._cost = cost = Cost()
        yield cost
        self._cost = Cost()

    def _before(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"
        context["journeys_request"] = params

    def _after(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        request = context["journeys_request"]
        consumed = parsed.get("ConsumedCapacity") or []
        units = sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))
        refused = parsed.get("Error", {}).get("Code") == "ConditionalCheckFailedException"
        with self._lock:
            cost = self._cost
            if model.name in _READS:
                cost.read_units += units
                cost.rows_read += _rows(model.name, request, parsed)
                return
            if refused:
                cost.refused += 1
                self.counts_refused = self.counts_refused or units > 0
                units = units or write_units(request["Item"])
            cost.write_units += units


def write_units(item: Item) -> int:
    """The write units of an item: one per kilobyte, rounded up."""
    return max(1, math.ceil(item_size(item) / 1024))


def _rows(operation: str, request: dict[str, Any], parsed: dict[str, Any]) -> int:
    match operation:
        case "GetItem":
            return 1
        case "BatchGetItem":
            return sum(len(wanted["Keys"]) for wanted in request["RequestItems"].values())
        case _:
            return max(1, int(parsed.get("ScannedCount", 0)))
