"""Any tool that signs the body with an HMAC.

- Sends: one JSON object, or a list with one object per event.
- Signature: HMAC over the body. The endpoint's options name the `header`, and optionally the `algorithm` (sha256 by
  default), the `encoding` (`hex` by default, or `base64`) and a `prefix` of the signature.
- Secret: the key of the HMAC.
- Time: not signed. A repeated delivery is a duplicate, because the payload's id identifies the event.
- Default mapping: type and status; the customer under the source `crm`.
- Documentation: that of the tool.
"""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import ALGORITHMS, base64_text, hexadecimal, mac, require_any

ENCODINGS = {"hex": hexadecimal, "base64": base64_text}


class CustomHmac(Sender):
    name = "hmac"
    options = {"header": None, "algorithm": ALGORITHMS, "encoding": tuple(ENCODINGS), "prefix": None}
    required_options = frozenset({"header"})
    presets = {
        1: {
            "id": "id",
            "dateCreated": "dateCreated || date || timestamp || created_at",
            "externalSourceId": "'crm'",
            "customer": "customer || customerId || customer_id || email",
            "attributes": {"type": "type", "status": "status"},
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature = delivery.header(options["header"].lower())
        encode, algorithm = ENCODINGS[options.get("encoding", "hex")], options.get("algorithm", "sha256")
        prefix = options.get("prefix", "")
        expected = (prefix + encode(mac(secret.encode(), delivery.body, algorithm)) for secret in secrets)
        require_any([signature], expected)
