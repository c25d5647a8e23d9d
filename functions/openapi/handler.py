"""Serves the description of the API, which `make openapi` writes beside this file. Anybody may read it."""

import hashlib
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).with_name("openapi.json").read_text()
ETAG = f'"{hashlib.sha256(DOCUMENT.encode()).hexdigest()[:32]}"'
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=3600",
    "ETag": ETAG,
    "Access-Control-Allow-Origin": "*",  # there is nothing in it that any page may not know
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The document, or 304 for who has it already."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if headers.get("if-none-match") == ETAG:
        return {"statusCode": 304, "headers": HEADERS, "body": ""}
    return {"statusCode": 200, "headers": HEADERS, "body": DOCUMENT}
