"""From a delivery to events: proven first, then told apart, mapped, and taken in like all others."""

import base64
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from journeys import dates, jsontext
from journeys.cache import Cache
from journeys.errors import BadRequest, Conflict, NotFound, ServiceUnavailable, TooManyRequests, Unauthenticated
from journeys.events.bindings import Bindings
from journeys.events.failures.model import Failure
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import MAX_ENTITIES, Ingest
from journeys.telemetry import emit_count, log_error, logger
from journeys.webhooks.delivery import INVALID_PAYLOAD, Answer, Delivery, NotProven, Unreadable
from journeys.webhooks.mapping import compile_mapping
from journeys.webhooks.model import ENDPOINT_ID, Endpoint
from journeys.webhooks.senders.base import Sender
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import EndpointStore, SecretStore

MAX_ID = 100
ANSWER_SECONDS = 2.2
"""Puts that were not begun by then are left to the sender's next try: some senders wait three seconds and no longer."""

CONFIGURATION_GONE = "configuration.gone"


class Receiver:
    """Receives deliveries for every endpoint of every organisation."""

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

    def receive(self, endpoint_id: str, delivery: Delivery, *, request_id: str) -> Answer:
        """Answers a delivery. Raises NotFound, Unauthenticated, and what asks the sender to try again."""
        deadline = self._clock() + ANSWER_SECONDS
        endpoint = self._endpoint(endpoint_id)
        sender = SENDERS[endpoint.sender]
        greeting = sender.greeting(delivery)
        if greeting is not None:
            return greeting
        self._prove(sender, endpoint, delivery)
        handshake = sender.handshake(delivery)
        if handshake is not None:
            return handshake
        outcomes = self._take(sender, endpoint, delivery, request_id, deadline)
        emit_count("Deliveries", sender=sender.name)
        logger.info("delivered", sender=sender.name, outcomes=dict(outcomes))
        return sender.acknowledge() or Answer(200, jsontext.dumps(dict(outcomes)))

    def _endpoint(self, endpoint_id: str) -> Endpoint:
        if not ENDPOINT_ID.fullmatch(endpoint_id):
            raise NotFound("There is no such endpoint.")  # nor could a table be asked for an id of any length
        if len(endpoint_id) > MAX_ID:
            raise NotFound("There is no such endpoint.")  # no key could hold it
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or not endpoint.enabled:
            endpoint = self._endpoints.fresh(endpoint_id)
        if endpoint is None or not endpoint.enabled:
            raise NotFound("There is no such endpoint.")
        return endpoint

    def _prove(self, sender: Sender, endpoint: Endpoint, delivery: Delivery) -> None:
        """A secret that was changed a moment ago is looked up again before a delivery is refused."""
        if delivery.method != "POST":
            raise NotFound("There is no such resource.")
        id_ = endpoint.endpoint_id
        try:
            try:
                sender.verify(delivery, self._secrets.get(id_), endpoint.options)
            except NotProven:
                fresh = self._endpoints.fresh(id_) or endpoint
                sender.verify(delivery, self._secrets.fresh(id_), fresh.options)
        except NotProven:
            emit_count("DeliveriesNotProven", sender=sender.name)
            raise Unauthenticated("The delivery is not proven to come from its sender.", code="not.proven") from None
        except OSError as error:
            log_error("a sender's key was not to be had", error)
            raise ServiceUnavailable("The sender's key is not to be had now; send it again in a moment.") from None

    # -- events --------------------------------------------------------------------------------------------------------

    def _take(
        self, sender: Sender, endpoint: Endpoint, delivery: Delivery, request_id: str, deadline: float
    ) -> Counter[str]:
        """What became of a delivery's events: {created, duplicate, failed}. Raises where it is to be sent again.

        A delivery may say that it holds none, with an empty list; that is counted, and no failure.
        """
        outcomes: Counter[str] = Counter(created=0, duplicate=0, failed=0)
        try:
            payloads = sender.payloads(delivery)
        except Unreadable as unreadable:
            self._keep(endpoint, INVALID_PAYLOAD, str(unreadable), [_raw(delivery.body)])
            outcomes["failed"] += 1
            return outcomes
        try:
            mapping = compile_mapping(sender.preset, endpoint.mapping)
            fields = self._bindings.get(endpoint.organization_id, endpoint.configuration_id).schema.document.fields
            events, unsuited = [], []
            for payload in payloads:
                try:
                    events += mapping.events_of(payload, fields)
                except Unreadable as unreadable:
                    unsuited.append((str(unreadable), payload))
            for number, start in enumerate(range(0, len(events), MAX_ENTITIES)):
                taken = self._ingest.ingest(
                    endpoint.organization_id,
                    endpoint.configuration_id,
                    events[start : start + MAX_ENTITIES],
                    request_id=f"{request_id}.{number}",
                    seconds=deadline - self._clock(),
                )
                if not taken.recorded or any(refusal.retryable for refusal in taken.refused.values()):
                    raise TooManyRequests("Not every event was stored or kept; send the delivery again.")
                outcomes.update(str(outcome) for _, outcome in taken.processed.values())
                outcomes["failed"] += len(taken.refused)
        except (BadRequest, Conflict, NotFound) as error:  # the mapping, or the configuration, takes no events now
            reason = error.code if isinstance(error, BadRequest) else CONFIGURATION_GONE
            self._keep(endpoint, reason, error.message, payloads)
            outcomes["failed"] += len(payloads)
            return outcomes
        for message, payload in unsuited:
            self._keep(endpoint, INVALID_PAYLOAD, message, [payload])
        outcomes["failed"] += len(unsuited)
        if not outcomes.total():
            emit_count("DeliveriesEmpty", sender=sender.name)
        return outcomes

    def _keep(self, endpoint: Endpoint, reason: str, message: str, payloads: Sequence[Any]) -> None:
        """Keeps what no event could be made of; what cannot be kept is for the sender to send again."""
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


def _raw(body: bytes) -> str:
    """A body that is not what it should be, as text, or in base64 where it is none."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode()
