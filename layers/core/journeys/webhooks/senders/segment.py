"""Segment.

- Sends: one call (page, screen, alias, group, identify or track) per delivery, in JSON.
- Signature: HMAC-SHA1 over the body in hexadecimal, in the header `X-Signature`.
- Secret: the shared secret of the destination.
- Time: not signed.
- Id: `messageId`, which is signed, unique per call, and the same for every attempt and replay. Without it, a digest of
  the call's type, name, user and time.
- Customer: the user's id (source `segment`); then the anonymous id (`segment-anonymous`), which alone identifies
  visitors who are not known yet, and email address (`email`) and telephone number (`phone`) of the user's traits. The
  earlier id of an `alias` is a further user id. The traits of a `group` are a company's, and an address in
  `properties` can be somebody else's, so neither is used.
- Amounts are numbers, or text in some sources; both become numbers.
- Test delivery: the event tester sends a normal call, which becomes an event.
- Documentation: "Webhooks Destination", https://www.twilio.com/docs/segment/connections/destinations/catalog/webhooks;
  "Spec: Common Fields", https://www.twilio.com/docs/segment/connections/spec/common, and the pages of the calls beside
  it.
"""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender
from journeys.webhooks.signatures import hexadecimal, mac, require_any


class Segment(Sender):
    name = "segment"
    title = "Segment"
    documentation = "https://www.twilio.com/docs/segment/connections/destinations/catalog/webhooks"
    sends = "The calls of your sources: track, page, screen, identify, group and alias."
    steps = (
        "In Segment, open Connections, Catalog, and search for Webhooks (Actions).",
        "Click Configure, and choose the source whose calls are sent.",
        "Enter the endpoint's secret as Shared Secret in the settings of the destination.",
        (
            "Add a mapping with the action Send. Enter the endpoint's address as URL, POST as method and the whole "
            "event as data, and leave batching off."
        ),
        "Enable the mapping and the destination, and send an event with the event tester.",
    )
    secret_guide = SecretGuide(
        "Choose a secret, or have one generated, and enter it as the destination's shared secret."
    )
    presets = {
        1: {
            "id": "messageId",
            "dateCreated": "timestamp || originalTimestamp || sentAt",
            "externalSourceId": "'segment'",
            "customer": "userId || anonymousId",
            "attributes": {
                "type": "type",
                "event": "event || name",
                "page": "properties.title || properties.path",
                "url": "properties.url",
                "amount": "properties.revenue",
                "currency": "properties.currency",
            },
        },
        2: {
            "id": "messageId || (userId || anonymousId) && digest(type, event || name, userId, anonymousId, "
            "timestamp || originalTimestamp || sentAt)",
            "dateCreated": "timestamp || originalTimestamp || sentAt || receivedAt || received()",
            "externalIds": [
                {"externalSourceId": "'segment'", "value": "userId"},
                {"externalSourceId": "'segment-anonymous'", "value": "anonymousId"},
                {"externalSourceId": "'segment'", "value": "previousId != anonymousId && previousId || `null`"},
                {
                    "externalSourceId": "'email'",
                    "value": "lower(type == 'identify' && traits.email || context.traits.email)",
                },
                {
                    "externalSourceId": "'phone'",
                    "value": "type == 'identify' && traits.phone || context.traits.phone",
                },
            ],
            "attributes": {
                "type": "type",
                "event": "event || name",
                "page": "properties.title || properties.path || context.page.title",
                "url": "properties.url || context.page.url",
                "amount": "to_number(properties.revenue || properties.total || properties.value)",
                "currency": "properties.currency",
                "orderId": "properties.order_id && to_string(properties.order_id)",
                "campaign": "context.campaign.name",
                "group": "groupId",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header("x-signature")
        require_any([signature], (hexadecimal(mac(secret.encode(), delivery.body, "sha1")) for secret in secrets))
