"""Routes: each operation declares its path, parameters, body, response, errors and permission where it is registered.

The OpenAPI document is derived from these declarations. Routing is done here rather than by Powertools' resolver, whose
import takes a sixth of a cold start of ingest.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from journeys import settings
from journeys.auth import Authenticator
from journeys.defects import report
from journeys.errors import JourneysError, MethodNotAllowed, NotFound
from journeys.http.body import JsonBody, read_body
from journeys.http.parameters import Parameter, read_query
from journeys.http.request import Request, request_id, resource_path
from journeys.http.response import TextBody, error_response, json_response, text_response
from journeys.telemetry import Line, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from pydantic import BaseModel

MAX_ID = 100
"""Characters of a path variable. No stored id is longer."""

Handler = Callable[..., dict[str, Any] | TextBody | None]
H = TypeVar("H", bound=Handler)

VARIABLE = re.compile(r"<(?:(int):)?(\w+)>")
"""A path variable: `<view_id>`, or `<int:version>` for a number, which the handler gets as an int."""

_TEXT, _NUMBER = rf"[-._~()'!*:@,;=+&$%<> \[\]{{}}|^\w]{{1,{MAX_ID}}}", "[0-9]{1,8}"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    `response` names the type of the response's body; None means a response without a body. An `idempotent` operation
    takes the header Idempotency-Key. Without `needs_body`, a request without a body counts as one with an empty object.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    permission: str | None
    query: Sequence[Parameter[Any]]
    body: "JsonBody[Any] | type[BaseModel] | None"
    response: str | None
    status: int
    errors: Sequence[type[JourneysError]]
    idempotent: bool = False
    needs_body: bool = True


class Router:
    """The routes of one function. Every route names the permission that it requires, or None if it requires none."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._static: dict[str, dict[str, Route]] = {}
        self._dynamic: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        self._numbers: dict[str, list[str]] = {}
        self._origin = settings.allowed_origin()
        self.routes: list[Route] = []

    @classmethod
    def for_registry(cls, table: str) -> "Router":
        """Return a router whose callers are the clients and people of the registry table."""
        return cls(Authenticator.for_registry(table))

    def route(
        self,
        method: str,
        path: str,
        *,
        summary: str,
        tag: str,
        permission: str | None,
        response: str | None,
        status: int = 200,
        query: Sequence[Parameter[Any]] = (),
        body: "JsonBody[Any] | type[BaseModel] | None" = None,
        errors: Sequence[type[JourneysError]] = (),
        idempotent: bool = False,
        needs_body: bool = True,
    ) -> Callable[[H], H]:
        """Register a handler for an operation.

        The handler is called with the Request, the path variables by name, and `body` if the route declares one.
        `errors` are the errors that the operation itself can raise. Paths are matched in the order of registration,
        paths without variables first.
        """

        def register(handler: H) -> H:
            declared = Route(
                method,
                path,
                handler,
                summary,
                tag,
                permission,
                query,
                body,
                response,
                status,
                tuple(errors),
                idempotent,
                needs_body,
            )
            self.routes.append(declared)
            self._methods(path)[method] = declared
            self._numbers[path] = [name for kind, name in VARIABLE.findall(path) if kind]
            return handler

        return register

    def handle(self, event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
        """Respond to one request of API Gateway."""
        received, context_id = time.monotonic(), request_id(event)
        logger.set_correlation_id(context_id)
        with Line("request completed", context_id) as line:
            try:
                response = self._call(event, str(context.aws_request_id), received)
            except JourneysError as error:
                response = error_response(error, context_id)
            except Exception as error:  # no exception may reach Lambda, which would respond with a bare 502
                response = error_response(report("a request failed", error), context_id)
            line.add(
                route=f"{event.get('httpMethod')} {event.get('resource')}",
                status=response["statusCode"],
                milliseconds=round((time.monotonic() - received) * 1000, 1),
            )
        response["headers"]["Access-Control-Allow-Origin"] = self._origin
        return response

    def _call(self, event: Mapping[str, Any], invocation_id: str, received: float) -> dict[str, Any]:
        """Check the permission, read the query and the body, and call the handler. Raises JourneysError."""
        route, variables = self._match(event["httpMethod"], resource_path(event))
        caller = self._authenticator.authorize(event, route.permission)
        values = read_query(event, route.query)
        request = Request(event, caller=caller, values=values, invocation_id=invocation_id, received=received)
        if route.body is not None:
            variables["body"] = read_body(event, route.body, needed=route.needs_body)
        body = route.handler(request, **variables)
        if isinstance(body, TextBody):
            return text_response(route.status, body)
        return json_response(route.status, body)

    def _match(self, method: str, path: str) -> tuple[Route, dict[str, Any]]:
        """Return the route of a request and its path variables. Raises NotFound and MethodNotAllowed."""
        methods = self._static.get(path)
        variables: dict[str, Any] = {}
        if methods is None:
            for pattern, candidates in self._dynamic:
                match = pattern.fullmatch(path)
                if match is not None:
                    methods, variables = candidates, match.groupdict()
                    break
        if methods is None:
            raise NotFound("The API has no such path.")
        if method not in methods:
            raise MethodNotAllowed(method, sorted(methods))
        route = methods[method]
        return route, variables | {name: int(variables[name]) for name in self._numbers.get(route.path, ())}

    def _methods(self, path: str) -> dict[str, Route]:
        """Return the routes of a path by their methods."""
        if "<" not in path:
            return self._static.setdefault(path, {})
        pattern = re.compile(_pattern(path))
        for known, methods in self._dynamic:
            if known.pattern == pattern.pattern:
                return methods
        self._dynamic.append((pattern, {}))
        return self._dynamic[-1][1]


def _pattern(path: str) -> str:
    """Return the regular expression of a path, with a named group for each variable."""
    parts = VARIABLE.split(path)
    text = re.escape(parts[0])
    for kind, name, following in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        text += f"(?P<{name}>{_NUMBER if kind else _TEXT}){re.escape(following)}"
    return text
