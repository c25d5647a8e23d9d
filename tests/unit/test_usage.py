"""The responses on usage and activity, calculated from the files of an archive."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from journeys import dates, keys
from journeys.archive import activity
from journeys.archive.model import ArchiveFile, Figures, Manifest, ManifestSummary
from journeys.archive.store import ArchiveStore
from journeys.archive.usage import usage
from journeys.aws import s3
from journeys.registry.configurations.model import Configuration
from tests.support.archive import DAY, NOON, ORGANIZATION, Archive, event
from tests.support.client_events import handling
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables


def file(day: str, rows: int, time: str = "12:00:00Z") -> ArchiveFile:
    received = dates.parse(f"{day}T{time}")
    return ArchiveFile(f"{day}-{rows}", day, 0, 15, rows, 1, received, received, received)


def counted(compacted: tuple[ArchiveFile, ...], *landed: ArchiveFile) -> dict[str, Any]:
    """The response for an archive of these files."""
    return usage(Figures(ManifestSummary.of(Manifest("acme", compacted=compacted)), landed))


def test_external_events_count_in_their_month_of_receipt_and_not_toward_fair_use() -> None:
    compacted = (file("2026-10-31", 5), file("2026-10-01", 7), file("2026-11-01", 11, "09:00:00Z"))
    assert counted(compacted, file("2026-11-02", 2)) == {
        "entities": [
            {"month": "2026-11", "nativeEventCount": 0, "externalEventCount": 13, "fairUseEventCount": 0},
            {"month": "2026-10", "nativeEventCount": 0, "externalEventCount": 12, "fairUseEventCount": 0},
        ],
        "dateExact": "2026-11-01T09:00:00.000Z",
    }


def test_native_events_count_apart_and_toward_fair_use() -> None:
    compacted = (
        replace(file("2026-10-01", 7), native=7),
        replace(file("2026-11-01", 11), native=4),
        file("2026-11-02", 3),
    )
    assert counted(compacted, file("2026-11-03", 2))["entities"] == [
        {"month": "2026-11", "nativeEventCount": 4, "externalEventCount": 12, "fairUseEventCount": 4},
        {"month": "2026-10", "nativeEventCount": 7, "externalEventCount": 0, "fairUseEventCount": 7},
    ]


def test_the_compaction_tells_native_events_from_external_ones(tables: Tables) -> None:
    archive = Archive.of(tables)
    native = replace(event(1), slot="A", schema_id="native-customer-start", configuration_id="native", source="genesys")
    archive.land(event(0), native, replace(event(2), slot="t"), replace(native, event=event(3).event, slot="P"))
    assert archive.store.figures(ORGANIZATION).compacted.native_months == {}
    archive.compact()
    figures = archive.store.figures(ORGANIZATION)
    assert (figures.months, figures.compacted.native_months) == ({"2025-06": 4}, {"2025-06": 2})


def test_summaries_of_an_earlier_version_count_every_event_as_external() -> None:
    values = ManifestSummary.of(Manifest("acme", compacted=(file("2026-11-01", 3),))).to_values()
    del values["nativeMonths"]
    assert ManifestSummary.from_values(values).native_months == {}
    assert ArchiveFile.from_values(file("2026-11-01", 3).to_values()[:9]) == file("2026-11-01", 3)


def test_counts_are_exact_only_before_the_oldest_day_with_landed_files() -> None:
    """A late batch of the stream may repeat events of its day that are compacted already."""
    compacted = (file("2026-10-30", 5), file("2026-10-31", 7), file("2026-11-01", 11))

    def exact(*landed: ArchiveFile) -> object:
        return counted(compacted, *landed).get("dateExact")

    assert exact() == "2026-11-01T12:00:00.000Z"
    assert exact(file("2026-11-02", 2), file("2026-10-31", 2)) == "2026-10-30T12:00:00.000Z"
    assert exact(file("2026-10-30", 2)) is None


def test_no_counts_are_exact_before_the_first_compaction() -> None:
    assert counted(()) == {"entities": []}
    assert "dateExact" not in counted((), file("2026-11-02", 2))


def test_counts_are_exact_to_the_latest_receipt_of_a_long_archive() -> None:
    compacted = tuple(file(f"2026-11-{day:02}", 1) for day in range(1, 21))

    def exact(*landed: ArchiveFile) -> object:
        return counted(compacted, *landed).get("dateExact")

    assert exact() == "2026-11-20T12:00:00.000Z"
    assert exact(file("2026-11-16", 2)) == "2026-11-15T12:00:00.000Z"
    assert exact(file("2026-11-14", 2)) == "2026-11-13T12:00:00.000Z"
    assert exact(file("2026-11-05", 2)) is None  # The summary has no receipts of days that long ago.


@dataclass
class Calls:
    """An archive of many files whose calls to S3 are counted."""

    archive: Archive
    names: list[str]

    def figures(self) -> Figures:
        self.names.clear()
        return self.archive.store.figures(ORGANIZATION)


@pytest.fixture
def calls(tables: Tables) -> Iterator[Calls]:
    """An archive whose 30 files were compacted, and of which two landed since: one of the same day."""
    archive, names = Archive.of(tables), list[str]()
    for number in range(30):
        archive.land(event(number))
    archive.compact()
    archive.land(event(100))
    archive.land(event(200, date_received=NOON + DAY))

    def count(model: Any, **_: Any) -> None:
        names.append(model.name)

    with handling(s3(), "before-call.s3", count):
        yield Calls(archive, names)


def test_figures_read_neither_the_manifest_nor_the_names_of_compacted_files(calls: Calls) -> None:
    figures = calls.figures()
    assert [file.rows for file in figures.landed] == [1, 1]
    assert figures.months == {"2025-06": 32}
    assert figures.dates == (NOON, NOON + 200_000)
    assert figures.exact_until is None
    assert calls.names == ["ListObjectsV2"] * 3  # the days, and the new files of each


def test_figures_count_a_bounded_number_of_landed_files(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journeys.archive.store.MAX_LANDED", 1)
    assert calls.figures().months == {"2025-06": 31}
    monkeypatch.setattr("journeys.archive.store.MAX_LANDED", 5000)
    monkeypatch.setattr("journeys.archive.store.MAX_LANDED_DAYS", 1)
    assert calls.figures().months == {"2025-06": 31}
    assert len(calls.names) == 2


def test_figures_of_an_archive_of_the_first_release_are_those_of_its_manifest(tables: Tables, calls: Calls) -> None:
    """Its row has no summary."""
    figures = calls.figures()
    tables.dynamodb.update_item(
        TableName=tables.registry, Key=keys.archive(ORGANIZATION), UpdateExpression="REMOVE summary"
    )
    assert calls.figures() == figures
    assert "GetObject" in calls.names


def test_a_day_whose_compaction_failed_counts_with_all_its_files(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(1))
    archive.land(event(2, date_received=NOON + DAY))
    manifest = archive.store.manifest(ORGANIZATION)
    (later,) = (file for file in archive.store.landed(manifest) if file.day == "2025-06-17")
    compacted = replace(later, key="archive/acme/compacted/2025-06-17/00-15_a.parquet")
    archive.store.put_manifest(replace(manifest, compacted=(compacted,), retired={later.key: NOON + DAY}))
    figures = archive.store.figures(ORGANIZATION)
    assert [file.day for file in figures.landed] == ["2025-06-16"]
    assert (figures.months, figures.exact_until) == ({"2025-06": 2}, None)


def test_an_organization_sees_only_its_own_usage(tables: Tables) -> None:
    store = ArchiveStore(tables.dynamodb, tables.registry, s3, "archive")
    store.put_manifest(Manifest("acme", compacted=(file("2026-11-01", 3),)))
    store.put_manifest(Manifest("globex", compacted=(file("2026-11-01", 4),)))

    status, body = call(load("usage"), api_event("GET", "usage"))

    assert status == 200
    assert [one["externalEventCount"] for one in body["entities"]] == [3]


# -- activity ----------------------------------------------------------------------------------------------------------

TODAY = dates.parse("2026-11-14T08:00:00Z")
SHOP = Configuration("orders", "Shop orders", None, None, "order", "Shop", False, 0)


def shown(manifest: Manifest, *landed: ArchiveFile) -> dict[str, Any]:
    """The activity of an organization with this archive and one configuration, which was deleted or not."""
    summary = ManifestSummary.from_values(json.loads(json.dumps(ManifestSummary.of(manifest).to_values())))
    return activity.activity(Figures(summary, landed), [SHOP, replace(SHOP, configuration_id="unused")], {}, TODAY)


def test_the_activity_lists_fourteen_days_with_the_events_of_each_configuration() -> None:
    compacted = (file("2026-10-31", 9), file("2026-11-01", 5), file("2026-11-13", 7), file("2026-11-13", 4))
    held = {"orders": {"2026-11-01": 5, "2026-11-13": 2}, "visits": {"2026-11-13": 9}}
    manifest = Manifest("acme", compacted=compacted, sources=held, journeys={"2026-11-01": 3, "2026-11-13": 6})
    answer = shown(manifest, file("2026-11-13", 1), file("2026-11-14", 2))
    days = {day["date"]: day for day in answer["entities"]}
    assert list(days) == [f"2026-11-{number:02}" for number in range(14, 0, -1)]
    assert days["2026-11-14"] == {"date": "2026-11-14", "eventCount": 2, "otherEventCount": 2, "sources": []}
    assert days["2026-11-13"] == {
        "date": "2026-11-13",
        "eventCount": 12,
        "otherEventCount": 1,
        "journeyCount": 6,
        "sources": [
            {"configurationId": "visits", "eventCount": 9},
            {"configurationId": "orders", "eventCount": 2},
        ],
    }
    assert [days["2026-11-01"][name] for name in ("eventCount", "otherEventCount", "journeyCount")] == [5, 0, 3]
    assert answer["dateExact"] == "2026-11-01T12:00:00.000Z"


def test_the_activity_names_the_configurations_that_have_events() -> None:
    manifest = Manifest("acme", compacted=(file("2026-11-13", 2),), sources={"orders": {"2026-11-13": 2}})
    assert shown(manifest)["configurations"] == [
        {"id": "orders", "name": "Shop orders", "source": "Shop", "schemaId": "order"}
    ]


def test_days_that_an_earlier_version_compacted_count_without_their_configurations() -> None:
    earlier = Manifest("acme", compacted=(file("2026-11-13", 2),)).to_values()
    earlier["sources"] = {"orders": ["2026-11-13"]}
    del earlier["journeys"]
    day = shown(Manifest.from_values(earlier))["entities"][1]
    assert day == {"date": "2026-11-13", "eventCount": 2, "otherEventCount": 2, "sources": []}
    row = {name: value for name, value in ManifestSummary().to_values().items() if name not in DAILY}
    assert ManifestSummary.from_values(row) == ManifestSummary()


DAILY = {"days", "sources", "journeys"}
"""What the rows of earlier versions lack."""


def test_a_summary_holds_a_bounded_number_of_configurations_and_days() -> None:
    """The registry's row stays small. Configurations beyond the bound count among the other events."""
    days = [f"2026-10-{day:02}" for day in range(1, 31)]
    held = {f"{number:036}": dict.fromkeys(days, 1_000_000 + number) for number in range(250)}
    compacted = tuple(file(day, sum(counts[day] for counts in held.values())) for day in days)
    summary = ManifestSummary.of(Manifest("acme", compacted=compacted, sources=held))
    assert list(summary.days) == days[-14:]
    assert len(summary.sources) == 200
    assert min(summary.sources) == f"{50:036}"
    assert {len(counts) for counts in summary.sources.values()} == {14}
    assert len(json.dumps(summary.to_values())) < 35_000


def test_an_organization_sees_only_its_own_activity(tables: Tables) -> None:
    store = ArchiveStore(tables.dynamodb, tables.registry, s3, "archive")
    today = dates.text(dates.now_ms())[:10]
    for organization_id, rows in (("acme", 3), ("globex", 4)):
        store.put_manifest(Manifest(organization_id, compacted=(file(today, rows),), sources={"o": {today: rows}}))

    status, body = call(load("usage"), api_event("GET", "activity"))

    assert status == 200
    assert [day["eventCount"] for day in body["entities"]] == [3] + [0] * 13
    assert body["configurations"] == []
