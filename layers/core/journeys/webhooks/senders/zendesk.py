"""Zendesk.

- Sends: one JSON object per event, or the body that a trigger or an automation defines, as JSON or as a form.
- Signature: HMAC-SHA256 over timestamp and body in base64, in the header `X-Zendesk-Webhook-Signature`.
- Secret: the signing secret of the webhook.
- Time: the header `X-Zendesk-Webhook-Signature-Timestamp`, in ISO 8601, within five minutes.
- Id: of an event (`zen:event-type:...`) its `id`, which is signed and the same for every attempt. Of a trigger, the
  header `X-Zendesk-Webhook-Invocation-Id`: a trigger can fire twice in a second, and the `id` in its body can be a
  ticket's. The header is not signed, but the time is, so that a signed body can be repeated for five minutes only.
  Without the header, a digest of the body.
- Date: `time` of an event. Of a trigger, `updated_at` if it has a time of day (the placeholder
  `ticket.updated_at_with_timestamp`, not `ticket.updated_at`), or else the time of receipt.
- Customer: the requester of a ticket, the user of a user's event, or the author of a post or a comment (source
  `zendesk`); then an end user who writes in a conversation (`zendesk-messaging`), your own id of the user (`crm`),
  email address (`email`) and telephone number (`phone`). An agent, an organization and the external id of a ticket do
  not identify the customer.
- Test delivery: a signed delivery without a body is answered with 204. One with a body, such as the sample of an event
  type, becomes an event.
- Documentation: "Verifying webhook authenticity", https://developer.zendesk.com/documentation/webhooks/verifying;
  "Anatomy of a webhook request",
  https://developer.zendesk.com/documentation/webhooks/anatomy-of-a-webhook-request/; "Webhook event types",
  https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/, and its pages on tickets,
  users, messaging and the community.
"""

from journeys import dates
from journeys.webhooks.deliveries.model import RefusalReason
from journeys.webhooks.delivery import Delivery, DeliveryResponse, SignatureInvalid
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender
from journeys.webhooks.signatures import TOLERANCE_SECONDS, base64_text, mac, require_any

_IS_EVENT = "starts_with(to_string(type || ''), 'zen:event-type:')"


class Zendesk(Sender):
    name = "zendesk"
    title = "Zendesk"
    documentation = "https://developer.zendesk.com/documentation/webhooks"
    accepts_forms = True
    delivery_id_headers = ("x-zendesk-webhook-invocation-id",)
    owns_secret = True
    sends = "Tickets, users, conversations and posts of a help center that change."
    steps = (
        (
            "In Zendesk's Admin Center, open Apps and integrations, Actions and webhooks, Webhooks, and click Create "
            "webhook."
        ),
        (
            "Choose Zendesk events and the events that you need. For tickets of your own selection, choose Trigger or "
            "automation instead."
        ),
        (
            "Paste the endpoint's address as Endpoint URL, with the method POST and the format JSON, and create the "
            "webhook."
        ),
        "Open the webhook, reveal its signing secret, and store it here.",
        "Test the webhook on the same page, or change a ticket.",
    )
    secret_guide = SecretGuide(
        "Zendesk generates it. Open the webhook in the Admin Center, and reveal its signing secret."
    )
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
        2: {
            "id": f"{_IS_EVENT} && id || header('x-zendesk-webhook-invocation-id') "
            "|| (ticket_id || ticket.id || id) && digest(@)",
            "dateCreated": "time || ([updated_at, ticket.updated_at][?contains(to_string(@), ':')] | [0]) "
            "|| received()",
            "externalIds": [
                {
                    "externalSourceId": "'zendesk'",
                    "value": "detail.requester_id || starts_with(to_string(type || ''), 'zen:event-type:user.') "
                    "&& detail.id || contains(to_string(type || ''), 'community_') && event.author_id "
                    "|| event.comment.author_id || event.comment.author.id "
                    "|| requester_id || ticket.requester_id || requester.id || ticket.requester.id || `null`",
                },
                {
                    "externalSourceId": "'zendesk-messaging'",
                    "value": "event.actor.type == 'end_user' && event.actor.id || `null`",
                },
                {
                    "externalSourceId": "'crm'",
                    "value": "starts_with(to_string(type || ''), 'zen:event-type:user.') && detail.external_id "
                    "|| requester_external_id || requester.external_id || ticket.requester.external_id || `null`",
                },
                {
                    "externalSourceId": "'email'",
                    "value": "lower(detail.email || requester_email || requester.email || ticket.requester.email)",
                },
                {
                    "externalSourceId": "'phone'",
                    "value": "requester_phone || requester.phone || ticket.requester.phone",
                },
            ],
            "attributes": {
                "type": "type",
                "caseNumber": "(contains(to_string(type || ''), 'ticket.') && detail.id || ticket_id || ticket.id) "
                "| @ && to_string(@) || `null`",
                "state": "detail.status || status || ticket.status",
                "priority": "detail.priority || ([priority, ticket.priority][?@ && @ != '-'] | [0])",
                "subject": "detail.subject || !detail && (subject || ticket.subject || ticket.title) || `null`",
                "channel": "detail.via.channel || via || ticket.via",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header("x-zendesk-webhook-signature")
        timestamp = delivery.header("x-zendesk-webhook-signature-timestamp")
        try:
            if abs(dates.parse(timestamp) / 1000 - delivery.now) > TOLERANCE_SECONDS:
                raise SignatureInvalid(RefusalReason.TOO_OLD)
        except ValueError:
            raise SignatureInvalid from None
        content = timestamp.encode() + delivery.body
        require_any([signature], (base64_text(mac(secret.encode(), content)) for secret in secrets))

    def signed_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        return None if delivery.body.strip() else DeliveryResponse(204)
