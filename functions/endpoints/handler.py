"""Webhook endpoints: made, looked at, changed, tried out; their secrets rotated."""

from dataclasses import replace
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from journeys import dates, jsontext
from journeys.aws import dynamodb, secretsmanager
from journeys.cache import Cache
from journeys.errors import BadRequest, Detail, PayloadTooLarge
from journeys.events.bindings import Bindings
from journeys.events.refusals import Refusal
from journeys.events.validation import check
from journeys.http import Api, Request
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.response_size import LARGEST_PAGE, response_size
from journeys.settings import EndpointSettings
from journeys.webhooks.delivery import INVALID_PAYLOAD, Unreadable
from journeys.webhooks.mapping import compile_mapping
from journeys.webhooks.model import Endpoint, new_endpoint_id, new_secret
from journeys.webhooks.senders.base import read_json
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import EndpointStore, SecretStore

ENDPOINTS = "/api/v2/journey/webhooks/endpoints"
ENDPOINT = f"{ENDPOINTS}/<endpoint_id>"
VIEW, ADD, EDIT, DELETE = (f"journey:webhooks:{action}" for action in ("view", "add", "edit", "delete"))

settings = EndpointSettings.read()
table = settings.registry_table
endpoints = EndpointStore(dynamodb(), table)
secrets = SecretStore(secretsmanager(), settings.secrets_prefix)
bindings = Bindings(ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table))
api = Api(Cache(ClientStore(dynamodb(), table).get))

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Secret = Annotated[str, StringConstraints(min_length=8, max_length=4096)]


class EndpointUpdate(BaseModel):
    """What of an endpoint may change; None leaves it as it is."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name | None = None
    configurationId: Name | None = None
    enabled: bool | None = None
    options: dict[str, Any] | None = None
    mapping: dict[str, Any] | None = None


class EndpointCreate(BaseModel):
    """A new endpoint; a sender that leaves the secret to us is given one."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name
    sender: Name
    configurationId: Name
    secret: Secret | None = None
    enabled: bool = True
    options: dict[str, Any] = Field(default_factory=dict)
    mapping: dict[str, Any] = Field(default_factory=dict)


class SecretRotate(BaseModel):
    """The secret to hold from now on; the one before it goes on to hold unless `keepPrevious` is false."""

    model_config = ConfigDict(strict=True, extra="forbid")

    secret: Secret | None = None
    keepPrevious: bool = True


class Sample(BaseModel):
    """A payload as the sender would deliver it, already taken out of its envelope."""

    model_config = ConfigDict(strict=True, extra="forbid")

    payload: Any


def checked(endpoint: Endpoint) -> Endpoint:
    """The endpoint, if it can work. Raises BadRequest, NotFound and Conflict."""
    sender = SENDERS.get(endpoint.sender)
    if sender is None:
        raise BadRequest(
            f"There is no such sender; there are {', '.join(SENDERS)}.",
            code="unknown.sender",
            details=[Detail("unknown.sender", "sender")],
        )
    sender.check_options(endpoint.options)
    compile_mapping(sender.preset, endpoint.mapping)
    bindings.fresh(endpoint.organization_id, endpoint.configuration_id)
    return endpoint


def to_wire(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    return endpoint.to_wire(request.url(f"/webhooks/{endpoint.endpoint_id}"))


@api.route("GET", ENDPOINTS, permission=VIEW)
def list_endpoints(request: Request) -> dict[str, Any]:
    return request.page(ENDPOINTS, endpoints.all(request.organization_id), lambda one: to_wire(request, one))


@api.route("POST", ENDPOINTS, permission=ADD, status=201)
def create_endpoint(request: Request) -> dict[str, Any]:
    given, now_ms = request.model(EndpointCreate), dates.now_ms()
    endpoint = checked(
        Endpoint(
            endpoint_id=new_endpoint_id(),
            organization_id=request.organization_id,
            name=given.name,
            sender=given.sender,
            configuration_id=given.configurationId,
            enabled=given.enabled,
            date_created=now_ms,
            date_modified=now_ms,
            options=given.options,
            mapping=given.mapping,
        )
    )
    secret = given.secret or new_secret()
    secrets.create(endpoint.endpoint_id, secret)  # first, so that there is no moment without
    try:
        endpoints.create(endpoint)
    except Exception:
        secrets.delete(endpoint.endpoint_id)  # no secret is kept of an endpoint that nobody knows
        raise
    return to_wire(request, endpoint) | {"secret": secret}  # this once


@api.route("GET", ENDPOINT, permission=VIEW)
def get_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    return to_wire(request, endpoints.get(request.organization_id, endpoint_id))


@api.route("PATCH", ENDPOINT, permission=EDIT)
def update_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    given, was = request.model(EndpointUpdate), endpoints.get(request.organization_id, endpoint_id)
    endpoint = checked(
        replace(
            was,
            name=given.name or was.name,
            configuration_id=given.configurationId or was.configuration_id,
            enabled=was.enabled if given.enabled is None else given.enabled,
            options=was.options if given.options is None else given.options,
            mapping=was.mapping if given.mapping is None else given.mapping,
            date_modified=dates.now_ms(),
        )
    )
    endpoints.update(endpoint)
    return to_wire(request, endpoint)


@api.route("DELETE", ENDPOINT, permission=DELETE)
def delete_endpoint(request: Request, endpoint_id: str) -> None:
    endpoint = endpoints.get(request.organization_id, endpoint_id)
    secrets.delete(endpoint_id)  # first, so that a deletion that failed halfway can be sent again
    endpoints.delete(endpoint)


@api.route("POST", f"{ENDPOINT}/secret", permission=EDIT)
def rotate_secret(request: Request, endpoint_id: str) -> dict[str, Any]:
    given, endpoint = request.model(SecretRotate), endpoints.get(request.organization_id, endpoint_id)
    secret = given.secret or new_secret()
    others = [held for held in secrets.get(endpoint_id, consistent=True) if held != secret]  # the current one first
    secrets.put(endpoint_id, secret, others[0] if given.keepPrevious and others else None)
    return to_wire(request, endpoint) | {"secret": secret}  # this once


@api.route("POST", f"{ENDPOINT}/test", permission=EDIT)
def test_mapping(request: Request, endpoint_id: str) -> dict[str, Any]:
    """Maps a sample and says what would become of it; stores nothing."""
    given, endpoint = request.model(Sample), endpoints.get(request.organization_id, endpoint_id)
    binding = bindings.fresh(request.organization_id, endpoint.configuration_id)
    mapping = compile_mapping(SENDERS[endpoint.sender].preset, endpoint.mapping)
    found: list[dict[str, Any]] = []
    try:
        payload = read_json(jsontext.dumps(given.payload).encode())  # with numbers as a delivery has them
        events = mapping.events_of(payload, binding.schema.document.fields)
    except Unreadable as unreadable:
        return {"entities": [{"outcome": "refused", "errorCode": INVALID_PAYLOAD, "errorMessage": str(unreadable)}]}
    for event in events:
        judged = check(event, binding.validator, dates.now_ms())
        if isinstance(judged, Refusal):
            told = {"errorCode": judged.reason, "errorMessage": judged.message, "fieldName": judged.field_name}
            found.append({"event": event, "outcome": "refused", **told})
        else:
            found.append({"event": event, "outcome": "valid"})
    if response_size(found) > LARGEST_PAGE:
        raise PayloadTooLarge("What the mapping makes of this sample is more than an answer holds; send a smaller one.")
    return {"entities": found}


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
