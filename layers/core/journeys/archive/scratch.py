"""Temporary folders that are deleted even if their process was killed.

Lambda keeps a function's disk when it kills an invocation. The next invocation deletes the folders left behind, so that
they do not fill the disk.
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
    """Creates a folder in `parent`, by default the temporary directory, and deletes it at the end.

    The folder is locked while it is in use. The operating system releases the lock when the process ends, also if it
    is killed. So a folder without a lock was left behind and is deleted, even if other processes use the directory.
    """
    directory = Path(parent or tempfile.gettempdir())
    with _locked(directory):  # No other process may find the new folder before it is locked.
        for leftover in directory.glob(f"{PREFIX}*"):
            with suppress(OSError), _locked(leftover, fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(leftover, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=directory))
        lock = _lock(folder, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def _locked(folder: Path, operation: int = fcntl.LOCK_EX) -> Iterator[None]:
    lock = _lock(folder, operation)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, operation: int) -> int:
    """Locks a folder and returns a file descriptor. Closing it releases the lock.

    Raises OSError; with LOCK_NB, BlockingIOError if the folder is locked.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, operation)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
