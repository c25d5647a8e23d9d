"""From API Gateway to our functions and back: who calls, what they sent, and how every error is answered."""

import base64
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from botocore.exceptions import BotoCoreError, ClientError
from pydantic_core import ValidationError

from journeys import dates, jsontext, settings
from journeys.aws import store_outage
from journeys.cache import Cache
from journeys.errors import (
    BadRequest,
    Conflict,
    Detail,
    JourneysError,
    LimitReached,
    NotFound,
    PayloadTooLarge,
    PermissionMissing,
    ServiceUnavailable,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMediaType,
)
from journeys.registry.clients.model import Client
from journeys.telemetry import log_error, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

MAX_BODY = 1024 * 1024
MAX_PAGE = 100
MAX_ID = 100
JSON = "application/json"

STATUS: dict[type[JourneysError], int] = {
    BadRequest: 400,
    Unauthenticated: 401,
    PermissionMissing: 403,
    NotFound: 404,
    Conflict: 409,
    LimitReached: 409,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    TooManyRequests: 429,
    ServiceUnavailable: 503,
    JourneysError: 500,
}
"""The one place that knows which status an error is answered with."""

HEADERS = {
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer carries."""


class Request:
    """What a handler needs of a request. `caller` names the only organisation that the request can touch."""

    def __init__(self, event: Mapping[str, Any], invocation_id: str, caller: Client, began: float) -> None:
        self._event, self._invocation_id, self.caller, self._began = event, invocation_id, caller, began

    def seconds_spent(self) -> float:
        """How long ago the request came in."""
        return time.monotonic() - self._began

    def url(self, path: str) -> str:
        """The public address of a path of this API."""
        return public_url(self._event, path)

    @property
    def organization_id(self) -> str:
        return self.caller.organization_id

    @property
    def request_id(self) -> str:
        """Names this request and this run of the function, so that a request made again by hand is another."""
        return f"{request_id(self._event)}/{self._invocation_id}"

    # -- the body ------------------------------------------------------------------------------------------------------

    def json(self) -> Any:
        """The body. Raises PayloadTooLarge, UnsupportedMediaType, and BadRequest where it is not strict JSON."""
        body = body_bytes(self._event)
        if len(body) > MAX_BODY:
            raise PayloadTooLarge(f"The body has {len(body)} bytes; {MAX_BODY} are allowed.")
        media_type = header(self._event, "content-type").split(";")[0].strip().lower()
        if media_type != JSON:
            raise UnsupportedMediaType(f"Send the body as {JSON}, and say so in the header Content-Type.")
        try:
            return jsontext.loads(body)
        except jsontext.InvalidJson as error:
            raise BadRequest(f"The body is not valid JSON: {error}.") from None

    def model(self, model: type[M]) -> M:
        """The body as a model; a root model is one of a list. Raises BadRequest with the fields that are wrong."""
        value = self.json()
        kind, name = (list, "array") if model.__pydantic_root_model__ else (dict, "object")
        if not isinstance(value, kind):
            raise BadRequest(f"The body must be a JSON {name}.")
        try:
            return model.model_validate(value)
        except ValidationError as error:
            problems = [(_path(found["loc"]), found["type"], found["msg"]) for found in error.errors()]
            raise BadRequest(
                " ".join(f"{where}: {message}." for where, _, message in problems[:5]),
                code="invalid.field",
                details=[Detail(kind.replace("_", "."), where) for where, kind, _ in problems],
            ) from None

    # -- the query -----------------------------------------------------------------------------------------------------

    def text(self, name: str) -> str | None:
        """A query parameter, or None where it is missing or empty."""
        return (self._event.get("queryStringParameters") or {}).get(name) or None

    def required(self, name: str) -> str:
        """A query parameter that must be there. Raises BadRequest."""
        value = self.text(name)
        if value is None:
            raise BadRequest(f"The query parameter {name} is missing.", details=[Detail("missing.parameter", name)])
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """A query parameter out of a few, the first by default. Raises BadRequest."""
        value = self.text(name) or choices[0]
        if value not in choices:
            raise _invalid(name, f"must be {' or '.join(choices)}")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number in the query. Raises BadRequest."""
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and low <= int(value) <= high):
            raise _invalid(name, f"must be a whole number from {low} to {high}")
        return int(value)

    def page_size(self) -> int:
        return self.integer("pageSize", 25, 1, MAX_PAGE)

    def moment(self, name: str) -> int | None:
        """A moment in the query, in milliseconds. Raises BadRequest."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return dates.parse(value)
        except ValueError:
            raise _invalid(
                name, "must be an ISO-8601 date and time with a zone, such as 2026-01-31T09:30:00Z"
            ) from None

    def page(
        self,
        path: str,
        entities: Sequence[Any],
        to_wire: Callable[[Any], dict[str, Any]],
        filters: Sequence[str] = (),
    ) -> dict[str, Any]:
        """One page of a listing, in the contract's form; `filters` are the parameters that other pages need too."""
        size, number = self.page_size(), self.integer("pageNumber", 1, 1, 999_999_999)
        last = max(1, math.ceil(len(entities) / size))
        kept = {name: value for name in filters if (value := self.text(name)) is not None}

        def uri(page: int) -> str:
            return f"{path}?{urlencode(kept | {'pageSize': str(size), 'pageNumber': str(page)})}"

        return jsontext.omit_none(
            {
                "entities": [to_wire(entity) for entity in entities[(number - 1) * size : number * size]],
                "pageSize": size,
                "pageNumber": number,
                "total": len(entities),
                "pageCount": last,
                "selfUri": uri(number),
                "firstUri": uri(1),
                "lastUri": uri(last),
                "nextUri": uri(number + 1) if number < last else None,
                "previousUri": uri(min(number - 1, last)) if number > 1 else None,
            }
        )


Handler = Callable[..., dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. What it reads of a request is what its handler asks the Request for: see tools/openapi.py."""

    method: str
    path: str
    permission: str
    status: int
    handler: Handler


class Api:
    """The routes of one function. Each names the permission that it takes, so none can be without."""

    def __init__(self, clients: Cache[str, Client | None]) -> None:
        self._clients = clients
        self._resolver = APIGatewayRestResolver(
            cors=CORSConfig(allow_origin=settings.allowed_origin(), allow_headers=["Authorization"], max_age=3600),
            serializer=jsontext.dumps,
        )
        self._resolver.not_found(lambda _: self._failed(NotFound("There is no such resource.")))
        self._resolver.exception_handler(Exception)(self._failed)
        self.routes: list[Route] = []

    @property
    def permissions(self) -> dict[tuple[str, str], str]:
        """Which permission each route takes."""
        return {(route.method, route.path): route.permission for route in self.routes}

    def route(self, method: str, path: str, *, permission: str, status: int = 200) -> Callable[[Handler], Handler]:
        """Calls the handler with a Request and the path's variables; None is answered with 204."""

        def register(handler: Handler) -> Handler:
            def answer(**variables: str) -> Response[str]:
                began, event = time.monotonic(), self._resolver.current_event.raw_event
                invocation_id = str(self._resolver.lambda_context.aws_request_id)
                caller = self._caller(event, permission)
                if any(len(value) > MAX_ID for value in variables.values()):
                    raise NotFound("There is no such resource.")  # nothing has such an id, and no key can hold it
                answered = handler(Request(event, invocation_id, caller, began), **variables)
                if answered is None:
                    return Response(status_code=204, body="", headers=dict(HEADERS))
                return _response(status, answered)

            self.routes.append(Route(method, path, permission, status, handler))
            self._resolver.route(path, method)(answer)
            return handler

        return register

    def handle(self, event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
        """Answers one request of API Gateway."""
        began = time.perf_counter()
        logger.set_correlation_id(request_id(event))
        answer: dict[str, Any] = self._resolver.resolve(event, context)
        logger.info(
            "answered",
            route=f"{event.get('httpMethod')} {event.get('resource')}",
            status=answer["statusCode"],
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )
        return answer

    def _caller(self, event: Mapping[str, Any], permission: str) -> Client:
        claims = ((event.get("requestContext") or {}).get("authorizer") or {}).get("claims") or {}
        client_id = claims.get("client_id")
        if not isinstance(client_id, str) or not client_id:
            raise Unauthenticated("The request names no client; send an access token.")
        client = self._clients.get(client_id)
        if client is None or permission not in client.permissions:
            client = self._clients.fresh(client_id)  # nobody is refused because of what was kept
        if client is None:
            raise PermissionMissing("This client belongs to no organisation.")
        client.require(permission)
        return client

    def _failed(self, error: Exception) -> Response[str]:
        if isinstance(error, ClientError | BotoCoreError):
            log_error("a store failed", error)
            error = store_outage(error)
        elif not isinstance(error, JourneysError):
            log_error("a handler failed", error)
            error = JourneysError("Something went wrong here; it was recorded under this contextId.")
        return error_response(error, request_id(self._resolver.current_event.raw_event))


def error_response(error: JourneysError, context_id: str) -> Response[str]:
    """An error as the contract's `ErrorBody`."""
    answer = error_answer(error, context_id)
    return Response(status_code=answer["statusCode"], content_type=JSON, body=answer["body"], headers=answer["headers"])


def error_answer(error: JourneysError, context_id: str) -> dict[str, Any]:
    """An error as the contract's `ErrorBody`, in the form that API Gateway takes from a function."""
    status = STATUS[type(error)]
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
    headers = {"Content-Type": JSON, **HEADERS}
    if isinstance(error, TooManyRequests | ServiceUnavailable):
        headers["Retry-After"] = str(error.retry_after)
    return {"statusCode": status, "headers": headers, "body": jsontext.dumps(body)}


def _response(status: int, body: dict[str, Any]) -> Response[str]:
    return Response(status_code=status, content_type=JSON, body=jsontext.dumps(body), headers=dict(HEADERS))


def _path(places: Sequence[int | str]) -> str:
    """Where in a body something is: `elements[2].name`."""
    return "".join(f"[{place}]" if isinstance(place, int) else f".{place}" for place in places).removeprefix(".")


def _invalid(name: str, rule: str) -> BadRequest:
    return BadRequest(f"The query parameter {name} {rule}.", details=[Detail("invalid.parameter", name)])


def request_id(event: Mapping[str, Any]) -> str:
    """The id that API Gateway gave to the request; every answer, log line and stored event carries it."""
    return str((event.get("requestContext") or {}).get("requestId") or "unknown")


def public_url(event: Mapping[str, Any], path: str) -> str:
    """The address by which the outside reaches a path, with the stage that API Gateway takes off it."""
    context = event.get("requestContext") or {}
    stage = str(context.get("path") or "").removesuffix(str(event.get("path") or ""))
    return f"https://{context.get('domainName') or header(event, 'host')}{stage}{path}"


def header(event: Mapping[str, Any], name: str) -> str:
    """A header, whatever its case; empty where it is missing."""
    for key, value in (event.get("headers") or {}).items():
        if key.lower() == name:
            return str(value)
    return ""


def body_bytes(event: Mapping[str, Any]) -> bytes:
    """The bytes that were sent, whether or not API Gateway passed them in base64."""
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")
