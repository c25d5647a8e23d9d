"""Any tool that signs the body with an HMAC.

- Sends: one JSON object, or a list with one object per event.
- Signature: HMAC over the body. The endpoint's options name the `header`, and optionally the `algorithm` (sha256 by
  default), the `encoding` (`hex` by default, or `base64`) and a `prefix` of the signature.
- Secret: the key of the HMAC.
- Time: not signed. A repeated delivery is a duplicate.
- Id: the event's own id in `eventId` or `event_id`, or else a digest of the payload. An `id` can be that of an order
  whose status changes, so it does not identify the event. If the tool changes a payload when it repeats a delivery, for
  example to count its attempts, name the id in the endpoint's mapping.
- Customer: the customer's id under the source `crm`, then the email address and the telephone number.
- Test delivery: that of the tool, like any other delivery.
- Documentation: that of the tool; three that sign their body are "Webhooks" of WooCommerce,
  https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks, "Secure your webhooks" of Typeform,
  https://www.typeform.com/developers/webhooks, and "Webhooks" of Intercom,
  https://developers.intercom.com/docs/webhooks.
"""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender
from journeys.webhooks.signatures import ALGORITHMS, base64_text, hexadecimal, mac, require_any

_DATES = (
    *("dateCreated", "date", "timestamp", "occurred_at", "occurredAt", "updated_at", "updatedAt"),
    *("created_at", "createdAt", "((date_modified_gmt || date_created_gmt) | @ && join('', [@, 'Z']))"),
)
_IS_ID = """contains(`["string", "number"]`, type(@)) && @ != '' && to_string(@) != '0'"""
_CUSTOMER = f"[customerId, customer_id, customer.id, customer] | [?{_IS_ID}] | [0]"
"""Some shops write the number 0 for every guest."""

ENCODINGS = {"hex": hexadecimal, "base64": base64_text}


class CustomHmac(Sender):
    name = "hmac"
    title = "Any tool that signs its body with an HMAC"
    sends = "Deliveries of WooCommerce, Typeform, Intercom and other tools with a signature in a header."
    steps = (
        "Open the tool's settings of webhooks, and paste the endpoint's address.",
        "Enter the endpoint's secret as the tool's signing secret; or store the secret that the tool shows here.",
        (
            "Look up in the tool's documentation which header holds the signature, and how it is written. Enter this "
            "here as the options header, algorithm, encoding and prefix."
        ),
        "Send a test delivery from the tool.",
    )
    secret_guide = SecretGuide(
        "Use the secret that the tool shows; or choose one, or have one generated, and enter it in the tool."
    )
    options = {"header": None, "algorithm": ALGORITHMS, "encoding": tuple(ENCODINGS), "prefix": None}
    required_options = frozenset({"header"})
    presets = {
        1: {
            "id": "id",
            "dateCreated": "dateCreated || date || timestamp || created_at",
            "externalSourceId": "'crm'",
            "customer": "customer || customerId || customer_id || email",
            "attributes": {"type": "type", "status": "status"},
        },
        2: {
            "id": "eventId || event_id || digest(@)",
            "dateCreated": " || ".join(_DATES),
            "externalIds": [
                {"externalSourceId": "'crm'", "value": _CUSTOMER},
                {"externalSourceId": "'email'", "value": "lower(email || customer.email || billing.email)"},
                {"externalSourceId": "'phone'", "value": "phone || customer.phone || billing.phone"},
            ],
            "attributes": {
                "type": "type || event_type || topic || header('x-wc-webhook-topic')",
                "status": "status",
                "amount": "to_number(amount || total)",
                "currency": "currency",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header(options["header"].lower())
        encode, algorithm = ENCODINGS[options.get("encoding", "hex")], options.get("algorithm", "sha256")
        prefix = options.get("prefix", "")
        expected = (prefix + encode(mac(secret.encode(), delivery.body, algorithm)) for secret in secrets)
        require_any([signature], expected)
