"""The comparison for the import of the ingest handler: a handler with the libraries that are commonly used.

It imports boto3's resource API, twenty models, an enabled tracer and the resolver with validation, and does nothing.
"""

import os
from importlib.util import find_spec
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig
from pydantic import BaseModel, Field, create_model


class ExternalId(BaseModel):
    externalSourceId: str = Field(min_length=1, max_length=255)
    value: str = Field(min_length=1, max_length=255)


class Identifiers(BaseModel):
    externalIds: list[ExternalId]


class ExternalEvent(BaseModel):
    id: str = Field(min_length=1, max_length=255)
    dateCreated: str
    identifiers: Identifiers
    attributes: dict[str, str | int | float | bool]


class EventRequest(BaseModel):
    entities: list[ExternalEvent] = Field(min_length=1, max_length=100)


MODELS = [ExternalId, Identifiers, ExternalEvent, EventRequest] + [
    create_model(
        f"Attributes{place}",
        orderId=(str, Field(min_length=1, max_length=64)),
        page=(str | None, None),
        channel=(str, ...),
        items=(int, Field(ge=0, le=1000)),
        amount=(float, Field(ge=0)),
        member=(bool, False),
    )
    for place in range(16)
]

logger = Logger(service="journeys")
metrics = Metrics(namespace="Journeys", service="journeys")
tracer = Tracer(service="journeys", disabled=False) if find_spec("aws_xray_sdk") else None
app = APIGatewayRestResolver(cors=CORSConfig(), enable_validation=True)
resource = boto3.resource("dynamodb")
tables = [
    resource.Table(os.environ[name]) for name in ("EVENTS_TABLE", "FAILURES_TABLE", "REGISTRY_TABLE", "JOURNEYS_TABLE")
]


@app.post("/events")
def take(request: EventRequest) -> dict[str, int]:
    return {"processed": len(request.entities)}


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


if tracer is not None:
    handler = tracer.capture_lambda_handler(handler)
