"""Deliveries that are acknowledged before their events are ingested: nothing acknowledged is lost, whatever fails."""

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from journeys import aws, dates
from journeys.errors import ServiceUnavailable
from journeys.events.store import EventLog
from journeys.webhooks import receive
from journeys.webhooks.deliveries.model import DeliveryRecord, RecordedOutcome, RefusalReason
from journeys.webhooks.deliveries.queued import QueuedDelivery
from journeys.webhooks.deliveries.store import DeliveryQueue, object_key
from journeys.webhooks.delivery import ReceivedDelivery
from journeys.webhooks.mapping import EventMapping
from journeys.webhooks.model import Endpoint
from tests.conftest import ORGANIZATION
from tests.integration.test_faults import DONE, NOT_DONE, Fault, Killed
from tests.support.client_events import handling
from tests.support.functions import Context, api_event, load
from tests.support.inbox import CASES, Inbox, make_inbox, sample
from tests.support.tables import Tables
from tests.support.webhooks import Sent
from tests.unit.test_ingest_faults import TROUBLES

LARGE, AT_ONCE = 5, 3
"""The events of a delivery to the queue, and the limit above which a delivery goes there, in tests of faults."""


@pytest.fixture
def inbox(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    return make_inbox(tables, monkeypatch)


def delivery(number: int, prefix: str = "e") -> Sent:
    """Return a signed delivery of that many events."""
    event = json.loads(CASES["hmac"].body)
    return sample("hmac", body=json.dumps([event | {"id": f"{prefix}-{index}"} for index in range(number)]).encode())


class Lambda:
    """The functions `webhooks` and `deliveries` of an inbox, and the queue between them."""

    def __init__(self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self._inbox, self._monkeypatch = inbox, monkeypatch
        self.messages: list[str] = []

    def deliver(self, sent: Sent, fault: Fault | None = None) -> int | None:
        """Send a delivery. Return the status, or None if the function was killed."""
        webhooks = self._function("webhooks", fault or Fault())
        event = api_event("POST", "", raw=sent.body, headers=sent.headers)
        event |= {"pathParameters": {"endpointId": "hmac"}}
        try:
            status: int = webhooks.handler(event, Context())["statusCode"]
            return status
        except Killed:
            return None

    def consume(self, fault: Fault | None = None, attempts: int = 1) -> bool:
        """Pass the first message to the function, as Lambda does. Return whether it was then deleted."""
        url = os.environ["DELIVERIES_QUEUE_URL"]
        for message in aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            self.messages.append(message["Body"])
            aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        attributes = {"ApproximateReceiveCount": str(attempts)}
        record = {"messageId": "m", "body": self.messages[0], "receiptHandle": "r", "attributes": attributes}
        try:
            failed = self._function("deliveries", fault or Fault()).handler({"Records": [record]}, Context())
        except Killed:
            return False
        assert failed["batchItemFailures"] in ([], [{"itemIdentifier": "m"}])
        if not failed["batchItemFailures"]:
            del self.messages[0]
        return not failed["batchItemFailures"]

    @property
    def waiting(self) -> int:
        """The number of messages in the queue."""
        url = os.environ["DELIVERIES_QUEUE_URL"]
        attributes = aws.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])

    def stored(self, prefix: str = "e") -> list[str]:
        """Return the ids of the stored events that begin with the prefix."""
        ids = [item["pk"]["S"].rsplit("#", 1)[1] for item in self._inbox.tables.items(self._inbox.tables.events)]
        return sorted(id_ for id_ in ids if id_.startswith(f"{prefix}-"))

    def _function(self, name: str, fault: Fault) -> Any:
        """A new instance of a function, whose calls go through the fault."""
        clients = {client: fault.on(getattr(aws, client)()) for client in ("dynamodb", "s3", "sqs", "secretsmanager")}
        with self._monkeypatch.context() as patch:
            for client, faulty in clients.items():
                patch.setattr(aws, client, lambda faulty=faulty: faulty)
            return load(name)


@pytest.fixture
def functions(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Lambda:
    """The functions with time enough for a slow machine."""
    monkeypatch.setattr(receive, "MAX_RESPONSE_SECONDS", 60)
    monkeypatch.setattr(receive, "INGEST_SECONDS", 60)
    return Lambda(inbox, monkeypatch)


def ids(number: int, prefix: str = "e") -> list[str]:
    return sorted(f"{prefix}-{index}" for index in range(number))


def newest(inbox: Inbox) -> DeliveryRecord:
    return inbox.records("hmac")[0]


# -- acknowledged first, ingested later --------------------------------------------------------------------------------


def test_a_delivery_of_1000_events_is_acknowledged_at_the_first_try_and_stored_once(
    inbox: Inbox, functions: Lambda
) -> None:
    assert functions.deliver(delivery(1000)) == 200
    assert (functions.stored(), newest(inbox).outcome) == ([], RecordedOutcome.QUEUED)
    assert functions.consume()
    assert functions.stored() == ids(1000)
    assert (newest(inbox).outcome, newest(inbox).created) == (RecordedOutcome.INGESTED, 1000)


def test_a_message_that_is_delivered_twice_changes_nothing(inbox: Inbox, functions: Lambda) -> None:
    assert functions.deliver(delivery(101)) == 200
    for _ in range(2):
        functions.messages = [json.dumps({"key": object_key(newest(inbox))})]
        assert functions.consume()
        assert len(functions.stored()) == 101
        assert (newest(inbox).created, newest(inbox).duplicate) == (101, 0)


@pytest.mark.parametrize(("number", "waiting"), [(100, 0), (101, 1)])
def test_only_a_delivery_of_more_than_100_events_is_queued(functions: Lambda, number: int, waiting: int) -> None:
    assert functions.deliver(delivery(number)) == 200
    assert (functions.waiting, len(functions.stored())) == (waiting, 0 if waiting else number)


def test_a_delivery_of_more_than_1000_events_is_a_failure(inbox: Inbox, functions: Lambda) -> None:
    assert functions.deliver(delivery(1001)) == 200
    assert (functions.waiting, inbox.reasons()) == (0, ["invalid.payload"])


def test_what_could_not_be_stored_in_time_is_stored_from_the_queue(
    inbox: Inbox, functions: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "INGEST_SECONDS", 0)
    assert inbox.receive("hmac", delivery(2)).body == '{"queued":true}'
    assert functions.stored() == []
    assert functions.consume()
    assert functions.stored() == ids(2)


def test_a_sender_that_requires_a_response_gets_it_for_a_queued_delivery(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "INGEST_SECONDS", 0)
    assert "<Ack>true</Ack>" in inbox.receive("salesforce", sample("salesforce")).body


def test_refused_events_of_a_queued_delivery_are_a_failure(inbox: Inbox, functions: Lambda) -> None:
    sent = delivery(101)
    events = json.loads(sent.body)
    del events[7]["date"]
    assert functions.deliver(sample("hmac", body=json.dumps(events).encode())) == 200
    assert functions.consume()
    assert len(functions.stored()) == 100
    record = newest(inbox)
    assert (record.outcome, record.created, record.failed) == (RecordedOutcome.FAILED, 100, 1)
    assert record.failure_id == inbox.failure().failure_id


@pytest.mark.parametrize("change", ["disabled", "deleted"])
def test_an_acknowledged_delivery_is_ingested_although_its_endpoint_is_gone(
    inbox: Inbox, functions: Lambda, change: str
) -> None:
    assert functions.deliver(delivery(101)) == 200
    if change == "disabled":
        inbox.change("hmac", enabled=False)
    else:
        inbox.endpoints.delete(inbox.endpoints.get(ORGANIZATION, "hmac"))
    assert functions.consume()
    assert len(functions.stored()) == 101


def test_a_queued_delivery_is_mapped_with_the_current_mapping(inbox: Inbox, functions: Lambda) -> None:
    assert functions.deliver(delivery(101)) == 200
    inbox.change("hmac", mapping=dict(CASES["hmac"].mapping) | {"id": "join('', ['changed-', id])"})
    assert functions.consume()
    assert len(functions.stored("changed-e")) == 101


def test_the_receiver_maps_no_event_of_a_delivery_that_it_queues(
    functions: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(EventMapping, "to_event")
    assert functions.deliver(delivery(1000)) == 200
    assert functions.waiting == 1


@pytest.mark.parametrize("body", [b"[1]", b"\xff\x00 binary"])
def test_a_queued_delivery_is_read_as_it_was_stored(inbox: Inbox, body: bytes) -> None:
    now_ms = dates.now_ms()
    endpoint = Endpoint("e", "acme", "Shop", "hmac", "c", True, now_ms, now_ms, options={"header": "x"})
    record = DeliveryRecord("r", "acme", "e", now_ms, RecordedOutcome.REFUSED, RefusalReason.RETRY, size=3)
    queued = QueuedDelivery(endpoint, ReceivedDelivery("e", body, {"x": "y"}, now_ms, "d"), record, "request")
    queue = DeliveryQueue(aws.s3, "archive", aws.sqs, os.environ["DELIVERIES_QUEUE_URL"])
    queue.put(queued)
    (message,) = aws.sqs().receive_message(QueueUrl=os.environ["DELIVERIES_QUEUE_URL"])["Messages"]
    assert queue.read(message["Body"]) == queued


# -- failing queue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["put_object", "send_message"])
@pytest.mark.parametrize("kind", TROUBLES)
def test_the_sender_retries_if_the_delivery_cannot_be_queued(
    inbox: Inbox, functions: Lambda, kind: str, call: str
) -> None:
    trouble, code = TROUBLES[kind]
    failed = FailingAt(call, trouble)
    assert functions.deliver(delivery(101), failed) == (429 if code == "too.many.requests" else 503)
    assert (newest(inbox).outcome, newest(inbox).reason) == (RecordedOutcome.REFUSED, RefusalReason.RETRY)
    assert functions.deliver(delivery(101)) == 200
    assert functions.consume()
    assert len(functions.stored()) == 101


class FailingAt(Fault):
    """Fails every call of one name."""

    def __init__(self, name: str, trouble: ClientError | BotoCoreError) -> None:
        super().__init__()
        self._name, self._trouble = name, trouble

    def __call__(self, name: str, call: Any) -> Any:
        if name == self._name:
            raise self._trouble
        return call()


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes the queue hang until the end of the test."""
    released = threading.Event()
    monkeypatch.setattr(DeliveryQueue, "put", lambda *_: released.wait(60))
    yield
    released.set()


@pytest.mark.usefixtures("stuck")
def test_the_sender_retries_if_the_queue_hangs(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "MAX_RESPONSE_SECONDS", 0.05)
    with pytest.raises(ServiceUnavailable):
        inbox.receive("hmac", delivery(101))


# -- retries of the queue ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 30), (2, 120), (3, 480), (4, 900), (9, 900)])
def test_the_queue_waits_longer_after_each_attempt(
    functions: Lambda, monkeypatch: pytest.MonkeyPatch, attempts: int, seconds: int
) -> None:
    waited: list[int] = []
    assert functions.deliver(delivery(101)) == 200
    monkeypatch.setattr(EventLog, "put", throttle)
    with handling(
        aws.sqs(),
        "provide-client-params.sqs.ChangeMessageVisibility",
        lambda params, **_: waited.append(params["VisibilityTimeout"]),
    ):
        assert not functions.consume(attempts=attempts)
    assert waited == [seconds]


def throttle(*_: Any) -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")


def test_a_message_that_cannot_be_read_stays_in_the_queue(functions: Lambda) -> None:
    functions.messages = ['{"key": "deliveries/acme/nothing.json"}']
    assert not functions.consume()


# -- faults at every call ----------------------------------------------------------------------------------------------


@pytest.fixture
def few(functions: Lambda, monkeypatch: pytest.MonkeyPatch) -> Lambda:
    """The functions with a low limit, so that small deliveries go to the queue."""
    monkeypatch.setattr(receive, "MAX_EVENTS_AT_ONCE", AT_ONCE)
    return functions


@pytest.mark.parametrize("number", [AT_ONCE, LARGE])
@pytest.mark.parametrize("kind", [*DONE, *NOT_DONE])
def test_what_is_acknowledged_is_stored_whichever_call_of_the_receiver_fails(
    few: Lambda, kind: str, number: int
) -> None:
    whole = Fault()
    assert few.deliver(delivery(number, "clean"), whole) == 200
    # Endpoint, secret; then configuration, schema and each event, or the object and the message; then the record.
    assert len(whole.calls) == 2 + (2 + number if number <= AT_ONCE else 2) + 1
    for at in range(len(whole.calls)):
        fault, prefix = Fault(at, kind), f"{at}-{kind.replace(' ', '-')}"
        status = few.deliver(delivery(number, prefix), fault)
        assert status in (200, 429, 503, None)
        if status != 200:
            assert few.deliver(delivery(number, prefix)) == 200  # The sender retries.
        while few.waiting or few.messages:
            assert few.consume()
        assert few.stored(prefix) == ids(number, prefix), (at, fault.calls)


@pytest.mark.parametrize("kind", [*DONE, *NOT_DONE])
def test_what_is_acknowledged_is_stored_once_whichever_call_of_the_consumer_fails(
    inbox: Inbox, few: Lambda, kind: str
) -> None:
    whole = Fault()
    assert few.deliver(delivery(LARGE, "clean")) == 200
    assert few.consume(whole)
    # The object, the endpoint, the configuration and the schema; then each event; then the record.
    assert len(whole.calls) == 4 + LARGE + 1
    for at in range(len(whole.calls)):
        fault, prefix = Fault(at, kind), f"{at}-{kind.replace(' ', '-')}"
        assert few.deliver(delivery(LARGE, prefix)) == 200
        done = few.consume(fault)
        if not done:
            assert few.consume()
        assert few.stored(prefix) == ids(LARGE, prefix), (at, fault.calls)
        record = newest(inbox)
        if record.outcome is RecordedOutcome.QUEUED:  # Its last write was lost, which does not affect the events.
            assert fault.calls[at] == "put_item"
            assert at == len(fault.calls) - 1
        else:
            assert (record.outcome, record.created, record.duplicate) == (RecordedOutcome.INGESTED, LARGE, 0)
