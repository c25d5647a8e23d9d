"""Salesforce outbound messages: SOAP without a signature; its organisation and a secret in the address are the proof.

https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_understanding.htm
"""

from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from journeys.webhooks.delivery import Answer, Delivery, NotProven, Unreadable
from journeys.webhooks.senders.base import Options, Secrets, Sender
from journeys.webhooks.signatures import require_any

MAX_NOTIFICATIONS = 100
_OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ACK = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


class Salesforce(Sender):
    name = "salesforce"
    options = {"organizationId": None}
    required_options = frozenset({"organizationId"})
    preset = {
        "id": "notificationId",
        "dateCreated": "LastModifiedDate || SystemModstamp || CreatedDate",
        "externalSourceId": "'salesforce'",
        "customer": "ContactId || AccountId || SuppliedEmail",
        "attributes": {
            "caseNumber": "CaseNumber",
            "state": "Status",
            "priority": "Priority",
            "subject": "Subject",
            "origin": "Origin",
        },
    }

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        require_any([delivery.query.get("secret", "")], secrets)
        try:
            organization = _notifications(delivery).findtext(f"{_OUTBOUND}OrganizationId") or ""
        except Unreadable:
            raise NotProven from None  # which names no organisation
        require_any([organization], [options["organizationId"]])

    def payloads(self, delivery: Delivery) -> list[Any]:
        found = _notifications(delivery).findall(f"{_OUTBOUND}Notification")
        if not 1 <= len(found) <= MAX_NOTIFICATIONS:
            raise Unreadable(f"The message holds {len(found)} notifications; 1 to {MAX_NOTIFICATIONS} are taken.")
        return [_payload(notification) for notification in found]

    def acknowledge(self) -> Answer | None:
        return Answer(200, _ACK, "text/xml; charset=utf-8")


def _notifications(delivery: Delivery) -> Element:
    try:
        envelope: Element = fromstring(delivery.body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Unreadable("The message is not XML that is taken.") from None
    found = envelope.find(f".//{_OUTBOUND}notifications")
    if found is None:
        raise Unreadable("The message is not an outbound message.")
    return found


def _payload(notification: Element) -> dict[str, Any]:
    """{notificationId, objectType, and every field of the record}."""
    record = notification.find(f"{_OUTBOUND}sObject")
    if record is None:
        raise Unreadable("A notification holds no record.")
    fields = {child.tag.rpartition("}")[2]: child.text for child in record}
    return fields | {
        "notificationId": notification.findtext(f"{_OUTBOUND}Id"),
        "objectType": record.get(_TYPE, "").rpartition(":")[2],
    }
