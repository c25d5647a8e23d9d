"""The operator's command: organisations and the clients that may call for them, on the local stack and on AWS alike.

python -m tools.admin --stack-name journeys create-organization acme --name "Acme Ltd"
python -m tools.admin --stack-name journeys create-client acme --name shop --permission journey:externalEventsEvent:add
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from tools.stack import Stack, default_endpoint_url

SCOPE = "journey/api"
_ORGANIZATION_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,35}")


class Refused(Exception):
    """What was asked for cannot be done; the message says why."""


class Admin:
    """Registers organisations and clients of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._clients = ClientStore(stack.dynamodb, stack.outputs["RegistryTableName"])

    def create_organization(self, organization_id: str, name: str) -> None:
        """Registers an organisation, or renames it. Raises Refused for an id that cannot be one."""
        if not _ORGANIZATION_ID.fullmatch(organization_id):
            raise Refused("An organisation's id has 1 to 36 small letters, digits and dashes, and begins with no dash.")
        self._clients.put_organization(organization_id, name)

    def create_client(self, organization_id: str, name: str, permissions: Sequence[str]) -> dict[str, Any]:
        """Makes a client with a secret, which is shown this once. Raises Refused."""
        granted = self._granted(permissions)
        if not self._clients.organization_exists(organization_id):
            raise Refused(f"There is no organisation {organization_id}; create it first.")
        made = self._stack.cognito.create_user_pool_client(
            UserPoolId=self._stack.outputs["UserPoolId"],
            ClientName=name,
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=[SCOPE],
            AllowedOAuthFlowsUserPoolClient=True,
        )["UserPoolClient"]
        self._clients.put(Client(made["ClientId"], organization_id, name, granted))
        return {"clientId": made["ClientId"], "clientSecret": made["ClientSecret"], "permissions": sorted(granted)}

    def set_permissions(self, client_id: str, permissions: Sequence[str]) -> None:
        """Gives a client other permissions; they hold within a minute. Raises Refused."""
        granted = self._granted(permissions)
        client = self._clients.get(client_id, consistent=True)
        if client is None:
            raise Refused(f"There is no client {client_id}.")
        self._clients.put(Client(client_id, client.organization_id, client.name, granted))

    def delete_client(self, client_id: str) -> None:
        """Takes a client away; its tokens are refused within a minute. Raises Refused."""
        if self._clients.get(client_id, consistent=True) is None:
            raise Refused(f"There is no client {client_id}.")
        self._clients.delete(client_id)
        self._stack.cognito.delete_user_pool_client(UserPoolId=self._stack.outputs["UserPoolId"], ClientId=client_id)

    @staticmethod
    def _granted(permissions: Sequence[str]) -> frozenset[str]:
        wanted = PERMISSIONS if "all" in permissions else frozenset(permissions)
        unknown = sorted(wanted - PERMISSIONS)
        if unknown:
            raise Refused(
                f"There is no permission {', '.join(unknown)}. There are:\n  " + "\n  ".join(sorted(PERMISSIONS))
            )
        return wanted


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers with its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.admin", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--stack-name", default="journeys")
    parser.add_argument(
        "--endpoint-url", default=default_endpoint_url(), help="where AWS is, for the local stack (AWS_ENDPOINT_URL)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    permission: dict[str, Any] = {"action": "append", "required": True, "metavar": "PERMISSION",
                                  "help": "may be given more than once; 'all' grants everything"}  # fmt: skip

    command = commands.add_parser("create-organization", help="register an organisation, or rename it")
    command.add_argument("organization_id")
    command.add_argument("--name", required=True)
    command = commands.add_parser("create-client", help="make a client; prints its id and, this once, its secret")
    command.add_argument("organization_id")
    command.add_argument("--name", required=True)
    command.add_argument("--permission", **permission)
    command = commands.add_parser("set-permissions", help="give a client other permissions")
    command.add_argument("client_id")
    command.add_argument("--permission", **permission)
    command = commands.add_parser("delete-client", help="take a client away")
    command.add_argument("client_id")
    commands.add_parser("permissions", help="list the permissions there are")

    given = parser.parse_args(arguments)
    if given.command == "permissions":
        print("\n".join(sorted(PERMISSIONS)))
        return 0
    admin = Admin(Stack(given.stack_name, given.endpoint_url))
    try:
        match given.command:
            case "create-organization":
                admin.create_organization(given.organization_id, given.name)
            case "create-client":
                print(json.dumps(admin.create_client(given.organization_id, given.name, given.permission), indent=2))
            case "set-permissions":
                admin.set_permissions(given.client_id, given.permission)
            case "delete-client":
                admin.delete_client(given.client_id)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
