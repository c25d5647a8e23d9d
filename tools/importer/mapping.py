"""How an import turns a row of a CSV into an event. `mapping_file` reads it from a TOML or JSON file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from string import Formatter
from typing import Any, Literal

from journeys import dates
from tools.errors import ToolError

AttributeKind = Literal[
    "text", "longtext", "url", "identifier", "enum", "integer", "number", "boolean", "date", "datetime"
]
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INTEGER = re.compile(r"[+-]?\d{1,38}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,38}\.\d{1,38}", re.ASCII)

INVALID_ROW = "invalid row"
NO_RESPONSE = "no response"


class CannotImport(ToolError):
    """The file or the mapping cannot be used. The message says what to change."""


class RowRefused(Exception):
    """A row cannot become an event. Neither the reason nor the message contains a cell of the row."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


@dataclass(frozen=True)
class CellTemplate:
    """A text from a row: the name of a column, or a template with columns in braces such as "{number}-{version}"."""

    template: str

    @property
    def parts(self) -> list[tuple[str, str | None, str | None, str | None]]:
        return list(Formatter().parse(self.template))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for _, name, _, _ in self.parts if name is not None) or (self.template,)

    def read(self, row: Mapping[str, str], unknown: frozenset[str]) -> str | None:
        """The text, or None when one of its cells is in `unknown`."""
        cells = {name: row[name].strip() for name in self.columns}
        if any(cell in unknown for cell in cells.values()):
            return None
        if "{" not in self.template:
            return cells[self.template]
        return "".join(text + (cells[name] if name else "") for text, name, _, _ in self.parts)


@dataclass(frozen=True)
class CellDateFormat:
    """A format of strptime, or "iso", and the time zone of dates that name none."""

    format: str
    zone: tzinfo

    def parse(self, text: str) -> datetime:
        """The date and time with a zone. Raises ValueError, also for an hour that daylight saving time skipped."""
        moment = datetime.fromisoformat(text) if self.format == "iso" else datetime.strptime(text, self.format)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone)
            if moment.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
                raise ValueError("daylight saving time skipped this hour")
        return moment

    def to_utc(self, text: str) -> str:
        """The date and time in UTC, in the API's format. Raises ValueError."""
        return dates.text(dates.parse(self.parse(text).isoformat()))


@dataclass(frozen=True)
class MappedAttribute:
    """One attribute of the events."""

    name: str
    cell: CellTemplate
    kind: AttributeKind
    required: bool
    values: tuple[str, ...]
    date_format: CellDateFormat

    def parse(self, text: str) -> Any:
        """The attribute's value. Raises ValueError or KeyError."""
        if self.kind == "date" and self.date_format.format != "iso":
            return datetime.strptime(text, self.date_format.format).date().isoformat()
        if self.kind == "datetime":
            return self.date_format.to_utc(text)
        if self.kind == "enum" and text not in self.values:
            raise ValueError("not one of the values")
        return parse_text(text, self.kind)

    def to_schema(self) -> dict[str, Any]:
        """The attribute's part of the event type's schema."""
        schema: dict[str, Any] = {"allOf": [{"$ref": f"#/definitions/{self.kind}"}], "title": self.name}
        return schema | {"enum": list(self.values)} if self.kind == "enum" else schema


def parse_text(text: str, kind: str) -> Any:
    """The value of a cell whose attribute is of that kind. Raises ValueError or KeyError."""
    match kind:
        case "integer":
            if not _INTEGER.fullmatch(text):
                raise ValueError("not a whole number")
            return int(text)
        case "number":
            return _number(text)
        case "boolean":
            return _BOOLEANS[text.lower()]
        case "date":
            return date.fromisoformat(text).isoformat()
    return text


def _number(text: str) -> int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _DECIMAL.fullmatch(text) or Decimal(repr(float(text))) != Decimal(text):
        raise ValueError("not a number, or more digits than JSON carries unchanged")
    return float(text)


@dataclass(frozen=True)
class ImportPlan:
    """The content of a mapping file."""

    unknown: frozenset[str]
    """Texts of cells that mean "not known"."""
    delimiter: str
    id: CellTemplate
    date: CellTemplate
    date_format: CellDateFormat
    external_source_id: str
    customer: CellTemplate
    title: str
    description: str
    source: str
    configuration: str
    attributes: tuple[MappedAttribute, ...]

    @property
    def columns(self) -> list[str]:
        """Every column that the mapping reads, in its order."""
        cells = [self.id, self.date, self.customer, *(attribute.cell for attribute in self.attributes)]
        return list(dict.fromkeys(column for cell in cells for column in cell.columns))

    def event(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The event of a row. Raises RowRefused."""
        date_text = self.date.read(row, self.unknown)
        if date_text is None:
            raise RowRefused("missing.date", f"The date ({self.date.template}) is empty.")
        try:
            date_created = self.date_format.to_utc(date_text)
        except ValueError:
            raise RowRefused(
                "invalid.date", f"The date ({self.date.template}) does not have the format {self.date_format.format}."
            ) from None
        customer = self.customer.read(row, self.unknown)
        if customer is None:
            raise RowRefused("missing.identifier", f"The customer ({self.customer.template}) is empty.")
        event_id = self.id.read(row, self.unknown)
        if event_id is None:
            raise RowRefused("missing.id", f"The id ({self.id.template}) is empty.")
        return {
            "id": event_id,
            "dateCreated": date_created,
            "identifiers": {"externalIds": [{"externalSourceId": self.external_source_id, "value": customer}]},
            "attributes": dict(self._attributes(row)),
        }

    def _attributes(self, row: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
        for attribute in self.attributes:
            text = attribute.cell.read(row, self.unknown)
            if text is None:
                continue  # The API refuses an event without a required attribute, and stores it as a failure.
            try:
                yield attribute.name, attribute.parse(text)
            except (ValueError, KeyError):
                raise RowRefused(
                    "invalid.attribute",
                    f"The cell of {attribute.cell.template} is not a valid {attribute.kind} for the mapping.",
                ) from None

    def to_schema(self) -> dict[str, Any]:
        """The schema of the event type."""
        return {
            "title": self.title,
            "description": self.description,
            "type": "object",
            "required": [attribute.name for attribute in self.attributes if attribute.required],
            "properties": {attribute.name: attribute.to_schema() for attribute in self.attributes},
        }
