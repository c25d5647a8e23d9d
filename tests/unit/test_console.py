"""The function that serves the console: its files, its configuration, and its headers."""

import base64
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.functions import load

SIGN_IN = "https://people.auth.eu-central-1.amazoncognito.com"


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Sends a request to the function. The console consists of three files."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets" / "index-1a2b.js").write_text("start()")
    (tmp_path / "assets" / "icon-3c4d.svg").write_text("<svg/>")
    (tmp_path.parent / "secret.txt").write_text("secret")
    module = load("console")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    module.read_file.cache_clear()

    def send(path: str, method: str = "GET", headers: dict[str, str] | None = None) -> dict[str, Any]:
        event = {
            "httpMethod": method,
            "path": path,
            "headers": headers or {},
            "requestContext": {"requestId": "r-1"},
            "stageVariables": {"ConsoleClientId": "client-1", "ConsoleSignInUrl": SIGN_IN},
        }
        response: dict[str, Any] = module.handler(event, None)
        return response

    return send


def body(response: dict[str, Any]) -> str:
    assert response["isBase64Encoded"]
    assert response["headers"]["Content-Encoding"] == "gzip"
    return gzip.decompress(base64.b64decode(response["body"])).decode()


@pytest.mark.parametrize("path", ["/console/", "/console/index.html", "/base/path/console/"])
def test_the_page_is_served_and_never_taken_from_a_cache_unasked(console: Any, path: str) -> None:
    response = console(path)
    assert (response["statusCode"], body(response)) == (200, "<!doctype html>")
    assert response["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert response["headers"]["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(("name", "kind"), [("index-1a2b.js", "text/javascript"), ("icon-3c4d.svg", "image/svg+xml")])
def test_files_with_a_digest_in_their_name_stay_in_caches(console: Any, name: str, kind: str) -> None:
    headers = console(f"/console/assets/{name}")["headers"]
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Type"] == f"{kind}; charset=utf-8"


def test_a_file_that_the_browser_has_is_not_sent_again(console: Any) -> None:
    etag = console("/console/")["headers"]["ETag"]
    response = console("/console/", headers={"If-None-Match": etag})
    assert (response["statusCode"], response["body"]) == (304, "")


def test_the_address_without_a_slash_leads_to_the_one_with_it(console: Any) -> None:
    """Relative addresses in the page need the slash."""
    response = console("/console")
    assert (response["statusCode"], response["headers"]["Location"]) == (308, "console/")


@pytest.mark.parametrize(
    "path", ["nothing.js", "assets/nothing.js", "../secret.txt", "assets/../../secret.txt", "assets", "/etc/passwd"]
)
def test_nothing_outside_the_console_is_served(console: Any, path: str) -> None:
    response = console(f"/console/{path}")
    assert response["statusCode"] == 404
    assert "secret" not in response["body"]


def test_other_methods_are_refused(console: Any) -> None:
    response = console("/console/", method="POST")
    assert (response["statusCode"], response["headers"]["Allow"]) == (405, "GET, HEAD")


def test_the_configuration_names_the_sign_in_of_the_stage(console: Any) -> None:
    response = console("/console/config.json")
    assert response["headers"]["Cache-Control"] == "no-store"
    assert response["body"] == (
        f'{{"clientId":"client-1","authorizeUrl":"{SIGN_IN}/oauth2/authorize","tokenUrl":"{SIGN_IN}/oauth2/token",'
        f'"revokeUrl":"{SIGN_IN}/oauth2/revoke","signOutUrl":"{SIGN_IN}/logout"}}'
    )


def test_the_policy_admits_the_consoles_own_files_and_the_sign_in_alone(console: Any) -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in console("/console/")["headers"]["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": f"'self' {SIGN_IN}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/config.json", "/console/assets/index-1a2b.js"])
def test_no_answer_can_be_framed_or_taken_for_another_type(console: Any, path: str) -> None:
    headers = console(path)["headers"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
