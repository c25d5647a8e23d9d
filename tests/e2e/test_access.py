"""Access control: tokens, permissions, organizations, and the error responses of API Gateway."""

import base64
import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import SCOPE, ClientStore
from journeys.registry.people.model import ROLES, Role
from tests.conftest import Caller
from tests.support.functions import load
from tests.support.tables import Tables
from tools.api import ApiClient, ApiError
from tools.stack import Stack

ERROR_BODY = {"message", "code", "status", "contextId", "details", "errors"}


class Operation(NamedTuple):
    """One operation of the API. In the path, {schema}, {configuration}, {failure}, {endpoint} and {delivery}
    stand for ids."""

    method: str
    path: str
    permission: str
    body: Any = None
    also: frozenset[str] = frozenset()
    """Permissions that the caller needs in order to grant them."""


SCHEMA = {"title": "Page viewed", "properties": {"page": {"type": "string"}}}
EVENT = {
    "id": "e-1",
    "dateCreated": "2026-01-31T09:30:00Z",
    "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "ada"}]},
    "attributes": {"page": "/home"},
}
EVENTS = {"entities": [EVENT]}
CUSTOMER = "externalSourceId=crm&value=ada"
LINK = {
    "from": {"externalSourceId": "crm", "value": "ada"},
    "to": {"externalSourceId": "email", "value": "ada@shop.example"},
}

OPERATIONS = [
    Operation("GET", "externalevents/schemas", "journey:externalEventsSchema:view"),
    Operation("POST", "externalevents/schemas", "journey:externalEventsSchema:add", SCHEMA | {"title": "Another"}),
    Operation("GET", "externalevents/schemas/coretypes", "journey:externalEventsSchema:view"),
    Operation("GET", "externalevents/schemas/coretypes/text", "journey:externalEventsSchema:view"),
    Operation("GET", "externalevents/schemas/limits", "journey:externalEventsSchema:view"),
    Operation("GET", "externalevents/schemas/{schema}", "journey:externalEventsSchema:view"),
    Operation("PUT", "externalevents/schemas/{schema}", "journey:externalEventsSchema:edit",
              {"version": 1, "enabled": False}),
    Operation("DELETE", "externalevents/schemas/{schema}", "journey:externalEventsSchema:delete"),
    Operation("GET", "externalevents/schemas/{schema}/versions", "journey:externalEventsSchema:view"),
    Operation("GET", "externalevents/schemas/{schema}/versions/1", "journey:externalEventsSchema:view"),
    Operation("GET", "externalevents/configurations", "journey:externalEventsConfiguration:view"),
    Operation("POST", "externalevents/configurations", "journey:externalEventsConfiguration:add",
              {"name": "Another", "schemaId": "{schema}", "source": "Another"}),
    Operation("GET", "externalevents/configurations/{configuration}", "journey:externalEventsConfiguration:view"),
    Operation("PATCH", "externalevents/configurations/{configuration}", "journey:externalEventsConfiguration:edit",
              {"name": "Another"}),
    Operation("DELETE", "externalevents/configurations/{configuration}", "journey:externalEventsConfiguration:delete"),
    Operation("POST", "externalevents/configurations/{configuration}/events", "journey:externalEventsEvent:add",
              {"entities": [EVENT | {"id": "e-new"}]}),
    Operation("POST", "externalevents/configurations/{configuration}/events/validate",
              "journey:externalEventsEvent:add", EVENTS),
    Operation("GET", "externalevents/failures", "journey:externalEventsFailures:view"),
    Operation("GET", "externalevents/failures/summary", "journey:externalEventsFailures:view"),
    Operation("POST", "externalevents/failures/replay", "journey:externalEventsFailures:edit", {}),
    Operation("GET", "externalevents/failures/{failure}", "journey:externalEventsFailures:view"),
    Operation("POST", "externalevents/failures/{failure}/replay", "journey:externalEventsFailures:edit"),
    Operation("GET", "views/eventdefinitions", "journey:eventDefinition:view"),
    Operation("GET", "views/eventdefinitions/external", "journey:externalEvents:view"),
    Operation("GET", "views/eventdefinitions/external/changes", "journey:externalEvents:view"),
    Operation("GET", "views/eventdefinitions/{schema}", "journey:eventDefinition:view"),
    Operation("PUT", "views/eventdefinitions/{schema}", "journey:externalEvents:edit", {"displayName": "Another"}),
    Operation("PUT", "views/eventdefinitions/{schema}/activate", "journey:externalEvents:activate",
              {"displayName": "Another"}),
    Operation("GET", f"customers?{CUSTOMER}", "journey:customers:view"),
    Operation("GET", f"customers/events?{CUSTOMER}", "journey:customers:view"),
    Operation("GET", f"customers/identifiers?{CUSTOMER}", "journey:customers:view"),
    Operation("GET", "customers/search?value=ada", "journey:customers:view"),
    Operation("POST", "customers/links", "journey:customers:edit", LINK),
    Operation("POST", "customers/unlinks", "journey:customers:edit", LINK),
    Operation("GET", "customers/settings", "journey:customers:view"),
    Operation("PUT", "customers/settings", "journey:customers:edit", {"linking": "None"}),
    Operation("GET", "webhooks/senders", "journey:webhooks:view"),
    Operation("GET", "webhooks/endpoints", "journey:webhooks:view"),
    Operation("POST", "webhooks/endpoints", "journey:webhooks:add",
              {"name": "Another", "sender": "segment", "configurationId": "{configuration}"}),
    Operation("GET", "webhooks/endpoints/{endpoint}", "journey:webhooks:view"),
    Operation("PATCH", "webhooks/endpoints/{endpoint}", "journey:webhooks:edit", {"name": "Another"}),
    Operation("DELETE", "webhooks/endpoints/{endpoint}", "journey:webhooks:delete"),
    Operation("POST", "webhooks/endpoints/{endpoint}/secret", "journey:webhooks:edit", {"secret": "another secret"}),
    Operation("POST", "webhooks/endpoints/{endpoint}/test", "journey:webhooks:edit", {"payload": {}}),
    Operation("GET", "webhooks/endpoints/{endpoint}/deliveries", "journey:webhooks:view"),
    Operation("GET", "webhooks/endpoints/{endpoint}/deliveries/{delivery}", "journey:webhooks:view"),
    Operation("POST", "webhooks/endpoints/{endpoint}/deliveries/{delivery}/replay",
              "journey:externalEventsFailures:edit"),
    Operation("GET", "people", "journey:people:view"),
    Operation("POST", "people", "journey:people:add",
              {"email": f"{uuid.uuid4().hex[:12]}@test.example", "name": "Another", "role": "viewer"},
              ROLES[Role.VIEWER]),
    Operation("GET", "people/{person}", "journey:people:view"),
    Operation("PATCH", "people/{person}", "journey:people:edit", {"name": "Another"}),
    Operation("DELETE", "people/{person}", "journey:people:delete"),
    Operation("GET", "clients", "journey:clients:view"),
    Operation("POST", "clients", "journey:clients:add", {"name": "Another", "permissions": ["journey:clients:add"]}),
    Operation("GET", "clients/{client}", "journey:clients:view"),
    Operation("PATCH", "clients/{client}", "journey:clients:edit", {"name": "Another"}),
    Operation("POST", "clients/{client}/rotate", "journey:clients:edit"),
    Operation("DELETE", "clients/{client}", "journey:clients:delete"),
]  # fmt: skip

REACHES_BY_ID = [
    one
    for one in OPERATIONS
    if re.search(r"\{(schema|configuration|failure|endpoint|person|client)\}", f"{one.path}{one.body}")
]


def name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


class Owned(NamedTuple):
    """An organization that has one of each resource."""

    caller: Caller
    ids: dict[str, str]

    def fill(self, value: Any) -> Any:
        """Return a path or a body with its placeholders replaced by ids."""
        if isinstance(value, dict):
            return {key: self.fill(inner) for key, inner in value.items()}
        if isinstance(value, str):
            for kind, id_ in self.ids.items():
                value = value.replace(f"{{{kind}}}", id_)
        return value


@pytest.fixture
def owned(caller: Callable[..., Caller]) -> Owned:
    """An organization with an event type, a configuration, an event, a failure, and an endpoint with a delivery."""
    owner = caller()
    schema = owner.api.call("POST", "externalevents/schemas", SCHEMA)
    configuration = owner.api.call(
        "POST", "externalevents/configurations", {"name": "Site", "schemaId": schema["id"], "source": "Adobe"}
    )
    owner.api.call("PUT", f"views/eventdefinitions/{schema['id']}/activate", {})
    owner.api.send(configuration["id"], [EVENT, EVENT | {"id": "e-2", "attributes": {"price": 1}}])
    (failure,) = owner.api.call("GET", "externalevents/failures")["entities"]
    endpoint = owner.api.call(
        "POST", "webhooks/endpoints", {"name": "Shop", "sender": "segment", "configurationId": configuration["id"]}
    )
    httpx.post(endpoint["url"], json={}, timeout=40)  # It has no signature; its record has no failure.
    (delivery,) = owner.api.call("GET", f"webhooks/endpoints/{endpoint['id']}/deliveries")["entities"]
    person = {"email": f"{uuid.uuid4().hex[:12]}@test.example", "name": "Ana", "role": "viewer"}
    client = {"name": "Shop", "permissions": ["journey:clients:edit"]}
    wait_until_journey_is_there(owner.api)
    made = {"schema": schema, "configuration": configuration, "failure": failure, "endpoint": endpoint}
    made["delivery"] = delivery
    made |= {"person": owner.api.call("POST", "people", person), "client": owner.api.call("POST", "clients", client)}
    return Owned(owner, {kind: one["id"] for kind, one in made.items()})


def wait_until_journey_is_there(api: ApiClient, customer: str = "ada") -> None:
    ends = time.monotonic() + 300  # the stream has one shard, which all tests share
    while time.monotonic() < ends:
        try:
            api.call("GET", "customers", externalSourceId="crm", value=customer)
            return
        except ApiError as error:
            if error.status != 404:
                raise
        time.sleep(0.2)
    raise AssertionError("the journey is not there after five minutes")


def request(stack: Stack, token: str | None, operation: Operation, owned: Owned | None = None) -> httpx.Response:
    """Send one request, without a retry and without raising for its status."""
    path, body = operation.path, operation.body
    if owned is not None:
        path, body = owned.fill(path), owned.fill(body)
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    url = f"{stack.api_url}/api/v2/journey/{path}"
    return httpx.request(operation.method, url, json=body, headers=headers, timeout=40)


def rows(stack: Stack, organization_id: str) -> dict[str, list[Any]]:
    """Return everything that is stored of an organization, except its clients."""
    found: dict[str, list[Any]] = {}
    for table in ("Events", "Journeys", "Links", "Failures", "Registry"):
        pages = stack.dynamodb.get_paginator("scan").paginate(
            TableName=stack.outputs[f"{table}TableName"],
            ConsistentRead=True,
            FilterExpression="contains(pk, :org)",
            ExpressionAttributeValues={":org": {"S": organization_id}},
        )
        found[table] = sorted((item for page in pages for item in page["Items"]), key=str)
    return found


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of an error response."""
    body = answer.json()
    assert body.keys() >= ERROR_BODY, body
    assert body["status"] == answer.status_code
    assert body["contextId"]
    assert body["message"]
    return answer.status_code, body["code"]


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_every_operation_requires_a_token(stack: Stack, owned: Owned) -> None:
    before = rows(stack, owned.caller.organization_id)
    answers = {name(one): refusal(request(stack, None, one, owned)) for one in OPERATIONS}
    assert set(answers.values()) == {(401, "authentication.required")}, answers
    assert rows(stack, owned.caller.organization_id) == before


def _unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


def _another_client(token: str) -> str:
    head, claims, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    said["client_id"] = "another"
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip('=')}.{signature}"


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda _: "garbage", id="garbage"),
        pytest.param(lambda _: "a.b.c", id="three parts of garbage"),
        pytest.param(lambda token: token[:-8] + "AAAAAAAA", id="another signature"),
        pytest.param(_unsigned, id="no signature"),
        pytest.param(_another_client, id="another client's id under the same signature"),
    ],
)
def test_an_invalid_token_is_refused(stack: Stack, caller: Callable[..., Caller], forge: Callable[[str], str]) -> None:
    token = caller().api.access_token()
    assert request(stack, token, OPERATIONS[0]).status_code == 200
    assert refusal(request(stack, forge(token), OPERATIONS[0])) == (401, "authentication.required")


def test_a_token_without_the_scope_is_refused(stack: Stack) -> None:
    pool, identifier = stack.outputs["UserPoolId"], f"other-{uuid.uuid4().hex[:8]}"
    stack.cognito.create_resource_server(
        UserPoolId=pool,
        Identifier=identifier,
        Name=identifier,
        Scopes=[{"ScopeName": "read", "ScopeDescription": "Something else"}],
    )
    token = _token(stack, f"{identifier}/read", register=True)
    status, code = refusal(request(stack, token, OPERATIONS[0]))
    assert (status, code) in {(401, "authentication.required"), (403, "missing.permissions")}


def test_a_client_without_an_organization_is_refused(stack: Stack) -> None:
    token = _token(stack, SCOPE, register=False)
    answers = {name(one): refusal(request(stack, token, one)) for one in OPERATIONS}
    assert set(answers.values()) == {(403, "missing.permissions")}, answers


def _token(stack: Stack, scope: str, *, register: bool) -> str:
    """Create a client without the operator's command, and return its token."""
    client = stack.cognito.create_user_pool_client(
        UserPoolId=stack.outputs["UserPoolId"],
        ClientName="a test's client",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[scope],
        AllowedOAuthFlowsUserPoolClient=True,
    )["UserPoolClient"]
    if register:
        store = ClientStore(stack.dynamodb, stack.outputs["RegistryTableName"])
        store.put(Client(client["ClientId"], f"org-{uuid.uuid4().hex[:12]}", "A client", PERMISSIONS))
    answer = httpx.post(
        stack.token_url,
        data={"grant_type": "client_credentials", "scope": scope},
        auth=(client["ClientId"], client["ClientSecret"]),
    )
    token: str = answer.raise_for_status().json()["access_token"]
    return token


# -- permissions -------------------------------------------------------------------------------------------------------


def test_an_operation_without_its_permission_is_refused_and_changes_nothing(
    stack: Stack, caller: Callable[..., Caller], owned: Owned
) -> None:
    """Each client has all permissions except one."""
    organization_id = owned.caller.organization_id
    tokens = {
        permission: caller(organization_id, sorted(PERMISSIONS - {permission})).api.access_token()
        for permission in {operation.permission for operation in OPERATIONS}
    }
    before = rows(stack, organization_id)
    for operation in OPERATIONS:
        answer = request(stack, tokens[operation.permission], operation, owned)
        assert refusal(answer) == (403, "missing.permissions"), name(operation)
        assert answer.json()["messageParams"] == {"permission": operation.permission}
    assert rows(stack, organization_id) == before


def test_an_operation_requires_only_its_own_permission(
    stack: Stack, caller: Callable[..., Caller], owned: Owned
) -> None:
    """Each client has one permission. Deletions come last, because the other operations need the resources."""
    for operation in sorted(OPERATIONS, key=lambda one: one.method == "DELETE"):
        token = caller(owned.caller.organization_id, [operation.permission, *operation.also]).api.access_token()
        assert request(stack, token, operation, owned).status_code in (200, 201, 204, 409), name(operation)


# -- organizations -----------------------------------------------------------------------------------------------------


def test_resources_of_another_organization_are_not_found(
    stack: Stack, caller: Callable[..., Caller], owned: Owned
) -> None:
    stranger = caller()
    nothing = Owned(stranger, {kind: str(uuid.uuid4()) for kind in owned.ids})
    token = stranger.api.access_token()
    before = [rows(stack, one.organization_id) for one in (owned.caller, stranger)]
    for operation in REACHES_BY_ID:
        answer = request(stack, token, operation, owned)
        assert refusal(answer) == (404, "not.found"), name(operation)
        of_nothing = request(stack, token, operation, nothing)
        assert answer.json() | {"contextId": ""} == of_nothing.json() | {"contextId": ""}, name(operation)
    assert [rows(stack, one.organization_id) for one in (owned.caller, stranger)] == before
    for operation in REACHES_BY_ID:  # the owner finds all of them, or the test would prove nothing
        if operation.method == "GET":
            assert request(stack, owned.caller.api.access_token(), operation, owned).status_code == 200


def test_listings_show_no_data_of_others(stack: Stack, caller: Callable[..., Caller], owned: Owned) -> None:
    stranger = caller()
    for path in (
        "externalevents/schemas",
        "externalevents/configurations",
        "externalevents/failures",
        "externalevents/failures/summary",
        "views/eventdefinitions/external",
        "webhooks/endpoints",
    ):
        assert owned.caller.api.call("GET", path)["entities"]
        assert stranger.api.call("GET", path)["entities"] == []
    definitions = stranger.api.call("GET", "views/eventdefinitions")["entities"]
    assert {definition["source"] for definition in definitions} == {"Native"}
    assert stranger.api.call("GET", "views/eventdefinitions/external/changes") == {"changes": []}
    assert stranger.api.call("POST", "externalevents/failures/replay", {})["replayed"] == 0
    assert stranger.api.call("GET", "externalevents/schemas/limits")["numberOfSchemas"] == 0
    assert stranger.api.call("GET", "customers/search", value="ada")["entities"] == []
    assert stranger.api.call("GET", "customers/settings")["knownSources"] == []
    for path in ("customers", "customers/events", "customers/identifiers"):
        assert refusal(request(stack, stranger.api.access_token(), Operation("GET", f"{path}?{CUSTOMER}", ""))) == (
            404,
            "not.found",
        )


# -- API Gateway's own answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "nothing"), ("GET", "externalevents"), ("GET", "activity/a")],
)
def test_a_path_that_does_not_exist_is_not_found(
    stack: Stack, caller: Callable[..., Caller], method: str, path: str
) -> None:
    for token in (None, caller().api.access_token()):
        answer = request(stack, token, Operation(method, path, ""))
        assert refusal(answer) == (404, "not.found")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "path", ["externalevents/schemas/a/b/c/d", "views/eventdefinitions/external/a/b", "customers/a/b"]
)
def test_a_path_without_a_route_is_not_found(stack: Stack, caller: Callable[..., Caller], path: str) -> None:
    assert refusal(request(stack, caller().api.access_token(), Operation("GET", path, ""))) == (404, "not.found")


def test_browsers_can_read_api_gateways_error_responses(stack: Stack) -> None:
    answer = request(stack, None, OPERATIONS[0])
    assert refusal(answer) == (401, "authentication.required")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Content-Type"].startswith("application/json")


# -- browsers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS, ids=name)
def test_a_preflight_request_needs_no_token(stack: Stack, operation: Operation) -> None:
    answer = httpx.options(
        f"{stack.api_url}/api/v2/journey/{operation.path.replace('{', '').replace('}', '')}",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": operation.method,
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert operation.method in answer.headers["Access-Control-Allow-Methods"].split(",")
    assert {"authorization", "content-type"} <= set(answer.headers["Access-Control-Allow-Headers"].lower().split(","))


def test_browsers_can_read_responses(stack: Stack, caller: Callable[..., Caller]) -> None:
    headers = {"Authorization": f"Bearer {caller().api.access_token()}", "Origin": "https://app.example"}
    for path in ("externalevents/schemas", f"customers?{CUSTOMER}"):
        answer = httpx.get(f"{stack.api_url}/api/v2/journey/{path}", headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


# -- completeness -----------------------------------------------------------------------------------------------------


def test_every_route_is_in_the_list_of_operations(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_PREFIX", "stack/webhooks/")
    known = {
        (route.method, re.sub(r"<.*?>", "*", route.path), route.permission)
        for function in (
            "schemas",
            "configurations",
            "ingest",
            "failures",
            "definitions",
            "customers",
            "endpoints",
            "people",
        )
        for route in load(function).router.routes
        if route.permission is not None
    }
    asked = {
        (
            one.method,
            "/api/v2/journey/" + re.sub(r"\{\w+\}|(?<=coretypes/)text|(?<=versions/)1", "*", one.path.split("?")[0]),
            one.permission,
        )
        for one in OPERATIONS
    }
    assert asked == known
