"""API operations on schemas: event types and their versions, the core types, and the limits."""

from typing import Any

from journeys.aws import dynamodb
from journeys.errors import Conflict, LimitReached, NotFound
from journeys.http.body import JsonBody
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.registry import limits
from journeys.registry.schemas.document import Document, parse
from journeys.registry.schemas.kinds import CORE_TYPES
from journeys.registry.schemas.requests import SCHEMA as SCHEMA_BODY
from journeys.registry.schemas.requests import SchemaUpdate
from journeys.registry.schemas.store import SchemaStore
from journeys.response_size import count_fitting
from journeys.settings import RegistrySettings

SCHEMAS = "/api/v2/journey/externalevents/schemas"
SCHEMA = f"{SCHEMAS}/<schema_id>"
CORE_TYPE_LIST = f"{SCHEMAS}/coretypes"
TAG = "Schemas"
VIEW, ADD, EDIT, DELETE = (f"journey:externalEventsSchema:{action}" for action in ("view", "add", "edit", "delete"))

table = RegistrySettings.read().registry_table
schemas = SchemaStore(dynamodb(), table)
router = Router.for_registry(table)


def listing(entities: list[dict[str, Any]], uri: str) -> dict[str, Any]:
    return {"total": len(entities), "entities": entities, "selfUri": uri}


@router.route(
    "GET",
    SCHEMAS,
    summary="List schemas",
    tag=TAG,
    permission=VIEW,
    response="JourneyExternalEventsSchemaListing",
)
def list_schemas(request: Request) -> dict[str, Any]:
    return listing([schema.to_wire() for schema in schemas.all(request.organization_id)], SCHEMAS)


@router.route(
    "POST",
    SCHEMAS,
    summary="Create a schema",
    tag=TAG,
    permission=ADD,
    body=JsonBody("JourneyJsonSchemaRequest", parse, SCHEMA_BODY),
    response="JourneyExternalEventsSchema",
    status=201,
    errors=(Conflict, LimitReached),
)
def create_schema(request: Request, body: Document) -> dict[str, Any]:
    return schemas.create(request.organization_id, body, request.caller.reference()).to_wire()


@router.route(
    "GET",
    CORE_TYPE_LIST,
    summary="List core types",
    tag=TAG,
    permission=VIEW,
    response="CoretypeListing",
)
def list_core_types(request: Request) -> dict[str, Any]:
    return listing([core.to_wire() for core in CORE_TYPES.values()], CORE_TYPE_LIST)


@router.route(
    "GET", f"{CORE_TYPE_LIST}/<name>", summary="Get a core type", tag=TAG, permission=VIEW, response="Coretype"
)
def get_core_type(request: Request, name: str) -> dict[str, Any]:
    if name not in CORE_TYPES:
        raise NotFound(f"The core type does not exist. Use one of {', '.join(CORE_TYPES)}.")
    return CORE_TYPES[name].to_wire()


@router.route(
    "GET",
    f"{SCHEMAS}/limits",
    summary="Get the limits of schemas",
    tag=TAG,
    permission=VIEW,
    response="SchemaLimits",
)
def get_schema_limits(request: Request) -> dict[str, Any]:
    return limits.to_wire(schemas.count(request.organization_id))


@router.route("GET", SCHEMA, summary="Get a schema", tag=TAG, permission=VIEW, response="JourneyExternalEventsSchema")
def get_schema(request: Request, schema_id: str) -> dict[str, Any]:
    return schemas.get(request.organization_id, schema_id).to_wire()


@router.route(
    "PUT",
    SCHEMA,
    summary="Update a schema",
    tag=TAG,
    permission=EDIT,
    body=SchemaUpdate,
    response="JourneyExternalEventsSchema",
    errors=(Conflict, LimitReached),
)
def update_schema(request: Request, schema_id: str, body: SchemaUpdate) -> dict[str, Any]:
    document = parse(body.jsonSchema) if body.jsonSchema is not None else None
    updated = schemas.update(
        request.organization_id, schema_id, version=body.version, enabled=body.enabled, document=document
    )
    return updated.to_wire()


@router.route(
    "DELETE",
    SCHEMA,
    summary="Delete a schema",
    tag=TAG,
    permission=DELETE,
    response=None,
    errors=(Conflict,),
)
def delete_schema(request: Request, schema_id: str) -> None:
    schemas.delete(request.organization_id, schema_id)


@router.route(
    "GET",
    f"{SCHEMA}/versions",
    summary="List the versions of a schema",
    tag=TAG,
    permission=VIEW,
    response="JourneyExternalEventsSchemaListing",
)
def list_schema_versions(request: Request, schema_id: str) -> dict[str, Any]:
    # The newest versions come first. Older ones are left out if the response cannot hold all.
    versions = [version.to_wire() for version in schemas.versions(request.organization_id, schema_id)]
    return listing(versions[: count_fitting(versions)], f"{SCHEMAS}/{schema_id}/versions")


@router.route(
    "GET",
    f"{SCHEMA}/versions/<int:version>",
    summary="Get a version of a schema",
    tag=TAG,
    permission=VIEW,
    response="JourneyExternalEventsSchema",
)
def get_schema_version(request: Request, schema_id: str, version: int) -> dict[str, Any]:
    return schemas.version(request.organization_id, schema_id, version).to_wire()


handler = router.handle
