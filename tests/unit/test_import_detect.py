"""`journeys import --detect`: the proposed mapping."""

import csv
import io
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.registry.schemas.document import parse
from tests.support.cli import run_journeys
from tests.support.template import ROOT
from tools.importer import sample
from tools.importer.columns import MAPPINGS
from tools.importer.csv_reader import CsvFile
from tools.importer.detect import propose
from tools.importer.errors import CannotImport
from tools.importer.mapping import ImportPlan
from tools.importer.mapping_file import parse_plan, read_plan

CASES = ROOT / "tests" / "support" / "csv"


def plan_for(path: Path) -> ImportPlan:
    return parse_plan(propose(path), "proposal")


def importable(path: Path, plan: ImportPlan) -> int:
    """The number of rows that are events."""
    file = CsvFile(path, plan.form)
    return sum(not row.refusal and plan.is_event(file.columns, row.cells) for row in file.rows())


def kinds(plan: ImportPlan) -> dict[str, str]:
    return {attribute.name: attribute.kind for attribute in plan.attributes}


@pytest.mark.parametrize(
    ("name", "rows", "form", "last_kind"),
    [
        ("openquote", 3, "iso", "text"),
        ("stray", 2, "iso", "integer"),
        ("utcz", 1, "%Y-%m-%d %H:%M:%S %Z", "number"),
        ("sci", 4, "iso", "number"),
        ("semi", 3, "%d.%m.%Y %H:%M", "number"),
        ("numbers", 8, "iso", "text"),
        ("unix", 1, "unix", "number"),
        ("unixms", 1, "unix_ms", "number"),
        ("sepline", 1, "iso", "number"),
        ("bools", 8, "iso", "integer"),
    ],
)
def test_a_proposal_imports_the_file_that_it_is_made_from(name: str, rows: int, form: str, last_kind: str) -> None:
    path = CASES / f"{name}.csv"
    plan = plan_for(path)

    assert importable(path, plan) == rows
    assert (plan.id.template, plan.date.template, plan.customer.template) == ("case", "when", "who")
    assert plan.date_format.pattern == form
    assert list(kinds(plan).values())[-1] == last_kind
    assert parse(plan.to_schema()).fields.keys() == kinds(plan).keys()


CSV = """Order No;Ordered at;Customer e-mail;Zip code;Total;Paid;Items;Shipped on;Link;Comment;Nothing;{odd}
1001;03.01.2026 14:05;ann@example.com;01234;1.234,50;Y;3.0;04.01.2026;https://example.com/1;n/a;;x
1002;13.01.2026 09:00;bob@example.com;55555;99,90;N;1.0;;https://example.com/2;fine, thanks;;y
1003;14.01.2026 10:30;ann@example.com;00001;5;Y;12.0;16.01.2026;https://example.com/3;;;z
"""


def test_the_kinds_formats_and_columns_of_a_spreadsheet_are_found(tmp_path: Path) -> None:
    path = tmp_path / "Web orders.csv"
    path.write_text(CSV, encoding="cp1252")
    plan, text = plan_for(path), propose(path)

    assert (plan.form.delimiter, plan.title, plan.external_source_id) == (";", "Web Orders", "web-orders")
    assert (plan.id.columns, plan.date.columns) == (("Order No",), ("Ordered at",))
    assert (plan.customer.columns, plan.date_format.pattern) == (("Customer e-mail",), "%d.%m.%Y %H:%M")
    assert kinds(plan) == {
        "zipCode": "text", "total": "number", "paid": "boolean", "items": "integer", "shippedOn": "date",
        "link": "url", "comment": "text", "nothing": "text",
    }  # fmt: skip
    assert "n/a" in plan.unknown
    assert importable(path, plan) == 3
    assert "3 of 3 rows can be imported" in text
    assert "CHECK: the time zone" in text
    assert "CHECK: rename the column {odd}" in text


def test_the_proposal_says_what_cannot_be_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,date,user,amount\n1,03/04/2026,u,1.234\n2,05/06/2026,u,5.678\n")
    text = propose(path)

    assert '"%m/%d/%Y"; day and month cannot be told apart' in text
    assert "check amount: the separator can be a decimal sign or a thousands separator" in text


def test_an_id_is_made_of_two_columns_if_no_column_is_unique(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{order},{version},2026-01-0{version}T10:00:00Z,u" for order in "ab" for version in (1, 2)]
    path.write_text("\n".join(["order:id,version,changed_at,user", *rows]))
    assert plan_for(path).id.template == "{order:id}-{version}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_encoding_and_the_delimiter_are_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    rows = [["id", "date", "user", "text"], ["1", "2026-01-05T10:00:00Z", "Zoë", "été, là; oui"]]
    output = io.StringIO(newline="")
    csv.writer(output, delimiter=delimiter).writerows([*rows, ["2", *rows[1][1:]]])
    path.write_bytes(output.getvalue().encode(encoding))
    plan = plan_for(path)

    file = CsvFile(path, plan.form)
    assert [row.cells[3] for row in file.rows()] == ["été, là; oui"] * 2
    assert importable(path, plan) == 2


def test_a_few_cells_without_a_value_and_a_few_repeated_ids_do_not_hide_a_column(tmp_path: Path) -> None:
    """As in an audit log with a customer that is not always known."""
    path = tmp_path / "a.csv"
    rows = [f"T{n // 4},{n % 4},2026-01-05T10:00:00Z,{'?' if n % 50 == 0 else f'u{n % 7}'},Phone" for n in range(400)]
    rows[-1] = rows[0].replace("?", "u1")
    path.write_text("\n".join(["number,version,updated_at,caller_id,contact_type", *rows]))
    plan, text = plan_for(path), propose(path)

    assert plan.id.template == "{number}-{version}"
    assert plan.customer.columns == ("caller_id",)
    assert "rows with the id of an earlier row: 1." not in text  # its first row has no customer
    assert "With this mapping, 392 of 400 rows can be imported." in text

    rows[-1] = rows[1]
    path.write_text("\n".join(["number,version,updated_at,caller_id,contact_type", *rows]))
    assert "# CHECK: rows with the id of an earlier row: 1. Add columns" in propose(path)
    assert "With this mapping, 391 of 400 rows can be imported." in propose(path)


def test_a_column_with_an_empty_cell_is_no_id_and_a_name_identifies_nobody_if_another_column_can(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{'' if n == 7 else f'R{n}'},T{n // 2},{n % 2},2026-01-05,Jane {n % 3},u{n % 3}" for n in range(40)]
    path.write_text("\n".join(["reference,number,version,date,customer name,visitor", *rows]))
    plan = plan_for(path)

    assert plan.id.template == "{number}-{version}"
    assert plan.customer.columns == ("visitor",)


def test_a_column_with_one_word_may_be_boolean_or_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,date,user,paid,unit\n1,2026-01-05,u,Y,t\n2,2026-01-06,u,N,t\n")

    assert 'paid = { value = "paid", kind = "boolean" }\n' in propose(path)
    assert 'unit = { value = "unit", kind = "boolean" }  # CHECK: or text: every value is the same' in propose(path)


def test_only_the_first_rows_and_characters_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,date,user\n" + "".join(f"{n},2026-01-05,u\n" for n in range(30)))

    monkeypatch.setattr(sample, "ROWS_READ", 20)
    assert "from 20 rows of a.csv" in propose(path)
    monkeypatch.setattr(sample, "CHARACTERS_READ", 100)
    assert "from 9 rows of a.csv" in propose(path)


def test_a_proposal_counts_the_rows_as_a_dry_run_does(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [
        "1,2026-01-05,u,x",
        f"2,2026-01-05,u,{'x' * 1001}",
        f"3,2026-01-05,{'u' * 300},x",
        "4,2026-01-05,u",
        "5,never,u,x",
    ]
    path.write_text("\n".join(["id,date,user,note", *rows]))
    text = propose(path)
    (tmp_path / "a.toml").write_text(text)
    result = run_journeys("import", path, "--mapping", tmp_path / "a.toml", "--dry-run")

    assert "With this mapping, 1 of 5 rows can be imported. 1 cannot be split into cells." in text
    assert re.search(r"valid *│ *1 ", result.stdout)


def test_a_column_whose_name_is_repeated_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,date,user,tag,tag\n1,2026-01-05,u,x,y\n")
    assert "# CHECK: rename the column tag to import it." in propose(path)
    assert kinds(plan_for(path)) == {}


def test_a_column_of_which_few_cells_are_dates_is_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [
        f"{n},2026-01-05,u,{'soon' if n % 3 else '2026-01-05'},{'?!' if n == 1 else '2026-01-05'}" for n in range(60)
    ]
    path.write_text("\n".join(["id,date,user,due,done", *rows]))

    assert kinds(plan_for(path)) == {"due": "text", "done": "date"}
    assert "1.7% of the cells are no dates, and their rows are rejected" in propose(path)


def test_an_export_of_the_shipped_mapping_is_recognized(tmp_path: Path) -> None:
    columns = read_plan(MAPPINGS / "servicenow_incidents.toml").columns
    path = tmp_path / "incidents.csv"
    cells = {"number": "INC1", "caller_id": "Caller 1", "sys_updated_at": "29-02-2024 01:23", "opened_at": "?"}
    lines = [",".join((cells | {"sys_mod_count": str(n)}).get(name, "?") for name in columns) for n in range(3)]
    path.write_text("\n".join([",".join(columns), *lines]))
    plan = plan_for(path)

    assert plan.customer.columns == ("caller_id",)
    assert plan.date.columns == ("sys_updated_at",)
    assert set(plan.id.columns) & {"sys_mod_count", "number"}
    assert importable(path, plan) == 3


@pytest.mark.parametrize(
    "content", ["", "a,b,c\n", "\n\n", "a,b,c\n1,2\n", 'a,"b\n1,2\n', ",,\n1,2,3\n", "a,a,b\n1,2,3\n"]
)
def test_a_file_without_rows_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(CannotImport):
        propose(path)


def test_the_command_prints_the_proposal_and_never_replaces_a_file(tmp_path: Path) -> None:
    path, output = CASES / "sci.csv", tmp_path / "mapping.toml"
    assert run_journeys("import", path, "--detect").stdout == propose(path)

    assert run_journeys("import", "--detect", path, "--output", output).exit_code == 0
    assert output.read_text() == propose(path)
    output.write_text("edited")
    result = run_journeys("import", path, "--detect", "--output", output)
    assert (result.exit_code, output.read_text()) == (1, "edited")
    assert "--force" in result.stderr
    assert run_journeys("import", path, "--detect", "--output", output, "--force").exit_code == 0
    assert output.read_text() == propose(path)
    assert run_journeys("import", path, "--output", output).exit_code == 2


def test_detect_never_replaces_the_csv_and_takes_no_options_of_an_import(tmp_path: Path) -> None:
    path = tmp_path / "sci.csv"
    path.write_bytes((CASES / "sci.csv").read_bytes())

    result = run_journeys("import", path, "--detect", "--output", path, "--force")
    assert (result.exit_code, path.read_bytes()) == (2, (CASES / "sci.csv").read_bytes())
    for option in (["--mapping", path], ["--dry-run"], ["--rejected", path], ["--allow-rejected"]):
        result = run_journeys("import", path, "--detect", *option)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "--detect imports nothing." in result.stderr


CELLS = {
    "text": st.text(max_size=20),
    "int": st.integers(-(10**12), 10**12).map(str),
    "comma": st.decimals(-1000, 1000, places=2).map(lambda number: str(number).replace(".", ",")),
    "bool": st.sampled_from(["Y", "N"]),
    "date": st.integers(0, 20_000).map(lambda day: f"{datetime(1971, 1, 1, tzinfo=UTC) + timedelta(day):%d.%m.%Y}"),
}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_proposal_is_a_valid_mapping_that_imports_the_rows(data: st.DataObject) -> None:
    """Column names and cells can be any text."""
    strategies = data.draw(st.lists(st.sampled_from(sorted(CELLS)), max_size=5))
    names = data.draw(
        st.lists(
            st.text(max_size=12).filter(lambda name: not set(name) & set("{}")),
            min_size=len(strategies),
            max_size=len(strategies),
        )
    )
    header = ["id", "occurred at", "customer", *(f"{index}{name}" for index, name in enumerate(names))]
    rows = [
        [str(index), f"2026-01-05 10:00:{index:02}", "jane", *(data.draw(CELLS[kind]) for kind in strategies)]
        for index in range(data.draw(st.integers(1, 6)))
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "visits.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows([header, *rows])
        plan = plan_for(path)
        assert importable(path, plan) == len(rows)
        assert len(parse(plan.to_schema()).fields) == len(names)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(alphabet='a1,;\t"\n\r.-: é', max_size=200).map(str.encode)))
def test_any_file_gets_a_proposal_or_a_message(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "visits.csv"
        path.write_bytes(content)
        result = run_journeys("import", path, "--detect")  # fails on a traceback
        if result.exit_code == 0:
            parse_plan(result.stdout, "proposal")
        else:
            assert len(result.stderr) < 2000
