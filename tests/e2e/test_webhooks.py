"""Webhooks on a deployed stack: deliveries are signed as each sender signs, and appear in the customer's journey."""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conftest import Caller
from tests.e2e.test_access import refusal, rows
from tests.support.webhooks import SCHEMA, SenderCase, Sent, adobe_public_key, sender_cases
from tools.api import ApiError
from tools.deliveries import serve_adobe_key
from tools.stack import Stack

SENDERS = {sender.name: sender for sender in sender_cases()}
DELIVERED = [pytest.param(sender, id=sender.name) for sender in sender_cases()]


class Inbox:
    """An organization with an event type for the deliveries of all senders."""

    def __init__(self, stack: Stack, caller: Caller) -> None:
        self.stack, self.caller, self.api = stack, caller, caller.api
        self.schema_id = self.api.call("POST", "externalevents/schemas", SCHEMA)["id"]

    def endpoint(self, sender: SenderCase, **changes: Any) -> dict[str, Any]:
        """Create an endpoint for a sender, with its own configuration and the preset that the case describes."""
        wanted = {"name": sender.name, "schemaId": self.schema_id, "source": sender.name}
        configuration = self.api.call("POST", "externalevents/configurations", wanted)
        body = {
            "name": sender.name,
            "sender": sender.name,
            "configurationId": configuration["id"],
            "secret": sender.secret,
            "options": dict(sender.options),
            "mapping": dict(sender.mapping),
            "presetVersion": 1,
        }
        endpoint: dict[str, Any] = self.api.call("POST", "webhooks/endpoints", body | changes)
        return endpoint

    def deliver(self, endpoint: dict[str, Any], sent: Sent, **headers: str) -> httpx.Response:
        """Send a delivery to the address that the API returned, with retries as a sender makes them."""
        for attempt in range(6):
            response = httpx.request(
                sent.method,
                endpoint["url"],
                params=sent.query,
                content=sent.body,
                headers=sent.headers | headers,
                timeout=40,
            )
            if response.status_code not in (429, 503):
                break
            time.sleep(0.2 * 2**attempt)
        return response

    def sign(self, endpoint: dict[str, Any], sender: SenderCase, **how: Any) -> Sent:
        sent = sender.deliver(url=endpoint["url"], now=time.time(), **how)
        if sender.name != "adobe":
            return sent
        path = f"/prod/keys/{uuid.uuid4().hex}.pem"  # Functions cache keys by path.
        serve_adobe_key(self.stack.client("s3"), path, adobe_public_key())
        return sent._replace(headers=sent.headers | {"x-adobe-public-key1-path": path})

    def stored(self) -> dict[str, list[Any]]:
        return rows(self.stack, self.caller.organization_id)

    def journey(self, source: str, customer: str, count: int) -> list[Any]:
        """Wait until a customer's journey has `count` events, and return them. It must never have more."""
        ends = time.monotonic() + 300  # All tests share the only shard of the stream.
        parameters = {"externalSourceId": source, "value": customer}
        event_count = None
        while time.monotonic() < ends:
            try:
                event_count = self.api.call("GET", "customers", **parameters)["eventCount"]
            except ApiError as error:
                if error.status != 404:
                    raise
            else:
                assert event_count <= count
                if event_count == count:
                    events: list[Any] = self.api.call("GET", "customers/events", **parameters)["entities"]
                    return events
            time.sleep(0.2)
        raise AssertionError(f"the journey has {event_count} of {count} events")


@pytest.fixture
def inbox(stack: Stack, caller: Callable[..., Caller]) -> Inbox:
    return Inbox(stack, caller())


# -- deliveries --------------------------------------------------------------------------------------------------------


def test_a_delivery_of_1000_events_is_acknowledged_at_the_first_try_and_stored_once(inbox: Inbox) -> None:
    sender = SENDERS["hmac"]
    endpoint = inbox.endpoint(sender)
    event = json.loads(sender.body)
    body = json.dumps([event | {"id": f"large-{number}"} for number in range(1000)]).encode()
    sent = inbox.sign(endpoint, sender, body=body)
    response = httpx.post(endpoint["url"], content=sent.body, headers=sent.headers, timeout=40)
    assert (response.status_code, response.json()) == (200, {"queued": True})
    path, ends = f"webhooks/endpoints/{endpoint['id']}/deliveries", time.monotonic() + 120
    while (record := inbox.api.call("GET", path)["entities"][0])["outcome"] == "queued":
        assert time.monotonic() < ends, "the delivery is still queued after two minutes"
        time.sleep(0.2)
    assert (record["outcome"], record["created"], record["duplicate"]) == ("ingested", 1000, 0)
    assert len(inbox.stored()["Events"]) == 1000
    again = inbox.deliver(endpoint, inbox.sign(endpoint, sender, body=body))
    assert again.json() == {"queued": True}
    ends = time.monotonic() + 120
    while (record := inbox.api.call("GET", path)["entities"][0])["outcome"] == "queued":
        assert time.monotonic() < ends, "the repeated delivery is still queued after two minutes"
        time.sleep(0.2)
    assert (record["created"], record["duplicate"], len(inbox.stored()["Events"])) == (0, 1000, 1000)


@pytest.mark.parametrize("sender", DELIVERED)
def test_a_delivery_sent_twice_at_the_same_time_is_in_the_journey_once(inbox: Inbox, sender: SenderCase) -> None:
    endpoint = inbox.endpoint(sender)
    with ThreadPoolExecutor(2) as pool:
        responses = list(pool.map(lambda _: inbox.deliver(endpoint, inbox.sign(endpoint, sender)), range(2)))

    assert [response.status_code for response in responses] == [200, 200], [response.text for response in responses]
    if sender.name == "salesforce":
        assert all("<Ack>true</Ack>" in response.text for response in responses)
    else:
        outcomes = Counter[str]()
        for response in responses:
            outcomes.update(response.json())
        assert outcomes["created"] + outcomes["duplicate"] == 2 * len(sender.events)
        assert (outcomes["created"] <= len(sender.events), outcomes["failed"]) == (True, 0)
    expected: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event in sender.events:
        (customer,) = event["identifiers"]["externalIds"]
        expected.setdefault((customer["externalSourceId"], customer["value"]), []).append(event)
    for (source, value), events in expected.items():
        recorded = inbox.journey(source, value, len(events))
        assert sorted(
            [{name: one[name] for name in ("id", "dateCreated", "attributes")} for one in recorded], key=str
        ) == [{name: one[name] for name in ("id", "dateCreated", "attributes")} for one in events]
        assert {one["configurationId"] for one in recorded} == {endpoint["configurationId"]}
    stored = inbox.stored()
    assert (len(stored["Events"]), stored["Failures"]) == (len(sender.events), [])


def test_an_endpoint_waits_for_the_secret_of_its_sender(inbox: Inbox) -> None:
    sender = SENDERS["hubspot"]  # which signs the address
    endpoint = inbox.endpoint(sender, secret=None)
    assert (endpoint["status"], "secret" in endpoint) == ("waitingForSecret", False)
    refused = inbox.deliver(endpoint, inbox.sign(endpoint, sender))
    assert (refused.status_code, refused.json()["code"]) == (401, "waiting.for.secret")
    path = f"webhooks/endpoints/{endpoint['id']}"
    assert inbox.api.call("POST", f"{path}/secret", {"secret": sender.secret})["status"] == "active"
    time.sleep(1)  # After a refusal, the endpoint is not read again for one second.
    assert inbox.deliver(endpoint, inbox.sign(endpoint, sender)).status_code == 200


def test_a_deletion_by_force_disables_the_endpoint(inbox: Inbox) -> None:
    endpoint = inbox.endpoint(SENDERS["segment"])
    configuration = f"externalevents/configurations/{endpoint['configurationId']}"
    with pytest.raises(ApiError, match=endpoint["id"]):
        inbox.api.call("DELETE", configuration)
    inbox.api.call("DELETE", configuration, force="true")
    disabled = inbox.api.call("GET", f"webhooks/endpoints/{endpoint['id']}")
    assert (disabled["status"], disabled["disabledReason"]) == ("disabled", "configuration.deleted")
    assert inbox.deliver(endpoint, inbox.sign(endpoint, SENDERS["segment"])).status_code == 404


def test_a_rotated_secret_and_the_previous_one_are_valid_immediately(inbox: Inbox) -> None:
    sender = SENDERS["standard"]
    endpoint = inbox.endpoint(sender)
    assert inbox.deliver(endpoint, inbox.sign(endpoint, sender)).status_code == 200
    assert inbox.deliver(endpoint, inbox.sign(endpoint, sender, secret=sender.other_secret)).status_code == 401
    time.sleep(1)  # A refused secret is read again after one second.
    inbox.api.call("POST", f"webhooks/endpoints/{endpoint['id']}/secret", {"secret": sender.other_secret})
    for secret in (sender.other_secret, sender.secret):
        assert inbox.deliver(endpoint, inbox.sign(endpoint, sender, secret=secret)).status_code == 200


def test_parallel_rotations_leave_a_valid_secret(inbox: Inbox) -> None:
    sender = SENDERS["segment"]
    endpoint = inbox.endpoint(sender)
    assert inbox.deliver(endpoint, inbox.sign(endpoint, sender)).status_code == 200

    def rotate(secret: str) -> Any:
        return inbox.api.call("POST", f"webhooks/endpoints/{endpoint['id']}/secret", {"secret": secret})["secret"]

    secrets = [f"the secret of thread {number}" for number in range(4)]
    with ThreadPoolExecutor(len(secrets)) as threads:
        assert list(threads.map(rotate, secrets)) == secrets
    last = rotate("the last acknowledged secret")
    responses = {
        secret: inbox.deliver(endpoint, inbox.sign(endpoint, sender, secret=secret)) for secret in [last, *secrets]
    }
    assert responses[last].status_code == 200
    # Of the parallel ones, the one that was stored last is the previous secret.
    assert sorted(responses[secret].status_code for secret in secrets) == [200, 401, 401, 401]


def test_the_exact_bytes_of_a_body_are_verified(inbox: Inbox) -> None:
    """Bodies are passed as binary data. Nothing before the verification may decode them as text."""
    sender = SENDERS["hmac"]
    endpoint = inbox.endpoint(sender)
    odd = bytes(range(0x100)) + "\r\n\ufeff \U0001f600\u2028 ".encode()
    response = inbox.deliver(endpoint, inbox.sign(endpoint, sender, body=odd))
    assert (response.status_code, response.json()) == (200, {"created": 0, "duplicate": 0, "failed": 1})
    (failure,) = inbox.api.call("GET", "externalevents/failures")["entities"]
    assert failure["reason"] == "invalid.payload"
    assert inbox.deliver(endpoint, inbox.sign(endpoint, sender, body=odd)._replace(body=odd[:-1])).status_code == 401


def test_a_signed_delivery_that_is_not_an_event_is_stored_as_a_failure(inbox: Inbox) -> None:
    """After a 4xx, senders drop the delivery or disable the webhook."""
    sender = SENDERS["hmac"]
    endpoint = inbox.endpoint(sender)
    body = json.dumps({"id": "h-2", "customer": "any-1"}).encode()
    for _ in range(2):
        response = inbox.deliver(endpoint, inbox.sign(endpoint, sender, body=body))
        assert (response.status_code, response.json()["failed"]) == (200, 1)
    (failure,) = inbox.api.call("GET", "externalevents/failures")["entities"]
    assert (failure["reason"], failure["configurationId"]) == ("missing.date", endpoint["configurationId"])
    assert inbox.stored()["Events"] == []


# -- refused deliveries ------------------------------------------------------------------------------------------------


def test_a_delivery_with_an_invalid_signature_is_refused_and_writes_nothing(inbox: Inbox) -> None:
    endpoints = {sender.name: inbox.endpoint(sender) for sender in sender_cases()}
    before = inbox.stored()
    for sender in sender_cases():
        endpoint = endpoints[sender.name]
        if sender.name == "adobe":  # Its deliveries carry no secret, so the key is forged instead.
            sent = inbox.sign(endpoint, sender)
            path = {"x-adobe-public-key1-path": "//evil.example/key.pem"}
            forged = sent._replace(headers=sent.headers | path)
        else:
            forged = inbox.sign(endpoint, sender, secret=sender.other_secret)
        response = inbox.deliver(endpoint, forged)
        assert refusal(response) == (401, "not.proven"), sender.name
        assert sender.secret not in response.text
        bare = Sent("POST", {"Content-Type": "application/json"}, {}, sender.body)
        assert refusal(inbox.deliver(endpoint, bare)) == (401, "not.proven"), sender.name
    assert inbox.stored() == before


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_an_unknown_or_disabled_endpoint_is_not_found(inbox: Inbox, method: str) -> None:
    disabled = inbox.endpoint(SENDERS["hmac"], enabled=False)
    before = inbox.stored()
    sent = inbox.sign(disabled, SENDERS["hmac"])._replace(method=method)
    for id_ in ("x" * 32, "x" * 3000, "%01%23", disabled["id"]):
        endpoint = {"url": disabled["url"].replace(disabled["id"], id_)}
        assert refusal(inbox.deliver(endpoint, sent)) == (404, "not.found")
    assert inbox.stored() == before


def test_a_deleted_endpoint_is_not_found(inbox: Inbox) -> None:
    sender = SENDERS["shopify"]
    endpoint = inbox.endpoint(sender)
    inbox.api.call("DELETE", f"webhooks/endpoints/{endpoint['id']}")
    assert refusal(inbox.deliver(endpoint, inbox.sign(endpoint, sender))) == (404, "not.found")
    assert inbox.stored()["Events"] == []


def test_no_header_changes_the_organization(inbox: Inbox, caller: Callable[..., Caller]) -> None:
    sender = SENDERS["segment"]
    theirs = Inbox(inbox.stack, caller())
    endpoint, other = inbox.endpoint(sender), theirs.endpoint(sender)
    before = theirs.stored()
    headers = {
        "Authorization": f"Bearer {theirs.api.access_token()}",
        "X-Organization-Id": theirs.caller.organization_id,
        "X-Endpoint-Id": other["id"],
        "X-Configuration-Id": other["configurationId"],
        "X-Forwarded-Host": "evil.example",
        "X-Original-Url": f"/webhooks/{other['id']}",
    }
    response = inbox.deliver(endpoint, inbox.sign(endpoint, sender), **headers)
    assert (response.status_code, response.json()["created"]) == (200, 1)
    assert theirs.stored() == before
    (row,) = inbox.stored()["Events"]
    assert row["pk"]["S"].startswith(f"{inbox.caller.organization_id}#")


# -- handshakes --------------------------------------------------------------------------------------------------------


def test_each_handshake_is_answered_as_specified_and_writes_nothing(inbox: Inbox) -> None:
    endpoints = {name: inbox.endpoint(SENDERS[name]) for name in ("adobe", "github", "zendesk", "slack", "cloudevents")}
    before = inbox.stored()

    def signed(name: str, body: bytes) -> Sent:
        return inbox.sign(endpoints[name], SENDERS[name], body=body)

    echoed = inbox.deliver(endpoints["adobe"], Sent("GET", {}, {"challenge": "8ec8d794-e0ab-42df"}, b""))
    assert (echoed.status_code, echoed.json()) == (200, {"challenge": "8ec8d794-e0ab-42df"})

    ping = signed("github", b'{"zen": "Keep it logically awesome."}')
    ping.headers["X-GitHub-Event"] = "ping"
    assert inbox.deliver(endpoints["github"], ping).status_code == 204
    ping.headers["X-Hub-Signature-256"] = "sha256=" + "0" * 64
    assert refusal(inbox.deliver(endpoints["github"], ping)) == (401, "not.proven")

    assert inbox.deliver(endpoints["zendesk"], signed("zendesk", b"")).status_code == 204

    challenge = signed("slack", b'{"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV"}')
    response = inbox.deliver(endpoints["slack"], challenge)
    assert (response.status_code, response.json()) == (200, {"challenge": "3eZbrw1aBm2rZgRNFdxV"})

    origin = {"WebHook-Request-Origin": "eventemitter.example.com"}
    allowed = inbox.deliver(endpoints["cloudevents"], Sent("OPTIONS", origin, {}, b""))
    assert (allowed.status_code, allowed.headers["WebHook-Allowed-Origin"]) == (200, "eventemitter.example.com")
    assert "POST" in allowed.headers["Allow"]

    assert inbox.stored() == before
