"""Delivers a webhook to an endpoint, for `journeys deliver`."""

from datetime import UTC, datetime
from typing import Any

import httpx

from journeys.webhooks.store import EndpointStore, SecretStore
from tools.api import ApiClient
from tools.deliveries import sample_deliveries, sample_payload, serve_adobe_key
from tools.errors import SetupError, ToolError
from tools.signing import SIGNERS, Signed, adobe_key_path, adobe_public_key, new_adobe_key
from tools.stack import Stack, is_local

SECRET_VARIABLE = "JOURNEYS_WEBHOOK_SECRET"  # noqa: S105  # the name of an environment variable


def find_endpoint(api: ApiClient, name_or_id: str, sender: str) -> dict[str, Any]:
    """The endpoint of a sender, by id or name. Raises ToolError when there is none, or several with that name."""
    if sender not in SIGNERS:
        raise ToolError(f'"{sender[:100]}" is not a sender. Use one of: {", ".join(sorted(SIGNERS))}.')
    endpoints = list(api.entities("webhooks/endpoints"))
    matching = [one for one in endpoints if one["id"] == name_or_id] or [
        one for one in endpoints if one["name"].casefold() == name_or_id.casefold()
    ]
    if not matching:
        names = ", ".join(f'"{one["name"]}" ({one["sender"]})' for one in endpoints[:20]) or "none"
        raise ToolError(f'There is no endpoint "{name_or_id}". The organization\'s endpoints: {names}.')
    matching = [one for one in matching if one["sender"] == sender] or matching
    if matching[0]["sender"] != sender:
        raise ToolError(f'The endpoint "{name_or_id}" receives deliveries of {matching[0]["sender"]}, not {sender}.')
    if len(matching) > 1:
        ids = ", ".join(one["id"] for one in matching)
        raise ToolError(f'Several endpoints are called "{name_or_id}". Use one of these ids: {ids}.')
    return matching[0]


def signing_secret(stack: Stack, sender: str, endpoint_id: str, secret: str | None) -> str:
    """The secret that signs a delivery: the given one, or the endpoint's from Secrets Manager.

    Adobe signs with its own key. On the local stack, this publishes a new key instead of Adobe's.

    Raises:
        SetupError: there is no secret to sign with.
    """
    if sender == "adobe":
        if not is_local(stack.endpoint_url):
            raise SetupError("Adobe signs with its own key, so only the local stack accepts a delivery signed here.")
        key = new_adobe_key()
        serve_adobe_key(stack.client("s3"), adobe_key_path(key), adobe_public_key(key))
        return key
    if secret:
        return secret
    endpoint = EndpointStore(stack.dynamodb, stack.outputs["RegistryTableName"]).find(endpoint_id, consistent=True)
    secrets = SecretStore(stack.client("secretsmanager"), f"{stack.name}/webhooks/")
    stored = secrets.get(endpoint_id, endpoint.secret_version) if endpoint else ()
    if not stored:
        raise SetupError(f"The endpoint has no stored secret. Use --secret or {SECRET_VARIABLE}.")
    return stored[0]


def sample_for(endpoint: dict[str, Any]) -> bytes:
    """A sample payload of the endpoint's sender. For the endpoints of `journeys up`, it fits their event type."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    for delivery in sample_deliveries(now):
        if (delivery.name, delivery.sender) == (endpoint["name"], endpoint["sender"]):
            return delivery.payload
    return sample_payload(endpoint["sender"], endpoint.get("options", {}))


def refused_events(response: httpx.Response) -> int:
    """The number of events of a successful delivery that were refused. Salesforce gets no such number."""
    if not response.headers.get("Content-Type", "").startswith("application/json"):
        return 0
    return int(response.json().get("failed", 0))


def post_delivery(url: str, signed: Signed) -> httpx.Response:
    """Posts a delivery to an endpoint. Raises httpx.TransportError."""
    return httpx.post(url, content=signed.body, headers=signed.headers, params=signed.query or None, timeout=40)
