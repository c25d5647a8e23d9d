"""Resolves the persons of a view: which identifiers' events are counted as those of one person. Numpy only.

The rules are those of `journeys.identity.resolve`, whose `persons` is the reference for this module. Identifiers are
given by the hashes of the archive.

Method. Identifiers get numbers, and each link is a pair of numbers. Links that do not count are dropped: those that
somebody cut, those whose sources may not link, and those of identifiers that have stopped linking. Components are found
by hooking: each component's root, its least number, is hooked to the least root that a link connects it with, and
pointers jump until each identifier points to its root. A round at least halves the number of components that are still
connected, so long chains take few rounds.

Cost. O(n log n) to number the identifiers of n links, and O(n) per round. About 150 bytes per link at the peak.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from journeys.archive.columns import BUCKET_BITS, BUCKETS
from journeys.archive.links import LinkArrays
from journeys.identity.resolve import GUARDS, MAX_ROWS, Guards
from journeys.views.computation.portions import Booleans, Integers, changes


@dataclass(frozen=True, slots=True)
class DecisionArrays:
    """What people decided about links, as parallel arrays: the hashes of both identifiers, and whether they are linked.

    A decision to link two identifiers whose sources or values may not link counts as one to cut their link. Two
    decisions are never about the same link.
    """

    one: Integers
    other: Integers
    linked: Booleans

    @classmethod
    def of(cls, decisions: Sequence[tuple[int, int, bool]]) -> "DecisionArrays":
        one, other, linked = zip(*decisions, strict=True) if decisions else ((), (), ())
        return cls(np.array(one, np.int64), np.array(other, np.int64), np.array(linked, np.bool_))


@dataclass(frozen=True, slots=True)
class Persons:
    """The persons with at least two identifiers, as parallel arrays sorted by the identifiers' hashes.

    `persons` has the hash that stands for the person of each identifier: that of one of the person's identifiers.
    """

    identifiers: Integers
    persons: Integers

    def __len__(self) -> int:
        return len(self.identifiers)

    def buckets(self, first: int, last: int) -> list[int]:
        """The buckets that have identifiers of the persons whose hashes are from `first` to `last`."""
        identifiers = self.identifiers[(self.persons >= first) & (self.persons <= last)]
        buckets: list[int] = np.unique((identifiers >> (64 - BUCKET_BITS)) + BUCKETS // 2).tolist()
        return buckets

    def of(self, hashes: Integers) -> tuple[Integers, Booleans]:
        """The person of each of these identifiers, and whether the person has several. Alone, it stands for itself.

        Equal hashes should follow each other, because each run of them is searched once.
        """
        if not len(hashes) or not len(self):
            return hashes, np.zeros(len(hashes), np.bool_)
        starts = np.flatnonzero(changes(hashes))
        lengths = np.diff(starts, append=len(hashes))
        found = hashes[starts]
        indexes = np.minimum(np.searchsorted(self.identifiers, found), len(self) - 1)
        has_several = self.identifiers[indexes] == found
        persons = np.where(has_several, self.persons[indexes], found)
        return np.repeat(persons, lengths), np.repeat(has_several, lengths)


def resolve(links: LinkArrays, decisions: DecisionArrays, guards: Guards = GUARDS) -> Persons:
    """The persons of a set of links."""
    made = len(links.one)
    hashes, numbers = _numbered(np.concatenate((links.one, decisions.one, links.other, decisions.other)))
    one, other = np.split(numbers, 2)
    rows = np.bincount(numbers, minlength=len(hashes))
    counts = np.concatenate((links.may_link, decisions.linked))
    counts[:made] &= ~_is_among(one[:made], other[:made], one[made:], other[made:], len(hashes))
    one, other = one[counts], other[counts]
    listed = np.bincount(one, minlength=len(hashes)) + np.bincount(other, minlength=len(hashes))
    has_stopped = (listed > guards.links) | (rows > MAX_ROWS)
    counts = ~(has_stopped[one] | has_stopped[other])
    roots = _roots(one[counts], other[counts], len(hashes))
    sizes = np.bincount(roots, minlength=len(hashes))[roots]
    joined = np.flatnonzero((sizes > 1) & (sizes <= guards.identifiers))
    return Persons(hashes[joined], _representatives(hashes, roots)[roots[joined]])


def _numbered(hashes: Integers) -> tuple[Integers, Integers]:
    """The different hashes in order, and the index of each given hash among them."""
    order = np.argsort(hashes, kind="stable")
    in_order = hashes[order]
    starts = changes(in_order)
    numbers = np.empty(len(hashes), np.int64)
    numbers[order] = np.cumsum(starts) - 1
    return in_order[starts], numbers


def _is_among(one: Integers, other: Integers, some: Integers, others: Integers, count: int) -> Booleans:
    """Whether each link of the first pair of arrays is one of the second pair. `count` is more than every number."""
    if not len(some):
        return np.zeros(len(one), np.bool_)
    links = np.minimum(one, other) * count + np.maximum(one, other)
    known = np.minimum(some, others) * count + np.maximum(some, others)
    return np.isin(links, known)


def _roots(one: Integers, other: Integers, count: int) -> Integers:
    """For each of `count` numbers, the least number of its component."""
    roots = np.arange(count)
    while True:
        ends, other_ends = roots[one], roots[other]
        open_ = ends != other_ends
        if not open_.any():
            return roots
        one, other, ends, other_ends = one[open_], other[open_], ends[open_], other_ends[open_]
        np.minimum.at(roots, np.maximum(ends, other_ends), np.minimum(ends, other_ends))
        while not np.array_equal(roots, jumped := roots[roots]):
            roots = jumped


def _representatives(hashes: Integers, roots: Integers) -> Integers:
    """For each root, the hash that stands for its component: the least one, by all bits but those of the bucket.

    So persons are spread over the buckets evenly, whatever the number of their identifiers. Least by all bits, most
    persons of many identifiers would be in the first bucket.
    """
    turned = _turned(hashes.view(np.uint64), BUCKET_BITS)
    least = np.full(len(hashes), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, roots, turned)
    representatives: Integers = _turned(least, 64 - BUCKET_BITS).view(np.int64)
    return representatives


def _turned(hashes: NDArray[np.uint64], bits: int) -> NDArray[Any]:
    """The hashes with their highest bits moved to the other end."""
    return (hashes << np.uint64(bits)) | (hashes >> np.uint64(64 - bits))
