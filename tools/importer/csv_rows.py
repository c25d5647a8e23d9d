"""Splits the lines of a CSV into rows.

A row with a broken quote is refused, and reading continues in the line after its first.

A multi-line cell can hide rows: after a quote that is not closed, the following rows are inside the cell up to the next
quote. These rules find such cells:

- Text after a closing quote, or the end of the file in a quoted cell, refuses the row.
- If a row has several lines and the wrong number of cells, and one of its later lines has the right number by itself,
  a quote is not closed.
- If one of the later lines is an event by itself, the two cases cannot be told apart. The row is refused.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

from tools.importer.errors import RowRefused, shortened

CELL_LIMIT = 131_072
"""The most characters of one cell."""
ROW_LIMIT = 4 * 1024 * 1024
"""The most characters of one row, and the distance within which the end of a quoted cell is searched."""

_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')
_QUOTE_HINT = 'Write "" for a quote inside a quoted cell.'


class Row(NamedTuple):
    """A row: the number of its first line, its cells, and why it is refused. A refused row has its cells as read."""

    line: int
    cells: list[str]
    refusal: RowRefused | None = None


class Line(NamedTuple):
    number: int
    text: str


IsEvent = Callable[[list[str]], bool]
"""Whether the cells of one line are a complete event."""


def read_lines(file: IO[str], at_end: Callable[[], None]) -> Iterator[Line]:
    """The lines with their numbers. A line that is longer than ROW_LIMIT is cut off after that.

    Calls `at_end` at the end of the file, and before a last line that has no line break.
    """
    number = 0
    while text := file.readline(ROW_LIMIT + 1):
        number += 1
        piece = text
        while len(piece) > ROW_LIMIT and piece[-1] not in "\r\n":
            piece = file.readline(ROW_LIMIT + 1)
        if piece[-1:] not in ("\r", "\n"):
            at_end()
        yield Line(number, text)
    at_end()


class CsvRows:
    """Splits lines into rows. It is the source of lines for csv.reader, and can read lines again."""

    def __init__(self, lines: Iterator[Line], delimiter: str, header: list[str], is_event: IsEvent) -> None:
        csv.field_size_limit(2 * ROW_LIMIT)
        self._lines, self._delimiter, self._header, self._is_event = lines, delimiter, header, is_event
        self._to_repeat: deque[Line] = deque()
        self._taken: list[Line] = []
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
        return csv.reader(self._next_line(), delimiter=self._delimiter, strict=True)

    def _hidden_row(self, cells: list[str]) -> RowRefused | None:
        """A refusal if one of the row's later lines seems to be a row of its own."""
        columns = len(self._header)
        for line in self._taken[1:] if columns else []:
            if line.text.count(self._delimiter) < columns - 1:
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
            return next(csv.reader([text], delimiter=self._delimiter, strict=True), [])
        except csv.Error:
            return []

    def _broken(self) -> RowRefused:
        """Why the row cannot be split into cells."""
        first = self._taken[0].text
        if len(first) > ROW_LIMIT:
            return RowRefused("row.too.large", f"The row has more than {ROW_LIMIT:,} characters in one line.")
        where = self._in_column(first)
        if _broken_cell(first, self._delimiter).closed:
            return RowRefused("stray.quote", f"There is text after the closing quote of a cell{where}. {_QUOTE_HINT}")
        return RowRefused("open.quote", f"A quoted cell{where} is not closed correctly. Close the quote. {_QUOTE_HINT}")

    def _in_column(self, text: str) -> str:
        index = len(_broken_cell(text, self._delimiter).before)
        header = self._header
        return f' in the column "{shortened(header[index])}"' if index < len(header) else ""

    def _as_written(self, text: str) -> list[str]:
        """The cells of a broken row: from the broken cell on, quotes are ordinary text."""
        if len(text) > ROW_LIMIT:
            return []
        broken = _broken_cell(text, self._delimiter)
        return [*broken.before, *broken.rest.rstrip("\r\n").split(self._delimiter)]

    def _wrong_size(self, cells: list[str]) -> RowRefused | None:
        header = self._header
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
