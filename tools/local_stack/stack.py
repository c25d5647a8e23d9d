"""The local stack: the project's template, deployed to the AWS emulator ministack on this machine."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.errors import SetupError
from tools.local_stack import api_gateway, ministack, streams
from tools.paths import ROOT, VENVS
from tools.stack import ARCHITECTURE, REGION, Stack

KEY_BUCKET = "adobe-keys"
"""The bucket that serves public keys in place of Adobe's."""

EVENTS_PER_RUN = 2000
"""The stack computes views of more events in parallel parts. So low that the larger sample organization needs parts."""
COMPUTE_CONCURRENCY = 6
FOR_THE_EMULATOR = (
    # It keeps the value of a parameter as text, and its SQS poller stops at a MaximumConcurrency that is a text.
    (re.compile(r"MaximumConcurrency:\s+Ref: ComputeConcurrency\b"), f"MaximumConcurrency: {COMPUTE_CONCURRENCY}"),
    # It compares media types with the text of the template, where AWS reads ~1 as a slash.
    (re.compile(r"\*~1\*"), "*/*"),
)
"""What is replaced in the built template, once each."""

EVENT_BUS = "native-events"
"""The bus that native events are put on. Its sources must not begin with `aws.`."""
STACK_NAME = "journeys"
PREFERRED_PORT = 4570
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
RUNTIME = f"python{PYTHON_VERSION}"
SOURCES = ("template.yaml", "monitoring", "samconfig.toml", "functions", "layers", "console")
NOT_SOURCES = {"__pycache__", "node_modules", "dist"}


def local_home(folder: str | None = None) -> Path:
    """The folder of the local stack: the given one, that of the environment variable JOURNEYS_HOME, or .local."""
    chosen = folder or os.environ.get("JOURNEYS_HOME")
    return Path(chosen).resolve() if chosen else ROOT / ".local"


class StackFailed(SetupError):
    """The local stack did not start, or could not be deployed. The message ends with the log."""


class LocalStack:
    """One local stack, in a folder of its own."""

    def __init__(self, home: Path | None = None, *, functions_endpoint: Callable[[str], str] | None = None) -> None:
        """Describes a stack, and starts nothing.

        Args:
            functions_endpoint: returns the address at which the functions call AWS, given the emulator's. By default
                it is the emulator's.
        """
        self.home = home or local_home()
        self._functions_endpoint = functions_endpoint or (lambda address: address)
        self._state = self.home / "ministack.json"

    @property
    def description_file(self) -> Path:
        """The file with the stack's addresses, tables, organizations and clients. It contains secrets."""
        return self.home / "stack.json"

    # -- up and down ---------------------------------------------------------------------------------------------------

    def up(self, *, quiet: bool = False) -> Stack:
        """Starts and deploys the stack where needed. Several processes may call this at the same time.

        Raises:
            StackFailed: the stack did not start, or could not be deployed.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with self._locked():
            endpoint_url = self._running()
            if endpoint_url is None:
                _say("starting the local stack", quiet)
                endpoint_url = self._start()
            stack = Stack(STACK_NAME, endpoint_url)
            sources = _fingerprint()
            if self._read().get("deployed") != sources:
                _say("building", quiet)
                self._build()
                _say("deploying", quiet)
                _create_event_bus(stack)
                self._deploy(endpoint_url)
                api_gateway.complete(stack)
                streams.complete(stack)
                self._write(deployed=sources)
            return stack

    def running(self) -> Stack | None:
        """The stack when it runs and is deployed, else None."""
        endpoint_url = self._running()
        deployed = self._read().get("deployed")
        return Stack(STACK_NAME, endpoint_url) if endpoint_url is not None and deployed else None

    def down(self) -> bool:
        """Stops the stack and deletes its data. Returns whether it was running."""
        was_running = self._running() is not None
        state = self._read()
        if was_running:
            ministack.stop(state["pid"])
        self._state.unlink(missing_ok=True)
        self.description_file.unlink(missing_ok=True)
        shutil.rmtree(self.home / "build", ignore_errors=True)
        return was_running

    @property
    def process_id(self) -> int:
        """The process of the running emulator."""
        return int(self._read()["pid"])

    def _start(self) -> str:
        port = ministack.free_port("127.0.0.1", PREFERRED_PORT)
        try:
            pid = ministack.start(self.home, "127.0.0.1", port, AUTH="true")
        except ministack.DidNotStart as error:
            raise StackFailed(f"The local stack did not start. The end of its log:\n{error}") from None
        endpoint_url = f"http://127.0.0.1:{port}"
        self._state.write_text(json.dumps({"pid": pid, "endpointUrl": endpoint_url}))
        return endpoint_url

    def _build(self) -> None:
        folder = str(self.home / "build")
        overrides = f"PythonRuntime={RUNTIME} Architecture={ARCHITECTURE}"
        self._sam("build", "--build-dir", folder, "--parameter-overrides", overrides)
        built = self.home / "build" / "template.yaml"
        text = built.read_text()
        for pattern, replacement in FOR_THE_EMULATOR:
            text, replaced = pattern.subn(replacement, text)
            if replaced != 1:
                raise StackFailed(f"The built template has {pattern.pattern} {replaced} times; it must have it once.")
        built.write_text(text)

    def _deploy(self, endpoint_url: str) -> None:
        parameters = {
            "Stage": "local",
            "PythonRuntime": RUNTIME,
            "Architecture": ARCHITECTURE,
            "EndpointUrl": self._functions_endpoint(endpoint_url),
            "AdobeKeysUrl": f"{endpoint_url}/{KEY_BUCKET}",
            "ArchiveWindow": 1,
            "EventsPerRun": EVENTS_PER_RUN,
            "ComputeConcurrency": COMPUTE_CONCURRENCY,
            "NativeEventBus": EVENT_BUS,
        }
        self._sam(
            *("deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"),
            *("--stack-name", STACK_NAME, "--no-progressbar"),
            *("--template-file", str(self.home / "build" / "template.yaml")),
            *("--parameter-overrides", " ".join(f"{name}={value}" for name, value in parameters.items())),
            endpoint_url=endpoint_url,
        )

    def _sam(self, *arguments: str, endpoint_url: str | None = None) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "SAM_CLI_TELEMETRY": "0",
            "PYTHON": sys.executable,
            "PYTHON_VERSION": PYTHON_VERSION,
            "ARCHITECTURE": ARCHITECTURE,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": endpoint_url or "",
        }
        environment.pop("PYTHONPATH", None)
        if endpoint_url is None:
            del environment["AWS_ENDPOINT_URL"]
        done = subprocess.run(
            [VENVS / "sam" / "bin" / "sam", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackFailed(f"`sam {arguments[0]}` failed. The end of its output:\n{done.stdout[-6000:]}")

    # -- state ---------------------------------------------------------------------------------------------------------

    def _running(self) -> str | None:
        state = self._read()
        if state and ministack.alive(state["pid"]) and ministack.responds(state["endpointUrl"]):
            return str(state["endpointUrl"])
        return None

    def _read(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._state.read_text())
            return state
        except FileNotFoundError:
            return {}

    def _write(self, **changes: Any) -> None:
        self._state.write_text(json.dumps(self._read() | changes))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _create_event_bus(stack: Stack) -> None:
    """Creates the bus of native events, which stands for the bus of a partner event source."""
    events = stack.client("events")
    if EVENT_BUS not in {bus["Name"] for bus in events.list_event_buses(NamePrefix=EVENT_BUS)["EventBuses"]}:
        events.create_event_bus(Name=EVENT_BUS)


def _fingerprint() -> str:
    """A digest of everything that is deployed."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and NOT_SOURCES.isdisjoint(file.parts):
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _say(step: str, quiet: bool) -> None:
    if not quiet:
        print(f"  {step} ...", file=sys.stderr, flush=True)
