"""Journey views as in the contract: elements joined by links, and charts. `rules` checks what a view may contain.

Field names are the contract's. Unknown fields are refused. Fields that only the platform sets, such as dates, users and
versions, are accepted in requests and ignored, so a client can fetch a view, change it and send it back.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from journeys import dates, jsontext
from journeys.errors import NotFound
from journeys.registry.schemas.kinds import LARGEST_NUMBER

VIEWS = "/api/v2/journey/views"

DIGITS = 38
"""Digits that a number of an event can have."""
AVERAGES = Context(prec=DIGITS)
"""For averages and differences: as many digits as a number can have."""

MILLISECONDS = {
    "Seconds": 1_000,
    "Minutes": 60_000,
    "Hours": 3_600_000,
    "Days": 86_400_000,
    "Weeks": 7 * 86_400_000,
    "Months": 30 * 86_400_000,
}
"""The units of a link's time constraint, in milliseconds. A month is 30 days."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=100)]
ChartId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,100}$")]
"""The id of a chart. Only characters that need no escaping in a URL are allowed."""
AttributeName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Text = Annotated[str, StringConstraints(max_length=4096)]
ReadOnly = Annotated[Any, BeforeValidator(lambda _: None), Field(default=None, exclude=True)]
"""A field that only the platform sets. A request may contain it; its value is ignored."""


class EventCountType(StrEnum):
    """How far after an event another event must be to satisfy a link: later, at the same time, or either."""

    ALL = "All"
    CONCURRENT = "Concurrent"
    SEQUENTIAL = "Sequential"


class CountedIdentity(StrEnum):
    """What a view counts as one customer: the person behind linked identifiers, or each identifier by itself."""

    PERSON = "Person"
    IDENTIFIER = "Identifier"


class Operator(StrEnum):
    MATCHES = "Matches"
    NOT_MATCHES = "NotMatches"


class Aggregate(StrEnum):
    """What a chart's metric computes."""

    EVENT_COUNT = "EventCount"
    CUSTOMER_COUNT = "CustomerCount"
    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"
    AVERAGE = "Average"
    SUM = "Sum"


class TimeUnit(StrEnum):
    """The unit of time that a chart groups by, in UTC. Weeks are ISO weeks."""

    DAY = "Day"
    WEEK = "Week"
    MONTH = "Month"
    YEAR = "Year"


def _number(value: object) -> int | Decimal | None:
    if value is None:
        return None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
        if number.copy_abs() <= LARGEST_NUMBER and len(number.as_tuple().digits) <= DIGITS:
            return value
    raise ValueError(f"it is not a number of at most {DIGITS} digits")


Number = Annotated[int | Decimal | None, PlainValidator(_number), WithJsonSchema({"type": ["number", "null"]})]
"""A number as the JSON parser returns it. A union of types would report an invalid number once per type."""


# Strict models accept enumeration members only, but requests contain their texts.
AnyCountType = Annotated[EventCountType, Field(strict=False)]
AnyOperator = Annotated[Operator, Field(strict=False)]
AnyAggregate = Annotated[Aggregate, Field(strict=False)]
AnyTimeUnit = Annotated[TimeUnit, Field(strict=False)]
AnyIdentity = Annotated[CountedIdentity, Field(strict=False)]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


# -- elements ----------------------------------------------------------------------------------------------------------


class RangeValue(_Model):
    """The contract's `JourneyViewElementFilterRangeData`: a number, or an ISO-8601 duration (as milliseconds)."""

    number: Number = None
    duration: Text | None = None


class Range(_Model):
    """The contract's `JourneyViewElementFilterRange`: a number is in the range if it satisfies all comparators."""

    lt: RangeValue | None = None
    lte: RangeValue | None = None
    gt: RangeValue | None = None
    gte: RangeValue | None = None
    eq: RangeValue | None = None
    neq: RangeValue | None = None

    def given(self) -> Iterator[tuple[str, RangeValue]]:
        """The comparators that are set, with their names."""
        return ((name, value) for name in type(self).model_fields if (value := getattr(self, name)) is not None)


class Predicate(_Model):
    """The contract's `JourneyViewElementFilterPredicate`."""

    dimension: AttributeName
    values: list[Text] | None = Field(default=None, max_length=1000)
    operator: AnyOperator = Operator.MATCHES
    noValue: bool = False


class NumberPredicate(_Model):
    """The contract's `JourneyViewElementFilterNumberPredicate`."""

    dimension: AttributeName
    operator: AnyOperator = Operator.MATCHES
    noValue: bool = False
    range: Range | None = None


class Filter(_Model):
    """The contract's `JourneyViewElementFilter`: an event passes if it satisfies all predicates."""

    type: Literal["And"] = "And"
    predicates: list[Predicate] = Field(default_factory=list, max_length=50)
    numberPredicates: list[NumberPredicate] = Field(default_factory=list, max_length=50)


class TimeConstraint(_Model):
    """The contract's `JourneyViewLinkTimeConstraint`."""

    unit: Literal["Seconds", "Minutes", "Hours", "Days", "Weeks", "Months"]
    value: int = Field(ge=0, le=1_000_000_000)

    @property
    def milliseconds(self) -> int:
        return self.value * MILLISECONDS[self.unit]


class Link(_Model):
    """The contract's `JourneyViewLink`. `id` is the id of the element that the link leads to.

    With `joinAttributes`, which can only be `["conversationId"]`, both events are of the same conversation.
    """

    id: Id
    constraintWithin: TimeConstraint | None = None
    constraintAfter: TimeConstraint | None = None
    eventCountType: AnyCountType = EventCountType.SEQUENTIAL
    joinAttributes: list[AttributeName] | None = None


class ElementAttributes(_Model):
    """The contract's `JourneyViewElementAttributes`. `id` is the id of the event definition."""

    type: Literal["Event"] = "Event"
    id: Id
    source: Text | None = None


class ElementDisplayAttributes(_Model):
    x: int | None = None
    y: int | None = None
    col: int | None = None


class EventSelection(_Model):
    """Events of one type that pass a filter: what an element selects, without its place in a view."""

    attributes: ElementAttributes
    filter: Filter | None = None


class Element(_Model):
    """The contract's `JourneyViewElement`."""

    id: Id
    name: Name
    attributes: ElementAttributes
    displayAttributes: ElementDisplayAttributes | None = None
    filter: Filter | None = None
    followedBy: list[Link] = Field(default_factory=list, max_length=50)


# -- charts ------------------------------------------------------------------------------------------------------------


class ChartGroupByAttribute(_Model):
    """The contract's `JourneyViewChartGroupByAttribute`."""

    elementId: Id
    attribute: AttributeName


class Metric(_Model):
    """The contract's `JourneyViewChartMetric`."""

    id: Id
    elementId: Id
    aggregate: AnyAggregate = Aggregate.CUSTOMER_COUNT
    displayLabel: Text | None = None
    attribute: AttributeName | None = None


class ChartDisplayAttributes(_Model):
    type: Literal["Column", "Bar", "Line"] | None = None
    groupByTitle: Text | None = None
    metricsTitle: Text | None = None
    secondaryMetricsTitle: Text | None = None
    showLegend: bool | None = None


class Chart(_Model):
    """The contract's `JourneyViewChart`. A chart without an id gets one when it is saved.

    `version` counts the changes of the chart. The store sets it and ignores the request's value.
    """

    id: ChartId | None = None
    name: Name
    rank: int | None = Field(default=None, ge=0, le=1_000_000)
    groupByTime: AnyTimeUnit | None = None
    groupByAttributes: list[ChartGroupByAttribute] = Field(default_factory=list, max_length=10)
    metrics: list[Metric] = Field(min_length=1, max_length=10)
    displayAttributes: ChartDisplayAttributes | None = None
    groupByMax: int | None = Field(default=None, ge=1, le=100_000)
    version: int | None = None
    selfUri: ReadOnly

    def to_values(self) -> dict[str, Any]:
        """The contract's fields of the chart, without those that are not set."""
        return self.model_dump(mode="python", exclude_none=True)


# -- durations ---------------------------------------------------------------------------------------------------------


class Span(_Model):
    """Two elements between which a view measures how long customers take. They are given by their ids."""

    fromId: Id
    toId: Id


# -- the view ----------------------------------------------------------------------------------------------------------


class ViewDefinition(_Model):
    """The part of a view that people define: the contract's `JourneyView` as a request.

    `identity` is our addition. A view without it counts persons.
    """

    name: Name
    description: Text | None = None
    interval: Text | None = None
    duration: Text | None = None
    identity: AnyIdentity | None = None
    elements: list[Element] = Field(min_length=1, max_length=50)
    charts: list[Chart] = Field(default_factory=list)
    durations: list[Span] | None = Field(default=None, max_length=10)
    id: ReadOnly
    version: ReadOnly
    createdBy: ReadOnly
    modifiedBy: ReadOnly
    dateCreated: ReadOnly
    dateModified: ReadOnly
    selfUri: ReadOnly

    @property
    def counts_persons(self) -> bool:
        return self.identity is not CountedIdentity.IDENTIFIER

    def element(self, element_id: str) -> Element:
        """The element with this id; it must exist."""
        return next(element for element in self.elements if element.id == element_id)

    def to_values(self) -> dict[str, Any]:
        """The contract's fields of the view, without those that are not set. `model_validate` restores the view."""
        return self.model_dump(mode="python", exclude_none=True)


@dataclass(frozen=True, slots=True)
class View:
    """A saved version of a view. Its charts have ids and versions. `created_by` and `modified_by` are client ids.

    `date_created` is when the view was created, and `date_modified` when the version was last changed, both in
    milliseconds since 1970. `revision` counts the changes of the version, from 1.
    """

    view_id: str
    version: int
    definition: ViewDefinition
    created_by: str
    modified_by: str
    date_created: int
    date_modified: int
    revision: int = 1

    @property
    def self_uri(self) -> str:
        return f"{VIEWS}/{self.view_id}/versions/{self.version}"

    def chart(self, chart_id: str) -> Chart:
        """The chart with this id. Raises NotFound."""
        for chart in self.definition.charts:
            if chart.id == chart_id:
                return chart
        raise NotFound("This version of the view has no chart with this id.")

    def to_wire(self, *, charts: bool = True) -> dict[str, Any]:
        """The contract's `JourneyView`, with or without its charts."""
        values = self.definition.to_values()
        del values["charts"]
        values = {"id": self.view_id, "version": self.version} | values
        if charts:
            values["charts"] = [self.chart_to_wire(chart) for chart in self.definition.charts]
        return values | {
            "createdBy": {"id": self.created_by},
            "modifiedBy": {"id": self.modified_by},
            "dateCreated": dates.text(self.date_created),
            "dateModified": dates.text(self.date_modified),
            "selfUri": self.self_uri,
        }

    def chart_to_wire(self, chart: Chart) -> dict[str, Any]:
        """The contract's `JourneyViewChart`. The chart can be an older version than the view's."""
        return chart.to_values() | {"selfUri": f"{self.self_uri}/charts/{chart.id}/versions/{chart.version}"}

    def to_values(self) -> dict[str, Any]:
        """The attributes of the version's item, without its key."""
        return {
            "viewId": self.view_id,
            "version": self.version,
            "definition": jsontext.dumps(self.definition.to_values()),  # As text, the fields keep their order.
            "createdBy": self.created_by,
            "modifiedBy": self.modified_by,
            "dateCreated": dates.text(self.date_created),
            "dateModified": dates.text(self.date_modified),
            "revision": self.revision,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "View":
        return cls(
            view_id=values["viewId"],
            version=values["version"],
            definition=ViewDefinition.model_validate(jsontext.loads(values["definition"].encode())),
            created_by=values["createdBy"],
            modified_by=values["modifiedBy"],
            date_created=dates.parse(values["dateCreated"]),
            date_modified=dates.parse(values["dateModified"]),
            revision=values.get("revision", 1),
        )


# -- times -------------------------------------------------------------------------------------------------------------

_PERIOD = re.compile(
    r"P(?=\d|T\d)(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,](\d{1,3}))?S)?)?",
    re.ASCII,
)
_DAY = MILLISECONDS["Days"]
_UNITS = (365 * _DAY, 30 * _DAY, 7 * _DAY, _DAY, MILLISECONDS["Hours"], MILLISECONDS["Minutes"], 1_000)


def period(text: str) -> int:
    """The milliseconds of an ISO-8601 duration. A month is 30 days, and a year is 365 days.

    Raises ValueError with a message that follows "The duration ".
    """
    match = _PERIOD.fullmatch(text)
    if not match:
        raise ValueError("is not an ISO-8601 duration. Use a form such as P30D or PT12H")
    *whole, fraction = match.groups()
    return sum(int(number or 0) * unit for number, unit in zip(whole, _UNITS, strict=True)) + int(
        (fraction or "").ljust(3, "0") or 0
    )


_INTERVAL_EXAMPLE = "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z"


def interval(text: str) -> tuple[int, int]:
    """The start (inclusive) and the end (exclusive) of an ISO-8601 interval, in milliseconds since 1970.

    Both are a date with a time; without a time zone they are in UTC. Raises ValueError with a message that follows
    "The interval ".
    """
    start_text, _, end_text = text.partition("/")
    try:
        start, end = _moment(start_text), _moment(end_text)
    except ValueError:
        raise ValueError(
            f"is not an ISO-8601 interval. Use two dates with times, such as {_INTERVAL_EXAMPLE}"
        ) from None
    if start >= end:
        raise ValueError(f"does not end after its start. Use the earlier date first, such as {_INTERVAL_EXAMPLE}")
    return start, end


def _moment(text: str) -> int:
    try:
        return dates.parse(text)
    except ValueError:
        return dates.parse(text + "Z")
