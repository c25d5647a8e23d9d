"""Adobe I/O Events, Adobe Analytics among them: https://developer.adobe.com/events/docs/guides.

The sender names, in headers that anybody can write, where its public keys are. Only their paths are taken from there,
never their host; what is fetched is kept, since keys change seldom.
"""

import base64
import binascii
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from journeys.settings import adobe_keys_url
from journeys.webhooks.delivery import Answer, Delivery, NotProven, Unreadable
from journeys.webhooks.senders.base import Options, Secrets, Sender, read_json

KEY_SECONDS = 24 * 60 * 60
NO_KEY_SECONDS = 60
MAX_KEY_BYTES = 16 * 1024
MAX_KEYS = 64
_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*){1,8}", re.ASCII)


class Adobe(Sender):
    name = "adobe"
    options = {"clientId": None}
    required_options = frozenset({"clientId"})
    preset = {
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
    }

    def __init__(self, fetch: "Callable[[str], bytes] | None" = None) -> None:
        self._fetch = fetch or _fetch
        self._keys: dict[str, tuple[float, bytes]] = {}

    def greeting(self, delivery: Delivery) -> Answer | None:
        """Adobe asks for its challenge back, with GET, when the webhook is registered."""
        challenge = delivery.query.get("challenge")
        if delivery.method != "GET" or not challenge:
            return None
        if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{1,512}", challenge, re.ASCII):
            return Answer(400)
        return Answer(200, f'{{"challenge":"{challenge}"}}')

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        self._require_signed(delivery)
        try:
            body = read_json(delivery.body)
        except Unreadable:
            raise NotProven from None  # which names no recipient
        if not isinstance(body, dict) or body.get("recipient_client_id") != options["clientId"]:
            raise NotProven  # signed by Adobe, but for somebody else

    def _require_signed(self, delivery: Delivery) -> None:
        """Raises NotProven unless either signature holds, or OSError where a key that might prove it is not there."""
        silent = None
        for number in ("1", "2"):
            try:
                if self._signed(delivery, number):
                    return
            except OSError as error:
                silent = error
        raise silent or NotProven

    def _signed(self, delivery: Delivery, number: str) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        text = delivery.headers.get(f"x-adobe-digital-signature-{number}", "")
        path = delivery.headers.get(f"x-adobe-public-key{number}-path", "")
        if not text or not _PATH.fullmatch(path):
            return False
        try:
            signature = base64.b64decode(text, validate=True)
            key = serialization.load_pem_public_key(self._key(path))
            if base64.b64encode(signature).decode() != text or not isinstance(key, rsa.RSAPublicKey):
                return False
            key.verify(signature, delivery.body, padding.PKCS1v15(), hashes.SHA256())
            return True
        except (binascii.Error, ValueError, InvalidSignature):
            return False

    def _key(self, path: str) -> bytes:
        kept = self._keys.pop(path, None)
        if kept is not None and time.monotonic() - kept[0] < (KEY_SECONDS if kept[1] else NO_KEY_SECONDS):
            self._keys[path] = kept  # the last one, as the one that was used last
            return kept[1]
        try:
            key = self._fetch(path)
        except ValueError:
            key = b""  # kept for a while as well, so that the same junk does not ask Adobe's host again and again
        if len(self._keys) >= MAX_KEYS:
            del self._keys[next(iter(self._keys))]
        self._keys[path] = (time.monotonic(), key)
        return key

    def payloads(self, delivery: Delivery) -> list[Any]:
        return [read_json(delivery.body)]


def _fetch(path: str) -> bytes:
    """A public key from Adobe's fixed host. Raises ValueError where there is none, and OSError where it is silent."""
    import urllib3

    pool = urllib3.PoolManager(timeout=urllib3.Timeout(total=0.9), retries=False)  # two keys in under two seconds
    try:
        answer = pool.request("GET", adobe_keys_url() + quote(path), redirect=False, preload_content=False)
        content = answer.read(MAX_KEY_BYTES + 1)
    except urllib3.exceptions.HTTPError as error:
        raise OSError("Adobe's keys are not to be had now") from error
    if answer.status >= 500 or answer.status == 429:
        raise OSError("Adobe's keys are not to be had now")
    if answer.status != 200 or len(content) > MAX_KEY_BYTES:
        raise ValueError("there is no such key")
    return content
