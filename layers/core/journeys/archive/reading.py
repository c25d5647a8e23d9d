"""Reading the archive with DuckDB: every event of some files once, however often and wherever it landed."""

# ruff: noqa: S608  (queries are put together here; all names and texts in them are quoted)

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
    """DuckDB with so much memory ("2GB"), beyond which it goes on in files of the folder; it fetches no extension."""
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
    """The events of local files, by their days of receipt; landed ones may repeat those of their day.

    `only` is SQL over the columns of every event: which events these are, where not all of the files'. What it leaves
    out costs little.
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
        """The events of a snapshot whose files were fetched to these paths, by their keys."""
        return cls(connection, _by_day(snapshot.compacted, paths), _by_day(snapshot.landed, paths), only=only)

    @property
    def columns(self) -> Mapping[str, str]:
        """Every column that a file has, with its type."""
        return self._types

    def select(self, wanted: Sequence[str], where: str = "true") -> str:
        """A query for hash, date, type and the columns wanted, without repeats; one that no file has is NULL.

        `where` is SQL; it may use the columns of every event and those wanted, quoted as `columns.quoted` does.
        """
        names = list(dict.fromkeys(("hash", "date", "type", *wanted)))
        shown = ", ".join(map(quoted, names))
        return f"SELECT {shown} FROM ({self._rows(dict.fromkeys((*columns.BASE, *names)))}) WHERE {where}"

    def _rows(self, names: Iterable[str]) -> str:
        """A query for all rows, without repeats."""
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
        found = self._connection.execute(f"DESCRIBE FROM {_parquet(self._paths)}").fetchall()
        return {name: kind for name, kind, *_ in found}

    def _find_repeats(self, compacted: Sequence[Path | str], landed: Sequence[Path | str]) -> str | None:
        """A table that names the landed rows whose event is in a compacted file or in a row before; None if none is.

        Usually there are none, and then every reading is spared the comparison. Copies bear the same receipt, so of
        compacted files only the rows are looked at that came in within the time of a day's landed ones.
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
            "again AS (SELECT event FROM landed GROUP BY event HAVING count(*) > 1) "
            "SELECT filename, file_row_number FROM landed SEMI JOIN before USING (event) UNION "
            "SELECT filename, file_row_number FROM landed SEMI JOIN again USING (event) "
            "QUALIFY row_number() OVER (PARTITION BY event ORDER BY filename, file_row_number) > 1"
        )
        (found,) = self._connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
        return table if found else None


def _by_day(files: Iterable[ArchiveFile], paths: Mapping[str, Path | str]) -> dict[str, list[Path | str]]:
    days: dict[str, list[Path | str]] = {}
    for file in files:
        days.setdefault(file.day, []).append(paths[file.key])
    return days


def _parquet(paths: Iterable[Path | str]) -> str:
    return f"read_parquet([{', '.join(map(literal, paths))}], union_by_name = true)"
