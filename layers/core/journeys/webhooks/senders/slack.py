"""Slack: https://docs.slack.dev/authentication/verifying-requests-from-slack."""

from journeys import jsontext
from journeys.webhooks.delivery import Answer, Delivery, Unreadable
from journeys.webhooks.senders.base import Options, Secrets, Sender, read_json
from journeys.webhooks.signatures import hexadecimal, mac, require_any, require_recent


class Slack(Sender):
    name = "slack"
    preset = {
        "id": "event_id",
        "dateCreated": "event_time",
        "dateFormat": "unix",
        "externalSourceId": "'slack'",
        "customer": "event.user.id || event.user",
        "attributes": {"type": "event.type", "channel": "event.channel.id || event.channel", "team": "team_id"},
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        given, timestamp = delivery.header("x-slack-signature"), delivery.header("x-slack-request-timestamp")
        require_recent(timestamp, delivery.now)
        content = f"v0:{timestamp}:".encode() + delivery.body
        require_any([given], ("v0=" + hexadecimal(mac(secret.encode(), content)) for secret in secrets))

    def handshake(self, delivery: Delivery) -> Answer | None:
        """Slack wants its challenge back when the address is registered."""
        try:
            body = read_json(delivery.body)
        except Unreadable:
            return None
        if not isinstance(body, dict) or body.get("type") != "url_verification":
            return None
        return Answer(200, jsontext.dumps({"challenge": str(body.get("challenge", ""))}))
