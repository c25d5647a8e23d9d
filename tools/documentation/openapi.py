"""Writes the OpenAPI document from what the functions' routes declare.

    journeys openapi [--check]

The served document has the real addresses: functions/openapi replaces SERVER and TOKEN_URL.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from journeys import csvtext
from journeys.errors import JourneysError
from journeys.http.csv_pages import FORMAT
from journeys.http.parameters import Parameter
from journeys.http.request import IDEMPOTENCY_KEY, MAX_IDEMPOTENCY_KEY
from journeys.http.response import STATUS, error_response, status_of
from journeys.http.router import MAX_ID, Route
from journeys.registry.clients.model import PERMISSIONS
from journeys.registry.limits import VIEWS, WAITING_JOBS
from journeys.registry.repeats.store import key_reused
from tools.documentation.components import Components, Undocumented
from tools.documentation.contract import Schema
from tools.documentation.routes import FUNCTIONS, camel_case, declared_routes, template, variables
from tools.documentation.undeclared import DELIVERIES, DOCUMENTATION, PATHS

DOCUMENT = FUNCTIONS / "openapi" / "openapi.json"
EXAMPLES = Path(__file__).with_name("examples")
SERVER = "https://api.example.com"
TOKEN_URL = "https://auth.example.com/oauth2/token"  # noqa: S105  # an address
SCOPE = "journey/api"

TAGS: Mapping[str, str] = {
    "Schemas": "Event types: their JSON Schemas and versions, the core types, and the limits.",
    "Configurations": "A configuration binds an event type to a source, and receives its events.",
    "Events": "Ingest external events, or validate them without storing any.",
    "Failures": "Events that were refused, and their replay.",
    "Customers": "The journey of one customer.",
    "Event definitions": "Event types as journey views see them, and their activation.",
    "Views": "Journey views, their versions and charts.",
    "View schedules": "When a view is computed.",
    "View jobs": "Computations of views, and their results.",
    "Paths": "What customers do after or before an event, without predefined steps.",
    "Webhook endpoints": "Addresses that SaaS tools deliver to.",
    DELIVERIES: "Deliveries of SaaS tools. They carry the sender's signature instead of an access token.",
    "Usage": "The number of events by month.",
    "People": "The caller, and the people who can sign in to the console.",
    "API clients": "Programs that call the API with a secret.",
    DOCUMENTATION: "This document.",
}

_IDEMPOTENCY_KEY: Schema = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": False,
    "description": "A text that is unique to this request. A repetition with the same key and body within 24 hours "
    "creates nothing, and returns what the first request created.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
    "example": "5f0c2a8e-77d3-4b0c-9a45-1d6f3e2b9c10",
}
ERROR_BODY: Schema = {
    "type": "object",
    "description": "The body of every error response.",
    "required": ["message", "code", "status", "contextId", "details", "errors"],
    "properties": {
        "message": {"type": "string"},
        "code": {"type": "string"},
        "status": {"type": "integer"},
        "contextId": {"type": "string", "description": "The id of the request, which the logs contain."},
        "details": {"type": "array", "items": {"$ref": "#/components/schemas/Detail"}},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ErrorBody"}},
        "messageParams": {
            "type": "object",
            "properties": {"permission": {"$ref": "#/components/schemas/Permission"}},
            "additionalProperties": {"type": "string"},
        },
        "limit": {"$ref": "#/components/schemas/Limit"},
    },
}
PERMISSION: Schema = {
    "type": "string",
    "description": "A permission of a client or a person.",
    "enum": sorted(PERMISSIONS),
}

CSV: Schema = {"type": "string", "description": "A table by RFC 4180, with format=csv."}
CSV_HEADERS: Schema = {
    "Link": {
        "description": 'With format=csv, the address of the next rows with rel="next", if rows are left. '
        "Only the first page has the line of column names, so the pages in order are one file.",
        "schema": {"type": "string"},
    }
}

GENERAL_ERRORS = (400, 401, 403, 429, 500, 503, 504)
"""Statuses that every operation can return. 400 is one of them because query parameters are checked."""
BODY_ERRORS = (413, 415)
DESCRIPTIONS: Mapping[int, str] = {
    409: "The request conflicts with the stored state, or a limit is reached: `limit` names it.",
    429: "The service is busy, or as many jobs wait as `limit` allows. Retry after the seconds in `Retry-After`.",
    500: "A server error. A retry fails again until it is fixed.",
    504: "The request took too long. Retry it.",
}
ERROR_EXAMPLES: Mapping[int, Sequence[JourneysError]] = {
    409: (VIEWS.reached(VIEWS.default, VIEWS.default), key_reused()),
    429: (WAITING_JOBS.reached(WAITING_JOBS.default, WAITING_JOBS.default),),
}
CONTEXT_ID = "3f0a2c1e-0c6d-4b7a-9a55-0f3a5c8e2b11"


def document() -> dict[str, Any]:
    """Return the document. It is the same for the same source."""
    components = Components()
    components.add("ErrorBody", ERROR_BODY)
    components.add("Permission", PERMISSION)
    paths: dict[str, dict[str, Any]] = {}
    for route in declared_routes():
        paths.setdefault(template(route.path), {})[route.method.lower()] = _operation(route, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Journeys",
            "version": "2",
            "description": "Brings external events into customer journeys, and answers questions about the journeys.",
        },
        "servers": [{"url": SERVER}],
        "security": _security(),
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": dict(sorted((paths | PATHS).items())),
        "components": {
            "schemas": components.complete(),
            "responses": {str(status): _error(status) for status in sorted({*STATUS.values(), 504} - {405})},
            "securitySchemes": _security_schemes(),
        },
    }


def _operation(route: Route, components: Components) -> dict[str, Any]:
    if route.tag not in TAGS:
        raise Undocumented(f"{route.method} {route.path}: describe the tag {route.tag} in TAGS")
    operation_id = camel_case(route.handler.__name__)
    example = example_of(operation_id)
    statuses = {*GENERAL_ERRORS, *(status_of(error) for error in route.errors)}
    statuses |= set(BODY_ERRORS) if route.body else set()
    statuses |= {404} if "<" in route.path else set()
    operation: dict[str, Any] = {
        "operationId": operation_id,
        "summary": route.summary,
        "description": _requirement(route.permission),
        "tags": [route.tag],
        **({"x-permission": route.permission} if route.permission else {}),
        "security": _security(),
        "parameters": [
            *_path_parameters(route, example),
            *_query_parameters(route.query, example),
            *([_IDEMPOTENCY_KEY] if route.idempotent else []),
        ],
        "responses": _success(route, components, example)
        | {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)},
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": route.needs_body,
            "content": _json(components.body(route.body), example.get("request")),
        }
    return operation


def _requirement(permission: str | None) -> str:
    if permission is None:
        return "Requires no permission. Every registered client and person can call it."
    return f"Requires the permission `{permission}`."


def example_of(operation_id: str) -> dict[str, Any]:
    """Return the recorded example of an operation: its `path`, `query`, `request`, `response` and `csv`."""
    path = EXAMPLES / f"{operation_id}.json"
    example: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return example


def _path_parameters(route: Route, example: Mapping[str, Any]) -> list[dict[str, Any]]:
    text: Schema = {"type": "string", "maxLength": MAX_ID}
    number: Schema = {"type": "integer", "minimum": 1, "maximum": 99_999_999}
    return [
        {"name": name, "in": "path", "required": True, "schema": number if is_number else text}
        | ({"example": example["path"][name]} if "path" in example else {})
        for name, is_number in variables(route.path)
    ]


def _query_parameters(query: Sequence[Parameter[Any]], example: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = example.get("query", {})
    return [
        {
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.description,
            "schema": dict(parameter.schema),
        }
        | ({"example": given[parameter.name]} if parameter.name in given else {})
        for parameter in query
    ]


def _success(route: Route, components: Components, example: Mapping[str, Any]) -> dict[str, Any]:
    if route.response is None:
        return {"204": {"description": "Success. The response has no body."}}
    content = _json(components.response(route.response), example.get("response"))
    if FORMAT in route.query:
        content[csvtext.MEDIA_TYPE] = {"schema": CSV} | ({"example": example["csv"]} if "csv" in example else {})
        return {str(route.status): {"description": "Success.", "headers": CSV_HEADERS, "content": content}}
    return {str(route.status): {"description": "Success.", "content": content}}


def _json(schema: Schema, example: Any = None) -> dict[str, Any]:
    return {"application/json": {"schema": schema} | ({"example": example} if example is not None else {})}


def _error(status: int) -> dict[str, Any]:
    kinds = [kind for kind, its_status in STATUS.items() if its_status == status and kind is not JourneysError]
    description = DESCRIPTIONS.get(status) or " ".join((kind.__doc__ or "").split("\n")[0] for kind in kinds)
    content = _json({"$ref": "#/components/schemas/ErrorBody"})
    examples = {error.code: {"value": _error_body(error)} for error in ERROR_EXAMPLES.get(status, ())}
    if examples:
        content["application/json"]["examples"] = examples
    return {"description": description, "content": content}


def _error_body(error: JourneysError) -> Any:
    return json.loads(error_response(error, CONTEXT_ID)["body"])


def _security() -> list[dict[str, list[str]]]:
    return [{"oauth2": [SCOPE]}, {"token": []}]


def _security_schemes() -> dict[str, Any]:
    return {
        "oauth2": {
            "type": "oauth2",
            "description": "Client credentials. The operator or an administrator creates the client.",
            "flows": {"clientCredentials": {"tokenUrl": TOKEN_URL, "scopes": {SCOPE: "Use the API."}}},
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": f"An access token with the scope {SCOPE}, in the Authorization header.",
        },
    }


def text() -> str:
    """Return the document as it is stored."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
