"""Whatever the order of the store calls of a rebuild, projectors and a reader, and wherever they crash: the journey
ends as that of the log, and the reader never saw a half-built one.

As with the projector's schedules, rebuilds that are broken on purpose must be found out by the same schedules.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

from journeys import keys
from journeys.events.store import EventLog
from journeys.journey import projection
from journeys.journey import rebuild as rebuilding
from journeys.journey.model import Step, Summary, step
from journeys.journey.rebuild import RebuildOutcome, RebuildResult
from journeys.journey.store import JourneyStore, SummaryConflict
from tests.support.rebuilds import GenerationStore, MemoryLog, Rebuild, ScheduledStore, product, random_schedule
from tests.support.schedules import KEY, NOON, patiently

SCHEDULES = 6_000
ENOUGH = 4_000
"""So many schedules must find every broken rebuild out."""


@pytest.mark.parametrize("part", range(2))
def test_every_random_schedule_ends_in_the_journey_of_the_log_and_no_reader_sees_less(part: int) -> None:
    half = SCHEDULES // 2
    wrong = {seed: found for seed in range(part * half, (part + 1) * half) if (found := random_schedule(seed))}
    assert wrong == {}


def test_so_it_is_where_every_missing_event_has_the_journey_built_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "MAX_COUNTED", 0)
    assert {seed: wrong for seed in range(SCHEDULES // 4) if (wrong := random_schedule(seed))} == {}


def test_so_it_is_where_no_journey_is_waited_for_until_it_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "MAX_UNSTABLE_READS", 0)
    assert {seed: wrong for seed in range(SCHEDULES // 4) if (wrong := random_schedule(seed))} == {}


# -- rebuilds that are broken on purpose -------------------------------------------------------------------------------


class _Through(JourneyStore):
    """A store that passes every call on; a broken rebuild is one of these with a call changed."""

    def __init__(self, store: ScheduledStore) -> None:
        self._store = store

    def __getattribute__(self, name: str) -> object:
        own = type(self).__dict__
        if name in own or name.startswith("_"):
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "_store"), name)


class PutsRowsAfterTheSwitch(_Through):
    """Between the two a reader finds a summary without its rows."""

    def __init__(self, store: ScheduledStore) -> None:
        super().__init__(store)
        self._later: list[tuple[str, Sequence[Step]]] = []

    def put_rows(self, partition: str, steps: Sequence[Step]) -> None:
        if partition == KEY:
            self._store.put_rows(partition, steps)
        else:
            self._later.append((partition, steps))

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._store.put_summary(journey_key, summary)
        for partition, steps in self._later:
            self._store.put_rows(partition, steps)


class WritesOverAnyVersion(_Through):
    """What projectors counted meanwhile is lost."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        while True:
            try:
                return self._store.put_summary(journey_key, summary)
            except SummaryConflict:
                stored = self._store.summary(journey_key)
                summary = Summary(summary.journey, stored.version, (), summary.generation)


class EmptiesTheJourneyFirst(_Through):
    """A reader finds nothing while the journey is built."""

    def put_rows(self, partition: str, steps: Sequence[Step]) -> None:
        generation = keys.journey_and_generation(partition)[1]
        if generation:
            with suppress(SummaryConflict):
                self._store.put_summary(KEY, Summary(version=self._store.summary(KEY).version, generation=generation))
        self._store.put_rows(partition, steps)


def _found_out_after(broken: Rebuild = product, *, waits_for_readers: bool = True) -> int | None:
    """How many schedules it takes until one goes wrong."""
    seeds = range(ENOUGH)
    return next(
        (seed + 1 for seed in seeds if random_schedule(seed, broken, waits_for_readers=waits_for_readers)), None
    )


@pytest.mark.parametrize(
    "broken",
    [PutsRowsAfterTheSwitch, WritesOverAnyVersion, EmptiesTheJourneyFirst],
    ids=lambda broken: broken.__name__,
)
def test_the_schedules_find_out_a_rebuild_that_breaks_one_rule(broken: type[_Through]) -> None:
    def how(store: JourneyStore, log: EventLog, found: Sequence[Step]) -> RebuildResult:
        assert isinstance(store, ScheduledStore)
        return product(broken(store), log, found)

    assert _found_out_after(how)


def test_the_schedules_find_out_a_rebuild_that_goes_by_its_scan_of_the_log_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rebuilding, "logged_steps", lambda *_: {})
    assert _found_out_after()


def test_the_schedules_find_out_a_rebuild_that_builds_where_the_journey_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "new_generation", lambda _: "")
    monkeypatch.setattr(rebuilding, "generation_started", lambda _: 2**60)
    assert _found_out_after()


def test_the_schedules_find_out_rows_that_are_deleted_under_a_readers_eyes() -> None:
    assert _found_out_after(waits_for_readers=False)


def test_the_schedules_find_out_a_projector_that_knows_of_one_generation_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class OneGeneration:
        @staticmethod
        def steps(journey_key: str, _: str) -> str:
            return journey_key

    monkeypatch.setattr(projection, "keys", OneGeneration)
    assert _found_out_after()


def test_rows_of_a_later_summary_are_not_taken_for_what_an_earlier_one_counts() -> None:
    """A row is lost, and while the rows are read its event comes again: the row is there, and counted twice."""
    memory, log, one = GenerationStore(), MemoryLog(), step(NOON, "c", "one", "a")
    log.add([one])
    patiently(memory, [one])
    memory.stored, memory.rows = replace(memory.stored, pending=()), []
    again = [one]

    class Meanwhile(ScheduledStore):
        def steps(self, partition: str, **options: object) -> Iterator[Step]:
            if again:
                patiently(memory, [again.pop()])
            return super().steps(partition, **options)

    assert product(Meanwhile(memory, lambda: None, Random(0)), log, [one]).outcome is RebuildOutcome.REBUILT
    assert memory.stored.journey.count == 1
    assert memory.rows == [one]
