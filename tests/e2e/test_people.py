"""People on the deployed stack: sign-in with a code and PKCE, tokens, roles, and the end of access."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from journeys.registry.people.model import ROLES, Role
from tests.conftest import Caller
from tests.support.sign_in import SignIn, SignInRefused, refresh, sign_in
from tools.api import ApiClient, TokenRefused
from tools.local_stack.run import local_person
from tools.operator.admin import Admin
from tools.stack import Stack

PASSWORD = "a password of a test"


class Member(NamedTuple):
    """A person of an organization, who can sign in."""

    stack: Stack
    organization_id: str
    person_id: str
    email: str

    def tokens(self) -> dict[str, Any]:
        return sign_in(self.stack, self.email, PASSWORD)

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        """Send a request with the person's access token, and return the status and the body."""
        answer = httpx.request(
            method,
            f"{self.stack.api_url}/api/v2/journey/{path}",
            json=body,
            headers={"Authorization": f"Bearer {token or self.tokens()['access_token']}"},
            timeout=40,
        )
        return answer.status_code, answer.json() if answer.content else None


@pytest.fixture
def member(stack: Stack) -> Callable[..., Member]:
    """Creates people with a password, in a new or an existing organization."""
    admin = Admin(stack)

    def make(role: Role = Role.ANALYST, organization_id: str | None = None) -> Member:
        if organization_id is None:
            organization_id = f"org-{uuid.uuid4().hex[:12]}"
            admin.create_organization(organization_id, "A test's own")
        email = f"{uuid.uuid4().hex[:12]}@test.example"
        person = admin.create_person(organization_id, email, "Ana", role, PASSWORD)
        set_password(stack, person.caller_id)
        return Member(stack, organization_id, person.caller_id, email)

    return make


def set_password(stack: Stack, person_id: str) -> None:
    stack.cognito.admin_set_user_password(
        UserPoolId=stack.outputs["PeoplePoolId"], Username=person_id, Password=PASSWORD, Permanent=True
    )


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


# -- sign-in -----------------------------------------------------------------------------------------------------------


def test_a_person_signs_in_with_a_code_and_pkce_and_is_told_who_and_what(member: Callable[..., Member]) -> None:
    ana = member(Role.ANALYST)
    tokens = ana.tokens()
    assert set(claims(tokens["access_token"])["scope"].split()) == {"openid", "journey/api"}
    assert tokens["expires_in"] == 15 * 60
    status, me = ana.ask("GET", "me", token=tokens["access_token"])
    assert (status, me) == (
        200,
        {
            "id": ana.person_id,
            "kind": "Person",
            "name": "Ana",
            "organization": {"id": ana.organization_id, "name": "A test's own"},
            "role": "analyst",
            "email": ana.email,
            "permissions": sorted(ROLES[Role.ANALYST]),
        },
    )


def test_a_client_is_told_who_and_what(caller: Callable[..., Caller]) -> None:
    own = caller(permissions=["journey:views:view"])
    me = own.api.call("GET", "me")
    assert (me["id"], me["kind"], me["permissions"]) == (own.client_id, "Client", ["journey:views:view"])
    assert me["organization"] == {"id": own.organization_id, "name": "A test's own"}
    assert me.keys() == {"id", "kind", "name", "organization", "permissions"}


def test_a_new_access_token_is_issued_for_the_refresh_token(stack: Stack, member: Callable[..., Member]) -> None:
    ana = member()
    answer = refresh(stack, ana.tokens()["refresh_token"])
    assert answer.status_code == 200
    assert ana.ask("GET", "me", token=answer.json()["access_token"])[0] == 200


def test_a_code_is_worth_nothing_without_the_verifier_and_works_once(
    stack: Stack, member: Callable[..., Member]
) -> None:
    ana, begun = member(), SignIn.begin(stack)
    code = begun.code(ana.email, PASSWORD)
    assert begun.exchange(code, code_verifier="x" * 43).json()["error"] == "invalid_grant"
    assert begun.exchange(code).status_code == 200
    assert begun.exchange(code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("address", ["https://attacker.example/", "https://attacker.example/console/"])
def test_a_code_is_sent_only_to_the_console(stack: Stack, address: str) -> None:
    parameters = SignIn.begin(stack).parameters(redirect_uri=address)
    answer = httpx.get(f"{stack.sign_in_url}/oauth2/authorize", params=parameters)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_wrong_password_and_an_unknown_address_are_refused_alike(stack: Stack, member: Callable[..., Member]) -> None:
    with pytest.raises(SignInRefused):
        sign_in(stack, member().email, "another password")
    with pytest.raises(SignInRefused):
        sign_in(stack, "nobody@test.example", PASSWORD)


# -- tokens that are refused -------------------------------------------------------------------------------------------


def test_an_id_token_is_refused(member: Callable[..., Member]) -> None:
    ana = member()
    assert ana.ask("GET", "me", token=ana.tokens()["id_token"])[0] == 401


def test_a_token_of_a_password_flow_is_refused(stack: Stack, member: Callable[..., Member]) -> None:
    """The console's client has no such flow. A client that has it gets no token with the scope."""
    ana, pool = member(), stack.outputs["PeoplePoolId"]
    client = stack.cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="a test's", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    result = stack.cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": ana.email, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    for kind in ("AccessToken", "IdToken"):
        assert ana.ask("GET", "me", token=result[kind])[0] == 401, kind


def test_the_consoles_client_takes_no_password(stack: Stack) -> None:
    client = stack.cognito.describe_user_pool_client(
        UserPoolId=stack.outputs["PeoplePoolId"], ClientId=stack.outputs["ConsoleClientId"]
    )["UserPoolClient"]
    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    assert client["AllowedOAuthFlows"] == ["code"]
    assert "ClientSecret" not in client


def test_a_person_without_a_registry_item_is_told_what_to_ask_for(stack: Stack, member: Callable[..., Member]) -> None:
    email = f"{uuid.uuid4().hex[:12]}@test.example"
    user = stack.cognito.admin_create_user(
        UserPoolId=stack.outputs["PeoplePoolId"], Username=email, MessageAction="SUPPRESS"
    )["User"]
    set_password(stack, user["Username"])
    unknown = Member(stack, "", user["Username"], email)
    for path in ("me", "views"):
        status, body = unknown.ask("GET", path)
        assert (status, body["code"]) == (403, "not.registered")
        assert "administrator" in body["message"]
        assert email not in json.dumps(body)


# -- roles and the end of access ---------------------------------------------------------------------------------------


def test_an_administrator_invites_changes_and_removes_a_person(stack: Stack, member: Callable[..., Member]) -> None:
    """The function has the permissions that it needs on the user pools."""
    admin = member(Role.ADMINISTRATOR)
    token = admin.tokens()["access_token"]
    email = f"{uuid.uuid4().hex[:12]}@test.example"
    status, made = admin.ask("POST", "people", {"email": email, "name": "New", "role": "viewer"}, token)
    assert status == 201, made
    again = {"email": email.upper(), "name": "New", "role": "viewer"}
    assert admin.ask("POST", "people", again, token)[1]["code"] == "person.exists"
    set_password(stack, made["id"])
    new = Member(stack, admin.organization_id, made["id"], email)
    tokens = new.tokens()
    assert new.ask("GET", "views", token=tokens["access_token"])[0] == 200
    assert new.ask("GET", "people", token=tokens["access_token"])[0] == 403
    assert admin.ask("PATCH", f"people/{made['id']}", {"state": "Disabled"}, token)[0] == 200
    assert refresh(stack, tokens["refresh_token"]).status_code == 400
    with pytest.raises(SignInRefused):
        new.tokens()
    assert admin.ask("PATCH", f"people/{made['id']}", {"state": "Active"}, token)[0] == 200
    assert new.tokens()
    assert admin.ask("DELETE", f"people/{made['id']}", None, token)[0] == 204
    with pytest.raises(SignInRefused):
        new.tokens()


def test_an_administrator_creates_a_client_that_can_call_the_api(stack: Stack, member: Callable[..., Member]) -> None:
    admin = member(Role.ADMINISTRATOR)
    token = admin.tokens()["access_token"]
    wanted = {"name": "Shop & more", "permissions": ["journey:views:view"]}
    status, made = admin.ask("POST", "clients", wanted, token)
    assert status == 201, made
    status, rotated = admin.ask("POST", f"clients/{made['id']}/rotate", None, token)
    assert status == 201, rotated
    for one in (made, rotated):
        api = ApiClient(stack.api_url, stack.token_url, one["id"], one["secret"])
        assert api.call("GET", "me")["permissions"] == wanted["permissions"]
    assert admin.ask("DELETE", f"clients/{made['id']}", None, token)[0] == 204
    with pytest.raises(TokenRefused):
        ApiClient(stack.api_url, stack.token_url, made["id"], made["secret"]).call("GET", "me")


def test_the_creator_of_a_view_is_the_person(member: Callable[..., Member]) -> None:
    ana = member(Role.ANALYST)
    token = ana.tokens()["access_token"]
    status, body = ana.ask("GET", "views", token=token)
    assert (status, body["total"]) == (200, 0)
    schema = {"title": "Page viewed", "properties": {}}
    assert ana.ask("POST", "externalevents/schemas", schema, token)[0] == 403
    integrator = member(Role.INTEGRATOR, ana.organization_id)
    status, made = integrator.ask("POST", "externalevents/schemas", schema)
    assert (status, made["createdBy"]["id"]) == (201, integrator.person_id)


def test_the_local_stacks_people_get_another_password_when_a_run_was_interrupted(stack: Stack) -> None:
    admin, organization_id = Admin(stack), f"org-{uuid.uuid4().hex[:12]}"
    admin.create_organization(organization_id, "A test's own")
    email = f"{uuid.uuid4().hex[:12]}@test.example"
    first, second = (local_person(admin, organization_id, email, "Ana", Role.VIEWER) for _ in range(2))
    assert sign_in(stack, email, second["password"])["access_token"]
    with pytest.raises(SignInRefused):
        sign_in(stack, email, first["password"])
