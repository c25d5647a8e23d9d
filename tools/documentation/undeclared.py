"""The operations that no route declares: deliveries of SaaS tools, and the document itself."""

from typing import Any

from journeys.http.router import MAX_ID

DELIVERIES = "Deliveries"
DOCUMENTATION = "Documentation"


def _errors(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _json(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema, "example": example}}


_OUTCOMES = {
    "type": "object",
    "description": "The number of events by outcome, or `queued` if the delivery is stored and its events are ingested "
    "within seconds. Some senders get the response that they require instead.",
    "properties": {name: {"type": "integer"} for name in ("created", "duplicate", "failed", "ignored")}
    | {"queued": {"type": "boolean"}},
}
_CHALLENGE = {"type": "object", "required": ["challenge"], "properties": {"challenge": {"type": "string"}}}
_DELIVERY = {"type": "track", "messageId": "m-1", "userId": "ada", "event": "Order completed"}
_NO_TOKEN = "This operation takes no access token. The endpoint id names the organization."  # noqa: S105  # a sentence
_PROOF = "The delivery must carry the sender's signature or secret."

DELIVERY: dict[str, Any] = {
    "parameters": [
        {
            "name": "endpointId",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "maxLength": MAX_ID},
            "example": "bL0x7Zr2mTqWc5yVnE8sKdJf4hGuAaQp",
        }
    ],
    "post": {
        "operationId": "receiveDelivery",
        "summary": "Receive a delivery from a SaaS tool",
        "description": f"{_NO_TOKEN} {_PROOF}",
        "tags": [DELIVERIES],
        "security": [],
        "parameters": [],
        "requestBody": {"content": {"*/*": {"schema": {}, "example": _DELIVERY}}},
        "responses": {
            "200": {
                "description": "The delivery is stored.",
                "content": _json(_OUTCOMES, {"created": 1, "duplicate": 0, "failed": 0}),
            },
            "204": {"description": "The sender tested the address, and no event was sent."},
            **_errors(400, 401, 404, 413, 415, 429, 500, 503, 504),
        },
    },
    "get": {
        "operationId": "answerChallenge",
        "summary": "Answer a sender that verifies the address",
        "description": f"{_NO_TOKEN} The response repeats the sender's challenge.",
        "tags": [DELIVERIES],
        "security": [],
        "parameters": [],
        "responses": {
            "200": {"description": "The challenge.", "content": _json(_CHALLENGE, {"challenge": "8ec8d794"})},
            **_errors(400, 401, 404, 429, 500, 503),
        },
    },
}


def _document(operation_id: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["openapi", "info", "paths"],
        "properties": {"openapi": {"type": "string"}, "info": {"type": "object"}, "paths": {"type": "object"}},
    }
    example = {"openapi": "3.1.0", "info": {"title": "Journeys", "version": "2"}, "paths": {}}
    return {
        "get": {
            "operationId": operation_id,
            "summary": "Get this document",
            "description": "This operation takes no access token.",
            "tags": [DOCUMENTATION],
            "security": [],
            "parameters": [],
            "responses": {
                "200": {"description": "The OpenAPI document.", "content": _json(schema, example)},
                "304": {"description": "The document has not changed since the request's If-None-Match."},
                **_errors(429, 500),
            },
        }
    }


PATHS: dict[str, Any] = {
    "/webhooks/{endpointId}": DELIVERY,
    "/openapi.json": _document("getOpenApiDocument"),
    "/api/v2/journey/openapi.json": _document("getOpenApiDocumentBelowApi"),
}
