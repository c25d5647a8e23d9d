"""The API of event types: schemas, their limits and their versions."""

from types import ModuleType
from typing import Any

import pytest
from PureCloudPlatformClientV2 import models

from journeys import aws
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.schemas.kinds import CORE_TYPES
from journeys.registry.schemas.model import SLOTS
from tests.support.functions import api_event, call, load
from tests.support.reads import rows_read
from tests.support.tables import Tables

SCHEMAS = "externalevents/schemas"


class Schemas:
    """The API of event types for a client of one organization."""

    def __init__(self, module: ModuleType, client_id: str = "client") -> None:
        self.module, self.client_id = module, client_id

    def ask(self, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
        return call(self.module, api_event(method, f"{SCHEMAS}{path}", body, client_id=self.client_id))

    def create(self, title: str = "Order placed", **other: Any) -> dict[str, Any]:
        status, schema = self.ask("POST", "", document(title, **other))
        assert status == 201, schema
        made: dict[str, Any] = schema
        return made

    def update(self, schema: dict[str, Any], **changes: Any) -> tuple[int, Any]:
        return self.ask("PUT", f"/{schema['id']}", {"version": schema["version"]} | changes)

    def changed(self, schema: dict[str, Any], **changes: Any) -> dict[str, Any]:
        status, after = self.update(schema, **changes)
        assert status == 200, after
        made: dict[str, Any] = after
        return made

    def in_use(self) -> int:
        found: int = self.ask("GET", "/limits")[1]["numberOfSchemas"]
        return found


def document(title: str = "Order placed", **properties: Any) -> dict[str, Any]:
    return {"title": title, "properties": properties or {"total": {"type": "number"}}}


def names(model: Any) -> set[str]:
    """The JSON field names of a model of the vendor's SDK."""
    return set(model.attribute_map.values())


@pytest.fixture
def schemas(tables: Tables) -> Schemas:
    return Schemas(load("schemas"))


@pytest.fixture
def rival(schemas: Schemas, tables: Tables) -> Schemas:
    """A client of another organization."""
    ClientStore(tables.dynamodb, tables.registry).put(Client("rival", "globex", "A rival", PERMISSIONS))
    return Schemas(schemas.module, "rival")


# -- creating and reading ----------------------------------------------------------------------------------------------


def test_a_schema_is_created_enabled_at_version_1(schemas: Schemas) -> None:
    made = schemas.create()
    assert (made["version"], made["enabled"]) == (1, True)
    assert made["createdBy"] == {"id": "client", "name": "A client"}
    assert made["jsonSchema"].items() >= document().items()
    assert made.keys() == names(models.JourneyExternalEventsSchema())


def test_a_schema_is_returned_by_its_id_and_at_its_self_uri(schemas: Schemas) -> None:
    made = schemas.create()
    assert schemas.ask("GET", f"/{made['id']}") == (200, made)
    assert made["selfUri"] == f"/api/v2/journey/{SCHEMAS}/{made['id']}"


def test_schemas_are_listed_by_title_with_their_total(schemas: Schemas) -> None:
    made = [schemas.create(title) for title in ("b", "C", "a")]
    _, listing = schemas.ask("GET")
    assert [schema["jsonSchema"]["title"] for schema in listing["entities"]] == ["a", "b", "C"]
    assert sorted(schema["id"] for schema in listing["entities"]) == sorted(schema["id"] for schema in made)
    assert listing["total"] == 3
    assert listing.keys() == names(models.JourneyExternalEventsSchemaListing())


def test_a_title_of_100_characters_of_any_script_is_accepted(schemas: Schemas) -> None:
    for character in "😀ΐ#%":
        assert schemas.create(character * 100)["jsonSchema"]["title"] == character * 100


def test_an_invalid_schema_is_refused_with_its_fields(schemas: Schemas) -> None:
    status, body = schemas.ask("POST", "", document(a={"type": "money"}, b={"type": "string", "pattern": "x"}))
    assert (status, body["code"]) == (400, "unknown.type")
    assert body["details"] == [
        {"errorCode": "unknown.type", "fieldName": "properties.a.type"},
        {"errorCode": "unknown.keyword", "fieldName": "properties.b.pattern"},
    ]
    assert schemas.in_use() == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/versions"), ("GET", "/versions/1"), ("PUT", ""), ("DELETE", "")],
)
def test_another_organizations_schema_is_not_found(schemas: Schemas, rival: Schemas, method: str, path: str) -> None:
    made = schemas.create()
    body = {"version": 1, "enabled": False} if method == "PUT" else None
    assert rival.ask(method, f"/{made['id']}{path}", body)[0] == 404
    assert schemas.ask("GET", f"/{made['id']}") == (200, made)
    assert rival.ask("GET")[1]["entities"] == []


def test_organizations_share_neither_titles_nor_limits(schemas: Schemas, rival: Schemas) -> None:
    schemas.create()
    rival.create()
    assert (schemas.in_use(), rival.in_use()) == (1, 1)


# -- the limit ---------------------------------------------------------------------------------------------------------


def test_the_21st_event_type_is_refused_with_the_limit_and_the_count(schemas: Schemas, tables: Tables) -> None:
    for number in range(20):
        schemas.create(f"Type {number}")
    status, body = schemas.ask("POST", "", document("One more"))
    assert (status, body["code"]) == (409, "limit.reached")
    assert body["limit"] == {"namespace": "external.events.data.ingestion", "key": "event.types.per.org", "value": 20}
    assert body["messageParams"] == {"limit": "20", "count": "20"}
    assert schemas.in_use() == schemas.ask("GET")[1]["total"] == 20
    slots = [item["slot"]["S"] for item in tables.items(tables.registry) if item["pk"]["S"] == "ORG#acme#SCHEMAS"]
    assert sorted(slots) == list(SLOTS)


def test_a_disabled_schema_keeps_its_slot_and_a_deleted_one_releases_it(schemas: Schemas) -> None:
    made = [schemas.create(f"Type {number}") for number in range(20)]
    schemas.changed(made[0], enabled=False)
    assert schemas.ask("POST", "", document("One more"))[0] == 409
    assert schemas.ask("DELETE", f"/{made[1]['id']}") == (204, None)
    assert schemas.in_use() == 19
    schemas.create("One more")
    assert schemas.ask("POST", "", document("And another"))[0] == 409


def test_limits_say_20_types_50_fields_and_how_many_are_in_use(schemas: Schemas) -> None:
    schemas.create()
    _, limits = schemas.ask("GET", "/limits")
    assert limits["maxNumberOfSchemasPerOrg"] == 20
    assert limits["maxNumberOfFieldsPerSchema"] == 50
    assert limits["maxNumberOfFieldsPerOrg"] == 1000
    assert limits["numberOfSchemas"] == 1
    assert limits.keys() - {"numberOfSchemas"} == names(models.SchemaQuantityLimits())


# -- core types --------------------------------------------------------------------------------------------------------


def test_core_types_have_the_fields_of_the_contract(schemas: Schemas) -> None:
    status, listing = schemas.ask("GET", "/coretypes")
    assert (status, listing["total"]) == (200, len(CORE_TYPES))
    assert listing.keys() == names(models.CoretypeListing())
    for core in listing["entities"]:
        assert core.keys() <= names(models.Coretype())
        assert core["schema"].keys() <= names(models.Schema())
        assert core["validationLimits"].keys() <= names(models.ValidationLimits())
        assert core.get("itemValidationLimits", {}).keys() <= names(models.ItemValidationLimits())
        assert schemas.ask("GET", f"/coretypes/{core['name']}") == (200, core)


def test_a_core_type_lists_the_keywords_of_its_fields(schemas: Schemas) -> None:
    """Every listed keyword is accepted at its listed limits."""
    for core in schemas.ask("GET", "/coretypes")[1]["entities"]:
        field: dict[str, Any] = {"allOf": [{"$ref": f"#/definitions/{core['name']}"}]}
        for keyword in core["validationFields"]:
            field[keyword] = ["a"] if keyword == "enum" else core["validationLimits"][keyword]["max"]
        schemas.ask("DELETE", f"/{schemas.create(core['name'], field=field)['id']}")


def test_an_unknown_core_type_is_404(schemas: Schemas) -> None:
    assert schemas.ask("GET", "/coretypes/money")[0] == 404


# -- versions ----------------------------------------------------------------------------------------------------------


def test_an_update_creates_the_next_version_and_keeps_earlier_ones(schemas: Schemas) -> None:
    first = schemas.create()
    second = schemas.changed(first, jsonSchema=document(total={"type": "number"}, note={"type": "string"}))
    assert (second["version"], second["id"], second["dateCreated"]) == (2, first["id"], first["dateCreated"])
    assert schemas.ask("GET", f"/{first['id']}") == (200, second)
    status, listing = schemas.ask("GET", f"/{first['id']}/versions")
    assert (status, listing["entities"], listing["total"]) == (200, [second, first], 2)
    assert schemas.ask("GET", f"/{first['id']}/versions/1") == (200, first)
    assert schemas.ask("GET", f"/{first['id']}/versions/2") == (200, second)


@pytest.mark.parametrize("version", ["0", "3", "-1", "1.0", "one", "٣", "999999999999"])
def test_an_unknown_version_is_404(schemas: Schemas, version: str) -> None:
    made = schemas.create()
    assert schemas.ask("GET", f"/{made['id']}/versions/{version}")[0] == 404


@pytest.mark.parametrize("version", [2, 99, 10**30])
def test_an_update_of_an_outdated_version_is_409_with_the_current_version(schemas: Schemas, version: int) -> None:
    made = schemas.create()
    status, body = schemas.update(made | {"version": version}, enabled=False)
    assert (status, body["code"], body["messageParams"]) == (409, "version.conflict", {"version": "1"})
    assert schemas.ask("GET", f"/{made['id']}") == (200, made)


def test_a_version_can_be_updated_once(schemas: Schemas) -> None:
    made = schemas.create()
    schemas.changed(made, enabled=False)
    assert schemas.update(made, enabled=True)[0] == 409


@pytest.mark.parametrize("version", [None, 0, -1, "1", 1.0, True, [1]], ids=str)
def test_a_version_is_a_whole_number_from_1(schemas: Schemas, version: Any) -> None:
    status, body = schemas.update(schemas.create() | {"version": version})
    assert (status, body["details"][0]["fieldName"]) == (400, "version")


def test_an_unknown_field_of_an_update_is_refused_by_its_name(schemas: Schemas) -> None:
    status, body = schemas.update(schemas.create(), slot="b")
    assert (status, body["details"][0]["fieldName"]) == (400, "slot")


def test_an_update_of_an_unknown_schema_is_404(schemas: Schemas) -> None:
    assert schemas.update({"id": "nothing", "version": 1}, enabled=False)[0] == 404


@pytest.mark.parametrize(
    ("properties", "required", "code"),
    [
        ({"status": {"enum": ["open", "closed"]}}, [], "field.removed"),
        ({"status": {"enum": ["open", "closed"]}, "total": {"type": "integer"}}, [], "field.kind.changed"),
        ({"status": {"enum": ["open"]}, "total": {"type": "number"}}, [], "enum.value.removed"),
        ({"status": {"enum": ["open", "closed"]}, "total": {"type": "number"}}, ["total"], "field.became.required"),
    ],
)
def test_an_incompatible_version_is_refused(schemas: Schemas, properties: Any, required: list[str], code: str) -> None:
    made = schemas.create("Case", status={"enum": ["open", "closed"]}, total={"type": "number"})
    status, body = schemas.update(made, jsonSchema=document("Case", **properties) | {"required": required})
    assert (status, body["code"]) == (400, code)
    assert schemas.ask("GET", f"/{made['id']}") == (200, made)
    assert schemas.ask("GET", f"/{made['id']}/versions")[1]["total"] == 1


def test_a_version_is_compared_with_the_latest_one_and_not_with_the_first(schemas: Schemas) -> None:
    first = schemas.create("Case", status={"enum": ["open"]})
    second = schemas.changed(first, jsonSchema=document("Case", status={"enum": ["open", "closed"]}))
    assert schemas.update(second, jsonSchema=document("Case", status={"enum": ["open"]}))[0] == 400


# -- titles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["Order placed", "ORDER PLACED", "  order placed "])
def test_two_enabled_schemas_never_have_the_same_title(schemas: Schemas, title: str) -> None:
    schemas.create("Order placed")
    status, body = schemas.ask("POST", "", document(title))
    assert (status, body["code"]) == (409, "title.in.use")
    assert schemas.in_use() == 1


def test_a_disabled_schema_releases_its_title_and_cannot_be_enabled_while_the_title_is_in_use(schemas: Schemas) -> None:
    old = schemas.changed(schemas.create("Order"), enabled=False)
    new = schemas.create("Order")
    status, body = schemas.update(old, enabled=True)
    assert (status, body["code"]) == (409, "title.in.use")
    schemas.changed(new, enabled=False)
    assert schemas.changed(old, enabled=True)["enabled"]


def test_a_renamed_schema_releases_its_old_title_and_claims_the_new_one(schemas: Schemas) -> None:
    made = schemas.create("Order")
    schemas.changed(made, jsonSchema=document("Purchase"))
    assert schemas.ask("POST", "", document("Purchase"))[0] == 409
    schemas.create("Order")


def test_a_schema_is_not_renamed_to_a_title_in_use(schemas: Schemas) -> None:
    schemas.create("Order")
    made = schemas.create("Purchase")
    status, body = schemas.update(made, jsonSchema=document("order"))
    assert (status, body["code"]) == (409, "title.in.use")
    assert schemas.ask("POST", "", document("Purchase"))[0] == 409


def test_a_schema_may_change_the_case_of_its_own_title(schemas: Schemas) -> None:
    changed = schemas.changed(schemas.create("order"), jsonSchema=document("ORDER"))
    assert changed["jsonSchema"]["title"] == "ORDER"
    assert schemas.ask("POST", "", document("Order"))[0] == 409


def test_a_schema_renamed_while_disabled_claims_its_title_when_it_is_enabled(schemas: Schemas) -> None:
    schemas.create("Order")
    disabled = schemas.changed(schemas.create("Purchase"), enabled=False)
    renamed = schemas.changed(disabled, jsonSchema=document("Order"))
    assert schemas.update(renamed, enabled=True)[0] == 409
    enabled = schemas.changed(renamed, enabled=True, jsonSchema=document("Purchase"))
    assert enabled["jsonSchema"]["title"] == "Purchase"


def test_enabling_an_enabled_schema_changes_nothing(schemas: Schemas) -> None:
    made = schemas.changed(schemas.create("Order"), enabled=True)
    schemas.changed(made, enabled=False)
    schemas.create("Order")


# -- deleting ----------------------------------------------------------------------------------------------------------


def test_the_newest_versions_that_fit_into_one_response_are_listed(
    schemas: Schemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = schemas.create("Order")
    for _ in range(3):
        made = schemas.changed(made, enabled=True)
    monkeypatch.setattr("journeys.response_size.LARGEST_PAGE", 1000)
    status, listed = schemas.ask("GET", f"/{made['id']}/versions")
    found = [one["version"] for one in listed["entities"]]
    assert (status, found) == (200, [4, 3, 2, 1][: len(found)])
    assert 0 < len(found) < 4


def test_a_listing_of_versions_reads_a_bounded_number_of_them(
    schemas: Schemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeys.registry.schemas.store.MAX_VERSIONS_LISTED", 3)
    made = schemas.create()
    for _ in range(5):
        made = schemas.changed(made, enabled=True)
    with rows_read(aws.dynamodb()) as rows:
        status, listed = schemas.ask("GET", f"/{made['id']}/versions")
    assert (status, [one["version"] for one in listed["entities"]]) == (200, [6, 5, 4])
    assert sum(rows) == 3


def test_a_schema_that_was_never_used_can_be_deleted_with_all_its_versions(schemas: Schemas, tables: Tables) -> None:
    made = schemas.create("Order")
    schemas.changed(made, enabled=True)
    assert schemas.ask("DELETE", f"/{made['id']}") == (204, None)
    for path in ("", "/versions", "/versions/1", "/versions/2"):
        assert schemas.ask("GET", f"/{made['id']}{path}")[0] == 404
    assert schemas.ask("DELETE", f"/{made['id']}")[0] == 404
    assert schemas.in_use() == 0
    # Only the client, its row in the organization's list, and the counter remain.
    left = {item["sk"]["S"] for item in tables.items(tables.registry)}
    assert left == {"CLIENT", "client", "EVENT_TYPES"}


def test_a_deleted_schema_releases_its_title(schemas: Schemas) -> None:
    schemas.ask("DELETE", f"/{schemas.create('Order')['id']}")
    schemas.create("Order")


def test_deleting_a_disabled_schema_does_not_release_the_title_of_another_schema(schemas: Schemas) -> None:
    old = schemas.changed(schemas.create("Order"), enabled=False)
    schemas.create("Order")
    assert schemas.ask("DELETE", f"/{old['id']}")[0] == 204
    assert schemas.ask("POST", "", document("Order"))[0] == 409
