"""Standard Webhooks, and Svix, from which the specification originates.

- Sends: one JSON object per event: `type`, `timestamp` and `data`.
- Signature: HMAC-SHA256 over `id.timestamp.body` in base64, in the header `Webhook-Signature` (`Svix-Signature`) as
  `v1,...`; or ed25519 as `v1a,...`. The header can list several, separated by spaces; one valid signature suffices.
- Secret: `whsec_` and a key in base64, or `whpk_` and a public key in base64 for ed25519.
- Time: the header `Webhook-Timestamp`, in seconds, within five minutes. It is the time of the attempt.
- Id: the header `Webhook-Id` (`Svix-Id`). It is signed, unique per message and the same for every attempt. The ids in
  `data` are those of objects, about which there can be many events.
- Date: `timestamp` or `created_at`, in ISO 8601 or in milliseconds since 1970, as Clerk sends it. For senders that use
  seconds, such as OpenAI, set `dateFormat` to `unix`. Without any, the time of receipt.
- Customer: `data.customer_id` under the source `crm`, then the user (`user`), email address (`email`) and telephone
  number (`phone`). An object of type `user`, as Clerk sends it, is itself the user.
- Test delivery: Svix sends an example of an event type as a normal message, which becomes an event.
- Documentation: "Standard Webhooks" specification, sections "Webhook headers" and "Verifying webhook authenticity",
  https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md; "Receiving Webhooks with
  Svix", https://docs.svix.com/receiving/introduction; "Webhooks" of Clerk, https://clerk.com/docs/webhooks/overview,
  and "Event types" of Resend, https://resend.com/docs/dashboard/webhooks/event-types.
"""

import base64
import binascii

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender
from journeys.webhooks.signatures import base64_text, keys_from_base64, mac, require_any, require_recent

SYMMETRIC_KEY, PUBLIC_KEY = "whsec_", "whpk_"
PUBLIC_KEY_BYTES = 32


class Standard(Sender):
    name = "standard"
    title = "Standard Webhooks, Svix"
    documentation = "https://www.standardwebhooks.com"
    delivery_id_headers = ("webhook-id", "svix-id")
    sends = "Any tool that follows Standard Webhooks or uses Svix, such as Clerk, Resend or OpenAI."
    steps = (
        "Open the tool's settings of webhooks, and add an endpoint.",
        "Paste the endpoint's address as its URL, and choose the events that it sends.",
        (
            "Copy the signing secret that the tool shows, which begins with whsec_, and store it here; or, if the tool "
            "asks for a secret, enter the one that was generated here."
        ),
        "Send an example event from the tool.",
    )
    secret_guide = SecretGuide(
        "Copy the signing secret or the public key that the tool shows. If the tool lets you choose the secret, have "
        "one generated and enter it there.",
        "Use whsec_ and a key in base64, or whpk_ and an ed25519 public key, which is 32 bytes, in base64.",
    )
    presets = {
        1: {
            "id": "data.id || id",
            "dateCreated": "timestamp || data.timestamp",
            "externalSourceId": "'crm'",
            "customer": "data.customer_id || data.customerId || data.user_id || data.email",
            "attributes": {"type": "type"},
        },
        2: {
            "id": "header('webhook-id') || header('svix-id') || id",
            "dateCreated": "from_unix_ms([timestamp, created_at][?type(@) == 'number' && @ > `100000000000`] | [0]) "
            "|| timestamp || created_at || data.timestamp || received()",
            "externalIds": [
                {
                    "externalSourceId": "'crm'",
                    "value": "data.customer_id || data.customerId || data.customer.id "
                    "|| type(data.customer) == 'string' && data.customer || `null`",
                },
                {
                    "externalSourceId": "'user'",
                    "value": "data.user_id || data.userId || data.user.id || data.public_user_data.user_id "
                    "|| data.object == 'user' && data.id || `null`",
                },
                {"externalSourceId": "'email'", "value": "lower(data.email)"},
                {
                    "externalSourceId": "'email'",
                    "value": "lower(data.customer.email || data.customer_email || data.user.email "
                    "|| data.email_addresses[0].email_address || data.to_email_address || data.to[0])",
                },
                {
                    "externalSourceId": "'phone'",
                    "value": "data.phone || data.phone_number || data.customer.phone "
                    "|| data.phone_numbers[0].phone_number",
                },
            ],
            "attributes": {
                "type": "type",
                "objectId": "(data.id || data.email_id) | @ && to_string(@)",
                "status": "data.status",
                "amount": "to_number(data.amount || data.total_amount || data.total)",
                "currency": "data.currency",
            },
        },
    }

    def can_be_secret(self, secret: str) -> bool:
        keys = keys_from_base64([secret.removeprefix(PUBLIC_KEY if _is_public(secret) else SYMMETRIC_KEY)])
        return bool(keys) and (not _is_public(secret) or len(keys[0]) == PUBLIC_KEY_BYTES)

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        prefix = "webhook" if "webhook-id" in delivery.headers else "svix"
        id_ = delivery.header(f"{prefix}-id")
        timestamp = delivery.header(f"{prefix}-timestamp")
        signatures = [part.partition(",") for part in delivery.header(f"{prefix}-signature").split(" ")]
        require_recent(timestamp, delivery.now)
        content = f"{id_}.{timestamp}.".encode("utf-8", "surrogatepass") + delivery.body
        keys = keys_from_base64(key.removeprefix(SYMMETRIC_KEY) for key in secrets if not _is_public(key))
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
