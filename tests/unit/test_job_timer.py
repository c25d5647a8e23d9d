"""The timer: one job per period of a schedule, even if the timer runs late, often, concurrently, or is interrupted."""

import contextlib
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.errors import TooManyRequests
from journeys.registry.schemas.store import SchemaStore
from journeys.views.jobs.model import Job
from journeys.views.jobs.store import JobStore
from journeys.views.model import View
from journeys.views.paths.model import PathDefinition
from journeys.views.schedules import timer
from journeys.views.schedules.model import Frequency, next_date
from journeys.views.schedules.store import ScheduleStore
from journeys.views.schedules.timer import SETTLE_MS
from journeys.views.store import ViewStore
from tests.conftest import ORGANIZATION
from tests.support.aws_errors import client_error
from tests.support.functions import Context
from tests.support.jobs import HOUR, NOON, Calls, Crash, JobHarness, harness, run_concurrently
from tests.support.views import delete_view

__all__ = ["harness"]

DAY = 24 * HOUR
MIDNIGHT = next_date(Frequency.DAILY, NOON)
DUE = MIDNIGHT + SETTLE_MS
"""When the jobs of these tests are due, which do not spread them."""
SERVER_ERROR = client_error("ServiceUnavailable", 503)


@pytest.fixture(autouse=True)
def _no_spreading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timer, "SPREAD_MS", SETTLE_MS + 1)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [NOON]
    monkeypatch.setattr(dates, "now_ms", lambda: moment[0])
    return moment


@pytest.fixture
def view(harness: JobHarness, now: list[int]) -> View:
    """A view with a daily schedule. Two customers have events on the day before `MIDNIGHT`."""
    schema = harness.event_type("Came")
    harness.land(schema, ("ada", NOON), ("bob", MIDNIGHT - 1), ("cyd", MIDNIGHT), ("dan", MIDNIGHT - DAY - 1))
    element = {"id": "came", "name": "Came", "attributes": {"id": schema.schema_id}}
    view = harness.view(name="Comers", duration="P1D", elements=[element])
    schedules(harness).create(ORGANIZATION, view.view_id, Frequency.DAILY, "planner")
    return view


def schedules(harness: JobHarness) -> ScheduleStore:
    return ScheduleStore(harness.tables.dynamodb, harness.tables.registry)


def run_timer(harness: JobHarness, calls: Calls | None = None) -> None:
    """Invoke the timer."""
    harness.invoke("timer", {}, calls)


def all_jobs(harness: JobHarness) -> list[dict[str, Any]]:
    """All jobs, newest first."""
    jobs: list[dict[str, Any]] = harness.request("GET", "/jobs", query={"pageSize": "100"})[1]["entities"]
    return jobs


def test_no_job_is_created_before_it_is_due(harness: JobHarness, view: View, now: list[int]) -> None:
    now[0] = DUE - 1
    run_timer(harness)
    assert all_jobs(harness) == []


def test_a_due_job_is_created_and_computes_the_period_that_ended(
    harness: JobHarness, view: View, now: list[int]
) -> None:
    now[0] = DUE + 250_000
    run_timer(harness)
    (job,) = all_jobs(harness)
    assert (job["status"], job["userId"], job["dateCreated"]) == ("Accepted", "planner", dates.text(MIDNIGHT))
    assert harness.deliver() == []
    (job,) = all_jobs(harness)
    results = harness.results(job["selfUri"].removeprefix("/api/v2/journey/views"))
    assert (
        results["elements"][0]["metrics"]["participantCount"] == 2
    )  # the day before midnight, although the timer runs late


def test_events_received_before_midnight_and_archived_after_it_are_counted(
    harness: JobHarness, view: View, now: list[int]
) -> None:
    now[0] = MIDNIGHT + 300_000  # the archive gathers batches for at most this long
    run_timer(harness)
    assert harness.deliver() == []
    came = SchemaStore(harness.tables.dynamodb, harness.tables.registry).all(ORGANIZATION)[0]
    harness.land(came, ("eve", MIDNIGHT - 2), received=MIDNIGHT - 1)
    now[0] = DUE
    run_timer(harness)
    assert harness.deliver() == []
    (job,) = all_jobs(harness)
    assert job["dateCreated"] == dates.text(MIDNIGHT)
    results = harness.results(job["selfUri"].removeprefix("/api/v2/journey/views"))
    assert results["elements"][0]["metrics"]["participantCount"] == 3


def test_a_schedule_computes_the_latest_version(harness: JobHarness, view: View, now: list[int]) -> None:
    ViewStore(harness.tables.dynamodb, harness.tables.registry).add_version(
        ORGANIZATION, view.view_id, view.definition, "client"
    )
    now[0] = DUE
    run_timer(harness)
    assert [job["journeyView"]["version"] for job in all_jobs(harness)] == [2]


def test_a_timer_that_runs_often_creates_one_job_per_period(harness: JobHarness, view: View, now: list[int]) -> None:
    for day in range(3):
        for minutes in (0, 0, 5, 10, 600):
            now[0] = MIDNIGHT + day * DAY + minutes * 60_000
            run_timer(harness)
    assert [job["dateCreated"] for job in all_jobs(harness)] == [dates.text(MIDNIGHT + day * DAY) for day in (2, 1, 0)]


def test_after_an_outage_of_days_only_the_last_periods_job_is_created(
    harness: JobHarness, view: View, now: list[int]
) -> None:
    now[0] = MIDNIGHT + 3 * DAY + 7 * HOUR
    run_timer(harness)
    run_timer(harness)
    assert [job["dateCreated"] for job in all_jobs(harness)] == [dates.text(MIDNIGHT + 3 * DAY)]
    assert schedules(harness).get(ORGANIZATION, view.view_id).date_next == MIDNIGHT + 4 * DAY
    assert [job["status"] for job in all_jobs(harness)] == ["Accepted"]


def test_after_an_outage_the_timer_waits_until_the_last_period_has_settled(
    harness: JobHarness, view: View, now: list[int]
) -> None:
    now[0] = DUE + 3 * DAY - 1
    run_timer(harness)
    assert [job["dateCreated"] for job in all_jobs(harness)] == [dates.text(MIDNIGHT + 2 * DAY)]
    now[0] += 1
    run_timer(harness)
    assert [job["dateCreated"] for job in all_jobs(harness)] == [dates.text(MIDNIGHT + day * DAY) for day in (3, 2)]


def test_concurrent_timers_create_one_job(harness: JobHarness, view: View, now: list[int]) -> None:
    now[0] = DUE
    functions = [harness.load("timer") for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(function.handler, {}, Context()) for function in functions]:
            done.result()
    (job,) = all_jobs(harness)
    assert {message["body"].split('"')[-2] for message in harness.messages()} == {job["id"]}
    harness.drain()
    assert [one["status"] for one in all_jobs(harness)] == ["Complete"]


@pytest.mark.parametrize("error", [Crash(), SERVER_ERROR], ids=["crash", "server error"])
def test_an_interrupted_timer_is_completed_by_the_next_without_duplicates(
    harness: JobHarness, view: View, now: list[int], error: BaseException
) -> None:
    for index in itertools.count():
        for after in (False, True):
            moment = schedules(harness).get(ORGANIZATION, view.view_id).date_next
            now[0] = moment + SETTLE_MS
            before = {job["id"] for job in all_jobs(harness)}

            def fault(at: int, _: str, call: Any, index: int = index, after: bool = after) -> Any:
                if at == index:
                    if after:
                        call()
                    raise error
                return call()

            calls = Calls(fault)
            with contextlib.suppress(Crash, ClientError):  # raised, or left for the next run
                run_timer(harness, calls)
            run_timer(harness)
            new = [job for job in all_jobs(harness) if job["id"] not in before]
            assert len(new) == 1, (index, after)
            assert new[0]["dateCreated"] == dates.text(moment)
            harness.drain()
            assert [job["status"] for job in all_jobs(harness) if job["id"] not in before] == ["Complete"], (
                index,
                after,
            )
        if index >= len(calls.names):  # no call was interrupted
            break
    assert {"query", "transact_write_items", "send_message", "put_item"} <= set(calls.names)


def test_a_failing_schedule_does_not_stop_the_others(harness: JobHarness, view: View, now: list[int]) -> None:
    other = harness.view(**view.definition.to_values() | {"name": "Another"})
    schedules(harness).create(ORGANIZATION, other.view_id, Frequency.WEEKLY, "planner")
    now[0] = MIDNIGHT + 7 * DAY
    sent = 0

    def fault(_: int, name: str, call: Any) -> Any:
        nonlocal sent
        if name == "send_message":
            sent += 1
            if sent == 1:
                raise SERVER_ERROR
        return call()

    run_timer(harness, Calls(fault))
    assert len(harness.messages()) == 1
    now[0] += 60_000
    run_timer(harness)
    harness.drain()
    assert sorted((job["journeyView"]["id"], job["status"]) for job in all_jobs(harness)) == sorted(
        (id_, "Complete") for id_ in (view.view_id, other.view_id)
    )


@pytest.mark.parametrize("broken", ["the store is slow", "the view is broken"])
def test_an_unexpected_error_of_a_schedule_is_logged_by_type_and_does_not_stop_the_others(
    harness: JobHarness, view: View, now: list[int], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(timer, "log_error", lambda _, error: logged.append(type(error).__name__))
    other = harness.view(**view.definition.to_values() | {"name": "Another"})
    schedules(harness).create(ORGANIZATION, other.view_id, Frequency.DAILY, "planner")
    first, second = sorted([view.view_id, other.view_id])  # the order in which the timer handles them
    now[0] = DUE
    if broken == "the store is slow":
        create = JobStore.create

        def slow(store: JobStore, job: Job, most: int, paths: PathDefinition | None = None) -> bool:
            if job.view_id == first:
                raise TooManyRequests("The store asks to slow down.")
            return create(store, job, most, paths)

        monkeypatch.setattr(JobStore, "create", slow)
    else:
        harness.tables.dynamodb.update_item(
            TableName=harness.tables.registry,
            Key=keys.view_version(ORGANIZATION, first, 1),
            UpdateExpression="SET #definition = :broken",
            ExpressionAttributeNames={"#definition": "definition"},
            ExpressionAttributeValues={":broken": {"S": '{"name": "ada@example.com", "elements": 5}'}},
        )
    run_timer(harness)
    assert logged == ["TooManyRequests" if broken == "the store is slow" else "ValidationError"]
    assert [job["journeyView"]["id"] for job in all_jobs(harness)] == [second]
    assert schedules(harness).get(ORGANIZATION, first).date_next == MIDNIGHT  # the next run retries it


def test_a_schedule_of_a_view_deleted_concurrently_is_skipped(harness: JobHarness, view: View, now: list[int]) -> None:
    now[0] = DUE

    def fault(number: int, _: str, call: Any) -> Any:
        if number == 1:  # after the timer has read the schedules
            run_concurrently(lambda: delete_view(harness.tables, ORGANIZATION, view.view_id))
        return call()

    run_timer(harness, Calls(fault))
    assert all_jobs(harness) == []
    assert schedules(harness).all(ORGANIZATION) == []
