"""The signatures and the sample deliveries of tools.signing and tools.deliveries."""

import time
from typing import Any

import pytest

from journeys.events.attributes import AttributeValidator
from journeys.events.model import Event
from journeys.events.validation import check
from journeys.registry.schemas.document import parse
from journeys.webhooks.delivery import Delivery
from journeys.webhooks.expressions import Evaluator
from journeys.webhooks.mapping import compile_mapping
from journeys.webhooks.senders.adobe import Adobe
from journeys.webhooks.senders.base import Sender
from journeys.webhooks.senders.registry import SENDERS
from tests.support.webhooks import ADOBE_KEY, OFFICIAL, SenderCase, adobe_public_key, sender_cases
from tools.deliveries import SampleDelivery, adobe_key, sample_deliveries, sample_payload
from tools.signing import SIGNERS, SIGNS_TIME, Signed, sign
from tools.signing import adobe_public_key as public_key_of

URL = "https://api.example.com/prod/webhooks/endpoint-1"
NOW = 1738315800.0

each = pytest.mark.parametrize("case", sender_cases(), ids=lambda case: case.name)


def delivery(signed: Signed, now: float = NOW) -> Delivery:
    headers = {name.lower(): value for name, value in signed.headers.items()}
    return Delivery("POST", headers, signed.query, signed.body, URL, now)


def sender_of(case: SenderCase | SampleDelivery, public_key: bytes) -> Sender:
    name = case.name if isinstance(case, SenderCase) else case.sender
    return Adobe(lambda _: public_key) if name == "adobe" else SENDERS[name]


def test_every_sender_can_be_signed() -> None:
    assert list(SIGNERS) == list(SENDERS)
    assert {case.name for case in sender_cases() if case.signs_time} == SIGNS_TIME


@each
def test_a_signed_delivery_is_valid(case: SenderCase) -> None:
    secret = ADOBE_KEY if case.name == "adobe" else case.secret
    signed = sign(case.name, case.body, secret, URL, NOW, case.options)
    sender_of(case, adobe_public_key()).verify(delivery(signed), (case.secret,), case.options)


@pytest.mark.parametrize("name", sorted(OFFICIAL.keys() - {"standard"}))
def test_a_signature_equals_that_of_the_senders_own_library(name: str) -> None:
    (case,) = (case for case in sender_cases() if case.name == name)
    expected = OFFICIAL[name](case.body, case.secret, URL, NOW)
    assert sign(name, case.body, case.secret, URL, NOW).headers.items() >= expected.items()


def test_servicenow_can_send_a_token_or_sign_instead_of_a_password() -> None:
    for secret, options in (("a-token", {}), ("a-secret", {"header": "X-Signed", "algorithm": "sha512"})):
        signed = sign("servicenow", b"{}", secret, URL, NOW, options)
        SENDERS["servicenow"].verify(delivery(signed), (secret,), options)


def test_an_unknown_sender_is_refused_with_the_senders_that_exist() -> None:
    with pytest.raises(ValueError, match=r'"fax" is unknown\. Use one of: standard, stripe, .*, hmac\.'):
        sign("fax", b"{}", "secret", URL, NOW)


@pytest.mark.parametrize(("sender", "option"), [("adobe", "clientId"), ("salesforce", "organizationId")])
def test_a_sample_payload_names_the_recipient_of_the_endpoint(sender: str, option: str) -> None:
    options = {option: "00D000000000002EAA"}
    signed = sign(sender, sample_payload(sender, options), ADOBE_KEY, URL, NOW, options)
    verifier: Any = Adobe(lambda _: adobe_public_key()) if sender == "adobe" else SENDERS[sender]
    verifier.verify(delivery(signed), (ADOBE_KEY,), options)


@pytest.mark.parametrize("sample", sample_deliveries("2026-01-31T09:30:00Z"), ids=lambda sample: sample.sender)
def test_the_sample_deliveries_are_valid_and_become_valid_events(sample: SampleDelivery) -> None:
    sender, now = sender_of(sample, public_key_of(adobe_key())), time.time()
    received = delivery(sample.signed(URL, now), now)
    sender.verify(received, (sample.secret,), sample.options)
    document = parse(sample.event_type.schema)
    mapping = compile_mapping(sender.presets[sender.latest_preset], sample.mapping)
    (payload,) = sender.extract_payloads(received)
    (event,) = mapping.to_events(payload, document.fields, Evaluator.of_delivery({}, 0))
    assert isinstance(check(event, AttributeValidator(document), int(now * 1000)), Event)
