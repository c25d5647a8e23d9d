"""What is kept, and when it is read again."""

import pytest

from journeys.cache import Cache


class Store:
    """Counts how often it is asked, and how; answers with the number of the question."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def load(self, key: str, consistent: bool) -> int:
        self.asked.append((key, consistent))
        return len(self.asked)


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache(*, most: int = 10) -> tuple[Cache[str, int], Store, Clock]:
    store, clock = Store(), Clock()
    return Cache(store.load, seconds=60, most=most, clock=clock), store, clock


def test_a_look_up_is_kept_for_its_time_and_no_longer() -> None:
    kept, store, clock = cache()
    assert kept.get("a") == 1
    clock.now += 59.9
    assert kept.get("a") == 1
    clock.now += 0.1
    assert kept.get("a") == 2
    assert store.asked == [("a", False)] * 2


def test_keys_do_not_share_what_is_kept() -> None:
    kept, _, _ = cache()
    assert (kept.get("a"), kept.get("b"), kept.get("a")) == (1, 2, 1)


def test_a_fresh_look_reads_consistently_though_something_is_kept() -> None:
    kept, store, _ = cache()
    kept.get("a")
    assert kept.fresh("a") == 2
    assert store.asked[-1] == ("a", True)


def test_what_a_fresh_look_found_is_kept() -> None:
    kept, _, _ = cache()
    kept.get("a")
    assert kept.fresh("a") == kept.get("a") == 2


def test_a_key_is_looked_at_freshly_once_a_second_at_most() -> None:
    kept, store, clock = cache()
    for _ in range(100):
        kept.fresh("a")
    assert store.asked == [("a", True)]
    clock.now += 0.99
    kept.fresh("a")
    assert len(store.asked) == 1
    clock.now += 0.01
    kept.fresh("a")
    assert len(store.asked) == 2


def test_a_second_is_counted_for_each_key_alone() -> None:
    kept, store, _ = cache()
    kept.fresh("a")
    kept.fresh("b")
    assert store.asked == [("a", True), ("b", True)]


def test_a_look_that_was_not_consistent_never_stands_in_for_a_fresh_one() -> None:
    kept, store, _ = cache()
    kept.get("a")
    kept.fresh("a")
    assert [consistent for _, consistent in store.asked] == [False, True]


def test_a_thing_that_is_not_there_is_kept_as_well() -> None:
    asked: list[str] = []

    def load(key: str, _consistent: bool) -> None:
        asked.append(key)

    kept = Cache(load, clock=Clock())
    assert kept.get("a") is kept.get("a") is None
    assert asked == ["a"]


def test_a_look_up_that_fails_keeps_nothing() -> None:
    clock = Clock()
    failing = True

    def load(_key: str, _consistent: bool) -> int:
        if failing:
            raise ConnectionError
        return 7

    kept = Cache(load, clock=clock)
    with pytest.raises(ConnectionError):
        kept.get("a")
    failing = False
    assert kept.get("a") == 7


def test_no_more_is_kept_than_there_is_room_for() -> None:
    kept, store, _ = cache(most=3)
    for number in range(50):
        kept.get(str(number))
        assert len(kept._entries) <= 3
    assert len(store.asked) == 50


def test_time_spent_reading_counts_as_age() -> None:
    """What was read may have changed since the reading began, not since it ended."""
    clock = Clock()

    def load(_key: str, _consistent: bool) -> float:
        clock.now += 30
        return clock.now

    kept = Cache(load, seconds=60, clock=clock)
    first = kept.get("a")
    clock.now += 30
    assert kept.get("a") != first
