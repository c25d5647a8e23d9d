"""A reference implementation of breakdowns: the reference figures of the events of each group's customers."""

from collections.abc import Mapping, Sequence
from typing import Any

from journeys.views.breakdown import Breakdown
from journeys.views.model import ViewDefinition
from tests.support.views_reference import Happened, figures, reachable_events, text_of

Group = tuple[str, str]
"""The kind of a group and the text of its value, which is empty without one."""
MISSING, NOT_REACHED, OTHERS = ("Missing", ""), ("NotReached", ""), ("Others", "")


def breakdown_of(
    view: ViewDefinition, events: Sequence[Happened], at: int, breakdown: Breakdown, shown: int
) -> list[tuple[Group, int, list[Any]]]:
    """The groups in the order of the result, with their customers and the figures of their elements.

    `events` name the person behind each customer. `shown` is the number of values that are no others.
    """
    groups: dict[Group, set[str]] = {}
    for customer, reachable in reachable_events(view, events, at).items():
        if reachable:
            groups.setdefault(group_of(view, breakdown, reachable), set()).add(customer)
    values = sorted((one for one in groups if one[0] == "Value"), key=lambda one: (-len(groups[one]), one[1]))
    for other in values[shown:]:
        groups.setdefault(OTHERS, set()).update(groups[other])
    order = [*values[:shown], *(one for one in (MISSING, NOT_REACHED, OTHERS) if one in groups)]
    return [(group, len(groups[group]), _elements(view, events, at, groups[group])) for group in order]


def group_of(view: ViewDefinition, breakdown: Breakdown, reachable: Mapping[str, Sequence[Happened]]) -> Group:
    """The group of a customer with these reachable events by element."""
    if breakdown.by is not None:
        places = [one.id for one in view.elements]
        _, _, source = min(
            (event.date, places.index(element), event.source) for element, there in reachable.items() for event in there
        )
        return "Value", source
    there = reachable.get(breakdown.elementId or "", ())
    if not there:
        return NOT_REACHED
    first = min(event.date for event in there)
    texts = [text_of(event.attributes.get(breakdown.attribute or "")) for event in there if event.date == first]
    return min((("Value", text) for text in texts if text is not None), default=MISSING)


def _elements(view: ViewDefinition, events: Sequence[Happened], at: int, customers: set[str]) -> list[Any]:
    elements: list[Any] = figures(view, [event for event in events if event.customer in customers], at)["elements"]
    for element in elements:
        for link in element["followedBy"]:
            del link["duration"]["histogram"]
    return elements
