"""A reference implementation of views in plain Python, written directly from the definitions of the figures.

It compares all pairs of events of every customer, so it is slow. It shares only the model of a view with the product.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise
from typing import Any

from journeys.views.model import (
    Chart,
    Element,
    EventCountType,
    EventSelection,
    Link,
    Metric,
    NumberPredicate,
    Operator,
    Predicate,
    ViewDefinition,
    interval,
    period,
)

Group = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, eq=False)
class Happened:
    """An event. `date` is in milliseconds since 1970. Two events are never equal, even with equal fields.

    `customer` is an identifier of the source CUSTOMERS. `also` are further identifiers: "source/value". `source` is
    where the event comes from.
    """

    customer: str
    date: int
    definition_id: str
    attributes: Mapping[str, Any]
    also: tuple[str, ...] = ()
    source: str = "test"


def figures(view: ViewDefinition, events: Iterable[Happened], at: int) -> dict[str, Any]:
    """The result of a view over the events, computed as of `at`, in milliseconds since 1970."""
    return _Figures(view, events, at).result()


def customers(view: ViewDefinition, events: Iterable[Happened], at: int) -> dict[Any, set[str]]:
    """The customers behind each figure.

    The figures of elements are (element, state), those of links (element, target), and those of the groups of a chart
    (number of the chart, element, group).
    """
    return _Figures(view, events, at).customers()


def reachable_events(view: ViewDefinition, events: Iterable[Happened], at: int) -> dict[str, dict[str, list[Happened]]]:
    """The reachable events of each customer at each element that has some, by the customer and the element's id."""
    found = _Figures(view, events, at)
    return {
        customer: {element.id: there for element in view.elements if (there := found.reachable(element.id, customer))}
        for customer in found.by_customer
    }


CUSTOMERS = "crm"
Link_ = frozenset[str]
"""Two identifiers."""


@dataclass(frozen=True)
class Rules:
    """How identifiers are joined: sources that may not link, decisions of people, and the greatest numbers allowed."""

    not_linking: frozenset[str] = frozenset()
    linked: frozenset[Link_] = frozenset()
    unlinked: frozenset[Link_] = frozenset()
    links: int = 10
    identifiers: int = 50


def with_persons(events: Sequence[Happened], rules: Rules) -> list[Happened]:
    """The events, each with the person behind its customer instead of the customer."""
    groups = persons(events, rules)
    return [replace(event, customer=min(groups.get(name(event), {name(event)}))) for event in events]


def name(event: Happened) -> str:
    return f"{CUSTOMERS}/{event.customer}"


def persons(events: Sequence[Happened], rules: Rules) -> dict[str, set[str]]:
    """The identifiers of the person behind each linked identifier."""
    links: set[Link_] = set()
    for event in events:
        identifiers = {name(event), *event.also}
        if len(identifiers) <= 10:
            links |= {frozenset(both) for both in combinations(identifiers, 2)}
    links = {
        link
        for link in (links - rules.unlinked) | rules.linked
        if not any(one.split("/")[0] in rules.not_linking for one in link)
    }
    stopped = {one for link in links for one in link if sum(one in other for other in links) > rules.links}
    groups = {one: {one} for link in links for one in link}
    for one, other in (sorted(link) for link in links if not link & stopped):
        both = groups[one] | groups[other]
        groups |= dict.fromkeys(both, both)
    return {one: group if len(group) <= rules.identifiers else {one} for one, group in groups.items()}


def period_of(view: ViewDefinition, at: int) -> tuple[int, int]:
    """The start and the end of the period that the view covers; it excludes the end."""
    return interval(view.interval) if view.interval else (at - period(view.duration or ""), at)


class _Figures:
    def __init__(self, view: ViewDefinition, events: Iterable[Happened], at: int) -> None:
        self.view, self.at = view, at
        self.start, self.end = period_of(view, at)
        self.by_customer: dict[str, list[Happened]] = {}
        for event in events:
            if self.start <= event.date < self.end:
                self.by_customer.setdefault(event.customer, []).append(event)
        self.incoming = [(source, link) for source in view.elements for link in source.followedBy]
        # computed once per event
        self.reachable = cache(self._reachable)
        self.completes = cache(self._completes)

    def result(self) -> dict[str, Any]:
        return {
            "elements": [self.element_result(element) for element in self.view.elements],
            "durations": [
                {"fromId": span.fromId, "toId": span.toId} | summary(self.span_durations(span.fromId, span.toId))
                for span in self.view.durations or ()
            ],
            "charts": [self.chart_result(chart) for chart in self.view.charts],
        }

    # -- events and links ----------------------------------------------------------------------------------------------

    def matching(self, element_id: str, customer: str) -> list[Happened]:
        """The customer's events that match the element."""
        element = self.view.element(element_id)
        return [
            event
            for event in self.by_customer[customer]
            if event.definition_id == element.attributes.id and passes(element, event)
        ]

    def _reachable(self, element_id: str, customer: str) -> list[Happened]:
        incoming = [(source, link) for source, link in self.incoming if link.id == element_id]
        return [
            y
            for y in self.matching(element_id, customer)
            if not incoming
            or any(satisfied(link, x, y) for source, link in incoming for x in self.reachable(source.id, customer))
        ]

    def satisfies(self, link: Link, x: Happened) -> bool:
        return any(satisfied(link, x, y) for y in self.matching(link.id, x.customer))

    def _completes(self, element_id: str, x: Happened) -> bool:
        links = self.view.element(element_id).followedBy
        return not links or any(
            satisfied(link, x, y) and self.completes(link.id, y)
            for link in links
            for y in self.reachable(link.id, x.customer)
        )

    def is_open(self, element: Element, x: Happened) -> bool:
        return (
            bool(element.followedBy)
            and not any(self.satisfies(link, x) for link in element.followedBy)
            and not self.end < self.at
            and any(
                (within := constraints(link)[1]) is None or x.date + within > self.at
                for link in element.followedBy
                if can_join(link, x)
            )
        )

    # -- elements ------------------------------------------------------------------------------------------------------

    def element_result(self, element: Element) -> dict[str, Any]:
        counts = dict.fromkeys(("participantCount", "activeCount", "completedCount", "dropoutCount", "flowCount"), 0)
        for customer in self.by_customer:
            there = self.reachable(element.id, customer)
            if not there:
                continue
            counts["participantCount"] += 1
            counts[f"{self.state(element, there).lower()}Count"] += 1
        return {
            "id": element.id,
            "metrics": counts,
            "followedBy": [
                {
                    "id": link.id,
                    "connectionCount": sum(
                        any(self.satisfies(link, x) for x in self.reachable(element.id, customer))
                        for customer in self.by_customer
                    ),
                    "duration": summary(self.link_durations(element.id, link)),
                }
                for link in element.followedBy
            ],
        }

    # -- customers -----------------------------------------------------------------------------------------------------

    def customers(self) -> dict[Any, set[str]]:
        found: dict[Any, set[str]] = {}
        for element in self.view.elements:
            found |= {(element.id, state): set() for state in ("Completed", "Flow", "Active", "Dropout")}
            found |= {(element.id, link.id): set() for link in element.followedBy}
            for customer in self.by_customer:
                if there := self.reachable(element.id, customer):
                    found[element.id, self.state(element, there)].add(customer)
                for link in element.followedBy:
                    if any(self.satisfies(link, x) for x in there):
                        found[element.id, link.id].add(customer)
        for number, chart in enumerate(self.view.charts):
            for metric in chart.metrics:
                for group, events in self.groups(chart, metric).items():
                    texts = tuple(text for _, text in group)
                    found[number, metric.elementId, texts] = {event.customer for event in events}
        return found

    def state(self, element: Element, there: Sequence[Happened]) -> str:
        """The state of a customer at an element, given the customer's reachable events."""
        if any(self.completes(element.id, x) for x in there):
            return "Completed"
        if any(self.satisfies(link, x) for x in there for link in element.followedBy):
            return "Flow"
        return "Active" if any(self.is_open(element, x) for x in there) else "Dropout"

    # -- durations -----------------------------------------------------------------------------------------------------

    def link_durations(self, element_id: str, link: Link) -> list[int]:
        found = []
        for customer in self.by_customer:
            pairs = [
                (x.date, y.date)
                for x in self.reachable(element_id, customer)
                for y in self.matching(link.id, customer)
                if satisfied(link, x, y)
            ]
            if pairs:
                found.append(min(y - x for x, y in pairs if x == min(pairs)[0]))
        return found

    def span_durations(self, start: str, end: str) -> list[int]:
        found = []
        for customer in self.by_customer:
            pairs = [(x.date, y.date) for x in self.reachable(start, customer) for y in self.led_to(start, x, end)]
            if pairs:
                found.append(min(y - x for x, y in pairs if x == min(pairs)[0]))
        return found

    def led_to(self, element_id: str, x: Happened, end: str) -> list[Happened]:
        """The events at `end` to which chains of links lead from the event `x` at an element."""
        if element_id == end:
            return [x]
        return [
            last
            for link in self.view.element(element_id).followedBy
            for y in self.matching(link.id, x.customer)
            if satisfied(link, x, y)
            for last in self.led_to(link.id, y, end)
        ]

    # -- charts --------------------------------------------------------------------------------------------------------

    def chart_result(self, chart: Chart) -> dict[str, Any]:
        values = [self.metric_values(chart, metric) for metric in chart.metrics]
        if chart.groupByMax is not None:
            values = [
                {group: value for group, value in one.items() if group in greatest(chart, alike(one_of, values, chart))}
                for one_of, one in zip(chart.metrics, values, strict=True)
            ]
        return {
            "id": chart.id,
            "metrics": [
                {
                    "id": metric.id,
                    "values": [
                        {
                            "value": value,
                            "groupByAttributes": [{"attribute": name, "value": text} for name, text in group],
                        }
                        for group, value in sorted(one.items(), key=lambda item: by_name(item[0]))
                    ],
                }
                for metric, one in zip(chart.metrics, values, strict=True)
            ],
        }

    def metric_values(self, chart: Chart, metric: Metric) -> dict[Group, Decimal]:
        found = {group: aggregate(metric, events) for group, events in self.groups(chart, metric).items()}
        return {group: value for group, value in found.items() if value is not None}

    def groups(self, chart: Chart, metric: Metric) -> dict[Group, list[Happened]]:
        groups: dict[Group, list[Happened]] = {}
        if chart.groupByTime is None and not any(one.elementId == metric.elementId for one in chart.groupByAttributes):
            groups[()] = []
        for customer in self.by_customer:
            for event in self.reachable(metric.elementId, customer):
                groups.setdefault(group_of(chart, metric, event), []).append(event)
        return groups


def summary(durations: Sequence[int]) -> dict[str, Any]:
    """The exact figures of durations. Percentiles are within 1% of what they should be,."""
    ordered = sorted(durations)
    if not ordered:
        return {"customerCount": 0, "histogram": []}
    names = {"median": 50, "percentile75": 75, "percentile90": 90, "percentile95": 95}
    return {
        "customerCount": len(ordered),
        "minimum": ordered[0],
        "average": Context(prec=38).divide(Decimal(sum(ordered)), Decimal(len(ordered))),
        **{name: Within(ordered[-(-len(ordered) * percent // 100) - 1]) for name, percent in names.items()},
        "maximum": ordered[-1],
        "histogram": Histogram(ordered),
    }


@dataclass(eq=False)
class Within:
    """Equals every number within 1% of the exact one."""

    exact: int
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and abs(other - self.exact) * 100 <= self.exact


@dataclass(eq=False)
class Histogram:
    """Equals every list of bars in order that counts each duration in one bar."""

    durations: Sequence[int]
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list):
            return False
        counts = [sum(bar["from"] <= duration < bar["to"] for duration in self.durations) for bar in other]
        in_order = all(one["to"] <= next_["from"] for one, next_ in pairwise(other))
        return in_order and sum(counts) == len(self.durations) and counts == [bar["customerCount"] for bar in other]


def constraints(link: Link) -> tuple[int | None, int | None]:
    """`constraintAfter` and `constraintWithin` in milliseconds. A concurrent link has neither."""
    if link.eventCountType is EventCountType.CONCURRENT:
        return None, None
    return (
        link.constraintAfter.milliseconds if link.constraintAfter else None,
        link.constraintWithin.milliseconds if link.constraintWithin else None,
    )


def satisfied(link: Link, x: Happened, y: Happened) -> bool:
    if x is y:
        return False
    d = y.date - x.date
    match link.eventCountType:
        case EventCountType.SEQUENTIAL:
            in_order = d > 0
        case EventCountType.CONCURRENT:
            in_order = d == 0
        case _:
            in_order = d >= 0
    after, within = constraints(link)
    if link.joinAttributes and not (can_join(link, x) and can_join(link, y) and conversation(x) == conversation(y)):
        return False
    return in_order and (after is None or after <= d) and (within is None or d <= within)


def can_join(link: Link, event: Happened) -> bool:
    """Whether the event has the attribute that the link joins by."""
    return not link.joinAttributes or conversation(event) is not None


def conversation(event: Happened) -> Any:
    return event.attributes.get("conversationId")


# -- filters -----------------------------------------------------------------------------------------------------------


def passes(element: Element | EventSelection, event: Happened) -> bool:
    if element.filter is None:
        return True
    return all(
        has_value(predicate, event) is (predicate.operator is Operator.MATCHES)
        for predicate in element.filter.predicates
    ) and all(
        in_range(predicate, event) is (predicate.operator is Operator.MATCHES)
        for predicate in element.filter.numberPredicates
    )


def has_value(predicate: Predicate, event: Happened) -> bool:
    value = event.attributes.get(predicate.dimension)
    if value is None:
        return predicate.noValue
    if predicate.values is None:
        return False
    if isinstance(value, bool):
        return ("true" if value else "false") in predicate.values
    if isinstance(value, int | Decimal):
        return any(Decimal(text) == value for text in predicate.values)
    return value in predicate.values


COMPARATORS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "eq": lambda one, other: one == other,
    "neq": lambda one, other: one != other,
}


def in_range(predicate: NumberPredicate, event: Happened) -> bool:
    value = event.attributes.get(predicate.dimension)
    if value is None:
        return predicate.noValue
    if predicate.range is None:
        return False
    return all(
        COMPARATORS[name](Decimal(value), Decimal(period(other.duration) if other.duration else other.number or 0))
        for name, other in predicate.range.given()
    )


# -- charts ------------------------------------------------------------------------------------------------------------


def group_of(chart: Chart, metric: Metric, event: Happened) -> Group:
    group: list[tuple[str, str | None]] = []
    if chart.groupByTime is not None:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event.date)
        year, week, _ = moment.isocalendar()
        texts = {
            "Day": moment.strftime("%Y-%m-%d"),
            "Week": f"{year}-W{week:02}",
            "Month": moment.strftime("%Y-%m"),
            "Year": moment.strftime("%Y"),
        }
        group.append(("groupByTime", texts[chart.groupByTime]))
    group += [
        (one.attribute, text_of(event.attributes.get(one.attribute)))
        for one in chart.groupByAttributes
        if one.elementId == metric.elementId
    ]
    return tuple(group)


def text_of(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    text = format(Decimal(value), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def aggregate(metric: Metric, events: Sequence[Happened]) -> Decimal | None:
    if metric.aggregate == "EventCount":
        return Decimal(len(events))
    if metric.aggregate == "CustomerCount":
        return Decimal(len({event.customer for event in events}))
    values = [event.attributes.get(metric.attribute or "") for event in events]
    numbers = [Fraction(value) for value in values if value is not None]
    if not numbers:
        return None
    match metric.aggregate:
        case "Minimum":
            found = min(numbers)
        case "Maximum":
            found = max(numbers)
        case "Sum":
            found = sum(numbers, Fraction(0))
        case _:
            total = sum(numbers, Fraction(0))
            return Context(prec=38).divide(decimal(total), Decimal(len(numbers)))
    return decimal(found)


def decimal(number: Fraction) -> Decimal:
    """A fraction that has a finite decimal expansion, as a decimal."""
    return Context(prec=2000).divide(Decimal(number.numerator), Decimal(number.denominator))


def alike(metric: Metric, values: Sequence[dict[Group, Decimal]], chart: Chart) -> list[dict[Group, Decimal]]:
    """The values of the metrics that are grouped by the same attributes as `metric`."""

    def names(one: Metric) -> list[str]:
        return [by.attribute for by in chart.groupByAttributes if by.elementId == one.elementId]

    return [found for other, found in zip(chart.metrics, values, strict=True) if names(other) == names(metric)]


def greatest(chart: Chart, values: Sequence[dict[Group, Decimal]]) -> list[Group]:
    first = values[0]
    groups = sorted({group for one in values for group in one}, key=by_name)
    ranked = sorted(groups, key=lambda group: (group in first, Fraction(first.get(group, 0))), reverse=True)
    return ranked[: chart.groupByMax]


def by_name(group: Group) -> list[tuple[bool, str]]:
    return [(text is None, text or "") for _, text in group]
