"""Writes events to Parquet files.

The events are passed to DuckDB as JSON lines, which is the fastest way that needs no other package.
"""

# ruff: noqa: S608  (this module builds SQL; all names and texts in it are quoted)

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
from journeys.registry.schemas.model import ALL_SLOTS

LONGEST_LINE = 4 * 1024 * 1024
"""The most bytes of an event as JSON: an event has at most 300 KB in the log, and JSON may need 6 bytes for one."""

ROWS_PER_GROUP = 8_192
"""Rows in a row group, the smallest part of a file that can be read for one customer.

Smaller groups would make reading the whole file slower.
"""

IN_ORDER = "hash, date, event"
"""The order of the rows in every file. It keeps the events of a customer together."""

_SLOTS = {letter: index for index, letter in enumerate(ALL_SLOTS)}
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
    """An event to be written: its JSON line, and the attribute columns that it has. Dates are in milliseconds."""

    event: str
    date: int
    received: int
    columns: tuple[str, ...]
    line: str


def row(stored: StoredEvent) -> Row:
    """The row of an event. Raises LookupError or TypeError if the event is not one that ingest stores."""
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
        "linked": columns.linked_keys(stored.event.external_ids),
    }
    for name, value in stored.event.attributes.items():
        kind = _KINDS[type(value)]
        column = columns.attribute(kind, name)
        if kind is AttributeKind.NUMBER:
            values[column], exact = columns.rounded(value)
            if exact is not None:
                values[columns.remainder(name)] = exact
        else:
            if kind is AttributeKind.TAG and not all(type(inner) is str for inner in value):
                raise TypeError("a list holds a value that is not a string")
            values[column] = value
    return Row(
        stored.key, stored.event.date_created, stored.date_received, tuple(values)[len(columns.BASE) :], _encode(values)
    )


def write(connection: duckdb.DuckDBPyConnection, rows: Iterable[Row], path: Path) -> None:
    """Writes rows to a Parquet file in the order IN_ORDER. Raises duckdb.Error."""
    present: dict[str, None] = {}
    lines = path.with_suffix(".ndjson")
    with lines.open("w", encoding="utf-8", newline="\n") as file:
        for row_ in rows:
            present |= dict.fromkeys(row_.columns)
            file.write(row_.line + "\n")
    types = columns.BASE | {column: columns.type_of(column) for column in sorted(present)}
    declared = ", ".join(f"{literal(column)}: {literal(kind)}" for column, kind in types.items())
    try:
        copy(
            connection,
            f"SELECT * FROM read_json({literal(lines)}, format = 'newline_delimited', columns = {{{declared}}}, "
            f"maximum_object_size = {LONGEST_LINE})",
            path,
        )
    finally:
        lines.unlink()


def copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Writes the result of a query to a Parquet file in the order IN_ORDER. Raises duckdb.Error."""
    connection.execute(
        f"COPY (FROM ({query}) ORDER BY {IN_ORDER}) "
        f"TO {literal(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_PER_GROUP})"
    )


# -- SQL ---------------------------------------------------------------------------------------------------------------


def literal(text: object) -> str:
    """A text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"
