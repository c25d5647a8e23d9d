"""Computing jobs in one run and in parts, with repeated messages, crashes, server errors and cancellations."""

import errno
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from journeys import aws, dates, jsontext
from journeys.archive import links, reading
from journeys.archive.columns import BUCKETS
from journeys.archive.links import LinkArrays
from journeys.archive.model import ArchiveFile, LinksFile, Snapshot
from journeys.archive.scratch import PREFIX
from journeys.errors import NotComputable, ServiceUnavailable
from journeys.identity.settings import IdentitySettings
from journeys.registry.schemas.kinds import AttributeKind
from journeys.registry.schemas.store import SchemaStore
from journeys.views.computation import run as engine
from journeys.views.computation.merging import Merging
from journeys.views.computation.partial_result import PartialResult
from journeys.views.computation.plan import EventType
from journeys.views.jobs import computing, running
from journeys.views.jobs.computing import AttemptFailed
from journeys.views.jobs.identity import JobIdentity
from journeys.views.jobs.model import ATTEMPT_DEADLINE_MS, Job, Status
from journeys.views.jobs.running import Runner
from journeys.views.jobs.spec import JobSpec, split
from journeys.views.jobs.store import JobStore
from journeys.views.model import View, ViewDefinition
from tests.conftest import ORGANIZATION
from tests.support.aws_errors import client_error
from tests.support.functions import Context
from tests.support.jobs import HOUR, NOON, Calls, Crash, FakeStateMachine, JobHarness, harness, run_concurrently

__all__ = ["harness"]

SERVER_ERROR = client_error("ServiceUnavailable", 503)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [NOON + 24 * HOUR]
    monkeypatch.setattr(dates, "now_ms", lambda: moment[0])
    return moment


@pytest.fixture
def view(harness: JobHarness, now: list[int]) -> View:
    """A view of eight customers who order. Four of them are sent the goods an hour later. The files overlap."""
    ordered, sent = harness.event_type("Ordered", amount="number", channel="string"), harness.event_type("Sent")
    names = [f"customer-{number}" for number in range(8)]
    harness.land(ordered, *((name, NOON) for name in names[:5]), received=NOON + HOUR, amount=5, channel="web")
    harness.land(ordered, *((name, NOON) for name in names[3:]), received=NOON + HOUR, amount=5, channel="web")
    harness.land(sent, *((name, NOON + HOUR) for name in names[::2]), received=NOON + 2 * HOUR)
    return harness.view(
        name="Sending",
        interval=f"{dates.text(NOON - HOUR)}/{dates.text(NOON + 3 * HOUR)}",
        elements=[
            {
                "id": "ordered",
                "name": "Ordered",
                "attributes": {"id": ordered.schema_id},
                "followedBy": [{"id": "sent", "constraintWithin": {"unit": "Hours", "value": 2}}],
            },
            {"id": "sent", "name": "Sent", "attributes": {"id": sent.schema_id}},
        ],
        charts=[
            {
                "name": "By channel",
                "groupByTime": "Day",
                "groupByAttributes": [{"elementId": "ordered", "attribute": "channel"}],
                "metrics": [
                    {"id": "sum", "elementId": "ordered", "aggregate": "Sum", "attribute": "amount"},
                    {"id": "customers", "elementId": "ordered"},
                ],
            }
        ],
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute each part of the view only once per test. Tests that repeat jobs do not check the figures."""
    known: dict[tuple[int, int], PartialResult] = {}
    of = reading.Events.of

    def connect_later(*how: Any) -> Any:
        return _Later(lambda: reading.connect(*how))

    def run_once(
        plan: Any, events: Any, connection: Any, first: int, last: int, merging: Merging | None
    ) -> PartialResult:
        assert merging is None
        if (first, last) not in known:
            with connection.make() as opened:
                known[first, last] = engine.run(plan, of(opened, *events), opened, first, last)
        return known[first, last]

    nobody = LinkArrays(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_))
    monkeypatch.setattr(links, "find", lambda *_: False)
    monkeypatch.setattr(links, "read", lambda *_: nobody)
    monkeypatch.setattr(running, "connect", connect_later)
    monkeypatch.setattr(running, "run", run_once)
    monkeypatch.setattr(reading.Events, "of", lambda _, *what: what)


class _Later:
    """A connection that opens on first use."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def close(self) -> None:
        pass


def assert_expected(results: Any) -> None:
    """Check the figures of the view."""
    counts = {one["id"]: one["metrics"]["participantCount"] for one in results["elements"]}
    assert counts == {"ordered": 8, "sent": 4}


def without_uris(results: Any) -> Any:
    """Results without the fields that contain the job id."""
    return results | {"charts": [{k: v for k, v in chart.items() if k != "selfUri"} for chart in results["charts"]]}


def compute_in_parts(harness: JobHarness, calls: dict[str, Calls] | None = None) -> None:
    """Deliver the queue's messages with small runs, then run the state machine."""
    with harness.small_runs():
        harness.drain()
        harness.run_machine(calls)


def recording() -> Calls:
    """Calls without a fault."""
    return Calls(lambda _number, _name, call: call())


def failing_at(index: int, error: BaseException, *, after: bool, times: int = 1) -> Calls:
    """Calls of which `times` fail, starting with number `index`, before or after they take effect."""
    left = times

    def fault(number: int, _: str, call: Callable[[], Any]) -> Any:
        nonlocal left
        if number < index or not left:
            return call()
        left -= 1
        if after:
            call()
        raise error

    return Calls(fault)


# -- one run and parts -------------------------------------------------------------------------------------------------


def test_a_job_in_parts_has_the_same_results_as_in_one_run(harness: JobHarness, view: View) -> None:
    whole = harness.accept(view)
    assert harness.deliver() == []
    assert harness.machine.started == {}
    parts = harness.accept(view)
    with harness.small_runs():
        assert harness.deliver() == []
    ((name, started),) = harness.machine.started.items()
    job_id = parts.rsplit("/", 1)[1]
    assert name == f"{job_id}-1"
    assert started == {"organizationId": ORGANIZATION, "jobId": job_id, "attempt": 1, "parts": started["parts"]}
    assert 1 < len(started["parts"]) <= BUCKETS
    assert harness.job(parts)["status"] == "Executing"
    assert harness.request("GET", f"{parts}/results")[1]["code"] == "job.not.complete"
    harness.run_machine()
    assert_expected(harness.results(whole))
    assert without_uris(harness.results(parts)) == without_uris(harness.results(whole))
    assert harness.job(parts)["dateDataUntil"] == harness.job(whole)["dateDataUntil"] == dates.text(NOON + 2 * HOUR)


def test_parts_read_the_archive_as_of_the_start_of_the_attempt(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    with harness.small_runs():
        assert harness.deliver() == []
    ordered = SchemaStore(harness.tables.dynamodb, harness.tables.registry).all(ORGANIZATION)[0]
    assert ordered.title == "Ordered"
    harness.land(ordered, ("late", NOON), received=NOON + 9 * HOUR)
    harness.run_machine()
    assert_expected(harness.results(path))
    assert harness.job(path)["dateDataUntil"] == dates.text(NOON + 2 * HOUR)


@pytest.mark.parametrize(("identity", "files"), [("Identifier", 3), ("Person", 4), (None, 4)])
def test_a_run_fetches_only_the_needed_files_and_deletes_them(
    harness: JobHarness,
    view: View,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    identity: str | None,
    files: int,
) -> None:
    """A landed file outside the interval is needed for the links of its events."""
    view = harness.view(**view.definition.to_values() | {"identity": identity})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"{PREFIX}of-one-that-was-killed").mkdir()
    ordered = SchemaStore(harness.tables.dynamodb, harness.tables.registry).all(ORGANIZATION)[0]
    harness.land(ordered, ("old", NOON - 99 * HOUR), received=NOON - 98 * HOUR)
    path, calls = harness.accept(view), recording()
    assert harness.deliver(calls) == []
    assert_expected(harness.results(path))
    assert calls.names.count("download_file") == files
    assert list(tmp_path.iterdir()) == []


# -- repeated messages -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_a_repeated_message_changes_nothing(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    (message,) = harness.messages()
    harness.invoke("compute", {"Records": [message]})
    job, results = harness.job(path), harness.results(path)
    again = recording()
    harness.invoke("compute", {"Records": [message]}, again)
    assert again.names == ["get_item"]
    assert (harness.job(path), harness.results(path)) == (job, results)


@pytest.mark.parametrize("in_parts", [False, True])
def test_concurrent_deliveries_of_a_message_complete_the_job_once(
    harness: JobHarness, view: View, monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    ends: list[str] = []
    monkeypatch.setattr(computing, "emit_duration", lambda name, _: ends.append(name))
    path = harness.accept(view)
    message = harness.repeated()
    both = threading.Barrier(2, timeout=30)

    def meeting() -> Calls:
        met = False

        def fault(_: int, name: str, call: Callable[[], Any]) -> Any:
            nonlocal met
            answer = call()
            if name == "transact_write_items" and not met:
                met = True
                both.wait()  # both start an attempt before either continues
            return answer

        return Calls(fault)

    if in_parts:
        monkeypatch.setenv("EVENTS_PER_RUN", "8")
    functions = [harness.load("compute", meeting()) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(one.handler, {"Records": [message]}, Context()) for one in functions]:
            done.result()
    if in_parts:
        assert len(harness.machine.started) == 2
        harness.run_machine()
        harness.run_machine()
    assert harness.job(path)["status"] == "Complete"
    assert ends == ["JobDuration"]
    assert_expected(harness.results(path))


@pytest.mark.usefixtures("quick")
def test_a_superseded_attempt_does_not_complete_the_job(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    message = harness.repeated()
    with harness.small_runs():
        harness.invoke("compute", {"Records": [message]})
        first = dict(harness.machine.started)
        harness.invoke("compute", {"Records": [message]})
    second = {name: one for name, one in harness.machine.started.items() if name not in first}
    harness.machine.started = first
    calls = {"part": recording(), "merge": recording()}
    harness.run_machine(calls)
    assert harness.job(path)["status"] == "Executing"
    assert (
        "put_object" not in calls["part"].names + calls["merge"].names
    )  # parts of a superseded attempt are not computed
    harness.machine.started = second
    harness.run_machine()
    assert_expected(harness.results(path))


@pytest.mark.usefixtures("quick")
def test_an_attempt_superseded_while_it_computes_does_not_complete_the_job(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    message = harness.repeated()
    jobs = JobStore(harness.tables.dynamodb, harness.tables.registry)

    def fault(_: int, name: str, call: Callable[[], Any]) -> Any:
        if name == "put_object":
            assert jobs.claim(ORGANIZATION, path.rsplit("/", 1)[1]) is not None
        return call()

    harness.invoke("compute", {"Records": [message]}, Calls(fault))
    assert harness.job(path)["status"] == "Executing"
    harness.invoke("compute", {"Records": [message]})
    assert_expected(harness.results(path))


# -- crashes and errors ------------------------------------------------------------------------------------------------


def count_calls(harness: JobHarness, view: View, *, in_parts: bool) -> int:
    """The number of AWS calls that the compute function makes for the view."""
    calls, path = recording(), harness.accept(view)
    if in_parts:
        with harness.small_runs():
            assert harness.deliver(calls) == []
        harness.run_machine()
        harness.machine.started.clear()
    else:
        assert harness.deliver(calls) == []
    assert_expected(harness.results(path))
    return len(calls.names)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [Crash(), SERVER_ERROR], ids=["crash", "server error"])
@pytest.mark.parametrize("in_parts", [False, True])
def test_if_any_call_of_the_compute_function_fails_a_retry_completes_the_job(
    harness: JobHarness, view: View, error: BaseException, *, in_parts: bool
) -> None:
    for index in range(count_calls(harness, view, in_parts=in_parts)):
        for after in (False, True) if error is not SERVER_ERROR else (False,):
            path = harness.accept(view)
            if in_parts:
                with harness.small_runs():
                    raised = harness.deliver(failing_at(index, error, after=after))
                compute_in_parts(harness)
                harness.machine.started.clear()
            else:
                raised = harness.deliver(failing_at(index, error, after=after))
                harness.drain()
            assert [type(one) for one in raised] in ([type(error)], [AttemptFailed]), index
            assert harness.job(path)["status"] == "Complete", (index, after)
            assert_expected(harness.results(path))
            assert harness.messages() == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [Crash(), SERVER_ERROR], ids=["crash", "server error"])
@pytest.mark.parametrize("function", ["part", "merge"])
def test_if_any_call_of_the_part_or_merge_function_fails_a_retry_completes_the_job(
    harness: JobHarness, view: View, function: str, error: BaseException
) -> None:
    counted = {"part": recording(), "merge": recording()}
    path = harness.accept(view)
    compute_in_parts(harness, counted)
    assert_expected(harness.results(path))
    harness.machine.started.clear()
    for index in range(min(len(counted[function].names), 8)):  # the calls of all parts are alike
        for after in (False, True) if error is not SERVER_ERROR else (False,):
            path = harness.accept(view)
            compute_in_parts(harness, {function: failing_at(index, error, after=after)})
            harness.machine.started.clear()
            assert harness.job(path)["status"] == "Complete", (index, after)
            assert_expected(harness.results(path))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("function", ["part", "merge"])
def test_a_permanent_error_fails_the_job_without_its_message(harness: JobHarness, view: View, function: str) -> None:
    for index in range(2):
        path = harness.accept(view)
        compute_in_parts(harness, {function: failing_at(index, SERVER_ERROR, after=False, times=100)})
        harness.machine.started.clear()
        job = harness.job(path)
        assert (job["status"], job["error"]["code"]) == ("Failed", "computation.failed")
        assert "canary" not in str(job)
        assert "secret" not in str(job)


@pytest.mark.parametrize("function", ["part", "merge"])
def test_the_part_and_merge_functions_raise_only_the_type_of_an_error(
    harness: JobHarness, view: View, function: str
) -> None:
    harness.accept(view)
    with harness.small_runs():
        assert harness.deliver() == []
    (started,) = harness.machine.started.values()
    for index in range(2):
        with pytest.raises(AttemptFailed, match=r"^ClientError$"):
            harness.invoke(function, started | {"part": 0}, failing_at(index, SERVER_ERROR, after=False))
    key = f"work/{ORGANIZATION}/{started['jobId']}/1/order.json"
    spec = jsontext.loads(aws.s3().get_object(Bucket="archive", Key=key)["Body"].read())
    spec["definition"]["elements"] = "ada@example.com"
    aws.s3().put_object(Bucket="archive", Key=key, Body=jsontext.dumps(spec).encode())
    with pytest.raises(AttemptFailed, match=r"^ValidationError$"):
        harness.invoke(function, started | {"part": 0})


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [Crash(), SERVER_ERROR], ids=["crash", "server error"])
def test_a_message_that_is_delivered_too_often_fails_its_job(
    harness: JobHarness, view: View, error: BaseException
) -> None:
    for index in range(count_calls(harness, view, in_parts=False) - 1):  # The job ends before the last call.
        path = harness.accept(view)
        attempts = [harness.deliver(failing_at(index, error, after=False)) for _ in range(5)]
        assert [len(raised) for raised in attempts] == [1, 1, 1, 0, 0]
        if index < 2:  # No attempt could start.
            harness.deliver_dead_letters()
            assert harness.job(path)["status"] == "Accepted"
            harness.drain()
            assert harness.job(path)["status"] == "Complete"
            continue
        assert harness.job(path)["status"] == "Executing"
        harness.deliver_dead_letters()
        job = harness.job(path)
        assert (job["status"], job["error"]["code"]) == ("Failed", "computation.failed")


def test_a_job_that_is_not_retried_has_failed_after_its_deadline(
    harness: JobHarness, view: View, now: list[int]
) -> None:
    path = harness.accept(view)
    assert harness.deliver(failing_at(2, Crash(), after=False)) != []
    assert harness.job(path)["status"] == "Executing"
    now[0] += ATTEMPT_DEADLINE_MS
    assert harness.job(path)["error"]["code"] == "job.lost"
    harness.drain()
    assert harness.job(path)["error"]["code"] == "job.lost"
    assert harness.request("GET", f"{path}/results")[1]["code"] == "job.not.complete"


def test_an_attempt_that_ends_after_the_deadline_does_not_complete_the_job(
    harness: JobHarness, view: View, now: list[int]
) -> None:
    path = harness.accept(view)

    def fault(_: int, name: str, call: Callable[[], Any]) -> Any:
        if name == "put_object":
            now[0] += ATTEMPT_DEADLINE_MS
        return call()

    assert harness.deliver(Calls(fault)) == []
    assert harness.job(path)["error"]["code"] == "job.lost"
    assert harness.request("GET", f"{path}/results")[0] == 409


def test_an_error_makes_the_queue_retry_the_message_soon(harness: JobHarness, view: View) -> None:
    harness.accept(view)
    calls = failing_at(2, SERVER_ERROR, after=False)
    (message,) = harness.messages()
    with pytest.raises(AttemptFailed, match=r"^ClientError$"):  # without the message, which can contain customer data
        harness.invoke("compute", {"Records": [message]}, calls)
    assert calls.names[-1] == "change_message_visibility"


def test_an_error_of_the_queue_does_not_hide_the_original_error(harness: JobHarness, view: View) -> None:
    harness.accept(view)
    other = ClientError({"Error": {"Code": "Other"}}, "ChangeMessageVisibility")

    def fault(number: int, name: str, call: Callable[[], Any]) -> Any:
        if name == "change_message_visibility":
            raise other
        if number == 2:
            raise SERVER_ERROR
        return call()

    (message,) = harness.messages()
    with pytest.raises(AttemptFailed):
        harness.invoke("compute", {"Records": [message]}, Calls(fault))


def test_starting_an_execution_twice_is_not_an_error(harness: JobHarness, view: View) -> None:
    harness.accept(view)
    harness.machine = EverythingStarted()
    with harness.small_runs():
        assert harness.deliver() == []


class EverythingStarted(FakeStateMachine):
    """A state machine in which every name is in use."""

    def start_execution(self, **request: Any) -> dict[str, Any]:
        self.started[request["name"]] = None
        return super().start_execution(**request)


# -- cancellation ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("function", ["compute", "compute in parts", "part", "merge"])
def test_a_job_can_be_canceled_before_any_call_of_its_functions(harness: JobHarness, view: View, function: str) -> None:
    calls, index, answers = recording(), 0, []
    while index == 0 or index <= len(calls.names):
        path = harness.accept(view)

        def fault(number: int, _: str, call: Callable[[], Any], path: str = path, index: int = index) -> Any:
            if number == index:
                answers.append(run_concurrently(lambda: harness.request("PATCH", path, {"status": "Cancelled"})[0]))
            return call()

        calls = Calls(fault)
        if function == "compute":
            assert harness.deliver(calls) == []
        else:
            with harness.small_runs():
                assert harness.deliver(calls if function == "compute in parts" else None) == []
            harness.run_machine({function: calls})
            harness.machine.started.clear()
        if index >= len(calls.names):
            assert harness.job(path)["status"] == "Complete"
            break
        if answers[-1] == 409:  # The job was complete before its last calls.
            assert harness.job(path)["status"] == "Complete"
            index += 1
            continue
        assert answers[-1] == 200
        assert harness.job(path)["status"] == "Cancelled"
        assert harness.request("GET", f"{path}/results")[1]["messageParams"] == {"status": "Cancelled"}
        index += 1
    assert len(answers) == index > 2


# -- errors of the view ------------------------------------------------------------------------------------------------


def test_a_deleted_event_type_fails_the_job_immediately(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    schema_id = view.definition.elements[0].attributes.id
    SchemaStore(harness.tables.dynamodb, harness.tables.registry).delete(ORGANIZATION, schema_id)
    assert harness.deliver() == []
    job = harness.job(path)
    assert (job["status"], job["error"]["code"]) == ("Failed", "event.definition.gone")
    assert schema_id in job["error"]["message"]
    assert harness.messages() == []


class Wrong(NotComputable):
    code = "wrong.view"


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_view_that_cannot_be_computed_fails_immediately_with_the_reason(
    harness: JobHarness, view: View, monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    runs = []

    def run(*_: Any) -> Any:
        runs.append(1)
        raise Wrong("The view has too many groups.")

    monkeypatch.setattr("journeys.views.jobs.running.run", run)
    path = harness.accept(view)
    if in_parts:
        compute_in_parts(harness)
    else:
        assert harness.deliver() == []
    job = harness.job(path)
    assert (job["status"], job["error"]) == (
        "Failed",
        {"code": "wrong.view", "message": "The view has too many groups."},
    )
    assert len(runs) == 1  # the other parts are not computed
    assert harness.messages() == []


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_result_that_is_too_large_for_a_response_fails_the_job(
    harness: JobHarness, view: View, monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    monkeypatch.setattr(computing, "MAX_RESULT_BYTES", 100)
    path = harness.accept(view)
    if in_parts:
        compute_in_parts(harness)
    else:
        assert harness.deliver() == []
    assert harness.job(path)["error"]["code"] == "result.too.large"


def test_a_service_unavailable_error_is_retried(
    harness: JobHarness, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: Any) -> Any:
        raise ServiceUnavailable("The store does not answer.")

    monkeypatch.setattr("journeys.views.jobs.running.run", run)
    path = harness.accept(view)
    assert len(harness.deliver()) == 1
    assert harness.job(path)["status"] == "Executing"


def test_events_that_do_not_fit_fail_the_job_with_advice(
    harness: JobHarness, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    def no_memory(*_: Any) -> Any:
        raise duckdb.OutOfMemoryException("Out of Memory Error")

    def disk_full(_: Any) -> Any:
        return SimpleNamespace(free=1)

    for index, replacement in (
        ("journeys.archive.store.ArchiveStore._download", no_room),
        ("journeys.views.jobs.running.run", no_memory),
        ("journeys.views.jobs.running.shutil.disk_usage", disk_full),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(index, replacement)
            path = harness.accept(view)
            assert harness.deliver() == []
        error = harness.job(path)["error"]
        assert error["code"] == "events.do.not.fit"
        assert "Shorten the interval" in error["message"]


def test_other_file_errors_are_retried(harness: JobHarness, view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("journeys.archive.store.ArchiveStore._download", broken)
    path = harness.accept(view)
    assert len(harness.deliver()) == 1
    assert harness.job(path)["status"] == "Executing"


def test_duckdb_gets_half_of_the_memory_and_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[Any] = []

    def connect(*arguments: Any) -> Any:
        passed.append(arguments[1:])
        raise Wrong("enough")

    monkeypatch.setattr("journeys.views.jobs.running.connect", connect)

    class NoFiles:
        def fetch(self, *_: Any) -> dict[str, Path]:
            return {}

    for memory in (512, 1769, 3008, 10_240):
        with pytest.raises(Wrong):
            Runner(NoFiles(), memory)(a_spec(), 0, 15)  # type: ignore[arg-type]
    assert passed == [("256MB", 1), ("884MB", 1), ("1504MB", 2), ("5120MB", 6)]


# -- job specifications ------------------------------------------------------------------------------------------------


def a_file(rows: int, first: int = 0, last: int = BUCKETS - 1) -> ArchiveFile:
    return ArchiveFile(f"k-{rows}-{first}", "2026-11-23", first, last, rows, 1, NOON, NOON, NOON)


def a_spec() -> JobSpec:
    definition: Any = {
        "name": "A",
        "duration": "P1D",
        "elements": [
            {
                "id": "a",
                "name": "A",
                "attributes": {"id": "t"},
                "filter": {
                    "numberPredicates": [{"dimension": "amount", "range": {"gt": {"number": "PLACEHOLDER"}}}],
                    "predicates": [{"dimension": "note", "values": ["ä", ""], "operator": "NotMatches"}],
                },
            }
        ],
    }
    text = jsontext.dumps(definition).replace('"PLACEHOLDER"', "12345678901234567890.123456789")
    return JobSpec(
        organization_id=ORGANIZATION,
        job_id="j",
        attempt=3,
        at=NOON,
        definition=ViewDefinition.model_validate(jsontext.loads(text.encode())),
        types={"t": EventType("b", {"amount": AttributeKind.NUMBER, "note": AttributeKind.STRING})},
        snapshot=Snapshot(ORGANIZATION, (a_file(5, 0, 3),), (a_file(7),), LinksFile("links", 9, 10)),
        parts=((0, 3), (4, 15)),
        identity=JobIdentity(IdentitySettings(sources=("phone",)), ((-(2**63), 2**63 - 1, True), (1, 2, False))),
    )


def test_a_job_spec_keeps_every_digit_in_json() -> None:
    spec = a_spec()
    restored = JobSpec.from_values(jsontext.loads(jsontext.dumps(spec.to_values()).encode()))
    assert restored == spec
    assert restored.plan() == spec.plan()


def test_the_spec_of_an_earlier_version_counts_identifiers() -> None:
    values = a_spec().to_values()
    del values["identity"], values["snapshot"]["links"]
    restored = JobSpec.from_values(jsontext.loads(jsontext.dumps(values).encode()))
    assert (restored.identity, restored.snapshot.links) == (None, None)


@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15), st.integers(1, 1000)), max_size=12),
    st.integers(1, 3000),
)
def test_parts_cover_every_bucket_once_and_are_as_few_as_possible(files: list[Any], most: int) -> None:
    snapshot = Snapshot("acme", tuple(a_file(n, min(a, b), max(a, b)) for a, b, n in files), ())
    rows = [
        sum(n / (abs(a - b) + 1) for a, b, n in files if min(a, b) <= bucket <= max(a, b)) for bucket in range(BUCKETS)
    ]
    parts = split(snapshot, most)
    assert [bucket for first, last in parts for bucket in range(first, last + 1)] == list(range(BUCKETS))
    for first, last in parts:
        assert first == last or sum(rows[first : last + 1]) <= most * 1.000001
    for (first, _), (following, _) in pairwise(parts):
        assert sum(rows[first : following + 1]) > most * 0.999999  # otherwise they could be one part


def test_events_that_fit_one_run_are_one_part() -> None:
    assert split(Snapshot("acme", (a_file(600), a_file(300, 3, 3)), (a_file(100),)), 1000) == ((0, 15),)
    assert split(Snapshot("acme", (), ()), 1) == ((0, 15),)
    assert len(split(Snapshot("acme", (a_file(10**9),), ()), 1)) == BUCKETS


def test_every_object_in_the_bucket_is_under_its_organization(harness: JobHarness, view: View) -> None:
    harness.accept(view)
    compute_in_parts(harness)
    found = [one["Key"] for one in aws.s3().list_objects_v2(Bucket="archive")["Contents"]]
    organizations = {key.split("/")[0]: key.split("/")[1] for key in found}
    assert organizations == dict.fromkeys(("archive", "work", "results"), ORGANIZATION)


def test_a_jobs_duration_starts_with_its_attempt() -> None:
    deadline = ATTEMPT_DEADLINE_MS + 5
    job = Job("acme", "j", "v", 1, "View", "client", Status.EXECUTING, date_created=0, deadline=deadline, attempt=1)
    assert job.date_begun == 5
