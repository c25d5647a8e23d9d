"""Salesforce outbound messages.

- Sends: a SOAP message with 1 to 100 notifications, each with the fields of one record.
- Signature: none. The address carries a secret in the query parameter `secret`, and the message the organization's id,
  which must equal the option `organizationId`.
- Secret: the value of the query parameter.
- Time: not signed. A repeated delivery is a duplicate.
- Id: the notification's id, which is the same in every attempt. Two notifications about one record are two events.
- Response: an acknowledgement in SOAP. Without it, Salesforce sends the message again for 24 hours.
- Customer: the contact under the source `salesforce`, also if the record is the contact. Then the lead
  (`salesforce-lead`), the email address, the telephone number and the account (`salesforce-account`).
- Empty: elements with `xsi:nil` are null. A record changed before it is sent arrives as it is then.
- Test delivery: none.
- Documentation: "Understanding Notifications" and "Understanding the Outbound Messaging WSDL",
  https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_understanding.htm.
"""

from secrets import token_urlsafe
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from journeys.webhooks.delivery import Delivery, DeliveryResponse, InvalidPayload, SignatureInvalid
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender, read_json
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

_CONTACT = "ContactId || PersonContactId || ConvertedContactId || BillToContactId"
_EMAIL = "Email || SuppliedEmail || ContactEmail || PersonEmail"
_PHONE = "MobilePhone || Phone || SuppliedPhone || ContactMobile || ContactPhone || PersonMobilePhone"


def _own_id(object_type: str) -> str:
    """Return an expression for the record's id, which is null unless the record is of that type."""
    return f"([@][?objectType == '{object_type}'].Id | [0])"


class Salesforce(Sender):
    name = "salesforce"
    title = "Salesforce"
    documentation = "https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_understanding.htm"
    sends = "Contacts, leads, cases and other records that a flow sends as an outbound message."
    steps = (
        (
            "In Salesforce, open Setup, Company Information, and copy the organization ID. Enter it here as the option "
            "organizationId, in its form of 18 characters."
        ),
        "In Setup, open Outbound Messages, click New Outbound Message, and choose the object.",
        (
            "Paste the endpoint's address as Endpoint URL, followed by ?secret= and the endpoint's secret. Choose the "
            "fields to send, among them the contact and the date of the change."
        ),
        (
            "Create a flow that is triggered by changes of the record and has the outbound message as its action, and "
            "activate it."
        ),
        "Change a record. Setup, Outbound Messages, View Message Delivery Status shows messages that wait.",
    )
    secret_guide = SecretGuide(
        "Choose a secret, or have one generated, and append ?secret= and the secret to the endpoint's address."
    )
    options = {"organizationId": None}
    required_options = frozenset({"organizationId"})
    presets = {
        1: {
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
        },
        2: {
            "id": "notificationId",
            "dateCreated": "LastModifiedDate || SystemModstamp || CreatedDate",
            "externalIds": [
                {"externalSourceId": "'salesforce'", "value": f"{_own_id('Contact')} || {_CONTACT}"},
                {"externalSourceId": "'salesforce-lead'", "value": f"{_own_id('Lead')} || LeadId"},
                {
                    "externalSourceId": "'email'",
                    "value": f"lower({_EMAIL})",
                },
                {"externalSourceId": "'phone'", "value": _PHONE},
                {"externalSourceId": "'salesforce-account'", "value": f"{_own_id('Account')} || AccountId"},
            ],
            "attributes": {
                "caseNumber": "CaseNumber",
                "state": "Status || StageName",
                "priority": "Priority",
                "subject": "Subject",
                "origin": "Origin || LeadSource",
                "type": "objectType",
                "amount": "to_number(Amount || TotalAmount)",
                "currency": "CurrencyIsoCode",
            },
        },
    }

    def new_secret(self) -> str:
        return token_urlsafe(32)  # An address can contain it as it is.

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        require_any([delivery.query.get("secret", "")], secrets)
        try:
            organization = _notifications(delivery).findtext(f"{_OUTBOUND}OrganizationId") or ""
        except InvalidPayload:
            raise SignatureInvalid from None
        require_any([organization], [options["organizationId"]])

    def sample_payloads(self, sample: Delivery) -> list[Any]:
        return [read_json(sample.body)]

    def extract_payloads(self, delivery: Delivery) -> list[Any]:
        notifications = _notifications(delivery).findall(f"{_OUTBOUND}Notification")
        if not 1 <= len(notifications) <= MAX_NOTIFICATIONS:
            raise InvalidPayload(f"The message has {len(notifications)} notifications. Send 1 to {MAX_NOTIFICATIONS}.")
        return [_payload(notification) for notification in notifications]

    def success_response(self, delivery: Delivery) -> DeliveryResponse | None:
        return DeliveryResponse(200, _ACK, "text/xml; charset=utf-8")


def _notifications(delivery: Delivery) -> Element:
    try:
        envelope: Element = fromstring(delivery.body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise InvalidPayload(
            "The message is not valid XML, or has a document type or entities, which are not allowed."
        ) from None
    notifications = envelope.find(f".//{_OUTBOUND}notifications")
    if notifications is None:
        raise InvalidPayload("The message is not an outbound message: it has no element notifications.")
    return notifications


def _payload(notification: Element) -> dict[str, Any]:
    """Return the fields of the record, with `notificationId` and `objectType`."""
    record = notification.find(f"{_OUTBOUND}sObject")
    if record is None:
        raise InvalidPayload("A notification has no record: its element sObject is missing.")
    fields = {child.tag.rpartition("}")[2]: child.text for child in record}
    return fields | {
        "notificationId": notification.findtext(f"{_OUTBOUND}Id"),
        "objectType": record.get(_TYPE, "").rpartition(":")[2],
    }
