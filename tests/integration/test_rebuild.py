"""Rebuilds in real threads among projectors and readers, on databases that behave under concurrency."""

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event as Flag

import pytest

from journeys import dates, keys
from journeys.errors import TooManyRequests
from journeys.events.store import EventLog
from journeys.journey.model import Step, Summary, step
from journeys.journey.projection import count_steps
from journeys.journey.rebuild import RebuildOutcome, rebuild_journey
from journeys.journey.store import JourneyStore
from tests.support.rebuilds import stored
from tests.support.schedules import KEY, NOON, facts, facts_of
from tests.support.tables import Tables
from tools.operator.repair import Operator
from tools.operator.report import Report, Scope


def _steps(random: Random, number: int, configuration_id: str = "c") -> list[Step]:
    return [
        step(NOON + 1000 * random.randrange(number // 3), configuration_id, f"{place:04d}", random.choice("abcde"))
        for place in range(number)
    ]


def _until_taken(store: JourneyStore, journey_key: str, batch: list[Step]) -> None:
    while True:
        try:
            count_steps(store, journey_key, batch)
            return
        except TooManyRequests:
            continue


def test_journeys_are_rebuilt_again_and_again_while_events_arrive_and_are_read(database: Tables) -> None:
    """Three customers, half of whose events arrive while all journeys, wrong at first, are rebuilt four times."""
    random = Random(7)
    store, log = JourneyStore(database.dynamodb, database.journeys), EventLog(database.dynamodb, database.events)
    journeys = {keys.journey("acme", "crm", name): _steps(random, 60, name) for name in ("ada", "bob", "cy")}
    early = {key: steps[:30] for key, steps in journeys.items()}
    for key, steps in early.items():
        for one in steps:
            log.put(stored(one, key).to_item())
        count_steps(store, key, steps[:20])
        summary = store.summary(key)
        store.put_summary(key, Summary(version=summary.version))  # which says that nothing ever happened
        store.delete_rows(key, steps[:5])
    work = [(key, [one]) for key, steps in journeys.items() for one in steps[30:]]
    work += [(key, [one]) for key, steps in early.items() for one in random.sample(steps, 5)]
    random.shuffle(work)
    done = Flag()
    less: list[str] = []

    def project(key: str, batch: list[Step]) -> None:
        for one in batch:
            log.put(stored(one, key).to_item())
        _until_taken(store, key, batch)

    def read_on(key: str) -> None:
        rebuilt = False
        while not done.is_set():
            summary = store.summary(key)
            rows = {one.key for one in store.steps(keys.steps(key, summary.generation), ascending=True)}
            rebuilt = rebuilt or bool(summary.generation)
            if rebuilt and not (summary.generation and rows >= {one.key for one in early[key]}):
                less.append(key)
            if rebuilt and summary.journey.count < len(early[key]):
                less.append(f"{key} {summary.journey.count}")
            time.sleep(0.01)

    operator = Operator(store, log, threads=2, readers_gone=0.5)
    with ThreadPoolExecutor(6) as threads:
        readers = [threads.submit(read_on, key) for key in journeys]
        projecting = [threads.submit(project, *one) for one in work]
        try:
            for _ in range(4):
                operator.rebuild(Scope("acme"), Report())
            for projected in projecting:
                projected.result()
        finally:
            done.set()
        for read in readers:
            read.result()
    assert less == []
    for key, steps in journeys.items():
        summary = store.summary(key)
        assert summary.generation
        assert facts(summary.journey) == facts_of(steps)
        rows = store.steps(keys.steps(key, summary.generation), ascending=True)
        assert [(one.key, one.slot) for one in rows] == [(one.key, one.slot) for one in sorted(steps)]
    report = Report()
    Operator(store, log, threads=2).verify(Scope(), report)
    assert (report.events, report.journeys, report.left) == (180, 3, 0)


def test_segments_of_a_scan_make_the_whole_log_and_no_event_twice(database: Tables) -> None:
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


def test_a_journey_of_more_than_an_item_can_name_is_rebuilt_whole(database: Tables) -> None:
    """700 events with names of 700 bytes: as pending steps they would not fit into 400 KB."""
    store, log = JourneyStore(database.dynamodb, database.journeys), EventLog(database.dynamodb, database.events)
    steps = [step(NOON + number, "c", f"{number:0700d}", "a") for number in range(700)]
    assert rebuild_journey(store, log, KEY, steps).outcome is RebuildOutcome.REBUILT
    assert facts(store.summary(KEY).journey) == facts_of(steps)
    generation = store.summary(KEY).generation
    assert list(store.steps(keys.steps(KEY, generation), ascending=True)) == steps


def test_a_projector_is_given_more_than_an_item_can_name(database: Tables) -> None:
    store = JourneyStore(database.dynamodb, database.journeys)
    steps = [step(NOON + number, "c", f"{number:0700d}", "a") for number in range(700)]
    assert count_steps(store, KEY, steps) == 700
    assert facts(store.summary(KEY).journey) == facts_of(steps)


@pytest.mark.parametrize("same_moment", [False, True])
def test_two_rebuilds_of_one_journey_end_in_one(database: Tables, same_moment: bool) -> None:
    store, log = JourneyStore(database.dynamodb, database.journeys), EventLog(database.dynamodb, database.events)
    steps = _steps(Random(2), 150)
    now = (lambda: NOON) if same_moment else dates.now_ms
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(rebuild_journey, store, log, KEY, steps, now=now) for _ in range(2)]
        outcomes = {one.result().outcome for one in done}
    assert outcomes <= {RebuildOutcome.REBUILT, RebuildOutcome.CORRECT}
    assert facts(store.summary(KEY).journey) == facts_of(steps)
