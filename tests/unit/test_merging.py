"""A person's summary and pages are those of one journey with the events of all identifiers."""

# ruff: noqa: ARG002  (a store in memory ignores how many rows a call reads)

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from threading import Barrier

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journeys import dates
from journeys.journey import fold, merged
from journeys.journey.merged import MergedReader
from journeys.journey.merging import find_overlaps
from journeys.journey.model import Step, Summary, step
from journeys.journey.store import JourneyStore, StepPage
from journeys.parallel import READS_AT_ONCE, R, Reads, T
from tests.support.schedules import NOON, facts, facts_of

KEYS = ["acme#crm#ada", "acme#web#visitor", "acme#email#ada@x", "acme#erp#4711"]


class Identifiers(JourneyStore):
    """The journeys of several identifiers in memory. It counts the rows that it returns."""

    def __init__(self, steps: Mapping[str, Iterable[Step]], pending: frozenset[str] = frozenset()) -> None:
        """`pending` holds the keys of the steps that have no row yet."""
        self.steps_of = {key: sorted(some) for key, some in steps.items()}
        self.pending = pending
        self.versions = dict.fromkeys(steps, 1)
        self.rows_read = 0
        self.before_read: Callable[[], None] = lambda: None

    def add(self, key: str, one: Step) -> None:
        self.steps_of[key] = sorted([*self.steps_of[key], one])
        self.versions[key] += 1

    def summaries(self, journey_keys: Iterable[str]) -> dict[str, Summary]:
        found = {}
        for key in journey_keys:
            some = self.steps_of[key]
            pending = tuple(one for one in some if one.key in self.pending)
            found[key] = Summary(fold.journey_of(some), self.versions[key], pending)
        return found

    def neighbor(self, partition: str, key: str, *, forward: bool) -> Step | None:
        rows = [one for one in self._rows(partition) if (one.key > key if forward else one.key < key)]
        return next(iter(rows if forward else rows[::-1]), None)

    def steps(
        self, partition: str, *, ascending: bool, page: int = 100, low: str = "0", high: str = "9999-99"
    ) -> Iterator[Step]:
        self.before_read()
        for one in self._rows(partition):
            if low <= one.key <= high:
                self.rows_read += 1
                yield one

    def page(
        self,
        partition: str,
        *,
        ascending: bool,
        size: int,
        max_rows: int,
        after: str | None = None,
        since: str | None = None,
        until: str | None = None,
        slots: frozenset[str] | None = None,
    ) -> StepPage:
        rows = [
            one
            for one in self._rows(partition)[:: 1 if ascending else -1]
            if (since or "0") <= one.key < (until or "9")
            and (after is None or (one.key > after if ascending else one.key < after))
        ]
        read, found = rows[:max_rows], list[Step]()
        for number, one in enumerate(read):
            if slots is None or one.slot in slots:
                if len(found) == size:
                    return StepPage(found, found[-1].key)
                found.append(one)
            self.rows_read += 1
            if number + 1 == len(read) < len(rows):
                return StepPage(found, one.key)
        return StepPage(found, None)

    def _rows(self, partition: str) -> list[Step]:
        return [one for one in self.steps_of[partition] if one.key not in self.pending]


class OneByOne(Reads):
    """Reads one identifier after the other."""

    def __init__(self) -> None:
        pass

    def map(self, read: Callable[[T], R], of: Iterable[T]) -> list[R]:
        return [read(one) for one in of]


def reader(store: JourneyStore) -> MergedReader:
    return MergedReader(store, OneByOne())


STEPS = st.builds(
    lambda moment, event, slot: step(NOON + moment, "c", event, slot),
    st.integers(0, 12), st.text("xyz", min_size=1, max_size=3), st.sampled_from("abC"),
)  # fmt: skip
SPLITS = st.lists(st.tuples(STEPS, st.sampled_from(KEYS)), max_size=30, unique_by=lambda one: one[0].key)


def split(chosen: Iterable[tuple[Step, str]]) -> dict[str, list[Step]]:
    some = list(chosen)
    return {key: [one for one, where in some if where == key] for key in KEYS}


def read_pages(store: Identifiers, between: Callable[[int, str | None], Sequence[str]], **query: object) -> list[Step]:
    """All pages. `between` is called before each with its number and position, and returns the person's identifiers."""
    found: list[Step] = []
    position: str | None = None
    for number in range(1000):
        journey_keys = between(number, position)
        summaries = reader(store).summaries(journey_keys)
        page = reader(store).page(journey_keys, summaries, after=position, **query)  # type: ignore[arg-type]
        found, position = found + page.steps, page.position
        if position is None:
            return found
    raise AssertionError("the pages do not end")


# -- reads at the same time --------------------------------------------------------------------------------------------


def test_reads_run_at_the_same_time_and_return_in_order() -> None:
    all_started = Barrier(READS_AT_ONCE, timeout=60)

    def read(number: int) -> int:
        all_started.wait()
        return number * 10

    assert Reads().map(read, range(READS_AT_ONCE)) == [number * 10 for number in range(READS_AT_ONCE)]


def test_the_error_of_a_read_is_raised() -> None:
    for numbers in ([0], [1, 0, 2]):
        with pytest.raises(ZeroDivisionError):
            Reads().map(lambda number: 1 // number, numbers)
    assert Reads().map(str, []) == []


# -- the summary -------------------------------------------------------------------------------------------------------


@given(SPLITS, st.data())
def test_a_summary_has_the_figures_of_all_events_together(chosen: list[tuple[Step, str]], data: st.DataObject) -> None:
    pending = data.draw(st.frozensets(st.sampled_from([one.key for one, _ in chosen]))) if chosen else frozenset()
    _, journey, complete = reader(Identifiers(split(chosen), pending)).journey(KEYS)
    assert facts(journey) == facts_of(one for one, _ in chosen)
    assert complete


@given(SPLITS)
def test_identifiers_that_follow_one_another_are_merged_without_reading_their_steps(
    chosen: list[tuple[Step, str]],
) -> None:
    in_order = sorted({one.key: one for one, _ in chosen}.values())
    quarters = {key: in_order[len(in_order) * i // 4 : len(in_order) * (i + 1) // 4] for i, key in enumerate(KEYS)}
    store = Identifiers(quarters)
    _, journey, complete = reader(store).journey(KEYS)
    assert facts(journey) == facts_of(in_order)
    assert (complete, store.rows_read) == (True, 0)


def test_only_the_steps_in_the_window_are_read() -> None:
    """One event of an identifier between two of another reads only itself and its neighbors."""
    many = [step(NOON + 10 * number, "c", "m", "ab"[number % 2]) for number in range(1000)]
    one = step(NOON + 5001, "c", "o", "z")
    store = Identifiers({KEYS[0]: many, KEYS[1]: [one]})
    _, journey, complete = reader(store).journey(KEYS[:2])
    assert facts(journey) == facts_of([*many, one])
    assert (complete, store.rows_read) == (True, 1)


@pytest.mark.parametrize(("most", "complete"), [(40, True), (39, False)])
@pytest.mark.parametrize("known", [True, False], ids=["known without a read", "known after a read"])
def test_transitions_are_left_out_above_the_limit(
    monkeypatch: pytest.MonkeyPatch, most: int, complete: bool, known: bool
) -> None:
    monkeypatch.setattr(merged, "MAX_MERGED_STEPS", most)
    some = [step(NOON + number, "c", f"{number:03}", "a") for number in range(60)]
    owners = {0: KEYS[0], 59: KEYS[0 if known else 1]} | {
        number: KEYS[0 if not 10 <= number < 50 or (number % 2 and not known) else 1] for number in range(1, 59)
    }
    if not known:
        owners |= dict.fromkeys(range(50, 60), KEYS[1])
    store = Identifiers(split((one, owners[number]) for number, one in enumerate(some)))
    (overlap,) = find_overlaps([summary.journey for summary in store.summaries(KEYS).values()])
    assert (overlap.steps > 0) == known
    _, journey, found = reader(store).journey(KEYS)
    assert found == complete
    expected = facts_of(some)
    assert facts(journey) == (expected if complete else expected | {"transitions": {}})
    assert store.rows_read <= (0 if known and not complete else most + 1)


def test_a_summary_counts_events_that_arrive_while_it_is_read() -> None:
    some = [step(NOON + number, "c", "e", "ab"[number % 2]) for number in range(20)]
    store = Identifiers(split((one, KEYS[number % 3]) for number, one in enumerate(some)))
    late = [step(NOON + 500, "c", "late", "a"), step(NOON + 5, "c", "late", "b")]

    def arrive() -> None:
        if late:
            some.append(late.pop())
            store.add(KEYS[len(late)], some[-1])

    store.before_read = arrive
    _, journey, complete = reader(store).journey(KEYS)
    assert facts(journey) == facts_of(some)
    assert complete


def test_a_summary_ends_although_events_never_stop_arriving() -> None:
    some = [step(NOON + number, "c", "e", "a") for number in range(10)]
    store = Identifiers(split((one, KEYS[number % 2]) for number, one in enumerate(some)))

    def arrive() -> None:
        some.append(step(NOON + len(some), "c", "e", "a"))
        store.add(KEYS[0], some[-1])

    store.before_read = arrive
    _, journey, complete = reader(store).journey(KEYS)
    assert not complete
    assert facts(journey) == facts_of(some) | {"transitions": {}}


# -- pages -------------------------------------------------------------------------------------------------------------


QUERIES = st.fixed_dictionaries(
    {
        "ascending": st.booleans(),
        "size": st.integers(1, 30),
        "since": st.none() | st.integers(NOON, NOON + 12),
        "until": st.none() | st.integers(NOON, NOON + 13),
        "slots": st.none() | st.frozensets(st.sampled_from("abC")),
    }
)


def wanted(some: Iterable[Step], query: Mapping[str, object]) -> list[Step]:
    """What the pages of a query hold, in order."""
    since, until, slots = (query[name] for name in ("since", "until", "slots"))
    found = sorted(
        one
        for one in some
        if (since is None or one.date >= since)  # type: ignore[operator]
        and (until is None or one.date < until)  # type: ignore[operator]
        and (slots is None or one.slot in slots)  # type: ignore[operator]
    )
    return found if query["ascending"] else found[::-1]


@given(SPLITS, QUERIES, st.integers(4, 40))
def test_pages_hold_all_events_in_order(
    chosen: list[tuple[Step, str]], query: dict[str, object], most_rows: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merged, "MAX_ROWS_READ", most_rows)
        assert read_pages(Identifiers(split(chosen)), lambda *_: KEYS, **query) == wanted(
            [one for one, _ in chosen], query
        )


@given(SPLITS, SPLITS, QUERIES, st.randoms(use_true_random=False))
@example([(step(NOON, "c", "x", "a"), KEYS[0])], [(step(NOON + 1, "c", "y", "a"), KEYS[1])],
         {"ascending": True, "size": 1, "since": None, "until": None, "slots": None}, Random(1))  # fmt: skip
def test_events_that_arrive_between_pages_move_no_other_event(
    chosen: list[tuple[Step, str]], later: list[tuple[Step, str]], query: dict[str, object], random: Random
) -> None:
    """Each event that was there before is listed once; one that arrives is listed if the pages come to it later.

    Identifiers join the person between the pages as well.
    """
    there = {one.key for one, _ in chosen}
    late = [(one, key) for one, key in later if one.key not in there]
    store = Identifiers(split(chosen))
    of_the_person = [*KEYS[:3]]
    never: set[str] = set()  # arrived behind the position

    def arrive(_: int, position: str | None) -> Sequence[str]:
        if late and random.random() < 0.7:
            one, key = late.pop()
            store.add(key, one)
            if position is not None and (one.key <= position if query["ascending"] else one.key >= position):
                never.add(one.key)
        if len(of_the_person) == 3 and random.random() < 0.5:
            of_the_person.append(KEYS[3])
            never.update(
                one.key
                for one in store.steps_of[KEYS[3]]
                if position is not None and (one.key <= position if query["ascending"] else one.key >= position)
            )
        return of_the_person

    found = read_pages(store, arrive, **query)
    everything = [one for key in of_the_person for one in store.steps_of[key]]
    assert found == wanted([one for one in everything if one.key not in never], query)


@pytest.mark.parametrize("ascending", [True, False])
def test_a_page_reads_each_identifier_little_more_than_its_share(ascending: bool) -> None:
    some = [step(NOON + number, "c", "e", "a") for number in range(1000)]
    store = Identifiers(split((one, KEYS[number % 4]) for number, one in enumerate(some)))
    keys = KEYS
    page = reader(store).page(keys, reader(store).summaries(keys), ascending=ascending, size=100)
    assert page.steps == (some if ascending else some[::-1])[:100]
    assert store.rows_read <= 200


@pytest.mark.parametrize("ascending", [True, False])
def test_a_page_is_full_although_one_identifier_has_most_events(ascending: bool) -> None:
    some = [step(NOON + number, "c", "e", "a") for number in range(300)]
    store = Identifiers(split((one, KEYS[number % 4 if number % 75 == 0 else 0]) for number, one in enumerate(some)))
    page = reader(store).page(KEYS, reader(store).summaries(KEYS), ascending=ascending, size=100)
    assert page.steps == (some if ascending else some[::-1])[:100]


def test_identifiers_without_events_in_the_range_are_not_read() -> None:
    store = Identifiers({KEYS[0]: [step(NOON, "c", "e", "a")], KEYS[1]: [step(NOON + 10, "c", "e", "a")]})
    keys = KEYS[:2]
    page = reader(store).page(keys, reader(store).summaries(keys), ascending=True, size=5, since=NOON + 5)
    assert [one.date for one in page.steps] == [NOON + 10]
    assert store.rows_read == 1


def test_a_filtered_page_reads_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged, "MAX_ROWS_READ", 40)
    some = [step(NOON + number, "c", "e", "b" if number < 4 or number >= 996 else "a") for number in range(1000)]
    store = Identifiers(split((one, KEYS[number % 4]) for number, one in enumerate(some)))
    keys = KEYS
    page = reader(store).page(keys, reader(store).summaries(keys), ascending=True, size=5, slots=frozenset("b"))
    assert 0 < store.rows_read <= 40
    assert page.steps == some[:4]
    assert page.position is not None


def test_the_steps_of_a_window_are_in_order() -> None:
    """Otherwise the pairs of neighbors would be wrong."""
    some = [step(NOON + number, "c", "e", "a") for number in range(30)]
    store = Identifiers(split((one, KEYS[number % 2]) for number, one in enumerate(some)), frozenset({some[4].key}))
    summaries = reader(store).summaries(KEYS)
    windows = reader(store)._windows(KEYS, summaries)
    assert windows is not None
    for window in windows:
        for steps in window.values():
            assert all(before < after for before, after in pairwise(steps))


def test_a_page_of_a_generation_reads_the_rows_of_the_generation() -> None:
    first = step(NOON, "c", "e", "a")
    store = Identifiers({KEYS[0]: [first], f"{KEYS[0]}#0123": [first, step(NOON + 1, "c", "e", "b")]})
    summary = replace(store.summaries([f"{KEYS[0]}#0123"])[f"{KEYS[0]}#0123"], generation="0123")
    page = reader(store).page([KEYS[0]], [summary], ascending=True, size=5, until=dates.parse("2026-01-01T00:00:00Z"))
    assert len(page.steps) == 2
