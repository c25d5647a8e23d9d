"""A request, as a handler sees it."""

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlencode

from journeys import jsontext
from journeys.errors import BadRequest, Detail
from journeys.http.body import header
from journeys.http.parameters import CURSOR, PAGE, PAGE_NUMBER, PAGE_SIZE, Parameter
from journeys.registry.callers import Caller

T = TypeVar("T")

IDEMPOTENCY_KEY = "Idempotency-Key"
MAX_IDEMPOTENCY_KEY = 255
"""Characters of an idempotency key."""


class Request:
    """One authorized request. It can touch only the organization of `caller`."""

    def __init__(
        self,
        event: Mapping[str, Any],
        *,
        caller: Caller,
        values: Mapping[str, Any],
        invocation_id: str,
        received: float,
    ) -> None:
        """`values` are the declared query parameters; `received` is a time of `time.monotonic`, in seconds."""
        self.caller = caller
        self._event, self._values, self._invocation_id, self._received = event, values, invocation_id, received

    @property
    def organization_id(self) -> str:
        return self.caller.organization_id

    @property
    def request_id(self) -> str:
        """The id of this request and of this invocation of the function.

        A sender that repeats API Gateway's request id by hand still gets an id of its own.
        """
        return f"{request_id(self._event)}/{self._invocation_id}"

    @property
    def idempotency_key(self) -> str | None:
        """The value of the header Idempotency-Key, or None without the header. Raises BadRequest.

        The route declares `idempotent`.
        """
        key = header(self._event, IDEMPOTENCY_KEY.lower())
        if not key:
            return None
        if len(key) > MAX_IDEMPOTENCY_KEY or not (key.isascii() and key.isprintable()):
            raise BadRequest(
                f"The header {IDEMPOTENCY_KEY} is invalid. Use 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters.",
                details=[Detail("invalid.header", IDEMPOTENCY_KEY)],
            )
        return key

    def seconds_spent(self) -> float:
        """Return the seconds since the request was received."""
        return time.monotonic() - self._received

    def url(self, path: str) -> str:
        """Return the public URL of a path of this API."""
        return public_url(self._event, path)

    def get(self, parameter: Parameter[T]) -> T:
        """Return the value of a query parameter. Raises LookupError if the route does not declare it."""
        value: T = self._values[parameter.name]
        return value

    def page(
        self, path: str, entities: Sequence[Any], to_wire: Callable[[Any], dict[str, Any]] = lambda entity: entity
    ) -> dict[str, Any]:
        """Return the page of `entities` that the query asks for, in the contract's form of a listing.

        The links to other pages repeat the query parameters of this request. The route declares PAGE.
        """
        size, number = self.get(PAGE_SIZE), self.get(PAGE_NUMBER)
        last = max(1, math.ceil(len(entities) / size))
        filters = self._filters()

        def uri(page: int) -> str:
            return f"{path}?{urlencode(filters | {PAGE_SIZE.name: str(size), PAGE_NUMBER.name: str(page)})}"

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

    def page_of_query(
        self,
        path: str,
        entities: Sequence[dict[str, Any]],
        *,
        cursor: str | None,
        next_cursor: str | None,
        total: int | None,
    ) -> dict[str, Any]:
        """Return a page that a query read, in the contract's form of a listing.

        The link to the next page names the position where it begins, so each page reads only itself. `total` is the
        number of all entities, which is known on the last page. The route declares PAGE and CURSOR.
        """
        size, number = self.get(PAGE_SIZE), self.get(PAGE_NUMBER)

        def uri(page: int, position: str | None) -> str:
            filters = self._filters() | ({CURSOR.name: position} if position else {})
            return f"{path}?{urlencode(filters | {PAGE_SIZE.name: str(size), PAGE_NUMBER.name: str(page)})}"

        return jsontext.omit_none(
            {
                "entities": list(entities),
                "pageSize": size,
                "pageNumber": number,
                "total": total,
                "pageCount": None if total is None else number,
                "selfUri": uri(number, cursor),
                "firstUri": uri(1, None),
                "lastUri": None if total is None else uri(number, cursor),
                "nextUri": uri(number + 1, next_cursor) if next_cursor else None,
                "previousUri": uri(number - 1, None) if number > 1 else None,
            }
        )

    def page_after(
        self, path: str, entities: Sequence[dict[str, Any]], *, cursor: str | None, next_cursor: str | None
    ) -> dict[str, Any]:
        """Return a page without a number, which begins at `cursor`. The route declares PAGE_SIZE and CURSOR."""
        filters = self._filters() | {PAGE_SIZE.name: str(self.get(PAGE_SIZE))}

        def uri(position: str | None) -> str:
            return f"{path}?{urlencode(filters | ({CURSOR.name: position} if position else {}))}"

        return jsontext.omit_none(
            {
                "entities": list(entities),
                "pageSize": self.get(PAGE_SIZE),
                "selfUri": uri(cursor),
                "nextUri": uri(next_cursor) if next_cursor else None,
            }
        )

    def _filters(self) -> dict[str, str]:
        """Return the query parameters of this request, without those that choose the page."""
        given = self._event.get("queryStringParameters") or {}
        paging = {parameter.name for parameter in (*PAGE, CURSOR)}
        return {name: given[name] for name in self._values if name not in paging and given.get(name)}


def request_id(event: Mapping[str, Any]) -> str:
    """Return the id that API Gateway gave to the request. Every response, log line and stored event carries it."""
    return str((event.get("requestContext") or {}).get("requestId") or "unknown")


def resource_path(event: Mapping[str, Any]) -> str:
    """Return the path as the routes declare it.

    API Gateway removes the stage from a request's path, but not the base path of a custom domain.
    """
    path = str(event.get("path") or "")
    return path[len(_base_path(event, path)) :]


def public_url(event: Mapping[str, Any], path: str) -> str:
    """Return the public URL of a path of this API, at the address that the caller used.

    What precedes the resource in the request's path is the stage, or the base path of a custom domain. The domain is
    the one that API Gateway knows, since anyone can write the headers. Only the local stack's emulator knows none; its
    APIs are below a path that names the API and the stage.
    """
    context = event.get("requestContext") or {}
    domain = context.get("domainName")
    if not domain:
        api, stage = context.get("apiId"), context.get("stage")
        return f"http://{header(event, 'host')}/restapis/{api}/{stage}/_user_request_{path}"
    return f"https://{domain}{_base_path(event, str(context.get('path') or ''))}{path}"


def _base_path(event: Mapping[str, Any], path: str) -> str:
    """Return what precedes the resource in a path of the request, which ends with the resource. It can be empty."""
    match = _resource_pattern(str(event.get("resource") or "")).fullmatch(path)
    return match[1] if match else ""


@lru_cache(maxsize=100)  # A function has at most 20 resources.
def _resource_pattern(resource: str) -> re.Pattern[str]:
    """Return the pattern of the paths that end with a resource of API Gateway, such as `/views/{viewId}/{proxy+}`."""
    literals = re.split(r"(\{\w+\+?\})", resource)
    parts = [re.escape(part) if not part.startswith("{") else ".+" if "+" in part else "[^/]+" for part in literals]
    return re.compile(f"(.*?){''.join(parts)}/?")
