"""Reads a mapping file."""

import json
import tomllib
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

from tools.importer.mapping import (
    AttributeKind,
    CannotImport,
    CellDateFormat,
    CellTemplate,
    ImportPlan,
    MappedAttribute,
)


def read_plan(path: Path) -> ImportPlan:
    """The mapping in a TOML or JSON file. Raises CannotImport, whose message names the wrong entry."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise CannotImport(f"The mapping {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CannotImport(f"The mapping {path} is not valid: {error}.") from None
    try:
        return _plan(MappingTable(raw, ""))
    except InvalidEntry as error:
        raise CannotImport(f"The mapping {path} is not valid: {error}.") from None


class InvalidEntry(Exception):
    """An entry of a mapping file is wrong. The message names the entry and says what is allowed."""


class MappingTable:
    """A table of a mapping file. It knows its path in the file, and which of its entries were read."""

    def __init__(self, raw: object, path: str) -> None:
        if not isinstance(raw, dict):
            raise InvalidEntry(f"{path.rstrip('.') or 'the file'} must be a table")
        self._raw, self._path, self._read = raw, path, set[str]()

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        """An entry of that type. Raises InvalidEntry when it is missing and has no default."""
        self._read.add(name)
        value = self._raw.get(name, default)
        if value is None:
            raise InvalidEntry(f"{self._path}{name} is missing")
        if not isinstance(value, kind):
            raise InvalidEntry(f"{self._path}{name} must be a {kind.__name__}")
        return value

    def table(self, name: str) -> "MappingTable":
        return MappingTable(self.get(name, dict), f"{self._path}{name}.")

    def cell(self, name: str) -> CellTemplate:
        cell = CellTemplate(self.get(name, str))
        try:
            if not all(cell.columns) or any(spec or conversion for _, _, spec, conversion in cell.parts):
                raise ValueError("braces must contain the name of a column, and nothing else")
        except ValueError as error:
            raise InvalidEntry(f"{self._path}{name}: {error}") from None
        return cell

    def date_format(self, default: str, zone: tzinfo) -> CellDateFormat:
        name = self.get("zone", str, "")
        try:
            chosen = zone if not name else UTC if name == "UTC" else ZoneInfo(name)
        except (LookupError, ValueError, OSError):
            raise InvalidEntry(f"{self._path}zone is {name!r}; use a zone such as Europe/Berlin or UTC") from None
        return CellDateFormat(self.get("format", str, default), chosen)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise InvalidEntry(f"{self._path}{name} must be a list of texts")
        return tuple(values)

    def names(self) -> list[str]:
        self._read.update(self._raw)
        return list(self._raw)

    def check_unknown(self) -> None:
        """Raises InvalidEntry for an entry that was not read."""
        for name in sorted(self._raw.keys() - self._read):
            raise InvalidEntry(f"{self._path}{name} is not known")


def _plan(root: MappingTable) -> ImportPlan:
    dated, customer, event_type, attributes = (root.table(name) for name in ("date", "customer", "type", "attributes"))
    date_format = dated.date_format("iso", UTC)
    source, title = event_type.get("source", str), event_type.get("title", str)
    plan = ImportPlan(
        unknown=frozenset(root.texts("unknown")) | {""},
        delimiter=root.get("delimiter", str, ","),
        id=root.cell("id"),
        date=dated.cell("value"),
        date_format=date_format,
        external_source_id=customer.get("externalSourceId", str),
        customer=customer.cell("value"),
        title=title,
        description=event_type.get("description", str, ""),
        source=source,
        configuration=event_type.get("configuration", str, f"{title} from {source}"),
        attributes=tuple(_attribute(name, attributes.table(name), date_format) for name in attributes.names()),
    )
    for table in (root, dated, customer, event_type):
        table.check_unknown()
    if len(plan.delimiter) != 1:
        raise InvalidEntry("delimiter must be one character")
    return plan


def _attribute(name: str, table: MappingTable, date_format: CellDateFormat) -> MappedAttribute:
    kind: Any = table.get("kind", str)
    if kind not in get_args(AttributeKind):
        raise InvalidEntry(f"attributes.{name}.kind is {kind!r}; use one of: {', '.join(get_args(AttributeKind))}")
    attribute = MappedAttribute(
        name=name,
        cell=table.cell("value"),
        kind=kind,
        required=table.get("required", bool, False),
        values=table.texts("values"),
        date_format=table.date_format("iso", date_format.zone),
    )
    if (kind == "enum") is not bool(attribute.values):
        raise InvalidEntry(f"attributes.{name}.values are required for an enum, and not allowed for other kinds")
    table.check_unknown()
    return attribute
