"""Calls the Lambda functions in this process."""

import base64
import importlib.util
import json
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from journeys import jsontext
from journeys.auth import Authenticator
from journeys.cache import Cache
from journeys.registry.clients.model import Client
from tests.support.template import ROOT


@dataclass(frozen=True)
class Context:
    """The part of Lambda's context that the functions use."""

    function_name: str = "test"
    memory_limit_in_mb: str = "512"  # Lambda passes a string
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def clients_of(read: Callable[[str, bool], Client | None], **options: Any) -> Authenticator:
    """Return an authenticator whose only callers are the clients that `read` returns."""
    return Authenticator(Cache(read, **options), Cache(lambda *_: None))


def load(function: str) -> ModuleType:
    """Import a function's module again, with the current environment variables."""
    name = f"function_{function}_{uuid.uuid4().hex[:8]}"
    spec = importlib.util.spec_from_file_location(name, ROOT / "functions" / function / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def api_event(
    method: str,
    path: str,
    body: Any = None,
    *,
    client_id: str | None = "client",
    query: dict[str, str] | None = None,
    raw: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return a request as API Gateway passes it.

    `path` is the part after /api/v2/journey/. `raw` gives the exact bytes of the body, instead of `body`.
    """
    data = raw if raw is not None else None if body is None else jsontext.dumps(body).encode()
    return {
        "resource": "/resource-of-a-test",
        "path": f"/api/v2/journey/{path}",
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"} | (headers or {}),
        "multiValueHeaders": {},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "httpMethod": method,
            "authorizer": {"claims": {"client_id": client_id}} if client_id else {},
        },
        "body": None if data is None else base64.b64encode(data).decode(),
        "isBase64Encoded": data is not None,
    }


def call(module: ModuleType, event: dict[str, Any]) -> tuple[int, Any]:
    """Return the status and the parsed body of a response."""
    answer = module.handler(event, Context())
    return answer["statusCode"], json.loads(answer["body"]) if answer.get("body") else None
