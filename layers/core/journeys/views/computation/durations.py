"""How long customers take: a mergeable histogram of durations, with exact count, minimum, maximum and average.

Durations are whole milliseconds. A bin holds the durations whose doubles share the upper 18 bits, which is sign,
exponent and 6 bits of the fraction: 64 bins per doubling. Below 128 ms each bin holds one duration. Above, the middle
of a bin differs from each of its durations by less than 1/128 of it, so a percentile has a relative error below
PERCENTILE_ERROR. Bins of different customers add, so merging loses nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

PERCENTILE_ERROR = 0.01
"""The bound of a percentile's relative error."""

MAX_BARS = 48
"""The most bars of a histogram in a result."""

_FRACTION_BITS = 6
_SHIFT = 52 - _FRACTION_BITS
BIN_BITS = 64 - _SHIFT
"""Bits of a bin's number."""


@dataclass(frozen=True, slots=True)
class Durations:
    """The durations of `count` customers in milliseconds. `bins` has the number of customers of each bin."""

    count: int = 0
    total: int = 0
    minimum: int | None = None
    maximum: int | None = None
    bins: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, durations: NDArray[np.int64]) -> "Durations":
        """The durations of some customers, one each."""
        if not len(durations):
            return cls()
        bins, counts = np.unique(bins_of(durations), return_counts=True)
        return cls(
            count=len(durations),
            total=int(durations.sum()),
            minimum=int(durations.min()),
            maximum=int(durations.max()),
            bins=dict(zip(bins.tolist(), counts.tolist(), strict=True)),
        )

    def __add__(self, other: "Durations") -> "Durations":
        return Durations(
            count=self.count + other.count,
            total=self.total + other.total,
            minimum=min((one.minimum for one in (self, other) if one.minimum is not None), default=None),
            maximum=max((one.maximum for one in (self, other) if one.maximum is not None), default=None),
            bins=dict(Counter(self.bins) + Counter(other.bins)),
        )

    def percentile(self, percent: int) -> int:
        """The smallest duration that at least `percent` of 100 customers do not exceed, within PERCENTILE_ERROR."""
        wanted, before = ceil(self.count * percent / 100), 0
        for bin_ in sorted(self.bins):
            before += self.bins[bin_]
            if before >= wanted:
                first, after = _edge(bin_), _edge(bin_ + 1)
                return min(max((first + after - 1) // 2, self.minimum or 0), self.maximum or 0)
        raise ValueError("there are no durations")

    def bars(self) -> Iterator[tuple[int, int, int]]:
        """A histogram with at most MAX_BARS bars, and one more for zero.

        Yields the first duration of each bar, the first one after it, and the number of customers.
        """
        if 0 in self.bins:
            yield 0, 1, self.bins[0]
        bins = {bin_: count for bin_, count in self.bins.items() if bin_}
        if not bins:
            return
        first, last = min(bins), max(bins)
        merged = next(bits for bits in range(_SHIFT) if (last >> bits) - (first >> bits) < MAX_BARS)
        counts = Counter[int]()
        for bin_, count in bins.items():
            counts[bin_ >> merged] += count
        for bar in range(first >> merged, (last >> merged) + 1):
            start, end = _edge(bar << merged), _edge((bar + 1) << merged)
            if start < end:  # A bar below 128 ms may hold no whole number.
                yield start, end, counts[bar]

    def to_values(self) -> list[Any]:
        """JSON values."""
        return [self.count, self.total, self.minimum, self.maximum, sorted(self.bins.items())]

    @classmethod
    def from_values(cls, values: list[Any]) -> "Durations":
        count, total, minimum, maximum, bins = values
        return cls(count, total, minimum, maximum, dict(bins))


def bins_of(durations: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bin of each duration, a number of BIN_BITS bits."""
    bins: NDArray[np.int64] = durations.astype(np.float64).view(np.int64) >> _SHIFT
    return bins


def _edge(bin_: int) -> int:
    """The first duration of a bin."""
    return ceil(np.int64(bin_ << _SHIFT).view(np.float64))
