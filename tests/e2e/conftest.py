"""Fixtures of the end-to-end tests."""

from collections.abc import Callable

import pytest

from tests.support.cli import run_journeys
from tools.operator import repair
from tools.stack import Stack


@pytest.fixture
def run(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command on the stack and returns its exit status. Requests to this stack take less than a second."""
    monkeypatch.setattr(repair, "READER_SECONDS", 3.0)
    monkeypatch.setenv("JOURNEYS_STACK", stack.name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(stack.endpoint_url))
    return lambda *arguments: run_journeys(*arguments).exit_code
