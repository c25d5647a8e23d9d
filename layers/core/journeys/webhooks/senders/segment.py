"""Segment.

- Sends: one call (page, alias, group, identify or track) per delivery, in JSON.
- Signature: HMAC-SHA1 over the body in hexadecimal, in the header `X-Signature`.
- Secret: the shared secret of the destination.
- Time: not signed. A repeated delivery is a duplicate, because `messageId` identifies the event.
- Default mapping: type, event, page, URL, amount and currency; the customer is the user's id, or else the anonymous id,
  under the source `segment`.
- Documentation: "Webhooks Destination", https://segment.com/docs/connections/destinations/catalog/webhooks.
"""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import hexadecimal, mac, require_any


class Segment(Sender):
    name = "segment"
    presets = {
        1: {
            "id": "messageId",
            "dateCreated": "timestamp || originalTimestamp || sentAt",
            "externalSourceId": "'segment'",
            "customer": "userId || anonymousId",
            "attributes": {
                "type": "type",
                "event": "event || name",
                "page": "properties.title || properties.path",
                "url": "properties.url",
                "amount": "properties.revenue",
                "currency": "properties.currency",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header("x-signature")
        require_any([signature], (hexadecimal(mac(secret.encode(), delivery.body, "sha1")) for secret in secrets))
