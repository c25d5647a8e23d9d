"""Tests that a wrong method on an existing path is answered with 405 and the header Allow, through API Gateway."""

import re
import uuid
from collections.abc import Callable

import httpx
import pytest

from tests.conftest import Caller
from tests.support.description import PREFIX, described
from tools.stack import Stack

METHODS = ("PATCH", "DELETE", "PUT", "POST", "GET")
PATHS = sorted({operation.path for operation in described() if operation.wants_token})
PUBLIC_PATHS = {
    "openapi.json": {"GET"},
    "api/v2/journey/openapi.json": {"GET"},
    "webhooks/an-endpoint-that-does-not-exist": {"GET", "OPTIONS", "POST"},
}


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_method_is_answered_with_405_and_the_allowed_methods(caller: Callable[..., Caller], path: str) -> None:
    allowed = {operation.method for operation in described() if operation.path == path}
    wrong = next(method for method in METHODS if method not in allowed)
    existing = re.sub(r"\{\w*[vV]ersion\}", "1", path.removeprefix(PREFIX))
    response = caller().api.request(wrong, re.sub(r"\{\w+\}", str(uuid.uuid4()), existing))
    assert_not_allowed(response, allowed)


@pytest.mark.parametrize("path", PUBLIC_PATHS)
def test_a_wrong_method_on_a_public_path_is_answered_with_405(stack: Stack, path: str) -> None:
    assert_not_allowed(httpx.patch(f"{stack.api_url}/{path}"), PUBLIC_PATHS[path])


def assert_not_allowed(response: httpx.Response, allowed: set[str]) -> None:
    assert (response.status_code, response.json()["code"]) == (405, "method.not.allowed")
    assert set(response.headers["Allow"].split(", ")) == allowed
