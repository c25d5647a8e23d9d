"""CloudEvents over HTTP.

- Sends: events in binary mode (attributes in headers that begin with `ce-`), structured mode or batch mode.
- Signature: none. The header `Authorization` carries a token (Bearer).
- Secret: the token.
- Time: not signed. A repeated delivery is a duplicate, because source and id identify the event.
- Handshake: an unsigned OPTIONS request with the header `WebHook-Request-Origin`, which is allowed.
- Default mapping: type, source and subject; the customer under the source `crm`.
- Documentation: "HTTP 1.1 Web Hooks for Event Delivery",
  https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md.
"""

from typing import Any
from urllib.parse import unquote

from journeys.webhooks.delivery import Delivery, DeliveryResponse, InvalidPayload
from journeys.webhooks.senders.base import Options, Secrets, Sender, bearer, read_json
from journeys.webhooks.signatures import require_any

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class CloudEvents(Sender):
    name = "cloudevents"
    presets = {
        1: {
            "id": "join('#', [source, id])",
            "dateCreated": "time",
            "externalSourceId": "'crm'",
            "customer": "data.customerId || data.customer_id || data.customer || subject",
            "attributes": {"type": "type", "source": "source", "subject": "subject"},
        },
    }

    def unsigned_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        origin = delivery.headers.get("webhook-request-origin", "")
        if delivery.method != "OPTIONS" or not origin:
            return None
        if not (origin.isascii() and origin.isprintable() and len(origin) <= 255):
            return DeliveryResponse(400)
        allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST, OPTIONS"}
        return DeliveryResponse(200, headers=allowed)

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        require_any([delivery.header("authorization")], map(bearer, secrets))

    def extract_payloads(self, delivery: Delivery) -> list[Any]:
        if delivery.media_type == STRUCTURED:
            return [read_json(delivery.body)]
        if delivery.media_type == BATCH:
            batch = read_json(delivery.body)
            if not isinstance(batch, list):
                raise InvalidPayload("The body of a batch must be a JSON array of events.")
            return batch
        attributes = {
            name.removeprefix("ce-"): unquote(value)
            for name, value in delivery.headers.items()
            if name.startswith("ce-")
        }
        if "id" not in attributes:
            raise InvalidPayload("The delivery is not a CloudEvent: in binary mode, send the header ce-id.")
        return [attributes | {"data": read_json(delivery.body) if delivery.body else None}]
