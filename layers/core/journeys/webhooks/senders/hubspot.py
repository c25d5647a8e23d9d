"""HubSpot, with version 3 of its signature.

- Sends: a JSON list with one object per event.
- Signature: HMAC-SHA256 over method, address, body and timestamp in base64, in the header `X-HubSpot-Signature-v3`.
- Secret: the client secret of the app.
- Time: the header `X-HubSpot-Request-Timestamp`, in milliseconds, within five minutes.
- Default mapping: type of the subscription, name and value of the property, and source of the change; the customer is
  the object's id under the source `hubspot`.
- Documentation: "Validating requests", https://developers.hubspot.com/docs/api/webhooks/validating-requests.
"""

from urllib.parse import quote, urlencode

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import base64_text, mac, require_any, require_recent

_DECODED = ":/?@!$'()*,;"
"""Characters that HubSpot decodes in the address before it signs it."""


class HubSpot(Sender):
    name = "hubspot"
    presets = {
        1: {
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
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature, timestamp = delivery.header("x-hubspot-signature-v3"), delivery.header("x-hubspot-request-timestamp")
        require_recent(timestamp, delivery.now, unit=0.001)
        content = f"{delivery.method}{_signed_uri(delivery)}".encode() + delivery.body + timestamp.encode()
        require_any([signature], (base64_text(mac(secret.encode(), content)) for secret in secrets))


def _signed_uri(delivery: Delivery) -> str:
    """Return the address as HubSpot signs it, with its query, which API Gateway decodes."""
    if not delivery.query:
        return delivery.uri
    return f"{delivery.uri}?{urlencode(delivery.query, quote_via=quote, safe=_DECODED, errors='surrogatepass')}"
