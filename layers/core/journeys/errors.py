"""What can go wrong, as classes that carry their facts. `http/response.py` alone knows how each is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detail:
    """One field of a request that was refused: the contract's `Detail`."""

    error_code: str
    field_name: str


class JourneysError(Exception):
    """The base of every error of ours. `code` is `ErrorBody.code`; messages never hold a customer's data."""

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
        self.details = tuple(details)
        self.params = dict(params or {})


class BadRequest(JourneysError):
    """The request itself is wrong, and would be wrong again."""

    code = "bad.request"


class Unauthenticated(JourneysError):
    """Nothing proves who sent the request."""

    code = "authentication.required"


class PermissionMissing(JourneysError):
    """The caller is known but may not do this."""

    code = "missing.permissions"


class NotFound(JourneysError):
    """Nothing of that name belongs to the caller's organisation."""

    code = "not.found"


class MethodNotAllowed(JourneysError):
    """The path exists, but not with the request's method. `allowed` are the methods that it has."""

    code = "method.not.allowed"

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"The method {method[:20]} is not allowed for this path. Use {', '.join(allowed)}.")
        self.allowed = tuple(allowed)


class Conflict(JourneysError):
    """The request contradicts what is stored."""

    code = "conflict"


class LimitReached(JourneysError):
    """A limit of the platform. `namespace`, `key` and `value` are the contract's `Limit`; `count` is what is in use."""

    code = "limit.reached"

    def __init__(self, message: str, *, namespace: str, key: str, value: int, count: int) -> None:
        super().__init__(message, params={"limit": str(value), "count": str(count)})
        self.namespace, self.key, self.value, self.count = namespace, key, value, count


class PayloadTooLarge(JourneysError):
    """The body is over the limit."""

    code = "payload.too.large"


class UnsupportedMediaType(JourneysError):
    """The body is not of a kind that is taken."""

    code = "unsupported.media.type"


class TooManyRequests(JourneysError):
    """A store asks to slow down; the same request may succeed in `retry_after` seconds."""

    code = "too.many.requests"
    retry_after = 2


class ServiceUnavailable(JourneysError):
    """A store does not answer; the same request may succeed in `retry_after` seconds."""

    code = "service.unavailable"
    retry_after = 5


class NotComputable(JourneysError):
    """A journey view cannot be computed, and could not be again. Its job says so; no request is answered with it."""

    code = "not.computable"
