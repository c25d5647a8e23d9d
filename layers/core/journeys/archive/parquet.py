"""From events to Parquet, by way of lines of JSON: the quickest way from Python into DuckDB that needs nothing else."""

# ruff: noqa: S608  (queries are put together here; all names and texts in them are quoted)

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from journeys import keys
from journeys.archive import columns
from journeys.events.model import StoredEvent
from journeys.registry.schemas.kinds import AttributeKind
from journeys.registry.schemas.model import SLOTS

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes of the largest event as JSON: 300 KB in the log, of which each byte may become six."""

ROWS_A_GROUP = 8_192
"""A row group is the least that is read of a file for one customer; this many cost reading all of it nothing yet."""

IN_ORDER = "hash, date, event"
"""How every file is sorted, so that one customer's events lie together."""

_SLOTS = {letter: place for place, letter in enumerate(SLOTS)}
_KINDS = {
    str: AttributeKind.STRING,
    int: AttributeKind.NUMBER,
    Decimal: AttributeKind.NUMBER,
    bool: AttributeKind.BOOLEAN,
    list: AttributeKind.TAG,
}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Row:
    """An event on its way into a file: its line of JSON and the columns that it has; moments are milliseconds."""

    event: str
    date: int
    received: int
    columns: tuple[str, ...]
    line: str


def row(stored: StoredEvent) -> Row:
    """The row of an event. Raises LookupError and TypeError for one that no ingest ever stored."""
    customer = stored.event.customer
    customer_key = keys.journey(stored.organization_id, customer.source_id, customer.value)
    values: dict[str, object] = {
        "event": stored.key,
        "customer": customer_key,
        "hash": columns.customer_hash(customer_key),
        "date": stored.event.date_created,
        "received": stored.date_received,
        "type": _SLOTS[stored.slot],
        "version": stored.schema_version,
        "name": stored.event_name,
        "source": stored.source,
    }
    for name, value in stored.event.attributes.items():
        kind = _KINDS[type(value)]
        column = columns.attribute(kind, name)
        if kind is AttributeKind.NUMBER:
            values[column], rest = columns.rounded(value)
            if rest is not None:
                values[columns.remainder(name)] = rest
        else:
            if kind is AttributeKind.TAG and not all(type(inner) is str for inner in value):
                raise TypeError("a list of something else than texts")
            values[column] = value
    return Row(
        stored.key, stored.event.date_created, stored.date_received, tuple(values)[len(columns.BASE) :], _encode(values)
    )


def write(connection: duckdb.DuckDBPyConnection, rows: Iterable[Row], path: Path) -> None:
    """Writes rows into a Parquet file, in order. Raises duckdb.Error."""
    present: dict[str, None] = {}
    lines = path.with_suffix(".ndjson")
    with lines.open("w", encoding="utf-8", newline="\n") as file:
        for one in rows:
            present |= dict.fromkeys(one.columns)
            file.write(one.line + "\n")
    types = columns.BASE | {column: columns.type_of(column) for column in sorted(present)}
    wanted = ", ".join(f"{literal(column)}: {literal(kind)}" for column, kind in types.items())
    try:
        copy(
            connection,
            f"SELECT * FROM read_json({literal(lines)}, format = 'newline_delimited', columns = {{{wanted}}}, "
            f"maximum_object_size = {LONGEST_LINE})",
            path,
        )
    finally:
        lines.unlink()


def copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Writes what a query finds into a Parquet file, in order. Raises duckdb.Error."""
    connection.execute(
        f"COPY (FROM ({query}) ORDER BY {IN_ORDER}) "
        f"TO {literal(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_A_GROUP})"
    )


# -- SQL ---------------------------------------------------------------------------------------------------------------


def literal(text: object) -> str:
    """A text in SQL."""
    return "'" + str(text).replace("'", "''") + "'"
