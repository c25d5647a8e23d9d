"""Receive webhook deliveries.

Deliveries carry no token. The endpoint's identifier names the organization, and the signature authenticates the sender.
"""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb, s3, secretsmanager, sqs
from journeys.defects import report
from journeys.errors import JourneysError, PayloadTooLarge
from journeys.events.bindings import Bindings
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import Ingest
from journeys.events.store import EventLog
from journeys.http.body import MAX_BODY, body_bytes, decoded_body
from journeys.http.request import public_url, request_id, resource_path
from journeys.http.response import HEADERS, error_response
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import WebhookSettings
from journeys.telemetry import Line, logger
from journeys.webhooks.deliveries.recorder import DeliveryRecorder
from journeys.webhooks.deliveries.store import DeliveryQueue, DeliveryStore
from journeys.webhooks.delivery import Delivery
from journeys.webhooks.mapper import Mapper
from journeys.webhooks.processing import Processor
from journeys.webhooks.receive import Receiver
from journeys.webhooks.store import EndpointStore, SecretStore

settings = WebhookSettings.read()
table = settings.registry_table
bindings = Bindings(ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table))
failures = FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket)
receiver = Receiver(
    EndpointStore(dynamodb(), table),
    SecretStore(secretsmanager(), settings.secrets_prefix),
    Processor(Ingest(EventLog(dynamodb(), settings.events_table), failures, bindings), Mapper(bindings), failures),
    DeliveryRecorder(DeliveryStore(dynamodb(), settings.deliveries_table)),
    DeliveryQueue(s3, settings.archive_bucket, sqs, settings.deliveries_queue_url),
)


def to_delivery(event: dict[str, Any]) -> Delivery:
    """Return the request as a delivery.

    Raises PayloadTooLarge for more than MAX_BODY bytes, and BadRequest and UnsupportedMediaType for its coding.
    """
    body = body_bytes(event)
    if len(body) > MAX_BODY:
        raise PayloadTooLarge(f"The delivery has {len(body)} bytes. Send at most {MAX_BODY} bytes.")
    return Delivery(
        method=event["httpMethod"],
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        query=event.get("queryStringParameters") or {},
        body=body,
        uri=public_url(event, resource_path(event)),
        now=time.time(),
        decoded=decoded_body(event),
    )


def read_delivery(endpoint_id: str, event: dict[str, Any]) -> Delivery:
    """Return the request as a delivery, as `to_delivery` does. A delivery that it refuses is recorded."""
    try:
        return to_delivery(event)
    except JourneysError as error:
        receiver.refuse(endpoint_id, error, size=len(body_bytes(event)), now=time.time())
        raise


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    context_id = request_id(event)
    logger.set_correlation_id(context_id)
    with Line("delivery completed", context_id) as line:
        response = respond(event, context, context_id)
        line.add(status=response["statusCode"])
    return response


def respond(event: dict[str, Any], context: LambdaContext, context_id: str) -> dict[str, Any]:
    """Return the response to a delivery."""
    endpoint_id = (event.get("pathParameters") or {}).get("endpointId", "")
    try:
        delivery = read_delivery(endpoint_id, event)
        response = receiver.receive(endpoint_id, delivery, request_id=f"{context_id}/{context.aws_request_id}")
    except JourneysError as error:
        return error_response(error, context_id)
    except Exception as error:  # No exception may reach Lambda, which would respond with a bare 502.
        return error_response(report("a delivery failed", error), context_id)
    headers = {"Content-Type": response.content_type, **HEADERS, **response.headers}
    return {"statusCode": response.status, "headers": headers, "body": response.body}
