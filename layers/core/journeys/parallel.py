"""Reads that a request makes at the same time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

READS_AT_ONCE = 10
"""Reads of one request that run at the same time."""


class Reads:
    """A pool of threads for the reads of one request. A single read needs no thread."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(READS_AT_ONCE, thread_name_prefix="read")

    def map(self, read: Callable[[T], R], of: Iterable[T]) -> list[R]:
        """What `read` returns for each, in order. Raises the error of the first one that failed."""
        waiting = list(of)
        if len(waiting) < 2:
            return [read(one) for one in waiting]
        return list(self._threads.map(read, waiting))
