"""The usage response, calculated from the files of an archive."""

from journeys import dates
from journeys.archive.model import ArchiveFile, Manifest, Snapshot
from journeys.archive.store import ArchiveStore
from journeys.archive.usage import usage
from journeys.aws import s3
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables


def file(day: str, rows: int, time: str = "12:00:00Z") -> ArchiveFile:
    received = dates.parse(f"{day}T{time}")
    return ArchiveFile(f"{day}-{rows}", day, 0, 15, rows, 1, received, received, received)


def test_external_events_count_in_their_month_of_receipt_and_not_toward_fair_use() -> None:
    compacted = (file("2026-10-31", 5), file("2026-10-01", 7), file("2026-11-01", 11, "09:00:00Z"))
    counted = usage(Snapshot("acme", compacted, (file("2026-11-02", 2),)))

    assert counted == {
        "entities": [
            {"month": "2026-11", "nativeEventCount": 0, "externalEventCount": 13, "fairUseEventCount": 0},
            {"month": "2026-10", "nativeEventCount": 0, "externalEventCount": 12, "fairUseEventCount": 0},
        ],
        "dateExact": "2026-11-01T09:00:00.000Z",
    }


def test_counts_are_exact_only_before_the_oldest_day_with_landed_files() -> None:
    """A late batch of the stream may repeat events of its day that are compacted already."""
    compacted = (file("2026-10-30", 5), file("2026-10-31", 7), file("2026-11-01", 11))

    def exact(*landed: ArchiveFile) -> object:
        return usage(Snapshot("acme", compacted, landed)).get("dateExact")

    assert exact() == "2026-11-01T12:00:00.000Z"
    assert exact(file("2026-11-02", 2), file("2026-10-31", 2)) == "2026-10-30T12:00:00.000Z"
    assert exact(file("2026-10-30", 2)) is None


def test_no_counts_are_exact_before_the_first_compaction() -> None:
    assert usage(Snapshot("acme", (), ())) == {"entities": []}
    assert "dateExact" not in usage(Snapshot("acme", (), (file("2026-11-02", 2),)))


def test_an_organization_sees_only_its_own_usage(tables: Tables) -> None:
    store = ArchiveStore(tables.dynamodb, tables.registry, s3, "archive")
    store.put_manifest(Manifest("acme", compacted=(file("2026-11-01", 3),)))
    store.put_manifest(Manifest("globex", compacted=(file("2026-11-01", 4),)))

    status, body = call(load("usage"), api_event("GET", "usage"))

    assert status == 200
    assert [one["externalEventCount"] for one in body["entities"]] == [3]
