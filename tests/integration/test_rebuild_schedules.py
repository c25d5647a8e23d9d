"""Rebuilds beside projectors and a reader, with their store calls interleaved in random order, and with crashes.

Every schedule must end in the journey of the log, and the reader must never see a partial journey. To prove that the
schedules would find an error, they also run rebuilds with one deliberate error each, and must detect it.
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
from tests.support.rebuilds import (
    GenerationStore,
    MemoryLog,
    Rebuild,
    ScheduledGenerationStore,
    product,
    random_schedule,
)
from tests.support.schedules import KEY, NOON, patiently

SCHEDULES = 6_000
ENOUGH = 4_000
"""Each deliberate error must be detected within this number of schedules."""


@pytest.mark.parametrize("part", range(2))
def test_every_schedule_ends_in_the_journey_of_the_log_and_readers_never_miss_steps(part: int) -> None:
    half = SCHEDULES // 2
    wrong = {seed: found for seed in range(part * half, (part + 1) * half) if (found := random_schedule(seed))}
    assert wrong == {}


def test_every_schedule_is_correct_if_each_missing_event_causes_a_rebuild(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "MAX_COUNTED", 0)
    assert {seed: wrong for seed in range(SCHEDULES // 4) if (wrong := random_schedule(seed))} == {}


def test_every_schedule_is_correct_if_a_changing_journey_is_rebuilt_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "MAX_UNSTABLE_READS", 0)
    assert {seed: wrong for seed in range(SCHEDULES // 4) if (wrong := random_schedule(seed))} == {}


# -- rebuilds with a deliberate error ----------------------------------------------------------------------------------


class _Through(JourneyStore):
    """A store that passes every call on. A rebuild with an error uses a subclass that changes a call."""

    def __init__(self, store: ScheduledGenerationStore) -> None:
        self._store = store

    def __getattribute__(self, name: str) -> object:
        own = type(self).__dict__
        if name in own or name.startswith("_"):
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "_store"), name)


class PutsRowsAfterTheSwitch(_Through):
    """In between, a reader finds a summary without its rows."""

    def __init__(self, store: ScheduledGenerationStore) -> None:
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
    """Steps that projectors counted in the meantime are lost."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        while True:
            try:
                return self._store.put_summary(journey_key, summary)
            except SummaryConflict:
                stored = self._store.summary(journey_key)
                summary = Summary(summary.journey, stored.version, (), summary.generation)


class EmptiesTheJourneyFirst(_Through):
    """A reader finds an empty journey during the rebuild."""

    def put_rows(self, partition: str, steps: Sequence[Step]) -> None:
        generation = keys.journey_and_generation(partition)[1]
        if generation:
            with suppress(SummaryConflict):
                self._store.put_summary(KEY, Summary(version=self._store.summary(KEY).version, generation=generation))
        self._store.put_rows(partition, steps)


def _schedules_until_detected(broken: Rebuild = product, *, waits_for_readers: bool = True) -> int | None:
    """The number of schedules until one fails, or None if none does."""
    seeds = range(ENOUGH)
    return next(
        (seed + 1 for seed in seeds if random_schedule(seed, broken, waits_for_readers=waits_for_readers)), None
    )


@pytest.mark.parametrize(
    "broken",
    [PutsRowsAfterTheSwitch, WritesOverAnyVersion, EmptiesTheJourneyFirst],
    ids=lambda broken: broken.__name__,
)
def test_the_schedules_detect_a_rebuild_that_breaks_one_rule(broken: type[_Through]) -> None:
    def how(store: JourneyStore, log: EventLog, found: Sequence[Step]) -> RebuildResult:
        assert isinstance(store, ScheduledGenerationStore)
        return product(broken(store), log, found)

    assert _schedules_until_detected(how)


def test_the_schedules_detect_a_rebuild_that_ignores_events_stored_after_the_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rebuilding, "logged_steps", lambda *_: {})
    assert _schedules_until_detected()


def test_the_schedules_detect_a_rebuild_that_writes_to_the_current_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "new_generation", lambda _: "")
    monkeypatch.setattr(rebuilding, "generation_started", lambda _: 2**60)
    assert _schedules_until_detected()


def test_the_schedules_detect_old_rows_that_are_deleted_while_a_reader_uses_them() -> None:
    assert _schedules_until_detected(waits_for_readers=False)


def test_the_schedules_detect_a_projector_that_ignores_the_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    class OneGeneration:
        @staticmethod
        def steps(journey_key: str, _: str) -> str:
            return journey_key

    monkeypatch.setattr(projection, "keys", OneGeneration)
    assert _schedules_until_detected()


def test_a_row_that_only_a_later_summary_counts_is_not_attributed_to_an_earlier_one() -> None:
    """A row was lost. Its event is delivered again while the rows are read, so it is counted twice and has a row."""
    memory, log, one = GenerationStore(), MemoryLog(), step(NOON, "c", "one", "a")
    log.add([one])
    patiently(memory, [one])
    memory.stored, memory.rows = replace(memory.stored, pending=()), []
    to_redeliver = [one]

    class Meanwhile(ScheduledGenerationStore):
        def steps(self, partition: str, **options: object) -> Iterator[Step]:
            if to_redeliver:
                patiently(memory, [to_redeliver.pop()])
            return super().steps(partition, **options)

    assert product(Meanwhile(memory, lambda: None, Random(0)), log, [one]).outcome is RebuildOutcome.REBUILT
    assert memory.stored.journey.count == 1
    assert memory.rows == [one]
