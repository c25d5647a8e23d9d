"""`journeys import`: broken rows, the file of rejected rows and dry runs. tests/support/csv has the inputs."""

import csv
import os
import string
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.support.cli import run_journeys
from tests.support.template import ROOT
from tools.api import ApiError
from tools.commands import options
from tools.errors import SetupError
from tools.importer import csv_rows
from tools.importer.columns import open_csv
from tools.importer.csv_reader import CsvFile, CsvFormat
from tools.importer.csv_rows import CELL_LIMIT
from tools.importer.dry_run import judge_for
from tools.importer.errors import CannotImport
from tools.importer.import_run import ImportRun, Response
from tools.importer.mapping import CellTemplate
from tools.importer.mapping_file import parse_plan
from tools.importer.rejected import RejectedRows
from tools.importer.tally import ImportTally, import_table
from tools.stack import Stack

CASES = ROOT / "tests" / "support" / "csv"
HEADER = "id,when,who,note,amount"
MAPPING = """
id = "id"
[date]
value = "when"
[customer]
externalSourceId = "crm"
value = "who"
[type]
title = "Visit"
source = "CRM"
[attributes]
note = { value = "note", kind = "longtext" }
amount = { value = "amount", kind = "number" }
"""
WHEN = "2026-01-05T10:00:00Z"


class FakeApi:
    """A fake API with one event type and one configuration. It judges as the API does, and stores events."""

    def __init__(self, mapping: str, *, existing: bool = True) -> None:
        self.stored: dict[str, Mapping[str, Any]] = {}
        self.paths: list[str] = []
        self._existing, self._plan = existing, parse_plan(mapping, "test")
        self._judge = judge_for(None, self._plan)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        self.paths.append(f"{method} {path}")
        if method == "POST" and path.endswith("/events/validate"):
            return judge_for(None, self._plan)(body["entities"])
        assert (method, path) == ("GET", "externalevents/schemas")
        schema = {"id": "s", "enabled": True, "jsonSchema": self._plan.to_schema()}
        return {"entities": [schema] if self._existing else []}

    def entities(self, path: str) -> Iterator[dict[str, Any]]:
        self.paths.append(path)
        yield {"id": "c", "schemaId": "s", "source": self._plan.source}

    def ensure_configuration(self, *_: str) -> str:
        return "c"

    def send(self, _: str, events: Sequence[Mapping[str, Any]]) -> Response:
        judged = judge_for(None, self._plan)(events)
        response: Response = {"processed": [], "unprocessedEntities": judged["unprocessedEntities"]}
        for result in judged["processed"]:
            event = events[result["originalRequestIndex"]]
            existing = self.stored.setdefault(event["id"], event)
            if existing == event:
                outcome = "created" if existing is event else "duplicate"
                response["processed"].append(result | {"outcome": outcome})
            else:
                refusal = {"errorCode": "event.conflict", "errorMessage": "", "isRetryable": False}
                response["unprocessedEntities"].append(
                    {**refusal, "originalRequestIndex": result["originalRequestIndex"]}
                )
        return response


def run_import(path: Path, mapping: str, api: FakeApi | None = None) -> tuple[ImportRun, FakeApi]:
    api = api or FakeApi(mapping)
    toml = path.with_suffix(".toml")
    toml.write_text(mapping, encoding="utf-8")
    file, plan = open_csv(path, str(toml))
    run = ImportRun(lambda events: api.send("c", events), plan, 2, RejectedRows(file))
    run.run(file)
    return run, api


def lines_of(tally: ImportTally) -> dict[str, list[int]]:
    """The lines by outcome, and for rejected rows by reason."""
    lines: dict[str, list[int]] = {}
    for (outcome, reason, _), numbers in tally.lines.items():
        lines.setdefault(reason or outcome, []).extend(numbers)
    return lines


def written(folder: Path, *rows: str, name: str = "visits.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def rejected_rows(path: Path, delimiter: str = ",") -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter, strict=True))


# -- the shared cases --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "edit", "stored", "rejected"),
    [
        ("openquote", "", {"a-1": "fine", "c-1": "lost", "d-1": "lost too"}, {"open.quote": [3]}),
        ("stray", "", {"c-1": 3, "d-1": 4}, {"stray.quote": [2], "open.quote": [3]}),
        ("utcz", "", {"a-1": 1.5}, {"invalid.date": [3]}),
        ("sci", "", {"a-1": 1e-05, "b-1": 0.5, "c-1": 1500, "d-1": 7}, {}),
        ("semi", "", {"c-1": 12}, {"invalid.attribute": [2, 3]}),
        ("semi", 'decimal = ","\nthousands = "."\n', {"a-1": 1.5, "b-1": 1234.5, "c-1": 12}, {}),
        ("numbers", "", {"a-1": 1500, "d-1": 0.5, "e-1": 5, "f-1": 100000}, {"invalid.attribute": [3, 4, 8, 9]}),
        (
            "numbers",
            'thousands = ","\n',
            {"a-1": 1500, "b-1": 1234.5, "d-1": 0.5, "e-1": 5, "f-1": 100000},
            {"invalid.attribute": [4, 8, 9]},
        ),
        ("unix", "", {"a-1": 1.5}, {}),
        ("unixms", "", {"a-1": 1.5}, {}),
        ("sepline", "", {"a-1": 1.5}, {}),
        (
            "bools",
            "",
            {"0-1": True, "1-1": True, "2-1": True, "3-1": True, "4-1": True, "5-1": False, "6-1": True, "7-1": False},
            {},
        ),
    ],
)
def test_a_case_of_real_files(
    tmp_path: Path, name: str, edit: str, stored: dict[str, Any], rejected: dict[str, list[int]]
) -> None:
    path = tmp_path / f"{name}.csv"
    path.write_bytes((CASES / f"{name}.csv").read_bytes())
    run, api = run_import(path, edit + (CASES / f"{name}.toml").read_text())

    values = {id_: list(event["attributes"].values())[-1] for id_, event in api.stored.items()}
    assert values == stored
    assert lines_of(run.tally) == rejected | {"created": run.tally.lines["created", "", ""]}
    dates = {event["dateCreated"][:19] for event in api.stored.values()}
    assert all(date.startswith("2026-01-05T") for date in dates)
    if name in ("unix", "unixms", "utcz"):
        assert dates == {"2026-01-05T10:00:00"}


# -- quotes ------------------------------------------------------------------------------------------------------------


def row(id_: str, note: str) -> str:
    return f"{id_},{WHEN},jane,{note},1"


@pytest.mark.parametrize(
    ("rows", "reasons", "stored"),
    [
        ([row("a", '"open'), row("b", '"good, one"'), row("c", "x")], {"open.quote": [2]}, ["b", "c"]),
        ([row("a", '"open'), row("b", '27"')], {"open.quote": [2]}, ["b"]),  # both lines together have 5 cells
        ([row("a", '"open'), row("b", "x"), row("c", 'y"')], {"open.quote": [2]}, ["b", "c"]),
        ([row("a", '"open'), row("b", "x"), row("c", '"open')], {"open.quote": [2, 4]}, ["b"]),
        ([row("a", '"open'), row("b", '""'), row("c", '""')], {"open.quote": [2]}, ["b", "c"]),
        ([row("a", '"27" monitor"'), row("b", "x")], {"stray.quote": [2]}, ["b"]),
        ([row("a", '"two\nlines"'), row("b", "x")], {}, ["a", "b"]),
        ([row("a", '"a, b\n\n""c"", d"'), row("b", "x")], {}, ["a", "b"]),
        ([row("a", '"a list:\n1,2,3,4,5\nand more"'), row("b", "x")], {}, ["a", "b"]),  # 5 cells, but no event
        ([row("a", '"two\nlines",more'), row("b", "x")], {"wrong.columns": [2]}, ["b"]),
        ([row("a", '27" monitor'), row("b", "x")], {}, ["a", "b"]),
        ([row("a", "x"), f'"b,{WHEN},jane,x,1'], {"open.quote": [3]}, ["a"]),
        ([f"a,{WHEN},jane", row("b", "x"), "", row("c", "x")], {"wrong.columns": [2]}, ["b", "c"]),
        ([row("a", "x"), ",,,,", " ,\t,,,", "  ", ",", row("b", "x")], {}, ["a", "b"]),  # as spreadsheets end
        ([row("a", "x" * (CELL_LIMIT + 1)), row("b", "x")], {"cell.too.large": [2]}, ["b"]),
        ([row("a", '"' + "x\n" * CELL_LIMIT + '"'), row("b", "x")], {"cell.too.large": [2]}, ["b"]),
    ],
)
def test_a_broken_row_is_rejected_and_what_follows_is_read(
    tmp_path: Path, rows: list[str], reasons: dict[str, list[int]], stored: list[str]
) -> None:
    run, api = run_import(written(tmp_path, *rows), MAPPING)

    assert sorted(api.stored) == stored
    assert {key: numbers for key, numbers in lines_of(run.tally).items() if key != "created"} == reasons
    assert run.tally.count("created") == len(stored)


def test_a_line_without_an_end_rejects_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "ROW_LIMIT", 1000)
    rows = [row("a", "x"), row("b", "x" * 5000), row("c", '"open'), *[row(f"d{n}", "x") for n in range(100)]]
    run, api = run_import(written(tmp_path, *rows), MAPPING)

    assert lines_of(run.tally)["row.too.large"] == [3]
    assert lines_of(run.tally)["open.quote"] == [4]
    assert run.tally.count("created") == len(api.stored) == 101


def test_the_reason_names_the_column_and_no_cell(tmp_path: Path) -> None:
    rows = [row("a", '"secret'), row("b", '"secret" more'), f"c,{WHEN},secret,x,secret", "d,secret,jane,x,1"]
    run, _ = run_import(written(tmp_path, *rows), MAPPING)

    messages = {reason: message for outcome, reason, message in run.tally.counts if outcome == "rejected"}
    assert 'column "note"' in messages["open.quote"]
    assert 'column "note"' in messages["stray.quote"]
    assert messages["invalid.attribute"].startswith('The column "amount" must contain a number such as 1234.5')
    assert messages["invalid.date"].endswith(
        '"when" must contain a date in the format ISO-8601, such as 2026-01-31T09:30:00Z.'
    )
    assert "secret" not in "".join(messages.values())


# -- files that cannot be imported -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04\x14\x00", "is a workbook or a zip file, not a CSV. Save or extract it as CSV first."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is a workbook, not a CSV"),
        (b"\x1f\x8b\x08\x00", "is a gzip file, not a CSV"),
        (b"sep=;\r\n", "is empty. Its first row must name the columns"),
        (b",,,\r\n,,\r\n", "is empty. Its first row must name the columns"),
        (b"sep=\r\nid,when\r\n", 'Its columns, separated by ",", are sep='),
        (b'sep=""\r\nid,when\r\n', 'Its columns, separated by ",", are sep='),
    ],
)
def test_another_kind_of_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "visits.csv"
    path.write_bytes(content)
    with pytest.raises(CannotImport) as caught:
        run_import(path, MAPPING)
    assert message in caught.value.message


def test_a_directory_and_a_pipe_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotImport, match="is a directory"):
        CsvFile(tmp_path, CsvFormat())
    with pytest.raises(CannotImport, match="is not a regular file, and an import reads it more than once"):
        CsvFile(tmp_path / "pipe", CsvFormat())


@pytest.mark.parametrize(("end", "imported"), [("\n", ["a", "b"]), ("", ["a"])], ids=["after a line", "in a line"])
def test_a_file_that_changes_is_an_error_and_its_last_row_is_not_half_read(
    tmp_path: Path, end: str, imported: list[str]
) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(f"{HEADER}\n{row('a', 'x')}\n{row('b', 'x')}{end}")
    file = CsvFile(path, CsvFormat())
    os.utime(path, (0, 0))
    read: list[str] = []

    with pytest.raises(CannotImport, match="changed while it was read"):
        read.extend(one.cells[0] for one in file.rows())
    assert read == imported


@pytest.mark.usefixtures("api")
def test_a_file_without_rows_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No event type is created for it."""
    monkeypatch.setattr("tools.commands.importing.ensure_type", raising(AssertionError("an event type")))
    (tmp_path / "visits.toml").write_text(MAPPING)
    result = run_journeys("import", written(tmp_path), "--mapping", tmp_path / "visits.toml")
    assert (result.exit_code, result.stdout) == (
        0,
        f"{tmp_path}/visits.csv has no row after its header. Nothing was imported.\n",
    )


def test_an_event_type_is_created_after_the_whole_file_was_read(
    tmp_path: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.commands.importing.ensure_type", raising(AssertionError("an event type")))
    (tmp_path / "visits.toml").write_text(MAPPING)
    path = written(tmp_path, *[row(f"a{number}", "x" * 1000) for number in range(500)])
    path.write_bytes(path.read_bytes() + b"\xff\xfe")
    result = run_journeys("import", path, "--mapping", tmp_path / "visits.toml")
    assert result.exit_code == 1
    assert "is not UTF-8: line 502 cannot be read" in result.stderr
    assert api.stored == {}


def test_without_a_stack_the_file_is_opened_before_the_stack_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "connect", raising(SetupError("The local stack is not running.")))
    mapping = ["--mapping", CASES / "sci.toml"]
    missing, existing = (
        run_journeys("import", "none.csv", *mapping),
        run_journeys("import", CASES / "sci.csv", *mapping),
    )

    assert (missing.exit_code, missing.stderr) == (1, "There is no file none.csv.\n")
    assert (existing.exit_code, existing.stdout, existing.stderr) == (2, "", "The local stack is not running.\n")


# -- delimiters and encodings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "delimiter", "entry"),
    [
        ("", ";", 'delimiter = ";"'),
        ("", "\t", 'delimiter = "\\t"'),
        ("sep=;\r\n", ";", ""),
        ("SEP=\t\n", "\t", ""),
        ('"sep=|"\n', "|", 'delimiter = ";"'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_delimiters_and_encodings(tmp_path: Path, first: str, delimiter: str, entry: str, encoding: str) -> None:
    lines = [HEADER, row("a", "Jérôme"), "b,sometime,Zoë,x,1"]
    path = tmp_path / "visits.csv"
    path.write_bytes((first + "\r\n".join(lines).replace(",", delimiter)).encode(encoding))
    mapping = f'encoding = "{encoding}"\n{entry}\n{MAPPING}'

    run, api = run_import(path, mapping)

    assert api.stored["a"]["attributes"]["note"] == "Jérôme"
    assert lines_of(run.tally)["invalid.date"] == [4 if first else 3]
    text = (tmp_path / "visits.rejected.csv").read_bytes().decode(encoding)
    assert text.startswith("sep=" if first else "rejected_line")
    corrected = tmp_path / "corrected.csv"
    corrected.write_bytes(text.replace("sometime", WHEN).encode(encoding))
    again, _ = run_import(corrected, mapping, api)
    assert again.tally.count("created") == 1
    assert api.stored["b"]["identifiers"]["externalIds"][0]["value"] == "Zoë"


def test_a_byte_order_mark_goes_before_the_mapping(tmp_path: Path) -> None:
    path = written(tmp_path, row("a", "Jérôme"))
    text = path.read_text(encoding="utf-8")
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        path.write_text(text, encoding=encoding)
        assert run_import(path, MAPPING)[1].stored["a"]["attributes"]["note"] == "Jérôme"


@pytest.mark.parametrize(
    ("template", "cells", "text"),
    [
        ("a:b", {"a:b": "1"}, "1"),
        ("{a:b}", {"a:b": "1"}, "1"),
        ("{a!r}-{a.b}-{c[0]}", {"a!r": "1", "a.b": "2", "c[0]": "3"}, "1-2-3"),
        ("x{{{a}}}", {"a": "1"}, "x{1}"),
        ("{{{a}", {"a": "1"}, "{1"),
        ("{a{{b}}}", {"a{b}": "1"}, None),
        (" a ", {"a": "1"}, "1"),
        ("{ a }", {"a": "1"}, "1"),
    ],
)
def test_a_template_can_name_any_column(template: str, cells: dict[str, str], text: str | None) -> None:
    if text is None:
        with pytest.raises(ValueError, match="must be closed"):
            CellTemplate(template).read(cells, frozenset())
    else:
        assert CellTemplate(template).read(cells, frozenset()) == text


# -- the file of rejected rows -----------------------------------------------------------------------------------------


def test_rejected_rows_have_their_line_reason_and_original_cells_and_are_rejected_again(tmp_path: Path) -> None:
    rows = [row("a", '" spaced ""x"""'), 'b,never,jane,"two\nlines",1', f"c,{WHEN},jane", f"d,{WHEN},jane,x,1,2,3"]
    api = FakeApi(MAPPING)
    run_import(written(tmp_path, *rows, row("a", "other")), MAPPING, api)
    first = rejected_rows(tmp_path / "visits.rejected.csv")

    assert first[0] == ["rejected_line", "rejected_reason", *HEADER.split(",")]
    assert [[cells[0], cells[1].split(":")[0], *cells[2:]] for cells in first[1:]] == [
        ["3", "invalid.date", "b", "never", "jane", "two\nlines", "1"],
        ["5", "wrong.columns", "c", WHEN, "jane"],
        ["6", "wrong.columns", "d", WHEN, "jane", "x", "1", "2", "3"],
        ["7", "event.conflict", "a", WHEN, "jane", "other", "1"],
    ]

    again, _ = run_import(tmp_path / "visits.rejected.csv", MAPPING, api)
    second = rejected_rows(tmp_path / "visits.rejected.rejected.csv")
    assert again.tally.count("rejected") + again.tally.count("conflict") == 4
    assert [cells[2:] for cells in second] == [cells[2:] for cells in first]
    assert [cells[0] for cells in second[1:]] == ["2", "4", "5", "6"]


def test_a_row_that_was_added_to_a_file_of_rejected_rows_keeps_its_cells(tmp_path: Path) -> None:
    """As does the second line of a cell whose quote is not closed."""
    path = tmp_path / "rejected.csv"
    path.write_text(
        f"rejected_line,rejected_reason,{HEADER}\n3,invalid.date: Why.,a,never,jane,x,1\nb,never,jane,x,1\n"
    )
    run_import(path, MAPPING)

    assert [cells[2:] for cells in rejected_rows(tmp_path / "rejected.rejected.csv")[1:]] == [
        ["a", "never", "jane", "x", "1"],
        ["b", "never", "jane", "x", "1"],
    ]


def test_an_earlier_file_of_rejected_rows_is_never_lost(tmp_path: Path) -> None:
    path, rejected = written(tmp_path, "a,never,jane,x,1"), tmp_path / "visits.rejected.csv"
    run_import(path, MAPPING)
    run_import(path, MAPPING)
    assert sorted(file.name for file in tmp_path.glob("*rejected*")) == ["visits.rejected.csv"]

    corrected = rejected.read_text().replace("never", WHEN)
    rejected.write_text(corrected)
    run_import(path, MAPPING)
    assert (tmp_path / "visits.rejected.1.csv").read_text() == corrected.replace("\r\n", "\n")
    assert "never" in rejected.read_text()

    written(tmp_path, row("a", "x"))
    run_import(path, MAPPING)
    assert rejected.exists()
    assert list(tmp_path.glob(".*")) == []


def test_a_file_of_rejected_rows_that_cannot_be_written_is_an_error_before_the_first_row(tmp_path: Path) -> None:
    path = written(tmp_path, row("a", "x"))
    file = CsvFile(path, CsvFormat())

    for unusable in (tmp_path / "none" / "rejected.csv", tmp_path, path):
        with pytest.raises(CannotImport, match="Name another file with --rejected"):
            RejectedRows(file, unusable)


# -- properties --------------------------------------------------------------------------------------------------------

CELL_TEXT = st.text(alphabet=string.ascii_letters + ' ,;"\n\r\té€0159.-', max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(alphabet='a,;"\n\r0é \x00', max_size=200), st.text(max_size=80)))
def test_any_text_is_read_and_each_row_is_counted_once(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "visits.csv"
        path.write_bytes(f"{HEADER}\n{row('first', 'x')}\n{text}\n{row('last', 'x')}\n".encode(errors="replace"))
        run, api = run_import(path, MAPPING)
        file = CsvFile(path, CsvFormat())
        plan = parse_plan(MAPPING, "m")
        rows = list(file.rows(lambda cells: plan.is_event(file.columns, cells)))

        assert run.tally.counts.total() == len(rows)
        assert len({one.line for one in rows}) == len(rows)
        assert "first" in api.stored
        assert run.tally.count("created") == len(api.stored)
        refused = run.tally.count("rejected") + run.tally.count("conflict")
        assert run.tally.counts.total() == refused + run.tally.count("created") + run.tally.count("duplicate")
        rejected = path.with_name("visits.rejected.csv")
        assert len(rejected_rows(rejected)) == refused + 1 if refused else not rejected.exists()


BREAKS: Mapping[str, Callable[[list[str]], str]] = {
    "none": lambda cells: encoded([*cells]),
    "date": lambda cells: encoded([cells[0], "never", *cells[2:]]),
    "amount": lambda cells: encoded([*cells[:4], "12 %"]),
    "open": lambda cells: f'{cells[0]},{WHEN},jane,"open,1\n',
    "stray": lambda cells: f'{cells[0]},{WHEN},jane,"27" wide,1\n',
    "short": lambda cells: encoded(cells[:3]),
}
"""Ways in which a row is broken."""


def encoded(cells: Sequence[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(BREAKS)), CELL_TEXT), min_size=1, max_size=8))
def test_rejected_rows_that_are_corrected_and_imported_again_complete_the_import(rows: list[tuple[str, str]]) -> None:
    """Every row of the input is stored at the end, with its original cells."""
    wanted = {f"e{index}": [f"e{index}", WHEN, "jane", note, "1"] for index, (_, note) in enumerate(rows)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "visits.csv"
        lines = [BREAKS[how](wanted[f"e{index}"]) for index, (how, _) in enumerate(rows)]
        path.write_text(f"{HEADER}\n{''.join(lines)}", encoding="utf-8", newline="")
        run, api = run_import(path, MAPPING)
        broken = sum(how != "none" for how, _ in rows)
        assert run.tally.count("rejected") == broken
        if broken:
            rejected = path.with_name("visits.rejected.csv")
            corrected = [[*cells[:2], *wanted[cells[2]]] for cells in rejected_rows(rejected)[1:]]
            header = ["rejected_line", "rejected_reason", *HEADER.split(",")]
            again = path.with_name("corrected.csv")
            again.write_text("".join(map(encoded, [header, *corrected])), encoding="utf-8", newline="")
            assert run_import(again, MAPPING, api)[0].tally.count("created") == broken
        notes = {id_: event["attributes"].get("note", "") for id_, event in api.stored.items()}
        assert notes == {id_: cells[3].strip() for id_, cells in wanted.items()}


# -- dry runs and the command ------------------------------------------------------------------------------------------


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    api = FakeApi(MAPPING)
    monkeypatch.setattr(options, "connect", lambda *_: options.Connection(Stack("test", None), api))  # type: ignore[arg-type]
    return api


@pytest.fixture
def visits(tmp_path: Path) -> list[object]:
    """The arguments for a file with a valid row, its duplicate, a conflict, and two rows that are not valid."""
    rows = [row("a", "x"), row("a", "x"), row("a", "y"), "b,never,jane,x,1", "c,1969-01-01T00:00:00Z,jane,x,1"]
    (tmp_path / "visits.toml").write_text(MAPPING)
    return ["import", written(tmp_path, *rows), "--mapping", tmp_path / "visits.toml"]


@pytest.mark.parametrize("connected", ["api", "new type", "no stack"])
def test_a_dry_run_judges_every_row_as_an_import_and_stores_nothing(
    visits: list[object], api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, connected: str
) -> None:
    api._existing = connected != "new type"
    if connected == "no stack":
        monkeypatch.setattr(options, "connect", raising(SetupError("The local stack is not running.")))

    result = run_journeys(*visits, "--dry-run")

    assert result.exit_code == 1
    assert counted(result.stdout) == {"valid": 1, "duplicate": 1, "conflict": 1, "rejected": 2, "total": 5}
    assert "nothing is stored" in result.stdout.replace("\n", " ")
    assert "3 rows were not valid. See" in result.stdout
    assert api.stored == {}
    assert any(path.endswith("/validate") for path in api.paths) is (connected == "api")
    assert ("without the API" in result.stderr) is (connected == "no stack")
    dry = rejected_rows(tmp_path / "visits.rejected.csv")

    monkeypatch.setattr(options, "connect", lambda *_: options.Connection(Stack("test", None), api))  # type: ignore[arg-type]
    api._existing = True
    assert counted(run_journeys(*visits).stdout) == {
        "created": 1,
        "duplicate": 1,
        "conflict": 1,
        "rejected": 2,
        "total": 5,
    }
    assert rejected_rows(tmp_path / "visits.rejected.csv") == dry


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise error

    return fail


def counted(output: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for line in output.splitlines():
        cells = [cell.strip() for cell in line.split("│")]
        if len(cells) > 3 and cells[2].isdigit():
            counts[cells[1]] += int(cells[2])
    return dict(counts)


def test_a_dry_run_without_the_permission_to_list_configurations_uses_the_local_rules(
    visits: list[object], api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "entities", raising(ApiError(403, {"message": "no"})))
    assert counted(run_journeys(*visits, "--dry-run").stdout)["valid"] == 1


@pytest.mark.usefixtures("api")
def test_the_status_is_1_if_a_row_was_rejected_unless_that_is_allowed(visits: list[object], tmp_path: Path) -> None:
    assert run_journeys(*visits).exit_code == 1
    assert run_journeys(*visits, "--allow-rejected").exit_code == 0
    result = run_journeys(*visits, "--rejected", tmp_path / "elsewhere.csv")
    assert "4 rows" not in result.stdout
    assert f"3 rows were not stored. See {tmp_path}/elsewhere.csv" in result.stdout.replace("\n", "")
    assert len(rejected_rows(tmp_path / "elsewhere.csv")) == 4


def test_the_table_fits_a_screen() -> None:
    tally = ImportTally()
    for number in range(5000):
        tally.add("rejected", "invalid.attribute", number, f"The column {number} is wrong. " + "x" * 600)
    table = import_table(tally, "title")

    assert table.row_count <= 20
    assert tally.counts.total() == 5000
    assert len(tally.counts) <= 1001


def test_the_table_shows_a_reason_as_it_is_written() -> None:
    tally = ImportTally()
    tally.add("rejected", "invalid.date", 2, 'The column "[bold]when[/bold]" must contain a date.')
    console = Console(width=120)
    with console.capture() as capture:
        console.print(import_table(tally, "title"))

    assert "[bold]when[/bold]" in capture.get()


def test_a_file_with_many_columns_makes_a_short_message(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"column {number} {'x' * 200}" for number in range(1000)) + "\n")
    with pytest.raises(CannotImport) as caught:
        run_import(path, MAPPING)
    assert len(caught.value.message) < 2000
