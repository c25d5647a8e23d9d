"""From a sender's payload to an event: JMESPath expressions, of a sender's preset and of the endpoint's own.

| part | what it says |
| --- | --- |
| `events` | where one payload holds many events: an expression that answers their list, which may be empty |
| `id`, `dateCreated`, `customer`, `externalSourceId` | expressions |
| `dateFormat` | `iso` (default), `unix` (seconds), `unix_ms`, or a pattern of Python's strptime that tells the day |
| `timeZone` | the zone of dates that have none, such as `Europe/Berlin` |
| `externalIds` | further names of the customer: a list of {externalSourceId, value}, both expressions |
| `attributes` | {attribute: expression}, added to the preset's; null takes one of the preset's away |
"""

import json
import math
import re
from collections.abc import Collection, Iterator
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult

from journeys import dates, jsontext
from journeys.errors import BadRequest, Detail
from journeys.response_size import response_size
from journeys.webhooks.delivery import Unreadable

MAX_MAPPING = 40_000
"""Bytes of an endpoint's mapping as an answer holds it, so that a page of 100 endpoints fits into one."""
MAX_EXPRESSION = 1000
_EXPRESSIONS = ("events", "id", "dateCreated", "customer", "externalSourceId")
_TEXTS = ("dateFormat", "timeZone")
_PARTS = frozenset({*_EXPRESSIONS, *_TEXTS, "externalIds", "attributes"})
_DATE_FORMATS = ("iso", "unix", "unix_ms")
_AFTERNOON = datetime(2001, 11, 27, 15, 42, 36, tzinfo=UTC)
"""A moment of which no part is what strptime takes where a pattern has none."""


@dataclass(frozen=True, slots=True)
class EventMapping:
    """A mapping, compiled. `always` names the attributes that the endpoint itself asked for."""

    events: ParsedResult | None
    id: ParsedResult
    date_created: ParsedResult
    date_format: str
    zone: ZoneInfo | None
    external_ids: tuple[tuple[ParsedResult, ParsedResult], ...]
    attributes: Dict[str, ParsedResult]
    always: frozenset[str]

    def events_of(self, payload: Any, fields: Collection[str]) -> list[dict[str, Any]]:
        """The events of a payload, as a sender of events would send them; what is missing is left out.

        Attributes of the preset that the schema does not name are left out too, since a preset cannot know the schema.
        Raises Unreadable where `events` finds neither a list nor one event; an empty list is a payload without events.
        """
        parts = [payload] if self.events is None else _searched(self.events, payload)
        if isinstance(parts, dict):
            parts = [parts]
        if not isinstance(parts, list):
            raise Unreadable("mapping.events finds no events in the payload.")
        return [self._event(part, fields) for part in parts]

    def _event(self, payload: Any, fields: Collection[str]) -> dict[str, Any]:
        external_ids = [
            {"externalSourceId": _text(_found(source, payload)), "value": _text(_found(value, payload))}
            for source, value in self.external_ids
        ]
        first, *others = external_ids
        attributes = {
            name: value
            for name, expression in self.attributes.items()
            if (name in fields or name in self.always) and (value := _found(expression, payload)) is not None
        }
        return {
            "id": _text(_found(self.id, payload)),
            "dateCreated": self._date(_found(self.date_created, payload)),
            "identifiers": {"externalIds": [first, *(one for one in others if one["value"] is not None)]},
            "attributes": attributes,
        }

    def _date(self, value: Any) -> Any:
        """A date with its zone; one that is not as the mapping says stays as it is, for ingest to refuse."""
        try:
            match self.date_format:
                case "unix" | "unix_ms":
                    milliseconds = Decimal(str(value)) * (1000 if self.date_format == "unix" else 1)
                    return dates.text(int(milliseconds))
                case "iso":
                    moment = datetime.fromisoformat(value)
                case pattern:
                    moment = datetime.strptime(value, pattern)  # the zone comes next
            if moment.tzinfo is None:
                if self.zone is None:
                    return value
                moment = moment.replace(tzinfo=self.zone)
            return dates.text((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))
        except (ArithmeticError, TypeError, ValueError):
            return value


@lru_cache(maxsize=1000)
def _compiled(written: str) -> EventMapping:
    preset, own = json.loads(written)
    return _compile(preset, own)


def compile_mapping(preset: Dict[str, Any], own: Dict[str, Any]) -> EventMapping:
    """A sender's preset with an endpoint's changes to it. Raises BadRequest with every part that is wrong."""
    if response_size(own) > MAX_MAPPING:
        raise BadRequest(
            f"The mapping is larger than {MAX_MAPPING} bytes.",
            code="invalid.mapping",
            details=[Detail("mapping.too.large", "mapping")],
        )
    return _compiled(jsontext.canonical([preset, own]))


def _compile(preset: Dict[str, Any], own: Dict[str, Any]) -> EventMapping:
    problems: list[tuple[Detail, str]] = []

    def refuse(code: str, where: str, sentence: str) -> None:
        problems.append((Detail(code, f"mapping.{where}"), sentence))

    def expression(where: str, text: Any) -> ParsedResult:
        if not isinstance(text, str) or not 0 < len(text) <= MAX_EXPRESSION:
            refuse("invalid.expression", where, f"mapping.{where} must be a JMESPath expression.")
            return jmespath.compile("@")
        try:
            compiled = jmespath.compile(text)
            if set(_functions(compiled.parsed)) <= Functions.FUNCTION_TABLE.keys():  # which compiling does not look at
                return compiled
            refuse("unknown.function", where, f"mapping.{where} calls a function that JMESPath does not have.")
        except (JMESPathError, ValueError, RecursionError):
            refuse("invalid.expression", where, f"mapping.{where} is not a valid JMESPath expression.")
        return jmespath.compile("@")

    for name in sorted(own.keys() - _PARTS):
        refuse("unknown.part", name, f"mapping.{name} is not a part of a mapping.")
    attributes = own.get("attributes") or {}
    if not isinstance(attributes, dict):
        refuse("invalid.part", "attributes", "mapping.attributes must be an object.")
        attributes = {}
    further = own.get("externalIds") or []
    if not isinstance(further, list) or not all(
        isinstance(one, dict) and one.keys() == {"externalSourceId", "value"} for one in further
    ):
        refuse("invalid.part", "externalIds", "mapping.externalIds must list objects of externalSourceId and value.")
        further = []
    merged = {**preset, **{name: value for name, value in own.items() if name in _EXPRESSIONS or name in _TEXTS}}
    wanted = {name: text for name, text in {**preset["attributes"], **attributes}.items() if text is not None}
    date_format, zone_name, zone = merged.get("dateFormat", "iso"), merged.get("timeZone"), None
    if not isinstance(date_format, str) or not date_format:
        refuse("invalid.part", "dateFormat", "mapping.dateFormat must be iso, unix, unix_ms or a pattern.")
    elif date_format not in _DATE_FORMATS and not _tells_the_moment(date_format):
        refuse("invalid.part", "dateFormat", "mapping.dateFormat must be a pattern of strptime that tells the day.")
    if zone_name is not None:
        try:
            zone = ZoneInfo(zone_name)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            refuse("invalid.part", "timeZone", "mapping.timeZone must name a zone, such as Europe/Berlin.")
    mapping = EventMapping(
        events=expression("events", merged["events"]) if "events" in merged else None,
        id=expression("id", merged["id"]),
        date_created=expression("dateCreated", merged["dateCreated"]),
        date_format=date_format,
        zone=zone,
        external_ids=(
            (expression("externalSourceId", merged["externalSourceId"]), expression("customer", merged["customer"])),
            *(
                (
                    expression(f"externalIds[{place}].externalSourceId", one["externalSourceId"]),
                    expression(f"externalIds[{place}].value", one["value"]),
                )
                for place, one in enumerate(further)
            ),
        ),
        attributes={name: expression(f"attributes.{name}", text) for name, text in wanted.items()},
        always=frozenset(attributes),
    )
    if problems:
        raise BadRequest(
            " ".join(sentence for _, sentence in problems[:5]),
            code="invalid.mapping",
            details=[detail for detail, _ in problems],
        )
    return mapping


def _tells_the_moment(pattern: str) -> bool:
    """Whether a date written by a pattern is read by it again: the day always, and the hour where it is written."""
    try:
        read = datetime.strptime(_AFTERNOON.strftime(pattern), pattern)
    except (ValueError, re.error):  # a directive that there is not, or is twice
        return False
    return read.date() == _AFTERNOON.date() and read.hour in (0, _AFTERNOON.hour)


def _functions(node: Dict[str, Any]) -> Iterator[str]:
    """The names of the functions that a parsed expression calls."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _functions(child)


def _found(expression: ParsedResult, payload: Any) -> Any:
    """What an expression finds, as an event may hold it; nothing where the payload does not suit it."""
    return _exact(_searched(expression, payload))


def _searched(expression: ParsedResult, payload: Any) -> Any:
    try:
        return expression.search(payload)
    except (JMESPathError, ArithmeticError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return None


def _text(value: Any) -> Any:
    """Numbers that name something become texts; ids are texts."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _exact(value: Any) -> Any:
    """A value as JSON has it, all the way down, with a float as the decimal that was written.

    Expressions can make what JSON has not: infinity, half a character, a reference to an expression. The first two
    become text, which no schema takes for what it is not; the last is nothing.
    """
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else repr(value)
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_exact(one) for one in value]
    if isinstance(value, dict):
        return {_exact(name): _exact(one) for name, one in value.items()}
    return value if isinstance(value, int) else None
