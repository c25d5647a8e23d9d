"""Sharing of the computing slots: a simulation with the code that accepts, schedules, starts and completes jobs.

The simulated queue delivers messages in random order, repeats some, and returns some without an attempt, as SQS does if
Lambda has no capacity. Each computed job holds a slot for a random time.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from journeys import aws, dates, keys
from journeys.archive.model import ArchiveFile, Snapshot
from journeys.errors import Conflict, TooManyWaiting
from journeys.identity.settings import IdentitySettings
from journeys.registry.event_types import EventTypes
from journeys.registry.limits import WAITING_JOBS
from journeys.registry.quotas.store import QuotaStore
from journeys.views.jobs.computing import DELIVERIES, JobCompletion, JobComputer
from journeys.views.jobs.identity import JobIdentity
from journeys.views.jobs.model import ATTEMPT_DEADLINE_MS, BROKEN, START_DEADLINE_MS, Status, new_id
from journeys.views.jobs.service import JobService
from journeys.views.jobs.shares.store import ShareStore
from journeys.views.jobs.spec import JobSpec
from journeys.views.jobs.store import JobQueue, JobStore
from journeys.views.jobs.waiting import RESEND_MS, WaitingJobs
from journeys.views.model import View
from journeys.views.schedules import timer
from journeys.views.schedules.model import Frequency, next_date
from journeys.views.schedules.store import ScheduleStore
from journeys.views.schedules.timer import SETTLE_MS, Timer, delay_ms
from journeys.views.store import ViewStore
from tests.conftest import ORGANIZATION
from tests.support.jobs import HOUR, NOON, JobHarness, harness
from tests.support.views import delete_view

__all__ = ["harness"]

SLOTS = 6
MINUTE = 60_000
LARGE = Snapshot("any", (ArchiveFile("k", "2026-01-01", 0, 15, 1_000_000, 1, 0, NOON * 2, NOON),), ())


@dataclass
class Queue(JobQueue):
    """The queue of jobs: its visible and delayed messages, each with the time when it is visible and its deliveries."""

    now: list[int]
    messages: list[list[Any]] = field(default_factory=list)

    def send(self, organization_id: str, job_id: str, delay_seconds: int = 0) -> None:
        self.messages.append([self.now[0] + delay_seconds * 1000, 0, organization_id, job_id])


@dataclass
class World:
    """Organizations whose jobs are computed by a limited number of functions, over simulated time."""

    harness: JobHarness
    now: list[int]
    random: Random
    started: list[JobSpec] = field(default_factory=list)
    running: list[tuple[int, JobSpec]] = field(default_factory=list)
    most_of_one: Counter[str] = field(default_factory=Counter)
    done: int = 0

    def __post_init__(self) -> None:
        dynamodb, table = self.harness.tables.dynamodb, self.harness.tables.registry
        self.queue = Queue(self.now)
        self.jobs, self.shares = JobStore(dynamodb, table), ShareStore(dynamodb, table)
        self.quotas = QuotaStore(dynamodb, table)
        self.service = JobService(
            ViewStore(dynamodb, table), self.jobs, self.queue, self.quotas, EventTypes(dynamodb, table), 90
        )
        self.timer = Timer(ScheduleStore(dynamodb, table), self.service)
        self.waiting = WaitingJobs(self.jobs, self.shares, self.queue, 5 * MINUTE)
        work: Any = Work()
        machine, archive = Machine(self.started), Archive()
        self.completion = JobCompletion(self.jobs, work)
        self.computer = JobComputer(
            self.jobs, self.shares, self.queue, work, EventTypes(dynamodb, table), archive, machine,  # type: ignore[arg-type]
            _identity, _never, events_per_run=1, slots=SLOTS,
        )  # fmt: skip

    def view(self, organization_id: str) -> View:
        schema = self.harness.event_type("Came", organization_id)
        element = {"id": "came", "name": "Came", "attributes": {"id": schema.schema_id}}
        return self.harness.view(organization_id, name="Comers", duration="P1D", elements=[element])

    def accept(self, organization_id: str, view: View, number: int) -> int:
        """Create jobs. Returns how many were accepted."""
        for accepted in range(number):
            try:
                self.service.accept(organization_id, view.view_id, 1, "client", new_id(self.now[0]))
            except TooManyWaiting:
                return accepted
        return number

    def step(self, seconds: int = 5) -> None:
        """Let time pass, end jobs whose time is over, and deliver messages while functions are free."""
        self.now[0] += seconds * 1000
        for ends, spec in list(self.running):
            if ends <= self.now[0]:
                self.running.remove((ends, spec))
                self.completion._report_end("completed", self.jobs.complete(spec))
                self.done += 1
        while len(self.running) < SLOTS and (visible := self._visible()):
            self._deliver(self.random.choice(visible))

    def _visible(self) -> list[list[Any]]:
        return [message for message in self.queue.messages if message[0] <= self.now[0]]

    def _deliver(self, message: list[Any]) -> None:
        message[1] += 1
        _, receives, organization_id, job_id = message
        if receives > DELIVERIES:
            self.queue.messages.remove(message)
            self.completion.fail_or_send_again(organization_id, job_id, self.queue)
        elif self.random.random() < 0.2:
            message[0] = self.now[0] + 10_000  # No function had capacity.
        else:
            self.queue.messages.remove(message)
            if self.random.random() < 0.1:
                self.queue.send(organization_id, job_id)  # SQS delivers some messages twice.
            before = self.computing()
            others = {load.organization_id for load in self.shares.all() if load.waiting} - {organization_id}
            self.computer.compute(organization_id, job_id, repeated=False)
            if self.started:
                (spec,) = self.started
                self.started.clear()
                self.running.append((self.now[0] + self.random.randint(10, 120) * 1000, spec))
                self.most_of_one[organization_id] = max(
                    self.most_of_one[organization_id], self.computing()[organization_id]
                )
                assert not others or before[organization_id] < SLOTS // 2, "more than half while others wait"

    def computing(self) -> Counter[str]:
        return Counter(spec.organization_id for _, spec in self.running)

    def finish(self) -> None:
        """Run until nothing waits."""
        for _ in range(10_000):
            if not self.queue.messages and not self.running:
                return
            self.step()
        raise AssertionError("jobs remain")


class Work:
    def put_spec(self, spec: JobSpec) -> None:
        pass


class Machine:
    def __init__(self, started: list[JobSpec]) -> None:
        self.start = started.append


class Archive:
    def snapshot(self, _: str) -> Snapshot:
        return LARGE


def _identity(_: str) -> JobIdentity:
    return JobIdentity(IdentitySettings())


def _never(*_: Any) -> Any:
    raise AssertionError("jobs of the simulation are computed in parts")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [NOON]
    monkeypatch.setattr(dates, "now_ms", lambda: moment[0])
    return moment


@pytest.fixture
def world(harness: JobHarness, now: list[int]) -> World:
    return World(harness, now, Random(7))


# -- the simulation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_no_organization_computes_more_than_half_while_others_wait_and_no_job_is_lost(
    world: World, now: list[int], seed: int
) -> None:
    world.random = Random(seed)
    views = {name: world.view(name) for name in ("large", "medium", "small")}
    accepted = 0
    for round_ in range(12):
        wanted = {"large": 20, "medium": 3 if round_ % 3 == 0 else 0, "small": 1 if round_ % 5 == 4 else 0}
        for name, number in wanted.items():
            accepted += world.accept(name, views[name], number)
        for _ in range(4):
            world.step()
        assert len(world.shares.get("large").waiting) <= WAITING_JOBS.default
    world.finish()
    assert world.done == accepted > 30
    assert list(world.shares.all()) == []


def test_an_organization_alone_uses_all_slots(world: World) -> None:
    view = world.view("large")
    assert world.accept("large", view, 25) == WAITING_JOBS.default
    world.finish()
    assert (world.most_of_one["large"], world.done) == (SLOTS, 20)


def test_an_organization_alone_computes_no_more_jobs_in_parts_than_there_are_slots(world: World) -> None:
    """The state machine computes the parts, so the functions that take messages are free again at once."""
    world.accept("large", world.view("large"), 2 * SLOTS)
    for _, _, organization_id, job_id in list(world.queue.messages):
        world.computer.compute(organization_id, job_id, repeated=False)
    load = world.shares.get("large")
    assert (len(load.computing), len(load.waiting), len(world.started)) == (SLOTS, SLOTS, SLOTS)


def test_a_canceled_job_whose_attempt_fails_releases_its_slot(world: World) -> None:
    world.accept("acme", world.view("acme"), 1)
    while not world.running:
        world.step()
    ((_, spec),) = world.running
    world.jobs.cancel("acme", spec.job_id)
    world.completion.fail_after_retries("acme", spec.job_id, spec.attempt)
    assert list(world.shares.all()) == []


def test_a_job_that_waits_for_days_behind_others_is_computed(world: World, now: list[int]) -> None:
    """The jobs of another organization do not end, and its messages are postponed again and again."""
    views = {name: world.view(name) for name in ("large", "small")}
    world.accept("large", views["large"], 20)
    while len(world.running) < SLOTS:
        world.step()
    assert world.accept("small", views["small"], 1) == 1
    world.running = [(now[0] + 48 * HOUR, spec) for _, spec in world.running]
    now[0] += 48 * HOUR - ATTEMPT_DEADLINE_MS
    assert [job.status for job in world.service.page("small", size=1).jobs] == [Status.ACCEPTED]
    world.running.clear()
    while not world.computing()["small"]:
        world.step()


def test_a_postponed_job_never_becomes_a_dead_letter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPUTE_SLOTS", "2")
    harness, view = world.harness, world.view(ORGANIZATION)
    world.accept("other", world.view("other"), 1)
    computing, waiting = harness.accept(view), harness.accept(view)
    job_id = computing.rsplit("/", 1)[1]
    world.jobs.claim(ORGANIZATION, job_id)
    for _ in range(3 * DELIVERIES):
        assert harness.deliver() == []
    harness.deliver_dead_letters()
    assert [message["attributes"]["ApproximateReceiveCount"] for message in harness.messages()] == ["1"]
    assert harness.job(waiting)["status"] == "Accepted"
    world.jobs.fail(ORGANIZATION, job_id, BROKEN)
    assert harness.deliver() == []
    assert harness.job(waiting)["status"] == "Complete"


# -- the waiting jobs --------------------------------------------------------------------------------------------------


def test_more_waiting_jobs_than_allowed_are_refused_with_the_limit(harness: JobHarness, now: list[int]) -> None:
    placed = harness.event_type("Order placed")
    elements = [{"id": "e", "name": "E", "attributes": {"id": placed.schema_id}}]
    view = harness.view(name="Orders", duration="P7D", elements=elements)
    quotas = QuotaStore(harness.tables.dynamodb, harness.tables.registry)
    quotas.set(ORGANIZATION, WAITING_JOBS, 2)
    paths = [harness.accept(view) for _ in range(2)]
    status, error = harness.request("POST", f"/{view.view_id}/versions/1/jobs")
    assert (status, error["code"]) == (429, "limit.reached")
    assert error["limit"] == {"namespace": "journey", "key": "jobs.waiting.per.org", "value": 2}
    harness.request("PATCH", paths[0], {"status": "Cancelled"})
    harness.accept(view)
    assert harness.deliver() == []  # They do not wait anymore.
    harness.accept(view)
    quotas.set(ORGANIZATION, WAITING_JOBS, 0)
    assert harness.request("POST", f"/{view.view_id}/versions/1/jobs")[0] == 429


def test_the_message_of_a_waiting_job_is_sent_again_every_hour(world: World, now: list[int]) -> None:
    world.accept("acme", world.view("acme"), 1)
    world.queue.messages.clear()  # The message is lost.
    sent = []
    for _ in range(3 * 12):
        now[0] += 5 * MINUTE
        world.waiting.run()
        sent.append(len(world.queue.messages))
    assert sent == [0] * 11 + [1] * 12 + [2] * 12 + [3]
    world.finish()
    assert world.done == 1


def test_jobs_that_ended_without_a_write_are_not_counted(world: World, now: list[int]) -> None:
    view = world.view("acme")
    world.accept("acme", view, 2)
    while len(world.running) < 2:
        world.step()
    world.accept("acme", view, 1)
    now[0] += ATTEMPT_DEADLINE_MS
    world.waiting.run()
    load = world.shares.get("acme")
    assert (len(load.waiting), len(load.computing)) == (1, 0)
    now[0] += START_DEADLINE_MS
    world.waiting.run()
    assert list(world.shares.all()) == []


def test_jobs_of_a_deleted_view_keep_their_slots_until_their_attempts_end(world: World, now: list[int]) -> None:
    """Otherwise an organization that creates and deletes views could use all slots while others wait."""
    view = world.view("acme")
    world.accept("acme", view, 3)
    while len(world.running) < 2:
        world.step()
    first, *others = [spec for _, spec in world.running]
    delete_view(world.harness.tables, "acme", view.view_id)
    world.waiting.run()
    load = world.shares.get("acme")
    assert not load.waiting
    assert load.computing == {first.job_id, *(spec.job_id for spec in others)}
    with world.completion.handle_errors("acme", first.job_id, first.attempt):
        world.jobs.is_current(first)
    assert world.shares.get("acme").computing == {spec.job_id for spec in others}
    now[0] += ATTEMPT_DEADLINE_MS
    world.waiting.run()
    assert list(world.shares.all()) == []


def test_a_canceled_job_keeps_its_slot_until_its_attempt_ends(world: World, now: list[int]) -> None:
    world.accept("acme", world.view("acme"), 1)
    while not world.running:
        world.step()
    ((_, spec),) = world.running
    world.jobs.cancel("acme", spec.job_id)
    world.waiting.run()
    assert world.shares.get("acme").computing == {spec.job_id}
    assert world.jobs.complete(spec) is None
    world.jobs.release("acme", spec.job_id)
    assert world.shares.get("acme").computing == set()


def test_a_failing_organization_does_not_stop_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        world.accept(name, world.view(name), 1)
    find = world.jobs.find

    def failing(organization_id: str, job_ids: Any) -> Any:
        if organization_id == "a":
            raise Conflict("The store failed.")
        return find(organization_id, job_ids)

    monkeypatch.setattr(world.jobs, "find", failing)
    world.queue.messages.clear()
    world.now[0] += RESEND_MS
    world.waiting.run()
    assert [message[2] for message in world.queue.messages] == ["b"]


# -- scheduled jobs ----------------------------------------------------------------------------------------------------


def test_scheduled_jobs_are_spread_over_the_hour_after_midnight(world: World, now: list[int]) -> None:
    view = world.view("acme")
    views = [view.view_id] + [
        world.harness.view("acme", **view.definition.to_values() | {"name": f"View {n}"}).view_id for n in range(29)
    ]
    store = ScheduleStore(world.harness.tables.dynamodb, world.harness.tables.registry)
    for view_id in views:
        store.create("acme", view_id, Frequency.DAILY, "planner")
    midnight = next_date(Frequency.DAILY, NOON)
    begun = []
    for minutes in range(0, 65, 5):
        now[0] = midnight + minutes * MINUTE
        before = len(world.queue.messages)
        world.timer.run()
        begun.append(len(world.queue.messages) - before)
        for message in list(world.queue.messages):
            world.computer.compute(message[2], message[3], repeated=False)
            world.queue.messages.remove(message)
            for spec in world.started:
                world.jobs.complete(spec)
            world.started.clear()
    assert sum(begun[:3]) == 0  # not before ten minutes
    assert sum(begun) == 30
    assert max(begun) <= 8
    assert sum(1 for number in begun if number) >= 8
    assert {delay_ms(view_id) for view_id in views} == {delay_ms(view_id) for view_id in views}
    assert all(SETTLE_MS <= delay_ms(view_id) < HOUR for view_id in views)


def test_schedules_beyond_the_waiting_jobs_are_run_later(
    world: World, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timer, "SPREAD_MS", SETTLE_MS + 1)
    world.quotas.set("acme", WAITING_JOBS, 2)
    view = world.view("acme")
    store = ScheduleStore(world.harness.tables.dynamodb, world.harness.tables.registry)
    for number in range(5):
        other = world.harness.view("acme", **view.definition.to_values() | {"name": f"View {number}"})
        store.create("acme", other.view_id, Frequency.DAILY, "planner")
    now[0] = next_date(Frequency.DAILY, NOON) + SETTLE_MS
    dates_: set[str] = set()
    for _ in range(3):
        assert world.timer.run() == 0  # Waiting is no failure.
        assert len(world.shares.get("acme").waiting) <= 2
        world.finish()
        now[0] += 5 * MINUTE
    jobs = world.service.page("acme", size=10).jobs
    dates_ = {dates.text(job.date_created) for job in jobs}
    assert (len(jobs), world.done, len(dates_)) == (5, 5, 1)


def test_the_items_of_loads_have_no_customer_data(world: World) -> None:
    world.accept("acme", world.view("acme"), 1)
    key = keys.share("acme")
    row = world.harness.tables.dynamodb.get_item(TableName=world.harness.tables.registry, Key=key)["Item"]
    assert row.keys() == {"pk", "sk", "waiting", aws.FORM_ATTRIBUTE}
    assert json.dumps(aws.from_item(row) | {"waiting": []})
