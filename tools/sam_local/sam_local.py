"""Runs functions under `sam local invoke`, in Docker, with a database of its own."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.deliveries import serve_adobe_key
from tools.local_stack import ministack
from tools.local_stack.stack import KEY_BUCKET
from tools.paths import ROOT, VENVS
from tools.sam_local.cases import BUCKET, CASES, QUEUES, SECRETS_PREFIX, Case
from tools.sam_local.docker import PYTHON_VERSION, reachable_address, require_docker
from tools.sam_local.seed import (
    SamLocalFailed,
    create_tables,
    empty_bucket,
    seed,
    seed_delivery,
    seed_endpoints,
    seed_views,
)
from tools.signing import ADOBE_KEY_PATH, ADOBE_PUBLIC_KEY
from tools.stack import ARCHITECTURE, REGION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

HOME = ROOT / ".local" / "sam-local"
PREFERRED_PORT = 4580
INVOKE_SECONDS = 120


@dataclass(frozen=True)
class DatabaseAddress:
    """The address of the database on this machine, and the name of that address inside a container."""

    host: str
    name: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def container_url(self) -> str:
        return f"http://{self.name}:{self.port}"


class SamLocal:
    """The database, the build, and the commands that invoke a function."""

    def __init__(self, home: Path = HOME) -> None:
        self._home = home
        self._state, self._variables = home / "ministack.json", home / "env.json"
        self._built = home / "build" / "template.yaml"

    def up(self) -> None:
        """Starts the database if it does not run, seeds it, and builds. Raises SamLocalFailed."""
        require_docker()
        self._home.mkdir(parents=True, exist_ok=True)
        if self._address() is None:
            print("  starting the database ...", file=sys.stderr, flush=True)
            self._start()
        self.refresh()
        print("  building ...", file=sys.stderr, flush=True)
        done = self._sam("build", "--build-dir", str(self._built.parent), "--parameter-overrides", self._overrides())
        if done.returncode:
            output = (done.stdout + done.stderr)[-4000:]
            raise SamLocalFailed(f"`sam build` failed. The end of its output:\n{output}")

    def refresh(self) -> None:
        """Empties the database and seeds it, so that every case finds what it expects. Raises SamLocalFailed."""
        address = self._required()
        try:
            queues = self._seed(address)
        except (BotoCoreError, ClientError) as error:
            raise SamLocalFailed(f"The database at {address.url} could not be seeded: {error}") from None
        tables = {
            f"{name}_TABLE": f"{name.capitalize()}Table"
            for name in ("EVENTS", "JOURNEYS", "FAILURES", "DELIVERIES", "REGISTRY")
        }
        variables = {"AWS_ENDPOINT_URL": address.container_url, "ARCHIVE_BUCKET": BUCKET}
        variables |= tables | queues | {"SECRETS_PREFIX": SECRETS_PREFIX}
        variables |= {"ADOBE_KEYS_URL": f"{address.container_url}/{KEY_BUCKET}"}
        self._variables.write_text(json.dumps({"Parameters": variables}, indent=2) + "\n")

    def down(self) -> bool:
        """Stops the database and deletes the build. Returns whether the database was running."""
        was_running = self._address() is not None
        if was_running:
            ministack.stop(json.loads(self._state.read_text())["pid"])
        shutil.rmtree(self._home, ignore_errors=True)
        return was_running

    @property
    def is_running(self) -> bool:
        return self._address() is not None and self._built.exists()

    def command(self, case: Case) -> list[str]:
        """The command that runs a case, in the project's folder. A case that signs the time reads standard input."""
        event = "-" if case.signs_time else _relative(case.file)
        return [
            *(_relative(VENVS / "sam" / "bin" / "sam"), "local", "invoke", case.function, "--event", event),
            *("--template", _relative(self._built), "--env-vars", _relative(self._variables)),
            *("--parameter-overrides", self._overrides(), "--region", REGION, "--skip-pull-image"),
            *("--layer-cache-basedir", _relative(self._home / "layers")),
        ]

    def invoke(self, case: Case) -> str | None:
        """Runs a case. Returns what is wrong with the response, or None."""
        try:
            done = self._sam(*self.command(case)[1:], stdin=json.dumps(case.event()) if case.signs_time else "")
        except subprocess.TimeoutExpired:
            return f"there was no response within {INVOKE_SECONDS} seconds"
        try:
            response = json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError):
            return f"there was no response; the end of the output:\n{(done.stdout + done.stderr)[-3000:]}"
        problem = case.problem(response)
        return f"{problem}\n{done.stderr[-3000:]}" if problem else None

    # -- inside --------------------------------------------------------------------------------------------------------

    def _seed(self, address: DatabaseAddress) -> dict[str, str]:
        """Creates tables, secrets, objects and the queues. Returns the queues' URLs by the variables that name them."""
        client: Any = boto3.Session("test", "test", region_name=REGION).client
        config = Config(connect_timeout=2, read_timeout=10)
        dynamodb: DynamoDBClient = client("dynamodb", endpoint_url=address.url, config=config)
        create_tables(dynamodb)
        configuration_id = seed(dynamodb, "RegistryTable")
        secretsmanager: SecretsManagerClient = client("secretsmanager", endpoint_url=address.url, config=config)
        seed_endpoints(dynamodb, "RegistryTable", secretsmanager, configuration_id)
        s3: S3Client = client("s3", endpoint_url=address.url, config=config)
        empty_bucket(s3, BUCKET)
        seed_views(dynamodb, "RegistryTable", s3, BUCKET, configuration_id)
        seed_delivery(dynamodb, "RegistryTable", s3, BUCKET)
        serve_adobe_key(s3, ADOBE_KEY_PATH, ADOBE_PUBLIC_KEY)
        sqs: SQSClient = client("sqs", endpoint_url=address.url, config=config)
        return {f"{name.upper()}_QUEUE_URL": sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}

    def _overrides(self) -> str:
        # EndpointUrl declares the variable AWS_ENDPOINT_URL. SAM reads only declared variables from a file.
        functions = f"PythonRuntime=python{PYTHON_VERSION} Architecture={ARCHITECTURE}"
        return f"{functions} EndpointUrl={self._required().container_url}"

    def _sam(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment.pop("PYTHONPATH", None)
        environment |= {
            "SAM_CLI_TELEMETRY": "0",
            "PYTHON": sys.executable,
            "PYTHON_VERSION": PYTHON_VERSION,
            "ARCHITECTURE": ARCHITECTURE,
            # With credentials, SAM asks AWS for the account number at every invocation. Without, it uses a fixed one.
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return subprocess.run(
            [VENVS / "sam" / "bin" / "sam", *arguments],
            cwd=ROOT,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=INVOKE_SECONDS,
        )

    def _start(self) -> None:
        host, name = reachable_address()
        address = DatabaseAddress(host, name, ministack.free_port(host, PREFERRED_PORT))
        try:
            pid = ministack.start(self._home, host, address.port, SERVICES="dynamodb,s3,secretsmanager,sqs")
        except ministack.DidNotStart as error:
            raise SamLocalFailed(f"The database at {address.url} did not start. The end of its log:\n{error}") from None
        self._state.write_text(json.dumps({"pid": pid, "host": host, "name": name, "port": address.port}))

    def _address(self) -> DatabaseAddress | None:
        """The address of the database, or None when it does not run."""
        try:
            state = json.loads(self._state.read_text())
        except FileNotFoundError:
            return None
        address = DatabaseAddress(state["host"], state["name"], state["port"])
        return address if ministack.alive(state["pid"]) and ministack.responds(address.url) else None

    def _required(self) -> DatabaseAddress:
        address = self._address()
        if address is None:
            raise SamLocalFailed("The database does not run. Start it with `journeys sam-local up`.")
        return address


def print_commands(local: SamLocal) -> None:
    """Prints the command that runs each case."""
    print("Run the cases in this order:\n")
    for case in CASES:
        sign = f".venv/bin/journeys sam-local sign {case.name} | " if case.signs_time else ""
        print(sign + shlex.join(local.command(case)))
    print("\nStop the database with `journeys sam-local down`.")


def run_cases(local: SamLocal) -> bool:
    """Runs every case on a seeded database, and prints the results. Returns whether all passed."""
    start, passed = time.monotonic(), 0
    for case in CASES:
        case_start = time.monotonic()
        problem = local.invoke(case)
        passed += problem is None
        status = "" if case.status is None else str(case.status)
        line = f"{'ok' if problem is None else 'FAILED':8}{case.name:21}{case.function:24}{status:5}"
        print(f"{line}{time.monotonic() - case_start:5.1f} s", flush=True)
        if problem is not None:
            print(f"        {problem}", flush=True)
    print(f"{passed} of {len(CASES)} cases passed, in {time.monotonic() - start:.0f} s.")
    return passed == len(CASES)


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
