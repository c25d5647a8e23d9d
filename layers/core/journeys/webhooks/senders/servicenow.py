"""ServiceNow, where a REST message or a business rule sends a record.

- Sends: one record in JSON.
- Signature: none. The header `Authorization` carries a user and a password (HTTP Basic) or a token (Bearer). With the
  option `header`, the script signs the body instead, as the sender `hmac` does; then a password does not suffice.
- Secret: `user:password`, or the token.
- Time: not signed. A repeated delivery is a duplicate, because the record's number and update count identify the event.
- Default mapping: case number, state, priority, category and reassignments; the customer under the source `servicenow`.
  Dates are in UTC, as in ServiceNow's tables.
- Documentation: "Outbound REST web service" in ServiceNow's product documentation.
"""

import base64

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, Secrets, Sender, bearer
from journeys.webhooks.senders.custom import CustomHmac
from journeys.webhooks.signatures import require_any


class ServiceNow(Sender):
    name = "servicenow"
    options = CustomHmac.options
    presets = {
        1: {
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
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        if "header" in options:
            CustomHmac().verify(delivery, secrets, options)
            return
        basic = ("Basic " + base64.b64encode(secret.encode()).decode() for secret in secrets if ":" in secret)
        require_any([delivery.header("authorization")], [*basic, *map(bearer, secrets)])
