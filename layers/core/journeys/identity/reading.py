"""Finds the person behind an identifier, as the links, the decisions and the settings are stored now."""

from journeys.identity import resolve
from journeys.identity.model import Decision, DecisionState, Identifier, Pair, Person
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.parallel import Reads


class PersonReader:
    """Resolves persons. Nothing is cached, so a change of links or settings takes effect immediately."""

    def __init__(self, links: LinkStore, settings: IdentitySettingsStore, reads: Reads) -> None:
        self._links, self._settings, self._reads = links, settings, reads

    def person(self, organization_id: str, identifier: Identifier, *, if_linked: Pair | None = None) -> Person:
        """The person behind an identifier. An identifier that nothing links is a person of its own.

        With `if_linked`, the person that would be behind it if somebody linked these two.
        """
        settings, read = self._settings.get(organization_id), self._links.reader(organization_id)
        if if_linked is not None:
            read = resolve.with_decision(read, if_linked, Decision(DecisionState.LINKED, by="", date=0))
        return resolve.person(read, identifier, settings, each=self._reads.map)
