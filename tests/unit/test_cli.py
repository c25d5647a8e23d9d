"""The command `journeys`: help, usage errors, and the errors of the environment."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import httpx
import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ProfileNotFound

from tests.support.cli import run_journeys
from tests.support.template import ROOT
from tools.api import ApiError, TokenRefused
from tools.cli import journeys
from tools.commands import options
from tools.stack import Stack, session

DOCUMENTED = (
    "up", "down", "logs", "env", "show customer", "show view", "send", "import", "import-native", "deliver",
    "admin organization create", "admin organization list", "admin client create", "admin client list",
    "admin limits show", "admin limits set", "admin client rotate",
    "admin client set-permissions", "admin client delete", "verify", "rebuild", "redrive",
    "archive backfill", "archive compact", "sam-local up", "sam-local down", "sam-local sign", "sam-local test",
    "load", "openapi",
)  # fmt: skip


def commands(
    group: click.Group = journeys, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        yield (*path, name), command


@pytest.fixture(autouse=True)
def _no_local_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find no local stack, no named stack and no region."""
    monkeypatch.setenv("JOURNEYS_HOME", str(tmp_path))
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL", "JOURNEYS_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))


# -- help --------------------------------------------------------------------------------------------------------------


def test_every_documented_command_exists() -> None:
    existing = {" ".join(path) for path, _ in commands()}
    assert existing >= set(DOCUMENTED)


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    result = run_journeys(*path, "--help")
    assert result.exit_code == 0
    command = dict(commands())[path]
    if not isinstance(command, click.Group):
        assert f"journeys {' '.join(path)}" in result.output.partition("Example")[2]
    assert max(map(len, result.output.splitlines())) <= 120


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_option_is_described(path: tuple[str, ...]) -> None:
    for parameter in dict(commands())[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_the_help_explains_the_exit_statuses() -> None:
    text = " ".join(run_journeys("--help").output.split())
    assert "0 success; 1 problems were found" in text
    assert "130 interrupted" in text


def test_no_tool_uses_argparse_or_is_run_as_a_module() -> None:
    for file in (ROOT / "tools").rglob("*.py"):
        if file.parent.name != "documentation":
            assert not re.search(r"import argparse|python -m tools", file.read_text()), file


def test_no_file_of_the_tools_has_more_than_400_lines() -> None:
    lengths = {str(file): len(file.read_text().splitlines()) for file in (ROOT / "tools").rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


class CloudFormation:
    """A fake CloudFormation client with one response."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def describe_stacks(self, StackName: str) -> Any:  # noqa: ARG002, N803  # boto3's name
        if isinstance(self._response, Exception):
            raise self._response
        return self._response


# -- the environment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["logs"], ["env"], ["show", "customer", "crm", "C-1"], ["show", "view", "x"], ["send", "--configuration", "x"],
        ["deliver", "shopify", "x"], ["admin", "organization", "list"], ["verify"], ["rebuild"],
        ["redrive"], ["archive", "backfill"], ["archive", "compact"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_without_a_running_local_stack_says_how_to_start_it(arguments: list[str]) -> None:
    result = run_journeys(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "The local stack is not running. Start it with `journeys up`, or name a stack on AWS with --stack-name.\n"
    )


def test_a_missing_region_is_named() -> None:
    result = run_journeys("verify", "--stack-name", "journeys-prod")
    assert result.exit_code == 2
    assert "No AWS region is set. Set AWS_REGION" in result.stderr


def test_an_unknown_stack_is_named_with_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("JOURNEYS_STACK", "journeys-prod")
    error = ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
    monkeypatch.setattr(Stack, "client", lambda *_: CloudFormation(error))
    result = run_journeys("verify")
    assert result.exit_code == 2
    assert "There is no stack journeys-prod in eu-central-1." in result.stderr


def test_the_region_is_that_of_aws_region_before_aws_default_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert session(None).region_name == "us-east-1"
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert session(None).region_name == "eu-central-1"
    assert session("http://127.0.0.1:4570").region_name == "us-east-1"


def test_a_stack_of_another_template_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(Stack, "client", lambda *_: CloudFormation({"Stacks": [{"StackName": "other"}]}))
    result = run_journeys("verify", "--stack-name", "other")
    assert result.exit_code == 2
    assert "The stack has no output" in result.stderr


def test_a_command_that_calls_the_api_on_aws_needs_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "open_stack", lambda _: Stack("journeys-prod", None))
    result = run_journeys("show", "customer", "crm", "C-1", "--stack-name", "journeys-prod")
    assert result.exit_code == 2
    assert "Set JOURNEYS_CLIENT_ID and JOURNEYS_CLIENT_SECRET" in result.stderr


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ApiError(403, {"message": "This client lacks the permission x."}), 1, "403: This client lacks the permission"),
        (TokenRefused(), 2, "The credentials were not accepted."),
        (httpx.ConnectError("refused"), 2, "The API does not respond (ConnectError)."),
        (NoCredentialsError(), 2, "No AWS credentials were found."),
        (ProfileNotFound(profile="x"), 2, "The AWS profile in AWS_PROFILE does not exist."),
        (
            ClientError({"Error": {"Code": "ExpiredToken"}}, "Scan"),
            2,
            "AWS did not accept the credentials",
        ),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "Scan"), 2, "AWS refused Scan (AccessDenied)."),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_expected_error_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, message: str
) -> None:
    def fail(_: str | None) -> Stack:
        raise error

    monkeypatch.setattr(options, "open_stack", fail)
    result = run_journeys("verify")
    assert (result.exit_code, result.stdout) == (status, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["verif"], ["verify", "--thread", "x"], ["logs", "--lines", "0"], ["deliver"]])
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    result = run_journeys(*arguments)
    assert result.exit_code == 2
    assert "Usage: journeys" in result.stderr


def test_down_says_when_nothing_runs() -> None:
    result = run_journeys("down")
    assert (result.exit_code, result.stdout) == (0, "The local stack was not running.\n")


# -- the local stack's description -------------------------------------------------------------------------------------


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A local stack with two organizations, whose API is not there."""
    stack = Stack("journeys", "http://127.0.0.1:9")
    vars(stack)["outputs"] = {"ApiId": "a", "StageName": "local"}
    organizations = [
        {"id": name, "clients": [{"clientId": f"client of {name}", "clientSecret": "s"}]} for name in ("acme", "globex")
    ]
    description = {"apiUrl": "http://127.0.0.1:9/api", "tokenUrl": "http://127.0.0.1:9/token"}
    description |= {"endpointUrl": "http://127.0.0.1:9"}
    (tmp_path / "stack.json").write_text(json.dumps(description | {"organizations": organizations}))
    monkeypatch.setattr("tools.local_stack.stack.LocalStack.running", lambda _: stack)
    return stack


@pytest.mark.usefixtures("local")
def test_env_prints_variables_for_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.api.ApiClient.access_token", lambda _: "token")
    lines = run_journeys("env", "--organization", "globex").stdout.splitlines()
    assert lines == [
        "export API=http://127.0.0.1:9/api/api/v2/journey",
        "export TOKEN_URL=http://127.0.0.1:9/token",
        "export CLIENT_ID='client of globex'",
        "export CLIENT_SECRET=s",
        "export ORGANIZATION=globex",
        "export TOKEN=token",
        "export AWS_ENDPOINT_URL=http://127.0.0.1:9",
    ]


@pytest.mark.parametrize("arguments", [["env"], ["show", "customer", "crm", "C-1"], ["send", "--configuration", "x"]])
@pytest.mark.usefixtures("local")
def test_an_unknown_organization_of_the_local_stack_is_an_error_with_status_1(arguments: list[str]) -> None:
    result = run_journeys(*arguments, "--organization", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no organization nobody. Use one of: acme, globex." in result.stderr


# -- logs --------------------------------------------------------------------------------------------------------------


class FakeLogs:
    """A fake CloudWatch Logs client with two functions."""

    groups: dict[str, list[tuple[int, str]]]

    def __init__(self, **groups: list[tuple[int, str]]) -> None:
        self.groups = groups

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, operation))

    def describe_log_groups(self, logGroupNamePrefix: str) -> list[Any]:  # noqa: N803  # boto3's name
        return [{"logGroups": [{"logGroupName": f"{logGroupNamePrefix}{name}"} for name in self.groups]}]

    def filter_log_events(self, logGroupName: str, startTime: int) -> list[Any]:  # noqa: N803  # boto3's names
        events = self.groups[logGroupName.rsplit("/", 1)[-1]]
        return [{"events": [{"timestamp": at, "message": text} for at, text in events if at >= startTime]}]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack whose functions logged three lines an hour ago."""
    now = 1_700_000_000
    monkeypatch.setattr("tools.local_stack.logs.time.time", lambda: now)
    start = (now - 3600) * 1000
    stack = Stack("journeys", None)
    fake = FakeLogs(ingest=[(start, "one"), (start + 2000, "three")], projector=[(start + 1000, "two")])
    monkeypatch.setattr(Stack, "client", lambda *_: fake)
    monkeypatch.setattr(options, "open_stack", lambda _: stack)
    return stack


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["one", "two", "three"]),
        (["--lines", "2"], ["two", "three"]),
        (["--function", "ingest"], ["one", "three"]),
        (["--function", "ingest", "--function", "projector", "-n", "1"], ["three"]),
    ],
)
@pytest.mark.usefixtures("logged")
def test_logs_shows_the_last_lines_in_order(arguments: list[str], expected: list[str]) -> None:
    result = run_journeys("logs", *arguments)
    assert [line.split()[-1] for line in result.stdout.splitlines()] == expected


@pytest.mark.usefixtures("logged")
def test_logs_names_the_functions_when_one_is_unknown() -> None:
    result = run_journeys("logs", "--function", "ingst")
    assert result.exit_code == 1
    assert "There is no log of ingst. Use one of: ingest, projector." in result.stderr


def test_follow_prints_each_line_once(logged: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.local_stack.logs.time.sleep", stop)
    result = run_journeys("logs", "--follow")
    assert result.exit_code == 130
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["one", "two", "three"]
