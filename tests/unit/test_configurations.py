"""The API of configurations."""

from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from PureCloudPlatformClientV2 import models

from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.webhooks.model import Endpoint
from journeys.webhooks.store import EndpointStore
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables

CONFIGURATIONS = "externalevents/configurations"
PAGING = ["pageSize", "pageNumber", "total", "pageCount", "selfUri", "firstUri", "lastUri", "nextUri", "previousUri"]


class Registry:
    """The API of event types and configurations for one client."""

    def __init__(self, tables: Tables) -> None:
        self.schemas: ModuleType = load("schemas")
        self.configurations: ModuleType = load("configurations")
        ClientStore(tables.dynamodb, tables.registry).put(Client("rival", "globex", "A rival", PERMISSIONS))

    def schema(self, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
        return call(self.schemas, api_event(method, f"externalevents/schemas{path}", body))

    def ask(self, method: str, path: str = "", body: Any = None, **how: Any) -> tuple[int, Any]:
        return call(self.configurations, api_event(method, f"{CONFIGURATIONS}{path}", body, **how))

    def follow(self, uri: str) -> Any:
        """The page at a URI of a listing."""
        parts = urlsplit(uri)
        assert parts.path == f"/api/v2/journey/{CONFIGURATIONS}"
        status, page = self.ask("GET", query=dict(parse_qsl(parts.query)))
        assert status == 200
        return page

    def new_schema(self, title: str = "Order placed") -> str:
        status, schema = self.schema("POST", "", {"title": title, "properties": {"total": {"type": "number"}}})
        assert status == 201
        return str(schema["id"])

    def create(self, schema_id: str, source: str = "ERP", **other: Any) -> dict[str, Any]:
        status, made = self.ask("POST", "", {"name": "Orders", "schemaId": schema_id, "source": source} | other)
        assert status == 201, made
        configuration: dict[str, Any] = made
        return configuration


@pytest.fixture
def webhooks(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> "Webhooks":
    monkeypatch.setenv("SECRETS_PREFIX", "stack/webhooks/")
    return Webhooks()


class Webhooks:
    """The API of webhook endpoints."""

    def __init__(self) -> None:
        self._module = load("endpoints")

    def ask(self, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
        return call(self._module, api_event(method, f"webhooks/endpoints{path}", body))

    def create(self, name: str, **target: Any) -> str:
        status, made = self.ask("POST", "", {"name": name, "sender": "segment"} | target)
        assert status == 201, made
        return str(made["id"])


@pytest.fixture
def registry(tables: Tables) -> Registry:
    return Registry(tables)


# -- creating and reading ----------------------------------------------------------------------------------------------


def test_a_configuration_has_the_fields_of_the_contract(registry: Registry) -> None:
    schema_id = registry.new_schema()
    made = registry.create(schema_id, description="Of the shop", divisionId="home")
    assert made.keys() == set(models.ExternalEventsConfiguration().attribute_map.values())
    expected = {"name": "Orders", "source": "ERP", "schemaId": schema_id, "description": "Of the shop"}
    assert made.items() >= (expected | {"schemaActive": True, "divisionId": "home"}).items()
    assert registry.ask("GET", f"/{made['id']}") == (200, made)
    assert made["selfUri"] == f"/api/v2/journey/{CONFIGURATIONS}/{made['id']}"


def test_an_event_type_can_have_several_sources(registry: Registry) -> None:
    schema_id = registry.new_schema()
    assert len({registry.create(schema_id, source)["id"] for source in ("ERP", "Adobe", "ServiceNow")}) == 3


def test_a_schema_and_a_source_have_one_configuration(registry: Registry) -> None:
    schema_id = registry.new_schema()
    made = registry.create(schema_id)
    body = {"name": "Another name", "schemaId": schema_id, "source": " ERP "}
    status, error = registry.ask("POST", "", body)
    assert (status, error["code"], error["messageParams"]) == (409, "configuration.exists", {"id": made["id"]})
    assert registry.ask("GET", f"/{made['id']}") == (200, made)


def test_a_recreated_configuration_has_the_same_id(registry: Registry) -> None:
    schema_id = registry.new_schema()
    made = registry.create(schema_id, description="old")
    assert registry.ask("DELETE", f"/{made['id']}") == (204, None)
    again = registry.create(schema_id, name="Orders again")
    assert again["id"] == made["id"]
    assert (again["name"], "description" in again) == ("Orders again", False)
    assert registry.ask("GET", f"/{made['id']}") == (200, again)


def test_the_id_differs_for_another_source_schema_or_organization() -> None:
    from journeys.registry.configurations.model import configuration_id

    ids = {configuration_id(*of) for of in (("a", "s", "x"), ("a", "s", "y"), ("a", "t", "x"), ("b", "s", "x"))}
    assert len(ids) == 4


def test_an_unknown_schema_cannot_be_bound(registry: Registry) -> None:
    status, error = registry.ask("POST", "", {"name": "Orders", "schemaId": "nothing", "source": "ERP"})
    assert (status, error["code"]) == (404, "not.found")
    assert error["details"] == [{"errorCode": "not.found", "fieldName": "schemaId"}]


def test_a_schema_id_in_place_of_a_configuration_id_is_recognized(registry: Registry) -> None:
    schema_id = registry.new_schema()
    for method, body in (("GET", None), ("PATCH", {"name": "Other"}), ("DELETE", None)):
        status, error = registry.ask(method, f"/{schema_id}", body)
        assert status == 404
        assert error["message"].startswith("This is the id of an event type, not of a configuration.")
    _, error = registry.ask("GET", f"/{schema_id}", client_id="rival")
    assert error["message"] == "There is no such configuration."


def test_a_configuration_id_in_place_of_a_schema_id_is_recognized(registry: Registry) -> None:
    made = registry.create(registry.new_schema())
    status, error = registry.ask("POST", "", {"name": "Orders", "schemaId": made["id"], "source": "ERP"})
    assert status == 404
    assert error["message"].startswith("The schemaId is the id of a configuration.")


def test_another_organizations_schema_cannot_be_bound(registry: Registry) -> None:
    body = {"name": "Orders", "schemaId": registry.new_schema(), "source": "ERP"}
    assert registry.ask("POST", "", body, client_id="rival")[0] == 404


def test_a_disabled_schema_cannot_be_bound(registry: Registry) -> None:
    schema_id = registry.new_schema()
    registry.schema("PUT", f"/{schema_id}", {"version": 1, "enabled": False})
    status, error = registry.ask("POST", "", {"name": "Orders", "schemaId": schema_id, "source": "ERP"})
    assert (status, error["code"]) == (409, "schema.disabled")


def test_a_configuration_says_whether_its_schema_is_enabled(registry: Registry) -> None:
    schema_id = registry.new_schema()
    made = registry.create(schema_id)
    registry.schema("PUT", f"/{schema_id}", {"version": 1, "enabled": False})
    assert registry.ask("GET", f"/{made['id']}")[1]["schemaActive"] is False
    assert registry.ask("GET")[1]["entities"][0]["schemaActive"] is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": None}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": 5}, "name"),
        ({"source": ""}, "source"),
        ({"schemaId": ["x"]}, "schemaId"),
        ({"description": "x" * 501}, "description"),
        ({"colour": "red"}, "colour"),
    ],
    ids=str,
)
def test_an_invalid_request_is_400_and_names_the_field(registry: Registry, changes: dict[str, Any], field: str) -> None:
    body = {"name": "Orders", "schemaId": "x", "source": "ERP"} | changes
    status, error = registry.ask("POST", "", body)
    assert (status, error["code"]) == (400, "invalid.field")
    assert [detail["fieldName"] for detail in error["details"]] == [field]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_another_organizations_configuration_is_not_found_by_any_operation(registry: Registry, method: str) -> None:
    made = registry.create(registry.new_schema())
    body = {"name": "Mine"} if method == "PATCH" else None
    assert registry.ask(method, f"/{made['id']}", body, client_id="rival")[0] == 404
    assert registry.ask("GET", f"/{made['id']}") == (200, made)
    assert registry.ask("GET", client_id="rival")[1]["total"] == 0


# -- changing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"name": "New"}, {"description": "New"}, {"name": "New", "description": "New"}])
def test_name_and_description_can_be_changed_separately(registry: Registry, changes: dict[str, str]) -> None:
    made = registry.create(registry.new_schema(), description="Old")
    status, changed = registry.ask("PATCH", f"/{made['id']}", changes)
    assert status == 200
    assert {**changed, "dateLastModified": None} == {**made, **changes, "dateLastModified": None}
    assert registry.ask("GET", f"/{made['id']}") == (200, changed)


@pytest.mark.parametrize("field", ["schemaId", "source", "divisionId", "id"])
def test_the_schema_and_source_of_a_configuration_cannot_be_changed(registry: Registry, field: str) -> None:
    made = registry.create(registry.new_schema())
    status, error = registry.ask("PATCH", f"/{made['id']}", {"name": "New", field: "other"})
    assert (status, error["details"][0]["fieldName"]) == (400, field)
    assert registry.ask("GET", f"/{made['id']}") == (200, made)


# -- deleting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_deleted_configuration_is_not_found(registry: Registry, method: str) -> None:
    made = registry.create(registry.new_schema())
    registry.ask("DELETE", f"/{made['id']}")
    assert registry.ask(method, f"/{made['id']}", {"name": "New"} if method == "PATCH" else None)[0] == 404
    assert registry.ask("GET")[1]["entities"] == []


def test_a_schema_that_was_used_cannot_be_deleted_even_after_its_configuration_is(registry: Registry) -> None:
    schema_id = registry.new_schema()
    made = registry.create(schema_id)
    for _ in range(2):
        status, error = registry.schema("DELETE", f"/{schema_id}")
        assert (status, error["code"]) == (409, "schema.in.use")
        assert registry.schema("GET", f"/{schema_id}")[0] == 200
        registry.ask("DELETE", f"/{made['id']}")
    assert registry.schema("GET", "/limits")[1]["numberOfSchemas"] == 1


def test_a_schema_stays_used_through_a_new_version(registry: Registry) -> None:
    schema_id = registry.new_schema()
    registry.create(schema_id)
    registry.schema("PUT", f"/{schema_id}", {"version": 1, "enabled": False})
    assert registry.schema("DELETE", f"/{schema_id}")[0] == 409


# -- paging ------------------------------------------------------------------------------------------------------------


def test_a_listing_pages_through_all_configurations_in_both_directions(registry: Registry) -> None:
    schema_id = registry.new_schema()
    made = [registry.create(schema_id, f"source {number}", name=f"Name {number}")["id"] for number in range(7)]
    page = registry.ask("GET", query={"pageSize": "3"})[1]
    pages = [page]
    while "nextUri" in page:
        page = registry.follow(page["nextUri"])
        pages.append(page)
    assert [[one["id"] for one in page["entities"]] for page in pages] == [made[:3], made[3:6], made[6:]]
    assert [(page["pageNumber"], page["pageSize"], page["total"], page["pageCount"]) for page in pages] == [
        (number, 3, 7, 3) for number in (1, 2, 3)
    ]
    assert registry.follow(pages[2]["previousUri"]) == pages[1]
    assert registry.follow(pages[1]["previousUri"]) == pages[0]
    assert registry.follow(pages[1]["firstUri"]) == pages[0]
    assert registry.follow(pages[1]["lastUri"]) == pages[2]
    assert registry.follow(pages[1]["selfUri"]) == pages[1]
    assert "previousUri" not in pages[0]
    assert pages[1].keys() == {"entities", *PAGING}
    assert pages[1].keys() == set(models.ExternalEventsConfigurationListing().attribute_map.values())


def test_an_empty_listing_is_one_page(registry: Registry) -> None:
    page = registry.ask("GET")[1]
    assert (page["entities"], page["total"], page["pageCount"], page["pageSize"]) == ([], 0, 1, 25)
    assert page.keys().isdisjoint({"nextUri", "previousUri"})


def test_a_page_after_the_last_is_empty_and_links_to_the_previous_one(registry: Registry) -> None:
    made = registry.create(registry.new_schema())
    page = registry.ask("GET", query={"pageNumber": "9"})[1]
    assert (page["entities"], page["total"]) == ([], 1)
    assert "nextUri" not in page
    assert [one["id"] for one in registry.follow(page["previousUri"])["entities"]] == [made["id"]]


@pytest.mark.parametrize("query", [{"pageSize": "0"}, {"pageSize": "101"}, {"pageNumber": "0"}, {"pageNumber": "x"}])
def test_an_invalid_page_number_is_400(registry: Registry, query: dict[str, str]) -> None:
    assert registry.ask("GET", query=query)[0] == 400


# -- deleting a configuration that webhook endpoints use ---------------------------------------------------------------


def test_a_configuration_that_endpoints_use_is_not_deleted(registry: Registry, webhooks: Webhooks) -> None:
    schema_id = registry.new_schema()
    used, other = registry.create(schema_id)["id"], registry.create(schema_id, "Another")["id"]
    shop = webhooks.create("Shop", configurationId=used)
    disabled = webhooks.create("Disabled", configurationId=used, enabled=False)
    routing = {"expression": "type", "configurations": {"a": other, "b": used}}
    routed = webhooks.create("Routed", routing=routing)
    webhooks.create("Another", configurationId=other)
    status, error = registry.ask("DELETE", f"/{used}")
    assert (status, error["code"]) == (409, "configuration.in.use")
    for name, id_ in (("Shop", shop), ("Disabled", disabled), ("Routed", routed)):
        assert f'"{name}" ({id_})' in error["message"]
    assert '"Another"' not in error["message"]
    assert {detail["fieldName"] for detail in error["details"]} == {shop, disabled, routed}
    assert registry.ask("GET", f"/{used}")[0] == 200
    for id_ in (shop, disabled):
        assert webhooks.ask("PATCH", f"/{id_}", {"configurationId": other})[0] == 200
    assert webhooks.ask("DELETE", f"/{routed}")[0] == 204
    assert registry.ask("DELETE", f"/{used}") == (204, None)


def test_the_error_names_at_most_ten_endpoints(registry: Registry, webhooks: Webhooks) -> None:
    configuration_id = registry.create(registry.new_schema())["id"]
    for number in range(12):
        webhooks.create(f"Shop {number:02}", configurationId=configuration_id)
    error = registry.ask("DELETE", f"/{configuration_id}")[1]
    assert len(error["details"]) == 10
    assert ("Shop 09" in error["message"], "Shop 10" in error["message"]) == (True, False)
    assert (" and 2 more." in error["message"], error["messageParams"]) == (True, {"count": "12"})


def test_a_forced_deletion_disables_the_endpoints_and_says_why(registry: Registry, webhooks: Webhooks) -> None:
    schema_id = registry.new_schema()
    used, other = registry.create(schema_id)["id"], registry.create(schema_id, "Another")["id"]
    shop, unrelated = webhooks.create("Shop", configurationId=used), webhooks.create("Another", configurationId=other)
    by_hand = webhooks.create("Disabled", configurationId=used, enabled=False)
    assert registry.ask("DELETE", f"/{used}", query={"force": "true"}) == (204, None)
    assert registry.ask("GET", f"/{used}")[0] == 404
    endpoint = webhooks.ask("GET", f"/{shop}")[1]
    assert (endpoint["enabled"], endpoint["status"], endpoint["disabledReason"]) == (
        False,
        "disabled",
        "configuration.deleted",
    )
    assert "disabledReason" not in webhooks.ask("GET", f"/{by_hand}")[1]
    assert webhooks.ask("GET", f"/{unrelated}")[1]["status"] == "active"
    webhooks = Webhooks()  # A process of its own, whose cache does not have the configuration.
    assert webhooks.ask("PATCH", f"/{shop}", {"enabled": True})[1]["code"] == "configuration.disabled"
    assert webhooks.ask("PATCH", f"/{shop}", {"name": "Old shop"})[1]["disabledReason"] == "configuration.deleted"
    changed = webhooks.ask("PATCH", f"/{shop}", {"configurationId": other, "enabled": True})[1]
    assert (changed["status"], "disabledReason" in changed) == ("active", False)


def test_a_forced_deletion_also_requires_the_permission_to_change_endpoints(tables: Tables, registry: Registry) -> None:
    configuration_id = registry.create(registry.new_schema())["id"]
    permissions = frozenset({"journey:externalEventsConfiguration:delete"})
    ClientStore(tables.dynamodb, tables.registry).put(Client("deleter", "acme", "A client", permissions))
    status, error = registry.ask("DELETE", f"/{configuration_id}", client_id="deleter", query={"force": "true"})
    assert (status, error["messageParams"]) == (403, {"permission": "journey:webhooks:edit"})
    assert registry.ask("DELETE", f"/{configuration_id}", client_id="deleter", query={"force": "false"})[0] == 204


def test_an_endpoint_that_disappears_does_not_prevent_a_forced_deletion(
    registry: Registry, webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration_id = registry.create(registry.new_schema())["id"]
    endpoint_id = webhooks.create("Shop", configurationId=configuration_id)
    all_of = EndpointStore.all

    def all_and_delete(store: EndpointStore, organization_id: str) -> list[Endpoint]:
        found = all_of(store, organization_id)
        assert webhooks.ask("DELETE", f"/{endpoint_id}")[0] == 204
        return found

    monkeypatch.setattr(EndpointStore, "all", all_and_delete)
    assert registry.ask("DELETE", f"/{configuration_id}", query={"force": "true"}) == (204, None)
