"""Opens a CSV whose form is not known, and reads its first rows."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.importer.csv_reader import REJECTED_COLUMNS, CsvFile, CsvFormat, byte_order_mark
from tools.importer.csv_rows import Row
from tools.importer.errors import CannotImport, listed

ROWS_READ, CHARACTERS_READ = 5000, 20_000_000
"""The most rows from which a mapping is derived, and the characters of their cells."""
ROWS_COMPARED = 200
"""Rows whose width decides which delimiter fits."""
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Sample:
    """The first rows of a file, and the names of the columns that a mapping can read."""

    file: CsvFile
    names: list[str]
    left_out: list[str]
    rows: Sequence[Mapping[str, str]]
    """The cells of the rows that are complete."""
    broken: int
    """The number of the other rows."""


def read_sample(path: Path, encoding: str | None = None) -> Sample:
    """Raises CannotImport if the file cannot be read, or has no row from which a mapping can be derived."""
    file = _open(path, encoding)
    names = [name for name in file.columns if name and name not in REJECTED_COLUMNS]
    usable = [name for name in names if names.count(name) == 1 and not set(name) & set("{}")]
    if len(usable) < 2:
        raise CannotImport(
            f"{path} has fewer than two columns that a mapping can name. An event needs an id, a date and a customer.\n"
            f'Its columns, separated by "{file.delimiter}", are {listed(file.columns)}.'
        )
    read = list(_first_rows(file))
    rows = [dict(zip(file.columns, row.cells, strict=True)) for row in read if not row.refusal]
    if not rows:
        raise CannotImport(f"{path} has no complete row after the header, from which a mapping can be derived.")
    left_out = [name for name in dict.fromkeys(names) if name not in usable]
    return Sample(file, usable, left_out, rows, len(read) - len(rows))


def _first_rows(file: CsvFile) -> Iterator[Row]:
    size = 0
    for row in itertools.islice(file.rows(), ROWS_READ):
        yield row
        size += sum(map(len, row.cells))
        if size > CHARACTERS_READ:
            return


def _open(path: Path, encoding: str | None) -> CsvFile:
    encoding = encoding or byte_order_mark(path) or _encoding(path)
    candidates: list[tuple[float, CsvFile]] = []
    error: CannotImport | None = None
    for delimiter in DELIMITERS:
        try:
            file = CsvFile(path, CsvFormat(delimiter, encoding))
        except CannotImport as caught:
            error = error or caught
            continue
        if file.separator_line:
            return file
        widths = [len(row.cells) for row in itertools.islice(file.rows(), ROWS_COMPARED)]
        fitting = sum(width == len(file.header) for width in widths) / max(1, len(widths))
        candidates.append((fitting * (len(file.header) - 1), file))
    _, best = max(candidates, key=lambda candidate: candidate[0], default=(0, None))
    if best is None or (error and len(best.header) == 1):
        raise error or CannotImport(f"{path} cannot be read.")
    return best


def _encoding(path: Path) -> str:
    """UTF-8 if the whole file is, UTF-16 if every other byte is zero, and otherwise Windows-1252."""
    with path.open("rb") as raw:
        start = raw.read(200)
    for name, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if len(zeros) > 4 and zeros.count(0) > len(zeros) * 0.8:
            return name
    try:
        with path.open(encoding="utf-8", newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeError:
        return "cp1252"
    return "utf-8"
