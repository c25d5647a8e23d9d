"""Projectors in real threads on databases with realistic concurrency, and reading a journey's rows page by page."""

from concurrent.futures import ThreadPoolExecutor
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
    """Random steps, of which several have the same date."""
    return [
        step(NOON + 1000 * random.randrange(number // 3), "c", f"{index:04d}", random.choice("abcde"))
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


@pytest.mark.parametrize(("projectors", "customers", "events"), [(6, 1, 60), (4, 4, 30)])
def test_concurrent_projectors_produce_the_journeys_of_a_rebuild(
    database: Tables, projectors: int, customers: int, events: int
) -> None:
    """Batches of several sizes, in random order, with repeated events, equal dates and late events."""
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
        for done in [threads.submit(_count_until_done, store, *one) for one in work]:
            done.result()
    for journey_key, steps in journeys.items():
        summary = store.summary(journey_key)
        assert facts(summary.journey) == facts_of(steps)
        rows = list(store.steps(journey_key, ascending=True))
        assert [(one.key, one.slot) for one in rows] == [(one.key, one.slot) for one in sorted(steps)]
        assert facts(fold.journey_of(rows)) == facts_of(steps)


def test_a_batch_larger_than_one_dynamodb_call_is_counted_completely(database: Tables) -> None:
    """A call reads at most 100 items and puts at most 25. Half of the batch is counted already."""
    store = JourneyStore(database.dynamodb, database.journeys)
    steps = _steps(Random(5), 240)
    assert count_steps(store, KEY, steps[:120]) == 120
    assert count_steps(store, KEY, steps) == 120
    assert facts(store.summary(KEY).journey) == facts_of(steps)
    assert list(store.steps(KEY, ascending=True)) == sorted(steps)
    assert store.existing_rows(KEY, [*steps, step(NOON, "c", "unknown", "a")]) == {one.key for one in steps}


def test_a_summary_replaces_only_the_version_that_was_read(database: Tables) -> None:
    store = JourneyStore(database.dynamodb, database.journeys)
    first = store.summary(KEY)
    assert (first.journey, first.version) == (Journey(), 0)
    store.put_summary(KEY, first)
    with pytest.raises(SummaryConflict):
        store.put_summary(KEY, first)  # a summary exists by now
    second = store.summary(KEY)
    store.put_summary(KEY, second)
    with pytest.raises(SummaryConflict):
        store.put_summary(KEY, second)
    assert store.summary(KEY).version == 2


# -- rows --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(database: Tables) -> tuple[JourneyStore, list[Step]]:
    """A journey of 90 steps with alternating types, three per date, a summary, and another customer's row."""
    store = JourneyStore(database.dynamodb, database.journeys)
    steps = [step(NOON + 1000 * (index // 3), "c", f"{index:03d}", "abc"[index % 3]) for index in range(90)]
    store.put_summary(KEY, store.summary(KEY))
    store.put_rows(KEY, steps)
    store.put_rows(KEY + "0", [step(NOON, "c", "another", "a")])
    return store, steps


def test_neighbors_are_the_adjacent_rows_and_never_the_summary_row(rows: tuple[JourneyStore, list[Step]]) -> None:
    store, steps = rows
    assert store.neighbor(KEY, steps[4].key, forward=False) == steps[3]
    assert store.neighbor(KEY, steps[4].key, forward=True) == steps[5]
    late = step(NOON + 1500, "c", "late", "a")
    assert store.neighbor(KEY, late.key, forward=False) == steps[5]
    assert store.neighbor(KEY, late.key, forward=True) == steps[6]
    assert store.neighbor(KEY, steps[0].key, forward=False) is None
    assert store.neighbor(KEY, steps[-1].key, forward=True) is None


@pytest.mark.parametrize("ascending", [True, False])
def test_steps_are_listed_in_order_across_pages_in_both_directions(
    rows: tuple[JourneyStore, list[Step]], ascending: bool
) -> None:
    store, steps = rows
    in_order = steps if ascending else steps[::-1]
    found = list(store.steps(KEY, ascending=ascending, page=7))
    assert [(one.key, one.slot) for one in found] == [(one.key, one.slot) for one in in_order]


@pytest.mark.parametrize("slots", [None, frozenset("b"), frozenset("ac")])
@pytest.mark.parametrize("ascending", [True, False])
def test_continuing_after_the_last_step_of_a_page_skips_and_repeats_no_step(
    rows: tuple[JourneyStore, list[Step]], ascending: bool, slots: frozenset[str] | None
) -> None:
    store, steps = rows
    since, until = dates.text(NOON + 2000), dates.text(NOON + 25_000)
    wanted = [one for one in steps[2 * 3 : 25 * 3] if slots is None or one.slot in slots]
    found: list[Step] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        page = store.page(
            KEY, ascending=ascending, after=after, since=since, until=until, slots=slots, size=10, max_rows=1000
        )
        assert len(page.steps) <= 10
        found, after, pages = found + page.steps, page.position, pages + 1
    assert found == (wanted if ascending else wanted[::-1])


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        pytest.param(NOON, None, slice(0, 90), id="from the first date"),
        pytest.param(NOON + 1, None, slice(3, 90), id="from just after the first date"),
        pytest.param(None, NOON + 29_000, slice(0, 87), id="until the last date"),
        pytest.param(None, NOON + 29_001, slice(0, 90), id="until just after the last date"),
        pytest.param(NOON + 4000, NOON + 5000, slice(12, 15), id="one date"),
        pytest.param(NOON + 4000, NOON + 4000, slice(0, 0), id="empty range"),
        pytest.param(NOON + 5000, NOON + 4000, slice(0, 0), id="end before start"),
    ],
)
@pytest.mark.parametrize("ascending", [True, False])
def test_a_time_filter_includes_its_start_and_excludes_its_end(
    rows: tuple[JourneyStore, list[Step]], ascending: bool, since: int | None, until: int | None, expected: slice
) -> None:
    store, steps = rows
    found = store.page(
        KEY,
        ascending=ascending,
        since=None if since is None else dates.text(since),
        until=None if until is None else dates.text(until),
        size=1000,
        max_rows=1000,
    )
    assert sorted(found.steps) == steps[expected]
