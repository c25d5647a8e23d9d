"""Shopify: https://shopify.dev/docs/apps/build/webhooks. Its delivery id is not signed, so it is not trusted."""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import base64_text, mac, require_any


class Shopify(Sender):
    name = "shopify"
    preset = {
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
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        given = delivery.header("x-shopify-hmac-sha256")
        require_any([given], (base64_text(mac(secret.encode(), delivery.body)) for secret in secrets))
