"""The errors of this application. Each class carries its facts; `http/response.py` alone maps them to responses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from journeys.messages import use_one_of

MAX_DETAILS = 100
"""Problems that an error response lists as details; a body of 1 MiB can have many more."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One invalid field of a request: the contract's `Detail`."""

    error_code: str
    field_name: str


class JourneysError(Exception):
    """The base class of this application's errors. `code` is `ErrorBody.code`. Messages never contain customer data."""

    code = "internal.error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Sequence[Detail] = (),
        params: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = tuple(details[:MAX_DETAILS])
        self.params = dict(params or {})


class BadRequest(JourneysError):
    """The request is invalid. A retry fails in the same way."""

    code = "bad.request"


class Unauthenticated(JourneysError):
    """The request does not prove who sent it."""

    code = "authentication.required"


class PermissionMissing(JourneysError):
    """The caller is known but lacks a permission."""

    code = "missing.permissions"


class NotFound(JourneysError):
    """The caller's organization has no such resource."""

    code = "not.found"


class MethodNotAllowed(JourneysError):
    """The resource exists but does not support the method. `allowed` lists the methods for the Allow header."""

    code = "method.not.allowed"

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"The method {method[:20]} is not allowed for this path. {use_one_of(allowed)}")
        self.allowed = tuple(allowed)


class Conflict(JourneysError):
    """The request conflicts with the stored state."""

    code = "conflict"


class LimitReached(JourneysError):
    """A limit of the platform is reached.

    `namespace`, `key` and `value` are those of the contract's `Limit`. `count` is how many are in use.
    """

    code = "limit.reached"

    def __init__(self, message: str, *, namespace: str, key: str, value: int, count: int) -> None:
        super().__init__(message, params={"limit": str(value), "count": str(count)})
        self.namespace, self.key, self.value, self.count = namespace, key, value, count


class TooManyWaiting(LimitReached):
    """As many jobs wait as are allowed. The request can succeed after `retry_after` seconds."""

    retry_after = 60


class PayloadTooLarge(JourneysError):
    """The body is larger than allowed."""

    code = "payload.too.large"


class UnsupportedMediaType(JourneysError):
    """The media type or the encoding of the body is not supported."""

    code = "unsupported.media.type"


class TooManyRequests(JourneysError):
    """AWS throttles the request. It can succeed after `retry_after` seconds."""

    code = "too.many.requests"
    retry_after = 2


class ServiceUnavailable(JourneysError):
    """An AWS service does not respond. The request can succeed after `retry_after` seconds."""

    code = "service.unavailable"
    retry_after = 5


class ServerError(JourneysError):
    """A defect of this application or of its deployment. A retry fails in the same way until it is fixed."""

    code = "internal.error"


class NotComputable(JourneysError):
    """A journey view can never be computed. Only the job of the view reports this error; no request returns it."""

    code = "not.computable"
