"""The figures of paths and their definitions, and partial results, which are the figures for some of the customers.

Definitions. The *considered* events of a customer are those in the interval that match the definition's `start` or
`end`, or have an event type that counts as a step. They are read in the order of their dates; events of the same time
in the order of their event types (`PathPlan.order`), and then those that match `start` or `end` last. With direction
Before, everything is read in the opposite order.

- A *session* ends where the next considered event is more than `sessionGap` away. Without it, a customer has one.
- With `collapseRepeats`, consecutive considered events of one type in a session are one event. It matches `start` or
  `end` if one of them does.
- Every event that matches `start` begins a *path*, so a customer can have several, and they can overlap. A path goes on
  with the events that follow in the session, and has at most `steps` steps beside its start.
- With `end`, a path *ends* with the first event after its start that matches `end`. Paths that do not reach one within
  their steps and their session do not count.
- A path *drops off* at the last event of a session, if that comes before the path has all its steps.

Figures. A step of the result stands for the paths that begin with the same event types. It has the number of these
paths (`eventCount`, because each has its own start event) and of the customers who have one of them (`customerCount`).
The paths at a step either go on with one of the steps below it, or with *others*, which are the steps that the result
does not show, or dropped off, or ended there. After the last step, all paths that go on count as others.

At each level, the result shows the `mostPerLevel` greatest of the steps that continue a shown step of the level
before: by customers, then by paths, then by the order of the event types.

A partial result has two tallies. Both have rows of a path, a value and a count:

- `customers`: how many customers follow a path with exactly this set of continuations. Sets of continuations make
  every figure exact for any choice of steps: who belongs to others depends on which steps the result shows.
- `events`: how many paths follow a path with this continuation.

Customers are in one partial result only, so counts of equal rows add up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from journeys.errors import NotComputable
from journeys.registry.schemas.model import ALL_SLOTS
from journeys.views.computation.plan import EventType
from journeys.views.computation.portions import Integers
from journeys.views.computation.tallies import Tally
from journeys.views.paths.model import PathDefinition

SYMBOL_BITS = 6
"""Bits of a step in the code of a path. A path of 10 steps has 60, so that a code fits 64 bits."""
SYMBOL_MASK = (1 << SYMBOL_BITS) - 1

DROPPED, ENDED, ONWARD = range(len(ALL_SLOTS) + 1, len(ALL_SLOTS) + 4)
"""Continuations that are no event types: the path dropped off, ended, or goes on after its last step.

All others are numbers of event types plus 1, so that no step of a path is 0.
"""

SET_BITS = ONWARD
"""Bits of a set of continuations, at most VALUE_BITS. A continuation has the bit `continuation - 1`."""


class TooManyPaths(NotComputable):
    """The customers take more different paths than a result can be computed from."""

    code = "too.many.paths"

    def __init__(self) -> None:
        super().__init__(
            "The customers take too many different paths. Use fewer steps, fewer event types or a shorter interval."
        )


@dataclass(frozen=True, slots=True)
class PathResult:
    """The figures of some customers: those with a start event, their start events, and the tallies of their paths."""

    starting_customers: int
    start_events: int
    customers: Tally
    events: Tally

    @classmethod
    def nothing(cls) -> "PathResult":
        """The result without any customers."""
        return cls(0, 0, Tally.empty(), Tally.empty())

    def to_values(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "startingCustomers": self.starting_customers,
            "startEvents": self.start_events,
            "customers": self.customers.to_values(),
            "events": self.events.to_values(),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "PathResult":
        return cls(
            values["startingCustomers"],
            values["startEvents"],
            Tally.from_values(values["customers"]),
            Tally.from_values(values["events"]),
        )


def merge(results: Iterable[PathResult]) -> PathResult:
    """Merge at least one partial result; no customer is in two of them. Raises TooManyPaths.

    Results are added up whenever they have as many rows as the sum so far. Each row is therefore sorted a few times
    only, and no more than twice the rows of the merged result are held.
    """
    waiting: list[PathResult] = []
    for result in results:
        waiting.append(result)
        if len(waiting) > 1 and _rows(waiting[1:]) >= _rows(waiting[:1]):
            waiting = [_sum(waiting)]
    return _sum(waiting)


def _rows(results: Sequence[PathResult]) -> int:
    return sum(len(result.customers.keys) + len(result.events.keys) for result in results)


def _sum(results: Sequence[PathResult]) -> PathResult:
    return PathResult(
        sum(result.starting_customers for result in results),
        sum(result.start_events for result in results),
        Tally.concatenate([result.customers for result in results]).merged(TooManyPaths),
        Tally.concatenate([result.events for result in results]).merged(TooManyPaths),
    )


# -- the result --------------------------------------------------------------------------------------------------------


def to_result(definition: PathDefinition, types: Mapping[str, EventType], result: PathResult) -> dict[str, Any]:
    """The result of all customers for the API, without `selfUri`. `types` are event types by the id of a definition."""
    return _Tree(definition, types, result).to_result()


@dataclass(slots=True)
class _Step:
    """A shown step: the code of its path, its figures, and the shown steps below it by their symbols."""

    code: int
    symbol: int
    customers: int
    events: int
    below: dict[int, "_Step"] = field(default_factory=dict)


class _Tree:
    """The shown steps of a result."""

    def __init__(self, definition: PathDefinition, types: Mapping[str, EventType], result: PathResult) -> None:
        self._definition, self._result = definition, result
        self._types = {ALL_SLOTS.index(one.slot) + 1: {"id": id_, "name": one.name} for id_, one in types.items()}
        self._start = self._types[ALL_SLOTS.index(types[definition.start.attributes.id].slot) + 1]

    def to_result(self) -> dict[str, Any]:
        result = self._result
        root = _Step(0, 0, int(result.customers.at(0)[1].sum()), int(result.events.at(0)[1].sum()))
        level = [root]
        for _ in range(self._definition.steps):
            level = self._grow(level)
        return {
            "start": _figures(result.starting_customers, result.start_events),
            "tree": self._step_to_result(root),
            "paths": self._complete_paths(),
        }

    def _grow(self, level: Sequence[_Step]) -> list[_Step]:
        """Add the greatest steps of the next level to the shown steps of this one. Returns them."""
        found = []
        for step in level:
            sets, customers = self._result.customers.at(step.code)
            for symbol, events in zip(*(column.tolist() for column in self._result.events.at(step.code)), strict=True):
                if symbol < DROPPED:
                    count = _with_any(sets, customers, [symbol])
                    found.append((step, _Step((step.code << SYMBOL_BITS) | symbol, symbol, count, events)))
        found.sort(key=lambda pair: (-pair[1].customers, -pair[1].events, pair[1].code))
        greatest = found[: self._definition.mostPerLevel]
        for parent, step in greatest:
            parent.below[step.symbol] = step
        return [step for _, step in greatest]

    def _step_to_result(self, step: _Step) -> dict[str, Any]:
        sets, customers = self._result.customers.at(step.code)
        symbols, events = self._result.events.at(step.code)

        def figures(*which: int) -> dict[str, int]:
            return _figures(_with_any(sets, customers, which), int(events[np.isin(symbols, which)].sum()))

        others = {*symbols.tolist()} - {DROPPED, ENDED} - step.below.keys()
        return {
            "eventType": self._types[step.symbol] if step.symbol else self._start,
            **_figures(step.customers, step.events),
            "dropped": figures(DROPPED),
            "ended": figures(ENDED),
            "others": figures(*others),
            "steps": [self._step_to_result(below) for below in step.below.values()],
        }

    def _complete_paths(self) -> list[dict[str, Any]]:
        """The greatest of the paths that dropped off, ended or have all their steps."""
        done = sum(1 << (symbol - 1) for symbol in (DROPPED, ENDED, ONWARD))
        sets, events = self._result.customers, self._result.events
        has_done, is_done = sets.values & done != 0, events.values >= DROPPED
        paths, firsts = np.unique(sets.keys[has_done], return_index=True)
        if not len(paths):
            return []
        customers = np.add.reduceat(sets.counts[has_done], firsts)
        events_ = np.add.reduceat(events.counts[is_done], np.unique(events.keys[is_done], return_index=True)[1])
        greatest = np.lexsort((paths, -events_, -customers))[: self._definition.mostPerLevel]
        return [
            {
                "eventTypes": [self._types[symbol] for symbol in _symbols(int(paths[index]))],
                **_figures(int(customers[index]), int(events_[index])),
            }
            for index in greatest
        ]


def _with_any(sets: Integers, customers: Integers, symbols: Iterable[int]) -> int:
    """How many customers have at least one of these continuations."""
    wanted = sum(1 << (symbol - 1) for symbol in symbols)
    return int(customers[sets & wanted != 0].sum())


def _figures(customers: int, events: int) -> dict[str, int]:
    return {"customerCount": customers, "eventCount": events}


def _symbols(code: int) -> list[int]:
    """The steps of a path, from its start."""
    symbols = []
    while code:
        symbols.append(code & SYMBOL_MASK)
        code >>= SYMBOL_BITS
    return symbols[::-1]
