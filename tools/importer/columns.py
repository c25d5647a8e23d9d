"""Reads the rows of a CSV, and chooses the mapping that fits its columns."""

import csv
from collections.abc import Iterator
from pathlib import Path

from tools.importer.mapping import CannotImport, ImportPlan
from tools.importer.mapping_file import read_plan
from tools.paths import ROOT

MAPPINGS = ROOT / "tools" / "mappings"
"""The mappings that the project ships."""


def read_header(path: Path, delimiter: str = ",") -> list[str]:
    """The names of a CSV's columns. Raises CannotImport."""
    if not path.is_file():
        raise CannotImport(f"There is no file {path}.")
    header = next(_records(path, delimiter), None)
    if header is None:
        raise CannotImport(f"{path} is empty. Its first row must name the columns.")
    return header


def read_rows(path: Path, delimiter: str) -> Iterator[tuple[int, dict[str, str] | None]]:
    """Yields every row with its number; the header is row 1. A row with the wrong number of cells is None."""
    records = _records(path, delimiter)
    header = next(records)
    for number, record in enumerate(records, start=2):
        if record:  # the csv module returns an empty list for a blank line
            yield number, dict(zip(header, record, strict=True)) if len(record) == len(header) else None


def _records(path: Path, delimiter: str) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            try:
                yield from reader
            except csv.Error as error:
                raise CannotImport(f"{path} is not a valid CSV near line {reader.line_num}: {error}.") from None
            except UnicodeDecodeError:
                raise CannotImport(f"{path} is not UTF-8 after line {reader.line_num}. Save it as UTF-8.") from None
    except OSError as error:
        raise CannotImport(f"{path} cannot be read: {error.strerror}.") from None


def choose_plan(mapping: str | None, path: Path) -> ImportPlan:
    """The named mapping, or the shipped one that fits the file's columns. Raises CannotImport."""
    if mapping is not None:
        return _named_plan(mapping, path)
    for shipped in sorted(MAPPINGS.iterdir()):
        plan = read_plan(shipped)
        if all(read_header(path, plan.delimiter).count(column) == 1 for column in plan.columns):
            return plan
    raise CannotImport(
        f"No mapping in tools/mappings fits {path}, whose columns are {', '.join(read_header(path))}.\n"
        "Copy tools/mappings/servicenow_incidents.toml, change it, and name it with --mapping."
    )


def _named_plan(mapping: str, path: Path) -> ImportPlan:
    plan = read_plan(Path(mapping))
    header = read_header(path, plan.delimiter)
    if missing := [column for column in plan.columns if column not in header]:
        raise CannotImport(
            f"{path} has no column {', '.join(missing)}, which the mapping {mapping} reads.\n"
            f"Its columns are {', '.join(header)}."
        )
    if repeated := [column for column in plan.columns if header.count(column) > 1]:
        raise CannotImport(f"{path} has several columns {', '.join(repeated)}. Give each column its own name.")
    return plan
