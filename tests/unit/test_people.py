"""People and API clients: who may grant what, who must remain, and whose access ends."""

import functools
import io
import json
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from journeys import aws, keys
from journeys.errors import Conflict
from journeys.registry.callers import State
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.limits import CLIENTS, PEOPLE
from journeys.registry.people.model import ROLES, Person, Role
from journeys.registry.people.store import PersonStore
from journeys.registry.quotas.store import QuotaStore
from tests.support.functions import api_event, call, load
from tests.support.pools import UserPools
from tests.support.tables import Tables

ADMINISTRATOR = "3f1c0c44-7f0e-4b3e-9d9e-5a4f0f8f0001"
VIEW_PEOPLE = "journey:people:view"


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> UserPools:
    made = UserPools()
    monkeypatch.setattr(aws, "cognito", functools.cache(lambda: made))
    return made


class Api:
    """The API of people and clients, called by an administrator of the organization acme unless said otherwise."""

    def __init__(self, tables: Tables, pools: UserPools) -> None:
        self.tables, self.pools = tables, pools
        self.people = PersonStore(tables.dynamodb, tables.registry)
        self.clients = ClientStore(tables.dynamodb, tables.registry)
        self.quotas = QuotaStore(tables.dynamodb, tables.registry)
        self.module: ModuleType = load("people")
        self.register(ADMINISTRATOR, Role.ADMINISTRATOR)

    def register(self, person_id: str, role: Role, organization_id: str = "acme") -> None:
        """Store a person and create the user."""
        email = f"{person_id}@x.example"
        self.pools.users[person_id] = {
            "email": email,
            "Attributes": [{"Name": "sub", "Value": person_id}],
            "Enabled": True,
            "UserStatus": "CONFIRMED",
        }
        self.people.create(
            Person(person_id, organization_id, person_id, date_created="d", date_modified="d", email=email, role=role)
        )

    def ask(self, method: str, path: str, body: Any = None, *, by: str = ADMINISTRATOR, **how: Any) -> tuple[int, Any]:
        """Send a request of a person."""
        event = api_event(method, path, body, **how)
        event["requestContext"]["authorizer"] = {"claims": {"sub": by, "username": by, "client_id": "console"}}
        return call(self.module, event)

    def ask_as(self, permissions: frozenset[str], method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request of a client with these permissions."""
        self.clients.put(Client("asks", "acme", "Asks", permissions))
        self.module = load("people")  # Its cache is empty.
        return call(self.module, api_event(method, path, body, client_id="asks"))

    def invite(self, role: Role = Role.VIEWER, email: str = "ana@acme.example") -> dict[str, Any]:
        status, made = self.ask("POST", "people", {"email": email, "name": "Ana", "role": role})
        assert status == 201, made
        return dict(made)


@pytest.fixture
def api(tables: Tables, pools: UserPools) -> Api:
    return Api(tables, pools)


# -- roles -------------------------------------------------------------------------------------------------------------


def test_every_permission_belongs_to_a_role_and_each_role_includes_the_one_before_it() -> None:
    assert frozenset().union(*ROLES.values()) == PERMISSIONS
    viewer, analyst, integrator, administrator = (ROLES[role] for role in Role)
    assert viewer < analyst < integrator < administrator


def test_roles_allow_what_their_names_say() -> None:
    assert all(permission.endswith(":view") for permission in ROLES[Role.VIEWER])
    assert {"journey:views:add", "journey:viewsJobs:add", "journey:viewsSchedule:edit"} <= ROLES[Role.ANALYST]
    assert "journey:webhooks:add" not in ROLES[Role.ANALYST]
    assert {"journey:webhooks:add", "journey:externalEventsFailures:edit"} <= ROLES[Role.INTEGRATOR]
    only_administrators = ROLES[Role.ADMINISTRATOR] - ROLES[Role.INTEGRATOR]
    assert only_administrators == {one for one in PERMISSIONS if one.split(":")[1] in ("people", "clients")}


# -- the caller --------------------------------------------------------------------------------------------------------


def test_me_says_who_a_person_is_and_what_the_role_allows(api: Api) -> None:
    api.clients.put_organization("acme", "Acme Ltd")
    api.register("viewer", Role.VIEWER)
    status, me = api.ask("GET", "me", by="viewer")
    assert status == 200
    assert (me["kind"], me["role"], me["email"]) == ("Person", "viewer", "viewer@x.example")
    assert me["organization"] == {"id": "acme", "name": "Acme Ltd"}
    assert me["permissions"] == sorted(ROLES[Role.VIEWER])


def test_a_person_without_a_registry_item_is_told_to_ask_an_administrator(api: Api) -> None:
    for path in ("me", "people"):
        status, body = api.ask("GET", path, by="nobody")
        assert (status, body["code"]) == (403, "not.registered")
        assert "Ask an administrator" in body["message"]


def test_a_person_has_no_access_as_the_client_with_the_same_id_and_the_reverse(api: Api) -> None:
    api.clients.put(Client("same", "acme", "A client", PERMISSIONS))
    assert api.ask("GET", "me", by="same")[1]["code"] == "not.registered"
    assert call(api.module, api_event("GET", "me", client_id=ADMINISTRATOR))[0] == 403


def test_a_disabled_person_is_refused_within_a_minute_and_allowed_at_once_when_enabled(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.register("viewer", Role.VIEWER)
    now = 1000.0
    monkeypatch.setattr(api.module.router._authenticator._people, "_clock", lambda: now)
    assert api.ask("GET", "me", by="viewer")[0] == 200
    assert api.ask("PATCH", "people/viewer", {"state": "Disabled"})[0] == 200
    now += 60
    status, body = api.ask("GET", "me", by="viewer")
    assert (status, body["code"]) == (403, "access.disabled")
    assert api.ask("PATCH", "people/viewer", {"state": "Active"})[0] == 200
    now += 1
    assert api.ask("GET", "me", by="viewer")[0] == 200


# -- inviting ----------------------------------------------------------------------------------------------------------


def test_an_invited_person_is_registered_and_has_a_user(api: Api) -> None:
    made = api.invite(Role.ANALYST, " Ana@Acme.EXAMPLE ")
    assert (made["email"], made["role"], made["state"]) == ("ana@acme.example", "analyst", "Active")
    assert api.pools.users[made["id"]]["email"] == "ana@acme.example"
    assert api.pools.calls == ["AdminCreateUser"]  # Without SUPPRESS, Cognito sends the invitation.
    assert api.ask("GET", f"people/{made['id']}") == (200, made)
    assert made in api.ask("GET", "people")[1]["entities"]


@pytest.mark.parametrize("email", ["ana@acme.example", "ANA@acme.example"])
def test_an_address_is_registered_once_whatever_its_case(api: Api, email: str) -> None:
    made = api.invite()
    status, body = api.ask("POST", "people", {"email": email, "name": "Another", "role": "viewer"})
    assert (status, body["code"]) == (409, "person.exists")
    assert "ana" not in json.dumps(body).lower().replace("organ", "")
    assert api.pools.users.keys() == {ADMINISTRATOR, made["id"]}


def test_an_address_of_another_organization_is_refused_like_one_of_the_own(api: Api) -> None:
    api.invite(email="ana@acme.example")
    own = api.ask("POST", "people", {"email": "ana@acme.example", "name": "A", "role": "viewer"})
    api.register("theirs", Role.VIEWER, "globex")
    theirs = api.ask("POST", "people", {"email": "theirs@x.example", "name": "A", "role": "viewer"})
    assert own[1] | {"contextId": ""} == theirs[1] | {"contextId": ""}


def test_a_user_that_nobody_registered_can_be_invited(api: Api) -> None:
    """A request can end between the pool and the registry. The next one completes it."""
    made = api.invite()
    api.people.delete(api.people.get("acme", made["id"]))
    api.pools.calls.clear()
    assert api.invite()["id"] == made["id"]
    assert api.pools.calls == ["AdminCreateUser", "AdminGetUser", "AdminEnableUser", "AdminGetUser",
                               "AdminCreateUser RESEND"]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "ana", "name": "A", "role": "viewer"}, "email"),
        ({"email": "a@b", "name": "A", "role": "viewer"}, "email"),
        ({"email": "a b@c.de", "name": "A", "role": "viewer"}, "email"),
        ({"email": "a@b.de\nBcc: x@y.de", "name": "A", "role": "viewer"}, "email"),
        ({"email": f"{'a' * 128}@b.de", "name": "A", "role": "viewer"}, "email"),
        ({"email": "a@b.de", "name": " ", "role": "viewer"}, "name"),
        ({"email": "a@b.de", "name": "A", "role": "owner"}, "role"),
        ({"email": "a@b.de", "name": "A"}, "role"),
        ({"email": "a@b.de", "name": "A", "role": "viewer", "organizationId": "globex"}, "organizationId"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_invalid_invitation_is_400_and_creates_nothing(api: Api, body: Any, field: str) -> None:
    status, error = api.ask("POST", "people", body)
    assert (status, error["details"][0]["fieldName"]) == (400, field)
    assert api.pools.calls == []


@pytest.mark.parametrize(
    ("code", "status"),
    [("InvalidParameterException", 400), ("CodeDeliveryFailureException", 503), ("TooManyRequestsException", 429)],
)
def test_a_refusal_of_the_user_pool_is_explained(api: Api, code: str, status: int) -> None:
    api.pools.fails = code
    assert api.ask("POST", "people", {"email": "a@b.de", "name": "A", "role": "viewer"})[0] == status
    assert [one["id"] for one in api.ask("GET", "people")[1]["entities"]] == [ADMINISTRATOR]


def test_the_number_of_people_is_limited_and_no_user_is_created_above_the_limit(api: Api) -> None:
    api.quotas.set("acme", PEOPLE, 2)
    api.invite()
    status, body = api.ask("POST", "people", {"email": "b@acme.example", "name": "B", "role": "viewer"})
    assert (status, body["limit"]["key"]) == (409, "people.per.org")
    assert api.pools.calls == ["AdminCreateUser"]  # that of the first invitation


def test_a_user_who_was_created_while_another_request_reached_the_limit_is_deleted(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.quotas.set("acme", PEOPLE, 1)
    monkeypatch.setattr(PersonStore, "require_room", lambda *_: None)
    status, body = api.ask("POST", "people", {"email": "b@acme.example", "name": "B", "role": "viewer"})
    assert (status, body["limit"]["key"]) == (409, "people.per.org")
    assert api.pools.users.keys() == {ADMINISTRATOR}


def test_an_invitation_to_a_disabled_persons_address_enables_nobody(api: Api) -> None:
    api.register("theirs", Role.VIEWER, "globex")
    api.pools.users["theirs"]["Enabled"] = False
    assert api.ask("POST", "people", {"email": "theirs@x.example", "name": "A", "role": "viewer"})[0] == 409
    assert api.pools.users["theirs"]["Enabled"] is False


# -- nobody grants more than he or she has -----------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_nobody_invites_a_person_with_a_permission_that_he_or_she_lacks(api: Api, role: Role) -> None:
    allowed = ROLES[role] | {"journey:people:add"}
    body = {"email": "a@b.de", "name": "A", "role": role}
    missing = min(ROLES[role] - {"journey:people:add"})
    status, error = api.ask_as(allowed - {missing}, "POST", "people", body)
    assert (status, error["code"], error["messageParams"]) == (403, "missing.permissions", {"permission": missing})
    assert api.pools.calls == []
    assert api.ask_as(allowed, "POST", "people", body)[0] == 201


def test_nobody_gives_a_role_with_a_permission_that_he_or_she_lacks(api: Api) -> None:
    api.register("viewer", Role.VIEWER)
    may = frozenset({"journey:people:edit", VIEW_PEOPLE})
    assert api.ask_as(may, "PATCH", "people/viewer", {"role": "analyst"})[0] == 403
    assert api.ask_as(may, "PATCH", "people/viewer", {"name": "Another"})[0] == 200
    new = ROLES[Role.ANALYST] - ROLES[Role.VIEWER]
    assert api.ask_as(may | new, "PATCH", "people/viewer", {"role": "analyst"})[0] == 200
    assert api.people.get("acme", "viewer").role is Role.ANALYST


def test_nobody_enables_a_person_with_a_permission_that_he_or_she_lacks(api: Api) -> None:
    api.register("second", Role.ADMINISTRATOR)
    assert api.ask("PATCH", "people/second", {"state": "Disabled"})[0] == 200
    assert api.ask_as(frozenset({"journey:people:edit"}), "PATCH", "people/second", {"state": "Active"})[0] == 403
    assert api.people.get("acme", "second").state is State.DISABLED


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "clients", {"name": "x", "permissions": ["journey:views:delete"]}),
        ("PATCH", "clients/victim", {"permissions": ["journey:customers:view", "journey:views:delete"]}),
        ("PATCH", "clients/victim", {"state": "Active"}),
        ("POST", "clients/victim/rotate", None),
    ],
    ids=["create", "change", "enable", "rotate"],
)
def test_nobody_gets_a_client_with_a_permission_that_he_or_she_lacks(
    api: Api, method: str, path: str, body: Any
) -> None:
    """A rotation returns a secret, so it grants the client's permissions to the caller."""
    state = State.DISABLED if body == {"state": "Active"} else State.ACTIVE
    granted = {"journey:customers:view"} if path == "clients/victim" and "permissions" in (body or {}) else PERMISSIONS
    api.clients.put(Client("victim", "acme", "Victim", frozenset(granted), state))
    may = frozenset({"journey:clients:add", "journey:clients:edit", "journey:customers:view"})
    before = api.clients.find("victim", consistent=True)
    status, error = api.ask_as(may, method, path, body)
    assert (status, error["code"]) == (403, "missing.permissions")
    assert api.clients.find("victim", consistent=True) == before
    assert api.pools.clients == {}


def test_permissions_that_a_client_has_already_are_not_granted_again(api: Api) -> None:
    api.clients.put(Client("other", "acme", "Other", frozenset({"journey:views:delete", "journey:customers:view"})))
    may = frozenset({"journey:clients:edit"})
    assert api.ask_as(may, "PATCH", "clients/other", {"name": "Renamed"})[0] == 200
    assert api.ask_as(may, "PATCH", "clients/other", {"permissions": ["journey:views:delete"]})[0] == 200
    client = api.clients.find("other", consistent=True)
    assert client is not None
    assert (client.name, sorted(client.permissions)) == ("Renamed", ["journey:views:delete"])


# -- who must remain ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "body"),
    [("PATCH", {"role": "integrator"}), ("PATCH", {"state": "Disabled"}), ("DELETE", None)],
    ids=["demote", "disable", "delete"],
)
def test_the_last_administrator_remains(api: Api, method: str, body: Any) -> None:
    everything = PERMISSIONS
    status, error = api.ask_as(everything, method, f"people/{ADMINISTRATOR}", body)
    assert (status, error["code"]) == (409, "last.administrator")
    assert api.people.get("acme", ADMINISTRATOR).is_active_administrator
    assert api.pools.users[ADMINISTRATOR]["Enabled"]
    api.register("second", Role.ADMINISTRATOR)
    assert api.ask_as(everything, method, f"people/{ADMINISTRATOR}", body)[0] in (200, 204)
    assert api.ask_as(everything, method, "people/second", body)[1]["code"] == "last.administrator"


def test_a_disabled_administrator_does_not_count(api: Api) -> None:
    api.register("second", Role.ADMINISTRATOR)
    assert api.ask("PATCH", "people/second", {"state": "Disabled"})[0] == 200
    assert api.ask("PATCH", f"people/{ADMINISTRATOR}", {"role": "viewer"})[1]["code"] == "last.administrator"
    assert api.ask("DELETE", "people/second")[0] == 204


def test_administrators_are_counted_as_they_come_and_go(api: Api) -> None:
    api.register("second", Role.VIEWER)
    for body in ({"role": "administrator"}, {"state": "Disabled"}, {"state": "Active"}, {"role": "viewer"}):
        assert api.ask("PATCH", "people/second", body)[0] == 200
    item = api.tables.dynamodb.get_item(TableName=api.tables.registry, Key=keys.administrators("acme"))["Item"]
    assert item["ids"] == {"SS": [ADMINISTRATOR]}


def test_of_two_requests_that_remove_the_last_two_administrators_one_is_refused(api: Api) -> None:
    """Both have read both administrators before one of them is deleted."""
    api.register("second", Role.ADMINISTRATOR)
    first, second = (api.people.get("acme", one) for one in (ADMINISTRATOR, "second"))
    api.people.delete(first)
    with pytest.raises(Conflict) as refused:
        api.people.delete(second)
    assert refused.value.code == "last.administrator"
    assert [person.caller_id for person in api.people.all("acme")] == ["second"]


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"state": "Disabled"}), ("DELETE", None)])
def test_nobody_disables_or_deletes_himself_or_herself(api: Api, method: str, body: Any) -> None:
    api.register("second", Role.ADMINISTRATOR)
    status, error = api.ask(method, f"people/{ADMINISTRATOR}", body)
    assert (status, error["code"]) == (409, "own.access")
    status, error = api.ask_as(PERMISSIONS, method, "clients/asks", body)
    assert (status, error["code"]) == (409, "own.access")


# -- changing and deleting ---------------------------------------------------------------------------------------------


def test_a_disabled_person_is_signed_out_and_an_enabled_one_can_sign_in(api: Api) -> None:
    made = api.invite()
    api.pools.calls.clear()
    assert api.ask("PATCH", f"people/{made['id']}", {"state": "Disabled"})[1]["state"] == "Disabled"
    assert api.pools.calls == ["AdminDisableUser", "AdminUserGlobalSignOut"]
    assert api.ask("PATCH", f"people/{made['id']}", {"state": "Active"})[1]["state"] == "Active"
    assert api.pools.calls[2:] == ["AdminEnableUser"]


def test_a_change_that_failed_in_the_user_pool_can_be_repeated(api: Api) -> None:
    made = api.invite()
    api.pools.fails = "InternalErrorException"
    assert api.ask("PATCH", f"people/{made['id']}", {"state": "Disabled"})[0] >= 500
    assert api.people.get("acme", made["id"]).state is State.DISABLED  # The API refuses the person already.
    assert api.ask("PATCH", f"people/{made['id']}", {"state": "Disabled"})[0] == 200
    assert not api.pools.users[made["id"]]["Enabled"]


def test_a_deleted_person_is_neither_listed_nor_counted_nor_a_user(api: Api) -> None:
    made = api.invite()
    assert api.ask("DELETE", f"people/{made['id']}")[0] == 204
    assert api.ask("GET", f"people/{made['id']}")[0] == 404
    assert [one["id"] for one in api.ask("GET", "people")[1]["entities"]] == [ADMINISTRATOR]
    assert api.quotas.get("acme", PEOPLE).used == 1
    assert made["id"] not in api.pools.users


def test_an_overtaken_change_is_a_conflict(api: Api) -> None:
    api.register("viewer", Role.VIEWER)
    api.clients.put(Client("other", "acme", "Other", PERMISSIONS))
    person = api.people.get("acme", "viewer")
    client = api.clients.get("acme", "other")
    assert api.ask("PATCH", "people/viewer", {"name": "Another"})[0] == 200
    assert api.ask("PATCH", "clients/other", {"name": "Another"})[0] == 200
    with pytest.raises(Conflict, match="changed this at the same time"):
        api.people.replace(person, person)
    with pytest.raises(Conflict, match="changed this at the same time"):
        api.clients.replace(replace(client, revision=1))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "people/theirs", None),
        ("PATCH", "people/theirs", {"role": "viewer"}),
        ("PATCH", "people/theirs", {"state": "Disabled"}),
        ("DELETE", "people/theirs", None),
        ("GET", "clients/theirs-too", None),
        ("PATCH", "clients/theirs-too", {"name": "x"}),
        ("POST", "clients/theirs-too/rotate", None),
        ("DELETE", "clients/theirs-too", None),
    ],
)
def test_people_and_clients_of_another_organization_are_not_found(api: Api, method: str, path: str, body: Any) -> None:
    api.register("theirs", Role.ADMINISTRATOR, "globex")
    api.clients.put(Client("theirs-too", "globex", "Theirs", PERMISSIONS))
    before = api.tables.items(api.tables.registry)
    found = api.ask(method, path, body)
    nothing = api.ask(method, path.replace("theirs", "nobodys"), body)
    assert found[0] == 404
    assert found[1] | {"contextId": ""} == nothing[1] | {"contextId": ""}
    assert api.tables.items(api.tables.registry) == before
    assert api.pools.calls == []


# -- clients -----------------------------------------------------------------------------------------------------------


def test_a_client_is_created_shown_changed_rotated_and_deleted(api: Api) -> None:
    wanted = {"name": "Shop & more", "permissions": ["journey:views:view"]}
    status, made = api.ask("POST", "clients", wanted)
    assert (status, made["secret"], made["permissions"]) == (201, "secret", ["journey:views:view"])
    assert api.pools.clients[made["id"]]["ClientName"] == "Shop - more"  # Cognito refuses an ampersand.
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert api.ask("GET", f"clients/{made['id']}") == (200, shown)
    assert shown in api.ask("GET", "clients")[1]["entities"]
    changed = api.ask("PATCH", f"clients/{made['id']}", {"permissions": ["journey:usage:view"]})[1]
    assert (changed["name"], changed["permissions"]) == ("Shop & more", ["journey:usage:view"])
    status, rotated = api.ask("POST", f"clients/{made['id']}/rotate")
    assert (status, rotated["name"], rotated["permissions"]) == (201, "Shop & more", ["journey:usage:view"])
    assert rotated["id"] != made["id"]
    assert api.ask("GET", f"clients/{made['id']}")[0] == 200  # It works until it is disabled or deleted.
    assert api.ask("DELETE", f"clients/{made['id']}")[0] == 204
    assert api.ask("GET", f"clients/{made['id']}")[0] == 404
    assert api.pools.clients.keys() == {rotated["id"]}


def test_a_disabled_client_is_refused(api: Api) -> None:
    api.clients.put(Client("other", "acme", "Other", PERMISSIONS))
    assert api.ask("PATCH", "clients/other", {"state": "Disabled"})[1]["state"] == "Disabled"
    status, body = call(load("people"), api_event("GET", "me", client_id="other"))
    assert (status, body["code"]) == (403, "access.disabled")


def test_the_number_of_clients_is_limited_and_none_is_created_above_the_limit(api: Api) -> None:
    api.quotas.set("acme", CLIENTS, 2)
    wanted = {"name": "x", "permissions": ["journey:views:view"]}
    status, made = api.ask("POST", "clients", wanted)  # The fixture's client is the other one.
    assert status == 201
    for path, body in (("clients", wanted), (f"clients/{made['id']}/rotate", None)):
        status, error = api.ask("POST", path, body)
        assert (status, error["limit"]["key"]) == (409, "clients.per.org")
    assert len(api.pools.clients) == 1


@pytest.mark.parametrize("permissions", [[], ["journey:views:own"], "all", [1], ["journey:views:view"] * 100])
def test_invalid_permissions_are_400(api: Api, permissions: Any) -> None:
    assert api.ask("POST", "clients", {"name": "x", "permissions": permissions})[0] == 400
    assert api.pools.clients == {}


# -- logs --------------------------------------------------------------------------------------------------------------


def test_no_log_line_and_no_metric_has_an_address_a_name_or_a_secret(api: Api, logged: io.StringIO) -> None:
    body = {"email": "canary@acme.example", "name": "Canary Person", "role": "viewer"}
    made = api.ask("POST", "people", body)[1]
    api.ask("POST", "people", body)
    api.pools.fails = "InternalErrorException"
    api.ask("POST", "people", body | {"email": "canary2@acme.example"})
    api.ask("PATCH", f"people/{made['id']}", {"state": "Disabled"})
    api.ask("POST", "clients", {"name": "canary", "permissions": ["journey:views:view"]})
    assert "request completed" in logged.getvalue()
    assert "canary" not in logged.getvalue().lower()
    assert '"secret"' not in logged.getvalue()
