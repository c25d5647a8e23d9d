"""Responses of the operations on webhook endpoints."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from journeys.responses.contract import DateTime
from journeys.responses.listings import Page
from journeys.webhooks.deliveries.model import RecordedOutcome, RefusalReason
from journeys.webhooks.senders.registry import SENDERS

Sender = Annotated[str, WithJsonSchema({"type": "string", "enum": list(SENDERS)})]


Outcome = Annotated[str, WithJsonSchema({"type": "string", "enum": list(RecordedOutcome)})]
Reason = Annotated[str, WithJsonSchema({"type": "string", "enum": list(RefusalReason)})]


class Routing(TypedDict):
    """Which configuration each event goes to: that of the expression's result. All other events are ignored."""

    expression: str
    configurations: dict[str, str]


class Endpoint(TypedDict):
    """A webhook endpoint. `url` is the address to enter in the sender's settings.

    An endpoint with the status `waitingForSecret` refuses deliveries until it has the secret that the sender generates.
    """

    id: str
    name: str
    sender: Sender
    configurationId: NotRequired[str]
    routing: NotRequired[Routing]
    enabled: bool
    status: Literal["active", "disabled", "waitingForSecret"]
    disabledReason: NotRequired[Literal["configuration.deleted"]]
    options: dict[str, Any]
    presetVersion: int
    mapping: dict[str, Any]
    url: str
    dateCreated: DateTime
    dateModified: DateTime
    selfUri: str


class EndpointProblem(TypedDict):
    """Why deliveries to an endpoint fail, and which part of the endpoint has to be changed."""

    errorCode: str
    fieldName: str
    message: str


class EndpointDescription(Endpoint):
    """A webhook endpoint with the mapping that results from its preset and its own mapping.

    `problems` says why its deliveries will fail: for example, the schema no longer has an attribute of the mapping.
    """

    effectiveMapping: dict[str, Any]
    problems: list[EndpointProblem]


class SenderSecret(TypedDict):
    """The secret of a sender's endpoints: whether it is needed, who generates it, where to find it, and its form."""

    needed: bool
    generatedBySender: bool
    source: str
    form: NotRequired[str]


class SenderOption(TypedDict):
    """An option of a sender's endpoints. Without `values`, it is any text."""

    name: str
    required: bool
    values: NotRequired[list[str]]


class SenderDescription(TypedDict):
    """A sender of webhooks: what it sends, the steps to set it up in the tool, and the mapping that new endpoints use.

    `attributes` are those that the mapping produces.
    """

    name: str
    title: str
    sends: str
    documentationUrl: NotRequired[str]
    steps: list[str]
    secret: SenderSecret
    options: list[SenderOption]
    presetVersion: int
    mapping: dict[str, Any]
    attributes: list[str]


class SenderListing(TypedDict):
    """All senders."""

    entities: list[SenderDescription]


class EndpointWithSecret(Endpoint):
    """A webhook endpoint and its secret, which no other response shows.

    The secret is missing while the endpoint waits for it.
    """

    secret: NotRequired[str]


class EndpointListing(Page):
    """A page of webhook endpoints."""

    entities: list[Endpoint]


class MappedEvent(TypedDict):
    """An event that the mapping made. A refused event has an error; the endpoint's routing ignores the others."""

    outcome: Literal["valid", "refused", "ignored"]
    configurationId: NotRequired[str]
    event: NotRequired[dict[str, Any]]
    errorCode: NotRequired[str]
    errorMessage: NotRequired[str]
    fieldName: NotRequired[str]


class MappingTestResult(TypedDict):
    """The events of a sample payload."""

    entities: list[MappedEvent]


class Delivery(TypedDict):
    """What became of one delivery. `reason` says why a delivery was refused. `failureId` names the failure to replay.

    `durationMs` is the time until the response or, for a delivery that was queued, until its events were stored.
    """

    id: str
    dateReceived: DateTime
    outcome: Outcome
    reason: NotRequired[Reason]
    created: int
    duplicate: int
    failed: int
    ignored: int
    bytes: int
    durationMs: int
    senderDeliveryId: NotRequired[str]
    failureId: NotRequired[str]
    failureUri: NotRequired[str]
    selfUri: str


class DeliveryListing(TypedDict):
    """A page of deliveries, newest first. `nextCursor` is missing on the last page.

    With a filter, a page reads at most 1,000 deliveries. It can have few entities, or none, and still a `nextCursor`.
    """

    entities: list[Delivery]
    nextCursor: NotRequired[str]
