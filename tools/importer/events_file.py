"""Reads events for `journeys send` from JSON or CSV."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from tools.importer.errors import CannotImport
from tools.importer.values import parse_text

FORMATS = ("json", "csv")
COLUMNS = ("id", "dateCreated", "externalSourceId", "value")
"""The columns of a CSV that are not attributes."""


def read_events(
    text: str, name: str, form: str | None, schema: Callable[[], Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The events in a text.

    Args:
        name: the file's name, whose ending says the format; empty for standard input.
        form: "json" or "csv", or None to find out.
        schema: returns the event type's schema, which says the types of a CSV's columns.

    Raises:
        CannotImport: the text is not valid.
    """
    if not text.strip():
        raise CannotImport("There are no events: the file is empty.")
    if form is None:
        form = (
            "csv" if name.endswith(".csv") or (not name.endswith(".json") and text.lstrip()[0] not in "[{") else "json"
        )
    events = _json_events(text) if form == "json" else _csv_events(text, schema())
    if not events:
        raise CannotImport("There are no events in the file.")
    return events


def _json_events(text: str) -> list[dict[str, Any]]:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        parsed = _json_lines(text, error)
    if isinstance(parsed, dict):
        parsed = parsed.get("entities", [parsed])
    if not isinstance(parsed, list) or not all(isinstance(event, dict) for event in parsed):
        raise CannotImport('The JSON must be a list of events, {"entities": [...]}, one event, or one event per line.')
    return parsed


def _json_lines(text: str, error: ValueError) -> list[Any]:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        raise CannotImport(f"The file is not valid JSON: {error}.") from None


def _csv_events(text: str, schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
        raise CannotImport(f"The CSV has no column {', '.join(missing)}. It needs {', '.join(COLUMNS)}.")
    kinds = {name: _kind(field) for name, field in schema.get("properties", {}).items()}
    try:
        return [_csv_event(number, row, kinds) for number, row in enumerate(reader, start=2)]
    except csv.Error as error:
        raise CannotImport(f"The CSV is not valid near line {reader.line_num}: {error}.") from None


def _csv_event(number: int, row: dict[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    if "" in row or None in row.values():
        raise CannotImport(f"Row {number} of the CSV has more or fewer cells than the header.")
    attributes: dict[str, Any] = {}
    for name, cell in row.items():
        if name in COLUMNS or cell == "":
            continue
        try:
            attributes[name] = (
                cell.split("|") if kinds.get(name) == "tag" else parse_text(cell, kinds.get(name, "text"))
            )
        except (ValueError, KeyError):
            raise CannotImport(f'Row {number} of the CSV: the column "{name}" is not a valid {kinds[name]}.') from None
    event: dict[str, Any] = {"id": row["id"], "dateCreated": row["dateCreated"], "attributes": attributes}
    event["identifiers"] = {"externalIds": [{"externalSourceId": row["externalSourceId"], "value": row["value"]}]}
    return event


def _kind(field: Mapping[str, Any]) -> str:
    """The kind of an attribute, such as "integer": the core type that its schema names, or its JSON type."""
    for part in field.get("allOf", []):
        if "$ref" in part:
            return str(part["$ref"]).rsplit("/", 1)[-1]
    kind = str(field.get("type", "text"))
    return "tag" if kind == "array" else kind
