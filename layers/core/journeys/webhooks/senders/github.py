"""GitHub.

- Sends: one JSON object per event, with the issue, pull request, comment, release or commit that it is about.
- Signature: HMAC-SHA256 over the body in hexadecimal, in the header `X-Hub-Signature-256` as `sha256=...`.
- Secret: the secret of the webhook.
- Time: not signed. A repeated delivery is a duplicate, because the object's id and time of change identify the event.
- Handshake: a signed `ping` in the header `X-GitHub-Event`, answered with 204.
- Default mapping: action, repository, title and state; the customer is the login of the user under the source `github`.
- Documentation: "Validating webhook deliveries",
  https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries.
"""

from journeys.webhooks.delivery import Delivery, DeliveryResponse
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import hexadecimal, mac, require_any


class GitHub(Sender):
    name = "github"
    presets = {
        1: {
            "id": "join('-', [((issue || pull_request || comment || release || head_commit).id | @ && to_string(@)), "
            "(issue || pull_request || comment || release).updated_at || head_commit.timestamp])",
            "dateCreated": "(issue || pull_request || comment || release).updated_at || head_commit.timestamp",
            "externalSourceId": "'github'",
            "customer": "sender.login",
            "attributes": {
                "action": "action",
                "repository": "repository.full_name",
                "title": "(issue || pull_request).title",
                "state": "(issue || pull_request).state",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header("x-hub-signature-256")
        require_any([signature], ("sha256=" + hexadecimal(mac(secret.encode(), delivery.body)) for secret in secrets))

    def signed_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        return DeliveryResponse(204) if delivery.headers.get("x-github-event") == "ping" else None
