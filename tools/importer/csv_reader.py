"""Opens a CSV, and reads its header and its rows."""

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.importer.csv_rows import CsvRows, IsEvent, Row, read_lines
from tools.importer.errors import CannotImport

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
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?[\r\n]*', re.IGNORECASE)


@dataclass(frozen=True)
class CsvFormat:
    """How a mapping says a CSV is written. A byte order mark and Excel's line `sep=` in the file take precedence."""

    delimiter: str = ","
    encoding: str = "utf-8"


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
                lines = read_lines(file, self._check_version)
                first = next(lines, None)
                if first and (separator := _SEPARATOR_LINE.fullmatch(first.text)):
                    self.delimiter, self.separator_line = separator[1], True
                elif first:
                    lines = itertools.chain([first], lines)
                yield from CsvRows(lines, self.delimiter, self.header, is_event)
        except UnicodeError:
            raise CannotImport(self._wrong_encoding()) from None
        except OSError as error:
            raise CannotImport(f"{self.path} cannot be read: {error.strerror}.") from None

    def _check_version(self) -> None:
        if _version(self.path) != self._version:
            raise CannotImport(
                f"{self.path} changed while it was read. When it is complete, run the import again; stored events are "
                "duplicates."
            )

    def _wrong_encoding(self) -> str:
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            number = next((line.number for line in read_lines(file, self._check_version) if "\ufffd" in line.text), 1)
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
