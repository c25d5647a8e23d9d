"""Events of contact centers, as EventBridge delivers them: for the local stack, `sam local invoke` and tests.

The bodies follow the vendors' documentation; see journeys/native/genesys.py and journeys/native/connect.py.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from journeys import dates
from journeys.native import connect, genesys
from tools.stack import Stack

LOCAL_SOURCE = "local.contact-center"
"""A source that anybody can send. AWS and its partners alone can send those that begin with `aws.`."""

ENTRIES = 10
"""The most events that EventBridge accepts in one call."""

_NAMESPACE = uuid.UUID("0f6a4e0e-6f0a-4a39-9d5e-3b8f0d1c7a52")

CALL: Mapping[str, Any] = {
    "mediaType": "VOICE",
    "provider": "Edge",
    "direction": "INBOUND",
    "ani": "tel:+13175550100",
    "dnis": "tel:+13175550199",
    "divisionId": "division-1",
}
BODIES: Mapping[str, Mapping[str, Any]] = {
    "customer.start": {},
    "customer.end": {"disconnectType": "PEER", "interactingDurationMs": 184_000},
    "acd.start": {"queueId": "queue-orders", "routingPriority": 0, "skillExpressionApplied": False},
    "acd.end": {
        "queueId": "queue-orders", "acdOutcome": "ANSWERED", "usedRouting": "STANDARD", "answeredUserId": "agent-1",
        "requestedRoutings": ["STANDARD"], "connectedDurationMs": 21_000, "disconnectType": "TRANSFER",
    },
    "user.start": {"userId": "agent-1", "queueId": "queue-orders"},
    "user.end": {
        "userId": "agent-1", "queueId": "queue-orders", "disconnectType": "PEER", "interactingDurationMs": 163_000,
        "heldDurationMs": 12_000, "alertingDurationMs": 3_000,
    },
    "flow.start": {"flowId": "flow-welcome", "flowType": "INBOUNDCALL", "flowVersion": "7.0"},
    "flow.end": {
        "flowId": "flow-welcome", "flowType": "INBOUNDCALL", "flowVersion": "7.0", "connectedDurationMs": 14_000,
        "exitReason": "TRANSFER", "transferType": "ACD", "disconnectType": "TRANSFER",
    },
    "voicemail.start": {"userId": "agent-1", "queueId": "queue-orders"},
    "voicemail.end": {
        "userId": "agent-1", "queueId": "queue-orders", "voicemailDurationMs": 17_000, "disconnectType": "PEER",
    },
    "acw": {
        "userId": "agent-1", "queueId": "queue-orders", "wrapupCode": "code-refund", "wrapupDurationMs": 30_000,
        "wrapupNotes": "Wants the money back.",
    },
    "wrapup": {"queueId": "queue-orders", "wrapupCode": "code-refund", "wrapupDurationMs": 30_000},
    "outbound": {
        "direction": "OUTBOUND", "ani": "tel:+13175550199", "dnis": "tel:+13175550100",
        "outboundCampaignId": "campaign-1", "outboundContactListId": "list-1", "outboundContactId": "contact-7",
    },
    "contact": {"externalContactId": "external-contact-1"},
    "attributes": {
        "attributes": {"orderNumber": "1001", "language": "en"},
        "communications": [{"id": "communication-1", "mediaType": "VOICE"}],
    },
    "flow.outcome": {
        "flowId": "flow-welcome", "flowType": "INBOUNDCALL", "flowVersion": "7.0",
        "flowOutcomeId": "outcome-order-found", "flowOutcomeValue": "SUCCESS", "flowMilestones": [],
        "flowOutcomeStartTime": 1_769_850_000_000, "flowOutcomeEndTime": 1_769_850_009_000,
    },
}  # fmt: skip
"""What the body of each kind of Genesys Cloud event has, besides what a call has."""

CONTACT_EVENTS = ("INITIATED", "CONNECTED_TO_SYSTEM", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED")
INSTANCE = "arn:aws:connect:us-east-1:111122223333:instance/0b5f7c31-1111-4222-8333-444455556666"


class EventsNotPut(Exception):
    """The event bus did not accept some events."""


def put_events(stack: Stack, envelopes: Iterable[Mapping[str, Any]]) -> None:
    """Puts events on the stack's event bus, as a partner does. Raises EventsNotPut."""
    events, bus = stack.client("events"), stack.outputs["NativeEventBusName"]
    entries = [
        {
            "EventBusName": bus,
            "Source": envelope["source"],
            "DetailType": envelope["detail-type"],
            "Detail": json.dumps(envelope["detail"]),
            "Time": dates.parse(envelope["time"]) / 1000,
        }
        for envelope in envelopes
    ]
    for start in range(0, len(entries), ENTRIES):
        refused = events.put_events(Entries=entries[start : start + ENTRIES])["FailedEntryCount"]
        if refused:
            raise EventsNotPut(f"The event bus refused {refused} events.")


def genesys_event(
    kind: str, *, date_ms: int, conversation_id: str, source: str = LOCAL_SOURCE, **body: Any
) -> dict[str, Any]:
    """A conversation detail event of Genesys Cloud. A field of `body` that is None is left out."""
    values = {
        "eventTime": date_ms,
        "conversationId": conversation_id,
        "participantId": f"participant-{kind.partition('.')[0]}",
        "sessionId": f"session-{kind.partition('.')[0]}",
        **(CALL if kind != "attributes" else {}),
        **BODIES[kind],
        **body,
    }
    return _envelope(
        f"{genesys.DETAIL_TYPE}{{id}}.{kind}",
        source,
        date_ms,
        {
            "topicName": f"{genesys.DETAIL_TYPE}{conversation_id}.{kind}",
            "version": "2",
            "eventBody": {name: value for name, value in values.items() if value is not None},
            "metadata": {"CorrelationId": str(uuid.uuid5(_NAMESPACE, f"{kind}{conversation_id}{date_ms}"))},
        },
    )


def connect_event(
    event_type: str, *, date_ms: int, contact_id: str, source: str = connect.SOURCE, **detail: Any
) -> dict[str, Any]:
    """A contact event of Amazon Connect, `date_ms` after which the contact has gone on. None leaves a field out."""
    reached = CONTACT_EVENTS.index(event_type)
    times = [dates.text(date_ms - 10_000 * (reached - index)) for index in range(len(CONTACT_EVENTS))]
    values: dict[str, Any] = {
        "eventType": event_type,
        "contactId": contact_id,
        "channel": "VOICE",
        "instanceArn": INSTANCE,
        "initiationMethod": "INBOUND",
        "initiationTimestamp": times[0],
        "customerEndpoint": {"type": "TELEPHONE_NUMBER", "address": "+13175550100"},
    }
    agent = {"agentArn": f"{INSTANCE}/agent/agent-1"}
    if reached >= 1:
        values["connectedToSystemTimestamp"] = times[1]
    if reached >= 2:
        values["queueInfo"] = {
            "queueArn": f"{INSTANCE}/queue/queue-orders", "queueType": "STANDARD", "enqueueTimestamp": times[2],
        }  # fmt: skip
    if reached >= 3:
        values["agentInfo"] = agent | {"connectedToAgentTimestamp": times[3]}
    if reached >= 4:
        values |= {"disconnectTimestamp": times[4], "disconnectReason": "CUSTOMER_DISCONNECT"}
    if reached >= 5:
        values["agentInfo"] |= {"afterContactWorkStartTimestamp": times[4], "afterContactWorkEndTimestamp": times[5]}
    values |= detail
    return _envelope(
        connect.DETAIL_TYPE,
        source,
        date_ms,
        {name: value for name, value in values.items() if value is not None},
        resources=[INSTANCE, f"{INSTANCE}/contact/{contact_id}"],
    )


def _envelope(
    detail_type: str, source: str, date_ms: int, detail: Mapping[str, Any], resources: list[str] | None = None
) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid5(_NAMESPACE, f"{detail_type}{source}{date_ms}{detail}")),
        "detail-type": detail_type,
        "source": source,
        "account": "111122223333",
        "time": dates.text(date_ms // 1000 * 1000).replace(".000Z", "Z"),
        "region": "us-east-1",
        "resources": resources or [],
        "detail": dict(detail),
    }
