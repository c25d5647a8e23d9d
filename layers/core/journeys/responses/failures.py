"""Responses of the operations on failures."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from journeys.responses.contract import DateTime


class FailureReplay(TypedDict):
    """One attempt to replay a failure."""

    date: DateTime
    outcome: Literal["created", "duplicate", "failed"]
    reason: NotRequired[str]


class ListedFailure(TypedDict):
    """A refused event, as listings show it."""

    id: str
    configurationId: str
    source: str
    reason: str
    message: str
    fieldName: NotRequired[str]
    differingFields: NotRequired[list[str]]
    dateFirstFailed: DateTime
    dateLastFailed: DateTime
    status: Literal["open", "resolved"]
    selfUri: str


class Failure(ListedFailure):
    """A refused event with its payload and the attempts to replay it."""

    payload: Annotated[Any, WithJsonSchema({"description": "The event or the delivery as it was sent."})]
    replays: list[FailureReplay]


class FailureListing(TypedDict):
    """A page of failures, newest first. `nextCursor` is missing on the last page."""

    entities: list[ListedFailure]
    nextCursor: NotRequired[str]


class FailureCount(TypedDict):
    """The failures with one reason in one configuration."""

    reason: str
    configurationId: str
    source: str
    count: int
    openCount: int
    dateLastFailed: DateTime


class FailureSummary(TypedDict):
    """The failures by reason and configuration. `complete` is false if only the newest ones were counted."""

    entities: list[FailureCount]
    total: int
    complete: bool


class ReasonCount(TypedDict):
    """The number of failures with one reason."""

    reason: str
    count: int


class ReplayResult(TypedDict):
    """The outcomes of a replay. Until `complete` is true, repeat the request with `nextCursor` as its `cursor`.

    `remaining` counts the failures that the request did not reach, at most 1,000.
    """

    replayed: int
    created: int
    duplicate: int
    failed: int
    failedReasons: list[ReasonCount]
    complete: bool
    remaining: NotRequired[int]
    remainingReasons: NotRequired[list[ReasonCount]]
    nextCursor: NotRequired[str]
