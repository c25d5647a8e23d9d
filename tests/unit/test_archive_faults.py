"""Crashes, errors and concurrent work at any call of landing, compaction and reading.

After each, a reader must find every event and every link exactly once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from random import Random

import pytest

from journeys import aws, dates
from journeys.archive import compaction
from journeys.archive.store import ManifestConflict
from journeys.events.model import StoredEvent
from tests.support.archive import DAY, ORGANIZATION, Archive, Crash, Watch, crash, event, links_of, names
from tests.support.memory_s3 import MemoryS3
from tests.support.tables import Tables

CUSTOMERS = ("ann", "bob", "cid", "dan", "eve", "fay")


def _events(first: int, last: int, day: int = 0) -> list[StoredEvent]:
    """Every third event links its customer to another identifier, and the same link is made by several events."""
    return [
        event(
            number,
            CUSTOMERS[number % len(CUSTOMERS)],
            date_received=event(number).date_received + day * DAY,
            also={"email": f"{number % 5}@example.com"} if number % 3 == 0 else {},
        )
        for number in range(first, last)
    ]


MONDAY, TUESDAY, WEDNESDAY = _events(0, 12), _events(12, 24, 1), _events(24, 30, 2)
EVERYTHING = names((*MONDAY, *TUESDAY, *WEDNESDAY))
LINKS = links_of((*MONDAY, *TUESDAY, *WEDNESDAY))


def _long_ago() -> int:
    return dates.now_ms() - 3 * DAY


def _long_after() -> int:
    return dates.now_ms() + 3 * DAY


class Start:
    """An archive with a compacted day and unused files, a partly compacted day, and a landed day."""

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
        self._saved = self._archive.save()

    def reset(self) -> None:
        """Restores the archive, which is faster than building it again."""
        self._archive.restore(self._saved)


@pytest.fixture(autouse=True)
def bucket(tables: Tables) -> Iterator[MemoryS3]:
    """Stores the archive of `tables` in memory, because these tests call S3 thousands of times."""
    s3 = MemoryS3()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aws, "s3", lambda: s3)
        yield s3


@pytest.fixture
def large_monday(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes Monday large enough for one file per bucket."""
    monkeypatch.setattr(compaction, "SMALL_DAY", 14)


# -- crashes -----------------------------------------------------------------------------------------------------------


def test_compaction_can_crash_at_any_call(tables: Tables) -> None:
    archive, start = Archive.of(tables), Start(tables)
    at = 0
    while True:
        start.reset()
        crashing = Archive.of(tables, watch := Watch(at, crash), _long_after)
        with suppress(Crash):
            crashing.compact()
        done = len(watch.calls) <= at  # the crash was not reached
        assert archive.read() == EVERYTHING, f"{watch.calls[-1]}, call {at}"
        assert archive.links() == LINKS, f"{watch.calls[-1]}, call {at}"
        Archive.of(tables, clock=_long_after).compact()
        assert archive.read() == EVERYTHING
        assert archive.links() == LINKS
        assert not archive.store.snapshot(ORGANIZATION).landed
        _assert_nothing_is_left_over(tables)
        if done:
            break
        at += 1
    assert at > 20
    assert {"list_objects_v2", "put_object", "upload_file", "download_file", "delete_objects", "get_item",
            "get_object", "update_item"} == set(watch.calls)  # fmt: skip


def _assert_nothing_is_left_over(tables: Tables) -> None:
    """Days later, the bucket holds only what the manifest names."""
    last = Archive.of(tables, clock=lambda: dates.now_ms() + 6 * DAY)
    last.compact()
    assert last.read() == EVERYTHING
    manifest = last.store.manifest(ORGANIZATION)
    assert last.links() == LINKS
    assert manifest.links is not None
    files = [manifest.links.key, *(file.key for file in manifest.compacted)]
    assert sorted(last.objects()) == sorted([*files, manifest.key, *manifest.retired])
    assert all("/manifests/" in key for key in manifest.retired)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("error", [Crash, OSError, ConnectionError])
def test_landing_can_fail_at_any_call_and_be_retried_in_different_batches(
    tables: Tables, after: bool, error: type[BaseException]
) -> None:
    def fail() -> None:
        raise error

    batch = [*MONDAY, *TUESDAY, *WEDNESDAY]
    archive, nothing = Archive.of(tables), Archive.of(tables).save()
    Archive.of(tables, watch := Watch()).land(*batch)
    assert watch.calls == ["put_object"] * 3
    for at in range(3):
        archive.restore(nothing)
        failing = Archive.of(tables, Watch(at, fail, after=after))
        if error is Crash:
            with pytest.raises(Crash):
                failing.land(*batch)
            to_retry = batch
        else:
            numbers = failing.land(*batch)
            to_retry = [batch[int(number)] for number in numbers]
            assert names(to_retry) == names((MONDAY, TUESDAY, WEDNESDAY)[at])  # an error affects only one day
        assert set(archive.read()) <= set(EVERYTHING)
        archive.compact()
        for cut in (to_retry[:7], to_retry[5:], to_retry[:2]):
            assert archive.land(*cut) == []
        assert archive.read() == EVERYTHING
        archive.compact()
        assert archive.read() == EVERYTHING


# -- concurrent work ---------------------------------------------------------------------------------------------------


def _between(tables: Tables, others: Callable[[], None], do: Callable[[Archive], object]) -> Iterator[str]:
    """Repeats `do`, and runs `others` before its first call, then before its second, and so on. Yields after each."""
    start = Start(tables)
    at = 0
    while True:
        start.reset()
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


def test_another_compaction_can_run_at_any_call_of_a_compaction(tables: Tables) -> None:
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


def test_events_can_land_at_any_call_of_a_compaction(tables: Tables) -> None:
    """New events, events that are being compacted, and events that were compacted before."""
    late = _events(30, 33, 1)

    def land() -> None:
        Archive.of(tables).land(*late, *TUESDAY[8:10])
        Archive.of(tables).land(*WEDNESDAY)

    for where in _between(tables, land, Archive.compact):
        archive = Archive.of(tables)
        assert archive.read() == names((*MONDAY, *TUESDAY, *WEDNESDAY, *late)), where
        assert archive.links() == links_of((*MONDAY, *TUESDAY, *WEDNESDAY, *late)), where


def test_compactions_can_run_at_any_call_of_a_reader(tables: Tables) -> None:
    """The reader's files stay, and it finds the events and links that existed when it started."""
    found: list[list[str]] = []
    linked: list[list[tuple[int, int]]] = []

    def others() -> None:
        Archive.of(tables).compact()
        Archive.of(tables).land(*MONDAY[:5])
        Archive.of(tables).compact()

    def read(archive: Archive) -> None:
        found.append(archive.read())
        linked.append(archive.links())

    for where in _between(tables, others, read):
        assert found[-1] == EVERYTHING, where
        assert linked[-1] == LINKS, where


def test_readers_find_every_event_at_every_call_of_a_compaction(tables: Tables) -> None:
    found: list[list[str]] = []
    linked: list[list[tuple[int, int]]] = []

    def read() -> None:
        found.append(Archive.of(tables).read())
        linked.append(Archive.of(tables).links())

    for where in _between(tables, read, Archive.compact):
        assert found[-1] == EVERYTHING, where
        assert linked[-1] == LINKS, where


# -- any order of operations -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.usefixtures("large_monday")
def test_any_order_of_landing_compacting_crashing_and_reading_is_correct(tables: Tables, seed: int) -> None:
    """Batches land repeatedly and in random order while days pass. Each event that landed is read exactly once.

    The clock ends at the current time, because the dates of the objects are the current time.
    """
    random = Random(seed)
    events = [*MONDAY, *TUESDAY, *WEDNESDAY]
    landed: set[str] = set()
    days = -9
    clock = lambda: dates.now_ms() + days * DAY  # noqa: E731
    undisturbed = Archive.of(tables, clock=clock)

    def concurrent() -> None:
        if random.random() < 0.5:
            _compact(undisturbed)
        else:
            land(undisturbed)

    def land(archive: Archive) -> None:
        batch: Sequence[StoredEvent] = random.sample(events, random.randint(1, 10))
        assert archive.land(*batch) == []
        landed.update(one.key for one in batch)

    for _ in range(9):
        at, after = random.randrange(45), random.random() < 0.5
        disturbance = random.choice((crash, concurrent))
        archive = Archive.of(tables, Watch(at, disturbance, after=after), clock)
        with suppress(Crash):
            random.choice((land, land, _compact, Archive.read))(archive)
        days += random.choice((0, 0, 1))
        found = undisturbed.read()
        assert len(set(found)) == len(found)
        assert landed <= set(found) <= set(names(events))
        landed.update(found)  # including those of a landing that crashed after its last call
    _compact(undisturbed)
    assert undisturbed.read() == sorted(landed)
    assert undisturbed.links() == links_of(one for one in events if one.key in landed)
