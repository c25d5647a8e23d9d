"""Any HMAC over the body: which header, algorithm and encoding is for the endpoint to say."""

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import ALGORITHMS, base64_text, hexadecimal, mac, require_any

ENCODINGS = {"hex": hexadecimal, "base64": base64_text}


class CustomHmac(Sender):
    name = "hmac"
    options = {"header": None, "algorithm": ALGORITHMS, "encoding": tuple(ENCODINGS), "prefix": None}
    required_options = frozenset({"header"})
    preset = {
        "id": "id",
        "dateCreated": "dateCreated || date || timestamp || created_at",
        "externalSourceId": "'crm'",
        "customer": "customer || customerId || customer_id || email",
        "attributes": {"type": "type", "status": "status"},
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        given = delivery.header(options["header"].lower())
        encode, algorithm = ENCODINGS[options.get("encoding", "hex")], options.get("algorithm", "sha256")
        prefix = options.get("prefix", "")
        expected = (prefix + encode(mac(secret.encode(), delivery.body, algorithm)) for secret in secrets)
        require_any([given], expected)
