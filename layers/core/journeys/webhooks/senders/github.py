"""GitHub.

- Sends: one JSON object per event, or a form with the object in its field `payload`: the form is GitHub's default.
- Signature: HMAC-SHA256 over the body in hexadecimal, in the header `X-Hub-Signature-256` as `sha256=...`.
- Secret: the secret of the webhook.
- Time: not signed.
- Id: the header `X-GitHub-Delivery`, a GUID per event that a redelivery repeats. The ids in the payload are those of
  objects: opening an issue with two labels sends three events about one issue with one date. The header is not signed.
  Somebody who has a signed body could deliver it again under another id; GitHub names the header as the protection
  against replays. A digest of the body would lose events that are equal. Without the header, the id is such a digest.
- Date: when the comment, review, run, issue, ... changed. Deletions, pushes and events without a date have the time of
  receipt: the dates of commits are when they were made, not when they were pushed.
- Customer: whoever caused the event, by login (source `github`), then by number (`github-id`), which stays the same if
  the login changes, and the email address of who pushes (`email`). Authors, assignees and organizations are not the
  customer. A few events name nobody, such as security advisories.
- Test delivery: a signed `ping` in the header `X-GitHub-Event`, answered with 204.
- Documentation: "Validating webhook deliveries",
  https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries; "Webhook events and payloads",
  https://docs.github.com/webhooks/webhook-events-and-payloads; "Best practices for using webhooks",
  https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks.
"""

from journeys.webhooks.delivery import Delivery, DeliveryResponse
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender
from journeys.webhooks.signatures import hexadecimal, mac, require_any


class GitHub(Sender):
    name = "github"
    title = "GitHub"
    documentation = "https://docs.github.com/webhooks"
    accepts_forms = True
    delivery_id_headers = ("x-github-delivery",)
    sends = "Issues, pull requests, reviews and all other events of a repository or an organization."
    steps = (
        "In GitHub, open the settings of the repository or organization, Webhooks, and click Add webhook.",
        "Paste the endpoint's address as Payload URL, and choose application/json as content type.",
        "Enter the secret of the endpoint as Secret, and leave the verification of TLS on.",
        "Choose the events, and click Add webhook. GitHub sends a ping, which makes no event.",
        "Cause an event, for example by opening an issue.",
    )
    secret_guide = SecretGuide("Choose a secret, or have one generated, and enter it in the webhook's settings.")
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
        2: {
            "id": "header('x-github-delivery') || sender && digest(header('x-github-event'), @)",
            "dateCreated": "action != 'deleted' && (starred_at || comment.updated_at || review.updated_at "
            "|| review.submitted_at || check_run.completed_at || check_run.started_at || workflow_job.completed_at "
            "|| workflow_job.started_at || (deployment_status || deployment || workflow_run || check_suite || issue "
            "|| pull_request || discussion || release || milestone).updated_at || release.published_at) || received()",
            "externalIds": [
                {"externalSourceId": "'github'", "value": "sender.login"},
                {"externalSourceId": "'github-id'", "value": "sender.id"},
                {"externalSourceId": "'email'", "value": "lower(pusher.email)"},
            ],
            "attributes": {
                "type": "header('x-github-event')",
                "action": "action",
                "repository": "repository.full_name",
                "title": "(issue || pull_request || discussion || milestone).title "
                "|| (release || workflow_run || workflow_job || check_run).name",
                "state": "(deployment_status || issue || pull_request || discussion || milestone).state "
                "|| (workflow_run || workflow_job || check_run || check_suite).status",
                "conclusion": "(workflow_run || workflow_job || check_run || check_suite).conclusion || review.state",
                "number": "(issue || pull_request || discussion || milestone).number",
                "label": "label.name",
                "merged": "pull_request.merged",
                "ref": "ref",
                "url": "(comment || review || issue || pull_request || discussion || release || workflow_run "
                "|| workflow_job || check_run || milestone).html_url || compare",
                "senderType": "sender.type",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header("x-hub-signature-256")
        require_any([signature], ("sha256=" + hexadecimal(mac(secret.encode(), delivery.body)) for secret in secrets))

    def signed_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        return DeliveryResponse(204) if delivery.headers.get("x-github-event") == "ping" else None
