"""Starts and stops ministack, the AWS emulator that the local stack and `sam local` use."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx

from tools.paths import VENVS


class DidNotStart(Exception):
    """The emulator stopped at once, or does not respond. The message is the end of its log."""


def start(home: Path, host: str, port: int, **settings: str) -> int:
    """Starts an emulator that outlives this process. Its log is in `home`.

    Returns the process id.

    Raises:
        DidNotStart: the emulator did not respond within 30 seconds.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "BIND_HOST": host,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **settings,
    }
    environment.pop("PYTHONPATH", None)
    # A shell starts the emulator in the background and ends, so that the emulator is not a child of this process.
    started = subprocess.run(
        ["/bin/sh", "-c", '"$0" >ministack.log 2>&1 & echo $!', VENVS / "stack" / "bin" / "ministack"],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        start_new_session=True,
    )
    pid = int(started.stdout)
    for _ in range(300):
        if not alive(pid):
            break
        if responds(f"http://{host}:{port}"):
            return pid
        time.sleep(0.1)
    raise DidNotStart((home / "ministack.log").read_text()[-2000:])


def stop(pid: int) -> None:
    """Stops an emulator and the functions that it runs; kills them after ten seconds."""
    group = os.getpgid(pid)
    os.killpg(group, signal.SIGTERM)
    for _ in range(100):
        if not alive(pid):
            return
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether the process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def responds(endpoint_url: str) -> bool:
    """Whether an emulator responds at this address."""
    try:
        return httpx.get(f"{endpoint_url}/_ministack/health", timeout=5).is_success
    except httpx.TransportError:
        return False


def free_port(host: str, preferred: int) -> int:
    """The preferred port if it is free, else any free port. Raises OSError when the address cannot be bound."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                if port == 0:
                    raise
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("the last port returns or raises")
