"""Responses of the operations on views, schedules and jobs: the contract's models with our additional fields."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from journeys.responses.contract import (
    AddressableEntityRef,
    DateTime,
    JourneyView,
    JourneyViewChartMetricResult,
    JourneyViewResultElement,
)
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
    """The contract's `JourneyViewJob`, with `error` and `dateDataUntil`, the newest receipt that the result counts."""

    id: str
    dateCreated: DateTime
    dateCompleted: NotRequired[DateTime]
    status: Literal["Accepted", "Executing", "Complete", "Failed", "Cancelled", "Scheduled"]
    journeyView: JourneyView
    userId: str
    error: NotRequired[ViewJobError]
    dateDataUntil: NotRequired[DateTime]
    selfUri: str


class ViewJobListing(Page):
    """A page of jobs, newest first."""

    entities: list[ViewJob]


class ViewChartResult(TypedDict):
    """The contract's `JourneyViewChartResult`, and `dateDataUntil`."""

    id: str
    version: NotRequired[int]
    metrics: list[JourneyViewChartMetricResult]
    dateDataUntil: NotRequired[DateTime]
    selfUri: str


class ViewResult(TypedDict):
    """The contract's `JourneyViewResult`, and `dateDataUntil`."""

    elements: list[JourneyViewResultElement]
    charts: list[ViewChartResult]
    dateDataUntil: NotRequired[DateTime]
