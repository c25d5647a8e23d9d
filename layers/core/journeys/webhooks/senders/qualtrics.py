"""Qualtrics event subscriptions: a form whose MSG is signed. Its dates have no zone; the mapping names one."""

from typing import Any
from urllib.parse import unquote_to_bytes

from journeys.webhooks.delivery import Delivery, NotProven
from journeys.webhooks.senders.base import Options, Secrets, Sender, read_json
from journeys.webhooks.signatures import hexadecimal, mac, require_any


class Qualtrics(Sender):
    name = "qualtrics"
    preset = {
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
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        form = _form(delivery)
        expected = (hexadecimal(mac(secret.encode(), form["MSG"], "sha512")) for secret in secrets)
        require_any([form["HMAC"].decode("latin-1")], expected)

    def payloads(self, delivery: Delivery) -> list[Any]:
        return [read_json(_form(delivery)["MSG"])]


def _form(delivery: Delivery) -> dict[str, bytes]:
    """MSG and HMAC, as the bytes that were signed. Raises NotProven unless each is there once, and not empty."""
    fields = [part.partition(b"=") for part in delivery.body.split(b"&", 20)]
    found = {
        name: [unquote_to_bytes(value.replace(b"+", b" ")) for field, _, value in fields if field == name.encode()]
        for name in ("MSG", "HMAC")
    }
    if any(len(values) != 1 or not values[0] for values in found.values()):
        raise NotProven
    return {name: value for name, (value,) in found.items()}
