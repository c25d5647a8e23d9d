"""Responses of the operations that ingest and validate events."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict


class ProcessedEvent(TypedDict):
    """An event that was stored before (duplicate), is stored now (created), or would be stored (valid)."""

    originalRequestIndex: int
    id: str
    outcome: Literal["created", "duplicate", "valid"]


class EventProblem(TypedDict):
    """One of several problems of an event."""

    errorCode: str
    fieldName: str


class UnprocessedEvent(TypedDict):
    """An event that was refused. `isRetryable` tells whether the same event can succeed later.

    `errorCode` and `fieldName` are those of the first problem. If there are several, `details` lists all of them.
    """

    event: Annotated[Any, WithJsonSchema({"description": "The event as it was sent."})]
    originalRequestIndex: int
    isRetryable: bool
    errorMessage: str
    statusCode: int
    errorCode: str
    fieldName: str | None
    details: NotRequired[list[EventProblem]]


class IngestResponse(TypedDict):
    """The result of each event. Every index of the request appears in exactly one of the two lists."""

    processed: list[ProcessedEvent]
    unprocessedEntities: list[UnprocessedEvent]
