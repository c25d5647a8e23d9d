"""Divides the events of many customers into portions that links are evaluated over.

A portion has all events of its customers. The keys of `links` can number its customers, or its conversations, within
the bits that the dates leave; usually there is one portion.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Numbers = NDArray[np.uint64]

MAX_KEY_BITS = 62
"""Bits of a key. An int64 has 63 without its sign; the spare bit allows a window to end after the last customer."""

KEY_BITS = MAX_KEY_BITS
"""Bits of a key that a portion may use, unless one customer alone needs more."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Events that are sorted by customer, as parallel arrays; at least one event.

    `hashes` identify customers, `dates` are milliseconds since 1970, and `marks` have bit i set if the event matches
    the element with index i. `conversations` identify the customer's conversations, 0 for none; None if no link joins
    by them. `rows` are the positions of the events among those that were divided.
    """

    hashes: Integers
    dates: Integers
    marks: NDArray[Any]
    conversations: Numbers | None
    rows: Integers


def portions(
    hashes: Integers, dates: Integers, marks: NDArray[Any], conversations: Numbers | None
) -> Iterator[Portion]:
    """The portions of events in any order; all events of a customer must be among them."""
    if not len(hashes):
        return
    order = np.arange(len(hashes))
    if not is_sorted(hashes):
        order = np.argsort(hashes, kind="stable")
        hashes, dates, marks = hashes[order], dates[order], marks[order]
        conversations = None if conversations is None else conversations[order]
    for rows in divide(hashes, dates, by_event=conversations is not None):
        some = None if conversations is None else conversations[rows]
        yield Portion(hashes[rows], dates[rows], marks[rows], some, order[rows])


def divide(hashes: Integers, dates: Integers, *, by_event: bool) -> Iterator[slice]:
    """Slices of the sorted events, each with as many customers as the keys can number.

    With `by_event`, keys must be able to number each of a slice's events. A slice has at least one customer.
    """
    first_rows = np.flatnonzero(changes(hashes))
    limit = 1 << max(KEY_BITS - date_bits(dates), 0)
    if by_event:
        bounds = _bounds(np.append(first_rows, len(hashes)), limit)
    else:
        bounds = [*first_rows[::limit].tolist(), len(hashes)]
    yield from (slice(first, end) for first, end in pairwise(bounds))


def _bounds(rows: Integers, limit: int) -> list[int]:
    """Some of these ascending rows, among them the first and the last, at most `limit` apart wherever possible."""
    indexes = [0]
    while indexes[-1] < len(rows) - 1:
        farthest = int(np.searchsorted(rows, rows[indexes[-1]] + limit, side="right")) - 1
        indexes.append(max(farthest, indexes[-1] + 1))
    return [int(rows[index]) for index in indexes]


def date_bits(dates: Integers) -> int:
    """The number of bits that hold every date's distance from the first date, in milliseconds."""
    return max(int(dates.max() - dates.min()).bit_length(), 1)


def changes(values: NDArray[Any]) -> Booleans:
    """For each value, whether it differs from the one before; true for the first."""
    changed = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=changed[1:])
    return changed


def is_sorted(values: NDArray[Any]) -> bool:
    """Whether no value is less than the one before."""
    return bool(np.all(values[1:] >= values[:-1]))


def in_original_order(values: NDArray[Any], order: Integers | None) -> NDArray[Any]:
    """Undo `values = original[order]`; None means that the order did not change."""
    if order is None:
        return values
    original = np.empty_like(values)
    original[order] = values
    return original
