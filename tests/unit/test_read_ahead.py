"""Reading, evaluating and adding up batches at the same time."""

import threading
from collections.abc import Mapping
from typing import Any

from journeys.views.computation.run import read_ahead


class Database:
    """A connection whose queries are numbers, and whose rows are the query's number."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def execute(self, query: int, _: Mapping[str, object]) -> "Database":
        self.read.append(query)
        return self

    def fetchnumpy(self) -> dict[str, Any]:
        return {"hash": self.read[-1]}


def test_the_next_batch_is_evaluated_while_the_caller_uses_a_result() -> None:
    evaluated = [threading.Event() for _ in range(3)]
    database: Any = Database()
    batches: Any = ((number, {}) for number in range(3))

    def evaluate(rows: dict[str, Any]) -> int:
        evaluated[rows["hash"]].set()
        return int(rows["hash"])

    results = read_ahead(database, batches, None, evaluate)

    assert next(results) == 0
    assert evaluated[1].wait(timeout=30)
    assert (database.read, evaluated[2].is_set()) == ([0, 1], False)  # No more than one batch waits.
    assert list(results) == [1, 2]
