"""The customers behind the figures of a view: for each figure the exact number, and those with the least hashes.

A figure is a state at an element, a link, or a group of a chart, which its metrics of the same element share. The
participants of an element are the union of its four states. A list is in the order of the hashes and has the least of
them, so it does not depend on how the customers were divided: lists merge to the least of their union.

Bounds. A list has at most `MAX_LISTED` customers. The lists of elements and links together have at most `MAX_TOGETHER`,
and so have those of the groups of all charts, divided equally; each list has at least one. The bound of the groups
falls as their number grows, so that of a part is at least that of the whole, and merging stays exact.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from journeys.views.computation.portions import Integers

if TYPE_CHECKING:
    from journeys.views.computation.partial_result import Group

MAX_LISTED = 1_000
"""Customers in a list."""

MAX_TOGETHER = 200_000
"""Customers in all lists of elements and links together, and in those of all groups together."""

STATES = 4
"""Lists of an element: one for each `State` except ABSENT, in the order of their codes, which begin with 1."""

Names = Mapping[int, tuple[str, ...]]
"""The identifiers of listed customers by hash: journey keys without the organization, in a fixed order."""


def bound(figures: int) -> int:
    """The most customers that each list can have, if there are that many figures."""
    return max(1, min(MAX_LISTED, MAX_TOGETHER // max(figures, 1)))


@dataclass(frozen=True, slots=True)
class Listed:
    """The customers of one figure: their number, and the least of their hashes in order."""

    total: int
    hashes: Integers

    def merged(self, other: "Listed", most: int) -> "Listed":
        """The customers of both, which have no customer in common."""
        return Listed(self.total + other.total, np.sort(np.concatenate((self.hashes, other.hashes)))[:most])

    def at_most(self, most: int) -> "Listed":
        return self if len(self.hashes) <= most else Listed(self.total, self.hashes[:most].copy())

    def to_values(self) -> list[Any]:
        """JSON values."""
        return [self.total, _text(self.hashes)]

    @classmethod
    def from_values(cls, values: Sequence[Any]) -> "Listed":
        return cls(values[0], _hashes(values[1]))


Groups = Mapping["Group", Listed]


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """The lists of some customers, in the order of the plan.

    `elements` has four lists per element and `links` one per link. `charts` has, for each chart, the lists of its
    groups by the index of the element that they group. `names` is empty until the names are looked up.
    """

    elements: tuple[tuple[Listed, ...], ...]
    links: tuple[Listed, ...]
    charts: tuple[Mapping[int, Groups], ...] = ()
    names: Names = field(default_factory=dict)

    @classmethod
    def of(
        cls, customers: Integers, states: Sequence[NDArray[np.uint8]], linked: Sequence[NDArray[np.int64]]
    ) -> "Lists":
        """The lists of customers with these hashes, in order.

        `states` has, for each element, the `State` of each customer. `linked` has, for each link, the positions of its
        customers, ascending.
        """
        most = bound(len(states) * STATES + len(linked))
        return cls(
            tuple(
                tuple(_listed(customers, np.flatnonzero(one == code), most) for code in range(1, STATES + 1))
                for one in states
            ),
            tuple(_listed(customers, positions, most) for positions in linked),
        )

    @classmethod
    def empty(cls, elements: int, links: int) -> "Lists":
        nobody = Listed(0, np.zeros(0, np.int64))
        return cls(((nobody,) * STATES,) * elements, (nobody,) * links)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lists) and self.to_values() == other.to_values()

    __hash__ = None  # type: ignore[assignment]  # An object that compares by content cannot be hashed.

    def __add__(self, other: "Lists") -> "Lists":
        """The lists of different customers, merged."""
        return Lists(
            tuple(
                tuple(one.merged(two, self.most) for one, two in zip(some, others, strict=True))
                for some, others in zip(self.elements, other.elements, strict=True)
            ),
            tuple(one.merged(two, self.most) for one, two in zip(self.links, other.links, strict=True)),
            _merged_charts(self.charts, other.charts),
            {**self.names, **other.names},
        )

    @property
    def most(self) -> int:
        """The most customers of a list of an element or a link."""
        return bound(len(self.elements) * STATES + len(self.links))

    @property
    def most_per_group(self) -> int:
        """The most customers of a list of a group."""
        return _most_per_group(self.charts)

    def participants(self, element: int) -> Listed:
        """The customers of an element in any state."""
        return reduce(lambda one, other: one.merged(other, self.most), self.elements[element])

    def hashes(self) -> Integers:
        """The hashes of all listed customers, each once, in order."""
        groups = (listed for chart in self.charts for lists in chart.values() for listed in lists.values())
        elements = (listed for lists in self.elements for listed in lists)
        return np.unique(np.concatenate([listed.hashes for listed in (*elements, *self.links, *groups)]))

    def with_charts(self, charts: Sequence[Mapping[int, Groups]]) -> "Lists":
        """These lists and those of the groups of all charts."""
        most = _most_per_group(charts)
        return replace(
            self,
            charts=tuple(
                {
                    element: {group: listed.at_most(most) for group, listed in lists.items()}
                    for element, lists in chart.items()
                }
                for chart in charts
            ),
        )

    def with_names(self, names: Names) -> "Lists":
        return replace(self, names=names)

    def to_values(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "elements": [[listed.to_values() for listed in lists] for lists in self.elements],
            "links": [listed.to_values() for listed in self.links],
            "charts": [
                [
                    [element, [[list(group), *listed.to_values()] for group, listed in lists.items()]]
                    for element, lists in chart.items()
                ]
                for chart in self.charts
            ],
            "names": [_text(np.array(list(self.names), np.int64)), [list(names) for names in self.names.values()]],
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any] | None) -> "Lists | None":
        """The lists of a partial result; None if an earlier version computed it, which had none."""
        if values is None:
            return None
        hashes, names = values["names"]
        return cls(
            tuple(tuple(map(Listed.from_values, lists)) for lists in values["elements"]),
            tuple(map(Listed.from_values, values["links"])),
            tuple(
                {
                    element: {tuple(group): Listed.from_values(listed) for group, *listed in lists}
                    for element, lists in chart
                }
                for chart in values["charts"]
            ),
            dict(zip(_hashes(hashes).tolist(), map(tuple, names), strict=True)),
        )


def _listed(customers: Integers, positions: NDArray[np.int64], most: int) -> Listed:
    return Listed(len(positions), customers[positions[:most]])


def _most_per_group(charts: Iterable[Mapping[int, Groups]]) -> int:
    return bound(sum(len(lists) for chart in charts for lists in chart.values()))


def _merged_charts(
    some: Sequence[Mapping[int, Groups]], others: Sequence[Mapping[int, Groups]]
) -> tuple[Mapping[int, Groups], ...]:
    """The lists of the groups of both. Groups are merged one by one, then all are cut to their new bound."""
    merged = [{element: dict(lists) for element, lists in chart.items()} for chart in some]
    for chart, other in zip(merged, others, strict=True):
        for element, lists in other.items():
            own = chart[element]
            for group, listed in lists.items():
                own[group] = own[group].merged(listed, MAX_LISTED) if group in own else listed
    most = _most_per_group(merged)
    for chart in merged:
        for lists_ in chart.values():
            for group, listed in lists_.items():
                lists_[group] = listed.at_most(most)
    return tuple(merged)


def _text(hashes: NDArray[np.int64]) -> str:
    """Hashes as a JSON text, which takes about half as many characters as numbers do."""
    return base64.b64encode(hashes.astype("<i8").tobytes()).decode()


def _hashes(text: str) -> Integers:
    return np.frombuffer(base64.b64decode(text), "<i8").astype(np.int64)
