"""The mapping file of an import: how a row of a CSV becomes an event."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from journeys import dates

Kind = Literal["text", "longtext", "url", "identifier", "enum", "integer", "number", "boolean", "date", "datetime"]
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INTEGER = re.compile(r"[+-]?\d{1,38}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,38}\.\d{1,38}", re.ASCII)


class CannotImport(Exception):
    """Nothing, or nothing more, can be imported; the message says what to do."""


class RowRefused(Exception):
    """A row cannot be turned into an event. Neither the reason nor the message holds what the row says."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


@dataclass(frozen=True)
class Value:
    """Where a text comes from: a column, or a template with columns in braces."""

    template: str

    @property
    def parts(self) -> list[tuple[str, str | None, str | None, str | None]]:
        return list(Formatter().parse(self.template))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for _, name, _, _ in self.parts if name is not None) or (self.template,)

    def read(self, row: Mapping[str, str], unknown: frozenset[str]) -> str | None:
        """The text, or None where a column of it is not known."""
        cells = {name: row[name].strip() for name in self.columns}
        if any(cell in unknown for cell in cells.values()):
            return None
        if "{" not in self.template:
            return cells[self.template]
        return "".join(text + (cells[name] if name else "") for text, name, _, _ in self.parts)


@dataclass(frozen=True)
class Moment:
    """How a date is written: a format of strptime or "iso", and the zone where the text names none."""

    format: str
    zone: tzinfo

    def parse(self, text: str) -> datetime:
        """The moment, with its zone. Raises ValueError, also for a time that clocks left out in that zone."""
        moment = datetime.fromisoformat(text) if self.format == "iso" else datetime.strptime(text, self.format)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone)
            if moment.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
                raise ValueError("the clocks left this time out")
        return moment

    def text(self, text: str) -> str:
        """The moment in UTC, as the API takes it. Raises ValueError."""
        return dates.text(dates.parse(self.parse(text).isoformat()))


@dataclass(frozen=True)
class Attribute:
    """One attribute of an event."""

    name: str
    value: Value
    kind: Kind
    required: bool
    values: tuple[str, ...]
    moment: Moment

    def parse(self, text: str) -> Any:
        """The value as the API takes it. Raises ValueError."""
        match self.kind:
            case "integer":
                if not _INTEGER.fullmatch(text):
                    raise ValueError("not a whole number")
                return int(text)
            case "number":
                return _number(text)
            case "boolean":
                return _BOOLEANS[text.lower()]
            case "date" if self.moment.format == "iso":
                return date.fromisoformat(text).isoformat()
            case "date":
                return datetime.strptime(text, self.moment.format).date().isoformat()
            case "datetime":
                return self.moment.text(text)
            case "enum" if text not in self.values:
                raise ValueError("not one of the values")
        return text

    def to_schema(self) -> dict[str, Any]:
        """Its part of the event type's schema."""
        schema: dict[str, Any] = {"allOf": [{"$ref": f"#/definitions/{self.kind}"}], "title": self.name}
        return schema | {"enum": list(self.values)} if self.kind == "enum" else schema


def _number(text: str) -> int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _DECIMAL.fullmatch(text) or Decimal(repr(float(text))) != Decimal(text):
        raise ValueError("not a number, or one of more digits than JSON carries unchanged")
    return float(text)


@dataclass(frozen=True)
class Plan:
    """A mapping file, understood."""

    unknown: frozenset[str]
    delimiter: str
    id: Value
    date: Value
    moment: Moment
    external_source_id: str
    customer: Value
    title: str
    description: str
    source: str
    configuration: str
    attributes: tuple[Attribute, ...]

    @property
    def columns(self) -> list[str]:
        """Every column that is read, in the mapping's order."""
        values = [self.id, self.date, self.customer, *(attribute.value for attribute in self.attributes)]
        return list(dict.fromkeys(column for value in values for column in value.columns))

    def event(self, row: Mapping[str, str]) -> dict[str, Any]:
        """A row as the API takes it. Raises RowRefused."""
        written = self.date.read(row, self.unknown)
        if written is None:
            raise RowRefused("missing.date", f"the date ({self.date.template}) is empty")
        try:
            date_created = self.moment.text(written)
        except ValueError:
            raise RowRefused(
                "invalid.date", f"the date ({self.date.template}) is not of the form {self.moment.format}"
            ) from None
        customer = self.customer.read(row, self.unknown)
        if customer is None:
            raise RowRefused("missing.identifier", f"the customer ({self.customer.template}) is empty")
        event_id = self.id.read(row, self.unknown)
        if event_id is None:
            raise RowRefused("missing.id", f"the id ({self.id.template}) is empty")
        return {
            "id": event_id,
            "dateCreated": date_created,
            "identifiers": {"externalIds": [{"externalSourceId": self.external_source_id, "value": customer}]},
            "attributes": dict(self._attributes(row)),
        }

    def _attributes(self, row: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
        for attribute in self.attributes:
            text = attribute.value.read(row, self.unknown)
            if text is None:
                continue  # a required one that is missing is the API's to refuse, which then keeps it as failed
            try:
                yield attribute.name, attribute.parse(text)
            except (ValueError, KeyError):
                raise RowRefused(
                    "invalid.attribute", f"{attribute.value.template} is no {attribute.kind} as the mapping has it"
                ) from None

    def to_schema(self) -> dict[str, Any]:
        """The event type, as the API takes it."""
        return {
            "title": self.title,
            "description": self.description,
            "type": "object",
            "required": [attribute.name for attribute in self.attributes if attribute.required],
            "properties": {attribute.name: attribute.to_schema() for attribute in self.attributes},
        }


def read_plan(path: Path) -> Plan:
    """The mapping in a TOML or JSON file. Raises CannotImport with the place of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise CannotImport(f"The mapping {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CannotImport(f"The mapping {path} is not valid: {error}.") from None
    try:
        return _plan(_Part(raw, ""))
    except _Wrong as wrong:
        raise CannotImport(f"The mapping {path} is not valid: {wrong}.") from None


class _Wrong(Exception):
    pass


class _Part:
    """A table of a mapping file, which knows where it stands and which of its entries were read."""

    def __init__(self, raw: object, where: str) -> None:
        if not isinstance(raw, dict):
            raise _Wrong(f"{where or 'it'} must be a table")
        self._raw, self._where, self._read = raw, where, set[str]()

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        """An entry; one without a default must be there."""
        self._read.add(name)
        value = self._raw.get(name, default)
        if value is None:
            raise _Wrong(f"{self._where}{name} is missing")
        if not isinstance(value, kind):
            raise _Wrong(f"{self._where}{name} must be a {kind.__name__}")
        return value

    def part(self, name: str) -> "_Part":
        return _Part(self.get(name, dict), f"{self._where}{name}.")

    def value(self, name: str) -> Value:
        value = Value(self.get(name, str))
        try:
            if not all(value.columns) or any(spec or conversion for _, _, spec, conversion in value.parts):
                raise ValueError("between braces stands the name of a column, and nothing else")
        except ValueError as error:
            raise _Wrong(f"{self._where}{name}: {error}") from None
        return value

    def moment(self, form: str, zone: tzinfo) -> Moment:
        name = self.get("zone", str, "")
        try:
            return Moment(self.get("format", str, form), zone if not name else UTC if name == "UTC" else ZoneInfo(name))
        except (LookupError, ValueError, OSError):
            raise _Wrong(f"{self._where}zone: this machine knows no zone {name!r}; Europe/Berlin is one") from None

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise _Wrong(f"{self._where}{name} must be a list of texts")
        return tuple(values)

    def names(self) -> list[str]:
        self._read.update(self._raw)
        return list(self._raw)

    def done(self) -> None:
        for name in sorted(self._raw.keys() - self._read):
            raise _Wrong(f"{self._where}{name} is not known")


def _plan(root: _Part) -> Plan:
    when, customer, kind, attributes = (root.part(name) for name in ("date", "customer", "type", "attributes"))
    moment = when.moment("iso", UTC)
    source, title = kind.get("source", str), kind.get("title", str)
    plan = Plan(
        unknown=frozenset(root.texts("unknown")) | {""},
        delimiter=root.get("delimiter", str, ","),
        id=root.value("id"),
        date=when.value("value"),
        moment=moment,
        external_source_id=customer.get("externalSourceId", str),
        customer=customer.value("value"),
        title=title,
        description=kind.get("description", str, ""),
        source=source,
        configuration=kind.get("configuration", str, f"{title} from {source}"),
        attributes=tuple(_attribute(name, attributes.part(name), moment) for name in attributes.names()),
    )
    for part in (root, when, customer, kind):
        part.done()
    if len(plan.delimiter) != 1:
        raise _Wrong("delimiter must be one character")
    return plan


def _attribute(name: str, part: _Part, moment: Moment) -> Attribute:
    kind: Any = part.get("kind", str)
    if kind not in get_args(Kind):
        raise _Wrong(f"attributes.{name}.kind is {kind!r}; there are {', '.join(get_args(Kind))}")
    attribute = Attribute(
        name=name,
        value=part.value("value"),
        kind=kind,
        required=part.get("required", bool, False),
        values=part.texts("values"),
        moment=part.moment("iso", moment.zone),
    )
    if (kind == "enum") is not bool(attribute.values):
        raise _Wrong(f"attributes.{name}.values are needed for an enum, and for nothing else")
    part.done()
    return attribute
