"""Reads the rows of a CSV, and chooses the mapping that fits its columns."""

import csv
from collections.abc import Iterator
from pathlib import Path

from tools.importer.mapping import CannotImport, Plan, read_plan
from tools.paths import ROOT

MAPPINGS = ROOT / "tools" / "mappings"


def read_header(path: Path, delimiter: str = ",") -> list[str]:
    """The names of a CSV's columns. Raises CannotImport."""
    if not path.is_file():
        raise CannotImport(f"There is no file {path}.")
    header = next(_records(path, delimiter), None)
    if header is None:
        raise CannotImport(f"{path} is empty; its first row must name the columns.")
    return header


def read_rows(path: Path, delimiter: str) -> Iterator[tuple[int, dict[str, str] | None]]:
    """Every row with its number, as spreadsheets count: the header is row 1. None for one of another length."""
    records = _records(path, delimiter)
    header = next(records)
    for number, record in enumerate(records, start=2):
        if record:  # a blank line is no row
            yield number, dict(zip(header, record, strict=True)) if len(record) == len(header) else None


def _records(path: Path, delimiter: str) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            try:
                yield from reader
            except csv.Error as error:
                raise CannotImport(f"{path} is not a readable CSV near line {reader.line_num}: {error}.") from None
            except UnicodeDecodeError:
                raise CannotImport(f"{path} is not UTF-8 after line {reader.line_num}; save it as UTF-8.") from None
    except OSError as error:
        raise CannotImport(f"{path} cannot be read: {error.strerror}.") from None


def choose_plan(mapping: str | None, path: Path) -> Plan:
    """The plan that was named, or the shipped one whose columns the file has. Raises CannotImport."""
    if mapping is not None:
        plan = read_plan(Path(mapping))
        header = read_header(path, plan.delimiter)
        if missing := [column for column in plan.columns if column not in header]:
            raise CannotImport(
                f"{path} has no column {', '.join(missing)}, which the mapping {mapping} reads.\n"
                f"Its columns are {', '.join(header)}."
            )
        if twice := [column for column in plan.columns if header.count(column) > 1]:
            raise CannotImport(f"{path} has the column {', '.join(twice)} twice; name them apart.")
        return plan
    for shipped in sorted(MAPPINGS.iterdir()):
        plan = read_plan(shipped)
        if all(read_header(path, plan.delimiter).count(column) == 1 for column in plan.columns):
            return plan
    raise CannotImport(
        f"No mapping in tools/mappings fits {path}, whose columns are {', '.join(read_header(path))}.\n"
        "Copy tools/mappings/servicenow_incidents.toml, change it, and name it: make import FILE=... MAPPING=..."
    )
