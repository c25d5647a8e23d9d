"""One signed webhook delivery of each of four kinds of tool, for `make run`: what the tool would send, to the byte."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tools.local_stack.sample import CASE, CUSTOMER_SOURCE, ORDER, SURVEY, WEB_VISIT, EventType
from tools.local_stack.stack import KEY_BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CUSTOMER = "C-0001"
KEY_PATH = "/prod/keys/pub-key-sample.pem"
ADOBE_CLIENT = "sample-adobe-client"
_CRM = {"externalSourceId": f"'{CUSTOMER_SOURCE}'"}


@dataclass(frozen=True)
class Tool:
    """One tool: how its endpoint is made, and what it delivers."""

    name: str
    sender: str
    event_type: EventType
    secret: str
    body: bytes
    headers: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict)


def tools(moment: str) -> list[Tool]:
    """The four tools, delivering something that happened at `moment` (ISO-8601, UTC, to the second)."""
    plain = moment.replace("T", " ").replace("Z", "")
    return [_adobe(moment), _qualtrics(plain), _shop(moment), _servicenow(plain)]


def serve_adobe_key(s3: "S3Client", path: str, public: bytes) -> None:
    """Lets the local stack serve a public key, where it looks for Adobe's."""
    s3.create_bucket(Bucket=KEY_BUCKET)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{KEY_BUCKET}/*",
            }
        ],
    }
    s3.delete_public_access_block(Bucket=KEY_BUCKET)
    s3.put_bucket_policy(Bucket=KEY_BUCKET, Policy=json.dumps(policy))
    s3.put_object(Bucket=KEY_BUCKET, Key=path.lstrip("/"), Body=public)


_ADOBE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def adobe_public_key() -> bytes:
    """The public key by which the sample's delivery of Adobe's is proven."""
    return _ADOBE_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _adobe(moment: str) -> Tool:
    event = {"timestamp": moment, "customerId": CUSTOMER, "siteSection": "laptops", "device": "mobile", "pages": 4}
    body = _json({"event_id": f"hit-{moment}", "recipient_client_id": ADOBE_CLIENT, "event": event})
    signature = _ADOBE_KEY.sign(body, padding.PKCS1v15(), hashes.SHA256())
    headers = {
        "Content-Type": "application/json",
        "x-adobe-digital-signature-1": base64.b64encode(signature).decode(),
        "x-adobe-public-key1-path": KEY_PATH,
    }
    options = {"clientId": ADOBE_CLIENT}
    return Tool("Adobe Analytics", "adobe", WEB_VISIT, "not-used-by-adobe", body, headers, options, _CRM)


def _qualtrics(moment: str) -> Tool:
    secret = "a-shared-secret-of-qualtrics"  # noqa: S105  # of the local stack's sample alone
    message = _json(
        {
            "Status": "Complete",
            "SurveyID": "After delivery",
            "ResponseID": f"R_{moment}",
            "CompletedDate": moment,
            "CustomerID": CUSTOMER,
            "Score": 9,
        }
    )
    signature = hmac.new(secret.encode(), message, hashlib.sha512).hexdigest()
    form = urlencode({"Topic": "surveyengine.completedResponse", "HMAC": signature, "MSG": message.decode()}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Tool("Qualtrics", "qualtrics", SURVEY, secret, form, headers, {}, {**_CRM, "timeZone": "UTC"})


def _shop(moment: str) -> Tool:
    secret = "a-shared-secret-of-the-shop"  # noqa: S105  # of the local stack's sample alone
    order = {
        "id": 5001,
        "name": "SO-5001",
        "updated_at": moment,
        "customer": {"id": CUSTOMER},
        "total_price": "349.00",
        "currency": "EUR",
        "line_items": [{"sku": "A"}],
    }
    body = _json(order)
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"Content-Type": "application/json", "X-Shopify-Hmac-SHA256": signature}
    mapping = {**_CRM, "attributes": {"status": "'placed'"}}
    return Tool("Web shop", "shopify", ORDER, secret, body, headers, {}, mapping)


def _servicenow(moment: str) -> Tool:
    secret = "journeys:a-password-of-servicenow"  # noqa: S105  # of the local stack's sample alone
    record = {
        "number": "CS5001",
        "sys_mod_count": 1,
        "sys_updated_on": moment,
        "caller_id": CUSTOMER,
        "state": "New",
        "priority": "3 - Moderate",
        "category": "Delivery",
        "reassignment_count": "0",
    }
    credentials = base64.b64encode(secret.encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {credentials}"}
    return Tool("ServiceNow", "servicenow", CASE, secret, _json(record), headers, {}, _CRM)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
