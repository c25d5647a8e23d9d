"""Ingest the deliveries that wait in the queue."""

from dataclasses import replace

from journeys import dates
from journeys.defects import report
from journeys.telemetry import emit_count
from journeys.webhooks.deliveries.recorder import outcome_of, with_counts
from journeys.webhooks.deliveries.store import DeliveryQueue, DeliveryStore
from journeys.webhooks.processing import Processor
from journeys.webhooks.store import EndpointStore

CONSUME_SECONDS = 40
"""How long one attempt stores events. The rest of the function's 60 seconds is for the calls that are under way."""


class DeliveryConsumer:
    """Ingests queued deliveries with the current mapping of their endpoints, also if these are disabled by now."""

    def __init__(
        self, endpoints: EndpointStore, processor: Processor, queue: DeliveryQueue, records: DeliveryStore
    ) -> None:
        self._endpoints, self._processor, self._queue, self._records = endpoints, processor, queue, records

    def consume(self, message: str) -> bool:
        """Ingest the delivery of a message. Return False if the message has to be delivered again.

        Consuming a message again stores only what is missing.
        """
        queued = self._queue.read(message)
        endpoint = self._endpoints.find(queued.endpoint.endpoint_id, consistent=True) or queued.endpoint
        result = self._processor.process(
            endpoint, queued.received, request_id=queued.request_id, seconds=CONSUME_SECONDS
        )
        if result.must_retry:
            return False
        record = with_counts(queued.record, result)
        duration = dates.now_ms() - record.date_received
        try:
            self._records.replace(replace(record, outcome=outcome_of(result), reason=None, duration=duration))
        except Exception as error:
            report("a delivery was not recorded", error)
            emit_count("DeliveriesNotRecorded")
        return True
