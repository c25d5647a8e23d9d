"""A view compiled for one computation: which rows are read, what they count for, and which windows links leave open.

The plan names elements and links by their places in the view. Its SQL takes all that people wrote as parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from journeys.archive import columns
from journeys.errors import NotComputable
from journeys.registry.schemas.kinds import FILTERABLE, AttributeKind
from journeys.registry.schemas.model import SLOTS
from journeys.views.computation.filters import NUMBERS, Parameters, condition
from journeys.views.model import Aggregate, Chart, Element, EventCountType, Filter, Link, TimeUnit, ViewDefinition
from journeys.views.model import interval as interval_of
from journeys.views.model import period as period_of


class BrokenView(NotComputable):
    """The view no longer fits its event types, or never did."""

    code = "view.broken"


@dataclass(frozen=True, slots=True)
class EventType:
    """What a plan must know of an event type: the letter of its slot, and the kinds of its fields by their names."""

    slot: str
    fields: Mapping[str, AttributeKind]


@dataclass(frozen=True, slots=True)
class PlannedLink:
    """A link from one element to another. A later event satisfies it that is `low` to `high` milliseconds away.

    `high` is None where nothing bounds it. `open_for` is how long an event waits for another; None for ever.
    """

    source: int
    target: int
    low: int
    high: int | None
    open_for: int | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute in the columns of the archive; `remainder` is there for numbers alone."""

    name: str
    kind: AttributeKind
    column: str
    remainder: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,) if self.remainder is None else (self.column, self.remainder)


@dataclass(frozen=True, slots=True)
class PlannedMetric:
    """One metric of a chart: what of which element's events is aggregated."""

    element: int
    aggregate: Aggregate
    attribute: Attribute | None


@dataclass(frozen=True, slots=True)
class PlannedChart:
    """A chart. `groups` are the attributes that each element's events are grouped by, in the order of the chart."""

    unit: TimeUnit | None
    groups: Mapping[int, tuple[Attribute, ...]]
    metrics: tuple[PlannedMetric, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A view over [start, end) as computed at `at`, all in milliseconds.

    `marks` is SQL for a number whose bit of an element is set where an event passes the element's type and filter;
    `read` names the columns that this takes. `order` has every element after those that lead to it.
    """

    start: int
    end: int
    at: int
    order: tuple[int, ...]
    links: tuple[PlannedLink, ...]
    charts: tuple[PlannedChart, ...]
    types: tuple[int, ...]
    marks: str
    read: tuple[str, ...]
    parameters: Mapping[str, object]

    @property
    def charted(self) -> dict[str, None]:
        """The columns that charts take."""
        groups = (attribute for chart in self.charts for one in chart.groups.values() for attribute in one)
        measured = (metric.attribute for chart in self.charts for metric in chart.metrics if metric.attribute)
        return dict.fromkeys(column for attribute in (*groups, *measured) for column in attribute.columns)


def compile_plan(definition: ViewDefinition, types: Mapping[str, EventType], at: int) -> Plan:
    """The plan of a view whose event types these are, by the ids of their definitions. Raises BrokenView."""
    elements = definition.elements
    places = {element.id: place for place, element in enumerate(elements)}
    kept = [_type(element, types) for element in elements]
    links = tuple(
        _link(place, _place(link.id, places), link) for place, one in enumerate(elements) for link in one.followedBy
    )
    parameters = Parameters()
    start, end = _span(definition, at)
    marks, read = _marks(elements, kept, parameters)
    return Plan(
        start=start,
        end=end,
        at=at,
        order=_order(len(elements), links),
        links=links,
        charts=tuple(_chart(chart, kept, places) for chart in definition.charts),
        types=tuple(sorted({SLOTS.index(one.slot) for one in kept})),
        marks=marks,
        read=read,
        parameters=parameters.values,
    )


def _span(definition: ViewDefinition, at: int) -> tuple[int, int]:
    """From when to before when: the view's interval, or its duration up to this computation."""
    try:
        if definition.interval is not None:
            return interval_of(definition.interval)
        if definition.duration is not None:
            return at - period_of(definition.duration), at
    except ValueError as error:
        raise BrokenView(f"The view's time is {error}.") from None
    raise BrokenView("The view has neither an interval nor a duration.")


def _type(element: Element, types: Mapping[str, EventType]) -> EventType:
    found = types.get(element.attributes.id)
    if found is None:
        raise BrokenView(f"The event definition of the element {element.id} is not there.")
    return found


def _place(element_id: str, places: Mapping[str, int]) -> int:
    if element_id not in places:
        raise BrokenView(f"There is no element {element_id}.")
    return places[element_id]


# -- links -------------------------------------------------------------------------------------------------------------


def _link(source: int, target: int, link: Link) -> PlannedLink:
    """The window of a link. Moments are whole milliseconds, so `d > 0` is `d >= 1`.

    A concurrent link ignores time constraints; so it has no end within which it waits, either.
    """
    if link.eventCountType is EventCountType.CONCURRENT:
        return PlannedLink(source, target, low=0, high=0, open_for=None)
    after = link.constraintAfter.milliseconds if link.constraintAfter else 0
    within = link.constraintWithin.milliseconds if link.constraintWithin else None
    least = 1 if link.eventCountType is EventCountType.SEQUENTIAL else 0
    return PlannedLink(source, target, low=max(after, least), high=within, open_for=within)


def _order(elements: int, links: Sequence[PlannedLink]) -> tuple[int, ...]:
    """The places of elements, each after those that lead to it. Raises BrokenView for a cycle."""
    waiting = {place: {link.source for link in links if link.target == place} for place in range(elements)}
    order: list[int] = []
    while waiting:
        ready = [place for place, before in waiting.items() if before <= set(order)]
        if not ready:
            raise BrokenView("The links form a cycle.")
        order += ready
        for place in ready:
            del waiting[place]
    return tuple(order)


# -- rows --------------------------------------------------------------------------------------------------------------


def mark(place: int) -> int:
    """The bit of an element."""
    return 1 << place


def _marks(
    elements: Sequence[Element], kept: Sequence[EventType], parameters: Parameters
) -> tuple[str, tuple[str, ...]]:
    """SQL for the bits of the elements that an event counts for, and the columns in it."""
    size = next(name for bits, name in _INTEGERS if len(elements) <= bits)
    by_type: dict[int, list[str]] = {}
    read: dict[str, None] = {}
    for place, (element, one) in enumerate(zip(elements, kept, strict=True)):
        filter_ = element.filter or Filter()
        taken = [
            *(_attribute(one, predicate.dimension) for predicate in filter_.predicates),
            *(_number(one, predicate.dimension) for predicate in filter_.numberPredicates),
        ]
        read |= dict.fromkeys(column for attribute in taken for column in attribute.columns)
        holds = condition(filter_, one.fields, parameters)
        bit = f"{mark(place)}::{size}"
        by_type.setdefault(SLOTS.index(one.slot), []).append(
            bit if holds is None else f"CASE WHEN {holds} THEN {bit} ELSE 0::{size} END"
        )
    whens = " ".join(f"WHEN {slot} THEN {' | '.join(bits)}" for slot, bits in by_type.items())
    return f"(CASE type {whens} ELSE 0::{size} END)", tuple(read)


_INTEGERS = ((8, "UTINYINT"), (16, "USMALLINT"), (32, "UINTEGER"), (64, "UBIGINT"))
"""How many elements fit into which type."""


def _attribute(event_type: EventType, name: str) -> Attribute:
    kind = event_type.fields.get(name)
    if kind not in FILTERABLE:
        raise BrokenView(f"The attribute {name} is not there, or is of a kind that views do not take.")
    return Attribute(name, kind, columns.attribute(kind, name), columns.remainder(name) if kind in NUMBERS else None)


def _number(event_type: EventType, name: str) -> Attribute:
    attribute = _attribute(event_type, name)
    if attribute.kind not in NUMBERS:
        raise BrokenView(f"The attribute {name} is not a number.")
    return attribute


# -- charts ------------------------------------------------------------------------------------------------------------


def _chart(chart: Chart, kept: Sequence[EventType], places: Mapping[str, int]) -> PlannedChart:
    metrics = []
    for metric in chart.metrics:
        place = _place(metric.elementId, places)
        of_attribute = metric.aggregate not in (Aggregate.EVENT_COUNT, Aggregate.CUSTOMER_COUNT)
        number = _number(kept[place], metric.attribute or "") if of_attribute else None
        metrics.append(PlannedMetric(place, metric.aggregate, number))
    groups = {
        metric.element: tuple(
            _attribute(kept[metric.element], one.attribute)
            for one in chart.groupByAttributes
            if _place(one.elementId, places) == metric.element
        )
        for metric in metrics
    }
    return PlannedChart(chart.groupByTime, groups, tuple(metrics))
