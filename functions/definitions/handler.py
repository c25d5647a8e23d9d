"""API operations on event definitions: event types as journey views see them, their activation and their changes."""

from typing import Any

from journeys.aws import dynamodb
from journeys.errors import Conflict
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.definitions import is_active, to_activation, to_change, to_definition, to_summary
from journeys.registry.event_types import EventTypes
from journeys.registry.native_types import NATIVE_TYPES
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.requests import Presentation
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import RegistrySettings

DEFINITIONS = "/api/v2/journey/views/eventdefinitions"
DEFINITION = f"{DEFINITIONS}/<definition_id>"
EXTERNAL = f"{DEFINITIONS}/external"
TAG = "Event definitions"
VIEW_DEFINITION = "journey:eventDefinition:view"
VIEW, ACTIVATE, EDIT = (f"journey:externalEvents:{action}" for action in ("view", "activate", "edit"))

table = RegistrySettings.read().registry_table
schemas, event_types = SchemaStore(dynamodb(), table), EventTypes(dynamodb(), table)
configurations = ConfigurationStore(dynamodb(), table)
router = Router.for_registry(table)


def with_bound(request: Request) -> list[tuple[Schema, bool]]:
    """Return every event type, and whether a configuration binds it to a source."""
    bound = {configuration.schema_id for configuration in configurations.all(request.organization_id)}
    return [(schema, schema.schema_id in bound) for schema in schemas.all(request.organization_id)]


def check_external(definition_id: str) -> None:
    """Raise Conflict for a native event type, which nobody can change."""
    if definition_id in NATIVE_TYPES:
        raise Conflict(
            "This event type is native. It is always active and cannot be changed.", code="native.event.type"
        )


def by_rank(schema: Schema) -> tuple[int, str]:
    return (schema.activation.rank if schema.activation else 0), schema.title.casefold()


@router.route(
    "GET",
    DEFINITIONS,
    summary="List active event definitions",
    tag=TAG,
    permission=VIEW_DEFINITION,
    response="JourneyEventDefinitionListing",
)
def list_event_definitions(request: Request) -> dict[str, Any]:
    active = sorted((schema for schema in event_types.all(request.organization_id) if is_active(schema)), key=by_rank)
    entities = [to_definition(schema) for schema in active]
    return {"total": len(entities), "entities": entities, "selfUri": DEFINITIONS}


@router.route(
    "GET",
    EXTERNAL,
    summary="List external events and their status",
    tag=TAG,
    permission=VIEW,
    response="GetExternalEventsResponse",
)
def list_external_events(request: Request) -> dict[str, Any]:
    return {"entities": [to_summary(schema, bound=bound) for schema, bound in with_bound(request)]}


@router.route(
    "GET",
    f"{EXTERNAL}/changes",
    summary="List external events that need attention",
    tag=TAG,
    permission=VIEW,
    response="ExternalEventChangesResponse",
)
def list_external_event_changes(request: Request) -> dict[str, Any]:
    changes = [to_change(schema, bound=bound) for schema, bound in with_bound(request)]
    return {"changes": [change for change in changes if change is not None]}


@router.route(
    "GET",
    DEFINITION,
    summary="Get an event definition",
    tag=TAG,
    permission=VIEW_DEFINITION,
    response="JourneyEventDefinition",
)
def get_event_definition(request: Request, definition_id: str) -> dict[str, Any]:
    return to_definition(event_types.get(request.organization_id, definition_id))


@router.route(
    "PUT",
    DEFINITION,
    summary="Update an event definition",
    tag=TAG,
    permission=EDIT,
    body=Presentation,
    response="UpdateExternalEventResponse",
    errors=(Conflict,),
)
def update_event_definition(request: Request, definition_id: str, body: Presentation) -> dict[str, Any]:
    check_external(definition_id)
    return to_activation(schemas.update_activation(request.organization_id, definition_id, body.displayName, body.rank))


@router.route(
    "PUT",
    f"{DEFINITION}/activate",
    summary="Activate an event definition",
    tag=TAG,
    permission=ACTIVATE,
    body=Presentation,
    response="ActivateExternalEventResponse",
    errors=(Conflict,),
)
def activate_event_definition(request: Request, definition_id: str, body: Presentation) -> dict[str, Any]:
    check_external(definition_id)
    return to_activation(schemas.activate(request.organization_id, definition_id, body.displayName, body.rank))


handler = router.handle
