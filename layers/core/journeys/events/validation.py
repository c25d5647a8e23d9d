"""The rules by which an event is accepted or refused: pure functions, one rule each."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Any

from journeys import dates
from journeys.events.attributes import AttributeValidator, showable_name
from journeys.events.model import Event, ExternalId
from journeys.events.refusals import EventProblem, InvalidEvent, Refusal
from journeys.registry import limits

MAX_ID_BYTES = 255
MAX_FUTURE_MS = 60 * 60 * 1000
MAX_ITEM_BYTES = 300 * 1024
MAX_PROBLEMS_PER_RULE = 50
"""How many problems one rule reports, so that an event of 1 MiB does not produce a million of them."""

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
"""Values that systems send if they do not know the customer. All such events would share one customer's journey."""

_FIELDS = ("id", "dateCreated", "identifiers", "attributes")
_FIELD_SET = frozenset(_FIELDS)
_EXTERNAL_IDS = "identifiers.externalIds"


def check(raw: object, validator: AttributeValidator, now_ms: int) -> Event | Refusal:
    """The event, or a refusal with every rule that the event breaks.

    A valid event is checked once. Only if a rule fails, the remaining rules are checked to report all problems.
    """
    try:
        return _event(raw, validator, now_ms)
    except InvalidEvent:
        return Refusal.of(_problems(raw, validator, now_ms))


def _event(raw: object, validator: AttributeValidator, now_ms: int) -> Event:
    """Raises InvalidEvent for the first rule that the event breaks."""
    if not isinstance(raw, dict):
        raise InvalidEvent(EventProblem("invalid.event", "An event must be a JSON object."))
    date_created = _date(raw.get("dateCreated"), now_ms)
    external_ids = _external_ids(raw.get("identifiers"))
    event_id = _event_id(raw.get("id"))
    _check_field_names(raw)
    return Event(event_id, date_created, external_ids, _attributes(raw.get("attributes"), validator))


def _problems(raw: object, validator: AttributeValidator, now_ms: int) -> list[EventProblem]:
    """Every rule that an invalid event breaks, in the order of the rules."""
    if not isinstance(raw, dict):
        return [EventProblem("invalid.event", "An event must be a JSON object.")]
    rules: tuple[Callable[[], object], ...] = (
        partial(_date, raw.get("dateCreated"), now_ms),
        partial(_external_ids, raw.get("identifiers")),
        partial(_event_id, raw.get("id")),
        partial(_check_field_names, raw),
        partial(_attributes, raw.get("attributes"), validator),
    )
    problems: list[EventProblem] = []
    for rule in rules:
        try:
            rule()
        except InvalidEvent as invalid:
            problems += invalid.problems
    return problems


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _date(value: object, now_ms: int) -> int:
    """An event has a date with a time zone, not before 1970 and at most one hour in the future."""
    if _is_blank(value):
        raise InvalidEvent(EventProblem("missing.date", "The event has no date. Set dateCreated.", "dateCreated"))
    try:
        moment = dates.parse(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        problem = "dateCreated must be an ISO-8601 date and time with a time zone, such as 2026-01-31T09:30:00Z."
        raise InvalidEvent(EventProblem("invalid.date", problem, "dateCreated"))
    if moment < 0:
        problem = "dateCreated is before 1970. Use a date from 1970-01-01T00:00:00Z on."
        raise InvalidEvent(EventProblem("invalid.date", problem, "dateCreated"))
    if moment > now_ms + MAX_FUTURE_MS:
        problem = "dateCreated is more than one hour in the future. Check the clock and the time zone of the sender."
        raise InvalidEvent(EventProblem("date.in.future", problem, "dateCreated"))
    return moment


def _external_ids(identifiers: object) -> tuple[ExternalId, ...]:
    """An event has a customer: the first external id. The same rules apply to every external id."""
    external_ids = identifiers.get("externalIds") if isinstance(identifiers, dict) else None
    if external_ids is None or external_ids == []:
        problem = f"The event has no customer identifier. Set {_EXTERNAL_IDS}."
        raise InvalidEvent(EventProblem("missing.identifier", problem, _EXTERNAL_IDS))
    if not isinstance(external_ids, list):
        problem = f'{_EXTERNAL_IDS} must be a list of {{"externalSourceId", "value"}}.'
        raise InvalidEvent(EventProblem("invalid.identifier", problem, _EXTERNAL_IDS))
    try:
        return tuple([_external_id(raw, index) for index, raw in enumerate(external_ids)])
    except InvalidEvent:
        problems = (problem for index, raw in enumerate(external_ids) for problem in _id_problems(raw, index))
        raise InvalidEvent(*islice(problems, MAX_PROBLEMS_PER_RULE)) from None


def _id_problems(raw: object, index: int) -> tuple[EventProblem, ...]:
    try:
        _external_id(raw, index)
    except InvalidEvent as invalid:
        return invalid.problems
    return ()


def _external_id(raw: object, index: int) -> ExternalId:
    where = f"{_EXTERNAL_IDS}[{index}]"
    if raw is not None and not isinstance(raw, dict):
        problem = f'{where} must be an object: {{"externalSourceId": ..., "value": ...}}.'
        raise InvalidEvent(EventProblem("invalid.identifier", problem, where))
    fields: Mapping[str, object] = raw if isinstance(raw, dict) else {}
    parts: list[str] = []
    for name in ("externalSourceId", "value"):
        part = fields.get(name)
        if _is_blank(part):
            raise InvalidEvent(EventProblem("missing.identifier", f"{where}.{name} is missing.", f"{where}.{name}"))
        if not isinstance(part, str) or len(part.encode()) > MAX_ID_BYTES:
            problem = f"{where}.{name} must be a string of at most {MAX_ID_BYTES} bytes in UTF-8."
            raise InvalidEvent(EventProblem("invalid.identifier", problem, f"{where}.{name}"))
        parts.append(part)
    if is_placeholder(parts[1]):
        problem = f"{where}.value is a placeholder that identifies no customer."
        raise InvalidEvent(EventProblem("invalid.identifier", problem, f"{where}.value"))
    return ExternalId(*parts)


def is_placeholder(value: str) -> bool:
    """Whether a value stands for an unknown customer."""
    return value.strip().lower() in PLACEHOLDERS


def _event_id(value: object) -> str:
    """An event has an id of at most 255 bytes. Duplicates are recognized by it."""
    if _is_blank(value):
        raise InvalidEvent(EventProblem("missing.id", "The event has no id. Set id.", "id"))
    if not isinstance(value, str) or len(value.encode()) > MAX_ID_BYTES:
        problem = f"id must be a string of at most {MAX_ID_BYTES} bytes in UTF-8."
        raise InvalidEvent(EventProblem("invalid.id", problem, "id"))
    return value


def _check_field_names(raw: Mapping[str, object]) -> None:
    """An event has no other fields than those of the contract."""
    if raw.keys() <= _FIELD_SET:
        return
    unknown = sorted(raw.keys() - _FIELD_SET)[:MAX_PROBLEMS_PER_RULE]
    allowed = f"Allowed fields: {', '.join(_FIELDS)}. Put all other values into attributes."
    raise InvalidEvent(*(_unknown_field(name, allowed) for name in unknown))


def _unknown_field(name: str, allowed: str) -> EventProblem:
    shown = showable_name(name)
    subject = f'"{shown}"' if shown == name else "A field whose name is not shown"
    return EventProblem("unknown.attribute", f"{subject} is not a field of an event. {allowed}", shown)


def _attributes(attributes: object, validator: AttributeValidator) -> Mapping[str, Any]:
    """An event has at most 50 attributes, each as the schema says."""
    if attributes is None:
        attributes = {}
    if not isinstance(attributes, dict):
        raise InvalidEvent(EventProblem("invalid.attribute", "attributes must be a JSON object.", "attributes"))
    if len(attributes) > limits.MAX_FIELDS:
        problem = f"The event has {len(attributes)} attributes. At most {limits.MAX_FIELDS} are allowed."
        raise InvalidEvent(EventProblem("too.many.attributes", problem, "attributes"))
    return validator.check(attributes)
