"""How an import turns a row of a CSV into an event. `mapping_file` reads it from a TOML or JSON file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from journeys import dates
from journeys.date_formats import DateFormat, InvalidDate
from tools.importer.csv_reader import CsvFormat
from tools.importer.errors import RowRefused, listed, shortened
from tools.importer.values import NumberFormat, allowed, parse_text

AttributeKind = Literal[
    "text", "longtext", "url", "identifier", "enum", "integer", "number", "boolean", "date", "datetime"
]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXAMPLES = {
    "iso": "ISO-8601, such as 2026-01-31T09:30:00Z",
    "unix": "Unix time in seconds",
    "unix_ms": "Unix time in milliseconds",
}


class InvalidTemplate(ValueError):
    """A template's braces are wrong. The message is a sentence."""


@dataclass(frozen=True)
class CellTemplate:
    """A text from a row: the name of a column, or a template with columns in braces such as "{number}-{version}".

    In the text of a template, `{{` and `}}` are braces. A column whose name has braces cannot be named.
    """

    template: str

    @cached_property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a text and of the column that follows it. The last column is empty. Raises InvalidTemplate."""
        if "{" not in self.template and "}" not in self.template:
            return (("", self.template.strip()), ("", ""))
        parts: list[tuple[str, str]] = []
        texts, name = [""], False
        characters = iter(range(len(self.template)))
        for index in characters:
            character = self.template[index]
            if character in "{}" and not name and self.template[index + 1 : index + 2] == character:
                texts[-1] += character
                next(characters)
            elif character not in "{}":
                texts[-1] += character
            elif (character == "{") is name:
                raise InvalidTemplate("Each { must be closed by a }. Write {{ and }} for braces that are text.")
            else:
                name = not name
                texts.append("")
        if name or not all(column.strip() for column in texts[1::2]):
            raise InvalidTemplate("Braces must contain the name of a column. Write {{ and }} for braces that are text.")
        parts = [(text, column.strip()) for text, column in zip(texts[::2], texts[1::2], strict=False)]
        return (*parts, (texts[-1], ""))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that the template reads."""
        return tuple(column for _, column in self.parts if column)

    @property
    def where(self) -> str:
        """The columns, for a message."""
        return f'column{"s" * (len(self.columns) > 1)} "{listed(self.columns)}"'

    def read(self, row: Mapping[str, str], unknown: frozenset[str]) -> str | None:
        """The text, or None when one of its cells is in `unknown`."""
        text = ""
        for before, column in self.parts:
            cell = row[column].strip() if column else ""
            if column and cell in unknown:
                return None
            text += before + cell
        return text


def format_in_words(form: DateFormat) -> str:
    """The date format of a column, for a message."""
    words = _EXAMPLES.get(form.pattern, form.pattern)
    return f"{words}, where %Z is UTC, GMT or Z, and no other name of a zone" if "%Z" in form.pattern else words


def milliseconds(form: DateFormat, text: str) -> int:
    """The milliseconds since 1970 of a date. Raises InvalidDate, also if no calendar has the date."""
    ms = form.milliseconds(text)
    try:
        dates.text(ms)
    except OverflowError:
        raise InvalidDate("out of range") from None
    return ms


@dataclass(frozen=True)
class MappedAttribute:
    """One attribute of the events."""

    name: str
    cell: CellTemplate
    kind: AttributeKind
    required: bool
    values: tuple[str, ...]
    date_format: DateFormat
    numbers: NumberFormat

    def parse(self, text: str) -> Any:
        """The attribute's value. Raises ValueError or KeyError."""
        if self.kind == "date":
            moment = _EPOCH + timedelta(milliseconds=milliseconds(self.date_format, text))
            return moment.astimezone(self.date_format.zone).date().isoformat()
        if self.kind == "datetime":
            return dates.text(milliseconds(self.date_format, text))
        if self.kind == "enum" and text not in self.values:
            raise ValueError("not one of the values")
        return parse_text(text, self.kind, self.numbers)

    @property
    def allowed(self) -> str:
        """What the column may contain, for a message."""
        if self.kind in ("date", "datetime"):
            return f"a {self.kind} in the format {format_in_words(self.date_format)}"
        return f"one of {listed(self.values)}" if self.kind == "enum" else allowed(self.kind, self.numbers)

    def to_schema(self) -> dict[str, Any]:
        """The attribute's part of the event type's schema."""
        schema: dict[str, Any] = {"allOf": [{"$ref": f"#/definitions/{self.kind}"}], "title": self.name}
        return schema | {"enum": list(self.values)} if self.kind == "enum" else schema


@dataclass(frozen=True)
class ImportPlan:
    """The content of a mapping file."""

    unknown: frozenset[str]
    """Texts of cells that mean "not known"."""
    form: CsvFormat
    id: CellTemplate
    date: CellTemplate
    date_format: DateFormat
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
        date_created = self._date(row)
        customer = self._required(row, self.customer, "missing.identifier", "the customer")
        return {
            "id": self._required(row, self.id, "missing.id", "the event's id"),
            "dateCreated": date_created,
            "identifiers": {"externalIds": [{"externalSourceId": self.external_source_id, "value": customer}]},
            "attributes": dict(self._attributes(row)),
        }

    def is_event(self, columns: list[str], cells: list[str]) -> bool:
        """Whether these cells are an event."""
        try:
            self.event(dict(zip(columns, cells, strict=True)))
        except RowRefused:
            return False
        return True

    def _required(self, row: Mapping[str, str], cell: CellTemplate, reason: str, meaning: str) -> str:
        text = cell.read(row, self.unknown)
        if text is None:
            raise RowRefused(reason, f"The {cell.where} must contain {meaning}. It is empty or unknown.")
        return text

    def _date(self, row: Mapping[str, str]) -> str:
        text = self._required(row, self.date, "missing.date", "the date")
        try:
            return dates.text(milliseconds(self.date_format, text))
        except InvalidDate:
            raise RowRefused(
                "invalid.date",
                f"The {self.date.where} must contain a date in the format {format_in_words(self.date_format)}.",
            ) from None

    def _attributes(self, row: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
        for attribute in self.attributes:
            text = attribute.cell.read(row, self.unknown)
            if text is None:
                if attribute.required:
                    message = f"The {attribute.cell.where} must not be empty: {shortened(attribute.name)} is required."
                    raise RowRefused("missing.attribute", message)
                continue
            try:
                yield attribute.name, attribute.parse(text)
            except (ValueError, KeyError):
                message = f"The {attribute.cell.where} must contain {attribute.allowed}."
                raise RowRefused("invalid.attribute", message) from None

    def where(self, field_name: str) -> str:
        """The columns of a field of the API, such as attributes.page, for a message. May be empty."""
        cells = {f"attributes.{attribute.name}": attribute.cell for attribute in self.attributes}
        cells |= {"id": self.id, "dateCreated": self.date}
        cell = self.customer if field_name.startswith("identifiers") else cells.get(field_name)
        return cell.where if cell else ""

    def to_schema(self) -> dict[str, Any]:
        """The schema of the event type."""
        return {
            "title": self.title,
            "description": self.description,
            "type": "object",
            "required": [attribute.name for attribute in self.attributes if attribute.required],
            "properties": {attribute.name: attribute.to_schema() for attribute in self.attributes},
        }
