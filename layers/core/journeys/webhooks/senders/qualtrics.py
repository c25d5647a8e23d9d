"""Qualtrics event subscriptions.

- Sends: a form (`application/x-www-form-urlencoded`) whose field `MSG` is a JSON object about the event.
- Signature: HMAC-SHA512 over `MSG` in hexadecimal, in the form's field `HMAC`.
- Secret: the `sharedKey` of the subscription.
- Time: not signed. A repeated delivery is a duplicate, because the response's id identifies the event.
- Default mapping: survey, status, score and brand; the customer under the source `qualtrics`. The dates have no time
  zone, so the endpoint's mapping must name one in `timeZone`.
- Documentation: "Create Subscription" and the event subscriptions of the Qualtrics API reference.
"""

from typing import Any
from urllib.parse import unquote_to_bytes

from journeys.webhooks.delivery import Delivery, SignatureInvalid
from journeys.webhooks.senders.base import Options, Secrets, Sender, read_json
from journeys.webhooks.signatures import hexadecimal, mac, require_any


class Qualtrics(Sender):
    name = "qualtrics"
    presets = {
        1: {
            "id": "ResponseID",
            "dateCreated": "CompletedDate",
            "dateFormat": "%Y-%m-%d %H:%M:%S",
            "externalSourceId": "'qualtrics'",
            "customer": "CustomerID || ExternalDataReference || ContactID || RecipientEmail",
            "attributes": {
                "survey": "SurveyID",
                "status": "Status",
                "score": "Score",
                "brand": "BrandID",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        form = _form(delivery)
        expected = (hexadecimal(mac(secret.encode(), form["MSG"], "sha512")) for secret in secrets)
        require_any([form["HMAC"].decode("latin-1")], expected)

    def sample_payloads(self, sample: Delivery) -> list[Any]:
        return [read_json(sample.body)]

    def extract_payloads(self, delivery: Delivery) -> list[Any]:
        return [read_json(_form(delivery)["MSG"])]


def _form(delivery: Delivery) -> dict[str, bytes]:
    """Return the fields MSG and HMAC. Raises SignatureInvalid unless each occurs once and is not empty."""
    fields = [part.partition(b"=") for part in delivery.body.split(b"&", 20)]
    values = {
        name: [unquote_to_bytes(value.replace(b"+", b" ")) for field, _, value in fields if field == name.encode()]
        for name in ("MSG", "HMAC")
    }
    if any(len(occurrences) != 1 or not occurrences[0] for occurrences in values.values()):
        raise SignatureInvalid
    return {name: value for name, (value,) in values.items()}
