"""One customer's journey: its summary, and its events page by page."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb
from journeys.cache import Cache
from journeys.events.store import EventLog
from journeys.http import Api, Request
from journeys.journey.reading import JourneyReader
from journeys.journey.store import JourneyStore
from journeys.registry.clients.store import ClientStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import JourneySettings

CUSTOMERS = "/api/v2/journey/customers"
VIEW = "journey:customers:view"

settings = JourneySettings.read()
reader = JourneyReader(
    JourneyStore(dynamodb(), settings.journeys_table),
    EventLog(dynamodb(), settings.events_table),
    SchemaStore(dynamodb(), settings.registry_table),
)
api = Api(Cache(ClientStore(dynamodb(), settings.registry_table).get))


@api.route("GET", CUSTOMERS, permission=VIEW)
def get_summary(request: Request) -> dict[str, Any]:
    return reader.summary(request.organization_id, request.required("externalSourceId"), request.required("value"))


@api.route("GET", f"{CUSTOMERS}/events", permission=VIEW)
def list_events(request: Request) -> dict[str, Any]:
    return reader.events(
        request.organization_id,
        request.required("externalSourceId"),
        request.required("value"),
        ascending=request.choice("order", ("asc", "desc")) == "asc",
        page_size=request.page_size(),
        cursor=request.text("cursor"),
        event_name=request.text("eventName"),
        since=request.moment("from"),
        until=request.moment("to"),
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
