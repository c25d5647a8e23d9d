"""Takes external events in, or judges them without storing any."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb, s3
from journeys.cache import Cache
from journeys.events.bindings import Bindings
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import REQUEST_SECONDS, Ingest, entities_of
from journeys.events.store import EventLog
from journeys.http import Api, Request
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import IngestSettings

EVENTS = "/api/v2/journey/externalevents/configurations/<configuration_id>/events"
ADD = "journey:externalEventsEvent:add"

settings = IngestSettings.read()
table = settings.registry_table
ingest = Ingest(
    EventLog(dynamodb(), settings.events_table),
    FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket),
    Bindings(ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table)),
)
api = Api(Cache(ClientStore(dynamodb(), table).get))


@api.route("POST", EVENTS, permission=ADD)
def take(request: Request, configuration_id: str) -> dict[str, Any]:
    entities = entities_of(request.json())
    taken = ingest.ingest(
        request.organization_id,
        configuration_id,
        entities,
        request_id=request.request_id,
        seconds=REQUEST_SECONDS - request.seconds_spent(),
    )
    return taken.to_wire(entities)


@api.route("POST", f"{EVENTS}/validate", permission=ADD)
def validate(request: Request, configuration_id: str) -> dict[str, Any]:
    entities = entities_of(request.json())
    return ingest.validate(request.organization_id, configuration_id, entities).to_wire(entities)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
