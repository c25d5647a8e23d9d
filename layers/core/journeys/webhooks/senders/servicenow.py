"""ServiceNow, where a REST message or a business rule sends a record.

- Sends: a record in JSON as the Table API writes it, with values, display values or both. It can be in `result`.
- Signature: none. The header `Authorization` carries a user and a password (HTTP Basic) or a token (Bearer). With the
  option `header`, the script signs the body instead, as the sender `hmac` does; then a password does not suffice.
- Secret: `user:password`, or the token.
- Time: not signed. A repeated delivery is a duplicate.
- Id: a digest of the record. ServiceNow has no id of a change: two updates can lie in one second, and with
  `autoSysFields(false)` neither the number of updates nor the date changes. The same record twice is one event.
- Customer: the user's `sys_id` under the source `servicenow`, from `caller_id`, `contact`, `requested_for` or
  `opened_for`. Of a reference with a display value alone, it is the id at the end of the link; without a link, it is
  the text as it is. Then the email address, the telephone number, the consumer and the account.
- Empty: an empty text means that the value is not known, and is left out.
- Dates: values are in UTC. Display values alone are in the time zone and the format of the user that the script runs
  as, so the endpoint's mapping must name them.
- Test delivery: "Test" of a REST message sends the body with the variables' test values, like any other delivery.
- Documentation: "Table API" (`sysparm_display_value`, `sysparm_exclude_reference_link`), "Outbound REST web service"
  and "GlideRecord" (`autoSysFields`), https://www.servicenow.com/docs.
"""

import base64
from collections.abc import Iterable

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender, bearer
from journeys.webhooks.senders.custom import CustomHmac
from journeys.webhooks.signatures import require_any

_USERS = ("caller_id", "contact", "requested_for", "opened_for")
"""Fields with the user that a record is about. The user who opened a record is often an agent."""


def _first(fields: Iterable[str], *parts: str) -> str:
    """Return an expression for the first field that is not empty: one of its parts, or else the field as it is."""
    return " || ".join(
        f"{field} && ({' || '.join(part.format(field) for part in parts)} || ([{field}][?type(@) != 'object'] | [0]))"
        for field in fields
    )


def _reference(*fields: str) -> str:
    """Return an expression for the id of the first reference that is not empty."""
    return _first(fields, "{0}.value", "split({0}.link, '/')[-1]")


def _of_user(*fields: str) -> str:
    """Return an expression for the first field of the user that is not empty, such as `caller_id.email`."""
    return _first((f'"{user}.{field}"' for user in _USERS for field in fields), "{0}.value")


def _value(*fields: str) -> str:
    """Return an expression for the value of the first field that is not empty."""
    return _first(fields, "{0}.value")


def _display(field: str) -> str:
    """Return an expression for what a form shows in a field, or else the field as it is."""
    return _first([field], "{0}.display_value")


class ServiceNow(Sender):
    name = "servicenow"
    title = "ServiceNow"
    documentation = "https://www.servicenow.com/docs"
    sends = "Incidents, cases and other records of a table that change."
    steps = (
        (
            "In ServiceNow, open System Web Services, Outbound, REST Message, and create one with the endpoint's "
            "address and an HTTP method of type POST."
        ),
        (
            "Set the authentication type to Basic, and create a profile with the user and the password of the "
            "endpoint's secret. Or send a token in the header Authorization, as Bearer."
        ),
        (
            "Create a business rule on the table that runs after inserts and updates and sends the record as JSON with "
            "sn_ws.RESTMessageV2."
        ),
        (
            "Send values instead of display values, so that customers and dates are unambiguous. Otherwise, name the "
            "user's dateFormat and timeZone in the mapping."
        ),
        "Click Test in the HTTP method, or change a record.",
    )
    secret_guide = SecretGuide(
        "Choose a user and a password, or a token, or have one generated, and use it in the REST message.",
        "A user, a colon and a password; or a token.",
    )
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
        2: {
            "events": "result || @",
            "id": "digest(@)",
            "dateCreated": _value("sys_updated_on", "sys_created_on"),
            "dateFormat": "%Y-%m-%d %H:%M:%S",
            "timeZone": "UTC",
            "externalIds": [
                {"externalSourceId": "'servicenow'", "value": _reference(*_USERS)},
                {"externalSourceId": "'email'", "value": f"lower({_of_user('email')})"},
                {"externalSourceId": "'phone'", "value": _of_user("phone", "mobile_phone")},
                {"externalSourceId": "'servicenow-consumer'", "value": _reference("consumer")},
                {"externalSourceId": "'servicenow-account'", "value": _reference("account", "company")},
            ],
            "attributes": {
                "caseNumber": _display("number"),
                "state": _display("state"),
                "priority": _display("priority"),
                "category": _display("category"),
                "reassignments": "to_number(reassignment_count.value || reassignment_count)",
                "type": _value("sys_class_name"),
                "subject": _display("short_description"),
                "urgency": _display("urgency"),
                "impact": _display("impact"),
                "group": _display("assignment_group"),
                "origin": _display("contact_type"),
                "resolution": _display("close_code"),
            },
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        if "header" in options:
            CustomHmac().verify(delivery, secrets, options)
            return
        basic = ("Basic " + base64.b64encode(secret.encode()).decode() for secret in secrets if ":" in secret)
        require_any([delivery.header("authorization")], [*basic, *map(bearer, secrets)])
