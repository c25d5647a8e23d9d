"""Schedules: one job for every period, whenever and however often the timer runs, and whatever stops it."""

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
from journeys.views.schedules import timer
from journeys.views.schedules.model import Frequency, next_date
from journeys.views.schedules.store import ScheduleStore
from journeys.views.schedules.timer import SETTLE_MS
from journeys.views.store import ViewStore
from tests.conftest import ORGANIZATION
from tests.support.functions import Context
from tests.support.jobs import HOUR, NOON, Calls, Crash, Office, aside, office

__all__ = ["office"]

DAY = 24 * HOUR
MIDNIGHT = next_date(Frequency.DAILY, NOON)
DUE = MIDNIGHT + SETTLE_MS
TROUBLE = ClientError({"Error": {"Code": "ServiceUnavailable"}}, "AnyOperation")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [NOON]
    monkeypatch.setattr(dates, "now_ms", lambda: moment[0])
    return moment


@pytest.fixture
def view(office: Office, now: list[int]) -> View:
    """A view that is computed every day; two customers came within the day before."""
    schema = office.event_type("Came")
    office.land(schema, ("ada", NOON), ("bob", MIDNIGHT - 1), ("cyd", MIDNIGHT), ("dan", MIDNIGHT - DAY - 1))
    element = {"id": "came", "name": "Came", "attributes": {"id": schema.schema_id}}
    view = office.view(name="Comers", duration="P1D", elements=[element])
    schedules(office).create(ORGANIZATION, view.view_id, Frequency.DAILY, "planner")
    return view


def schedules(office: Office) -> ScheduleStore:
    return ScheduleStore(office.tables.dynamodb, office.tables.registry)


def tick(office: Office, calls: Calls | None = None) -> None:
    """The timer runs."""
    office.invoke("timer", {}, calls)


def made(office: Office) -> list[dict[str, Any]]:
    """The jobs there are, the newest first."""
    jobs: list[dict[str, Any]] = office.ask("GET", "/jobs", query={"pageSize": "100"})[1]["entities"]
    return jobs


def test_nothing_is_made_before_its_time(office: Office, view: View, now: list[int]) -> None:
    now[0] = DUE - 1
    tick(office)
    assert made(office) == []


def test_a_job_is_made_when_it_is_due_and_computes_the_period_that_ended(
    office: Office, view: View, now: list[int]
) -> None:
    now[0] = DUE + 250_000
    tick(office)
    (job,) = made(office)
    assert (job["status"], job["userId"], job["dateCreated"]) == ("Accepted", "planner", dates.text(MIDNIGHT))
    assert office.deliver() == []
    (job,) = made(office)
    results = office.results(job["selfUri"].removeprefix("/api/v2/journey/views"))
    assert results["elements"][0]["metrics"]["participantCount"] == 2  # from midnight to midnight, however late


def test_what_came_in_before_midnight_and_landed_after_it_is_counted(
    office: Office, view: View, now: list[int]
) -> None:
    now[0] = MIDNIGHT + 300_000  # the archive gathers batches for so long, at most
    tick(office)
    assert office.deliver() == []
    came = SchemaStore(office.tables.dynamodb, office.tables.registry).all(ORGANIZATION)[0]
    office.land(came, ("eve", MIDNIGHT - 2), received=MIDNIGHT - 1)
    now[0] = DUE
    tick(office)
    assert office.deliver() == []
    (job,) = made(office)
    assert job["dateCreated"] == dates.text(MIDNIGHT)
    results = office.results(job["selfUri"].removeprefix("/api/v2/journey/views"))
    assert results["elements"][0]["metrics"]["participantCount"] == 3


def test_a_schedule_computes_the_latest_version(office: Office, view: View, now: list[int]) -> None:
    ViewStore(office.tables.dynamodb, office.tables.registry).add_version(
        ORGANIZATION, view.view_id, view.definition, "client"
    )
    now[0] = DUE
    tick(office)
    assert [job["journeyView"]["version"] for job in made(office)] == [2]


def test_the_timer_may_run_often(office: Office, view: View, now: list[int]) -> None:
    for day in range(3):
        for minutes in (0, 0, 5, 10, 600):
            now[0] = MIDNIGHT + day * DAY + minutes * 60_000
            tick(office)
    assert [job["dateCreated"] for job in made(office)] == [dates.text(MIDNIGHT + day * DAY) for day in (2, 1, 0)]


def test_a_timer_that_was_out_for_days_makes_the_last_periods_job_alone(
    office: Office, view: View, now: list[int]
) -> None:
    now[0] = MIDNIGHT + 3 * DAY + 7 * HOUR
    tick(office)
    tick(office)
    assert [job["dateCreated"] for job in made(office)] == [dates.text(MIDNIGHT + 3 * DAY)]
    assert schedules(office).get(ORGANIZATION, view.view_id).date_next == MIDNIGHT + 4 * DAY
    assert [job["status"] for job in made(office)] == ["Accepted"]


def test_a_timer_that_was_out_waits_for_the_last_period_to_settle(office: Office, view: View, now: list[int]) -> None:
    now[0] = DUE + 3 * DAY - 1
    tick(office)
    assert [job["dateCreated"] for job in made(office)] == [dates.text(MIDNIGHT + 2 * DAY)]
    now[0] += 1
    tick(office)
    assert [job["dateCreated"] for job in made(office)] == [dates.text(MIDNIGHT + day * DAY) for day in (3, 2)]


def test_timers_that_run_at_once_make_one_job(office: Office, view: View, now: list[int]) -> None:
    now[0] = DUE
    functions = [office.load("timer") for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(function.handler, {}, Context()) for function in functions]:
            done.result()
    (job,) = made(office)
    assert {message["body"].split('"')[-2] for message in office.messages()} == {job["id"]}
    office.patiently()
    assert [one["status"] for one in made(office)] == ["Complete"]


@pytest.mark.parametrize("error", [Crash(), TROUBLE], ids=["crash", "trouble"])
def test_wherever_a_timer_ends_the_next_makes_what_is_missing_and_nothing_twice(
    office: Office, view: View, now: list[int], error: BaseException
) -> None:
    for place in itertools.count():
        for after in (False, True):
            moment = schedules(office).get(ORGANIZATION, view.view_id).date_next
            now[0] = moment + SETTLE_MS
            before = {job["id"] for job in made(office)}

            def fault(at: int, _: str, call: Any, place: int = place, after: bool = after) -> Any:
                if at == place:
                    if after:
                        call()
                    raise error
                return call()

            calls = Calls(fault)
            with contextlib.suppress(Crash, ClientError):  # which is raised, or left for the next run
                tick(office, calls)
            tick(office)
            new = [job for job in made(office) if job["id"] not in before]
            assert len(new) == 1, (place, after)
            assert new[0]["dateCreated"] == dates.text(moment)
            office.patiently()
            assert [job["status"] for job in made(office) if job["id"] not in before] == ["Complete"], (place, after)
        if place >= len(calls.names):  # it went through
            break
    assert {"query", "transact_write_items", "send_message", "put_item"} <= set(calls.names)


def test_one_schedules_trouble_does_not_stop_the_others(office: Office, view: View, now: list[int]) -> None:
    other = office.view(**view.definition.to_values() | {"name": "Another"})
    schedules(office).create(ORGANIZATION, other.view_id, Frequency.WEEKLY, "planner")
    now[0] = MIDNIGHT + 7 * DAY
    sent = 0

    def fault(_: int, name: str, call: Any) -> Any:
        nonlocal sent
        if name == "send_message":
            sent += 1
            if sent == 1:
                raise TROUBLE
        return call()

    tick(office, Calls(fault))
    assert len(office.messages()) == 1
    now[0] += 60_000
    tick(office)
    office.patiently()
    assert sorted((job["journeyView"]["id"], job["status"]) for job in made(office)) == sorted(
        (id_, "Complete") for id_ in (view.view_id, other.view_id)
    )


@pytest.mark.parametrize("broken", ["the store is slow", "the view is broken"])
def test_whatever_is_wrong_with_a_schedule_the_others_are_made_and_nothing_raw_is_raised(
    office: Office, view: View, now: list[int], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    told: list[str] = []
    monkeypatch.setattr(timer, "log_error", lambda _, error: told.append(type(error).__name__))
    other = office.view(**view.definition.to_values() | {"name": "Another"})
    schedules(office).create(ORGANIZATION, other.view_id, Frequency.DAILY, "planner")
    first, second = sorted([view.view_id, other.view_id])  # as the timer comes to them
    now[0] = DUE
    if broken == "the store is slow":
        create = JobStore.create

        def slow(store: JobStore, job: Job, view: View) -> bool:
            if job.view_id == first:
                raise TooManyRequests("The store asks to slow down.")
            return create(store, job, view)

        monkeypatch.setattr(JobStore, "create", slow)
    else:
        office.tables.dynamodb.update_item(
            TableName=office.tables.registry,
            Key=keys.view_version(ORGANIZATION, first, 1),
            UpdateExpression="SET #definition = :broken",
            ExpressionAttributeNames={"#definition": "definition"},
            ExpressionAttributeValues={":broken": {"S": '{"name": "ada@example.com", "elements": 5}'}},
        )
    tick(office)
    assert told == ["TooManyRequests" if broken == "the store is slow" else "ValidationError"]
    assert [job["journeyView"]["id"] for job in made(office)] == [second]
    assert schedules(office).get(ORGANIZATION, first).date_next == MIDNIGHT  # it comes again


def test_a_view_that_was_deleted_meanwhile_is_passed_over(office: Office, view: View, now: list[int]) -> None:
    now[0] = DUE

    def fault(number: int, _: str, call: Any) -> Any:
        if number == 1:  # after the schedules were read
            store = ViewStore(office.tables.dynamodb, office.tables.registry)
            aside(lambda: store.delete(ORGANIZATION, view.view_id))
        return call()

    tick(office, Calls(fault))
    assert made(office) == []
    assert schedules(office).all(ORGANIZATION) == []
