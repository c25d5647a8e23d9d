"""Rebuilds in real threads beside projectors and readers, on databases with realistic concurrency."""

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event as Flag

import pytest

from journeys import dates, keys
from journeys.errors import TooManyRequests
from journeys.events.store import EventLog
from journeys.identity.store import LinkStore
from journeys.journey.model import Step, Summary, step
from journeys.journey.projection import count_steps
from journeys.journey.rebuild import RebuildOutcome, rebuild_journey
from journeys.journey.store import JourneyStore
from tests.support.rebuilds import stored
from tests.support.schedules import KEY, NOON, facts, facts_of
from tests.support.tables import Tables
from tools.operator.repair import JourneyRepair
from tools.operator.report import RepairReport, RepairScope


def _steps(random: Random, number: int, configuration_id: str = "c") -> list[Step]:
    return [
        step(NOON + 1000 * random.randrange(number // 3), configuration_id, f"{index:04d}", random.choice("abcde"))
        for index in range(number)
    ]


def _count_until_done(store: JourneyStore, journey_key: str, batch: list[Step]) -> None:
    """Repeats a batch that finds the summary busy, as the stream does."""
    while True:
        try:
            count_steps(store, journey_key, batch)
            return
        except TooManyRequests:
            continue


class _Customers:
    """Three customers in a database. The first half of their events is stored, and their journeys are damaged."""

    def __init__(self, database: Tables, random: Random) -> None:
        self.store = JourneyStore(database.dynamodb, database.journeys)
        self.links = LinkStore(database.dynamodb, database.links)
        self.log = EventLog(database.dynamodb, database.events)
        self.journeys = {keys.journey("acme", "crm", name): _steps(random, 60, name) for name in ("ada", "bob", "cy")}
        self.early = {key: steps[:30] for key, steps in self.journeys.items()}
        self.lost: list[str] = []
        for key, steps in self.early.items():
            for one in steps:
                self.log.put(stored(one, key).to_item())
            count_steps(self.store, key, steps[:20])
            self.store.put_summary(key, Summary(version=self.store.summary(key).version))  # an empty journey
            self.store.delete_rows(key, steps[:5])

    def later_batches(self, random: Random) -> list[tuple[str, Step]]:
        """The second half of the events, and some of the first half again, in random order."""
        batches = [(key, one) for key, steps in self.journeys.items() for one in steps[30:]]
        batches += [(key, one) for key, steps in self.early.items() for one in random.sample(steps, 5)]
        random.shuffle(batches)
        return batches

    def project(self, key: str, one: Step) -> None:
        self.log.put(stored(one, key).to_item())
        _count_until_done(self.store, key, [one])

    def read_until(self, key: str, done: Flag) -> None:
        """Reads a journey over and over. Notes in `lost` when events are missing once it was rebuilt."""
        early = {one.key for one in self.early[key]}
        rebuilt = False
        while not done.is_set():
            summary = self.store.summary(key)
            rows = {one.key for one in self.store.steps(keys.steps(key, summary.generation), ascending=True)}
            rebuilt = rebuilt or bool(summary.generation)
            if rebuilt and not (summary.generation and rows >= early):
                self.lost.append(f"rows of {key}")
            if rebuilt and summary.journey.count < len(early):
                self.lost.append(f"{key} counts {summary.journey.count}")
            time.sleep(0.01)

    def assert_rebuilt(self) -> None:
        assert self.lost == []
        for key, steps in self.journeys.items():
            summary = self.store.summary(key)
            assert summary.generation
            assert facts(summary.journey) == facts_of(steps)
            rows = self.store.steps(keys.steps(key, summary.generation), ascending=True)
            assert [(one.key, one.slot) for one in rows] == [(one.key, one.slot) for one in sorted(steps)]


def test_damaged_journeys_are_rebuilt_repeatedly_while_events_arrive_and_readers_read(database: Tables) -> None:
    random = Random(7)
    customers = _Customers(database, random)
    batches = customers.later_batches(random)
    operator = JourneyRepair(customers.store, customers.links, customers.log, threads=2, reader_seconds=0.5)
    done = Flag()
    with ThreadPoolExecutor(6) as threads:
        readers = [threads.submit(customers.read_until, key, done) for key in customers.journeys]
        projectors = [threads.submit(customers.project, *batch) for batch in batches]
        try:
            for _ in range(4):
                operator.rebuild_journeys(RepairScope("acme"), RepairReport())
            for projector in projectors:
                projector.result()
        finally:
            done.set()
        for reader in readers:
            reader.result()
    customers.assert_rebuilt()
    report = RepairReport()
    JourneyRepair(customers.store, customers.links, customers.log, threads=2).verify(RepairScope(), report)
    assert (report.events, report.journeys, report.remaining) == (180, 3, 0)


def test_the_segments_of_a_scan_return_every_event_of_the_log_exactly_once(database: Tables) -> None:
    log = EventLog(database.dynamodb, database.events)
    steps = _steps(Random(1), 60)
    for one in steps:
        log.put(stored(one).to_item())
        log.put(stored(one, "acme2#crm#4711").to_item())
    for organization_id, times in ((None, 2), ("acme", 1), ("nobody", 0)):
        found = [
            item["pk"]["S"]
            for segment in range(5)
            for _, items in log.pages(segment, 5, organization_id=organization_id, attributes=("pk", "slot"))
            for item in items
        ]
        assert (len(found), len(set(found))) == (times * len(steps), times * len(steps))


def test_a_rebuild_stores_more_steps_than_a_summary_could_list_as_pending(database: Tables) -> None:
    """The ids of 700 events with 700 bytes each exceed the 400 KB of a DynamoDB item."""
    store, log = JourneyStore(database.dynamodb, database.journeys), EventLog(database.dynamodb, database.events)
    steps = [step(NOON + number, "c", f"{number:0700d}", "a") for number in range(700)]
    assert rebuild_journey(store, log, KEY, steps).outcome is RebuildOutcome.REBUILT
    assert facts(store.summary(KEY).journey) == facts_of(steps)
    generation = store.summary(KEY).generation
    assert list(store.steps(keys.steps(KEY, generation), ascending=True)) == steps


def test_a_batch_with_more_steps_than_a_summary_could_list_as_pending_is_counted(database: Tables) -> None:
    store = JourneyStore(database.dynamodb, database.journeys)
    steps = [step(NOON + number, "c", f"{number:0700d}", "a") for number in range(700)]
    assert count_steps(store, KEY, steps) == 700
    assert facts(store.summary(KEY).journey) == facts_of(steps)


@pytest.mark.parametrize("same_moment", [False, True])
def test_two_simultaneous_rebuilds_of_a_journey_leave_one_correct_journey(database: Tables, same_moment: bool) -> None:
    store, log = JourneyStore(database.dynamodb, database.journeys), EventLog(database.dynamodb, database.events)
    steps = _steps(Random(2), 150)
    now = (lambda: NOON) if same_moment else dates.now_ms
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(rebuild_journey, store, log, KEY, steps, now=now) for _ in range(2)]
        outcomes = {one.result().outcome for one in done}
    assert outcomes <= {RebuildOutcome.REBUILT, RebuildOutcome.CORRECT}
    assert facts(store.summary(KEY).journey) == facts_of(steps)
