"""How webhooks under `sam local invoke` are proven where a file cannot hold a secret's proof for long, or at all.

Five senders sign the time, so that a signature holds for five minutes: their deliveries are signed when they are used.
Adobe signs with a key of its own: the file holds a signature, and the public half lies here. The private half was
thrown away, so another delivery of Adobe's needs another pair of keys.
"""

import base64
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from journeys.http import body_bytes, public_url

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


def signed(event: dict[str, Any], sender: str, secret: str, now: float) -> dict[str, Any]:
    """A delivery as API Gateway passes it, with the headers by which one of STAMPED proves it at `now`, in seconds."""
    proof = STAMPED[sender](body_bytes(event), secret, public_url(event, event["path"]), now)
    return event | {"headers": event["headers"] | proof}


def _standard(body: bytes, secret: str, url: str, now: float) -> dict[str, str]:
    id_, timestamp = "msg_sam_local", str(int(now))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = _base64(key, f"{id_}.{timestamp}.".encode() + body)
    return {"Webhook-Id": id_, "Webhook-Timestamp": timestamp, "Webhook-Signature": f"v1,{signature}"}


def _stripe(body: bytes, secret: str, url: str, now: float) -> dict[str, str]:
    timestamp = str(int(now))
    signature = hmac.digest(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hex()
    return {"Stripe-Signature": f"t={timestamp},v1={signature}"}


def _hubspot(body: bytes, secret: str, url: str, now: float) -> dict[str, str]:
    timestamp = str(int(now * 1000))
    signature = _base64(secret.encode(), f"POST{url}".encode() + body + timestamp.encode())
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": timestamp}


def _zendesk(body: bytes, secret: str, url: str, now: float) -> dict[str, str]:
    timestamp = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = _base64(secret.encode(), timestamp.encode() + body)
    return {"X-Zendesk-Webhook-Signature": signature, "X-Zendesk-Webhook-Signature-Timestamp": timestamp}


def _slack(body: bytes, secret: str, url: str, now: float) -> dict[str, str]:
    timestamp = str(int(now))
    signature = hmac.digest(secret.encode(), f"v0:{timestamp}:".encode() + body, "sha256").hex()
    return {"X-Slack-Signature": f"v0={signature}", "X-Slack-Request-Timestamp": timestamp}


def _base64(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


STAMPED: dict[str, Callable[[bytes, str, str, float], dict[str, str]]] = {
    "standard": _standard,
    "stripe": _stripe,
    "hubspot": _hubspot,
    "zendesk": _zendesk,
    "slack": _slack,
}
"""The senders that sign the time, and the headers with which each proves a body sent to an address at a moment."""
