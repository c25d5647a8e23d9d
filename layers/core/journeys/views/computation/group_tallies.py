"""The figures of groups of a view's customers as tallies, which merge exactly over batches and parts.

`breakdown` says which group each customer is in. Partial results have the figures of all groups, so that the greatest
ones and the sum of the others are exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from journeys.errors import NotComputable
from journeys.views.computation.tallies import Tally

NOT_REACHED, MISSING, FIRST_VALUE = 0, 1, 2
"""The numbers of groups: of the two without a value, and of the first value. Others follow in the order of texts."""

MAX_CHARACTERS = 50_000_000
"""Characters that all values of a breakdown can have together."""


class TooManyValues(NotComputable):
    """The attribute has more values than a breakdown can be computed from."""

    code = "too.many.values"

    def __init__(self) -> None:
        super().__init__(
            "The attribute has too many different values. Break down by an attribute with fewer values, shorten the "
            "interval, or use fewer elements."
        )


@dataclass(frozen=True, slots=True)
class GroupTallies:
    """The figures of the groups of some customers. `texts` are the values, ascending; the first has FIRST_VALUE.

    The key of each row is a group. `customers` has a row per group and figure with the number of customers, and `bins`
    one per group, link and bin of durations. `totals`, `minima` and `maxima` of durations have a row per group and
    link, in milliseconds.
    """

    texts: tuple[str, ...]
    customers: Tally
    bins: Tally
    totals: Tally
    minima: Tally
    maxima: Tally

    @classmethod
    def empty(cls, texts: tuple[str, ...] = ()) -> "GroupTallies":
        return cls(texts, *(Tally.empty() for _ in _COMBINE))

    @property
    def tallies(self) -> tuple[Tally, ...]:
        return (self.customers, self.bins, self.totals, self.minima, self.maxima)

    def __add__(self, other: "GroupTallies") -> "GroupTallies":
        """The figures of both, which have different customers. Raises TooManyValues."""
        texts = self.texts if self.texts == other.texts else tuple(sorted({*self.texts, *other.texts}))
        both = zip(self._renumbered(texts).tallies, other._renumbered(texts).tallies, strict=True)
        return GroupTallies(texts, *(Tally.concatenate(pair) for pair in both)).merged()

    def merged(self) -> "GroupTallies":
        """The same figures with one row for each. Raises TooManyValues."""
        if sum(map(len, self.texts)) > MAX_CHARACTERS:
            raise TooManyValues
        merged = zip(self.tallies, _COMBINE, strict=True)
        return GroupTallies(self.texts, *(tally.merged(TooManyValues, combine) for tally, combine in merged))

    def pruned(self) -> "GroupTallies":
        """The same figures without the values of groups that have no customers."""
        used = np.unique(self.customers.keys[self.customers.keys >= FIRST_VALUE]) - FIRST_VALUE
        return self._renumbered(tuple(self.texts[number] for number in used))

    def _renumbered(self, texts: tuple[str, ...]) -> "GroupTallies":
        """The same figures with other texts, which have all values that are in use."""
        if texts == self.texts:
            return self
        numbers = dict(zip(texts, count(FIRST_VALUE)))
        groups = np.array([NOT_REACHED, MISSING, *(numbers.get(text, -1) for text in self.texts)], np.int64)
        return GroupTallies(texts, *(Tally(groups[one.keys], one.values, one.counts) for one in self.tallies))

    def to_values(self) -> dict[str, Any]:
        """JSON values."""
        return {"texts": list(self.texts), "tallies": [tally.to_values() for tally in self.tallies]}

    @classmethod
    def from_values(cls, values: Mapping[str, Any] | None) -> "GroupTallies | None":
        """The figures of a stored partial result; None if it has none."""
        return None if values is None else cls(tuple(values["texts"]), *map(Tally.from_values, values["tallies"]))


_COMBINE = (np.add, np.add, np.add, np.minimum, np.maximum)
"""How the figures of each tally combine."""
