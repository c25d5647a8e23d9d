"""Reads a mapping file."""

import json
import tomllib
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

from journeys.date_formats import DateFormat, InvalidDateFormat, time_zone
from tools.importer.csv_reader import CsvFormat
from tools.importer.errors import CannotImport, shortened
from tools.importer.mapping import AttributeKind, CellTemplate, ImportPlan, InvalidTemplate, MappedAttribute
from tools.importer.values import DECIMALS, THOUSANDS, NumberFormat

UTC = ZoneInfo("UTC")
_TYPES = {str: "a text", bool: "true or false", list: "a list of texts", dict: "a table"}


def read_plan(path: Path) -> ImportPlan:
    """The mapping in a TOML or JSON file. Raises CannotImport, whose message names the wrong entry."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CannotImport(f"The mapping {path} cannot be read: {error.strerror}.") from None
    except UnicodeError:
        raise CannotImport(f"The mapping {path} is not UTF-8. Save it as UTF-8.") from None
    return parse_plan(text, str(path), is_json=path.suffix == ".json")


def parse_plan(text: str, name: str, *, is_json: bool = False) -> ImportPlan:
    """The mapping in a text. `name` names the mapping in messages. Raises CannotImport."""
    try:
        return _plan(MappingTable(json.loads(text) if is_json else tomllib.loads(text), ""))
    except (ValueError, RecursionError) as error:
        raise CannotImport(f"The mapping {name} is not valid: {str(error)[:300]}.") from None
    except InvalidEntry as error:
        raise CannotImport(f"The mapping {name} is not valid: {error}") from None


class InvalidEntry(Exception):
    """An entry of a mapping file is wrong. The message names the entry and says what is allowed."""


class MappingTable:
    """A table of a mapping file. It knows its path in the file, and which of its entries were read."""

    def __init__(self, raw: object, path: str) -> None:
        if not isinstance(raw, dict):
            raise InvalidEntry(f"{path.rstrip('.') or 'The file'} must be a table.")
        self._raw, self._path, self._read = raw, path, set[str]()

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        """An entry of that type. Raises InvalidEntry when it is missing and has no default."""
        self._read.add(name)
        value = self._raw.get(name, default)
        if value is None:
            raise InvalidEntry(f"{self._path}{name} is missing.")
        if not isinstance(value, kind):
            raise InvalidEntry(f"{self._path}{name} must be {_TYPES[kind]}.")
        return value

    def filled(self, name: str, default: str | None = None) -> str:
        """A text that is not blank."""
        value: str = self.get(name, str, default)
        if not value.strip():
            raise InvalidEntry(f"{self._path}{name} must not be empty.")
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """A text out of `allowed`."""
        value: str = self.get(name, str, default)
        if value not in allowed:
            listed = ", ".join(f'"{one}"' for one in allowed)
            raise InvalidEntry(f'{self._path}{name} is "{value[:100]}". Use one of {listed}.')
        return value

    def table(self, name: str) -> "MappingTable":
        return MappingTable(self.get(name, dict), f"{self._path}{name}.")

    def cell(self, name: str) -> CellTemplate:
        cell = CellTemplate(self.get(name, str))
        try:
            columns = cell.columns
        except InvalidTemplate as error:
            raise InvalidEntry(f"{self._path}{name}: {error}") from None
        if not columns:
            raise InvalidEntry(f"{self._path}{name} must be a column, or a template with a column in braces.")
        return cell

    def date_format(self, zone: ZoneInfo | None) -> DateFormat:
        """The format and the zone of dates. `zone` applies if the table names none."""
        name = self.get("zone", str, "")
        try:
            chosen = time_zone(name) if name else zone
        except InvalidDateFormat as error:
            raise InvalidEntry(f'{self._path}zone is "{name[:100]}". It {error}.') from None
        pattern = self.get("format", str, "iso")
        try:
            return DateFormat.of(pattern, chosen)
        except InvalidDateFormat as error:
            raise InvalidEntry(f'{self._path}format is "{pattern[:100]}". It {error}.') from None

    def numbers(self, default: NumberFormat) -> NumberFormat:
        """The format of numbers. `default` applies to entries that are missing."""
        decimal = self.choice("decimal", DECIMALS, default.decimal)
        separator = default.thousands if default.thousands != decimal else ""
        thousands = self.choice("thousands", THOUSANDS, separator)
        if decimal == thousands:
            raise InvalidEntry(f"{self._path}decimal and {self._path}thousands must differ.")
        return NumberFormat(decimal, thousands)

    def csv_format(self) -> CsvFormat:
        """The delimiter and the encoding of the file."""
        delimiter, encoding = self.get("delimiter", str, ","), self.get("encoding", str, "utf-8")
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise InvalidEntry('delimiter must be one character, such as ";" or "\\t" for a tab.')
        return CsvFormat(delimiter, known_encoding(encoding))

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise InvalidEntry(f"{self._path}{name} must be a list of texts.")
        return tuple(values)

    def names(self) -> list[str]:
        self._read.update(self._raw)
        return list(self._raw)

    def check_unknown(self) -> None:
        """Raises InvalidEntry for an entry that was not read."""
        for name in sorted(self._raw.keys() - self._read):
            known = ", ".join(sorted(self._read))
            raise InvalidEntry(f"{self._path}{shortened(name)} is not known. Use only {known}.")


def known_encoding(name: str) -> str:
    """The name of an encoding that Python can read. Raises InvalidEntry."""
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise InvalidEntry(
            f'encoding is "{name[:100]}". Use utf-8, utf-16, cp1252 or another encoding that Python knows.'
        ) from None
    return name


def _plan(root: MappingTable) -> ImportPlan:
    dated, customer, event_type, attributes = (root.table(name) for name in ("date", "customer", "type", "attributes"))
    date_format = dated.date_format(UTC)
    source, title = event_type.filled("source"), event_type.filled("title")
    numbers = root.numbers(NumberFormat())
    plan = ImportPlan(
        unknown=frozenset(root.texts("unknown")) | {""},
        form=root.csv_format(),
        id=root.cell("id"),
        date=dated.cell("value"),
        date_format=date_format,
        external_source_id=customer.filled("externalSourceId"),
        customer=customer.cell("value"),
        title=title,
        description=event_type.get("description", str, ""),
        source=source,
        configuration=event_type.filled("configuration", f"{title} from {source}"),
        attributes=tuple(
            _attribute(name, attributes.table(name), date_format.zone, numbers) for name in attributes.names()
        ),
    )
    for table in (root, dated, customer, event_type):
        table.check_unknown()
    return plan


def _attribute(name: str, table: MappingTable, zone: ZoneInfo | None, numbers: NumberFormat) -> MappedAttribute:
    kind: Any = table.choice("kind", get_args(AttributeKind), table.get("kind", str))
    attribute = MappedAttribute(
        name=name,
        cell=table.cell("value"),
        kind=kind,
        required=table.get("required", bool, False),
        values=table.texts("values"),
        date_format=table.date_format(zone),
        numbers=table.numbers(numbers),
    )
    if (kind == "enum") is not bool(attribute.values):
        raise InvalidEntry(f"attributes.{name}.values are required for an enum, and not allowed for other kinds.")
    table.check_unknown()
    return attribute
