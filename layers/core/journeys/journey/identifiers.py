"""The responses about the identifiers of a person: their events and links, and a search over all sources."""

from collections.abc import Iterable, Sequence
from typing import Any

from journeys import dates, keys
from journeys.errors import Conflict, NotFound
from journeys.identity.model import Decision, DecisionState, Evidence, Identifier, Link, Pair
from journeys.identity.reading import PersonReader
from journeys.identity.requests import IdentitySettingsUpdate
from journeys.identity.resolve import MAX_IDENTIFIERS, MAX_LINKS
from journeys.identity.settings import IdentitySettings, comparable
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.journey.model import Journey
from journeys.journey.reading import to_wire
from journeys.journey.store import JourneyStore
from journeys.jsontext import omit_none
from journeys.messages import shorten
from journeys.parallel import Reads
from journeys.registry.callers import Caller

MAX_UNLINKED = 100
"""The most unlinked pairs that a response lists: those that were decided last. Lambda limits the size of a response."""


class IdentifierService:
    """Shows the identifiers of a person, and links and unlinks them by hand."""

    def __init__(
        self,
        links: LinkStore,
        settings: IdentitySettingsStore,
        persons: PersonReader,
        journeys: JourneyStore,
        reads: Reads,
    ) -> None:
        self._links, self._settings, self._persons, self._journeys = links, settings, persons, journeys
        self._reads = reads

    def get(self, organization_id: str, asked: Identifier) -> dict[str, Any]:
        """The identifiers of the person behind an identifier, and how they came to be linked.

        Raises NotFound if no event names the identifier, and nobody decided about it.
        """
        shown = self._shown(organization_id, asked)
        has_links = any(shown[name] for name in ("links", "unlinked", "stopped", "tooLarge"))
        has_events = any(one["eventCount"] for one in shown["identifiers"])
        if not (has_links or has_events or any(self._named(organization_id, [asked]))):
            raise NotFound("No event names this identifier. Check externalSourceId and value.")
        return shown

    def _shown(self, organization_id: str, asked: Identifier) -> dict[str, Any]:
        person = self._persons.person(organization_id, asked)
        journeys = self._journeys_of(organization_id, [*person.identifiers, *person.stopped])
        return to_wire(asked) | {
            "identifiers": [_summary(one, journeys[one]) for one in person.identifiers],
            "links": [_link(link) for link in person.links],
            "unlinked": [_link(link) for link in _latest(person.unlinked)],
            "stopped": [_summary(one, journeys[one]) for one in person.stopped],
            "tooLarge": person.too_large,
        }

    def decide(self, caller: Caller, asked: Identifier, pair: Pair, state: DecisionState) -> dict[str, Any]:
        """Links or unlinks two identifiers, and returns the person behind `asked` as it is then.

        Raises NotFound if no event has named either of them, and Conflict if a link would join nobody. Nothing is
        written then.
        """
        organization_id = caller.organization_id
        journeys = self._journeys_of(organization_id, pair)
        if not any(journey.count for journey in journeys.values()) and not any(self._named(organization_id, pair)):
            raise NotFound("No event names either of the two identifiers. At least one must be in an event.")
        if state is DecisionState.LINKED:
            _require_linking(self._settings.get(organization_id), pair)
            self._require_room(organization_id, pair)
        self._links.decide(organization_id, pair, state, by=caller.caller_id, now_ms=dates.now_ms())
        return self._shown(organization_id, asked)

    def _require_room(self, organization_id: str, pair: Pair) -> None:
        """Raises Conflict if a new decision to link two identifiers would have no effect because of a bound."""
        before = self._links.decision(organization_id, pair)
        if before is not None and before.state is DecisionState.LINKED:
            return
        person = self._persons.person(organization_id, pair.first, if_linked=pair)
        if set(pair) & set(person.stopped):
            raise Conflict(
                f"One of the two identifiers would have more than {MAX_LINKS} links, and would link nobody. "
                "Unlink it from identifiers that do not belong to it with POST customers/unlinks, then link again.",
                code="identifier.stopped",
            )
        if person.too_large:
            raise Conflict(
                f"The person would have more than {MAX_IDENTIFIERS} identifiers, so that each would stand alone. "
                "Unlink identifiers that do not belong to the person with POST customers/unlinks, then link again.",
                code="person.too.large",
            )

    def search(self, organization_id: str, value: str) -> dict[str, Any]:
        """The identifiers with this value in any source that the organization's events have used."""
        found = [Identifier(source, value) for source in self._links.sources(organization_id)]
        journeys = self._journeys_of(organization_id, found)
        others = [one for one in found if not journeys[one].count]
        named = {one for one, known in zip(others, self._named(organization_id, others), strict=True) if known}
        return {"entities": [_summary(one, journeys[one]) for one in found if journeys[one].count or one in named]}

    # -- settings ------------------------------------------------------------------------------------------------------

    def settings(self, organization_id: str) -> dict[str, Any]:
        """Which sources of identifiers may link, and which sources there are."""
        return self._settings_wire(organization_id, self._settings.get(organization_id))

    def update_settings(self, organization_id: str, update: IdentitySettingsUpdate) -> dict[str, Any]:
        """Stores which sources may link. Raises Conflict if another request changed them since they were read."""
        before = self._settings.get(organization_id)
        sources = {comparable(source): source for source in update.sources}.values()
        after = IdentitySettings(update.linking, tuple(sorted(sources)), before.revision + 1)
        if (after.linking, after.sources) != (before.linking, before.sources):
            self._settings.put(organization_id, after)
        return self._settings_wire(organization_id, after)

    def _settings_wire(self, organization_id: str, settings: IdentitySettings) -> dict[str, Any]:
        return {
            "linking": settings.linking.value,
            "sources": list(settings.sources),
            "knownSources": [
                {"externalSourceId": source, "linking": settings.may_link(source)}
                for source in self._links.sources(organization_id)
            ],
        }

    # -- reads ---------------------------------------------------------------------------------------------------------

    def _journeys_of(self, organization_id: str, identifiers: Iterable[Identifier]) -> dict[Identifier, Journey]:
        journey_keys = {one: keys.journey(organization_id, one.source_id, one.value) for one in identifiers}
        summaries = self._journeys.summaries(
            key for key in journey_keys.values() if len(key) <= keys.LONGEST_PARTITION_KEY
        )
        return {one: summaries[key].journey if key in summaries else Journey() for one, key in journey_keys.items()}

    def _named(self, organization_id: str, identifiers: Sequence[Identifier]) -> list[bool]:
        """Whether an event has linked each identifier, for those that have no event of their own."""
        return [bool(rows.evidence) for rows in self._reads.map(self._links.reader(organization_id), identifiers)]


def _latest(unlinked: Iterable[Link]) -> list[Link]:
    return sorted(unlinked, key=lambda link: -link.decision.date if link.decision else 0)[:MAX_UNLINKED]


def _require_linking(settings: IdentitySettings, pair: Pair) -> None:
    excluded = sorted({one.source_id for one in pair if not settings.may_link(one.source_id)})
    if excluded:
        names = " and ".join(f'"{shorten(source)}"' for source in excluded)
        raise Conflict(
            f"The settings keep the source {names} from linking. Change them with PUT customers/settings.",
            code="source.not.linking",
        )


# -- responses ---------------------------------------------------------------------------------------------------------


def _summary(identifier: Identifier, journey: Journey) -> dict[str, Any]:
    return to_wire(identifier) | omit_none(
        {
            "eventCount": journey.count,
            "dateFirstEvent": dates.text(journey.first.date) if journey.first else None,
            "dateLastEvent": dates.text(journey.last.date) if journey.last else None,
        }
    )


def _link(link: Link) -> dict[str, Any]:
    return omit_none(
        {
            "from": to_wire(link.pair.first),
            "to": to_wire(link.pair.second),
            "evidence": _evidence(link.evidence) if link.evidence else None,
            "decision": _decision(link.decision) if link.decision else None,
        }
    )


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "eventId": evidence.event_id,
        "configurationId": evidence.configuration_id,
        "dateCreated": dates.text(evidence.date),
        "dateReceived": dates.text(evidence.received),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {"state": decision.state.value, "by": {"id": decision.by}, "dateDecided": dates.text(decision.date)}
