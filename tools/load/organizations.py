"""The organizations of a load run, with what their senders need."""

from dataclasses import dataclass

from journeys.registry.clients.model import PERMISSIONS
from tools.api import ApiClient
from tools.load.traffic import SENDERS, Traffic
from tools.local_stack.sample import EVENT_TYPES
from tools.operator.admin import Admin
from tools.stack import Stack


@dataclass(frozen=True)
class LoadOrganization:
    """An organization whose senders take part. `endpoints` are the addresses of its endpoints, by sender."""

    organization_id: str
    api: ApiClient
    configurations: dict[str, str]
    endpoints: dict[str, str]
    traffic: Traffic

    @property
    def native_source(self) -> str:
        """The source of its contact center."""
        return f"load.{self.organization_id}"


def set_up(stack: Stack, organization_id: str, seed: str) -> LoadOrganization:
    """Creates an organization, its event types, its webhook endpoints and its source of native events."""
    admin = Admin(stack)
    admin.create_organization(organization_id, organization_id.capitalize())
    client = admin.create_client(organization_id, "load", sorted(PERMISSIONS))
    api = ApiClient(stack.api_url, stack.token_url, client.client_id, client.client_secret)
    configurations: dict[str, str] = {}
    for event_type in EVENT_TYPES:
        schema_id = api.call("POST", "externalevents/schemas", event_type.schema)["id"]
        body = {"name": event_type.title, "schemaId": schema_id, "source": event_type.source}
        configurations[event_type.title] = api.call("POST", "externalevents/configurations", body)["id"]
    endpoints: dict[str, str] = {}
    for sender in SENDERS:
        body = {
            "name": sender.name,
            "sender": sender.name,
            "configurationId": configurations[sender.event_type.title],
            "secret": sender.secret,
            "mapping": sender.mapping,
        }
        endpoint = api.call("POST", "webhooks/endpoints", body)
        endpoints[sender.name] = endpoint["url"]
    organization = LoadOrganization(organization_id, api, configurations, endpoints, Traffic(seed))
    admin.add_native_source(organization_id, organization.native_source)
    return organization
