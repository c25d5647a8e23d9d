"""The native event types: what contact centers report, in the same form for every vendor.

They are the same for all organizations, always enabled and activated, outside the cap of 20, and nobody can change
them. Their ids and slots are stored with events, so neither ever changes. Attributes can be added.

The names and units follow the detail events of Genesys Cloud, whose topics are the finest. They begin with
v2.detail.events.conversation in https://developer.genesys.cloud/notificationsalerts/notifications/available-topics.
"""

from collections.abc import Mapping
from typing import Any

from journeys import dates
from journeys.registry.schemas.model import NATIVE_SLOTS, Activation, Schema

NATIVE = "native"
"""The id of the configuration that native events are stored under. No organization has a configuration with it."""
CONVERSATION_ID = "conversationId"
"""The attribute that every native event has."""
GENESYS, AMAZON_CONNECT = "genesys", "amazon-connect"
VENDORS = (GENESYS, AMAZON_CONNECT)
"""The values of the attribute `vendor`, which are also the sources of native events."""
OTHER = "other"
"""The value of an enum attribute for everything that the attribute does not list."""

FIRST_RANK = 1000
"""Native types follow the external ones in listings that are ordered by rank."""
MAX_STRING = 256
"""Characters of a string attribute. The vendors' ids have at most as many."""

Properties = dict[str, dict[str, Any]]

STRING: dict[str, Any] = {"type": "string", "maxLength": MAX_STRING}
NUMBER: dict[str, Any] = {"type": "number"}
BOOLEAN: dict[str, Any] = {"type": "boolean"}


def _enum(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": [*values, OTHER]}


MEDIA: Properties = {
    "mediaType": _enum(
        "voice", "chat", "email", "callback", "message", "task", "video", "cobrowse", "screenshare",
        "internalmessage", "screenmonitoring",
    ),
    "messageType": _enum(
        "sms", "whatsapp", "webmessaging", "facebook", "instagram", "apple", "line", "twitter", "linkedin", "open",
    ),
    "direction": _enum("inbound", "outbound"),
    "provider": STRING,
}  # fmt: skip
QUEUE: Properties = {"queueId": STRING}
AGENT: Properties = {"agentId": STRING}
FLOW: Properties = {"flowId": STRING, "flowType": STRING, "flowVersion": STRING}
END: Properties = {"disconnectReason": STRING}
WRAP_UP: Properties = {"wrapUpCode": STRING, "wrapUpDurationMs": NUMBER, "hasNotes": BOOLEAN}


def _type(index: int, kind: str, title: str, description: str, *parts: Properties) -> Schema:
    first = dates.parse("2026-01-01T00:00:00Z")
    properties: Properties = {
        "vendor": {"type": "string", "enum": list(VENDORS)},
        CONVERSATION_ID: STRING,
        "participantId": STRING,
        "sessionId": STRING,
    }
    for part in parts:
        properties |= part
    return Schema(
        schema_id=f"{NATIVE}-{kind}",
        version=1,
        enabled=True,
        slot=NATIVE_SLOTS[index],
        used=True,
        date_created=first,
        date_modified=first,
        created_by={"id": NATIVE},
        raw={
            "$schema": "http://json-schema.org/draft-04/schema#",
            "title": title,
            "description": description,
            "required": ["vendor", CONVERSATION_ID],
            "properties": properties,
        },
        activation=Activation(title, FIRST_RANK + index, 1, first, first),
    )


_DEFINED: tuple[tuple[str, str, str, tuple[Properties, ...]], ...] = (
    ("customer-start", "Customer start", "A customer joins a conversation.",
     (MEDIA, {"initiationMethod": STRING, "transferred": BOOLEAN})),
    ("customer-end", "Customer end", "A customer leaves a conversation.",
     (MEDIA, END, QUEUE, AGENT, {"interactingDurationMs": NUMBER})),
    ("acd-start", "ACD start", "A conversation begins to wait in a queue.",
     (MEDIA, QUEUE, {"routingPriority": NUMBER, "skillExpressionApplied": BOOLEAN})),
    ("acd-end", "ACD end", "A conversation no longer waits in a queue.",
     (MEDIA, END, QUEUE, AGENT,
      {"acdOutcome": _enum("answered", "abandon", "flow_out"), "usedRouting": STRING, "routingPriority": NUMBER,
       "connectedDurationMs": NUMBER})),
    ("user-start", "Agent start", "An agent joins a conversation.", (MEDIA, QUEUE, AGENT)),
    ("user-end", "Agent end", "An agent leaves a conversation.",
     (MEDIA, END, QUEUE, AGENT,
      {"interactingDurationMs": NUMBER, "heldDurationMs": NUMBER, "alertingDurationMs": NUMBER,
       "contactingDurationMs": NUMBER, "dialingDurationMs": NUMBER, "callbackDurationMs": NUMBER})),
    ("flow-start", "Flow start", "A flow, such as a voice menu or a bot, takes over a conversation.", (MEDIA, FLOW)),
    ("flow-end", "Flow end", "A flow ends.",
     (MEDIA, END, FLOW, {"exitReason": STRING, "transferType": STRING, "connectedDurationMs": NUMBER})),
    ("voicemail-start", "Voicemail start", "A customer begins to leave a message.", (MEDIA, QUEUE, AGENT)),
    ("voicemail-end", "Voicemail end", "A customer has left a message, or hung up.",
     (MEDIA, END, QUEUE, AGENT, {"voicemailDurationMs": NUMBER})),
    ("acw", "After-call work", "An agent has finished the work after a conversation.", (MEDIA, QUEUE, AGENT, WRAP_UP)),
    ("wrapup", "Wrap-up", "An agent has chosen a wrap-up code.", (MEDIA, QUEUE, AGENT, WRAP_UP)),
    ("outbound", "Outbound", "A campaign contacts a customer.",
     (MEDIA, {"campaignId": STRING, "contactListId": STRING})),
    ("contact", "Contact", "A contact was assigned to a customer in a conversation.", (MEDIA,)),
    ("attributes", "Attributes", "A flow or an agent has set attributes of a participant. Their values are not stored.",
     ({"attributeCount": NUMBER},)),
    ("flow-outcome", "Flow outcome", "A flow has reached an outcome, or has ended without it.",
     (MEDIA, FLOW, {"flowOutcomeId": STRING, "flowOutcomeValue": _enum("success", "failure"), "durationMs": NUMBER})),
)  # fmt: skip

NATIVE_TYPES: Mapping[str, Schema] = {
    schema.schema_id: schema
    for schema in (
        _type(index, kind, title, description, *parts)
        for index, (kind, title, description, parts) in enumerate(_DEFINED)
    )
}
"""The native event types by id, in the order of their slots."""
