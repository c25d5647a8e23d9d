"""Segment: https://segment.com/docs/connections/destinations/catalog/webhooks."""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import hexadecimal, mac, require_any


class Segment(Sender):
    name = "segment"
    preset = {
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
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        given = delivery.header("x-signature")
        require_any([given], (hexadecimal(mac(secret.encode(), delivery.body, "sha1")) for secret in secrets))
