"""A journey view as the contract has it: elements joined by links, and charts. What is wrong with one is for `rules`.

Field names are the contract's. Unknown fields are refused; what only the platform sets (ids of users, dates, versions)
is accepted in a request and passed over, so that a view can be fetched, changed and sent back.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
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
"""As many digits as a number of an event can have."""

MILLISECONDS = {
    "Seconds": 1_000,
    "Minutes": 60_000,
    "Hours": 3_600_000,
    "Days": 86_400_000,
    "Weeks": 7 * 86_400_000,
    "Months": 30 * 86_400_000,
}
"""The units of a link's time constraint; a month is 30 days."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=100)]
ChartId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,100}$")]
"""The id of a chart stands in addresses."""
Attribute = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Text = Annotated[str, StringConstraints(max_length=4096)]
ReadOnly = Annotated[Any, BeforeValidator(lambda _: None), Field(default=None, exclude=True)]
"""A field that only the platform sets. A request may contain it; its value is ignored."""


class EventCountType(StrEnum):
    """Which events after one at a link's beginning count at its end."""

    ALL = "All"
    CONCURRENT = "Concurrent"
    SEQUENTIAL = "Sequential"


class Operator(StrEnum):
    MATCHES = "Matches"
    NOT_MATCHES = "NotMatches"


class Aggregate(StrEnum):
    """What a chart's metric is."""

    EVENT_COUNT = "EventCount"
    CUSTOMER_COUNT = "CustomerCount"
    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"
    AVERAGE = "Average"
    SUM = "Sum"


class TimeUnit(StrEnum):
    """What a chart groups by in time, all in UTC; weeks are ISO weeks."""

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
    raise ValueError(f"must be a number of up to {DIGITS} digits")


Number = Annotated[int | Decimal | None, PlainValidator(_number), WithJsonSchema({"type": ["number", "null"]})]
"""A number as the parser gives it; a union of kinds would report what is wrong once for each."""


# strict models take members of an enumeration alone; a request has their texts
AnyCountType = Annotated[EventCountType, Field(strict=False)]
AnyOperator = Annotated[Operator, Field(strict=False)]
AnyAggregate = Annotated[Aggregate, Field(strict=False)]
AnyTimeUnit = Annotated[TimeUnit, Field(strict=False)]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


# -- elements ----------------------------------------------------------------------------------------------------------


class RangeValue(_Model):
    """The contract's `JourneyViewElementFilterRangeData`: a number, or an ISO-8601 duration in milliseconds."""

    number: Number = None
    duration: Text | None = None


class Range(_Model):
    """The contract's `JourneyViewElementFilterRange`: all comparators given must hold."""

    lt: RangeValue | None = None
    lte: RangeValue | None = None
    gt: RangeValue | None = None
    gte: RangeValue | None = None
    eq: RangeValue | None = None
    neq: RangeValue | None = None

    def given(self) -> Iterator[tuple[str, RangeValue]]:
        """The comparators that are there, by name."""
        return ((name, value) for name in type(self).model_fields if (value := getattr(self, name)) is not None)


class Predicate(_Model):
    """The contract's `JourneyViewElementFilterPredicate`."""

    dimension: Attribute
    values: list[Text] | None = Field(default=None, max_length=1000)
    operator: AnyOperator = Operator.MATCHES
    noValue: bool = False


class NumberPredicate(_Model):
    """The contract's `JourneyViewElementFilterNumberPredicate`."""

    dimension: Attribute
    operator: AnyOperator = Operator.MATCHES
    noValue: bool = False
    range: Range | None = None


class Filter(_Model):
    """The contract's `JourneyViewElementFilter`: all predicates must hold."""

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
    """The contract's `JourneyViewLink`; `id` names the element downstream."""

    id: Id
    constraintWithin: TimeConstraint | None = None
    constraintAfter: TimeConstraint | None = None
    eventCountType: AnyCountType = EventCountType.SEQUENTIAL
    joinAttributes: list[Attribute] | None = None


class ElementAttributes(_Model):
    """The contract's `JourneyViewElementAttributes`; `id` names the event definition."""

    type: Literal["Event"] = "Event"
    id: Id
    source: Text | None = None


class ElementDisplayAttributes(_Model):
    x: int | None = None
    y: int | None = None
    col: int | None = None


class Element(_Model):
    """The contract's `JourneyViewElement`."""

    id: Id
    name: Name
    attributes: ElementAttributes
    displayAttributes: ElementDisplayAttributes | None = None
    filter: Filter | None = None
    followedBy: list[Link] = Field(default_factory=list, max_length=50)


# -- charts ------------------------------------------------------------------------------------------------------------


class GroupByAttribute(_Model):
    """The contract's `JourneyViewChartGroupByAttribute`."""

    elementId: Id
    attribute: Attribute


class Metric(_Model):
    """The contract's `JourneyViewChartMetric`."""

    id: Id
    elementId: Id
    aggregate: AnyAggregate = Aggregate.CUSTOMER_COUNT
    displayLabel: Text | None = None
    attribute: Attribute | None = None


class ChartDisplayAttributes(_Model):
    type: Literal["Column", "Bar", "Line"] | None = None
    groupByTitle: Text | None = None
    metricsTitle: Text | None = None
    secondaryMetricsTitle: Text | None = None
    showLegend: bool | None = None


class Chart(_Model):
    """The contract's `JourneyViewChart`; one without an id is given one.

    `version` counts the changes of the chart; the store sets it, whatever a request says.
    """

    id: ChartId | None = None
    name: Name
    rank: int | None = Field(default=None, ge=0, le=1_000_000)
    groupByTime: AnyTimeUnit | None = None
    groupByAttributes: list[GroupByAttribute] = Field(default_factory=list, max_length=10)
    metrics: list[Metric] = Field(min_length=1, max_length=10)
    displayAttributes: ChartDisplayAttributes | None = None
    groupByMax: int | None = Field(default=None, ge=1, le=100_000)
    version: int | None = None
    selfUri: ReadOnly

    def to_values(self) -> dict[str, Any]:
        """The chart as the contract's fields, without those that are not given."""
        return self.model_dump(mode="python", exclude_none=True)


# -- the view ----------------------------------------------------------------------------------------------------------


class ViewDefinition(_Model):
    """What a person says of a view: the contract's `JourneyView` as a request."""

    name: Name
    description: Text | None = None
    interval: Text | None = None
    duration: Text | None = None
    elements: list[Element] = Field(min_length=1, max_length=50)
    charts: list[Chart] = Field(default_factory=list)
    id: ReadOnly
    version: ReadOnly
    createdBy: ReadOnly
    modifiedBy: ReadOnly
    dateCreated: ReadOnly
    dateModified: ReadOnly
    selfUri: ReadOnly

    def element(self, element_id: str) -> Element:
        """The element of that id, which `rules` made sure of."""
        return next(one for one in self.elements if one.id == element_id)

    def to_values(self) -> dict[str, Any]:
        """The definition as the contract's fields, without those that are not given; `model_validate` takes it back."""
        return self.model_dump(mode="python", exclude_none=True)


@dataclass(frozen=True, slots=True)
class View:
    """One version of a view, as it is saved: its charts have ids and versions. Users are ids of clients.

    `date_created` is the view's, `date_modified` the version's, both in milliseconds.
    """

    view_id: str
    version: int
    definition: ViewDefinition
    created_by: str
    modified_by: str
    date_created: int
    date_modified: int

    @property
    def self_uri(self) -> str:
        return f"{VIEWS}/{self.view_id}/versions/{self.version}"

    def chart(self, chart_id: str) -> Chart:
        """The chart of that id. Raises NotFound."""
        for chart in self.definition.charts:
            if chart.id == chart_id:
                return chart
        raise NotFound("This version of the view has no such chart.")

    def to_wire(self, *, charts: bool = True) -> dict[str, Any]:
        """The contract's `JourneyView`, with its charts or without."""
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
        """The contract's `JourneyViewChart`, of this version of the view or of another."""
        return chart.to_values() | {"selfUri": f"{self.self_uri}/charts/{chart.id}/versions/{chart.version}"}

    def to_values(self) -> dict[str, Any]:
        """What a row holds, beside its key."""
        return {
            "viewId": self.view_id,
            "version": self.version,
            "definition": jsontext.dumps(self.definition.to_values()),  # text, so that fields keep their order
            "createdBy": self.created_by,
            "modifiedBy": self.modified_by,
            "dateCreated": dates.text(self.date_created),
            "dateModified": dates.text(self.date_modified),
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
        )


def version_number(text: str) -> int:
    """The version of a view or a chart that a path names. Raises NotFound."""
    if not (text.isascii() and text.isdigit() and len(text) <= 8):
        raise NotFound("There is no such version. A version is a whole number of up to 8 digits.")
    return int(text)


# -- times -------------------------------------------------------------------------------------------------------------

_PERIOD = re.compile(
    r"P(?=\d|T\d)(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,](\d{1,3}))?S)?)?",
    re.ASCII,
)
_DAY = MILLISECONDS["Days"]
_UNITS = (365 * _DAY, 30 * _DAY, 7 * _DAY, _DAY, MILLISECONDS["Hours"], MILLISECONDS["Minutes"], 1_000)


def period(text: str) -> int:
    """The milliseconds of an ISO-8601 duration; a month is 30 days and a year 365. Raises ValueError."""
    found = _PERIOD.fullmatch(text)
    if not found:
        raise ValueError("not an ISO-8601 duration such as P30D or PT12H")
    *whole, fraction = found.groups()
    return sum(int(number or 0) * unit for number, unit in zip(whole, _UNITS, strict=True)) + int(
        (fraction or "").ljust(3, "0") or 0
    )


def interval(text: str) -> tuple[int, int]:
    """The moments, in milliseconds, between which an ISO-8601 interval lies: from the first on, before the second.

    Each is a date and time; one without a zone is in UTC. Raises ValueError.
    """
    start, slash, end = text.partition("/")
    if not slash:
        raise ValueError("not an ISO-8601 interval such as 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z")
    moments = _moment(start), _moment(end)
    if moments[0] >= moments[1]:
        raise ValueError("an interval that ends before it begins")
    return moments


def _moment(text: str) -> int:
    try:
        return dates.parse(text)
    except ValueError:
        return dates.parse(text + "Z")
