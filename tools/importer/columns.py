"""Chooses the mapping that fits a CSV's columns."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tools.importer.csv_reader import CsvFile, CsvFormat
from tools.importer.errors import CannotImport, listed
from tools.importer.mapping import ImportPlan
from tools.importer.mapping_file import read_plan
from tools.paths import ROOT

MAPPINGS = ROOT / "tools" / "mappings"
"""The mappings that the project ships."""


def open_csv(path: Path, mapping: str | None, encoding: str | None = None) -> tuple[CsvFile, ImportPlan]:
    """The file and its mapping: the named one, or the shipped one that fits the file's columns.

    Args:
        encoding: replaces the mapping's encoding.

    Raises:
        CannotImport: the file or the mapping cannot be used, or they do not fit.
    """
    if mapping is not None:
        plan = read_plan(Path(mapping))
        file = CsvFile(path, _format(plan, encoding))
        check_columns(file, plan.columns, f"the mapping {mapping}")
        return file, plan
    for shipped in sorted(MAPPINGS.iterdir()):
        plan = read_plan(shipped)
        file = CsvFile(path, _format(plan, encoding))
        if all(file.columns.count(column) == 1 for column in plan.columns):
            return file, plan
    raise CannotImport(
        f"No mapping in tools/mappings fits {path}, whose columns are {listed(file.columns)}.\n"
        f"Propose one with `journeys import {path} --detect --output FILE`, check it, and name it with --mapping."
    )


def _format(plan: ImportPlan, encoding: str | None) -> CsvFormat:
    return replace(plan.form, encoding=encoding) if encoding else plan.form


def check_columns(file: CsvFile, columns: Sequence[str], reader: str) -> None:
    """Raises CannotImport if the file lacks one of the columns, or has it twice. `reader` is what reads them."""
    if missing := [column for column in columns if column not in file.columns]:
        raise CannotImport(
            f"{file.path} has no column {listed(missing)}, which {reader} reads.\n"
            f'Its columns, separated by "{file.delimiter}", are {listed(file.columns)}.'
        )
    if repeated := [column for column in dict.fromkeys(columns) if file.columns.count(column) > 1]:
        raise CannotImport(f"{file.path} has several columns {listed(repeated)}. Give each column its own name.")
