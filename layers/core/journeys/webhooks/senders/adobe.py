"""Adobe I/O Events, which includes Adobe Analytics and Adobe Experience Platform.

- Sends: one JSON object per delivery, with the event in `event`.
- Signature: RSA with SHA-256 over the body in base64, in the headers `x-adobe-digital-signature-1` and `-2`. One valid
  signature suffices. The headers `x-adobe-public-key1-path` and `-key2-path` name the public keys on Adobe's key host.
- Secret: none, because Adobe signs with its own keys. The option `clientId` must equal `recipient_client_id` in the
  body, since Adobe signs deliveries to all of its customers with the same keys.
- Time: not signed. A repeated delivery is a duplicate, because Adobe's event id identifies the event.
- Handshake: an unsigned GET with the parameter `challenge`, which is returned.
- Default mapping: page, section, URL, campaign, device and pages; the customer under the source `adobe`.
- Documentation: "Signature Verification for Events",
  https://developer.adobe.com/events/docs/guides/sdk/sdk-signature-verification.

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
from journeys.webhooks.senders.base import Options, Secrets, Sender, read_json

_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*){1,8}", re.ASCII)


class Adobe(Sender):
    name = "adobe"
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
        recipient = body.get("recipient_client_id") if isinstance(body, dict) else None
        if not recipient or recipient != options.get("clientId"):
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

    def extract_payloads(self, delivery: Delivery) -> list[Any]:
        return [read_json(delivery.body)]
