"""The API of event definitions: the status, the changes and the activation of event types."""

from typing import Any

import pytest
from PureCloudPlatformClientV2 import models

from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.native_types import NATIVE_TYPES
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables

DEFINITIONS = "views/eventdefinitions"


class Registry:
    """The API of schemas, configurations and definitions for one client."""

    def __init__(self, tables: Tables) -> None:
        self.modules = {name: load(name) for name in ("schemas", "configurations", "definitions")}
        ClientStore(tables.dynamodb, tables.registry).put(Client("rival", "globex", "A rival", PERMISSIONS))

    def ask(self, function: str, method: str, path: str, body: Any = None, client_id: str = "client") -> Any:
        return call(self.modules[function], api_event(method, path, body, client_id=client_id))

    def definitions(self, method: str, path: str = "", body: Any = None, client_id: str = "client") -> Any:
        return self.ask("definitions", method, f"{DEFINITIONS}{path}", body, client_id)

    def new_schema(self, title: str = "Order", **other: Any) -> str:
        body = {"title": title, "properties": {"total": {"type": "number"}}} | other
        return str(self.ask("schemas", "POST", "externalevents/schemas", body)[1]["id"])

    def bind(self, schema_id: str) -> str:
        body = {"name": "Orders", "schemaId": schema_id, "source": "ERP"}
        return str(self.ask("configurations", "POST", "externalevents/configurations", body)[1]["id"])

    def unbind(self, configuration_id: str) -> None:
        self.ask("configurations", "DELETE", f"externalevents/configurations/{configuration_id}")

    def update(self, schema_id: str, version: int, **changes: Any) -> None:
        path = f"externalevents/schemas/{schema_id}"
        assert self.ask("schemas", "PUT", path, {"version": version} | changes)[0] == 200

    def activate(self, schema_id: str, **shown: Any) -> dict[str, Any]:
        status, body = self.definitions("PUT", f"/{schema_id}/activate", shown)
        assert status == 200, body
        activated: dict[str, Any] = body
        return activated

    def external(self) -> dict[str, Any]:
        (summary,) = self.definitions("GET", "/external")[1]["entities"]
        assert summary.keys() <= names(models.ExternalEventSummary())
        found: dict[str, Any] = summary
        return found

    def status(self) -> tuple[str, str]:
        summary = self.external()
        return summary["activationStatus"], summary["systemStatus"]

    def changes(self) -> list[tuple[str, str]]:
        found = self.definitions("GET", "/external/changes")[1]["changes"]
        assert all(change.keys() <= names(models.ExternalEventChange()) for change in found)
        return [(change["changeCategory"], change["systemStatus"]) for change in found]


def names(model: Any) -> set[str]:
    return set(model.attribute_map.values())


def external(listing: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the definitions of a listing that are not native."""
    return [definition for definition in listing["entities"] if definition["source"] == "External"]


@pytest.fixture
def registry(tables: Tables) -> Registry:
    return Registry(tables)


# -- status and changes ------------------------------------------------------------------------------------------------


def test_an_event_type_that_was_never_activated_is_new(registry: Registry) -> None:
    registry.bind(registry.new_schema())
    assert registry.status() == ("Deactivated", "New")
    assert registry.changes() == [("New", "New")]


def test_an_activated_event_type_is_active_and_not_reported_as_a_change(registry: Registry) -> None:
    schema_id = registry.new_schema()
    registry.bind(schema_id)
    registry.activate(schema_id)
    assert registry.status() == ("Activated", "Active")
    assert registry.changes() == []


def test_a_new_version_is_reported_until_it_is_activated(registry: Registry) -> None:
    schema_id = registry.new_schema()
    registry.bind(schema_id)
    registry.activate(schema_id, displayName="Orders", rank=3)
    registry.update(schema_id, 1, jsonSchema={"title": "Order", "properties": {"total": {"type": "number"}, "a": {"type": "string"}}})  # fmt: skip  # noqa: E501
    assert registry.status() == ("Activated", "Updated")
    assert registry.changes() == [("Updated", "Updated")]
    again = registry.activate(schema_id)
    assert (again["displayName"], again["rank"]) == ("Orders", 3)
    assert registry.status() == ("Activated", "Active")
    assert registry.changes() == []


def test_an_activated_event_type_without_a_configuration_is_reported_as_an_error(registry: Registry) -> None:
    schema_id = registry.new_schema()
    configuration_id = registry.bind(schema_id)
    registry.activate(schema_id)
    registry.unbind(configuration_id)
    assert registry.status() == ("Activated", "Error")
    (change,) = registry.definitions("GET", "/external/changes")[1]["changes"]
    assert (change["changeCategory"], change["schemaId"], change["eventName"]) == ("Error", schema_id, "Order")
    assert change["errorCode"]
    assert change["errorDescription"]
    registry.bind(schema_id)
    assert registry.status() == ("Activated", "Active")


def test_a_disabled_event_type_is_inactive_and_not_reported_as_a_change(registry: Registry) -> None:
    schema_id = registry.new_schema()
    registry.bind(schema_id)
    registry.activate(schema_id)
    registry.update(schema_id, 1, enabled=False)
    assert registry.status() == ("Deactivated", "Inactive")
    assert registry.changes() == []
    assert external(registry.definitions("GET")[1]) == []


def test_another_organizations_event_types_are_not_found(registry: Registry) -> None:
    schema_id = registry.new_schema()
    registry.activate(schema_id)
    for method, path in (("GET", ""), ("PUT", ""), ("PUT", "/activate")):
        body = {"rank": 9} if method == "PUT" else None
        assert registry.definitions(method, f"/{schema_id}{path}", body, "rival")[0] == 404
    assert external(registry.definitions("GET", "", None, "rival")[1]) == []
    assert registry.definitions("GET", "/external", None, "rival")[1]["entities"] == []
    assert registry.definitions("GET", "/external/changes", None, "rival")[1]["changes"] == []
    assert registry.external()["rank"] == 0


# -- activation --------------------------------------------------------------------------------------------------------


def test_an_activation_returns_the_fields_of_the_contract(registry: Registry) -> None:
    schema_id = registry.new_schema()
    activated = registry.activate(schema_id, displayName=" Orders ", rank=7)
    assert activated == {
        "schemaId": schema_id,
        "eventName": "Order",
        "displayName": "Orders",
        "rank": 7,
        "activationStatus": "Activated",
    }
    assert activated.keys() == names(models.ActivateExternalEventResponse())


def test_the_display_name_defaults_to_the_title(registry: Registry) -> None:
    activated = registry.activate(registry.new_schema("Order placed"))
    assert (activated["displayName"], activated["rank"]) == ("Order placed", 0)


def test_the_date_of_the_first_activation_never_changes(registry: Registry) -> None:
    schema_id = registry.new_schema()
    assert "dateFirstActivated" not in registry.external()
    registry.activate(schema_id)
    first = registry.external()["dateFirstActivated"]
    registry.activate(schema_id, rank=2)
    registry.definitions("PUT", f"/{schema_id}", {"rank": 3})
    assert registry.external()["dateFirstActivated"] == first


def test_a_disabled_event_type_cannot_be_activated(registry: Registry) -> None:
    schema_id = registry.new_schema()
    registry.update(schema_id, 1, enabled=False)
    status, body = registry.definitions("PUT", f"/{schema_id}/activate", {})
    assert (status, body["code"]) == (409, "schema.disabled")


@pytest.mark.parametrize(
    ("changes", "shown"), [({"displayName": "New"}, ("New", 4)), ({"rank": 0}, ("Old", 0)), ({}, ("Old", 4))]
)
def test_display_name_and_rank_can_be_changed_separately(
    registry: Registry, changes: Any, shown: tuple[str, int]
) -> None:
    schema_id = registry.new_schema()
    registry.activate(schema_id, displayName="Old", rank=4)
    status, body = registry.definitions("PUT", f"/{schema_id}", changes)
    assert (status, (body["displayName"], body["rank"])) == (200, shown)
    assert body.keys() == names(models.UpdateExternalEventResponse())
    definition = registry.definitions("GET", f"/{schema_id}")[1]
    assert (definition["displayName"], definition["rank"]) == shown


def test_changing_the_display_name_does_not_acknowledge_a_new_version(registry: Registry) -> None:
    schema_id = registry.new_schema()
    registry.bind(schema_id)
    registry.activate(schema_id)
    registry.update(schema_id, 1, enabled=True)
    registry.definitions("PUT", f"/{schema_id}", {"rank": 1})
    assert registry.status() == ("Activated", "Updated")


def test_an_event_type_that_was_never_activated_cannot_be_changed(registry: Registry) -> None:
    status, body = registry.definitions("PUT", f"/{registry.new_schema()}", {"rank": 1})
    assert (status, body["code"]) == (409, "event.not.activated")


@pytest.mark.parametrize("path", ["/nothing", "/nothing/activate"])
def test_an_unknown_definition_is_404(registry: Registry, path: str) -> None:
    assert registry.definitions("PUT", path, {})[0] == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [({"rank": -1}, "rank"), ({"rank": "1"}, "rank"), ({"rank": True}, "rank"), ({"displayName": ""}, "displayName"),
     ({"displayName": "x" * 101}, "displayName"), ({"activationStatus": "Activated"}, "activationStatus")],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("path", ["", "/activate"])
def test_an_invalid_request_is_400_and_names_the_field(
    registry: Registry, path: str, body: dict[str, Any], field: str
) -> None:
    status, error = registry.definitions("PUT", f"/{registry.new_schema()}{path}", body)
    assert (status, [detail["fieldName"] for detail in error["details"]]) == (400, [field])


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_definition_has_the_fields_of_the_contract(registry: Registry) -> None:
    schema_id = registry.new_schema("Order", description="Orders of the shop")
    registry.activate(schema_id, displayName="Orders", rank=2)
    definition = registry.definitions("GET", f"/{schema_id}")[1]
    assert definition.keys() == names(models.JourneyEventDefinition())
    assert definition["jsonSchema"].keys() <= names(models.JsonSchemaDocument())
    expected = {"id": schema_id, "name": "Order", "source": "External", "rank": 2, "displayName": "Orders"}
    assert definition.items() >= (expected | {"description": "Orders of the shop"}).items()
    assert definition["jsonSchema"]["properties"] == {"total": {"type": "number"}}
    assert definition["selfUri"] == f"/api/v2/journey/{DEFINITIONS}/{schema_id}"


def test_only_activated_event_types_are_listed_by_rank_and_then_by_title(registry: Registry) -> None:
    for title, rank in (("b", 1), ("C", 1), ("a", 1), ("z", 0)):
        registry.activate(registry.new_schema(title), rank=rank)
    registry.new_schema("not activated")
    listing = registry.definitions("GET")[1]
    assert [definition["name"] for definition in external(listing)] == ["z", "a", "b", "C"]
    assert listing["total"] == 4 + len(NATIVE_TYPES)
    assert listing.keys() == names(models.JourneyEventDefinitionListing())


# -- native event types ------------------------------------------------------------------------------------------------


def test_every_organization_has_the_native_event_types_after_the_external_ones(registry: Registry) -> None:
    registry.activate(registry.new_schema("Zebra seen"), rank=9)
    for client_id in ("client", "rival"):
        entities = registry.definitions("GET", "", None, client_id)[1]["entities"]
        assert [definition["id"] for definition in entities[-len(NATIVE_TYPES) :]] == list(NATIVE_TYPES)
        assert {definition["source"] for definition in entities[-len(NATIVE_TYPES) :]} == {"Native"}


@pytest.mark.parametrize("schema_id", NATIVE_TYPES)
def test_a_native_definition_can_be_read_and_has_the_fields_of_the_contract(registry: Registry, schema_id: str) -> None:
    status, definition = registry.definitions("GET", f"/{schema_id}")
    assert (status, definition["id"], definition["source"]) == (200, schema_id, "Native")
    assert definition.keys() == names(models.JourneyEventDefinition())
    assert definition["jsonSchema"].keys() <= names(models.JsonSchemaDocument())


@pytest.mark.parametrize("path", ["", "/activate"])
def test_a_native_definition_cannot_be_changed(registry: Registry, path: str) -> None:
    status, body = registry.definitions("PUT", f"/native-customer-start{path}", {"rank": 1})
    assert (status, body["code"]) == (409, "native.event.type")


def test_operations_on_schemas_and_external_events_do_not_know_native_event_types(registry: Registry) -> None:
    schemas, schema = "externalevents/schemas", "externalevents/schemas/native-customer-start"
    assert registry.ask("schemas", "GET", schemas)[1]["entities"] == []
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/versions"), ("GET", "/versions/1")):
        body = {"version": 1, "enabled": False} if method == "PUT" else None
        assert registry.ask("schemas", method, f"{schema}{path}", body)[0] == 404
    assert registry.ask("schemas", "GET", f"{schemas}/limits")[1]["numberOfSchemas"] == 0
    assert registry.definitions("GET", "/external")[1]["entities"] == []
    assert registry.definitions("GET", "/external/changes")[1]["changes"] == []
    configuration = {"name": "Calls", "schemaId": "native-customer-start", "source": "genesys"}
    assert registry.ask("configurations", "POST", "externalevents/configurations", configuration)[0] == 404
