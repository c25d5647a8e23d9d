"""Options that several commands share: the stack, the organization, and the client that calls the API."""

import contextlib
import functools
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from tools.api import ApiClient
from tools.errors import LOCAL_STACK_NOT_RUNNING, SetupError, ToolError
from tools.local_stack.stack import LocalStack, local_home
from tools.stack import Stack

R = TypeVar("R")


CLIENT_ID, CLIENT_SECRET = "JOURNEYS_CLIENT_ID", "JOURNEYS_CLIENT_SECRET"

_STACK_HELP = (
    "The CloudFormation stack on AWS (environment variable JOURNEYS_STACK). Default: the local stack, when it runs."
)


def stack_option(function: Callable[..., R]) -> Callable[..., R]:
    """Adds --stack-name, and passes the Stack as the argument `stack`."""

    @click.option("--stack-name", metavar="NAME", envvar="JOURNEYS_STACK", help=_STACK_HELP)
    @functools.wraps(function)
    def with_stack(*args: Any, stack_name: str | None, **kwargs: Any) -> R:
        return function(*args, stack=open_stack(stack_name), **kwargs)

    return with_stack


@dataclass(frozen=True)
class Connection:
    """A stack, and its API as one client."""

    stack: Stack
    api: ApiClient


def lazy_api_options(function: Callable[..., R]) -> Callable[..., R]:
    """Adds --stack-name and --organization, and passes a function that connects, as the argument `open_connection`."""

    @click.option("--stack-name", metavar="NAME", envvar="JOURNEYS_STACK", help=_STACK_HELP)
    @click.option(
        "--organization",
        metavar="ID",
        help="An organization of the local stack. Default: its first. "
        f"On AWS, the client in {CLIENT_ID} and {CLIENT_SECRET} determines the organization.",
    )
    @functools.wraps(function)
    def with_connect(*args: Any, stack_name: str | None, organization: str | None, **kwargs: Any) -> R:
        return function(*args, open_connection=lambda: connect(stack_name, organization), **kwargs)

    return with_connect


def api_options(function: Callable[..., R]) -> Callable[..., R]:
    """Adds --stack-name and --organization, and passes a Connection as the argument `connection`."""

    @lazy_api_options
    @functools.wraps(function)
    def with_connection(*args: Any, open_connection: Callable[[], Connection], **kwargs: Any) -> R:
        return function(*args, connection=open_connection(), **kwargs)

    return with_connection


def home_option(function: Callable[..., R]) -> Callable[..., R]:
    """Adds --home, the folder of the local stack, and passes a LocalStack as the argument `local`."""

    @click.option(
        "--home",
        metavar="FOLDER",
        help="The folder of the local stack (environment variable JOURNEYS_HOME). Default: .local.",
    )
    @functools.wraps(function)
    def with_local_stack(*args: Any, home: str | None, **kwargs: Any) -> R:
        return function(*args, local=LocalStack(local_home(home)), **kwargs)

    return with_local_stack


def open_stack(name: str | None) -> Stack:
    """The stack of that name on AWS, or the local stack. Raises SetupError when it is not there."""
    if name:
        return Stack.named(name)
    stack = LocalStack(local_home()).running()
    if stack is None:
        raise SetupError(LOCAL_STACK_NOT_RUNNING)
    return stack


def connect(stack_name: str | None, organization_id: str | None) -> Connection:
    """Connects to the API of a stack.

    Raises:
        SetupError: the stack is not there, or no client is configured.
        ToolError: the local stack has no such organization.
    """
    stack = open_stack(stack_name)
    if stack_name:
        client_id, client_secret = os.environ.get(CLIENT_ID), os.environ.get(CLIENT_SECRET)
    else:
        client = local_organization(local_description(), organization_id)["clients"][0]
        client_id, client_secret = client["clientId"], client["clientSecret"]
    if not client_id or not client_secret:
        raise SetupError(
            f"No client is configured. Set {CLIENT_ID} and {CLIENT_SECRET}; "
            "`journeys admin client create` creates a client."
        )
    return Connection(stack, ApiClient(stack.api_url, stack.token_url, client_id, client_secret))


def local_description() -> dict[str, Any]:
    """The content of the local stack's stack.json. Raises SetupError when the local stack does not run."""
    if LocalStack(local_home()).running() is None:
        raise SetupError(LOCAL_STACK_NOT_RUNNING)
    try:
        description: dict[str, Any] = json.loads((local_home() / "stack.json").read_text())
    except FileNotFoundError:
        raise SetupError("The local stack has no organizations yet. Run `journeys up`.") from None
    return description


def local_organization(description: dict[str, Any], organization_id: str | None) -> dict[str, Any]:
    """An organization of the local stack, or the first. Raises ToolError for an unknown one."""
    organizations: dict[str, dict[str, Any]] = {one["id"]: one for one in description["organizations"]}
    if organization_id is None:
        return next(iter(organizations.values()))
    if organization_id not in organizations:
        raise ToolError(
            f"The local stack has no organization {organization_id}. Use one of: {', '.join(organizations)}."
        )
    return organizations[organization_id]


@contextlib.contextmanager
def hidden_metrics() -> Iterator[None]:
    """Hides standard output, where the functions' code prints metrics. Create consoles before this."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
