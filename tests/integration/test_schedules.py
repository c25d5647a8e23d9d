"""Whatever the order of the store calls of several projectors, and wherever they crash, the journey is the rebuild's.

A test that finds nothing proves little unless it would have found something: so the same schedules are given to
projectors that are broken on purpose, each in one rule of the algorithm, and must find each of them out.
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
"""So many schedules must find every broken projector out; the one best hidden takes some hundreds."""


@pytest.mark.parametrize("part", range(4))
def test_every_random_schedule_ends_in_the_journey_of_a_rebuild_with_every_row(part: int) -> None:
    quarter = SCHEDULES // 4
    wrong = {seed: found for seed in range(part * quarter, (part + 1) * quarter) if (found := random_schedule(seed))}
    assert wrong == {}


def test_so_it_is_where_rows_are_put_for_others_whose_pending_steps_are_too_many(
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
def test_every_single_schedule_of_two_first_events_ends_in_the_journey_of_a_rebuild(
    batches: Sequence[Sequence[Step]], at_least: int
) -> None:
    outcomes = list(all_schedules((), batches))
    assert set(outcomes) == {None}
    assert len(outcomes) >= at_least


# -- projectors that are broken on purpose -----------------------------------------------------------------------------


class _Through(JourneyStore):
    """A store that passes every call on; a broken projector is one of these with a call changed."""

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
    """What others count and put between the two reads looks as if it were never counted."""

    def summary(self, journey_key: str) -> Summary:
        self._seen = self._store.existing_rows(journey_key, self._wanted)
        return self._store.summary(journey_key)

    def existing_rows(self, journey_key: str, steps: Iterable[Step]) -> frozenset[str]:
        pending = [one for one in steps if one not in self._wanted]
        return self._seen | self._store.existing_rows(journey_key, pending)


class ReadsNeighboursBeforeTheSummary(_Through):
    """What others put between the two reads is no neighbor."""

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
    """A crash between the two, or a conflict, leaves rows that no summary ever counts."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._store.put_rows(journey_key, [one for one in summary.pending if one in self._wanted])
        self._store.put_summary(journey_key, summary)


class DropsWhatOthersLeftPending(_Through):
    """A step that another has counted and not yet put is counted again by its retry."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        own = tuple(one for one in summary.pending if one in self._wanted)
        self._store.put_summary(journey_key, replace(summary, pending=own))


class NamesNothingPending(_Through):
    """A crash after the summary is written leaves steps that are counted again."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._store.put_summary(journey_key, replace(summary, pending=()))


class WritesOverAnyVersion(_Through):
    """What others counted meanwhile is lost."""

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        while True:
            try:
                return self._store.put_summary(journey_key, summary)
            except SummaryConflict:
                summary = replace(summary, version=self._store.summary(journey_key).version)


class LeavesTheRowsToOthers(_Through):
    """What is counted already is passed over, although the one that counted it may have crashed before its row."""

    def __init__(self, store: JourneyStore, wanted: Sequence[Step]) -> None:
        super().__init__(store, wanted)
        self._own: frozenset[Step] = frozenset()

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._store.put_summary(journey_key, summary)
        self._own = frozenset(summary.pending)

    def put_rows(self, journey_key: str, steps: Sequence[Step]) -> None:
        self._store.put_rows(journey_key, [one for one in steps if one in self._own])


def _found_out_after(broken: Count) -> int | None:
    """How many schedules it takes until one ends in a wrong journey."""
    return next((seed + 1 for seed in range(ENOUGH) if random_schedule(seed, broken)), None)


@pytest.mark.parametrize(
    "broken",
    [
        ReadsRowsBeforeTheSummary,
        ReadsNeighboursBeforeTheSummary,
        PutsRowsBeforeTheSummary,
        DropsWhatOthersLeftPending,
        NamesNothingPending,
        WritesOverAnyVersion,
        LeavesTheRowsToOthers,
    ],
    ids=lambda broken: broken.__name__,
)
def test_the_schedules_find_out_a_projector_that_breaks_one_rule(broken: type[_Through]) -> None:
    assert _found_out_after(lambda store, steps: patiently(broken(store, steps), steps))


def test_the_schedules_find_out_a_projector_that_takes_neighbors_from_rows_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grow = projection._add_steps

    def blind(store: JourneyStore, journey_key: str, summary: Summary, new: Sequence[Step]) -> Journey:
        return grow(store, journey_key, replace(summary, pending=()), new)

    monkeypatch.setattr(projection, "_add_steps", blind)
    assert _found_out_after(patiently)


def test_the_schedules_find_out_a_projector_that_passes_over_all_that_is_not_newer() -> None:
    """A watermark by date: nothing late, and none of two events of one date, is ever counted after the newer."""

    def with_watermark(store: JourneyStore, steps: Sequence[Step]) -> None:
        last = store.summary(KEY).journey.last
        patiently(store, [one for one in steps if last is None or one.date >= last.date])

    assert _found_out_after(with_watermark)
