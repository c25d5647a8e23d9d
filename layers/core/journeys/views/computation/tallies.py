"""Sparse tables of numbers that merge exactly over batches and parts: counts, sums, and least or greatest values."""

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from journeys.errors import NotComputable
from journeys.views.computation.portions import Integers, changes

MAX_ROWS = 2_000_000
"""Rows of a tally. Each takes 24 bytes, and merging takes four times as much for a moment."""

VALUE_BITS = 40
"""Bits that a row's value can have. Numbers of up to MAX_ROWS keys fit into an int64 with it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts, or other figures, of pairs of a key and a value. Once it is merged, it is sorted, with each pair once."""

    keys: Integers
    values: Integers
    counts: Integers

    @classmethod
    def empty(cls) -> "Tally":
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, nothing)

    @classmethod
    def concatenate(cls, tallies: Sequence["Tally"]) -> "Tally":
        """All rows of some tallies."""
        return cls(
            *(np.concatenate([getattr(tally, name) for tally in tallies]) for name in ("keys", "values", "counts"))
        )

    def merged(self, too_many: Callable[[], NotComputable], combine: np.ufunc = np.add) -> "Tally":
        """One row for each pair, sorted, with the figures of its rows combined.

        Raises what `too_many` makes if there are more than MAX_ROWS. Both sorts are stable, because rows of few batches
        are a few sorted runs.
        """
        order = np.argsort(self.keys, kind="stable")
        keys = self.keys[order]
        numbers = np.cumsum(changes(keys)) - 1
        if len(numbers) and numbers[-1] >= MAX_ROWS:
            raise too_many()
        pairs = (numbers << VALUE_BITS) | self.values[order]
        by_pair = np.argsort(pairs, kind="stable")
        firsts = np.flatnonzero(changes(pairs[by_pair]))
        if len(firsts) > MAX_ROWS:
            raise too_many()
        order = order[by_pair]
        counts = self.counts[order]
        rows = order[firsts]
        return Tally(self.keys[rows], self.values[rows], combine.reduceat(counts, firsts) if len(firsts) else counts)

    def at(self, key: int) -> tuple[Integers, Integers]:
        """The values and the counts of a key; the tally must be merged."""
        low, high = np.searchsorted(self.keys, [key, key + 1])
        return self.values[low:high], self.counts[low:high]

    def to_values(self) -> list[str]:
        """The columns as compressed texts."""
        return [
            base64.b64encode(zlib.compress(column.astype("<i8").tobytes(), 1)).decode()
            for column in (self.keys, self.values, self.counts)
        ]

    @classmethod
    def from_values(cls, values: Sequence[str]) -> "Tally":
        return cls(*(np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i8") for text in values))
