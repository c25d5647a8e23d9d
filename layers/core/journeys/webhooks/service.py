"""Operations on webhook endpoints: create, read, update, delete, rotate the secret and test the mapping."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from journeys import dates, jsontext
from journeys.aws import ConditionsFailed
from journeys.errors import BadRequest, Conflict, Detail, NotFound, PayloadTooLarge
from journeys.events.bindings import Binding, Bindings
from journeys.events.failures.model import CONFIGURATION_GONE, INVALID_MAPPING, INVALID_PAYLOAD
from journeys.events.judging import Judge
from journeys.events.refusals import Refusal
from journeys.messages import closest, shorten, use_one_of
from journeys.response_size import LARGEST_PAGE, response_size
from journeys.webhooks.delivery import InvalidPayload, ReceivedDelivery
from journeys.webhooks.explanations import explain
from journeys.webhooks.expressions import is_readable_header
from journeys.webhooks.mapper import Mapper, validate_routing
from journeys.webhooks.mapping import compile_mapping, effective_mapping
from journeys.webhooks.model import (
    Endpoint,
    EndpointDescription,
    EndpointWithSecret,
    MappedEvent,
    Problem,
    Routing,
    new_endpoint_id,
)
from journeys.webhooks.problems import Problems
from journeys.webhooks.rotation import Rotation, secret_required
from journeys.webhooks.senders.base import Sender
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import MAX_ATTEMPTS, EndpointStore, SecretStore, keeps_changing


class EndpointService:
    """Manages the endpoints of all organizations. Every method acts only on the organization it is given."""

    def __init__(self, endpoints: EndpointStore, secrets: SecretStore, bindings: Bindings) -> None:
        self._endpoints, self._secrets, self._bindings = endpoints, secrets, bindings
        self._rotation = Rotation(endpoints, secrets)
        self._mapper, self._judge = Mapper(bindings), Judge(bindings)

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
        configuration_id: str | None = None,
        routing: Routing | None = None,
        secret: str | None = None,
        enabled: bool = True,
        options: Mapping[str, Any],
        mapping: Mapping[str, Any],
        preset_version: int | None = None,
        endpoint_id: str | None = None,
    ) -> EndpointWithSecret:
        """Create an endpoint and store its secret. Either `configuration_id` or `routing` is given.

        If there is no secret, one is generated; or, if the sender owns the secret, the endpoint waits for it. Raises
        BadRequest for an unknown sender or invalid options, mapping, routing or secret, and NotFound or Conflict if a
        configuration cannot receive events.
        """
        kind, now_ms = _sender(sender), dates.now_ms()
        endpoint = Endpoint(
            endpoint_id=endpoint_id or new_endpoint_id(),
            organization_id=organization_id,
            name=name,
            sender=sender,
            configuration_id=configuration_id,
            routing=routing,
            enabled=enabled,
            date_created=now_ms,
            date_modified=now_ms,
            options=options,
            mapping=mapping,
            preset_version=preset_version or kind.latest_preset,
            waiting_for_secret=secret is None and kind.owns_secret and kind.needs_secret,
        )
        self._validate(endpoint)
        if secret is not None:
            kind.validate_secret(secret)
        elif not kind.owns_secret:
            secret = kind.new_secret()
        if secret is not None:
            # The secret is stored first, so that an endpoint in the registry never names one that does not exist.
            endpoint = replace(endpoint, secret_version=self._secrets.create(endpoint.endpoint_id, secret))
        self._store(endpoint)
        return EndpointWithSecret(endpoint, secret)

    def _store(self, endpoint: Endpoint) -> None:
        """Store a new endpoint, or delete its secret."""
        try:
            self._endpoints.create(endpoint)
        except Exception:
            # The endpoint can exist although the response of the database was lost.
            stored = self._endpoints.find(endpoint.endpoint_id, consistent=True)
            if stored is None or stored.secret_version != endpoint.secret_version:
                self._secrets.delete(endpoint.endpoint_id, endpoint.secret_version)
            raise

    def create_once(self, organization_id: str, endpoint_id: str, **values: Any) -> EndpointWithSecret:
        """Create the endpoint with this id, or return it if a repeated request finds it.

        An endpoint that was changed since then is returned without its secret, which can be another one than the first
        request returned. `values` and the errors are those of `create`.
        """
        if self._endpoints.find(endpoint_id, consistent=True) is None:
            with suppress(ConditionsFailed):  # The same request was sent twice at the same time.
                return self.create(organization_id, endpoint_id=endpoint_id, **values)
        endpoint = self._endpoints.get(organization_id, endpoint_id)
        if endpoint.revision:
            return EndpointWithSecret(endpoint, None)
        secrets = self._secrets.get(endpoint_id, endpoint.secret_version)
        return EndpointWithSecret(endpoint, secrets[0] if secrets else None)

    def update(
        self,
        organization_id: str,
        endpoint_id: str,
        *,
        name: str | None = None,
        configuration_id: str | None = None,
        routing: Routing | None = None,
        enabled: bool | None = None,
        options: Mapping[str, Any] | None = None,
        mapping: Mapping[str, Any] | None = None,
        preset_version: int | None = None,
    ) -> Endpoint:
        """Change an endpoint; None leaves a value unchanged. A routing replaces the configuration, and vice versa.

        Concurrent changes of different values are all stored. Raises NotFound, the same errors as `create`, and
        Conflict if other requests keep changing the endpoint.
        """
        if configuration_id is not None and routing is not None:
            raise _one_target()
        target = configuration_id is not None or routing is not None

        def change(current: Endpoint) -> Endpoint:
            changed = replace(
                current,
                name=name or current.name,
                configuration_id=configuration_id if target else current.configuration_id,
                routing=routing if target else current.routing,
                enabled=current.enabled if enabled is None else enabled,
                options=current.options if options is None else options,
                mapping=current.mapping if mapping is None else mapping,
                preset_version=preset_version or current.preset_version,
                date_modified=dates.now_ms(),
                disabled_reason=current.disabled_reason if enabled is None and not target else None,
            )
            if receives_differently(current, changed):
                self._validate(changed)
            return changed

        return self._endpoints.change(organization_id, endpoint_id, change)

    def delete(self, organization_id: str, endpoint_id: str) -> None:
        """Delete an endpoint and its secrets. Raises NotFound, and Conflict if others keep changing the endpoint."""
        for _ in range(MAX_ATTEMPTS):
            endpoint = self._endpoints.get(organization_id, endpoint_id)
            # The secrets are deleted first: if this fails, the endpoint still exists and the request can be retried.
            self._secrets.delete(endpoint_id, endpoint.secret_version)
            if self._endpoints.delete(endpoint):  # Otherwise the endpoint may name other secrets.
                return
        raise keeps_changing()

    def rotate_secret(
        self, organization_id: str, endpoint_id: str, *, secret: str | None = None, keep_previous: bool = True
    ) -> EndpointWithSecret:
        """Replace the endpoint's secret, or set the one that it waits for. Without a secret, one is generated.

        With `keep_previous`, the secret before this one stays valid too. Without it and without a secret, the current
        secret becomes the only valid one, and is not returned. Raises NotFound; BadRequest for an invalid secret, or a
        missing one that the sender owns; and the errors of Rotation.
        """
        sender = SENDERS[self._endpoints.get(organization_id, endpoint_id).sender]
        if secret is not None:
            sender.validate_secret(secret)
        elif keep_previous:
            if sender.owns_secret:
                raise secret_required(
                    f"No secret can be generated for the sender {sender.name}. {sender.secret_guide.source}"
                )
            secret = sender.new_secret()
        rotated = self._rotation.rotate(organization_id, endpoint_id, secret, keep_previous=keep_previous)
        return EndpointWithSecret(rotated, secret)

    def test_mapping(
        self, organization_id: str, endpoint_id: str, *, payload: Any, body: str | None, headers: Mapping[str, str]
    ) -> list[MappedEvent]:
        """Judge a sample exactly as a delivery is judged, without storing anything.

        The sample is either `body`, the exact body of a delivery, or `payload`, the JSON value in it. Raises NotFound,
        and PayloadTooLarge if the result does not fit in a response.
        """
        endpoint = self._endpoints.get(organization_id, endpoint_id)
        for configuration_id in endpoint.configuration_ids:
            with suppress(NotFound, Conflict):  # A delivery is refused for these, and so is the sample.
                self._bindings.fresh(organization_id, configuration_id)
        mapped = self._judged(organization_id, self._map_sample(endpoint, payload, body, headers))
        if response_size([item.to_wire() for item in mapped]) > LARGEST_PAGE:
            raise PayloadTooLarge("The events of this sample do not fit in one response. Send a smaller sample.")
        return mapped

    def _map_sample(
        self, endpoint: Endpoint, payload: Any, body: str | None, headers: Mapping[str, str]
    ) -> list[MappedEvent]:
        readable = {name.lower(): value for name, value in headers.items() if is_readable_header(name)}
        if body is not None:
            received = ReceivedDelivery(endpoint.endpoint_id, body.encode(), readable, dates.now_ms())
            return self._mapper.map(endpoint, received)
        sample = jsontext.dumps(payload).encode()
        readable = {"content-type": "application/json"} | readable
        received = ReceivedDelivery(endpoint.endpoint_id, sample, readable, dates.now_ms())
        try:
            payloads = SENDERS[endpoint.sender].sample_payloads(received.to_delivery())
        except InvalidPayload as error:
            return [MappedEvent(refusal=Refusal(INVALID_PAYLOAD, str(error)))]
        return self._mapper.map_payloads(endpoint, payloads, readable, received.received_ms)

    def _judged(self, organization_id: str, mapped: list[MappedEvent]) -> list[MappedEvent]:
        """Return the events with the refusals of those that ingest would refuse."""
        by_configuration: dict[str, list[int]] = {}
        for index, event in enumerate(mapped):
            if event.outcome == "valid" and event.configuration_id is not None:
                by_configuration.setdefault(event.configuration_id, []).append(index)
        for configuration_id, indexes in by_configuration.items():
            entities = [mapped[index].event for index in indexes]
            judgment = self._judge.judge(organization_id, configuration_id, entities, request_id="test")
            for position, refusal in judgment.refused.items():
                mapped[indexes[position]] = replace(mapped[indexes[position]], refusal=explain(refusal))
        return mapped

    def describe(self, endpoint: Endpoint) -> EndpointDescription:
        """Return an endpoint with its effective mapping and its problems."""
        preset = _sender(endpoint.sender).presets[endpoint.preset_version]
        return EndpointDescription(endpoint, effective_mapping(preset, endpoint.mapping), self._problems(endpoint))

    def _problems(self, endpoint: Endpoint) -> list[Problem]:
        """Return why deliveries to a stored endpoint will fail: the registry may have changed since it was stored."""
        problems = []
        bindings = []
        place = "routing.configurations" if endpoint.routing is not None else "configurationId"
        for configuration_id in endpoint.configuration_ids:
            try:
                bindings.append(self._bindings.fresh(endpoint.organization_id, configuration_id))
            except (NotFound, Conflict) as error:
                problems.append(Problem(CONFIGURATION_GONE, place, error.message))
        if not problems:
            problems += _unknown_attributes(endpoint, bindings)
        try:
            mapping = compile_mapping(_sender(endpoint.sender).presets[endpoint.preset_version], endpoint.mapping)
        except BadRequest as error:  # It was valid when it was stored, and the rules have become stricter since.
            return [*problems, Problem(error.code, "mapping", error.message)]
        if mapping.date_format.needs_zone:
            message = "The dates have no time zone, so events are refused. Name it in mapping.timeZone: Europe/Berlin."
            problems.append(Problem("missing.time.zone", "mapping.timeZone", message))
        return problems

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
        if (endpoint.configuration_id is None) == (endpoint.routing is None):
            raise _one_target()
        compile_mapping(sender.presets[endpoint.preset_version], endpoint.mapping)
        if endpoint.routing is not None:
            validate_routing(endpoint.routing)
        bindings = [self._bindings.fresh(endpoint.organization_id, id_) for id_ in endpoint.configuration_ids]
        problems = Problems(INVALID_MAPPING)
        for problem in _unknown_attributes(endpoint, bindings):
            problems.add(problem.code, problem.field_name, problem.message)
        problems.raise_if_any()


def receives_differently(current: Endpoint, changed: Endpoint) -> bool:
    """Whether a change affects what becomes of deliveries. Renaming and disabling do not, and are always allowed."""
    return (
        replace(
            changed,
            name=current.name,
            enabled=current.enabled or changed.enabled,
            date_modified=current.date_modified,
            disabled_reason=current.disabled_reason,
        )
        != current
    )


def _unknown_attributes(endpoint: Endpoint, bindings: Sequence[Binding]) -> list[Problem]:
    """Return a problem for each attribute of the endpoint's own mapping that none of its schemas has."""
    own = endpoint.mapping.get("attributes")
    if not own:
        return []
    known = {name for binding in bindings for name in binding.schema.document.fields}
    problems = []
    for name in sorted(name for name, expression in own.items() if expression is not None and name not in known):
        similar = closest(name, known)
        hint = f'Did you mean "{similar}"?' if similar else "Add it to the schema, or remove it from the mapping."
        field_name = f"mapping.attributes.{shorten(name)}"
        problems.append(Problem("unknown.attribute", field_name, f"{field_name} is not in the schema. {hint}"))
    return problems


def _one_target() -> BadRequest:
    return BadRequest(
        "Send either configurationId or routing.",
        code="invalid.field",
        details=[Detail("invalid.field", "routing")],
    )


def _sender(name: str) -> Sender:
    """The sender of that name. Raises BadRequest."""
    sender = SENDERS.get(name)
    if sender is None:
        similar = closest(name, SENDERS)
        hint = f'Did you mean "{similar}"? ' if similar else ""
        raise BadRequest(
            f"The sender is unknown. {hint}Use one of {', '.join(SENDERS)}.",
            code="unknown.sender",
            details=[Detail("unknown.sender", "sender")],
        )
    return sender
