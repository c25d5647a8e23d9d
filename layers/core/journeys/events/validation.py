"""The rules by which an event is taken in or refused: pure functions, one rule each."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, DecimalException
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT
from pydantic_core import PydanticCustomError, SchemaValidator, ValidationError, core_schema

from journeys import dates
from journeys.events.model import Event, ExternalId
from journeys.events.refusals import Refusal
from journeys.registry import limits
from journeys.registry.schemas.document import Document, Field
from journeys.registry.schemas.kinds import CORE_TYPES, LARGEST_NUMBER, AttributeKind

MAX_ID_BYTES = 255
MAX_FUTURE_MS = 60 * 60 * 1000
MAX_ITEM_BYTES = 300 * 1024
MAX_MESSAGE = 500
"""Characters of what is said about an attribute: an enum's values may be many, and a request may have 100 events."""
SMALLEST_EXPONENT = -130

PLACEHOLDERS = frozenset(
    {
        "null",
        "(null)",
        "none",
        "(none)",
        "nil",
        "nan",
        "n/a",
        "undefined",
        "unknown",
        "anonymous",
        "(not set)",
        "[object object]",
        "?",
        "-",
        "00000000-0000-0000-0000-000000000000",
    }
)
"""What systems send where they do not know the customer; all such events would become one customer's journey."""

_FIELDS = frozenset({"id", "dateCreated", "identifiers", "attributes"})
_CALENDAR = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # fromisoformat takes weeks as well
_SHOWABLE = re.compile(r"(?!.*\d{4})[A-Za-z_][A-Za-z0-9_.-]{0,63}")
"""How a field's name looks: no spaces, as in names of people, and no long numbers."""


class _EventProblem(Exception):
    def __init__(self, reason: str, message: str, field_name: str | None = None) -> None:
        super().__init__(reason)
        self.refusal = Refusal(reason, message, field_name)


def check(raw: object, validator: "AttributeValidator", now_ms: int) -> Event | Refusal:
    """The event that a sender sent, or why it is refused."""
    try:
        if not isinstance(raw, dict):
            raise _EventProblem("invalid.event", "An event must be a JSON object.")
        date_created = _date(raw.get("dateCreated"), now_ms)
        external_ids = _external_ids(raw.get("identifiers"))
        event_id = _event_id(raw.get("id"))
        if not raw.keys() <= _FIELDS:
            name = min(raw.keys() - _FIELDS)
            raise _EventProblem(
                "unknown.attribute",
                "An event has an id, dateCreated, identifiers and attributes; all else belongs into attributes.",
                _showable(name),
            )
        return Event(event_id, date_created, external_ids, _attributes(raw.get("attributes"), validator))
    except _EventProblem as refused:
        return refused.refusal


def _date(value: object, now_ms: int) -> int:
    """An event has a date, with a zone, not before 1970 and not over an hour ahead."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise _EventProblem("missing.date", "The event has no date.", "dateCreated")
    try:
        moment = dates.parse(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise _EventProblem(
            "invalid.date",
            "The date is not an ISO-8601 date and time with a zone, such as 2026-01-31T09:30:00Z.",
            "dateCreated",
        )
    if moment < 0:
        raise _EventProblem("invalid.date", "The date is before 1970.", "dateCreated")
    if moment > now_ms + MAX_FUTURE_MS:
        raise _EventProblem("date.in.future", "The date is more than an hour in the future.", "dateCreated")
    return moment


def _external_ids(identifiers: object) -> tuple[ExternalId, ...]:
    """An event has a customer: the first of its external ids. The others are held to the same form."""
    where = "identifiers.externalIds"
    external_ids = identifiers.get("externalIds") if isinstance(identifiers, dict) else None
    if external_ids is None or external_ids == []:
        raise _EventProblem("missing.identifier", "The event names no customer.", where)
    if not isinstance(external_ids, list):
        raise _EventProblem("invalid.identifier", "The external ids are not a list.", where)
    return tuple(_external_id(one, f"{where}[{place}]") for place, one in enumerate(external_ids))


def _external_id(raw: object, where: str) -> ExternalId:
    if raw is not None and not isinstance(raw, dict):
        raise _EventProblem("invalid.identifier", "An external id must be an object.", where)
    given: Mapping[str, object] = raw if isinstance(raw, dict) else {}
    parts: list[str] = []
    for name in ("externalSourceId", "value"):
        part = given.get(name)
        if part is None or (isinstance(part, str) and not part.strip()):
            raise _EventProblem("missing.identifier", f"An external id has no {name}.", f"{where}.{name}")
        if not isinstance(part, str):
            raise _EventProblem(
                "invalid.identifier", f"The {name} of an external id must be a text.", f"{where}.{name}"
            )
        if len(part.encode()) > MAX_ID_BYTES:
            raise _EventProblem(
                "invalid.identifier", f"The {name} of an external id is over {MAX_ID_BYTES} bytes.", f"{where}.{name}"
            )
        parts.append(part)
    if parts[1].strip().lower() in PLACEHOLDERS:
        raise _EventProblem(
            "invalid.identifier", "The customer's value is a placeholder, which names nobody.", f"{where}.value"
        )
    return ExternalId(*parts)


def _event_id(value: object) -> str:
    """An event has an id of at most 255 bytes, by which a repeat is known."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise _EventProblem("missing.id", "The event has no id.", "id")
    if not isinstance(value, str):
        raise _EventProblem("invalid.id", "The event's id must be a text.", "id")
    if len(value.encode()) > MAX_ID_BYTES:
        raise _EventProblem("invalid.id", f"The event's id is over {MAX_ID_BYTES} bytes.", "id")
    return value


def _attributes(attributes: object, validator: "AttributeValidator") -> Mapping[str, Any]:
    """An event has at most 50 attributes, each as its schema says."""
    if attributes is None:
        attributes = {}
    if not isinstance(attributes, dict):
        raise _EventProblem("invalid.attribute", "The attributes must be an object.", "attributes")
    if len(attributes) > limits.MAX_FIELDS:
        raise _EventProblem(
            "too.many.attributes",
            f"The event has {len(attributes)} attributes; {limits.MAX_FIELDS} are allowed.",
            "attributes",
        )
    return validator.check(attributes)


def _showable(name: str) -> str:
    """A name that the sender chose may hold a customer's data; one that looks like a field's name is shown."""
    return name if _SHOWABLE.fullmatch(name) else "(a name that is not shown)"


# -- attributes --------------------------------------------------------------------------------------------------------

_REASON_ORDER = {"extra_forbidden": 0, "missing": 1}


class AttributeValidator:
    """What one version of a schema says of attributes, compiled; strict, so `true` is not `1` and `"5"` is not `5`."""

    def __init__(self, document: Document) -> None:
        self._validate = SchemaValidator(
            core_schema.typed_dict_schema(
                {
                    name: core_schema.typed_dict_field(_schema(field), required=name in document.required)
                    for name, field in document.fields.items()
                },
                extra_behavior="forbid",
                strict=True,
            )
        ).validate_python

    def check(self, attributes: dict[str, Any]) -> Mapping[str, Any]:
        """The attributes as they are stored. Raises the refusal of the first that is wrong."""
        try:
            values: Mapping[str, Any] = self._validate(attributes)
            return values
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
        worst = min(found, key=lambda one: _REASON_ORDER.get(one["type"], 2))
        name = str(worst["loc"][0]) if worst["loc"] else ""
        match worst["type"]:
            case "extra_forbidden":
                raise _EventProblem(
                    "unknown.attribute", "The event has an attribute that its schema does not name.",
                    f"attributes.{_showable(name)}",
                )  # fmt: skip
            case "missing":
                raise _EventProblem("missing.attribute", "A required attribute is missing.", f"attributes.{name}")
            case _:
                said = worst["msg"] if len(worst["msg"]) <= MAX_MESSAGE else f"{worst['msg'][:MAX_MESSAGE]}…"
                raise _EventProblem("invalid.attribute", f"{said}.", f"attributes.{name}")


def _schema(field: Field) -> core_schema.CoreSchema:
    match field.kind:
        case AttributeKind.ENUM:
            return core_schema.literal_schema(list(field.enum))
        case AttributeKind.BOOLEAN:
            return core_schema.bool_schema(strict=True)
        case AttributeKind.INTEGER:
            return core_schema.no_info_plain_validator_function(_number(field, "a whole number", (int,)))
        case AttributeKind.NUMBER:
            return core_schema.no_info_plain_validator_function(_number(field, "a number", (int, Decimal)))
        case AttributeKind.DATE:
            return core_schema.no_info_plain_validator_function(_calendar_date)
        case AttributeKind.DATETIME:
            return core_schema.no_info_plain_validator_function(_moment)
        case AttributeKind.TAG:
            return core_schema.list_schema(
                core_schema.str_schema(strict=True, min_length=field.min_length, max_length=field.max_length),
                min_length=field.min_items,
                max_length=field.max_items,
                strict=True,
            )
        case _:
            core = CORE_TYPES.get(field.kind)
            return core_schema.str_schema(
                strict=True,
                min_length=field.min_length,
                max_length=field.max_length,
                pattern=core.pattern if core else None,
            )


def _number(field: Field, kind_name: str, types: tuple[type, ...]) -> Callable[[Any], Any]:
    low = -LARGEST_NUMBER if field.minimum is None else field.minimum
    high = LARGEST_NUMBER if field.maximum is None else field.maximum

    def check_number(value: Any) -> Any:
        if type(value) not in types:
            raise PydanticCustomError("number", f"Input should be {kind_name}")
        if not low <= value <= high:
            raise PydanticCustomError("number", f"Input should be {kind_name} from {low} to {high}")
        if not value:
            return 0  # also where it was written as -0.0 or 0E+200
        if type(value) is Decimal:
            try:
                DYNAMODB_CONTEXT.create_decimal(value)
            except DecimalException:
                raise PydanticCustomError("number", "Input should be a number of up to 38 digits") from None
            if value.adjusted() < SMALLEST_EXPONENT:  # boto3 lets it pass, DynamoDB does not
                raise PydanticCustomError("number", f"Input should be 0 or at least 1E{SMALLEST_EXPONENT} in size")
        return value

    return check_number


def _calendar_date(value: Any) -> Any:
    try:
        if isinstance(value, str) and _CALENDAR.fullmatch(value):
            date.fromisoformat(value)
            return value
    except ValueError:
        pass
    raise PydanticCustomError("date", "Input should be a calendar date, such as 2026-01-31")


def _moment(value: Any) -> Any:
    try:
        if isinstance(value, str):
            dates.parse(value)
            return value
    except ValueError:
        pass
    raise PydanticCustomError("datetime", "Input should be a date and time with a zone, such as 2026-01-31T09:30:00Z")
