"""The API of webhook endpoints, and where their secrets are stored."""

import io
import json
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from journeys import aws, keys
from journeys.errors import ServiceUnavailable
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.response_size import response_size
from journeys.webhooks.mapper import MAX_ROUTING
from journeys.webhooks.mapping import MAX_MAPPING
from journeys.webhooks.model import Endpoint, Routing
from journeys.webhooks.senders.base import MAX_OPTION, Sender
from journeys.webhooks.senders.catalog import catalog
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import EndpointStore
from tests.conftest import ORGANIZATION
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables
from tests.unit.test_failures import LAMBDA_RESPONSE

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
    """A client of the function `endpoints`, with a configuration for new endpoints."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.module: ModuleType = load("endpoints")
        self._schemas, self._configurations = load("schemas"), load("configurations")
        ClientStore(tables.dynamodb, tables.registry).put(Client("rival", "globex", "A rival", PERMISSIONS))
        self.schema = self._create(self._schemas, "schemas", SCHEMA)
        self.configuration_id = self.new_configuration("Shop")

    def new_configuration(self, source: str, client_id: str = "client", schema: Any = None) -> str:
        body = {"name": source, "schemaId": (schema or self.schema)["id"], "source": source}
        return str(self._create(self._configurations, "configurations", body, client_id)["id"])

    def other_configuration(self) -> str:
        schema = self._create(self._schemas, "schemas", SCHEMA, "rival")
        return self.new_configuration("Shop", "rival", schema)

    def request(self, method: str, path: str = "", body: Any = None, **how: Any) -> tuple[int, Any]:
        return call(self.module, api_event(method, f"{ENDPOINTS}{path}", body, **how))

    def create(self, **changes: Any) -> dict[str, Any]:
        status, created = self.request("POST", "", self.body(**changes))
        assert status == 201, created
        endpoint: dict[str, Any] = created
        return endpoint

    def read(self, endpoint_id: str) -> dict[str, Any]:
        """Return an endpoint as listings show it."""
        status, described = self.request("GET", f"/{endpoint_id}")
        assert status == 200, described
        return {name: value for name, value in described.items() if name not in ("effectiveMapping", "problems")}

    def body(self, **changes: Any) -> dict[str, Any]:
        return {"name": "Shop", "sender": "shopify", "configurationId": self.configuration_id} | changes

    def delete_configuration(self) -> None:
        """Delete the configuration in the registry, whatever endpoints use it."""
        ConfigurationStore(self.tables.dynamodb, self.tables.registry).delete(ORGANIZATION, self.configuration_id)
        self.module.bindings._cache._existing.remove((ORGANIZATION, self.configuration_id))

    def stored_secrets(self, endpoint_id: str) -> Any:
        """Return the only secrets of an endpoint that Secrets Manager stores."""
        (name,) = [name for name in self.secrets() if name.startswith(f"{PREFIX}{endpoint_id}/")]
        return json.loads(aws.secretsmanager().get_secret_value(SecretId=name)["SecretString"])

    def valid_secrets(self, endpoint_id: str) -> tuple[str, ...]:
        """Return the secrets of the version that the endpoint names."""
        endpoint = self.module.endpoints.find(endpoint_id, consistent=True)
        secrets: tuple[str, ...] = self.module.secrets.get(endpoint_id, endpoint.secret_version)
        return secrets

    def secrets(self) -> list[str]:
        return sorted(one["Name"] for one in aws.secretsmanager().list_secrets()["SecretList"])

    def rows(self) -> list[Any]:
        rows = self.tables.items(self.tables.registry)
        return sorted((row for row in rows if not row["pk"]["S"].endswith("#QUOTAS")), key=str)

    def _create(self, module: ModuleType, kind: str, body: Any, client_id: str = "client") -> Any:
        status, created = call(module, api_event("POST", f"externalevents/{kind}", body, client_id=client_id))
        assert status == 201, created
        return created


@pytest.fixture
def endpoints(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Endpoints:
    monkeypatch.setenv("SECRETS_PREFIX", PREFIX)
    return Endpoints(tables)


def without_secret(endpoint: dict[str, Any]) -> dict[str, Any]:
    """Return an endpoint as later responses show it, without its secret."""
    return {name: value for name, value in endpoint.items() if name != "secret"}


# -- create and read ---------------------------------------------------------------------------------------------------


def test_an_endpoint_is_returned_as_it_was_created(endpoints: Endpoints) -> None:
    mapping = {"customer": "email", "attributes": {"ratio": "ratio", "status": None}}
    created = endpoints.create(name=" Shop ", secret=SECRET, mapping=mapping, enabled=False)
    assert (
        created.items()
        >= {
            "name": "Shop",
            "sender": "shopify",
            "configurationId": endpoints.configuration_id,
            "enabled": False,
            "options": {},
            "mapping": mapping,
            "secret": SECRET,
            "selfUri": f"/api/v2/journey/{ENDPOINTS}/{created['id']}",
        }.items()
    )
    assert created["dateCreated"] == created["dateModified"]
    status, read = endpoints.request("GET", f"/{created['id']}")
    assert (status, read.pop("problems")) == (200, [])
    assert read.pop("effectiveMapping")["attributes"]["ratio"] == "ratio"
    assert read == without_secret(created)
    assert endpoints.request("GET")[1]["entities"] == [without_secret(created)]


def test_identifiers_are_long_and_unique(endpoints: Endpoints) -> None:
    ids = {endpoints.create()["id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(one) >= 32 for one in ids)


def test_the_url_is_the_public_address_of_the_api(endpoints: Endpoints) -> None:
    event = api_event("POST", ENDPOINTS, endpoints.body())
    event["resource"] = event["path"]
    event["requestContext"] |= {"domainName": "abc.example", "stage": "live", "path": f"/live{event['path']}"}
    created = call(endpoints.module, event)[1]
    assert created["url"] == f"https://abc.example/live/webhooks/{created['id']}"


def test_headers_of_the_request_do_not_change_the_url(endpoints: Endpoints) -> None:
    event = api_event("POST", ENDPOINTS, endpoints.body(), headers={"Host": "evil.example", "X-Forwarded-Host": "evil"})
    event["requestContext"] |= {"domainName": "abc.example", "path": event["path"]}
    assert call(endpoints.module, event)[1]["url"].startswith("https://abc.example/webhooks/")


def test_the_url_includes_the_base_path_of_a_custom_domain(endpoints: Endpoints) -> None:
    event = api_event("POST", ENDPOINTS, endpoints.body())
    path = f"/journeys/v1{event['path']}"
    event |= {"resource": event["path"], "path": path}
    event["requestContext"] |= {"domainName": "events.example", "stage": "live", "path": path}
    created = call(endpoints.module, event)[1]
    assert created["url"] == f"https://events.example/journeys/v1/webhooks/{created['id']}"


def test_the_url_of_the_local_stack_names_its_port_and_api(endpoints: Endpoints) -> None:
    event = api_event("POST", ENDPOINTS, endpoints.body(), headers={"Host": "127.0.0.1:4570"})
    event["requestContext"] |= {"apiId": "a1b2", "stage": "dev", "path": f"/dev{event['path']}"}
    created = call(endpoints.module, event)[1]
    assert created["url"] == f"http://127.0.0.1:4570/restapis/a1b2/dev/_user_request_/webhooks/{created['id']}"


def test_a_secret_is_generated_if_none_is_given(endpoints: Endpoints) -> None:
    secrets = {endpoints.create(sender="standard")["secret"] for _ in range(2)}
    assert len(secrets) == 2
    assert all(secret.startswith("whsec_") and len(secret) > 40 for secret in secrets)


@pytest.mark.parametrize("sender", SENDERS)
def test_every_sender_can_have_an_endpoint_with_its_default_mapping(endpoints: Endpoints, sender: str) -> None:
    options = dict.fromkeys(SENDERS[sender].required_options, "x-given")
    created = endpoints.create(sender=sender, options=options)
    assert (created["sender"], created["options"]) == (sender, options)


@pytest.mark.parametrize("sender", [name for name, sender in SENDERS.items() if sender.required_options])
def test_a_required_option_that_is_missing_is_400(endpoints: Endpoints, sender: str) -> None:
    status, error = endpoints.request("POST", "", endpoints.body(sender=sender))
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
        ({"color": "red"}, "invalid.field", "color"),
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
        ({"mapping": {"color": "id"}}, "invalid.mapping", "mapping.color"),
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
def test_an_invalid_endpoint_is_400_and_names_the_field_and_stores_nothing(
    endpoints: Endpoints, changes: dict[str, Any], code: str, field: str
) -> None:
    before = endpoints.rows()
    status, error = endpoints.request("POST", "", endpoints.body(**changes))
    assert (status, error["code"], error["message"] != "") == (400, code, True)
    assert [detail["fieldName"] for detail in error["details"]] == [field]
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])


def test_an_endpoint_uses_the_newest_preset_until_it_names_another(endpoints: Endpoints) -> None:
    newest = SENDERS["shopify"].latest_preset
    created = endpoints.create()
    assert created["presetVersion"] == newest
    old = endpoints.create(presetVersion=1)
    assert old["presetVersion"] == 1
    assert endpoints.request("PATCH", f"/{old['id']}", {"name": "Renamed"})[1]["presetVersion"] == 1
    assert endpoints.request("PATCH", f"/{old['id']}", {"presetVersion": newest})[1]["presetVersion"] == newest
    status, error = endpoints.request("PATCH", f"/{old['id']}", {"presetVersion": newest + 1})
    assert (status, error["code"], error["details"][0]["fieldName"]) == (400, "unknown.preset", "presetVersion")


def test_an_endpoint_of_the_first_release_keeps_the_first_preset(endpoints: Endpoints, tables: Tables) -> None:
    created = endpoints.create()
    tables.dynamodb.update_item(
        TableName=tables.registry, Key=keys.webhook(created["id"]), UpdateExpression="REMOVE presetVersion"
    )
    assert endpoints.request("GET", f"/{created['id']}")[1]["presetVersion"] == 1


def test_an_unknown_sender_is_refused_with_the_senders_that_exist(endpoints: Endpoints) -> None:
    message = endpoints.request("POST", "", endpoints.body(sender="fax"))[1]["message"]
    assert message == f"The sender is unknown. Use one of {', '.join(SENDERS)}."


def test_all_problems_of_a_mapping_are_reported_at_once(endpoints: Endpoints) -> None:
    mapping = {"id": "a[", "color": "x", "attributes": {"total": "]"}}
    error = endpoints.request("POST", "", endpoints.body(mapping=mapping))[1]
    fields = {detail["fieldName"] for detail in error["details"]}
    assert fields == {"mapping.id", "mapping.color", "mapping.attributes.total"}


def test_a_mapping_that_is_too_large_is_400_and_stores_nothing(endpoints: Endpoints) -> None:
    before = endpoints.rows()
    attributes = {f"field{number}": "a" * 900 for number in range(50)}
    status, error = endpoints.request("POST", "", endpoints.body(mapping={"attributes": attributes}))
    assert (status, error["code"], error["details"][0]["fieldName"]) == (400, "invalid.mapping", "mapping")
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])


def test_a_sample_whose_events_do_not_fit_in_a_response_is_413(endpoints: Endpoints) -> None:
    copies = [{"externalSourceId": f"'copy{number}'", "value": "text"} for number in range(10)]
    created = endpoints.create(mapping={"events": "orders", "externalIds": copies})
    orders = [ORDER | {"text": "x" * 100_000}] * 9
    status, error = endpoints.request("POST", f"/{created['id']}/test", {"payload": {"orders": orders}})
    assert (status, error["code"]) == (413, "payload.too.large")


def test_an_unknown_configuration_or_one_of_another_organization_is_404(endpoints: Endpoints) -> None:
    before = endpoints.rows()
    status, error = endpoints.request("POST", "", endpoints.body(configurationId="nothing"))
    assert (status, error["code"]) == (404, "not.found")
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])
    other = endpoints.other_configuration()
    assert endpoints.request("POST", "", endpoints.body(configurationId=other))[0] == 404
    created = endpoints.create()
    assert endpoints.request("PATCH", f"/{created['id']}", {"configurationId": other})[0] == 404
    assert endpoints.read(created["id"]) == without_secret(created)


def test_concurrent_changes_of_different_fields_are_all_stored(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another request changes the endpoint after the first one has read it and before it stores its change."""
    id_ = endpoints.create()["id"]
    get, others = EndpointStore.get, iter([{"enabled": False}, {"mapping": {"id": "number"}}])

    def get_and_be_overtaken(store: EndpointStore, organization_id: str, endpoint_id: str) -> Endpoint:
        read = get(store, organization_id, endpoint_id)
        change = next(others, None)
        if change is not None:
            assert endpoints.request("PATCH", f"/{id_}", change)[0] == 200
        return read

    monkeypatch.setattr(EndpointStore, "get", get_and_be_overtaken)
    status, changed = endpoints.request("PATCH", f"/{id_}", {"name": "Renamed"})
    assert status == 200
    assert (changed["name"], changed["enabled"], changed["mapping"]) == ("Renamed", False, {"id": "number"})
    monkeypatch.undo()
    assert endpoints.read(id_) == changed


def test_a_change_that_is_overtaken_every_time_is_409(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = endpoints.create()["id"]
    monkeypatch.setattr(EndpointStore, "update", lambda *_: False)
    status, error = endpoints.request("PATCH", f"/{id_}", {"enabled": False})
    assert (status, error["code"]) == (409, "endpoint.changed")


def test_an_endpoint_without_a_revision_can_be_changed(endpoints: Endpoints, tables: Tables) -> None:
    """Endpoints of the first release have none."""
    id_ = endpoints.create()["id"]
    tables.dynamodb.update_item(TableName=tables.registry, Key=keys.webhook(id_), UpdateExpression="REMOVE revision")
    assert endpoints.request("PATCH", f"/{id_}", {"enabled": False})[1]["enabled"] is False
    assert endpoints.request("PATCH", f"/{id_}", {"enabled": True})[1]["enabled"] is True


# -- list --------------------------------------------------------------------------------------------------------------


def test_a_listing_is_sorted_by_name_and_paged(endpoints: Endpoints) -> None:
    names = ["delta", "Alpha", "charlie", "Bravo", "echo"]
    created = {name: endpoints.create(name=name)["id"] for name in names}
    page = endpoints.request("GET", query={"pageSize": "2"})[1]
    pages = [page]
    while "nextUri" in page:
        parts = urlsplit(page["nextUri"])
        assert parts.path == f"/api/v2/journey/{ENDPOINTS}"
        page = endpoints.request("GET", query=dict(parse_qsl(parts.query)))[1]
        pages.append(page)
    wanted = [created[name] for name in sorted(names, key=str.casefold)]
    assert [[one["id"] for one in page["entities"]] for page in pages] == [wanted[:2], wanted[2:4], wanted[4:]]
    assert {(page["total"], page["pageCount"]) for page in pages} == {(5, 3)}


def test_an_empty_listing_has_one_page(endpoints: Endpoints) -> None:
    page = endpoints.request("GET")[1]
    assert (page["entities"], page["total"], page["pageCount"]) == ([], 0, 1)


# -- update ------------------------------------------------------------------------------------------------------------


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
def test_an_update_changes_only_the_given_fields(endpoints: Endpoints, changes: dict[str, Any]) -> None:
    created = endpoints.create(sender="hmac", options={"header": "x-old"}, mapping={"id": "number"}, secret=SECRET)
    status, changed = endpoints.request("PATCH", f"/{created['id']}", changes)
    assert status == 200
    status_after = {"status": "active" if changes.get("enabled", True) else "disabled"}
    assert changed | {"dateModified": ""} == without_secret(created) | changes | status_after | {"dateModified": ""}
    assert endpoints.read(created["id"]) == changed
    assert endpoints.stored_secrets(created["id"]) == {"current": SECRET}


def test_an_endpoint_can_change_its_configuration(endpoints: Endpoints) -> None:
    created, other = endpoints.create(), endpoints.new_configuration("Another shop")
    assert endpoints.request("PATCH", f"/{created['id']}", {"configurationId": other})[1]["configurationId"] == other


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
def test_an_invalid_update_is_400_and_changes_nothing(
    endpoints: Endpoints, changes: dict[str, Any], field: str
) -> None:
    created = endpoints.create()
    status, error = endpoints.request("PATCH", f"/{created['id']}", {"name": "New"} | changes)
    assert (status, error["details"][0]["fieldName"]) == (400, field)
    assert endpoints.read(created["id"]) == without_secret(created)


def test_an_update_does_not_restore_an_endpoint_that_was_deleted_in_the_meantime(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = endpoints.create()
    store = endpoints.module.endpoints
    stored, get = store.get("acme", created["id"]), store.get
    endpoints.request("DELETE", f"/{created['id']}")
    answers = iter([stored])  # read before the deletion; it is read again when the change cannot be stored
    monkeypatch.setattr(store, "get", lambda *arguments: next(answers, None) or get(*arguments))
    assert endpoints.request("PATCH", f"/{created['id']}", {"name": "New"})[0] == 404
    monkeypatch.undo()
    assert endpoints.module.endpoints.find(created["id"], consistent=True) is None


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_a_secret_is_stored_in_secrets_manager_and_in_no_table(endpoints: Endpoints) -> None:
    created = endpoints.create(secret=CANARY)
    assert endpoints.stored_secrets(created["id"]) == {"current": CANARY}
    assert len(endpoints.secrets()) == 1
    assert CANARY not in str(endpoints.rows())


def test_a_secret_is_returned_only_at_creation_and_rotation(
    endpoints: Endpoints, logged: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    created = endpoints.create(secret=f"{CANARY}-1")
    path = f"/{created['id']}"
    rotated = endpoints.request("POST", f"{path}/secret", {"secret": f"{CANARY}-2"})[1]
    assert (created["secret"], rotated["secret"]) == (f"{CANARY}-1", f"{CANARY}-2")
    responses = [
        endpoints.request("GET"),
        endpoints.request("GET", path),
        endpoints.request("PATCH", path, {"name": "New"}),
        endpoints.request("POST", f"{path}/test", {"payload": ORDER}),
        endpoints.request("POST", "", endpoints.body(secret={"x": f"{CANARY}-3"})),
        endpoints.request("POST", f"{path}/secret", {"secret": f"{CANARY}-4", "keepPrevious": "no"}),
        endpoints.request("DELETE", path),
    ]
    printed = capfd.readouterr()
    assert "request completed" in logged.getvalue()
    assert CANARY not in f"{responses}{logged.getvalue()}{printed.out}{printed.err}"


def test_a_rotation_keeps_the_current_secret_as_the_previous_one_and_retires_the_one_before(
    endpoints: Endpoints,
) -> None:
    created = endpoints.create(secret="the first one")
    path = f"/{created['id']}/secret"
    status, rotated = endpoints.request("POST", path, {"secret": "the second one"})
    assert (status, rotated) == (200, without_secret(created) | {"secret": "the second one"})
    assert endpoints.valid_secrets(created["id"]) == ("the second one", "the first one")
    endpoints.request("POST", path, {"secret": "the third one"})
    assert endpoints.valid_secrets(created["id"]) == ("the third one", "the second one")


def test_a_rotation_can_retire_the_previous_secret_immediately(endpoints: Endpoints) -> None:
    created = endpoints.create(secret="the first one")
    endpoints.request("POST", f"/{created['id']}/secret", {"secret": "the second one", "keepPrevious": False})
    assert endpoints.stored_secrets(created["id"]) == {"current": "the second one"}


@pytest.mark.parametrize("sender", ["standard", "shopify"], ids=["generated", "owned by the sender"])
def test_the_previous_secret_can_be_retired_without_another_rotation(endpoints: Endpoints, sender: str) -> None:
    first, second = "whsec_Zmlyc3Qgc2VjcmV0", "whsec_c2Vjb25kIHNlY3JldA"
    created = endpoints.create(sender=sender, secret=first)
    path = f"/{created['id']}/secret"
    endpoints.request("POST", path, {"secret": second})
    assert endpoints.valid_secrets(created["id"]) == (second, first)
    for _ in range(2):
        status, retired = endpoints.request("POST", path, {"keepPrevious": False})
        assert (status, retired) == (200, without_secret(created))
        assert endpoints.stored_secrets(created["id"]) == {"current": second}


def test_an_endpoint_that_waits_for_its_secret_has_none_to_keep(endpoints: Endpoints) -> None:
    created = endpoints.create()
    status, error = endpoints.request("POST", f"/{created['id']}/secret", {"keepPrevious": False})
    assert (status, error["code"]) == (400, "secret.required")
    assert (endpoints.read(created["id"]), endpoints.secrets()) == (created, [])


def test_a_retried_rotation_does_not_lose_the_previous_secret(endpoints: Endpoints) -> None:
    """A client that got no response retries, while the tool still signs with the first secret."""
    created = endpoints.create(secret="the first one")
    for _ in range(2):
        endpoints.request("POST", f"/{created['id']}/secret", {"secret": "the second one"})
    assert endpoints.stored_secrets(created["id"]) == {"current": "the second one", "previous": "the first one"}


def test_a_rotation_generates_a_secret_if_none_is_given(endpoints: Endpoints) -> None:
    created = endpoints.create(sender="standard")
    rotated = endpoints.request("POST", f"/{created['id']}/secret", {})[1]["secret"]
    assert rotated.startswith("whsec_")
    assert endpoints.stored_secrets(created["id"]) == {"current": rotated, "previous": created["secret"]}


@pytest.mark.parametrize("body", [{"secret": "short"}, {"secret": 5}, {"keepPrevious": "no"}, {"color": "red"}, []])
def test_an_invalid_rotation_is_400_and_changes_nothing(endpoints: Endpoints, body: Any) -> None:
    created = endpoints.create(secret=SECRET)
    assert endpoints.request("POST", f"/{created['id']}/secret", body)[0] == 400
    assert endpoints.stored_secrets(created["id"]) == {"current": SECRET}


# -- the catalog of senders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", SENDERS.values(), ids=list(SENDERS))
def test_every_sender_says_what_it_sends_and_how_to_set_it_up(sender: Sender) -> None:
    (entry,) = (one for one in catalog() if one["name"] == sender.name)
    steps = entry["steps"]
    assert 3 <= len(steps) <= 6
    assert [text for text in [entry["sends"], *steps] if not text[0].isupper() or not text.endswith(".")] == []
    text = " ".join(steps)
    assert "endpoint's address" in text or "paste the address" in text
    assert ("secret" in text or "signing key" in text) == sender.needs_secret
    assert [name for name in sender.required_options if name not in text] == []


# -- secrets that the sender owns --------------------------------------------------------------------------------------

OWNERS = {"stripe": "whsec_of_stripe", "shopify": SECRET, "hubspot": SECRET, "slack": SECRET, "zendesk": SECRET}


def test_the_senders_that_generate_their_secrets_are_known() -> None:
    assert {name for name, sender in SENDERS.items() if sender.owns_secret and sender.needs_secret} == set(OWNERS)


@pytest.mark.parametrize(("sender", "secret"), OWNERS.items(), ids=OWNERS)
def test_an_endpoint_waits_for_a_secret_that_its_sender_owns(endpoints: Endpoints, sender: str, secret: str) -> None:
    created = endpoints.create(sender=sender)
    assert (created["status"], created.get("secret"), endpoints.secrets()) == ("waitingForSecret", None, [])
    status, rotated = endpoints.request("POST", f"/{created['id']}/secret", {"secret": secret})
    assert (status, rotated) == (200, created | {"status": "active", "secret": secret})
    assert endpoints.request("GET", f"/{created['id']}")[1]["status"] == "active"
    assert endpoints.valid_secrets(created["id"]) == (secret,)


@pytest.mark.parametrize("sender", [*OWNERS, "adobe"])
def test_no_secret_is_generated_for_a_sender_that_owns_it(endpoints: Endpoints, sender: str) -> None:
    options = {"clientId": "x"} if sender == "adobe" else {}
    created = endpoints.create(sender=sender, options=options)
    status, error = endpoints.request("POST", f"/{created['id']}/secret", {})
    assert (status, error["code"], error["details"]) == (
        400,
        "secret.required",
        [{"errorCode": "missing.field", "fieldName": "secret"}],
    )
    assert SENDERS[sender].secret_guide.source in error["message"]
    assert endpoints.read(created["id"]) == created


def test_an_endpoint_whose_sender_signs_with_its_own_keys_is_active_without_a_secret(endpoints: Endpoints) -> None:
    created = endpoints.create(sender="adobe", options={"clientId": "x"})
    assert (created["status"], created.get("secret"), endpoints.secrets()) == ("active", None, [])


def test_a_disabled_endpoint_says_so_while_it_waits_for_a_secret(endpoints: Endpoints) -> None:
    created = endpoints.create(enabled=False)
    assert created["status"] == "disabled"
    assert endpoints.request("PATCH", f"/{created['id']}", {"enabled": True})[1]["status"] == "waitingForSecret"


INVALID_SECRETS = [
    ("stripe", "sk_live_4711canary"),
    ("stripe", "WHSEC_4711canary"),
    ("standard", "whsec_4711 canary"),
    ("standard", "whsec_4711canary_"),
    ("standard", "whsk_4711canary"),
    ("standard", "whpk_4711canary4711canary4711canary4711canar="),
    ("standard", "whsec_=="),
    ("shopify", "shpat_4711canary"),
    ("hubspot", "pat-na1-4711canary"),
    ("slack", "xoxb-4711canary"),
    ("slack", "xapp-4711canary"),
    ("github", "4711canary\n"),
    ("github", " 4711canary"),
    ("zendesk", "4711canary\u00a0"),
    ("qualtrics", "\ufeff4711canary"),
    ("cloudevents", "4711canary\u0000"),
]


@pytest.mark.parametrize(("sender", "secret"), INVALID_SECRETS, ids=[f"{one}-{two!r}" for one, two in INVALID_SECRETS])
def test_a_secret_that_cannot_be_right_is_refused(endpoints: Endpoints, sender: str, secret: str) -> None:
    rows = endpoints.rows()
    refused = [endpoints.request("POST", "", endpoints.body(sender=sender, secret=secret))]
    assert (endpoints.rows(), endpoints.secrets()) == (rows, [])
    created = endpoints.create(sender=sender)
    stored = endpoints.secrets()
    refused.append(endpoints.request("POST", f"/{created['id']}/secret", {"secret": secret}))
    assert endpoints.read(created["id"]) == without_secret(created)
    assert endpoints.secrets() == stored
    for status, error in refused:
        assert (status, error["code"]) == (400, "invalid.secret")
        assert error["details"] == [{"errorCode": "invalid.secret", "fieldName": "secret"}]
        assert "4711" not in str(error)


@pytest.mark.parametrize(
    ("sender", "secret"),
    [
        ("stripe", "whsec_8c0f7a"),
        ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("standard", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("standard", "whsec_dGVzdC1rZXk"),
        ("standard", "whpk_C2FVsBQIhrscChlQIMV+b5sSYspob7oD/3eZbrw1aBk="),
        ("shopify", "shpss_0123456789abcdef0123456789abcdef"),
        ("hubspot", "5ae0d7f8-8a6a-4f0f-9f7c-2f6a3c1d9f10"),
        ("slack", "8f742231b10e8888abcd99yyyzzz85a5"),
        ("zendesk", "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="),
        ("github", "It's a Secret to Everybody"),
        ("qualtrics", "größer als acht"),
        ("servicenow", "journeys:correct horse"),
    ],
)
def test_the_secrets_of_the_senders_documentation_are_accepted(endpoints: Endpoints, sender: str, secret: str) -> None:
    assert endpoints.create(sender=sender, secret=secret)["status"] == "active"


@pytest.mark.parametrize("name", [name for name, sender in SENDERS.items() if not sender.owns_secret])
def test_a_generated_secret_is_one_that_the_sender_accepts(name: str) -> None:
    generated = SENDERS[name].new_secret()
    SENDERS[name].validate_secret(generated)
    assert len(generated) >= 43
    if name == "salesforce":  # The secret is a part of the address.
        assert quote(generated, safe="") == generated


# -- delete ------------------------------------------------------------------------------------------------------------


def test_a_deletion_deletes_the_endpoint_and_its_secret(endpoints: Endpoints) -> None:
    before = endpoints.rows()
    gone, stays = endpoints.create(secret=SECRET), endpoints.create(name="Another", secret=SECRET)
    assert endpoints.request("DELETE", f"/{gone['id']}") == (204, None)
    assert endpoints.stored_secrets(stays["id"]) == {"current": SECRET}
    assert len(endpoints.secrets()) == 1
    assert [one["id"] for one in endpoints.request("GET")[1]["entities"]] == [stays["id"]]
    for method, path, body in PER_ENDPOINT:
        assert endpoints.request(method, path.format(gone["id"]), body)[0] == 404
    endpoints.request("DELETE", f"/{stays['id']}")
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])


def test_a_creation_that_fails_after_storing_the_secret_deletes_it(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = endpoints.rows()

    def fails(*_: Any) -> None:
        assert len(endpoints.secrets()) == 1
        raise ServiceUnavailable("DynamoDB is unavailable.")

    monkeypatch.setattr(endpoints.module.endpoints, "create", fails)
    assert endpoints.request("POST", "", endpoints.body(secret=SECRET))[0] == 503
    assert (endpoints.rows(), endpoints.secrets()) == (before, [])


def test_a_deletion_that_failed_can_be_retried(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    created = endpoints.create(secret=SECRET)

    def fails(*_: Any) -> None:
        raise ServiceUnavailable("Secrets Manager is unavailable.")

    with monkeypatch.context() as patch:
        patch.setattr(endpoints.module.secrets, "delete", fails)
        assert endpoints.request("DELETE", f"/{created['id']}")[0] == 503
    assert endpoints.request("DELETE", f"/{created['id']}")[0] == 204
    assert endpoints.secrets() == []


# -- permissions -------------------------------------------------------------------------------------------------------

PER_ENDPOINT: list[tuple[str, str, Any]] = [
    ("GET", "/{}", None),
    ("PATCH", "/{}", {"name": "Mine"}),
    ("POST", "/{}/secret", {"secret": "my own secret"}),
    ("POST", "/{}/test", {"payload": ORDER}),
    ("DELETE", "/{}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), PER_ENDPOINT)
def test_an_endpoint_of_another_organization_is_404(endpoints: Endpoints, method: str, path: str, body: Any) -> None:
    created = endpoints.create(secret=SECRET)
    before = endpoints.rows()
    theirs = endpoints.request(method, path.format(created["id"]), body, client_id="rival")
    unknown = endpoints.request(method, path.format("x" * 32), body, client_id="rival")
    assert (theirs[0], theirs[1]["code"], theirs[1]["message"]) == (404, "not.found", unknown[1]["message"])
    assert endpoints.request("GET", client_id="rival")[1]["total"] == 0
    assert endpoints.rows() == before
    assert endpoints.stored_secrets(created["id"]) == {"current": SECRET}


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
def test_each_operation_requires_its_own_permission_and_no_other(
    endpoints: Endpoints, action: str, method: str, path: str, body: Any
) -> None:
    created, permission = endpoints.create(), f"journey:webhooks:{action}"
    clients = ClientStore(endpoints.tables.dynamodb, endpoints.tables.registry)
    clients.put(Client("all-but", "acme", "All but one", PERMISSIONS - {permission}))
    clients.put(Client("alone", "acme", "One alone", frozenset({permission})))
    sent = endpoints.body() if body == {} else body
    status, error = endpoints.request(method, path.format(created["id"]), sent, client_id="all-but")
    assert (status, error["messageParams"]) == (403, {"permission": permission})
    assert endpoints.request(method, path.format(created["id"]), sent, client_id="alone")[0] in (200, 201, 204)


# -- test a mapping ----------------------------------------------------------------------------------------------------


def map_sample(endpoints: Endpoints, payload: Any, **changes: Any) -> list[Any]:
    created = endpoints.create(**changes)
    before = (endpoints.rows(), endpoints.tables.items(endpoints.tables.events))
    status, response = endpoints.request("POST", f"/{created['id']}/test", {"payload": payload})
    assert status == 200, response
    assert (endpoints.rows(), endpoints.tables.items(endpoints.tables.events)) == before
    assert endpoints.tables.items(endpoints.tables.failures) == []
    entities: list[Any] = response["entities"]
    return entities


def test_a_sample_is_mapped_to_its_event_and_nothing_is_stored(endpoints: Endpoints) -> None:
    (mapped,) = map_sample(endpoints, ORDER)
    assert mapped == {
        "event": {
            "id": mapped["event"]["id"],
            "dateCreated": "2026-01-31T09:30:00.000Z",
            "identifiers": {"externalIds": [{"externalSourceId": "shopify", "value": "7"}]},
            "attributes": {"orderId": "#1001", "amount": 19.9},
        },
        "configurationId": endpoints.configuration_id,
        "outcome": "valid",
    }


@pytest.mark.parametrize(
    ("missing", "reason"),
    [({"customer": None}, "missing.identifier"), ({"created_at": None}, "missing.date")],
    ids=str,
)
def test_a_sample_without_a_required_field_is_refused(
    endpoints: Endpoints, missing: dict[str, Any], reason: str
) -> None:
    """The reason is the same as in ingest."""
    mapping = {"id": "to_string(id)", "dateCreated": "created_at"}
    (mapped,) = map_sample(endpoints, ORDER | missing, mapping=mapping)
    assert (mapped["outcome"], mapped["errorCode"]) == ("refused", reason)
    assert mapped["errorMessage"]


def test_a_sample_is_validated_against_the_schema(endpoints: Endpoints) -> None:
    (mapped,) = map_sample(endpoints, ORDER, mapping={"attributes": {"amount": "name"}})
    assert (mapped["outcome"], mapped["errorCode"]) == ("refused", "invalid.attribute")
    assert mapped["fieldName"] == "attributes.amount"


def test_each_event_of_a_sample_is_validated_separately(endpoints: Endpoints) -> None:
    mapping = {"events": "orders"}
    mapped = map_sample(endpoints, {"orders": [ORDER, ORDER | {"customer": None}, ORDER | {"id": 3}]}, mapping=mapping)
    assert [one["outcome"] for one in mapped] == ["valid", "refused", "valid"]


def test_a_sample_without_a_list_of_events_is_refused(endpoints: Endpoints) -> None:
    (mapped,) = map_sample(endpoints, ORDER, mapping={"events": "orders"})
    assert (mapped["outcome"], mapped["errorCode"]) == ("refused", "invalid.payload")
    assert "mapping.events" in mapped["errorMessage"]
    assert map_sample(endpoints, {"orders": []}, mapping={"events": "orders"}) == []


def test_a_sample_that_is_nested_too_deeply_is_refused(endpoints: Endpoints) -> None:
    deep: Any = "x"
    for _ in range(31):
        deep = [deep]
    (mapped,) = map_sample(endpoints, deep)
    assert (mapped["outcome"], mapped["errorCode"]) == ("refused", "invalid.payload")


def test_numbers_of_a_sample_keep_their_digits(endpoints: Endpoints) -> None:
    (mapped,) = map_sample(endpoints, ORDER | {"share": 0.1}, mapping={"attributes": {"ratio": "share"}})
    assert mapped["event"]["attributes"]["ratio"] == 0.1
    assert mapped["outcome"] == "valid"


@pytest.mark.parametrize("payload", [None, [], "text", 5, {}, [[[]]], {"id": {"deep": [1, {"er": None}]}}], ids=str)
def test_a_sample_of_any_json_type_is_answered(endpoints: Endpoints, payload: Any) -> None:
    assert all(one["outcome"] == "refused" for one in map_sample(endpoints, payload))


@pytest.mark.parametrize("body", [{}, {"payload": {}, "color": "red"}, [], None])
def test_a_mapping_test_without_a_sample_is_400(endpoints: Endpoints, body: Any) -> None:
    created = endpoints.create()
    assert endpoints.request("POST", f"/{created['id']}/test", body)[0] == 400


def test_a_sample_is_judged_with_the_senders_envelope(endpoints: Endpoints) -> None:
    """HubSpot delivers lists, and Qualtrics delivers forms."""
    mapping = {"attributes": {"orderId": "type"}}
    change = {"type": "x", "objectId": 1, "eventId": 7, "occurredAt": 1_790_000_000_000, "subscriptionType": "x"}
    assert [one["outcome"] for one in map_sample(endpoints, [change, change], sender="hubspot", mapping=mapping)] == [
        "valid",
        "valid",
    ]
    survey = endpoints.create(sender="qualtrics", mapping={"timeZone": "UTC", "attributes": {"orderId": "ResponseID"}})
    form = 'MSG={"ResponseID":"R_1","CompletedDate":"2026-01-31 09:30:00","CustomerID":"c"}&HMAC=x'
    sample = {"body": form, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    status, response = endpoints.request("POST", f"/{survey['id']}/test", sample)
    assert (status, [one["outcome"] for one in response["entities"]]) == (200, ["valid"])


def test_a_sample_can_have_headers_except_those_that_carry_secrets(endpoints: Endpoints) -> None:
    created = endpoints.create(mapping={"id": "header('x-event') || 'none'"})
    for name, expected in (("X-Event", "7"), ("Authorization", "none")):
        body = {"payload": ORDER, "headers": {name: "7"}}
        (mapped,) = endpoints.request("POST", f"/{created['id']}/test", body)[1]["entities"]
        assert mapped["event"]["id"] == expected


def test_a_sample_for_a_deleted_configuration_is_refused_as_a_delivery_is(endpoints: Endpoints) -> None:
    created = endpoints.create()
    endpoints.delete_configuration()
    (mapped,) = endpoints.request("POST", f"/{created['id']}/test", {"payload": ORDER})[1]["entities"]
    assert (mapped["outcome"], mapped["errorCode"]) == ("refused", "configuration.gone")


@pytest.mark.parametrize("body", [{}, {"payload": ORDER, "body": "{}"}], ids=["neither", "both"])
def test_a_sample_is_either_a_payload_or_a_body(endpoints: Endpoints, body: Any) -> None:
    created = endpoints.create()
    status, error = endpoints.request("POST", f"/{created['id']}/test", body)
    assert (status, error["code"]) == (400, "invalid.field")


# -- routing -----------------------------------------------------------------------------------------------------------


def routed(endpoints: Endpoints, **configurations: str) -> dict[str, Any]:
    return {
        "expression": "header('x-topic')",
        "configurations": configurations or {"order": endpoints.configuration_id},
    }


def test_an_endpoint_can_route_instead_of_having_one_configuration(endpoints: Endpoints) -> None:
    created = endpoints.create(configurationId=None, routing=routed(endpoints))
    assert created["routing"] == routed(endpoints)
    assert "configurationId" not in created
    for topic, outcome in (("order", "valid"), ("other", "ignored")):
        sample = {"payload": ORDER, "headers": {"X-Topic": topic}}
        (mapped,) = endpoints.request("POST", f"/{created['id']}/test", sample)[1]["entities"]
        assert mapped["outcome"] == outcome
    changed = endpoints.request("PATCH", f"/{created['id']}", {"configurationId": endpoints.configuration_id})[1]
    assert (changed["configurationId"], "routing" in changed) == (endpoints.configuration_id, False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"routing": {"expression": "type", "configurations": {"a": "x"}}}, "routing"),
        ({"configurationId": None}, "routing"),
        (
            {"configurationId": None, "routing": {"expression": "a[", "configurations": {"a": "x"}}},
            "routing.expression",
        ),
        ({"configurationId": None, "routing": {"expression": "type", "configurations": {}}}, "routing.configurations"),
        (
            {"configurationId": None, "routing": {"expression": "type", "configurations": {"": "x"}}},
            "routing.configurations",
        ),
        (
            {"configurationId": None, "routing": {"expression": "type", "configurations": {"a" * 10_000: "x"}}},
            "routing.configurations",
        ),
        ({"sender": "hmac", "options": {"header": "x" * 101}}, "options.header"),
        ({"mapping": {"attributes": {"": None}}}, "mapping.attributes"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_invalid_routing_or_option_is_400(endpoints: Endpoints, changes: dict[str, Any], field: str) -> None:
    status, error = endpoints.request("POST", "", endpoints.body(**changes))
    assert (status, [detail["fieldName"] for detail in error["details"]]) == (400, [field])


def test_a_page_of_the_largest_endpoints_fits_in_a_response(endpoints: Endpoints) -> None:
    """Everything that an endpoint can hold, as large as its bound allows, and with characters that take most bytes."""
    mapping: dict[str, str] = {}
    routing: dict[str, str] = {}
    while response_size(larger := mapping | {f"dateFormat{len(mapping)}": "\x01" * 900}) <= MAX_MAPPING:
        mapping = larger
    while response_size(more := routing | {"\x01" * 20 + str(len(routing)): "c" * 36}) <= MAX_ROUTING:
        routing = more
    options = dict.fromkeys(("header", "algorithm", "encoding", "prefix"), "\x01" * MAX_OPTION)
    endpoint = Endpoint(
        *("e" * 32, ORGANIZATION, "\x01" * 100, "hmac", None, True, 0, 0),
        options=options,
        mapping=mapping,
        routing=Routing("\x01" * 1000, routing),
    )
    page = [endpoint.to_wire("https://example.com/webhooks/" + "e" * 32)] * 100
    assert response_size({"entities": page}) < LAMBDA_RESPONSE


def test_a_routing_to_an_unknown_configuration_is_404(endpoints: Endpoints) -> None:
    body = endpoints.body(configurationId=None, routing=routed(endpoints, order="unknown"))
    assert endpoints.request("POST", "", body)[0] == 404


# -- attributes and problems -------------------------------------------------------------------------------------------


def test_an_attribute_that_the_schema_lacks_is_refused_when_the_endpoint_is_saved(endpoints: Endpoints) -> None:
    mapping = {"attributes": {"ammount": "total"}}
    status, error = endpoints.request("POST", "", endpoints.body(mapping=mapping))
    assert (status, error["code"]) == (400, "invalid.mapping")
    assert error["details"] == [{"errorCode": "unknown.attribute", "fieldName": "mapping.attributes.ammount"}]
    assert 'Did you mean "amount"?' in error["message"]
    created = endpoints.create(mapping={"attributes": {"ammount": None}})
    assert endpoints.request("PATCH", f"/{created['id']}", {"mapping": mapping})[0] == 400


def test_a_schema_that_loses_its_configuration_is_reported_on_the_endpoint(endpoints: Endpoints) -> None:
    created = endpoints.create()
    endpoints.delete_configuration()
    (problem,) = endpoints.request("GET", f"/{created['id']}")[1]["problems"]
    assert problem["errorCode"] == "configuration.gone"


def test_an_endpoint_with_a_problem_can_be_renamed_and_disabled_but_not_enabled(endpoints: Endpoints) -> None:
    created = endpoints.create()
    endpoints.delete_configuration()
    path = f"/{created['id']}"
    assert endpoints.request("PATCH", path, {"name": "Old", "enabled": False})[0] == 200
    assert endpoints.request("PATCH", path, {"enabled": True})[0] == 409


def test_the_effective_mapping_lists_what_the_preset_and_the_endpoint_define_together(endpoints: Endpoints) -> None:
    mapping = {"customer": "email", "externalIds": [{"externalSourceId": "'card'", "value": "card"}]}
    created = endpoints.create(mapping=mapping | {"attributes": {"amount": None, "ratio": "r"}}, presetVersion=1)
    effective = endpoints.request("GET", f"/{created['id']}")[1]["effectiveMapping"]
    assert effective["externalIds"] == [{"externalSourceId": "'shopify'", "value": "email"}, *mapping["externalIds"]]
    assert "amount" not in effective["attributes"]
    assert effective["attributes"]["ratio"] == "r"
    assert effective["dateCreated"] == "updated_at || created_at"


# -- senders -----------------------------------------------------------------------------------------------------------


def test_every_sender_is_listed_with_what_an_endpoint_needs(endpoints: Endpoints) -> None:
    status, listing = call(endpoints.module, api_event("GET", "webhooks/senders"))
    listed = {sender["name"]: sender for sender in listing["entities"]}
    assert (status, list(listed)) == (200, list(SENDERS))
    for name, sender in SENDERS.items():
        assert listed[name]["presetVersion"] == sender.latest_preset
        assert set(listed[name]["attributes"]) == set(sender.presets[sender.latest_preset]["attributes"])
        assert {option["name"] for option in listed[name]["options"]} == set(sender.options)
        assert listed[name]["secret"]["source"]
    assert listed["stripe"]["secret"]["generatedBySender"]
    assert not listed["adobe"]["secret"]["needed"]
    assert {"name": "header", "required": True} in listed["hmac"]["options"]


def test_dates_without_a_zone_are_a_problem_of_the_endpoint(endpoints: Endpoints) -> None:
    created = endpoints.create(sender="qualtrics")
    (problem,) = endpoints.request("GET", f"/{created['id']}")[1]["problems"]
    assert (problem["errorCode"], problem["fieldName"]) == ("missing.time.zone", "mapping.timeZone")
    endpoints.request("PATCH", f"/{created['id']}", {"mapping": {"timeZone": "Europe/Vienna"}})
    assert endpoints.request("GET", f"/{created['id']}")[1]["problems"] == []


def test_a_sample_body_without_its_envelope_is_refused(endpoints: Endpoints) -> None:
    created = endpoints.create(sender="qualtrics")
    sample = {"body": "Topic=x&MSG=%7B%7D"}
    status, response = endpoints.request("POST", f"/{created['id']}/test", sample)
    assert (status, response["entities"][0]["errorCode"]) == (200, "invalid.payload")


def test_a_sample_of_a_cloudevent_needs_no_headers(endpoints: Endpoints) -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/s",
        "type": "t",
        "time": "2026-01-31T09:30:00Z",
        "data": {"customerId": "c"},
    }
    mapping = {"attributes": {"orderId": "id"}}
    (mapped,) = map_sample(endpoints, event, sender="cloudevents", mapping=mapping)
    assert mapped["outcome"] == "valid"
