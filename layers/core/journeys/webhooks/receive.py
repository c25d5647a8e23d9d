"""Receive webhook deliveries: verify the signature, and pass what is verified to the processor."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from journeys import jsontext
from journeys.cache import Cache, RecentlyUsed
from journeys.errors import (
    BadRequest,
    JourneysError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
    Unauthenticated,
    UnsupportedMediaType,
)
from journeys.events.ingest import MAX_ENTITIES
from journeys.telemetry import emit_count, log_error, log_info
from journeys.webhooks.deliveries.model import RecordedOutcome, RefusalReason
from journeys.webhooks.deliveries.queued import QueuedDelivery
from journeys.webhooks.deliveries.recorder import Attempt, DeliveryRecorder, call_within, outcome_of
from journeys.webhooks.deliveries.store import DeliveryQueue
from journeys.webhooks.delivery import Delivery, DeliveryResponse, ReceivedDelivery, SignatureInvalid
from journeys.webhooks.mapper import MoreEvents
from journeys.webhooks.model import ENDPOINT_ID, Endpoint
from journeys.webhooks.processing import Processor
from journeys.webhooks.senders.base import Sender
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import EndpointStore, SecretNotFound, SecretStore

MAX_RESPONSE_SECONDS = 2.2
"""Within this time the sender gets a response: some senders wait only three seconds."""
INGEST_SECONDS = 1.3
"""Events that are not being stored by then are left to the queue. The rest of the time is for storing the delivery."""
MAX_EVENTS_AT_ONCE = MAX_ENTITIES
"""A delivery with more events is stored whole, acknowledged, and ingested from the queue."""

MAX_REFUSED_BYTES = 512 * 1024
"""Bytes of the endpoints whose last refusal a process remembers: about 1,000 endpoints."""

METHODS = ("GET", "OPTIONS", "POST")
"""Deliveries are POST requests. Some senders check an address first, with GET or OPTIONS."""


class Receiver:
    """Receives the deliveries of all endpoints of all organizations."""

    def __init__(
        self,
        endpoints: EndpointStore,
        secrets: SecretStore,
        processor: Processor,
        recorder: DeliveryRecorder,
        queue: DeliveryQueue,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processor, self._recorder, self._queue, self._clock = processor, recorder, queue, clock
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="queue")  # Calls of earlier deliveries can hang.
        self._endpoints = Cache(endpoints.find)
        self._secrets: Cache[tuple[str, str | None], tuple[str, ...]] = Cache(lambda key, _: secrets.get(*key))
        self._refused: RecentlyUsed[str, float] = RecentlyUsed(
            MAX_REFUSED_BYTES
        )  # the time of each endpoint's last refusal

    def receive(self, endpoint_id: str, delivery: Delivery, *, request_id: str) -> DeliveryResponse:
        """Process one delivery.

        Raises NotFound for an unknown or disabled endpoint, Unauthenticated for an invalid signature, and
        ServiceUnavailable, ClientError or BotoCoreError if the sender must retry.
        """
        if delivery.method not in METHODS:
            raise MethodNotAllowed(delivery.method, METHODS)
        started = self._clock()
        endpoint = self._endpoint(endpoint_id)
        attempt = self._begin(endpoint, len(delivery.body), delivery.now, delivery.headers, started)
        try:
            response = self._receive(endpoint, delivery, attempt, request_id)
        except MethodNotAllowed:
            raise  # It is no delivery.
        except Exception as error:
            attempt.refused(_reason(error))
            self._recorder.record(attempt, deadline=started + MAX_RESPONSE_SECONDS)
            raise
        self._recorder.record(attempt, deadline=started + MAX_RESPONSE_SECONDS)
        return response

    def refuse(self, endpoint_id: str, error: JourneysError, *, size: int, now: float) -> None:
        """Record a delivery whose body of that size, in bytes, is refused without being read. Never raises."""
        started = self._clock()
        try:
            endpoint = self._endpoint(endpoint_id)
        except (NotFound, ClientError, BotoCoreError):
            return
        attempt = self._begin(endpoint, size, now, {}, started)
        attempt.refused(_reason(error))
        self._recorder.record(attempt, deadline=started + MAX_RESPONSE_SECONDS)

    def _begin(self, endpoint: Endpoint, size: int, now: float, headers: Mapping[str, str], started: float) -> Attempt:
        return Attempt.begin(
            endpoint.organization_id,
            endpoint.endpoint_id,
            received_ms=int(now * 1000),
            size=size,
            sender_id=SENDERS[endpoint.sender].delivery_id(headers),
            started=started,
        )

    def _receive(self, endpoint: Endpoint, delivery: Delivery, attempt: Attempt, request_id: str) -> DeliveryResponse:
        """Return the response to a delivery, and note in `attempt` what became of it."""
        sender = SENDERS[endpoint.sender]
        response = sender.unsigned_handshake(delivery)
        if response is None:
            endpoint = self._verify(sender, endpoint, delivery)
            attempt.proven = True
            delivery = delivery.without_coding()
            response = sender.signed_handshake(delivery)
        if response is not None:
            attempt.ended(RecordedOutcome.HANDSHAKE)
            return response
        received = ReceivedDelivery.of(
            delivery,
            endpoint.endpoint_id,
            sender.delivery_id(delivery.headers),
            secret_header=endpoint.options.get("header"),
        )
        told = self._process(endpoint, received, attempt, request_id)
        emit_count("Deliveries", sender=sender.name)
        return sender.success_response(delivery) or DeliveryResponse(200, jsontext.dumps(told))

    def _process(
        self, endpoint: Endpoint, received: ReceivedDelivery, attempt: Attempt, request_id: str
    ) -> Mapping[str, Any]:
        """Ingest the events of a verified delivery, or leave them to the queue. Return what the sender is told.

        A payload that cannot become an event is stored as a failure, and the sender gets a 200: a retry would fail
        again, and many senders disable a webhook after errors.
        """
        try:
            mapped = self._processor.map(endpoint, received, at_most=MAX_EVENTS_AT_ONCE)
        except MoreEvents:
            return self._enqueue(endpoint, received, attempt, request_id)
        seconds = attempt.started + INGEST_SECONDS - self._clock()
        result = self._processor.ingest(endpoint, received, mapped, request_id=request_id, seconds=seconds)
        attempt.counted(result)
        if result.must_retry:
            return self._enqueue(endpoint, received, attempt, request_id)
        attempt.ended(outcome_of(result))
        if not result.total:
            emit_count("DeliveriesEmpty", sender=endpoint.sender)
        log_info("delivered", sender=endpoint.sender, outcomes=result.to_wire())
        return result.to_wire()

    def _enqueue(
        self, endpoint: Endpoint, received: ReceivedDelivery, attempt: Attempt, request_id: str
    ) -> Mapping[str, Any]:
        """Store a delivery whole, for the queue. Raises ClientError, BotoCoreError or ServiceUnavailable."""
        queued = QueuedDelivery(endpoint, received, attempt.record, request_id)
        try:
            seconds = attempt.started + MAX_RESPONSE_SECONDS - self._clock()
            call_within(seconds, self._threads, self._queue.put, queued)
        except TimeoutError:
            raise ServiceUnavailable("The delivery was not stored in time. Deliver it again.") from None
        attempt.ended(RecordedOutcome.QUEUED)
        emit_count("DeliveriesQueued", sender=endpoint.sender)
        log_info("queued", sender=endpoint.sender)
        return {"queued": True}

    def _endpoint(self, endpoint_id: str) -> Endpoint:
        """Return the endpoint as it was at most one second ago. Raises NotFound, also if it is disabled.

        That costs one read unit per second for each endpoint in use and each process.
        """
        if not ENDPOINT_ID.fullmatch(endpoint_id):
            raise NotFound("The endpoint does not exist.")
        endpoint = self._endpoints.fresh(endpoint_id)
        if endpoint is not None and not endpoint.enabled:
            endpoint = self._read_again(endpoint)
            self._refused.put(endpoint_id, self._clock())
        if endpoint is None or not endpoint.enabled:
            raise NotFound("The endpoint does not exist.")
        return endpoint

    def _read_again(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint as it is now, because a delivery to it is about to be refused.

        For one second after a refusal it is not read again, so that forged deliveries cause few reads.
        """
        refused = self._refused.get(endpoint.endpoint_id)
        if refused is not None and self._clock() - refused < 1:
            return endpoint
        return self._endpoints.now(endpoint.endpoint_id) or endpoint

    def _verify(self, sender: Sender, endpoint: Endpoint, delivery: Delivery) -> Endpoint:
        """Verify the signature, and return the endpoint, which is read again before a delivery is refused."""
        if delivery.method != "POST":  # A handshake that the sender does not have.
            raise MethodNotAllowed(delivery.method, ("POST",))
        try:
            try:
                sender.verify(delivery, self._secrets_of(sender, endpoint), endpoint.options)
            except (SignatureInvalid, SecretNotFound):
                known, endpoint = endpoint, self._read_again(endpoint)
                if endpoint.revision == known.revision:
                    raise
                sender.verify(delivery, self._secrets_of(sender, endpoint), endpoint.options)
            return endpoint
        except SignatureInvalid as error:
            self._refused.put(endpoint.endpoint_id, self._clock())
            emit_count("DeliveriesNotProven", sender=sender.name)
            raise _not_proven(endpoint) from error
        except OSError as error:
            log_error("a sender's public key is unavailable", error)
            raise ServiceUnavailable("The sender's public key is unavailable. Retry in a few seconds.") from None

    def _secrets_of(self, sender: Sender, endpoint: Endpoint) -> tuple[str, ...]:
        """Return the endpoint's secrets. Raises SecretNotFound, and SignatureInvalid if the endpoint waits for them."""
        if endpoint.waiting_for_secret:
            raise SignatureInvalid(RefusalReason.WAITING_FOR_SECRET)
        if not sender.needs_secret:
            return ()
        return self._secrets.get((endpoint.endpoint_id, endpoint.secret_version))


def _not_proven(endpoint: Endpoint) -> Unauthenticated:
    """Return the error for a delivery without a valid signature."""
    if endpoint.waiting_for_secret:
        return Unauthenticated(
            "The endpoint waits for the sender's secret. Send it with POST "
            "/api/v2/journey/webhooks/endpoints/{id}/secret, and deliver again.",
            code="waiting.for.secret",
        )
    return Unauthenticated(
        "The signature of the delivery is missing or invalid. Check the endpoint's secret and options.",
        code="not.proven",
    )


def _reason(error: Exception) -> RefusalReason:
    """Return the reason that the record of a refused delivery shows."""
    if isinstance(error, Unauthenticated) and isinstance(error.__cause__, SignatureInvalid):
        return error.__cause__.reason
    if isinstance(error, PayloadTooLarge):
        return RefusalReason.TOO_LARGE
    if isinstance(error, BadRequest | UnsupportedMediaType):
        return RefusalReason.INVALID_CODING
    return RefusalReason.RETRY
