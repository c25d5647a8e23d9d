"""Replay the failures of webhook deliveries: map them with the endpoint's current mapping, and ingest them."""

from typing import Any

from journeys.errors import JourneysError, NotFound
from journeys.events.bindings import Bindings
from journeys.events.failures.replay import ReplayOutcome
from journeys.webhooks.delivery import ReceivedDelivery
from journeys.webhooks.model import Endpoint
from journeys.webhooks.processing import Processor
from journeys.webhooks.store import EndpointStore

ENDPOINT_GONE = "endpoint.gone"


class DeliveryReplay:
    """Replays deliveries; see `Deliveries` in events/failures/replay.py. A disabled endpoint is no obstacle."""

    def __init__(self, endpoints: EndpointStore, bindings: Bindings, processor: Processor) -> None:
        self._endpoints, self._bindings, self._processor = endpoints, bindings, processor

    def refusal(self, organization_id: str, endpoint_id: str) -> str | None:
        """Return the error code with which all deliveries of an endpoint fail; None if some can succeed."""
        try:
            endpoint = self._endpoint(organization_id, endpoint_id)
            if len(endpoint.configuration_ids) == 1:
                self._bindings.get(organization_id, endpoint.configuration_ids[0])
        except JourneysError as error:
            return error.code
        return None

    def replay(
        self, organization_id: str, endpoint_id: str, payload: Any, *, request_id: str, seconds: float
    ) -> ReplayOutcome:
        """Process the delivery of a failure with this payload again.

        Raises NotFound if the endpoint was deleted, and ValueError if the payload is damaged.
        """
        endpoint = self._endpoint(organization_id, endpoint_id)
        try:
            received = ReceivedDelivery.from_values(endpoint_id, payload["delivery"])
        except (LookupError, TypeError) as error:
            raise ValueError("the failure holds no delivery") from error
        outcome = self._processor.process(endpoint, received, request_id=request_id, seconds=seconds)
        counts = outcome.to_wire()
        if outcome.must_retry:
            return ReplayOutcome("failed", "too.many.requests", counts)
        if outcome.failed:
            return ReplayOutcome("failed", outcome.reason, counts)
        if outcome.created:
            return ReplayOutcome("created", None, counts)
        return ReplayOutcome("duplicate" if outcome.duplicate else "ignored", None, counts)

    def _endpoint(self, organization_id: str, endpoint_id: str) -> Endpoint:
        try:
            return self._endpoints.get(organization_id, endpoint_id)
        except NotFound:
            raise NotFound("The endpoint of this delivery was deleted.", code=ENDPOINT_GONE) from None
