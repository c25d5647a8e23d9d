"""Stripe.

- Sends: one event object in JSON, with the object that it is about in `data.object`.
- Signature: HMAC-SHA256 over `timestamp.body` in hexadecimal, in the header `Stripe-Signature` as `t=...,v1=...`. The
  header can list several; one valid `v1` suffices, other versions are ignored.
- Secret: the signing secret of the endpoint in Stripe.
- Time: `t` in the same header, in seconds, within five minutes.
- Default mapping: the type of the event, and amount, currency, status, paid and description of its object; the customer
  under the source `stripe`.
- Documentation: Stripe's page on webhook signatures, https://docs.stripe.com/webhooks/signature.
"""

from journeys.webhooks.delivery import Delivery, SignatureInvalid
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import hexadecimal, mac, require_any, require_recent


class Stripe(Sender):
    name = "stripe"
    presets = {
        1: {
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
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        parts = [part.partition("=") for part in delivery.header("stripe-signature").split(",")]
        timestamps = [value for name, _, value in parts if name == "t"]
        if len(timestamps) != 1:
            raise SignatureInvalid
        require_recent(timestamps[0], delivery.now)
        content = timestamps[0].encode() + b"." + delivery.body
        expected = [hexadecimal(mac(secret.encode(), content)) for secret in secrets]
        require_any((value for name, _, value in parts if name == "v1"), expected)
