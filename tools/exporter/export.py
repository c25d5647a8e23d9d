"""Writes the events of a period from the archive to one Parquet or CSV file.

Memory is bounded by DuckDB's limit: what does not fit is written to files. The archive's files of the period, these
files and the unfinished output are in a folder beside the output, which is deleted at the end. So an export is complete
or not there; the folder of a killed export is deleted by the next one to the same place.
"""

# ruff: noqa: S608  (this module builds SQL; all names and texts in it are quoted)

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import duckdb

from journeys.archive import columns as archive_columns
from journeys.archive.columns import quoted
from journeys.archive.model import ArchiveFile, LinksFile
from journeys.archive.parquet import literal
from journeys.archive.reading import Events, connect
from journeys.archive.scratch import scratch
from journeys.archive.store import FETCHES, ArchiveStore
from tools.errors import ToolError
from tools.exporter.columns import EXACT_TEXT, exact_text, for_csv, for_parquet
from tools.progress import Bar, ProgressBars

PARQUET, CSV = ".parquet", ".csv"
FORMATS = {
    PARQUET: "FORMAT parquet, COMPRESSION zstd",
    CSV: "FORMAT csv, HEADER, NEW_LINE '\\r\\n'",
}
"""DuckDB's options for each ending of a file's name. The CSV is that of RFC 4180."""
PROGRESS_SECONDS = 0.2
"""Seconds between two looks at how much DuckDB has written."""


@dataclass(frozen=True)
class Export:
    """What is exported: the events of an organization with `start` <= date < `end`, in milliseconds since 1970."""

    organization_id: str
    start: int
    end: int
    output: Path
    replace: bool = False
    protect: bool = True
    """Whether texts of a CSV are protected from being taken for formulas."""


def run(archive: ArchiveStore, export: Export, bars: ProgressBars, *, memory: str, threads: int | None = None) -> int:
    """Writes the file. Returns the number of events. Raises ToolError; then the file is as it was before."""
    require_writable(export)
    try:
        with scratch(str(export.output.parent)) as folder:
            snapshot = archive.snapshot(export.organization_id).within(export.start, export.end)
            paths = download(archive, snapshot.files, folder, bars)
            unfinished = folder / f"export{export.output.suffix.lower()}"
            with connect(folder, memory, threads or os.cpu_count() or 1) as connection:
                only = f"(date >= {export.start} AND date < {export.end})"
                events = Events.of(connection, snapshot, paths, only=only)
                count = _write(connection, events, export, unfinished, bars)
            _publish(unfinished, export.output)
            return count
    except duckdb.OutOfMemoryException:
        raise ToolError(
            f"The export needs more than {memory} of memory. Use a larger --memory, or a shorter period."
        ) from None
    except duckdb.IOException as error:
        raise ToolError(f"{export.output} cannot be written: {_first_line(error)}") from None
    except OSError as error:
        raise ToolError(f"{export.output} cannot be written: {error.strerror or error}.") from None


def require_writable(export: Export) -> None:
    """Raises ToolError if the output cannot be written."""
    output = export.output
    if output.suffix.lower() not in FORMATS:
        raise ToolError(f"{output} has no known ending. Use {' or '.join(FORMATS)}, which chooses the format.")
    if not output.parent.is_dir():
        raise ToolError(f"There is no folder {output.parent}. Create it first.")
    if output.is_dir():
        raise ToolError(f"{output} is a folder. Name a file.")
    if output.exists() and not export.replace:
        raise ToolError(f"{output} exists. Name another file, or replace it with --force.")


def download(
    archive: ArchiveStore, files: Sequence[ArchiveFile | LinksFile], folder: Path, bars: ProgressBars
) -> dict[str, Path]:
    """Downloads files of an archive to a folder. Returns the path of each file by its key."""
    paths: dict[str, Path] = {}
    with bars.bar("Files of the archive", len(files)) as bar:
        for start in range(0, len(files), FETCHES):
            some = files[start : start + FETCHES]
            paths |= archive.fetch(some, folder)
            bar.advance(len(some))
    return paths


def _write(
    connection: duckdb.DuckDBPyConnection, events: Events, export: Export, path: Path, bars: ProgressBars
) -> int:
    """Writes the events in the order of their dates. Returns their number."""
    suffix = path.suffix
    archived = [*archive_columns.BASE, *(name for name in events.columns if name[1:2] == ":")]
    made = for_parquet(archived) if suffix == PARQUET else for_csv(archived, protect=export.protect)
    connection.create_function(EXACT_TEXT, exact_text, ["DOUBLE", "VARCHAR"], "VARCHAR")
    shown = ", ".join(f"{column.sql} AS {quoted(column.name)}" for column in made)
    query = f"SELECT {shown} FROM ({events.select(archived)}) AS archived ORDER BY archived.date, archived.event"
    with bars.bar("Writing, in per cent", 100) as bar:
        return _execute(connection, f"COPY ({query}) TO {literal(path)} ({FORMATS[suffix]})", bar)


def _execute(connection: duckdb.DuckDBPyConnection, statement: str, bar: Bar) -> int:
    """Runs a COPY in a thread, and moves the bar meanwhile. Returns the number of rows. Ctrl-C ends it."""
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    with ThreadPoolExecutor(1, thread_name_prefix="export") as thread:
        running = thread.submit(lambda: connection.execute(statement).fetchall())
        try:
            while not wait([running], PROGRESS_SECONDS).done:
                bar.set(max(0.0, connection.query_progress()))
        except BaseException:  # such as KeyboardInterrupt; the thread must not go on writing
            connection.interrupt()
            raise
        ((count,),) = running.result()
        return int(count)


def _publish(unfinished: Path, output: Path) -> None:
    """Gives the complete file its name, which replaces an existing file in one step."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(output)


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0].removeprefix("IO Error: ")
