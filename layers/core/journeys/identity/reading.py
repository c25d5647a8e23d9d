"""Finds the person behind an identifier, as the links, the decisions and the settings are stored now."""

from journeys.identity import resolve
from journeys.identity.model import Identifier, Person
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.parallel import Reads


class PersonReader:
    """Resolves persons. Nothing is cached, so a change of links or settings takes effect immediately."""

    def __init__(self, links: LinkStore, settings: IdentitySettingsStore, reads: Reads) -> None:
        self._links, self._settings, self._reads = links, settings, reads

    def person(self, organization_id: str, identifier: Identifier) -> Person:
        """The person behind an identifier. An identifier that nothing links is a person of its own."""
        settings = self._settings.get(organization_id)
        return resolve.person(self._links.reader(organization_id), identifier, settings, each=self._reads.map)
