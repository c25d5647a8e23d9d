"""Request bodies of the operations on jobs."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from journeys.views.model import ReadOnly


class JobUpdate(BaseModel):
    """The contract's `JourneyViewJob` as a request. The only change is to cancel the job; other fields are ignored."""

    model_config = ConfigDict(strict=True, extra="forbid")

    status: Literal["Cancelled"]
    id: ReadOnly
    dateCreated: ReadOnly
    dateCompleted: ReadOnly
    journeyView: ReadOnly
    dateCompletionEstimated: ReadOnly
    estimatedCompletionMargin: ReadOnly
    userId: ReadOnly
    error: ReadOnly
    dateDataUntil: ReadOnly
    options: ReadOnly
    selfUri: ReadOnly


class PathJobUpdate(BaseModel):
    """A job of paths as a request. The only change is to cancel the job."""

    model_config = ConfigDict(strict=True, extra="forbid")

    status: Literal["Cancelled"]
