"""Responses, in the form that API Gateway takes from a function."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from journeys import jsontext
from journeys.errors import (
    BadRequest,
    Conflict,
    JourneysError,
    LimitReached,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    PermissionMissing,
    ServiceUnavailable,
    TooManyRequests,
    TooManyWaiting,
    Unauthenticated,
    UnsupportedMediaType,
)
from journeys.http.body import JSON

STATUS: Mapping[type[JourneysError], int] = {
    BadRequest: 400,
    Unauthenticated: 401,
    PermissionMissing: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    LimitReached: 409,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    TooManyRequests: 429,
    TooManyWaiting: 429,
    ServiceUnavailable: 503,
    JourneysError: 500,
}
"""The HTTP status of each error. An error that is not listed has the status of its nearest base class."""

HEADERS = {
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of every response."""


@dataclass(frozen=True, slots=True)
class TextBody:
    """A body that is not JSON, with its own headers. A table also says how many rows the text has."""

    content_type: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None


def text_response(status: int, body: TextBody) -> dict[str, Any]:
    """Return a response with a text as its body."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": body.content_type, **HEADERS, **body.headers},
        "body": body.text,
    }


def json_response(status: int, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a response with a JSON body, or 204 without one if `body` is None."""
    if body is None:
        return {"statusCode": 204, "headers": dict(HEADERS), "body": ""}
    return {"statusCode": status, "headers": {"Content-Type": JSON, **HEADERS}, "body": jsontext.dumps(body)}


def status_of(kind: type[JourneysError]) -> int:
    """Return the HTTP status of an error."""
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def error_response(error: JourneysError, context_id: str) -> dict[str, Any]:
    """Return an error as the contract's `ErrorBody`. `context_id` is the id of the request."""
    status = status_of(type(error))
    body: dict[str, Any] = {
        "message": error.message,
        "code": error.code,
        "status": status,
        "contextId": context_id,
        "details": [{"errorCode": detail.error_code, "fieldName": detail.field_name} for detail in error.details],
        "errors": [],
    }
    if error.params:
        body["messageParams"] = error.params
    if isinstance(error, LimitReached):
        body["limit"] = {"namespace": error.namespace, "key": error.key, "value": error.value}
    response = json_response(status, body)
    if isinstance(error, TooManyRequests | ServiceUnavailable | TooManyWaiting):
        response["headers"]["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        response["headers"]["Allow"] = ", ".join(error.allowed)
    return response
