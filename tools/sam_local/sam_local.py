"""Runs every function under `sam local invoke`, in Docker, with a database of its own."""

import argparse
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.deliveries import serve_adobe_key
from tools.local_stack import ministack
from tools.local_stack.stack import KEY_BUCKET
from tools.paths import ROOT, VENVS
from tools.sam_local.cases import BUCKET, CASES, QUEUE, SECRETS_PREFIX, Case
from tools.sam_local.seed import SamLocalFailed, create_tables, empty_bucket, seed, seed_endpoints, seed_views
from tools.signing import ADOBE_KEY_PATH, ADOBE_PUBLIC_KEY
from tools.stack import REGION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient


HOME = ROOT / ".local" / "sam-local"


PYTHON_VERSION = "3.13"
IMAGE = f"public.ecr.aws/lambda/python:{PYTHON_VERSION}-x86_64"
PREFERRED_PORT = 4580
INVOKE_SECONDS = 120


@dataclass(frozen=True)
class Place:
    """Where the database listens on this machine, and how a container names that."""

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
    """The database, the build, and what `sam local invoke` needs to know of both."""

    def __init__(self, home: Path = HOME) -> None:
        self._home = home
        self._state, self._variables = home / "ministack.json", home / "env.json"
        self._built = home / "build" / "template.yaml"

    def up(self) -> None:
        """Starts the database where it is not up, and builds. Raises SamLocalFailed."""
        require_docker()
        self._home.mkdir(parents=True, exist_ok=True)
        if self._place() is None:
            print("  starting the database ...", file=sys.stderr, flush=True)
            self._start()
        self.refresh()
        print("  building ...", file=sys.stderr, flush=True)
        done = self._sam("build", "--build-dir", str(self._built.parent), "--parameter-overrides", self._overrides())
        if done.returncode:
            raise SamLocalFailed(f"sam build failed:\n{(done.stdout + done.stderr)[-4000:]}")

    def refresh(self) -> None:
        """Empties the database and seeds it, so that every case finds what it expects. Raises SamLocalFailed."""
        place = self._required()
        client: Any = boto3.Session("test", "test", region_name=REGION).client
        config = Config(connect_timeout=2, read_timeout=10)
        try:
            dynamodb: DynamoDBClient = client("dynamodb", endpoint_url=place.url, config=config)
            create_tables(dynamodb)
            configuration_id = seed(dynamodb, "RegistryTable")
            secretsmanager: SecretsManagerClient = client("secretsmanager", endpoint_url=place.url, config=config)
            seed_endpoints(dynamodb, "RegistryTable", secretsmanager, configuration_id)
            s3: S3Client = client("s3", endpoint_url=place.url, config=config)
            empty_bucket(s3, BUCKET)
            seed_views(dynamodb, "RegistryTable", s3, BUCKET, configuration_id)
            serve_adobe_key(s3, ADOBE_KEY_PATH, ADOBE_PUBLIC_KEY)
            sqs: SQSClient = client("sqs", endpoint_url=place.url, config=config)
            queue_url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        except (BotoCoreError, ClientError) as error:
            raise SamLocalFailed(f"The database at {place.url} does not do what it should: {error}") from None
        tables = {
            f"{name}_TABLE": f"{name.capitalize()}Table" for name in ("EVENTS", "JOURNEYS", "FAILURES", "REGISTRY")
        }
        variables = {"AWS_ENDPOINT_URL": place.container_url, "ARCHIVE_BUCKET": BUCKET, "JOBS_QUEUE_URL": queue_url}
        variables |= tables | {"SECRETS_PREFIX": SECRETS_PREFIX}
        variables |= {"ADOBE_KEYS_URL": f"{place.container_url}/{KEY_BUCKET}"}
        self._variables.write_text(json.dumps({"Parameters": variables}, indent=2) + "\n")

    def down(self) -> bool:
        """Ends the database and forgets the build; answers whether it was up."""
        was_up = self._place() is not None
        if was_up:
            pid = json.loads(self._state.read_text())["pid"]
            ministack.end(pid)
        shutil.rmtree(self._home, ignore_errors=True)
        return was_up

    @property
    def is_up(self) -> bool:
        return self._place() is not None and self._built.exists()

    def command(self, case: Case) -> list[str]:
        """What runs a case by hand, from the project's folder; one that is signed now reads it from its input."""
        event = "-" if case.stamped else _shown(case.file)
        return [
            *(_shown(VENVS / "sam" / "bin" / "sam"), "local", "invoke", case.function, "--event", event),
            *("--template", _shown(self._built), "--env-vars", _shown(self._variables)),
            *("--parameter-overrides", self._overrides(), "--region", REGION, "--skip-pull-image"),
            *("--layer-cache-basedir", _shown(self._home / "layers")),
        ]

    def invoke(self, case: Case) -> str | None:
        """Runs a case; answers with what is wrong, or None."""
        try:
            done = self._sam(*self.command(case)[1:], given=json.dumps(case.event()) if case.stamped else "")
        except subprocess.TimeoutExpired:
            return f"there was no answer within {INVOKE_SECONDS} seconds"
        try:
            answered = json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError):
            return f"there was no answer, but:\n{(done.stdout + done.stderr)[-3000:]}"
        wrong = case.judge(answered)
        return f"{wrong}\n{done.stderr[-3000:]}" if wrong else None

    # -- inside --------------------------------------------------------------------------------------------------------

    def _overrides(self) -> str:
        # EndpointUrl declares the variable AWS_ENDPOINT_URL, which only then can be given in a file
        return f"PythonRuntime=python{PYTHON_VERSION} EndpointUrl={self._required().container_url}"

    def _sam(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        inherited.pop("PYTHONPATH", None)
        return subprocess.run(
            [VENVS / "sam" / "bin" / "sam", *arguments],
            cwd=ROOT,
            env=inherited
            | {
                "SAM_CLI_TELEMETRY": "0",
                "PYTHON": sys.executable,
                "PYTHON_VERSION": PYTHON_VERSION,
                # with credentials SAM would ask AWS for their account, at every invocation; without, it makes one up
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
            },
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=INVOKE_SECONDS,
        )

    def _start(self) -> None:
        host, name = _reachable()
        place = Place(host, name, ministack.free_port(host, PREFERRED_PORT))
        try:
            pid = ministack.start(self._home, place.host, place.port, SERVICES="dynamodb,s3,secretsmanager,sqs")
        except ministack.DidNotStart as failed:
            raise SamLocalFailed(f"The database at {place.url} did not start:\n{failed}") from None
        state = {"pid": pid, "host": place.host, "name": place.name, "port": place.port}
        self._state.write_text(json.dumps(state))

    def _place(self) -> Place | None:
        """Where the database is, if it is up."""
        try:
            state = json.loads(self._state.read_text())
        except FileNotFoundError:
            return None
        place = Place(state["host"], state["name"], state["port"])
        return place if ministack.alive(state["pid"]) and ministack.answers(place.url) else None

    def _required(self) -> Place:
        place = self._place()
        if place is None:
            raise SamLocalFailed("The database is not up; start it: python -m tools.sam_local up")
        return place


def require_docker() -> None:
    """Sees to Docker and the functions' image. Raises SamLocalFailed with what is missing."""
    if shutil.which("docker") is None:
        raise SamLocalFailed(
            "Docker is missing; `sam local invoke` runs functions in containers: https://docs.docker.com/get-docker/"
        )
    if (told := _docker("info")).returncode:
        why = (told.stderr.strip().splitlines() or ["it gives no reason"])[-1]
        raise SamLocalFailed(f"Docker is installed but does not answer: {why}")
    if _docker("image", "inspect", IMAGE).returncode:
        print(f"  fetching {IMAGE} ...", file=sys.stderr, flush=True)
        if (told := _docker("pull", IMAGE)).returncode:
            why = (told.stderr.strip().splitlines() or ["it gives no reason"])[-1]
            raise SamLocalFailed(
                f"The image {IMAGE}, which functions run in, is not on this machine and cannot be fetched: {why}"
            )


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S607


def _reachable() -> tuple[str, str]:
    """An address of this machine that containers reach, and how they name it."""
    told = _docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}")
    for part in json.loads(told.stdout) if told.returncode == 0 else []:
        # without a gateway of its own choice the bridge has the subnet's first address
        gateway = part.get("Gateway") or str(next(ip_network(part["Subnet"]).hosts()))
        try:
            with socket.create_server((gateway, 0)):
                return gateway, gateway
        except OSError:
            continue  # Docker Desktop: the bridge is inside its virtual machine
    return "127.0.0.1", "host.docker.internal"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


# -- the command -------------------------------------------------------------------------------------------------------


def show_commands(local: SamLocal) -> None:
    """Prints what runs each case by hand."""
    print("From here on by hand, in this order:\n")
    for case in CASES:
        sign = [_shown(Path(sys.executable)), "-m", "tools.sam_local", "sign", case.name]
        print((shlex.join(sign) + " | " if case.stamped else "") + shlex.join(local.command(case)))
    print("\nThen: python -m tools.sam_local check, or down")


def check(local: SamLocal) -> bool:
    """Runs every case on a fresh database and prints how it went; answers whether all went well."""
    if not local.is_up:
        raise SamLocalFailed("Nothing is up to be checked; begin with: python -m tools.sam_local up")
    local.refresh()
    began, good = time.monotonic(), 0
    for case in CASES:
        start = time.monotonic()
        wrong = local.invoke(case)
        good += wrong is None
        status = "" if case.status is None else str(case.status)
        told = f"{'ok' if wrong is None else 'WRONG':6}{case.name:21}{case.function:24}{status:5}"
        print(f"{told}{time.monotonic() - start:5.1f} s", flush=True)
        if wrong is not None:
            print(f"      {wrong}", flush=True)
    print(f"{good} of {len(CASES)} cases are as they should be, in {time.monotonic() - began:.0f} s.")
    return good == len(CASES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers with its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.sam_local", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("command", nargs="?", choices=("all", "up", "check", "sign", "down"), default="all")
    stamped = {case.name: case for case in CASES if case.stamped}
    parser.add_argument("case", nargs="?", choices=stamped, help="what to sign")
    given = parser.parse_args(arguments)
    if (given.command == "sign") != (given.case is not None):
        parser.error("sign, and it alone, wants the name of a case")
    local = SamLocal()
    try:
        match given.command:
            case "sign":
                print(json.dumps(stamped[given.case].event(), indent=2))
            case "up":
                local.up()
                show_commands(local)
            case "check":
                return 0 if check(local) else 1
            case "down":
                print("The database is down." if local.down() else "The database was not up.")
            case _:
                was_up = local.is_up
                try:
                    local.up()
                    return 0 if check(local) else 1
                finally:
                    if not was_up:
                        local.down()
    except SamLocalFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
