"""Receive webhook deliveries: verify the signature, map the payloads to events and ingest them."""

import base64
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from journeys import dates, jsontext
from journeys.cache import Cache
from journeys.errors import (
    BadRequest,
    Conflict,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
    Unauthenticated,
)
from journeys.events.bindings import Bindings
from journeys.events.failures.model import CONFIGURATION_GONE, INVALID_PAYLOAD, Failure
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import MAX_ENTITIES, Ingest
from journeys.telemetry import emit_count, log_error, logger
from journeys.webhooks.delivery import Delivery, DeliveryResponse, InvalidPayload, SignatureInvalid
from journeys.webhooks.expressions import Evaluator
from journeys.webhooks.mapping import EventMapping, compile_mapping
from journeys.webhooks.model import ENDPOINT_ID, Endpoint
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
        ingest: Ingest,
        bindings: Bindings,
        failures: FailureStore,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ingest, self._bindings, self._failures, self._clock = ingest, bindings, failures, clock
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
        outcomes = self._process(sender, endpoint, delivery, request_id, deadline)
        if not outcomes.total():
            emit_count("DeliveriesEmpty", sender=sender.name)
        emit_count("Deliveries", sender=sender.name)
        logger.info("delivered", sender=sender.name, outcomes=dict(outcomes))
        return sender.success_response() or DeliveryResponse(200, jsontext.dumps(dict(outcomes)))

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

    # -- events --------------------------------------------------------------------------------------------------------

    def _process(
        self, sender: Sender, endpoint: Endpoint, delivery: Delivery, request_id: str, deadline: float
    ) -> Counter[str]:
        """Ingest the events of a verified delivery and return the number of `created`, `duplicate` and `failed`.

        A payload that cannot become an event is stored as a failure, and the sender gets a 200: a retry would fail
        again, and many senders disable a webhook after errors. A delivery without events, such as an empty list, has
        no outcomes. Raises TooManyRequests if the sender must retry.
        """
        outcomes: Counter[str] = Counter(created=0, duplicate=0, failed=0)
        try:
            payloads = sender.extract_payloads(delivery)
        except InvalidPayload as error:
            outcomes["failed"] += self._store_failures(endpoint, INVALID_PAYLOAD, str(error), [_as_text(delivery.body)])
            return outcomes
        try:
            mapping = compile_mapping(sender.presets[endpoint.preset_version], endpoint.mapping)
            fields = self._bindings.get(endpoint.organization_id, endpoint.configuration_id).schema.document.fields
            events, invalid = _map(mapping, payloads, fields, delivery)
            self._ingest_events(endpoint, events, request_id, deadline, outcomes)
        except (BadRequest, Conflict, NotFound) as error:
            # The mapping is no longer valid, or the configuration was deleted or disabled.
            reason = error.code if isinstance(error, BadRequest) else CONFIGURATION_GONE
            outcomes["failed"] += self._store_failures(endpoint, reason, error.message, payloads)
            return outcomes
        for message, payload in invalid:
            outcomes["failed"] += self._store_failures(endpoint, INVALID_PAYLOAD, message, [payload])
        return outcomes

    def _ingest_events(
        self, endpoint: Endpoint, events: Sequence[Any], request_id: str, deadline: float, outcomes: Counter[str]
    ) -> None:
        """Ingest events in batches and count them in `outcomes`.

        Raises TooManyRequests unless every event or its failure was stored.
        """
        for number, start in enumerate(range(0, len(events), MAX_ENTITIES)):
            result = self._ingest.ingest(
                endpoint.organization_id,
                endpoint.configuration_id,
                events[start : start + MAX_ENTITIES],
                request_id=f"{request_id}.{number}",
                seconds=deadline - self._clock(),
            )
            if not result.recorded or any(refusal.retryable for refusal in result.refused.values()):
                raise TooManyRequests("Some events of the delivery were not stored. Retry the delivery.")
            outcomes.update(str(outcome) for _, outcome in result.processed.values())
            outcomes["failed"] += len(result.refused)

    def _store_failures(self, endpoint: Endpoint, reason: str, message: str, payloads: Sequence[Any]) -> int:
        """Store payloads that could not become events as failures, and return their number."""
        now_ms = dates.now_ms()
        for payload in payloads:
            self._failures.put(
                Failure.of_delivery(
                    endpoint.organization_id,
                    endpoint.configuration_id,
                    payload,
                    sender=endpoint.sender,
                    reason=reason,
                    message=message,
                    now_ms=now_ms,
                )
            )
        emit_count("EventsRefused", len(payloads), reason=reason)
        return len(payloads)


def _map(
    mapping: EventMapping, payloads: Sequence[Any], fields: Any, delivery: Delivery
) -> tuple[list[dict[str, Any]], list[tuple[str, Any]]]:
    """Return the events of all payloads, and the payloads in which no events were found, each with a message."""
    evaluator = Evaluator.of_delivery(delivery.headers, int(delivery.now * 1000))
    events: list[dict[str, Any]] = []
    invalid = []
    for payload in payloads:
        try:
            events += mapping.to_events(payload, fields, evaluator)
        except InvalidPayload as error:
            invalid.append((str(error), payload))
    return events, invalid


def _as_text(body: bytes) -> str:
    """Return a body that could not be read as text, or in base64 if it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode()
