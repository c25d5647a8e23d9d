"""Compaction: the files of a day, how long unused files stay, and snapshots. Crashes are in test_archive_faults."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from journeys import aws, dates
from journeys.archive import columns, compaction
from journeys.archive.compaction import Compaction, compact_archive
from journeys.archive.model import ArchiveFile, Manifest, Snapshot
from journeys.archive.reading import Events, connect
from journeys.archive.scratch import PREFIX
from journeys.archive.store import ArchiveStore, ManifestConflict
from tests.support.archive import (
    BUCKET,
    DAY,
    NOON,
    ORGANIZATION,
    Archive,
    Watched,
    bucket_of,
    customer_key,
    event,
    links_of,
    names,
    read_journey,
)
from tests.support.client_events import handling
from tests.support.functions import Context, load
from tests.support.tables import Tables

HOUR = DAY // 24
CUSTOMERS = [f"customer {number}" for number in range(60)]


def _spread(number: int, seed: int = 1) -> list[Any]:
    random = Random(seed)
    return [
        event(index, random.choice(CUSTOMERS), date=NOON + random.randrange(number) * 1000, date_received=NOON + index)
        for index in range(number)
    ]


def _order(path: Path) -> list[tuple[int, int, str]]:
    """The rows of a file in the order of the file."""
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT hash, date, event FROM read_parquet(?)", [str(path)]).fetchall()
    return [(hash_, date, event_key) for hash_, date, event_key in rows]


# -- a day -------------------------------------------------------------------------------------------------------------


def test_a_small_day_is_compacted_to_one_sorted_file(tables: Tables, tmp_path: Path) -> None:
    archive = Archive.of(tables)
    events = _spread(120)
    archive.land(*events[:70])
    archive.land(*events[50:])
    assert archive.compact() == [("2025-06-16", 120)]
    (file,) = archive.store.snapshot(ORGANIZATION).compacted
    assert (file.day, file.first_bucket, file.last_bucket, file.rows) == ("2025-06-16", 0, 15, 120)
    moments = [one.event.date_created for one in events]
    assert (file.first, file.last) == (min(moments), max(moments))
    assert file.received == NOON + 119
    assert archive.store.snapshot(ORGANIZATION).received == NOON + 119
    (path,) = archive.store.fetch([file], tmp_path).values()
    assert path.stat().st_size == file.size
    rows = _order(path)
    assert rows == sorted(rows)
    assert [event for _, _, event in sorted(rows, key=lambda row: row[2])] == names(events)


def test_a_large_day_is_compacted_to_one_file_per_bucket(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compaction, "SMALL_DAY", 100)
    archive = Archive.of(tables)
    events = _spread(120)
    archive.land(*events)
    archive.compact()
    compacted = archive.store.snapshot(ORGANIZATION).compacted
    assert [(file.first_bucket, file.last_bucket) for file in compacted] == [
        (bucket, bucket) for bucket in sorted({bucket_of(one.event.customer.value) for one in events})
    ]
    assert sum(file.rows for file in compacted) == 120
    for file, path in zip(compacted, archive.store.fetch(compacted, tmp_path).values(), strict=True):
        held = _order(path)
        assert {columns.bucket(hash_) for hash_, _, _ in held} == {file.first_bucket}
        assert held == sorted(held)
    assert archive.read() == names(events)


def test_a_compacted_day_is_compacted_again_with_later_events(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(1), event(2, "bob"))
    archive.compact()
    first = archive.store.manifest(ORGANIZATION)
    assert archive.compact() == []
    assert archive.store.manifest(ORGANIZATION) == first
    archive.land(event(3, attributes={"other": "x"}), event(1), event(4, date_received=NOON + DAY))
    assert archive.compact() == [("2025-06-16", 3), ("2025-06-17", 1)]
    second = archive.store.manifest(ORGANIZATION)
    assert second.version == 3
    assert set(second.retired) > {file.key for file in first.compacted}
    assert [file.rows for file in second.compacted] == [3, 1]


def test_files_of_an_earlier_version_have_no_links_and_are_still_read(tables: Tables, tmp_path: Path) -> None:
    """Their column `linked` is missing. So is the file of links in their manifest."""
    archive = Archive.of(tables)
    before, after = event(1, also={"email": "a@x"}), event(2, "bob", also={"email": "b@x"})
    archive.land(before)
    (landed,) = archive.store.snapshot(ORGANIZATION).landed
    path = archive.store.fetch([landed], tmp_path)[landed.key]
    with duckdb.connect() as connection:
        old = connection.sql("SELECT * EXCLUDE linked FROM read_parquet($path)", params={"path": str(path)})
        old.write_parquet(str(tmp_path / "old.parquet"))
    aws.s3().put_object(Bucket=BUCKET, Key=landed.key, Body=(tmp_path / "old.parquet").read_bytes())
    archive.compact()
    manifest = archive.store.manifest(ORGANIZATION)
    values = manifest.to_values()
    assert values.pop("links") is None
    assert Manifest.from_values(values) == manifest
    archive.land(after)
    assert (archive.read(), archive.links()) == (names([before, after]), links_of([after]))
    archive.compact()
    assert (archive.read(), archive.links()) == (names([before, after]), links_of([after]))


def test_links_of_compacted_events_stay_and_their_file_is_written_only_for_new_ones(tables: Tables) -> None:
    archive = Archive.of(tables)
    first, again = event(1, also={"email": "a@x"}), event(2, also={"email": "a@x"})
    other = event(3, also={"email": "b@x", "web": "v"})
    placeholder = event(4, "guest", also={"email": "c@x"})
    archive.land(first)
    archive.compact()
    file = archive.store.manifest(ORGANIZATION).links
    archive.land(again, placeholder)
    archive.compact()
    assert archive.store.manifest(ORGANIZATION).links == file
    archive.land(other)
    archive.compact()
    manifest = archive.store.manifest(ORGANIZATION)
    assert manifest.links is not None
    assert manifest.links.links == 4
    assert archive.links() == links_of([first, other])
    assert file is not None
    assert file.key in manifest.retired


def test_the_manifest_holds_the_recent_events_of_each_configuration_and_the_customers(tables: Tables) -> None:
    archive = Archive.of(tables, clock=lambda: NOON + 14 * DAY)
    old, first = (event(number, date_received=NOON + number * DAY) for number in (0, 1))
    other = event(2, configuration_id="of % and # and é", date_received=NOON + 2 * DAY)
    archive.land(old, first, other)
    archive.compact()
    recent = {"orders": {"2025-06-17": 1}, "of % and # and é": {"2025-06-18": 1}}
    manifest = archive.store.manifest(ORGANIZATION)
    assert (manifest.sources, manifest.journeys) == (recent, {"2025-06-17": 1, "2025-06-18": 1})
    ben = (event(number, "ben", date_received=NOON + 2 * DAY) for number in (3, 4))
    archive.land(other, *ben)  # the first is a repetition
    archive.compact()
    manifest = archive.store.manifest(ORGANIZATION)
    assert manifest.sources == recent | {"orders": {"2025-06-17": 1, "2025-06-18": 2}}
    assert manifest.journeys == {"2025-06-17": 1, "2025-06-18": 2}


def test_the_customers_of_a_day_with_many_files_count_once_each(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "SMALL_DAY", 1)
    archive = Archive.of(tables, clock=lambda: NOON)
    archive.land(*(event(number, f"customer {number % 30}") for number in range(60)))
    archive.compact()
    manifest = archive.store.manifest(ORGANIZATION)
    assert len(manifest.compacted) > 1
    assert (manifest.sources, manifest.journeys) == ({"orders": {"2025-06-16": 60}}, {"2025-06-16": 30})


def test_a_day_that_fails_is_counted_and_does_not_delay_other_days(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(compaction, "emit_count", counted.append)
    archive = Archive.of(tables)
    archive.land(event(1), event(2, date_received=NOON + DAY))
    broken = next(key for key in archive.objects("landed") if "2025-06-16" in key)
    whole = aws.s3().get_object(Bucket=BUCKET, Key=broken)["Body"].read()
    aws.s3().put_object(Bucket=BUCKET, Key=broken, Body=b"no Parquet")
    assert archive.compact() == [("2025-06-16", None), ("2025-06-17", 1)]
    assert counted == ["CompactionsFailed"]
    aws.s3().put_object(Bucket=BUCKET, Key=broken, Body=whole)
    assert archive.compact() == [("2025-06-16", 1)]
    assert archive.read() == names([event(1), event(2)])


# -- how long files stay -----------------------------------------------------------------------------------------------


def test_unused_files_are_deleted_after_two_days(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(1), event(2))
    archive.compact()
    archive.land(event(3))
    before, manifest = set(archive.objects()), archive.store.manifest(ORGANIZATION)
    snapshot = archive.store.snapshot(ORGANIZATION)
    archive.compact()

    def later(milliseconds: int) -> Archive:
        one = Archive.of(tables, clock=lambda: dates.now_ms() + milliseconds)
        one.compact()
        return one

    almost = later(2 * DAY - HOUR)
    assert before <= set(almost.objects())
    assert len(almost.rows(["event"], snapshot=snapshot)) == 3  # a reader can still use its snapshot
    after = later(2 * DAY + HOUR)
    assert before.isdisjoint(after.objects())
    assert after.read() == names([event(1), event(2), event(3)])
    assert set(manifest.retired).isdisjoint(after.store.manifest(ORGANIZATION).retired)


def test_a_landed_file_that_is_delivered_again_after_its_deletion_changes_nothing(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(1), event(2))
    (key,) = archive.objects("landed")
    archive.compact()
    archive.land(event(1), event(2))  # while it is retired
    assert archive.objects("landed") == [key]
    assert archive.store.snapshot(ORGANIZATION).landed == ()
    Archive.of(tables, clock=lambda: dates.now_ms() + 3 * DAY).compact()
    assert archive.objects("landed") == []
    archive.land(event(1), event(2))
    assert archive.read() == names([event(1), event(2)])
    assert archive.compact() == [("2025-06-16", 2)]


def test_only_files_that_no_manifest_names_are_deleted_after_two_days(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(1))
    archive.compact()
    unnamed = [f"archive/acme/{part}/left-behind" for part in ("compacted/2025-06-16", "manifests")]
    others = ["archive/other/compacted/2025-06-16/x", "evidence/acme/x.json", "failures/acme/x.json"]
    for key in (*unnamed, *others):
        aws.s3().put_object(Bucket=BUCKET, Key=key, Body=b"x")
    archive.compact()
    assert set(unnamed) <= set(archive.objects())
    Archive.of(tables, clock=lambda: dates.now_ms() + 2 * DAY + HOUR).compact()
    assert set(unnamed).isdisjoint(archive.objects())
    left = {one["Key"] for one in aws.s3().list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert set(others) <= left
    assert archive.read() == names([event(1)])


# -- the manifest ------------------------------------------------------------------------------------------------------


def test_a_manifest_replaces_only_the_version_that_was_read(tables: Tables) -> None:
    store = Archive.of(tables).store
    nothing = store.manifest(ORGANIZATION)
    assert nothing == Manifest(ORGANIZATION)
    first = store.put_manifest(nothing)
    assert (first.version, store.manifest(ORGANIZATION)) == (1, first)
    with pytest.raises(ManifestConflict):
        store.put_manifest(nothing)
    second = store.put_manifest(first)
    with pytest.raises(ManifestConflict):
        store.put_manifest(first)
    assert store.manifest(ORGANIZATION) == second


def test_a_manifest_update_whose_response_was_lost_succeeds(tables: Tables) -> None:
    """The client repeats the call, and the condition of the repeated call fails."""

    class Twice(Watched):
        def __getattr__(self, operation: str) -> Any:
            function = getattr(self._client, operation)
            if operation != "update_item":
                return function
            return lambda **request: (function(**request), function(**request))

    twice: Any = Twice.__new__(Twice)
    twice._client = tables.dynamodb
    store = ArchiveStore(twice, tables.registry, aws.s3, BUCKET)
    first = store.put_manifest(Manifest(ORGANIZATION))
    assert store.put_manifest(first) == store.manifest(ORGANIZATION)


# -- snapshots ---------------------------------------------------------------------------------------------------------


def test_a_snapshot_can_be_limited_to_a_period_and_buckets(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "SMALL_DAY", 50)
    archive = Archive.of(tables)
    events = _spread(120)
    archive.land(*events)
    archive.compact()
    archive.land(*(event(number, "late", date=NOON + 200_000 + number) for number in range(120, 130)))
    snapshot = archive.store.snapshot(ORGANIZATION)
    assert (len(snapshot.landed), snapshot.rows, snapshot.received) == (1, 130, NOON + 260_129)
    everything = snapshot.within(NOON, NOON + 200_130)
    assert everything == snapshot
    assert snapshot.within(NOON + 200_130, NOON + 2 * DAY).files == ()
    assert snapshot.within(NOON, NOON + 200_120).landed == ()
    assert snapshot.within(NOON + 200_129, NOON + DAY).compacted == ()
    one = snapshot.within(NOON, NOON + DAY, 3, 4)
    assert {file.first_bucket for file in one.compacted} <= {3, 4}
    low, high = columns.bounds(3, 4)
    found = archive.rows(["event"], f"hash BETWEEN {low} AND {high} AND date < {NOON + 60_000}", snapshot=one)
    assert sorted(row["event"] for row in found) == names(
        one
        for one in events
        if bucket_of(one.event.customer.value) in (3, 4) and one.event.date_created < NOON + 60_000
    )


def test_snapshots_and_manifests_are_unchanged_after_json() -> None:
    file = ArchiveFile("k", "2025-06-16", 0, 3, 10, 999, -5, 2**53 + 1, 7)
    snapshot = Snapshot("acme", (file,), (replace(file, key="l"), replace(file, key="m")))
    assert Snapshot.from_values(json.loads(json.dumps(snapshot.to_values()))) == snapshot
    manifest = Manifest("acme", 7, "key", (file,), {"a": 1}, {"orders": {"2025-06-16": 5}}, {"2025-06-16": 3})
    values = json.loads(json.dumps(manifest.to_values()))
    assert Manifest.from_values(values) == manifest
    values["sources"] = {"orders": ["2025-06-16"]}  # as an earlier version wrote it
    del values["journeys"]
    assert Manifest.from_values(values) == replace(manifest, sources={"orders": {"2025-06-16": 0}}, journeys={})
    del values["sources"]
    assert Manifest.from_values(values) == replace(manifest, sources={}, journeys={})


def test_an_archive_without_events_can_be_read(tmp_path: Path) -> None:
    with connect(tmp_path, "100MB", 1) as connection:
        events = Events(connection, {}, {})
        query = events.select(["n:amount", "customer", "l:tags"], 'hash > 5 AND "n:amount" > 3')
        assert connection.execute(query).fetchall() == []
        names = [name for name, *_ in connection.execute(query).description or ()]
        assert names == ["hash", "date", "type", "n:amount", "customer", "l:tags"]


def test_one_customers_journey_is_read_in_order(tables: Tables, tmp_path: Path) -> None:
    archive = Archive.of(tables)
    events = _spread(200)
    archive.land(*events[:150])
    archive.compact()
    archive.land(*events[140:])
    snapshot = archive.store.snapshot(ORGANIZATION)
    for customer in CUSTOMERS[:5]:
        with connect(tmp_path, "200MB", 1) as connection:
            found = read_journey(
                connection, archive.store, snapshot, customer_key(customer), tmp_path, wanted=["n:total"]
            )
        own = sorted((e.event.date_created, e.key, e) for e in events if e.event.customer.value == customer)
        assert [(row["date"], row["event"]) for row in found] == [(date, key) for date, key, _ in own]
        assert [row["n:total"] for row in found] == [e.event.attributes["total"] for _, _, e in own]


def test_duckdb_has_a_memory_limit_and_downloads_no_extensions(tmp_path: Path) -> None:
    with connect(tmp_path, "100MB", 2) as connection:
        settings = dict(connection.execute("SELECT name, value FROM duckdb_settings()").fetchall())
        assert (settings["threads"], settings["temp_directory"]) == ("2", str(tmp_path))
        assert settings["memory_limit"] == "95.3 MiB"
        assert (settings["autoinstall_known_extensions"], settings["autoload_known_extensions"]) == ("false", "false")
        with pytest.raises(duckdb.Error):
            connection.execute("SELECT * FROM read_parquet('s3://bucket/key.parquet')")


def test_compaction_deletes_its_temporary_folder_and_those_of_killed_processes(tables: Tables, tmp_path: Path) -> None:
    archive = Archive.of(tables)
    archive.land(event(1))
    (tmp_path / f"{PREFIX}of-a-killed-process").mkdir()
    assert list(Compaction(archive.store, memory="200MB", folder=str(tmp_path)).compact(ORGANIZATION))
    assert list(tmp_path.iterdir()) == []


def test_a_large_file_is_downloaded_by_the_calling_thread(tables: Tables, tmp_path: Path) -> None:
    body = bytes(range(256)) * 2**16  # 16 MB, which is downloaded in ranges
    files = [ArchiveFile(f"archive/{number}", "2025-06-16", 0, 15, 1, len(body), 0, 0, 0) for number in range(3)]
    for file in files:
        aws.s3().put_object(Bucket=BUCKET, Key=file.key, Body=body)
    fetching: set[str] = set()

    def note(**_: object) -> None:
        fetching.add(threading.current_thread().name)

    with handling(aws.s3(), "before-call.s3.GetObject", note):
        paths = Archive.of(tables).store.fetch(files, tmp_path)
    assert all(path.read_bytes() == body for path in paths.values())
    assert fetching
    assert all(name.startswith("fetch") for name in fetching)


# -- one archive of the queue ------------------------------------------------------------------------------------------


def _message(organization_id: str) -> dict[str, str]:
    return {"messageId": f"message of {organization_id}", "body": json.dumps({"organizationId": organization_id})}


def test_the_function_compacts_the_archives_that_its_messages_name(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(1), event(2, organization_id="other"), event(3, date_received=NOON + DAY))
    function = load("compaction")
    for _ in range(2):  # A message can arrive twice.
        event_ = {"Records": [_message(ORGANIZATION)]}
        assert function.handler(event_, Context(memory_limit_in_mb="1024")) == {"batchItemFailures": []}
    assert archive.store.snapshot(ORGANIZATION).landed == ()
    assert archive.read() == names([event(1), event(3)])
    assert len(archive.store.snapshot("other").landed) == 1


def test_only_the_messages_of_archives_that_failed_are_delivered_again(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(1), event(2, organization_id="broken"))
    (key,) = [stored.key for stored in archive.store.objects("broken", "landed")]
    aws.s3().put_object(Bucket=BUCKET, Key=key, Body=b"no Parquet")
    records = {"Records": [_message("broken"), _message(ORGANIZATION), _message("unknown")]}
    failed = load("compaction").handler(records, Context(memory_limit_in_mb="1024"))
    assert failed == {"batchItemFailures": [{"itemIdentifier": "message of broken"}]}
    assert archive.store.snapshot(ORGANIZATION).landed == ()


def test_days_that_do_not_fit_into_the_time_are_left_to_the_next_message(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(*(event(number, date_received=NOON + number * DAY) for number in range(4)))
    ticks = iter(range(0, 1000, 100))
    one = Compaction(archive.store, memory="200MB")
    assert compact_archive(one, ORGANIZATION, seconds=400, clock=lambda: next(ticks))
    assert len(archive.store.snapshot(ORGANIZATION).landed) == 1
    assert compact_archive(one, ORGANIZATION, seconds=400, clock=lambda: 0)
    assert archive.store.snapshot(ORGANIZATION).landed == ()


@pytest.mark.parametrize(("error", "is_done", "failures"), [(ManifestConflict, True, 0), (OSError, False, 1)])
def test_an_archive_that_fails_is_repeated_and_one_in_conflict_is_left_to_the_faster_compaction(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, error: type[Exception], is_done: bool, failures: int
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(compaction, "emit_count", counted.append)
    one = Compaction(Archive.of(tables).store, memory="200MB")

    def fail(_: str) -> Any:
        raise error

    monkeypatch.setattr(one, "compact", fail)
    assert compact_archive(one, ORGANIZATION, seconds=100) is is_done
    assert counted == ["CompactionsFailed"] * failures
