"""Attacks on the API: forged tokens, trusted headers, path tricks, expensive bodies, replays and injection."""

import base64
import hashlib
import hmac
import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import SCOPE, ClientStore
from tests.conftest import Caller
from tests.e2e import test_access, test_webhooks
from tests.e2e.test_access import Operation, Owned, refusal, request, rows
from tests.e2e.test_webhooks import SENDERS, Inbox
from tests.support.webhooks import Sent
from tools.stack import Stack

owned, inbox = test_access.owned, test_webhooks.inbox  # fixtures

SCHEMAS = Operation("GET", "externalevents/schemas", "")
EVENTS = "externalevents/configurations/{configuration}/events"


def segment(value: Any) -> str:
    """Return one part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


# -- tokens ------------------------------------------------------------------------------------------------------------


def _client_token(stack: Stack, pool: str, **settings: Any) -> tuple[str, str]:
    """Create a client of a user pool without the operator's command. Return its id and its token."""
    client = stack.cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="a test's client",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[SCOPE],
        AllowedOAuthFlowsUserPoolClient=True,
        **settings,
    )["UserPoolClient"]
    answer = httpx.post(
        stack.token_url,
        data={"grant_type": "client_credentials", "scope": SCOPE},
        auth=(client["ClientId"], client["ClientSecret"]),
    )
    return client["ClientId"], answer.raise_for_status().json()["access_token"]


def test_a_token_of_another_user_pool_is_refused_even_if_its_client_is_registered(stack: Stack, owned: Owned) -> None:
    """Another user pool can have a resource server and a scope of the same names, and any client id."""
    pool = stack.cognito.create_user_pool(PoolName=f"other-{uuid.uuid4().hex[:8]}")["UserPool"]["Id"]
    stack.cognito.create_resource_server(
        UserPoolId=pool, Identifier="journey", Name="journey", Scopes=[{"ScopeName": "api", "ScopeDescription": "Any"}]
    )
    client_id, token = _client_token(stack, pool)
    clients = ClientStore(stack.dynamodb, stack.outputs["RegistryTableName"])
    clients.put(Client(client_id, owned.caller.organization_id, "An intruder", PERMISSIONS))
    assert claims_of(token)["scope"] == SCOPE
    assert claims_of(token)["iss"].endswith(pool)
    assert refusal(request(stack, token, SCHEMAS)) == (401, "authentication.required")


def test_an_expired_token_is_refused(stack: Stack, caller: Callable[..., Caller]) -> None:
    organization_id = caller().organization_id
    client_id, token = _client_token(
        stack, stack.outputs["UserPoolId"], AccessTokenValidity=5, TokenValidityUnits={"AccessToken": "seconds"}
    )  # on AWS the minimum is five minutes
    ClientStore(stack.dynamodb, stack.outputs["RegistryTableName"]).put(
        Client(client_id, organization_id, "A client", PERMISSIONS)
    )
    assert request(stack, token, SCHEMAS).status_code == 200
    time.sleep(max(0.0, claims_of(token)["exp"] - time.time()) + 1)
    assert refusal(request(stack, token, SCHEMAS)) == (401, "authentication.required")


def _forgeries(token: str, keys: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    head, claims, signature = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    for algorithm in ("none", "None", "NONE", "nOnE"):
        for last in ("", signature):
            yield f"{algorithm} {bool(last)}", f"{segment(header | {'alg': algorithm})}.{claims}.{last}"
    for number, key in enumerate(keys):  # signed with the public key as if it were a shared secret
        for secret in (key["n"].encode(), base64.urlsafe_b64decode(key["n"] + "==="), json.dumps(key).encode(), b""):
            signed = f"{segment(header | {'alg': 'HS256'})}.{claims}"
            mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
            yield f"HS256 {number}", f"{signed}.{segment(mac)}"
    later = claims_of(token) | {"exp": int(time.time()) + 10**9}
    yield "a later end", f"{head}.{segment(later)}.{signature}"
    for name, value in (("kid", "../../dev/null"), ("kid", "another"), ("jku", "https://evil.example/jwks.json")):
        yield f"{name} {value}", f"{segment(header | {name: value})}.{claims}.{signature}"
    own = segment(header | {"jwk": keys[0]}) if keys else head
    yield "its own key", f"{own}.{claims}.{signature}"
    yield "four parts", f"{token}.{signature}"
    yield "no signature", f"{head}.{claims}"
    yield "twice", f"{token}, {token}"


def test_a_forged_token_is_refused(stack: Stack, caller: Callable[..., Caller]) -> None:
    token = caller().api.access_token()
    jwks = httpx.get(f"{stack.endpoint_url}/{stack.outputs['UserPoolId']}/.well-known/jwks.json").json()
    found = dict(_forgeries(token, jwks["keys"]))
    answers = {how: request(stack, forged, SCHEMAS).status_code for how, forged in found.items()}
    assert set(answers.values()) == {401}, answers
    assert request(stack, token, SCHEMAS).status_code == 200


def test_a_token_is_accepted_only_in_the_authorization_header(stack: Stack, caller: Callable[..., Caller]) -> None:
    token = caller().api.access_token()
    url = f"{stack.api_url}/api/v2/journey/externalevents/schemas"
    for how in (
        {"params": {"access_token": token, "Authorization": f"Bearer {token}"}},
        {"headers": {"Cookie": f"Authorization=Bearer {token}; access_token={token}"}},
        {"headers": {"X-Authorization": f"Bearer {token}", "X-Amz-Security-Token": token}},
        {"headers": {"Authorization": f"Basic {base64.b64encode(f'{token}:'.encode()).decode()}"}},
    ):
        assert refusal(httpx.get(url, **how)) == (401, "authentication.required"), how  # type: ignore[arg-type]


# -- organizations -----------------------------------------------------------------------------------------------------


def test_no_header_query_or_body_changes_the_organization_or_the_operation(
    stack: Stack, caller: Callable[..., Caller], owned: Owned
) -> None:
    """The request has all headers that frameworks and gateways are known to trust, with the owner's ids."""
    stranger, owner = caller(), owned.caller
    forged = {
        name: value
        for value in (owner.organization_id,)
        for name in ("X-Organization-Id", "X-Org-Id", "X-Tenant-Id", "organizationId", "X-Genesys-Organization-Id")
    } | {
        "X-Client-Id": owner.client_id,
        "X-Amzn-Request-Context": json.dumps({"authorizer": {"claims": {"client_id": owner.client_id}}}),
        "X-Apigateway-Event": json.dumps(
            {"requestContext": {"authorizer": {"claims": {"client_id": owner.client_id}}}}
        ),
        "X-HTTP-Method-Override": "DELETE",
        "X-Method-Override": "DELETE",
        "X-Original-URL": f"/api/v2/journey/externalevents/schemas/{owned.ids['schema']}",
        "X-Rewrite-URL": f"/api/v2/journey/externalevents/schemas/{owned.ids['schema']}",
        "X-Forwarded-Host": "evil.example",
        "Authorization": f"Bearer {stranger.api.access_token()}",
    }
    before = rows(stack, owner.organization_id)
    base = f"{stack.api_url}/api/v2/journey/externalevents"
    query = {"organizationId": owner.organization_id, "client_id": owner.client_id, "_method": "DELETE"}
    assert httpx.get(f"{base}/schemas", headers=forged, params=query).status_code == 400  # unknown parameters
    listing = httpx.get(f"{base}/schemas", headers=forged)
    assert (listing.status_code, listing.json()["entities"]) == (200, [])
    assert "evil.example" not in listing.text
    for method, expected in (
        ("GET", (404, "not.found")),
        ("POST", (405, "method.not.allowed")),
        ("DELETE", (404, "not.found")),
    ):
        response = httpx.request(method, f"{base}/configurations/{owned.ids['configuration']}", headers=forged)
        assert refusal(response) == expected, method
    made = httpx.post(
        f"{base}/schemas", headers=forged, json={"title": "Mine", "organizationId": owner.organization_id}
    )
    assert refusal(made)[0] == 400
    assert rows(stack, owner.organization_id) == before


def test_claims_in_a_request_are_not_trusted(stack: Stack, owned: Owned) -> None:
    """The request has no token, but other fields that claim an identity."""
    said = {"X-Amzn-Oidc-Data": "x", "X-Amz-Cognito-Client-Id": owned.caller.client_id, "Client-Id": "x"}
    answer = httpx.get(f"{stack.api_url}/api/v2/journey/externalevents/schemas", headers=said)
    assert refusal(answer) == (401, "authentication.required")


# -- paths -------------------------------------------------------------------------------------------------------------


def raw(stack: Stack, token: str, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request without normalizing its path. `path` is the part after /api/v2/journey/."""
    url = urlsplit(stack.api_url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=40)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request(method, f"{url.path}/api/v2/journey/{path}", body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def tricks(id_: str) -> list[str]:
    """Return unusual spellings of the path of a schema, which could bypass a check."""
    return [
        f"externalevents/schemas/{id_}",
        f"externalevents/schemas/x/../{id_}",
        f"externalevents/schemas/x/%2e%2e/{id_}",
        f"externalevents/schemas/x%2f..%2f{id_}",
        f"externalevents/schemas/%252e%252e%252f{id_}",
        f"externalevents/schemas//{id_}",
        f"externalevents/schemas/{id_}/",
        f"externalevents/schemas/{id_}%00",
        f"externalevents/schemas/{id_}%23",
        f"externalevents/schemas/{id_}%0d%0aX-Injected:%20yes",
        f"externalevents/schemas/{id_};v=1",
        f"externalevents/schemas/{id_.upper()}",
        f"externalevents/schemas/{id_}/versions/1/../1",
        f"externalevents/schemas/{id_}/versions/%31",
        f"externalevents/schemas/{id_}/versions/+1",
        f"externalevents/schemas/{id_}/versions/1e0",
        f"externalevents/schemas/{id_}/versions/%D9%A1",  # a digit outside ASCII
        f"externalevents/schemas/coretypes/..%2f{id_}",
        f"externalevents/schemas/limits/../{id_}",
        f"externalevents/../externalevents/schemas/{id_}",
        f"EXTERNALEVENTS/schemas/{id_}",
        f"views/eventdefinitions/external/..%2f{id_}",
        f"externalevents/schemas/{'x' * 101}",
        f"externalevents/schemas/{'x' * 3000}",
        f"externalevents/schemas/{'%23' * 500}",
        f"externalevents/schemas/ORG%23{id_}",
        "externalevents/schemas/%F0%9F%98%80",
        "externalevents/schemas/%ff%fe",
        "externalevents/schemas/%",
        "externalevents/schemas/*",
        "externalevents/schemas/null",
    ]


def test_no_spelling_of_a_path_reaches_another_organization(
    stack: Stack, caller: Callable[..., Caller], owned: Owned
) -> None:
    stranger = caller()
    token, both = stranger.api.access_token(), (owned.caller.organization_id, stranger.organization_id)
    before = [rows(stack, organization_id) for organization_id in both]
    for path in tricks(owned.ids["schema"]):
        for method in ("GET", "PUT", "DELETE"):
            status, body = raw(
                stack, token, method, path, b'{"version":1,"enabled":false}' if method == "PUT" else None
            )
            assert status in (400, 403, 404, 405), (method, path, status, body)
            assert b"Page viewed" not in body, path
            assert b"X-Injected" not in body, path
    assert [rows(stack, organization_id) for organization_id in both] == before


def test_no_spelling_of_an_id_reaches_another_operation(stack: Stack, owned: Owned) -> None:
    """The owner's request reaches the named resource or nothing, and never causes a 5xx."""
    token = owned.caller.api.access_token()
    for path in tricks(owned.ids["schema"]):
        status, body = raw(stack, token, "GET", path)
        assert status in (200, 400, 403, 404), (path, status)
        if status == 200 and b'"id":' in body:
            assert json.loads(body).get("id") == owned.ids["schema"], path


# -- bodies ------------------------------------------------------------------------------------------------------------

MIB = 1024 * 1024

BODIES: dict[str, tuple[bytes, int]] = {
    "a byte too much": (b'{"entities":[' + b" " * MIB + b"]}", 413),
    "far too much": (b"[" + b"1," * (3 * MIB) + b"1]", 413),
    "deep lists": (b"[" * (MIB - 10), 400),
    "deep lists that close": (b'{"entities":' + b"[" * 500_000 + b"]" * 500_000 + b"}", 400),
    "deep objects": (b'{"a":' * 150_000 + b"1" + b"}" * 150_000, 400),
    "a deep event": (b'{"entities":[{"attributes":' + b'{"a":' * 40 + b"1" + b"}" * 41 + b"]}", 400),
    "many names": (b"{" + b",".join(b'"n%d":1' % number for number in range(70_000)) + b"}", 400),
    "many events": (b'{"entities":[' + b",".join([b"{}"] * 300_000) + b"]}", 400),
    "a long number": (b'{"entities":[{"id":' + b"9" * 900_000 + b"}]}", 400),
    "a long text": (b'{"entities":"' + b"x" * (MIB - 100) + b'"}', 400),
    "escapes": (b'{"entities":"' + b"\\u0000" * 170_000 + b'"}', 400),
    "not closed": (b'{"entities":["' + b"x" * (MIB - 100), 400),
}


@pytest.mark.parametrize("what", BODIES)
def test_an_expensive_body_is_refused_quickly(stack: Stack, owned: Owned, what: str) -> None:
    body, status = BODIES[what]
    before = rows(stack, owned.caller.organization_id)
    token, began = owned.caller.api.access_token(), time.monotonic()
    path = EVENTS.replace("{configuration}", owned.ids["configuration"])
    answer = httpx.post(
        f"{stack.api_url}/api/v2/journey/{path}",
        content=body,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        timeout=40,
    )
    seconds = time.monotonic() - began
    assert refusal(answer)[0] == status
    assert len(answer.content) < 2000, "what was sent does not come back"
    assert seconds < 12, seconds
    assert rows(stack, owned.caller.organization_id) == before


@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, {400, 415}),
        ({"Content-Type": "application/json, text/plain"}, {415}),
        ({"Content-Type": "application/xml"}, {415}),
        ({"Content-Type": "multipart/form-data; boundary=x"}, {415}),
    ],
)
def test_a_body_with_another_media_type_is_refused(
    stack: Stack, owned: Owned, headers: dict[str, str], statuses: set[int]
) -> None:
    path = EVENTS.replace("{configuration}", owned.ids["configuration"])
    answer = httpx.post(
        f"{stack.api_url}/api/v2/journey/{path}",
        content=b"\x1f\x8b\x08\x00" + b"\x00" * 100,
        headers={"Authorization": f"Bearer {owned.caller.api.access_token()}"} | headers,
    )
    assert refusal(answer)[0] in statuses


# -- deliveries --------------------------------------------------------------------------------------------------------


def test_a_replayed_delivery_is_stored_once(inbox: Inbox) -> None:
    """A replay is a duplicate while the signature is valid, and is refused afterwards."""
    sender = SENDERS["standard"]
    endpoint = inbox.endpoint(sender)
    sent = inbox.sign(endpoint, sender)
    answers = [inbox.deliver(endpoint, sent).json() for _ in range(4)]
    assert answers == [{"created": 1, "duplicate": 0, "failed": 0}] + [{"created": 0, "duplicate": 1, "failed": 0}] * 3
    stored = inbox.stored()
    old = sender.deliver(url=endpoint["url"], now=time.time() - 301)
    assert refusal(inbox.deliver(endpoint, old)) == (401, "not.proven")
    fresh = sent.headers | {"Webhook-Timestamp": str(int(time.time()) + 1)}
    assert refusal(inbox.deliver(endpoint, sent._replace(headers=fresh))) == (401, "not.proven")
    assert len(stored["Events"]) == len(inbox.stored()["Events"]) == 1


def test_a_delivery_is_refused_at_another_endpoint(stack: Stack, inbox: Inbox, caller: Callable[..., Caller]) -> None:
    """The other endpoint has the same sender and another secret, in the same organization or in another one."""
    sender = SENDERS["standard"]
    endpoint = inbox.endpoint(sender)
    wanted = {"name": "Another", "schemaId": inbox.schema_id, "source": "Another"}
    configuration = inbox.api.call("POST", "externalevents/configurations", wanted)
    made = {"name": "Another", "sender": sender.name, "configurationId": configuration["id"]}
    sibling = inbox.api.call("POST", "webhooks/endpoints", made | {"secret": sender.other_secret})
    others = Inbox(stack, caller())
    theirs = others.endpoint(sender, secret=sender.other_secret)
    sent = inbox.sign(endpoint, sender)
    before = inbox.stored(), others.stored()
    for wrong in (sibling, theirs):
        assert refusal(inbox.deliver(wrong, sent)) == (401, "not.proven")
    assert (inbox.stored(), others.stored()) == before


@pytest.mark.parametrize("path", ["%2e%2e/webhooks/{id}", "{id}%00", "{id}%2f..", "x/../{id}", "{ID}"])
def test_an_endpoint_has_only_one_address(inbox: Inbox, path: str) -> None:
    sender = SENDERS["standard"]
    endpoint = inbox.endpoint(sender)
    before = inbox.stored()
    at = path.replace("{id}", endpoint["id"]).replace("{ID}", endpoint["id"].swapcase())
    url = urlsplit(inbox.stack.api_url)
    sent = inbox.sign(endpoint, sender)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=40)
    connection.request("POST", f"{url.path}/webhooks/{at}", body=sent.body, headers=sent.headers)
    assert connection.getresponse().status in (400, 401, 403, 404)
    connection.close()
    assert inbox.stored() == before


# -- values that come back ---------------------------------------------------------------------------------------------

INJECTION = "x\r\nX-Injected: yes\r\n\r\n<script>alert(1)</script>"


def assert_nothing_injected(answer: httpx.Response) -> None:
    assert "x-injected" not in answer.headers
    assert answer.headers["content-type"].split(";")[0] in ("application/json", "text/xml"), answer.headers
    assert answer.status_code < 500, answer.text


def test_line_breaks_in_values_do_not_become_headers(stack: Stack, owned: Owned) -> None:
    """The values are in the query, the path, stored names, cursors and the links of listings."""
    token = owned.caller.api.access_token()
    headers = {"Authorization": f"Bearer {token}"}
    base = f"{stack.api_url}/api/v2/journey"
    for path, query in (
        ("customers", {"externalSourceId": INJECTION, "value": INJECTION}),
        ("customers/events", {"externalSourceId": "crm", "value": "ada", "cursor": INJECTION}),
        ("customers/identifiers", {"externalSourceId": INJECTION, "value": INJECTION}),
        ("customers/search", {"value": INJECTION}),
        ("externalevents/failures", {"reason": INJECTION, "configurationId": INJECTION}),
        ("externalevents/configurations", {"pageNumber": INJECTION}),
        ("externalevents/configurations", {"pageSize": "1", "x": INJECTION}),
    ):
        assert_nothing_injected(httpx.get(f"{base}/{path}", params=query, headers=headers))
    wanted = {"name": INJECTION, "schemaId": owned.ids["schema"], "source": INJECTION}
    made = httpx.post(f"{base}/externalevents/configurations", json=wanted, headers=headers)
    assert made.status_code == 201
    for answer in (
        made,
        httpx.get(f"{base}/{made.json()['selfUri'].removeprefix('/api/v2/journey/')}", headers=headers),
    ):
        assert_nothing_injected(answer)
        assert answer.json()["name"] == INJECTION.strip()
    event = {"id": INJECTION, "identifiers": {"externalIds": [{"externalSourceId": INJECTION, "value": INJECTION}]}}
    events = {"entities": [event | {"dateCreated": "2026-01-31T09:30:00Z"}, event | {"dateCreated": INJECTION}]}
    sent = httpx.post(
        f"{base}/externalevents/configurations/{made.json()['id']}/events", json=events, headers=headers, timeout=40
    )
    assert_nothing_injected(sent)
    assert sent.status_code == 200


def test_a_handshake_response_cannot_be_a_header_or_a_page(inbox: Inbox) -> None:
    """These requests need no signature, so the response must be harmless in a header and in a browser."""
    adobe, cloudevents = inbox.endpoint(SENDERS["adobe"]), inbox.endpoint(SENDERS["cloudevents"])
    for challenge in (INJECTION, '"}<script>', "x" * 600, "é"):
        answer = inbox.deliver(adobe, Sent("GET", {}, {"challenge": challenge}, b""))
        assert answer.status_code in (400, 404)
        assert_nothing_injected(answer)
        assert "script" not in answer.text
    for origin in ("evil.example", "x\ty", "x" * 300):
        sent = Sent("OPTIONS", {"WebHook-Request-Origin": origin}, {}, b"")
        answer = inbox.deliver(cloudevents, sent)
        allowed = answer.headers.get("WebHook-Allowed-Origin")
        assert (answer.status_code, allowed) in ((200, origin), (400, None))
        assert_nothing_injected(answer)
