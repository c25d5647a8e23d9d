"""Judging: decides which events can be stored and why the others are refused, without storing anything."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from journeys import dates
from journeys.aws import item_size
from journeys.events.bindings import Binding, BindingSource
from journeys.events.model import Event, StoredEvent
from journeys.events.refusals import Refusal
from journeys.events.validation import MAX_ITEM_BYTES, check

Put = tuple[int, StoredEvent, dict[str, Any]]
"""The index of an event in the request, the event, and its item."""


class Judgment(NamedTuple):
    """The events of a request: every index is either in `puts` or in `refused`."""

    binding: Binding
    puts: Sequence[Put]
    refused: Mapping[int, Refusal]


class Judge:
    """Judges events for all configurations of all organizations."""

    def __init__(self, bindings: BindingSource, *, now_ms: Callable[[], int] = dates.now_ms) -> None:
        self._bindings, self._now_ms = bindings, now_ms

    def judge(
        self, organization_id: str, configuration_id: str, entities: Sequence[object], *, request_id: str
    ) -> Judgment:
        """Judges events. Raises NotFound, or Conflict if the configuration accepts no events.

        An event is never refused because of a cached schema: the registry is read again first.
        """
        binding = self._bindings.get(organization_id, configuration_id)
        now_ms = self._now_ms()
        checked = [check(raw, binding.validator, now_ms) for raw in entities]
        if any(isinstance(event, Refusal) and event.depends_on_schema for event in checked):
            newest = self._bindings.fresh(organization_id, configuration_id)
            if newest is not binding:
                binding = newest
                checked = [check(raw, binding.validator, now_ms) for raw in entities]
        puts: list[Put] = []
        refused: dict[int, Refusal] = {}
        for index, event in enumerate(checked):
            if isinstance(event, Refusal):
                refused[index] = event
                continue
            stored = _stored(event, organization_id, binding, now_ms, f"{request_id}#{index}")
            item = stored.to_item()
            if _may_be_large(event) and item_size(item) > MAX_ITEM_BYTES:
                limit = MAX_ITEM_BYTES // 1024
                refused[index] = Refusal("event.too.large", f"The event is too large. At most {limit} KB are allowed.")
            else:
                puts.append((index, stored, item))
        return Judgment(binding, puts, refused)


def _stored(event: Event, organization_id: str, binding: Binding, now_ms: int, receipt: str) -> StoredEvent:
    schema, configuration = binding.schema, binding.configuration
    return StoredEvent(
        event=event,
        organization_id=organization_id,
        configuration_id=configuration.configuration_id,
        schema_id=schema.schema_id,
        schema_version=schema.version,
        slot=schema.slot,
        event_name=schema.title,
        source=configuration.source,
        date_received=now_ms,
        receipt=receipt,
    )


def _may_be_large(event: Event) -> bool:
    """Whether the event could exceed the size limit. Computing the exact size of every event would be slow."""
    characters = 0
    for value in event.attributes.values():
        if type(value) is str:
            characters += len(value)
        elif type(value) is list:
            characters += sum(map(len, value))
    return len(event.external_ids) > 20 or characters > 50_000
