"""The cache: how long values are cached and when they are read again."""

from typing import Any

import pytest

from journeys.cache import ENTRY_BYTES, MAX_MISSING_BYTES, Cache, RecentlyUsed, size_of


class Store:
    """Records its reads and returns the number of the read."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def load(self, key: str, consistent: bool) -> int:
        self.asked.append((key, consistent))
        return len(self.asked)


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache(*, max_bytes: int = 10_000) -> tuple[Cache[str, int], Store, Clock]:
    store, clock = Store(), Clock()
    return Cache(store.load, seconds=60, max_bytes=max_bytes, clock=clock), store, clock


def entry(key: object, value: object) -> int:
    """The bytes of an entry."""
    return ENTRY_BYTES + size_of(key) + size_of(value)


def test_a_value_is_cached_until_it_expires() -> None:
    kept, store, clock = cache()
    assert kept.get("a") == 1
    clock.now += 59.9
    assert kept.get("a") == 1
    clock.now += 0.1
    assert kept.get("a") == 2
    assert store.asked == [("a", False)] * 2


def test_each_key_has_its_own_value() -> None:
    kept, _, _ = cache()
    assert (kept.get("a"), kept.get("b"), kept.get("a")) == (1, 2, 1)


def test_fresh_reads_consistently_even_if_a_value_is_cached() -> None:
    kept, store, _ = cache()
    kept.get("a")
    assert kept.fresh("a") == 2
    assert store.asked[-1] == ("a", True)


def test_the_value_of_a_fresh_read_is_cached() -> None:
    kept, _, _ = cache()
    kept.get("a")
    assert kept.fresh("a") == kept.get("a") == 2


def test_fresh_reads_a_key_at_most_once_per_second() -> None:
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


def test_the_second_is_counted_per_key() -> None:
    kept, store, _ = cache()
    kept.fresh("a")
    kept.fresh("b")
    assert store.asked == [("a", True), ("b", True)]


def test_an_inconsistent_read_does_not_replace_a_fresh_one() -> None:
    kept, store, _ = cache()
    kept.get("a")
    kept.fresh("a")
    assert [consistent for _, consistent in store.asked] == [False, True]


def test_a_missing_value_is_cached_too() -> None:
    asked: list[str] = []

    def load(key: str, _consistent: bool) -> None:
        asked.append(key)

    kept = Cache(load, clock=Clock())
    assert kept.get("a") is kept.get("a") is None
    assert asked == ["a"]


def test_a_failed_read_caches_nothing() -> None:
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


def test_the_keys_that_were_not_used_for_the_longest_time_are_removed_first() -> None:
    kept, store, _ = cache(max_bytes=3 * entry("a", 1))
    for key in ("a", "b", "c", "a", "d"):
        kept.get(key)
    asked = len(store.asked)
    for key in ("a", "c", "d"):
        kept.get(key)
    assert len(store.asked) == asked
    kept.get("b")
    assert len(store.asked) == asked + 1


@pytest.mark.parametrize("missing", [None, ()])
def test_invented_keys_do_not_displace_existing_values(missing: Any) -> None:
    asked: list[str] = []

    def load(key: str, _consistent: bool) -> Any:
        asked.append(key)
        return "value" if key == "exists" else missing

    kept = Cache(load, max_bytes=10 * MAX_MISSING_BYTES, clock=Clock())
    kept.get("exists")
    for number in range(2 * MAX_MISSING_BYTES // ENTRY_BYTES):
        assert kept.get(f"invented-{number}") is missing
        assert kept.fresh(f"invented-{number}") is missing
    asked.clear()
    assert kept.get("exists") == "value"
    assert asked == []
    assert len(kept._existing) == 1
    assert 1000 < len(kept._missing) < MAX_MISSING_BYTES // ENTRY_BYTES


def test_a_value_that_appears_or_disappears_is_read_as_it_is_now() -> None:
    values: dict[str, str] = {}
    clock = Clock()

    def load(key: str, _consistent: bool) -> str | None:
        return values.get(key)

    kept = Cache(load, clock=clock)
    assert kept.get("a") is None
    values["a"] = "value"
    assert kept.fresh("a") == kept.get("a") == "value"
    del values["a"]
    clock.now += 1
    assert kept.fresh("a") is kept.get("a") is None


def test_the_total_size_of_values_is_limited() -> None:
    empty = ENTRY_BYTES + size_of("a")
    recent: RecentlyUsed[str, str] = RecentlyUsed(3 * empty + 10)
    recent.put("a", "A", 4)
    recent.put("b", "B", 4)
    recent.put("a", "A", 5)
    assert (recent.get("a"), recent.get("b")) == ("A", "B")
    recent.put("c", "C", 2)
    assert [recent.get(key) for key in "abc"] == [None, "B", "C"]
    recent.put("d", "D", 2 * empty + 11)
    assert [recent.get(key) for key in "bcd"] == ["B", "C", None]
    recent.put("b", "B", 2 * empty + 11)
    assert recent.get("b") is None
    recent.remove("c")
    recent.remove("c")
    recent.put("e", "E", 2 * empty + 10)
    assert (len(recent), recent.get("e")) == (1, "E")


@pytest.mark.parametrize("large", ["key", "value"])
def test_large_keys_and_values_displace_more_than_small_ones(large: str) -> None:
    recent: RecentlyUsed[str, list[str]] = RecentlyUsed(100_000)
    for number in range(200):
        recent.put(str(number), [])
    assert len(recent) == 200
    for number in range(20):
        text = f"{number}" + "x" * 30_000
        recent.put(text if large == "key" else f"large {number}", [text] if large == "value" else [])
    assert len(recent) <= 3


def test_the_values_of_a_cache_are_limited_by_their_size() -> None:
    kept: Cache[str, str] = Cache(lambda *_: "x" * 10_000, max_bytes=100_000, clock=Clock())
    for number in range(50):
        kept.get(str(number))
    assert 5 < len(kept._existing) < 10
    factor: Cache[str, str] = Cache(
        lambda *_: "x" * 100, max_bytes=100_000, clock=Clock(), size=lambda value: 100 * size_of(value)
    )
    for number in range(50):
        factor.get(str(number))
    assert 3 < len(factor._existing) < 10


def test_the_size_of_a_value_includes_all_that_it_refers_to_once() -> None:
    class Held:
        def __init__(self, text: str) -> None:
            self.text = text

    text = "x" * 10_000
    assert 10_000 < size_of(Held(text)) < 11_000
    assert size_of([{"a": (text, Held(text))}]) < 11_500
    assert size_of([text, "y" * 10_000]) > 20_000
    loop: list[object] = [text]
    loop.append(loop)
    assert 10_000 < size_of(loop) < 11_000


def test_the_duration_of_a_read_counts_towards_the_age() -> None:
    """A value can change from the start of its read on."""
    clock = Clock()

    def load(_key: str, _consistent: bool) -> float:
        clock.now += 30
        return clock.now

    kept = Cache(load, seconds=60, clock=clock)
    first = kept.get("a")
    clock.now += 30
    assert kept.get("a") != first
