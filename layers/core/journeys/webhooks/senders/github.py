"""GitHub: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries."""

from journeys.webhooks.delivery import Answer, Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import hexadecimal, mac, require_any


class GitHub(Sender):
    name = "github"
    preset = {
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
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        given = delivery.header("x-hub-signature-256")
        require_any([given], ("sha256=" + hexadecimal(mac(secret.encode(), delivery.body)) for secret in secrets))

    def handshake(self, delivery: Delivery) -> Answer | None:
        return Answer(204) if delivery.headers.get("x-github-event") == "ping" else None
