"""Whatever happens at whichever call of landing, compaction and reading: a reader finds every event once, and no other.

Each call to S3 and DynamoDB is the last one of its process, answered or not; or something else happens at it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from random import Random

import pytest

from journeys import dates
from journeys.archive import compaction
from journeys.archive.store import ManifestConflict
from journeys.events.model import StoredEvent
from tests.support.archive import DAY, ORGANIZATION, Archive, Crash, Watch, crash, event, names
from tests.support.tables import Tables

CUSTOMERS = ("ann", "bob", "cid", "dan", "eve", "fay")


def _events(first: int, last: int, day: int = 0) -> list[StoredEvent]:
    return [
        event(number, CUSTOMERS[number % len(CUSTOMERS)], date_received=event(number).date_received + day * DAY)
        for number in range(first, last)
    ]


MONDAY, TUESDAY, WEDNESDAY = _events(0, 12), _events(12, 24, 1), _events(24, 30, 2)
EVERYTHING = names((*MONDAY, *TUESDAY, *WEDNESDAY))


def _long_ago() -> int:
    return dates.now_ms() - 3 * DAY


def _long_after() -> int:
    return dates.now_ms() + 3 * DAY


class Beginning:
    """An archive in the middle of its life: a day compacted with files to delete, one compacted in part, one landed."""

    def __init__(self, tables: Tables) -> None:
        self._archive = Archive.of(tables, clock=_long_ago)
        self._archive.land(*MONDAY[:8])
        self._archive.land(*MONDAY[4:])
        self._archive.land(*TUESDAY[:6])
        self._archive.compact()
        self._archive.land(*TUESDAY[3:])
        self._archive.land(*WEDNESDAY)
        self._archive.land(*WEDNESDAY[2:4])
        assert self._archive.read() == EVERYTHING
        self._kept = self._archive.keep()

    def again(self) -> None:
        """Makes it so again, at less cost than from the start."""
        self._archive.restore(self._kept)


@pytest.fixture
def large_monday(monkeypatch: pytest.MonkeyPatch) -> None:
    """Monday is large enough for a file a bucket."""
    monkeypatch.setattr(compaction, "SMALL_DAY", 14)


# -- crashes -----------------------------------------------------------------------------------------------------------


def test_compaction_may_crash_at_any_call(tables: Tables) -> None:
    archive, beginning = Archive.of(tables), Beginning(tables)
    at = 0
    while True:
        beginning.again()
        dying = Archive.of(tables, watch := Watch(at, crash), _long_after)
        with suppress(Crash):
            dying.compact()
        done = len(watch.calls) <= at  # then no call was the last one but the last
        assert archive.read() == EVERYTHING, f"{watch.calls[-1]}, call {at}"
        Archive.of(tables, clock=_long_after).compact()
        assert archive.read() == EVERYTHING
        assert not archive.store.snapshot(ORGANIZATION).landed
        _assert_nothing_is_left_over(tables)
        if done:
            break
        at += 1
    assert at > 20
    assert {"list_objects_v2", "put_object", "upload_file", "download_file", "delete_objects", "get_item",
            "get_object", "update_item"} == set(watch.calls)  # fmt: skip


def _assert_nothing_is_left_over(tables: Tables) -> None:
    """Some days on, the bucket holds what the manifest names and nothing else."""
    last = Archive.of(tables, clock=lambda: dates.now_ms() + 6 * DAY)
    last.compact()
    assert last.read() == EVERYTHING
    manifest = last.store.manifest(ORGANIZATION)
    files = [file.key for file in manifest.compacted]
    assert sorted(last.objects()) == sorted([*files, manifest.key, *manifest.retired])
    assert all("/manifests/" in key for key in manifest.retired)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("error", [Crash, OSError, ConnectionError])
def test_landing_may_fail_at_any_call_and_comes_again_in_another_cut(
    tables: Tables, after: bool, error: type[BaseException]
) -> None:
    def fail() -> None:
        raise error

    batch = [*MONDAY, *TUESDAY, *WEDNESDAY]
    archive, nothing = Archive.of(tables), Archive.of(tables).keep()
    Archive.of(tables, watch := Watch()).land(*batch)
    assert watch.calls == ["put_object"] * 3
    for at in range(3):
        archive.restore(nothing)
        failing = Archive.of(tables, Watch(at, fail, after=after))
        if error is Crash:
            with pytest.raises(Crash):
                failing.land(*batch)
            again = batch
        else:
            numbers = failing.land(*batch)
            again = [batch[int(number)] for number in numbers]
            assert names(again) == names((MONDAY, TUESDAY, WEDNESDAY)[at])  # one day's trouble is its own
        assert set(archive.read()) <= set(EVERYTHING)
        archive.compact()
        for cut in (again[:7], again[5:], again[:2]):
            assert archive.land(*cut) == []
        assert archive.read() == EVERYTHING
        archive.compact()
        assert archive.read() == EVERYTHING


# -- others in between -------------------------------------------------------------------------------------------------


def _between(tables: Tables, others: Callable[[], None], do: Callable[[Archive], object]) -> Iterator[str]:
    """Does something again and again, others coming in between at each of its calls in turn; yields after each."""
    beginning = Beginning(tables)
    at = 0
    while True:
        beginning.again()
        watch = Watch(at, others)
        do(Archive.of(tables, watch))
        if len(watch.calls) <= at:
            break
        yield f"{watch.calls[at]}, call {at}"
        at += 1
    assert at > 5


def _compact(archive: Archive) -> None:
    with suppress(ManifestConflict):
        archive.compact()


def test_two_compactions_may_meet_at_any_call(tables: Tables) -> None:
    def another() -> None:
        Archive.of(tables).compact()

    lost = 0

    def one(archive: Archive) -> None:
        nonlocal lost
        try:
            archive.compact()
        except ManifestConflict:
            lost += 1

    for where in _between(tables, another, one):
        assert Archive.of(tables).read() == EVERYTHING, where
        assert not Archive.of(tables).store.snapshot(ORGANIZATION).landed, where
        _assert_nothing_is_left_over(tables)
    assert lost > 5


def test_events_may_land_at_any_call_of_compaction(tables: Tables) -> None:
    """New ones, and again those that are being taken in, and those that were."""
    late = _events(30, 33, 1)

    def land() -> None:
        Archive.of(tables).land(*late, *TUESDAY[8:10])
        Archive.of(tables).land(*WEDNESDAY)

    for where in _between(tables, land, Archive.compact):
        archive = Archive.of(tables)
        assert archive.read() == names((*MONDAY, *TUESDAY, *WEDNESDAY, *late)), where


def test_a_reader_may_be_anywhere_while_others_compact(tables: Tables) -> None:
    """Its files stay, and what it finds is what was there when it began."""
    found: list[list[str]] = []

    def others() -> None:
        Archive.of(tables).compact()
        Archive.of(tables).land(*MONDAY[:5])
        Archive.of(tables).compact()

    for where in _between(tables, others, lambda archive: found.append(archive.read())):
        assert found[-1] == EVERYTHING, where


def test_readers_find_everything_at_every_call_of_compaction(tables: Tables) -> None:
    found: list[list[str]] = []
    for where in _between(tables, lambda: found.append(Archive.of(tables).read()), Archive.compact):
        assert found[-1] == EVERYTHING, where


# -- any order of all of it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.usefixtures("large_monday")
def test_any_order_of_landing_compacting_crashing_and_reading(tables: Tables, seed: int) -> None:
    """Batches come in any cut, again and again, in any order; the clock runs on by days; what landed is read, once.

    The clock ends at this moment, since the objects' own dates are of now.
    """
    random = Random(seed)
    events = [*MONDAY, *TUESDAY, *WEDNESDAY]
    landed: set[str] = set()
    days = -9
    clock = lambda: dates.now_ms() + days * DAY  # noqa: E731
    sober = Archive.of(tables, clock=clock)

    def somebody() -> None:
        if random.random() < 0.5:
            _compact(sober)
        else:
            land(sober)

    def land(archive: Archive) -> None:
        batch: Sequence[StoredEvent] = random.sample(events, random.randint(1, 10))
        assert archive.land(*batch) == []
        landed.update(one.key for one in batch)

    for _ in range(9):
        at, after = random.randrange(45), random.random() < 0.5
        trouble = random.choice((crash, somebody))
        archive = Archive.of(tables, Watch(at, trouble, after=after), clock)
        with suppress(Crash):
            random.choice((land, land, _compact, Archive.read))(archive)
        days += random.choice((0, 0, 1))
        found = sober.read()
        assert len(set(found)) == len(found)
        assert landed <= set(found) <= set(names(events))
        landed.update(found)  # those of a landing that crashed after its last call
    _compact(sober)
    assert sober.read() == sorted(landed)
