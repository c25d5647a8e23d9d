"""`journeys admin`."""

import inspect
import json
from typing import Any

import click
from rich.table import Table

from journeys.registry.callers import State
from journeys.registry.clients.model import PERMISSIONS
from journeys.registry.limits import LARGEST_QUOTA, QUOTAS
from journeys.registry.people.model import Role
from tools.commands.native_source import native_source
from tools.commands.options import stack_option
from tools.console import output_console
from tools.errors import ToolError
from tools.operator.admin import ALL, Admin, NewClient, known_permissions, temporary_password
from tools.operator.leftovers import Leftovers
from tools.stack import Stack


def _check_permissions(_: click.Context, __: click.Parameter, permissions: tuple[str, ...]) -> tuple[str, ...]:
    known_permissions(permissions)
    return permissions


def permission_option(function: Any) -> Any:
    """Adds --permission, whose help is the list of permissions."""
    option = click.option(
        "--permission", "permissions", metavar="PERMISSION", multiple=True, required=True, callback=_check_permissions,
        help=f'Repeatable. "{ALL}" grants every permission.',
    )  # fmt: skip
    function = option(function)
    listing = "\n".join(f"  {permission}" for permission in sorted(PERMISSIONS))
    function.__doc__ = f"{inspect.cleandoc(function.__doc__)}\n\n\b\nPermissions:\n{listing}"
    return function


@click.group()
def admin() -> None:
    """Manage organizations, their limits and native sources, and the clients and people that use the API for them."""


admin.add_command(native_source)


# -- organizations -----------------------------------------------------------------------------------------------------


@admin.group()
def organization() -> None:
    """Create and list organizations."""


@organization.command(name="create")
@click.argument("organization_id", metavar="ID")
@click.option("--name", required=True, help="The name, for people.")
@stack_option
def create_organization(stack: Stack, organization_id: str, name: str) -> None:
    """Create an organization, or rename an existing one.

    ID has 1 to 36 lowercase letters, digits and dashes.

    \b
    Example:
      journeys admin organization create acme --name "Acme Ltd"
    """
    Admin(stack).create_organization(organization_id, name)
    click.echo(f"Created the organization {organization_id}.")


@organization.command(name="list")
@stack_option
def list_organizations(stack: Stack) -> None:
    """List the organizations.

    \b
    Example:
      journeys admin organization list --stack-name journeys-prod
    """
    for organization_id, name in Admin(stack).organizations():
        click.echo(f"{organization_id:38}{name}")


# -- limits ------------------------------------------------------------------------------------------------------------


@admin.group()
def limits() -> None:
    """Show and set the limits of an organization."""


@limits.command(name="show")
@click.argument("organization_id", metavar="ORGANIZATION")
@stack_option
def show_limits(stack: Stack, organization_id: str) -> None:
    """Show the limits of an organization, and how much of each is in use.

    \b
    Example:
      journeys admin limits show acme
    """
    table = Table("limit", "value", "in use")
    for use in Admin(stack).limits(organization_id):
        table.add_row(use.quota.key, str(use.value), "" if use.used is None else str(use.used))
    output_console().print(table, markup=False)


@limits.command(name="set")
@click.argument("organization_id", metavar="ORGANIZATION")
@click.argument("limit", type=click.Choice([quota.key for quota in QUOTAS]))
@click.argument("value", type=click.IntRange(0, LARGEST_QUOTA))
@stack_option
def set_limit(stack: Stack, organization_id: str, limit: str, value: int) -> None:
    """Set a limit for one organization.

    The change applies immediately. What exists above a lower limit remains.

    \b
    Example:
      journeys admin limits set acme views.per.org 1000
    """
    Admin(stack).set_limit(organization_id, limit, value)
    click.echo(f"Set {limit} of {organization_id} to {value}.")


# -- clients -----------------------------------------------------------------------------------------------------------


@admin.group()
def client() -> None:
    """Create, list, change and delete clients."""


@client.command(name="create")
@click.argument("organization_id", metavar="ORGANIZATION")
@click.option("--name", required=True, help="The name, for people.")
@stack_option
@permission_option
def create_client(stack: Stack, organization_id: str, name: str, permissions: tuple[str, ...]) -> None:
    """Create a client, and print its id and secret.

    The secret is shown only once.

    \b
    Example:
      journeys admin client create acme --name shop --permission journey:externalEventsEvent:add
    """
    _print_client(Admin(stack).create_client(organization_id, name, permissions))


@client.command(name="list")
@click.argument("organization_id", metavar="[ORGANIZATION]", required=False)
@stack_option
def list_clients(stack: Stack, organization_id: str | None) -> None:
    """List the clients of an organization, or of all.

    Clients of the first releases are added to the lists of their organizations, which the API and the console read.

    \b
    Example:
      journeys admin client list acme
    """
    table = Table("organization", "client", "name", "permissions")
    for one in Admin(stack).clients(organization_id):
        granted = "all" if one.permissions == PERMISSIONS else "\n".join(sorted(one.permissions))
        table.add_row(one.organization_id, one.caller_id, one.name, granted)
    output_console().print(table, markup=False)


@client.command()
@click.argument("client_id", metavar="CLIENT_ID")
@stack_option
def rotate(stack: Stack, client_id: str) -> None:
    """Replace a client, and print the new id and secret.

    The new client has the same organization, name and permissions. The old client keeps working, so that its users can
    change over without an interruption. Then delete the old client.

    \b
    Example:
      journeys admin client rotate 6k3b1example
      journeys admin client delete 6k3b1example
    """
    _print_client(Admin(stack).rotate_client(client_id))
    click.echo(
        f"The old client {client_id} keeps working. When nothing uses it any more, "
        f"delete it: journeys admin client delete {client_id}",
        err=True,
    )


@client.command(name="set-permissions")
@click.argument("client_id", metavar="CLIENT_ID")
@stack_option
@permission_option
def set_permissions(stack: Stack, client_id: str, permissions: tuple[str, ...]) -> None:
    """Replace the permissions of a client.

    The change takes up to a minute to apply.

    \b
    Example:
      journeys admin client set-permissions 6k3b1example --permission journey:customers:view
    """
    Admin(stack).set_permissions(client_id, permissions)
    click.echo(f"Changed the permissions of {client_id}. This takes up to a minute to apply.")


@client.command(name="delete")
@click.argument("client_id", metavar="CLIENT_ID")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@stack_option
def delete_client(stack: Stack, client_id: str, yes: bool) -> None:
    """Delete a client.

    Its tokens are refused within a minute. This cannot be undone.

    \b
    Example:
      journeys admin client delete 6k3b1example
    """
    operator = Admin(stack)
    existing = operator.client(client_id)
    if not yes:
        click.confirm(
            f'Delete the client {client_id} ("{existing.name}" of {existing.organization_id})?', abort=True, err=True
        )
    operator.delete_client(client_id)
    click.echo(f"Deleted the client {client_id}.")


# -- people ------------------------------------------------------------------------------------------------------------

_ROLE = click.Choice([str(role) for role in Role])


@admin.group()
def person() -> None:
    """Create, list, change and delete people, who sign in to the console."""


@person.command(name="create")
@click.argument("organization_id", metavar="ORGANIZATION")
@click.argument("email", metavar="EMAIL")
@click.option("--name", required=True, help="The full name.")
@click.option("--role", required=True, type=_ROLE, help="What the person may do. Each role includes the one before.")
@click.option("--print-password", is_flag=True, help="Print a temporary password, instead of sending it by e-mail.")
@stack_option
def create_person(stack: Stack, organization_id: str, email: str, name: str, role: str, print_password: bool) -> None:
    """Register a person of an organization.

    The person gets an e-mail with a temporary password, and chooses another one at the first sign-in.

    \b
    Example:
      journeys admin person create acme ana@acme.example --name "Ana Analyst" --role analyst
    """
    password = temporary_password() if print_password else None
    created = Admin(stack).create_person(organization_id, email, name, Role(role), password)
    if password is None:
        click.echo(f"Invited {created.email} to {organization_id} as {role}.")
    else:
        click.echo(json.dumps({"email": created.email, "temporaryPassword": password}, indent=2))
        click.echo("Pass the password on in a safe way. The first sign-in replaces it.", err=True)


@person.command(name="list")
@click.argument("organization_id", metavar="[ORGANIZATION]", required=False)
@stack_option
def list_people(stack: Stack, organization_id: str | None) -> None:
    """List the people of an organization, or of all.

    \b
    Example:
      journeys admin person list acme
    """
    table = Table("organization", "email", "name", "role", "state")
    for one in Admin(stack).people(organization_id):
        table.add_row(one.organization_id, one.email, one.name, one.role, one.state)
    output_console().print(table, markup=False)


@person.command(name="set-role")
@click.argument("organization_id", metavar="ORGANIZATION")
@click.argument("email", metavar="EMAIL")
@click.argument("role", type=_ROLE)
@stack_option
def set_role(stack: Stack, organization_id: str, email: str, role: str) -> None:
    """Change the role of a person.

    The change takes up to a minute to apply. An organization keeps its last administrator.

    \b
    Example:
      journeys admin person set-role acme ana@acme.example administrator
    """
    Admin(stack).change_person(organization_id, email, role=Role(role))
    click.echo(f"Changed the role to {role}. This takes up to a minute to apply.")


@person.command()
@click.argument("organization_id", metavar="ORGANIZATION")
@click.argument("email", metavar="EMAIL")
@stack_option
def disable(stack: Stack, organization_id: str, email: str) -> None:
    """Disable a person.

    The person is signed out and refused within a minute, until enabled again.

    \b
    Example:
      journeys admin person disable acme ana@acme.example
    """
    Admin(stack).change_person(organization_id, email, state=State.DISABLED)
    click.echo("Disabled the person. This takes up to a minute to apply.")


@person.command()
@click.argument("organization_id", metavar="ORGANIZATION")
@click.argument("email", metavar="EMAIL")
@stack_option
def enable(stack: Stack, organization_id: str, email: str) -> None:
    """Enable a person who was disabled.

    \b
    Example:
      journeys admin person enable acme ana@acme.example
    """
    Admin(stack).change_person(organization_id, email, state=State.ACTIVE)
    click.echo("Enabled the person.")


@person.command(name="delete")
@click.argument("organization_id", metavar="ORGANIZATION")
@click.argument("email", metavar="EMAIL")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@stack_option
def delete_person(stack: Stack, organization_id: str, email: str, yes: bool) -> None:
    """Delete a person.

    The person is refused within a minute. What he or she created remains. This cannot be undone.

    \b
    Example:
      journeys admin person delete acme ana@acme.example
    """
    operator = Admin(stack)
    existing = operator.person(organization_id, email)
    if not yes:
        click.confirm(f'Delete "{existing.name}" ({existing.email}) of {organization_id}?', abort=True, err=True)
    operator.delete_person(organization_id, email)
    click.echo("Deleted the person.")


def _print_client(created: NewClient) -> None:
    click.echo(json.dumps(created.to_json(), indent=2))
    click.echo("Store the secret now. It cannot be shown again.", err=True)


# -- deployments -------------------------------------------------------------------------------------------------------


@admin.command()
@click.argument("stack_name", metavar="STACK")
@click.option("--delete", is_flag=True, help="Delete the empty ones, after a question.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def leftovers(stack_name: str, *, delete: bool, yes: bool) -> None:
    """List what deleted stacks of a name have left: tables, buckets and user pools.

    --delete deletes those that are empty: tables without items, buckets without objects and versions, user pools
    without clients and users. It deletes nothing of a stack that exists, and nothing with content.

    \b
    Example:
      journeys admin leftovers journeys-dev --delete
    """
    service = Leftovers(stack_name)
    found = service.find()
    table = Table("kind", "name", "content", "stack")
    for leftover in found:
        table.add_row(leftover.kind, leftover.name, "empty" if leftover.is_empty else "has content", leftover.stack_id)
    empty = [leftover for leftover in found if leftover.is_empty]
    if not found:
        click.echo(
            f"No deleted stack {stack_name} has left anything. If the stack itself still exists, delete it first."
        )
        return
    output_console().print(table)
    if not delete or not empty:
        return
    if not yes:
        click.confirm(f"Delete the {len(empty)} that are empty?", abort=True)
    kept = [leftover for leftover in empty if not service.delete(leftover)]
    click.echo(f"Deleted {len(empty) - len(kept)} of {len(found)}.")
    if kept:
        raise ToolError(f"Not deleted, because it has content by now: {', '.join(one.name for one in kept)}.")
