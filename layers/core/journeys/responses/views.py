"""Responses of the operations on views, schedules and jobs: the contract's models with our additional fields."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

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


class ViewJobOptions(TypedDict):
    """What a job computes differently from its view."""

    interval: NotRequired[str]
    period: NotRequired[Literal["Before"]]


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


class Duration(TypedDict):
    """How long customers took, in milliseconds. Percentiles have a relative error of at most 1%; the rest is exact.

    If there are no customers, only `customerCount` and an empty `histogram` are there.
    """

    customerCount: int
    minimum: NotRequired[int]
    average: NotRequired[float]
    median: NotRequired[int]
    percentile75: NotRequired[int]
    percentile90: NotRequired[int]
    percentile95: NotRequired[int]
    maximum: NotRequired[int]
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
    """The contract's `JourneyViewResult`, `dateDataUntil`, and the durations that the view measures."""

    elements: list[ViewResultElement]
    durations: NotRequired[list[SpanDuration]]
    charts: list[ViewChartResult]
    dateDataUntil: NotRequired[DateTime]


class ComparedJob(TypedDict):
    """A job of a comparison, with the interval of the events that it counts."""

    id: str
    version: int
    dateCreated: DateTime
    interval: str
    options: NotRequired[ViewJobOptions]
    dateDataUntil: NotRequired[DateTime]
    selfUri: str


class ShareTest(TypedDict):
    """A test of whether the shares of customers in two jobs differ by more than chance.

    `isSignificant` is for this test alone, and `isSignificantCorrected` for all tests of the comparison together. If
    the test does not apply, there is a `reason` instead of its outcome.
    """

    name: str
    share: NotRequired[float]
    otherShare: NotRequired[float]
    difference: NotRequired[float]
    z: NotRequired[float]
    pValue: NotRequired[float]
    isSignificant: NotRequired[bool]
    isSignificantCorrected: NotRequired[bool]
    reason: NotRequired[str]


class ComparedFigure(TypedDict):
    """A figure in both jobs. The ratio is that of `value` to `otherValue`; `ratioReason` says why there is none."""

    value: float | None
    otherValue: float | None
    difference: float | None
    ratio: float | None
    ratioReason: NotRequired[str]
    test: NotRequired[ShareTest]


class ComparedMetrics(TypedDict):
    """The metrics of an element in both jobs."""

    participantCount: ComparedFigure
    completedCount: ComparedFigure
    flowCount: ComparedFigure
    activeCount: ComparedFigure
    dropoutCount: ComparedFigure


class ComparedDuration(TypedDict):
    """How long customers took in both jobs, in milliseconds."""

    average: ComparedFigure
    median: ComparedFigure


class ComparedLink(TypedDict):
    """A link in both jobs. One that only one of them has has `only` instead of figures."""

    id: str
    only: NotRequired[Literal["Job", "OtherJob"]]
    connectionCount: NotRequired[ComparedFigure]
    duration: NotRequired[ComparedDuration]


class ComparedElement(TypedDict):
    """An element in both jobs. One that only one of them has has `only` instead of figures."""

    id: str
    name: str
    only: NotRequired[Literal["Job", "OtherJob"]]
    metrics: NotRequired[ComparedMetrics]
    followedBy: NotRequired[list[ComparedLink]]


class ComparedSpan(TypedDict):
    """How long customers took from one element to another in both jobs, or the only job that measures it."""

    fromId: str
    toId: str
    only: NotRequired[Literal["Job", "OtherJob"]]
    customerCount: NotRequired[ComparedFigure]
    average: NotRequired[ComparedFigure]
    median: NotRequired[ComparedFigure]


class ViewComparison(TypedDict):
    """The results of two jobs of a view, side by side. Read the assumptions before the tests."""

    job: ComparedJob
    otherJob: ComparedJob
    elements: list[ComparedElement]
    durations: list[ComparedSpan]
    testCount: int
    significanceLevel: float
    correctedLevel: float
    assumptions: list[str]
    selfUri: str


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
