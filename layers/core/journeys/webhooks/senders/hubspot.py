"""HubSpot, signature version 3: https://developers.hubspot.com/docs/api/webhooks/validating-requests."""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import base64_text, mac, require_any, require_recent


class HubSpot(Sender):
    name = "hubspot"
    preset = {
        "id": "eventId",
        "dateCreated": "occurredAt",
        "dateFormat": "unix_ms",
        "externalSourceId": "'hubspot'",
        "customer": "objectId",
        "attributes": {
            "type": "subscriptionType",
            "property": "propertyName",
            "value": "propertyValue",
            "source": "changeSource",
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        given, timestamp = delivery.header("x-hubspot-signature-v3"), delivery.header("x-hubspot-request-timestamp")
        require_recent(timestamp, delivery.now, unit=0.001)
        content = f"{delivery.method}{delivery.uri}".encode() + delivery.body + timestamp.encode()
        require_any([given], (base64_text(mac(secret.encode(), content)) for secret in secrets))
