"""Responses that compare customers: options of jobs, breakdowns into groups, and comparisons of two jobs."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from journeys.responses.contract import DateTime, JourneyViewResultMetrics


class BreakdownBy(TypedDict):
    """What a view is broken down by: an attribute of an element, or the source of a customer's first event."""

    elementId: NotRequired[str]
    attribute: NotRequired[str]
    by: NotRequired[Literal["Source"]]


class ViewJobOptions(TypedDict):
    """What a job computes differently from its view."""

    interval: NotRequired[str]
    period: NotRequired[Literal["Before"]]
    breakdown: NotRequired[BreakdownBy]


class GroupDuration(TypedDict):
    """How long the customers of a group took, as `Duration` without a histogram."""

    customerCount: int
    minimum: NotRequired[int]
    average: NotRequired[float]
    median: NotRequired[int]
    percentile75: NotRequired[int]
    percentile90: NotRequired[int]
    percentile95: NotRequired[int]
    maximum: NotRequired[int]


class ShareTest(TypedDict):
    """A test of whether two shares of customers differ by more than chance.

    `isSignificant` is for this test alone, and `isSignificantCorrected` for all tests of the answer together. If the
    test does not apply, there is a `reason` instead of its outcome.
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


class GroupLink(TypedDict):
    """A link, of the customers of a group. The test compares their share with that of all other customers."""

    id: str
    connectionCount: int
    duration: GroupDuration
    test: ShareTest


class GroupTests(TypedDict):
    """The tests of a group's shares against those of all other customers, by metric."""

    participantCount: ShareTest
    completedCount: ShareTest
    flowCount: ShareTest
    activeCount: ShareTest
    dropoutCount: ShareTest


class GroupElement(TypedDict):
    """The figures of an element, of the customers of a group."""

    id: str
    metrics: JourneyViewResultMetrics
    followedBy: list[GroupLink]
    tests: GroupTests


class BreakdownGroup(TypedDict):
    """The customers of a value, or those without one. `valueCount` is the number of values that are in Others."""

    kind: Literal["Value", "Missing", "NotReached", "Others"]
    value: NotRequired[str]
    valueCount: NotRequired[int]
    customerCount: int
    elements: list[GroupElement]


class ViewBreakdown(BreakdownBy):
    """The figures of groups of customers. Each customer is in exactly one group."""

    valueCount: int
    values: list[BreakdownGroup]
    testCount: int
    significanceLevel: float
    correctedLevel: float
    assumptions: list[str]


class ComparedJob(TypedDict):
    """A job of a comparison, with the interval of the events that it counts."""

    id: str
    version: int
    dateCreated: DateTime
    interval: str
    options: NotRequired[ViewJobOptions]
    dateDataUntil: NotRequired[DateTime]
    selfUri: str


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
