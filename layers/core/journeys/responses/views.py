"""Responses of the operations on views, schedules and jobs: the contract's models with our additional fields."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from journeys.responses.comparisons import GroupDuration, ViewBreakdown, ViewJobOptions
from journeys.responses.contract import (
    AddressableEntityRef,
    DateTime,
    JourneyView,
    JourneyViewChartMetricResult,
    JourneyViewResultMetrics,
    PathDefinition,
)
from journeys.responses.customers import CustomerIdentifier
from journeys.responses.listings import Page


class EncodedLabel(TypedDict):
    """An attribute and a value. `encoded` tells whether a filter can use the value."""

    name: str
    value: str
    encoded: bool


class LabelListing(TypedDict):
    """The labels of the request."""

    entities: list[EncodedLabel]


class ViewSchedule(TypedDict):
    """The contract's `JourneyViewSchedule`, and `dateNext`, when the view is computed next."""

    id: str
    frequency: Literal["Daily", "Weekly", "Monthly"]
    dateModified: DateTime
    dateNext: DateTime
    user: AddressableEntityRef
    selfUri: str


class ViewScheduleListing(Page):
    """A page of schedules."""

    entities: list[ViewSchedule]


class ViewJobError(TypedDict):
    """Why a job failed."""

    code: str
    message: str


class ViewJob(TypedDict):
    """The contract's `JourneyViewJob`, with our fields.

    `options` are what the job computes differently from its view, and `dateDataUntil` is the newest receipt that the
    result counts.
    """

    id: str
    dateCreated: DateTime
    dateCompleted: NotRequired[DateTime]
    status: Literal["Accepted", "Executing", "Complete", "Failed", "Cancelled", "Scheduled"]
    journeyView: JourneyView
    options: NotRequired[ViewJobOptions]
    userId: str
    error: NotRequired[ViewJobError]
    dateDataUntil: NotRequired[DateTime]
    selfUri: str


class ViewJobListing(Page):
    """A page of jobs, newest first."""

    entities: list[ViewJob]


class PathJob(TypedDict):
    """A job that computes paths. Listings leave out `definition`."""

    id: str
    name: str
    dateCreated: DateTime
    dateCompleted: NotRequired[DateTime]
    status: Literal["Accepted", "Executing", "Complete", "Failed", "Cancelled"]
    definition: NotRequired[PathDefinition]
    userId: str
    error: NotRequired[ViewJobError]
    dateDataUntil: NotRequired[DateTime]
    selfUri: str


class PathJobListing(Page):
    """A page of jobs of paths, newest first."""

    entities: list[PathJob]


class PathFigures(TypedDict):
    """How many customers, and how many of their paths. A customer counts once, with every path of its own."""

    customerCount: int
    eventCount: int


class PathEventType(TypedDict):
    """An event definition, and its name at the time of the computation."""

    id: str
    name: str


class PathStep(PathFigures):
    """The paths that begin with the same event types, and where they go on.

    `others` are those that go on with a step that the result does not show, or after their last step.
    """

    eventType: PathEventType
    dropped: PathFigures
    ended: PathFigures
    others: PathFigures
    steps: list["PathStep"]


class CompletePath(PathFigures):
    """The event types of the paths that dropped off, ended, or have all their steps, without the start."""

    eventTypes: list[PathEventType]


class PathResult(TypedDict):
    """The start events, the tree of the greatest steps per level, and the greatest complete paths."""

    start: PathFigures
    tree: PathStep
    paths: list[CompletePath]
    dateDataUntil: NotRequired[DateTime]
    selfUri: str


class ViewChartResult(TypedDict):
    """The contract's `JourneyViewChartResult`, and `dateDataUntil`."""

    id: str
    version: NotRequired[int]
    metrics: list[JourneyViewChartMetricResult]
    dateDataUntil: NotRequired[DateTime]
    selfUri: str


DurationBar = TypedDict("DurationBar", {"from": int, "to": int, "customerCount": int})
DurationBar.__doc__ = (
    "A bar of a histogram: customers whose duration is at least `from` and less than `to`, in milliseconds."
)


class Duration(GroupDuration):
    """How long customers took, in milliseconds. Percentiles have a relative error of at most 1%; the rest is exact.

    If there are no customers, only `customerCount` and an empty `histogram` are there.
    """

    histogram: list[DurationBar]


class SpanDuration(Duration):
    """How long customers took from one element to another."""

    fromId: str
    toId: str


class ViewResultLink(TypedDict):
    """The contract's `JourneyViewResultLink`, and how long customers took. Old results lack it."""

    id: str
    connectionCount: int
    duration: NotRequired[Duration]


class ViewResultElement(TypedDict):
    """The contract's `JourneyViewResultElement`."""

    id: str
    metrics: JourneyViewResultMetrics
    followedBy: list[ViewResultLink]


class ViewResult(TypedDict):
    """The contract's `JourneyViewResult`, with our fields.

    `durations` are those that the view measures, and `breakdown` is that of the job's options.
    """

    elements: list[ViewResultElement]
    durations: NotRequired[list[SpanDuration]]
    charts: list[ViewChartResult]
    breakdown: NotRequired[ViewBreakdown]
    dateDataUntil: NotRequired[DateTime]


class ListedCustomer(TypedDict):
    """A customer behind a figure, with up to ten identifiers under which it had events in the period of the job.

    `customer` is the first of them, and `selfUri` the address of its journey.
    """

    customer: CustomerIdentifier
    identifiers: list[CustomerIdentifier]
    selfUri: str


class ViewCustomerListing(TypedDict):
    """A page of the customers behind a figure.

    `total` is the figure, which is exact. `listed` of them can be paged through: at most `maximum`, always the same.
    """

    entities: list[ListedCustomer]
    pageSize: int
    total: int
    listed: int
    maximum: int
    selfUri: str
    nextUri: NotRequired[str]
