"""Stripe.

- Sends: one event object in JSON, with the object that it is about in `data.object`.
- Signature: HMAC-SHA256 over `timestamp.body` in hexadecimal, in the header `Stripe-Signature` as `t=...,v1=...`. The
  header can list several; one valid `v1` suffices, other versions are ignored.
- Secret: the signing secret of the endpoint in Stripe.
- Time: `t` in the same header, in seconds, within five minutes.
- Id: the event's `id` (`evt_...`), which is unique, signed, and the same for every attempt. Stripe can describe one
  change in two events, which have two ids.
- Customer: the customer that the object belongs to, or a `customer` itself (source `stripe`); then your own id in
  `metadata.customer_id` (`crm`), the customer's account (`stripe-account`), email address (`email`) and telephone
  number (`phone`), which identify guests. `client_reference_id` is not used, because it can be the id of a cart, nor
  are connected accounts and their persons. Refunds, payouts, products and prices have no customer.
- Amounts are whole numbers of the currency's smallest unit and are stored as sent: 1250 is 12.50 EUR, but 1250 JPY.
- Test delivery: events of the test mode have `livemode: false`, and become events with that attribute. The ping of an
  event destination (`v2.core.event_destination.ping`) is answered with 204. Thin events hold no object: only those
  about a customer name one.
- Documentation: "Receive Stripe events in your webhook endpoint", https://docs.stripe.com/webhooks, and its section on
  signatures, https://docs.stripe.com/webhooks/signature; "The Event object", https://docs.stripe.com/api/events/object;
  "Types of events", https://docs.stripe.com/api/events/types; "Currencies", https://docs.stripe.com/currencies.
"""

from journeys.webhooks.delivery import Delivery, DeliveryResponse, InvalidPayload, SignatureInvalid
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender, read_json
from journeys.webhooks.signatures import hexadecimal, mac, require_any, require_recent

PING = b"v2.core.event_destination.ping"


class Stripe(Sender):
    name = "stripe"
    title = "Stripe"
    documentation = "https://docs.stripe.com/webhooks"
    owns_secret = True
    sends = "Payments, subscriptions, invoices and all other events of a Stripe account."
    steps = (
        "In Stripe, open Workbench and its tab Webhooks, and click Create new destination.",
        (
            "Choose Events on your account and the event types about customers, for example checkout.session.completed "
            "and invoice.paid. Click Continue."
        ),
        "Choose Webhook, paste the endpoint's address as Endpoint URL, and click Create destination.",
        "On the page of the destination, reveal the signing secret, which begins with whsec_, and store it here.",
        "Trigger an event in a sandbox, for example with a test payment.",
    )
    secret_guide = SecretGuide(
        "Stripe generates it. Add the endpoint in Stripe's Workbench, Webhooks, and reveal its signing secret.",
        "Use the endpoint's signing secret, which begins with whsec_.",
    )
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
        2: {
            "id": "id",
            "dateCreated": "created",
            "dateFormat": "unix",
            "externalIds": [
                {
                    "externalSourceId": "'stripe'",
                    "value": "data.object.customer.id || data.object.customer || data.object.related_customer "
                    "|| data.object.object == 'customer' && data.object.id "
                    "|| related_object.type == 'customer' && related_object.id || `null`",
                },
                {"externalSourceId": "'crm'", "value": "data.object.metadata.customer_id"},
                {"externalSourceId": "'stripe-account'", "value": "data.object.customer_account"},
                {
                    "externalSourceId": "'email'",
                    "value": "lower(data.object.customer_details.email || data.object.customer_email "
                    "|| data.object.billing_details.email || data.object.receipt_email || data.object.owner.email "
                    "|| data.object.evidence.customer_email_address || data.object.customer.email "
                    "|| data.object.object == 'customer' && data.object.email)",
                },
                {
                    "externalSourceId": "'phone'",
                    "value": "data.object.customer_details.phone || data.object.customer_phone "
                    "|| data.object.billing_details.phone "
                    "|| data.object.object == 'customer' && data.object.phone || `null`",
                },
            ],
            "attributes": {
                "type": "type",
                "amount": "data.object.amount || data.object.amount_total || data.object.total",
                "amountRefunded": "data.object.amount_refunded",
                "currency": "data.object.currency",
                "status": "data.object.status",
                "paymentStatus": "data.object.payment_status",
                "paid": "data.object.paid",
                "description": "data.object.description",
                "reason": "data.object.billing_reason || data.object.reason || data.object.cancellation_details.reason",
                "objectType": "data.object.object || related_object.type",
                "objectId": "data.object.id || related_object.id",
                "livemode": "livemode",
            },
        },
    }

    def can_be_secret(self, secret: str) -> bool:
        return secret.startswith("whsec_")

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        parts = [part.partition("=") for part in delivery.header("stripe-signature").split(",")]
        timestamps = [value for name, _, value in parts if name == "t"]
        if len(timestamps) != 1:
            raise SignatureInvalid
        require_recent(timestamps[0], delivery.now)
        content = timestamps[0].encode() + b"." + delivery.body
        expected = [hexadecimal(mac(secret.encode(), content)) for secret in secrets]
        require_any((value for name, _, value in parts if name == "v1"), expected)

    def signed_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        """Answer the ping of an event destination."""
        if PING not in delivery.body:
            return None
        try:
            event = read_json(delivery.body)
        except InvalidPayload:
            return None
        is_ping = isinstance(event, dict) and event.get("type") == PING.decode()
        return DeliveryResponse(204) if is_ping else None
