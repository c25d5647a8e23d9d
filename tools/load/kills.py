"""Kills running functions of the local stack."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence

from tools.stack import Stack


def physical_names(stack: Stack, functions: Sequence[str]) -> dict[str, str]:
    """What functions of the template are called once they are deployed."""
    describe = stack.client("cloudformation").describe_stack_resource
    return {
        name: describe(StackName=stack.name, LogicalResourceId=name)["StackResourceDetail"]["PhysicalResourceId"]
        for name in functions
    }


def processes(listing: str, emulator: int, function: str) -> list[int]:
    """In which an emulator runs a function, of a listing of pid, parent and command: it runs a script of its own,
    `_worker.py`, in a folder that is named after the function."""
    found = []
    for line in listing.splitlines():
        pid, parent, command = line.split(maxsplit=2)
        if int(parent) == emulator and f"ministack-lambda-{function}-" in command and command.endswith("_worker.py"):
            found.append(int(pid))
    return found


def kill(emulator: int, function: str) -> int:
    """Kills a function wherever it runs, in the middle of whatever it does; answers how many processes that were."""
    listing = subprocess.run(
        ["/bin/ps", "-ww", "-A", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    killed = 0
    for pid in processes(listing, emulator, function):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed
