"""Waits for what the stack does after its response."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], seconds: float = 180) -> None:
    """Calls `condition` every second until it is true. Fails after some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(1)
