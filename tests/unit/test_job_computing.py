"""From the queue to the result, in one run or in parts: with repeats, crashes, trouble and cancellations anywhere."""

import errno
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from journeys import aws, dates, jsontext
from journeys.archive import reading
from journeys.archive.columns import BUCKETS
from journeys.archive.model import ArchiveFile, Snapshot
from journeys.archive.scratch import PREFIX
from journeys.errors import NotComputable, ServiceUnavailable
from journeys.registry.schemas.kinds import AttributeKind
from journeys.registry.schemas.store import SchemaStore
from journeys.views.computation import run as engine
from journeys.views.computation.partial_result import PartialResult
from journeys.views.computation.plan import EventType
from journeys.views.jobs import computing, running
from journeys.views.jobs.computing import AttemptFailed
from journeys.views.jobs.model import EXECUTING_MS, Job, Status
from journeys.views.jobs.running import Runner
from journeys.views.jobs.spec import JobSpec, split
from journeys.views.jobs.store import JobStore
from journeys.views.model import View, ViewDefinition
from tests.conftest import ORGANIZATION
from tests.support.functions import Context
from tests.support.jobs import HOUR, NOON, Calls, Crash, Machine, Office, aside, office

__all__ = ["office"]

TROUBLE = ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "canary"}}, "AnyOperation")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [NOON + 24 * HOUR]
    monkeypatch.setattr(dates, "now_ms", lambda: moment[0])
    return moment


@pytest.fixture
def view(office: Office, now: list[int]) -> View:
    """Eight customers order, every other one is sent the goods an hour later; the files overlap."""
    ordered, sent = office.event_type("Ordered", amount="number", channel="string"), office.event_type("Sent")
    names = [f"customer-{number}" for number in range(8)]
    office.land(ordered, *((name, NOON) for name in names[:5]), received=NOON + HOUR, amount=5, channel="web")
    office.land(ordered, *((name, NOON) for name in names[3:]), received=NOON + HOUR, amount=5, channel="web")
    office.land(sent, *((name, NOON + HOUR) for name in names[::2]), received=NOON + 2 * HOUR)
    return office.view(
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
    """The engine computes each part of the view once, since a test that repeats jobs is not about figures."""
    known: dict[tuple[int, int], PartialResult] = {}
    of = reading.Events.of

    def connect_later(*how: Any) -> Any:
        return _Later(lambda: reading.connect(*how))

    def run_once(plan: Any, events: Any, connection: Any, first: int, last: int) -> PartialResult:
        if (first, last) not in known:
            with connection.make() as opened:
                known[first, last] = engine.run(plan, of(opened, *events), opened, first, last)
        return known[first, last]

    monkeypatch.setattr(running, "connect", connect_later)
    monkeypatch.setattr(running, "run", run_once)
    monkeypatch.setattr(reading.Events, "of", lambda _, *what: what)


class _Later:
    """A connection that is only opened where it is needed."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def close(self) -> None:
        pass


def expected(results: Any) -> None:
    """What every computation of that view must come to."""
    counts = {one["id"]: one["metrics"]["participantCount"] for one in results["elements"]}
    assert counts == {"ordered": 8, "sent": 4}


def without_uris(results: Any) -> Any:
    """Results, but for what names the job."""
    return results | {"charts": [{k: v for k, v in chart.items() if k != "selfUri"} for chart in results["charts"]]}


def compute_in_parts(office: Office, calls: dict[str, Calls] | None = None) -> None:
    """Delivers the queue's messages and runs what comes of them, until there is nothing left to do."""
    with office.small_runs():
        office.patiently()
        office.run_machine(calls)


def noting() -> Calls:
    """Calls that are only counted."""
    return Calls(lambda _number, _name, call: call())


def failing_at(place: int, error: BaseException, *, after: bool, times: int = 1) -> Calls:
    """Calls of which one fails, or several from that place on; after they had their effect, or before."""
    left = times

    def fault(number: int, _: str, call: Callable[[], Any]) -> Any:
        nonlocal left
        if number < place or not left:
            return call()
        left -= 1
        if after:
            call()
        raise error

    return Calls(fault)


# -- one run and parts -------------------------------------------------------------------------------------------------


def test_a_job_in_parts_has_the_results_of_one_in_one_run(office: Office, view: View) -> None:
    whole = office.accept(view)
    assert office.deliver() == []
    assert office.machine.started == {}
    parts = office.accept(view)
    with office.small_runs():
        assert office.deliver() == []
    ((name, started),) = office.machine.started.items()
    job_id = parts.rsplit("/", 1)[1]
    assert name == f"{job_id}-1"
    assert started == {"organizationId": ORGANIZATION, "jobId": job_id, "attempt": 1, "parts": started["parts"]}
    assert 1 < len(started["parts"]) <= BUCKETS
    assert office.job(parts)["status"] == "Executing"
    assert office.ask("GET", f"{parts}/results")[1]["code"] == "job.not.complete"
    office.run_machine()
    expected(office.results(whole))
    assert without_uris(office.results(parts)) == without_uris(office.results(whole))
    assert office.job(parts)["dateDataUntil"] == office.job(whole)["dateDataUntil"] == dates.text(NOON + 2 * HOUR)


def test_parts_see_the_archive_as_it_was_when_the_try_began(office: Office, view: View) -> None:
    path = office.accept(view)
    with office.small_runs():
        assert office.deliver() == []
    ordered = SchemaStore(office.tables.dynamodb, office.tables.registry).all(ORGANIZATION)[0]
    assert ordered.title == "Ordered"
    office.land(ordered, ("late", NOON), received=NOON + 9 * HOUR)
    office.run_machine()
    expected(office.results(path))
    assert office.job(path)["dateDataUntil"] == dates.text(NOON + 2 * HOUR)


def test_a_run_fetches_only_files_that_matter_and_leaves_nothing_behind(
    office: Office, view: View, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"{PREFIX}of-one-that-was-killed").mkdir()
    ordered = SchemaStore(office.tables.dynamodb, office.tables.registry).all(ORGANIZATION)[0]
    office.land(ordered, ("old", NOON - 99 * HOUR), received=NOON - 98 * HOUR)
    path, calls = office.accept(view), noting()
    assert office.deliver(calls) == []
    expected(office.results(path))
    assert calls.names.count("download_file") == 3
    assert list(tmp_path.iterdir()) == []


# -- the same message again --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_a_message_that_comes_again_changes_nothing(office: Office, view: View) -> None:
    path = office.accept(view)
    (message,) = office.messages()
    office.invoke("compute", {"Records": [message]})
    job, results = office.job(path), office.results(path)
    again = noting()
    office.invoke("compute", {"Records": [message]}, again)
    assert again.names == ["update_item"]
    assert (office.job(path), office.results(path)) == (job, results)


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_message_that_comes_twice_at_once_gives_one_result_and_one_completion(
    office: Office, view: View, monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    ends: list[str] = []
    monkeypatch.setattr(computing, "emit_duration", lambda name, _: ends.append(name))
    path = office.accept(view)
    (message,) = office.messages()
    both = threading.Barrier(2, timeout=30)

    def fault(number: int, _: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if number == 0:
            both.wait()  # both have begun before either goes on
        return answer

    if in_parts:
        monkeypatch.setenv("EVENTS_PER_RUN", "8")
    functions = [office.load("compute", Calls(fault)) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(one.handler, {"Records": [message]}, Context()) for one in functions]:
            done.result()
    if in_parts:
        assert len(office.machine.started) == 2
        office.run_machine()
        office.run_machine()
    assert office.job(path)["status"] == "Complete"
    assert ends == ["JobDuration"]
    expected(office.results(path))


@pytest.mark.usefixtures("quick")
def test_a_try_that_was_overtaken_completes_nothing(office: Office, view: View) -> None:
    path = office.accept(view)
    (message,) = office.messages()
    with office.small_runs():
        office.invoke("compute", {"Records": [message]})
        first = dict(office.machine.started)
        office.invoke("compute", {"Records": [message]})
    second = {name: one for name, one in office.machine.started.items() if name not in first}
    office.machine.started = first
    calls = {"part": noting(), "merge": noting()}
    office.run_machine(calls)
    assert office.job(path)["status"] == "Executing"
    assert "put_object" not in calls["part"].names + calls["merge"].names  # not even the work is done
    office.machine.started = second
    office.run_machine()
    expected(office.results(path))


@pytest.mark.usefixtures("quick")
def test_a_try_that_is_overtaken_while_it_computes_completes_nothing(office: Office, view: View) -> None:
    path = office.accept(view)
    (message,) = office.messages()
    jobs = JobStore(office.tables.dynamodb, office.tables.registry)

    def fault(_: int, name: str, call: Callable[[], Any]) -> Any:
        if name == "put_object":
            assert jobs.claim(ORGANIZATION, path.rsplit("/", 1)[1]) is not None
        return call()

    office.invoke("compute", {"Records": [message]}, Calls(fault))
    assert office.job(path)["status"] == "Executing"
    office.invoke("compute", {"Records": [message]})
    expected(office.results(path))


# -- crashes and trouble -----------------------------------------------------------------------------------------------


def places(office: Office, view: View, *, in_parts: bool) -> int:
    """How many calls computing the view makes, in the function that takes it from the queue."""
    calls, path = noting(), office.accept(view)
    if in_parts:
        with office.small_runs():
            assert office.deliver(calls) == []
        office.run_machine()
        office.machine.started.clear()
    else:
        assert office.deliver(calls) == []
    expected(office.results(path))
    return len(calls.names)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [Crash(), TROUBLE], ids=["crash", "trouble"])
@pytest.mark.parametrize("in_parts", [False, True])
def test_whichever_call_of_a_computation_fails_the_next_try_completes_the_job(
    office: Office, view: View, error: BaseException, *, in_parts: bool
) -> None:
    for place in range(places(office, view, in_parts=in_parts)):
        for after in (False, True) if error is not TROUBLE else (False,):
            path = office.accept(view)
            if in_parts:
                with office.small_runs():
                    raised = office.deliver(failing_at(place, error, after=after))
                compute_in_parts(office)
                office.machine.started.clear()
            else:
                raised = office.deliver(failing_at(place, error, after=after))
                office.patiently()
            assert [type(one) for one in raised] in ([type(error)], [AttemptFailed]), place
            assert office.job(path)["status"] == "Complete", (place, after)
            expected(office.results(path))
            assert office.messages() == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [Crash(), TROUBLE], ids=["crash", "trouble"])
@pytest.mark.parametrize("function", ["part", "merge"])
def test_whichever_call_of_a_part_or_of_the_merging_fails_the_job_completes(
    office: Office, view: View, function: str, error: BaseException
) -> None:
    counted = {"part": noting(), "merge": noting()}
    path = office.accept(view)
    compute_in_parts(office, counted)
    expected(office.results(path))
    office.machine.started.clear()
    for place in range(min(len(counted[function].names), 8)):  # the other parts' calls are like the first one's
        for after in (False, True) if error is not TROUBLE else (False,):
            path = office.accept(view)
            compute_in_parts(office, {function: failing_at(place, error, after=after)})
            office.machine.started.clear()
            assert office.job(path)["status"] == "Complete", (place, after)
            expected(office.results(path))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("function", ["part", "merge"])
def test_what_never_works_fails_the_job_and_says_nothing_of_the_error(
    office: Office, view: View, function: str
) -> None:
    for place in range(2):
        path = office.accept(view)
        compute_in_parts(office, {function: failing_at(place, TROUBLE, after=False, times=100)})
        office.machine.started.clear()
        job = office.job(path)
        assert (job["status"], job["error"]["code"]) == ("Failed", "computation.failed")
        assert "canary" not in str(job)
        assert "secret" not in str(job)


@pytest.mark.parametrize("function", ["part", "merge"])
def test_parts_and_merging_raise_nothing_but_the_type_of_what_happened(
    office: Office, view: View, function: str
) -> None:
    office.accept(view)
    with office.small_runs():
        assert office.deliver() == []
    (started,) = office.machine.started.values()
    for place in range(2):
        with pytest.raises(AttemptFailed, match=r"^ClientError$"):
            office.invoke(function, started | {"part": 0}, failing_at(place, TROUBLE, after=False))
    key = f"work/{ORGANIZATION}/{started['jobId']}/1/order.json"
    order = jsontext.loads(aws.s3().get_object(Bucket="archive", Key=key)["Body"].read())
    order["definition"]["elements"] = "ada@example.com"
    aws.s3().put_object(Bucket="archive", Key=key, Body=jsontext.dumps(order).encode())
    with pytest.raises(AttemptFailed, match=r"^ValidationError$"):
        office.invoke(function, started | {"part": 0})


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [Crash(), TROUBLE], ids=["crash", "trouble"])
def test_a_message_that_is_handed_out_too_often_fails_its_job(office: Office, view: View, error: BaseException) -> None:
    for place in range(places(office, view, in_parts=False)):
        path = office.accept(view)
        tries = [office.deliver(failing_at(place, error, after=False)) for _ in range(5)]
        assert [len(raised) for raised in tries] == [1, 1, 1, 0, 0]
        assert office.job(path)["status"] == ("Accepted" if place == 0 else "Executing")
        office.deliver_dead()
        job = office.job(path)
        assert (job["status"], job["error"]["code"]) == ("Failed", "computation.failed")


def test_a_job_that_nobody_ends_has_failed_when_its_time_is_over(office: Office, view: View, now: list[int]) -> None:
    path = office.accept(view)
    assert office.deliver(failing_at(1, Crash(), after=False)) != []
    assert office.job(path)["status"] == "Executing"
    now[0] += EXECUTING_MS
    assert office.job(path)["error"]["code"] == "job.lost"
    office.patiently()
    assert office.job(path)["error"]["code"] == "job.lost"
    assert office.ask("GET", f"{path}/results")[1]["code"] == "job.not.complete"


def test_a_try_that_takes_too_long_completes_nothing(office: Office, view: View, now: list[int]) -> None:
    path = office.accept(view)

    def fault(_: int, name: str, call: Callable[[], Any]) -> Any:
        if name == "put_object":
            now[0] += EXECUTING_MS
        return call()

    assert office.deliver(Calls(fault)) == []
    assert office.job(path)["error"]["code"] == "job.lost"
    assert office.ask("GET", f"{path}/results")[0] == 409


def test_trouble_has_the_message_handed_out_again_soon(office: Office, view: View) -> None:
    office.accept(view)
    calls = failing_at(2, TROUBLE, after=False)
    (message,) = office.messages()
    with pytest.raises(AttemptFailed, match=r"^ClientError$"):  # without the words, which may be a customer's
        office.invoke("compute", {"Records": [message]}, calls)
    assert calls.names[-1] == "change_message_visibility"


def test_trouble_with_the_queue_hides_no_other(office: Office, view: View) -> None:
    office.accept(view)
    other = ClientError({"Error": {"Code": "Other"}}, "ChangeMessageVisibility")

    def fault(number: int, name: str, call: Callable[[], Any]) -> Any:
        if name == "change_message_visibility":
            raise other
        if number == 1:
            raise TROUBLE
        return call()

    (message,) = office.messages()
    with pytest.raises(AttemptFailed):
        office.invoke("compute", {"Records": [message]}, Calls(fault))


def test_an_execution_that_was_started_before_is_started(office: Office, view: View) -> None:
    office.accept(view)
    office.machine = KnowsAll()
    with office.small_runs():
        assert office.deliver() == []


class KnowsAll(Machine):
    """Has started everything already."""

    def start_execution(self, **request: Any) -> dict[str, Any]:
        self.started[request["name"]] = None
        return super().start_execution(**request)


# -- cancellation ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("function", ["compute", "compute in parts", "part", "merge"])
def test_a_cancellation_holds_whenever_it_comes(office: Office, view: View, function: str) -> None:
    calls, place, answers = noting(), 0, []
    while place == 0 or place <= len(calls.names):
        path = office.accept(view)

        def fault(number: int, _: str, call: Callable[[], Any], path: str = path, place: int = place) -> Any:
            if number == place:
                answers.append(aside(lambda: office.ask("PATCH", path, {"status": "Cancelled"})[0]))
            return call()

        calls = Calls(fault)
        if function == "compute":
            assert office.deliver(calls) == []
        else:
            with office.small_runs():
                assert office.deliver(calls if function == "compute in parts" else None) == []
            office.run_machine({function: calls})
            office.machine.started.clear()
        if place >= len(calls.names):
            assert office.job(path)["status"] == "Complete"
            break
        assert answers[-1] == 200
        assert office.job(path)["status"] == "Cancelled"
        assert office.ask("GET", f"{path}/results")[1]["messageParams"] == {"status": "Cancelled"}
        place += 1
    assert len(answers) == place > 2


# -- what is wrong with a view -----------------------------------------------------------------------------------------


def test_an_event_type_that_is_gone_fails_the_job_at_once(office: Office, view: View) -> None:
    path = office.accept(view)
    schema_id = view.definition.elements[0].attributes.id
    SchemaStore(office.tables.dynamodb, office.tables.registry).delete(ORGANIZATION, schema_id)
    assert office.deliver() == []
    job = office.job(path)
    assert (job["status"], job["error"]["code"]) == ("Failed", "event.definition.gone")
    assert schema_id in job["error"]["message"]
    assert office.messages() == []


class Wrong(NotComputable):
    code = "wrong.view"


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_view_that_cannot_be_computed_fails_at_once_with_the_reason(
    office: Office, view: View, monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    runs = []

    def run(*_: Any) -> Any:
        runs.append(1)
        raise Wrong("The view has too many groups.")

    monkeypatch.setattr("journeys.views.jobs.running.run", run)
    path = office.accept(view)
    if in_parts:
        compute_in_parts(office)
    else:
        assert office.deliver() == []
    job = office.job(path)
    assert (job["status"], job["error"]) == (
        "Failed",
        {"code": "wrong.view", "message": "The view has too many groups."},
    )
    assert len(runs) == 1  # the other parts are not even begun
    assert office.messages() == []


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_result_that_is_too_large_to_answer_with_fails_the_job(
    office: Office, view: View, monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    monkeypatch.setattr(computing, "MAX_RESULT_BYTES", 100)
    path = office.accept(view)
    if in_parts:
        compute_in_parts(office)
    else:
        assert office.deliver() == []
    assert office.job(path)["error"]["code"] == "result.too.large"


def test_trouble_of_ours_that_has_a_name_is_tried_again(
    office: Office, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: Any) -> Any:
        raise ServiceUnavailable("The store does not answer.")

    monkeypatch.setattr("journeys.views.jobs.running.run", run)
    path = office.accept(view)
    assert len(office.deliver()) == 1
    assert office.job(path)["status"] == "Executing"


def test_events_that_do_not_fit_fail_the_job_with_what_to_do(
    office: Office, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    def no_memory(*_: Any) -> Any:
        raise duckdb.OutOfMemoryException("Out of Memory Error")

    def disk_full(_: Any) -> Any:
        return SimpleNamespace(free=1)

    for place, replacement in (
        ("journeys.archive.store.ArchiveStore._download", no_room),
        ("journeys.views.jobs.running.run", no_memory),
        ("journeys.views.jobs.running.shutil.disk_usage", disk_full),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, replacement)
            path = office.accept(view)
            assert office.deliver() == []
        error = office.job(path)["error"]
        assert error["code"] == "events.do.not.fit"
        assert "Shorten the interval" in error["message"]


def test_other_trouble_with_files_is_not_taken_for_a_lack_of_room(
    office: Office, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("journeys.archive.store.ArchiveStore._download", broken)
    path = office.accept(view)
    assert len(office.deliver()) == 1
    assert office.job(path)["status"] == "Executing"


def test_half_of_the_memory_and_all_cores_are_duckdbs(monkeypatch: pytest.MonkeyPatch) -> None:
    given_: list[Any] = []

    def connect(*arguments: Any) -> Any:
        given_.append(arguments[1:])
        raise Wrong("enough")

    monkeypatch.setattr("journeys.views.jobs.running.connect", connect)

    class NoFiles:
        def fetch(self, *_: Any) -> dict[str, Path]:
            return {}

    for memory in (512, 1769, 3008, 10_240):
        with pytest.raises(Wrong):
            Runner(NoFiles(), memory)(an_order(), 0, 15)  # type: ignore[arg-type]
    assert given_ == [("256MB", 1), ("884MB", 1), ("1504MB", 2), ("5120MB", 6)]


# -- orders ------------------------------------------------------------------------------------------------------------


def a_file(rows: int, first: int = 0, last: int = BUCKETS - 1) -> ArchiveFile:
    return ArchiveFile(f"k-{rows}-{first}", "2026-11-23", first, last, rows, 1, NOON, NOON, NOON)


def an_order() -> JobSpec:
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
        snapshot=Snapshot(ORGANIZATION, (a_file(5, 0, 3),), (a_file(7),)),
        parts=((0, 3), (4, 15)),
    )


def test_an_order_survives_json_to_the_last_digit() -> None:
    order = an_order()
    assert JobSpec.from_values(jsontext.loads(jsontext.dumps(order.to_values()).encode())) == order
    assert order.plan() == JobSpec.from_values(jsontext.loads(jsontext.dumps(order.to_values()).encode())).plan()


@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15), st.integers(1, 1000)), max_size=12),
    st.integers(1, 3000),
)
def test_parts_cover_every_bucket_once_and_are_as_few_as_will_do(files: list[Any], most: int) -> None:
    snapshot = Snapshot("acme", tuple(a_file(n, min(a, b), max(a, b)) for a, b, n in files), ())
    rows = [
        sum(n / (abs(a - b) + 1) for a, b, n in files if min(a, b) <= bucket <= max(a, b)) for bucket in range(BUCKETS)
    ]
    parts = split(snapshot, most)
    assert [bucket for first, last in parts for bucket in range(first, last + 1)] == list(range(BUCKETS))
    for first, last in parts:
        assert first == last or sum(rows[first : last + 1]) <= most * 1.000001
    for (first, _), (following, _) in pairwise(parts):
        assert sum(rows[first : following + 1]) > most * 0.999999  # else they could be one


def test_what_fits_a_run_is_one_part() -> None:
    assert split(Snapshot("acme", (a_file(600), a_file(300, 3, 3)), (a_file(100),)), 1000) == ((0, 15),)
    assert split(Snapshot("acme", (), ()), 1) == ((0, 15),)
    assert len(split(Snapshot("acme", (a_file(10**9),), ()), 1)) == BUCKETS


def test_nothing_is_left_in_the_bucket_that_another_organisation_could_be_given(office: Office, view: View) -> None:
    office.accept(view)
    compute_in_parts(office)
    found = [one["Key"] for one in aws.s3().list_objects_v2(Bucket="archive")["Contents"]]
    ours = {key.split("/")[0]: key.split("/")[1] for key in found}
    assert ours == dict.fromkeys(("archive", "work", "results"), ORGANIZATION)


def test_a_jobs_duration_is_that_of_its_try_whatever_moment_it_is_computed_for() -> None:
    deadline = EXECUTING_MS + 5
    job = Job("acme", "j", "v", 1, "View", "client", Status.EXECUTING, date_created=0, deadline=deadline, attempt=1)
    assert job.date_begun == 5
