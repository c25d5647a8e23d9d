"""Signs people in as a browser does: on the sign-in page, with an authorization code and PKCE."""

import base64
import hashlib
import html
import re
import secrets
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from tools.stack import Stack

SCOPES = "openid journey/api"


class SignInRefused(Exception):
    """The sign-in page did not accept the user name or the password."""


class SignIn(NamedTuple):
    """A sign-in that has begun: what the browser remembers until the person comes back with a code."""

    stack: Stack
    verifier: str
    state: str

    @classmethod
    def begin(cls, stack: Stack) -> "SignIn":
        return cls(stack, secrets.token_urlsafe(48), secrets.token_urlsafe(16))

    def parameters(self, **changes: str) -> dict[str, str]:
        """Return the parameters of the sign-in page."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": self.stack.outputs["ConsoleClientId"],
            "redirect_uri": self.stack.console_url,
            "scope": SCOPES,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        } | changes

    def code(self, email: str, password: str) -> str:
        """Fill in the sign-in page and return the code. Raises SignInRefused."""
        address = f"{self.stack.sign_in_url}/oauth2/authorize"
        page = httpx.get(address, params=self.parameters()).raise_for_status().text
        hidden = {name: html.unescape(value) for name, value in _fields(page)}
        (action,) = re.findall(r'<form[^>]*action="([^"]+)"', page)
        form = hidden | {"username": email, "password": password}
        answer = httpx.post(urljoin(address, html.unescape(action)), data=form)
        if answer.status_code != 302:
            raise SignInRefused(answer.status_code)
        where = urlsplit(answer.headers["Location"])
        assert answer.headers["Location"].startswith(self.stack.console_url)
        query = parse_qs(where.query)
        assert query["state"] == [self.state]
        return query["code"][0]

    def exchange(self, code: str, **changes: str) -> httpx.Response:
        """Return the response to the exchange of a code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self.stack.outputs["ConsoleClientId"],
            "redirect_uri": self.stack.console_url,
            "code": code,
            "code_verifier": self.verifier,
        }
        return httpx.post(f"{self.stack.sign_in_url}/oauth2/token", data=form | changes)


def sign_in(stack: Stack, email: str, password: str) -> dict[str, Any]:
    """Return the tokens of a person. Raises SignInRefused."""
    begun = SignIn.begin(stack)
    tokens: dict[str, Any] = begun.exchange(begun.code(email, password)).raise_for_status().json()
    return tokens


def refresh(stack: Stack, refresh_token: str) -> httpx.Response:
    """Return the response to a request for a new access token."""
    form = {
        "grant_type": "refresh_token",
        "client_id": stack.outputs["ConsoleClientId"],
        "refresh_token": refresh_token,
    }
    return httpx.post(f"{stack.sign_in_url}/oauth2/token", data=form)


def _fields(page: str) -> list[tuple[str, str]]:
    """Return the names and values of a form's hidden fields."""
    found = []
    for tag in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page):
        (name,), (value,) = re.findall(r'name="([^"]*)"', tag), re.findall(r'value="([^"]*)"', tag)
        found.append((name, value))
    return found
