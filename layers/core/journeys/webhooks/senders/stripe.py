"""Stripe: https://docs.stripe.com/webhooks/signature."""

from journeys.webhooks.delivery import Delivery, NotProven
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import hexadecimal, mac, require_any, require_recent


class Stripe(Sender):
    name = "stripe"
    preset = {
        "id": "id",
        "dateCreated": "created",
        "dateFormat": "unix",
        "externalSourceId": "'stripe'",
        "customer": "data.object.customer || data.object.metadata.customer_id || data.object.billing_details.email",
        "attributes": {
            "type": "type",
            "amount": "data.object.amount",
            "currency": "data.object.currency",
            "status": "data.object.status",
            "paid": "data.object.paid",
            "description": "data.object.description",
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        parts = [part.partition("=") for part in delivery.header("stripe-signature").split(",")]
        timestamps = [value for name, _, value in parts if name == "t"]
        if len(timestamps) != 1:
            raise NotProven
        require_recent(timestamps[0], delivery.now)
        content = timestamps[0].encode() + b"." + delivery.body
        expected = [hexadecimal(mac(secret.encode(), content)) for secret in secrets]
        require_any((value for name, _, value in parts if name == "v1"), expected)
