"""What the receiver records of deliveries, and that a record never changes or delays a response."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from journeys.aws import item_size
from journeys.errors import NotFound, Unauthenticated
from journeys.http.body import MAX_BODY
from journeys.registry.configurations.store import ConfigurationStore
from journeys.webhooks.deliveries import recorder
from journeys.webhooks.deliveries.model import MAX_RECORD_BYTES, DeliveryRecord, RecordedOutcome, RefusalReason
from journeys.webhooks.deliveries.recorder import MAX_UNPROVEN, Attempt, DeliveryRecorder
from journeys.webhooks.deliveries.store import DeliveryStore
from journeys.webhooks.senders.github import GitHub
from tests.support.client_events import handling
from tests.support.functions import Context, api_event, load
from tests.support.inbox import CASES, Inbox, make_inbox, sample
from tests.support.tables import Tables
from tests.support.webhooks import SenderCase, Sent, sender_cases

each = pytest.mark.parametrize("case", sender_cases(), ids=lambda case: case.name)
REFUSED = RecordedOutcome.REFUSED


@pytest.fixture
def inbox(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    return make_inbox(tables, monkeypatch)


def refused(inbox: Inbox, name: str, sent: Sent, now: float | None = None) -> tuple[RefusalReason | None, str]:
    """Deliver something that is refused as not proven. Return the recorded reason and the message to the sender."""
    with pytest.raises(Unauthenticated) as raised:
        inbox.receive(name, sent, now)
    newest = inbox.records(name)[0]
    assert newest.outcome is REFUSED
    return newest.reason, f"{raised.value.code} {raised.value.message}"


# -- what is recorded --------------------------------------------------------------------------------------------------


@each
def test_every_delivery_has_one_record_of_one_write_unit(inbox: Inbox, case: SenderCase) -> None:
    writes: list[str] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        if params.get("TableName") == inbox.tables.deliveries:
            writes.append(model.name)

    sent = sample(case.name)
    with handling(inbox.tables.dynamodb, "provide-client-params.*", note):
        for _ in range(2):
            inbox.receive(case.name, sent)
    assert writes == ["PutItem", "PutItem"]
    second, first = inbox.records(case.name)
    assert (first.outcome, first.created, first.duplicate) == (RecordedOutcome.INGESTED, len(case.events), 0)
    assert (second.outcome, second.created, second.duplicate) == (RecordedOutcome.INGESTED, 0, len(case.events))
    assert first.size == len(sent.body)
    assert all(item_size(item) <= MAX_RECORD_BYTES for item in inbox.tables.items(inbox.tables.deliveries))


@each
def test_the_reason_is_recorded_but_not_shown_to_the_sender(inbox: Inbox, case: SenderCase) -> None:
    sent = sample(case.name)
    told = set()
    for name in case.signature_headers:
        reason, message = refused(inbox, case.name, sent._replace(headers=sent.headers | {name: "x"}))
        assert reason in (RefusalReason.WRONG_SIGNATURE, RefusalReason.TOO_OLD)
        told.add(message)
        without = {key: value for key, value in sent.headers.items() if key != name}
        reason, message = refused(inbox, case.name, sent._replace(headers=without))
        assert case.name == "adobe" or reason is RefusalReason.MISSING_HEADER
        told.add(message)
    if case.signs_time:
        reason, message = refused(inbox, case.name, sent, time.time() + 600)
        assert reason is RefusalReason.TOO_OLD
        told.add(message)
    assert len(told) <= 1


def test_a_wrong_signature_is_recorded_without_content(inbox: Inbox) -> None:
    forged = sample("github", body=b'{"secret": "canary-8123"}', secret="another secret")
    assert refused(inbox, "github", forged)[0] is RefusalReason.WRONG_SIGNATURE
    assert "canary-8123" not in str(inbox.tables.items(inbox.tables.deliveries))


def test_an_endpoint_that_waits_for_its_secret_is_recorded(inbox: Inbox) -> None:
    inbox.change("stripe", waiting_for_secret=True)
    assert refused(inbox, "stripe", sample("stripe"))[0] is RefusalReason.WAITING_FOR_SECRET


def test_refused_events_are_recorded_with_their_failure(inbox: Inbox) -> None:
    body = json.dumps(json.loads(CASES["hmac"].body) | {"date": None}).encode()
    inbox.send("hmac", body=body)
    (record,) = inbox.records("hmac")
    assert (record.outcome, record.failed) == (RecordedOutcome.FAILED, 1)
    assert record.failure_id == inbox.failure().failure_id


def test_an_empty_delivery_and_a_handshake_are_recorded(inbox: Inbox) -> None:
    inbox.send("segment", body=b"[]")
    inbox.receive("adobe", Sent("GET", {}, {"challenge": "abc"}, b""))
    assert [record.outcome for record in inbox.records("segment")] == [RecordedOutcome.EMPTY]
    assert [record.outcome for record in inbox.records("adobe")] == [RecordedOutcome.HANDSHAKE]


def test_a_delivery_to_retry_is_recorded(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConfigurationStore, "find", fail)
    with pytest.raises(ClientError):
        inbox.send("github")
    assert [(record.outcome, record.reason) for record in inbox.records("github")] == [(REFUSED, RefusalReason.RETRY)]


def test_the_senders_id_is_recorded(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GitHub, "delivery_id_headers", ("x-github-delivery",))
    sent = sample("github")
    inbox.receive("github", sent._replace(headers=sent.headers | {"X-GitHub-Delivery": "d" * 500}))
    assert inbox.records("github")[0].sender_delivery_id == "d" * 100


def test_unknown_and_disabled_endpoints_and_other_methods_record_nothing(inbox: Inbox) -> None:
    inbox.change("github", enabled=False)
    for name in ("github", "nobody"):
        with pytest.raises(NotFound):
            inbox.receive(name, sample("github"))
    with pytest.raises(Exception, match="not allowed"):
        inbox.receive("shopify", sample("shopify")._replace(method="GET"))
    assert inbox.tables.items(inbox.tables.deliveries) == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"x" * (MAX_BODY + 1), {}, 413, RefusalReason.TOO_LARGE),
        (b"\x1f\x8b damaged", {"Content-Encoding": "gzip"}, 400, RefusalReason.INVALID_CODING),
        (b"{}", {"Content-Encoding": "br"}, 415, RefusalReason.INVALID_CODING),
    ],
)
def test_a_body_that_cannot_be_read_is_recorded(
    inbox: Inbox, body: bytes, headers: dict[str, str], status: int, reason: RefusalReason
) -> None:
    webhooks = load("webhooks")
    for name, recorded in (("github", [(REFUSED, reason, len(body))]), ("nobody", [])):
        event = api_event("POST", "", raw=body, headers=headers) | {"pathParameters": {"endpointId": name}}
        assert webhooks.handler(event, Context())["statusCode"] == status
        assert [(one.outcome, one.reason, one.size) for one in inbox.records(name)] == recorded


# -- the limit of unproven deliveries ----------------------------------------------------------------------------------


class Kept(DeliveryStore):
    """A store that keeps records in memory."""

    def __init__(self) -> None:
        self.kept: list[DeliveryRecord] = []

    def add(self, record: DeliveryRecord) -> None:
        self.kept.append(record)


def attempt(endpoint_id: str = "endpoint-1", *, proven: bool = False) -> Attempt:
    begun = Attempt.begin("acme", endpoint_id, received_ms=0, size=0, sender_id=None, started=0)
    begun.proven = proven
    return begun


def test_unproven_deliveries_are_recorded_60_times_a_minute_for_each_endpoint() -> None:
    store, now = Kept(), [0.0]
    recorder = DeliveryRecorder(store, clock=lambda: now[0])
    for _ in range(MAX_UNPROVEN + 5):
        recorder.record(attempt(), deadline=9)
    assert len(store.kept) == MAX_UNPROVEN == 60
    recorder.record(attempt("endpoint-2"), deadline=9)
    recorder.record(attempt(proven=True), deadline=9)
    assert len(store.kept) == MAX_UNPROVEN + 2
    now[0] = 60.0
    recorder.record(attempt(), deadline=99)
    assert len(store.kept) == MAX_UNPROVEN + 3


def test_the_limit_is_only_for_deliveries_without_a_valid_signature(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MAX_UNPROVEN", 0)
    inbox.receive("adobe", Sent("GET", {}, {"challenge": "abc"}, b""))
    with pytest.raises(Unauthenticated):
        inbox.send("github", secret="another secret")
    assert inbox.records("adobe") == inbox.records("github") == []
    inbox.send("github")
    assert len(inbox.records("github")) == 1


# -- failures and delays of the table ----------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The metrics that the recorder emits."""
    names: list[str] = []
    monkeypatch.setattr(recorder, "emit_count", names.append)
    return names


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Makes every record wait until the end of the test."""
    released = threading.Event()
    add = DeliveryStore.add
    monkeypatch.setattr(DeliveryStore, "add", lambda *given: (released.wait(60), add(*given)))
    yield released
    released.set()


def fail(*_: Any, **__: Any) -> None:
    raise ClientError({"Error": {"Code": "InternalServerError"}}, "PutItem")


def break_(*_: Any) -> None:
    raise RuntimeError("a defect")


@pytest.mark.parametrize("error", [fail, break_])
def test_a_delivery_is_received_although_its_record_is_lost(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, counted: list[str], error: Callable[..., None]
) -> None:
    monkeypatch.setattr(DeliveryStore, "add", error)
    assert inbox.send("github") == {"created": 1, "duplicate": 0, "failed": 0}
    with pytest.raises(Unauthenticated):
        inbox.send("github", secret="another secret")
    assert counted == ["DeliveriesNotRecorded"] * 2


@pytest.mark.usefixtures("stuck")
def test_a_response_does_not_wait_for_a_slow_record(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    monkeypatch.setattr(recorder, "RECORD_SECONDS", 0.01)
    for outcome in ("created", "duplicate"):
        assert inbox.send("github")[outcome] == 1
    assert counted == ["DeliveriesNotRecorded"] * 2


@pytest.mark.parametrize(("deadline", "waited"), [(2.2, 0.4), (0.1, 0.1), (-1.0, 0.0)])
def test_a_response_waits_until_its_deadline_at_most(
    monkeypatch: pytest.MonkeyPatch, deadline: float, waited: float
) -> None:
    limits: list[float] = []

    class Stored:
        def result(self, timeout: float) -> None:
            limits.append(timeout)

        def cancel(self) -> None:
            pass

    made = DeliveryRecorder(Kept(), clock=lambda: 0.0)
    monkeypatch.setattr(made, "_threads", type("Threads", (), {"submit": lambda *_: Stored()})())
    made.record(attempt(), deadline=deadline)
    assert limits == [waited]
