"""Shopify.

- Sends: the object that changed in JSON, such as an order.
- Signature: HMAC-SHA256 over the body in base64, in the header `X-Shopify-Hmac-SHA256`. The delivery's identifier in
  the header `X-Shopify-Webhook-Id` is not signed and is therefore ignored.
- Secret: the client secret of the app.
- Time: not signed. A repeated delivery is a duplicate, because the object's id and time of change identify the event.
- Default mapping: an order's name, status, amount, currency and number of items; the customer under the source
  `shopify`.
- Documentation: "Verify webhook deliveries", https://shopify.dev/docs/apps/build/webhooks/verify-deliveries.
"""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import base64_text, mac, require_any


class Shopify(Sender):
    name = "shopify"
    presets = {
        1: {
            "id": "join('-', [id && to_string(id), updated_at || created_at])",
            "dateCreated": "updated_at || created_at",
            "externalSourceId": "'shopify'",
            "customer": "customer.id && to_string(customer.id) || email",
            "attributes": {
                "orderId": "name || id && to_string(id)",
                "status": "fulfillment_status || financial_status",
                "amount": "to_number(total_price)",
                "currency": "currency",
                "items": "length(line_items || `[]`)",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header("x-shopify-hmac-sha256")
        require_any([signature], (base64_text(mac(secret.encode(), delivery.body)) for secret in secrets))
