"""Every operation of the API with another organization's token and ids: 403 or 404, and nothing read or written.

The operations come from the OpenAPI document, so a new operation is tested too, or the test fails because it has no
request for it. The requests are sent in this process, where every call to a store is recorded, and to the local stack.
"""

import functools
import json
import re
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
import pytest

from journeys import aws, dates
from journeys.http.router import Router
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.native_sources.store import NativeSourceStore
from journeys.registry.people.model import Person, Role
from journeys.registry.people.store import PersonStore
from journeys.webhooks.deliveries.model import DeliveryRecord, RecordedOutcome, new_record_id
from journeys.webhooks.deliveries.store import DeliveryStore
from tests.conftest import Caller
from tests.e2e.test_access import rows, wait_until_journey_is_there
from tests.support.client_events import handling
from tests.support.description import PREFIX, Described, described, served
from tests.support.functions import Context, api_event, load
from tests.support.pools import UserPools
from tests.support.tables import Tables
from tests.support.template import ROOT
from tools.documentation.routes import template
from tools.native_events import genesys_event, put_events
from tools.operator.admin import Admin
from tools.stack import Stack

MARK = f"mark{uuid.uuid4().hex[:12]}"
"""Part of every name and value of the owner, so that a response that leaks any of them is detected."""

START = "2026-01-01T00:00:00.000Z"

NOBODYS = {"name": "text", "version": "1", "chartVersion": "1"}
"""Path variables that are not ids of an organization's resources."""

SCHEMA = {"title": f"Page viewed {MARK}", "properties": {"page": {"type": "string"}}}
EVENT: dict[str, Any] = {
    "id": f"e-1-{MARK}",
    "dateCreated": "2026-01-31T09:30:00Z",
    "identifiers": {
        "externalIds": [
            {"externalSourceId": "crm", "value": f"ada-{MARK}"},
            {"externalSourceId": "email", "value": f"ada@{MARK}.example"},
            {"externalSourceId": f"visitor-{MARK}", "value": "4711"},
        ]
    },
    "attributes": {"page": "/home"},
}
CUSTOMER = {"externalSourceId": "crm", "value": f"ada-{MARK}"}
LINKED = {"externalSourceId": "email", "value": f"ada@{MARK}.example"}
CONTACT = {"externalSourceId": "genesys", "value": f"contact-{MARK}"}

SETTINGS = {"linking": "AllExcept", "sources": ["phone", f"kiosk-{MARK}"]}

VIEW = {
    "name": f"View {MARK}",
    "duration": "P30D",
    "elements": [{"id": "e1", "name": f"Pages {MARK}", "attributes": {"type": "Event", "id": "{schemaId}"}}],
    "charts": [
        {"id": f"chart-{MARK}", "name": f"Pages {MARK}", "metrics": [{"id": "m1", "elementId": "e1"}]},
    ],
}

BODIES: dict[str, Any] = {
    "POST externalevents/schemas": {"title": "Another", "properties": {}},
    "PUT externalevents/schemas/{schemaId}": {"version": 1, "enabled": True},
    "POST externalevents/configurations": {"name": "Another", "schemaId": "{schemaId}", "source": "Another"},
    "PATCH externalevents/configurations/{configurationId}": {"name": "Another"},
    "POST externalevents/configurations/{configurationId}/events": {"entities": [EVENT | {"id": "e-new"}]},
    "POST externalevents/configurations/{configurationId}/events/validate": {"entities": [EVENT]},
    "POST externalevents/failures/replay": {},
    "PUT views/eventdefinitions/{definitionId}": {"displayName": "Another"},
    "PUT views/eventdefinitions/{definitionId}/activate": {"displayName": "Another"},
    "POST webhooks/endpoints": {"name": "Another", "sender": "segment", "configurationId": "{configurationId}"},
    "PATCH webhooks/endpoints/{endpointId}": {"name": "Another"},
    "POST webhooks/endpoints/{endpointId}/secret": {"secret": "another secret"},
    "POST webhooks/endpoints/{endpointId}/test": {"payload": {}},
    "POST views": VIEW | {"name": "Another"},
    "POST views/{viewId}/versions": VIEW | {"name": "Another"},
    "PUT views/{viewId}/versions/{version}": VIEW | {"name": "Another"},
    "POST views/{viewId}/schedules": {"frequency": "Daily"},
    "PUT views/{viewId}/schedules": {"frequency": "Weekly"},
    "POST views/encodings/validate": [{"name": "page", "value": "/home"}],
    "POST views/{viewId}/versions/{version}/jobs": {"period": "Before"},
    "PATCH views/{viewId}/versions/{version}/jobs/{jobId}": {"status": "Cancelled"},
    "POST customers/links": {"from": CUSTOMER, "to": LINKED},
    "POST customers/unlinks": {"from": CUSTOMER, "to": LINKED},
    "PUT customers/settings": {"linking": "Only", "sources": ["crm"]},
    "POST paths/jobs": {"name": "Another", "duration": "P30D", "start": {"attributes": {"id": "{schemaId}"}}},
    "PATCH paths/jobs/{pathJobId}": {"status": "Cancelled"},
    "POST people": {"email": "another@test.example", "name": "Another", "role": "viewer"},
    "PATCH people/{personId}": {"name": "Another"},
    "POST clients": {"name": "Another", "permissions": ["journey:views:view"]},
    "PATCH clients/{clientId}": {"name": "Another"},
}
"""The body of each operation. {schemaId} and other placeholders stand for the owner's ids."""

QUERIES: dict[str, dict[str, str]] = {
    "GET externalevents/failures": {"configurationId": "{configurationId}"},
    "GET customers": CUSTOMER,
    "GET customers/events": CUSTOMER,
    "GET customers/identifiers": CUSTOMER,
    "GET customers/search": {"value": CUSTOMER["value"]},
    "GET views": {"id": "{viewId}"},
    "GET views/{viewId}/versions/{version}/jobs/{jobId}/results/comparison": {"jobId": "{otherJobId}"},
    "GET views/{viewId}/versions/{version}/jobs/{jobId}/results/customers": {
        "elementId": "e1",
        "state": "Participants",
    },
}
"""The query of each operation that can select the owner's resources by it."""

NOT_FOUND_BY_VALUE = {
    "GET customers",
    "GET customers/events",
    "GET customers/identifiers",
    "POST customers/links",
    "POST customers/unlinks",
}
"""Operations that look up a value that two organizations can both have."""

CANNOT_BE = {
    "DELETE externalevents/schemas/{schemaId}",
    "DELETE externalevents/configurations/{configurationId}",
    "PATCH views/{viewId}/versions/{version}/jobs/{jobId}",
    "PATCH paths/jobs/{pathJobId}",
}
"""Operations that return 409 to the owner: deleting what is in use, and canceling a complete job."""

ORDER = ("POST", "PUT", "PATCH", "GET", "DELETE")
"""The order of the owner's requests: a resource is read before it is deleted."""


def native_event(kind: str, source: str, **body: Any) -> dict[str, Any]:
    """Return a native event of the owner's customer."""
    start = dates.parse(EVENT["dateCreated"])
    named = {"externalContactId": CONTACT["value"], "conversation_id": f"call-{MARK}", "source": source}
    return genesys_event(kind, date_ms=start, **named | body)


class Who(NamedTuple):
    """A client. `proof` is its id or its access token."""

    organization_id: str
    proof: str


class World(ABC):
    """The API and two organizations, of which the owner has one of each resource."""

    owner: Who
    stranger: Who
    native_source: str
    strangers_source: str
    ids: dict[str, str]
    strangers_ids: dict[str, str]
    headers: Mapping[str, str] = {}
    """Headers that every request has in addition."""
    compares_each_time = True
    """Whether stored data is compared after every request, or only at the end."""

    @abstractmethod
    def ask(self, who: Who, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Send a request and return the status and the body. `path` is the part after /api/v2/journey/."""

    @abstractmethod
    def stored(self, who: Who) -> Any:
        """Return everything that is stored of an organization."""

    @abstractmethod
    def records(self) -> DeliveryStore:
        """Return the store of delivery records."""

    @abstractmethod
    def settle(self) -> None:
        """Wait until the owner's event is in a journey."""

    @abstractmethod
    def add_native_source(self, who: Who) -> str:
        """Map a source of native events to an organization, and return it."""

    @abstractmethod
    def put_native(self, *envelopes: dict[str, Any]) -> None:
        """Put native events on the event bus, and wait until the owner's are stored."""

    @abstractmethod
    def compute(self, job: str) -> None:
        """Wait until a job is complete. `job` is its path."""

    @abstractmethod
    def serves(self, operation: Described) -> bool:
        """Return whether this world serves the operation."""

    def touched(self) -> list[str]:
        """Return the calls to stores that named the owner since the last call, if the world can observe them."""
        return []

    def make(self) -> None:
        """Create one of each resource, and keep the ids by the names of their path variables."""

        def made(method: str, path: str, body: Any, who: Who = self.owner) -> Any:
            status, text = self.ask(who, method, path, body)
            assert status in (200, 201, 202), (path, text)
            return json.loads(text)

        schema = made("POST", "externalevents/schemas", SCHEMA)
        wanted = {"name": f"Site {MARK}", "schemaId": schema["id"], "source": "Adobe"}
        configuration = made("POST", "externalevents/configurations", wanted)
        made("PUT", f"views/eventdefinitions/{schema['id']}/activate", {})
        bad = EVENT | {"id": f"e-2-{MARK}", "attributes": {"price": 1}}
        path = f"externalevents/configurations/{configuration['id']}/events"
        made("POST", path, {"entities": [EVENT, bad]})
        (failure,) = made("GET", "externalevents/failures", None)["entities"]
        wanted = {"name": f"Shop {MARK}", "sender": "shopify", "configurationId": configuration["id"]}
        endpoint = made("POST", "webhooks/endpoints", wanted | {"secret": "a secret of the shop"})
        now_ms = dates.now_ms()
        delivery = DeliveryRecord(
            new_record_id(now_ms),
            self.owner.organization_id,
            endpoint["id"],
            now_ms,
            RecordedOutcome.FAILED,
            failure_id=failure["id"],
            sender_delivery_id=MARK,
        )
        self.records().add(delivery)
        self.settle()
        made("PUT", "customers/settings", SETTINGS)
        self.native_source, self.strangers_source = map(self.add_native_source, (self.owner, self.stranger))
        malformed = native_event("acw", self.native_source, queueId=7)
        self.put_native(native_event("customer.start", self.native_source), malformed)
        view = made("POST", "views", self.fill(VIEW, {"schemaId": schema["id"]}))
        jobs = []
        for options in (None, {"period": "Before"}):
            jobs.append(made("POST", f"views/{view['id']}/versions/1/jobs", options)["id"])
            self.compute(f"views/{view['id']}/versions/1/jobs/{jobs[-1]}")
        path_job = made("POST", "paths/jobs", self.fill(BODIES["POST paths/jobs"], {"schemaId": schema["id"]}))
        self.compute(f"paths/jobs/{path_job['id']}")
        wanted = {"email": f"{uuid.uuid4().hex[:12]}@test.example", "name": f"Ana {MARK}", "role": "viewer"}
        person = made("POST", "people", wanted)
        client = made("POST", "clients", {"name": f"Shop {MARK}", "permissions": ["journey:views:view"]})
        self.ids = {
            "personId": person["id"],
            "clientId": client["id"],
            "schemaId": schema["id"],
            "definitionId": schema["id"],
            "configurationId": configuration["id"],
            "failureId": failure["id"],
            "endpointId": endpoint["id"],
            "deliveryId": delivery.record_id,
            "viewId": view["id"],
            "jobId": jobs[0],
            "otherJobId": jobs[1],
            "pathJobId": path_job["id"],
            "chartId": view["charts"][0]["id"],
        }
        own = made("POST", "externalevents/schemas", {"title": "Own", "properties": {}}, self.stranger)
        made("PUT", f"views/eventdefinitions/{own['id']}/activate", {}, self.stranger)
        wanted = {"name": "Own", "schemaId": own["id"], "source": "Own"}
        configuration = made("POST", "externalevents/configurations", wanted, self.stranger)
        self.strangers_ids = {"schemaId": own["id"], "configurationId": configuration["id"]}

    def fill(self, value: Any, ids: dict[str, str]) -> Any:
        """Return a path, a query or a body with its placeholders replaced by ids."""
        if isinstance(value, dict):
            return {key: self.fill(inner, ids) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner, ids) for inner in value]
        if isinstance(value, str):
            for name, id_ in {**NOBODYS, **ids}.items():
                value = value.replace(f"{{{name}}}", id_)
        return value

    def request(
        self, operation: Described, ids: dict[str, str], in_body: dict[str, str] | None = None
    ) -> tuple[str, str, Any]:
        """Return the method, the path with its query, and the body of an operation for these ids."""
        unknown = set(operation.variables) - ids.keys() - NOBODYS.keys()
        assert not unknown, f"{operation.name} names {unknown}: let make() make one, or say that it is nobody's"
        if operation.has_body:
            assert operation.name in BODIES, f"say in BODIES what {operation.name} is asked with"
        required = {name for name, one in operation.query.items() if one["required"]}
        query = QUERIES.get(operation.name, {})
        assert required <= query.keys(), f"say in QUERIES what {operation.name} is asked for"
        path = self.fill(operation.path.removeprefix(PREFIX), ids)
        asked = f"{path}?{urlencode(self.fill(query, ids))}" if query else path
        return operation.method, asked, self.fill(BODIES.get(operation.name), in_body or ids)


# -- in process --------------------------------------------------------------------------------------------------------


class InProcess(World):
    """All functions in this process. Their calls to DynamoDB, S3 and Secrets Manager are recorded."""

    def __init__(self, tables: Tables, queue_url: str, handlers: ExitStack, *, people: bool) -> None:
        self._tables, self._queue_url, self._people = tables, queue_url, people
        self.owner, self.stranger = Who("acme", "client"), Who("globex", "stranger")
        for who in (self.owner, self.stranger):
            self._register(who)
        self._modules: dict[tuple[str, str], ModuleType] = {}
        for path in (ROOT / "functions").glob("*/handler.py"):
            module = load(path.parent.name)
            if isinstance(getattr(module, "router", None), Router):
                self._modules |= {(one.method, template(one.path)): module for one in module.router.routes}
        self._calls: list[str] = []
        for client in (aws.dynamodb(), aws.s3(), aws.secretsmanager()):
            handlers.enter_context(handling(client, "provide-client-params.*", self._note))
        self.make()

    def _register(self, who: Who) -> None:
        """Store a client with every permission, or an administrator."""
        dynamodb, table = self._tables.dynamodb, self._tables.registry
        if self._people:
            PersonStore(dynamodb, table).create(
                Person(
                    who.proof, who.organization_id, "An administrator", date_created=START, date_modified=START,
                    email=f"{who.proof}@test.example", role=Role.ADMINISTRATOR,
                )
            )  # fmt: skip
        else:
            ClientStore(dynamodb, table).put(Client(who.proof, who.organization_id, "A client", PERMISSIONS))

    def _event(self, who: Who, method: str, path: str, body: Any = None, **how: Any) -> dict[str, Any]:
        event = api_event(method, path, body, client_id=who.proof, headers=dict(self.headers), **how)
        if self._people:
            claims = {"client_id": "console", "sub": who.proof, "username": who.proof}
            event["requestContext"]["authorizer"] = {"claims": claims}
        return event

    def _note(self, params: Any, model: Any, **_: Any) -> None:
        self._calls.append(f"{model.name} {params}")

    def ask(self, who: Who, method: str, path: str, body: Any = None) -> tuple[int, str]:
        path, _, query = path.partition("?")
        asked = dict(httpx.QueryParams(query)) if query else None
        event = self._event(who, method, path, body, query=asked)
        answer = self._module(method, event["path"]).handler(event, Context())
        return answer["statusCode"], answer["body"]

    def raw(self, who: Who, method: str, path: str, body: bytes) -> tuple[int, str]:
        """Send a request with the exact bytes of a body."""
        event = self._event(who, method, path, raw=body)
        answer = self._module(method, event["path"]).handler(event, Context())
        return answer["statusCode"], answer["body"]

    def _module(self, method: str, path: str) -> ModuleType:
        found = [
            (template.count("{"), module)
            for (known, template), module in self._modules.items()
            if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        return min(found, key=lambda one: one[0])[1]

    def stored(self, who: Who) -> Any:
        of = self._tables
        tables = (of.events, of.journeys, of.links, of.failures, of.deliveries, of.registry)
        items = [sorted(str(item) for item in of.items(table)) for table in tables]
        keys = [one["Key"] for one in aws.s3().list_objects_v2(Bucket="archive").get("Contents", [])]
        secrets = aws.secretsmanager()
        names = sorted(one["Name"] for one in secrets.list_secrets()["SecretList"])
        values = [secrets.get_secret_value(SecretId=name)["SecretString"] for name in names]
        owned = [[item for item in some if who.organization_id in item] for some in items]
        return owned, [key for key in keys if who.organization_id in key], names, values

    def records(self) -> DeliveryStore:
        return DeliveryStore(self._tables.dynamodb, self._tables.deliveries)

    def settle(self) -> None:
        records = [
            {"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": str(place)}}
            for place, item in enumerate(self._tables.items(self._tables.events))
        ]
        assert load("projector").handler({"Records": records}, Context()) == {"batchItemFailures": []}

    def add_native_source(self, who: Who) -> str:
        source = f"local.{who.organization_id}"
        NativeSourceStore(self._tables.dynamodb, self._tables.registry).add(source, who.organization_id)
        return source

    def put_native(self, *envelopes: dict[str, Any]) -> None:
        records = [{"messageId": str(place), "body": json.dumps(one)} for place, one in enumerate(envelopes)]
        assert load("native").handler({"Records": records}, Context()) == {"batchItemFailures": []}
        self.settle()

    def compute(self, job: str) -> None:
        (message,) = aws.sqs().receive_message(QueueUrl=self._queue_url)["Messages"]
        attributes = {"ApproximateReceiveCount": "1"}
        records = [{"body": message["Body"], "receiptHandle": message["ReceiptHandle"], "attributes": attributes}]
        load("compute").handler({"Records": records}, Context())
        assert json.loads(self.ask(self.owner, "GET", job)[1])["status"] == "Complete"

    def serves(self, operation: Described) -> bool:
        return (operation.method, operation.path) in self._modules

    def touched(self) -> list[str]:
        calls, self._calls = self._calls, []
        return [call for call in calls if self.owner.organization_id in call]


# -- on the local stack ------------------------------------------------------------------------------------------------


class OnStack(World):
    """The deployed local stack, with access tokens."""

    compares_each_time = False

    def __init__(self, stack: Stack, caller: Callable[..., Caller]) -> None:
        self._stack = stack
        self._owner = caller()
        self.owner = Who(self._owner.organization_id, self._owner.api.access_token())
        stranger = caller()
        self.stranger = Who(stranger.organization_id, stranger.api.access_token())
        self.make()

    def ask(self, who: Who, method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = httpx.request(
            method,
            f"{self._stack.api_url}{PREFIX}{path}",
            json=body,
            headers={"Authorization": f"Bearer {who.proof}", **self.headers},
            timeout=40,
        )
        return answer.status_code, answer.text

    def stored(self, who: Who) -> Any:
        return rows(self._stack, who.organization_id)

    def records(self) -> DeliveryStore:
        return DeliveryStore(self._stack.dynamodb, self._stack.outputs["DeliveriesTableName"])

    def settle(self) -> None:
        wait_until_journey_is_there(self._owner.api, f"ada-{MARK}")

    def add_native_source(self, who: Who) -> str:
        source = f"local.{who.organization_id}"
        Admin(self._stack).add_native_source(who.organization_id, source)
        return source

    def put_native(self, *envelopes: dict[str, Any]) -> None:
        put_events(self._stack, envelopes)
        ends = time.monotonic() + 120
        while not self._native_is_there():
            assert time.monotonic() < ends, "the native events are not stored after two minutes"
            time.sleep(0.2)

    def _native_is_there(self) -> bool:
        """Return whether the owner has a journey of native events, and a failure."""
        status, _ = self.ask(self.owner, "GET", f"customers?{urlencode(CONTACT)}")
        failures = self.ask(self.owner, "GET", "externalevents/failures?configurationId=native")[1]
        return status == 200 and bool(json.loads(failures)["entities"])

    def compute(self, job: str) -> None:
        ends = time.monotonic() + 120
        while json.loads(self.ask(self.owner, "GET", job)[1])["status"] != "Complete":
            assert time.monotonic() < ends, "the job is not done after two minutes"
            time.sleep(0.2)

    def serves(self, operation: Described) -> bool:
        return served(operation)


@pytest.fixture
def in_process(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """Two organizations, in this process."""
    yield from make_in_process(tables, monkeypatch, people=False)


@pytest.fixture
def with_people(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """The same with people as callers."""
    yield from make_in_process(tables, monkeypatch, people=True)


def make_in_process(tables: Tables, monkeypatch: pytest.MonkeyPatch, *, people: bool) -> Iterator[InProcess]:
    pools = UserPools()
    monkeypatch.setattr(aws, "cognito", functools.cache(lambda: pools))
    queue_url = aws.sqs().create_queue(QueueName="jobs")["QueueUrl"]
    for name, value in {
        "SECRETS_PREFIX": "stack/webhooks/",
        "TOKEN_URL": "https://auth.example.com/oauth2/token",
        "JOBS_QUEUE_URL": queue_url,
        "JOB_RETENTION_DAYS": "90",
        "COMPUTATION_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:computation",
        "EVENTS_PER_RUN": "1000",
    }.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as handlers:
        yield InProcess(tables, queue_url, handlers, people=people)


@pytest.fixture(params=["in process", "in process, with people", "local stack"])
def world(request: pytest.FixtureRequest) -> World:
    """Two organizations, in this process and on the local stack."""
    if request.param == "local stack":
        return OnStack(request.getfixturevalue("stack"), request.getfixturevalue("caller"))
    world: World = request.getfixturevalue("with_people" if "people" in request.param else "in_process")
    return world


# -- the matrix --------------------------------------------------------------------------------------------------------

OPERATIONS = [one for one in described() if one.wants_token]


def reaches(operation: Described) -> bool:
    """Return whether the request names a resource or a customer of the owner."""
    asked = json.dumps([operation.path, BODIES.get(operation.name)])
    variables = set(re.findall(r"\{(\w+)\}", asked)) - NOBODYS.keys()
    return bool(variables) or operation.name in NOT_FOUND_BY_VALUE


def test_resources_of_another_organization_are_not_read_or_changed(world: World) -> None:
    wrong: dict[str, Any] = {}
    owners, strangers = world.stored(world.owner), world.stored(world.stranger)
    nothing = {name: str(uuid.UUID(int=7)) for name in world.ids}
    asked = [one for one in OPERATIONS if world.serves(one) and reaches(one)]
    assert asked
    for operation in asked:
        world.touched()
        by_path = set(operation.variables) - NOBODYS.keys() or operation.name in NOT_FOUND_BY_VALUE
        in_body = world.strangers_ids if by_path else world.ids  # so that only the path can be the reason of a refusal
        status, text = world.ask(world.stranger, *world.request(operation, world.ids, in_body))
        touched = world.touched()
        if status not in ((403, 404) if by_path else (400, 403, 404)) or MARK in text or touched:
            wrong[operation.name] = (status, text, touched)
        _, of_nothing = world.ask(world.stranger, *world.request(operation, nothing, in_body))
        if by_path and _without_context(text) != _without_context(of_nothing):
            wrong[operation.name] = "the response reveals that it exists", text, of_nothing
        if world.compares_each_time and (world.stored(world.owner), world.stored(world.stranger)) != (
            owners,
            strangers,
        ):
            wrong[operation.name] = "something was written"
            owners, strangers = world.stored(world.owner), world.stored(world.stranger)
    assert wrong == {}
    assert (world.stored(world.owner), world.stored(world.stranger)) == (owners, strangers)

    # The owner succeeds with the same requests, or the test would prove nothing.
    for operation in sorted(asked, key=lambda one: (ORDER.index(one.method), -len(one.path))):
        status, text = world.ask(world.owner, *world.request(operation, world.ids))
        assert status < 300 or (status == 409 and operation.name in CANNOT_BE), (operation.name, text)


def test_listings_and_creations_show_and_change_nothing_of_another_organization(world: World) -> None:
    """This includes filters by an id of the other organization."""
    wrong: dict[str, Any] = {}
    owners = world.stored(world.owner)
    asked = [one for one in OPERATIONS if world.serves(one) and not reaches(one)]
    for operation in asked:
        world.touched()
        method, path, body = world.request(operation, world.ids)
        if operation.name == "POST people":  # An address belongs to one organization, and all worlds share the stack.
            body = body | {"email": f"another-{uuid.uuid4().hex[:12]}@test.example"}
        status, text = world.ask(world.stranger, method, path, body)
        touched = world.touched()
        told = [id_ for id_ in world.ids.values() if id_ in text and id_ not in path]
        if status >= 300 or MARK in text or told or touched:
            wrong[operation.name] = (status, text, touched)
        if world.compares_each_time and world.stored(world.owner) != owners:
            wrong[operation.name] = "data of the owner was changed"
    assert wrong == {}
    assert world.stored(world.owner) == owners
    listings = [one for one in asked if one.method == "GET"]
    seen = [one.name for one in listings if MARK in world.ask(world.owner, *world.request(one, world.ids))[1]]
    assert len(seen) >= 6, "the owner must see the mark, or the test proves nothing"


def test_identifiers_links_settings_and_native_events_are_seen_by_their_organization_alone(world: World) -> None:
    """Both organizations have the same identifiers, which are linked in one of them."""
    known = {name: one for name, one in EVENT.items() if name != "identifiers"}
    (named, _, _) = EVENT["identifiers"]["externalIds"]
    same = known | {"id": "e-same", "attributes": {}, "identifiers": {"externalIds": [named]}}
    path = f"externalevents/configurations/{world.strangers_ids['configurationId']}/events"
    assert world.ask(world.stranger, "POST", path, {"entities": [same]})[0] == 200
    owners = world.stored(world.owner)
    world.put_native(
        native_event("customer.end", world.strangers_source, organizationId=world.owner.organization_id),
        native_event("customer.end", f"{world.native_source}.other"),
    )

    def read(who: Who, path: str, query: dict[str, str]) -> tuple[int, Any]:
        status, text = world.ask(who, "GET", f"{path}?{urlencode(query)}")
        return status, json.loads(text)

    def until(query: dict[str, str]) -> Any:
        ends = time.monotonic() + 120
        while (answer := read(world.stranger, "customers", query))[0] == 404:
            assert time.monotonic() < ends, "the events are not stored after two minutes"
            time.sleep(0.2)
        return answer[1]

    assert until(CUSTOMER)["identifiers"] == [CUSTOMER]
    assert [one["eventName"] for one in until(CONTACT)["eventTypes"]] == ["Customer end"]
    assert read(world.stranger, "customers/identifiers", CUSTOMER)[1]["links"] == []
    for query in (LINKED, {"externalSourceId": f"visitor-{MARK}", "value": "4711"}):
        assert read(world.stranger, "customers/identifiers", query)[0] == 404
    assert MARK not in world.ask(world.stranger, "GET", "customers/settings")[1]
    assert world.stored(world.owner) == owners
    assert len(read(world.owner, "customers", CUSTOMER)[1]["identifiers"]) == 3
    assert read(world.owner, "customers", CONTACT)[1]["eventCount"] == 1
    assert f"kiosk-{MARK}" in world.ask(world.owner, "GET", "customers/settings")[1]


def test_a_cursor_of_another_organization_is_refused(world: World) -> None:
    path = f"externalevents/configurations/{world.ids['configurationId']}/events"
    more = [EVENT | {"id": f"e-{place}-{MARK}", "attributes": {"price": place}} for place in range(3, 6)]
    world.ask(world.owner, "POST", path, {"entities": more})
    _, text = world.ask(world.owner, "GET", "externalevents/failures?pageSize=1")
    cursor = urlencode({"cursor": json.loads(text)["nextCursor"], "pageSize": 1})
    assert world.ask(world.owner, "GET", f"externalevents/failures?{cursor}")[0] == 200
    status, text = world.ask(world.stranger, "GET", f"externalevents/failures?{cursor}")
    assert (status, json.loads(text)["code"]) == (400, "invalid.cursor")


def _without_context(text: str) -> Any:
    return json.loads(text) | {"contextId": ""}


def test_every_operation_is_tested_in_process(in_process: InProcess) -> None:
    assert {(one.method, one.path) for one in OPERATIONS} == set(in_process._modules)
    assert {one.name for one in OPERATIONS} >= BODIES.keys() | QUERIES.keys() | CANNOT_BE | NOT_FOUND_BY_VALUE
