"""The generations of a journey's rows: their names, their partitions, and when they are obsolete."""

from hypothesis import given
from hypothesis import strategies as st

from journeys import keys
from journeys.journey import projection
from journeys.journey.model import Journey, Step, Summary, generation_started, new_generation, step
from journeys.journey.projection import count_steps
from journeys.journey.rebuild import MAX_BUILD_MS, OBSOLETE_AFTER_MS, is_obsolete
from journeys.journey.store import JourneyStore
from journeys.journey.verify import Differences, compare
from tests.support.schedules import KEY, NOON, MemoryStore, facts, facts_of
from tests.support.tables import Tables

MINUTE = 60_000


@given(st.text(min_size=1), st.text(min_size=1), st.integers(0, 2**44))
def test_a_partition_key_contains_the_journey_key_and_the_generation(source: str, customer: str, now_ms: int) -> None:
    try:
        journey_key = keys.journey("acme", source, customer)
    except UnicodeEncodeError:
        return
    generation = new_generation(now_ms)
    assert generation_started(generation) == now_ms
    assert keys.journey_and_generation(keys.steps(journey_key, generation)) == (journey_key, generation)
    assert keys.journey_and_generation(keys.steps(journey_key, "")) == (journey_key, "")


def test_generations_started_at_the_same_time_have_different_names() -> None:
    assert len({new_generation(NOON) for _ in range(1000)}) == 1000


def test_a_generation_is_obsolete_when_nobody_can_be_building_or_reading_it() -> None:
    old, young = new_generation(NOON), new_generation(NOON + OBSOLETE_AFTER_MS)
    assert not is_obsolete(old, old, NOON + 10 * OBSOLETE_AFTER_MS)  # the current generation
    assert not is_obsolete(young, old, NOON + OBSOLETE_AFTER_MS + MINUTE)  # a rebuild may still be writing it
    assert not is_obsolete("", young, NOON + OBSOLETE_AFTER_MS + MINUTE)  # readers may still use it
    assert is_obsolete(old, "", NOON + OBSOLETE_AFTER_MS + MINUTE)
    assert is_obsolete("", young, NOON + 2 * OBSOLETE_AFTER_MS + MINUTE)
    assert OBSOLETE_AFTER_MS >= 2 * MAX_BUILD_MS


def test_a_projector_writes_to_the_generation_that_the_summary_names(tables: Tables) -> None:
    store = JourneyStore(tables.dynamodb, tables.journeys)
    steps = [step(NOON + number, "c", f"{number}", "a") for number in range(3)]
    store.put_rows(keys.steps(KEY, "g"), steps[:1])
    store.put_summary(KEY, Summary(journey_of(steps[:1]), generation="g"))
    assert count_steps(store, KEY, steps) == 2
    summary = store.summary(KEY)
    assert (summary.generation, facts(summary.journey)) == ("g", facts_of(steps))
    assert list(store.steps(keys.steps(KEY, "g"), ascending=True)) == steps
    assert list(store.steps(KEY, ascending=True)) == []


def journey_of(steps: list[Step]) -> Journey:
    """The journey of steps, as the projector counts it."""
    memory = MemoryStore()
    count_steps(memory, KEY, steps)
    return memory.stored.journey


def test_more_steps_than_an_item_can_hold_are_counted_in_several_writes() -> None:
    class Watched(MemoryStore):
        largest = 0

        def put_summary(self, journey_key: str, summary: Summary) -> None:
            self.largest = max(self.largest, sum(len(one.key) for one in summary.pending))
            super().put_summary(journey_key, summary)

    memory = Watched()
    steps = [step(NOON + number, "c", f"{number:0700d}", "a") for number in range(700)]
    assert count_steps(memory, KEY, steps) == 700
    assert facts(memory.stored.journey) == facts_of(steps)
    assert 0 < memory.largest <= projection.MAX_OWN_BYTES + projection.MAX_CARRIED_BYTES


def test_each_difference_is_reported_once() -> None:
    a, b, c, d = (step(NOON + number, "c", f"{number}", "a") for number in range(4))
    other = Step(b.key, "z")
    found = compare(journey_of([a, other]), [a], {other.key: other}, {one.key: one for one in (a, b, d)})
    assert found == Differences(missing=(d,), missing_row=(a,), wrong_type=(other,))
    assert compare(journey_of([a, c]), [], {a.key: a, c.key: c}, {a.key: a}).orphaned == (c,)
    assert compare(journey_of([a, b]), [], {a.key: a}, {a.key: a}).wrong_summary
    assert not found.without([a.key, d.key]).missing
