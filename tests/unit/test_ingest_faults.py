"""Ingest while the database throttles, fails, disconnects or is slow: the response is correct and never a 500."""

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
from tests.support.aws_errors import client_error
from tests.support.functions import Context, api_event, load
from tests.support.tables import Tables
from tests.unit.test_ingest import Source, an_event, assert_every_index_once, make_source

Trouble = ClientError | BotoCoreError
Call = Callable[..., Any]


TROUBLES: dict[str, tuple[Trouble, str]] = {
    "throttled": (client_error("ProvisionedThroughputExceededException", 400), "too.many.requests"),
    "limited": (client_error("RequestLimitExceeded", 400), "too.many.requests"),
    "throttling": (client_error("ThrottlingException", 400), "too.many.requests"),
    "failed": (client_error("InternalServerError", 500), "service.unavailable"),
    "unavailable": (client_error("ServiceUnavailable", 503), "service.unavailable"),
    "no connection": (ConnectTimeoutError(endpoint_url="http://127.0.0.1"), "service.unavailable"),
    "no address": (EndpointConnectionError(endpoint_url="http://127.0.0.1"), "service.unavailable"),
    "no answer": (ReadTimeoutError(endpoint_url="http://127.0.0.1"), "service.unavailable"),
    "reset": (ConnectionClosedError(endpoint_url="http://127.0.0.1"), "service.unavailable"),
}


class Faulty:
    """A DynamoDB client with calls numbered from 0. `fault(number, name, call)` can raise instead of calling."""

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
    """The source with a new function whose calls to DynamoDB all go through the fault."""
    client = Faulty(source.tables.dynamodb, fault)
    with monkeypatch.context() as patch:
        patch.setattr(aws, "dynamodb", lambda: client)
        return replace(source, function=load("ingest"))


@pytest.fixture
def source(tables: Tables) -> Source:
    return make_source(tables)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The emitted counts by the name of the metric."""
    counted: dict[str, int] = {}

    def count(name: str, value: int = 1, **_: str) -> None:
        counted[name] = counted.get(name, 0) + value

    for module in ("defects", "events.ingest"):
        monkeypatch.setattr(f"journeys.{module}.emit_count", count)
    return counted


# A first request reads its client, its configuration and its schema. Because of the unknown attribute, it reads
# the last two consistently again. Then it puts three events and stores two failures.
REQUEST = [
    an_event("good-1"),
    an_event("good-1"),
    an_event("good-2"),
    an_event("bad-1", dateCreated=None),
    an_event("bad-2", attributes={"colour": "red"}),
]
CALLS = 10


def test_faults_are_injected_into_every_call_of_the_request(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def note(_: int, name: str, call: Call) -> Any:
        calls.append(name)
        return call()

    faulty(source, monkeypatch, note).send(*REQUEST)
    assert sorted(calls) == ["get_item"] * 5 + ["put_item"] * 3 + ["update_item"] * 2
    assert len(calls) == CALLS


@pytest.mark.parametrize("number", range(CALLS))
def test_the_response_is_correct_whichever_call_fails(
    source: Source, monkeypatch: pytest.MonkeyPatch, figures: dict[str, int], number: int
) -> None:
    """Injects each kind of fault into one call of the request. Then the sender retries the retryable events."""
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
            assert_every_index_once(len(request), body)
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


def test_while_the_log_is_unavailable_every_event_is_retryable_and_none_is_stored_as_a_failure(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    for trouble, code in TROUBLES.values():

        def fault(_: int, name: str, call: Call, trouble: Trouble = trouble) -> Any:
            if name == "put_item":
                raise trouble
            return call()

        troubled = faulty(source, monkeypatch, fault)
        refused = troubled.send(*[an_event(f"e-{index}") for index in range(20)])["unprocessedEntities"]
        assert {(one["errorCode"], one["isRetryable"]) for one in refused} == {(code, True)}
        assert len(refused) == 20
    assert source.failures() == source.stored() == []


@pytest.mark.parametrize(
    "trouble",
    [client_error("AccessDeniedException"), client_error("ValidationException"), KeyError("canary-7f3a")],
    ids=["denied", "invalid", "defect"],
)
def test_an_event_that_a_defect_refuses_is_not_retryable_and_is_stored_as_a_failure(
    source: Source, monkeypatch: pytest.MonkeyPatch, figures: dict[str, int], trouble: Exception
) -> None:
    def fault(_: int, name: str, call: Call) -> Any:
        if name == "put_item":
            raise trouble
        return call()

    (refused,) = faulty(source, monkeypatch, fault).send(an_event())["unprocessedEntities"]
    assert (refused["statusCode"], refused["errorCode"], refused["isRetryable"]) == (500, "internal.error", False)
    assert "canary" not in jsontext.dumps(refused)
    (failure,) = source.failures()
    assert (failure["reason"], failure["replayable"]) == ({"S": "internal.error"}, {"BOOL": True})
    assert figures["Defects"] == 1


def test_a_request_whose_reads_are_denied_is_500_and_makes_no_second_attempt(
    source: Source, monkeypatch: pytest.MonkeyPatch, figures: dict[str, int]
) -> None:
    calls: list[str] = []

    def fault(_: int, name: str, __: Call) -> Any:
        calls.append(name)
        raise client_error("AccessDeniedException")

    troubled = faulty(source, monkeypatch, fault)
    path = f"externalevents/configurations/{source.configuration_id}/events"
    answer = troubled.function.handler(api_event("POST", path, {"entities": [an_event()]}), Context())
    assert (answer["statusCode"], jsontext.loads(answer["body"].encode())["code"]) == (500, "internal.error")
    assert (calls, figures["Defects"]) == (["get_item"], 1)


# -- lost responses ----------------------------------------------------------------------------------------------------


def test_a_put_that_the_client_repeats_is_created(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """The put succeeds, its response is lost, and the client retries the put, as botocore does."""

    def fault(_: int, name: str, call: Call) -> Any:
        if name == "put_item":
            call()
        return call()

    events = [an_event("e-1"), an_event("e-2"), an_event("e-1")]
    assert faulty(source, monkeypatch, fault).outcomes(*events) == ["created", "created", "duplicate"]
    assert len(source.stored()) == 2


@pytest.mark.parametrize("kind", ["no answer", "reset", "failed"])
def test_a_put_whose_response_is_lost_is_not_acknowledged_and_a_retry_is_a_duplicate(
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


def test_events_with_the_same_id_are_put_in_the_order_of_the_request(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first put waits for another put to overtake it, which must not happen."""
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


def test_events_whose_put_did_not_start_in_time_are_retryable(source: Source) -> None:
    """Three events with one id are put in turn. The deadline passes during the first put."""
    times = iter([0.0, REQUEST_SECONDS - 0.1, REQUEST_SECONDS, REQUEST_SECONDS + 1.0])
    source.function.ingest._clock = lambda: next(times)
    body = source.send(*[an_event()] * 3)
    assert [one["outcome"] for one in body["processed"]] == ["created"]
    late = body["unprocessedEntities"]
    assert [(one["statusCode"], one["errorCode"], one["isRetryable"]) for one in late] == [
        (429, "too.many.requests", True)
    ] * 2


def test_storing_failures_does_not_delay_the_response_past_the_deadline(
    source: Source, figures: dict[str, int]
) -> None:
    now = [0.0]
    source.function.ingest._clock = lambda: now[0]
    events = [an_event("good")] + [an_event(f"bad-{index}", dateCreated=None) for index in range(40)]
    put_all = source.function.ingest._put_all

    def slow(*given: Any) -> Any:
        yield from put_all(*given)
        now[0] = REQUEST_SECONDS

    source.function.ingest._put_all = slow
    assert source.outcomes(*events) == ["created"] + ["missing.date"] * 40
    assert source.failures() == []
    assert figures["FailuresNotKept"] == 40


def test_the_timeouts_of_calls_fit_into_a_requests_12_seconds() -> None:
    config: Any = aws._CONFIG
    assert REQUEST_SECONDS == 12
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries == {"total_max_attempts": 3, "mode": "standard"}


# -- failures that cannot be stored ------------------------------------------------------------------------------------


def test_an_error_while_storing_a_failure_does_not_change_the_response_and_is_counted(
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


def test_an_error_while_storing_a_large_payload_does_not_change_the_response(
    source: Source, figures: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source.function.ingest._failures, "_bucket", "no-such-bucket")
    assert source.outcomes(an_event(attributes={"note": "n" * (300 * 1024)})) == ["event.too.large"]
    assert figures["FailuresNotKept"] == 1


def test_nothing_is_counted_if_every_failure_was_stored(source: Source, figures: dict[str, int]) -> None:
    source.send(an_event("bad", dateCreated=None))
    assert "FailuresNotKept" not in figures
