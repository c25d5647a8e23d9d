"""API operations on configurations. A configuration binds a source to an event type and receives its events."""

from typing import Any

from journeys.aws import dynamodb
from journeys.errors import Conflict, LimitReached, NotFound
from journeys.http.parameters import PAGE, choice
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.registry.configurations.model import Configuration
from journeys.registry.configurations.requests import ConfigurationCreate, ConfigurationUpdate
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import RegistrySettings
from journeys.webhooks.configurations import ConfigurationDeletion
from journeys.webhooks.store import EndpointStore

CONFIGURATIONS = "/api/v2/journey/externalevents/configurations"
CONFIGURATION = f"{CONFIGURATIONS}/<configuration_id>"
TAG = "Configurations"
VIEW, ADD, EDIT, DELETE = (
    f"journey:externalEventsConfiguration:{action}" for action in ("view", "add", "edit", "delete")
)
FORCE = choice(
    "force",
    "Whether to delete the configuration although webhook endpoints use it. They are disabled, which also requires the "
    "permission journey:webhooks:edit.",
    ("false", "true"),
)

table = RegistrySettings.read().registry_table
configurations = ConfigurationStore(dynamodb(), table)
schemas = SchemaStore(dynamodb(), table)
deletion = ConfigurationDeletion(configurations, EndpointStore(dynamodb(), table))
router = Router.for_registry(table)


def to_wire(request: Request, configuration: Configuration) -> dict[str, Any]:
    schema = schemas.get(request.organization_id, configuration.schema_id)
    return configuration.to_wire(schema_active=schema.enabled)


@router.route(
    "GET",
    CONFIGURATIONS,
    summary="List configurations",
    tag=TAG,
    permission=VIEW,
    query=PAGE,
    response="ExternalEventsConfigurationListing",
)
def list_configurations(request: Request) -> dict[str, Any]:
    active = {schema.schema_id for schema in schemas.all(request.organization_id) if schema.enabled}
    return request.page(
        CONFIGURATIONS,
        configurations.all(request.organization_id),
        lambda configuration: configuration.to_wire(schema_active=configuration.schema_id in active),
    )


@router.route(
    "POST",
    CONFIGURATIONS,
    summary="Create a configuration",
    tag=TAG,
    permission=ADD,
    body=ConfigurationCreate,
    response="ExternalEventsConfiguration",
    status=201,
    errors=(NotFound, Conflict, LimitReached),
)
def create_configuration(request: Request, body: ConfigurationCreate) -> dict[str, Any]:
    created = configurations.create(
        request.organization_id,
        name=body.name,
        description=body.description,
        division_id=body.divisionId,
        schema_id=body.schemaId,
        source=body.source,
    )
    return created.to_wire(schema_active=True)


@router.route(
    "GET",
    CONFIGURATION,
    summary="Get a configuration",
    tag=TAG,
    permission=VIEW,
    response="ExternalEventsConfiguration",
)
def get_configuration(request: Request, configuration_id: str) -> dict[str, Any]:
    return to_wire(request, configurations.get(request.organization_id, configuration_id))


@router.route(
    "PATCH",
    CONFIGURATION,
    summary="Update a configuration",
    tag=TAG,
    permission=EDIT,
    body=ConfigurationUpdate,
    response="ExternalEventsConfiguration",
)
def update_configuration(request: Request, configuration_id: str, body: ConfigurationUpdate) -> dict[str, Any]:
    updated = configurations.update(
        request.organization_id, configuration_id, name=body.name, description=body.description
    )
    return to_wire(request, updated)


@router.route(
    "DELETE",
    CONFIGURATION,
    summary="Delete a configuration",
    tag=TAG,
    permission=DELETE,
    query=(FORCE,),
    response=None,
    errors=(Conflict,),
)
def delete_configuration(request: Request, configuration_id: str) -> None:
    force = request.get(FORCE) == "true"
    if force:
        request.caller.require("journey:webhooks:edit")
    deletion.delete(request.organization_id, configuration_id, force=force)


handler = router.handle
