"""Configurations: which source sends which event type, and so where its events are posted."""

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, StringConstraints

from journeys.aws import dynamodb
from journeys.cache import Cache
from journeys.http import Api, Request
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.model import Configuration
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import RegistrySettings

CONFIGURATIONS = "/api/v2/journey/externalevents/configurations"
CONFIGURATION = f"{CONFIGURATIONS}/<configuration_id>"
VIEW, ADD, EDIT, DELETE = (
    f"journey:externalEventsConfiguration:{action}" for action in ("view", "add", "edit", "delete")
)

settings = RegistrySettings.read()
configurations = ConfigurationStore(dynamodb(), settings.registry_table)
schemas = SchemaStore(dynamodb(), settings.registry_table)
api = Api(Cache(ClientStore(dynamodb(), settings.registry_table).get))

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[str, StringConstraints(max_length=500)]


class ConfigurationCreate(BaseModel):
    """The contract's `CreateExternalEventsConfigurationRequest`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name
    description: Description | None = None
    divisionId: Name | None = None
    schemaId: Name
    source: Name


class ConfigurationUpdate(BaseModel):
    """The contract's `UpdateExternalEventsConfigurationRequest`: what a configuration binds never changes."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name | None = None
    description: Description | None = None


def to_wire(request: Request, configuration: Configuration) -> dict[str, Any]:
    schema = schemas.get(request.organization_id, configuration.schema_id)
    return configuration.to_wire(schema_active=schema.enabled)


@api.route("GET", CONFIGURATIONS, permission=VIEW)
def list_configurations(request: Request) -> dict[str, Any]:
    active = {schema.schema_id for schema in schemas.all(request.organization_id) if schema.enabled}
    return request.page(
        CONFIGURATIONS,
        configurations.all(request.organization_id),
        lambda configuration: configuration.to_wire(schema_active=configuration.schema_id in active),
    )


@api.route("POST", CONFIGURATIONS, permission=ADD, status=201)
def create_configuration(request: Request) -> dict[str, Any]:
    given = request.model(ConfigurationCreate)
    created = configurations.create(
        request.organization_id,
        name=given.name,
        description=given.description,
        division_id=given.divisionId,
        schema_id=given.schemaId,
        source=given.source,
    )
    return created.to_wire(schema_active=True)


@api.route("GET", CONFIGURATION, permission=VIEW)
def get_configuration(request: Request, configuration_id: str) -> dict[str, Any]:
    return to_wire(request, configurations.get(request.organization_id, configuration_id))


@api.route("PATCH", CONFIGURATION, permission=EDIT)
def update_configuration(request: Request, configuration_id: str) -> dict[str, Any]:
    given = request.model(ConfigurationUpdate)
    changed = configurations.update(
        request.organization_id, configuration_id, name=given.name, description=given.description
    )
    return to_wire(request, changed)


@api.route("DELETE", CONFIGURATION, permission=DELETE)
def delete_configuration(request: Request, configuration_id: str) -> None:
    configurations.delete(request.organization_id, configuration_id)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
