"""A delivery that was acknowledged before its events were ingested."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journeys.webhooks.deliveries.model import DeliveryRecord
from journeys.webhooks.delivery import ReceivedDelivery
from journeys.webhooks.model import Endpoint


@dataclass(frozen=True, slots=True)
class QueuedDelivery:
    """What the queue's consumer needs to ingest a delivery as the receiver would have done.

    `endpoint` is as it was when the delivery was received, in case it is deleted before the events are ingested.
    `request_id` is that of the receiver. An event that the receiver stored already has its receipt, and so counts as
    created by this delivery.
    """

    endpoint: Endpoint
    received: ReceivedDelivery
    record: DeliveryRecord
    request_id: str

    def to_values(self) -> dict[str, Any]:
        """Return the delivery as JSON values."""
        return {
            "endpoint": self.endpoint.to_values(),
            "delivery": self.received.to_values(),
            "record": self.record.to_values(),
            "recordId": self.record.record_id,
            "requestId": self.request_id,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "QueuedDelivery":
        """Return the delivery of stored JSON values."""
        endpoint = Endpoint.from_values(values["endpoint"])
        record = {name: value for name, value in values["record"].items() if value is not None}
        return cls(
            endpoint,
            ReceivedDelivery.from_values(endpoint.endpoint_id, values["delivery"]),
            DeliveryRecord.from_values(values["recordId"], record),
            values["requestId"],
        )
