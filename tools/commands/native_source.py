"""`journeys admin native-source`."""

import click
from rich.table import Table

from tools.commands.options import stack_option
from tools.console import output_console
from tools.operator.admin import Admin
from tools.stack import Stack


@click.group(name="native-source")
def native_source() -> None:
    """Say which organization the events of a contact center belong to."""


@native_source.command(name="add")
@click.argument("organization_id", metavar="ORGANIZATION")
@click.argument("source", metavar="SOURCE")
@stack_option
def add_native_source(stack: Stack, organization_id: str, source: str) -> None:
    """Store the native events of a source for an organization.

    SOURCE is the EventBridge source of a partner, such as aws.partner/genesys.com/cloud/ID/NAME. For Amazon Connect it
    is the ARN of the instance. A source belongs to one organization. Events that arrived before are not stored.

    \b
    Example:
      journeys admin native-source add acme aws.partner/genesys.com/cloud/0b5f7c31/journeys
    """
    Admin(stack).add_native_source(organization_id, source)
    click.echo(f"The native events of this source belong to {organization_id}.")


@native_source.command(name="list")
@click.argument("organization_id", metavar="[ORGANIZATION]", required=False)
@stack_option
def list_native_sources(stack: Stack, organization_id: str | None) -> None:
    """List the sources of native events of an organization, or of all.

    \b
    Example:
      journeys admin native-source list
    """
    table = Table("organization", "source")
    for one in Admin(stack).native_sources(organization_id):
        table.add_row(one.organization_id, one.source)
    output_console().print(table, markup=False)


@native_source.command(name="remove")
@click.argument("source", metavar="SOURCE")
@stack_option
def remove_native_source(stack: Stack, source: str) -> None:
    """Store no further native events of a source.

    The change takes up to a minute to apply. Events that are stored remain.

    \b
    Example:
      journeys admin native-source remove aws.partner/genesys.com/cloud/0b5f7c31/journeys
    """
    Admin(stack).remove_native_source(source)
    click.echo("Removed the source. This takes up to a minute to apply.")
