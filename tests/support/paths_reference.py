"""A reference implementation of paths in plain Python, written directly from the definitions of the figures.

It follows every path by itself and collects customers in sets. It shares only the model of a definition with the
product.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from journeys.registry.schemas.model import ALL_SLOTS
from journeys.views.model import EventSelection, interval, period
from journeys.views.paths.model import PathDefinition
from tests.support.views_reference import Happened, passes

DROPPED, ENDED, ONWARD = "dropped", "ended", "onward"


@dataclass(frozen=True)
class Moment:
    """A considered event: when it was, its event type, and whether it matches the start and the end."""

    date: int
    definition_id: str
    is_start: bool
    is_end: bool


@dataclass
class Node:
    """The paths that begin with the same steps: one entry per path, the customer."""

    customers: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    onward: list[str] = field(default_factory=list)


def result(definition: PathDefinition, slots: Mapping[str, str], events: Iterable[Happened], at: int) -> dict[str, Any]:
    """The result of a definition over the events as of `at`. `slots` has the letter of each event type's slot."""
    by_customer: dict[str, list[Happened]] = {}
    start, end = interval(definition.interval) if definition.interval else (at - period(definition.duration or ""), at)
    for event in events:
        if start <= event.date < end:
            by_customer.setdefault(event.customer, []).append(event)
    nodes: dict[tuple[str, ...], Node] = {(): Node()}
    complete: dict[tuple[str, ...], list[str]] = {}
    starts: list[str] = []
    for customer, own in by_customer.items():
        for session in sessions(definition, slots, own):
            for index, moment in enumerate(session):
                if moment.is_start:
                    starts.append(customer)
                    follow(definition, customer, session[index + 1 :], nodes, complete)
    return {
        "start": figures(starts),
        "tree": tree(definition, nodes, slots),
        "paths": [
            {"eventTypes": list(path), **figures(customers)}
            for path, customers in greatest(complete.items(), definition.mostPerLevel, slots)
        ],
    }


def sessions(definition: PathDefinition, slots: Mapping[str, str], events: Sequence[Happened]) -> list[list[Moment]]:
    """The considered events of a customer by session, in the order in which paths read them."""
    moments = [
        Moment(event.date, event.definition_id, matches(definition.start, event), matches(definition.end, event))
        for event in events
    ]
    types = list(slots) if definition.eventTypes is None else definition.eventTypes
    moments = [one for one in moments if one.is_start or one.is_end or one.definition_id in types]
    order = order_of(definition, slots)
    moments.sort(key=lambda one: (one.date, order.index(one.definition_id), one.is_end, one.is_start))
    if definition.direction == "Before":
        moments.reverse()
    found: list[list[Moment]] = []
    gap = period(definition.sessionGap) if definition.sessionGap else None
    for index, moment in enumerate(moments):
        if index == 0 or (gap is not None and abs(moment.date - moments[index - 1].date) > gap):
            found.append([])
        found[-1].append(moment)
    return [collapsed(session) for session in found] if definition.collapseRepeats else found


def order_of(definition: PathDefinition, slots: Mapping[str, str]) -> list[str]:
    """The event types in the order in which events of the same time are read, from the earliest."""
    if definition.eventTypes is None:
        return sorted(slots, key=lambda id_: ALL_SLOTS.index(slots[id_]))
    start, end = definition.start.attributes.id, definition.end.attributes.id if definition.end else ""
    first = start if definition.direction == "After" else end
    return sorted({*definition.eventTypes, start, end}, key=lambda id_: _rank(definition.eventTypes or [], id_, first))


def _rank(named: Sequence[str], id_: str, first: str) -> int:
    """Named ones by their place, the others before or behind them."""
    return named.index(id_) if id_ in named else -1 if id_ == first else len(named)


def collapsed(session: Sequence[Moment]) -> list[Moment]:
    runs = [list(run) for _, run in groupby(session, key=lambda one: one.definition_id)]
    return [
        Moment(run[0].date, run[0].definition_id, any(one.is_start for one in run), any(one.is_end for one in run))
        for run in runs
    ]


def matches(selection: EventSelection | None, event: Happened) -> bool:
    return selection is not None and event.definition_id == selection.attributes.id and passes(selection, event)


def follow(
    definition: PathDefinition,
    customer: str,
    rest: Sequence[Moment],
    nodes: dict[tuple[str, ...], Node],
    complete: dict[tuple[str, ...], list[str]],
) -> None:
    """Add the path of one start event, which `rest` follows."""
    path = rest[: definition.steps]
    if definition.end:
        ends = [index for index, moment in enumerate(path) if moment.is_end]
        if not ends:
            return
        path = path[: ends[0] + 1]
    ids = tuple(moment.definition_id for moment in path)
    for length in range(len(ids) + 1):
        nodes.setdefault(ids[:length], Node()).customers.append(customer)
    if definition.end:
        nodes[ids].ended.append(customer)
    elif len(rest) > len(path):
        nodes[ids].onward.append(customer)
    else:
        nodes[ids].dropped.append(customer)
    complete.setdefault(ids, []).append(customer)


def tree(definition: PathDefinition, nodes: Mapping[tuple[str, ...], Node], slots: Mapping[str, str]) -> dict[str, Any]:
    shown: set[tuple[str, ...]] = {()}
    level: list[tuple[str, ...]] = [()]
    for _ in range(definition.steps):
        below = [(path, nodes[path].customers) for path in nodes if path and path[:-1] in level]
        level = [path for path, _ in greatest(below, definition.mostPerLevel, slots)]
        shown |= set(level)

    def step(path: tuple[str, ...]) -> dict[str, Any]:
        node = nodes[path]
        below = [other for other in nodes if other and other[:-1] == path]
        hidden = [customer for other in below if other not in shown for customer in nodes[other].customers]
        return {
            "eventType": path[-1] if path else definition.start.attributes.id,
            **figures(node.customers),
            "dropped": figures(node.dropped),
            "ended": figures(node.ended),
            "others": figures(node.onward + hidden),
            "steps": [
                step(other)
                for other, _ in greatest([(one, nodes[one].customers) for one in below if one in shown], None, slots)
            ],
        }

    return step(())


def greatest(
    paths: Iterable[tuple[tuple[str, ...], list[str]]], most: int | None, slots: Mapping[str, str]
) -> list[tuple[tuple[str, ...], list[str]]]:
    """By customers, then by paths, then shorter ones first, then by the order of the slots."""

    def rank(pair: tuple[tuple[str, ...], list[str]]) -> tuple[Any, ...]:
        path, customers = pair
        return -len(set(customers)), -len(customers), len(path), [ALL_SLOTS.index(slots[one]) for one in path]

    return sorted(paths, key=rank)[:most]


def figures(customers: Sequence[str]) -> dict[str, int]:
    return {"customerCount": len(set(customers)), "eventCount": len(customers)}
