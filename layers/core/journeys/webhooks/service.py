"""Operations on webhook endpoints: create, read, update, delete, rotate the secret and test the mapping."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from journeys import dates, jsontext
from journeys.errors import BadRequest, Conflict, Detail, PayloadTooLarge
from journeys.events.bindings import Bindings
from journeys.events.failures.model import INVALID_PAYLOAD
from journeys.events.refusals import Refusal
from journeys.events.validation import check
from journeys.messages import use_one_of
from journeys.response_size import LARGEST_PAGE, response_size
from journeys.webhooks.delivery import InvalidPayload
from journeys.webhooks.expressions import Evaluator
from journeys.webhooks.mapping import compile_mapping
from journeys.webhooks.model import Endpoint, EndpointWithSecret, MappedEvent, new_endpoint_id, new_secret
from journeys.webhooks.senders.base import Sender, read_json
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import EndpointStore, SecretStore

MAX_UPDATE_ATTEMPTS = 5
"""Attempts to store a change while other requests change the same endpoint."""


class EndpointService:
    """Manages the endpoints of all organizations. Every method acts only on the organization it is given."""

    def __init__(self, endpoints: EndpointStore, secrets: SecretStore, bindings: Bindings) -> None:
        self._endpoints, self._secrets, self._bindings = endpoints, secrets, bindings

    def list_endpoints(self, organization_id: str) -> list[Endpoint]:
        """Return the organization's endpoints, sorted by name."""
        return self._endpoints.all(organization_id)

    def get(self, organization_id: str, endpoint_id: str) -> Endpoint:
        """Return one endpoint. Raises NotFound."""
        return self._endpoints.get(organization_id, endpoint_id)

    def create(
        self,
        organization_id: str,
        *,
        name: str,
        sender: str,
        configuration_id: str,
        secret: str | None = None,
        enabled: bool = True,
        options: Mapping[str, Any],
        mapping: Mapping[str, Any],
        preset_version: int | None = None,
    ) -> EndpointWithSecret:
        """Create an endpoint and store its secret; generates a secret if none is given.

        Raises BadRequest for an unknown sender or invalid options or mapping, and NotFound or Conflict if the
        configuration cannot receive events.
        """
        now_ms = dates.now_ms()
        endpoint = Endpoint(
            endpoint_id=new_endpoint_id(),
            organization_id=organization_id,
            name=name,
            sender=sender,
            configuration_id=configuration_id,
            enabled=enabled,
            date_created=now_ms,
            date_modified=now_ms,
            options=options,
            mapping=mapping,
            preset_version=preset_version or _sender(sender).latest_preset,
        )
        self._validate(endpoint)
        secret = secret or new_secret()
        # The secret is stored first, so that an endpoint in the registry always has one.
        self._secrets.create(endpoint.endpoint_id, secret)
        try:
            self._endpoints.create(endpoint)
        except Exception:
            self._secrets.delete(endpoint.endpoint_id)
            raise
        return EndpointWithSecret(endpoint, secret)

    def update(
        self,
        organization_id: str,
        endpoint_id: str,
        *,
        name: str | None = None,
        configuration_id: str | None = None,
        enabled: bool | None = None,
        options: Mapping[str, Any] | None = None,
        mapping: Mapping[str, Any] | None = None,
        preset_version: int | None = None,
    ) -> Endpoint:
        """Change an endpoint; None leaves a value unchanged.

        Concurrent changes of different values are all stored. Raises NotFound, the same errors as `create`, and
        Conflict if other requests keep changing the endpoint.
        """
        for _ in range(MAX_UPDATE_ATTEMPTS):
            current = self._endpoints.get(organization_id, endpoint_id)
            endpoint = replace(
                current,
                name=name or current.name,
                configuration_id=configuration_id or current.configuration_id,
                enabled=current.enabled if enabled is None else enabled,
                options=current.options if options is None else options,
                mapping=current.mapping if mapping is None else mapping,
                preset_version=preset_version or current.preset_version,
                date_modified=dates.now_ms(),
                revision=current.revision + 1,
            )
            self._validate(endpoint)
            if self._endpoints.update(endpoint):
                return endpoint
        raise Conflict(
            "Other requests are changing the endpoint at the same time. Send the request again.",
            code="endpoint.changed",
        )

    def delete(self, organization_id: str, endpoint_id: str) -> None:
        """Delete an endpoint and its secrets. Raises NotFound."""
        endpoint = self._endpoints.get(organization_id, endpoint_id)
        # The secrets are deleted first: if this fails, the endpoint still exists and the request can be retried.
        self._secrets.delete(endpoint_id)
        self._endpoints.delete(endpoint)

    def rotate_secret(
        self, organization_id: str, endpoint_id: str, *, secret: str | None = None, keep_previous: bool = True
    ) -> EndpointWithSecret:
        """Replace the endpoint's secret; generates one if none is given. Raises NotFound.

        With `keep_previous`, the secret before this one stays valid too. A retried rotation keeps the same previous
        secret, because a secret equal to the new one is never stored as the previous one.
        """
        endpoint = self._endpoints.get(organization_id, endpoint_id)
        secret = secret or new_secret()
        others = [stored for stored in self._secrets.get(endpoint_id, consistent=True) if stored != secret]
        self._secrets.put(endpoint_id, secret, others[0] if keep_previous and others else None)
        return EndpointWithSecret(endpoint, secret)

    def test_mapping(self, organization_id: str, endpoint_id: str, payload: Any) -> list[MappedEvent]:
        """Map a sample payload to events and validate them, without storing anything.

        Raises NotFound, Conflict if the configuration cannot receive events, and PayloadTooLarge if the result does
        not fit in a response.
        """
        endpoint = self._endpoints.get(organization_id, endpoint_id)
        binding = self._bindings.fresh(organization_id, endpoint.configuration_id)
        mapping = compile_mapping(SENDERS[endpoint.sender].presets[endpoint.preset_version], endpoint.mapping)
        evaluator = Evaluator.of_delivery({}, dates.now_ms())
        try:
            # Parse the payload again, so that its numbers have the types that a delivery's numbers have.
            parsed = read_json(jsontext.dumps(payload).encode())
            events = mapping.to_events(parsed, binding.schema.document.fields, evaluator)
        except InvalidPayload as error:
            return [MappedEvent(None, Refusal(INVALID_PAYLOAD, str(error)))]
        mapped = []
        for event in events:
            result = check(event, binding.validator, dates.now_ms())
            mapped.append(MappedEvent(event, result if isinstance(result, Refusal) else None))
        if response_size([item.to_wire() for item in mapped]) > LARGEST_PAGE:
            raise PayloadTooLarge("The events of this sample do not fit in one response. Send a smaller sample.")
        return mapped

    def _validate(self, endpoint: Endpoint) -> None:
        """Raise BadRequest, NotFound or Conflict if the endpoint cannot receive deliveries."""
        sender = _sender(endpoint.sender)
        sender.validate_options(endpoint.options)
        if endpoint.preset_version not in sender.presets:
            versions = [str(version) for version in sender.presets]
            raise BadRequest(
                f"The sender {sender.name} has no preset of that version. {use_one_of(versions)}",
                code="unknown.preset",
                details=[Detail("unknown.preset", "presetVersion")],
            )
        compile_mapping(sender.presets[endpoint.preset_version], endpoint.mapping)
        self._bindings.fresh(endpoint.organization_id, endpoint.configuration_id)


def _sender(name: str) -> Sender:
    """The sender of that name. Raises BadRequest."""
    sender = SENDERS.get(name)
    if sender is None:
        raise BadRequest(
            f"The sender is unknown. Use one of {', '.join(SENDERS)}.",
            code="unknown.sender",
            details=[Detail("unknown.sender", "sender")],
        )
    return sender
