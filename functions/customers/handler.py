"""API operations on customers: their journeys, and the identifiers by which they are known."""

from collections.abc import Sequence
from typing import Any

from journeys.aws import dynamodb
from journeys.errors import Conflict, LimitReached, NotFound
from journeys.events.model import ExternalId
from journeys.events.store import EventLog
from journeys.http.parameters import CURSOR, PAGE_SIZE, choice, moment, required_text, text
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.identity.model import DecisionState
from journeys.identity.reading import PersonReader
from journeys.identity.requests import IdentitySettingsUpdate, LinkChange
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.journey.identifiers import IdentifierService
from journeys.journey.reading import JourneyReader
from journeys.journey.store import JourneyStore
from journeys.parallel import Reads
from journeys.registry.event_types import EventTypes
from journeys.settings import JourneySettings

CUSTOMERS = "/api/v2/journey/customers"
SETTINGS = f"{CUSTOMERS}/settings"
TAG = "Customers"
VIEW, EDIT = "journey:customers:view", "journey:customers:edit"

SOURCE = required_text("externalSourceId", "The source of the customer's identifier, such as crm.")
VALUE = required_text("value", "The customer's identifier in that source.")
SCOPE = choice("scope", "Whose events: those of the person behind the identifier, or of the identifier alone.",
               ("person", "identifier"))  # fmt: skip
ORDER = choice("order", "Whether the oldest (asc) or the newest (desc) event comes first.", ("asc", "desc"))
EVENT_NAME = text("eventName", "Only events of the event type with this title.")
FROM = moment("from", "Only events at or after this time.")
TO = moment("to", "Only events before this time.")
SEARCHED = required_text("value", "The customer's identifier in any source.")

settings = JourneySettings.read()
reads = Reads()
journeys = JourneyStore(dynamodb(), settings.journeys_table)
links = LinkStore(dynamodb(), settings.links_table)
linking = IdentitySettingsStore(dynamodb(), settings.registry_table)
persons = PersonReader(links, linking, reads)
identifiers = IdentifierService(links, linking, persons, journeys, reads)
reader = JourneyReader(
    journeys, EventLog(dynamodb(), settings.events_table), EventTypes(dynamodb(), settings.registry_table), reads
)
router = Router.for_registry(settings.registry_table)


def _asked(request: Request) -> ExternalId:
    return ExternalId(request.get(SOURCE), request.get(VALUE))


def _in_scope(request: Request) -> Sequence[ExternalId]:
    """Return the identifiers whose events the request asks for."""
    if request.get(SCOPE) == "identifier":
        return [_asked(request)]
    return persons.person(request.organization_id, _asked(request)).identifiers


# -- journeys ----------------------------------------------------------------------------------------------------------


@router.route(
    "GET",
    CUSTOMERS,
    summary="Get a customer's journey",
    tag=TAG,
    permission=VIEW,
    query=(SOURCE, VALUE, SCOPE),
    response="CustomerJourney",
    errors=(NotFound,),
)
def get_customer(request: Request) -> dict[str, Any]:
    return reader.summary(request.organization_id, _asked(request), _in_scope(request))


@router.route(
    "GET",
    f"{CUSTOMERS}/events",
    summary="List a customer's events",
    tag=TAG,
    permission=VIEW,
    query=(SOURCE, VALUE, SCOPE, ORDER, EVENT_NAME, FROM, TO, PAGE_SIZE, CURSOR),
    response="CustomerEventListing",
    errors=(NotFound,),
)
def list_customer_events(request: Request) -> dict[str, Any]:
    return reader.events(
        request.organization_id,
        _asked(request),
        _in_scope(request),
        ascending=request.get(ORDER) == "asc",
        page_size=request.get(PAGE_SIZE),
        cursor=request.get(CURSOR),
        event_name=request.get(EVENT_NAME),
        since=request.get(FROM),
        until=request.get(TO),
    )


# -- identifiers -------------------------------------------------------------------------------------------------------


@router.route(
    "GET",
    f"{CUSTOMERS}/identifiers",
    summary="Get the identifiers of a customer, and how they came to be linked",
    tag=TAG,
    permission=VIEW,
    query=(SOURCE, VALUE),
    response="CustomerIdentifiers",
    errors=(NotFound,),
)
def get_customer_identifiers(request: Request) -> dict[str, Any]:
    return identifiers.get(request.organization_id, _asked(request))


@router.route(
    "GET",
    f"{CUSTOMERS}/search",
    summary="Find customers by an identifier in any source",
    tag=TAG,
    permission=VIEW,
    query=(SEARCHED,),
    response="CustomerSearch",
)
def search_customers(request: Request) -> dict[str, Any]:
    return identifiers.search(request.organization_id, request.get(SEARCHED))


@router.route(
    "POST",
    f"{CUSTOMERS}/links",
    summary="Link two identifiers of one customer",
    tag=TAG,
    permission=EDIT,
    body=LinkChange,
    response="CustomerIdentifiers",
    errors=(NotFound, Conflict, LimitReached),
)
def link_identifiers(request: Request, body: LinkChange) -> dict[str, Any]:
    return identifiers.decide(request.caller, body.one.to_identifier(), body.to_pair(), DecisionState.LINKED)


@router.route(
    "POST",
    f"{CUSTOMERS}/unlinks",
    summary="Unlink two identifiers of different customers",
    tag=TAG,
    permission=EDIT,
    body=LinkChange,
    response="CustomerIdentifiers",
    errors=(NotFound, Conflict, LimitReached),
)
def unlink_identifiers(request: Request, body: LinkChange) -> dict[str, Any]:
    return identifiers.decide(request.caller, body.one.to_identifier(), body.to_pair(), DecisionState.UNLINKED)


# -- settings ----------------------------------------------------------------------------------------------------------


@router.route(
    "GET",
    SETTINGS,
    summary="Get which sources of identifiers may link",
    tag=TAG,
    permission=VIEW,
    response="IdentitySettings",
)
def get_identity_settings(request: Request) -> dict[str, Any]:
    return identifiers.settings(request.organization_id)


@router.route(
    "PUT",
    SETTINGS,
    summary="Set which sources of identifiers may link",
    tag=TAG,
    permission=EDIT,
    body=IdentitySettingsUpdate,
    response="IdentitySettings",
    errors=(Conflict,),
)
def update_identity_settings(request: Request, body: IdentitySettingsUpdate) -> dict[str, Any]:
    return identifiers.update_settings(request.organization_id, body)


handler = router.handle
