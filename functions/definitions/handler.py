"""Event definitions: event types as journey views see them, their activation, and what changed."""

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from journeys.aws import dynamodb
from journeys.cache import Cache
from journeys.http import Api, Request
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.definitions import is_active, to_activation, to_change, to_definition, to_summary
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import RegistrySettings

DEFINITIONS = "/api/v2/journey/views/eventdefinitions"
DEFINITION = f"{DEFINITIONS}/<definition_id>"
EXTERNAL = f"{DEFINITIONS}/external"
VIEW_DEFINITION = "journey:eventDefinition:view"
VIEW, ACTIVATE, EDIT = (f"journey:externalEvents:{action}" for action in ("view", "activate", "edit"))

settings = RegistrySettings.read()
schemas = SchemaStore(dynamodb(), settings.registry_table)
configurations = ConfigurationStore(dynamodb(), settings.registry_table)
api = Api(Cache(ClientStore(dynamodb(), settings.registry_table).get))


class Presentation(BaseModel):
    """The contract's `ActivateExternalEventRequest` and `UpdateExternalEventRequest`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    displayName: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = None
    rank: int | None = Field(default=None, ge=0, le=1_000_000)


def external(request: Request) -> list[tuple[Schema, bool]]:
    """Every event type, and whether a configuration feeds it."""
    bound = {configuration.schema_id for configuration in configurations.all(request.organization_id)}
    return [(schema, schema.schema_id in bound) for schema in schemas.all(request.organization_id)]


def by_rank(schema: Schema) -> tuple[int, str]:
    return (schema.activation.rank if schema.activation else 0), schema.title.casefold()


@api.route("GET", DEFINITIONS, permission=VIEW_DEFINITION)
def list_definitions(request: Request) -> dict[str, Any]:
    active = sorted((schema for schema in schemas.all(request.organization_id) if is_active(schema)), key=by_rank)
    entities = [to_definition(schema) for schema in active]
    return {"total": len(entities), "entities": entities, "selfUri": DEFINITIONS}


@api.route("GET", EXTERNAL, permission=VIEW)
def list_external(request: Request) -> dict[str, Any]:
    return {"entities": [to_summary(schema, bound=bound) for schema, bound in external(request)]}


@api.route("GET", f"{EXTERNAL}/changes", permission=VIEW)
def list_changes(request: Request) -> dict[str, Any]:
    changes = [to_change(schema, bound=bound) for schema, bound in external(request)]
    return {"changes": [change for change in changes if change is not None]}


@api.route("GET", DEFINITION, permission=VIEW_DEFINITION)
def get_definition(request: Request, definition_id: str) -> dict[str, Any]:
    return to_definition(schemas.get(request.organization_id, definition_id))


@api.route("PUT", DEFINITION, permission=EDIT)
def update_definition(request: Request, definition_id: str) -> dict[str, Any]:
    given = request.model(Presentation)
    return to_activation(
        schemas.update_activation(request.organization_id, definition_id, given.displayName, given.rank)
    )


@api.route("PUT", f"{DEFINITION}/activate", permission=ACTIVATE)
def activate_definition(request: Request, definition_id: str) -> dict[str, Any]:
    given = request.model(Presentation)
    return to_activation(schemas.activate(request.organization_id, definition_id, given.displayName, given.rank))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
