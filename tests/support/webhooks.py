"""One case per sender of webhooks: its secrets, its sample payload and the events that its default mapping makes of it.

The payloads are in tools/samples/deliveries, all other data in tests/support/deliveries. Deliveries are signed by the
sender's own library where there is one (`OFFICIAL`), and by tools.signing otherwise. Neither uses the code under test.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import stripe
from hubspot.utils.signature import Signature  # type: ignore[import-untyped]
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook

from journeys.webhooks.senders.registry import SENDERS
from tools import signing
from tools.deliveries import SALESFORCE_ORGANIZATION, sample_payload

SCHEMA: dict[str, Any] = {
    "title": "Delivered by a webhook",
    "properties": {
        **{
            name: {"type": "string"}
            for name in (
                *("type", "action", "repository", "title", "state", "page", "section", "url", "campaign", "device"),
                *("survey", "status", "brand", "caseNumber", "priority", "category", "property", "value", "source"),
                *("subject", "origin", "event", "currency", "orderId", "channel", "team", "description"),
            )
        },
        **{name: {"type": "number"} for name in ("amount", "score")},
        **{name: {"type": "integer"} for name in ("items", "pages", "reassignments")},
        "paid": {"type": "boolean"},
    },
}
"""An event type with every attribute that the default mappings of the senders make."""

DATE = "2025-01-31T09:30:00.000Z"
"""The date of every sample payload."""

ADOBE_KEY = signing.new_adobe_key()
"""The private key that signs Adobe's deliveries in tests. It is made on import, so that all threads share it."""

ADOBE_KEY_PATH = signing.adobe_key_path(ADOBE_KEY)


def adobe_public_key() -> bytes:
    """Return what Adobe's key host serves at ADOBE_KEY_PATH."""
    return signing.adobe_public_key(ADOBE_KEY)


class Sent(NamedTuple):
    """The HTTP request of a delivery."""

    method: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class SenderCase:
    """One sender.

    `body` is its sample payload (for Qualtrics, the field MSG), and `events` are what the default mapping makes of it.
    A delivery is invalid without any one of the `signature_headers`. `signs_time` and `signs_body` tell whether the
    signature includes the time and the body.
    """

    name: str
    secret: str
    other_secret: str
    options: Mapping[str, str]
    mapping: Mapping[str, Any]
    signature_headers: tuple[str, ...]
    signs_time: bool
    signs_body: bool
    body: bytes
    events: tuple[dict[str, Any], ...]

    def deliver(
        self,
        *,
        url: str,
        now: float,
        secret: str | None = None,
        body: bytes | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Sent:
        """Return the sample delivery, or one with another secret, body or options, signed at `now`, in seconds."""
        body = self.body if body is None else body
        secret = ADOBE_KEY if self.name == "adobe" else secret or self.secret
        signed = signing.sign(self.name, body, secret, url, now, self.options if options is None else options)
        if self.name in OFFICIAL:
            signed.headers.update(OFFICIAL[self.name](body, secret, url, now))
        return Sent("POST", signed.headers, signed.query, signed.body)


@cache
def sender_cases() -> tuple[SenderCase, ...]:
    """Return one case for every sender."""
    return tuple(_read(name) for name in SENDERS)


def _read(name: str) -> SenderCase:
    data = json.loads((Path(__file__).parent / "deliveries" / f"{name}.json").read_text())
    return SenderCase(
        name=name,
        secret=data["secret"],
        other_secret=data["otherSecret"],
        options=data["options"],
        mapping=data["mapping"],
        signature_headers=tuple(data["signatureHeaders"]),
        signs_time=data["signsTime"],
        signs_body=data["signsBody"],
        body=sample_payload(name),
        events=tuple(data["events"]),
    )


def salesforce_body(*cases: tuple[str, str], organization: str = SALESFORCE_ORGANIZATION) -> bytes:
    """Return an outbound message with one notification per case, each with its id and the id of its contact."""
    message = sample_payload("salesforce", {"organizationId": organization}).decode()
    head, notification, tail = re.split(
        r"(<Notification>.*?</Notification>)(?:.*</Notification>)?", message, maxsplit=1, flags=re.DOTALL
    )
    notifications = "".join(
        notification.replace("04l000000000001", id_).replace("003000000000001", contact) for id_, contact in cases
    )
    return f"{head}{notifications}{tail}".encode()


# -- the senders' own libraries ----------------------------------------------------------------------------------------


def _standard(body: bytes, secret: str, url: str, now: float) -> dict[str, str]:
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(int(now), UTC), body.decode())
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(now)), "Webhook-Signature": signature}


def _stripe(body: bytes, secret: str, url: str, now: float) -> dict[str, str]:
    compute: Callable[[str, str], str] = stripe.WebhookSignature._compute_signature
    return {"Stripe-Signature": f"t={int(now)},v1={compute(f'{int(now)}.{body.decode()}', secret)}"}


def _hubspot(body: bytes, secret: str, url: str, now: float) -> dict[str, str]:
    timestamp = str(int(now * 1000))
    compute: Callable[..., str] = Signature.get_signature
    signature = compute(secret, body.decode(), "v3", http_uri=url, http_method="POST", timestamp=timestamp)
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": timestamp}


def _slack(body: bytes, secret: str, url: str, now: float) -> dict[str, str]:
    timestamp = str(int(now))
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    assert signature is not None
    return {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": timestamp}


OFFICIAL: Mapping[str, Callable[[bytes, str, str, float], dict[str, str]]] = {
    "standard": _standard,
    "stripe": _stripe,
    "hubspot": _hubspot,
    "slack": _slack,
}
"""The signature headers as the senders' own libraries compute them from a body, a secret, an address and a time."""
