"""Webhook endpoints: made, changed, tried out and deleted; and where their secrets are, and are not."""

import io
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from journeys import aws
from journeys.errors import ServiceUnavailable
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.telemetry import logger
from journeys.webhooks.senders.registry import SENDERS
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables

ENDPOINTS = "webhooks/endpoints"
PREFIX = "stack/webhooks/"
SECRET = "a secret of the shop"
CANARY = "canary-secret-4711"
SCHEMA = {
    "title": "Order placed",
    "required": ["orderId"],
    "properties": {"orderId": {"type": "string"}, "amount": {"type": "number"}, "ratio": {"type": "number"}},
}
ORDER = {"id": 1001, "name": "#1001", "created_at": "2026-01-31T10:30:00+01:00", "total_price": "19.90",
         "customer": {"id": 7}}  # fmt: skip


class Endpoints:
    """The endpoints' function as a client sees it, with a configuration for the endpoints to feed."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.module: ModuleType = load("endpoints")
        self._schemas, self._configurations = load("schemas"), load("configurations")
        ClientStore(tables.dynamodb, tables.registry).put(Client("rival", "globex", "A rival", PERMISSIONS))
        self.schema = self._made(self._schemas, "schemas", SCHEMA)
        self.configuration_id = self.new_configuration("Shop")

    def new_configuration(self, source: str, client_id: str = "client", schema: Any = None) -> str:
        body = {"name": source, "schemaId": (schema or self.schema)["id"], "source": source}
        return str(self._made(self._configurations, "configurations", body, client_id)["id"])

    def rivals_configuration(self) -> str:
        schema = self._made(self._schemas, "schemas", SCHEMA, "rival")
        return self.new_configuration("Shop", "rival", schema)

    def ask(self, method: str, path: str = "", body: Any = None, **how: Any) -> tuple[int, Any]:
        return call(self.module, api_event(method, f"{ENDPOINTS}{path}", body, **how))

    def create(self, **changes: Any) -> dict[str, Any]:
        status, made = self.ask("POST", "", self.body(**changes))
        assert status == 201, made
        endpoint: dict[str, Any] = made
        return endpoint

    def body(self, **changes: Any) -> dict[str, Any]:
        return {"name": "Shop", "sender": "shopify", "configurationId": self.configuration_id} | changes

    def kept(self, endpoint_id: str) -> Any:
        """What Secrets Manager holds for an endpoint."""
        return json.loads(aws.secretsmanager().get_secret_value(SecretId=f"{PREFIX}{endpoint_id}")["SecretString"])

    def secrets(self) -> list[str]:
        return sorted(one["Name"] for one in aws.secretsmanager().list_secrets()["SecretList"])

    def rows(self) -> list[Any]:
        return sorted(self.tables.items(self.tables.registry), key=str)

    def _made(self, module: ModuleType, kind: str, body: Any, client_id: str = "client") -> Any:
        status, made = call(module, api_event("POST", f"externalevents/{kind}", body, client_id=client_id))
        assert status == 201, made
        return made


@pytest.fixture
def endpoints(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoints]:
    monkeypatch.setenv("SECRETS_PREFIX", PREFIX)
    aws.secretsmanager.cache_clear()
    yield Endpoints(tables)
    aws.secretsmanager.cache_clear()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What is logged, at every level."""
    written = io.StringIO()
    (handler,) = logger.handlers
    level, stream = logger.log_level, handler.setStream(written)  # type: ignore[attr-defined]
    logger.setLevel("DEBUG")
    yield written
    handler.setStream(stream)  # type: ignore[attr-defined]
    logger.setLevel(level)


def shown(endpoint: dict[str, Any]) -> dict[str, Any]:
    """An endpoint as it is shown after its creation: without its secret."""
    return {name: value for name, value in endpoint.items() if name != "secret"}


# -- creating and reading ----------------------------------------------------------------------------------------------


def test_an_endpoint_is_shown_as_it_was_made(endpoints: Endpoints) -> None:
    mapping = {"customer": "email", "attributes": {"ratio": "ratio", "status": None}}
    made = endpoints.create(name=" Shop ", secret=SECRET, mapping=mapping, enabled=False)
    assert (
        made.items()
        >= {
            "name": "Shop",
            "sender": "shopify",
            "configurationId": endpoints.configuration_id,
            "enabled": False,
            "options": {},
            "mapping": mapping,
            "secret": SECRET,
            "selfUri": f"/api/v2/journey/{ENDPOINTS}/{made['id']}",
        }.items()
    )
    assert made["dateCreated"] == made["dateModified"]
    assert endpoints.ask("GET", f"/{made['id']}") == (200, shown(made))
    assert endpoints.ask("GET")[1]["entities"] == [shown(made)]


def test_the_id_is_long_and_never_the_same(endpoints: Endpoints) -> None:
    ids = {endpoints.create()["id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(one) >= 32 for one in ids)


def test_the_address_is_where_the_api_is_reached(endpoints: Endpoints) -> None:
    event = api_event("POST", ENDPOINTS, endpoints.body())
    event["requestContext"] |= {"domainName": "abc.example", "stage": "live", "path": f"/live{event['path']}"}
    made = call(endpoints.module, event)[1]
    assert made["url"] == f"https://abc.example/live/webhooks/{made['id']}"


def test_no_header_names_the_address_where_api_gateway_names_it(endpoints: Endpoints) -> None:
    event = api_event("POST", ENDPOINTS, endpoints.body(), headers={"Host": "evil.example", "X-Forwarded-Host": "evil"})
    event["requestContext"] |= {"domainName": "abc.example", "path": event["path"]}
    assert call(endpoints.module, event)[1]["url"].startswith("https://abc.example/webhooks/")


def test_a_sender_without_a_secret_of_its_own_is_given_one(endpoints: Endpoints) -> None:
    secrets = {endpoints.create(sender="standard")["secret"] for _ in range(2)}
    assert len(secrets) == 2
    assert all(secret.startswith("whsec_") and len(secret) > 40 for secret in secrets)


@pytest.mark.parametrize("sender", SENDERS)
def test_every_sender_can_have_an_endpoint_with_its_preset(endpoints: Endpoints, sender: str) -> None:
    options = dict.fromkeys(SENDERS[sender].required_options, "x-given")
    made = endpoints.create(sender=sender, options=options)
    assert (made["sender"], made["options"]) == (sender, options)


@pytest.mark.parametrize("sender", [name for name, sender in SENDERS.items() if sender.required_options])
def test_an_option_that_a_sender_needs_must_be_there(endpoints: Endpoints, sender: str) -> None:
    status, error = endpoints.ask("POST", "", endpoints.body(sender=sender))
    wanted = [("missing.option", f"options.{name}") for name in sorted(SENDERS[sender].required_options)]
    assert (status, error["code"]) == (400, "invalid.options")
    assert [(detail["errorCode"], detail["fieldName"]) for detail in error["details"]] == wanted
    assert endpoints.secrets() == []


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"name": None}, "invalid.field", "name"),
        ({"name": "  "}, "invalid.field", "name"),
        ({"name": "x" * 101}, "invalid.field", "name"),
        ({"configurationId": 5}, "invalid.field", "configurationId"),
        ({"enabled": "yes"}, "invalid.field", "enabled"),
        ({"secret": "short"}, "invalid.field", "secret"),
        ({"secret": "x" * 4097}, "invalid.field", "secret"),
        ({"colour": "red"}, "invalid.field", "colour"),
        ({"options": ["x"]}, "invalid.field", "options"),
        ({"mapping": "id"}, "invalid.field", "mapping"),
        ({"sender": "fax"}, "unknown.sender", "sender"),
        ({"options": {"header": "x"}}, "invalid.options", "options.header"),
        ({"sender": "hmac", "options": {"header": ""}}, "invalid.options", "options.header"),
        ({"sender": "hmac", "options": {"header": 5}}, "invalid.options", "options.header"),
        ({"sender": "hmac", "options": {"header": "x", "algorithm": "md5"}}, "invalid.options", "options.algorithm"),
        ({"sender": "hmac", "options": {"header": "x", "encoding": "rot13"}}, "invalid.options", "options.encoding"),
        ({"mapping": {"id": "a["}}, "invalid.mapping", "mapping.id"),
        ({"mapping": {"id": None}}, "invalid.mapping", "mapping.id"),
        ({"mapping": {"customer": 5.5}}, "invalid.mapping", "mapping.customer"),
        ({"mapping": {"id": "nothing(id)"}}, "invalid.mapping", "mapping.id"),
        ({"mapping": {"colour": "id"}}, "invalid.mapping", "mapping.colour"),
        ({"mapping": {"timeZone": "Middle/Earth"}}, "invalid.mapping", "mapping.timeZone"),
        ({"mapping": {"timeZone": "../etc/passwd"}}, "invalid.mapping", "mapping.timeZone"),
        ({"mapping": {"dateFormat": 5}}, "invalid.mapping", "mapping.dateFormat"),
        ({"mapping": {"attributes": ["x"]}}, "invalid.mapping", "mapping.attributes"),
        ({"mapping": {"attributes": {"total": "a b"}}}, "invalid.mapping", "mapping.attributes.total"),
        ({"mapping": {"externalIds": {"crm": "id"}}}, "invalid.mapping", "mapping.externalIds"),
        ({"mapping": {"externalIds": [{"value": "id"}]}}, "invalid.mapping", "mapping.externalIds"),
        (
            {"mapping": {"externalIds": [{"externalSourceId": "'crm'", "value": "a["}]}},
            "invalid.mapping",
            "mapping.externalIds[0].value",
        ),
    ],
    ids=str,
)
def test_an_endpoint_that_cannot_work_is_400_names_the_field_and_leaves_nothing(
    endpoints: Endpoints, changes: dict[str, Any], code: str, field: str
) -> None:
    before = endpoints.rows()
    status, error = endpoints.ask("POST", "", endpoints.body(**changes))
    assert (status, error["code"], error["message"] != "") == (400, code, True)
    assert [detail["fieldName"] for detail in error["details"]] == [field]
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])


def test_all_that_is_wrong_with_a_mapping_is_told_at_once(endpoints: Endpoints) -> None:
    mapping = {"id": "a[", "colour": "x", "attributes": {"total": "]"}}
    error = endpoints.ask("POST", "", endpoints.body(mapping=mapping))[1]
    fields = {detail["fieldName"] for detail in error["details"]}
    assert fields == {"mapping.id", "mapping.colour", "mapping.attributes.total"}


def test_a_mapping_too_large_for_an_answer_is_400_and_leaves_nothing(endpoints: Endpoints) -> None:
    before = endpoints.rows()
    attributes = {f"field{number}": "a" * 900 for number in range(50)}
    status, error = endpoints.ask("POST", "", endpoints.body(mapping={"attributes": attributes}))
    assert (status, error["code"], error["details"][0]["fieldName"]) == (400, "invalid.mapping", "mapping")
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])


def test_a_sample_whose_events_no_answer_holds_is_refused(endpoints: Endpoints) -> None:
    copies = {f"copy{number}": "text" for number in range(12)}
    made = endpoints.create(mapping={"attributes": copies})
    status, error = endpoints.ask("POST", f"/{made['id']}/test", {"payload": ORDER | {"text": "x" * 500_000}})
    assert (status, error["code"]) == (413, "payload.too.large")


def test_a_configuration_that_is_not_there_or_is_anothers_cannot_be_fed(endpoints: Endpoints) -> None:
    before = endpoints.rows()
    status, error = endpoints.ask("POST", "", endpoints.body(configurationId="nothing"))
    assert (status, error["code"]) == (404, "not.found")
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])
    rivals = endpoints.rivals_configuration()
    assert endpoints.ask("POST", "", endpoints.body(configurationId=rivals))[0] == 404
    made = endpoints.create()
    assert endpoints.ask("PATCH", f"/{made['id']}", {"configurationId": rivals})[0] == 404
    assert endpoints.ask("GET", f"/{made['id']}")[1] == shown(made)


# -- the listing -------------------------------------------------------------------------------------------------------


def test_a_listing_is_by_name_and_pages_through_all_there_is(endpoints: Endpoints) -> None:
    names = ["delta", "Alpha", "charlie", "Bravo", "echo"]
    made = {name: endpoints.create(name=name)["id"] for name in names}
    page = endpoints.ask("GET", query={"pageSize": "2"})[1]
    pages = [page]
    while "nextUri" in page:
        parts = urlsplit(page["nextUri"])
        assert parts.path == f"/api/v2/journey/{ENDPOINTS}"
        page = endpoints.ask("GET", query=dict(parse_qsl(parts.query)))[1]
        pages.append(page)
    wanted = [made[name] for name in sorted(names, key=str.casefold)]
    assert [[one["id"] for one in page["entities"]] for page in pages] == [wanted[:2], wanted[2:4], wanted[4:]]
    assert {(page["total"], page["pageCount"]) for page in pages} == {(5, 3)}


def test_an_empty_listing_is_one_page(endpoints: Endpoints) -> None:
    page = endpoints.ask("GET")[1]
    assert (page["entities"], page["total"], page["pageCount"]) == ([], 0, 1)


# -- changing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "New"},
        {"enabled": False},
        {"mapping": {"customer": "email"}},
        {"options": {"header": "x-new", "algorithm": "sha512"}},
        {"name": "New", "enabled": False},
    ],
    ids=str,
)
def test_what_is_named_is_changed_and_nothing_else(endpoints: Endpoints, changes: dict[str, Any]) -> None:
    made = endpoints.create(sender="hmac", options={"header": "x-old"}, mapping={"id": "number"}, secret=SECRET)
    status, changed = endpoints.ask("PATCH", f"/{made['id']}", changes)
    assert status == 200
    assert changed | {"dateModified": ""} == shown(made) | changes | {"dateModified": ""}
    assert endpoints.ask("GET", f"/{made['id']}") == (200, changed)
    assert endpoints.kept(made["id"]) == {"current": SECRET}


def test_an_endpoint_can_feed_another_configuration(endpoints: Endpoints) -> None:
    made, other = endpoints.create(), endpoints.new_configuration("Another shop")
    assert endpoints.ask("PATCH", f"/{made['id']}", {"configurationId": other})[1]["configurationId"] == other


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sender": "stripe"}, "sender"),
        ({"secret": SECRET}, "secret"),
        ({"id": "x"}, "id"),
        ({"options": {"header": "x"}}, "options.header"),
        ({"mapping": {"id": "["}}, "mapping.id"),
    ],
)
def test_a_change_that_cannot_be_is_400_and_changes_nothing(
    endpoints: Endpoints, changes: dict[str, Any], field: str
) -> None:
    made = endpoints.create()
    status, error = endpoints.ask("PATCH", f"/{made['id']}", {"name": "New"} | changes)
    assert (status, error["details"][0]["fieldName"]) == (400, field)
    assert endpoints.ask("GET", f"/{made['id']}") == (200, shown(made))


def test_a_change_never_brings_back_an_endpoint_deleted_meanwhile(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = endpoints.create()
    found = endpoints.module.endpoints.get("acme", made["id"])
    endpoints.ask("DELETE", f"/{made['id']}")
    monkeypatch.setattr(endpoints.module.endpoints, "get", lambda *_: found)
    assert endpoints.ask("PATCH", f"/{made['id']}", {"name": "New"})[0] == 404
    monkeypatch.undo()
    assert endpoints.module.endpoints.find(made["id"], consistent=True) is None


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_a_secret_is_in_secrets_manager_under_the_prefix_and_in_no_table(endpoints: Endpoints) -> None:
    made = endpoints.create(secret=CANARY)
    assert endpoints.kept(made["id"]) == {"current": CANARY}
    assert endpoints.secrets() == [f"{PREFIX}{made['id']}"]
    assert CANARY not in str(endpoints.rows())


def test_a_secret_is_told_at_creation_and_rotation_and_never_again(
    endpoints: Endpoints, logged: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    made = endpoints.create(secret=f"{CANARY}-1")
    path = f"/{made['id']}"
    rotated = endpoints.ask("POST", f"{path}/secret", {"secret": f"{CANARY}-2"})[1]
    assert (made["secret"], rotated["secret"]) == (f"{CANARY}-1", f"{CANARY}-2")
    told = [
        endpoints.ask("GET"),
        endpoints.ask("GET", path),
        endpoints.ask("PATCH", path, {"name": "New"}),
        endpoints.ask("POST", f"{path}/test", {"payload": ORDER}),
        endpoints.ask("POST", "", endpoints.body(secret={"x": f"{CANARY}-3"})),
        endpoints.ask("POST", f"{path}/secret", {"secret": f"{CANARY}-4", "keepPrevious": "no"}),
        endpoints.ask("DELETE", path),
    ]
    printed = capfd.readouterr()
    assert "answered" in logged.getvalue()
    assert CANARY not in f"{told}{logged.getvalue()}{printed.out}{printed.err}"


def test_rotation_keeps_the_current_secret_as_the_previous_and_retires_the_one_before(endpoints: Endpoints) -> None:
    made = endpoints.create(secret="the first one")
    path = f"/{made['id']}/secret"
    status, rotated = endpoints.ask("POST", path, {"secret": "the second one"})
    assert (status, rotated) == (200, shown(made) | {"secret": "the second one"})
    assert endpoints.module.secrets.get(made["id"], consistent=True) == ("the second one", "the first one")
    endpoints.ask("POST", path, {"secret": "the third one"})
    assert endpoints.module.secrets.get(made["id"], consistent=True) == ("the third one", "the second one")


def test_rotation_may_retire_the_previous_secret_at_once(endpoints: Endpoints) -> None:
    made = endpoints.create(secret="the first one")
    endpoints.ask("POST", f"/{made['id']}/secret", {"secret": "the second one", "keepPrevious": False})
    assert endpoints.kept(made["id"]) == {"current": "the second one"}


def test_a_rotation_sent_again_does_not_lose_the_previous_secret(endpoints: Endpoints) -> None:
    """The sender of the rotation may not have heard the answer, while the tool still signs with the first secret."""
    made = endpoints.create(secret="the first one")
    for _ in range(2):
        endpoints.ask("POST", f"/{made['id']}/secret", {"secret": "the second one"})
    assert endpoints.kept(made["id"]) == {"current": "the second one", "previous": "the first one"}


def test_a_rotation_without_a_secret_makes_one(endpoints: Endpoints) -> None:
    made = endpoints.create(sender="standard")
    rotated = endpoints.ask("POST", f"/{made['id']}/secret", {})[1]["secret"]
    assert rotated.startswith("whsec_")
    assert endpoints.kept(made["id"]) == {"current": rotated, "previous": made["secret"]}


@pytest.mark.parametrize("body", [{"secret": "short"}, {"secret": 5}, {"keepPrevious": "no"}, {"colour": "red"}, []])
def test_a_rotation_that_is_wrong_changes_nothing(endpoints: Endpoints, body: Any) -> None:
    made = endpoints.create(secret=SECRET)
    assert endpoints.ask("POST", f"/{made['id']}/secret", body)[0] == 400
    assert endpoints.kept(made["id"]) == {"current": SECRET}


# -- deleting ----------------------------------------------------------------------------------------------------------


def test_a_deletion_leaves_neither_endpoint_nor_secret(endpoints: Endpoints) -> None:
    before = endpoints.rows()
    gone, stays = endpoints.create(), endpoints.create(name="Another")
    assert endpoints.ask("DELETE", f"/{gone['id']}") == (204, None)
    assert endpoints.secrets() == [f"{PREFIX}{stays['id']}"]
    assert [one["id"] for one in endpoints.ask("GET")[1]["entities"]] == [stays["id"]]
    for method, path, body in PER_ENDPOINT:
        assert endpoints.ask(method, path.format(gone["id"]), body)[0] == 404
    endpoints.ask("DELETE", f"/{stays['id']}")
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])


def test_a_creation_that_failed_halfway_leaves_no_secret(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    before = endpoints.rows()

    def fails(*_: Any) -> None:
        assert len(endpoints.secrets()) == 1
        raise ServiceUnavailable("DynamoDB does not answer.")

    monkeypatch.setattr(endpoints.module.endpoints, "create", fails)
    assert endpoints.ask("POST", "", endpoints.body())[0] == 503
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])


def test_a_deletion_that_failed_halfway_can_be_sent_again(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = endpoints.create()

    def fails(*_: Any) -> None:
        raise ServiceUnavailable("Secrets Manager does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(endpoints.module.secrets, "delete", fails)
        assert endpoints.ask("DELETE", f"/{made['id']}")[0] == 503
    assert endpoints.ask("DELETE", f"/{made['id']}")[0] == 204
    assert endpoints.secrets() == []


# -- who may -----------------------------------------------------------------------------------------------------------

PER_ENDPOINT: list[tuple[str, str, Any]] = [
    ("GET", "/{}", None),
    ("PATCH", "/{}", {"name": "Mine"}),
    ("POST", "/{}/secret", {"secret": "my own secret"}),
    ("POST", "/{}/test", {"payload": ORDER}),
    ("DELETE", "/{}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), PER_ENDPOINT)
def test_another_organisations_endpoint_is_not_there(endpoints: Endpoints, method: str, path: str, body: Any) -> None:
    made = endpoints.create(secret=SECRET)
    before = endpoints.rows()
    theirs = endpoints.ask(method, path.format(made["id"]), body, client_id="rival")
    of_none = endpoints.ask(method, path.format("x" * 32), body, client_id="rival")
    assert (theirs[0], theirs[1]["code"], theirs[1]["message"]) == (404, "not.found", of_none[1]["message"])
    assert endpoints.ask("GET", client_id="rival")[1]["total"] == 0
    assert endpoints.rows() == before
    assert endpoints.kept(made["id"]) == {"current": SECRET}


@pytest.mark.parametrize(
    ("action", "method", "path", "body"),
    [
        ("view", "GET", "", None),
        ("add", "POST", "", {}),
        ("view", *PER_ENDPOINT[0]),
        ("edit", *PER_ENDPOINT[1]),
        ("edit", *PER_ENDPOINT[2]),
        ("edit", *PER_ENDPOINT[3]),
        ("delete", *PER_ENDPOINT[4]),
    ],
)
def test_each_operation_takes_its_own_permission_and_no_other(
    endpoints: Endpoints, action: str, method: str, path: str, body: Any
) -> None:
    made, permission = endpoints.create(), f"journey:webhooks:{action}"
    clients = ClientStore(endpoints.tables.dynamodb, endpoints.tables.registry)
    clients.put(Client("all-but", "acme", "All but one", PERMISSIONS - {permission}))
    clients.put(Client("alone", "acme", "One alone", frozenset({permission})))
    sent = endpoints.body() if body == {} else body
    status, error = endpoints.ask(method, path.format(made["id"]), sent, client_id="all-but")
    assert (status, error["messageParams"]) == (403, {"permission": permission})
    assert endpoints.ask(method, path.format(made["id"]), sent, client_id="alone")[0] in (200, 201, 204)


# -- trying out --------------------------------------------------------------------------------------------------------


def attempt(endpoints: Endpoints, payload: Any, **changes: Any) -> list[Any]:
    made = endpoints.create(**changes)
    before = (endpoints.rows(), endpoints.tables.items(endpoints.tables.events))
    status, answer = endpoints.ask("POST", f"/{made['id']}/test", {"payload": payload})
    assert status == 200, answer
    assert (endpoints.rows(), endpoints.tables.items(endpoints.tables.events)) == before
    assert endpoints.tables.items(endpoints.tables.failures) == []
    entities: list[Any] = answer["entities"]
    return entities


def test_a_sample_shows_the_event_that_it_would_be_and_stores_nothing(endpoints: Endpoints) -> None:
    (found,) = attempt(endpoints, ORDER)
    assert found == {
        "event": {
            "id": "1001-2026-01-31T10:30:00+01:00",
            "dateCreated": "2026-01-31T09:30:00.000Z",
            "identifiers": {"externalIds": [{"externalSourceId": "shopify", "value": "7"}]},
            "attributes": {"orderId": "#1001", "amount": 19.9},
        },
        "outcome": "valid",
    }


@pytest.mark.parametrize(
    ("missing", "reason"),
    [({"customer": None}, "missing.identifier"), ({"created_at": None}, "missing.date")],
    ids=str,
)
def test_a_sample_shows_what_is_missing(endpoints: Endpoints, missing: dict[str, Any], reason: str) -> None:
    """Each event's own first fault, as ingest would tell it."""
    mapping = {"id": "to_string(id)"}
    (found,) = attempt(endpoints, ORDER | missing, mapping=mapping)
    assert (found["outcome"], found["errorCode"]) == ("refused", reason)
    assert found["errorMessage"]


def test_a_sample_is_held_to_the_schema(endpoints: Endpoints) -> None:
    (found,) = attempt(endpoints, ORDER, mapping={"attributes": {"amount": "name"}})
    assert (found["outcome"], found["errorCode"]) == ("refused", "invalid.attribute")
    assert found["fieldName"] == "attributes.amount"


def test_a_sample_may_hold_many_events_each_judged_alone(endpoints: Endpoints) -> None:
    mapping = {"events": "orders"}
    found = attempt(endpoints, {"orders": [ORDER, ORDER | {"customer": None}, ORDER | {"id": 3}]}, mapping=mapping)
    assert [one["outcome"] for one in found] == ["valid", "refused", "valid"]


def test_a_sample_in_which_no_events_are_found_is_refused(endpoints: Endpoints) -> None:
    (found,) = attempt(endpoints, ORDER, mapping={"events": "orders"})
    assert (found["outcome"], found["errorCode"]) == ("refused", "invalid.payload")
    assert "mapping.events" in found["errorMessage"]
    assert attempt(endpoints, {"orders": []}, mapping={"events": "orders"}) == []


def test_a_sample_that_a_delivery_could_not_be_is_refused(endpoints: Endpoints) -> None:
    deep: Any = "x"
    for _ in range(31):
        deep = [deep]
    (found,) = attempt(endpoints, deep)
    assert (found["outcome"], found["errorCode"]) == ("refused", "invalid.payload")


def test_a_samples_numbers_stay_as_they_were_written(endpoints: Endpoints) -> None:
    (found,) = attempt(endpoints, ORDER | {"share": 0.1}, mapping={"attributes": {"ratio": "share"}})
    assert found["event"]["attributes"]["ratio"] == 0.1
    assert found["outcome"] == "valid"


@pytest.mark.parametrize("payload", [None, [], "text", 5, {}, [[[]]], {"id": {"deep": [1, {"er": None}]}}], ids=str)
def test_a_sample_of_any_form_is_answered(endpoints: Endpoints, payload: Any) -> None:
    assert all(one["outcome"] == "refused" for one in attempt(endpoints, payload))


@pytest.mark.parametrize("body", [{}, {"payload": {}, "colour": "red"}, [], None])
def test_a_trial_without_a_sample_is_400(endpoints: Endpoints, body: Any) -> None:
    made = endpoints.create()
    assert endpoints.ask("POST", f"/{made['id']}/test", body)[0] == 400
