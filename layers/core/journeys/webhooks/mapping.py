"""Map a sender's payload to events, with JMESPath expressions.

An endpoint's mapping overrides the default mapping of its sender:

| part | meaning |
| --- | --- |
| `events` | for payloads with several events: an expression that returns their list, which may be empty |
| `id`, `dateCreated`, `customer`, `externalSourceId` | expressions |
| `dateFormat` | `iso` (default), `unix` (seconds), `unix_ms`, or a strptime pattern that includes the day |
| `timeZone` | the time zone of dates without one, such as `Europe/Berlin` |
| `externalIds` | further identifiers of the customer: a list of {externalSourceId, value}, both expressions |
| `attributes` | {attribute: expression}, added to those of the default mapping; null removes one of them |
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
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult

from journeys import dates, jsontext
from journeys.errors import BadRequest, Detail
from journeys.response_size import response_size
from journeys.webhooks.delivery import InvalidPayload
from journeys.webhooks.problems import Problems, shorten

MAX_MAPPING = 40_000
"""Bytes of an endpoint's mapping in a response, so that a page of 100 endpoints fits into one response."""
MAX_EXPRESSION = 1000
"""Characters of an expression."""
_EXPRESSIONS = ("events", "id", "dateCreated", "customer", "externalSourceId")
_TEXTS = ("dateFormat", "timeZone")
_PARTS = (*_EXPRESSIONS, *_TEXTS, "externalIds", "attributes")
_DATE_FORMATS = ("iso", "unix", "unix_ms")
_PROBE = datetime(2001, 11, 27, 15, 42, 36, tzinfo=UTC)
"""A time that differs in every part from strptime's defaults, to find the parts that a pattern leaves out."""


@dataclass(frozen=True, slots=True)
class EventMapping:
    """A compiled mapping. `overridden` are the attributes that the endpoint's own mapping names."""

    events: ParsedResult | None
    id: ParsedResult
    date_created: ParsedResult
    date_format: str
    zone: ZoneInfo | None
    external_ids: tuple[tuple[ParsedResult, ParsedResult], ...]
    attributes: Dict[str, ParsedResult]
    overridden: frozenset[str]

    def to_events(self, payload: Any, fields: Collection[str]) -> list[dict[str, Any]]:
        """Return the events of a payload, in the form of an ingest request. Values that are not found are left out.

        `fields` are the attributes of the schema. Attributes of the default mapping that are not among them are left
        out, because the default mapping cannot know the schema. An empty list is a payload without events.
        Raises InvalidPayload if `events` returns neither a list nor an object.
        """
        items = [payload] if self.events is None else _search(self.events, payload)
        if isinstance(items, dict):
            items = [items]
        if not isinstance(items, list):
            raise InvalidPayload("The expression mapping.events found no list of events in the payload.")
        return [self._to_event(item, fields) for item in items]

    def _to_event(self, payload: Any, fields: Collection[str]) -> dict[str, Any]:
        external_ids = [
            {"externalSourceId": _identifier(_value(source, payload)), "value": _identifier(_value(value, payload))}
            for source, value in self.external_ids
        ]
        first, *others = external_ids
        attributes = {
            name: value
            for name, expression in self.attributes.items()
            if (name in fields or name in self.overridden) and (value := _value(expression, payload)) is not None
        }
        return {
            "id": _identifier(_value(self.id, payload)),
            "dateCreated": self._date(_value(self.date_created, payload)),
            "identifiers": {"externalIds": [first, *(other for other in others if other["value"] is not None)]},
            "attributes": attributes,
        }

    def _date(self, value: Any) -> Any:
        """Return the date in UTC. A value in another format is returned unchanged, and ingest refuses it."""
        try:
            match self.date_format:
                case "unix" | "unix_ms":
                    milliseconds = Decimal(str(value)) * (1000 if self.date_format == "unix" else 1)
                    return dates.text(int(milliseconds))
                case "iso":
                    date = datetime.fromisoformat(value)
                case pattern:
                    date = datetime.strptime(value, pattern)  # The time zone is added below.
            if date.tzinfo is None:
                if self.zone is None:
                    return value
                date = date.replace(tzinfo=self.zone)
            return dates.text((date - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))
        except (ArithmeticError, TypeError, ValueError):
            return value


# -- compiling ---------------------------------------------------------------------------------------------------------


def compile_mapping(default: Dict[str, Any], own: Dict[str, Any]) -> EventMapping:
    """Compile a sender's default mapping with an endpoint's own mapping. Raises BadRequest with every problem."""
    if response_size(own) > MAX_MAPPING:
        raise BadRequest(
            f"The mapping is too large. Use a mapping of at most {MAX_MAPPING} bytes.",
            code="invalid.mapping",
            details=[Detail("mapping.too.large", "mapping")],
        )
    return _compile_cached(jsontext.canonical([default, own]))


@lru_cache(maxsize=1000)
def _compile_cached(canonical: str) -> EventMapping:
    default, own = json.loads(canonical)
    return _Compiler(default, own).compile()


class _Compiler:
    """Compiles one mapping and collects its problems."""

    def __init__(self, default: Dict[str, Any], own: Dict[str, Any]) -> None:
        self._default, self._own = default, own
        self._problems = Problems("invalid.mapping")

    def compile(self) -> EventMapping:
        """Return the compiled mapping. Raises BadRequest."""
        for name in sorted(self._own.keys() - set(_PARTS)):
            self._problem("unknown.part", shorten(name), f"is not a part of a mapping. Use {', '.join(_PARTS)}.")
        overrides = {name: value for name, value in self._own.items() if name in _EXPRESSIONS + _TEXTS}
        merged = {**self._default, **overrides}
        own_attributes = self._own_attributes()
        mapping = EventMapping(
            events=self._expression("events", merged["events"]) if "events" in merged else None,
            id=self._expression("id", merged["id"]),
            date_created=self._expression("dateCreated", merged["dateCreated"]),
            date_format=self._date_format(merged.get("dateFormat", "iso")),
            zone=self._zone(merged.get("timeZone")),
            external_ids=self._external_ids(merged["externalSourceId"], merged["customer"]),
            attributes={
                name: self._expression(f"attributes.{shorten(name)}", text)
                for name, text in {**self._default["attributes"], **own_attributes}.items()
                if text is not None
            },
            overridden=frozenset(own_attributes),
        )
        self._problems.raise_if_any()
        return mapping

    def _problem(self, code: str, field_name: str, sentence: str) -> None:
        self._problems.add(code, f"mapping.{field_name}", f"mapping.{field_name} {sentence}")

    def _own_attributes(self) -> dict[str, Any]:
        attributes = self._own.get("attributes") or {}
        if isinstance(attributes, dict):
            return attributes
        self._problem("invalid.part", "attributes", "must be an object of attributes and their expressions.")
        return {}

    def _external_ids(self, source: Any, customer: Any) -> tuple[tuple[ParsedResult, ParsedResult], ...]:
        """Return the customer's identifier, followed by the further identifiers."""
        further = self._own.get("externalIds") or []
        if not isinstance(further, list) or not all(
            isinstance(item, dict) and item.keys() == {"externalSourceId", "value"} for item in further
        ):
            self._problem("invalid.part", "externalIds", "must be a list of objects with externalSourceId and value.")
            further = []
        return (
            (self._expression("externalSourceId", source), self._expression("customer", customer)),
            *(
                (
                    self._expression(f"externalIds[{index}].externalSourceId", item["externalSourceId"]),
                    self._expression(f"externalIds[{index}].value", item["value"]),
                )
                for index, item in enumerate(further)
            ),
        )

    def _expression(self, field_name: str, text: Any) -> ParsedResult:
        """Compile an expression. After a problem, return one that is never used."""
        if not isinstance(text, str) or not 0 < len(text) <= MAX_EXPRESSION:
            sentence = f"must be a JMESPath expression: a string of 1 to {MAX_EXPRESSION} characters."
            self._problem("invalid.expression", field_name, sentence)
            return jmespath.compile("@")
        try:
            compiled = jmespath.compile(text)
            # Compiling does not check that the functions exist.
            unknown = sorted(set(_functions(compiled.parsed)) - Functions.FUNCTION_TABLE.keys())
        except ParseError as error:
            position = f"at character {error.lex_position + 1}"
            self._problem("invalid.expression", field_name, f"is not a valid JMESPath expression {position}.")
            return jmespath.compile("@")
        except (JMESPathError, ValueError, RecursionError):
            self._problem("invalid.expression", field_name, "is not a valid JMESPath expression.")
            return jmespath.compile("@")
        if unknown:
            functions = ", ".join(sorted(Functions.FUNCTION_TABLE))
            sentence = f'calls the unknown function "{shorten(unknown[0])}". Use one of: {functions}.'
            self._problem("unknown.function", field_name, sentence)
        return compiled

    def _date_format(self, text: Any) -> str:
        if not isinstance(text, str) or not text:
            self._problem("invalid.part", "dateFormat", f"must be {', '.join(_DATE_FORMATS)} or a strptime pattern.")
        elif text not in _DATE_FORMATS and not _is_complete(text):
            sentence = (
                f"must be {', '.join(_DATE_FORMATS)} or a strptime pattern that includes the year, month and day, "
                "and AM or PM with a 12-hour clock, such as %Y-%m-%d %H:%M."
            )
            self._problem("invalid.part", "dateFormat", sentence)
        return str(text)

    def _zone(self, name: Any) -> ZoneInfo | None:
        if name is None:
            return None
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            sentence = "must be the name of a time zone in the IANA database, such as Europe/Berlin."
            self._problem("invalid.part", "timeZone", sentence)
            return None


def _is_complete(pattern: str) -> bool:
    """Whether a strptime pattern includes the day, and the half of the day if it includes the hour."""
    try:
        parsed = datetime.strptime(_PROBE.strftime(pattern), pattern)
    except (ValueError, re.error):  # An unknown or a repeated directive.
        return False
    return parsed.date() == _PROBE.date() and parsed.hour in (0, _PROBE.hour)


def _functions(node: Dict[str, Any]) -> Iterator[str]:
    """Yield the names of the functions that a parsed expression calls."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _functions(child)


# -- evaluating --------------------------------------------------------------------------------------------------------


def _value(expression: ParsedResult, payload: Any) -> Any:
    """Return the result of an expression as a JSON value; None if the expression does not fit the payload."""
    return _to_json_value(_search(expression, payload))


def _search(expression: ParsedResult, payload: Any) -> Any:
    try:
        return expression.search(payload)
    except (JMESPathError, ArithmeticError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return None


def _identifier(value: Any) -> Any:
    """Return an integer as text, because identifiers are strings."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _to_json_value(value: Any) -> Any:
    """Return a value that JSON can represent, with floats as the decimals that were written.

    Expressions can return what JSON cannot represent. Infinity and lone surrogates become text, which the schema
    then refuses. A reference to an expression becomes None.
    """
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else repr(value)
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_to_json_value(item) for item in value]
    if isinstance(value, dict):
        return {_to_json_value(name): _to_json_value(item) for name, item in value.items()}
    return value if isinstance(value, int) else None
