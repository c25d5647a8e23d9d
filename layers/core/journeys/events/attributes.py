"""The rules for an event's attributes, which come from the schema of its event type.

Validation is strict: `true` is not `1`, and `"5"` is not `5`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, DecimalException
from functools import lru_cache
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT
from pydantic_core import PydanticCustomError, SchemaValidator, ValidationError, core_schema

from journeys import dates
from journeys.events.refusals import EventProblem, InvalidEvent
from journeys.messages import closest, list_values
from journeys.registry.schemas.document import Document, Field
from journeys.registry.schemas.kinds import CORE_TYPES, LARGEST_NUMBER, AttributeKind

SMALLEST_EXPONENT = -130
"""DynamoDB stores no number closer to zero than 1E-130."""

MAX_MESSAGE = 500
"""Characters of one message: enum values can be long, and a request can hold 100 refused events."""
MAX_SUGGESTIONS = 3
"""How many unknown attributes of one event are compared with the schema's; each comparison takes up to 7 ms."""
MAX_COMPARED_NAME = 40

_CALENDAR_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # date.fromisoformat also accepts weeks
_SHOWABLE_NAME = re.compile(r"(?!.*\d{4})[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_HIDDEN_NAME = "(a name that is not shown)"

_ERROR_ORDER = {"extra_forbidden": 0, "missing": 1}
_TOO_PRECISE = "number_precision"
_TOO_SMALL = "number_exponent"


def showable_name(name: str) -> str:
    """The name of a field, or a placeholder if the name may contain a customer's data.

    Senders choose the names of unknown fields. A name with spaces or with four digits in a row may be personal data.
    """
    return name if _SHOWABLE_NAME.fullmatch(name) else _HIDDEN_NAME


class AttributeValidator:
    """Validates attributes against one version of a schema. The schema is compiled once."""

    def __init__(self, document: Document) -> None:
        self._fields = document.fields
        self._closest_name = lru_cache(maxsize=256)(self._find_closest_name)
        self._validate = SchemaValidator(
            core_schema.typed_dict_schema(
                {
                    name: core_schema.typed_dict_field(_core_schema(field), required=name in document.required)
                    for name, field in document.fields.items()
                },
                extra_behavior="forbid",
                strict=True,
            )
        ).validate_python

    def check(self, attributes: dict[str, Any]) -> Mapping[str, Any]:
        """The attributes as they are stored. Raises InvalidEvent with a problem for every invalid attribute."""
        try:
            values: Mapping[str, Any] = self._validate(attributes)
            return values
        except ValidationError as error:
            errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidEvent(*self._problems(errors))

    def _problems(self, errors: list[Any]) -> Iterator[EventProblem]:
        """One problem per attribute: unknown attributes first, then missing ones, then invalid values."""
        reported: set[str] = set()
        unknown = 0
        for error in sorted(errors, key=lambda error: _ERROR_ORDER.get(error["type"], 2)):
            name = str(error["loc"][0]) if error["loc"] else ""
            if name in reported:
                continue
            reported.add(name)
            match error["type"]:
                case "extra_forbidden":
                    unknown += 1
                    yield self._unknown(name, suggest=unknown <= MAX_SUGGESTIONS)
                case "missing":
                    message = f'The required attribute "{name}" is missing.'
                    yield EventProblem("missing.attribute", message, f"attributes.{name}")
                case error_type:
                    message = f'The attribute "{name}" must be {_requirement(self._fields[name], error_type)}'
                    if len(message) >= MAX_MESSAGE:
                        message = f"{message[: MAX_MESSAGE - 2]}…"
                    yield EventProblem("invalid.attribute", f"{message}.", f"attributes.{name}")

    def _unknown(self, name: str, *, suggest: bool) -> EventProblem:
        shown = showable_name(name)
        subject = f'The attribute "{shown}"' if shown == name else "An attribute whose name is not shown"
        known = self._closest_name(name) if suggest and len(name) <= MAX_COMPARED_NAME else None
        hint = f' Did you mean "{known}"?' if known else ""
        return EventProblem("unknown.attribute", f"{subject} is not in the schema.{hint}", f"attributes.{shown}")

    def _find_closest_name(self, name: str) -> str | None:
        return closest(name, (known for known in self._fields if len(known) <= MAX_COMPARED_NAME))


# -- what the schema requires, in words --------------------------------------------------------------------------------


def _requirement(field: Field, error_type: str) -> str:
    """What the value of a field must be. Completes the sentence 'The attribute "x" must be ...'."""
    if error_type == _TOO_PRECISE:
        return "a number with at most 38 digits"
    if error_type == _TOO_SMALL:
        return f"0 or a number that is at least 1E{SMALLEST_EXPONENT} in size"
    match field.kind:
        case AttributeKind.ENUM:
            return f"one of {list_values(field.enum)}" if len(field.enum) > 1 else field.enum[0]
        case AttributeKind.BOOLEAN:
            return "true or false"
        case AttributeKind.INTEGER:
            return f"a whole number{_range(field)}"
        case AttributeKind.NUMBER:
            return f"a number{_range(field)}"
        case AttributeKind.DATE:
            return "a calendar date, such as 2026-01-31"
        case AttributeKind.DATETIME:
            return "a date and time with a time zone, such as 2026-01-31T09:30:00Z"
        case AttributeKind.TAG:
            size = _count(field.min_items, field.max_items, "item")
            return f"a list{size}; each item must be a string{_count(field.min_length, field.max_length, 'character')}"
        case AttributeKind.URL:
            return f"a URL that begins with http:// or https://{_length(field)}"
        case AttributeKind.IDENTIFIER:
            return f"a string without white space{_length(field)}"
        case _:
            return f"a string{_count(field.min_length, field.max_length, 'character')}"


def _range(field: Field) -> str:
    low, high = field.minimum, field.maximum
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    if high is not None:
        return f" of at most {high}"
    return f" from -{LARGEST_NUMBER:.0e} to {LARGEST_NUMBER:.0e}"


def _length(field: Field) -> str:
    return _count(field.min_length, field.max_length, "character").replace(" of ", ", with ", 1)


def _count(low: int | None, high: int | None, unit: str) -> str:
    if low and high is not None:
        return f" of {low} to {high} {unit}s" if low != high else f" of {low} {unit}{'s' * (low != 1)}"
    if low:
        return f" of at least {low} {unit}{'s' * (low != 1)}"
    if high is not None:
        return f" of at most {high} {unit}{'s' * (high != 1)}"
    return ""


# -- compiling the schema ----------------------------------------------------------------------------------------------


def _core_schema(field: Field) -> core_schema.CoreSchema:
    match field.kind:
        case AttributeKind.ENUM:
            return core_schema.literal_schema(list(field.enum))
        case AttributeKind.BOOLEAN:
            return core_schema.bool_schema(strict=True)
        case AttributeKind.INTEGER:
            return core_schema.no_info_plain_validator_function(_number_validator(field, (int,)))
        case AttributeKind.NUMBER:
            return core_schema.no_info_plain_validator_function(_number_validator(field, (int, Decimal)))
        case AttributeKind.DATE:
            return core_schema.no_info_plain_validator_function(_validate_calendar_date)
        case AttributeKind.DATETIME:
            return core_schema.no_info_plain_validator_function(_validate_datetime)
        case AttributeKind.TAG:
            return core_schema.list_schema(
                core_schema.str_schema(strict=True, min_length=field.min_length, max_length=field.max_length),
                min_length=field.min_items,
                max_length=field.max_items,
                strict=True,
                fail_fast=True,
            )
        case _:
            core = CORE_TYPES.get(field.kind)
            return core_schema.str_schema(
                strict=True,
                min_length=field.min_length,
                max_length=field.max_length,
                pattern=core.pattern if core else None,
            )


def _number_validator(field: Field, types: tuple[type, ...]) -> Callable[[Any], Any]:
    low = -LARGEST_NUMBER if field.minimum is None else field.minimum
    high = LARGEST_NUMBER if field.maximum is None else field.maximum

    def validate(value: Any) -> Any:
        if type(value) not in types or not low <= value <= high:
            raise PydanticCustomError("number", "not a number within the bounds")
        if not value:
            return 0  # also for -0.0 and 0E+200
        if type(value) is Decimal:
            try:
                DYNAMODB_CONTEXT.create_decimal(value)
            except DecimalException:
                raise PydanticCustomError(_TOO_PRECISE, "too many digits") from None
            if value.adjusted() < SMALLEST_EXPONENT:  # boto3 accepts such a number, DynamoDB does not
                raise PydanticCustomError(_TOO_SMALL, "too close to zero")
        return value

    return validate


def _validate_calendar_date(value: Any) -> Any:
    try:
        if isinstance(value, str) and _CALENDAR_DATE.fullmatch(value):
            date.fromisoformat(value)
            return value
    except ValueError:
        pass
    raise PydanticCustomError("date", "not a calendar date")


def _validate_datetime(value: Any) -> Any:
    try:
        if isinstance(value, str):
            dates.parse(value)
            return value
    except ValueError:
        pass
    raise PydanticCustomError("datetime", "not a date and time with a time zone")
