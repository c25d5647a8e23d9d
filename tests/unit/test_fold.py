"""A journey depends only on the set of its steps, not on their order, repetition, lateness or batches."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journeys import aws
from journeys.journey import fold, store
from journeys.journey.model import Journey, Span, Step, Summary, step
from journeys.registry.schemas.model import ALL_SLOTS, SLOTS
from tests.support.schedules import KEY, NOON, MemoryStore, facts, facts_of, patiently, wrong

CONFIGURATION = "0b6e2c1e-6a2c-4f0e-9d3a-0d6d6a2c4f0e"


@st.composite
def _steps(draw: st.DrawFn, max_size: int = 25) -> list[Step]:
    """Distinct steps of one customer, many with equal dates, and with ids that need encoding in a key."""
    ids = st.text("ab#%é😀/ ", min_size=1, max_size=3)
    names = draw(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("cd"), ids), unique=True, max_size=max_size))
    return [
        step(NOON + moment, configuration, id_, draw(st.sampled_from("abc"))) for moment, configuration, id_ in names
    ]


# -- the fold ----------------------------------------------------------------------------------------------------------


@given(_steps())
def test_the_journey_of_steps_has_the_figures_counted_without_the_fold(steps: list[Step]) -> None:
    assert facts(fold.journey_of(steps)) == facts_of(steps)


@given(st.data())
def test_the_journey_of_steps_does_not_depend_on_their_order_or_repetition(data: st.DataObject) -> None:
    steps = data.draw(_steps())
    shuffled = data.draw(st.permutations([*steps, *steps[::2]]))
    assert facts(fold.journey_of(shuffled)) == facts_of(steps)


@given(st.data())
def test_adding_steps_in_any_order_between_their_neighbors_gives_the_journey_of_the_set(data: st.DataObject) -> None:
    steps = data.draw(_steps())
    journey = Journey()
    added: list[Step] = []
    for one in data.draw(st.permutations(steps)):
        before = max((other for other in added if other < one), default=None)
        after = min((other for other in added if other > one), default=None)
        journey = fold.add(journey, one, before, after)
        added.append(one)
        assert facts(journey) == facts_of(added)


def test_a_step_between_two_others_replaces_their_transition() -> None:
    first, between, last = (step(NOON + index, "c", "e", slot) for index, slot in enumerate("abc"))
    two = fold.journey_of([first, last])
    assert two.transitions == {"ac": 1}
    assert fold.add(two, between, first, last).transitions == {"ab": 1, "bc": 1}
    assert two.transitions == {"ac": 1}  # the fold does not change its arguments


# -- counting steps ----------------------------------------------------------------------------------------------------


@given(st.data())
def test_any_order_repetition_and_split_into_batches_gives_the_same_journey(
    data: st.DataObject,
) -> None:
    steps = data.draw(_steps())
    repeated = data.draw(st.lists(st.sampled_from(steps))) if steps else []
    sent = data.draw(st.permutations([*steps, *repeated]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    memory = MemoryStore()
    new = 0
    for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        new += patiently(memory, sent[start:end])
        assert wrong(memory, sent[:end]) is None  # correct after every batch
    assert new == len(steps)


def test_a_batch_without_new_events_does_not_write_the_summary() -> None:
    steps = [step(NOON + index, "c", "e", "a") for index in range(3)]
    memory = MemoryStore()
    assert patiently(memory, steps) == 3
    memory.calls.clear()
    assert patiently(memory, steps[1:]) == 0
    assert "put_summary" not in memory.calls


def test_pending_lists_exactly_the_new_steps_and_the_counted_steps_without_a_row() -> None:
    known, left, repeated, new = (step(NOON + index, "c", f"{index}", "a") for index in range(4))
    memory = MemoryStore([known, repeated])
    memory.stored = Summary(fold.journey_of([known, left, repeated]), 1, (known, left))
    assert patiently(memory, [repeated, new]) == 1
    assert memory.stored.pending == (left, new)


def _long_journey(length: int) -> MemoryStore:
    steps = [step(NOON + 10 * index, "c", f"{index}", SLOTS[index % 20]) for index in range(length)]
    return MemoryStore(steps, fold.journey_of(steps))


@pytest.mark.parametrize(
    ("moment", "calls", "rows_read"),
    [
        pytest.param(10**9, ["summary", "existing_rows", "put_summary", "put_rows"], 0, id="newer than all"),
        pytest.param(-1, ["summary", "existing_rows", "put_summary", "put_rows"], 0, id="older than all"),
        pytest.param(
            45, ["summary", "existing_rows", "neighbor", "neighbor", "put_summary", "put_rows"], 2, id="in between"
        ),
    ],
)
def test_adding_an_event_needs_the_same_calls_whatever_the_length_of_the_journey(
    moment: int, calls: Sequence[str], rows_read: int
) -> None:
    """Only a late event needs to read its two neighbors."""
    for length in (10, 10_000):
        memory = _long_journey(length)
        before = list(memory.rows)
        one = step(NOON + moment, "c", "late", "t")
        assert patiently(memory, [one]) == 1
        assert (memory.calls, memory.rows_read) == (calls, rows_read)
        assert wrong(memory, [*before, one]) is None


def test_late_events_between_the_same_two_steps_read_their_neighbors_once() -> None:
    memory = _long_journey(1000)
    before = list(memory.rows)
    burst = [step(NOON + 45, "c", f"{number}", "t") for number in range(50)]
    assert patiently(memory, burst) == 50
    assert memory.calls.count("neighbor") == 2
    assert wrong(memory, [*before, *burst]) is None


def test_too_many_pending_steps_of_other_projectors_get_their_rows_at_once() -> None:
    """The ids have 245 bytes, and about three times as many when they are encoded in a key."""
    left = [step(NOON + number, CONFIGURATION, "é" * 120 + f"{number:05d}", "a") for number in range(400)]
    memory = MemoryStore()
    memory.stored = Summary(fold.journey_of(left), 1, tuple(left))
    own = step(NOON + 10**6, CONFIGURATION, "own", "b")
    assert patiently(memory, [own]) == 1
    assert wrong(memory, [*left, own]) is None
    assert memory.stored.pending == (own,)


# -- the size of the summary -------------------------------------------------------------------------------------------


def _row(journey: Journey, pending: tuple[Step, ...]) -> dict[str, object]:
    return store._summary_item("acme-organization#crm-contact#customer-4711@example.com", Summary(journey, 7, pending))


def _full_journey(types: int, count: int) -> Journey:
    slots = ALL_SLOTS[:types]
    ends = [step(NOON + 10**10 * index, CONFIGURATION, f"order-2025-06-{index:08d}", "a") for index in (0, 1)]
    return Journey(
        count=types * types * count,
        first=ends[0],
        last=ends[1],
        types={slot: Span(types * count, ends[0].date, ends[1].date) for slot in slots},
        transitions={first + second: count for first, second in product(slots, slots)},
    )


def test_the_summary_of_a_typical_journey_costs_one_write_unit() -> None:
    """Five event types with all transitions between them, and one pending step."""
    journey = _full_journey(5, 12)
    assert journey.last is not None
    assert aws.item_size(_row(journey, (journey.last,))) < 1024


@pytest.mark.parametrize(("seen", "kilobytes"), [(99, 3.5), (9_999, 4)])
def test_the_largest_summary_of_external_types_has_at_most_four_kilobytes(seen: int, kilobytes: float) -> None:
    """Twenty event types and all four hundred transitions, each counted `seen` times."""
    journey = _full_journey(20, seen)
    assert journey.last is not None
    assert aws.item_size(_row(journey, (journey.last,))) < kilobytes * 1024


def test_the_largest_summary_with_native_types_has_at_most_eleven_kilobytes() -> None:
    """All thirty-six event types and all 1,296 transitions, each counted 9,999 times."""
    journey = _full_journey(len(ALL_SLOTS), 9_999)
    assert journey.last is not None
    assert aws.item_size(_row(journey, (journey.last,))) < 11 * 1024


@given(_steps(), _steps(max_size=5))
@example([], [])
def test_a_summary_is_read_from_its_row_unchanged(steps: list[Step], pending: list[Step]) -> None:
    journey = fold.journey_of(steps)
    read = store._summary(store._summary_item(KEY, Summary(journey, 7, tuple(pending))))
    assert (facts(read.journey), read.version) == (facts(journey), 8)
    assert [(one.key, one.slot) for one in read.pending] == [(one.key, one.slot) for one in pending]
