"""Reads the archive with DuckDB. Every event is returned once, even if it landed several times."""

# ruff: noqa: S608  (this module builds SQL; all names and texts in it are quoted)

import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from journeys.archive import columns
from journeys.archive.columns import quoted
from journeys.archive.model import ArchiveFile, Snapshot
from journeys.archive.parquet import literal

_DAY = 86_400_000


def connect(folder: Path | str, memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """Opens an in-memory DuckDB.

    `memory` is its limit, such as "2GB"; data beyond it is written to files in `folder`. Extensions are not downloaded.
    """
    return duckdb.connect(
        config={
            "memory_limit": memory,
            "threads": threads,
            "temp_directory": str(folder),
            "home_directory": str(folder),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
    )


class Events:
    """The events of local files, grouped by day of receipt.

    `only` is an SQL condition over the base columns that limits the events. Excluded events cost little to read.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        compacted: Mapping[str, Sequence[Path | str]],
        landed: Mapping[str, Sequence[Path | str]],
        *,
        only: str = "true",
    ) -> None:
        self._connection, self._only = connection, only
        self._paths = [path for paths in (*compacted.values(), *landed.values()) for path in paths]
        self._types = self._described()
        self._repeats = self._find_repeats(
            [path for day in landed for path in compacted.get(day, ())],
            [path for paths in landed.values() for path in paths],
        )

    @classmethod
    def of(
        cls,
        connection: duckdb.DuckDBPyConnection,
        snapshot: Snapshot,
        paths: Mapping[str, Path | str],
        *,
        only: str = "true",
    ) -> "Events":
        """The events of a snapshot. `paths` says where its files were downloaded to, by their keys."""
        return cls(connection, _by_day(snapshot.compacted, paths), _by_day(snapshot.landed, paths), only=only)

    @property
    def columns(self) -> Mapping[str, str]:
        """All columns that occur in the files, with their types."""
        return self._types

    def select(self, wanted: Sequence[str], where: str = "true") -> str:
        """A query for hash, date, type and the wanted columns of every event, without repeated events.

        Columns that no file has are NULL. `where` is an SQL condition over the base columns and the wanted ones, with
        their names quoted by `columns.quoted`.
        """
        names = list(dict.fromkeys(("hash", "date", "type", *wanted)))
        shown = ", ".join(map(quoted, names))
        return f"SELECT {shown} FROM ({self._rows(dict.fromkeys((*columns.BASE, *names)))}) WHERE {where}"

    def _rows(self, names: Iterable[str]) -> str:
        """A query for all rows, without repeated events."""
        if not self._paths:
            nothing = ", ".join(f"NULL::{columns.type_of(name)} AS {quoted(name)}" for name in names)
            return f"SELECT {nothing} WHERE false"
        shown = ", ".join(
            quoted(name) if name in self._types else f"NULL::{columns.type_of(name)} AS {quoted(name)}"
            for name in names
        )
        query = f"SELECT {shown} FROM {_parquet(self._paths)}"
        if self._repeats:
            query += f" ANTI JOIN {self._repeats} USING (filename, file_row_number)"
        return f"{query} WHERE {self._only}"

    def _described(self) -> dict[str, str]:
        if not self._paths:
            return dict(columns.BASE)
        described = self._connection.execute(f"DESCRIBE FROM {_parquet(self._paths)}").fetchall()
        return {name: kind for name, kind, *_ in described}

    def _find_repeats(self, compacted: Sequence[Path | str], landed: Sequence[Path | str]) -> str | None:
        """Creates a table of the landed rows that repeat an event of a compacted file or of an earlier landed row.

        Returns None if no row does, which is the usual case; queries then need no anti join. Copies of an event have
        the same date of receipt, so only compacted rows received in the same period as the landed ones are compared.
        """
        if not landed:
            return None
        rows = f"(SELECT event, received, filename, file_row_number FROM {_parquet(landed)} WHERE {self._only})"
        before = "SELECT NULL::VARCHAR AS event WHERE false"
        if compacted:
            spans = self._connection.execute(
                f"SELECT min(received), max(received) FROM {rows} GROUP BY received // {_DAY}"
            ).fetchall()
            within = " OR ".join(f"received BETWEEN {first} AND {last}" for first, last in spans) or "false"
            before = f"SELECT event FROM {_parquet(compacted)} WHERE ({within}) AND {self._only}"
        table = f"repeats_{uuid.uuid4().hex}"
        self._connection.execute(
            f"CREATE TEMP TABLE {table} AS "
            f"WITH landed AS {rows}, before AS ({before}), "
            "repeated AS (SELECT event FROM landed GROUP BY event HAVING count(*) > 1) "
            "SELECT filename, file_row_number FROM landed SEMI JOIN before USING (event) UNION "
            "SELECT filename, file_row_number FROM landed SEMI JOIN repeated USING (event) "
            "QUALIFY row_number() OVER (PARTITION BY event ORDER BY filename, file_row_number) > 1"
        )
        (repeats,) = self._connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
        return table if repeats else None


def _by_day(files: Iterable[ArchiveFile], paths: Mapping[str, Path | str]) -> dict[str, list[Path | str]]:
    days: dict[str, list[Path | str]] = {}
    for file in files:
        days.setdefault(file.day, []).append(paths[file.key])
    return days


def _parquet(paths: Iterable[Path | str]) -> str:
    return f"read_parquet([{', '.join(map(literal, paths))}], union_by_name = true)"
