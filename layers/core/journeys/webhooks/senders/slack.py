"""Slack's Events API, interactions and slash commands.

- Sends: one event per delivery, in JSON. Interactions (a click, a submitted view, a shortcut) are a form with JSON in
  its field `payload`, and slash commands a form of texts.
- Signature: HMAC-SHA256 over `v0:timestamp:body` in hexadecimal, in the header `X-Slack-Signature` as `v0=...`.
- Secret: the signing secret of the app.
- Time: the header `X-Slack-Request-Timestamp`, in seconds, within five minutes.
- Id: `event_id`, which is signed, globally unique, and the same for every attempt. Of interactions and commands, which
  Slack does not repeat, the `trigger_id`; a view that is closed has none, so that its id is a digest of body and time.
- Date: `event_time`, or the time that is signed.
- Customer: the user who acts (source `slack`; ids of users are globally unique), then the bot that posts (`slack-bot`),
  and the email address of a user who joins or changes (`email`). Some events are about the app or the workspace and
  have neither, such as `app_rate_limited` and `emoji_changed`.
- Test delivery: a signed body of type `url_verification`, whose challenge is returned; and a form with `ssl_check`,
  answered with 200.
- Documentation: "Verifying requests from Slack",
  https://docs.slack.dev/authentication/verifying-requests-from-slack; "The Events API",
  https://docs.slack.dev/apis/events-api; "Interaction payloads",
  https://docs.slack.dev/reference/interaction-payloads; "Implementing slash commands",
  https://docs.slack.dev/interactivity/implementing-slash-commands; "users.identity",
  https://docs.slack.dev/reference/methods/users.identity.
"""

from journeys import jsontext
from journeys.webhooks.delivery import Delivery, DeliveryResponse, InvalidPayload
from journeys.webhooks.senders.base import FORM, Options, SecretGuide, Secrets, Sender
from journeys.webhooks.signatures import hexadecimal, mac, require_any, require_recent


class Slack(Sender):
    name = "slack"
    title = "Slack"
    documentation = "https://docs.slack.dev/apis/events-api"
    accepts_forms = True
    owns_secret = True
    sends = "Messages, reactions and other events of a workspace, interactions and slash commands."
    steps = (
        "Open your app on api.slack.com/apps. Copy the signing secret from Basic Information, and store it here.",
        (
            "Open Event Subscriptions, turn them on, and paste the endpoint's address as Request URL. Slack checks it "
            "with a challenge, which is answered automatically."
        ),
        (
            "Subscribe to events of the bot, such as message.channels, and save. For clicks and commands, paste the "
            "address in Interactivity & Shortcuts or Slash Commands."
        ),
        "Install the app in the workspace again, if Slack asks for it.",
        "Cause an event, for example by writing in a channel of the bot.",
    )
    secret_guide = SecretGuide(
        "Slack generates it. Copy the signing secret from the app's settings, Basic Information.",
        "Use the app's signing secret, not a token, which begins with xoxb-, xoxp-, xapp- or the like.",
    )
    presets = {
        1: {
            "id": "event_id",
            "dateCreated": "event_time",
            "dateFormat": "unix",
            "externalSourceId": "'slack'",
            "customer": "event.user.id || event.user",
            "attributes": {"type": "event.type", "channel": "event.channel.id || event.channel", "team": "team_id"},
        },
        2: {
            "id": "event_id || trigger_id || (type || command) && digest(header('x-slack-request-timestamp'), @)",
            "dateCreated": "event_time || header('x-slack-request-timestamp')",
            "dateFormat": "unix",
            "externalIds": [
                {
                    "externalSourceId": "'slack'",
                    "value": "event.user.id || event.user || event.user_id || event.message.user "
                    "|| event.previous_message.user || event.channel.creator || event.subteam.created_by "
                    "|| user.id || user_id",
                },
                {"externalSourceId": "'slack-bot'", "value": "event.bot_id || event.message.bot_id"},
                {"externalSourceId": "'email'", "value": "lower(event.user.profile.email)"},
            ],
            "attributes": {
                "type": "event.type || type || command && 'slash_command'",
                "subtype": "event.subtype",
                "channel": "event.channel.id || event.channel || event.item.channel || channel.id || channel_id",
                "team": "team_id || team.id",
                "reaction": "event.reaction",
                "command": "command",
                "action": "actions[0].action_id || view.callback_id || callback_id",
            },
        },
    }

    def can_be_secret(self, secret: str) -> bool:
        return not secret.startswith(("xox", "xapp-"))

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature, timestamp = delivery.header("x-slack-signature"), delivery.header("x-slack-request-timestamp")
        require_recent(timestamp, delivery.now)
        content = f"v0:{timestamp}:".encode() + delivery.body
        require_any([signature], ("v0=" + hexadecimal(mac(secret.encode(), content)) for secret in secrets))

    def signed_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        """Return the challenge that Slack sends to a new address, or answer a check of the address's certificate."""
        try:
            (body,) = self.extract_payloads(delivery)
        except (InvalidPayload, ValueError):
            return None
        if not isinstance(body, dict):
            return None
        if "ssl_check" in body and "command" not in body:
            return DeliveryResponse(200)
        if body.get("type") != "url_verification":
            return None
        return DeliveryResponse(200, jsontext.dumps({"challenge": str(body.get("challenge", ""))}))

    def success_response(self, delivery: Delivery) -> DeliveryResponse | None:
        """Answer an interaction or a command without a body, because Slack would show it or report it as invalid."""
        return DeliveryResponse(200) if delivery.media_type == FORM else None
