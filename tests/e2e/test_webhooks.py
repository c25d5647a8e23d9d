"""Webhooks through API Gateway: each sender delivers as its own libraries sign, and the customer's journey shows it."""

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
    """An organisation with an event type that takes what all senders send."""

    def __init__(self, stack: Stack, caller: Caller) -> None:
        self.stack, self.caller, self.api = stack, caller, caller.api
        self.schema_id = self.api.call("POST", "externalevents/schemas", SCHEMA)["id"]

    def endpoint(self, sender: SenderCase, **changes: Any) -> dict[str, Any]:
        """A new endpoint for a sender, with a configuration of its own."""
        wanted = {"name": sender.name, "schemaId": self.schema_id, "source": sender.name}
        configuration = self.api.call("POST", "externalevents/configurations", wanted)
        body = {
            "name": sender.name,
            "sender": sender.name,
            "configurationId": configuration["id"],
            "secret": sender.secret,
            "options": dict(sender.options),
            "mapping": dict(sender.mapping),
        }
        made: dict[str, Any] = self.api.call("POST", "webhooks/endpoints", body | changes)
        return made

    def deliver(self, endpoint: dict[str, Any], sent: Sent, **headers: str) -> httpx.Response:
        """One delivery; what is to be sent again is, as a sender would."""
        for attempt in range(6):
            answer = httpx.request(
                sent.method,
                f"{self.stack.api_url}/webhooks/{endpoint['id']}",
                params=sent.query,
                content=sent.body,
                headers=sent.headers | headers,
                timeout=40,
            )
            if answer.status_code not in (429, 503):
                break
            time.sleep(0.2 * 2**attempt)
        return answer

    def sign(self, endpoint: dict[str, Any], sender: SenderCase, **how: Any) -> Sent:
        sent = sender.deliver(url=endpoint["url"], now=time.time(), **how)
        if sender.name != "adobe":
            return sent
        path = f"/prod/keys/{uuid.uuid4().hex}.pem"  # another each time, since the functions keep what they fetched
        serve_adobe_key(self.stack.client("s3"), path, adobe_public_key())
        return sent._replace(headers=sent.headers | {"x-adobe-public-key1-path": path})

    def stored(self) -> dict[str, list[Any]]:
        return rows(self.stack, self.caller.organization_id)

    def journey(self, source: str, customer: str, count: int) -> list[Any]:
        """The events of a customer, as soon as the journey counts so many; it may never count more."""
        ends = time.monotonic() + 300  # the stream has one shard, which all tests share
        asked = {"externalSourceId": source, "value": customer}
        found = None
        while time.monotonic() < ends:
            try:
                found = self.api.call("GET", "customers", **asked)["eventCount"]
            except ApiError as error:
                if error.status != 404:
                    raise
            else:
                assert found <= count
                if found == count:
                    events: list[Any] = self.api.call("GET", "customers/events", **asked)["entities"]
                    return events
            time.sleep(0.2)
        raise AssertionError(f"the journey has {found} of {count} events")


@pytest.fixture
def inbox(stack: Stack, caller: Callable[..., Caller]) -> Inbox:
    return Inbox(stack, caller())


# -- deliveries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", DELIVERED)
def test_a_delivery_made_twice_at_once_is_in_the_journey_once(inbox: Inbox, sender: SenderCase) -> None:
    endpoint = inbox.endpoint(sender)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: inbox.deliver(endpoint, inbox.sign(endpoint, sender)), range(2)))

    assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
    if sender.name == "salesforce":
        assert all("<Ack>true</Ack>" in answer.text for answer in answers)
    else:
        outcomes = Counter[str]()
        for answer in answers:
            outcomes.update(answer.json())
        assert outcomes["created"] + outcomes["duplicate"] == 2 * len(sender.events)
        assert (outcomes["created"] <= len(sender.events), outcomes["failed"]) == (True, 0)
    expected: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event in sender.events:
        (customer,) = event["identifiers"]["externalIds"]
        expected.setdefault((customer["externalSourceId"], customer["value"]), []).append(event)
    for (source, value), events in expected.items():
        found = inbox.journey(source, value, len(events))
        assert sorted(
            [{name: one[name] for name in ("id", "dateCreated", "attributes")} for one in found], key=str
        ) == [{name: one[name] for name in ("id", "dateCreated", "attributes")} for one in events]
        assert {one["configurationId"] for one in found} == {endpoint["configurationId"]}
    stored = inbox.stored()
    assert (len(stored["Events"]), stored["Failures"]) == (len(sender.events), [])


def test_a_rotated_secret_holds_at_once_and_the_one_before_it_as_well(inbox: Inbox) -> None:
    sender = SENDERS["standard"]
    endpoint = inbox.endpoint(sender)
    assert inbox.deliver(endpoint, inbox.sign(endpoint, sender)).status_code == 200
    assert inbox.deliver(endpoint, inbox.sign(endpoint, sender, secret=sender.other_secret)).status_code == 401
    time.sleep(1)  # within which a refusal is not looked up again
    inbox.api.call("POST", f"webhooks/endpoints/{endpoint['id']}/secret", {"secret": sender.other_secret})
    for secret in (sender.other_secret, sender.secret):
        assert inbox.deliver(endpoint, inbox.sign(endpoint, sender, secret=secret)).status_code == 200


def test_a_body_is_proven_to_the_byte_whatever_its_bytes_are(inbox: Inbox) -> None:
    """The body is passed as binary: nothing between sender and proof may read it as text."""
    sender = SENDERS["hmac"]
    endpoint = inbox.endpoint(sender)
    # the local stack passes on as text what AWS passes in base64, so bytes that are no UTF-8 are for unit tests
    odd = ("".join(map(chr, range(0x180))) + "\r\n\ufeff \U0001f600\u2028 ").encode()
    answer = inbox.deliver(endpoint, inbox.sign(endpoint, sender, body=odd))
    assert (answer.status_code, answer.json()) == (200, {"created": 0, "duplicate": 0, "failed": 1})
    (failure,) = inbox.api.call("GET", "externalevents/failures")["entities"]
    assert failure["reason"] == "invalid.payload"
    assert inbox.deliver(endpoint, inbox.sign(endpoint, sender, body=odd)._replace(body=odd[:-1])).status_code == 401


def test_a_proven_delivery_that_is_no_event_is_kept_as_failed(inbox: Inbox) -> None:
    """A 4xx would make senders drop it, or disable the webhook."""
    sender = SENDERS["hmac"]
    endpoint = inbox.endpoint(sender)
    body = json.dumps({"id": "h-2", "customer": "any-1"}).encode()
    for _ in range(2):
        answer = inbox.deliver(endpoint, inbox.sign(endpoint, sender, body=body))
        assert (answer.status_code, answer.json()["failed"]) == (200, 1)
    (failure,) = inbox.api.call("GET", "externalevents/failures")["entities"]
    assert (failure["reason"], failure["configurationId"]) == ("missing.date", endpoint["configurationId"])
    assert inbox.stored()["Events"] == []


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_what_is_not_proven_is_refused_and_writes_nothing(inbox: Inbox) -> None:
    endpoints = {sender.name: inbox.endpoint(sender) for sender in sender_cases()}
    before = inbox.stored()
    for sender in sender_cases():
        endpoint = endpoints[sender.name]
        if sender.name == "adobe":  # whose keys only paths on its own host may name
            sent = inbox.sign(endpoint, sender)
            path = {"x-adobe-public-key1-path": "//evil.example/key.pem"}
            forged = sent._replace(headers=sent.headers | path)
        else:
            forged = inbox.sign(endpoint, sender, secret=sender.other_secret)
        answer = inbox.deliver(endpoint, forged)
        assert refusal(answer) == (401, "not.proven"), sender.name
        assert sender.secret not in answer.text
        bare = Sent("POST", {"Content-Type": "application/json"}, {}, sender.body)
        assert refusal(inbox.deliver(endpoint, bare)) == (401, "not.proven"), sender.name
    assert inbox.stored() == before


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_an_endpoint_that_is_not_there_is_not_found(inbox: Inbox, method: str) -> None:
    disabled = inbox.endpoint(SENDERS["hmac"], enabled=False)
    before = inbox.stored()
    sent = inbox.sign(disabled, SENDERS["hmac"])._replace(method=method)
    for endpoint in ({"id": "x" * 32}, {"id": "x" * 3000}, {"id": "%01%23"}, disabled):
        assert refusal(inbox.deliver(endpoint, sent)) == (404, "not.found")
    assert inbox.stored() == before


def test_a_deleted_endpoint_takes_nothing_more(inbox: Inbox) -> None:
    sender = SENDERS["shopify"]
    endpoint = inbox.endpoint(sender)
    inbox.api.call("DELETE", f"webhooks/endpoints/{endpoint['id']}")
    assert refusal(inbox.deliver(endpoint, inbox.sign(endpoint, sender))) == (404, "not.found")
    assert inbox.stored()["Events"] == []


def test_no_header_changes_the_organisation(inbox: Inbox, caller: Callable[..., Caller]) -> None:
    sender = SENDERS["segment"]
    theirs = Inbox(inbox.stack, caller())
    endpoint, other = inbox.endpoint(sender), theirs.endpoint(sender)
    before = theirs.stored()
    headers = {
        "Authorization": f"Bearer {theirs.api._access_token()}",
        "X-Organization-Id": theirs.caller.organization_id,
        "X-Endpoint-Id": other["id"],
        "X-Configuration-Id": other["configurationId"],
        "X-Forwarded-Host": "evil.example",
        "X-Original-Url": f"/webhooks/{other['id']}",
    }
    answer = inbox.deliver(endpoint, inbox.sign(endpoint, sender), **headers)
    assert (answer.status_code, answer.json()["created"]) == (200, 1)
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

    asked = signed("slack", b'{"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV"}')
    answer = inbox.deliver(endpoints["slack"], asked)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1aBm2rZgRNFdxV"})

    origin = {"WebHook-Request-Origin": "eventemitter.example.com"}
    allowed = inbox.deliver(endpoints["cloudevents"], Sent("OPTIONS", origin, {}, b""))
    assert (allowed.status_code, allowed.headers["WebHook-Allowed-Origin"]) == (200, "eventemitter.example.com")
    assert "POST" in allowed.headers["Allow"]

    assert inbox.stored() == before
