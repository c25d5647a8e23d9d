"""Sample deliveries: the payload of each sender as data, and the four deliveries that `make run` sends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.local_stack.sample import CASE, CUSTOMER_SOURCE, ORDER, SURVEY, WEB_VISIT, SampleEventType
from tools.local_stack.stack import KEY_BUCKET
from tools.signing import Signed, new_adobe_key, sign

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SAMPLES = Path(__file__).parent / "samples" / "deliveries"
SALESFORCE_ORGANIZATION = "00D000000000001EAA"
CUSTOMER = "C-0001"
_CRM = {"externalSourceId": f"'{CUSTOMER_SOURCE}'"}


def sample_payload(sender: str, options: Mapping[str, str] | None = None) -> bytes:
    """Return the sample payload of a sender, for an endpoint with these options.

    The payloads of Adobe and Salesforce name their recipient, which the endpoint's options must name as well.
    Raises FileNotFoundError for an unknown sender.
    """
    options = options or {}
    if sender == "salesforce":
        message = (SAMPLES / "salesforce.xml").read_text()
        return message.replace(SALESFORCE_ORGANIZATION, options.get("organizationId", SALESFORCE_ORGANIZATION)).encode()
    payload = _sample(sender)
    if sender == "adobe" and "clientId" in options:
        payload["recipient_client_id"] = options["clientId"]
    return _json(payload)


def _sample(sender: str) -> Any:
    return json.loads((SAMPLES / f"{sender}.json").read_text())


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def serve_adobe_key(s3: "S3Client", path: str, public_key: bytes) -> None:
    """Publish a public key on the local stack, at the address where functions look for Adobe's keys."""
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
    s3.put_object(Bucket=KEY_BUCKET, Key=path.lstrip("/"), Body=public_key)


# -- what `make run` sends ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SampleDelivery:
    """The endpoint of one sender, and one delivery to it."""

    name: str
    sender: str
    event_type: SampleEventType
    secret: str
    payload: bytes
    options: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict)

    def signed(self, url: str, now: float) -> Signed:
        """Return the delivery to an endpoint's public address, signed at `now`, in seconds."""
        secret = adobe_key() if self.sender == "adobe" else self.secret
        return sign(self.sender, self.payload, secret, url, now, self.options)


@cache
def adobe_key() -> str:
    """Return the private key that signs the sample delivery of Adobe Analytics; each process has its own."""
    return new_adobe_key()


def sample_deliveries(moment: str) -> list[SampleDelivery]:
    """Return the four deliveries, each about an event at `moment` (ISO-8601, UTC, to the second)."""
    without_zone = moment.replace("T", " ").replace("Z", "")
    return [_adobe(moment), _qualtrics(without_zone), _shop(moment), _servicenow(without_zone)]


def _adobe(moment: str) -> SampleDelivery:
    payload = _sample("adobe")
    payload["event_id"] = f"hit-{moment}"
    payload["event"] |= {"timestamp": moment, "customerId": CUSTOMER, "siteSection": "laptops", "device": "mobile"}
    options = {"clientId": payload["recipient_client_id"]}
    return SampleDelivery("Adobe Analytics", "adobe", WEB_VISIT, "not-used-by-adobe", _json(payload), options, _CRM)


def _qualtrics(moment: str) -> SampleDelivery:
    payload = _sample("qualtrics") | {
        "SurveyID": "After delivery",
        "ResponseID": f"R_{moment}",
        "CompletedDate": moment,
        "CustomerID": CUSTOMER,
        "Score": 9,
    }
    secret = "a-shared-secret-of-qualtrics"  # noqa: S105  # of the local stack's sample only
    return SampleDelivery("Qualtrics", "qualtrics", SURVEY, secret, _json(payload), {}, {**_CRM, "timeZone": "UTC"})


def _shop(moment: str) -> SampleDelivery:
    payload = _sample("shopify") | {
        "id": 5001,
        "name": "SO-5001",
        "updated_at": moment,
        "customer": {"id": CUSTOMER},
        "currency": "EUR",
    }
    secret = "a-shared-secret-of-the-shop"  # noqa: S105  # of the local stack's sample only
    mapping = {**_CRM, "attributes": {"status": "'placed'"}}
    return SampleDelivery("Web shop", "shopify", ORDER, secret, _json(payload), {}, mapping)


def _servicenow(moment: str) -> SampleDelivery:
    payload = _sample("servicenow") | {
        "number": f"CS{moment[-8:].replace(':', '')}",  # a case of its own for each delivery
        "sys_updated_on": moment,
        "caller_id": CUSTOMER,
        "priority": "3 - Moderate",
    }
    secret = "journeys:a-password-of-servicenow"  # noqa: S105  # of the local stack's sample only
    return SampleDelivery("ServiceNow", "servicenow", CASE, secret, _json(payload), {}, _CRM)
