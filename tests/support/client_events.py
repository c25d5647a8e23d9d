"""Handlers for the events of boto3 clients, such as a call that is about to be sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def handling(client: Any, event: str, handler: Callable[..., Any], *, first: bool = False) -> Iterator[None]:
    """Registers a handler for a client's event until the end of the block, because tests share their clients."""
    register = client.meta.events.register_first if first else client.meta.events.register
    register(event, handler)
    try:
        yield
    finally:
        client.meta.events.unregister(event, handler)
