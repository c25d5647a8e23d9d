"""Deliveries through the receiver and its handler: signatures, handshakes, failures and retries."""

import base64
import gzip
import io
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.errors import (
    MethodNotAllowed,
    NotFound,
    ServerError,
    ServiceUnavailable,
    TooManyRequests,
    Unauthenticated,
)
from journeys.events.failures.store import FailureStore
from journeys.events.store import EventLog
from journeys.http.body import MAX_BODY
from journeys.registry.configurations.store import ConfigurationStore
from journeys.webhooks.adobe_keys import MAX_FETCHES
from journeys.webhooks.delivery import Delivery, DeliveryResponse, SignatureInvalid
from journeys.webhooks.senders.adobe import Adobe
from journeys.webhooks.senders.registry import SENDERS
from tests.conftest import ORGANIZATION
from tests.support.aws_errors import client_error
from tests.support.functions import Context, load
from tests.support.inbox import CASES, URL, Inbox, KeyHost, make_inbox, sample
from tests.support.tables import Tables
from tests.support.webhooks import (
    ADOBE_KEY_PATH,
    SenderCase,
    Sent,
    adobe_public_key,
    salesforce_body,
    sender_cases,
)

each = pytest.mark.parametrize("case", sender_cases(), ids=lambda case: case.name)


@pytest.fixture
def inbox(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    return make_inbox(tables, monkeypatch)


# -- valid signatures --------------------------------------------------------------------------------------------------


@each
def test_a_sample_delivery_is_stored_once(inbox: Inbox, case: SenderCase) -> None:
    for outcome in ("created", "duplicate"):
        response = inbox.receive(case.name, sample(case.name))
        assert response.status == 200
        if case.name != "salesforce":
            expected = {"created": 0, "duplicate": 0, "failed": 0} | {outcome: len(case.events)}
            assert json.loads(response.body) == expected
    assert len(inbox.tables.items(inbox.tables.events)) == len(case.events)
    assert inbox.reasons() == []


@each
def test_a_delivery_with_an_invalid_signature_is_refused_and_writes_nothing(inbox: Inbox, case: SenderCase) -> None:
    sent = sample(case.name)
    for name in case.signature_headers:
        with pytest.raises(Unauthenticated):
            inbox.receive(case.name, sent._replace(headers=sent.headers | {name: sent.headers[name] + "x"}))
    with pytest.raises(Unauthenticated):
        inbox.receive(case.name, Sent("POST", {}, {}, case.body))
    assert inbox.nothing_written()


@pytest.mark.parametrize("endpoint_id", ["nobody", "", "x" * 5000, "ü", "a b", "../x", "github\n"])
def test_an_unknown_endpoint_is_not_found(inbox: Inbox, endpoint_id: str) -> None:
    with pytest.raises(NotFound):
        inbox.receive(endpoint_id, sample("github"))


def test_a_disabled_endpoint_is_not_found_until_it_is_enabled(inbox: Inbox) -> None:
    inbox.change("github", enabled=False)
    with pytest.raises(NotFound):
        inbox.receive("github", sample("github"))
    assert inbox.nothing_written()
    inbox.change("github", enabled=True)
    inbox.receiver._endpoints._existing.remove("github")
    inbox.receiver._endpoints._missing.remove("github")
    assert inbox.send("github")["created"] == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_only_post_delivers_events(inbox: Inbox, method: str) -> None:
    for case in sender_cases():
        with pytest.raises(MethodNotAllowed, match=f"The method {method} is not allowed for this path. Use .*POST"):
            inbox.receive(case.name, sample(case.name)._replace(method=method))
    assert inbox.nothing_written()


def test_a_rotated_secret_is_valid_immediately_and_the_previous_one_stays_valid(inbox: Inbox) -> None:
    case = CASES["shopify"]
    inbox.send("shopify")  # The secret is cached now.
    inbox.rotate("shopify", case.other_secret)
    assert inbox.send("shopify", secret=case.other_secret)["duplicate"] == 1
    assert inbox.send("shopify")["duplicate"] == 1


def test_an_endpoint_without_a_secret_refuses_every_delivery(inbox: Inbox) -> None:
    inbox.change("github", secret_version=None)
    with pytest.raises(Unauthenticated):
        inbox.send("github")


# -- payloads that cannot become events --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"date": None}, "missing.date"),
        ({"date": "soon"}, "invalid.date"),
        ({"customer": None}, "missing.identifier"),
        ({"id": None}, "missing.id"),
        ({"status": 5}, "invalid.attribute"),
    ],
)
def test_a_payload_that_cannot_become_an_event_is_stored_as_a_failure(
    inbox: Inbox, changes: dict[str, Any], reason: str
) -> None:
    body = json.dumps(json.loads(CASES["hmac"].body) | changes).encode()
    for _ in range(2):
        assert inbox.send("hmac", body=body) == {"created": 0, "duplicate": 0, "failed": 1}
    assert inbox.reasons() == [reason]
    assert not inbox.tables.items(inbox.tables.events)


@pytest.mark.parametrize(
    "body",
    [
        *(b"not json", b"", b"\xff\xfe", b"[" * 100 + b"]" * 100, b"NaN", b'"\\ud800"'),
        *(b'{"a":1e999}', b'{"a":-1e999}', b"9" * 5000, b'{"a":' + b"9" * 4300 + b"}", b'{"a":[-' + b"9" * 309 + b"]}"),
    ],
)
def test_a_signed_body_that_is_not_json_is_stored_as_a_failure(inbox: Inbox, body: bytes) -> None:
    response = inbox.receive("github", sample("github", body=body))
    assert (response.status, json.loads(response.body)["failed"]) == (200, 1)
    assert inbox.reasons() == ["invalid.payload"]
    delivery = inbox.failure().payload["delivery"]
    binary = b"\xff" in body
    assert delivery["body"] == (base64.b64encode(body).decode() if binary else body.decode())
    assert delivery["isBase64Encoded"] == binary


def test_a_failure_with_deeply_nested_attributes_can_be_read(inbox: Inbox) -> None:
    value: Any = "x"
    for _ in range(29):
        value = [value]
    body = json.dumps(json.loads(CASES["hmac"].body) | {"status": value}).encode()
    assert inbox.send("hmac", body=body)["failed"] == 1
    assert inbox.failure().reason in {"invalid.attribute", "invalid.payload"}


def test_deliveries_for_a_deleted_configuration_are_stored_as_failures(inbox: Inbox) -> None:
    ConfigurationStore(inbox.tables.dynamodb, inbox.tables.registry).delete(ORGANIZATION, inbox.configuration_id)
    assert inbox.send("hubspot") == {"created": 0, "duplicate": 0, "failed": 2}
    assert inbox.reasons() == ["configuration.gone"]


def test_a_payload_without_a_list_of_events_is_stored_as_a_failure(inbox: Inbox) -> None:
    inbox.change("hubspot", mapping={"events": "items"})
    batch = [{"other": 1}, {"items": [json.loads(CASES["hubspot"].body)[0]]}]
    for outcome in ("created", "duplicate"):
        response = inbox.send("hubspot", body=json.dumps(batch).encode())
        assert response == {"created": 0, "duplicate": 0, "failed": 1} | {outcome: 1}
    assert inbox.reasons() == ["invalid.payload"]
    assert json.loads(inbox.failure().payload["delivery"]["body"]) == batch


@pytest.mark.parametrize(
    ("name", "mapping", "body"),
    [("hubspot", {}, b"[]"), ("cloudevents", {}, b"[]"), ("hmac", {"events": "items"}, b'{"items": []}')],
)
def test_a_delivery_with_an_empty_list_has_no_events_and_no_failures(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, name: str, mapping: dict[str, Any], body: bytes
) -> None:
    counted: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        "journeys.webhooks.receive.emit_count", lambda *arguments, **dimension: counted.append((*arguments, dimension))
    )
    inbox.change(name, mapping=mapping)
    sent = sample(name, body=body)
    if name == "cloudevents":
        sent = sent._replace(headers=sent.headers | {"Content-Type": "application/cloudevents-batch+json"})

    response = inbox.receive(name, sent)

    assert json.loads(response.body) == {"created": 0, "duplicate": 0, "failed": 0}
    assert counted == [("DeliveriesEmpty", {"sender": name}), ("Deliveries", {"sender": name})]
    assert inbox.nothing_written()


def test_deliveries_for_an_invalid_mapping_are_stored_as_failures(inbox: Inbox) -> None:
    inbox.change("github", mapping={"dateFormat": "%H:%M"})
    assert inbox.send("github") == {"created": 0, "duplicate": 0, "failed": 1}
    assert inbox.reasons() == ["invalid.mapping"]


def test_failures_are_counted_by_reason(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[Any, ...]] = []
    for module in ("receive", "processing"):
        monkeypatch.setattr(
            f"journeys.webhooks.{module}.emit_count",
            lambda *arguments, **dimension: counted.append((*arguments, dimension)),
        )
    inbox.send("github", body=b"not json")
    ConfigurationStore(inbox.tables.dynamodb, inbox.tables.registry).delete(ORGANIZATION, inbox.configuration_id)
    inbox.send("hubspot")
    assert counted == [
        ("EventsRefused", 1, {"reason": "invalid.payload"}),
        ("Deliveries", {"sender": "github"}),
        ("EventsRefused", 2, {"reason": "configuration.gone"}),
        ("Deliveries", {"sender": "hubspot"}),
    ]


def test_an_invalid_event_of_a_delivery_does_not_affect_the_others(inbox: Inbox) -> None:
    good, bad = json.loads(CASES["hubspot"].body)
    del bad["occurredAt"]
    assert inbox.send("hubspot", body=json.dumps([bad, good]).encode()) == {"created": 1, "duplicate": 0, "failed": 1}


# -- server errors -----------------------------------------------------------------------------------------------------


def throttled(*_: Any, **__: Any) -> Any:
    raise client_error("ThrottlingException")


def denied(*_: Any, **__: Any) -> Any:
    raise client_error("AccessDeniedException")


def test_an_event_that_cannot_be_stored_now_is_left_to_the_queue(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventLog, "put", throttled)
    assert inbox.send("github") == {"queued": True}
    assert inbox.nothing_written()


def test_a_failure_that_cannot_be_stored_now_is_left_to_the_queue(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FailureStore, "put", throttled)
    assert inbox.send("hmac", body=b'{"id": "h-1"}') == {"queued": True}


def test_the_sender_must_retry_if_the_registry_is_throttled(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(ConfigurationStore, "find", throttled)
        with pytest.raises(ClientError):
            inbox.send("github")
    assert inbox.nothing_written()
    assert inbox.send("github")["created"] == 1


def test_an_event_that_a_defect_refuses_becomes_a_failure_and_the_sender_does_not_retry(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(EventLog, "put", denied)
        assert inbox.send("github") == {"created": 0, "duplicate": 0, "failed": 1}
    assert inbox.reasons() == ["internal.error"]


def test_a_delivery_that_a_defect_prevents_from_being_stored_at_all_is_500(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventLog, "put", denied)
    monkeypatch.setattr(FailureStore, "put", denied)
    with pytest.raises(ServerError):
        inbox.send("github")
    assert inbox.nothing_written()


# -- handshakes --------------------------------------------------------------------------------------------------------


def test_a_signed_ping_of_github_is_answered(inbox: Inbox) -> None:
    sent = sample("github", body=b'{"zen": "Keep it logically awesome."}')
    ping = sent._replace(headers=sent.headers | {"X-GitHub-Event": "ping"})
    assert inbox.receive("github", ping) == DeliveryResponse(204)
    with pytest.raises(Unauthenticated):
        inbox.receive("github", ping._replace(body=b"{}"))
    assert inbox.nothing_written()


def test_the_challenge_of_adobe_is_returned(inbox: Inbox) -> None:
    challenge = "8ec8d794-e0ab-42df-9017-e3dada8e84f7"
    response = inbox.receive("adobe", Sent("GET", {}, {"challenge": challenge}, b""))
    assert (response.status, json.loads(response.body), response.content_type) == (
        200,
        {"challenge": challenge},
        "application/json",
    )
    for junk in ('"', "<script>", "ü", "x" * 513, "a b"):
        assert inbox.receive("adobe", Sent("GET", {}, {"challenge": junk}, b"")) == DeliveryResponse(400)
    with pytest.raises(MethodNotAllowed):
        inbox.receive("adobe", Sent("GET", {}, {}, b""))
    with pytest.raises(NotFound):
        inbox.receive("nobody", Sent("GET", {}, {"challenge": challenge}, b""))
    assert inbox.nothing_written()


def test_a_signed_challenge_of_slack_is_returned(inbox: Inbox) -> None:
    body = b'{"type": "url_verification", "token": "t", "challenge": "3eZbrw1aB"}'
    response = inbox.receive("slack", sample("slack", body=body))
    assert (response.status, json.loads(response.body)) == (200, {"challenge": "3eZbrw1aB"})
    with pytest.raises(Unauthenticated):
        inbox.receive("slack", sample("slack", body=body, secret="another"))
    assert inbox.nothing_written()


def test_the_handshake_of_cloudevents_allows_the_origin(inbox: Inbox) -> None:
    response = inbox.receive("cloudevents", Sent("OPTIONS", {"WebHook-Request-Origin": "shop.example.com"}, {}, b""))
    assert (response.status, response.body) == (200, "")
    assert response.headers["WebHook-Allowed-Origin"] == "shop.example.com"
    assert response.headers["WebHook-Allowed-Rate"] == "*"
    assert "POST" in response.headers["Allow"]
    bad = Sent("OPTIONS", {"WebHook-Request-Origin": "a\r\nSet-Cookie: x"}, {}, b"")
    assert inbox.receive("cloudevents", bad) == DeliveryResponse(400)
    assert inbox.nothing_written()


def test_an_empty_test_delivery_of_zendesk_is_answered_and_stores_nothing(inbox: Inbox) -> None:
    assert inbox.receive("zendesk", sample("zendesk", body=b"")) == DeliveryResponse(204)
    assert inbox.nothing_written()


def test_salesforce_receives_its_acknowledgement(inbox: Inbox) -> None:
    response = inbox.receive("salesforce", sample("salesforce"))
    assert "<Ack>true</Ack>" in response.body
    assert response.content_type.startswith("text/xml")


def test_a_message_of_salesforce_has_at_most_100_notifications(inbox: Inbox) -> None:
    cases = [(f"04l{number:012}", f"003{number:012}") for number in range(101)]
    inbox.receive("salesforce", sample("salesforce", body=salesforce_body(*cases[:100])))
    assert len(inbox.tables.items(inbox.tables.events)) == 100
    inbox.receive("salesforce", sample("salesforce", body=salesforce_body(*cases)))
    assert inbox.reasons() == ["invalid.payload"]


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;&a;">]>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
        b"<!DOCTYPE x>",
    ],
)
def test_a_message_with_a_document_type_is_refused(inbox: Inbox, prolog: bytes) -> None:
    head, _, rest = CASES["salesforce"].body.partition(b"?>")
    with pytest.raises(Unauthenticated):
        inbox.receive("salesforce", sample("salesforce", body=head + b"?>" + prolog + rest))
    assert inbox.nothing_written()


# -- Adobe's keys ------------------------------------------------------------------------------------------------------


def adobe_delivery(sent: Sent, **headers: str) -> Delivery:
    named = {name.lower(): value for name, value in sent.headers.items()}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery("POST", named, {}, sent.body, URL, time.time())


@pytest.mark.parametrize(
    "path",
    [
        *("/../prod/keys/pub-key-1.pem", "/prod/keys/..", "/prod/../../x", "/.hidden", "/prod/./x"),
        *("//evil.example/x.pem", "/prod//x.pem", "https://evil.example/x.pem", "evil.example/x.pem", "x.pem"),
        *("@evil.example/x", "/x@evil.example", ".evil.example/x", ":8080/x", "/x:y"),
        *("/prod/%2e%2e/x", "/%2fevil", "/prod\\x", "\\\\evil\\x", "/x?y=z", "/x#y", "/x;y", "/x y", "/x\n", "/ü"),
        *("", "/", "/x/", "/a" * 9),
    ],
)
def test_a_path_outside_adobes_key_host_is_never_fetched(path: str) -> None:
    host = KeyHost()
    with pytest.raises(SignatureInvalid):
        Adobe(host).verify(adobe_delivery(sample("adobe"), x_adobe_public_key1_path=path), (), CASES["adobe"].options)
    assert host.requested == []


def test_one_valid_signature_of_adobe_suffices() -> None:
    sent = sample("adobe")
    good = sent.headers["x-adobe-digital-signature-1"]
    delivery = adobe_delivery(
        sent,
        x_adobe_digital_signature_1=base64.b64encode(b"x" * 256).decode(),
        x_adobe_digital_signature_2=good,
        x_adobe_public_key2_path=ADOBE_KEY_PATH,
    )
    Adobe(KeyHost()).verify(delivery, (), CASES["adobe"].options)


ADOBE_CLIENT = CASES["adobe"].options["clientId"]


@pytest.mark.parametrize(
    "body",
    [
        {"recipientclientid": ADOBE_CLIENT},
        {"recipient_client_id": ADOBE_CLIENT},
        {"recipientclientid": ADOBE_CLIENT, "recipient_client_id": ADOBE_CLIENT},
        [{"recipientclientid": ADOBE_CLIENT}, {"recipient_client_id": ADOBE_CLIENT}],
    ],
)
def test_every_event_of_adobe_names_its_recipient_by_the_newer_or_the_older_name(body: Any) -> None:
    sent = sample("adobe", body=json.dumps(body).encode())
    Adobe(KeyHost()).verify(adobe_delivery(sent), (), CASES["adobe"].options)


@pytest.mark.parametrize(
    "body",
    [
        {"recipientclientid": "other", "recipient_client_id": ADOBE_CLIENT},
        {"recipientclientid": ADOBE_CLIENT, "recipient_client_id": "other"},
        [{"recipientclientid": ADOBE_CLIENT}, {"recipientclientid": "other"}],
        [{"recipientclientid": ADOBE_CLIENT}, {}],
        [{"recipientclientid": ADOBE_CLIENT}, ADOBE_CLIENT],
        {"recipientclientid": None},
        {"data": {"recipientclientid": ADOBE_CLIENT}},
        [],
    ],
)
def test_a_delivery_of_adobe_with_an_event_for_another_customer_is_refused(body: Any) -> None:
    sent = sample("adobe", body=json.dumps(body).encode())
    for options in (CASES["adobe"].options, {}):
        with pytest.raises(SignatureInvalid):
            Adobe(KeyHost()).verify(adobe_delivery(sent), (), options)


def test_the_second_signature_of_adobe_is_checked_if_the_first_key_is_unavailable() -> None:
    sent, requested = sample("adobe"), []

    def half_available(path: str) -> bytes:
        requested.append(path)
        if path == "/silent":
            raise TimeoutError
        return adobe_public_key()

    good = {
        "x_adobe_digital_signature_2": sent.headers["x-adobe-digital-signature-1"],
        "x_adobe_public_key2_path": ADOBE_KEY_PATH,
        "x_adobe_public_key1_path": "/silent",
    }
    Adobe(half_available).verify(adobe_delivery(sent, **good), (), CASES["adobe"].options)
    assert requested == ["/silent", ADOBE_KEY_PATH]
    bad = good | {"x_adobe_digital_signature_2": base64.b64encode(b"x" * 256).decode()}
    with pytest.raises(TimeoutError):  # The first signature could still be valid.
        Adobe(half_available).verify(adobe_delivery(sent, **bad), (), CASES["adobe"].options)


def test_a_delivery_that_adobe_signed_for_another_customer_is_invalid() -> None:
    with pytest.raises(SignatureInvalid):
        Adobe(KeyHost()).verify(adobe_delivery(sample("adobe")), (), {"clientId": "somebody-else"})
    for body in (b"{}", b"[]", b"not json", b'{"recipient_client_id": null}'):
        with pytest.raises(SignatureInvalid):
            Adobe(KeyHost()).verify(adobe_delivery(sample("adobe", body=body)), (), CASES["adobe"].options)


def test_no_key_is_fetched_for_a_delivery_to_another_customer() -> None:
    host = KeyHost()
    with pytest.raises(SignatureInvalid):
        Adobe(host).verify(adobe_delivery(sample("adobe")), (), {"clientId": "somebody-else"})
    assert host.requested == []


def test_keys_of_adobe_are_cached() -> None:
    host = KeyHost()
    adobe = Adobe(host)
    for _ in range(3):
        adobe.verify(adobe_delivery(sample("adobe")), (), CASES["adobe"].options)
    assert host.requested == [ADOBE_KEY_PATH]


def test_deliveries_that_name_invented_keys_cause_few_requests_and_are_told_to_retry_later(inbox: Inbox) -> None:
    host = KeyHost()
    SENDERS["adobe"] = Adobe(host)  # the fixture restores it
    inbox.send("adobe")
    outcomes = Counter[type[Exception]]()
    for number in range(2 * MAX_FETCHES):
        sent = sample("adobe")
        with pytest.raises((Unauthenticated, TooManyRequests)) as refused:
            inbox.receive("adobe", sent._replace(headers=sent.headers | {"x-adobe-public-key1-path": f"/x-{number}"}))
        outcomes[refused.type] += 1
    assert len(host.requested) == MAX_FETCHES
    assert outcomes == {Unauthenticated: MAX_FETCHES - 1, TooManyRequests: MAX_FETCHES + 1}
    assert inbox.send("adobe") == {"created": 0, "duplicate": 1, "failed": 0}  # Its key is still cached.


def test_the_sender_must_retry_if_the_key_host_is_unavailable(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SENDERS, "adobe", Adobe(KeyHost(TimeoutError)))
    with pytest.raises(ServiceUnavailable):
        inbox.receive("adobe", sample("adobe"))
    assert inbox.nothing_written()


# -- CloudEvents in its three modes ------------------------------------------------------------------------------------


def test_the_three_modes_of_cloudevents_make_the_same_event(inbox: Inbox) -> None:
    sent, event = sample("cloudevents"), json.loads(CASES["cloudevents"].body)
    batch = sent._replace(
        headers=sent.headers | {"Content-Type": "application/cloudevents-batch+json"},
        body=json.dumps([event, event | {"id": "c-2"}]).encode(),
    )
    binary = sent._replace(
        headers=sent.headers
        | {"Content-Type": "application/json"}
        | {f"ce-{name}": value for name, value in event.items() if name != "data"},
        body=json.dumps(event["data"]).encode(),
    )
    outcomes = [json.loads(inbox.receive("cloudevents", one).body) for one in (sent, batch, binary)]
    assert [one["created"] for one in outcomes] == [1, 1, 0]
    assert [one["duplicate"] for one in outcomes] == [0, 1, 1]
    assert inbox.reasons() == []
    for body, type_ in ((b"{}", "application/cloudevents-batch+json"), (b"{}", "application/json")):
        none = sent._replace(headers=sent.headers | {"Content-Type": type_}, body=body)
        assert json.loads(inbox.receive("cloudevents", none).body)["failed"] == 1


# -- the handler -------------------------------------------------------------------------------------------------------


def gateway(name: str, sent: Sent, *, plain: bool, change_case: Callable[[str], str]) -> dict[str, Any]:
    """Return a delivery in the form in which API Gateway passes it to a function."""
    return {
        "httpMethod": sent.method,
        "resource": "/webhooks/{endpointId}",
        "path": f"/webhooks/{name}",
        "pathParameters": {"endpointId": name},
        "headers": {change_case(header): value for header, value in sent.headers.items()} or None,
        "queryStringParameters": sent.query or None,
        "requestContext": {"requestId": "r", "path": f"/prod/webhooks/{name}", "domainName": "api.example.com"},
        "body": sent.body.decode() if plain else base64.b64encode(sent.body).decode(),
        "isBase64Encoded": not plain,
    }


@pytest.mark.parametrize(
    ("path", "public_path"),
    [
        pytest.param("/webhooks/hubspot", "/prod/webhooks/hubspot", id="stage"),
        pytest.param("/webhooks/hubspot", "/webhooks/hubspot", id="custom domain"),
        pytest.param("/shop/webhooks/hubspot", "/shop/webhooks/hubspot", id="custom domain with a base path"),
        pytest.param("/webhooks/webhooks/hubspot", "/webhooks/webhooks/hubspot", id="a base path like the resource"),
    ],
)
def test_the_signed_address_is_the_one_that_the_sender_called(inbox: Inbox, path: str, public_path: str) -> None:
    sent = CASES["hubspot"].deliver(url=f"https://api.example.com{public_path}", now=time.time())
    event = gateway("hubspot", sent, plain=True, change_case=str.title)
    event["path"], event["requestContext"]["path"] = path, public_path
    assert load("webhooks").handler(event, Context())["statusCode"] == 200
    event["requestContext"]["domainName"] = "another.example.com"
    assert load("webhooks").handler(event, Context())["statusCode"] == 401


@each
def test_the_case_of_headers_and_base64_do_not_change_the_result(inbox: Inbox, case: SenderCase) -> None:
    function, statuses = load("webhooks"), []
    for change_case in (str.lower, str.upper, str.title):
        for plain in (True, False):
            for forge in (False, True):
                sent = sample(case.name)
                if forge:
                    sent = sent._replace(headers={}, query={}, body=sent.body.replace(b"HMAC=", b"HMAC=0"))
                event = gateway(case.name, sent, plain=plain, change_case=change_case)
                statuses.append(function.handler(event, Context())["statusCode"])
    assert statuses == [200, 401] * 6


def test_the_query_of_the_address_is_part_of_the_verification(inbox: Inbox) -> None:
    sent = CASES["hubspot"].deliver(url=f"{URL}hubspot?team=a%20b", now=time.time())
    event = gateway("hubspot", sent._replace(query={"team": "a b"}), plain=True, change_case=str.title)
    assert load("webhooks").handler(event, Context())["statusCode"] == 200


@pytest.mark.parametrize("name", ["github", "segment"])
def test_a_gzip_delivery_is_verified_as_sent_and_mapped_decoded(inbox: Inbox, name: str) -> None:
    sent = sample(name, body=gzip.compress(CASES[name].body))
    sent = sent._replace(headers=sent.headers | {"Content-Encoding": "gzip"})
    function, event = load("webhooks"), gateway(name, sent, plain=False, change_case=str.title)
    response = function.handler(event, Context())
    assert (response["statusCode"], json.loads(response["body"])["created"]) == (200, 1)
    forged = event | {"body": base64.b64encode(gzip.compress(CASES[name].body + b" ")).decode()}
    assert function.handler(forged, Context())["statusCode"] == 401
    other = event | {"headers": event["headers"] | {"Content-Encoding": "br"}}
    assert function.handler(other, Context())["statusCode"] == 415


def test_a_delivery_has_at_most_1_mebibyte(inbox: Inbox) -> None:
    function = load("webhooks")
    for more, status, plain in ((0, 200, True), (1, 413, True), (1, 413, False)):
        filler = json.dumps(json.loads(CASES["hmac"].body) | {"filler": ""}).encode()
        body = filler.replace(b'"filler": "', b'"filler": "' + b"x" * (MAX_BODY - len(filler) + more))
        response = function.handler(
            gateway("hmac", sample("hmac", body=body), plain=plain, change_case=str.title), Context()
        )
        assert response["statusCode"] == status
    assert json.loads(response["body"])["code"] == "payload.too.large"


@pytest.mark.parametrize("defect", [KeyError, RecursionError, MemoryError, UnicodeError])
def test_a_defect_is_500_and_reported_by_its_type_and_place(
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    logged: io.StringIO,
    defect: type[Exception],
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise defect("canary-7f3a")

    function, event = load("webhooks"), gateway("hmac", sample("hmac"), plain=True, change_case=str.title)
    monkeypatch.setattr(function.receiver._processor, "map", broken)
    response = function.handler(event, Context())
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (500, "internal.error")
    line = next(line for line in map(json.loads, logged.getvalue().splitlines()) if line["level"] == "ERROR")
    assert (line["message"], line["error_type"]) == ("a delivery failed", defect.__name__)
    assert line["frames"][0].endswith(" broken")
    assert '"Defects":1' in logged.getvalue()
    assert "canary-7f3a" not in logged.getvalue() + str(response)


# -- fuzz --------------------------------------------------------------------------------------------------------------

HEADERS = [
    *sorted({name.lower() for case in sender_cases() for name in sample(case.name).headers}),
    *("ce-id", "ce-time", "svix-id", "webhook-request-origin"),
    *("x-adobe-digital-signature-2", "x-adobe-public-key2-path"),
]
NASTY = st.sampled_from(
    [
        *(
            "",
            " ",
            "\x00",
            "ü",
            "💥",
            "=",
            ",",
            "v1,",
            "t=1,v1=",
            "t=,v1=ü",
            "sha256=",
            "Basic ",
            "Bearer ü",
            "9" * 400,
        ),
        *("-1", "1e9", "٣", "2025-13-45T99:99:99Z", "/keys/x.pem", "AAAA", "application/cloudevents-batch+json"),
    ]
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            *(b"[" * 5000, b"{}", b"[]", b"null", b'{"id":1e999}', b"9" * 5000, b"\xff\xfe<\x00", b"<a/>", b"<" * 999),
            *(b"MSG=%ff&HMAC=%ff", b"MSG=&HMAC=", b"&" * 5000, b"MSG=a&HMAC=%C3%BC"),
            b"<a>" * 20_000 + b"</a>" * 20_000,
            b'<?xml version="1.0" encoding="nope"?><a/>',
            b'<?xml version="1.0" encoding="utf-7"?><a/>',
            b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>',
            salesforce_body(),
            salesforce_body(("", "")).replace(b"sObject", b"other"),
        ]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(max_examples=150, derandomize=True)
@given(
    name=st.sampled_from(sorted(CASES)),
    method=st.sampled_from(["POST", "POST", "POST", "GET", "OPTIONS"]),
    headers=st.dictionaries(st.sampled_from(HEADERS), NASTY | st.text(max_size=8), max_size=6),
    query=st.dictionaries(st.sampled_from(["challenge", "secret", "x"]), NASTY, max_size=2),
    body=BODIES,
)
def test_no_unsigned_delivery_raises_an_unexpected_error(
    inbox: Inbox, name: str, method: str, headers: dict[str, str], query: dict[str, str], body: bytes
) -> None:
    try:
        response = inbox.receive(name, Sent(method, headers, query, body))
    except (Unauthenticated, NotFound, MethodNotAllowed):
        pass
    else:
        assert method != "POST"
        assert response.status in (200, 400)
    assert inbox.nothing_written()


@settings(max_examples=150, derandomize=True)
@given(name=st.sampled_from(sorted(CASES)), body=BODIES, headers=st.dictionaries(st.sampled_from(HEADERS), NASTY))
def test_no_signed_body_raises_an_unexpected_error(
    inbox: Inbox, name: str, body: bytes, headers: dict[str, str]
) -> None:
    case = CASES[name]
    try:
        sent = sample(name, body=body)
    except UnicodeDecodeError:
        return  # The sender's own library signs only text.
    extra = {key: value for key, value in headers.items() if key not in {own.lower() for own in sent.headers}}
    try:
        assert inbox.receive(name, sent._replace(headers=sent.headers | extra)).status in (200, 204)
    except Unauthenticated:
        assert case.name in {"adobe", "salesforce", "qualtrics", "standard"}  # Their verification reads the body.
