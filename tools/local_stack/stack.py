"""The local stack: ministack, with the very template deployed to it. Nothing of it leaves this machine.

    python -m tools.local_stack up | down | logs [--follow]

`--home` is the folder that one stack lives in, so that the tests have one of their own.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tools.local_stack import ministack
from tools.paths import ROOT, VENVS
from tools.stack import REGION, Stack

KEY_BUCKET = "adobe-keys"
"""Where the local stack keeps the public key that stands in for Adobe's."""

EVENTS_PER_RUN = 2000
"""So few, that the local stack computes views of its larger organisation as a map, and of the smaller in one run."""

HOME = ROOT / ".local"
STACK_NAME = "journeys"
PREFERRED_PORT = 4570
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
RUNTIME = f"python{PYTHON_VERSION}"
SOURCES = ("template.yaml", "monitoring", "samconfig.toml", "functions", "layers")


class StackFailed(Exception):
    """The local stack does not do what it should; the message says what to look at."""


class LocalStack:
    """One local stack, in a folder of its own."""

    def __init__(self, home: Path = HOME) -> None:
        self._home = home
        self._state = home / "ministack.json"

    # -- up and down ---------------------------------------------------------------------------------------------------

    def up(self, *, quiet: bool = False) -> Stack:
        """The stack, started and deployed as far as it is not; safe to call at the same time from several processes."""
        self._home.mkdir(parents=True, exist_ok=True)
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
                self._deploy(endpoint_url)
                _put_gateway_responses(stack)
                self._write(deployed=sources)
            return stack

    def running(self) -> Stack | None:
        """The stack, if it is up and deployed."""
        endpoint_url = self._running()
        deployed = self._read().get("deployed")
        return Stack(STACK_NAME, endpoint_url) if endpoint_url is not None and deployed else None

    def down(self) -> bool:
        """Ends the stack and all that is in it; answers whether it was up."""
        was_up = self._running() is not None
        state = self._read()
        if was_up:
            ministack.end(state["pid"])
        self._state.unlink(missing_ok=True)
        (self._home / "stack.json").unlink(missing_ok=True)
        shutil.rmtree(self._home / "build", ignore_errors=True)
        return was_up

    def _start(self) -> str:
        port = ministack.free_port("127.0.0.1", PREFERRED_PORT)
        try:
            pid = ministack.start(self._home, "127.0.0.1", port, AUTH="true")
        except ministack.DidNotStart as failed:
            raise StackFailed(f"The local stack did not start:\n{failed}") from None
        endpoint_url = f"http://127.0.0.1:{port}"
        self._state.write_text(json.dumps({"pid": pid, "endpointUrl": endpoint_url}))
        return endpoint_url

    def _build(self) -> None:
        folder = str(self._home / "build")
        self._sam("build", "--build-dir", folder, "--parameter-overrides", f"PythonRuntime={RUNTIME}")

    def _deploy(self, endpoint_url: str) -> None:
        parameters = {
            "Stage": "local",
            "PythonRuntime": RUNTIME,
            "EndpointUrl": endpoint_url,
            "AdobeKeysUrl": f"{endpoint_url}/{KEY_BUCKET}",
            "ArchiveWindow": 1,
            "EventsPerRun": EVENTS_PER_RUN,
        }
        self._sam(
            *("deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"),
            *("--stack-name", STACK_NAME, "--no-progressbar"),
            *("--template-file", str(self._home / "build" / "template.yaml")),
            *("--parameter-overrides", " ".join(f"{name}={value}" for name, value in parameters.items())),
            endpoint_url=endpoint_url,
        )

    def _sam(self, *arguments: str, endpoint_url: str | None = None) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "SAM_CLI_TELEMETRY": "0",
            "PYTHON": sys.executable,
            "PYTHON_VERSION": PYTHON_VERSION,
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
            raise StackFailed(f"sam {arguments[0]} failed:\n{done.stdout[-6000:]}")

    # -- what is known of it -------------------------------------------------------------------------------------------

    def _running(self) -> str | None:
        state = self._read()
        if state and ministack.alive(state["pid"]) and ministack.answers(state["endpointUrl"]):
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
        with (self._home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # -- logs ----------------------------------------------------------------------------------------------------------

    def logs(self, *, follow: bool) -> None:
        """Prints what the functions logged, in order; with `follow`, also what they go on to log."""
        stack = self.running()
        if stack is None:
            raise StackFailed("The local stack is not running; start it with `make run`.")
        client, since = stack.client("logs"), 0
        seen: set[tuple[int, str, str]] = set()
        while True:
            lines: list[tuple[int, str, str]] = []
            for group in client.describe_log_groups(logGroupNamePrefix=f"/journeys/{STACK_NAME}/")["logGroups"]:
                name = group["logGroupName"]
                for page in client.get_paginator("filter_log_events").paginate(logGroupName=name, startTime=since):
                    for event in page["events"]:
                        logged = event["timestamp"], name.rsplit("/", 1)[-1], event["message"]
                        if logged not in seen:
                            seen.add(logged)
                            lines.append(logged)
            for timestamp, function, message in sorted(lines):
                since = max(since, timestamp - 5000)
                for line in message.splitlines():
                    print(f"{datetime.fromtimestamp(timestamp / 1000, UTC):%H:%M:%S} {function:14} {line}", flush=True)
            if not follow:
                return
            time.sleep(1)


def _put_gateway_responses(stack: Stack) -> None:
    """API Gateway's own refusals, which the emulator does not take over from the template as AWS does."""

    class Loader(yaml.SafeLoader):
        """Reads the template's short functions as their arguments."""

    def argument(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return loader.construct_scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]

    Loader.add_multi_constructor("!", argument)
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506  # ours, and a safe loader's child
    client = stack.client("apigateway")
    origin = template["Parameters"]["AllowedOrigin"]["Default"]
    for kind, response in template["Resources"]["Api"]["Properties"]["GatewayResponses"].items():
        headers = response["ResponseParameters"]["Headers"]
        client.put_gateway_response(
            restApiId=stack.outputs["ApiId"],
            responseType=kind,
            statusCode=response["StatusCode"],
            responseParameters={
                f"gatewayresponse.header.{name}": value.replace("${AllowedOrigin}", origin)
                for name, value in headers.items()
            },
            responseTemplates=response["ResponseTemplates"],
        )
    client.create_deployment(restApiId=stack.outputs["ApiId"], stageName=stack.outputs["StageName"])


def _fingerprint() -> str:
    """Changes when anything that is deployed does."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _say(what: str, quiet: bool) -> None:
    if not quiet:
        print(f"  {what} ...", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.local_stack", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--home", type=Path, default=HOME)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up")
    commands.add_parser("down")
    commands.add_parser("logs").add_argument("--follow", action="store_true")
    given = parser.parse_args(arguments)
    local = LocalStack(given.home.resolve())
    try:
        match given.command:
            case "up":
                print(json.dumps(local.up().describe(), indent=2))
            case "down":
                print("The local stack is down." if local.down() else "The local stack was not up.")
            case "logs":
                local.logs(follow=given.follow)
    except StackFailed as failed:
        sys.exit(str(failed))
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
