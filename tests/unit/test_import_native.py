"""The import of past native events: files as EventBridge's targets write them, outcomes, retries and interruptions."""

import gzip
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from journeys import aws, dates
from journeys.events.failures.store import FailureStore
from journeys.events.model import StoredEvent
from journeys.registry.native_sources.store import NativeSourceStore
from tests.conftest import ORGANIZATION
from tests.support.cli import run_journeys
from tests.support.functions import Context, load
from tests.support.tables import Tables
from tools.commands import options
from tools.errors import ToolError
from tools.importer import native_import
from tools.importer.errors import CannotImport
from tools.importer.native_import import EVENTS_PER_CALL, WAITS, NativeImport, Outcome, send_to
from tools.importer.recorded_events import MAX_EVENT, READ_CHARACTERS, read_messages
from tools.native_events import BODIES, LOCAL_SOURCE, connect_event, genesys_event
from tools.progress import Bar

NOON = dates.parse("2026-03-02T12:00:00Z")


def event(number: int = 0, kind: str = "customer.start", **body: Any) -> dict[str, Any]:
    return genesys_event(kind, date_ms=NOON, conversation_id=f"conversation-{number}", **body)


def written(path: Path, *texts: str | dict[str, Any], between: str = "\n") -> Path:
    path.write_text(between.join(text if isinstance(text, str) else json.dumps(text) for text in texts) + between)
    return path


class Lambda:
    """A client of Lambda that calls the function in this process."""

    def __init__(self) -> None:
        self.function, self.calls = load("native"), list[dict[str, Any]]()

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        assert arguments["FunctionName"] == "NativeFunction-1"
        self.calls.append(json.loads(arguments["Payload"]))
        return {"Payload": io.BytesIO(json.dumps(self.function.handler(self.calls[-1], Context())).encode())}


@pytest.fixture
def function(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Lambda:
    """The function of the stack that the command uses. One organization has a source."""
    NativeSourceStore(tables.dynamodb, tables.registry).add(LOCAL_SOURCE, ORGANIZATION)
    client = Lambda()
    stack = SimpleNamespace(client=lambda *_: client, physical_id=lambda name: f"{name}-1")
    monkeypatch.setattr(options, "open_stack", lambda _: stack)
    return client


def stored(tables: Tables) -> list[StoredEvent]:
    return [StoredEvent.from_item(item) for item in tables.items(tables.events)]


def cells(output: str) -> dict[str, str]:
    """The number of events by outcome, from the table that the command prints."""
    rows = [line.split("│") for line in output.splitlines() if line.startswith("│")]
    return {row[1].strip(): row[2].strip() for row in rows}


# -- outcomes ----------------------------------------------------------------------------------------------------------


def test_events_of_every_kind_are_stored_once(function: Lambda, tables: Tables, tmp_path: Path) -> None:
    envelopes = [event(kind=kind) for kind in BODIES]
    path = written(tmp_path / "calls.jsonl", *envelopes, envelopes[0], event(kind="wrapup") | {"detail-type": "Other"})
    result = run_journeys("import-native", path)
    assert (result.exit_code, cells(result.stdout)["created"]) == (0, str(len(BODIES))), result.stderr
    assert {name: cells(result.stdout)[name] for name in ("duplicate", "ignored", "total")} == {
        "duplicate": "1", "ignored": "1", "total": str(len(BODIES) + 2),
    }  # fmt: skip
    assert {(one.organization_id, one.configuration_id) for one in stored(tables)} == {(ORGANIZATION, "native")}
    again = run_journeys("import-native", path)
    assert (cells(again.stdout)["created"], cells(again.stdout)["duplicate"]) == ("0", str(len(BODIES) + 1))
    assert len(stored(tables)) == len(BODIES)


def test_what_is_not_stored_is_named_with_its_number(function: Lambda, tables: Tables, tmp_path: Path) -> None:
    path = written(
        tmp_path / "calls.jsonl",
        event(),
        event(1, eventTime=None),
        "not json",
        event(2, source="aws.partner/unknown"),
        connect_event("QUEUED", date_ms=NOON, contact_id="c"),
        '{"source": 7}',
        event(1),
    )
    result = run_journeys("import-native", path)
    counted = cells(result.stdout)
    assert result.exit_code == 1
    assert (counted["created"], counted["failed"], counted["unreadable"], counted["total"]) == ("2", "1", "1", "7")
    assert "missing.date" in result.stdout
    assert "No organization has the source: aws.partner/unknown." in result.stdout
    assert "without a source" in result.stdout
    assert "admin native-source add" in result.stdout
    failures = FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive")
    (failure,) = failures.all_newest_first(ORGANIZATION)
    assert (failure.reason, failure.configuration_id) == ("missing.date", "native")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (event(), 0),
        (event(source="other"), 1),
        (event(eventTime=None), 1),
        ("no json", 1),
        (event() | {"detail-type": ""}, 0),
    ],
    ids=["created", "unmapped", "failed", "unreadable", "ignored"],
)
def test_the_exit_status_says_whether_something_was_not_stored(
    function: Lambda, tmp_path: Path, given: str | dict[str, Any], status: int
) -> None:
    assert run_journeys("import-native", written(tmp_path / "calls.jsonl", given)).exit_code == status


def test_a_dry_run_stores_nothing(function: Lambda, tables: Tables, tmp_path: Path) -> None:
    path = written(tmp_path / "calls.jsonl", event(), event(1, eventTime=None), event(2, source="other"))
    result = run_journeys("import-native", path, "--dry-run")
    counted = cells(result.stdout)
    assert (result.exit_code, counted["valid"], counted["failed"], counted["unmapped"]) == (1, "1", "1", "1")
    assert "GET externalevents/failures" not in result.stdout
    assert (stored(tables), tables.items(tables.failures)) == ([], [])


def test_an_empty_file_is_said_to_be_empty(function: Lambda, tmp_path: Path) -> None:
    result = run_journeys("import-native", written(tmp_path / "calls.jsonl", ""))
    assert (result.exit_code, function.calls) == (0, [])
    assert "has no events" in result.stdout


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("between", ["\n", "\r\n", "", " ", "\n\n"])
@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
def test_a_file_has_one_object_after_another(tmp_path: Path, between: str, *, compress: bool) -> None:
    envelopes = [event(number, ani="tel:+13175550" + "é" * (number % 3)) for number in range(300)]
    path = written(tmp_path / "calls", *envelopes, between=between)
    assert path.stat().st_size > READ_CHARACTERS
    if compress:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert [json.loads(text) for text in read_messages(path)] == envelopes


def test_what_is_no_object_ends_with_its_line(tmp_path: Path) -> None:
    good, large = json.dumps(event()), "{" + "x" * (2 * MAX_EVENT)
    path = written(tmp_path / "calls", "7" + good, f'{good}{{"cut', good, large, good, "{" * 5000, f"{good} end", good)
    read = list(read_messages(path))
    assert [text if len(text) < 2000 else text[:5] for text in read] == [
        "7" + good, good, '{"cut', good, "{xxxx", good, "{{{{{", good, "end", good,
    ]  # fmt: skip


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(event()).encode())
    assert [json.loads(text) for text in read_messages(path)] == [event()]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe{}", "not encoded in UTF-8"),
        (gzip.compress(b"{}" * 1000)[:-9], "damaged or incomplete"),
        (b"\x1f\x8bnothing", "damaged or incomplete"),
        (b"\n [{}]", "is a JSON array. Write one event per line"),
    ],
    ids=["encoding", "cut", "no gzip", "array"],
)
def test_a_file_that_cannot_be_read_is_refused_before_the_first_event(
    function: Lambda, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "calls"
    path.write_bytes(content)
    result = run_journeys("import-native", path)
    assert (result.exit_code, function.calls) == (1, [])
    assert message in result.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotImport, match="missing cannot be read: No such file"):
        list(read_messages(tmp_path / "missing"))


def test_an_event_that_is_too_large_is_not_sent(function: Lambda, tmp_path: Path) -> None:
    path = written(tmp_path / "calls", event(), json.dumps(event(1, note="x" * MAX_EVENT)), event(2))
    result = run_journeys("import-native", path)
    assert (cells(result.stdout)["created"], cells(result.stdout)["unreadable"]) == ("2", "1")


# -- calls -------------------------------------------------------------------------------------------------------------


def imported(send: Callable[[Sequence[str]], Sequence[Outcome]], path: Path, threads: int = 1) -> NativeImport:
    run = NativeImport(send, threads, wait=lambda _: None)
    run.run(path, Bar())
    return run


def test_a_call_has_bounded_events_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Sequence[str]] = []

    def send(messages: Sequence[str]) -> Sequence[Outcome]:
        calls.append(messages)
        return [{"outcome": "created"}] * len(messages)

    monkeypatch.setattr(native_import, "CALL_BYTES", 500)
    imported(
        send, written(tmp_path / "calls", *['{"a": "é"}'] * (EVENTS_PER_CALL + 1), *[f'{{"b": "{"é" * 100}"}}'] * 3)
    )
    assert [len(call) for call in calls] == [45, 45, 12, 2]
    monkeypatch.undo()
    calls.clear()
    imported(send, tmp_path / "calls")
    assert [len(call) for call in calls] == [EVENTS_PER_CALL, 4]


def test_only_events_that_were_not_stored_in_time_are_sent_again(tmp_path: Path) -> None:
    calls: list[Sequence[str]] = []
    late: Outcome = {
        "outcome": "failed",
        "errorCode": "too.many.requests",
        "errorMessage": "Late.",
        "isRetryable": True,
    }

    def send(messages: Sequence[str]) -> Sequence[Outcome]:
        calls.append(messages)
        done = len(calls) > 1
        return [{"outcome": "created"} if done or "1" in text else late for text in messages]

    run = imported(send, written(tmp_path / "calls", '{"a": 1}', '{"a": 2}'))
    assert calls == [['{"a": 1}', '{"a": 2}'], ['{"a": 2}']]
    assert run.tally.count("created") == 2


def test_events_that_are_never_stored_in_time_had_no_response(
    function: Lambda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = {"outcome": "failed", "errorCode": "too.many.requests", "errorMessage": "Late.", "isRetryable": True}
    monkeypatch.setattr(function.function, "handler", lambda given, _: {"outcomes": [late] * len(given["messages"])})
    monkeypatch.setattr(native_import, "WAITS", (0,) * len(WAITS))
    result = run_journeys("import-native", written(tmp_path / "calls", event()))
    assert (result.exit_code, len(function.calls)) == (1, 1 + len(WAITS))
    assert "1 events were not stored in time" in result.stderr


def test_a_function_that_fails_ends_the_import_and_counts_what_was_sent(tmp_path: Path) -> None:
    calls = 0

    def send(messages: Sequence[str]) -> Sequence[Outcome]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ToolError("The function failed.")
        return [{"outcome": "created"}] * len(messages)

    run = NativeImport(send, 1)
    path = written(tmp_path / "calls", *['{"a": 1}'] * (3 * EVENTS_PER_CALL))
    with pytest.raises(ToolError):
        run.run(path, Bar())
    assert run.tally.count("created") in (EVENTS_PER_CALL, 2 * EVENTS_PER_CALL)


def test_an_error_of_the_function_is_one_sentence() -> None:
    answer = {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "secret"}')}
    client = SimpleNamespace(invoke=lambda **_: answer)
    stack: Any = SimpleNamespace(client=lambda *_: client, physical_id=lambda name: name)
    with pytest.raises(ToolError, match=r"^The function that ingests native events failed\. See its log") as raised:
        send_to(stack, validate_only=False)(["{}"])
    assert "secret" not in raised.value.message
