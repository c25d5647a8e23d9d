"""CloudEvents over HTTP.

- Sends: events in binary mode (attributes in headers that begin with `ce-`), structured mode or batch mode.
- Signature: none. The header `Authorization` carries a token (Bearer).
- Secret: the token.
- Time: not signed. A repeated delivery is a duplicate.
- Handshake: an unsigned OPTIONS request with the header `WebHook-Request-Origin`, which is allowed.
- Id: a digest of `source` and `id`, which together identify an event and can be longer than an event's id.
- Customer: the customer's id in `data` under the source `crm`, then the email address and the telephone number. The
  subject is what the event is about, such as a file, and names the journey only if `data` names no customer: its source
  is `cloudevents-subject`.
- Dates: `time`, or the time of receipt, because `time` is optional.
- Test delivery: the handshake.
- Documentation: "CloudEvents", "HTTP Protocol Binding" and "HTTP 1.1 Web Hooks for Event Delivery",
  https://github.com/cloudevents/spec/tree/main/cloudevents.
"""

from typing import Any
from urllib.parse import unquote

from journeys.webhooks.delivery import Delivery, DeliveryResponse, InvalidPayload
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender, bearer, read_json
from journeys.webhooks.signatures import require_any

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

_CUSTOMER = "(data.customerId || data.customer_id || data.customer.id || ([data.customer][?type(@) == 'string'] | [0]))"
_EMAIL = "(data.email || data.customer.email)"
_PHONE = "(data.phone || data.customer.phone)"


class CloudEvents(Sender):
    name = "cloudevents"
    title = "Any sender of CloudEvents"
    documentation = "https://github.com/cloudevents/spec"
    sends = "Any tool that delivers CloudEvents over HTTP, in binary, structured or batch mode."
    steps = (
        "Open the tool's settings of webhooks or sinks, and paste the endpoint's address.",
        (
            "Let the tool send the endpoint's secret as a bearer token: the header Authorization with Bearer, a space "
            "and the secret."
        ),
        "If the tool checks the address with OPTIONS, this is answered automatically.",
        "Send an event from the tool.",
    )
    secret_guide = SecretGuide(
        "Choose a token, or have one generated, and let the sender deliver it as a bearer token."
    )
    delivery_id_headers = ("ce-id",)
    presets = {
        1: {
            "id": "join('#', [source, id])",
            "dateCreated": "time",
            "externalSourceId": "'crm'",
            "customer": "data.customerId || data.customer_id || data.customer || subject",
            "attributes": {"type": "type", "source": "source", "subject": "subject"},
        },
        2: {
            "id": "source && id && digest(source, id)",
            "dateCreated": "time || received()",
            "externalIds": [
                {"externalSourceId": "'crm'", "value": _CUSTOMER},
                {"externalSourceId": "'email'", "value": f"lower({_EMAIL})"},
                {"externalSourceId": "'phone'", "value": _PHONE},
                {
                    "externalSourceId": "'cloudevents-subject'",
                    "value": f"[@][?!({_CUSTOMER} || {_EMAIL} || {_PHONE})].subject | [0]",
                },
            ],
            "attributes": {
                "type": "type",
                "source": "source",
                "subject": "subject",
                "status": "data.status",
                "amount": "to_number(data.amount)",
                "currency": "data.currency",
            },
        },
    }

    def unsigned_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        origin = delivery.headers.get("webhook-request-origin", "")
        if delivery.method != "OPTIONS" or not origin:
            return None
        if not (origin.isascii() and origin.isprintable() and len(origin) <= 255):
            return DeliveryResponse(400)
        allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST, OPTIONS"}
        return DeliveryResponse(200, headers=allowed)

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        require_any([delivery.header("authorization")], map(bearer, secrets))

    def sample_payloads(self, sample: Delivery) -> list[Any]:
        """Take a sample without an event's headers for a structured event, or for a batch if it is a list."""
        if "ce-id" in sample.headers or sample.media_type in (STRUCTURED, BATCH):
            return self.extract_payloads(sample)
        payload = read_json(sample.body)
        return payload if isinstance(payload, list) else [payload]

    def extract_payloads(self, delivery: Delivery) -> list[Any]:
        if delivery.media_type == STRUCTURED:
            return [read_json(delivery.body)]
        if delivery.media_type == BATCH:
            batch = read_json(delivery.body)
            if not isinstance(batch, list):
                raise InvalidPayload("The body of a batch must be a JSON array of events.")
            return batch
        attributes = {
            name.removeprefix("ce-"): unquote(value)
            for name, value in delivery.headers.items()
            if name.startswith("ce-")
        }
        if "id" not in attributes:
            raise InvalidPayload("The delivery is not a CloudEvent: in binary mode, send the header ce-id.")
        return [attributes | {"data": _data(delivery)}]


def _data(delivery: Delivery) -> Any:
    """Return the data of an event in binary mode: JSON, or else text; null if it is neither."""
    kind = delivery.media_type
    if not delivery.body or kind in ("", "application/json") or kind.endswith("+json"):
        return read_json(delivery.body) if delivery.body else None
    try:
        return delivery.body.decode()
    except UnicodeDecodeError:
        return None
