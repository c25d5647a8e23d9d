"""ServiceNow: a REST message or business rule posts a record. It signs nothing, so it sends a password or a token."""

import base64

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender, bearer
from journeys.webhooks.senders.custom import CustomHmac
from journeys.webhooks.signatures import require_any


class ServiceNow(Sender):
    """The secret is `user:password` for HTTP Basic, or a token; with the option `header`, it is an HMAC."""

    name = "servicenow"
    options = CustomHmac.options
    preset = {
        "id": "join('-', [number, to_string(sys_mod_count || `0`)])",
        "dateCreated": "sys_updated_on",
        "dateFormat": "%Y-%m-%d %H:%M:%S",
        "timeZone": "UTC",
        "externalSourceId": "'servicenow'",
        "customer": "caller_id.value || caller_id",
        "attributes": {
            "caseNumber": "number",
            "state": "state.display_value || state",
            "priority": "priority.display_value || priority",
            "category": "category",
            "reassignments": "to_number(reassignment_count)",
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        if "header" in options:
            CustomHmac().verify(delivery, secrets, options)
            return
        basic = ("Basic " + base64.b64encode(secret.encode()).decode() for secret in secrets if ":" in secret)
        require_any([delivery.header("authorization")], [*basic, *map(bearer, secrets)])
