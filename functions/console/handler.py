"""Serves the console: the files that `make console` builds, and `config.json`, which tells it where people sign in.

It needs no access token. The files contain nothing of an organization; the console calls the API with a token.
"""

import gzip
import hashlib
import mimetypes
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from journeys import jsontext
from journeys.errors import JourneysError, MethodNotAllowed, NotFound
from journeys.http.body import header
from journeys.http.request import request_id
from journeys.http.response import error_response

ROOT = Path(__file__).with_name("static")
PATH = "/console"
INDEX = "index.html"
CONFIG = "config.json"
MAX_FILES = 128
"""Files that stay compressed in memory; the console has fewer."""

IMMUTABLE = "public, max-age=31536000, immutable"
"""For files whose name contains a digest of their content."""
REVALIDATE = "no-cache"

HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for what does not know frame-ancestors
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return a file of the console. Another method is 405, an unknown file 404."""
    try:
        if event["httpMethod"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(event["httpMethod"], ("GET", "HEAD"))
        return respond(event, event["path"].partition(PATH)[2])
    except JourneysError as error:
        return error_response(error, request_id(event))


def respond(event: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the response to a path below the console. Raises NotFound."""
    if not path:  # Relative addresses need the slash.
        return {"statusCode": 308, "headers": HEADERS | {"Location": f"{PATH.strip('/')}/"}, "body": ""}
    sign_in = str((event.get("stageVariables") or {}).get("ConsoleSignInUrl") or "")
    name = path.removeprefix("/") or INDEX
    if name == CONFIG:
        return json_file(config(event, sign_in))
    body, kind, etag = read_file(name)
    headers = HEADERS | {
        "Cache-Control": IMMUTABLE if name.startswith("assets/") else REVALIDATE,
        "Content-Security-Policy": content_security_policy(sign_in),
        "Content-Type": kind,
        "ETag": etag,
    }
    if header(event, "if-none-match") == etag:
        return {"statusCode": 304, "headers": headers, "body": ""}
    headers["Content-Encoding"] = "gzip"  # Every browser that the console supports takes it.
    return {"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": True}


@lru_cache(maxsize=MAX_FILES)
def read_file(name: str) -> tuple[str, str, str]:
    """Return a file of the console, its type and its ETag. Raises NotFound.

    The file is compressed, and in base64, as API Gateway takes bytes from a function.
    """
    path = (ROOT / name).resolve()
    if not path.is_relative_to(ROOT.resolve()) or not path.is_file():
        raise NotFound("The console has no such file.")
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind == "image/svg+xml"
    return (
        b64encode(gzip.compress(content, mtime=0)).decode(),
        f"{kind}; charset=utf-8" if is_text else kind,
        f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    )


def config(event: Mapping[str, Any], sign_in: str) -> dict[str, str]:
    """Return what the console needs to sign people in. The stage holds it: a function cannot refer to its own API."""
    return {
        "clientId": str((event.get("stageVariables") or {}).get("ConsoleClientId") or ""),
        "authorizeUrl": f"{sign_in}/oauth2/authorize",
        "tokenUrl": f"{sign_in}/oauth2/token",
        "revokeUrl": f"{sign_in}/oauth2/revoke",
        "signOutUrl": f"{sign_in}/logout",
    }


def json_file(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON file that is never taken from a cache."""
    headers = HEADERS | {"Cache-Control": "no-store", "Content-Type": "application/json"}
    return {"statusCode": 200, "headers": headers, "body": jsontext.dumps(content)}


def content_security_policy(sign_in: str) -> str:
    """Return the policy: the console's own files and the API beside it, and the sign-in address for tokens."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' {sign_in}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
