"""Bringing a CSV in: how a mapping is understood, how rows become events, and that every row is answered for."""

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
from tools.api import ApiError
from tools.importer import importing, rows
from tools.importer.importing import Import, closing_table, main
from tools.importer.mapping import CannotImport, RowRefused, read_plan
from tools.importer.rows import choose_plan

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
    """Takes events in as the API does, and sees which ids were on their way at the same time."""

    def __init__(self, refuse: Mapping[str, tuple[str, bool]] | None = None, break_off: int = 0) -> None:
        self.stored: dict[str, Any] = {}
        self.requests: list[list[str]] = []
        self.together = False
        self._refuse, self._break_off = refuse or {}, break_off
        self._lock, self._under_way = threading.Lock(), set[str]()

    def send(self, _: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        ids = {event["id"] for event in events}
        with self._lock:
            if self._break_off:
                self._break_off -= 1
                raise ApiError(502, {"message": "broke off"})
            self.together |= not self._under_way.isdisjoint(ids)
            self._under_way |= ids
            self.requests.append([event["id"] for event in events])
        time.sleep(0.001)
        answer: dict[str, Any] = {"processed": [], "unprocessedEntities": []}
        with self._lock:
            for place, event in enumerate(events):
                reason, retryable = self._refuse.get(event["id"], ("", False))
                if not reason and self.stored.setdefault(event["id"], event) != event:
                    reason = "event.conflict"
                told = {"originalRequestIndex": place, "errorCode": reason, "isRetryable": retryable}
                if reason:
                    answer["unprocessedEntities"].append(told | {"errorMessage": "Because."})
                else:
                    answer["processed"].append(told | {"id": event["id"], "outcome": "created"})
            self._under_way -= ids
        return answer


def imported(path: Path, mapping: Path, api: FakeApi | None = None, threads: int = 4) -> Import:
    run = Import(api or FakeApi(), "configuration", read_plan(mapping), threads)  # type: ignore[arg-type]
    run.run(path)
    return run


def printed(run: Import) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(closing_table(run.tally, "title"))
    return capture.get()


# -- rows --------------------------------------------------------------------------------------------------------------


def test_a_row_becomes_an_event(mapping: Path) -> None:
    assert read_plan(mapping).event(ROW) == {
        "id": "visit-7",
        "dateCreated": "2024-07-01T10:30:00.000Z",
        "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "jane@example.com"}]},
        "attributes": {"amount": 12.5, "paid": True, "kind": "long"},
    }


def test_what_is_not_known_is_left_out(mapping: Path) -> None:
    event = read_plan(mapping).event(ROW | {"amount": "?", "paid": "", "kind": "  "})

    assert event["attributes"] == {}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"when": "?"}, "missing.date"),
        ({"when": "2024-07-01 12:30"}, "invalid.date"),
        ({"when": "31.02.2024 12:30"}, "invalid.date"),
        ({"when": "31.03.2024 02:30"}, "invalid.date"),  # when clocks went from 2:00 to 3:00
        ({"who": "?"}, "missing.identifier"),
        ({"no": ""}, "missing.id"),
        ({"amount": "12,5"}, "invalid.attribute"),
        ({"amount": "nan"}, "invalid.attribute"),
        ({"amount": "0.1234567890123456789"}, "invalid.attribute"),
        ({"paid": "maybe"}, "invalid.attribute"),
        ({"kind": "Long"}, "invalid.attribute"),
    ],
)
def test_a_row_that_is_no_event_is_refused_without_its_content(
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
    ],
)
def test_a_date_is_read_in_its_own_zone_or_else_the_mappings(
    mapping: Path, form: str, zone: str, text: str, moment: str
) -> None:
    mapping.write_text(MAPPING.replace("%d.%m.%Y %H:%M", form).replace("Europe/Berlin", zone))

    assert read_plan(mapping).event(ROW | {"when": text})["dateCreated"] == moment


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
        ('"datetime", format = "%d.%m.%Y %H:%M"', "01.07.2024 12:30", "2024-07-01T10:30:00.000Z"),
        ('"datetime", zone = "UTC"', "2024-07-01 12:30", "2024-07-01T12:30:00.000Z"),
    ],
)
def test_an_attribute_is_of_its_kind(mapping: Path, kind: str, text: str, value: Any) -> None:
    mapping.write_text(MAPPING.replace('"amount", kind = "number"', f'"amount", kind = {kind}'))
    found = read_plan(mapping).event(ROW | {"amount": text})["attributes"]["amount"]

    assert (found, type(found)) == (value, type(value))


# -- mappings ----------------------------------------------------------------------------------------------------------


def test_a_mapping_may_be_json(mapping: Path, tmp_path: Path) -> None:
    as_json = tmp_path / "mapping.json"
    as_json.write_text(json.dumps(tomllib.loads(MAPPING)))

    assert read_plan(as_json) == read_plan(mapping)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('id = "visit-{no}"', "", "id is missing"),
        ('id = "visit-{no}"', "id = 5", "id must be a str"),
        ("{no}", "{}", "id: between braces"),
        ("{no}", "{no", "id: "),
        ("Europe/Berlin", "Europe/Berlino", "Europe/Berlino"),
        ('source = "CRM"', 'source = "CRM"\ncolour = "red"', "type.colour is not known"),
        ('kind = "boolean"', 'kind = "flag"', "attributes.paid.kind is 'flag'"),
        ('values = ["short", "long"]', "values = []", "attributes.kind.values"),
        ("[date]", "[date", "line"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(mapping: Path, old: str, new: str, told: str) -> None:
    assert old in MAPPING
    mapping.write_text(MAPPING.replace(old, new))

    with pytest.raises(CannotImport, match=f"(?s){mapping.name}.*{told}"):
        read_plan(mapping)


def test_the_event_type_of_every_shipped_mapping_is_a_valid_schema() -> None:
    for shipped in rows.MAPPINGS.iterdir():
        plan = read_plan(shipped)
        assert parse(plan.to_schema()).fields.keys() == {attribute.name for attribute in plan.attributes}


def test_without_a_mapping_the_shipped_one_that_fits_the_header_is_taken(tmp_path: Path) -> None:
    shipped = read_plan(rows.MAPPINGS / "servicenow_incidents.toml")
    fitting = csv_of(tmp_path, header=",".join(["another", *reversed(shipped.columns)]))

    assert choose_plan(None, fitting) == shipped
    with pytest.raises(CannotImport, match="No mapping"):
        choose_plan(None, csv_of(tmp_path))


# -- files -------------------------------------------------------------------------------------------------------------


def test_every_row_is_answered_for_once_under_its_reason(tmp_path: Path, mapping: Path) -> None:
    """Rows are numbered as a spreadsheet does: the header is row 1."""
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

    assert run.tally.rows == {
        ("created", ""): [2],
        ("rejected here", "invalid.date"): [3],
        ("conflict", "event.conflict"): [4],
        ("rejected here", "wrong.columns"): [5],
        ("rejected", "unknown.attribute"): [7],
        ("not answered", "busy"): [8],
    }
    assert run.tally.counts.total() == 6


def test_the_closing_table_names_rows_and_no_customer(tmp_path: Path, mapping: Path) -> None:
    run = imported(csv_of(tmp_path, *["1,sometime,jane@example.com,1,yes,long"] * 7), mapping)

    table = printed(run)

    assert "2, 3, 4, 5, 6 ..." in table
    assert "invalid.date" in table
    assert "jane" not in table
    assert [line.split("│")[2].strip() for line in table.splitlines() if "in all" in line] == ["7"]


def test_a_request_has_100_events_at_most_and_stays_under_its_bytes(
    tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv_of(tmp_path, *[f"{no},01.07.2024 12:30,jane,1,yes,long" for no in range(250)])
    api = FakeApi()
    imported(path, mapping, api)
    assert sorted(map(len, api.requests)) == [50, 100, 100]

    monkeypatch.setattr(importing, "REQUEST_BYTES", 1000)
    small = FakeApi()
    imported(path, mapping, small)
    assert small.stored == api.stored
    assert max(sum(len(json.dumps(small.stored[id_])) for id_ in ids) for ids in small.requests) <= 1000


def test_of_rows_that_share_an_id_the_first_wins(tmp_path: Path, mapping: Path) -> None:
    """However many threads send, they are never on their way at the same time."""
    path = csv_of(tmp_path, *[f"{no % 150},01.07.2024 12:30,jane,{no},yes,long" for no in range(600)])
    api = FakeApi()

    run = imported(path, mapping, api, threads=8)

    assert not api.together
    assert {id_: event["attributes"]["amount"] for id_, event in api.stored.items()} == {
        f"visit-{no}": no for no in range(150)
    }
    assert (run.tally.count("created"), run.tally.count("conflict")) == (150, 450)


def test_a_request_that_broke_off_is_sent_again(tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.importer.importing.time.sleep", lambda _: None)
    path = csv_of(tmp_path, "1,01.07.2024 12:30,jane,1,yes,long")

    assert imported(path, mapping, FakeApi(break_off=2)).tally.count("created") == 1
    with pytest.raises(ApiError):
        imported(path, mapping, FakeApi(break_off=3))


def test_a_byte_order_mark_and_quoted_lines_are_read(tmp_path: Path, mapping: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_bytes(f'\ufeff{HEADER}\r\n"1",01.07.2024 12:30,"a\r\nb",1,yes,long\r\n'.encode())
    api = FakeApi()

    imported(path, mapping, api)

    assert api.stored["visit-1"]["identifiers"]["externalIds"][0]["value"] == "a\r\nb"


# -- what a hurried person hears ---------------------------------------------------------------------------------------


def heard(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a run that fails says."""
    assert main([str(argument) for argument in arguments]) == 1
    return " ".join(capsys.readouterr().err.split())


def stack_file(folder: Path, permissions: Sequence[str] = (), port: int = 9) -> Path:
    path = folder / "stack.json"
    client = {"clientId": "c", "clientSecret": "s", "permissions": list(permissions)}
    url = f"http://127.0.0.1:{port}"
    organizations = [{"id": "acme", "clients": [client]}]
    path.write_text(json.dumps({"apiUrl": url, "tokenUrl": f"{url}/token", "organizations": organizations}))
    return path


def test_no_file_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Name the file" in heard(capsys, "")
    assert "There is no file missing.csv" in heard(capsys, "missing.csv")


def test_a_file_that_is_no_csv_is_told(tmp_path: Path, mapping: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "visits.csv"
    path.write_bytes(b"")
    assert "is empty" in heard(capsys, path)
    path.write_bytes(HEADER.encode() + b"\n1,01.07.2024 12:30,J\xe9r\xf4me,1,yes,long\n")
    assert "is not UTF-8" in heard(capsys, path)


def test_a_missing_column_is_told(tmp_path: Path, mapping: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_of(tmp_path, header="no,when,amount,paid,kind")

    assert "has no column who" in heard(capsys, "--mapping", mapping, path)


def test_a_stack_that_is_not_running_is_told(
    tmp_path: Path, mapping: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.api.time.sleep", lambda _: None)
    path = csv_of(tmp_path)
    none, dead = tmp_path / "none.json", stack_file(tmp_path, sorted(importing.PERMISSIONS))

    assert "make run" in heard(capsys, "--mapping", mapping, "--stack", none, path)
    assert "does not answer; start it: make run" in heard(capsys, "--mapping", mapping, "--stack", dead, path)


def test_an_unknown_organisation_and_a_client_that_may_not_are_told(
    tmp_path: Path, mapping: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--mapping", mapping, "--stack", stack_file(tmp_path, ["journey:externalEventsEvent:add"]))
    path = csv_of(tmp_path)

    assert "no organisation other; there is acme" in heard(capsys, *given, "--organization", "other", path)
    assert "No client of acme" in heard(capsys, *given, path)
