"""Organizations, clients and their permissions, and `journeys admin`."""

import json

import pytest

from journeys import keys
from journeys.aws import item_size, to_item
from journeys.registry.callers import State
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.limits import WAITING_JOBS
from journeys.registry.native_sources.store import MAX_SOURCE
from journeys.registry.people.model import Person, Role
from journeys.views.jobs.model import new_id
from tests.support.cli import run_journeys
from tests.support.pools import UserPools
from tests.support.tables import Tables
from tools.commands import options
from tools.errors import ToolError
from tools.operator.admin import Admin
from tools.stack import Stack

VIEW, ADD = "journey:customers:view", "journey:externalEventsEvent:add"


@pytest.fixture
def pool() -> UserPools:
    return UserPools()


@pytest.fixture
def stack(tables: Tables, pool: UserPools) -> Stack:
    """A stack with only a user pool and a registry."""
    made = Stack("test", None)
    vars(made).update(
        cognito=pool, outputs={"UserPoolId": "pool", "PeoplePoolId": "people", "RegistryTableName": tables.registry}
    )
    return made


@pytest.fixture
def clients(tables: Tables) -> ClientStore:
    return ClientStore(tables.dynamodb, tables.registry)


@pytest.fixture
def operator(stack: Stack) -> Admin:
    made = Admin(stack)
    made.create_organization("globex", "Globex")
    return made


# -- native sources ----------------------------------------------------------------------------------------------------


def test_the_operator_maps_native_sources_to_organizations(
    operator: Admin, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "open_stack", lambda _: stack)
    operator.create_organization("initech", "Initech")
    source = "aws.partner/genesys.com/cloud/1/x"
    assert run_journeys("admin", "native-source", "add", "globex", source).exit_code == 0
    assert run_journeys("admin", "native-source", "add", "globex", source).exit_code == 0
    refused = run_journeys("admin", "native-source", "add", "initech", source)
    assert (refused.exit_code, "Another organization has this source" in refused.output) == (1, True)
    operator.add_native_source("initech", "arn:aws:connect:us-east-1:111122223333:instance/1")
    assert [one.organization_id for one in operator.native_sources()] == ["globex", "initech"]
    assert source in run_journeys("admin", "native-source", "list", "globex").output
    assert source not in run_journeys("admin", "native-source", "list", "initech").output
    assert run_journeys("admin", "native-source", "remove", source).exit_code == 0
    assert run_journeys("admin", "native-source", "remove", source).exit_code == 1
    operator.add_native_source("initech", source)


@pytest.mark.parametrize("source", ["", "x" * (MAX_SOURCE + 1), "aws.connect", "a b", "local.shop "])
def test_a_source_that_cannot_belong_to_one_organization_is_refused(operator: Admin, source: str) -> None:
    with pytest.raises(ToolError):
        operator.add_native_source("globex", source)


def test_a_source_needs_an_organization_that_exists(operator: Admin) -> None:
    with pytest.raises(ToolError, match="There is no organization nobody"):
        operator.add_native_source("nobody", "local.source")


# -- organizations and clients -----------------------------------------------------------------------------------------


def test_a_limit_is_set_for_one_organization(operator: Admin) -> None:
    operator.create_organization("initech", "Initech")
    operator.set_limit("globex", "views.per.org", 1000)
    operator.create_organization("globex", "Renamed")
    assert {use.quota.key: use.value for use in operator.limits("globex")}["views.per.org"] == 1000
    assert {use.quota.key: use.value for use in operator.limits("initech")}["views.per.org"] == 500
    wrong = [("nobody", "views.per.org", 1), ("globex", "event.types.per.org", 30), ("globex", "views.per.org", -1)]
    for organization, key, value in wrong:
        with pytest.raises(ToolError):
            operator.set_limit(organization, key, value)


def test_no_limit_lets_the_item_of_the_waiting_jobs_outgrow_the_database(operator: Admin) -> None:
    most = WAITING_JOBS.largest
    operator.set_limit("globex", WAITING_JOBS.key, most)
    with pytest.raises(ToolError, match=f"from 0 to {most}"):
        operator.set_limit("globex", WAITING_JOBS.key, most + 1)
    assert item_size(to_item({"waiting": {new_id(number) for number in range(most)}})) < 100_000


def test_the_commands_show_and_set_limits(operator: Admin, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "open_stack", lambda _: stack)
    set_ = run_journeys("admin", "limits", "set", "globex", "webhook.endpoints.per.org", "7")
    assert set_.output == "Set webhook.endpoints.per.org of globex to 7.\n"
    shown = run_journeys("admin", "limits", "show", "globex").output
    assert [line.split("│")[2].strip() for line in shown.splitlines() if "webhook.endpoints" in line] == ["7"]


def test_create_client_adds_it_to_cognito_and_to_the_registry(
    operator: Admin, pool: UserPools, clients: ClientStore
) -> None:
    made = operator.create_client("globex", "shop", [VIEW, ADD])
    assert made.to_json()["permissions"] == sorted([VIEW, ADD])
    assert made.client_secret
    assert clients.find(made.client_id, consistent=True) == Client(
        made.client_id, "globex", "shop", frozenset({VIEW, ADD})
    )
    in_cognito = pool.clients[made.client_id]
    assert in_cognito["UserPoolId"] == "pool"
    assert in_cognito["GenerateSecret"] is True
    assert in_cognito["AllowedOAuthFlows"] == ["client_credentials"]
    assert in_cognito["AllowedOAuthScopes"] == ["journey/api"]
    assert in_cognito["AllowedOAuthFlowsUserPoolClient"] is True


def test_all_grants_every_permission(operator: Admin) -> None:
    assert operator.create_client("globex", "shop", ["all"]).permissions == PERMISSIONS


def test_set_permissions_replaces_only_the_permissions(operator: Admin, clients: ClientStore) -> None:
    made = operator.create_client("globex", "shop", [VIEW])
    operator.set_permissions(made.client_id, [ADD])
    assert clients.find(made.client_id, consistent=True) == Client(made.client_id, "globex", "shop", frozenset({ADD}))


def test_delete_client_removes_it_from_cognito_and_from_the_registry(
    operator: Admin, pool: UserPools, clients: ClientStore
) -> None:
    made = operator.create_client("globex", "shop", [VIEW])
    operator.delete_client(made.client_id)
    assert clients.find(made.client_id, consistent=True) is None
    assert pool.clients == {}


def test_an_organization_can_be_renamed(operator: Admin) -> None:
    operator.create_organization("globex", "Globex Ltd")
    assert operator.organizations() == [("globex", "Globex Ltd")]


def test_rotate_creates_a_client_like_the_existing_one_which_keeps_working(
    operator: Admin, pool: UserPools, clients: ClientStore
) -> None:
    old = operator.create_client("globex", "shop", [VIEW])
    new = operator.rotate_client(old.client_id)
    assert new.client_id != old.client_id
    assert clients.find(new.client_id, consistent=True) == Client(new.client_id, "globex", "shop", frozenset({VIEW}))
    assert pool.clients.keys() == {old.client_id, new.client_id}
    assert clients.find(old.client_id, consistent=True) is not None


def test_clients_lists_those_of_one_organization_or_of_all(operator: Admin) -> None:
    operator.create_organization("acme", "Acme")
    operator.create_client("globex", "shop", [VIEW])
    operator.create_client("acme", "crm", [ADD])
    assert [client.name for client in operator.clients("globex")] == ["shop"]
    assert [client.name for client in operator.clients() if client.caller_id != "client"] == ["crm", "shop"]
    with pytest.raises(ToolError, match="no organization initech"):
        operator.clients("initech")


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("organization_id", ["", "-a", "Acme", "a b", "a#b", "a/b", "é", "a" * 37, "a\n"])
def test_an_invalid_organization_id_is_refused(operator: Admin, clients: ClientStore, organization_id: str) -> None:
    with pytest.raises(ToolError, match="1 to 36"):
        operator.create_organization(organization_id, "A name")
    assert not organization_id or not clients.organization_exists(organization_id)


def test_a_client_of_an_unknown_organization_is_refused(operator: Admin, pool: UserPools) -> None:
    with pytest.raises(ToolError, match="initech"):
        operator.create_client("initech", "shop", [VIEW])
    assert pool.clients == {}


def test_an_unknown_permission_is_refused_with_the_closest_known_one(operator: Admin, pool: UserPools) -> None:
    with pytest.raises(ToolError) as caught:
        operator.create_client("globex", "shop", [VIEW, "journey:customers:delete"])
    assert 'no permission "journey:customers:delete". Did you mean "journey:customers:edit"?' in str(caught.value)
    assert pool.clients == {}


def test_an_unknown_permission_changes_nothing(operator: Admin, clients: ClientStore) -> None:
    made = operator.create_client("globex", "shop", [VIEW])
    with pytest.raises(ToolError):
        operator.set_permissions(made.client_id, [ADD, "everything"])
    client = clients.find(made.client_id, consistent=True)
    assert client is not None
    assert client.permissions == {VIEW}


def test_an_unknown_client_is_refused_by_its_id(operator: Admin) -> None:
    with pytest.raises(ToolError, match="nobody"):
        operator.set_permissions("nobody", [VIEW])
    with pytest.raises(ToolError, match="nobody"):
        operator.delete_client("nobody")


# -- journeys admin ----------------------------------------------------------------------------------------------------


@pytest.fixture
def _stack_is_open(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "open_stack", lambda _: stack)


pytestmark = pytest.mark.usefixtures("_stack_is_open")


def test_the_command_creates_lists_changes_and_deletes(clients: ClientStore) -> None:
    assert run_journeys("admin", "organization", "create", "initech", "--name", "Initech").exit_code == 0
    assert "initech" in run_journeys("admin", "organization", "list").stdout
    arguments = ("admin", "client", "create", "initech", "--name", "crm", "--permission", VIEW, "--permission", ADD)
    created = run_journeys(*arguments)
    client_id = json.loads(created.stdout)["clientId"]
    assert json.loads(created.stdout).keys() == {"clientId", "clientSecret", "permissions"}
    assert created.stderr == "Store the secret now. It cannot be shown again.\n"
    assert client_id in run_journeys("admin", "client", "list", "initech").stdout
    assert run_journeys("admin", "client", "set-permissions", client_id, "--permission", "all").exit_code == 0
    client = clients.find(client_id, consistent=True)
    assert client is not None
    assert (client.organization_id, client.name, client.permissions) == ("initech", "crm", PERMISSIONS)
    rotated = run_journeys("admin", "client", "rotate", client_id)
    assert json.loads(rotated.stdout)["permissions"] == sorted(PERMISSIONS)
    assert f"The old client {client_id} keeps working" in rotated.stderr
    assert run_journeys("admin", "client", "delete", client_id, "--yes").exit_code == 0
    assert clients.find(client_id, consistent=True) is None


@pytest.mark.parametrize(("reply", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_delete_asks_for_confirmation(operator: Admin, clients: ClientStore, reply: str, status: int) -> None:
    client_id = operator.create_client("globex", "shop", [VIEW]).client_id
    result = run_journeys("admin", "client", "delete", client_id, stdin=f"{reply}\n" if reply else "")
    assert result.exit_code == status
    assert f'Delete the client {client_id} ("shop" of globex)?' in result.stderr
    assert (clients.find(client_id, consistent=True) is None) == (status == 0)


def test_the_help_lists_every_permission() -> None:
    for command in ("create", "set-permissions"):
        text = run_journeys("admin", "client", command, "--help").stdout
        assert all(permission in text for permission in PERMISSIONS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["organization", "create", "No Such Id", "--name", "x"], "is not an organization id"),
        (["client", "create", "nobody", "--name", "x", "--permission", VIEW], "There is no organization nobody."),
        (["client", "create", "globex", "--name", "x", "--permission", "view"], "Did you mean"),
        (["client", "list", "nobody"], "There is no organization nobody."),
        (["client", "rotate", "nobody"], "There is no client nobody."),
        (["client", "set-permissions", "nobody", "--permission", VIEW], "There is no client nobody."),
        (["client", "delete", "nobody", "--yes"], "There is no client nobody."),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_refusal_is_one_line_and_status_1(arguments: list[str], message: str) -> None:
    result = run_journeys("admin", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_a_client_without_permissions_is_a_usage_error() -> None:
    result = run_journeys("admin", "client", "create", "globex", "--name", "x")
    assert result.exit_code == 2
    assert "--permission" in result.stderr


# -- people ------------------------------------------------------------------------------------------------------------

ADA = "ada@globex.example"


@pytest.fixture
def ada(operator: Admin) -> Person:
    return operator.create_person("globex", ADA, "Ada", Role.ADMINISTRATOR)


def test_the_command_invites_lists_changes_and_deletes_people(ada: Person, operator: Admin, pool: UserPools) -> None:
    who = ("globex", "Ana@Globex.example")
    created = run_journeys("admin", "person", "create", *who, "--name", "Ana", "--role", "viewer")
    assert created.stdout == "Invited ana@globex.example to globex as viewer.\n"
    assert pool.calls[-1] == "AdminCreateUser"
    assert "ana@globex.example" in run_journeys("admin", "person", "list", "globex").stdout
    assert "ana@globex.example" in run_journeys("admin", "person", "list").stdout
    assert run_journeys("admin", "person", "set-role", *who, "analyst").exit_code == 0
    assert operator.person(*who).role is Role.ANALYST
    assert run_journeys("admin", "person", "disable", *who).exit_code == 0
    assert operator.person(*who).state is State.DISABLED
    assert run_journeys("admin", "person", "enable", *who).exit_code == 0
    assert operator.person(*who).state is State.ACTIVE
    assert run_journeys("admin", "person", "delete", *who, "--yes").exit_code == 0
    assert operator.people("globex") == [ada]


def test_a_temporary_password_is_printed_instead_of_sent(operator: Admin, pool: UserPools) -> None:
    arguments = ("admin", "person", "create", "globex", ADA, "--name", "Ada", "--role", "viewer", "--print-password")
    printed = json.loads(run_journeys(*arguments).stdout)
    assert pool.calls == ["AdminCreateUser SUPPRESS"]
    (user,) = pool.users.values()
    assert printed == {"email": ADA, "temporaryPassword": user["password"]}
    assert len(printed["temporaryPassword"]) >= 12


def test_a_printed_password_is_that_of_a_user_whom_nobody_registered_as_well(operator: Admin, pool: UserPools) -> None:
    pool.admin_create_user(Username=ADA, UserAttributes=[])
    operator.create_person("globex", ADA, "Ada", Role.VIEWER, "a temporary one")
    (user,) = pool.users.values()
    assert user["password"] == "a temporary one"
    assert "AdminCreateUser RESEND" not in pool.calls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "nobody", "a@b.de", "--name", "x", "--role", "viewer"], "There is no organization nobody."),
        (["create", "globex", ADA, "--name", "x", "--role", "viewer"], "exists already"),
        (["set-role", "globex", ADA, "viewer"], "last active administrator"),
        (["disable", "globex", ADA], "last active administrator"),
        (["delete", "globex", ADA, "--yes"], "last active administrator"),
        (["set-role", "globex", "nobody@globex.example", "viewer"], "globex has no person with this e-mail address."),
        (["list", "nobody"], "There is no organization nobody."),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_a_refused_change_of_a_person_is_one_line_and_status_1(ada: Person, arguments: list[str], message: str) -> None:
    result = run_journeys("admin", "person", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


@pytest.mark.parametrize(("reply", "status"), [("y", 0), ("n", 1)])
def test_deleting_a_person_asks_for_confirmation(ada: Person, operator: Admin, reply: str, status: int) -> None:
    operator.create_person("globex", "ana@globex.example", "Ana", Role.VIEWER)
    result = run_journeys("admin", "person", "delete", "globex", "ana@globex.example", stdin=f"{reply}\n")
    assert result.exit_code == status
    assert 'Delete "Ana" (ana@globex.example) of globex?' in result.stderr
    assert len(operator.people("globex")) == 1 + status


def test_listing_the_clients_adds_those_of_the_first_releases_to_the_organizations_lists(
    operator: Admin, clients: ClientStore, tables: Tables
) -> None:
    operator.create_client("globex", "shop", [VIEW])
    item = keys.client("old") | to_item({"clientId": "old", "organizationId": "globex", "name": "Old"})
    tables.dynamodb.put_item(TableName=tables.registry, Item=item)
    assert [client.name for client in clients.all("globex")] == ["shop"]
    assert [client.name for client in operator.clients("globex")] == ["Old", "shop"]
    assert [client.name for client in clients.all("globex")] == ["Old", "shop"]
    operator.create_client("globex", "third", [VIEW])
    assert {use.quota.key: use.used for use in operator.limits("globex")}["clients.per.org"] == 3
