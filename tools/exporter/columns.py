"""The columns of an export: names for people, and the SQL that makes them of the archive's columns.

| column             | Parquet   | content                                                                       |
| ------------------ | --------- | ----------------------------------------------------------------------------- |
| `event_id`         | VARCHAR   | the event's id                                                                |
| `configuration_id` | VARCHAR   | the configuration that received the event                                     |
| `event_type`       | VARCHAR   | the name of the event type when the event was received                        |
| `schema_version`   | UINTEGER  | the version of the schema that the event was validated against                |
| `source`           | VARCHAR   | the source of the configuration                                               |
| `customer_source`  | VARCHAR   | the external source of the customer's identifier                              |
| `customer`         | VARCHAR   | the customer's identifier                                                     |
| `date`             | TIMESTAMP | the date of the event, in UTC                                                 |
| `received`         | TIMESTAMP | the date of receipt, in UTC                                                   |
| `linked`           | STRUCT[]  | the identifiers that the event links with each other, each with               |
|                    |           | `customer_source` and `customer`                                              |
| an attribute       |           | VARCHAR, DOUBLE, BOOLEAN or VARCHAR[], by the kind of the attribute           |

An attribute has the name that its schema has. If two columns had the same name, ignoring case, each attribute's name
gets its kind, as in `total (number)`, and further ones a number.

Numbers in Parquet are doubles. If an archived number has more digits than a double can hold, the further column
`NAME (exact)` has the text of every number of this attribute. CSV has one column with the exact number.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from journeys import csvtext, jsontext
from journeys.archive import columns
from journeys.archive.columns import quoted
from journeys.archive.parquet import literal
from journeys.views.computation.results import number

EXACT_TEXT = "exact_text"
"""The SQL name of the function `exact_text`."""

KINDS = {"s": "text", "n": "number", "b": "boolean", "l": "list"}
"""The kinds of attributes by the first letter of their column in the archive."""

LARGEST_INTEGER = "1e15"
"""Whole doubles below this are written without an exponent."""


class Column(NamedTuple):
    """A column of the export. `sql` is its value, and `kind` a letter of KINDS, or `d` for a date."""

    name: str
    sql: str
    kind: str


LINKED = (
    "[{'customer_source': url_decode(split_part(key, '#', 1)), 'customer': url_decode(split_part(key, '#', 2))} "
    "FOR key IN linked]"
)
"""SQL for the identifiers that an event links."""

BASE = (
    Column("event_id", "url_decode(split_part(event, '#', 3))", "s"),
    Column("configuration_id", "url_decode(split_part(event, '#', 2))", "s"),
    Column("event_type", "name", "s"),
    Column("schema_version", "version", "i"),
    Column("source", "source", "s"),
    Column("customer_source", "url_decode(split_part(customer, '#', 2))", "s"),
    Column("customer", "url_decode(split_part(customer, '#', 3))", "s"),
    Column("date", "epoch_ms(date)", "d"),
    Column("received", "epoch_ms(received)", "d"),
    Column("linked", LINKED, "l"),
)
"""The columns that every event has, of the columns of `columns.BASE`."""


def for_parquet(archived: Iterable[str]) -> list[Column]:
    """The columns of a Parquet file. `archived` are the columns of the archive."""
    present = set(archived)
    made, used = list(BASE), _base_names()
    for name, column in attribute_names(present).items():
        made.append(Column(_unused(name, used), quoted(column), column[0]))
        if (rest := f"x:{column[2:]}") in present:
            made.append(Column(_unused(f"{name} (exact)", used), _number_text(column, rest), "s"))
    return made


def for_csv(archived: Iterable[str], *, protect: bool) -> list[Column]:
    """The columns of a CSV file, all of them texts or numbers as texts. `protect` protects texts from formulas."""
    present = set(archived)
    texts: Mapping[str, Callable[[str], str]] = {
        "s": _protected if protect else str,
        "d": lambda sql: f"strftime({sql}, '%Y-%m-%dT%H:%M:%S.%gZ')",
        "l": lambda sql: f"to_json({sql})::VARCHAR",
    }
    made, used = list(BASE), _base_names()
    for name, column in attribute_names(present).items():
        rest = f"x:{column[2:]}" if f"x:{column[2:]}" in present else None
        sql = _number_text(column, rest) if column[0] == "n" else quoted(column)
        made.append(Column(_unused(name, used), sql, column[0]))
    return [
        Column(
            csvtext.protected(column.name) if protect else column.name,
            texts[column.kind](column.sql) if column.kind in texts else column.sql,
            column.kind,
        )
        for column in made
    ]


def _base_names() -> set[str]:
    return {column.name for column in BASE}


def attribute_names(archived: Iterable[str]) -> dict[str, str]:
    """The archive's attribute columns by their names in the export, sorted by name."""
    attributes = sorted(
        (unquote(column[2:]), column) for column in archived if column[1:2] == ":" and column[0] in KINDS
    )
    taken = Counter([*_base_names(), *(name.lower() for name, _ in attributes)])
    used: set[str] = set()
    return {
        _unused(f"{name} ({KINDS[column[0]]})" if taken[name.lower()] > 1 else name, used): column
        for name, column in attributes
    }


def _unused(name: str, used: set[str]) -> str:
    """The name, with a number if it is in use, ignoring case. Adds the result to `used`."""
    numbered, count = name, 1
    while numbered.lower() in used:
        count += 1
        numbered = f"{name} {count}"
    used.add(numbered.lower())
    return numbered


# -- values ------------------------------------------------------------------------------------------------------------


def exact_text(nearest: float, rest: str) -> str:
    """The JSON text of a number that a double cannot hold, from the archive's two columns."""
    return jsontext.dumps(number(columns.restored(nearest, rest)))


def _number_text(column: str, rest: str | None) -> str:
    """SQL for the text of a number, with all its digits."""
    value = quoted(column)
    whole = f"{value} = trunc({value}) AND abs({value}) < {LARGEST_INTEGER}"
    text = f"CASE WHEN {whole} THEN {value}::BIGINT::VARCHAR ELSE {value}::VARCHAR END"
    return f"coalesce({EXACT_TEXT}({value}, {quoted(rest)}), {text})" if rest else text


def _protected(sql: str) -> str:
    """SQL for a text as `csvtext.protected` makes it."""
    is_special = f"{sql} <> '' AND contains({literal(csvtext.PROTECTED)}, left({sql}, 1))"
    is_number = f"regexp_full_match({sql}, {literal(csvtext.NEGATIVE_NUMBER)})"
    return f"CASE WHEN {is_special} AND NOT {is_number} THEN chr(39) || {sql} ELSE {sql} END"
