"""Reads what the functions log."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from journeys.telemetry import logger


@contextmanager
def logs_at(level: str) -> Iterator[io.StringIO]:
    """What the functions log from now on, at this level and above, and their metrics."""
    written = io.StringIO()
    (handler,) = logger.handlers
    before = logger.log_level
    stream = handler.setStream(written)  # type: ignore[attr-defined]  # It is a StreamHandler, which the type hides.
    logger.setLevel(level)
    try:
        yield written
    finally:
        handler.setStream(stream)  # type: ignore[attr-defined]  # as above
        logger.setLevel(before)
