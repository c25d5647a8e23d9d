"""Ingest while the store throttles, fails, hangs up or is slow: what the sender hears is true, and never a 500."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from journeys import aws, jsontext
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import REQUEST_SECONDS
from tests.support.functions import Context, api_event, load
from tests.support.tables import Tables
from tests.unit.test_ingest import Source, an_event, assert_every_place_once, make_source

Trouble = ClientError | BotoCoreError
Call = Callable[..., Any]


def refusal(code: str, status: int) -> ClientError:
    """An error as DynamoDB answers it."""
    response: Any = {"Error": {"Code": code, "Message": "canary"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutItem")


TROUBLES: dict[str, tuple[Trouble, str]] = {
    "throttled": (refusal("ProvisionedThroughputExceededException", 400), "too.many.requests"),
    "limited": (refusal("RequestLimitExceeded", 400), "too.many.requests"),
    "throttling": (refusal("ThrottlingException", 400), "too.many.requests"),
    "failed": (refusal("InternalServerError", 500), "service.unavailable"),
    "unavailable": (refusal("ServiceUnavailable", 503), "service.unavailable"),
    "no connection": (ConnectTimeoutError(endpoint_url="http://127.0.0.1"), "service.unavailable"),
    "no address": (EndpointConnectionError(endpoint_url="http://127.0.0.1"), "service.unavailable"),
    "no answer": (ReadTimeoutError(endpoint_url="http://127.0.0.1"), "service.unavailable"),
    "reset": (ConnectionClosedError(endpoint_url="http://127.0.0.1"), "service.unavailable"),
}


class Faulty:
    """A DynamoDB client whose calls are numbered from 0; `fault(number, name, call)` may raise instead of calling."""

    def __init__(self, client: Any, fault: Callable[[int, str, Call], Any]) -> None:
        self._client, self._fault = client, fault
        self._lock = threading.Lock()
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Call:
        def call(**request: Any) -> Any:
            with self._lock:
                number = len(self.calls)
                self.calls.append(name)
            return self._fault(number, name, lambda: getattr(self._client, name)(**request))

        return call


def faulty(source: Source, monkeypatch: pytest.MonkeyPatch, fault: Callable[[int, str, Call], Any]) -> Source:
    """The source with a fresh function, all of whose calls to DynamoDB go through the fault."""
    client = Faulty(source.tables.dynamodb, fault)
    with monkeypatch.context() as patch:
        patch.setattr(aws, "dynamodb", lambda: client)
        return replace(source, function=load("ingest"))


@pytest.fixture
def source(tables: Tables) -> Source:
    return make_source(tables)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What was counted, by the metric's name."""
    counted: dict[str, int] = {}

    def count(name: str, value: int = 1, **_: str) -> None:
        counted[name] = counted.get(name, 0) + value

    monkeypatch.setattr("journeys.events.ingest.emit_count", count)
    return counted


# A first request looks up its client, its configuration and its schema, judges the unknown attribute again with both
# read consistently, puts three events and keeps two failures.
REQUEST = [
    an_event("good-1"),
    an_event("good-1"),
    an_event("good-2"),
    an_event("bad-1", dateCreated=None),
    an_event("bad-2", attributes={"colour": "red"}),
]
CALLS = 10


def test_the_faults_reach_every_call_of_the_request(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def note(_: int, name: str, call: Call) -> Any:
        calls.append(name)
        return call()

    faulty(source, monkeypatch, note).send(*REQUEST)
    assert sorted(calls) == ["get_item"] * 5 + ["put_item"] * 3 + ["update_item"] * 2
    assert len(calls) == CALLS


@pytest.mark.parametrize("number", range(CALLS))
def test_whichever_call_fails_the_sender_hears_the_truth(
    source: Source, monkeypatch: pytest.MonkeyPatch, figures: dict[str, int], number: int
) -> None:
    """Each kind of trouble at one call of the request; then the sender sends again what it was told to send again."""
    for kind, (trouble, code) in TROUBLES.items():
        request = [event | {"id": f"{kind}-{event['id']}"} for event in REQUEST]
        figures.clear()
        failed: list[str] = []

        def fault(at: int, name: str, call: Call, trouble: Trouble = trouble, failed: list[str] = failed) -> Any:
            if at == number:
                failed.append(name)
                raise trouble
            return call()

        troubled = faulty(source, monkeypatch, fault)
        path = f"externalevents/configurations/{source.configuration_id}/events"
        answer = troubled.function.handler(api_event("POST", path, {"entities": request}), Context())
        body = jsontext.loads(answer["body"].encode())
        stored = [item for item in source.stored() if f"#{kind}-" in item["pk"]["S"]]

        if answer["statusCode"] != 200:
            assert (answer["statusCode"], body["code"]) == (429 if "many" in code else 503, code)
            assert int(answer["headers"]["Retry-After"]) > 0
            assert failed == ["get_item"]
            assert stored == []
        else:
            assert_every_place_once(len(request), body)
            retryable = [one for one in body["unprocessedEntities"] if one["isRetryable"]]
            assert [(one["errorCode"], one["statusCode"]) for one in retryable] == (
                [(code, 429 if "many" in code else 503)] if failed == ["put_item"] else []
            )
            told = {one["id"] for one in body["processed"]}
            assert {item["pk"]["S"].split("#")[2] for item in stored} == told
            assert figures.get("FailuresNotKept", 0) == (1 if failed == ["update_item"] else 0)
        assert failed
        assert "canary" not in answer["body"]

        again = source.outcomes(*request)
        assert set(again[:3]) <= {"created", "duplicate"}
        assert again[3:] == ["missing.date", "unknown.attribute"]
    assert len(source.stored()) == 2 * len(TROUBLES)


def test_while_the_log_does_not_answer_every_event_is_to_be_sent_again_and_none_is_kept_as_failed(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    for trouble, code in TROUBLES.values():

        def fault(_: int, name: str, call: Call, trouble: Trouble = trouble) -> Any:
            if name == "put_item":
                raise trouble
            return call()

        troubled = faulty(source, monkeypatch, fault)
        refused = troubled.send(*[an_event(f"e-{place}") for place in range(20)])["unprocessedEntities"]
        assert {(one["errorCode"], one["isRetryable"]) for one in refused} == {(code, True)}
        assert len(refused) == 20
    assert source.failures() == source.stored() == []


# -- answers that are lost ---------------------------------------------------------------------------------------------


def test_our_own_repeated_put_is_created(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """The put is done, its answer is lost, and the client puts again within the same call, as botocore does."""

    def fault(_: int, name: str, call: Call) -> Any:
        if name == "put_item":
            call()
        return call()

    events = [an_event("e-1"), an_event("e-2"), an_event("e-1")]
    assert faulty(source, monkeypatch, fault).outcomes(*events) == ["created", "created", "duplicate"]
    assert len(source.stored()) == 2


@pytest.mark.parametrize("kind", ["no answer", "reset", "failed"])
def test_a_put_whose_answer_is_lost_for_good_is_not_acknowledged_and_is_a_duplicate_when_sent_again(
    source: Source, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    trouble, code = TROUBLES[kind]

    def fault(_: int, name: str, call: Call) -> Any:
        answer = call()
        if name == "put_item":
            raise trouble
        return answer

    assert faulty(source, monkeypatch, fault).outcomes(an_event()) == [code]
    assert source.outcomes(an_event()) == ["duplicate"]
    assert len(source.stored()) == 1


def test_events_of_one_id_are_put_one_after_another_as_they_stand_in_the_request(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first put is held back until another overtakes it, which none may."""
    overtaken = threading.Event()
    puts: list[str] = []

    def fault(_: int, name: str, call: Call) -> Any:
        if name == "put_item":
            puts.append(name)
            if len(puts) == 1:
                overtaken.wait(0.2)
            else:
                overtaken.set()
        return call()

    events = [an_event(attributes={"quantity": quantity}) for quantity in (1, 2, 1)]
    assert faulty(source, monkeypatch, fault).outcomes(*events) == ["created", "event.conflict", "duplicate"]


# -- time --------------------------------------------------------------------------------------------------------------


def test_puts_that_were_not_begun_in_time_are_to_be_sent_again(source: Source) -> None:
    """Three events of one id are put one after another; the clock passes the limit while the first is put."""
    times = iter([0.0, REQUEST_SECONDS - 0.1, REQUEST_SECONDS, REQUEST_SECONDS + 1.0])
    source.function.ingest._clock = lambda: next(times)
    body = source.send(*[an_event()] * 3)
    assert [one["outcome"] for one in body["processed"]] == ["created"]
    late = body["unprocessedEntities"]
    assert [(one["statusCode"], one["errorCode"], one["isRetryable"]) for one in late] == [
        (429, "too.many.requests", True)
    ] * 2


def test_failures_that_were_not_kept_in_time_do_not_hold_up_the_answer(source: Source, figures: dict[str, int]) -> None:
    now = [0.0]
    source.function.ingest._clock = lambda: now[0]
    events = [an_event("good")] + [an_event(f"bad-{place}", dateCreated=None) for place in range(40)]
    put_all = source.function.ingest._put_all

    def slow(*given: Any) -> Any:
        yield from put_all(*given)
        now[0] = REQUEST_SECONDS

    source.function.ingest._put_all = slow
    assert source.outcomes(*events) == ["created"] + ["missing.date"] * 40
    assert source.failures() == []
    assert figures["FailuresNotKept"] == 40


def test_a_request_has_twelve_seconds_and_calls_are_bounded_to_fit() -> None:
    config: Any = aws._CONFIG
    assert REQUEST_SECONDS == 12
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries == {"total_max_attempts": 3, "mode": "standard"}


# -- failures that cannot be kept --------------------------------------------------------------------------------------


def test_keeping_a_failure_never_changes_the_answer_and_is_counted(
    source: Source, monkeypatch: pytest.MonkeyPatch, figures: dict[str, int]
) -> None:
    events = [an_event("good"), an_event("bad-1", dateCreated=None), an_event("bad-2", attributes={"colour": 1})]
    answer = source.send(*events, path="events/validate")["unprocessedEntities"]
    errors: list[Exception] = [trouble for trouble, _ in TROUBLES.values()]
    for error in [*errors, OSError("canary"), KeyError("canary")]:

        def keep(*_: Any, error: Exception = error) -> None:
            raise error

        figures.clear()
        monkeypatch.setattr(FailureStore, "put", keep)
        assert source.send(*events)["unprocessedEntities"] == answer
        assert figures["FailuresNotKept"] == 2


def test_a_large_payload_that_the_bucket_does_not_take_never_changes_the_answer(
    source: Source, figures: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source.function.ingest._failures, "_bucket", "no-such-bucket")
    assert source.outcomes(an_event(attributes={"note": "n" * (300 * 1024)})) == ["event.too.large"]
    assert figures["FailuresNotKept"] == 1


def test_nothing_is_counted_where_every_failure_was_kept(source: Source, figures: dict[str, int]) -> None:
    source.send(an_event("bad", dateCreated=None))
    assert "FailuresNotKept" not in figures
