"""Sign webhook deliveries as each sender signs them.

`sign` is pure: the same arguments always give the same delivery. It does not use the product's code, so that tests can
compare the two. Five senders sign the time (SIGNS_TIME); the product accepts such a delivery for five minutes.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from journeys.http.body import body_bytes
from journeys.http.request import public_url, resource_path

ADOBE_KEY_PATH = "/prod/keys/sam-local.pem"
ADOBE_PUBLIC_KEY = b"""\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxJs35neV+pfEWWknR8IR
g33e/nuL1an0ATAhu1UYa/VYNlgRHgYEpBnldNHTa2hdoko7w0FW6HWCY+gMC6zv
6N6Ri2VgFI+ZBIJVklbTkx3DyLGXJPx2qP5DDNgx+PpjOOobrGoUt41czrDUu3Mf
KEfcazulLIQwT5TukNr76jbNbL2SyqVaJ+y+NYm7oVq5UoWjQx64e+SIULwB6Yi1
kqVXR7em5BPPQJZopNPE+9KnjExqyzja0Xbr/HMfDSD97opRZYxckoRX0g1sUy0P
DZERYJJQQ+JLW+WyYQnER/I1wibFNCEGdxz1hP1njS9WkyTBylBLy2paPSVeSz2U
PwIDAQAB
-----END PUBLIC KEY-----
"""
"""The public key of `events/webhook-adobe.json`, whose signature is stored in the file.

The private key no longer exists. To change that file, generate a new pair of keys and replace this one.
"""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """What a sender signs.

    `body` is the sender's payload. `secret` is the endpoint's secret; for Adobe, a private key in PEM, because Adobe
    signs with its own key. `url` is the public address of the endpoint with its query, `now` is in seconds, and
    `options` are the endpoint's options.
    """

    body: bytes
    secret: str
    url: str
    now: float
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signed:
    """A delivery to send with POST. Qualtrics signs inside the body, and Salesforce sends a secret in the query."""

    body: bytes
    headers: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)


def sign(
    sender: str, body: bytes, secret: str, url: str, now: float, options: Mapping[str, str] | None = None
) -> Signed:
    """Return the delivery that a sender makes of a payload. Raises ValueError for an unknown sender.

    Args: see Unsigned.
    """
    if sender not in SIGNERS:
        raise ValueError(f'The sender "{sender[:100]}" is unknown. Use one of: {", ".join(SIGNERS)}.')
    return SIGNERS[sender](Unsigned(body, secret, url, now, options or {}))


def sign_event(event: dict[str, Any], sender: str, secret: str, now: float) -> dict[str, Any]:
    """Return a delivery in the form in which API Gateway passes it to a function, with the headers that sign it."""
    signed = sign(sender, body_bytes(event), secret, public_url(event, resource_path(event)), now)
    return event | {"headers": event["headers"] | signed.headers}


# -- Adobe's keys ------------------------------------------------------------------------------------------------------


def new_adobe_key() -> str:
    """Generate a private key in PEM, to sign deliveries as Adobe does."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def adobe_public_key(private_key: str) -> bytes:
    """Return the public key in PEM, as Adobe's key host serves it."""
    return (
        _adobe_key(private_key)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def adobe_key_path(private_key: str) -> str:
    """Return the path of the public key on Adobe's key host. Each key has its own path, since functions cache keys."""
    return f"/prod/keys/{hashlib.sha256(adobe_public_key(private_key)).hexdigest()[:16]}.pem"


@cache
def _adobe_key(private_key: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(private_key.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("Adobe signs with an RSA key. Use a private RSA key in PEM.")
    return key


# -- one function per sender -------------------------------------------------------------------------------------------


def _delivery_id(unsigned: Unsigned) -> str:
    """An id of the delivery that is the same for the same body, as it is when a sender retries."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(unsigned.body).hexdigest()))


def _standard(unsigned: Unsigned) -> Signed:
    message_id = f"msg_{hashlib.sha256(unsigned.body).hexdigest()[:24]}"
    timestamp = str(int(unsigned.now))
    key = base64.b64decode(unsigned.secret.removeprefix("whsec_"))
    signature = _base64(key, f"{message_id}.{timestamp}.".encode() + unsigned.body)
    headers = {"Webhook-Id": message_id, "Webhook-Timestamp": timestamp, "Webhook-Signature": f"v1,{signature}"}
    return _json(unsigned, headers)


def _stripe(unsigned: Unsigned) -> Signed:
    timestamp = str(int(unsigned.now))
    signature = _hex(unsigned.secret.encode(), f"{timestamp}.".encode() + unsigned.body)
    return _json(unsigned, {"Stripe-Signature": f"t={timestamp},v1={signature}"})


def _shopify(unsigned: Unsigned) -> Signed:
    id_ = _delivery_id(unsigned)
    signature = _base64(unsigned.secret.encode(), unsigned.body)
    headers = {"X-Shopify-Hmac-SHA256": signature, "X-Shopify-Event-Id": id_, "X-Shopify-Webhook-Id": id_}
    return _json(unsigned, headers)


def _github(unsigned: Unsigned) -> Signed:
    signature = _hex(unsigned.secret.encode(), unsigned.body)
    headers = {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Event": "issues"}
    return _json(unsigned, headers | {"X-GitHub-Delivery": _delivery_id(unsigned)})


def _adobe(unsigned: Unsigned) -> Signed:
    signature = _adobe_key(unsigned.secret).sign(unsigned.body, padding.PKCS1v15(), hashes.SHA256())
    headers = {
        "x-adobe-digital-signature-1": base64.b64encode(signature).decode(),
        "x-adobe-public-key1-path": adobe_key_path(unsigned.secret),
    }
    return _json(unsigned, headers)


def _qualtrics(unsigned: Unsigned) -> Signed:
    signature = _hex(unsigned.secret.encode(), unsigned.body, "sha512")
    form = urlencode({"Topic": "surveyengine.completedResponse", "HMAC": signature, "MSG": unsigned.body})
    return Signed(form.encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def _servicenow(unsigned: Unsigned) -> Signed:
    if "header" in unsigned.options:
        return _custom_hmac(unsigned)
    if ":" in unsigned.secret:
        return _json(unsigned, {"Authorization": f"Basic {base64.b64encode(unsigned.secret.encode()).decode()}"})
    return _json(unsigned, {"Authorization": f"Bearer {unsigned.secret}"})


def _hubspot(unsigned: Unsigned) -> Signed:
    timestamp = str(int(unsigned.now * 1000))
    content = f"POST{unsigned.url}".encode() + unsigned.body + timestamp.encode()
    signature = _base64(unsigned.secret.encode(), content)
    return _json(unsigned, {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": timestamp})


def _zendesk(unsigned: Unsigned) -> Signed:
    timestamp = datetime.fromtimestamp(int(unsigned.now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = _base64(unsigned.secret.encode(), timestamp.encode() + unsigned.body)
    headers = {"X-Zendesk-Webhook-Signature": signature, "X-Zendesk-Webhook-Signature-Timestamp": timestamp}
    return _json(unsigned, headers | {"X-Zendesk-Webhook-Invocation-Id": _delivery_id(unsigned)})


def _segment(unsigned: Unsigned) -> Signed:
    return _json(unsigned, {"X-Signature": _hex(unsigned.secret.encode(), unsigned.body, "sha1")})


def _slack(unsigned: Unsigned) -> Signed:
    timestamp = str(int(unsigned.now))
    signature = _hex(unsigned.secret.encode(), f"v0:{timestamp}:".encode() + unsigned.body)
    return _json(unsigned, {"X-Slack-Signature": f"v0={signature}", "X-Slack-Request-Timestamp": timestamp})


def _salesforce(unsigned: Unsigned) -> Signed:
    headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
    return Signed(unsigned.body, headers, {"secret": unsigned.secret})


def _cloudevents(unsigned: Unsigned) -> Signed:
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "Authorization": f"Bearer {unsigned.secret}",
    }
    return Signed(unsigned.body, headers)


def _custom_hmac(unsigned: Unsigned) -> Signed:
    options = unsigned.options
    encode = _base64 if options.get("encoding") == "base64" else _hex
    signature = encode(unsigned.secret.encode(), unsigned.body, options.get("algorithm", "sha256"))
    return _json(unsigned, {options["header"]: options.get("prefix", "") + signature})


def _json(unsigned: Unsigned, headers: dict[str, str]) -> Signed:
    return Signed(unsigned.body, {"Content-Type": "application/json"} | headers)


def _base64(key: bytes, content: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hmac.digest(key, content, algorithm)).decode()


def _hex(key: bytes, content: bytes, algorithm: str = "sha256") -> str:
    return hmac.digest(key, content, algorithm).hex()


SIGNERS: Mapping[str, Callable[[Unsigned], Signed]] = {
    "standard": _standard,
    "stripe": _stripe,
    "shopify": _shopify,
    "github": _github,
    "adobe": _adobe,
    "qualtrics": _qualtrics,
    "servicenow": _servicenow,
    "hubspot": _hubspot,
    "zendesk": _zendesk,
    "segment": _segment,
    "slack": _slack,
    "salesforce": _salesforce,
    "cloudevents": _cloudevents,
    "hmac": _custom_hmac,
}
SIGNS_TIME = frozenset({"standard", "stripe", "hubspot", "zendesk", "slack"})
"""The senders whose signature includes the time."""
