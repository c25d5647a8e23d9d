"""A cache of values loaded from a store, which can be read again before a request is refused."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Caches what `load(key, consistent)` returns, for `seconds`, for up to `most` keys.

    `get` can return an outdated value. `fresh` reads the store consistently, but at most once per second and key, so
    that a sender who is refused repeatedly causes few reads.
    """

    def __init__(
        self,
        load: Callable[[K, bool], V],
        *,
        seconds: float = 60,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._seconds, self._most, self._clock = load, seconds, most, clock
        self._entries: dict[K, tuple[float, bool, V]] = {}  # time of the read, whether it was consistent, value
        self._lock = threading.Lock()

    def get(self, key: K) -> V:
        """The cached value, or the store's value if the cached one has expired."""
        entry = self._entries.get(key)
        if entry is not None and self._clock() - entry[0] < self._seconds:
            return entry[2]
        return self._read(key, consistent=False)

    def fresh(self, key: K) -> V:
        """The value of a consistent read, at most one second old."""
        entry = self._entries.get(key)
        if entry is not None and entry[1] and self._clock() - entry[0] < 1:
            return entry[2]
        return self._read(key, consistent=True)

    def _read(self, key: K, *, consistent: bool) -> V:
        read_at = self._clock()
        value = self._load(key, consistent)
        with self._lock:
            if len(self._entries) >= self._most:
                self._entries.clear()
            self._entries[key] = (read_at, consistent, value)
        return value
