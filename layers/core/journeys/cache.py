"""Caches in the memory of a process: values that were used last, and values loaded from a store.

They are bounded by the bytes of their keys and values, since customers choose how large many of these are.
"""

import gc
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MAX_BYTES = 32 * 1024**2
"""Bytes of the values of a Cache, unless its owner says otherwise."""
MAX_MISSING_BYTES = 1024**2
"""Bytes of the keys without a value that a Cache remembers: about 2,000 keys."""
ENTRY_BYTES = 250
"""Bytes of an entry without its key and value."""

_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType)
"""Objects that values share, and that lead to all others."""


def size_of(value: object) -> int:
    """The bytes of a value with everything that it refers to, as Python sees them. Shared parts count once."""
    found: dict[int, object] = {}
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) not in found and not isinstance(one, _CODE):
            found[id(one)] = one
            waiting += gc.get_referents(one)
    return sum(map(sys.getsizeof, found.values()))


class RecentlyUsed(Generic[K, V]):
    """Values up to a total of bytes. The values that were not used for the longest time make room for new ones."""

    def __init__(self, max_bytes: int) -> None:
        self._max, self._total = max_bytes, 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()  # the last one was used last
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value of a key, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: K, value: V, size: int | None = None) -> None:
        """Stores a value. A value that is larger than all together may be is not stored.

        `size` is the size of the value in bytes, if Python cannot see it.
        """
        size = ENTRY_BYTES + size_of(key) + (size_of(value) if size is None else size)
        with self._lock:
            self._remove(key)
            if size > self._max:
                return
            self._entries[key] = (value, size)
            self._total += size
            while self._total > self._max:
                self._remove(next(iter(self._entries)))

    def remove(self, key: K) -> None:
        """Removes a key's value, if there is one."""
        with self._lock:
            self._remove(key)

    def _remove(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._total -= entry[1]


class Cache(Generic[K, V]):
    """Caches what `load(key, consistent)` returns, for `seconds`, up to a total of `max_bytes`.

    A value that is None or empty means that the store has none. Such keys have a space of their own, so that requests
    for invented keys cannot displace the values that exist.

    `get` can return an outdated value. `fresh` reads the store consistently, but at most once per second and key, so
    that a sender who is refused repeatedly causes few reads.
    """

    def __init__(
        self,
        load: Callable[[K, bool], V],
        *,
        seconds: float = 60,
        max_bytes: int = MAX_BYTES,
        size: Callable[[V], int] = size_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`size` returns the bytes of a value."""
        self._load, self._seconds, self._clock, self._size = load, seconds, clock, size
        # Each entry has the time of its read, whether the read was consistent, and the value.
        self._existing: RecentlyUsed[K, tuple[float, bool, V]] = RecentlyUsed(max_bytes)
        self._missing: RecentlyUsed[K, tuple[float, bool, V]] = RecentlyUsed(MAX_MISSING_BYTES)

    def get(self, key: K) -> V:
        """The cached value, or the store's value if the cached one has expired."""
        entry = self._entry(key)
        if entry is not None and self._clock() - entry[0] < self._seconds:
            return entry[2]
        return self._read(key, consistent=False)

    def fresh(self, key: K) -> V:
        """The value of a consistent read, at most one second old."""
        entry = self._entry(key)
        if entry is not None and entry[1] and self._clock() - entry[0] < 1:
            return entry[2]
        return self.now(key)

    def now(self, key: K) -> V:
        """The value of a consistent read that is made now."""
        return self._read(key, consistent=True)

    def _entry(self, key: K) -> tuple[float, bool, V] | None:
        return self._existing.get(key) or self._missing.get(key)

    def _read(self, key: K, *, consistent: bool) -> V:
        read_at = self._clock()
        value = self._load(key, consistent)
        space, other = (self._existing, self._missing) if value else (self._missing, self._existing)
        space.put(key, (read_at, consistent, value), self._size(value))
        other.remove(key)
        return value
