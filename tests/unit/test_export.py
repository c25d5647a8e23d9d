"""`journeys export`: every event of the period once, exactly as it was stored, in a complete file or none."""

# ruff: noqa: S608  (the SQL names files of the test)

import json
import os
import threading
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pytest

from journeys import dates
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.registry.clients.store import ClientStore
from tests.support.archive import BUCKET, DAY, NOON, ORGANIZATION, Archive, event, records
from tests.support.cli import run_journeys
from tests.support.csv_reading import read_csv
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables
from tools.commands import exporting, options
from tools.exporter import export
from tools.exporter.columns import BASE, attribute_names, for_parquet
from tools.exporter.download import download_files
from tools.exporter.export import Export
from tools.importer.columns import MAPPINGS, open_csv
from tools.importer.import_run import ImportRun
from tools.importer.rejected import RejectedRows
from tools.progress import ProgressBars
from tools.stack import Stack

ALWAYS = (dates.parse("0001-01-01T00:00:00Z"), dates.parse("9999-12-31T00:00:00Z"))
SAID = ("=1+1", "+49 30 1", "-5", "'", "''x", "", " ", 'a"b', "a,b", "a\r\nb", "\n", "ä#%2", "@x", "null")
NUMBERS = (0, -7, 10**15, Decimal("0.1"), Decimal("-1E-30"), Decimal("12345678901234567890.123456789"), 10**37)


def write(archive: Archive, output: Path, *, start: int = ALWAYS[0], end: int = ALWAYS[1], **changes: Any) -> int:
    wanted = Export(ORGANIZATION, start, end, output, **changes)
    return export.run(archive.store, wanted, ProgressBars(), memory="200MB", threads=1)


def from_parquet(path: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file, without missing values. Dates are in milliseconds."""
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT * REPLACE (epoch_ms(date) AS date, epoch_ms(received) AS received) FROM '{path}'"
        )
        names = [name for name, *_ in found.description or ()]
        return [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in found.fetchall()
        ]


def from_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, without missing values."""
    head, *rows = read_csv(path.read_bytes().decode())
    return [{str(name): cell for name, cell in zip(head, row, strict=True) if cell is not None} for row in rows]


def ordered(events: Iterable[StoredEvent]) -> list[StoredEvent]:
    return sorted(events, key=lambda one: (one.event.date_created, one.key))


def base_of(stored: StoredEvent) -> dict[str, Any]:
    return {
        "event_id": stored.event.event_id,
        "configuration_id": stored.configuration_id,
        "event_type": stored.event_name,
        "schema_version": stored.schema_version,
        "source": stored.source,
        "customer_source": stored.event.customer.source_id,
        "customer": stored.event.customer.value,
        "date": stored.event.date_created,
        "received": stored.date_received,
    }


def as_parquet(stored: StoredEvent) -> dict[str, Any]:
    """The row of an event in Parquet. Numbers are doubles."""
    return base_of(stored) | {
        name: float(value) if _is_number(value) else value for name, value in stored.event.attributes.items()
    }


def as_csv(stored: StoredEvent) -> dict[str, Any]:
    """The row of an event in CSV, before its numbers become texts."""
    base = base_of(stored)
    base |= {"schema_version": Decimal(stored.schema_version)}
    base |= {name: dates.text(base[name]) for name in ("date", "received")}
    texts = {bool: lambda value: str(value).lower(), list: lambda value: json.dumps(value, ensure_ascii=False)}
    attributes = {
        name: Decimal(value) if _is_number(value) else texts.get(type(value), str)(value)
        for name, value in stored.event.attributes.items()
    }
    return base | attributes


def numbers_read(row: dict[str, str], like: dict[str, Any]) -> dict[str, Any]:
    """A row of a CSV, with numbers where `like` has some."""
    return {name: Decimal(text) if isinstance(like.get(name), Decimal) else text for name, text in row.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def same_json(text: str) -> str:
    return json.dumps(json.loads(text), ensure_ascii=False)


@pytest.fixture
def stored(tables: Tables) -> list[StoredEvent]:
    """Events of three days with every kind of value, in compacted and landed files, some of them twice."""
    events = [
        event(
            number,
            f"{SAID[number % len(SAID)]} customer {number % 5}",
            date=NOON + 3_600_001 * number,
            attributes={"said": SAID[number % len(SAID)], "Amount": NUMBERS[number % len(NUMBERS)]}
            | ({"paid": number % 2 == 0} if number % 3 else {})
            | ({"tags": ["a", 'b"c', "=ü"][: number % 4]} if number % 5 else {}),
        )
        for number in range(60)
    ]
    archive = Archive.of(tables)
    archive.land(*events[:30])
    archive.compact()
    archive.land(*events[20:40])
    archive.land(*events[35:])
    archive.land(event(1, "somebody else's", organization_id="other"))
    assert archive.store.snapshot(ORGANIZATION).landed
    return ordered(events)


def test_a_parquet_file_has_each_event_once_with_the_values_that_were_stored(
    tables: Tables, stored: list[StoredEvent], tmp_path: Path
) -> None:
    path = tmp_path / "events.parquet"
    assert write(Archive.of(tables), path) == len(stored)
    rows = from_parquet(path)
    exact = [row.pop("Amount (exact)") for row in rows]
    assert rows == [as_parquet(one) for one in stored]
    assert [Decimal(text) for text in exact] == [one.event.attributes["Amount"] for one in stored]


@pytest.mark.parametrize("protect", [True, False])
def test_a_csv_file_has_each_event_once_with_the_values_that_were_stored(
    tables: Tables, stored: list[StoredEvent], tmp_path: Path, protect: bool
) -> None:
    path = tmp_path / "events.csv"
    assert write(Archive.of(tables), path, protect=protect) == len(stored)
    if not protect:
        text = path.read_bytes().decode()
        assert "=1+1 customer" in text
        assert "'=1+1" not in text
        return
    rows = [row | ({"tags": same_json(row["tags"])} if "tags" in row else {}) for row in from_csv(path)]
    assert rows[0].keys() == as_csv(stored[0]).keys()
    expected = [as_csv(one) for one in stored]
    # An empty text is one, and not a missing value.
    assert [numbers_read(row, like) for row, like in zip(rows, expected, strict=True)] == expected


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_only_the_events_of_the_period_are_written(
    tables: Tables, stored: list[StoredEvent], tmp_path: Path, suffix: str
) -> None:
    start, end = stored[10].event.date_created, stored[50].event.date_created
    path = tmp_path / f"events{suffix}"
    assert write(Archive.of(tables), path, start=start, end=end) == 40
    rows = from_csv(path) if suffix == ".csv" else from_parquet(path)
    assert [row["event_id"] for row in rows] == [one.event.event_id for one in stored[10:50]]


def test_two_exports_of_the_same_archive_are_equal(tables: Tables, stored: list[StoredEvent], tmp_path: Path) -> None:
    assert stored
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    archive = Archive.of(tables)
    write(archive, first)
    archive.compact()
    write(archive, second)
    assert first.read_bytes() == second.read_bytes()


def test_an_organization_without_events_has_a_file_with_columns(tables: Tables, tmp_path: Path) -> None:
    archive = Archive.of(tables)
    assert write(archive, tmp_path / "none.csv") == 0
    assert read_csv((tmp_path / "none.csv").read_bytes().decode()) == [[column.name for column in BASE]]
    assert write(archive, tmp_path / "none.parquet") == 0
    assert from_parquet(tmp_path / "none.parquet") == []


def test_attributes_have_their_own_names_and_kinds_tell_equal_names_apart() -> None:
    archived = ["event", "s:%4eame", "n:total", "b:total", "s:date", "s:size", "s:%53ize", "n:%25", "x:%25"]
    assert attribute_names(archived) == {
        "%": "n:%25",
        "Name": "s:%4eame",
        "Size (text)": "s:%53ize",
        "date (text)": "s:date",
        "size (text) 2": "s:size",
        "total (boolean)": "b:total",
        "total (number)": "n:total",
    }
    names = [column.name for column in for_parquet(archived)]
    assert names[len(BASE) :] == [
        "%", "% (exact)", "Name", "Size (text)", "date (text)", "size (text) 2",
        "total (boolean)", "total (number)",
    ]  # fmt: skip
    assert len({name.lower() for name in names}) == len(names)


def test_the_identifiers_that_an_event_links_are_written(tables: Tables, tmp_path: Path) -> None:
    archive = Archive.of(tables)
    identifiers = (ExternalId("crm", "a#b"), ExternalId("web", "c d"), ExternalId("email", "d@example.com"))
    archive.land(event(1, event=Event("1", NOON, identifiers, {"linked": "no"})), event(2))
    archive.compact()
    assert write(archive, tmp_path / "events.parquet") == 2
    assert write(archive, tmp_path / "events.csv") == 2
    linked = [{"customer_source": one.source_id, "customer": one.value} for one in identifiers]
    first, second = from_parquet(tmp_path / "events.parquet")
    assert (first["linked"], first["linked (text)"], "linked" in second) == (linked, "no", False)
    row, other = from_csv(tmp_path / "events.csv")
    assert (json.loads(row["linked"]), row["linked (text)"], "linked" in other) == (linked, "no", False)
    assert archive.store.snapshot(ORGANIZATION).links
    assert download_files(archive.store, ORGANIZATION, tmp_path / "archive", ProgressBars()) == 2
    assert len(list((tmp_path / "archive" / "links").glob("*.parquet"))) == 1


# -- complete or not there ---------------------------------------------------------------------------------------------


def failing(*_: Any, **__: Any) -> Any:
    raise OSError(28, "No space left on device")


def interrupted(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["download", "_write", "_execute", "_publish"])
@pytest.mark.parametrize("failure", [failing, interrupted])
def test_a_failed_export_leaves_nothing_and_the_earlier_file(
    tables: Tables, tmp_path: Path, step: str, failure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, path = Archive.of(tables), tmp_path / "events.csv"
    archive.land(event(1))
    path.write_text("an earlier export")
    with monkeypatch.context() as patch:
        patch.setattr(export, step, failure)
        with pytest.raises(KeyboardInterrupt if failure is interrupted else Exception) as raised:
            write(archive, path, replace=True)
    if failure is failing:
        assert str(raised.value) == f"{path} cannot be written: No space left on device."
    assert [one.name for one in tmp_path.iterdir()] == ["events.csv"]
    assert path.read_text() == "an earlier export"
    assert write(archive, path, replace=True) == 1
    assert len(from_csv(path)) == 1


def test_the_folder_of_a_killed_export_is_deleted_by_the_next(tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "journeys-run-left").mkdir()
    (tmp_path / "journeys-run-left" / "export.csv").write_text("half")
    write(Archive.of(tables), tmp_path / "events.csv")
    assert [one.name for one in tmp_path.iterdir()] == ["events.csv"]


def test_ctrl_c_ends_the_writing() -> None:
    """Python raises KeyboardInterrupt where the main thread waits for DuckDB."""
    ended = threading.Event()

    class Connection:
        interrupt = staticmethod(ended.set)

        def execute(self, statement: str) -> Any:
            if statement.startswith("COPY"):
                assert ended.wait(60)
            return mock.Mock(fetchall=lambda: [(0,)])

        def query_progress(self) -> float:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export._execute(Connection(), "COPY everything", mock.Mock())  # type: ignore[arg-type]
    assert ended.is_set()


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def stack(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack in moto."""
    stack = Stack("test", None)
    vars(stack)["outputs"] = {
        "UserPoolId": "us-east-1_users",
        "PeoplePoolId": "us-east-1_people",
        "ArchiveBucketName": BUCKET,
        "EventsTableName": tables.events,
        "FailuresTableName": tables.failures,
        "JourneysTableName": tables.journeys,
        "LinksTableName": tables.links,
        "RegistryTableName": tables.registry,
    }
    ClientStore(tables.dynamodb, tables.registry).put_organization(ORGANIZATION, "Acme")
    monkeypatch.setattr(options, "open_stack", lambda _: stack)
    return stack


@pytest.mark.usefixtures("stack")
def test_the_command_exports_a_period(stored: list[StoredEvent], tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    day = dates.text(NOON + DAY)[:10]
    result = run_journeys(
        "export", path, "--organization", ORGANIZATION, "--from", day, "--to", f"{day}T12:00:00+02:00"
    )
    within = [
        one for one in stored if dates.parse(f"{day}T00:00:00Z") <= one.event.date_created < NOON + DAY - 2 * 3_600_000
    ]
    assert (result.exit_code, result.stdout) == (0, f"Wrote {len(within)} events to {path}.\n")
    assert [row["event_id"] for row in from_csv(path)] == [one.event.event_id for one in within]
    assert "Files of the archive" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("FOLDER/events.txt",), 1, "has no known ending. Use .parquet or .csv"),
        (("FOLDER/none/events.csv",), 1, "There is no folder"),
        (("FOLDER/existing.csv",), 1, "exists. Name another file, or replace it with --force."),
        (("FOLDER/folder.csv",), 1, "is a folder. Name a file."),
        (("FOLDER/a.csv", "--from", "2026-02-01", "--to", "2026-01-01"), 2, "--to is not after --from."),
        (("FOLDER/a.csv", "--from", "yesterday"), 2, "Use a date such as 2026-01-31"),
        (("FOLDER/a.csv", "--organization", "nobody"), 1, "There is no organization nobody."),
        (("FOLDER/a.parquet", "--unprotected"), 2, "--unprotected is for CSV."),
    ],
)
@pytest.mark.usefixtures("stack")
def test_a_wrong_use_is_an_error_that_says_what_is_allowed(
    tmp_path: Path, arguments: Sequence[str], status: int, message: str
) -> None:
    (tmp_path / "existing.csv").write_text("kept")
    (tmp_path / "folder.csv").mkdir()
    named = [argument.replace("FOLDER", str(tmp_path)) for argument in arguments]
    result = run_journeys("export", "--organization", ORGANIZATION, *named)
    assert (result.exit_code, result.stdout) == (status, "")
    assert message in result.stderr.replace("\n", " ")
    assert (tmp_path / "existing.csv").read_text() == "kept"


@pytest.mark.usefixtures("stack")
def test_on_aws_the_organization_must_be_named(tmp_path: Path) -> None:
    result = run_journeys("export", tmp_path / "events.csv")
    assert result.exit_code == 2
    assert "--organization" in result.stderr


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("command", [("export", "events.csv"), ("archive", "compact")])
@pytest.mark.parametrize("memory", ["nope", "2", ""])
def test_a_memory_that_is_no_size_is_wrong_usage(command: tuple[str, ...], memory: str) -> None:
    result = run_journeys(*command, "--memory", memory)
    assert result.exit_code == 2
    assert "such as 500MB or 2GB" in result.stderr


@pytest.mark.usefixtures("stack")
def test_on_the_local_stack_the_first_organization_is_the_default(
    stored: list[StoredEvent], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "is_local", lambda _: True)
    described = {"organizations": [{"id": ORGANIZATION}, {"id": "other"}]}
    monkeypatch.setattr(exporting, "local_description", lambda: described)
    result = run_journeys("export", tmp_path / "events.parquet")
    assert (result.exit_code, result.stdout.split()[1]) == (0, str(len(stored)))


def test_the_dates_that_stand_for_no_limit_are_the_widest() -> None:
    assert (dates.text(exporting.FIRST)[:4], dates.text(exporting.LAST)[:4]) == ("0001", "9999")


@pytest.mark.usefixtures("stack")
def test_the_files_of_an_archive_are_downloaded(tables: Tables, stored: list[StoredEvent], tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    files = Archive.of(tables).store.snapshot(ORGANIZATION).files
    result = run_journeys("archive", "download", folder, "--organization", ORGANIZATION)
    assert (result.exit_code, result.stdout) == (0, f"Downloaded {len(files)} files to {folder}.\n")
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.parquet")} == {
        file.key.split("/", 2)[2] for file in files
    }
    with duckdb.connect() as connection:
        ((count,),) = connection.execute(
            f"SELECT count(DISTINCT event) FROM read_parquet('{folder}/*/*/*.parquet', union_by_name = true)"
        ).fetchall()
    assert count == len(stored)
    again = run_journeys("archive", "download", folder, "--organization", ORGANIZATION)
    assert (again.exit_code, "Name a folder that does not exist." in again.stderr) == (1, True)
    assert [one.name for one in tmp_path.iterdir()] == ["archive"]


# -- from an import to an export ---------------------------------------------------------------------------------------

INCIDENTS = "JOURNEYS_TEST_INCIDENTS"
"""The environment variable that names ServiceNow's whole incident audit log; without it, the test uses a few rows."""
ROWS = """\
number,incident_state,active,reassignment_count,reopen_count,sys_mod_count,made_sla,caller_id,opened_at,sys_updated_at,\
contact_type,location,category,subcategory,u_symptom,cmdb_ci,impact,urgency,priority,assignment_group,assigned_to,\
problem_id,rfc
INC1,New,true,0,0,0,true,Caller 1,29-02-2024 01:16,29-02-2024 01:23,Phone,Location 1,Category 1,Subcategory 1,?,?,\
2 - Medium,2 - Medium,3 - Moderate,Group 1,?,?,?
INC1,Resolved,true,0,0,1,true,Caller 1,29-02-2024 01:16,29-02-2024 08:53,Phone,Location 1,Category 1,Subcategory 1,?,\
?,2 - Medium,2 - Medium,3 - Moderate,Group 1,=Resolver,?,?
INC2,New,true,0,0,0,false,+49 Caller,01-03-2024 01:16,01-03-2024 01:23,Phone,Location 1,Category 1,Subcategory 1,?,?,\
2 - Medium,2 - Medium,3 - Moderate,Group 1,?,?,?
"""


def imported(tables: Tables, path: Path, folder: Path) -> list[StoredEvent]:
    """Imports a CSV through the functions. Returns the events of the log."""
    file, plan = open_csv(path, str(MAPPINGS / "servicenow_incidents.toml"), None)
    status, schema = call(load("schemas"), api_event("POST", "externalevents/schemas", plan.to_schema()))
    assert status == 201, schema
    wanted = {"name": plan.configuration, "schemaId": schema["id"], "source": plan.source}
    status, configuration = call(load("configurations"), api_event("POST", "externalevents/configurations", wanted))
    assert status == 201, configuration
    ingest, below = load("ingest"), f"externalevents/configurations/{configuration['id']}/events"

    def send(events: Sequence[Any]) -> dict[str, Any]:
        status, response = call(ingest, api_event("POST", below, {"entities": list(events)}))
        assert status == 200, response
        return dict(response)

    ImportRun(send, plan, 1, RejectedRows(file, folder / "rejected.csv")).run(file)
    return [StoredEvent.from_item(item) for item in tables.items(tables.events)]


def test_what_was_imported_is_exported(tables: Tables, tmp_path: Path) -> None:
    incidents = tmp_path / "incidents.csv"
    incidents.write_bytes(Path(os.environ[INCIDENTS]).read_bytes() if INCIDENTS in os.environ else ROWS.encode())
    stored = ordered(imported(tables, incidents, tmp_path))
    assert len(stored) >= 3
    archive = Archive.of(tables)
    for start in range(0, len(stored), 1000):
        archive.landing.land(records(stored[start : start + 1000]))
    archive.compact()
    archive.landing.land(records(stored[:500]))
    assert write(archive, tmp_path / "events.parquet") == len(stored)
    assert from_parquet(tmp_path / "events.parquet") == [as_parquet(one) for one in stored]
    assert write(archive, tmp_path / "events.csv") == len(stored)
    expected = [as_csv(one) for one in stored]
    rows = zip(from_csv(tmp_path / "events.csv"), expected, strict=True)
    assert [numbers_read(row, like) for row, like in rows] == expected
