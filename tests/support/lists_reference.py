"""The lists of customers that a view should have, from the customers of the reference implementation."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from journeys import keys
from journeys.archive.columns import BUCKET_BITS, customer_hash
from journeys.views.computation import lists as product
from journeys.views.computation.lists import Listed, Lists
from journeys.views.model import ViewDefinition
from tests.support.views_reference import CUSTOMERS, Happened, customers, period_of

ELEMENT_STATES = ("Completed", "Flow", "Active", "Dropout")
MASK = (1 << 64) - 1

Identifiers = Callable[[str], set[str]]
"""The identifiers of the customer that the reference gives: "source/value" each."""


def hash_of(identifier: str) -> int:
    return customer_hash(keys.journey("org", *identifier.split("/")))


def representative(identifiers: Iterable[str]) -> int:
    """The hash that stands for a person: the least one of the identifiers, by all bits but those of the bucket."""
    return min(map(hash_of, identifiers), key=lambda hash_: ((hash_ << BUCKET_BITS) | ((hash_ & MASK) >> 60)) & MASK)


def identifier(customer: str) -> set[str]:
    """The identifiers of a customer that is one identifier."""
    return {f"{CUSTOMERS}/{customer}"}


def bound(figures: int) -> int:
    """The most customers of a list, if there are that many figures: 1,000, or a share of 200,000, but at least one."""
    return max(1, min(product.MAX_LISTED, product.MAX_TOGETHER // figures))


def check(
    view: ViewDefinition,
    events: Sequence[Happened],
    at: int,
    lists: Lists | None,
    *,
    identifiers: Identifiers = identifier,
    counted: Sequence[Happened] | None = None,
) -> None:
    """Compare the lists with those of the reference: totals, the least hashes in order, and names.

    `counted` are the events with the customers that are counted instead of their identifiers.
    """
    assert lists is not None
    expected = customers(view, events if counted is None else counted, at)
    charts = {key: found for key, found in expected.items() if len(key) == 3}
    found = flat(view, lists)
    assert found.keys() == expected.keys()
    names = expected_names(view, events, at, identifiers)
    for figure, members in expected.items():
        most = bound(len(charts) if figure in charts else len(expected) - len(charts))
        by_hash = {representative(identifiers(customer)): customer for customer in members}
        assert found[figure].total == len(members), figure
        assert found[figure].hashes.tolist() == sorted(by_hash)[:most], figure
        for hash_ in found[figure].hashes.tolist():
            assert lists.names[hash_] == names(by_hash[hash_]), figure
    for number, element in enumerate(view.elements):
        union = set().union(*(expected[element.id, state] for state in ELEMENT_STATES))
        participants = lists.participants(number)
        assert participants.total == len(union)
        hashes = sorted(representative(identifiers(customer)) for customer in union)
        assert participants.hashes.tolist() == hashes[: lists.most]


def expected_names(
    view: ViewDefinition, events: Sequence[Happened], at: int, identifiers: Identifiers
) -> Callable[[str], tuple[str, ...]]:
    """The names of a customer: the identifiers that have events in the period of the view."""
    start, end = period_of(view, at)
    there = {f"{CUSTOMERS}/{event.customer}" for event in events if start <= event.date < end}
    return lambda customer: tuple(
        keys.join(*one.split("/")) for one in sorted(identifiers(customer) & there, key=lambda one: one.split("/"))
    )


def flat(view: ViewDefinition, lists: Lists) -> Mapping[Any, Listed]:
    """The lists by the figures of `customers`."""
    found: dict[Any, Listed] = {}
    links = iter(lists.links)
    for element, states in zip(view.elements, lists.elements, strict=True):
        found |= {(element.id, state): listed for state, listed in zip(ELEMENT_STATES, states, strict=True)}
        found |= {(element.id, link.id): next(links) for link in element.followedBy}
    for number, chart in enumerate(lists.charts):
        for index, groups in chart.items():
            found |= {(number, view.elements[index].id, group): listed for group, listed in groups.items()}
    return found
