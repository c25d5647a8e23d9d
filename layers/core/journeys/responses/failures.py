"""Responses of the operations on failures."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from journeys.responses.contract import DateTime
from journeys.responses.webhooks import MappedEvent


class FailureReplay(TypedDict):
    """One attempt to replay a failure. The counts are those of a delivery's events."""

    date: DateTime
    outcome: Literal["created", "duplicate", "failed", "ignored"]
    reason: NotRequired[str]
    created: NotRequired[int]
    duplicate: NotRequired[int]
    failed: NotRequired[int]
    ignored: NotRequired[int]


class ListedFailure(TypedDict):
    """A refused event or delivery, as listings show it. A delivery has the id of its webhook endpoint."""

    id: str
    configurationId: str
    endpointId: NotRequired[str]
    source: str
    reason: str
    message: str
    fieldName: NotRequired[str]
    differingFields: NotRequired[list[str]]
    dateFirstFailed: DateTime
    dateLastFailed: DateTime
    status: Literal["open", "resolved"]
    selfUri: str


class FailedDelivery(TypedDict):
    """A webhook delivery as it was received, with the headers that a mapping may read."""

    body: str
    isBase64Encoded: bool
    headers: dict[str, str]
    dateReceived: DateTime
    deliveryId: NotRequired[str]


class Failure(ListedFailure):
    """A refused event or delivery, and the attempts to replay it.

    An event is in `payload`. A delivery is in `delivery`, and `events` are the first of its `eventsRefused` refused
    events, as the mapping made them.
    """

    payload: NotRequired[Annotated[Any, WithJsonSchema({"description": "The event as it was sent."})]]
    delivery: NotRequired[FailedDelivery]
    events: NotRequired[list[MappedEvent]]
    eventsRefused: NotRequired[int]
    replays: list[FailureReplay]


class FailureListing(TypedDict):
    """A page of failures, newest first. `nextCursor` is missing on the last page.

    With a filter, a page can have few failures or none although others follow, because it reads a limited number.
    """

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

    `remaining` counts the failures that the request did not reach, at most 1,000. With a filter that few failures
    match, it can be too low.
    """

    replayed: int
    created: int
    duplicate: int
    failed: int
    ignored: int
    failedReasons: list[ReasonCount]
    complete: bool
    remaining: NotRequired[int]
    remainingReasons: NotRequired[list[ReasonCount]]
    nextCursor: NotRequired[str]
