"""Map the payloads of a delivery to events, and route each event to its configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from journeys.errors import BadRequest, Conflict, NotFound
from journeys.events.bindings import Bindings
from journeys.events.failures.model import CONFIGURATION_GONE, INVALID_PAYLOAD
from journeys.events.refusals import Refusal
from journeys.response_size import response_size
from journeys.webhooks.delivery import InvalidPayload, ReceivedDelivery
from journeys.webhooks.expressions import Evaluator, InvalidExpression, TooExpensive, compile_expression
from journeys.webhooks.mapping import EventMapping, compile_mapping
from journeys.webhooks.model import Endpoint, MappedEvent, Routing
from journeys.webhooks.problems import Problems
from journeys.webhooks.senders.registry import SENDERS

MAX_EVENTS = 1000
"""Events of one delivery. A delivery with more is stored as a failure."""

MAX_ROUTES = 50
"""Values of a routing's expression that are routed to a configuration."""
MAX_ROUTING = 10_000
"""Bytes of a routing in a response, so that a page of 100 endpoints fits into one response."""


class MoreEvents(Exception):
    """A delivery has more events than the caller maps at once."""


class Mapper:
    """Maps the deliveries of all endpoints. It stores nothing."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    def map(self, endpoint: Endpoint, received: ReceivedDelivery, *, at_most: int = MAX_EVENTS) -> list[MappedEvent]:
        """Return what the endpoint's current mapping makes of a delivery; see `map_payloads`."""
        try:
            payloads = SENDERS[endpoint.sender].extract_payloads(received.to_delivery())
        except InvalidPayload as error:
            return [MappedEvent(refusal=Refusal(INVALID_PAYLOAD, str(error)))]
        return self.map_payloads(endpoint, payloads, received.headers, received.received_ms, at_most=at_most)

    def map_payloads(
        self,
        endpoint: Endpoint,
        payloads: Sequence[Any],
        headers: Mapping[str, str],
        received_ms: int,
        *,
        at_most: int = MAX_EVENTS,
    ) -> list[MappedEvent]:
        """Return what the endpoint's current mapping makes of the payloads of one delivery.

        `headers` have names in lower case, and `received_ms` is the time of receipt in milliseconds since 1970. A
        payload, or an event, that cannot be mapped has a refusal, and the others are not affected by it. Raises
        MoreEvents, before it maps one, if there are more than `at_most` but not more than MAX_EVENTS.
        """
        try:
            mapping = compile_mapping(SENDERS[endpoint.sender].presets[endpoint.preset_version], endpoint.mapping)
        except BadRequest as error:  # It was valid when it was stored, and the rules have become stricter since.
            return [MappedEvent(refusal=Refusal(error.code, error.message))]
        evaluator = Evaluator.of_delivery(headers, received_ms)
        if len(payloads) > MAX_EVENTS:
            return [_too_many()]
        found = [_items(mapping, payload, evaluator) for payload in payloads]
        number = sum(1 if isinstance(items, MappedEvent) else len(items) for items in found)
        if number > MAX_EVENTS:
            return [_too_many()]
        if number > at_most:
            raise MoreEvents
        mapped: list[MappedEvent] = []
        for items in found:
            if isinstance(items, MappedEvent):
                mapped.append(items)
            else:
                mapped += [self._map_item(endpoint, mapping, item, evaluator.for_event()) for item in items]
        return mapped

    def _map_item(self, endpoint: Endpoint, mapping: EventMapping, item: Any, evaluator: Evaluator) -> MappedEvent:
        try:
            configuration_id = endpoint.configuration_id
            if endpoint.routing is not None:
                configuration_id = route(endpoint.routing, item, evaluator)
            if configuration_id is None:
                return MappedEvent()
            fields = self._bindings.get(endpoint.organization_id, configuration_id).schema.document.fields
            return MappedEvent(configuration_id, mapping.to_event(item, fields, evaluator))
        except InvalidPayload as error:
            return MappedEvent(configuration_id, refusal=Refusal(INVALID_PAYLOAD, str(error)))
        except (NotFound, Conflict) as error:
            return MappedEvent(configuration_id, refusal=Refusal(CONFIGURATION_GONE, error.message))


def _items(mapping: EventMapping, payload: Any, evaluator: Evaluator) -> list[Any] | MappedEvent:
    """Return the parts of a payload of which each becomes an event, or the refusal of the payload."""
    try:
        return mapping.items(payload, evaluator)
    except InvalidPayload as error:
        return MappedEvent(refusal=Refusal(INVALID_PAYLOAD, str(error)))


def _too_many() -> MappedEvent:
    message = f"The delivery holds too many events. At most {MAX_EVENTS} are allowed."
    return MappedEvent(refusal=Refusal(INVALID_PAYLOAD, message))


def route(routing: Routing, item: Any, evaluator: Evaluator) -> str | None:
    """Return the id of the configuration that an item goes to, or None if it is ignored. Raises InvalidPayload."""
    try:
        result = evaluator.value(compile_expression(routing.expression), item)
    except TooExpensive:
        raise InvalidPayload("The expression routing.expression takes too long for this payload.") from None
    if isinstance(result, bool):
        result = "true" if result else "false"
    return routing.configurations.get(str(result)) if isinstance(result, str | int) else None


def validate_routing(routing: Routing) -> None:
    """Raise BadRequest with every problem of a routing."""
    problems = Problems("invalid.routing")
    try:
        compile_expression(routing.expression)
    except InvalidExpression as error:
        problems.add(error.code, "routing.expression", f"routing.expression {error}.")
    if not 1 <= len(routing.configurations) <= MAX_ROUTES:
        message = f"routing.configurations must name 1 to {MAX_ROUTES} values and their configurations."
        problems.add("invalid.routing", "routing.configurations", message)
    if "" in routing.configurations or response_size(dict(routing.configurations)) > MAX_ROUTING:
        message = f"routing.configurations must take at most {MAX_ROUTING} bytes, and no value can be empty."
        problems.add("invalid.routing", "routing.configurations", message)
    problems.raise_if_any()
