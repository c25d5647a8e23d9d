"""Zendesk.

- Sends: one JSON object per event, or the body that a trigger defines. A test delivery can have no body.
- Signature: HMAC-SHA256 over timestamp and body in base64, in the header `X-Zendesk-Webhook-Signature`.
- Secret: the signing secret of the webhook.
- Time: the header `X-Zendesk-Webhook-Signature-Timestamp`, in ISO 8601, within five minutes.
- Handshake: a signed delivery without a body, answered with 204.
- Default mapping: type, ticket number, state, priority and subject; the customer is the requester under the source
  `zendesk`.
- Documentation: Zendesk's page on verifying webhooks, https://developer.zendesk.com/documentation/webhooks/verifying.
"""

from journeys import dates
from journeys.webhooks.delivery import Delivery, DeliveryResponse, SignatureInvalid
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import TOLERANCE_SECONDS, base64_text, mac, require_any


class Zendesk(Sender):
    name = "zendesk"
    presets = {
        1: {
            "id": "id || join('-', [ticket_id && to_string(ticket_id), updated_at])",
            "dateCreated": "time || updated_at",
            "externalSourceId": "'zendesk'",
            "customer": "detail.requester_id && to_string(detail.requester_id) "
            "|| requester_id && to_string(requester_id)",
            "attributes": {
                "type": "type",
                "caseNumber": "detail.id && to_string(detail.id) || ticket_id && to_string(ticket_id)",
                "state": "detail.status || status",
                "priority": "detail.priority || priority",
                "subject": "detail.subject || subject",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header("x-zendesk-webhook-signature")
        timestamp = delivery.header("x-zendesk-webhook-signature-timestamp")
        try:
            if abs(dates.parse(timestamp) / 1000 - delivery.now) > TOLERANCE_SECONDS:
                raise SignatureInvalid
        except ValueError:
            raise SignatureInvalid from None
        content = timestamp.encode() + delivery.body
        require_any([signature], (base64_text(mac(secret.encode(), content)) for secret in secrets))

    def signed_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        return None if delivery.body.strip() else DeliveryResponse(204)
