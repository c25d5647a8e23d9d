"""`journeys import`: mappings, rows, requests and the table of outcomes."""

import json
import threading
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from journeys.registry.schemas.document import parse
from tests.support.cli import run_journeys
from tools.api import ApiError
from tools.commands import options
from tools.importer import columns, import_run
from tools.importer.columns import open_csv
from tools.importer.errors import CannotImport, RowRefused
from tools.importer.import_run import ImportRun, send_to
from tools.importer.mapping_file import read_plan
from tools.importer.rejected import RejectedRows
from tools.importer.tally import import_table
from tools.stack import Stack

HEADER = "no,when,who,amount,paid,kind"
MAPPING = """
unknown = ["?"]
id = "visit-{no}"
[date]
value = "when"
format = "%d.%m.%Y %H:%M"
zone = "Europe/Berlin"
[customer]
externalSourceId = "crm"
value = "who"
[type]
title = "Visit"
source = "CRM"
[attributes]
amount = { value = "amount", kind = "number" }
paid = { value = "paid", kind = "boolean" }
kind = { value = "kind", kind = "enum", values = ["short", "long"] }
"""
ROW = {
    "no": "7",
    "when": "01.07.2024 12:30",
    "who": "jane@example.com",
    "amount": "12.5",
    "paid": "TRUE",
    "kind": "long",
}


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING)
    return path


def csv_of(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "visits.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


class FakeApi:
    """A fake API that stores events, and notes whether the same id was in two requests at the same time."""

    def __init__(self, refuse: Mapping[str, tuple[str, bool]] | None = None, failures: int = 0) -> None:
        self.stored: dict[str, Any] = {}
        self.requests: list[list[str]] = []
        self.overlapped = False
        self._refuse, self._failures = refuse or {}, failures
        self._lock, self._in_flight = threading.Lock(), set[str]()

    def send(self, _: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        ids = {event["id"] for event in events}
        with self._lock:
            if self._failures:
                self._failures -= 1
                raise ApiError(502, {"message": "failed"})
            self.overlapped |= not self._in_flight.isdisjoint(ids)
            self._in_flight |= ids
            self.requests.append([event["id"] for event in events])
        time.sleep(0.001)
        response: dict[str, Any] = {"processed": [], "unprocessedEntities": []}
        with self._lock:
            for index, event in enumerate(events):
                reason, retryable = self._refuse.get(event["id"], ("", False))
                if not reason and self.stored.setdefault(event["id"], event) != event:
                    reason = "event.conflict"
                result = {"originalRequestIndex": index, "errorCode": reason, "isRetryable": retryable}
                if reason:
                    response["unprocessedEntities"].append(result | {"errorMessage": "Because."})
                else:
                    response["processed"].append(result | {"id": event["id"], "outcome": "created"})
            self._in_flight -= ids
        return response


def imported(path: Path, mapping: Path, api: FakeApi | None = None, threads: int = 4) -> ImportRun:
    file, plan = open_csv(path, str(mapping))
    send = send_to(api or FakeApi(), "configuration")  # type: ignore[arg-type]
    run = ImportRun(send, plan, threads, RejectedRows(file))
    run.run(file)
    return run


def printed(run: ImportRun) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(import_table(run.tally, "title"))
    return capture.get()


# -- rows --------------------------------------------------------------------------------------------------------------


def test_a_row_becomes_an_event(mapping: Path) -> None:
    assert read_plan(mapping).event(ROW) == {
        "id": "visit-7",
        "dateCreated": "2024-07-01T10:30:00.000Z",
        "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "jane@example.com"}]},
        "attributes": {"amount": 12.5, "paid": True, "kind": "long"},
    }


def test_unknown_cells_are_left_out(mapping: Path) -> None:
    event = read_plan(mapping).event(ROW | {"amount": "?", "paid": "", "kind": "  "})

    assert event["attributes"] == {}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"when": "?"}, "missing.date"),
        ({"when": "2024-07-01 12:30"}, "invalid.date"),
        ({"when": "31.02.2024 12:30"}, "invalid.date"),
        ({"who": "?"}, "missing.identifier"),
        ({"no": ""}, "missing.id"),
        ({"amount": "12,5"}, "invalid.attribute"),
        ({"amount": "nan"}, "invalid.attribute"),
        ({"amount": "0.1234567890123456789"}, "invalid.attribute"),
        ({"amount": "1234567890123456.7"}, "invalid.attribute"),  # a double has 1234567890123456.75
        ({"amount": "1e999"}, "invalid.attribute"),
        ({"amount": f"1e{'9' * 20}"}, "invalid.attribute"),  # an exponent that Decimal refuses
        ({"amount": "0" * 101}, "invalid.attribute"),
        ({"amount": "9" * 39}, "invalid.attribute"),
        ({"paid": "maybe"}, "invalid.attribute"),
        ({"kind": "Long"}, "invalid.attribute"),
    ],
)
def test_an_invalid_row_is_refused_and_the_message_has_no_cell_of_it(
    mapping: Path, cells: dict[str, str], reason: str
) -> None:
    with pytest.raises(RowRefused) as refused:
        read_plan(mapping).event(ROW | cells)

    assert refused.value.reason == reason
    assert not any(cell in refused.value.message for cell in (ROW | cells).values() if len(cell) > 3 and cell != "long")


@pytest.mark.parametrize(
    ("form", "zone", "text", "moment"),
    [
        ("iso", "UTC", "2024-07-01T12:30", "2024-07-01T12:30:00.000Z"),
        ("iso", "Europe/Berlin", "2024-07-01T12:30:00-03:00", "2024-07-01T15:30:00.000Z"),
        ("%d-%m-%Y %H:%M %z", "Europe/Berlin", "01-07-2024 12:30 +0000", "2024-07-01T12:30:00.000Z"),
        ("%d-%m-%Y", "America/Sao_Paulo", "15-01-2024", "2024-01-15T03:00:00.000Z"),
        ("%d-%m-%Y %H:%M", "Europe/Berlin", "27-10-2024 02:30", "2024-10-27T00:30:00.000Z"),  # the first of the two
        ("%d-%m-%Y %H:%M", "Europe/Berlin", "31-03-2024 02:30", "2024-03-31T01:30:00.000Z"),  # a skipped hour
        ("%d-%m-%Y %H:%M %Z", "Europe/Berlin", "01-07-2024 12:30 GMT", "2024-07-01T12:30:00.000Z"),
        ("unix", "Europe/Berlin", "1719837000", "2024-07-01T12:30:00.000Z"),
        ("unix_ms", "Europe/Berlin", "1719837000000.0", "2024-07-01T12:30:00.000Z"),
    ],
)
def test_a_date_without_a_zone_is_in_the_mappings_zone(
    mapping: Path, form: str, zone: str, text: str, moment: str
) -> None:
    mapping.write_text(MAPPING.replace("%d.%m.%Y %H:%M", form).replace("Europe/Berlin", zone))

    assert read_plan(mapping).event(ROW | {"when": text})["dateCreated"] == moment


def test_a_mapping_without_a_zone_reads_dates_in_utc(mapping: Path) -> None:
    mapping.write_text(MAPPING.replace('zone = "Europe/Berlin"\n', ""))

    assert read_plan(mapping).event(ROW)["dateCreated"] == "2024-07-01T12:30:00.000Z"


@pytest.mark.parametrize(
    ("form", "text"),
    [("unix", "99999999999999"), ("unix_ms", "-99999999999999999"), ("iso", "0001-01-01T00:00:00+14:00")],
)
def test_a_date_that_no_calendar_has_is_refused(mapping: Path, form: str, text: str) -> None:
    mapping.write_text(MAPPING.replace("%d.%m.%Y %H:%M", form))

    with pytest.raises(RowRefused) as refused:
        read_plan(mapping).event(ROW | {"when": text})
    assert refused.value.reason == "invalid.date"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ('"text"', "a b", "a b"),
        ('"integer"', "-12", -12),
        ('"number"', "12", 12),
        ('"number"', "-0.25", -0.25),
        ('"boolean"', "no", False),
        ('"date", format = "%d.%m.%Y"', "01.07.2024", "2024-07-01"),
        ('"date"', "2024-07-01", "2024-07-01"),
        ('"date", zone = "Asia/Tokyo"', "2024-07-01T20:00Z", "2024-07-02"),
        ('"date", format = "%d %b %Y"', "1 Jul 2024", "2024-07-01"),
        ('"integer"', "7.0", 7),
        ('"integer"', "1e3", 1000),
        ('"number"', "1e-05", 1e-05),
        ('"number"', ".5", 0.5),
        ('"number"', "5.", 5.0),
        ('"number"', "1.50E+03", 1500.0),
        ('"number"', "12345678901234567890.0", 12345678901234567890),
        ('"number"', "0.10000000000000001", 0.1),  # as printf's %.17g writes it
        ('"number"', "1.2345678901234566e-7", 1.2345678901234566e-07),
        ('"number", decimal = ","', "1,5", 1.5),
        ('"number", decimal = ",", thousands = "."', "-1.234.567,50", -1234567.5),
        ('"number", thousands = ","', "1,234.5", 1234.5),
        ('"number", decimal = ",", thousands = " "', "1\u202f234,5", 1234.5),
        ('"integer", thousands = "\'"', "1\u2019234", 1234),
        ('"datetime", format = "%d.%m.%Y %H:%M"', "01.07.2024 12:30", "2024-07-01T10:30:00.000Z"),
        ('"datetime", zone = "UTC"', "2024-07-01 12:30", "2024-07-01T12:30:00.000Z"),
    ],
)
def test_a_cell_becomes_a_value_of_its_attributes_kind(mapping: Path, kind: str, text: str, value: Any) -> None:
    mapping.write_text(MAPPING.replace('"amount", kind = "number"', f'"amount", kind = {kind}'))
    found = read_plan(mapping).event(ROW | {"amount": text})["attributes"]["amount"]

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["9" * 39, "1e38", "7.5", "1e-1", f"1e{'9' * 20}", "0x7", "\u0667"])
def test_a_cell_that_is_no_whole_number_of_38_digits_is_refused(mapping: Path, text: str) -> None:
    mapping.write_text(MAPPING.replace('"amount", kind = "number"', '"amount", kind = "integer"'))
    with pytest.raises(RowRefused, match="a whole number of at most 38 digits"):
        read_plan(mapping).event(ROW | {"amount": text})


def test_an_attribute_with_its_own_decimal_sign_does_not_inherit_it_as_the_thousands_separator(mapping: Path) -> None:
    own = MAPPING.replace('"amount", kind = "number"', '"amount", kind = "number", decimal = ","')
    mapping.write_text(f'thousands = ","\n{own}')

    assert read_plan(mapping).event(ROW | {"amount": "1,5"})["attributes"]["amount"] == 1.5


# -- mappings ----------------------------------------------------------------------------------------------------------


def test_a_mapping_can_be_json(mapping: Path, tmp_path: Path) -> None:
    as_json = tmp_path / "mapping.json"
    as_json.write_text(json.dumps(tomllib.loads(MAPPING)))

    assert read_plan(as_json) == read_plan(mapping)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "visit-{no}"', "", "id is missing"),
        ('id = "visit-{no}"', "id = 5", "id must be a text"),
        ("{no}", "{}", "id: Braces must contain"),
        ("{no}", "{no", "id: Braces must contain"),
        ("{no}", "{n{o}", "id: Each { must be closed"),
        ("visit-{no}", "{{visit}}", "id must be a column"),
        ("Europe/Berlin", "Europe/Berlino", "Europe/Berlino"),
        ('source = "CRM"', 'source = "CRM"\ncolour = "red"', "type.colour is not known"),
        (
            'unknown = ["?"]',
            'zone = "UTC"',
            "zone is not known. Use only attributes, customer, date, decimal, delimiter",
        ),
        ('title = "Visit"', 'title = " "', "type.title must not be empty"),
        ('source = "CRM"', 'source = ""', "type.source must not be empty"),
        ('externalSourceId = "crm"', 'externalSourceId = ""', "customer.externalSourceId must not be empty"),
        ('kind = "boolean"', 'kind = "flag"', 'attributes.paid.kind is "flag". Use one of'),
        ('values = ["short", "long"]', "values = []", "attributes.kind.values"),
        ("[date]", "[date", "line"),
        ("%d.%m.%Y %H:%M", "%H:%M", 'date.format is "%H:%M". It must be iso, unix, unix_ms or a strptime pattern'),
        ("%d.%m.%Y %H:%M", "%Q", 'date.format is "%Q"'),
        ("%d.%m.%Y %H:%M", "%d.%m.%Y %I:%M", "AM or PM with a 12-hour clock"),
        ('id = "visit', 'decimal = ";"\nid = "visit', 'decimal is ";". Use one of ".", ","'),
        ('id = "visit', 'decimal = ","\nthousands = ","\nid = "visit', "decimal and thousands must differ"),
        ('id = "visit', 'delimiter = ";;"\nid = "visit', "delimiter must be one character"),
        ('id = "visit', 'encoding = "utf-99"\nid = "visit', 'encoding is "utf-99"'),
        ('"amount", kind = "number"', '"amount", kind = "date", format = "%d"', "attributes.amount.format"),
    ],
)
def test_an_invalid_mapping_names_the_entry(mapping: Path, old: str, new: str, message: str) -> None:
    assert old in MAPPING
    mapping.write_text(MAPPING.replace(old, new))

    with pytest.raises(CannotImport) as caught:
        read_plan(mapping)

    assert mapping.name in caught.value.message
    assert message in caught.value.message


def test_the_event_type_of_every_shipped_mapping_is_a_valid_schema() -> None:
    for shipped in columns.MAPPINGS.iterdir():
        plan = read_plan(shipped)
        assert parse(plan.to_schema()).fields.keys() == {attribute.name for attribute in plan.attributes}


def test_without_a_mapping_the_shipped_one_that_fits_the_header_is_used(tmp_path: Path) -> None:
    shipped = read_plan(columns.MAPPINGS / "servicenow_incidents.toml")
    fitting = csv_of(tmp_path, header=",".join(["another", *reversed(shipped.columns)]))

    assert open_csv(fitting, None)[1] == shipped
    with pytest.raises(CannotImport, match="No mapping"):
        open_csv(csv_of(tmp_path), None)


# -- files -------------------------------------------------------------------------------------------------------------


def test_every_row_is_counted_once_under_its_reason(tmp_path: Path, mapping: Path) -> None:
    """Rows are named by the number of their line: the header is in line 1."""
    path = csv_of(
        tmp_path,
        "1,01.07.2024 12:30,jane@example.com,1,yes,long",
        "2,sometime,joe@example.com,1,yes,long",
        "1,01.07.2024 12:30,jane@example.com,1,yes,short",
        "3,01.07.2024 12:30,jane@example.com",
        "",
        "4,01.07.2024 12:30,jane@example.com,1,yes,long",
        "5,01.07.2024 12:30,jane@example.com,1,yes,long",
    )

    run = imported(path, mapping, FakeApi({"visit-4": ("unknown.attribute", False), "visit-5": ("busy", True)}))

    assert {key[:2]: lines for key, lines in run.tally.lines.items()} == {
        ("created", ""): [2],
        ("rejected", "invalid.date"): [3],
        ("conflict", "event.conflict"): [4],
        ("rejected", "wrong.columns"): [5],
        ("rejected", "unknown.attribute"): [7],
        ("no response", "busy"): [8],
    }
    assert run.tally.counts.total() == 6


def test_the_table_has_line_numbers_and_no_identifiers(tmp_path: Path, mapping: Path) -> None:
    run = imported(csv_of(tmp_path, *["1,sometime,jane@example.com,1,yes,long"] * 7), mapping)

    table = printed(run)

    assert "2, 3, 4, 5, 6 ..." in table
    assert "invalid.date" in table
    assert "jane" not in table
    assert [line.split("│")[2].strip() for line in table.splitlines() if "total" in line] == ["7"]


def test_a_request_has_at_most_100_events_and_the_allowed_bytes(
    tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv_of(tmp_path, *[f"{no},01.07.2024 12:30,jane,1,yes,long" for no in range(250)])
    api = FakeApi()
    imported(path, mapping, api)
    assert sorted(map(len, api.requests)) == [50, 100, 100]

    monkeypatch.setattr(import_run, "REQUEST_BYTES", 1000)
    small = FakeApi()
    imported(path, mapping, small)
    assert small.stored == api.stored
    assert max(sum(len(json.dumps(small.stored[id_])) for id_ in ids) for ids in small.requests) <= 1000


def test_an_event_that_no_request_can_hold_is_rejected(
    tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_run, "REQUEST_BYTES", 1000)
    path = csv_of(
        tmp_path, *[f"{no},01.07.2024 12:30,{who},1,yes,long" for no, who in enumerate(("a", "b" * 1000, "c"))]
    )

    run = imported(path, mapping)

    assert {key[1]: lines for key, lines in run.tally.lines.items()} == {"": [2, 4], "event.too.large": [3]}


def test_a_batch_has_a_bounded_number_of_rows_although_none_is_an_event(
    tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_run, "ROWS_PER_BATCH", 10)
    file, plan = open_csv(csv_of(tmp_path, *["1,sometime,jane,1,yes,long"] * 25), str(mapping))
    run = ImportRun(lambda _: {}, plan, 1, RejectedRows(file))

    assert [len(batch.rows) for batch in run._batches(file)] == [10, 10, 5]


def test_after_an_error_the_rows_that_were_stored_are_counted(tmp_path: Path, mapping: Path) -> None:
    stored = [f"{no},01.07.2024 12:30,jane,1,yes,long" for no in range(300)]
    path = csv_of(tmp_path, "x,sometime,jane,1,yes,long", *stored)
    file, plan = open_csv(path, str(mapping))
    api, third_is_stored = FakeApi(), threading.Event()

    def send(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        if events[0]["id"] == "visit-100":
            assert third_is_stored.wait(30)
            raise ApiError(400, {"message": "refused"})
        response = api.send("", events)
        if events[0]["id"] == "visit-200":
            third_is_stored.set()
        return response

    run = ImportRun(send, plan, 2, RejectedRows(file))
    with pytest.raises(ApiError):
        run.run(file)

    assert run.tally.count("created") == len(api.stored) == 200
    assert (tmp_path / "visits.rejected.csv").read_text().count("\n") == 2


def test_of_rows_with_the_same_id_the_first_is_stored(tmp_path: Path, mapping: Path) -> None:
    """Such rows are never sent at the same time."""
    path = csv_of(tmp_path, *[f"{no % 150},01.07.2024 12:30,jane,{no},yes,long" for no in range(600)])
    api = FakeApi()

    run = imported(path, mapping, api, threads=8)

    assert not api.overlapped
    assert {id_: event["attributes"]["amount"] for id_, event in api.stored.items()} == {
        f"visit-{no}": no for no in range(150)
    }
    assert (run.tally.count("created"), run.tally.count("conflict")) == (150, 450)


def test_a_request_is_retried_after_a_server_error(
    tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.importer.import_run.time.sleep", lambda _: None)
    path = csv_of(tmp_path, "1,01.07.2024 12:30,jane,1,yes,long")

    assert imported(path, mapping, FakeApi(failures=2)).tally.count("created") == 1
    with pytest.raises(ApiError):
        imported(path, mapping, FakeApi(failures=3))


def test_a_refused_request_is_not_retried(mapping: Path, tmp_path: Path) -> None:
    attempts: list[int] = []

    class Refusing(FakeApi):
        def send(self, _: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
            attempts.append(len(events))
            raise ApiError(404, {"message": "There is no such configuration."})

    with pytest.raises(ApiError):
        imported(csv_of(tmp_path, "1,01.07.2024 12:30,jane,1,yes,long"), mapping, Refusing())
    assert attempts == [1]


def test_a_byte_order_mark_and_quoted_lines_are_read(tmp_path: Path, mapping: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_bytes(f'\ufeff{HEADER}\r\n"1",01.07.2024 12:30,"a\r\nb",1,yes,long\r\n'.encode())
    api = FakeApi()

    imported(path, mapping, api)

    assert api.stored["visit-1"]["identifiers"]["externalIds"][0]["value"] == "a\r\nb"


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """The fake API, to which every command is connected."""
    api = FakeApi()
    monkeypatch.setattr(options, "connect", lambda *_: options.Connection(Stack("test", None), api))  # type: ignore[arg-type]
    return api


def test_import_prints_the_table_of_outcomes(
    tmp_path: Path, mapping: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.commands.importing.ensure_type", lambda *_: "configuration")
    path = csv_of(tmp_path, "1,01.07.2024 12:30,jane,1,yes,long", "2,sometime,joe,1,yes,long")
    result = run_journeys("import", path, "--mapping", mapping)
    assert result.exit_code == 1
    assert list(api.stored) == ["visit-1"]
    assert "invalid.date" in result.stdout
    assert "1 row was not stored" in result.stdout
    assert run_journeys("import", path, "--mapping", mapping, "--allow-rejected").exit_code == 0


def test_rows_without_a_response_make_the_status_1_although_rejected_rows_are_allowed(
    tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = FakeApi({"visit-1": ("busy", True)})
    monkeypatch.setattr(options, "connect", lambda *_: options.Connection(Stack("test", None), busy))  # type: ignore[arg-type]
    monkeypatch.setattr("tools.commands.importing.ensure_type", lambda *_: "configuration")
    path = csv_of(tmp_path, "1,01.07.2024 12:30,jane,1,yes,long", "2,01.07.2024 12:30,jane,1,yes,long")

    result = run_journeys("import", path, "--mapping", mapping, "--allow-rejected")

    assert result.exit_code == 1
    assert result.stderr.endswith("1 row was not answered. Run the command again to continue.\n")


@pytest.mark.usefixtures("api")
def test_an_interrupted_import_says_how_to_continue_and_counts_what_was_stored(
    tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(run: ImportRun, *_: object) -> None:
        run.tally.add("created", "", 2)
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.commands.importing.ensure_type", lambda *_: "configuration")
    monkeypatch.setattr(ImportRun, "run", interrupted)
    path = csv_of(tmp_path, "1,01.07.2024 12:30,jane,1,yes,long")

    result = run_journeys("import", path, "--mapping", mapping)

    assert result.exit_code == 130
    assert "created" in result.stdout
    assert result.stderr.endswith("Interrupted. Run the command again to continue; stored events are duplicates.\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (
            HEADER.encode() + b"\n1,01.07.2024 12:30,J\xe9r\xf4me,1,yes,long\n",
            "is not UTF-8: line 2 cannot be read.",
        ),
        (b"no,when,amount,paid,kind\n", "has no column who"),
        (b"no,when,who,who,amount,paid,kind\n", "has several columns who"),
    ],
)
@pytest.mark.usefixtures("api")
def test_a_file_that_cannot_be_imported_is_an_error_with_status_1(
    tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    monkeypatch.setattr("tools.commands.importing.ensure_type", lambda *_: "configuration")
    path = tmp_path / "visits.csv"
    path.write_bytes(content)
    result = run_journeys("import", path, "--mapping", mapping)
    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.usefixtures("api")
def test_a_missing_file_is_named() -> None:
    result = run_journeys("import", "missing.csv")
    assert result.exit_code == 1
    assert "There is no file missing.csv" in result.stderr
