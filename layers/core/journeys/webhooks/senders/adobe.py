"""Adobe I/O Events, which includes Adobe Analytics and Adobe Experience Platform.

- Sends: a CloudEvent with the event in `data`, or an older form with it in `event`. With the delivery style "Batch", a
  JSON list of up to 20 of them.
- Signature: RSA with SHA-256 over the body in base64, in the headers `x-adobe-digital-signature-1` and `-2`. One valid
  signature suffices. The headers `x-adobe-public-key1-path` and `-key2-path` name the public keys on Adobe's key host.
- Secret: none, because Adobe signs with its own keys. The option `clientId` must equal `recipientclientid` in every
  event (`recipient_client_id` in deliveries of the past), since Adobe signs those to all of its customers with the same
  keys.
- Time: not signed. A repeated delivery is a duplicate.
- Handshake: an unsigned GET with the parameter `challenge`, which is returned.
- Id: `eventid`, which Adobe gives to every event and which is the same in every attempt; it was called `event_id`.
- Customer: `customerId` under the source `adobe`. Then the Adobe user (`adobe-user`), the lead of Marketo (a source for
  each instance, such as `marketo-123-ABC-456`), the email address, the telephone number, the Experience Cloud id
  (`adobe-ecid`) and the visitor id of Analytics (`adobe-visitor`). The last two stand for a device.
- Dates: ISO-8601; the triggers of Adobe Analytics are in milliseconds.
- Test delivery: the challenge. Sample events from the Developer Console are delivered like any other event.
- Documentation: "Introduction to Adobe I/O Events Webhooks", https://developer.adobe.com/events/docs/guides; "FAQ",
  https://developer.adobe.com/events/docs/support/faq; "Integrate Analytics Triggers" and "Marketo Lead Activity Data
  Stream Setup", https://developer.adobe.com/events/docs/guides/using.

Anyone can write the headers, so only the path of a key is taken from them, never the host. Keys are cached, because
they rarely change.
"""

import base64
import binascii
import re
from typing import Any

from journeys.errors import TooManyRequests
from journeys.webhooks.adobe_keys import AdobeKeys, Fetch
from journeys.webhooks.delivery import Delivery, DeliveryResponse, InvalidPayload, SignatureInvalid
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender, read_json

_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*){1,8}", re.ASCII)

_RECIPIENT = ("recipientclientid", "recipient_client_id")
"""The names of the field with the client id of the recipient, the newer one first."""

_EVENT = "(event || data)"
_TRIGGER = 'event."com.adobe.mcloud.pipeline.pipelineMessage"."com.adobe.mcloud.protocol.trigger"'
_LAST_PAGE = f"({_TRIGGER}.enrichments.analyticsHitSummary.dimensions.pageURL.data[?@ != ''] | [-1])"


def _attribute(name: str) -> str:
    """Return an expression for an attribute of a Marketo activity."""
    return f"(data.attributes[?name == '{name}'].value | [0])"


class Adobe(Sender):
    name = "adobe"
    title = "Adobe Analytics, Adobe I/O Events"
    documentation = "https://developer.adobe.com/events/docs/guides"
    needs_secret = False
    owns_secret = True
    sends = "Events of Adobe Analytics, Experience Platform, Marketo and others through Adobe I/O Events."
    steps = (
        (
            "In the Adobe Developer Console, open your project. Copy the client ID of its credential, and enter it "
            "here as the option clientId."
        ),
        "Click Add to project, Event, and choose the provider and its events.",
        "As the way to receive events, choose Webhook, paste the endpoint's address, and choose Single or Batch.",
        "Save the registration. Adobe checks the address with a challenge, which is answered automatically.",
        "Send a sample event, or cause one in the product.",
    )
    secret_guide = SecretGuide("Adobe signs with keys that it publishes. The endpoint needs no secret.")
    delivery_id_headers = ("x-adobe-event-id",)
    options = {"clientId": None}
    required_options = frozenset({"clientId"})
    presets = {
        1: {
            "id": 'event_id || event."xdm:eventId" || event.id || id',
            "dateCreated": 'event.timestamp || event."xdm:timestamp" || event.date || event.published',
            "externalSourceId": "'adobe'",
            "customer": "event.customerId || event.visitorId || event.mcvisid || event.user_id",
            "attributes": {
                "page": "event.pageName || event.pagename",
                "section": "event.siteSection || event.channel",
                "url": "event.pageUrl || event.pageURL",
                "campaign": "event.campaign",
                "device": "event.device",
                "pages": "event.pages",
            },
        },
        2: {
            "id": f'eventid || event_id || id || {_EVENT}."xdm:eventId" || {_EVENT}.id',
            "dateCreated": " || ".join(
                (
                    *("time", f"{_EVENT}.timestamp", f'{_EVENT}."xdm:timestamp"', f"{_EVENT}.date"),
                    *(f"{_EVENT}.published", f"from_unix_ms({_TRIGGER}.triggerTimestamp)"),
                )
            ),
            "externalIds": [
                {"externalSourceId": "'adobe'", "value": f"{_EVENT}.customerId"},
                {"externalSourceId": "'adobe-user'", "value": f"recipient.userid || {_EVENT}.user_id"},
                {"externalSourceId": "join('-', ['marketo', data.munchkinId])", "value": "data.leadId"},
                {"externalSourceId": "'email'", "value": f"lower({_EVENT}.email)"},
                {"externalSourceId": "'phone'", "value": f"{_EVENT}.phone"},
                {
                    "externalSourceId": "'adobe-ecid'",
                    "value": f"{_EVENT}.mcvisid || {_TRIGGER}.mcId || {_EVENT}.identityMap.ECID[0].id",
                },
                {"externalSourceId": "'adobe-visitor'", "value": f"{_EVENT}.visitorId"},
            ],
            "attributes": {
                "page": f"{_EVENT}.pageName || {_EVENT}.pagename",
                "section": f"{_EVENT}.siteSection || {_EVENT}.channel",
                "url": f"{_EVENT}.pageUrl || {_EVENT}.pageURL || {_LAST_PAGE} || {_attribute('Webpage URL')}",
                "campaign": f"{_EVENT}.campaign",
                "device": f"{_EVENT}.device || {_attribute('Device')}",
                "pages": f"to_number({_EVENT}.pages)",
                "type": "type || header('x-adobe-event-code')",
                "activity": "data.activityType",
                "trigger": f"{_TRIGGER}.triggerId",
            },
        },
    }

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._keys = AdobeKeys(fetch)

    def unsigned_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        """Return the challenge that Adobe sends with GET when the webhook is registered."""
        challenge = delivery.query.get("challenge")
        if delivery.method != "GET" or not challenge:
            return None
        if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{1,512}", challenge, re.ASCII):
            return DeliveryResponse(400)
        return DeliveryResponse(200, f'{{"challenge":"{challenge}"}}')

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        try:
            body = read_json(delivery.body)
        except InvalidPayload:
            raise SignatureInvalid from None
        events = body if isinstance(body, list) else [body]
        if not events or not all(_is_for(options.get("clientId"), event) for event in events):
            raise SignatureInvalid  # It is for another customer of Adobe. No key is fetched for it.
        self._require_signed(delivery)

    def _require_signed(self, delivery: Delivery) -> None:
        """Raise SignatureInvalid unless one of the two signatures is valid.

        Raises OSError or TooManyRequests if no signature is valid and a key could not be fetched.
        """
        unavailable: Exception | None = None
        for number in ("1", "2"):
            try:
                if self._is_signed(delivery, number):
                    return
            except (OSError, TooManyRequests) as error:
                unavailable = error
        raise unavailable or SignatureInvalid

    def _is_signed(self, delivery: Delivery, number: str) -> bool:
        """Whether the signature of that number is valid."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        text = delivery.headers.get(f"x-adobe-digital-signature-{number}", "")
        path = delivery.headers.get(f"x-adobe-public-key{number}-path", "")
        if not text or not _PATH.fullmatch(path):
            return False
        pem = self._keys.get(path)
        if pem is None:
            return False
        try:
            signature = base64.b64decode(text, validate=True)
            key = serialization.load_pem_public_key(pem)
            if base64.b64encode(signature).decode() != text or not isinstance(key, rsa.RSAPublicKey):
                return False
            key.verify(signature, delivery.body, padding.PKCS1v15(), hashes.SHA256())
            return True
        except (binascii.Error, ValueError, InvalidSignature):
            return False


def _is_for(client_id: Any, event: Any) -> bool:
    """Whether an event names its recipient, and names no other."""
    named = [event[name] for name in _RECIPIENT if name in event] if isinstance(event, dict) else []
    return bool(client_id and named) and all(name == client_id for name in named)
