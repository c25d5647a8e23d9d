"""API operations that ingest external events, or validate them without storing any."""

from typing import Any

from journeys.aws import dynamodb, s3
from journeys.errors import Conflict
from journeys.events.bindings import Bindings
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import REQUEST_SECONDS, Ingest, entities_of
from journeys.events.requests import ENTITIES
from journeys.events.store import EventLog
from journeys.http.body import JsonBody
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import IngestSettings

EVENTS = "/api/v2/journey/externalevents/configurations/<configuration_id>/events"
TAG = "Events"
ADD = "journey:externalEventsEvent:add"
BODY = JsonBody("ExternalEventsRequest", entities_of, ENTITIES)

settings = IngestSettings.read()
table = settings.registry_table
ingest = Ingest(
    EventLog(dynamodb(), settings.events_table),
    FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket),
    Bindings(ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table)),
)
router = Router.for_registry(table)


@router.route(
    "POST",
    EVENTS,
    summary="Ingest external events",
    tag=TAG,
    permission=ADD,
    body=BODY,
    response="IngestResponse",
    errors=(Conflict,),
)
def ingest_events(request: Request, configuration_id: str, body: list[object]) -> dict[str, Any]:
    result = ingest.ingest(
        request.organization_id,
        configuration_id,
        body,
        request_id=request.request_id,
        seconds=REQUEST_SECONDS - request.seconds_spent(),
    )
    return result.to_wire(body)


@router.route(
    "POST",
    f"{EVENTS}/validate",
    summary="Validate external events without storing them",
    tag=TAG,
    permission=ADD,
    body=BODY,
    response="IngestResponse",
    errors=(Conflict,),
)
def validate_events(request: Request, configuration_id: str, body: list[object]) -> dict[str, Any]:
    return ingest.validate(request.organization_id, configuration_id, body).to_wire(body)


handler = router.handle
