"""The senders."""

from journeys.webhooks.senders.adobe import Adobe
from journeys.webhooks.senders.base import Sender
from journeys.webhooks.senders.cloudevents import CloudEvents
from journeys.webhooks.senders.custom import CustomHmac
from journeys.webhooks.senders.github import GitHub
from journeys.webhooks.senders.hubspot import HubSpot
from journeys.webhooks.senders.qualtrics import Qualtrics
from journeys.webhooks.senders.salesforce import Salesforce
from journeys.webhooks.senders.segment import Segment
from journeys.webhooks.senders.servicenow import ServiceNow
from journeys.webhooks.senders.shopify import Shopify
from journeys.webhooks.senders.slack import Slack
from journeys.webhooks.senders.standard import Standard
from journeys.webhooks.senders.stripe import Stripe
from journeys.webhooks.senders.zendesk import Zendesk

SENDERS: dict[str, Sender] = {
    sender.name: sender
    for sender in (
        Standard(),
        Stripe(),
        Shopify(),
        GitHub(),
        Adobe(),
        Qualtrics(),
        ServiceNow(),
        HubSpot(),
        Zendesk(),
        Segment(),
        Slack(),
        Salesforce(),
        CloudEvents(),
        CustomHmac(),
    )
}
