"""CloudEvents over HTTP, in its three modes, with the handshake of its webhook specification.

https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md
"""

from typing import Any
from urllib.parse import unquote

from journeys.webhooks.delivery import Answer, Delivery, Unreadable
from journeys.webhooks.senders.base import Options, Secrets, Sender, bearer, read_json
from journeys.webhooks.signatures import require_any

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class CloudEvents(Sender):
    name = "cloudevents"
    preset = {
        "id": "join('#', [source, id])",
        "dateCreated": "time",
        "externalSourceId": "'crm'",
        "customer": "data.customerId || data.customer_id || data.customer || subject",
        "attributes": {"type": "type", "source": "source", "subject": "subject"},
    }

    def greeting(self, delivery: Delivery) -> Answer | None:
        origin = delivery.headers.get("webhook-request-origin", "")
        if delivery.method != "OPTIONS" or not origin:
            return None
        if not (origin.isascii() and origin.isprintable() and len(origin) <= 255):
            return Answer(400)
        allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST, OPTIONS"}
        return Answer(200, headers=allowed)

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        require_any([delivery.header("authorization")], map(bearer, secrets))

    def payloads(self, delivery: Delivery) -> list[Any]:
        if delivery.media_type == STRUCTURED:
            return [read_json(delivery.body)]
        if delivery.media_type == BATCH:
            batch = read_json(delivery.body)
            if not isinstance(batch, list):
                raise Unreadable("A batch must be a list.")
            return batch
        attributes = {
            name.removeprefix("ce-"): unquote(value)
            for name, value in delivery.headers.items()
            if name.startswith("ce-")
        }
        if "id" not in attributes:
            raise Unreadable("The delivery is a CloudEvent in none of the three modes.")
        return [attributes | {"data": read_json(delivery.body) if delivery.body else None}]
