"""Qualtrics event subscriptions.

- Sends: a form (`application/x-www-form-urlencoded`) whose field `MSG` is a JSON object about the event.
- Signature: HMAC-SHA512 over `MSG` in hexadecimal, in the form's field `HMAC`.
- Secret: the `sharedKey` of the subscription.
- Time: not signed. A repeated delivery is a duplicate.
- Id: a digest of `MSG`. A response is reported again when its status changes, so its own id is not unique.
- Customer: `MSG` names the response, and the contact only if the survey was sent to one. The company's own id
  (`CustomerID`, `ExternalDataReference`) is under the source `qualtrics`; then the contact (`qualtrics-contact`), the
  email address and the telephone number. An anonymous response has a journey of its own under `qualtrics-response`.
- Dates: without a time zone, so the endpoint's mapping must name the brand's in `timeZone`.
- Test delivery: none. A preview of the survey, when submitted, is reported like any other response.
- Documentation: "Create Subscription" and "Listening for Events" of the Qualtrics API reference,
  https://api.qualtrics.com; the fields as in "New survey response trigger",
  https://docs.workato.com/en/connectors/qualtrics/new-survey-response-trigger.html.
"""

from typing import Any
from urllib.parse import unquote_to_bytes

from journeys.webhooks.deliveries.model import RefusalReason
from journeys.webhooks.delivery import Delivery, InvalidPayload, SignatureInvalid
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender, read_json
from journeys.webhooks.signatures import hexadecimal, mac, require_any

_RESPONDENT = "CustomerID || ExternalDataReference || RecipientID || ContactID || RecipientEmail || RecipientPhone"


class Qualtrics(Sender):
    name = "qualtrics"
    title = "Qualtrics"
    documentation = "https://api.qualtrics.com"
    sends = "Responses to surveys, as they are completed, and other events of a brand."
    steps = (
        "Sign in to Qualtrics as a brand administrator, and copy the API token in Account settings, Qualtrics IDs.",
        (
            "Create an event subscription with POST /API/v3/eventsubscriptions. Send the endpoint's address as "
            "publicationUrl, the endpoint's secret as sharedKey, false as encrypt, and a topic, such as "
            "surveyengine.completedResponse.SURVEY_ID."
        ),
        "Name the time zone of the brand in the endpoint's mapping, because the dates of Qualtrics have none.",
        "Submit a response, or a preview of the survey.",
    )
    secret_guide = SecretGuide(
        "Choose a secret, or have one generated, and send it as sharedKey when you create the subscription."
    )
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
        2: {
            "id": "digest(@)",
            "dateCreated": "CompletedDate",
            "dateFormat": "%Y-%m-%d %H:%M:%S",
            "externalIds": [
                {"externalSourceId": "'qualtrics'", "value": "CustomerID || ExternalDataReference"},
                {"externalSourceId": "'qualtrics-contact'", "value": "RecipientID || ContactID"},
                {"externalSourceId": "'email'", "value": "lower(RecipientEmail)"},
                {"externalSourceId": "'phone'", "value": "RecipientPhone"},
                {
                    "externalSourceId": "'qualtrics-response'",
                    "value": f"[@][?!({_RESPONDENT})].ResponseID | [0]",
                },
            ],
            "attributes": {
                "survey": "SurveyID",
                "status": "Status",
                "score": "to_number(Score)",
                "brand": "BrandID",
                "distribution": "DistributionID",
                "response": "ResponseID",
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        try:
            form = _form(delivery)
        except InvalidPayload:
            raise SignatureInvalid(RefusalReason.MISSING_HEADER) from None
        expected = (hexadecimal(mac(secret.encode(), form["MSG"], "sha512")) for secret in secrets)
        require_any([form["HMAC"].decode("latin-1")], expected)

    def sample_payloads(self, sample: Delivery) -> list[Any]:
        return [read_json(sample.body)]

    def extract_payloads(self, delivery: Delivery) -> list[Any]:
        return [read_json(_form(delivery)["MSG"])]


def _form(delivery: Delivery) -> dict[str, bytes]:
    """Return the fields MSG and HMAC. Raises InvalidPayload unless each occurs once and is not empty."""
    fields = [part.partition(b"=") for part in delivery.body.split(b"&", 20)]
    values = {
        name: [unquote_to_bytes(value.replace(b"+", b" ")) for field, _, value in fields if field == name.encode()]
        for name in ("MSG", "HMAC")
    }
    if any(len(occurrences) != 1 or not occurrences[0] for occurrences in values.values()):
        raise InvalidPayload("The body is not a form with one field MSG and one field HMAC.")
    return {name: value for name, (value,) in values.items()}
