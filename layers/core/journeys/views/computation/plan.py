"""Compiles a view into a plan: the SQL that reads and marks its events, the links' windows, and the charts.

A plan refers to elements and links by index. Elements have the order of the view. Links have the order of the elements
they start from, and within an element the order of `followedBy`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from journeys.archive import columns
from journeys.errors import NotComputable
from journeys.registry.native_types import CONVERSATION_ID
from journeys.registry.schemas.kinds import FILTERABLE, AttributeKind
from journeys.registry.schemas.model import ALL_SLOTS
from journeys.views.breakdown import Breakdown
from journeys.views.computation.filters import NUMBERS, Parameters, condition
from journeys.views.model import (
    Aggregate,
    Chart,
    Element,
    EventCountType,
    EventSelection,
    Filter,
    Link,
    TimeUnit,
    ViewDefinition,
)
from journeys.views.model import interval as interval_of
from journeys.views.model import period as period_of
from journeys.views.paths.model import PathDefinition

_JOIN_KIND = AttributeKind.STRING


class BrokenView(NotComputable):
    """The view does not fit its event types, for example because one was deleted after the view was saved."""

    code = "view.broken"


@dataclass(frozen=True, slots=True)
class EventType:
    """What a plan needs of an event type: the letter of its slot, and the kinds of its attributes by name.

    `name` is the title of the type, for results.
    """

    slot: str
    fields: Mapping[str, AttributeKind]
    name: str = ""


@dataclass(frozen=True, slots=True)
class PlannedLink:
    """A link between two elements, given by index, with its window in milliseconds.

    An event at `source` satisfies the link to another event at `target` that is `low` to `high` later. `high` is None
    if the link has no upper limit. `open_for` is how long an event that satisfies no link counts as open; None means
    without limit. `join` is the column of the conversation that both events must have in common; None if any two
    events of a customer will do.
    """

    source: int
    target: int
    low: int
    high: int | None
    open_for: int | None
    join: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedAttribute:
    """An attribute and its columns in the archive. Only numbers have a `remainder`, the column of exact digits."""

    name: str
    kind: AttributeKind
    column: str
    remainder: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,) if self.remainder is None else (self.column, self.remainder)


@dataclass(frozen=True, slots=True)
class PlannedMetric:
    """A metric of a chart. `element` is an index; `attribute` is None for counts."""

    element: int
    aggregate: Aggregate
    attribute: PlannedAttribute | None


@dataclass(frozen=True, slots=True)
class PlannedChart:
    """A chart. `groups` has, by element index, the attributes that the element's events are grouped by, in order."""

    unit: TimeUnit | None
    groups: Mapping[int, tuple[PlannedAttribute, ...]]
    metrics: tuple[PlannedMetric, ...]


@dataclass(frozen=True, slots=True)
class PlannedBreakdown:
    """A breakdown by the first reachable event of a customer at some elements, given by their indexes in order.

    `attribute` is None for a breakdown by the source of the event.
    """

    elements: tuple[int, ...]
    attribute: PlannedAttribute | None

    @property
    def columns(self) -> tuple[str, ...]:
        return ("source",) if self.attribute is None else self.attribute.columns


@dataclass(frozen=True, slots=True)
class ComputationPlan:
    """A view over the events with `start <= date < end`, computed as of `at`; all in milliseconds since 1970.

    `order` has the element indexes in topological order: each after the elements that link to it. `types` are the
    numbers of the event types to read (a = 0). `marks` is a SQL expression for an unsigned integer in which bit i is
    set if the event matches element i; it reads `filter_columns` and takes the query parameters `parameters`.
    `spans` are pairs of an element to start from and one to arrive at.
    """

    start: int
    end: int
    at: int
    order: tuple[int, ...]
    links: tuple[PlannedLink, ...]
    spans: tuple[tuple[int, int], ...]
    charts: tuple[PlannedChart, ...]
    types: tuple[int, ...]
    marks: str
    filter_columns: tuple[str, ...]
    parameters: Mapping[str, object]
    breakdown: PlannedBreakdown | None = None

    @property
    def join_column(self) -> str | None:
        """The column of the conversation; None if no link joins by it."""
        return next((link.join for link in self.links if link.join is not None), None)

    @property
    def chart_columns(self) -> tuple[str, ...]:
        """The columns that the charts and the breakdown read, each once."""
        groups = (attribute for chart in self.charts for group in chart.groups.values() for attribute in group)
        measured = (metric.attribute for chart in self.charts for metric in chart.metrics if metric.attribute)
        charted = (column for attribute in (*groups, *measured) for column in attribute.columns)
        return tuple(dict.fromkeys((*charted, *(self.breakdown.columns if self.breakdown else ()))))


def compile_plan(
    definition: ViewDefinition, types: Mapping[str, EventType], at: int, breakdown: Breakdown | None = None
) -> ComputationPlan:
    """The plan of a view as of `at`, in milliseconds since 1970.

    `types` are the event types of the view's elements by the id of the event definition. Raises BrokenView.
    """
    elements = definition.elements
    indexes = {element.id: index for index, element in enumerate(elements)}
    element_types = [event_type(element.attributes.id, types) for element in elements]
    links = tuple(
        _link(index, _index(link.id, indexes), link, element_types)
        for index, element in enumerate(elements)
        for link in element.followedBy
    )
    parameters = Parameters()
    start, end = time_range(definition, at)
    marks, filter_columns = compile_marks(elements, element_types, parameters)
    return ComputationPlan(
        start=start,
        end=end,
        at=at,
        order=_topological_order(len(elements), links),
        links=links,
        spans=tuple((_index(span.fromId, indexes), _index(span.toId, indexes)) for span in definition.durations or ()),
        charts=tuple(_chart(chart, element_types, indexes) for chart in definition.charts),
        types=tuple(sorted({ALL_SLOTS.index(event_type.slot) for event_type in element_types})),
        marks=marks,
        filter_columns=filter_columns,
        parameters=parameters.values,
        breakdown=None if breakdown is None else _breakdown(breakdown, element_types, indexes),
    )


def time_range(definition: ViewDefinition | PathDefinition, at: int) -> tuple[int, int]:
    """The start (inclusive) and the end (exclusive) of the view: its interval, or its duration before `at`."""
    try:
        if definition.interval is not None:
            return interval_of(definition.interval)
        if definition.duration is not None:
            return at - period_of(definition.duration), at
    except ValueError:
        raise BrokenView("The view's interval or duration is not valid. Edit the view.") from None
    raise BrokenView("The view has neither an interval nor a duration. Edit the view and set one of them.")


def event_type(definition_id: str, types: Mapping[str, EventType]) -> EventType:
    """The event type of an event definition. Raises BrokenView."""
    found = types.get(definition_id)
    if found is None:
        raise BrokenView(f"The event definition {definition_id} does not exist.")
    return found


def _index(element_id: str, indexes: Mapping[str, int]) -> int:
    if element_id not in indexes:
        raise BrokenView(f"The view has no element with the id {element_id}.")
    return indexes[element_id]


# -- links -------------------------------------------------------------------------------------------------------------


def _link(source: int, target: int, link: Link, element_types: Sequence[EventType]) -> PlannedLink:
    """The window of a link, in whole milliseconds, so `d > 0` is `d >= 1`, and its join.

    A concurrent link ignores time constraints, so nothing limits how long its events count as open, either.
    """
    join = _join(link, element_types[source], element_types[target])
    if link.eventCountType is EventCountType.CONCURRENT:
        return PlannedLink(source, target, low=0, high=0, open_for=None, join=join)
    after = link.constraintAfter.milliseconds if link.constraintAfter else 0
    within = link.constraintWithin.milliseconds if link.constraintWithin else None
    least = 1 if link.eventCountType is EventCountType.SEQUENTIAL else 0
    return PlannedLink(source, target, low=max(after, least), high=within, open_for=within, join=join)


def _join(link: Link, *event_types: EventType) -> str | None:
    """The column of the attribute that a link joins by. Raises BrokenView if it cannot join these event types by it."""
    for name in link.joinAttributes or ():
        if name != CONVERSATION_ID or any(event_type.fields.get(name) is not _JOIN_KIND for event_type in event_types):
            raise BrokenView(f"The link to the element {link.id} cannot join by its joinAttributes. Remove them.")
    return columns.attribute(_JOIN_KIND, CONVERSATION_ID) if link.joinAttributes else None


def _topological_order(elements: int, links: Sequence[PlannedLink]) -> tuple[int, ...]:
    """The indexes of elements, each after the elements that link to it. Raises BrokenView for a cycle."""
    waiting = {index: {link.source for link in links if link.target == index} for index in range(elements)}
    order: list[int] = []
    while waiting:
        ready = [index for index, sources in waiting.items() if sources <= set(order)]
        if not ready:
            raise BrokenView("The links form a cycle.")
        order += ready
        for index in ready:
            del waiting[index]
    return tuple(order)


# -- rows --------------------------------------------------------------------------------------------------------------


def mark(index: int) -> int:
    """The bit of the element with this index."""
    return 1 << index


def compile_marks(
    elements: Sequence[Element | EventSelection], element_types: Sequence[EventType], parameters: Parameters
) -> tuple[str, tuple[str, ...]]:
    """The SQL expression for `ComputationPlan.marks`, and the attribute columns that it reads."""
    size = next(name for bits, name in _UNSIGNED_TYPES if len(elements) <= bits)
    bits_by_slot: dict[int, list[str]] = {}
    read: dict[str, None] = {}
    for index, (element, event_type) in enumerate(zip(elements, element_types, strict=True)):
        filter_ = element.filter or Filter()
        attributes = [
            *(_attribute(event_type, predicate.dimension) for predicate in filter_.predicates),
            *(_number(event_type, predicate.dimension) for predicate in filter_.numberPredicates),
        ]
        read |= dict.fromkeys(column for attribute in attributes for column in attribute.columns)
        passes = condition(filter_, event_type.fields, parameters)
        bit = f"{mark(index)}::{size}"
        bits_by_slot.setdefault(ALL_SLOTS.index(event_type.slot), []).append(
            bit if passes is None else f"CASE WHEN {passes} THEN {bit} ELSE 0::{size} END"
        )
    whens = " ".join(f"WHEN {slot} THEN {' | '.join(bits)}" for slot, bits in bits_by_slot.items())
    return f"(CASE type {whens} ELSE 0::{size} END)", tuple(read)


_UNSIGNED_TYPES = ((8, "UTINYINT"), (16, "USMALLINT"), (32, "UINTEGER"), (64, "UBIGINT"))
"""DuckDB's unsigned integer types by their bits. A view has at most 50 elements."""


def _attribute(event_type: EventType, name: str) -> PlannedAttribute:
    kind = event_type.fields.get(name)
    if kind not in FILTERABLE:
        raise BrokenView(f"The attribute {name} does not exist, or its kind cannot be filtered or grouped by.")
    remainder = columns.remainder(name) if kind in NUMBERS else None
    return PlannedAttribute(name, kind, columns.attribute(kind, name), remainder)


def _number(event_type: EventType, name: str) -> PlannedAttribute:
    attribute = _attribute(event_type, name)
    if attribute.kind not in NUMBERS:
        raise BrokenView(f"The attribute {name} is not a number.")
    return attribute


# -- charts ------------------------------------------------------------------------------------------------------------


def _chart(chart: Chart, element_types: Sequence[EventType], indexes: Mapping[str, int]) -> PlannedChart:
    metrics = []
    for metric in chart.metrics:
        index = _index(metric.elementId, indexes)
        is_count = metric.aggregate in (Aggregate.EVENT_COUNT, Aggregate.CUSTOMER_COUNT)
        number = None if is_count else _number(element_types[index], metric.attribute or "")
        metrics.append(PlannedMetric(index, metric.aggregate, number))
    groups = {
        metric.element: tuple(
            _attribute(element_types[metric.element], group.attribute)
            for group in chart.groupByAttributes
            if _index(group.elementId, indexes) == metric.element
        )
        for metric in metrics
    }
    return PlannedChart(chart.groupByTime, groups, tuple(metrics))


# -- breakdown ---------------------------------------------------------------------------------------------------------


def _breakdown(
    breakdown: Breakdown, element_types: Sequence[EventType], indexes: Mapping[str, int]
) -> PlannedBreakdown:
    if breakdown.by is not None:
        return PlannedBreakdown(tuple(indexes.values()), None)
    index = _index(breakdown.elementId or "", indexes)
    return PlannedBreakdown((index,), _attribute(element_types[index], breakdown.attribute or ""))
