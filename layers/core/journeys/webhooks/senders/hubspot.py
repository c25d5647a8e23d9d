"""HubSpot, signature version 3: https://developers.hubspot.com/docs/api/webhooks/validating-requests."""

from urllib.parse import quote, urlencode

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import base64_text, mac, require_any, require_recent

_DECODED = ":/?@!$'()*,;"
"""What HubSpot signs as it is, though an address may hold it encoded."""


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
        content = f"{delivery.method}{_signed_uri(delivery)}".encode() + delivery.body + timestamp.encode()
        require_any([given], (base64_text(mac(secret.encode(), content)) for secret in secrets))


def _signed_uri(delivery: Delivery) -> str:
    """The address as HubSpot signs it: with its query, which API Gateway passes decoded."""
    if not delivery.query:
        return delivery.uri
    return f"{delivery.uri}?{urlencode(delivery.query, quote_via=quote, safe=_DECODED, errors='surrogatepass')}"
