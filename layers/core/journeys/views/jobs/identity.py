"""Which identifiers a job counts as one person: the settings and decisions of the organization when an attempt starts.

All parts of an attempt use the same decisions and settings, also if they change while it runs. The links are those of
the snapshot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journeys.archive.columns import customer_hash
from journeys.identity.model import Decision, DecisionState, Identifier, Pair, key
from journeys.identity.settings import IdentitySettings
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.identity.values import may_link


@dataclass(frozen=True, slots=True)
class JobIdentity:
    """The settings, and the decisions as hashes of both identifiers and whether they are linked.

    The specification of a job holds no identifiers, because they can be customer data.
    """

    settings: IdentitySettings
    decisions: tuple[tuple[int, int, bool], ...] = ()

    @classmethod
    def of(cls, organization_id: str, settings: IdentitySettings, decisions: Mapping[Pair, Decision]) -> "JobIdentity":
        def hash_of(identifier: Identifier) -> int:
            return customer_hash(key(organization_id, identifier))

        return cls(
            settings,
            tuple(
                (hash_of(pair.first), hash_of(pair.second), _links(pair, it, settings))
                for pair, it in decisions.items()
            ),
        )

    def to_values(self) -> dict[str, Any]:
        """JSON values."""
        return {"settings": self.settings.to_values(), "decisions": [list(decision) for decision in self.decisions]}

    @classmethod
    def from_values(cls, values: Mapping[str, Any] | None) -> "JobIdentity | None":
        """The identity of a stored job; None if it counts identifiers, as jobs of an earlier version do."""
        if values is None:
            return None
        return cls(
            IdentitySettings.from_values(values["settings"]),
            tuple((one, other, linked) for one, other, linked in values["decisions"]),
        )


def _links(pair: Pair, decision: Decision, settings: IdentitySettings) -> bool:
    """Whether a decision links two identifiers: it says so, and their sources and values may link."""
    return decision.state is DecisionState.LINKED and all(
        settings.may_link(identifier.source_id) and may_link(identifier) for identifier in pair
    )


class IdentityReader:
    """Reads which identifiers the jobs of organizations count as one person."""

    def __init__(self, settings: IdentitySettingsStore, links: LinkStore) -> None:
        self._settings, self._links = settings, links

    def __call__(self, organization_id: str) -> JobIdentity:
        settings = self._settings.get(organization_id)
        return JobIdentity.of(organization_id, settings, self._links.decisions(organization_id))
