"""The operator's command: organisations, clients and what they may do."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from tests.support.tables import Tables
from tools.operator import admin
from tools.operator.admin import Admin, Refused
from tools.stack import Stack

VIEW, ADD = "journey:customers:view", "journey:externalEventsEvent:add"


class UserPool:
    """The two calls to Cognito that the command makes, and the clients that they leave."""

    def __init__(self) -> None:
        self.clients: dict[str, dict[str, Any]] = {}

    def create_user_pool_client(self, **given: Any) -> dict[str, Any]:
        made = given | {"ClientId": f"client-{len(self.clients)}", "ClientSecret": "secret"}
        self.clients[made["ClientId"]] = made
        return {"UserPoolClient": made}

    def delete_user_pool_client(self, *, UserPoolId: str, ClientId: str) -> None:  # noqa: N803  # as boto3 names them
        assert self.clients.pop(ClientId)["UserPoolId"] == UserPoolId


@pytest.fixture
def pool() -> UserPool:
    return UserPool()


@pytest.fixture
def stack(tables: Tables, pool: UserPool) -> Stack:
    """A stack with a user pool and a registry, and without the rest."""
    made = Stack("test", None)
    vars(made).update(cognito=pool, outputs={"UserPoolId": "pool", "RegistryTableName": tables.registry})
    return made


@pytest.fixture
def clients(tables: Tables) -> ClientStore:
    return ClientStore(tables.dynamodb, tables.registry)


@pytest.fixture
def operator(stack: Stack) -> Admin:
    made = Admin(stack)
    made.create_organization("globex", "Globex")
    return made


# -- what it does ------------------------------------------------------------------------------------------------------


def test_a_client_is_made_in_cognito_and_in_the_registry(operator: Admin, pool: UserPool, clients: ClientStore) -> None:
    made = operator.create_client("globex", "shop", [VIEW, ADD])
    assert made["permissions"] == sorted([VIEW, ADD])
    assert made["clientSecret"]
    assert clients.get(made["clientId"], consistent=True) == Client(
        made["clientId"], "globex", "shop", frozenset({VIEW, ADD})
    )
    in_cognito = pool.clients[made["clientId"]]
    assert in_cognito["UserPoolId"] == "pool"
    assert in_cognito["GenerateSecret"] is True
    assert in_cognito["AllowedOAuthFlows"] == ["client_credentials"]
    assert in_cognito["AllowedOAuthScopes"] == ["journey/api"]
    assert in_cognito["AllowedOAuthFlowsUserPoolClient"] is True


def test_all_means_every_permission_there_is(operator: Admin) -> None:
    assert operator.create_client("globex", "shop", ["all"])["permissions"] == sorted(PERMISSIONS)


def test_permissions_are_replaced_and_nothing_else_changes(operator: Admin, clients: ClientStore) -> None:
    made = operator.create_client("globex", "shop", [VIEW])
    operator.set_permissions(made["clientId"], [ADD])
    assert clients.get(made["clientId"], consistent=True) == Client(
        made["clientId"], "globex", "shop", frozenset({ADD})
    )


def test_a_deleted_client_is_gone_from_both(operator: Admin, pool: UserPool, clients: ClientStore) -> None:
    made = operator.create_client("globex", "shop", [VIEW])
    operator.delete_client(made["clientId"])
    assert clients.get(made["clientId"], consistent=True) is None
    assert pool.clients == {}


def test_an_organisation_may_be_renamed(operator: Admin, clients: ClientStore) -> None:
    operator.create_organization("globex", "Globex Ltd")
    assert clients.organization_exists("globex")


# -- what it refuses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("organization_id", ["", "-a", "Acme", "a b", "a#b", "a/b", "é", "a" * 37, "a\n"])
def test_an_organisation_with_an_id_that_cannot_be_one_is_refused(
    operator: Admin, clients: ClientStore, organization_id: str
) -> None:
    with pytest.raises(Refused, match="1 to 36"):
        operator.create_organization(organization_id, "A name")
    assert not organization_id or not clients.organization_exists(organization_id)


def test_a_client_of_an_organisation_that_is_not_there_is_refused(operator: Admin, pool: UserPool) -> None:
    with pytest.raises(Refused, match="initech"):
        operator.create_client("initech", "shop", [VIEW])
    assert pool.clients == {}


def test_an_unknown_permission_is_refused_and_those_there_are_are_named(operator: Admin, pool: UserPool) -> None:
    with pytest.raises(Refused) as caught:
        operator.create_client("globex", "shop", [VIEW, "journey:customers:delete"])
    assert "journey:customers:delete" in str(caught.value)
    assert all(permission in str(caught.value) for permission in PERMISSIONS)
    assert pool.clients == {}


def test_an_unknown_permission_leaves_a_client_as_it_was(operator: Admin, clients: ClientStore) -> None:
    made = operator.create_client("globex", "shop", [VIEW])
    with pytest.raises(Refused):
        operator.set_permissions(made["clientId"], [ADD, "everything"])
    client = clients.get(made["clientId"], consistent=True)
    assert client is not None
    assert client.permissions == {VIEW}


def test_a_client_that_is_not_there_is_refused_by_its_id(operator: Admin) -> None:
    with pytest.raises(Refused, match="nobody"):
        operator.set_permissions("nobody", [VIEW])
    with pytest.raises(Refused, match="nobody"):
        operator.delete_client("nobody")


# -- as a command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command; answers with its status, what it printed, and what it complained of."""
    monkeypatch.setattr(admin, "Stack", lambda *_: stack)

    def main(*arguments: str) -> tuple[int, str, str]:
        status = admin.main(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return main


def test_the_command_goes_from_an_organisation_to_a_client_and_back(run: Any, clients: ClientStore) -> None:
    assert run("create-organization", "initech", "--name", "Initech") == (0, "", "")
    status, printed, _ = run("create-client", "initech", "--name", "crm", "--permission", VIEW, "--permission", ADD)
    client_id = json.loads(printed)["clientId"]
    assert (status, json.loads(printed).keys()) == (0, {"clientId", "clientSecret", "permissions"})
    assert run("set-permissions", client_id, "--permission", "all") == (0, "", "")
    client = clients.get(client_id, consistent=True)
    assert client is not None
    assert (client.organization_id, client.name, client.permissions) == ("initech", "crm", PERMISSIONS)
    assert run("delete-client", client_id) == (0, "", "")
    assert clients.get(client_id, consistent=True) is None


def test_the_command_lists_the_permissions(run: Any) -> None:
    assert run("permissions") == (0, "\n".join(sorted(PERMISSIONS)) + "\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["create-organization", "No Such Id", "--name", "x"],
        ["create-client", "nobody", "--name", "x", "--permission", VIEW],
        ["set-permissions", "nobody", "--permission", VIEW],
        ["delete-client", "nobody"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_refusal_is_one_sentence_and_a_status_that_is_not_0(run: Any, arguments: Sequence[str]) -> None:
    status, printed, complaint = run(*arguments)
    assert (status, printed) == (1, "")
    assert complaint.count("\n") == 1
    assert "Traceback" not in complaint


def test_a_permission_must_be_given(run: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        run("create-client", "globex", "--name", "x")
    assert caught.value.code == 2
