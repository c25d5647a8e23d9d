"""Customer data is sent through every operation. No log line, metric, error or trace may contain it."""

import ast
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from journeys import dates
from journeys.events.failures.store import FailureStore
from journeys.events.store import EventLog
from journeys.identity.store import LinkStore
from tests.e2e import test_isolation
from tests.e2e.test_isolation import MARK, OPERATIONS, ORDER, InProcess
from tests.support.functions import Context, load
from tests.support.logs import logs_at
from tests.support.template import ROOT
from tests.support.webhooks import SCHEMA, sender_cases
from tests.unit.test_ingest import an_event, of
from tools.native_events import BODIES as NATIVE_BODIES
from tools.native_events import CONTACT_EVENTS, connect_event, genesys_event

in_process = test_isolation.in_process  # a fixture

CANARY = f"canary-{MARK}"
"""Contains the mark of all data in these tests, so that one search finds every occurrence."""

HEADERS = {
    "User-Agent": CANARY,
    "Cookie": f"session={CANARY}",
    "X-Forwarded-For": CANARY,
    "X-Customer-Id": CANARY,
    "Referer": f"https://shop.example/?customer={CANARY}",
    "X-Amzn-Trace-Id": f"Root=1-67891233-abcdef012345678912345678;Self={CANARY}",
    CANARY: "a header that is called so",
}

NAME = f"{CANARY}@shop.example"
"""An attribute name that is customer data. Names that look like fields may appear in error messages."""

NOON = dates.parse("2026-03-02T12:00:00Z")

EVENTS: list[Any] = [
    an_event(f"good-{CANARY}", identifiers=of("crm", CANARY), attributes={"page": CANARY}),
    an_event(f"good-{CANARY}", identifiers=of("crm", CANARY), attributes={"page": f"another {CANARY}"}),  # a conflict
    an_event(CANARY, identifiers=of(CANARY, CANARY), attributes={NAME: CANARY}),
    an_event(CANARY * 20),
    an_event(dateCreated=CANARY),
    an_event(dateCreated={CANARY: [CANARY]}),
    an_event(identifiers={CANARY: CANARY}),
    an_event(identifiers=of(CANARY, CANARY * 300)),
    an_event(attributes=[CANARY]),
    an_event(attributes={"page": {CANARY: 1}}),
    an_event(attributes={"page": CANARY * 20_000}),
    an_event(**{NAME: CANARY}),
    CANARY,
    [CANARY],
    None,
]

BODIES = [
    f'{{"entities": "{CANARY}"}}',
    f'{{"{CANARY}": 1, "{CANARY}": 2}}',
    f"{{{CANARY}}}",
    f'"{CANARY}',
    f'{{"entities": [{{"id": "{CANARY}\\ud800"}}]}}',
]


@pytest.fixture(autouse=True)
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Captures everything that the functions and AWS's libraries log, at every level."""
    with logs_at("DEBUG") as stream:
        yield stream


@pytest.fixture
def said(written: io.StringIO, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Everything written since the last call: log lines, metrics and other output."""

    def read() -> str:
        out, err = capfd.readouterr()
        return written.getvalue() + out + err

    return read


@pytest.fixture
def world(in_process: InProcess) -> InProcess:
    in_process.headers = HEADERS
    return in_process


def assert_clean(text: str, *wanted: str) -> None:
    """Checks that the output contains the expected lines, and none of the customer data."""
    assert MARK not in text, text[max(0, text.index(MARK) - 400) : text.index(MARK) + 100]
    for one in wanted:
        assert one in text, one


def post(world: InProcess, body: Any, path: str = "events") -> tuple[int, str]:
    where = f"externalevents/configurations/{world.ids['configurationId']}/{path}"
    return world.ask(world.owner, "POST", where, body)


# -- the doors ---------------------------------------------------------------------------------------------------------


def test_every_operation_of_the_api(world: InProcess, said: Callable[[], str]) -> None:
    """Requests of the owner, which succeed, and of a stranger, which are refused; then the functions behind the API."""
    for operation in sorted(OPERATIONS, key=lambda one: (ORDER.index(one.method), -len(one.path))):
        status, text = world.ask(world.stranger, *world.request(operation, world.ids))
        if status >= 400:
            assert MARK not in text, operation.name
        world.ask(world.owner, *world.request(operation, world.ids))
    assert_clean(said(), '"request completed"', "EventsTaken")


def test_events_good_and_bad_and_bodies_that_are_none(world: InProcess, said: Callable[[], str]) -> None:
    for path in ("events", "events/validate"):
        status, text = post(world, {"entities": EVENTS}, path)
        assert status == 200
        for refused in json.loads(text)["unprocessedEntities"]:
            assert MARK not in json.dumps({name: one for name, one in refused.items() if name != "event"})
    for body in BODIES:
        _, text = world.raw(world.owner, "POST", f"externalevents/configurations/{CANARY}/events", body.encode())
        assert MARK not in text
    for query in (f"cursor={CANARY}", f"pageSize={CANARY}", f"from={CANARY}", f"order={CANARY}"):
        _, text = world.ask(world.owner, "GET", f"customers/events?externalSourceId=crm&value={CANARY}&{query}")
        assert MARK not in text
    assert_clean(said(), "EventsTaken", "EventsRefused")


def test_journeys_failures_and_replays(world: InProcess, said: Callable[[], str]) -> None:
    post(world, {"entities": EVENTS})
    world.settle()
    assert CANARY in world.ask(world.owner, "GET", f"customers?externalSourceId=crm&value={CANARY}")[1]
    assert CANARY in world.ask(world.owner, "GET", f"customers/events?externalSourceId=crm&value={CANARY}")[1]
    _, text = world.ask(world.owner, "GET", "externalevents/failures?pageSize=100")
    for failure in json.loads(text)["entities"]:
        assert world.ask(world.owner, "GET", f"externalevents/failures/{failure['id']}")[0] == 200
        assert world.ask(world.owner, "POST", f"externalevents/failures/{failure['id']}/replay")[0] == 200
    assert world.ask(world.owner, "POST", "externalevents/failures/replay", {})[0] == 200
    assert_clean(said(), "request completed")


def test_identifiers_links_and_settings(world: InProcess, said: Callable[[], str]) -> None:
    """Values of identifiers, good and bad, in every operation that takes them."""
    post(world, {"entities": EVENTS})
    world.settle()
    known, long = {"externalSourceId": "crm", "value": CANARY}, {"externalSourceId": CANARY, "value": CANARY * 20}
    nobody = {"externalSourceId": CANARY, "value": f"nobody {CANARY}"}
    for action in ("links", "unlinks"):
        assert world.ask(world.owner, "POST", f"customers/{action}", {"from": known, "to": nobody})[0] == 200
        for body in (
            {"from": nobody | {"value": "x"}, "to": nobody | {"externalSourceId": "x"}},
            {"from": known, "to": known},
            {"from": known, "to": long},
            {"from": CANARY, "to": [CANARY]},
            {"from": known},
        ):
            who = world.stranger if body.get("from") == nobody | {"value": "x"} else world.owner
            status, text = world.ask(who, "POST", f"customers/{action}", body)
            assert (status in (400, 404), MARK in text) == (True, False), text
    for query in (f"externalSourceId={CANARY}&value={CANARY}", f"externalSourceId=crm&value={CANARY * 200}"):
        for path in ("customers", "customers/events", "customers/identifiers"):
            status, text = world.ask(world.stranger, "GET", f"{path}?{query}")
            assert (status, MARK in text) == (404, False)
    assert CANARY in world.ask(world.owner, "GET", f"customers/identifiers?externalSourceId=crm&value={CANARY}")[1]
    assert CANARY in world.ask(world.owner, "GET", f"customers/search?value={CANARY}")[1]
    for settings in ({"linking": CANARY}, {"linking": "Only", "sources": [CANARY * 20]}):
        status, text = world.ask(world.owner, "PUT", "customers/settings", settings)
        assert (status, MARK in text) == (400, False)
    assert world.ask(world.owner, "PUT", "customers/settings", {"linking": "Only", "sources": [CANARY]})[0] == 200
    assert world.ask(world.owner, "POST", "customers/links", {"from": known, "to": nobody})[0] == 409
    assert_clean(said(), "request completed")


def test_native_events_good_and_bad(world: InProcess, said: Callable[[], str]) -> None:
    """What names a customer, and what agents wrote, in every field that may hold it."""
    named: dict[str, Any] = {
        "externalContactId": CANARY,
        "conversationExternalContactIds": [CANARY],
        "ani": f"sip:{CANARY}@shop.example",
        "addressFrom": f"{CANARY}@shop.example",
        "callbackNumbers": [CANARY],
        "callbackUserName": CANARY,
        "subject": CANARY,
        "wrapupNotes": CANARY,
        "participantId": CANARY,
        "conversation_id": CANARY,
        "source": world.native_source,
    }
    bad: list[dict[str, Any]] = [
        {"eventTime": CANARY},
        {"queueId": {CANARY: CANARY}},
        {"conversationId": [CANARY]},
        {"participantId": CANARY * 300},
        {"externalContactId": CANARY * 300},
        {"wrapupDurationMs": CANARY},
        {"mediaType": CANARY},
        {NAME: CANARY},
        {"source": "local.unknown"},
    ]
    envelopes: list[Any] = [
        genesys_event(kind, date_ms=NOON, **named) for kind in NATIVE_BODIES if kind != "attributes"
    ]
    envelopes.append(genesys_event("attributes", date_ms=NOON, **named, attributes={NAME: CANARY}))
    envelopes += [genesys_event("acw", date_ms=NOON + index, **named | one) for index, one in enumerate(bad, 1)]
    contact: dict[str, Any] = {
        "contact_id": CANARY,
        "source": world.native_source,
        "customerId": CANARY,
        "tags": {CANARY: CANARY},
    }
    endpoint = {"type": CANARY, "address": f"{CANARY}@shop.example"}
    envelopes += [
        connect_event(one, date_ms=NOON, **contact, customerEndpoint=endpoint, agentInfo={"agentArn": CANARY})
        for one in CONTACT_EVENTS[:3]
    ]
    envelopes += [
        connect_event("QUEUED", date_ms=NOON, **contact, queueInfo={CANARY: [CANARY]}, channel={CANARY: CANARY}),
        {CANARY: CANARY, "source": world.native_source, "detail-type": "v2.detail.events.conversation.{id}.acw"},
        {"detail": CANARY, "source": world.native_source, "detail-type": CANARY},
        [CANARY],
    ]
    world.put_native(*envelopes)
    assert CANARY in world.ask(world.owner, "GET", f"customers?externalSourceId=genesys&value={CANARY}")[1]
    assert CANARY in world.ask(world.owner, "GET", f"customers?externalSourceId=amazon-connect&value={CANARY}")[1]
    _, text = world.ask(world.owner, "GET", "externalevents/failures?configurationId=native&pageSize=100")
    failures = json.loads(text)["entities"]
    assert len(failures) >= 7
    assert MARK not in json.dumps([one["message"] for one in failures])
    for failure in failures:
        assert world.ask(world.owner, "POST", f"externalevents/failures/{failure['id']}/replay")[0] == 200
    assert_clean(said(), "NativeEventsUnmapped", "EventsTaken", "EventsRefused")


def _deliver(
    body: bytes, headers: dict[str, str], query: dict[str, str], path: str, endpoint_id: str
) -> tuple[int, str]:
    event = {
        "resource": "/webhooks/{endpointId}",
        "path": path,
        "httpMethod": "POST",
        "headers": headers | HEADERS,
        "queryStringParameters": query,
        "pathParameters": {"endpointId": endpoint_id},
        "requestContext": {"requestId": "request", "path": f"/prod{path}", "domainName": "api.example"},
        "body": body.decode(),
        "isBase64Encoded": False,
    }
    answer = load("webhooks").handler(event, Context())
    return answer["statusCode"], answer["body"]


@pytest.mark.parametrize("name", ["standard", "salesforce", "qualtrics", "hmac"])
def test_deliveries_good_forged_and_bad(world: InProcess, said: Callable[[], str], name: str) -> None:
    (sender,) = [one for one in sender_cases() if one.name == name]
    schema = json.loads(world.ask(world.owner, "POST", "externalevents/schemas", SCHEMA)[1])
    wanted = {"name": "Inbox", "schemaId": schema["id"], "source": "Inbox"}
    configuration = json.loads(world.ask(world.owner, "POST", "externalevents/configurations", wanted)[1])
    made = {
        "name": "Inbox",
        "sender": sender.name,
        "configurationId": configuration["id"],
        "secret": sender.secret,
        "options": dict(sender.options),
        "mapping": dict(sender.mapping),
    }
    endpoint = json.loads(world.ask(world.owner, "POST", "webhooks/endpoints", made)[1])
    path = f"/webhooks/{endpoint['id']}"
    url = f"https://api.example/prod{path}"
    customer = sender.events[0]["identifiers"]["externalIds"][0]["value"].encode()
    bodies = (sender.body.replace(customer, CANARY.encode()), CANARY.encode(), f'"{CANARY}"'.encode())
    for number, body in enumerate(bodies):
        good = sender.deliver(url=url, now=time.time(), body=body)
        forged = sender.deliver(url=url, now=time.time(), body=body, secret=sender.other_secret)
        status, _ = _deliver(good.body, good.headers, good.query, path, endpoint["id"])
        assert status == 200 or (name, number > 0) == ("salesforce", True)  # which proves itself in the body
        status, text = _deliver(forged.body, forged.headers, forged.query, path, endpoint["id"])
        assert status == 401
        assert MARK not in text
    _, text = _deliver(CANARY.encode(), {}, {CANARY: CANARY}, f"/webhooks/{CANARY}", CANARY)
    assert MARK not in text
    secrets = (sender.secret, sender.other_secret)
    text = said()
    assert_clean(text, "delivery completed", "DeliveriesNotProven")
    assert not [secret for secret in secrets if secret in text]


# -- trouble -----------------------------------------------------------------------------------------------------------


def _trouble() -> ClientError:
    """DynamoDB's error messages repeat values of the request."""
    return ClientError({"Error": {"Code": "ValidationException", "Message": f"bad value {CANARY}"}}, "PutItem")


@pytest.mark.parametrize("error", [_trouble(), OSError(CANARY), KeyError(CANARY), ValueError(CANARY)], ids=type)
def test_errors_that_hold_the_canary_themselves(
    world: InProcess, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "put", failing)
        patch.setattr(FailureStore, "put", failing)
        _, text = post(world, {"entities": [EVENTS[0], EVENTS[4]]})
        if "unprocessedEntities" not in text:
            assert MARK not in text
    items = world._tables.items(world._tables.events)
    poison = items[0] | {"slot": {}, "source": {"S": CANARY}}
    records = [{"eventName": "INSERT", "dynamodb": {"NewImage": poison, "SequenceNumber": "1"}}]
    records += [{"eventName": "INSERT", "dynamodb": {"NewImage": one, "SequenceNumber": "2"}} for one in items]
    with monkeypatch.context() as patch:
        patch.setattr("journeys.journey.projector.count_steps", failing)
        load("projector").handler({"Records": records}, Context())
    with monkeypatch.context() as patch:
        patch.setattr(LinkStore, "put", failing)
        patch.setattr(LinkStore, "existing", lambda *_: frozenset())
        load("projector").handler({"Records": records[1:]}, Context())
    envelopes = [genesys_event("acw", date_ms=NOON, conversation_id=CANARY, source=world.native_source, queueId=queue)
                 for queue in ("queue-1", 7)]  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "put", failing)
        patch.setattr(FailureStore, "put", failing)
        native = [{"messageId": str(place), "body": json.dumps(one)} for place, one in enumerate(envelopes)]
        load("native").handler({"Records": native}, Context())
    removed = [{"eventName": "REMOVE", "dynamodb": {"OldImage": items[0], "SequenceNumber": "3"}}]
    load("projector").handler({"Records": removed}, Context())
    assert_clean(said(), '"level":"ERROR"', "LogTampering")


# -- traces ------------------------------------------------------------------------------------------------------------


def test_nothing_is_written_into_traces() -> None:
    """Lambda and API Gateway report calls to X-Ray. The code adds no annotations or metadata."""
    names = {"aws_xray_sdk", "aws_lambda_powertools.tracing", "opentelemetry"}
    for folder in ("layers/core/journeys", "functions"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                found = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                found += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                assert not [one for one in found if any(one.startswith(name) for name in names)], path
                assert not (isinstance(node, ast.Attribute) and node.attr in ("put_annotation", "put_metadata")), path
