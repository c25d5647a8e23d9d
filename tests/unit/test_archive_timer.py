"""The timer of the compaction: messages for archives, the age of the oldest uncompacted day, and silent sources."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from journeys import aws, dates
from journeys.archive import sources, timer
from journeys.archive.model import LANDED, Manifest
from journeys.archive.store import ArchiveStore, CompactionQueue, StoredObject
from journeys.archive.timer import CompactionTimer
from journeys.telemetry import logger
from tests.support.archive import BUCKET, DAY, ORGANIZATION, Archive, event
from tests.support.functions import Context, load
from tests.support.logs import logs_at
from tests.support.tables import Tables

HOUR = DAY // 24
TODAY = date(2026, 11, 26)  # a Thursday


def days(*before: int) -> list[str]:
    """The days that are a number of days before TODAY."""
    return [(TODAY - timedelta(days=number)).isoformat() for number in before]


def queued() -> list[str]:
    """Takes the organizations of all messages from the queue."""
    url, found = os.environ["COMPACTIONS_QUEUE_URL"], list[str]()
    while messages := aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(message["Body"])["organizationId"] for message in messages]
    return sorted(found)


class Measured:
    """The metrics and the warnings of a run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.values: dict[str, float] = {}
        self.silent: list[dict[str, str]] = []
        monkeypatch.setattr(timer, "emit_count", self._add)
        monkeypatch.setattr(timer, "emit_duration", self._add)
        monkeypatch.setattr(logger, "warning", lambda _, **fields: self.silent.append(fields))

    def _add(self, name: str, value: float = 1) -> None:
        self.values[name] = self.values.get(name, 0) + value


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    return Measured(monkeypatch)


def run(archive: Archive, clock: Callable[[], int] = dates.now_ms) -> int:
    queue = CompactionQueue(aws.sqs(), os.environ["COMPACTIONS_QUEUE_URL"])
    return CompactionTimer(archive.store, queue, clock=clock).run()


# -- messages ----------------------------------------------------------------------------------------------------------


def test_each_archive_with_landed_files_gets_one_message(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(1), event(2, date_received=event(2).date_received + DAY))
    archive.land(event(3, organization_id="of % and / and é"), event(4, organization_id="compacted"))
    archive.compact("compacted")
    function = load("compaction")
    assert function.handler({}, Context()) == {"archives": 2}
    assert queued() == [ORGANIZATION, "of % and / and é"]
    for organization_id in (ORGANIZATION, "of % and / and é"):
        archive.compact(organization_id)
    assert function.handler({}, Context()) == {"archives": 0}
    assert queued() == []


def test_an_archive_that_cannot_be_read_gets_a_message_and_does_not_delay_others(tables: Tables) -> None:
    """Its compaction fails too, so the dead-letter queue tells which archive it is."""
    archive = Archive.of(tables)
    archive.land(event(1), event(2, organization_id="broken"))
    archive.compact("broken")
    aws.s3().put_object(Bucket=BUCKET, Key=archive.store.manifest("broken").key, Body=b"no JSON")
    assert run(archive) == 2
    assert queued() == [ORGANIZATION, "broken"]


def test_a_message_that_cannot_be_sent_is_counted_and_does_not_delay_others(
    tables: Tables, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive.of(tables)
    archive.land(event(1), event(2, organization_id="other"))
    send = CompactionQueue.send

    def fail(queue: CompactionQueue, organization_id: str) -> None:
        if organization_id == "other":
            raise ConnectionError
        send(queue, organization_id)

    monkeypatch.setattr(CompactionQueue, "send", fail)
    assert run(archive) == 2
    assert queued() == [ORGANIZATION]
    assert measured.values["CompactionsFailed"] == 1


# -- the age of the oldest uncompacted day -----------------------------------------------------------------------------


def test_the_lag_is_the_time_that_the_oldest_file_of_all_archives_has_waited(
    tables: Tables, measured: Measured
) -> None:
    """Not the age of its events: a backfill lands the events of months."""
    archive = Archive.of(tables)
    run(archive)
    assert measured.values.pop("CompactionLag") == 0
    archive.land(event(1), event(2, organization_id="other"))
    run(archive, lambda: dates.now_ms() + 5 * HOUR)
    assert measured.values.pop("CompactionLag") == pytest.approx(5 * HOUR, abs=HOUR / 10)
    archive.compact()
    archive.compact("other")
    run(archive, lambda: dates.now_ms() + 5 * HOUR)
    assert measured.values.pop("CompactionLag") == 0


def test_the_file_that_has_waited_longest_counts(
    tables: Tables, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, now = Archive.of(tables), dates.now_ms()
    archive.land(event(1), event(2, date_received=event(2).date_received + DAY), event(3, organization_id="other"))
    hours = {ORGANIZATION: [1, 4], "other": [2]}

    def landed(_: ArchiveStore, manifest: Manifest) -> list[StoredObject]:
        found = archive.store.objects(manifest.organization_id, LANDED)
        ages = hours[manifest.organization_id]
        return [replace(one, modified=now - age * HOUR) for one, age in zip(found, ages, strict=True)]

    monkeypatch.setattr(ArchiveStore, "landed_objects", landed)
    run(archive, lambda: now)
    assert measured.values["CompactionLag"] == 4 * HOUR


def test_the_metrics_have_no_dimension(tables: Tables, capsys: pytest.CaptureFixture[str]) -> None:
    Archive.of(tables).land(event(1))
    with logs_at("INFO") as written:
        run(Archive.of(tables))
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    found: dict[str, Any] = {
        name: line for line in lines for name in ("CompactionLag", "SilentSources") if name in line
    }
    assert found.keys() == {"CompactionLag", "SilentSources"}
    for line in found.values():
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]


# -- silent sources ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active", "is_silent"),
    [
        ((2, 3, 4, 5, 6, 7, 8), True),
        ((1, 2, 3, 4, 5, 6, 7, 8), False),  # yesterday
        ((0, 2, 3, 4, 5, 6, 7, 8), False),  # today
        ((2, 3, 4, 5, 8), True),
        ((2, 3, 4, 8), False),  # four days
        ((2, 3, 4, 5, 6, 7), False),  # not on the same weekday a week before
        ((2, 3, 4, 8, 9, 10), False),  # the fifth day is too long ago
        ((), False),
    ],
    ids=["every day", "yesterday", "today", "five days", "four days", "other weekdays", "long ago", "never"],
)
def test_a_source_is_silent_if_it_is_regular_and_had_no_event_yesterday_and_today(
    active: tuple[int, ...], is_silent: bool
) -> None:
    found = sources.silent({"orders": days(*active), "visits": days(0)} if active else {}, TODAY.isoformat())
    assert found == ({"orders": days(min(active))[0]} if is_silent else {})


def test_a_source_that_rests_on_weekends_is_not_silent_then(tables: Tables) -> None:
    today = date(2026, 11, 9)  # a Monday, before the first event
    weekdays = [day for n in range(1, 10) if (day := today - timedelta(days=n)).weekday() < 5]
    for offset in (-1, 0):  # Sunday, Monday
        on = today + timedelta(days=offset)
        held = {"orders": [day.isoformat() for day in weekdays if day < on]}
        assert sources.silent(held, on.isoformat()) == {}
    stopped = {"orders": [day.isoformat() for day in weekdays]}
    assert sources.silent(stopped, (today + timedelta(days=1)).isoformat()) == {"orders": "2026-11-06"}


def test_a_source_that_stays_silent_stops_being_regular() -> None:
    held = {"orders": days(*range(9))}
    found = [bool(sources.silent(held, (TODAY + timedelta(days=number)).isoformat())) for number in range(7)]
    assert found == [False, False, True, True, True, False, False]


def test_a_manifest_holds_fourteen_days_of_a_source_and_no_source_without_days() -> None:
    before = {"a": dict.fromkeys(days(14, 13, 1), 1), "b": dict.fromkeys(days(14), 1)}
    held = sources.with_day(before, days(1)[0], {"a": 3, "c": 2}, TODAY.isoformat())
    assert held == {"a": {days(13)[0]: 1, days(1)[0]: 3}, "c": {days(1)[0]: 2}}


def test_silent_sources_are_counted_and_named_by_their_ids(tables: Tables, measured: Measured) -> None:
    store = ArchiveStore(tables.dynamodb, tables.registry, aws.s3, BUCKET)
    held = {"orders": dict.fromkeys(days(*range(2, 9)), 1), "visits": dict.fromkeys(days(0, 1), 1)}
    for organization_id in ("acme", "other"):
        store.put_manifest(Manifest(organization_id, sources=held))
    noon = dates.parse(f"{TODAY.isoformat()}T12:00:00Z")
    assert run(Archive.of(tables), lambda: noon) == 0
    assert measured.values["SilentSources"] == 2
    assert sorted(measured.silent, key=lambda fields: fields["organization"]) == [
        {"organization": name, "configuration": "orders", "lastDay": days(2)[0]} for name in ("acme", "other")
    ]


@pytest.mark.parametrize(("day", "silent"), [(1, 0), (0, 1)], ids=["of yesterday", "of today"])
def test_sources_are_not_judged_while_files_of_earlier_days_wait(
    tables: Tables, measured: Measured, day: int, silent: int
) -> None:
    """Their files can hold events of yesterday."""
    archive, noon = Archive.of(tables), dates.parse(f"{TODAY.isoformat()}T12:00:00Z")
    held = {"orders": dict.fromkeys(days(*range(2, 9)), 1)}
    archive.store.put_manifest(Manifest(ORGANIZATION, sources=held))
    archive.land(event(1, date_received=noon - day * DAY))
    run(archive, lambda: noon)
    assert measured.values["SilentSources"] == silent
