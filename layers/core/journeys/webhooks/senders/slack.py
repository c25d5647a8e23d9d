"""Slack's Events API.

- Sends: one event per delivery, in JSON.
- Signature: HMAC-SHA256 over `v0:timestamp:body` in hexadecimal, in the header `X-Slack-Signature` as `v0=...`.
- Secret: the signing secret of the app.
- Time: the header `X-Slack-Request-Timestamp`, in seconds, within five minutes.
- Handshake: a signed body of type `url_verification`, whose challenge is returned.
- Default mapping: type, channel and team; the customer is the Slack user under the source `slack`.
- Documentation: "Verifying requests from Slack",
  https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from journeys import jsontext
from journeys.webhooks.delivery import Delivery, DeliveryResponse, InvalidPayload
from journeys.webhooks.senders.base import Options, Secrets, Sender, read_json
from journeys.webhooks.signatures import hexadecimal, mac, require_any, require_recent


class Slack(Sender):
    name = "slack"
    presets = {
        1: {
            "id": "event_id",
            "dateCreated": "event_time",
            "dateFormat": "unix",
            "externalSourceId": "'slack'",
            "customer": "event.user.id || event.user",
            "attributes": {"type": "event.type", "channel": "event.channel.id || event.channel", "team": "team_id"},
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature, timestamp = delivery.header("x-slack-signature"), delivery.header("x-slack-request-timestamp")
        require_recent(timestamp, delivery.now)
        content = f"v0:{timestamp}:".encode() + delivery.body
        require_any([signature], ("v0=" + hexadecimal(mac(secret.encode(), content)) for secret in secrets))

    def signed_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        """Return the challenge that Slack sends when the address is registered."""
        try:
            body = read_json(delivery.body)
        except InvalidPayload:
            return None
        if not isinstance(body, dict) or body.get("type") != "url_verification":
            return None
        return DeliveryResponse(200, jsontext.dumps({"challenge": str(body.get("challenge", ""))}))
