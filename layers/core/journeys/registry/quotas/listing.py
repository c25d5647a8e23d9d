"""All limits of an organization, and how much of each is in use."""

from journeys.registry.limits import EVENT_TYPES
from journeys.registry.quotas.store import QuotaStore, QuotaUse
from journeys.registry.schemas.store import SchemaStore


class Limits:
    """Lists the quotas, and the limit of event types, which no operator can raise."""

    def __init__(self, quotas: QuotaStore, schemas: SchemaStore) -> None:
        self._quotas, self._schemas = quotas, schemas

    def all(self, organization_id: str) -> list[QuotaUse]:
        """The limits of an organization, in a fixed order."""
        event_types = QuotaUse(EVENT_TYPES, EVENT_TYPES.default, self._schemas.count(organization_id))
        return [event_types, *self._quotas.all(organization_id)]
