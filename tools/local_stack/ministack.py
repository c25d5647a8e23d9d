"""One ministack process, the emulator of AWS that the local stack and `sam local` stand on."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx

from tools.paths import VENVS


class DidNotStart(Exception):
    """The emulator ended at once or does not answer; the message holds the end of what it said."""


def start(home: Path, host: str, port: int, **settings: str) -> int:
    """Starts an emulator that outlives this process, with its log in `home`; answers its pid. Raises DidNotStart."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "BIND_HOST": host,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **settings,
    }
    environment.pop("PYTHONPATH", None)
    # a shell starts it and ends, so that it is nobody's child and lives on
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
        if answers(f"http://{host}:{port}"):
            return pid
        time.sleep(0.1)
    raise DidNotStart((home / "ministack.log").read_text()[-2000:])


def end(pid: int) -> None:
    """Ends an emulator and the functions that it runs."""
    group = os.getpgid(pid)
    os.killpg(group, signal.SIGTERM)
    for _ in range(100):
        if not alive(pid):
            return
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether the process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def answers(endpoint_url: str) -> bool:
    """Whether an emulator answers at this address."""
    try:
        return httpx.get(f"{endpoint_url}/_ministack/health", timeout=5).is_success
    except httpx.TransportError:
        return False


def free_port(host: str, preferred: int) -> int:
    """The preferred port, or any other that is free. Raises OSError where the address cannot be bound at all."""
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
    raise AssertionError("the last attempt answers or raises")
