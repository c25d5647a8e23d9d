"""API operations on the journey of one customer: its summary and its events."""

from typing import Any

from journeys.aws import dynamodb
from journeys.errors import NotFound
from journeys.events.model import ExternalId
from journeys.events.store import EventLog
from journeys.http.parameters import CURSOR, PAGE_SIZE, choice, moment, required_text, text
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.journey.reading import JourneyReader
from journeys.journey.store import JourneyStore
from journeys.registry.event_types import EventTypes
from journeys.settings import JourneySettings

CUSTOMERS = "/api/v2/journey/customers"
TAG = "Customers"
VIEW = "journey:customers:view"

SOURCE = required_text("externalSourceId", "The source of the customer's identifier, such as crm.")
VALUE = required_text("value", "The customer's identifier in that source.")
ORDER = choice("order", "Whether the oldest (asc) or the newest (desc) event comes first.", ("asc", "desc"))
EVENT_NAME = text("eventName", "Only events of the event type with this title.")
FROM = moment("from", "Only events at or after this time.")
TO = moment("to", "Only events before this time.")

settings = JourneySettings.read()
reader = JourneyReader(
    JourneyStore(dynamodb(), settings.journeys_table),
    EventLog(dynamodb(), settings.events_table),
    EventTypes(dynamodb(), settings.registry_table),
)
router = Router.for_registry(settings.registry_table)


@router.route(
    "GET",
    CUSTOMERS,
    summary="Get a customer's journey",
    tag=TAG,
    permission=VIEW,
    query=(SOURCE, VALUE),
    response="CustomerJourney",
    errors=(NotFound,),
)
def get_customer(request: Request) -> dict[str, Any]:
    asked = ExternalId(request.get(SOURCE), request.get(VALUE))
    return reader.summary(request.organization_id, asked, [asked])


@router.route(
    "GET",
    f"{CUSTOMERS}/events",
    summary="List a customer's events",
    tag=TAG,
    permission=VIEW,
    query=(SOURCE, VALUE, ORDER, EVENT_NAME, FROM, TO, PAGE_SIZE, CURSOR),
    response="CustomerEventListing",
    errors=(NotFound,),
)
def list_customer_events(request: Request) -> dict[str, Any]:
    asked = ExternalId(request.get(SOURCE), request.get(VALUE))
    return reader.events(
        request.organization_id,
        asked,
        [asked],
        ascending=request.get(ORDER) == "asc",
        page_size=request.get(PAGE_SIZE),
        cursor=request.get(CURSOR),
        event_name=request.get(EVENT_NAME),
        since=request.get(FROM),
        until=request.get(TO),
    )


handler = router.handle
