"""Standard Webhooks, and Svix, from which the specification originates.

- Sends: one JSON object per event.
- Signature: HMAC-SHA256 over `id.timestamp.body` in base64, in the header `Webhook-Signature` (`Svix-Signature`) as
  `v1,...`; or ed25519 as `v1a,...`. The header can list several, separated by spaces; one valid signature suffices.
- Secret: `whsec_` and a key in base64, or `whpk_` and a public key in base64 for ed25519.
- Time: the header `Webhook-Timestamp`, in seconds, within five minutes.
- Default mapping: the event's type as an attribute; the customer under the source `crm`.
- Documentation: "Standard Webhooks" specification, section "Verifying webhook authenticity",
  https://www.standardwebhooks.com.
"""

import base64
import binascii

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import base64_text, keys_from_base64, mac, require_any, require_recent

PUBLIC_KEY = "whpk_"


class Standard(Sender):
    name = "standard"
    presets = {
        1: {
            "id": "data.id || id",
            "dateCreated": "timestamp || data.timestamp",
            "externalSourceId": "'crm'",
            "customer": "data.customer_id || data.customerId || data.user_id || data.email",
            "attributes": {"type": "type"},
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        prefix = "webhook" if "webhook-id" in delivery.headers else "svix"
        id_ = delivery.header(f"{prefix}-id")
        timestamp = delivery.header(f"{prefix}-timestamp")
        signatures = [part.partition(",") for part in delivery.header(f"{prefix}-signature").split(" ")]
        require_recent(timestamp, delivery.now)
        content = f"{id_}.{timestamp}.".encode("utf-8", "surrogatepass") + delivery.body
        keys = keys_from_base64(key.removeprefix("whsec_") for key in secrets if not _is_public(key))
        symmetric = [mac(key, content) for key in keys]
        public = keys_from_base64(key.removeprefix(PUBLIC_KEY) for key in secrets if _is_public(key))
        if any(_is_signed(key, text, content) for key in public for version, _, text in signatures if version == "v1a"):
            return
        require_any((text for version, _, text in signatures if version == "v1"), map(base64_text, symmetric))


def _is_public(key: str) -> bool:
    return key.startswith(PUBLIC_KEY)


def _is_signed(key: bytes, signature: str, content: bytes) -> bool:
    """Whether a signature in base64 is the ed25519 signature of the content."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = base64.b64decode(signature, validate=True)
        if base64.b64encode(raw).decode() != signature:
            return False
        Ed25519PublicKey.from_public_bytes(key).verify(raw, content)
        return True
    except (binascii.Error, ValueError, InvalidSignature):
        return False
