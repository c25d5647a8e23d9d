"""The schema document of an event type: JSON Schema draft-04 or the platform's core types, and nothing else.

A field can be written in two ways:
  {"type": "string", "maxLength": 20}
  {"allOf": [{"$ref": "#/definitions/text"}], "title": "Page", "maxLength": 20}
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from journeys import jsontext
from journeys.errors import BadRequest, Detail
from journeys.messages import join_messages, list_values, shorten
from journeys.registry import limits
from journeys.registry.schemas.kinds import CORE_TYPES, PLAIN_TYPES, AttributeKind, CoreType, Range

DRAFT_04 = "http://json-schema.org/draft-04/schema#"
_DOCUMENT_KEYWORDS = frozenset(
    {"$schema", "title", "description", "type", "required", "properties", "additionalProperties"}
)
_ANNOTATIONS = frozenset({"title", "description"})
_REF = "#/definitions/"
_ENUM_VALUE_CHARACTERS = 100

Number = int | Decimal
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind and its bounds. A bound that is not set is None. Lengths are in characters."""

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
    """A parsed schema document. `raw` is the document as it was sent, to return it unchanged."""

    title: str
    fields: Mapping[str, Field]
    required: frozenset[str]
    raw: Mapping[str, Any] = field(compare=False)


class _Problem(NamedTuple):
    code: str
    where: str
    message: str


class _SchemaProblem(Exception):
    """A part of the document is invalid for one or more reasons."""

    def __init__(self, *problems: _Problem) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.problems = problems


def _invalid(where: str, message: str, *, code: str = "invalid.schema") -> _SchemaProblem:
    return _SchemaProblem(_Problem(code, where, message))


def parse(raw: object) -> Document:
    """Parses the schema document of a request. Raises BadRequest with a detail for every problem."""
    problems: list[_Problem] = []

    def attempt(read: Callable[..., T], *arguments: Any, default: T) -> T:
        try:
            return read(*arguments)
        except _SchemaProblem as invalid:
            problems.extend(invalid.problems)
            return default

    if not isinstance(raw, Mapping):
        raise BadRequest("The schema must be a JSON object.", code="invalid.schema")
    size = len(jsontext.dumps(raw))
    if size > limits.SCHEMA_CHARACTERS:
        raise BadRequest(
            f"The schema has {size} characters. At most {limits.SCHEMA_CHARACTERS} are allowed.",
            code="schema.too.large",
        )
    problems += _unknown_keywords("", raw.keys(), _DOCUMENT_KEYWORDS, "a schema")
    problems += _frame_problems(raw)
    title = attempt(_text, raw.get("title"), "title", limits.SCHEMA_NAME, default="")
    if raw.get("description") is not None:
        attempt(_text, raw["description"], "description", limits.SCHEMA_DESCRIPTION, default="")
    no_properties: Mapping[str, Any] = {}
    properties = attempt(_properties, raw, default=no_properties)
    parsed = {name: attempt(_field, name, definition, default=None) for name, definition in properties.items()}
    required = attempt(_required, raw, properties, default=frozenset[str]())
    if problems:
        raise BadRequest(
            join_messages([problem.message for problem in problems]),
            code=problems[0].code,
            details=[Detail(problem.code, problem.where) for problem in problems],
        )
    fields = {name: field_ for name, field_ in parsed.items() if field_ is not None}
    normalized = {"$schema": DRAFT_04} | {name: raw[name] for name in raw if raw[name] is not None}
    normalized["title"] = title
    normalized.setdefault("properties", {})
    return Document(title, fields, required, normalized)


def _unknown_keywords(where: str, keywords: Iterable[str], allowed: Iterable[str], subject: str) -> Iterator[_Problem]:
    """A problem for every keyword that is not allowed. `subject` names what has these keywords."""
    listed = ", ".join(sorted(allowed))
    for keyword in sorted(set(keywords) - set(allowed)):
        path = f"{where}.{shorten(keyword)}" if where else shorten(keyword)
        message = f'The keyword "{path}" is not supported. The keywords of {subject} are {listed}.'
        yield _Problem("unknown.keyword", path, message)


def _frame_problems(raw: Mapping[str, Any]) -> Iterator[_Problem]:
    """Problems of the keywords that can have only one value."""
    if raw.get("$schema") not in (None, DRAFT_04, DRAFT_04.rstrip("#")):
        yield _Problem("invalid.schema", "$schema", f'$schema must be "{DRAFT_04}". It can also be left out.')
    if raw.get("type") not in (None, "object"):
        yield _Problem("invalid.schema", "type", 'The type of a schema must be "object". It can also be left out.')
    if raw.get("additionalProperties") is not None and raw["additionalProperties"] is not False:
        message = "additionalProperties must be false. It can also be left out."
        yield _Problem("invalid.schema", "additionalProperties", message)


def _text(value: object, where: str, lengths: Range) -> str:
    low, high = lengths
    if not isinstance(value, str) or (low and not value.strip()) or len(value) > high:
        blank = " that is not blank" if low else ""
        raise _invalid(where, f"{where} must be a string of {low} to {high} characters{blank}.")
    return value.strip()


def _properties(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = raw.get("properties")
    if properties is None:
        return {}
    if not isinstance(properties, Mapping):
        raise _invalid("properties", "properties must be an object of field names and definitions.")
    if len(properties) > limits.MAX_FIELDS:
        message = f"The schema has {len(properties)} fields. At most {limits.MAX_FIELDS} are allowed."
        raise _invalid("properties", message, code="too.many.fields")
    return properties


def _required(raw: Mapping[str, Any], properties: Mapping[str, Any]) -> frozenset[str]:
    required = raw.get("required")
    if required is None:
        return frozenset()
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise _invalid("required", "required must be a list of field names.")
    unknown = [name for name in required if name not in properties]
    if unknown:
        messages = [f'required contains "{shorten(name)}", which is not in properties.' for name in unknown]
        raise _SchemaProblem(*(_Problem("invalid.schema", "required", message) for message in messages))
    return frozenset(required)


# -- fields ------------------------------------------------------------------------------------------------------------


def _field(name: str, definition: object) -> Field:
    low, high = limits.FIELD_NAME
    if not low <= len(name) <= high or not name.strip():
        message = f'The field name "{shorten(name)}" must have {low} to {high} characters and must not be blank.'
        raise _invalid("properties", message)
    where = f"properties.{name}"
    if not isinstance(definition, Mapping):
        raise _invalid(where, f'{where} must be an object, such as {{"type": "string"}}.')
    core, type_keywords = _core_type(where, definition)
    if "title" in definition:
        _text(definition["title"], f"{where}.title", limits.FIELD_TITLE)
    if "description" in definition:
        _text(definition["description"], f"{where}.description", limits.FIELD_DESCRIPTION)

    allowed = type_keywords | _ANNOTATIONS | core.fields.keys() | _KIND_KEYWORDS.get(core.kind, frozenset())
    unknown = tuple(_unknown_keywords(where, definition.keys(), allowed, f"a field of type {core.name}"))
    if unknown:
        raise _SchemaProblem(*unknown)

    kind = core.kind
    items = _items(where, definition.get("items"), core) if kind is AttributeKind.TAG else {}
    enum: tuple[str, ...] = ()
    if kind is AttributeKind.ENUM or "enum" in definition:
        enum, kind = _enum(where, definition.get("enum")), AttributeKind.ENUM
        _check_enum_properties(where, definition.get("_enumProperties"), enum)
    bounds = items | _bounds(where, definition, core.fields)
    return Field(kind, enum=enum, **bounds)


_KIND_KEYWORDS = {
    AttributeKind.STRING: frozenset({"enum"}),
    AttributeKind.ENUM: frozenset({"enum", "_enumProperties"}),
    AttributeKind.TAG: frozenset({"items"}),
}
"""The keywords that only fields of these kinds have, besides their bounds."""


def _core_type(where: str, definition: Mapping[str, Any]) -> tuple[CoreType, frozenset[str]]:
    """The core type of a field and the keywords that name it."""
    if "allOf" in definition:
        if "type" in definition:
            raise _invalid(where, f"{where} has both type and allOf. Use one of them.")
        return _referenced_type(where, definition["allOf"]), frozenset({"allOf"})
    plain_types = ", ".join(sorted(PLAIN_TYPES))
    if "type" not in definition:
        if "enum" in definition:
            return CORE_TYPES["enum"], frozenset()
        message = f"{where} has no type. Set type to one of {plain_types}, or allOf to a core type."
        raise _invalid(where, message, code="unknown.type")
    type_ = definition["type"]
    core = PLAIN_TYPES.get(type_) if isinstance(type_, str) else None
    if core is None:
        message = f"{where}.type must be one of {plain_types}."
        if isinstance(type_, str):
            message = f'{where}.type is "{shorten(type_)}". Use one of {plain_types}.'
        raise _invalid(f"{where}.type", message, code="unknown.type")
    return core, frozenset({"type"})


def _referenced_type(where: str, all_of: object) -> CoreType:
    match all_of:
        case [{"$ref": str(ref), **others}] if not others and ref.startswith(_REF):
            core = CORE_TYPES.get(ref.removeprefix(_REF))
            if core is not None:
                return core
            names = ", ".join(sorted(CORE_TYPES))
            message = f'{where}.allOf refers to "{shorten(ref)}", which is not a core type. The core types are {names}.'
            raise _invalid(where, message, code="unknown.type")
        case _:
            message = f'{where}.allOf must be [{{"$ref": "{_REF}NAME"}}] with the name of a core type, such as text.'
            raise _invalid(f"{where}.allOf", message)


def _items(where: str, items: object, core: CoreType) -> dict[str, Any]:
    where = f"{where}.items"
    if items is None:
        if core is PLAIN_TYPES["array"]:
            raise _invalid(where, f'{where} is missing. An array contains strings: use {{"type": "string"}}.')
        items = {"type": "string"}
    if not isinstance(items, Mapping) or items.get("type") != "string":
        raise _invalid(where, f'{where} must be {{"type": "string"}}. Only lists of strings are supported.',
                       code="unknown.type")  # fmt: skip
    unknown = tuple(_unknown_keywords(where, items.keys(), {*core.item_fields, "type"}, "the items of a list"))
    if unknown:
        raise _SchemaProblem(*unknown)
    return _bounds(where, items, core.item_fields)


def _enum(where: str, values: object) -> tuple[str, ...]:
    if (
        not isinstance(values, list)
        or not values
        or not all(isinstance(value, str) and 0 < len(value) <= _ENUM_VALUE_CHARACTERS for value in values)
        or len(set(values)) != len(values)
    ):
        message = (
            f"{where}.enum must be a list of at least one string. Each string must be different from the others and "
            f"have 1 to {_ENUM_VALUE_CHARACTERS} characters."
        )
        raise _invalid(f"{where}.enum", message)
    return tuple(values)


def _check_enum_properties(where: str, properties: object, enum: tuple[str, ...]) -> None:
    if properties is not None and (not isinstance(properties, Mapping) or not properties.keys() <= set(enum)):
        message = f"{where}._enumProperties must be an object whose names are values of the enum."
        raise _invalid(f"{where}._enumProperties", message)


# -- bounds ------------------------------------------------------------------------------------------------------------

_FIELD_ATTRIBUTES = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minimum": "minimum",
    "maximum": "maximum",
    "minItems": "min_items",
    "maxItems": "max_items",
}
_PAIRS = (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems"))


def _bounds(where: str, definition: Mapping[str, Any], allowed: Mapping[str, Range]) -> dict[str, Any]:
    """The bounds of a field. The upper bound of a length defaults to the largest allowed one."""
    bounds: dict[str, Any] = {}
    for keyword, (low, high) in allowed.items():
        value: Any = definition.get(keyword)
        if value is None and keyword not in definition:
            value = high if keyword in ("maxLength", "maxItems") else None
        else:
            types = (int, Decimal) if keyword in ("minimum", "maximum") else (int,)
            if type(value) not in types or not low <= value <= high:
                noun = "number" if Decimal in types else "whole number"
                raise _invalid(f"{where}.{keyword}", f"{where}.{keyword} must be a {noun} from {low} to {high}.")
        if value is not None:
            bounds[_FIELD_ATTRIBUTES[keyword]] = value
    for low_keyword, high_keyword in _PAIRS:
        lower, upper = bounds.get(_FIELD_ATTRIBUTES[low_keyword]), bounds.get(_FIELD_ATTRIBUTES[high_keyword])
        if lower is not None and upper is not None and lower > upper:
            raise _invalid(where, f"{where}: {low_keyword} is {lower}, but {high_keyword} is {upper}, which is less.")
    return bounds


# -- new versions ------------------------------------------------------------------------------------------------------


def differences(old: Document, new: Document) -> Iterator[tuple[str, str, str]]:
    """The changes that a new version of a schema must not make: (code, field, message) for each.

    Names, kinds and enum values of fields must keep their meaning, because stored events use them. Bounds can change.
    """
    for name, old_field in old.fields.items():
        where = f"properties.{name}"
        new_field = new.fields.get(name)
        if new_field is None:
            message = f'The field "{name}" cannot be removed. Keep it, and leave it out of required.'
            yield "field.removed", where, message
        elif new_field.kind is not old_field.kind:
            message = f'The field "{name}" is of kind {old_field.kind} and cannot become {new_field.kind}.'
            yield "field.kind.changed", where, f"{message} Add a field with another name."
        elif missing := [value for value in old_field.enum if value not in new_field.enum]:
            message = f'The field "{name}" cannot lose the enum values {list_values(missing)}. Values can be added.'
            yield "enum.value.removed", where, message
    for name in sorted(new.required - old.required):
        message = f'The field "{name}" cannot become required, because older events may lack it.'
        yield "field.became.required", f"properties.{name}", message
