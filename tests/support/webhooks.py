"""Every sender of webhooks: how it signs a delivery, what it usually sends, and the event that this becomes.

The signatures are computed by the senders' own libraries where there are such, and else by hmac alone: nothing here
uses the code under test.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

import stripe
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hubspot.utils.signature import Signature  # type: ignore[import-untyped]
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook

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
"""An event type that takes what the presets of all senders make."""

ADOBE_KEY_PATH = "/prod/keys/pub-key-1.pem"
ADOBE_CLIENT = "client-of-ours"
SALESFORCE_ORGANIZATION = "00D000000000001EAA"


class Sent(NamedTuple):
    """A delivery on its way."""

    method: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes


class Sign(Protocol):
    """How a sender delivers a body with a secret, to an address, at a moment in seconds."""

    def __call__(self, body: bytes, secret: str, *, url: str, now: float) -> Sent: ...


@dataclass(frozen=True)
class Sender:
    """One sender. `body` is its usual payload (of Qualtrics, the MSG), and `events` are what the preset makes of it.

    `signed` names the headers without any of which a delivery is not proven. `url` tells whether the address carries
    the secret, `stamped` whether the moment is signed, and `covers` whether the body is.
    """

    name: str
    secret: str
    other_secret: str
    sign: Sign
    body: bytes
    events: tuple[dict[str, Any], ...]
    signed: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict)
    stamped: bool = False
    covers: bool = True

    def deliver(self, *, url: str, now: float, secret: str | None = None, body: bytes | None = None) -> Sent:
        """The usual delivery, or one with another secret or body."""
        return self.sign(self.body if body is None else body, secret or self.secret, url=url, now=now)


# -- how each signs ----------------------------------------------------------------------------------------------------


def _sent(body: bytes, headers: dict[str, str], query: dict[str, str] | None = None, type_: str = "") -> Sent:
    return Sent("POST", {"Content-Type": type_ or "application/json"} | headers, query or {}, body)


def _standard(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(int(now), UTC), body.decode())
    return _sent(body, {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(now)), "Webhook-Signature": signature})


def _stripe(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    compute: Callable[[str, str], str] = stripe.WebhookSignature._compute_signature
    signature = compute(f"{int(now)}.{body.decode()}", secret)
    return _sent(body, {"Stripe-Signature": f"t={int(now)},v1={signature}"})


def _shopify(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return _sent(body, {"X-Shopify-Hmac-SHA256": base64.b64encode(digest).decode(), "X-Shopify-Webhook-Id": "b54557e4"})


def _github(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return _sent(body, {"X-Hub-Signature-256": signature, "X-GitHub-Event": "issues"})


ADOBE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""The key that Adobe signs with, in these tests; made here, since threads that ask for it first would make one each."""


def adobe_public_key() -> bytes:
    """What Adobe's host serves at ADOBE_KEY_PATH."""
    return ADOBE_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _adobe(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    signature = base64.b64encode(ADOBE_KEY.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()
    return _sent(body, {"x-adobe-digital-signature-1": signature, "x-adobe-public-key1-path": ADOBE_KEY_PATH})


def _qualtrics(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    signature = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    form = urlencode({"Topic": "brand.surveyengine.completedResponse.SV_1", "HMAC": signature, "MSG": body})
    return _sent(form.encode(), {}, type_="application/x-www-form-urlencoded")


def _servicenow(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    return _sent(body, {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()})


def _hubspot(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    timestamp = str(int(now * 1000))
    compute: Callable[..., str] = Signature.get_signature
    signature = compute(secret, body.decode(), "v3", http_uri=url, http_method="POST", timestamp=timestamp)
    return _sent(body, {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": timestamp})


def _zendesk(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    timestamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return _sent(
        body,
        {
            "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": timestamp,
        },
    )


def _segment(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    return _sent(body, {"X-Signature": hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()})


def _slack(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    timestamp = str(int(now))
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    assert signature is not None
    return _sent(body, {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": timestamp})


def _salesforce(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    return _sent(body, {"SOAPAction": '""'}, {"secret": secret}, "text/xml; charset=UTF-8")


def _cloudevents(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    return _sent(body, {"Authorization": f"Bearer {secret}"}, type_="application/cloudevents+json; charset=utf-8")


def _hmac(body: bytes, secret: str, *, url: str, now: float) -> Sent:
    return _sent(body, {"X-Signed": "v=" + base64.b64encode(hmac.digest(secret.encode(), body, "sha512")).decode()})


# -- what each sends ---------------------------------------------------------------------------------------------------


def _event(id_: str, date: str, system: str, customer: str, /, **attributes: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "dateCreated": date,
        "identifiers": {"externalIds": [{"externalSourceId": system, "value": customer}]},
        "attributes": attributes,
    }


def salesforce_body(*cases: tuple[str, str], organization: str = SALESFORCE_ORGANIZATION) -> bytes:
    """An outbound message of cases, each with the id of its notification and the contact."""
    notifications = "".join(
        f'<Notification><Id>{id_}</Id><sObject xsi:type="sf:Case" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>500000000000001</sf:Id><sf:CaseNumber>00001026</sf:CaseNumber><sf:ContactId>{contact}</sf:ContactId>"
        "<sf:LastModifiedDate>2025-01-31T09:30:00.000Z</sf:LastModifiedDate><sf:Origin>Web</sf:Origin>"
        "<sf:Priority>High</sf:Priority><sf:Status>Escalated</sf:Status><sf:Subject>Müller &amp; Co</sf:Subject>"
        "</sObject></Notification>"
        for id_, contact in cases
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
        ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organization}</OrganizationId><ActionId>04k000000000001</ActionId>"
        '<SessionId xsi:nil="true"/>'
        "<EnterpriseUrl>https://example.my.salesforce.com</EnterpriseUrl>"
        f"<PartnerUrl>https://example.my.salesforce.com</PartnerUrl>{notifications}</notifications>"
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


DATE = "2025-01-31T09:30:00.000Z"
SECONDS = 1738315800


@cache
def deliveries() -> tuple[Sender, ...]:
    """Every sender, once."""
    return (
        Sender(
            "standard",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            _standard,
            _json({"type": "order.placed", "timestamp": DATE, "data": {"id": "o-1", "customer_id": "standard-1"}}),
            (_event("o-1", DATE, "crm", "standard-1", type="order.placed"),),
            ("Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"),
            stamped=True,
        ),
        Sender(
            "stripe",
            "whsec_stripe_current",
            "whsec_stripe_other",
            _stripe,
            _json(
                {
                    "id": "evt_1",
                    "object": "event",
                    "created": SECONDS,
                    "type": "charge.succeeded",
                    "data": {
                        "object": {
                            "object": "charge",
                            "amount": 1250,
                            "currency": "eur",
                            "customer": "cus_1",
                            "description": "Zwölf Eier",
                            "paid": True,
                            "status": "succeeded",
                        }
                    },
                }
            ),
            (
                _event(
                    "evt_1",
                    DATE,
                    "stripe",
                    "cus_1",
                    type="charge.succeeded",
                    amount=1250,
                    currency="eur",
                    status="succeeded",
                    paid=True,
                    description="Zwölf Eier",
                ),
            ),
            ("Stripe-Signature",),
            stamped=True,
        ),
        Sender(
            "shopify",
            "shopify-current",
            "shopify-other",
            _shopify,
            _json(
                {
                    "id": 820982911946154508,
                    "name": "#9999",
                    "created_at": "2025-01-31T04:00:00-05:00",
                    "updated_at": "2025-01-31T04:30:00-05:00",
                    "currency": "USD",
                    "total_price": "398.30",
                    "financial_status": "paid",
                    "fulfillment_status": None,
                    "customer": {"id": 115310627314723954},
                    "line_items": [{"id": 1}, {"id": 2}],
                }
            ),
            (
                _event(
                    "820982911946154508-2025-01-31T04:30:00-05:00",
                    DATE,
                    "shopify",
                    "115310627314723954",
                    orderId="#9999",
                    status="paid",
                    amount=398.3,
                    currency="USD",
                    items=2,
                ),
            ),
            ("X-Shopify-Hmac-SHA256",),
        ),
        Sender(
            "github",
            "It's a Secret to Everybody",
            "It's another secret",
            _github,
            _json(
                {
                    "action": "opened",
                    "issue": {"id": 7, "title": "It is broken", "state": "open", "updated_at": "2025-01-31T09:30:00Z"},
                    "repository": {"full_name": "acme/shop"},
                    "sender": {"login": "octocat"},
                }
            ),
            (
                _event(
                    "7-2025-01-31T09:30:00Z",
                    DATE,
                    "github",
                    "octocat",
                    action="opened",
                    repository="acme/shop",
                    title="It is broken",
                    state="open",
                ),
            ),
            ("X-Hub-Signature-256",),
        ),
        Sender(
            "adobe",
            "adobe-signs-with-its-own-key",
            "adobe-signs-with-its-own-key",
            _adobe,
            _json(
                {
                    "event_id": "a-1",
                    "recipient_client_id": ADOBE_CLIENT,
                    "event": {
                        "timestamp": DATE,
                        "customerId": "visitor-1",
                        "pageName": "Home",
                        "siteSection": "shop",
                        "pageUrl": "https://shop.example/",
                        "campaign": "spring",
                        "device": "phone",
                        "pages": 3,
                    },
                }
            ),
            (
                _event(
                    "a-1",
                    DATE,
                    "adobe",
                    "visitor-1",
                    page="Home",
                    section="shop",
                    url="https://shop.example/",
                    campaign="spring",
                    device="phone",
                    pages=3,
                ),
            ),
            ("x-adobe-digital-signature-1", "x-adobe-public-key1-path"),
            options={"clientId": ADOBE_CLIENT},
        ),
        Sender(
            "qualtrics",
            "kyma4ever",
            "kyma5ever",
            _qualtrics,
            _json(
                {
                    "Status": "Complete",
                    "SurveyID": "SV_1",
                    "ResponseID": "R_1",
                    "CompletedDate": "2025-01-31 10:30:00",
                    "BrandID": "Müller & Söhne + 100%",
                    "CustomerID": "respondent-1",
                    "Score": 9.5,
                }
            ),
            (
                _event(
                    "R_1",
                    DATE,
                    "qualtrics",
                    "respondent-1",
                    survey="SV_1",
                    status="Complete",
                    score=9.5,
                    brand="Müller & Söhne + 100%",
                ),
            ),
            (),
            mapping={"timeZone": "Europe/Berlin"},
        ),
        Sender(
            "servicenow",
            "journeys:correct horse",
            "journeys:battery staple",
            _servicenow,
            _json(
                {
                    "number": "INC0010001",
                    "sys_mod_count": "4",
                    "sys_updated_on": "2025-01-31 09:30:00",
                    "caller_id": {"value": "6816f79cc0a8016401c5a33be04be441"},
                    "state": {"display_value": "In Progress", "value": "2"},
                    "priority": "1",
                    "category": "network",
                    "reassignment_count": "3",
                }
            ),
            (
                _event(
                    "INC0010001-4",
                    DATE,
                    "servicenow",
                    "6816f79cc0a8016401c5a33be04be441",
                    caseNumber="INC0010001",
                    state="In Progress",
                    priority="1",
                    category="network",
                    reassignments=3,
                ),
            ),
            ("Authorization",),
            covers=False,
        ),
        Sender(
            "hubspot",
            "hubspot-current",
            "hubspot-other",
            _hubspot,
            _json(
                [
                    {
                        "eventId": number,
                        "occurredAt": SECONDS * 1000,
                        "objectId": 123,
                        "subscriptionType": "contact.propertyChange",
                        "propertyName": "email",
                        "propertyValue": "a@example.com",
                        "changeSource": "CRM",
                    }
                    for number in (100, 101)
                ]
            ),
            tuple(
                _event(
                    id_,
                    DATE,
                    "hubspot",
                    "123",
                    type="contact.propertyChange",
                    property="email",
                    value="a@example.com",
                    source="CRM",
                )
                for id_ in ("100", "101")
            ),
            ("X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp"),
            stamped=True,
        ),
        Sender(
            "zendesk",
            "zendesk-current",
            "zendesk-other",
            _zendesk,
            _json(
                {
                    "id": "z-1",
                    "time": DATE,
                    "type": "zen:event-type:ticket.status_changed",
                    "detail": {
                        "id": 35436,
                        "requester_id": 20978392,
                        "status": "OPEN",
                        "priority": "HIGH",
                        "subject": "Help",
                    },
                }
            ),
            (
                _event(
                    "z-1",
                    DATE,
                    "zendesk",
                    "20978392",
                    type="zen:event-type:ticket.status_changed",
                    caseNumber="35436",
                    state="OPEN",
                    priority="HIGH",
                    subject="Help",
                ),
            ),
            ("X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp"),
            stamped=True,
        ),
        Sender(
            "segment",
            "segment-current",
            "segment-other",
            _segment,
            _json(
                {
                    "messageId": "s-1",
                    "timestamp": DATE,
                    "type": "track",
                    "event": "Order Completed",
                    "userId": "user-1",
                    "properties": {"title": "Thanks", "url": "https://x.example/", "revenue": 0.1, "currency": "EUR"},
                }
            ),
            (
                _event(
                    "s-1",
                    DATE,
                    "segment",
                    "user-1",
                    type="track",
                    event="Order Completed",
                    page="Thanks",
                    url="https://x.example/",
                    amount=0.1,
                    currency="EUR",
                ),
            ),
            ("X-Signature",),
        ),
        Sender(
            "slack",
            "slack-current",
            "slack-other",
            _slack,
            _json(
                {
                    "type": "event_callback",
                    "event_id": "Ev1",
                    "event_time": SECONDS,
                    "team_id": "T1",
                    "event": {"type": "message", "user": "U1", "channel": "C1"},
                }
            ),
            (_event("Ev1", DATE, "slack", "U1", type="message", channel="C1", team="T1"),),
            ("X-Slack-Signature", "X-Slack-Request-Timestamp"),
            stamped=True,
        ),
        Sender(
            "salesforce",
            "salesforce-current",
            "salesforce-other",
            _salesforce,
            salesforce_body(("04l000000000001", "003000000000001"), ("04l000000000002", "003000000000002")),
            tuple(
                _event(
                    f"04l00000000000{number}",
                    DATE,
                    "salesforce",
                    f"00300000000000{number}",
                    caseNumber="00001026",
                    state="Escalated",
                    priority="High",
                    subject="Müller & Co",
                    origin="Web",
                )
                for number in (1, 2)
            ),
            (),
            options={"organizationId": SALESFORCE_ORGANIZATION},
            covers=False,
        ),
        Sender(
            "cloudevents",
            "cloudevents-current",
            "cloudevents-other",
            _cloudevents,
            _json(
                {
                    "specversion": "1.0",
                    "id": "c-1",
                    "source": "/shop",
                    "type": "order.placed",
                    "time": DATE,
                    "subject": "order-1",
                    "data": {"customerId": "cloud-1"},
                }
            ),
            (
                _event(
                    "/shop#c-1",
                    DATE,
                    "crm",
                    "cloud-1",
                    type="order.placed",
                    source="/shop",
                    subject="order-1",
                ),
            ),
            ("Authorization",),
            covers=False,
        ),
        Sender(
            "hmac",
            "hmac-current",
            "hmac-other",
            _hmac,
            _json({"id": "h-1", "date": DATE, "customer": "any-1", "type": "call", "status": "done"}),
            (_event("h-1", DATE, "crm", "any-1", type="call", status="done"),),
            ("X-Signed",),
            options={"header": "X-Signed", "algorithm": "sha512", "encoding": "base64", "prefix": "v="},
        ),
    )
