"""Serves the OpenAPI document, which `make openapi` writes beside this file. It needs no access token."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from journeys.errors import JourneysError, MethodNotAllowed
from journeys.http.parameters import read_query
from journeys.http.request import public_url, request_id
from journeys.http.response import error_response
from journeys.settings import OpenapiSettings

DOCUMENT = Path(__file__).with_name("openapi.json")
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=3600",
    "Access-Control-Allow-Origin": "*",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}

settings = OpenapiSettings.read()


@lru_cache(maxsize=4)  # A document has about 200 KB, and a stack has one or two addresses.
def body_and_etag(server: str) -> tuple[str, str]:
    """Return the document for the server's address, with the address of the tokens, and its ETag."""
    document = json.loads(DOCUMENT.read_text())
    document["servers"][0]["url"] = server
    document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["tokenUrl"] = settings.token_url
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return body, f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the document, or 304 if the caller has it already. A wrong method is 405, a query parameter 400."""
    try:
        if event["httpMethod"] != "GET":
            raise MethodNotAllowed(event["httpMethod"], ("GET",))
        read_query(event, ())
    except JourneysError as error:
        return error_response(error, request_id(event))
    body, etag = body_and_etag(public_url(event, ""))
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if headers.get("if-none-match") == etag:
        return {"statusCode": 304, "headers": HEADERS | {"ETag": etag}, "body": ""}
    return {"statusCode": 200, "headers": HEADERS | {"ETag": etag}, "body": body}
