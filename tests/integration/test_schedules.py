"""Several projectors with their store calls interleaved in random order, and with crashes.

Every schedule must end in the journey of a rebuild. To prove that the schedules would find an error, they also run
projectors with one deliberate error each, which breaks one rule of the algorithm, and must detect it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from journeys.journey import projection
from journeys.journey.model import Journey, Step, Summary, step
from journeys.journey.store import JourneyStore, SummaryConflict
from tests.support.schedules import KEY, NOON, Count, all_schedules, patiently, random_schedule

SCHEDULES = 20_000
ENOUGH = 5_000
"""Each deliberate error must be detected within this number of schedules; the hardest needs some hundreds."""


@pytest.mark.parametrize("part", range(4))
def test_every_schedule_ends_in_the_journey_of_a_rebuild_with_all_rows(part: int) -> None:
    quarter = SCHEDULES // 4
    wrong = {seed: found for seed in range(part * quarter, (part + 1) * quarter) if (found := random_schedule(seed))}
    assert wrong == {}


def test_every_schedule_is_correct_if_projectors_put_the_rows_of_other_projectors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(projection, "MAX_CARRIED_BYTES", 0)
    assert {seed: wrong for seed in range(SCHEDULES // 10) if (wrong := random_schedule(seed))} == {}


_X, _Y = step(NOON, "c", "x", "a"), step(NOON, "c", "y", "b")


@pytest.mark.parametrize(
    ("batches", "at_least"),
    [([[_X], [_X]], 300), ([[_X], [_Y]], 300)],
    ids=["the same event twice", "two events of one date"],
)
def test_every_possible_schedule_of_two_first_events_ends_in_the_journey_of_a_rebuild(
    batches: Sequence[Sequence[Step]], at_least: int
) -> None:
    outcomes = list(all_schedules((), batches))
    assert set(outcomes) == {None}
    assert len(outcomes) >= at_least


# -- projectors with a deliberate error --------------------------------------------------------------------------------


class _Through(JourneyStore):
    """A store that passes every call on. A projector with an error uses a subclass that changes a call."""

    def __init__(self, store: JourneyStore, wanted: Sequence[Step]) -> None:
        self._store, self._wanted = store, wanted

    def summary(self, journey_key: str) -> Summary:
        return self._store.summary(journey_key)

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._store.put_summary(journey_key, summary)

    def existing_rows(self, journey_key: str, steps: Iterable[Step]) -> frozenset[str]:
        return self._store.existing_rows(journey_key, steps)

    def neighbor(self, journey_key: str, key: str, *, forward: bool) -> Step | None:
        return self._store.neighbor(journey_key, key, forward=forward)

    def put_rows(self, journey_key: str, steps: Sequence[Step]) -> None:
        self._store.put_rows(journey_key, steps)


class ReadsRowsBeforeTheSummary(_Through):
    """Steps that others count and put between the two reads look as if they were not counted."""

    def summary(self, journey_key: str) -> Summary:
        self._seen = self._store.existing_rows(journey_key, self._wanted)
        return self._store.summary(journey_key)

    def existing_rows(self, journey_key: str, steps: Iterable[Step]) -> frozenset[str]:
        pending = [one for one in steps if one not in self._wanted]
        return self._seen | self._store.existing_rows(journey_key, pending)


class ReadsNeighboursBeforeTheSummary(_Through):
    """Rows that others put between the two reads are not found as neighbors."""

    def summary(self, journey_key: str) -> Summary:
        self._neighbors = {
            (journey_key, one.key, forward): self._store.neighbor(journey_key, one.key, forward=forward)
            for one in self._wanted
            for forward in (False, True)
        }
        return self._store.summary(journey_key)

    def neighbor(self, journey_key: str, key: str, *, forward: bool) -> Step | None:
        return self._neighbors[journey_key, key, forward]


class PutsRowsBeforeTheSummary(_Through):
    """A crash or a conflict between the two writes leaves rows that no summary counts."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._store.put_rows(journey_key, [one for one in summary.pending if one in self._wanted])
        self._store.put_summary(journey_key, summary)


class DropsPendingStepsOfOthers(_Through):
    """A step that another projector counted, but did not put yet, is counted again by its retry."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        own = tuple(one for one in summary.pending if one in self._wanted)
        self._store.put_summary(journey_key, replace(summary, pending=own))


class ListsNothingAsPending(_Through):
    """After a crash between the writes, the retry counts the steps again."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._store.put_summary(journey_key, replace(summary, pending=()))


class WritesOverAnyVersion(_Through):
    """Steps that others counted in the meantime are lost."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        while True:
            try:
                return self._store.put_summary(journey_key, summary)
            except SummaryConflict:
                summary = replace(summary, version=self._store.summary(journey_key).version)


class PutsRowsOfItsNewStepsOnly(_Through):
    """If the projector that counted a step crashed before it put the row, the row is never put."""

    def __init__(self, store: JourneyStore, wanted: Sequence[Step]) -> None:
        super().__init__(store, wanted)
        self._own: frozenset[Step] = frozenset()

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._store.put_summary(journey_key, summary)
        self._own = frozenset(summary.pending)

    def put_rows(self, journey_key: str, steps: Sequence[Step]) -> None:
        self._store.put_rows(journey_key, [one for one in steps if one in self._own])


def _schedules_until_detected(broken: Count) -> int | None:
    """The number of schedules until one fails, or None if none does."""
    return next((seed + 1 for seed in range(ENOUGH) if random_schedule(seed, broken)), None)


@pytest.mark.parametrize(
    "broken",
    [
        ReadsRowsBeforeTheSummary,
        ReadsNeighboursBeforeTheSummary,
        PutsRowsBeforeTheSummary,
        DropsPendingStepsOfOthers,
        ListsNothingAsPending,
        WritesOverAnyVersion,
        PutsRowsOfItsNewStepsOnly,
    ],
    ids=lambda broken: broken.__name__,
)
def test_the_schedules_detect_a_projector_that_breaks_one_rule(broken: type[_Through]) -> None:
    assert _schedules_until_detected(lambda store, steps: patiently(broken(store, steps), steps))


def test_the_schedules_detect_a_projector_that_ignores_pending_steps_as_neighbors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_steps = projection._add_steps

    def without_pending(store: JourneyStore, journey_key: str, summary: Summary, new: Sequence[Step]) -> Journey:
        return add_steps(store, journey_key, replace(summary, pending=()), new)

    monkeypatch.setattr(projection, "_add_steps", without_pending)
    assert _schedules_until_detected(patiently)


def test_the_schedules_detect_a_projector_that_ignores_events_older_than_the_last_one() -> None:
    """A watermark by date never counts late events."""

    def with_watermark(store: JourneyStore, steps: Sequence[Step]) -> None:
        last = store.summary(KEY).journey.last
        patiently(store, [one for one in steps if last is None or one.date >= last.date])

    assert _schedules_until_detected(with_watermark)
