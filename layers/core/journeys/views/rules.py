"""What a view must be to be saved, as sentences: everything that is wrong with one is told at once.

Each rule is a function that yields the problems it finds; a problem names its field by a path such as
`elements[2].filter.predicates[0].dimension`. An element whose event definition is not there has no more said of its
attributes. Messages never repeat what a view says, since values of filters may be customers'.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from journeys.errors import BadRequest, Detail
from journeys.registry.definitions import is_active
from journeys.registry.schemas.document import Field
from journeys.registry.schemas.kinds import FILTERABLE, AttributeKind
from journeys.registry.schemas.model import Schema
from journeys.response_size import response_size
from journeys.views.model import (
    MILLISECONDS,
    Aggregate,
    Chart,
    Element,
    EventCountType,
    Link,
    NumberPredicate,
    Predicate,
    Range,
    RangeValue,
    TimeConstraint,
    ViewDefinition,
    interval,
    period,
)

MAX_CHARTS = 10
MAX_BYTES = 55_000
"""A definition's size as a JSON text within a JSON text, which is how Lambda answers: so that a page of 100 views, with
what is added to each, fits into the 6 MB that it may answer with."""
LONGEST = 36_500 * MILLISECONDS["Days"]
"""The longest interval, duration and time constraint, in milliseconds: a hundred years."""

NUMBERS = frozenset({AttributeKind.INTEGER, AttributeKind.NUMBER})
_OF_AN_ATTRIBUTE = frozenset({Aggregate.MINIMUM, Aggregate.MAXIMUM, Aggregate.AVERAGE, Aggregate.SUM})
_NUMBER = re.compile(r"-?\d{1,38}(\.\d{1,38})?", re.ASCII)
_BOOLEANS = frozenset({"true", "false"})

Schemas = Mapping[str, Schema]
"""An organisation's event types by their ids, which are those of event definitions."""


class Problem(NamedTuple):
    """Something wrong with a view: a code for programs, the field's path, a sentence for people."""

    code: str
    where: str
    message: str


def check(view: ViewDefinition, schemas: Schemas) -> None:
    """Raises BadRequest with a detail for each thing that is wrong with the view."""
    found = list(problems(view, schemas))
    if found:
        raise BadRequest(
            " ".join(f"{problem.where}: {problem.message}" for problem in found[:5]),
            code="invalid.view",
            details=[Detail(problem.code, problem.where) for problem in found],
        )


def problems(view: ViewDefinition, schemas: Schemas) -> Iterator[Problem]:
    """All that is wrong with a view."""
    yield from is_of_a_size_that_can_be_kept(view)
    yield from has_one_time_frame(view)
    yield from has_elements_that_differ(view)
    for place, element in enumerate(view.elements):
        where = f"elements[{place}]"
        yield from is_of_an_active_event_definition(element, where, schemas)
        yield from filters_what_can_be_filtered(element, where, schemas)
        yield from links_lead_to_elements(element, where, view)
        yield from links_can_be_satisfied(element, where)
        yield from links_join_by_customer_alone(element, where)
    yield from has_no_cycle(view)
    yield from has_charts_that_differ(view)
    for place, chart in enumerate(view.charts):
        where = f"charts[{place}]"
        yield from measures_what_can_be_measured(chart, where, view, schemas)
        yield from groups_by_what_can_be_grouped(chart, where, view, schemas)
        yield from limits_groups_only_where_there_are_some(chart, where)


# -- the view ----------------------------------------------------------------------------------------------------------


def is_of_a_size_that_can_be_kept(view: ViewDefinition) -> Iterator[Problem]:
    """A definition has up to 55,000 bytes, written as a JSON text within a JSON text."""
    if response_size(view.to_values()) > MAX_BYTES:
        yield Problem(
            "view.too.large", "elements", f"The view is larger than {MAX_BYTES} bytes, as JSON within a JSON text."
        )


def has_one_time_frame(view: ViewDefinition) -> Iterator[Problem]:
    """A view is over an interval, or over a duration before the moment of its computation, and never over both."""
    if (view.interval is None) == (view.duration is None):
        yield Problem("interval.or.duration", "interval", "A view has either an interval or a duration.")
    if view.interval is not None:
        try:
            start, end = interval(view.interval)
        except ValueError:
            yield Problem(
                "invalid.interval",
                "interval",
                "An interval is two moments, the earlier first, such as 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z.",
            )
        else:
            if end - start > LONGEST:
                yield Problem("invalid.interval", "interval", "An interval is not longer than a hundred years.")
    if view.duration is not None:
        try:
            usable = 0 < period(view.duration) <= LONGEST
        except ValueError:
            usable = False
        if not usable:
            yield Problem(
                "invalid.duration", "duration", "A duration is such as P30D or PT12H: over zero, up to a hundred years."
            )


def has_elements_that_differ(view: ViewDefinition) -> Iterator[Problem]:
    """No two elements have one id, and no two have names that differ in case alone."""
    yield from _repeated([element.id for element in view.elements], "elements", "id")
    yield from _repeated([element.name.casefold() for element in view.elements], "elements", "name")


def has_charts_that_differ(view: ViewDefinition) -> Iterator[Problem]:
    """There are up to ten charts; no two have one id, and no two have names that differ in case alone."""
    if len(view.charts) > MAX_CHARTS:
        yield Problem("too.many.charts", "charts", f"A view has up to {MAX_CHARTS} charts.")
    yield from _repeated([chart.id for chart in view.charts], "charts", "id")
    yield from _repeated([chart.name.casefold() for chart in view.charts], "charts", "name")


def has_no_cycle(view: ViewDefinition) -> Iterator[Problem]:
    """No chain of links leads from an element back to itself."""
    links = {element.id: [link.id for link in element.followedBy] for element in view.elements}
    for place, element in enumerate(view.elements):
        for number, link in enumerate(element.followedBy):
            if element.id in _reached(link.id, links):
                where = f"elements[{place}].followedBy[{number}].id"
                yield Problem("cycle", where, "The link is part of a cycle.")


def _reached(start: str, links: Mapping[str, Iterable[str]]) -> set[str]:
    """The elements to which chains of links lead from one, itself among them."""
    reached, todo = {start}, [start]
    while todo:
        following = set(links.get(todo.pop(), ())) - reached
        reached |= following
        todo += following
    return reached


# -- elements ----------------------------------------------------------------------------------------------------------


def is_of_an_active_event_definition(element: Element, where: str, schemas: Schemas) -> Iterator[Problem]:
    """An element's events are of an event definition that is there, enabled and activated."""
    schema, where = schemas.get(element.attributes.id), f"{where}.attributes.id"
    if schema is None:
        yield Problem("unknown.event.definition", where, "There is no such event definition.")
    elif not is_active(schema):
        yield Problem("inactive.event.definition", where, "This event definition is not active; activate it first.")


def filters_what_can_be_filtered(element: Element, where: str, schemas: Schemas) -> Iterator[Problem]:
    """A predicate is about an attribute of the event type that is an enum, a number, a text or a boolean."""
    if element.filter is None:
        return
    fields = _fields(element, schemas)
    for place, predicate in enumerate(element.filter.predicates):
        at = f"{where}.filter.predicates[{place}]"
        yield from has_values_or_asks_for_none(predicate, at)
        if fields is not None:
            yield from _attribute_problems(predicate.dimension, f"{at}.dimension", fields)
            yield from asks_for_values_that_can_be(predicate, at, fields)
    for place, number_predicate in enumerate(element.filter.numberPredicates):
        at = f"{where}.filter.numberPredicates[{place}]"
        yield from has_a_range_or_asks_for_none(number_predicate, at)
        if fields is not None:
            yield from _number_problems(number_predicate.dimension, f"{at}.dimension", fields)


def has_values_or_asks_for_none(predicate: Predicate, where: str) -> Iterator[Problem]:
    """A predicate has values, or asks for events that have none, and never both."""
    if bool(predicate.values) == predicate.noValue:
        yield Problem("values.or.no.value", f"{where}.values", "A predicate has either values or noValue.")


def asks_for_values_that_can_be(predicate: Predicate, where: str, fields: Mapping[str, Field]) -> Iterator[Problem]:
    """A value is one that the attribute can have: of an enum's list, true or false, or the text of a number."""
    field = fields.get(predicate.dimension)
    if field is None:
        return
    for place, value in enumerate(predicate.values or ()):
        if not can_have(field, value):
            yield Problem("impossible.value", f"{where}.values[{place}]", "The attribute cannot have this value.")


def can_have(field: Field, value: str) -> bool:
    """Whether the text is that of a value that a field can have."""
    match field.kind:
        case AttributeKind.ENUM:
            return value in field.enum
        case AttributeKind.BOOLEAN:
            return value in _BOOLEANS
        case AttributeKind.INTEGER:
            return bool(_NUMBER.fullmatch(value)) and not value.partition(".")[2].strip("0")
        case AttributeKind.NUMBER:
            return bool(_NUMBER.fullmatch(value))
        case _:
            return True


def has_a_range_or_asks_for_none(predicate: NumberPredicate, where: str) -> Iterator[Problem]:
    """A number predicate has a range, or asks for events without the number, and never both."""
    if (predicate.range is not None) == predicate.noValue:
        yield Problem("range.or.no.value", f"{where}.range", "A number predicate has either a range or noValue.")
    if predicate.range is not None:
        yield from is_a_range_that_numbers_lie_in(predicate.range, f"{where}.range")


def is_a_range_that_numbers_lie_in(range_: Range, where: str) -> Iterator[Problem]:
    """A range has a comparator; each is a number or a duration in milliseconds; some number satisfies them all."""
    given = dict(range_.given())
    if not given:
        yield Problem("empty.range", where, "A range has a comparator.")
    found = [problem for name, value in given.items() for problem in _value_problems(value, f"{where}.{name}")]
    yield from found
    if not found and _holds_nothing({name: _amount(value) for name, value in given.items()}):
        yield Problem("empty.range", where, "No number lies in this range.")


def _value_problems(value: RangeValue, where: str) -> Iterator[Problem]:
    if (value.number is None) == (value.duration is None):
        yield Problem("number.or.duration", where, "A comparator has either a number or a duration.")
    if value.duration is not None:
        try:
            period(value.duration)
        except ValueError:
            yield Problem("invalid.duration", f"{where}.duration", "A duration is such as P30D or PT12H.")


def _amount(value: RangeValue) -> Decimal | int:
    return period(value.duration) if value.duration is not None else value.number or 0


def _holds_nothing(amounts: Mapping[str, Decimal | int]) -> bool:
    lows = [(amounts[name], name == "gt") for name in ("gt", "gte", "eq") if name in amounts]
    highs = [(amounts[name], name == "lt") for name in ("lt", "lte", "eq") if name in amounts]
    crossed = any(
        low > high or (low == high and (open_low or open_high)) for low, open_low in lows for high, open_high in highs
    )
    return crossed or ("eq" in amounts and amounts["eq"] == amounts.get("neq"))


# -- links -------------------------------------------------------------------------------------------------------------


def links_lead_to_elements(element: Element, where: str, view: ViewDefinition) -> Iterator[Problem]:
    """A link leads to an element of the view, and no two of an element's links lead to the same one."""
    ids = {one.id for one in view.elements}
    for place, link in enumerate(element.followedBy):
        if link.id not in ids:
            yield Problem("unknown.element", f"{where}.followedBy[{place}].id", "The link leads to no element.")
    yield from _repeated([link.id for link in element.followedBy], f"{where}.followedBy", "id")


def links_can_be_satisfied(element: Element, where: str) -> Iterator[Problem]:
    """What comes after a while comes within one that is not shorter; neither is over a hundred years."""
    for place, link in enumerate(element.followedBy):
        yield from _constraint_problems(link, f"{where}.followedBy[{place}]")


def _constraint_problems(link: Link, where: str) -> Iterator[Problem]:
    after, within = link.constraintAfter, link.constraintWithin
    yield from _too_long(after, f"{where}.constraintAfter.value")
    yield from _too_long(within, f"{where}.constraintWithin.value")
    if within is None:
        return
    if after is not None and after.milliseconds > within.milliseconds:
        yield Problem("impossible.constraint", f"{where}.constraintAfter", "It cannot be after more than within.")
    elif within.milliseconds == 0 and link.eventCountType is EventCountType.SEQUENTIAL:
        yield Problem(
            "impossible.constraint", f"{where}.constraintWithin", "Nothing that comes later comes within no time."
        )


def _too_long(constraint: TimeConstraint | None, where: str) -> Iterator[Problem]:
    if constraint is not None and constraint.milliseconds > LONGEST:
        yield Problem("impossible.constraint", where, "A time constraint is not longer than a hundred years.")


def links_join_by_customer_alone(element: Element, where: str) -> Iterator[Problem]:
    """Only the primary join, by customer, is open to external events, of which all elements are."""
    for place, link in enumerate(element.followedBy):
        if link.joinAttributes:
            yield Problem(
                "join.not.allowed",
                f"{where}.followedBy[{place}].joinAttributes",
                "External events are joined by customer alone.",
            )


# -- charts ------------------------------------------------------------------------------------------------------------


def measures_what_can_be_measured(
    chart: Chart, where: str, view: ViewDefinition, schemas: Schemas
) -> Iterator[Problem]:
    """A metric is of an element of the view, each under an id of its own; a minimum, maximum, average or sum is of one
    of its numbers, and a count is of no attribute."""
    elements = {element.id: element for element in view.elements}
    yield from _repeated([metric.id for metric in chart.metrics], f"{where}.metrics", "id")
    for place, metric in enumerate(chart.metrics):
        at = f"{where}.metrics[{place}]"
        element = elements.get(metric.elementId)
        fields = _fields(element, schemas) if element is not None else None
        if element is None:
            yield Problem("unknown.element", f"{at}.elementId", "The view has no such element.")
        if metric.aggregate not in _OF_AN_ATTRIBUTE:
            if metric.attribute is not None:
                yield Problem("unexpected.attribute", f"{at}.attribute", "A count is of no attribute.")
        elif metric.attribute is None:
            yield Problem("missing.attribute", f"{at}.attribute", "This aggregate is of an attribute; name it.")
        elif fields is not None:
            yield from _number_problems(metric.attribute, f"{at}.attribute", fields)


def groups_by_what_can_be_grouped(
    chart: Chart, where: str, view: ViewDefinition, schemas: Schemas
) -> Iterator[Problem]:
    """A chart groups by an attribute once; it is of an element that a metric measures, and can be filtered."""
    elements = {element.id: element for element in view.elements}
    measured = {metric.elementId for metric in chart.metrics}
    for place, group in enumerate(chart.groupByAttributes):
        at = f"{where}.groupByAttributes[{place}]"
        element = elements.get(group.elementId)
        if element is None:
            yield Problem("unknown.element", f"{at}.elementId", "The view has no such element.")
            continue
        if element.id not in measured:
            yield Problem("element.not.measured", f"{at}.elementId", "No metric of the chart is of this element.")
        fields = _fields(element, schemas)
        if fields is not None:
            yield from _attribute_problems(group.attribute, f"{at}.attribute", fields)
    pairs = [(group.elementId, group.attribute) for group in chart.groupByAttributes]
    yield from _repeated(pairs, f"{where}.groupByAttributes", "attribute")


def limits_groups_only_where_there_are_some(chart: Chart, where: str) -> Iterator[Problem]:
    """A maximum of groups goes with a grouping, by time or by attributes."""
    if chart.groupByMax is not None and chart.groupByTime is None and not chart.groupByAttributes:
        yield Problem("group.by.max.alone", f"{where}.groupByMax", "The chart groups by nothing.")


# -- what several rules need -------------------------------------------------------------------------------------------


def _fields(element: Element, schemas: Schemas) -> Mapping[str, Field] | None:
    """The fields of an element's event type; None where there is no such type, which another rule tells."""
    schema = schemas.get(element.attributes.id)
    return None if schema is None else schema.document.fields


def _attribute_problems(name: str, where: str, fields: Mapping[str, Field]) -> Iterator[Problem]:
    if name not in fields:
        yield Problem("unknown.attribute", where, "The event type has no such attribute.")
    elif fields[name].kind not in FILTERABLE:
        yield Problem("not.filterable", where, "Attributes of this kind are shown, not filtered or grouped by.")


def _number_problems(name: str, where: str, fields: Mapping[str, Field]) -> Iterator[Problem]:
    if name not in fields:
        yield Problem("unknown.attribute", where, "The event type has no such attribute.")
    elif fields[name].kind not in NUMBERS:
        yield Problem("not.a.number", where, "The attribute is not a number.")


def _repeated(values: Iterable[object], where: str, field: str) -> Iterator[Problem]:
    """Each value but the first of those that are alike; None is like nothing."""
    seen: set[object] = set()
    for place, value in enumerate(values):
        if value is not None and value in seen:
            yield Problem(f"duplicate.{field}", f"{where}[{place}].{field}", "Another has the same.")
        seen.add(value)
