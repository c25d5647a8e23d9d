"""Folders on the disk for the time of a run. Those of runs that were killed go before the next one begins.

Lambda keeps a function's disk when it kills a run; what that left would be missing to all that come after it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "journeys-run-"


@contextmanager
def scratch(parent: str | None = None) -> Iterator[Path]:
    """A new folder, in the temporary directory by default, which is removed at the end.

    Each is locked while its run lives, and the lock goes with the process however that ends; so what is not locked is
    of a run that was killed, though other processes use the same directory.
    """
    directory = Path(parent or tempfile.gettempdir())
    with _locked(directory):  # so that nobody finds a folder between its making and its lock
        for left in directory.glob(f"{PREFIX}*"):
            with suppress(OSError), _locked(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=directory))
        lock = _lock(folder, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def _locked(folder: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    lock = _lock(folder, how)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, how: int) -> int:
    """Locks a folder until what is answered with is closed. Raises OSError, BlockingIOError where it is to not wait."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, how)
    except OSError:
        os.close(opened)
        raise
    return opened
