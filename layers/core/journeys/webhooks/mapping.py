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
from collections.abc import Collection
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import jmespath
from jmespath.parser import ParsedResult

from journeys import dates, jsontext
from journeys.date_formats import DateFormat, InvalidDate, InvalidDateFormat, time_zone
from journeys.errors import BadRequest, Detail
from journeys.events.failures.model import INVALID_MAPPING
from journeys.messages import shorten, use_one_of
from journeys.response_size import response_size
from journeys.webhooks.delivery import InvalidPayload
from journeys.webhooks.expressions import Evaluator, InvalidExpression, TooExpensive, compile_expression
from journeys.webhooks.problems import Problems

MAX_MAPPING = 40_000
"""Bytes of an endpoint's mapping in a response, so that a page of 100 endpoints fits into one response."""
_EXPRESSIONS = ("events", "id", "dateCreated", "customer", "externalSourceId")
_TEXTS = ("dateFormat", "timeZone")
_PARTS = (*_EXPRESSIONS, *_TEXTS, "externalIds", "attributes")
_UNUSED = jmespath.compile("@")
"""Stands for an expression with a problem; the mapping is refused and never used."""


@dataclass(frozen=True, slots=True)
class EventMapping:
    """A compiled mapping. `overridden` are the attributes that the endpoint's own mapping names."""

    events: ParsedResult | None
    id: ParsedResult
    date_created: ParsedResult
    date_format: DateFormat
    external_ids: tuple[tuple[ParsedResult, ParsedResult], ...]
    attributes: Dict[str, ParsedResult]
    overridden: frozenset[str]

    def to_events(self, payload: Any, fields: Collection[str], evaluator: Evaluator) -> list[dict[str, Any]]:
        """Return the events of a payload, in the form of an ingest request. Values that are not found are left out.

        `fields` are the attributes of the schema. Attributes of the default mapping that are not among them are left
        out, because the default mapping cannot know the schema. An empty list is a payload without events.
        Raises InvalidPayload if `events` returns neither a list nor an object, or if the expressions exceed the budget
        of `evaluator`, which all payloads of a delivery share.
        """
        try:
            items = [payload] if self.events is None else evaluator.search(self.events, payload)
            if isinstance(items, dict):
                items = [items]
            if not isinstance(items, list):
                raise InvalidPayload("The expression mapping.events found no list of events in the payload.")
            return [self._to_event(item, fields, evaluator.for_event()) for item in items]
        except TooExpensive:
            raise InvalidPayload(
                "The expressions of the mapping take too long for this payload, or a result is too large or nested too "
                "deeply. Use simpler expressions."
            ) from None

    def _to_event(self, payload: Any, fields: Collection[str], evaluator: Evaluator) -> dict[str, Any]:
        def value(expression: ParsedResult) -> Any:
            return evaluator.value(expression, payload)

        external_ids = [
            {"externalSourceId": _identifier(value(source)), "value": _identifier(value(identifier))}
            for source, identifier in self.external_ids
        ]
        first, *others = external_ids
        attributes = {
            name: result
            for name, expression in self.attributes.items()
            if (name in fields or name in self.overridden) and (result := value(expression)) is not None
        }
        return {
            "id": _identifier(value(self.id)),
            "dateCreated": self._date(value(self.date_created)),
            "identifiers": {"externalIds": [first, *(other for other in others if other["value"] is not None)]},
            "attributes": attributes,
        }

    def _date(self, value: Any) -> Any:
        """Return the date in UTC. A value in another format is returned unchanged, and ingest refuses it."""
        try:
            return dates.text(self.date_format.milliseconds(value))
        except (InvalidDate, OverflowError):
            return value


# -- compiling ---------------------------------------------------------------------------------------------------------


def compile_mapping(default: Dict[str, Any], own: Dict[str, Any]) -> EventMapping:
    """Compile a sender's default mapping with an endpoint's own mapping. Raises BadRequest with every problem."""
    if response_size(own) > MAX_MAPPING:
        raise BadRequest(
            f"The mapping is too large. Use a mapping of at most {MAX_MAPPING} bytes.",
            code=INVALID_MAPPING,
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
        self._problems = Problems(INVALID_MAPPING)

    def compile(self) -> EventMapping:
        """Return the compiled mapping. Raises BadRequest."""
        for name in sorted(self._own.keys() - set(_PARTS)):
            self._problem("unknown.part", shorten(name), f"is not a part of a mapping. {use_one_of(_PARTS)}")
        overrides = {name: value for name, value in self._own.items() if name in _EXPRESSIONS + _TEXTS}
        merged = {**self._default, **overrides}
        own_attributes = self._own_attributes()
        mapping = EventMapping(
            events=self._expression("events", merged["events"]) if "events" in merged else None,
            id=self._expression("id", merged["id"]),
            date_created=self._expression("dateCreated", merged["dateCreated"]),
            date_format=self._date_format(merged.get("dateFormat", "iso"), self._zone(merged.get("timeZone"))),
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
        try:
            return compile_expression(text)
        except InvalidExpression as error:
            self._problem(error.code, field_name, f"{error}.")
            return _UNUSED

    def _date_format(self, text: Any, zone: ZoneInfo | None) -> DateFormat:
        try:
            return DateFormat.of(text, zone)
        except InvalidDateFormat as error:
            self._problem("invalid.part", "dateFormat", f"{error}.")
            return DateFormat("iso")

    def _zone(self, name: Any) -> ZoneInfo | None:
        try:
            return time_zone(name) if name is not None else None
        except InvalidDateFormat as error:
            self._problem("invalid.part", "timeZone", f"{error}.")
            return None


def _identifier(value: Any) -> Any:
    """Return an integer as text, because identifiers are strings."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
