"""`journeys sam-local`."""

import json

import click

from tools.commands.operate import exit_with
from tools.errors import ToolError
from tools.sam_local.cases import CASES
from tools.sam_local.sam_local import SamLocal, print_commands, run_cases


@click.group(name="sam-local")
def sam_local() -> None:
    """Run every function under `sam local invoke`, in Docker."""


@sam_local.command()
def up() -> None:
    """Start the database, build, and print a command for each case.

    \b
    Example:
      journeys sam-local up
    """
    local = SamLocal()
    local.up()
    print_commands(local)


@sam_local.command()
def down() -> None:
    """Stop the database and delete the build.

    \b
    Example:
      journeys sam-local down
    """
    click.echo("The database is stopped." if SamLocal().down() else "The database was not running.")


@sam_local.command()
@click.argument("case", metavar="CASE")
def sign(case: str) -> None:
    """Print a webhook delivery, signed with the present time.

    CASE is a case whose sender signs the time. The product accepts such a delivery for five minutes.

    \b
    Example:
      journeys sam-local sign webhook-stripe
    """
    signed = {one.name: one for one in CASES if one.signs_time}
    if case not in signed:
        raise ToolError(f'"{case}" is not a case that is signed. Use one of: {", ".join(signed)}.')
    click.echo(json.dumps(signed[case].event(), indent=2))


@sam_local.command()
def test() -> None:
    """Run every case, and check its response.

    Starts the database and builds first. Stops the database afterwards, unless it was running before.

    \b
    Example:
      journeys sam-local test
    """
    local = SamLocal()
    was_running = local.is_running
    try:
        local.up()
        exit_with(0 if run_cases(local) else 1)
    finally:
        if not was_running:
            local.down()
