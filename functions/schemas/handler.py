"""Event types: their schemas and versions, the core types that schemas are made of, and the limits."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field

from journeys.aws import dynamodb
from journeys.cache import Cache
from journeys.errors import NotFound
from journeys.http import Api, Request
from journeys.registry import limits
from journeys.registry.clients.store import ClientStore
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.kinds import CORE_TYPES
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.store import SchemaStore
from journeys.response_size import count_fitting
from journeys.settings import RegistrySettings

SCHEMAS = "/api/v2/journey/externalevents/schemas"
SCHEMA = f"{SCHEMAS}/<schema_id>"
CORE_TYPE_LIST = f"{SCHEMAS}/coretypes"
VIEW, ADD, EDIT, DELETE = (f"journey:externalEventsSchema:{action}" for action in ("view", "add", "edit", "delete"))

settings = RegistrySettings.read()
schemas = SchemaStore(dynamodb(), settings.registry_table)
api = Api(Cache(ClientStore(dynamodb(), settings.registry_table).get))


class SchemaUpdate(BaseModel):
    """The contract's `JourneySchemaUpdateRequest`; the schema itself is read by its own rules."""

    model_config = ConfigDict(strict=True, extra="forbid")

    version: int = Field(ge=1)
    enabled: bool | None = None
    jsonSchema: dict[str, Any] | None = None


def listing(entities: list[dict[str, Any]], uri: str) -> dict[str, Any]:
    return {"total": len(entities), "entities": entities, "selfUri": uri}


@api.route("GET", SCHEMAS, permission=VIEW)
def list_schemas(request: Request) -> dict[str, Any]:
    return listing([schema.to_wire() for schema in schemas.all(request.organization_id)], SCHEMAS)


@api.route("POST", SCHEMAS, permission=ADD, status=201)
def create_schema(request: Request) -> dict[str, Any]:
    return schemas.create(request.organization_id, parse(request.json()), request.caller.reference()).to_wire()


@api.route("GET", CORE_TYPE_LIST, permission=VIEW)
def list_core_types(request: Request) -> dict[str, Any]:
    return listing([core.to_wire() for core in CORE_TYPES.values()], CORE_TYPE_LIST)


@api.route("GET", f"{CORE_TYPE_LIST}/<name>", permission=VIEW)
def get_core_type(request: Request, name: str) -> dict[str, Any]:
    if name not in CORE_TYPES:
        raise NotFound(f"There is no such core type; there are {', '.join(CORE_TYPES)}.")
    return CORE_TYPES[name].to_wire()


@api.route("GET", f"{SCHEMAS}/limits", permission=VIEW)
def get_limits(request: Request) -> dict[str, Any]:
    return limits.to_wire(schemas.count(request.organization_id))


@api.route("GET", SCHEMA, permission=VIEW)
def get_schema(request: Request, schema_id: str) -> dict[str, Any]:
    return schemas.get(request.organization_id, schema_id).to_wire()


@api.route("PUT", SCHEMA, permission=EDIT)
def update_schema(request: Request, schema_id: str) -> dict[str, Any]:
    update = request.model(SchemaUpdate)
    document = parse(update.jsonSchema) if update.jsonSchema is not None else None
    changed: Schema = schemas.update(
        request.organization_id, schema_id, version=update.version, enabled=update.enabled, document=document
    )
    return changed.to_wire()


@api.route("DELETE", SCHEMA, permission=DELETE)
def delete_schema(request: Request, schema_id: str) -> None:
    schemas.delete(request.organization_id, schema_id)


@api.route("GET", f"{SCHEMA}/versions", permission=VIEW)
def list_versions(request: Request, schema_id: str) -> dict[str, Any]:
    """The newest versions that one answer holds; usually all."""
    versions = [version.to_wire() for version in schemas.versions(request.organization_id, schema_id)]
    return listing(versions[: count_fitting(versions)], f"{SCHEMAS}/{schema_id}/versions")


@api.route("GET", f"{SCHEMA}/versions/<version>", permission=VIEW)
def get_version(request: Request, schema_id: str, version: str) -> dict[str, Any]:
    if not (version.isascii() and version.isdigit() and len(version) <= 8):
        raise NotFound("There is no such version.")
    return schemas.version(request.organization_id, schema_id, int(version)).to_wire()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
