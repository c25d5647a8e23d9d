"""Rotate the secrets of an endpoint, while other requests change it and deliveries use them."""

from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from journeys.errors import BadRequest, Detail
from journeys.telemetry import log_error
from journeys.webhooks.model import Endpoint
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import MAX_ATTEMPTS, EndpointStore, SecretNotFound, SecretStore, keeps_changing


class Rotation:
    """Replaces the secrets of endpoints.

    A rotation stores the new secrets, then makes the endpoint name them if it is unchanged, and then deletes those that
    the endpoint named before. So the endpoint names secrets that exist, wherever a rotation is interrupted. An
    interruption can leave one version of the secrets that no endpoint names. Nothing deletes it later, not even the
    deletion of the endpoint.
    """

    def __init__(self, endpoints: EndpointStore, secrets: SecretStore) -> None:
        self._endpoints, self._secrets = endpoints, secrets

    def rotate(self, organization_id: str, endpoint_id: str, secret: str | None, *, keep_previous: bool) -> Endpoint:
        """Make `secret` the endpoint's current secret, or keep the current one if it is None. Return the endpoint.

        With `keep_previous`, the secret before this one stays valid too. Raises NotFound; BadRequest if the endpoint
        has no secret to keep; SecretNotFound; and Conflict if others keep changing the endpoint.
        """
        for _ in range(MAX_ATTEMPTS):
            current = self._endpoints.get(organization_id, endpoint_id)
            try:
                valid = self._valid(current, secret, keep_previous=keep_previous)
            except SecretNotFound:
                if self._endpoints.get(organization_id, endpoint_id).revision == current.revision:
                    raise
                continue  # Another rotation replaced the secrets.
            version = self._secrets.create(endpoint_id, *valid)
            # If this raises an error, the change may have been stored. So the new version is kept.
            rotated = replace(current, secret_version=version, waiting_for_secret=False, revision=current.revision + 1)
            if self._endpoints.update(rotated):
                self._discard(endpoint_id, current.secret_version)
                return rotated
            self._discard(endpoint_id, version)
        raise keeps_changing()

    def _valid(self, endpoint: Endpoint, secret: str | None, *, keep_previous: bool) -> tuple[str, ...]:
        """Return the secrets that are valid after the rotation, the current one first.

        A secret that replaces all others needs none of them, so it also repairs an endpoint whose secrets are lost.
        """
        if secret is not None and not keep_previous:
            return (secret,)
        stored = self._secrets.get(endpoint.endpoint_id, endpoint.secret_version)
        if secret is None:
            if not stored:
                raise secret_required(f"The endpoint has no secret. {SENDERS[endpoint.sender].secret_guide.source}")
            return stored[:1]
        # A retried rotation keeps the same previous secret: one equal to the new one is never the previous one.
        return (secret, *[other for other in stored if other != secret][:1])

    def _discard(self, endpoint_id: str, version: str | None) -> None:
        """Delete a version that no endpoint names. An error does not fail the rotation, which is complete."""
        try:
            self._secrets.delete(endpoint_id, version)
        except (ClientError, BotoCoreError) as error:
            log_error("an unused secret could not be deleted", error)


def secret_required(message: str) -> BadRequest:
    """Return the error for a rotation that must name the secret."""
    return BadRequest(message, code="secret.required", details=[Detail("missing.field", "secret")])
