"""Receive webhook deliveries: verify the signature, and pass what is verified to the processor."""

import time
from collections.abc import Callable

from journeys import jsontext
from journeys.cache import Cache
from journeys.errors import MethodNotAllowed, NotFound, ServiceUnavailable, TooManyRequests, Unauthenticated
from journeys.telemetry import emit_count, log_error, logger
from journeys.webhooks.delivery import Delivery, DeliveryResponse, ReceivedDelivery, SignatureInvalid
from journeys.webhooks.model import ENDPOINT_ID, Endpoint
from journeys.webhooks.processing import Processor
from journeys.webhooks.senders.base import Sender
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import EndpointStore, SecretStore

MAX_RESPONSE_SECONDS = 2.2
"""Events that are not being stored by then are left to the sender's retry: some senders wait only three seconds."""

METHODS = ("GET", "OPTIONS", "POST")
"""Deliveries are POST requests. Some senders check an address first, with GET or OPTIONS."""


class Receiver:
    """Receives the deliveries of all endpoints of all organizations."""

    def __init__(
        self,
        endpoints: EndpointStore,
        secrets: SecretStore,
        processor: Processor,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processor, self._clock = processor, clock
        self._endpoints = Cache(endpoints.find)
        self._secrets = Cache(secrets.get)

    def receive(self, endpoint_id: str, delivery: Delivery, *, request_id: str) -> DeliveryResponse:
        """Process one delivery.

        Raises NotFound for an unknown or disabled endpoint, Unauthenticated for an invalid signature, and
        TooManyRequests or ServiceUnavailable if the sender must retry.
        """
        if delivery.method not in METHODS:
            raise MethodNotAllowed(delivery.method, METHODS)
        deadline = self._clock() + MAX_RESPONSE_SECONDS
        endpoint = self._endpoint(endpoint_id)
        sender = SENDERS[endpoint.sender]
        response = sender.unsigned_handshake(delivery)
        if response is not None:
            return response
        self._verify(sender, endpoint, delivery)
        delivery = delivery.without_coding()
        response = sender.signed_handshake(delivery)
        if response is not None:
            return response
        received = ReceivedDelivery.of(delivery, endpoint_id, sender.delivery_id_header)
        # A payload that cannot become an event is stored as a failure, and the sender gets a 200: a retry would fail
        # again, and many senders disable a webhook after errors.
        outcome = self._processor.process(endpoint, received, request_id=request_id, seconds=deadline - self._clock())
        if outcome.must_retry:
            raise TooManyRequests("Some events of the delivery were not stored. Retry the delivery.")
        if not outcome.total:
            emit_count("DeliveriesEmpty", sender=sender.name)
        emit_count("Deliveries", sender=sender.name)
        logger.info("delivered", sender=sender.name, outcomes=outcome.to_wire())
        return sender.success_response(delivery) or DeliveryResponse(200, jsontext.dumps(outcome.to_wire()))

    def _endpoint(self, endpoint_id: str) -> Endpoint:
        """Return the endpoint. Before it is reported as missing or disabled, it is read again without the cache."""
        if not ENDPOINT_ID.fullmatch(endpoint_id):
            raise NotFound("The endpoint does not exist.")
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or not endpoint.enabled:
            endpoint = self._endpoints.fresh(endpoint_id)
        if endpoint is None or not endpoint.enabled:
            raise NotFound("The endpoint does not exist.")
        return endpoint

    def _verify(self, sender: Sender, endpoint: Endpoint, delivery: Delivery) -> None:
        """Verify the signature. Before a delivery is refused, the secrets are read again without the cache."""
        if delivery.method != "POST":  # A handshake that the sender does not have.
            raise MethodNotAllowed(delivery.method, ("POST",))
        endpoint_id = endpoint.endpoint_id
        try:
            try:
                sender.verify(delivery, self._secrets.get(endpoint_id), endpoint.options)
            except SignatureInvalid:
                fresh = self._endpoints.fresh(endpoint_id) or endpoint
                sender.verify(delivery, self._secrets.fresh(endpoint_id), fresh.options)
        except SignatureInvalid:
            emit_count("DeliveriesNotProven", sender=sender.name)
            raise Unauthenticated(
                "The signature of the delivery is missing or invalid. Check the endpoint's secret and options.",
                code="not.proven",
            ) from None
        except OSError as error:
            log_error("a sender's public key is unavailable", error)
            raise ServiceUnavailable("The sender's public key is unavailable. Retry in a few seconds.") from None
