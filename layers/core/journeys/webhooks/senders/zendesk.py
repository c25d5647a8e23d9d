"""Zendesk: https://developer.zendesk.com/documentation/webhooks/verifying. A test delivery may have no body."""

from journeys import dates
from journeys.webhooks.delivery import Answer, Delivery, NotProven
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import WINDOW_SECONDS, base64_text, mac, require_any


class Zendesk(Sender):
    name = "zendesk"
    preset = {
        "id": "id || join('-', [ticket_id && to_string(ticket_id), updated_at])",
        "dateCreated": "time || updated_at",
        "externalSourceId": "'zendesk'",
        "customer": "detail.requester_id && to_string(detail.requester_id) || requester_id && to_string(requester_id)",
        "attributes": {
            "type": "type",
            "caseNumber": "detail.id && to_string(detail.id) || ticket_id && to_string(ticket_id)",
            "state": "detail.status || status",
            "priority": "detail.priority || priority",
            "subject": "detail.subject || subject",
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        given = delivery.header("x-zendesk-webhook-signature")
        timestamp = delivery.header("x-zendesk-webhook-signature-timestamp")
        try:
            if abs(dates.parse(timestamp) / 1000 - delivery.now) > WINDOW_SECONDS:
                raise NotProven
        except ValueError:
            raise NotProven from None
        content = timestamp.encode() + delivery.body
        require_any([given], (base64_text(mac(secret.encode(), content)) for secret in secrets))

    def handshake(self, delivery: Delivery) -> Answer | None:
        return None if delivery.body.strip() else Answer(204)
