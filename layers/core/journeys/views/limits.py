"""All limits of an organization, and how much of each is in use."""

from dataclasses import replace

from journeys.registry.limits import EVENT_TYPES, WAITING_JOBS
from journeys.registry.quotas.store import QuotaStore, QuotaUse
from journeys.registry.schemas.store import SchemaStore
from journeys.views.jobs.shares.store import ShareStore


class Limits:
    """Lists the quotas, and the limit of event types, which no operator can raise."""

    def __init__(self, quotas: QuotaStore, schemas: SchemaStore, shares: ShareStore) -> None:
        self._quotas, self._schemas, self._shares = quotas, schemas, shares

    def all(self, organization_id: str) -> list[QuotaUse]:
        """The limits of an organization, in a fixed order."""
        event_types = QuotaUse(EVENT_TYPES, EVENT_TYPES.default, self._schemas.count(organization_id))
        waiting = len(self._shares.get(organization_id).waiting)
        quotas = self._quotas.all(organization_id)
        return [event_types, *(replace(use, used=waiting) if use.quota == WAITING_JOBS else use for use in quotas)]
