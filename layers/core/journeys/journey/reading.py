"""The responses about one customer's journey: its summary, and its events page by page."""

from itertools import islice
from typing import Any

from journeys import cursors, dates, keys
from journeys.cache import Cache
from journeys.errors import NotFound
from journeys.events.store import EventLog
from journeys.journey.model import Journey, Step
from journeys.journey.store import JourneyStore, StepPage
from journeys.jsontext import omit_none
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.store import SchemaStore
from journeys.response_size import count_fitting

RECENT_EVENTS = 20
"""The most events in a summary."""


class JourneyReader:
    """Reads journeys. An organization's event types are cached for a minute."""

    def __init__(self, journeys: JourneyStore, log: EventLog, schemas: SchemaStore) -> None:
        self._journeys, self._log = journeys, log
        self._types: Cache[str, dict[str, Schema]] = Cache(
            lambda organization_id, _: {schema.slot: schema for schema in schemas.all(organization_id)}
        )

    def summary(self, organization_id: str, external_source_id: str, value: str) -> dict[str, Any]:
        """The figures of a journey and its most recent events, newest first. Raises NotFound.

        There are at most 20 events, and fewer if the response would exceed Lambda's limit.
        """
        journey_key = _key(organization_id, external_source_id, value)
        summary = self._journeys.summary(journey_key)
        journey = summary.journey
        if journey.first is None or journey.last is None:
            raise _not_found()
        types = self._types_of(organization_id, journey)
        partition = keys.steps(journey_key, summary.generation)
        steps = list(islice(self._journeys.steps(partition, ascending=False, page=RECENT_EVENTS), RECENT_EVENTS))
        recent = self._events(organization_id, steps)

        def type_of(slot: str) -> dict[str, Any]:
            schema = types.get(slot)
            return omit_none({"schemaId": schema and schema.schema_id, "eventName": _name(types, slot)})

        return {
            "externalSourceId": external_source_id,
            "value": value,
            "eventCount": journey.count,
            "dateFirstEvent": dates.text(journey.first.date),
            "dateLastEvent": dates.text(journey.last.date),
            "eventTypes": [
                type_of(slot)
                | {
                    "eventCount": span.count,
                    "dateFirstEvent": dates.text(span.first),
                    "dateLastEvent": dates.text(span.last),
                }
                for slot, span in sorted(journey.types.items(), key=lambda item: (-item[1].count, item[0]))
            ],
            "transitions": [
                {"from": _name(types, pair[0]), "to": _name(types, pair[1]), "count": number}
                for pair, number in sorted(journey.transitions.items(), key=lambda item: (-item[1], item[0]))
            ],
            "recentEvents": [event for event in recent[: count_fitting(recent)] if event is not None],
        }

    def events(
        self,
        organization_id: str,
        external_source_id: str,
        value: str,
        *,
        ascending: bool,
        page_size: int,
        cursor: str | None,
        event_name: str | None,
        since: int | None,
        until: int | None,
    ) -> dict[str, Any]:
        """One page of a journey's events with a date from `since` (inclusive) to `until` (exclusive), in milliseconds.

        A page has at most `page_size` events, and fewer if the response would exceed Lambda's limit, or if few of the
        rows that a page reads are of the event type. Raises NotFound, and BadRequest if the cursor is not valid for
        this query.
        """
        journey_key = _key(organization_id, external_source_id, value)
        scope = (journey_key, str(ascending), event_name or "", str(since), str(until))
        after = cursors.decode(cursor, keys.STEP, *scope) if cursor is not None else None
        summary = self._journeys.summary(journey_key)
        journey = summary.journey
        if journey.first is None:
            raise _not_found()
        slots = None if event_name is None else self._slots(organization_id, journey, event_name)
        if slots is not None:
            since, until = _narrowed(journey, slots, since, until)
        page = StepPage([], None)
        if slots is None or slots:
            page = self._journeys.page(
                keys.steps(journey_key, summary.generation),
                ascending=ascending,
                size=page_size,
                after=after,
                since=dates.text(since) if since is not None else None,
                until=dates.text(until) if until is not None else None,
                slots=slots,
            )
        events = self._events(organization_id, page.steps)
        fit = count_fitting(events)
        position = page.steps[fit - 1].key if fit < len(events) else page.position
        return omit_none(
            {
                "entities": [event for event in events[:fit] if event is not None],
                "nextCursor": cursors.encode(position, *scope) if position is not None else None,
            }
        )

    def _slots(self, organization_id: str, journey: Journey, event_name: str) -> frozenset[str]:
        """The slots of the journey's event types with this title; none if the customer has no such event."""
        types = self._types_of(organization_id, journey)
        return frozenset(slot for slot in journey.types if slot in types and types[slot].title == event_name)

    def _types_of(self, organization_id: str, journey: Journey) -> dict[str, Schema]:
        types = self._types.get(organization_id)
        return types if types.keys() >= journey.types.keys() else self._types.fresh(organization_id)

    def _events(self, organization_id: str, steps: list[Step]) -> list[dict[str, Any] | None]:
        """The event of each step, or None if it is not in the log."""
        event_keys = [keys.event(organization_id, *step.event_ids) for step in steps]
        events = self._log.get_all(event_keys)
        return [events[key].to_wire() if key in events else None for key in event_keys]


def _narrowed(
    journey: Journey, slots: frozenset[str], since: int | None, until: int | None
) -> tuple[int | None, int | None]:
    """The part of a range of dates, in milliseconds, in which the journey has events of these slots."""
    spans = [journey.types[slot] for slot in slots]
    first = min((span.first for span in spans), default=None)
    after = max((span.last + 1 for span in spans), default=None)
    return (
        max((date for date in (since, first) if date is not None), default=None),
        min((date for date in (until, after) if date is not None), default=None),
    )


def _name(types: dict[str, Schema], slot: str) -> str:
    schema = types.get(slot)
    return schema.title if schema is not None else "unknown"


def _key(organization_id: str, external_source_id: str, value: str) -> str:
    key = keys.journey(organization_id, external_source_id, value)
    if len(key) > keys.LONGEST_PARTITION_KEY:
        raise _not_found()
    return key


def _not_found() -> NotFound:
    return NotFound("No event of this customer is stored. Check externalSourceId and value.")
