"""Map a sender's payload to events, with JMESPath expressions.

An endpoint's own mapping overrides the preset of its sender:

| part | meaning |
| --- | --- |
| `events` | for payloads with several events: an expression that returns their list, which may be empty |
| `id`, `dateCreated`, `customer`, `externalSourceId` | expressions |
| `dateFormat` | `iso` (default), `unix` (seconds), `unix_ms`, or a strptime pattern that includes the day |
| `timeZone` | the time zone of dates without one, such as `Europe/Berlin` |
| `externalIds` | further identifiers of the customer: a list of {externalSourceId, value}, both expressions |
| `attributes` | {attribute: expression}, added to those of the preset; null removes one of them |

A preset lists the customer's identifiers in `externalIds`, in the order of preference. The first one that a payload
holds names the journey, and the others are stored with the event. An own `customer` comes before them all and must be
in every payload. Presets of version 1 have a `customer` instead.
"""

import json
from collections.abc import Callable, Collection
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import jmespath
from jmespath.parser import ParsedResult

from journeys import dates, jsontext
from journeys.cache import RecentlyUsed
from journeys.date_formats import DateFormat, InvalidDate, InvalidDateFormat, time_zone
from journeys.errors import BadRequest, Detail
from journeys.events.failures.model import INVALID_MAPPING
from journeys.events.validation import is_placeholder
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
MAX_CACHED_BYTES = 128 * 1024**2
"""Bytes of the mappings that a process keeps compiled."""
BYTES_PER_CHARACTER = 120
"""The most memory that a character of a mapping takes when it is compiled. To measure each would take longer."""
_compiled: "RecentlyUsed[str, EventMapping]" = RecentlyUsed(MAX_CACHED_BYTES)
_UNUSED = jmespath.compile("@")
"""Stands for an expression with a problem; the mapping is refused and never used."""


@dataclass(frozen=True, slots=True)
class EventMapping:
    """A compiled mapping. `overridden` are the attributes that the endpoint's own mapping names.

    `external_ids` are in the order of preference. With `customer_required`, the first of them must be found. With
    `omit_empty`, identifiers and attributes that are empty texts are left out, as if they were null, and so are
    identifiers such as `undefined`, which senders write if they do not know the customer.
    """

    events: ParsedResult | None
    id: ParsedResult
    date_created: ParsedResult
    date_format: DateFormat
    external_ids: tuple[tuple[ParsedResult, ParsedResult], ...]
    customer_required: bool
    omit_empty: bool
    attributes: Dict[str, ParsedResult]
    overridden: frozenset[str]

    def items(self, payload: Any, evaluator: Evaluator) -> list[Any]:
        """Return the parts of a payload of which each becomes an event. An empty list is a payload without events.

        Raises InvalidPayload if `events` returns neither a list nor an object, or if its evaluation exceeds the budget
        of `evaluator`, which all payloads of a delivery share.
        """
        try:
            items = [payload] if self.events is None else evaluator.search(self.events, payload)
        except TooExpensive:
            raise _too_expensive() from None
        if isinstance(items, dict):
            items = [items]
        if not isinstance(items, list):
            raise InvalidPayload("The expression mapping.events found no list of events in the payload.")
        return items

    def to_event(self, item: Any, fields: Collection[str], evaluator: Evaluator) -> dict[str, Any]:
        """Return the event of an item, in the form of an ingest request. Values that are not found are left out.

        `fields` are the attributes of the schema. Attributes of the preset that are not among them are left out,
        because the preset cannot know the schema. Raises InvalidPayload if the expressions exceed the budget.
        """
        try:
            return self._to_event(item, fields, evaluator)
        except TooExpensive:
            raise _too_expensive() from None

    def to_events(self, payload: Any, fields: Collection[str], evaluator: Evaluator) -> list[dict[str, Any]]:
        """Return the events of all items of a payload. Raises InvalidPayload."""
        return [self.to_event(item, fields, evaluator.for_event()) for item in self.items(payload, evaluator)]

    def _to_event(self, item: Any, fields: Collection[str], evaluator: Evaluator) -> dict[str, Any]:
        def value(expression: ParsedResult) -> Any:
            result = evaluator.value(expression, item)
            return None if self.omit_empty and isinstance(result, str) and not result.strip() else result

        return {
            "id": _identifier(value(self.id)),
            "dateCreated": self._date(value(self.date_created)),
            "identifiers": {"externalIds": self._external_ids(value)},
            "attributes": {
                name: result
                for name, expression in self.attributes.items()
                if (name in fields or name in self.overridden) and (result := value(expression)) is not None
            },
        }

    def _external_ids(self, value: Callable[[ParsedResult], Any]) -> list[dict[str, Any]]:
        """Return the identifiers that the item holds. Those of later presets are returned once each."""
        external_ids: list[dict[str, Any]] = []
        for index, (source, identifier) in enumerate(self.external_ids):
            found_value = _identifier(value(identifier))
            if self.omit_empty and isinstance(found_value, str):
                found_value = found_value.strip()
            external_id = {"externalSourceId": _identifier(value(source)), "value": found_value}
            if self._is_found(external_id, external_ids) or (index == 0 and self.customer_required):
                external_ids.append(external_id)
        return external_ids

    def _is_found(self, external_id: dict[str, Any], found: list[dict[str, Any]]) -> bool:
        """Whether an identifier is to be stored. Later presets omit repeated ones and placeholders."""
        value = external_id["value"]
        if not self.omit_empty:
            return value is not None
        return value is not None and external_id not in found and not is_placeholder(str(value))

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


def effective_mapping(default: Dict[str, Any], own: Dict[str, Any]) -> dict[str, Any]:
    """Return the mapping that results from a preset and an endpoint's own mapping, in the form of a preset.

    `externalIds` has all identifiers in the order of preference, that of `customer` included.
    """
    overrides = {name: value for name, value in own.items() if name in _EXPRESSIONS + _TEXTS}
    merged = {**default, **overrides}
    attributes = {**default["attributes"], **(own.get("attributes") or {})}
    shown = {name: merged[name] for name in ("events", "id", "dateCreated", "dateFormat", "timeZone") if name in merged}
    return shown | {
        "externalIds": [*_preferred(default, own), *(own.get("externalIds") or [])],
        "attributes": {name: expression for name, expression in attributes.items() if expression is not None},
    }


def _preferred(default: Dict[str, Any], own: Dict[str, Any]) -> list[dict[str, Any]]:
    """Return the customer's identifiers in the order of preference, without the endpoint's own `externalIds`."""
    preferred = list(default.get("externalIds", ()))
    first_source = preferred[0]["externalSourceId"] if preferred else default["externalSourceId"]
    source = own.get("externalSourceId", first_source)
    if "customer" in own or "customer" in default:
        return [{"externalSourceId": source, "value": own.get("customer", default.get("customer"))}, *preferred]
    return [preferred[0] | {"externalSourceId": source}, *preferred[1:]]


def _compile_cached(canonical: str) -> EventMapping:
    compiled = _compiled.get(canonical)
    if compiled is None:
        default, own = json.loads(canonical)
        compiled = _Compiler(default, own).compile()
        _compiled.put(canonical, compiled, BYTES_PER_CHARACTER * len(canonical))
    return compiled


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
            external_ids=self._external_ids(),
            customer_required="customer" in merged,
            omit_empty="externalIds" in self._default,
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
        if isinstance(attributes, dict) and "" not in attributes:
            return attributes
        self._problem(
            "invalid.part", "attributes", "must be an object of attributes, with names, and their expressions."
        )
        return {}

    def _external_ids(self) -> tuple[tuple[ParsedResult, ParsedResult], ...]:
        """Return the sources and values of the customer's identifiers, in the order of preference."""
        preferred = _preferred(self._default, self._own)
        return (
            *(self._external_id(identifier, ("externalSourceId", "customer")) for identifier in preferred),
            *(
                self._external_id(identifier, (f"externalIds[{index}].externalSourceId", f"externalIds[{index}].value"))
                for index, identifier in enumerate(self._own_external_ids())
            ),
        )

    def _own_external_ids(self) -> list[Any]:
        own = self._own.get("externalIds") or []
        if isinstance(own, list) and all(
            isinstance(item, dict) and item.keys() == {"externalSourceId", "value"} for item in own
        ):
            return own
        self._problem("invalid.part", "externalIds", "must be a list of objects with externalSourceId and value.")
        return []

    def _external_id(self, identifier: Dict[str, Any], names: tuple[str, str]) -> tuple[ParsedResult, ParsedResult]:
        """Compile one identifier. `names` are the parts that a problem with its source or its value is reported for."""
        source_name, value_name = names
        source = self._expression(source_name, identifier["externalSourceId"])
        return source, self._expression(value_name, identifier["value"])

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


def is_same_event(event: Dict[str, Any], differing: Collection[str], received_ms: int) -> bool:
    """Whether an event that differs from the stored one in these fields is the same event, delivered once more.

    Where a payload holds no date, the event has the time of receipt, which is another one for each attempt.
    """
    return tuple(differing) == ("dateCreated",) and event["dateCreated"] == dates.text(received_ms)


def _too_expensive() -> InvalidPayload:
    return InvalidPayload(
        "The expressions of the mapping take too long for this payload, or a result is too large or nested too deeply. "
        "Use simpler expressions."
    )


def _identifier(value: Any) -> Any:
    """Return an integer as text, because identifiers are strings."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
