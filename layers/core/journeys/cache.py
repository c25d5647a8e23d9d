"""Look-ups that are kept for a while, and looked up again before anybody is refused because of what was kept."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """What `load(key, consistent)` answers, kept for `seconds`, for up to `most` keys.

    `get` may answer with what was true a while ago. `fresh` reads again, consistently, but at most once a second per
    key, so that a sender who is refused over and over costs the store next to nothing.
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
        self._kept: dict[K, tuple[float, bool, V]] = {}  # when, whether consistently, what
        self._lock = threading.Lock()

    def get(self, key: K) -> V:
        """What is kept, or else what the store says now."""
        kept = self._kept.get(key)
        if kept is not None and self._clock() - kept[0] < self._seconds:
            return kept[2]
        return self._read(key, consistent=False)

    def fresh(self, key: K) -> V:
        """What the store said within the last second, read consistently."""
        kept = self._kept.get(key)
        if kept is not None and kept[1] and self._clock() - kept[0] < 1:
            return kept[2]
        return self._read(key, consistent=True)

    def _read(self, key: K, *, consistent: bool) -> V:
        began = self._clock()
        value = self._load(key, consistent)
        with self._lock:
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[key] = (began, consistent, value)
        return value
