"""The vendor's unmodified Python SDK as a client of the API: every operation, in success and in failure."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import PureCloudPlatformClientV2 as Vendor
import pytest
from PureCloudPlatformClientV2.rest import ApiException

from tests.conftest import Caller
from tools.stack import Stack

OPERATIONS = frozenset(
    {
        "delete_journey_externalevents_configuration",
        "delete_journey_externalevents_schema",
        "get_journey_externalevents_configuration",
        "get_journey_externalevents_configurations",
        "get_journey_externalevents_schema",
        "get_journey_externalevents_schema_version",
        "get_journey_externalevents_schema_versions",
        "get_journey_externalevents_schemas",
        "get_journey_externalevents_schemas_coretype",
        "get_journey_externalevents_schemas_coretypes",
        "get_journey_externalevents_schemas_limits",
        "get_journey_views_eventdefinition",
        "get_journey_views_eventdefinitions",
        "get_journey_views_eventdefinitions_external",
        "get_journey_views_eventdefinitions_external_changes",
        "patch_journey_externalevents_configuration",
        "post_journey_externalevents_configuration_events",
        "post_journey_externalevents_configurations",
        "post_journey_externalevents_schemas",
        "put_journey_externalevents_schema",
        "put_journey_views_eventdefinition",
        "put_journey_views_eventdefinition_activate",
    }
)

SCHEMAS = "/api/v2/journey/externalevents/schemas"
CONFIGURATIONS = "/api/v2/journey/externalevents/configurations"
DEFINITIONS = "/api/v2/journey/views/eventdefinitions"
DRAFT_04 = "http://json-schema.org/draft-04/schema#"
UNKNOWN = str(uuid.UUID(int=0))

PROPERTIES = {
    "page": {"allOf": [{"$ref": "#/definitions/text"}], "title": "Page", "maxLength": 50},
    "price": {"type": "number", "minimum": 0},
    "channel": {"type": "string", "enum": ["web", "app"]},
    "member": {"type": "boolean"},
}


# -- building requests, with the SDK's models --------------------------------------------------------------------------


def request(model: str, **values: Any) -> Any:
    """Return a request as the SDK's model with that name."""
    made = getattr(Vendor, model)()
    for name, value in values.items():
        assert name in made.swagger_types
        setattr(made, name, value)
    return made


def document(title: str = "Page viewed", **changes: Any) -> Any:
    """Return the schema of an event type."""
    values = {"title": title, "description": "A page was seen", "required": ["page"], "properties": PROPERTIES}
    return request("JourneyJsonSchemaRequest", **(values | changes))


def event(event_id: str, **changes: Any) -> Any:
    """Return an event of that event type."""
    customer = request("ExternalEventExternalId", external_source_id="crm", value="ada@example.com")
    values = {
        "id": event_id,
        "date_created": datetime.now(UTC) - timedelta(days=1),
        "identifiers": request("ExternalEventIdentifiers", external_ids=[customer]),
        "attributes": {"page": "/home", "price": 5.5, "channel": "web", "member": True},
    }
    return request("ExternalEvent", **(values | changes))


# -- calling -----------------------------------------------------------------------------------------------------------


class Sdk:
    """The SDK's JourneyApi for one client. Records the operations that were called."""

    def __init__(self, stack: Stack, token: str) -> None:
        client = Vendor.api_client.ApiClient(host=stack.api_url)
        client.access_token = token
        self._api = Vendor.JourneyApi(client)
        self.called: set[str] = set()

    def __getattr__(self, operation: str) -> Any:
        self.called.add(operation)
        return getattr(self._api, operation)


@dataclass(frozen=True)
class World:
    """A new organization with three clients: with all permissions, with none, and without a token."""

    sdk: Sdk
    powerless: Sdk
    anonymous: Sdk
    client_id: str

    def schema(self, title: str = "Page viewed") -> Any:
        return self.sdk.post_journey_externalevents_schemas(document(title))

    def configuration(self, schema_id: str, source: str = "Adobe") -> Any:
        return self.sdk.post_journey_externalevents_configurations(
            body=request(
                "CreateExternalEventsConfigurationRequest",
                name=f"{source} feed",
                description="What the site tells",
                division_id="home",
                schema_id=schema_id,
                source=source,
            )
        )

    def update(self, schema_id: str, version: int, **changes: Any) -> Any:
        body = request("JourneySchemaUpdateRequest", version=version, **changes)
        return self.sdk.put_journey_externalevents_schema(schema_id, body)

    def activate(self, schema_id: str, **values: Any) -> Any:
        body = request("ActivateExternalEventRequest", **values)
        return self.sdk.put_journey_views_eventdefinition_activate(schema_id, body=body)

    def send(self, configuration_id: str, *events: Any) -> Any:
        body = request("ExternalEventsRequest", entities=list(events))
        return self.sdk.post_journey_externalevents_configuration_events(configuration_id, body=body)


@pytest.fixture
def world(stack: Stack, caller: Callable[..., Caller]) -> World:
    able = caller()
    powerless = caller(able.organization_id, ())
    return World(
        Sdk(stack, able.api.access_token()),
        Sdk(stack, powerless.api.access_token()),
        Sdk(stack, ""),
        able.client_id,
    )


def empty_fields(value: Any, where: str = "") -> Iterator[str]:
    """Yield the empty fields of a response and of the models in it."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from empty_fields(one, f"{where}[{place}]")
    for name in getattr(value, "swagger_types", {}):
        inner = getattr(value, name)
        if inner is None:
            yield f"{where}.{name}".lstrip(".")
        yield from empty_fields(inner, f"{where}.{name}")


# -- when it goes well -------------------------------------------------------------------------------------------------

HAPPY: dict[str, Callable[[World], None]] = {}


def happy(check: Callable[[World], None]) -> Callable[[World], None]:
    """Register the test of a successful call. The function has the name of the operation."""
    HAPPY[check.__name__] = check
    return check


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_successful_response_has_every_known_field(world: World, operation: str) -> None:
    HAPPY[operation](world)
    assert operation in world.sdk.called


@happy
def post_journey_externalevents_schemas(world: World) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    made = world.sdk.post_journey_externalevents_schemas(document(schema=DRAFT_04))
    assert list(empty_fields(made)) == ["created_by.self_uri"]  # clients have no resource of their own
    assert (made.version, made.enabled) == (1, True)
    assert before <= made.date_created <= datetime.now(UTC) + timedelta(seconds=5)
    assert made.created_by.id == world.client_id
    assert made.self_uri == f"{SCHEMAS}/{made.id}"
    written = made.json_schema
    assert (written.schema, written.title, written.description) == (DRAFT_04, "Page viewed", "A page was seen")
    assert (written.required, written.properties) == (["page"], PROPERTIES)


@happy
def get_journey_externalevents_schemas(world: World) -> None:
    made = [world.schema(title) for title in ("Order placed", "Page viewed")]
    listing = world.sdk.get_journey_externalevents_schemas()
    assert listing.entities == made
    assert (listing.total, listing.self_uri) == (2, SCHEMAS)


@happy
def get_journey_externalevents_schema(world: World) -> None:
    made = world.schema()
    assert world.sdk.get_journey_externalevents_schema(made.id) == made


@happy
def put_journey_externalevents_schema(world: World) -> None:
    made = world.schema()
    more = PROPERTIES | {"visits": {"type": "integer"}}
    changed = world.update(made.id, 1, enabled=True, json_schema=document(properties=more))
    assert list(empty_fields(changed)) == ["created_by.self_uri"]
    assert (changed.id, changed.version, changed.json_schema.properties) == (made.id, 2, more)
    assert changed.date_created == made.date_created
    assert world.sdk.get_journey_externalevents_schema(made.id) == changed
    disabled = world.update(made.id, 2, enabled=False)
    assert (disabled.version, disabled.enabled, disabled.json_schema.properties) == (3, False, more)


@happy
def delete_journey_externalevents_schema(world: World) -> None:
    made = world.schema()
    assert world.sdk.delete_journey_externalevents_schema(made.id) is None
    assert world.sdk.get_journey_externalevents_schemas().entities == []
    assert world.schema().id != made.id  # the title is free again


@happy
def get_journey_externalevents_schema_versions(world: World) -> None:
    made = world.schema()
    changed = world.update(made.id, 1, json_schema=document(description="Another"))
    listing = world.sdk.get_journey_externalevents_schema_versions(made.id)
    assert listing.entities == [changed, made]
    assert (listing.total, listing.self_uri) == (2, f"{SCHEMAS}/{made.id}/versions")


@happy
def get_journey_externalevents_schema_version(world: World) -> None:
    made = world.schema()
    changed = world.update(made.id, 1, json_schema=document(description="Another"))
    assert world.sdk.get_journey_externalevents_schema_version(made.id, "1") == made
    assert world.sdk.get_journey_externalevents_schema_version(made.id, "2") == changed


@happy
def get_journey_externalevents_schemas_coretypes(world: World) -> None:
    listing = world.sdk.get_journey_externalevents_schemas_coretypes()
    names = {core.name for core in listing.entities}
    assert names == {"text", "longtext", "url", "identifier", "enum", "integer", "number", "boolean", "checkbox",
                     "date", "datetime", "tag"}  # fmt: skip
    assert (listing.total, listing.self_uri) == (len(names), f"{SCHEMAS}/coretypes")


@happy
def get_journey_externalevents_schemas_coretype(world: World) -> None:
    for listed in world.sdk.get_journey_externalevents_schemas_coretypes().entities:
        core = world.sdk.get_journey_externalevents_schemas_coretype(listed.name)
        assert core.to_dict() == listed.to_dict()  # the SDK's own comparison fails on a field without a value
        assert (core.id, core.current, core.self_uri) == (core.name, True, f"{SCHEMAS}/coretypes/{core.name}")
        empty = {name for name in core.swagger_types if getattr(core, name) is None}
        assert empty == ({"item_validation_fields", "item_validation_limits"} if core.name != "tag" else set())
        assert core.schema.title == core.name
    text = world.sdk.get_journey_externalevents_schemas_coretype("text")
    assert (text.schema.type, text.validation_fields) == (["string"], ["minLength", "maxLength"])
    assert (text.validation_limits.max_length.min, text.validation_limits.max_length.max) == (1, 100)
    tag = world.sdk.get_journey_externalevents_schemas_coretype("tag")
    assert (tag.schema.type, tag.schema.items.type) == (["array"], "string")
    assert tag.item_validation_fields == ["minLength", "maxLength"]
    assert tag.item_validation_limits.max_length.max == 100


@happy
def get_journey_externalevents_schemas_limits(world: World) -> None:
    limits = world.sdk.get_journey_externalevents_schemas_limits()
    assert list(empty_fields(limits)) == []
    assert limits.max_number_of_schemas_per_org == 20
    assert limits.max_number_of_fields_per_schema == 50
    assert limits.self_uri == f"{SCHEMAS}/limits"


@happy
def post_journey_externalevents_configurations(world: World) -> None:
    schema = world.schema()
    made = world.configuration(schema.id)
    assert list(empty_fields(made)) == []
    assert (made.name, made.description, made.source) == ("Adobe feed", "What the site tells", "Adobe")
    assert (made.division_id, made.division_id_active) == ("home", True)
    assert (made.schema_id, made.schema_active) == (schema.id, True)
    assert made.self_uri == f"{CONFIGURATIONS}/{made.id}"


@happy
def get_journey_externalevents_configurations(world: World) -> None:
    schema = world.schema()
    made = [world.configuration(schema.id, f"Source {number}") for number in range(5)]
    first = world.sdk.get_journey_externalevents_configurations(page_size=2, page_number=1)
    middle = world.sdk.get_journey_externalevents_configurations(page_size=2, page_number=2)
    last = world.sdk.get_journey_externalevents_configurations(page_size=2, page_number=3)
    assert first.entities + middle.entities + last.entities == made
    assert list(empty_fields(first)) == ["previous_uri"]
    assert list(empty_fields(middle)) == []
    assert list(empty_fields(last)) == ["next_uri"]
    assert (middle.page_size, middle.page_number, middle.total, middle.page_count) == (2, 2, 5, 3)

    def uri(page: int) -> str:
        return f"{CONFIGURATIONS}?pageSize=2&pageNumber={page}"

    assert (middle.first_uri, middle.previous_uri, middle.self_uri) == (uri(1), uri(1), uri(2))
    assert (middle.next_uri, middle.last_uri) == (uri(3), uri(3))
    assert world.sdk.get_journey_externalevents_configurations().entities == made


@happy
def get_journey_externalevents_configuration(world: World) -> None:
    schema = world.schema()
    made = world.configuration(schema.id)
    assert world.sdk.get_journey_externalevents_configuration(made.id) == made
    world.update(schema.id, 1, enabled=False)
    assert world.sdk.get_journey_externalevents_configuration(made.id).schema_active is False


@happy
def patch_journey_externalevents_configuration(world: World) -> None:
    made = world.configuration(world.schema().id)
    body = request("UpdateExternalEventsConfigurationRequest", name="Another name")
    changed = world.sdk.patch_journey_externalevents_configuration(made.id, body=body)
    assert list(empty_fields(changed)) == []
    assert (changed.name, changed.description) == ("Another name", made.description)
    assert changed.date_last_modified >= made.date_last_modified
    assert world.sdk.get_journey_externalevents_configuration(made.id) == changed


@happy
def delete_journey_externalevents_configuration(world: World) -> None:
    schema = world.schema()
    made = world.configuration(schema.id)
    assert world.sdk.delete_journey_externalevents_configuration(made.id) is None
    assert world.sdk.get_journey_externalevents_configurations().entities == []
    assert world.configuration(schema.id).id == made.id  # a configuration that is created again has the same id


@happy
def post_journey_externalevents_configuration_events(world: World) -> None:
    made = world.configuration(world.schema().id)
    one = event("e-1")
    assert world.send(made.id, one, event("e-2")).unprocessed_entities == []
    late = event("e-3", attributes={"page": "/home", "price": "5"})
    answer = world.send(made.id, one, late, event("e-4", identifiers=None))
    assert list(empty_fields(answer)) == ["unprocessed_entities[1].event.identifiers"]  # the request did not have it
    wrong, dropped = answer.unprocessed_entities
    assert (wrong.original_request_index, wrong.status_code, wrong.is_retryable) == (1, 422, False)
    assert (wrong.event.id, wrong.event.attributes, wrong.event.date_created) == (
        "e-3",
        late.attributes,
        late.date_created,
    )
    assert (dropped.original_request_index, dropped.status_code, dropped.is_retryable) == (2, 400, False)


@happy
def put_journey_views_eventdefinition_activate(world: World) -> None:
    schema = world.schema()
    active = world.activate(schema.id, display_name="Pages", rank=3)
    assert list(empty_fields(active)) == []
    assert (active.schema_id, active.event_name) == (schema.id, "Page viewed")
    assert (active.display_name, active.rank, active.activation_status) == ("Pages", 3, "Activated")


@happy
def put_journey_views_eventdefinition(world: World) -> None:
    schema = world.schema()
    world.activate(schema.id, display_name="Pages", rank=3)
    body = request("UpdateExternalEventRequest", display_name="Web pages")
    changed = world.sdk.put_journey_views_eventdefinition(schema.id, body=body)
    assert list(empty_fields(changed)) == []
    assert (changed.display_name, changed.rank, changed.activation_status) == ("Web pages", 3, "Activated")


@happy
def get_journey_views_eventdefinitions(world: World) -> None:
    pages, orders = world.schema("Page viewed"), world.schema("Order placed")
    world.schema("Never activated")
    world.activate(orders.id, display_name="Orders", rank=2)
    world.activate(pages.id, display_name="Pages", rank=1)
    listing = world.sdk.get_journey_views_eventdefinitions()
    assert [definition.display_name for definition in listing.entities[:2]] == ["Pages", "Orders"]
    assert {definition.source for definition in listing.entities[2:]} == {"Native"}
    assert (listing.total, listing.self_uri) == (len(listing.entities), DEFINITIONS)


@happy
def get_journey_views_eventdefinition(world: World) -> None:
    schema = world.schema()
    world.activate(schema.id, display_name="Pages", rank=3)
    definition = world.sdk.get_journey_views_eventdefinition(schema.id)
    assert list(empty_fields(definition)) == []
    assert (definition.id, definition.name, definition.source) == (schema.id, "Page viewed", "External")
    assert (definition.display_name, definition.rank) == ("Pages", 3)
    assert definition.description == "A page was seen"
    written = definition.json_schema
    assert (written.title, written.required, written.properties) == ("Page viewed", ["page"], PROPERTIES)
    assert (written.type, written.additional_properties) == ("object", False)
    assert definition.self_uri == f"{DEFINITIONS}/{schema.id}"
    assert world.sdk.get_journey_views_eventdefinitions().entities[0] == definition


@happy
def get_journey_views_eventdefinitions_external(world: World) -> None:
    kinds = {status: world.schema(status) for status in ("Active", "Error", "Inactive", "New", "Updated")}
    for status in ("Active", "Inactive", "Updated"):
        world.configuration(kinds[status].id)
    for status in ("Active", "Error", "Inactive", "Updated"):
        world.activate(kinds[status].id)
    world.update(kinds["Updated"].id, 1, json_schema=document("Updated", description="Another"))
    world.update(kinds["Inactive"].id, 1, enabled=False)

    found = {one.event_name: one for one in world.sdk.get_journey_views_eventdefinitions_external().entities}
    assert {name: one.system_status for name, one in found.items()} == {name: name for name in kinds}
    assert {name for name, one in found.items() if one.activation_status == "Deactivated"} == {"Inactive", "New"}
    assert list(empty_fields(found["Active"])) == []
    assert list(empty_fields(found["New"])) == ["date_first_activated"]
    assert found["Active"].schema_id == kinds["Active"].id
    assert found["Active"].date_created <= found["Active"].date_first_activated <= found["Active"].date_modified


@happy
def get_journey_views_eventdefinitions_external_changes(world: World) -> None:
    new, lonely, quiet = world.schema("New"), world.schema("Lonely"), world.schema("Quiet")
    world.activate(lonely.id)
    world.configuration(quiet.id)
    world.activate(quiet.id)
    found = {one.event_name: one for one in world.sdk.get_journey_views_eventdefinitions_external_changes().changes}
    assert found.keys() == {"New", "Lonely"}
    assert list(empty_fields(found["New"])) == ["error_code", "error_description"]
    assert (found["New"].schema_id, found["New"].change_category, found["New"].system_status) == (new.id, "New", "New")
    assert list(empty_fields(found["Lonely"])) == []
    assert (found["Lonely"].schema_id, found["Lonely"].change_category) == (lonely.id, "Error")
    world.update(quiet.id, 1, json_schema=document("Quiet", description="Another"))
    (updated,) = [
        one
        for one in world.sdk.get_journey_views_eventdefinitions_external_changes().changes
        if one.schema_id == quiet.id
    ]
    assert (updated.change_category, updated.system_status) == ("Updated", "Updated")


# -- when it does not --------------------------------------------------------------------------------------------------


class Unhappy(NamedTuple):
    """A call that fails, and the expected status and code."""

    operation: str
    status: int
    code: str
    call: Callable[[World], Any]


def _disabled(world: World) -> str:
    made = world.schema()
    world.update(made.id, 1, enabled=False)
    return str(made.id)


def _twenty_one(world: World) -> None:
    for number in range(21):
        world.schema(f"Type {number}")


def _used(world: World) -> str:
    made = world.schema()
    world.configuration(made.id)
    return str(made.id)


def _config_of_disabled(world: World) -> str:
    schema = world.schema()
    made = world.configuration(schema.id)
    world.update(schema.id, 1, enabled=False)
    return str(made.id)


def _patch(world: World, id_: str, **values: Any) -> Any:
    body = request("UpdateExternalEventsConfigurationRequest", **values)
    return world.sdk.patch_journey_externalevents_configuration(id_, body=body)


def _definition(world: World, id_: str, **values: Any) -> Any:
    body = request("UpdateExternalEventRequest", **values)
    return world.sdk.put_journey_views_eventdefinition(id_, body=body)


UNHAPPY = [
    Unhappy("post_journey_externalevents_schemas", 400, "unknown.keyword",
            lambda w: w.sdk.post_journey_externalevents_schemas(
                document(properties={"page": {"type": "string", "format": "uuid"}}))),
    Unhappy("post_journey_externalevents_schemas", 400, "unknown.type",
            lambda w: w.sdk.post_journey_externalevents_schemas(document(properties={"page": {"type": "null"}}))),
    Unhappy("post_journey_externalevents_schemas", 409, "title.in.use", lambda w: [w.schema(), w.schema()]),
    Unhappy("post_journey_externalevents_schemas", 409, "limit.reached", _twenty_one),
    Unhappy("get_journey_externalevents_schemas", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_externalevents_schemas()),
    Unhappy("get_journey_externalevents_schemas", 401, "authentication.required",
            lambda w: w.anonymous.get_journey_externalevents_schemas()),
    Unhappy("get_journey_externalevents_schema", 404, "not.found",
            lambda w: w.sdk.get_journey_externalevents_schema(UNKNOWN)),
    Unhappy("put_journey_externalevents_schema", 404, "not.found", lambda w: w.update(UNKNOWN, 1, enabled=True)),
    Unhappy("put_journey_externalevents_schema", 409, "version.conflict",
            lambda w: w.update(w.schema().id, 2, enabled=True)),
    Unhappy("put_journey_externalevents_schema", 400, "enum.value.removed",
            lambda w: w.update(w.schema().id, 1, json_schema=document(
                properties=PROPERTIES | {"channel": {"type": "string", "enum": ["web"]}}))),
    Unhappy("put_journey_externalevents_schema", 400, "field.became.required",
            lambda w: w.update(w.schema().id, 1, json_schema=document(required=["page", "price"]))),
    Unhappy("put_journey_externalevents_schema", 400, "field.kind.changed",
            lambda w: w.update(w.schema().id, 1, json_schema=document(
                properties=PROPERTIES | {"price": {"type": "string"}}))),
    Unhappy("delete_journey_externalevents_schema", 404, "not.found",
            lambda w: w.sdk.delete_journey_externalevents_schema(UNKNOWN)),
    Unhappy("delete_journey_externalevents_schema", 409, "schema.in.use",
            lambda w: w.sdk.delete_journey_externalevents_schema(_used(w))),
    Unhappy("get_journey_externalevents_schema_versions", 404, "not.found",
            lambda w: w.sdk.get_journey_externalevents_schema_versions(UNKNOWN)),
    Unhappy("get_journey_externalevents_schema_version", 404, "not.found",
            lambda w: w.sdk.get_journey_externalevents_schema_version(w.schema().id, "2")),
    Unhappy("get_journey_externalevents_schema_version", 404, "not.found",
            lambda w: w.sdk.get_journey_externalevents_schema_version(w.schema().id, "newest")),
    Unhappy("get_journey_externalevents_schemas_coretypes", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_externalevents_schemas_coretypes()),
    Unhappy("get_journey_externalevents_schemas_coretype", 404, "not.found",
            lambda w: w.sdk.get_journey_externalevents_schemas_coretype("money")),
    Unhappy("get_journey_externalevents_schemas_limits", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_externalevents_schemas_limits()),
    Unhappy("post_journey_externalevents_configurations", 404, "not.found", lambda w: w.configuration(UNKNOWN)),
    Unhappy("post_journey_externalevents_configurations", 409, "configuration.exists",
            lambda w: w.configuration(_used(w))),
    Unhappy("post_journey_externalevents_configurations", 409, "schema.disabled",
            lambda w: w.configuration(_disabled(w))),
    Unhappy("post_journey_externalevents_configurations", 400, "invalid.field",
            lambda w: w.configuration(w.schema().id, source=" ")),
    Unhappy("get_journey_externalevents_configurations", 400, "bad.request",
            lambda w: w.sdk.get_journey_externalevents_configurations(page_number=10**9)),
    Unhappy("get_journey_externalevents_configurations", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_externalevents_configurations()),
    Unhappy("get_journey_externalevents_configuration", 404, "not.found",
            lambda w: w.sdk.get_journey_externalevents_configuration(UNKNOWN)),
    Unhappy("patch_journey_externalevents_configuration", 404, "not.found", lambda w: _patch(w, UNKNOWN, name="A")),
    Unhappy("patch_journey_externalevents_configuration", 400, "invalid.field",
            lambda w: _patch(w, w.configuration(w.schema().id).id, name=" ")),
    Unhappy("delete_journey_externalevents_configuration", 404, "not.found",
            lambda w: w.sdk.delete_journey_externalevents_configuration(UNKNOWN)),
    Unhappy("post_journey_externalevents_configuration_events", 404, "not.found",
            lambda w: w.send(UNKNOWN, event("e"))),
    Unhappy("post_journey_externalevents_configuration_events", 400, "bad.request",
            lambda w: w.send(w.configuration(w.schema().id).id)),
    Unhappy("post_journey_externalevents_configuration_events", 409, "schema.disabled",
            lambda w: w.send(_config_of_disabled(w), event("e"))),
    Unhappy("post_journey_externalevents_configuration_events", 413, "payload.too.large",
            lambda w: w.send(w.configuration(w.schema().id).id, event("e", attributes={"page": "x" * 2**20}))),
    Unhappy("get_journey_views_eventdefinitions", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_views_eventdefinitions()),
    Unhappy("get_journey_views_eventdefinition", 404, "not.found",
            lambda w: w.sdk.get_journey_views_eventdefinition(UNKNOWN)),
    Unhappy("get_journey_views_eventdefinitions_external", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_views_eventdefinitions_external()),
    Unhappy("get_journey_views_eventdefinitions_external_changes", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_views_eventdefinitions_external_changes()),
    Unhappy("put_journey_views_eventdefinition", 404, "not.found", lambda w: _definition(w, UNKNOWN, rank=1)),
    Unhappy("put_journey_views_eventdefinition", 409, "event.not.activated",
            lambda w: _definition(w, w.schema().id, rank=1)),
    Unhappy("put_journey_views_eventdefinition_activate", 404, "not.found", lambda w: w.activate(UNKNOWN, rank=1)),
    Unhappy("put_journey_views_eventdefinition_activate", 400, "invalid.field",
            lambda w: w.activate(w.schema().id, rank=-1)),
    Unhappy("put_journey_views_eventdefinition_activate", 409, "schema.disabled",
            lambda w: w.activate(_disabled(w), rank=1)),
]  # fmt: skip


@pytest.mark.parametrize("case", UNHAPPY, ids=lambda case: f"{case.operation}-{case.code}")
def test_a_failed_call_raises_an_exception_with_an_error_body(world: World, case: Unhappy) -> None:
    with pytest.raises(ApiException) as caught:
        case.call(world)
    body = json.loads(caught.value.body)
    assert (caught.value.status, body["code"]) == (case.status, case.code), body["message"]
    assert body["status"] == case.status
    assert body["message"]
    assert body["contextId"]
    assert case.operation in world.sdk.called | world.powerless.called | world.anonymous.called


def test_the_21st_event_type_is_refused_with_the_limit(world: World) -> None:
    with pytest.raises(ApiException) as caught:
        _twenty_one(world)
    body = json.loads(caught.value.body)
    assert body["limit"] == {"namespace": "external.events.data.ingestion", "key": "event.types.per.org", "value": 20}
    assert body["messageParams"]["count"] == "20"
    assert len(world.sdk.get_journey_externalevents_schemas().entities) == 20


# -- and all of them ---------------------------------------------------------------------------------------------------


def test_every_operation_has_a_test_of_success_and_of_failure() -> None:
    assert len(OPERATIONS) == 22
    assert HAPPY.keys() == OPERATIONS
    assert {case.operation for case in UNHAPPY} == OPERATIONS


def test_the_operations_are_all_that_the_sdk_has_for_external_events() -> None:
    offered = {
        name
        for name in dir(Vendor.JourneyApi)
        if ("externalevents" in name or "eventdefinition" in name) and not name.startswith("_")
    }
    assert {name for name in offered if not name.endswith("_with_http_info")} == OPERATIONS
