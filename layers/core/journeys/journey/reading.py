"""The responses about one customer's journey: its summary, and its events page by page.

A journey is that of one identifier, or of all identifiers of a person.
"""

from collections.abc import Sequence
from typing import Any

from journeys import cursors, dates, keys
from journeys.cache import Cache
from journeys.errors import NotFound
from journeys.events.model import ExternalId
from journeys.events.store import EventLog
from journeys.journey.merged import MergedReader
from journeys.journey.merging import merge_figures
from journeys.journey.model import Journey, Step
from journeys.journey.store import JourneyStore
from journeys.jsontext import omit_none
from journeys.parallel import Reads
from journeys.registry.event_types import EventTypes
from journeys.registry.schemas.model import Schema
from journeys.response_size import count_fitting

RECENT_EVENTS = 20
"""The most events in a summary."""


class JourneyReader:
    """Reads journeys. An organization's event types are cached for a minute."""

    def __init__(self, journeys: JourneyStore, log: EventLog, event_types: EventTypes, reads: Reads) -> None:
        self._merged, self._log = MergedReader(journeys, reads), log
        self._types: Cache[str, dict[str, Schema]] = Cache(
            lambda organization_id, _: {schema.slot: schema for schema in event_types.all(organization_id)}
        )

    def summary(self, organization_id: str, asked: ExternalId, identifiers: Sequence[ExternalId]) -> dict[str, Any]:
        """The figures of a journey and its most recent events, newest first. Raises NotFound.

        `identifiers` are those whose events make the journey, `asked` the one that the request names. There are at
        most 20 events, and fewer if the response would exceed Lambda's limit.
        """
        journey_keys = _keys(organization_id, identifiers)
        summaries, journey, complete = self._merged.journey(journey_keys)
        if journey.first is None or journey.last is None:
            raise not_found()
        types = self._types_of(organization_id, journey)
        page = self._merged.page(journey_keys, summaries, ascending=False, size=RECENT_EVENTS)
        recent = self._events(organization_id, page.steps)

        def type_of(slot: str) -> dict[str, Any]:
            schema = types.get(slot)
            return omit_none({"schemaId": schema and schema.schema_id, "eventName": _name(types, slot)})

        return {
            "externalSourceId": asked.source_id,
            "value": asked.value,
            "identifiers": [to_wire(identifier) for identifier in identifiers],
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
            "transitionsComplete": complete,
            "recentEvents": [event for event in recent[: count_fitting(recent)] if event is not None],
        }

    def events(
        self,
        organization_id: str,
        asked: ExternalId,
        identifiers: Sequence[ExternalId],
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
        rows that a page reads are of the event type. A cursor names a step, so the identifiers of the person may change
        between pages. Raises NotFound, and BadRequest if the cursor is not valid for this query.
        """
        (asked_key,) = _keys(organization_id, [asked])
        listing = (asked_key, str(ascending), event_name or "", str(since), str(until))
        after = cursors.decode(cursor, keys.STEP, *listing) if cursor is not None else None
        journey_keys = _keys(organization_id, identifiers)
        summaries = self._merged.summaries(journey_keys)
        journey = merge_figures(summary.journey for summary in summaries)
        if journey.first is None:
            raise not_found()
        slots = None if event_name is None else self._slots(organization_id, journey, event_name)
        page = self._merged.page(
            journey_keys,
            summaries,
            ascending=ascending,
            size=page_size,
            after=after,
            since=since,
            until=until,
            slots=slots,
        )
        events = self._events(organization_id, page.steps)
        fit = count_fitting(events)
        position = page.steps[fit - 1].key if fit < len(events) else page.position
        return omit_none(
            {
                "entities": [event for event in events[:fit] if event is not None],
                "identifiers": [to_wire(identifier) for identifier in identifiers],
                "nextCursor": cursors.encode(position, *listing) if position is not None else None,
            }
        )

    def _slots(self, organization_id: str, journey: Journey, event_name: str) -> frozenset[str]:
        """The slots of the journey's event types with this title; none if the customer has no such event."""
        types = self._types_of(organization_id, journey)
        return frozenset(slot for slot in journey.types if slot in types and types[slot].title == event_name)

    def _types_of(self, organization_id: str, journey: Journey) -> dict[str, Schema]:
        types = self._types.get(organization_id)
        return types if types.keys() >= journey.types.keys() else self._types.fresh(organization_id)

    def _events(self, organization_id: str, steps: Sequence[Step]) -> list[dict[str, Any] | None]:
        """The event of each step, or None if it is not in the log."""
        event_keys = [keys.event(organization_id, *step.event_ids) for step in steps]
        events = self._log.get_all(event_keys)
        return [
            event.to_wire() | {"identifier": to_wire(event.event.customer)} if (event := events.get(key)) else None
            for key in event_keys
        ]


def to_wire(identifier: ExternalId) -> dict[str, str]:
    """An identifier in a response."""
    return {"externalSourceId": identifier.source_id, "value": identifier.value}


def _name(types: dict[str, Schema], slot: str) -> str:
    schema = types.get(slot)
    return schema.title if schema is not None else "unknown"


def _keys(organization_id: str, identifiers: Sequence[ExternalId]) -> list[str]:
    """The journey keys of identifiers. Raises NotFound if one is too long for any event to have it."""
    found = [keys.journey(organization_id, one.source_id, one.value) for one in identifiers]
    if any(len(key) > keys.LONGEST_PARTITION_KEY for key in found):
        raise not_found()
    return found


def not_found() -> NotFound:
    return NotFound(
        "No event is stored under this identifier. Check externalSourceId and value. "
        "GET customers/identifiers shows whether events name it beside another identifier."
    )
