"""The deletion of a configuration, which webhook endpoints may use."""

from contextlib import suppress
from dataclasses import replace

from journeys import dates
from journeys.errors import Conflict, Detail, NotFound
from journeys.messages import shorten
from journeys.registry.configurations.store import ConfigurationStore
from journeys.webhooks.model import DISABLED_BY_DELETION, Endpoint
from journeys.webhooks.store import EndpointStore

IN_USE = "configuration.in.use"
MAX_NAMED = 10
"""Endpoints that an error names."""


class ConfigurationDeletion:
    """Deletes configurations, but not under the endpoints that use them."""

    def __init__(self, configurations: ConfigurationStore, endpoints: EndpointStore) -> None:
        self._configurations, self._endpoints = configurations, endpoints

    def delete(self, organization_id: str, configuration_id: str, *, force: bool = False) -> None:
        """Delete a configuration. With `force`, the endpoints that use it are disabled first.

        Raises NotFound, and Conflict if endpoints use it and `force` is not set.
        """
        self._configurations.get(organization_id, configuration_id)
        using = [one for one in self._endpoints.all(organization_id) if configuration_id in one.configuration_ids]
        if using and not force:
            raise _in_use(using)
        for endpoint in using:
            if endpoint.enabled:
                with suppress(NotFound):  # Another request deleted it.
                    self._endpoints.change(organization_id, endpoint.endpoint_id, _disabled)
        self._configurations.delete(organization_id, configuration_id)


def _disabled(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, enabled=False, disabled_reason=DISABLED_BY_DELETION, date_modified=dates.now_ms())


def _in_use(endpoints: list[Endpoint]) -> Conflict:
    named = [f'"{shorten(endpoint.name)}" ({endpoint.endpoint_id})' for endpoint in endpoints[:MAX_NAMED]]
    more = f" and {len(endpoints) - MAX_NAMED} more" if len(endpoints) > MAX_NAMED else ""
    return Conflict(
        f"Webhook endpoints use this configuration: {', '.join(named)}{more}. Give them another configuration "
        "or delete them first; or send the request with force=true, which disables them.",
        code=IN_USE,
        details=[Detail(IN_USE, endpoint.endpoint_id) for endpoint in endpoints[:MAX_NAMED]],
        params={"count": str(len(endpoints))},
    )
