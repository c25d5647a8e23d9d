"""Operations on delivery records: list, read, and replay the failure of a delivery."""

from journeys.errors import Conflict
from journeys.events.failures.model import Failure
from journeys.events.failures.replay import Replay
from journeys.webhooks.deliveries.model import DeliveryRecord, RecordedOutcome
from journeys.webhooks.deliveries.store import DeliveryStore, RecordPage
from journeys.webhooks.store import EndpointStore


class DeliveryService:
    """Reads the deliveries of all organizations. Every method acts only on the organization it is given."""

    def __init__(self, endpoints: EndpointStore, records: DeliveryStore, replay: Replay) -> None:
        self._endpoints, self._records, self._replay = endpoints, records, replay

    def list_records(
        self, organization_id: str, endpoint_id: str, *, outcome: str | None, size: int, before: str | None
    ) -> RecordPage:
        """Return a page of an endpoint's deliveries, newest first. Raises NotFound."""
        self._endpoints.get(organization_id, endpoint_id)
        return self._records.newest_first(
            organization_id,
            endpoint_id,
            size=size,
            before=before,
            outcome=RecordedOutcome(outcome) if outcome is not None else None,
        )

    def get(self, organization_id: str, endpoint_id: str, record_id: str) -> DeliveryRecord:
        """Return one delivery. Raises NotFound."""
        self._endpoints.get(organization_id, endpoint_id)
        return self._records.get(organization_id, endpoint_id, record_id)

    def replay(self, organization_id: str, endpoint_id: str, record_id: str, *, request_id: str) -> Failure:
        """Replay the failure of a delivery and return it. Raises NotFound, and Conflict if there is no failure."""
        record = self.get(organization_id, endpoint_id, record_id)
        if record.failure_id is None:
            raise Conflict("This delivery has no failure that could be replayed.", code="not.replayable")
        return self._replay.one(organization_id, record.failure_id, request_id=request_id)
