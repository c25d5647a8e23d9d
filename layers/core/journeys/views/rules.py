"""The rules for saving a journey view. All problems of a view are reported together.

Each rule is a function that yields the problems it finds. A problem names its field by a path such as
`elements[2].filter.predicates[0].dimension`. Messages name attributes and allowed values, both of which come from the
event type. They never repeat the values of a filter, because those can be customer data.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from journeys.errors import BadRequest, Detail
from journeys.messages import join_messages, list_values, shorten, suggest, use_one_of
from journeys.registry.definitions import is_active
from journeys.registry.native_types import CONVERSATION_ID
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
    EventSelection,
    Link,
    Metric,
    NumberPredicate,
    Predicate,
    Range,
    RangeValue,
    TimeConstraint,
    ViewDefinition,
    interval,
    period,
)
from journeys.views.paths.model import PathDefinition

MAX_CHARTS = 10
MAX_BYTES = 55_000
"""The size of a definition as a JSON string within JSON, the form of Lambda's response.

With it, a page of 100 views and the fields that the response adds stay within Lambda's limit of 6 MB.
"""
LONGEST = 36_500 * MILLISECONDS["Days"]
"""The longest interval, duration and time constraint, in milliseconds: 100 years."""


NUMBERS = frozenset({AttributeKind.INTEGER, AttributeKind.NUMBER})
_NEEDS_ATTRIBUTE = frozenset({Aggregate.MINIMUM, Aggregate.MAXIMUM, Aggregate.AVERAGE, Aggregate.SUM})
_NUMBER = re.compile(r"-?\d{1,38}(\.\d{1,38})?", re.ASCII)
_BOOLEANS = frozenset({"true", "false"})

Schemas = Mapping[str, Schema]
"""An organization's event types by id, which is also the id of the event definition."""


class ViewProblem(NamedTuple):
    """A violation of a rule: a code for programs, the path of the field, and a message for people."""

    code: str
    path: str
    message: str


def check(view: ViewDefinition, schemas: Schemas) -> None:
    """Check a view against all rules. Raises BadRequest with one detail per problem."""
    refuse(problems(view, schemas), "invalid.view")


def refuse(problems_: Iterable[ViewProblem], code: str) -> None:
    """Raise BadRequest with one detail per problem, if there are any."""
    found = list(problems_)
    if found:
        raise BadRequest(
            join_messages([f"{problem.path}: {problem.message}" for problem in found]),
            code=code,
            details=[Detail(problem.code, problem.path) for problem in found],
        )


def problems(view: ViewDefinition, schemas: Schemas) -> Iterator[ViewProblem]:
    """All problems of a view."""
    yield from size_problems(view.to_values(), "view.too.large", "elements")
    yield from time_problems(view)
    yield from _duplicates([element.id for element in view.elements], "elements", "id")
    yield from _duplicates([element.name.casefold() for element in view.elements], "elements", "name")
    for index, element in enumerate(view.elements):
        path = f"elements[{index}]"
        yield from event_definition_problems(element, path, schemas)
        yield from filter_problems(element, path, schemas)
        yield from link_target_problems(element, path, view)
        yield from time_constraint_problems(element, path)
        yield from join_problems(element, path, view, schemas)
    yield from cycle_problems(view)
    yield from duration_problems(view)
    yield from chart_list_problems(view)
    for index, chart in enumerate(view.charts):
        path = f"charts[{index}]"
        yield from metric_problems(chart, path, view, schemas)
        yield from grouping_problems(chart, path, view, schemas)
        yield from group_limit_problems(chart, path)


# -- the view ----------------------------------------------------------------------------------------------------------


def size_problems(definition: Mapping[str, Any], code: str, path: str) -> Iterator[ViewProblem]:
    """A definition has at most `MAX_BYTES` bytes. `path` is the field that is the largest in general."""
    size = response_size(definition)
    if size > MAX_BYTES:
        yield ViewProblem(
            code,
            path,
            f"The definition has {size} bytes. At most {MAX_BYTES} are allowed, measured as a JSON string within JSON.",
        )


def time_problems(view: ViewDefinition | PathDefinition) -> Iterator[ViewProblem]:
    """A view has either an interval or a duration, of at most 100 years."""
    if (view.interval is None) == (view.duration is None):
        given = "neither an interval nor a duration" if view.interval is None else "both an interval and a duration"
        yield ViewProblem("interval.or.duration", "interval", f"There is {given}. Set exactly one of them.")
    if view.interval is not None:
        try:
            start, end = interval(view.interval)
        except ValueError as error:
            yield ViewProblem("invalid.interval", "interval", f"The interval {error}.")
        else:
            if end - start > LONGEST:
                yield ViewProblem("invalid.interval", "interval", "The interval is longer than 100 years. Shorten it.")
    if view.duration is not None:
        try:
            milliseconds = period(view.duration)
        except ValueError as error:
            yield ViewProblem("invalid.duration", "duration", f"The duration {error}.")
        else:
            if not 0 < milliseconds <= LONGEST:
                yield ViewProblem(
                    "invalid.duration",
                    "duration",
                    "The duration is zero or longer than 100 years. Use a duration between, such as P30D or PT12H.",
                )


def chart_list_problems(view: ViewDefinition) -> Iterator[ViewProblem]:
    """A view has at most `MAX_CHARTS` charts. Their ids are unique, and so are their names, ignoring case."""
    if len(view.charts) > MAX_CHARTS:
        yield ViewProblem(
            "too.many.charts", "charts", f"The view has {len(view.charts)} charts. At most {MAX_CHARTS} are allowed."
        )
    yield from _duplicates([chart.id for chart in view.charts], "charts", "id")
    yield from _duplicates([chart.name.casefold() for chart in view.charts], "charts", "name")


def cycle_problems(view: ViewDefinition) -> Iterator[ViewProblem]:
    """No chain of links leads from an element back to itself."""
    links = {element.id: [link.id for link in element.followedBy] for element in view.elements}
    for index, element in enumerate(view.elements):
        for number, link in enumerate(element.followedBy):
            if element.id in downstream(link.id, links):
                yield ViewProblem(
                    "cycle",
                    f"elements[{index}].followedBy[{number}].id",
                    "The link is part of a cycle. Remove one of the cycle's links.",
                )


def downstream(start: str, links: Mapping[str, Iterable[str]]) -> set[str]:
    """The ids of the element `start` and of all elements that chains of links lead to from it."""
    reached, todo = {start}, [start]
    while todo:
        following = set(links.get(todo.pop(), ())) - reached
        reached |= following
        todo += following
    return reached


# -- elements ----------------------------------------------------------------------------------------------------------


def event_definition_problems(element: Element | EventSelection, path: str, schemas: Schemas) -> Iterator[ViewProblem]:
    """An element refers to an event definition that exists, is enabled and is activated."""
    yield from activation_problems(element.attributes.id, f"{path}.attributes.id", schemas)


def activation_problems(definition_id: str, path: str, schemas: Schemas) -> Iterator[ViewProblem]:
    """The event definition exists, is enabled and is activated."""
    schema = schemas.get(definition_id)
    if schema is None:
        yield ViewProblem(
            "unknown.event.definition",
            path,
            "The event definition does not exist. Use the id of an active event definition.",
        )
    elif not is_active(schema):
        yield ViewProblem(
            "inactive.event.definition", path, "The event definition is not active. Activate it or use another one."
        )


def filter_problems(element: Element | EventSelection, path: str, schemas: Schemas) -> Iterator[ViewProblem]:
    """Predicates are about attributes of the element's event type, and ask for values that these can have."""
    if element.filter is None:
        return
    fields = fields_of(element, schemas)
    for index, predicate in enumerate(element.filter.predicates):
        at = f"{path}.filter.predicates[{index}]"
        if bool(predicate.values) == predicate.noValue:
            given = "both values and noValue" if predicate.noValue else "neither values nor noValue"
            yield ViewProblem(
                "values.or.no.value", f"{at}.values", f"The predicate has {given}. Set exactly one of them."
            )
        if fields is not None:
            yield from attribute_problems(predicate.dimension, f"{at}.dimension", fields)
            yield from value_problems(predicate, at, fields)
    for index, number_predicate in enumerate(element.filter.numberPredicates):
        at = f"{path}.filter.numberPredicates[{index}]"
        yield from number_predicate_problems(number_predicate, at)
        if fields is not None:
            yield from _number_problems(number_predicate.dimension, f"{at}.dimension", fields)


def value_problems(predicate: Predicate, path: str, fields: Mapping[str, Field]) -> Iterator[ViewProblem]:
    """Each value of a predicate is one that the attribute can have."""
    field = fields.get(predicate.dimension)
    if field is None:
        return
    for index, value in enumerate(predicate.values or ()):
        if not can_have(field, value):
            yield ViewProblem(
                "impossible.value",
                f"{path}.values[{index}]",
                f"The attribute {_quote(predicate.dimension)} cannot have this value. {_allowed_values(field)}",
            )


def can_have(field: Field, value: str) -> bool:
    """Whether `value` is the text of a value that the attribute can have."""
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


def _allowed_values(field: Field) -> str:
    """A sentence about the values for which `can_have` is true."""
    match field.kind:
        case AttributeKind.ENUM:
            return use_one_of([_quote(value) for value in field.enum])
        case AttributeKind.BOOLEAN:
            return 'Use one of "true", "false".'
        case AttributeKind.INTEGER:
            return "Use a whole number of at most 38 digits, such as -12."
        case _:
            return "Use a number of at most 38 digits before and after the decimal point, such as -12.5."


def number_predicate_problems(predicate: NumberPredicate, path: str) -> Iterator[ViewProblem]:
    """A number predicate has either a range or `noValue`."""
    if (predicate.range is not None) == predicate.noValue:
        given = "both a range and noValue" if predicate.noValue else "neither a range nor noValue"
        yield ViewProblem("range.or.no.value", f"{path}.range", f"The predicate has {given}. Set exactly one of them.")
    if predicate.range is not None:
        yield from range_problems(predicate.range, f"{path}.range")


def range_problems(range_: Range, path: str) -> Iterator[ViewProblem]:
    """A range has a comparator, each comparator has a number or a duration, and some number satisfies all of them."""
    given = dict(range_.given())
    if not given:
        yield ViewProblem(
            "empty.range", path, f"The range has no comparator. Set one of {', '.join(Range.model_fields)}."
        )
    found = [problem for name, value in given.items() for problem in _comparator_problems(value, f"{path}.{name}")]
    yield from found
    if not found and _is_empty({name: _amount(value) for name, value in given.items()}):
        yield ViewProblem("empty.range", path, "No number is in this range. Use limits that a number can be between.")


def _comparator_problems(value: RangeValue, path: str) -> Iterator[ViewProblem]:
    if (value.number is None) == (value.duration is None):
        given = "neither a number nor a duration" if value.number is None else "both a number and a duration"
        yield ViewProblem("number.or.duration", path, f"The comparator has {given}. Set exactly one of them.")
    if value.duration is not None:
        try:
            period(value.duration)
        except ValueError as error:
            yield ViewProblem("invalid.duration", f"{path}.duration", f"The duration {error}.")


def _amount(value: RangeValue) -> Decimal | int:
    return period(value.duration) if value.duration is not None else value.number or 0


def _is_empty(amounts: Mapping[str, Decimal | int]) -> bool:
    """Whether no number satisfies all comparators."""
    lows = [(amounts[name], name == "gt") for name in ("gt", "gte", "eq") if name in amounts]
    highs = [(amounts[name], name == "lt") for name in ("lt", "lte", "eq") if name in amounts]
    crossed = any(
        low > high or (low == high and (open_low or open_high)) for low, open_low in lows for high, open_high in highs
    )
    return crossed or ("eq" in amounts and amounts["eq"] == amounts.get("neq"))


# -- links -------------------------------------------------------------------------------------------------------------


def link_target_problems(element: Element, path: str, view: ViewDefinition) -> Iterator[ViewProblem]:
    """A link leads to an element of the view, and no two links of an element lead to the same one."""
    ids = {other.id for other in view.elements}
    for index, link in enumerate(element.followedBy):
        if link.id not in ids:
            yield unknown_element(f"{path}.followedBy[{index}].id")
    yield from _duplicates([link.id for link in element.followedBy], f"{path}.followedBy", "id")


def time_constraint_problems(element: Element, path: str) -> Iterator[ViewProblem]:
    """A link's constraints are at most 100 years, and some distance between two events satisfies both."""
    for index, link in enumerate(element.followedBy):
        yield from _link_problems(link, f"{path}.followedBy[{index}]")


def _link_problems(link: Link, path: str) -> Iterator[ViewProblem]:
    after, within = link.constraintAfter, link.constraintWithin
    yield from _length_problems(after, f"{path}.constraintAfter.value")
    yield from _length_problems(within, f"{path}.constraintWithin.value")
    if within is None:
        return
    if after is not None and after.milliseconds > within.milliseconds:
        yield ViewProblem(
            "impossible.constraint",
            f"{path}.constraintAfter",
            "constraintAfter is longer than constraintWithin. It can be at most as long.",
        )
    elif within.milliseconds == 0 and link.eventCountType is EventCountType.SEQUENTIAL:
        yield ViewProblem(
            "impossible.constraint",
            f"{path}.constraintWithin",
            "constraintWithin is zero, but a Sequential link needs a later event. Use more than zero, or another "
            "eventCountType.",
        )


def _length_problems(constraint: TimeConstraint | None, path: str) -> Iterator[ViewProblem]:
    if constraint is not None and constraint.milliseconds > LONGEST:
        yield ViewProblem("impossible.constraint", path, "The time constraint is longer than 100 years. Shorten it.")


def join_problems(element: Element, path: str, view: ViewDefinition, schemas: Schemas) -> Iterator[ViewProblem]:
    """All links join by customer. A link between two native elements can also join by conversation."""
    types = {other.id: schemas.get(other.attributes.id) for other in view.elements}
    for index, link in enumerate(element.followedBy):
        if not link.joinAttributes:
            continue
        at = f"{path}.followedBy[{index}].joinAttributes"
        ends = (schemas.get(element.attributes.id), types.get(link.id))
        if any(schema is not None and not schema.is_native for schema in ends):
            yield ViewProblem(
                "join.not.native",
                at,
                "Only native events have a conversation, so only a link between two native elements can join by it. "
                "Remove joinAttributes.",
            )
        elif link.joinAttributes != [CONVERSATION_ID]:
            yield ViewProblem(
                "join.not.allowed",
                at,
                "A link can join by conversation only, which tells what belongs together. "
                f"Use [{_quote(CONVERSATION_ID)}] or remove joinAttributes.",
            )


# -- durations ---------------------------------------------------------------------------------------------------------


def duration_problems(view: ViewDefinition) -> Iterator[ViewProblem]:
    """Durations are measured between two elements of the view, from one to another that chains of links lead to."""
    spans = view.durations or []
    links = {element.id: [link.id for link in element.followedBy] for element in view.elements}
    for index, span in enumerate(spans):
        path = f"durations[{index}]"
        unknown = [name for name, id_ in (("fromId", span.fromId), ("toId", span.toId)) if id_ not in links]
        yield from (unknown_element(f"{path}.{name}") for name in unknown)
        if not unknown and (span.fromId == span.toId or span.toId not in downstream(span.fromId, links)):
            yield ViewProblem(
                "not.connected",
                f"{path}.toId",
                "No chain of links leads from the first element to this one. Use an element that comes later.",
            )
    yield from _duplicates([(span.fromId, span.toId) for span in spans], "durations", "toId")


# -- charts ------------------------------------------------------------------------------------------------------------


def metric_problems(chart: Chart, path: str, view: ViewDefinition, schemas: Schemas) -> Iterator[ViewProblem]:
    """Metrics have unique ids and are about elements of the view.

    Minimum, Maximum, Average and Sum need a number attribute; the counts take no attribute.
    """
    elements = {element.id: element for element in view.elements}
    yield from _duplicates([metric.id for metric in chart.metrics], f"{path}.metrics", "id")
    for index, metric in enumerate(chart.metrics):
        at = f"{path}.metrics[{index}]"
        element = elements.get(metric.elementId)
        if element is None:
            yield unknown_element(f"{at}.elementId")
        yield from _aggregate_problems(metric, at, fields_of(element, schemas) if element is not None else None)


def _aggregate_problems(metric: Metric, path: str, fields: Mapping[str, Field] | None) -> Iterator[ViewProblem]:
    path = f"{path}.attribute"
    if metric.aggregate not in _NEEDS_ATTRIBUTE:
        if metric.attribute is not None:
            yield ViewProblem(
                "unexpected.attribute", path, f"The aggregate {metric.aggregate} takes no attribute. Remove it."
            )
    elif metric.attribute is None:
        yield ViewProblem(
            "missing.attribute", path, f"The aggregate {metric.aggregate} needs an attribute. Set a number attribute."
        )
    elif fields is not None:
        yield from _number_problems(metric.attribute, path, fields)


def grouping_problems(chart: Chart, path: str, view: ViewDefinition, schemas: Schemas) -> Iterator[ViewProblem]:
    """A chart groups by attributes that can be filtered, each once, of elements that its metrics are about."""
    elements = {element.id: element for element in view.elements}
    measured = {metric.elementId for metric in chart.metrics}
    for index, group in enumerate(chart.groupByAttributes):
        at = f"{path}.groupByAttributes[{index}]"
        element = elements.get(group.elementId)
        if element is None:
            yield unknown_element(f"{at}.elementId")
            continue
        if element.id not in measured:
            yield ViewProblem(
                "element.not.measured",
                f"{at}.elementId",
                "No metric of the chart is about this element. Use the elementId of one of the chart's metrics.",
            )
        fields = fields_of(element, schemas)
        if fields is not None:
            yield from attribute_problems(group.attribute, f"{at}.attribute", fields)
    pairs = [(group.elementId, group.attribute) for group in chart.groupByAttributes]
    yield from _duplicates(pairs, f"{path}.groupByAttributes", "attribute")


def group_limit_problems(chart: Chart, path: str) -> Iterator[ViewProblem]:
    """`groupByMax` needs a grouping by time or by attributes."""
    if chart.groupByMax is not None and chart.groupByTime is None and not chart.groupByAttributes:
        yield ViewProblem(
            "group.by.max.alone",
            f"{path}.groupByMax",
            "The chart has no groups to limit. Set groupByTime or groupByAttributes, or remove groupByMax.",
        )


# -- what several rules need -------------------------------------------------------------------------------------------


def fields_of(element: Element | EventSelection, schemas: Schemas) -> Mapping[str, Field] | None:
    """The attributes of an element's event type by name; None if the event type does not exist."""
    schema = schemas.get(element.attributes.id)
    return None if schema is None else schema.document.fields


def unknown_element(path: str) -> ViewProblem:
    return ViewProblem("unknown.element", path, "The view has no element with this id. Use the id of an element.")


def attribute_problems(name: str, path: str, fields: Mapping[str, Field]) -> Iterator[ViewProblem]:
    """The attribute exists and can be filtered."""
    if name not in fields:
        yield _unknown_attribute(name, path, fields)
    elif fields[name].kind not in FILTERABLE:
        yield ViewProblem(
            "not.filterable",
            path,
            f"The attribute {_quote(name)} is of kind {fields[name].kind}, which views cannot filter or group by. "
            "Use an enum, number, string or boolean attribute.",
        )


def _number_problems(name: str, path: str, fields: Mapping[str, Field]) -> Iterator[ViewProblem]:
    """The attribute exists and is a number."""
    if name not in fields:
        yield _unknown_attribute(name, path, fields)
    elif fields[name].kind not in NUMBERS:
        yield ViewProblem(
            "not.a.number", path, f"The attribute {_quote(name)} is not a number. Use a number or integer attribute."
        )


def _unknown_attribute(name: str, path: str, fields: Collection[str]) -> ViewProblem:
    advice = suggest(name, fields) or f" Its attributes: {_listed(sorted(fields))}."
    return ViewProblem("unknown.attribute", path, f"The event type has no attribute {_quote(name)}.{advice}")


def _listed(values: Sequence[str]) -> str:
    return list_values([_quote(value) for value in values]) or "none"


def _quote(name: str) -> str:
    return f'"{shorten(name)}"'


def _duplicates(values: Iterable[object], path: str, field: str) -> Iterator[ViewProblem]:
    """A problem for each value that occurred before in the list. None is never a duplicate."""
    seen: set[object] = set()
    for index, value in enumerate(values):
        if value is not None and value in seen:
            yield ViewProblem(
                f"duplicate.{field}",
                f"{path}[{index}].{field}",
                f"Another item of {path} has the same {field}. Use a different {field}.",
            )
        seen.add(value)
