"""Projectors in real threads on databases that behave under concurrency, and the rows of a journey page by page."""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from random import Random

import pytest

from journeys import dates, keys
from journeys.errors import TooManyRequests
from journeys.journey import fold
from journeys.journey.model import Journey, Step, step
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore, SummaryConflict
from tests.support.schedules import KEY, NOON, facts, facts_of
from tests.support.tables import Tables


def _steps(random: Random, number: int) -> list[Step]:
    """Steps of which several share a date."""
    return [
        step(NOON + 1000 * random.randrange(number // 3), "c", f"{place:04d}", random.choice("abcde"))
        for place in range(number)
    ]


def _until_taken(store: JourneyStore, journey_key: str, batch: list[Step]) -> None:
    """A batch that finds the summary busy comes again, as from the stream."""
    while True:
        try:
            count_steps(store, journey_key, batch)
            return
        except TooManyRequests:
            continue


@pytest.mark.parametrize(("projectors", "customers", "events"), [(6, 1, 60), (4, 4, 30)])
def test_projectors_in_threads_end_in_the_journeys_of_a_rebuild(
    database: Tables, projectors: int, customers: int, events: int
) -> None:
    """Batches of all sizes in any order, the same event in up to three of them, many dates tied, many events late."""
    random = Random(f"{projectors} {customers} {events}")
    store = JourneyStore(database.dynamodb, database.journeys)
    journeys = {
        keys.journey("acme", "crm", f"customer {number}"): _steps(random, events) for number in range(customers)
    }
    work: list[tuple[str, list[Step]]] = []
    for journey_key, steps in journeys.items():
        sent = [one for one in steps for _ in range(random.randint(1, 3))]
        random.shuffle(sent)
        while sent:
            size = random.choice((1, 2, 5, 20))
            work.append((journey_key, sent[:size]))
            sent = sent[size:]
    random.shuffle(work)
    with ThreadPoolExecutor(projectors) as threads:
        for done in [threads.submit(_until_taken, store, *one) for one in work]:
            done.result()
    for journey_key, steps in journeys.items():
        summary = store.summary(journey_key)
        assert facts(summary.journey) == facts_of(steps)
        rows = list(store.steps(journey_key, ascending=True))
        assert [(one.key, one.slot) for one in rows] == [(one.key, one.slot) for one in sorted(steps)]
        assert facts(fold.journey_of(rows)) == facts_of(steps)


def test_batches_over_what_one_call_carries_are_taken_whole(database: Tables) -> None:
    """DynamoDB reads 100 items and puts 25 in a call; a batch may hold more, here with half of it known."""
    store = JourneyStore(database.dynamodb, database.journeys)
    steps = _steps(Random(5), 240)
    assert count_steps(store, KEY, steps[:120]) == 120
    assert count_steps(store, KEY, steps) == 120
    assert facts(store.summary(KEY).journey) == facts_of(steps)
    assert list(store.steps(KEY, ascending=True)) == sorted(steps)
    assert store.existing_rows(KEY, [*steps, step(NOON, "c", "unknown", "a")]) == {one.key for one in steps}


def test_a_summary_is_written_over_the_version_that_was_read_and_no_other(database: Tables) -> None:
    store = JourneyStore(database.dynamodb, database.journeys)
    first = store.summary(KEY)
    assert (first.journey, first.version) == (Journey(), 0)
    store.put_summary(KEY, first)
    with pytest.raises(SummaryConflict):
        store.put_summary(KEY, first)  # there was none, and now there is
    second = store.summary(KEY)
    store.put_summary(KEY, second)
    with pytest.raises(SummaryConflict):
        store.put_summary(KEY, second)
    assert store.summary(KEY).version == 2


# -- rows --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(database: Tables) -> tuple[JourneyStore, list[Step]]:
    """A journey of 90 steps, three of each date, types taking turns, beside a summary and another customer's row."""
    store = JourneyStore(database.dynamodb, database.journeys)
    steps = [step(NOON + 1000 * (place // 3), "c", f"{place:03d}", "abc"[place % 3]) for place in range(90)]
    store.put_summary(KEY, store.summary(KEY))
    store.put_rows(KEY, steps)
    store.put_rows(KEY + "0", [step(NOON, "c", "another", "a")])
    return store, steps


def test_neighbors_are_the_next_rows_and_never_the_summary(rows: tuple[JourneyStore, list[Step]]) -> None:
    store, steps = rows
    assert store.neighbor(KEY, steps[4].key, forward=False) == steps[3]
    assert store.neighbor(KEY, steps[4].key, forward=True) == steps[5]
    late = step(NOON + 1500, "c", "late", "a")
    assert store.neighbor(KEY, late.key, forward=False) == steps[5]
    assert store.neighbor(KEY, late.key, forward=True) == steps[6]
    assert store.neighbor(KEY, steps[0].key, forward=False) is None
    assert store.neighbor(KEY, steps[-1].key, forward=True) is None


@pytest.mark.parametrize("ascending", [True, False])
def test_steps_come_in_order_from_either_end_across_pages(
    rows: tuple[JourneyStore, list[Step]], ascending: bool
) -> None:
    store, steps = rows
    inorder = steps if ascending else steps[::-1]
    found = list(store.steps(KEY, ascending=ascending, page=7))
    assert [(one.key, one.slot) for one in found] == [(one.key, one.slot) for one in inorder]


@pytest.mark.parametrize("slots", [None, frozenset("b"), frozenset("ac")])
@pytest.mark.parametrize("ascending", [True, False])
def test_going_on_behind_the_last_step_of_a_page_leaves_none_out_and_repeats_none(
    rows: tuple[JourneyStore, list[Step]], ascending: bool, slots: frozenset[str] | None
) -> None:
    store, steps = rows
    since, until = dates.text(NOON + 2000), dates.text(NOON + 25_000)
    wanted = [one for one in steps[2 * 3 : 25 * 3] if slots is None or one.slot in slots]
    found: list[Step] = []
    after = None
    while page := list(
        islice(
            store.steps(KEY, ascending=ascending, after=after, since=since, until=until, slots=slots, page=4),
            10,
        )
    ):
        found += page
        after = page[-1].key
    assert found == (wanted if ascending else wanted[::-1])


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        pytest.param(NOON, None, slice(0, 90), id="from the first date on"),
        pytest.param(NOON + 1, None, slice(3, 90), id="from a moment later"),
        pytest.param(None, NOON + 29_000, slice(0, 87), id="up to and without the last date"),
        pytest.param(None, NOON + 29_001, slice(0, 90), id="up to a moment later"),
        pytest.param(NOON + 4000, NOON + 5000, slice(12, 15), id="one date"),
        pytest.param(NOON + 4000, NOON + 4000, slice(0, 0), id="nothing"),
        pytest.param(NOON + 5000, NOON + 4000, slice(0, 0), id="back to front"),
    ],
)
@pytest.mark.parametrize("ascending", [True, False])
def test_a_time_filter_holds_from_its_start_up_to_and_without_its_end(
    rows: tuple[JourneyStore, list[Step]], ascending: bool, since: int | None, until: int | None, expected: slice
) -> None:
    store, steps = rows
    found = store.steps(
        KEY,
        ascending=ascending,
        since=None if since is None else dates.text(since),
        until=None if until is None else dates.text(until),
    )
    assert sorted(found) == steps[expected]
