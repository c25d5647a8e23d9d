"""Writes the rows that were not stored beside the input, so that they can be corrected and imported again."""

import contextlib
import csv
import filecmp
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tools.importer.csv_reader import REJECTED_COLUMNS, CsvFile
from tools.importer.csv_rows import Row
from tools.importer.errors import CannotImport


class RejectedRows:
    """A file of rejected rows in the form of the input: the line, the reason, and the row's original cells.

    The file is complete when `finish` returns. It never replaces another file: the earlier one gets a number.
    Raises CannotImport if the file cannot be written, before any row is imported.
    """

    def __init__(self, source: CsvFile, path: Path | None = None) -> None:
        self.path = path or source.path.with_name(f"{source.path.stem}.rejected{source.path.suffix or '.csv'}")
        self.count = 0
        self.earlier: Path | None = None
        """The earlier file of rejected rows, if there is one: under its own name or under a new one."""
        self._source = source
        self._carried = 2 if tuple(source.columns[:2]) == REJECTED_COLUMNS else 0
        self._draft = self.path.with_name(f".{self.path.name}.part")
        self._file: IO[str] | None = None
        if self.path.exists() and (not self.path.is_file() or self.path.samefile(source.path)):
            raise CannotImport(
                f"The rejected rows cannot be written to {self.path}. Name another file with --rejected."
            )
        with self._writing():
            self._draft.touch()
            self._draft.unlink()

    def add(self, row: Row, reason: str, message: str) -> None:
        """Writes a row. Raises CannotImport if the file cannot be written."""
        with self._writing():
            if self._file is None:
                self._file = self._begin()
            self._writer.writerow([row.line, f"{reason}: {message}" if message else reason, *self._original(row)])
            self.count += 1

    def _original(self, row: Row) -> list[str]:
        """The row's cells without the line and the reason that an earlier import added."""
        return row.cells[self._carried :] if row.cells and row.cells[0].isdecimal() else row.cells

    def finish(self) -> None:
        """Gives the file its name. Without rejected rows, there is none. Raises CannotImport."""
        self.earlier = self.path if self.path.exists() else None
        if self._file is None:
            return
        with self._writing():
            self._file.close()
            self._file = None
            if self.earlier and filecmp.cmp(self.path, self._draft, shallow=False):
                self.earlier = None
            elif self.earlier:
                self.earlier = self._free_name()
                self.path.rename(self.earlier)
            self._draft.replace(self.path)

    def _begin(self) -> IO[str]:
        source = self._source
        file = self._draft.open("w", encoding=source.encoding, errors="replace", newline="")
        if source.separator_line:
            file.write(f"sep={source.delimiter}\r\n")
        self._writer: Any = csv.writer(file, delimiter=source.delimiter)
        self._writer.writerow([*REJECTED_COLUMNS, *source.header[self._carried :]])
        return file

    def _free_name(self) -> Path:
        names = (self.path.with_name(f"{self.path.stem}.{number}{self.path.suffix}") for number in itertools.count(1))
        return next(name for name in names if not name.exists())

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CannotImport(
                f"The rejected rows cannot be written to {self.path}: {error.strerror}. "
                "Name another file with --rejected."
            ) from None
