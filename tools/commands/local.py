"""`journeys up`, `down`, `logs` and `env`."""

import shlex
from datetime import UTC, datetime, timedelta
from itertools import chain

import click

from tools.api import ApiClient
from tools.commands.options import home_option, local_description, local_organization, stack_option
from tools.local_stack.logs import Logs
from tools.local_stack.stack import LocalStack
from tools.stack import Stack


@click.command()
@click.option("--sample/--no-sample", default=True, help="Send sample events, and show a journey and a view. Default.")
@home_option
def up(local: LocalStack, sample: bool) -> None:
    """Start the local stack.

    Deploys the template to an AWS emulator on this machine, creates two organizations and sends sample events. If the
    local stack runs already, it is updated where the sources changed.

    \b
    Examples:
      journeys up
      journeys up --no-sample
    """
    from tools.local_stack.run import LocalRun

    LocalRun(local).run(sample=sample)


@click.command()
@home_option
def down(local: LocalStack) -> None:
    """Stop the local stack and delete its data.

    \b
    Example:
      journeys down
    """
    click.echo("The local stack is stopped." if local.down() else "The local stack was not running.")


@click.command()
@click.option("--lines", "-n", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many lines.")
@click.option("--follow", "-f", is_flag=True, help="Wait for new lines, until Ctrl-C.")
@click.option("--function", "functions", metavar="NAME", multiple=True, help="A function, such as ingest. Repeatable.")
@stack_option
def logs(stack: Stack, lines: int, follow: bool, functions: tuple[str, ...]) -> None:
    """Show the last log lines of the functions.

    \b
    Examples:
      journeys logs
      journeys logs --function ingest --function projector --lines 20
      journeys logs --follow
    """
    source = Logs(stack, functions)
    last = source.last(lines)
    for line in last:
        click.echo(line)
    if follow:
        start = last[-1].timestamp if last else int((datetime.now(UTC) - timedelta(minutes=1)).timestamp() * 1000)
        seen = set(last)
        for line in chain(source.follow(start)):
            if line not in seen:
                click.echo(line)


@click.command()
@click.option("--organization", metavar="ID", help="An organization of the local stack. Default: its first.")
def env(organization: str | None) -> None:
    """Print shell variables for the local stack.

    API, TOKEN_URL, CLIENT_ID, CLIENT_SECRET, ORGANIZATION and AWS_ENDPOINT_URL, and TOKEN, an access token that is
    valid for an hour.

    \b
    Example:
      eval "$(journeys env)"
      curl -s -H "Authorization: Bearer $TOKEN" "$API/externalevents/configurations"
    """
    description = local_description()
    chosen = local_organization(description, organization)
    client = chosen["clients"][0]
    api = ApiClient(description["apiUrl"], description["tokenUrl"], client["clientId"], client["clientSecret"])
    for name, value in {
        "API": f"{description['apiUrl']}/api/v2/journey",
        "TOKEN_URL": description["tokenUrl"],
        "CLIENT_ID": client["clientId"],
        "CLIENT_SECRET": client["clientSecret"],
        "ORGANIZATION": chosen["id"],
        "TOKEN": api.access_token(),
        "AWS_ENDPOINT_URL": description["endpointUrl"],
    }.items():
        click.echo(f"export {name}={shlex.quote(value)}")
