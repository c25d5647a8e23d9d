"""The syntax of an event type's schema: JSON Schema draft-04, or the platform's core types, and nothing else.

A field is written either way:
  {"type": "string", "maxLength": 20}
  {"allOf": [{"$ref": "#/definitions/text"}], "title": "Page", "maxLength": 20}
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from journeys import jsontext
from journeys.errors import BadRequest, Detail
from journeys.registry import limits
from journeys.registry.schemas.kinds import CORE_TYPES, PLAIN_TYPES, AttributeKind, CoreType, Range

DRAFT_04 = "http://json-schema.org/draft-04/schema#"
_DOCUMENT_KEYWORDS = frozenset(
    {"$schema", "title", "description", "type", "required", "properties", "additionalProperties"}
)
_ANNOTATIONS = frozenset({"title", "description"})
_REF = "#/definitions/"

Number = int | Decimal
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind and its bounds, None where there is none. Lengths count characters."""

    kind: AttributeKind
    min_length: int | None = None
    max_length: int | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    min_items: int | None = None
    max_items: int | None = None
    enum: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What a schema says, understood; `raw` is how it was written, for giving it back."""

    title: str
    fields: Mapping[str, Field]
    required: frozenset[str]
    raw: Mapping[str, Any] = field(compare=False)


class _SchemaProblem(Exception):
    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(message)
        self.code, self.where, self.message = code, where, message


def parse(raw: object) -> Document:
    """The document that a request carries. Raises BadRequest with one detail for each thing wrong."""
    problems: list[_SchemaProblem] = []

    def attempt(read: Callable[..., T], *arguments: Any, default: T) -> T:
        try:
            return read(*arguments)
        except _SchemaProblem as refused:
            problems.append(refused)
            return default

    if not isinstance(raw, Mapping):
        raise BadRequest("A schema is a JSON object.", code="invalid.schema")
    if len(jsontext.dumps(raw)) > limits.SCHEMA_CHARACTERS:
        raise BadRequest(f"A schema has {limits.SCHEMA_CHARACTERS} characters at most.", code="schema.too.large")
    problems += [_unknown_keyword("", keyword) for keyword in sorted(raw.keys() - _DOCUMENT_KEYWORDS)]
    problems += _frame_problems(raw)
    title = attempt(_text, raw.get("title"), "title", limits.SCHEMA_NAME, default="")
    if raw.get("description") is not None:
        attempt(_text, raw["description"], "description", limits.SCHEMA_DESCRIPTION, default="")
    nothing: Mapping[str, Any] = {}
    properties = attempt(_properties, raw, default=nothing)
    fields: dict[str, Field] = {}
    for name, definition in properties.items():
        try:
            fields[name] = _field(name, definition)
        except _SchemaProblem as refused:
            problems.append(refused)
    required = attempt(_required, raw, properties, default=frozenset[str]())
    if problems:
        raise BadRequest(
            " ".join(problem.message for problem in problems[:5]),
            code=problems[0].code,
            details=[Detail(problem.code, problem.where) for problem in problems],
        )
    written = {"$schema": DRAFT_04} | {name: raw[name] for name in raw if raw[name] is not None}
    written["title"] = title
    written.setdefault("properties", {})
    return Document(title, fields, required, written)


def _frame_problems(raw: Mapping[str, Any]) -> Iterator[_SchemaProblem]:
    if raw.get("$schema") not in (None, DRAFT_04, DRAFT_04.rstrip("#")):
        yield _SchemaProblem("invalid.schema", "$schema", f"$schema must be {DRAFT_04}.")
    if raw.get("type") not in (None, "object"):
        yield _SchemaProblem("invalid.schema", "type", "The type of a schema can only be object.")
    if raw.get("additionalProperties") is not None and raw["additionalProperties"] is not False:
        yield _SchemaProblem("invalid.schema", "additionalProperties", "additionalProperties can only be false.")


def _text(value: object, where: str, lengths: Range) -> str:
    if not isinstance(value, str) or (not value.strip() and lengths[0]):
        raise _SchemaProblem("invalid.schema", where, f"{where} must be a text that is not blank.")
    if len(value) > lengths[1]:
        raise _SchemaProblem("invalid.schema", where, f"{where} has {len(value)} characters; {lengths[1]} are allowed.")
    return value.strip()


def _properties(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = raw.get("properties")
    if properties is None:
        return {}
    if not isinstance(properties, Mapping):
        raise _SchemaProblem("invalid.schema", "properties", "properties must be an object.")
    if len(properties) > limits.MAX_FIELDS:
        raise _SchemaProblem(
            "too.many.fields",
            "properties",
            f"A schema has {limits.MAX_FIELDS} fields at most; this has {len(properties)}.",
        )
    return properties


def _required(raw: Mapping[str, Any], properties: Mapping[str, Any]) -> frozenset[str]:
    required = raw.get("required")
    if required is None:
        return frozenset()
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise _SchemaProblem("invalid.schema", "required", "required must be a list of field names.")
    for name in required:
        if name not in properties:
            raise _SchemaProblem(
                "invalid.schema", "required", f"required names {name!r}, which is not among the properties."
            )
    return frozenset(required)


def _field(name: str, definition: object) -> Field:
    where = f"properties.{name}"
    low, high = limits.FIELD_NAME
    if not low <= len(name) <= high or not name.strip():
        raise _SchemaProblem("invalid.schema", "properties", f"A field's name has {low} to {high} characters.")
    if not isinstance(definition, Mapping):
        raise _SchemaProblem("invalid.schema", where, f"{where} must be an object.")
    core, used = _core_type(where, definition)
    if "title" in definition:
        _text(definition["title"], f"{where}.title", limits.FIELD_TITLE)
    if "description" in definition:
        _text(definition["description"], f"{where}.description", limits.FIELD_DESCRIPTION)

    kind = core.kind
    known = used | _ANNOTATIONS | set(core.fields)
    if kind in (AttributeKind.STRING, AttributeKind.ENUM):
        known |= {"enum"}
    if kind is AttributeKind.ENUM:
        known |= {"_enumProperties"}
    if kind is AttributeKind.TAG:
        known |= {"items"}
    for keyword in sorted(definition.keys() - known):
        raise _unknown_keyword(where, keyword)

    items = _items(where, definition.get("items"), core) if kind is AttributeKind.TAG else {}
    enum: tuple[str, ...] = ()
    if kind is AttributeKind.ENUM or "enum" in definition:
        enum, kind = _enum(where, definition.get("enum")), AttributeKind.ENUM
        _enum_properties(where, definition.get("_enumProperties"), enum)
    bounds = items | _bounds(where, definition, core.fields)
    return Field(kind, enum=enum, **bounds)


def _core_type(where: str, definition: Mapping[str, Any]) -> tuple[CoreType, set[str]]:
    """The core type that a definition names, and the keywords that named it."""
    if "allOf" in definition:
        if "type" in definition:
            raise _SchemaProblem("invalid.schema", where, f"{where} has both type and allOf; one is enough.")
        match definition["allOf"]:
            case [{"$ref": str(ref), **rest}] if not rest and ref.startswith(_REF):
                core = CORE_TYPES.get(ref.removeprefix(_REF))
                if core is not None:
                    return core, {"allOf"}
                raise _SchemaProblem(
                    "unknown.type", where, f"{where} refers to the core type {ref!r}, which does not exist."
                )
            case _:
                raise _SchemaProblem(
                    "invalid.schema", f"{where}.allOf", f'{where}.allOf must be [{{"$ref": "{_REF}<core type>"}}].'
                )
    if "type" not in definition:
        if "enum" in definition:
            return CORE_TYPES["enum"], set()
        raise _SchemaProblem("unknown.type", where, f"{where} has neither a type nor a core type.")
    core = PLAIN_TYPES.get(definition["type"]) if isinstance(definition["type"], str) else None
    if core is None:
        raise _SchemaProblem(
            "unknown.type",
            f"{where}.type",
            f"{where}.type is {definition['type']!r}; it can be {', '.join(sorted(PLAIN_TYPES))}.",
        )
    return core, {"type"}


def _items(where: str, items: object, core: CoreType) -> dict[str, Any]:
    where = f"{where}.items"
    if items is None:
        if core is PLAIN_TYPES["array"]:
            raise _SchemaProblem(
                "invalid.schema", where, f'{where} is missing; an array holds strings: {{"type": "string"}}.'
            )
        items = {"type": "string"}
    if not isinstance(items, Mapping) or items.get("type") != "string":
        raise _SchemaProblem("unknown.type", where, f"{where} must be of type string.")
    for keyword in sorted(items.keys() - set(core.item_fields) - {"type"}):
        raise _unknown_keyword(where, keyword)
    return _bounds(where, items, core.item_fields)


def _enum(where: str, values: object) -> tuple[str, ...]:
    if (
        not isinstance(values, list)
        or not values
        or not all(isinstance(value, str) and 0 < len(value) <= 100 for value in values)
        or len(set(values)) != len(values)
    ):
        raise _SchemaProblem(
            "invalid.schema", f"{where}.enum", f"{where}.enum must list different texts of 1 to 100 characters."
        )
    return tuple(values)


def _enum_properties(where: str, properties: object, enum: tuple[str, ...]) -> None:
    if properties is not None and (not isinstance(properties, Mapping) or not properties.keys() <= set(enum)):
        raise _SchemaProblem(
            "invalid.schema",
            f"{where}._enumProperties",
            f"{where}._enumProperties may describe values of the enum only.",
        )


_NAMES = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minimum": "minimum",
    "maximum": "maximum",
    "minItems": "min_items",
    "maxItems": "max_items",
}
_PAIRS = (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems"))


def _bounds(where: str, definition: Mapping[str, Any], allowed: Mapping[str, Range]) -> dict[str, Any]:
    """The bounds that a definition sets; an upper one that it leaves out is the widest allowed."""
    bounds: dict[str, Any] = {}
    for keyword, (low, high) in allowed.items():
        value = definition.get(keyword)
        if value is None and keyword in definition:
            raise _SchemaProblem("invalid.schema", f"{where}.{keyword}", f"{where}.{keyword} must be a number.")
        if value is None:
            value = high if keyword in ("maxLength", "maxItems") else None
        elif type(value) not in ((int, Decimal) if keyword in ("minimum", "maximum") else (int,)):
            raise _SchemaProblem("invalid.schema", f"{where}.{keyword}", f"{where}.{keyword} must be a number.")
        elif not low <= value <= high:
            raise _SchemaProblem(
                "invalid.schema", f"{where}.{keyword}", f"{where}.{keyword} must lie in {low} to {high}."
            )
        if value is not None:
            bounds[_NAMES[keyword]] = value
    for low_keyword, high_keyword in _PAIRS:
        lower, upper = bounds.get(_NAMES[low_keyword]), bounds.get(_NAMES[high_keyword])
        if lower is not None and upper is not None and lower > upper:
            raise _SchemaProblem("invalid.schema", where, f"{where}: {low_keyword} is greater than {high_keyword}.")
    return bounds


def _unknown_keyword(where: str, keyword: str) -> _SchemaProblem:
    place = f"{where}.{keyword}" if where else keyword
    return _SchemaProblem("unknown.keyword", place, f"The keyword {place} is not known.")


def differences(old: Document, new: Document) -> Iterator[tuple[str, str, str]]:
    """What a new version may not do to its predecessor: (code, field, sentence) for each breach.

    Bounds may be moved, either way; what is promised is that names, kinds and values go on to mean what they meant.
    """
    for name, was in old.fields.items():
        where = f"properties.{name}"
        now = new.fields.get(name)
        if now is None:
            yield "field.removed", where, f"The field {name} cannot be removed; leave it out of required instead."
        elif now.kind is not was.kind:
            yield "field.kind.changed", where, f"The field {name} is of kind {was.kind} and cannot become {now.kind}."
        elif missing := [value for value in was.enum if value not in now.enum]:
            yield "enum.value.removed", where, f"The field {name} cannot lose the values {', '.join(missing)}."
    for name in sorted(new.required - old.required):
        yield "field.became.required", f"properties.{name}", f"The field {name} cannot be required in a later version."
