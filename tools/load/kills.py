"""Kills running functions of the local stack."""

import contextlib
import os
import signal
import subprocess


def processes(listing: str, emulator: int, function: str) -> list[int]:
    """The processes in which an emulator runs a function.

    The emulator runs a script of its own, `_worker.py`, in a folder that is named after the function.

    Args:
        listing: lines of process id, parent process id and command.
        emulator: the process id of the emulator.
        function: the name of the deployed function.
    """
    ids = []
    for line in listing.splitlines():
        pid, parent, command = line.split(maxsplit=2)
        if int(parent) == emulator and f"ministack-lambda-{function}-" in command and command.endswith("_worker.py"):
            ids.append(int(pid))
    return ids


def kill(emulator: int, function: str) -> int:
    """Kills every process of a function, whatever it is doing. Returns the number of processes."""
    listing = subprocess.run(
        ["/bin/ps", "-ww", "-A", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    killed = 0
    for pid in processes(listing, emulator, function):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed
