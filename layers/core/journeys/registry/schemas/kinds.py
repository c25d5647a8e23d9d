"""The kinds of values that attributes can have, and the platform's core types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class AttributeKind(StrEnum):
    """The kind of an attribute's values. The kind of a field never changes."""

    STRING = "string"
    TEXT = "text"
    LONGTEXT = "longtext"
    URL = "url"
    IDENTIFIER = "identifier"
    ENUM = "enum"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TAG = "tag"


FILTERABLE = frozenset(
    {
        AttributeKind.STRING,
        AttributeKind.TEXT,
        AttributeKind.LONGTEXT,
        AttributeKind.URL,
        AttributeKind.IDENTIFIER,
        AttributeKind.ENUM,
        AttributeKind.INTEGER,
        AttributeKind.NUMBER,
        AttributeKind.BOOLEAN,
    }
)
"""The kinds that journey views can filter and chart."""

Range = tuple[int, int]

LARGEST_STRING = 300 * 1024
LARGEST_NUMBER = 10**38 - 1


@dataclass(frozen=True, slots=True)
class CoreType:
    """A core type of the platform: its kind, and the bounds that a field can set with the limits of each."""

    name: str
    kind: AttributeKind
    json_type: str
    description: str
    fields: Mapping[str, Range] = field(default_factory=dict)
    item_fields: Mapping[str, Range] = field(default_factory=dict)
    pattern: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """The contract's `Coretype`."""
        schema: dict[str, Any] = {"title": self.name, "description": self.description, "type": [self.json_type]}
        if self.kind is AttributeKind.TAG:
            schema["items"] = {"type": "string"}
        if self.pattern:
            schema["pattern"] = self.pattern
        wire: dict[str, Any] = {
            "id": self.name,
            "name": self.name,
            "version": 1,
            "dateCreated": "2024-01-01T00:00:00.000Z",
            "schema": schema,
            "current": True,
            "validationFields": list(self.fields) + (["enum"] if self.kind is AttributeKind.ENUM else []),
            "validationLimits": _limits_to_wire(self.fields),
            "selfUri": f"/api/v2/journey/externalevents/schemas/coretypes/{self.name}",
        }
        if self.item_fields:
            wire |= {
                "itemValidationFields": list(self.item_fields),
                "itemValidationLimits": _limits_to_wire(self.item_fields),
            }
        return wire


def _limits_to_wire(fields: Mapping[str, Range]) -> dict[str, dict[str, int]]:
    return {keyword: {"min": low, "max": high} for keyword, (low, high) in fields.items()}


def _lengths(most: int) -> dict[str, Range]:
    return {"minLength": (0, most), "maxLength": (1, most)}


_BOUNDS: dict[str, Range] = {
    "minimum": (-LARGEST_NUMBER, LARGEST_NUMBER),
    "maximum": (-LARGEST_NUMBER, LARGEST_NUMBER),
}
_ITEMS: dict[str, Range] = {"minItems": (0, 10), "maxItems": (1, 10)}

CORE_TYPES = {
    core.name: core
    for core in (
        CoreType("text", AttributeKind.TEXT, "string", "A short string.", _lengths(100)),
        CoreType("longtext", AttributeKind.LONGTEXT, "string", "A long string.", _lengths(1000)),
        CoreType("url", AttributeKind.URL, "string", "A web address.", _lengths(2000), pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://\S+$"),
        CoreType("identifier", AttributeKind.IDENTIFIER, "string", "An identifier, without white space.", _lengths(100),
                 pattern=r"^\S+$"),
        CoreType("enum", AttributeKind.ENUM, "string", "One of the values that the field lists."),
        CoreType("integer", AttributeKind.INTEGER, "integer", "A whole number.", _BOUNDS),
        CoreType("number", AttributeKind.NUMBER, "number", "A decimal number of up to 38 digits.", _BOUNDS),
        CoreType("boolean", AttributeKind.BOOLEAN, "boolean", "True or false."),
        CoreType("checkbox", AttributeKind.BOOLEAN, "boolean", "True or false; another name of boolean."),
        CoreType("date", AttributeKind.DATE, "string", "A calendar date: 2026-01-31."),
        CoreType("datetime", AttributeKind.DATETIME, "string", "A date and time with a zone: 2026-01-31T09:30:00Z."),
        CoreType("tag", AttributeKind.TAG, "array", "A list of short strings.", _ITEMS, _lengths(100)),
    )
}  # fmt: skip

PLAIN_TYPES = {
    "string": CoreType("string", AttributeKind.STRING, "string", "", _lengths(LARGEST_STRING)),
    "integer": CORE_TYPES["integer"],
    "number": CORE_TYPES["number"],
    "boolean": CORE_TYPES["boolean"],
    "array": CoreType("array", AttributeKind.TAG, "array", "", {"minItems": (0, 1000), "maxItems": (1, 1000)},
                      _lengths(LARGEST_STRING)),
}  # fmt: skip
"""The supported types of plain JSON Schema draft-04. An array contains strings."""
