"""API operations on webhook endpoints."""

from typing import Any

from journeys import cursors, keys
from journeys.aws import dynamodb, s3, secretsmanager
from journeys.errors import Conflict, LimitReached, NotFound
from journeys.events.bindings import Bindings
from journeys.events.failures.replay import Replay
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import Ingest
from journeys.events.store import EventLog
from journeys.http.parameters import CURSOR, PAGE, PAGE_SIZE, optional_choice
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.jsontext import omit_none
from journeys.native.ingest import NativeIngest
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.repeats.store import RepeatStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import WebhookSettings
from journeys.webhooks.deliveries.model import RecordedOutcome
from journeys.webhooks.deliveries.service import DeliveryService
from journeys.webhooks.deliveries.store import DeliveryStore
from journeys.webhooks.mapper import Mapper
from journeys.webhooks.model import Endpoint, EndpointDescription, EndpointWithSecret, new_endpoint_id
from journeys.webhooks.processing import Processor
from journeys.webhooks.replaying import DeliveryReplay
from journeys.webhooks.requests import EndpointCreate, EndpointUpdate, Sample, SecretRotate
from journeys.webhooks.senders.catalog import catalog
from journeys.webhooks.service import EndpointService
from journeys.webhooks.store import EndpointStore, SecretStore

ENDPOINTS = "/api/v2/journey/webhooks/endpoints"
SENDER_LIST = "/api/v2/journey/webhooks/senders"
ENDPOINT = f"{ENDPOINTS}/<endpoint_id>"
DELIVERIES = f"{ENDPOINT}/deliveries"
DELIVERY = f"{DELIVERIES}/<delivery_id>"
TAG = "Webhook endpoints"
VIEW, ADD, EDIT, DELETE = (f"journey:webhooks:{action}" for action in ("view", "add", "edit", "delete"))
REPLAY = "journey:externalEventsFailures:edit"

OUTCOME = optional_choice("outcome", "Only deliveries with this outcome.", list(RecordedOutcome))

settings = WebhookSettings.read()
table = settings.registry_table
endpoints = EndpointStore(dynamodb(), table)
secrets = SecretStore(secretsmanager(), settings.secrets_prefix)
bindings = Bindings(ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table))
service = EndpointService(endpoints, secrets, bindings)
repeats = RepeatStore(dynamodb(), table)
failures = FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket)
log = EventLog(dynamodb(), settings.events_table)
ingest = Ingest(log, failures, bindings)
delivery_replay = DeliveryReplay(endpoints, bindings, Processor(ingest, Mapper(bindings), failures))
replay = Replay(ingest, failures, delivery_replay, NativeIngest(log, failures))
deliveries = DeliveryService(endpoints, DeliveryStore(dynamodb(), settings.deliveries_table), replay)
router = Router.for_registry(table)


def to_wire(
    request: Request, endpoint: Endpoint | EndpointDescription | EndpointWithSecret, endpoint_id: str
) -> dict[str, Any]:
    return endpoint.to_wire(request.url(f"/webhooks/{endpoint_id}"))


@router.route(
    "GET",
    SENDER_LIST,
    summary="List the senders of webhooks",
    tag=TAG,
    permission=VIEW,
    response="SenderListing",
)
def list_senders(request: Request) -> dict[str, Any]:
    return {"entities": catalog()}


@router.route(
    "GET",
    ENDPOINTS,
    summary="List webhook endpoints",
    tag=TAG,
    permission=VIEW,
    query=PAGE,
    response="EndpointListing",
)
def list_endpoints(request: Request) -> dict[str, Any]:
    listed = service.list_endpoints(request.organization_id)
    return request.page(ENDPOINTS, listed, lambda endpoint: to_wire(request, endpoint, endpoint.endpoint_id))


@router.route(
    "POST",
    ENDPOINTS,
    summary="Create a webhook endpoint",
    tag=TAG,
    permission=ADD,
    body=EndpointCreate,
    response="EndpointWithSecret",
    status=201,
    errors=(NotFound, Conflict, LimitReached),
    idempotent=True,
)
def create_endpoint(request: Request, body: EndpointCreate) -> dict[str, Any]:
    key, endpoint_id = request.idempotency_key, new_endpoint_id()
    if key is not None:
        scope = f"createEndpoint {request.caller.caller_id}"
        endpoint_id = repeats.claim(request.organization_id, scope, key, body.model_dump_json(), endpoint_id)
    created = service.create_once(
        request.organization_id,
        endpoint_id,
        name=body.name,
        sender=body.sender,
        configuration_id=body.configurationId,
        routing=body.routing.to_routing() if body.routing else None,
        secret=body.secret,
        enabled=body.enabled,
        options=body.options,
        mapping=body.mapping,
        preset_version=body.presetVersion,
    )
    return to_wire(request, created, created.endpoint.endpoint_id)


@router.route(
    "GET", ENDPOINT, summary="Get a webhook endpoint", tag=TAG, permission=VIEW, response="EndpointDescription"
)
def get_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    described = service.describe(service.get(request.organization_id, endpoint_id))
    return to_wire(request, described, endpoint_id)


@router.route(
    "PATCH",
    ENDPOINT,
    summary="Update a webhook endpoint",
    tag=TAG,
    permission=EDIT,
    body=EndpointUpdate,
    response="Endpoint",
    errors=(Conflict,),
)
def update_endpoint(request: Request, endpoint_id: str, body: EndpointUpdate) -> dict[str, Any]:
    updated = service.update(
        request.organization_id,
        endpoint_id,
        name=body.name,
        configuration_id=body.configurationId,
        routing=body.routing.to_routing() if body.routing else None,
        enabled=body.enabled,
        options=body.options,
        mapping=body.mapping,
        preset_version=body.presetVersion,
    )
    return to_wire(request, updated, endpoint_id)


@router.route(
    "DELETE",
    ENDPOINT,
    summary="Delete a webhook endpoint",
    tag=TAG,
    permission=DELETE,
    response=None,
)
def delete_endpoint(request: Request, endpoint_id: str) -> None:
    service.delete(request.organization_id, endpoint_id)


@router.route(
    "POST",
    f"{ENDPOINT}/secret",
    summary="Rotate the secret of a webhook endpoint",
    tag=TAG,
    permission=EDIT,
    body=SecretRotate,
    response="EndpointWithSecret",
)
def rotate_endpoint_secret(request: Request, endpoint_id: str, body: SecretRotate) -> dict[str, Any]:
    rotated = service.rotate_secret(
        request.organization_id, endpoint_id, secret=body.secret, keep_previous=body.keepPrevious
    )
    return to_wire(request, rotated, endpoint_id)


@router.route(
    "POST",
    f"{ENDPOINT}/test",
    summary="Test the mapping of a webhook endpoint",
    tag=TAG,
    permission=EDIT,
    body=Sample,
    response="MappingTestResult",
    errors=(Conflict,),
)
def test_endpoint_mapping(request: Request, endpoint_id: str, body: Sample) -> dict[str, Any]:
    events = service.test_mapping(
        request.organization_id, endpoint_id, payload=body.payload, body=body.body, headers=body.headers
    )
    return {"entities": [event.to_wire() for event in events]}


@router.route(
    "GET",
    DELIVERIES,
    summary="List the deliveries to a webhook endpoint",
    tag=TAG,
    permission=VIEW,
    query=(OUTCOME, PAGE_SIZE, CURSOR),
    response="DeliveryListing",
)
def list_deliveries(request: Request, endpoint_id: str) -> dict[str, Any]:
    cursor, outcome = request.get(CURSOR), request.get(OUTCOME)
    scope = ("deliveries", request.organization_id, endpoint_id, str(outcome))
    page = deliveries.list_records(
        request.organization_id,
        endpoint_id,
        outcome=outcome,
        size=request.get(PAGE_SIZE),
        before=cursors.decode(cursor, keys.DELIVERY, *scope) if cursor is not None else None,
    )
    return omit_none(
        {
            "entities": [record.to_wire() for record in page.records],
            "nextCursor": cursors.encode(page.position, *scope) if page.position is not None else None,
        }
    )


@router.route(
    "GET",
    DELIVERY,
    summary="Get a delivery to a webhook endpoint",
    tag=TAG,
    permission=VIEW,
    response="Delivery",
)
def get_delivery(request: Request, endpoint_id: str, delivery_id: str) -> dict[str, Any]:
    return deliveries.get(request.organization_id, endpoint_id, delivery_id).to_wire()


@router.route(
    "POST",
    f"{DELIVERY}/replay",
    summary="Replay the failure of a delivery",
    tag=TAG,
    permission=REPLAY,
    response="Failure",
    errors=(Conflict,),
)
def replay_delivery(request: Request, endpoint_id: str, delivery_id: str) -> dict[str, Any]:
    failure = deliveries.replay(request.organization_id, endpoint_id, delivery_id, request_id=request.request_id)
    return failure.to_wire(whole=True)


handler = router.handle
