"""API operations on webhook endpoints."""

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from journeys.aws import dynamodb, secretsmanager
from journeys.cache import Cache
from journeys.events.bindings import Bindings
from journeys.http import Api, Request
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import EndpointSettings
from journeys.webhooks.model import Endpoint, EndpointWithSecret
from journeys.webhooks.service import EndpointService
from journeys.webhooks.store import EndpointStore, SecretStore

ENDPOINTS = "/api/v2/journey/webhooks/endpoints"
ENDPOINT = f"{ENDPOINTS}/<endpoint_id>"
VIEW, ADD, EDIT, DELETE = (f"journey:webhooks:{action}" for action in ("view", "add", "edit", "delete"))

settings = EndpointSettings.read()
table = settings.registry_table
endpoints = EndpointStore(dynamodb(), table)
secrets = SecretStore(secretsmanager(), settings.secrets_prefix)
bindings = Bindings(ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table))
service = EndpointService(endpoints, secrets, bindings)
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


def to_wire(request: Request, endpoint: Endpoint | EndpointWithSecret, endpoint_id: str) -> dict[str, Any]:
    return endpoint.to_wire(request.url(f"/webhooks/{endpoint_id}"))


@api.route("GET", ENDPOINTS, permission=VIEW)
def list_endpoints(request: Request) -> dict[str, Any]:
    listed = service.list_endpoints(request.organization_id)
    return request.page(ENDPOINTS, listed, lambda endpoint: to_wire(request, endpoint, endpoint.endpoint_id))


@api.route("POST", ENDPOINTS, permission=ADD, status=201)
def create_endpoint(request: Request) -> dict[str, Any]:
    body = request.model(EndpointCreate)
    created = service.create(
        request.organization_id,
        name=body.name,
        sender=body.sender,
        configuration_id=body.configurationId,
        secret=body.secret,
        enabled=body.enabled,
        options=body.options,
        mapping=body.mapping,
    )
    return to_wire(request, created, created.endpoint.endpoint_id)


@api.route("GET", ENDPOINT, permission=VIEW)
def get_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    return to_wire(request, service.get(request.organization_id, endpoint_id), endpoint_id)


@api.route("PATCH", ENDPOINT, permission=EDIT)
def update_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    body = request.model(EndpointUpdate)
    updated = service.update(
        request.organization_id,
        endpoint_id,
        name=body.name,
        configuration_id=body.configurationId,
        enabled=body.enabled,
        options=body.options,
        mapping=body.mapping,
    )
    return to_wire(request, updated, endpoint_id)


@api.route("DELETE", ENDPOINT, permission=DELETE)
def delete_endpoint(request: Request, endpoint_id: str) -> None:
    service.delete(request.organization_id, endpoint_id)


@api.route("POST", f"{ENDPOINT}/secret", permission=EDIT)
def rotate_secret(request: Request, endpoint_id: str) -> dict[str, Any]:
    body = request.model(SecretRotate)
    rotated = service.rotate_secret(
        request.organization_id, endpoint_id, secret=body.secret, keep_previous=body.keepPrevious
    )
    return to_wire(request, rotated, endpoint_id)


@api.route("POST", f"{ENDPOINT}/test", permission=EDIT)
def test_mapping(request: Request, endpoint_id: str) -> dict[str, Any]:
    """Maps a sample payload to events and validates them; stores nothing."""
    body = request.model(Sample)
    events = service.test_mapping(request.organization_id, endpoint_id, body.payload)
    return {"entities": [event.to_wire() for event in events]}


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
