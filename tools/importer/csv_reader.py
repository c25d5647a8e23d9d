"""Reads a CSV row by row. A row with a broken quote is refused, and reading continues in the line after its first.

A multi-line cell can hide rows: after a quote that is not closed, the following rows are inside the cell up to the next
quote. These rules find such cells:

- Text after a closing quote, or the end of the file in a quoted cell, refuses the row.
- If a row has several lines and the wrong number of cells, and one of its later lines has the right number by itself,
  a quote is not closed.
- If one of the later lines is an event by itself, the two cases cannot be told apart. The row is refused.
"""

import codecs
import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from tools.importer.errors import CannotImport, RowRefused, shortened

CELL_LIMIT = 131_072
"""The most characters of one cell."""
ROW_LIMIT = 4 * 1024 * 1024
"""The most characters of one row, and the distance within which the end of a quoted cell is searched."""
REJECTED_COLUMNS = ("rejected_line", "rejected_reason")
"""The first columns of a file of rejected rows."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins alike
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "a workbook or a zip file"),
    (b"\xd0\xcf\x11\xe0", "a workbook"),
    (b"\x1f\x8b", "a gzip file"),
)
"""The first bytes of files that are often named instead of a CSV."""
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')
_QUOTE_HINT = 'Write "" for a quote inside a quoted cell.'


@dataclass(frozen=True)
class CsvFormat:
    """How a mapping says a CSV is written. A byte order mark and Excel's line `sep=` in the file go before it."""

    delimiter: str = ","
    encoding: str = "utf-8"


class Row(NamedTuple):
    """A row: the number of its first line, its cells, and why it is refused. A refused row has its cells as read."""

    line: int
    cells: list[str]
    refusal: RowRefused | None = None


class _Line(NamedTuple):
    number: int
    text: str


IsEvent = Callable[[list[str]], bool]
"""Whether the cells of one line are a complete event."""


class CsvFile:
    """A CSV whose header is read. Raises CannotImport if the file or its header cannot be read."""

    def __init__(self, path: Path, form: CsvFormat) -> None:
        self.path, self.delimiter, self.separator_line = path, form.delimiter, False
        self.encoding = byte_order_mark(path) or form.encoding
        self._version = _version(path)
        self.header: list[str] = []
        for row in self._read(lambda _: False):
            if row.refusal:
                raise CannotImport(f"The header of {path} in line {row.line} cannot be read. {row.refusal.message}")
            self.header = row.cells
            break
        if not self.header:
            raise CannotImport(f"{path} is empty. Its first row must name the columns.")
        self.columns = [name.strip() for name in self.header]

    def rows(self, is_event: IsEvent = lambda _: False) -> Iterator[Row]:
        """Yields every row but the header and blank rows.

        Raises CannotImport if the file cannot be read, or changes while it is read. The last row of a file that is
        still being written is not yielded.
        """
        rows = self._read(is_event)
        next(rows, None)
        return rows

    def _read(self, is_event: IsEvent) -> Iterator[Row]:
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                lines = self._lines(file)
                first = next(lines, None)
                if first and (separator := _SEPARATOR_LINE.fullmatch(first.text)):
                    self.delimiter, self.separator_line = separator[1], True
                elif first:
                    lines = _chain(first, lines)
                yield from _Records(lines, self, is_event)
        except UnicodeError:
            raise CannotImport(self._wrong_encoding()) from None
        except OSError as error:
            raise CannotImport(f"{self.path} cannot be read: {error.strerror}.") from None

    def _lines(self, file: IO[str]) -> Iterator[_Line]:
        """The lines with their numbers. A line that is longer than ROW_LIMIT is cut off after that."""
        number = 0
        while text := file.readline(ROW_LIMIT + 1):
            number += 1
            piece = text
            while len(piece) > ROW_LIMIT and piece[-1] not in "\r\n":
                piece = file.readline(ROW_LIMIT + 1)
            if piece[-1:] not in ("\r", "\n"):
                self._check_version()
            yield _Line(number, text)
        self._check_version()

    def _check_version(self) -> None:
        if _version(self.path) != self._version:
            raise CannotImport(
                f"{self.path} changed while it was read. When it is complete, run the import again; stored events are "
                "duplicates."
            )

    def _wrong_encoding(self) -> str:
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            number = next((line.number for line in self._lines(file) if "\ufffd" in line.text), 1)
        name = self.encoding.upper().removesuffix("-SIG")
        return (
            f"{self.path} is not {name}: line {number} cannot be read. Name the file's encoding with --encoding or in "
            "the mapping, such as cp1252 for Windows, utf-16 or utf-8."
        )


def byte_order_mark(path: Path) -> str | None:
    """The encoding that the byte order mark of a file names, or None. Raises CannotImport if it cannot be a CSV."""
    if path.exists() and not path.is_file():
        kind = "a directory" if path.is_dir() else "not a regular file, and an import reads it more than once"
        raise CannotImport(f"{path} is {kind}. Name a CSV file.")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except FileNotFoundError:
        raise CannotImport(f"There is no file {path}.") from None
    except OSError as error:
        raise CannotImport(f"{path} cannot be read: {error.strerror}.") from None
    if other := next((kind for mark, kind in _OTHER_FILES if start.startswith(mark)), None):
        raise CannotImport(f"{path} is {other}, not a CSV. Save or extract it as CSV first.")
    return next((name for mark, name in _BYTE_ORDER_MARKS if start.startswith(mark)), None)


def _version(path: Path) -> tuple[int, int]:
    """What differs when the file was written: its size and the time of its last change."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _chain(first: _Line, rest: Iterator[_Line]) -> Iterator[_Line]:
    yield first
    yield from rest


class _Records:
    """Splits lines into rows. It is the source of lines for csv.reader, and can read lines again."""

    def __init__(self, lines: Iterator[_Line], file: CsvFile, is_event: IsEvent) -> None:
        csv.field_size_limit(2 * ROW_LIMIT)
        self._lines, self._file, self._is_event = lines, file, is_event
        self._to_repeat: deque[_Line] = deque()
        self._taken: list[_Line] = []
        self._size = 0

    def _next_line(self) -> Iterator[str]:
        while line := self._to_repeat.popleft() if self._to_repeat else next(self._lines, None):
            self._taken.append(line)
            self._size += len(line.text)
            if self._size > ROW_LIMIT:
                raise csv.Error
            yield line.text

    def __iter__(self) -> Iterator[Row]:
        reader = self._reader()
        while True:
            self._taken, self._size = [], 0
            try:
                cells = next(reader)
                refusal = self._hidden_row(cells)
            except StopIteration:
                return
            except csv.Error:
                cells, refusal = [], self._broken()
            if refusal:
                self._to_repeat.extendleft(reversed(self._taken[1:]))
                first = self._taken[0]
                reader = self._reader()
                yield Row(first.number, self._as_written(first.text), refusal)
            elif any(map(str.strip, cells)):  # spreadsheets write delimiters alone for a blank row
                yield Row(self._taken[0].number, cells, self._wrong_size(cells))

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._next_line(), delimiter=self._file.delimiter, strict=True)

    def _hidden_row(self, cells: list[str]) -> RowRefused | None:
        """A refusal if one of the row's later lines seems to be a row of its own."""
        columns = len(self._file.header)
        for line in self._taken[1:] if columns else []:
            if line.text.count(self._file.delimiter) < columns - 1:
                continue
            inner = self._alone(line.text)
            if len(inner) != columns or (len(cells) == columns and not self._is_event(inner)):
                continue
            return RowRefused(
                "open.quote",
                f"A quoted cell{self._in_column(self._taken[0].text)} continues in line {line.number}, which seems to "
                f"be a row of its own. Close the quote. {_QUOTE_HINT}",
            )
        return None

    def _alone(self, text: str) -> list[str]:
        try:
            return next(csv.reader([text], delimiter=self._file.delimiter, strict=True), [])
        except csv.Error:
            return []

    def _broken(self) -> RowRefused:
        """Why the row cannot be split into cells."""
        first = self._taken[0].text
        if len(first) > ROW_LIMIT:
            return RowRefused("row.too.large", f"The row has more than {ROW_LIMIT:,} characters in one line.")
        where = self._in_column(first)
        if _broken_cell(first, self._file.delimiter).closed:
            return RowRefused("stray.quote", f"There is text after the closing quote of a cell{where}. {_QUOTE_HINT}")
        return RowRefused("open.quote", f"A quoted cell{where} is not closed correctly. Close the quote. {_QUOTE_HINT}")

    def _in_column(self, text: str) -> str:
        index = len(_broken_cell(text, self._file.delimiter).before)
        header = self._file.header
        return f' in the column "{shortened(header[index])}"' if index < len(header) else ""

    def _as_written(self, text: str) -> list[str]:
        """The cells of a broken row: from the broken cell on, quotes are ordinary text."""
        if len(text) > ROW_LIMIT:
            return []
        broken = _broken_cell(text, self._file.delimiter)
        return [*broken.before, *broken.rest.rstrip("\r\n").split(self._file.delimiter)]

    def _wrong_size(self, cells: list[str]) -> RowRefused | None:
        header = self._file.header
        if not header:  # this row is the header
            return None
        if len(cells) != len(header):
            number = "1 cell" if len(cells) == 1 else f"{len(cells):,} cells"
            return RowRefused("wrong.columns", f"The row has {number}. The header has {len(header)}.")
        if max(map(len, cells)) <= CELL_LIMIT:
            return None
        name = next(name for name, cell in zip(header, cells, strict=True) if len(cell) > CELL_LIMIT)
        return RowRefused(
            "cell.too.large", f'The column "{shortened(name)}" has more than {CELL_LIMIT:,} characters in this row.'
        )


class _Broken(NamedTuple):
    """The first cell of a line that is not well formed: the cells before it, and the text from it on."""

    before: list[str]
    rest: str
    closed: bool
    """Whether the cell has a closing quote, which is followed by more text."""


def _broken_cell(text: str, delimiter: str) -> _Broken:
    before: list[str] = []
    start = 0
    while start < len(text):
        if text[start] == '"':
            quoted = _QUOTED.match(text, start)
            if not quoted:
                return _Broken(before, text[start:], closed=False)
            end = quoted.end()
            if text[end : end + 1] not in (delimiter, "", "\r", "\n"):
                return _Broken(before, text[start:], closed=True)
            cell = quoted[0][1:-1].replace('""', '"')
        else:
            end = text.find(delimiter, start)
            end = len(text) if end < 0 else end
            cell = text[start:end]
        if end >= len(text.rstrip("\r\n")):
            break
        before.append(cell)
        start = end + 1
    return _Broken(before, text[start:], closed=False)
