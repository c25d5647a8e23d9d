"""Adobe's public keys: fetched from Adobe's key host within a time limit, and cached.

The headers of a delivery name the path of a key, and anyone can write them. So the host is fixed at deployment, no
redirect is followed, and the time, the size and the number of fetches are limited.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from queue import Empty, SimpleQueue
from socket import SHUT_RDWR
from urllib.parse import urlsplit

from journeys.cache import RecentlyUsed
from journeys.errors import TooManyRequests
from journeys.settings import adobe_keys_url

KEY_SECONDS = 24 * 60 * 60
"""How long a public key is cached."""
NO_KEY_SECONDS = 60
"""How long the absence of a key is cached."""
MAX_CACHED_BYTES = 512 * 1024
"""Bytes of the cached keys of a process, and as many of paths without a key. A key has about 2 KB."""
MAX_KEY_BYTES = 16 * 1024
FETCH_SECONDS = 0.9
"""From the start of a fetch to the last byte. A delivery can need two keys, and some senders wait only 3 seconds."""
MAX_FETCHES = 20
"""Fetches per process in FETCHES_SECONDS. A genuine sender uses two keys for months."""
FETCHES_SECONDS = 60
THREAD = "adobe-key"
"""The name of the thread that reads a key."""

Fetch = Callable[[str], bytes]


class AdobeKeys:
    """The public keys by their path."""

    def __init__(self, fetch: Fetch | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock = fetch or fetch_key, clock
        self._keys: RecentlyUsed[str, tuple[float, bytes]] = RecentlyUsed(MAX_CACHED_BYTES)
        self._absent: RecentlyUsed[str, float] = RecentlyUsed(MAX_CACHED_BYTES)
        self._fetches: deque[float] = deque(maxlen=MAX_FETCHES)

    def get(self, path: str) -> bytes | None:
        """The key at a path, or None if there is none.

        Raises OSError if the key host is unavailable, and TooManyRequests after too many fetches.
        """
        now = self._clock()
        cached, absent_since = self._keys.get(path), self._absent.get(path)
        if cached is not None and now - cached[0] < KEY_SECONDS:
            return cached[1]
        if absent_since is not None and now - absent_since < NO_KEY_SECONDS:
            return None
        self._count_fetch(now)
        try:
            key = self._fetch(path)
        except ValueError:
            self._absent.put(path, now)
            return None
        self._keys.put(path, (now, key))
        return key

    def _count_fetch(self, now: float) -> None:
        if len(self._fetches) == MAX_FETCHES and now - self._fetches[0] < FETCHES_SECONDS:
            raise TooManyRequests("Too many deliveries name unknown public keys. Retry in a minute.")
        self._fetches.append(now)


def fetch_key(path: str, *, seconds: float = FETCH_SECONDS) -> bytes:
    """Fetch a public key from the key host.

    Raises ValueError if the key does not exist, and OSError if the host does not respond in time.
    """
    host = urlsplit(adobe_keys_url())
    kind = HTTPSConnection if host.scheme == "https" else HTTPConnection
    connection = kind(host.netloc, timeout=seconds)
    # The timeout of a socket starts again with every byte, so a thread of its own reads, until the deadline.
    answers: SimpleQueue[tuple[int, bytes] | Exception] = SimpleQueue()
    deadline = time.monotonic() + seconds
    arguments = (connection, host.path + path, deadline, answers)
    threading.Thread(target=_read, args=arguments, name=THREAD, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        answer = TimeoutError()
    finally:
        _disconnect(connection)
    if isinstance(answer, Exception):
        raise OSError("Adobe's key host is unavailable") from answer
    status, content = answer
    if status >= 500 or status == 429:
        raise OSError("Adobe's key host is unavailable")
    if status != 200 or len(content) > MAX_KEY_BYTES:
        raise ValueError("the key does not exist")
    return content


def _read(
    connection: HTTPConnection, path: str, deadline: float, answers: "SimpleQueue[tuple[int, bytes] | Exception]"
) -> None:
    """Put the status and the content of a response into `answers`, or the error. A redirect is not followed."""
    try:
        connection.connect()
        if time.monotonic() > deadline:  # Finding the host's address has no timeout.
            raise TimeoutError
        connection.request("GET", path)
        response = connection.getresponse()
        content = response.read(MAX_KEY_BYTES + 1)
        if response.length and len(content) <= MAX_KEY_BYTES:
            raise IncompleteRead(content, response.length)
        answers.put((response.status, content))
    except (OSError, HTTPException, ValueError) as error:
        answers.put(error)
    finally:
        connection.close()


def _disconnect(connection: HTTPConnection) -> None:
    """Shut the connection down, which ends a read that waits in another thread."""
    try:
        if connection.sock is not None:
            connection.sock.shutdown(SHUT_RDWR)
    except OSError:
        pass  # It is closed already.
