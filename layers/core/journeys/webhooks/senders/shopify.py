"""Shopify.

- Sends: the object that changed in JSON, such as an order or a customer.
- Signature: HMAC-SHA256 over the body in base64, in the header `X-Shopify-Hmac-SHA256`. No other header is signed.
- Secret: the client secret of the app.
- Time: not signed.
- Id: the headers `X-Shopify-Event-Id` and `X-Shopify-Topic`. The event's id is the same for every attempt and for every
  webhook that subscribes to the topic. The topic is part of the id, because one action of a merchant can be several
  topics. Without the event's id, it is `X-Shopify-Webhook-Id`, which identifies the delivery; without both, a digest of
  the topic and of what changes with an order: its id, date, states and total. The headers are not signed: somebody who
  has a signed body could deliver it again under another id. Shopify names the header for recognizing duplicates, and a
  digest alone would lose events, such as an order that is updated and paid within one second.
- Date: `updated_at`, or else `created_at`, the date of the consent, the header `X-Shopify-Triggered-At`, or the time of
  receipt.
- Customer: the customer's number (source `shopify`): of an order, checkout, draft order or subscription, and of the
  topics of customers the object itself. Then the email addresses of the order and of the customer (`email`), and
  their telephone numbers (`phone`), which identify guests. Fulfillments hold an email address only. Carts, refunds,
  products and the like have no customer. Contact data of a shop or of a location, and `user_id`, which is a member of
  the staff, are not the customer's.
- Amounts are decimal text, in the currency's main unit.
- Test delivery: "Send test notification" delivers a sample order with `test: true`, as do orders of the test gateway.
  It becomes an event with the attribute `test`.
- Documentation: "Verify webhook deliveries", https://shopify.dev/docs/apps/build/webhooks/verify-deliveries; "Webhooks
  delivery structure", https://shopify.dev/docs/apps/build/webhooks/delivery-structure; "Ignore duplicate webhooks",
  https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates; "Webhooks reference",
  https://shopify.dev/docs/api/webhooks.
"""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender
from journeys.webhooks.signatures import base64_text, mac, require_any

_IS_NO_PLACE = "!(myshopify_domain || address1 || zip)"
"""Excludes payloads about a shop or a location, whose contact data are not a customer's."""

_CUSTOMER_GID = (
    "customerId || admin_graphql_api_customer_id || customer_admin_graphql_api_id || admin_graphql_api_customer_kept_id"
)
"""Newer topics name the customer by a global id such as `gid://shopify/Customer/7`."""
ACCESS_TOKENS = ("shpat_", "shpca_", "shppa_", "shpua_")
"""How access tokens begin. They call the API and sign nothing. See "API access token length" in Shopify's changelog."""


class Shopify(Sender):
    name = "shopify"
    title = "Shopify"
    documentation = "https://shopify.dev/docs/apps/build/webhooks"
    delivery_id_headers = ("x-shopify-webhook-id",)
    owns_secret = True
    sends = "Orders, customers, checkouts and all other objects of a shop that change."
    steps = (
        "In Shopify's admin, open Settings, Notifications, Webhooks, and click Create webhook.",
        (
            "Choose an event, such as Order payment, and the format JSON. Paste the endpoint's address as URL, and "
            "save. Repeat this for each event that you need."
        ),
        (
            "Copy the signing key below the list of webhooks, and store it here. For the webhooks of an app, use the "
            "app's client secret."
        ),
        "Click Send test notification in the menu of the webhook.",
    )
    secret_guide = SecretGuide(
        "Shopify generates it. For an app, it is the client secret in the app's settings; for webhooks created in the "
        "shop's admin, the key below the list in Settings, Notifications, Webhooks.",
        "Use the client secret or the signing key, not an access token, which begins with shpat_ or the like.",
    )
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
        2: {
            "id": "header('x-shopify-event-id') && join(':', [header('x-shopify-event-id'), "
            "header('x-shopify-topic') || 'unknown']) || header('x-shopify-webhook-id') || (id || customerId) "
            "&& digest(header('x-shopify-topic'), id || customerId, updated_at || created_at || occurredAt, "
            "financial_status, fulfillment_status, status, total_price)",
            "dateCreated": "updated_at || created_at || occurredAt || email_marketing_consent.consent_updated_at "
            "|| sms_marketing_consent.consent_updated_at || header('x-shopify-triggered-at') || received()",
            "externalIds": [
                {
                    "externalSourceId": "'shopify'",
                    "value": f"customer.id || customer_id || split({_CUSTOMER_GID}, '/Customer/')[1] "
                    "|| (contains(admin_graphql_api_id || '', '/Customer/') || !total_price && !line_items "
                    "&& starts_with(header('x-shopify-topic') || '', 'customers')) && id || `null`",
                },
                {
                    "externalSourceId": "'email'",
                    "value": f"lower({_IS_NO_PLACE} && (email || contact_email || email_address))",
                },
                {"externalSourceId": "'email'", "value": "lower(customer.email)"},
                {"externalSourceId": "'phone'", "value": f"{_IS_NO_PLACE} && phone || `null`"},
                {"externalSourceId": "'phone'", "value": "customer.phone"},
            ],
            "attributes": {
                "type": "header('x-shopify-topic')",
                "orderId": "total_price && (name || id && to_string(id)) || order_id && to_string(order_id)",
                "status": "fulfillment_status || financial_status || status || state "
                "|| (email_marketing_consent || sms_marketing_consent).state",
                "financialStatus": "financial_status",
                "amount": "to_number(total_price)",
                "currency": "currency",
                "items": "length(line_items)",
                "cancelReason": "cancel_reason",
                "shop": "header('x-shopify-shop-domain')",
                "test": "test || header('x-shopify-test') == 'true'",
            },
        },
    }

    def can_be_secret(self, secret: str) -> bool:
        return not secret.startswith(ACCESS_TOKENS)

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header("x-shopify-hmac-sha256")
        require_any([signature], (base64_text(mac(secret.encode(), delivery.body)) for secret in secrets))
