"""Reads the conversation detail events of Genesys Cloud, which arrive over its Amazon EventBridge integration.

Topics and fields: https://developer.genesys.cloud/notificationsalerts/notifications/available-topics, and the models
*DetailEventTopic* of the vendor's SDKs. The integration puts them under `eventBody`:
https://help.genesys.cloud/articles/about-the-amazon-eventbridge-integration/.

`subject`, `wrapupNotes` and the values of participant attributes are free text, and are not stored.
"""

from collections.abc import Callable, Mapping
from typing import Any

from journeys.native.model import (
    Identifier,
    NativeEvent,
    choice,
    contact_identifiers,
    mapping,
    moment,
    native_event,
    problem,
    text,
    texts,
)
from journeys.registry.native_types import CONVERSATION_ID, GENESYS

DETAIL_TYPE = "v2.detail.events.conversation."
"""How the detail-type of these events begins. `{id}.` and the kind of the event follow; `{id}` is literal."""

Body = Mapping[str, Any]
Read = Callable[[Body], Any]


def _has_notes(body: Body) -> bool | None:
    return True if body.get("wrapupNotes") else None


def _attribute_count(body: Body) -> int:
    return len(mapping(body, "attributes"))


def _outcome_duration(body: Body) -> int | None:
    start, end = (moment(body.get(name), name) for name in ("flowOutcomeStartTime", "flowOutcomeEndTime"))
    return end - start if start is not None and end is not None else None


_SAME = ("participantId", "sessionId", "mediaType", "messageType", "direction", "provider")
_QUEUE = {"queueId": "queueId"}
_AGENT = {"agentId": "userId"}
_FLOW = {"flowId": "flowId", "flowType": "flowType", "flowVersion": "flowVersion"}
_END = {"disconnectReason": "disconnectType"}
_WRAP_UP: Mapping[str, str | Read] = {
    "wrapUpCode": "wrapupCode", "wrapUpDurationMs": "wrapupDurationMs", "hasNotes": _has_notes,
}  # fmt: skip

_KINDS: Mapping[str, tuple[str, Mapping[str, str | Read]]] = {
    "customer.start": ("native-customer-start", {}),
    "customer.end": ("native-customer-end", {**_END, "interactingDurationMs": "interactingDurationMs"}),
    "acd.start": (
        "native-acd-start",
        {**_QUEUE, "routingPriority": "routingPriority", "skillExpressionApplied": "skillExpressionApplied"},
    ),
    "acd.end": (
        "native-acd-end",
        {**_END, **_QUEUE, "agentId": "answeredUserId", "acdOutcome": "acdOutcome", "usedRouting": "usedRouting",
         "routingPriority": "routingPriority", "connectedDurationMs": "connectedDurationMs"},
    ),
    "user.start": ("native-user-start", {**_QUEUE, **_AGENT}),
    "user.end": (
        "native-user-end",
        {**_END, **_QUEUE, **_AGENT}
        | {f"{name}DurationMs": f"{name}DurationMs"
           for name in ("interacting", "held", "alerting", "contacting", "dialing", "callback")},
    ),
    "flow.start": ("native-flow-start", _FLOW),
    "flow.end": (
        "native-flow-end",
        {**_END, **_FLOW, "exitReason": "exitReason", "transferType": "transferType",
         "connectedDurationMs": "connectedDurationMs"},
    ),
    "voicemail.start": ("native-voicemail-start", {**_QUEUE, **_AGENT}),
    "voicemail.end": (
        "native-voicemail-end", {**_END, **_QUEUE, **_AGENT, "voicemailDurationMs": "voicemailDurationMs"},
    ),
    "acw": ("native-acw", {**_QUEUE, **_AGENT, **_WRAP_UP}),
    "wrapup": ("native-wrapup", {**_QUEUE, **_AGENT, **_WRAP_UP}),
    "outbound": ("native-outbound", {"campaignId": "outboundCampaignId", "contactListId": "outboundContactListId"}),
    "contact": ("native-contact", {}),
    "attributes": ("native-attributes", {"attributeCount": _attribute_count}),
    "flow.outcome": (
        "native-flow-outcome",
        {**_FLOW, "flowOutcomeId": "flowOutcomeId", "flowOutcomeValue": "flowOutcomeValue",
         "durationMs": _outcome_duration},
    ),
}  # fmt: skip
"""The topics by kind: the event type, and where each of its attributes comes from."""

_ENUMS = frozenset({"mediaType", "messageType", "direction", "acdOutcome", "flowOutcomeValue"})


def read(envelope: Mapping[str, Any]) -> NativeEvent | None:
    """The event of an EventBridge event; None if it is of a kind that is not stored. Raises InvalidEvent."""
    kind = str(envelope["detail-type"]).removeprefix(DETAIL_TYPE).partition(".")[2]
    if kind not in _KINDS:
        return None
    schema_id, sources = _KINDS[kind]
    body = mapping(mapping(envelope, "detail"), "eventBody")
    if not body:
        raise problem("invalid.event", "The event has no eventBody.", "eventBody")
    date, conversation_id = moment(body.get("eventTime"), "eventTime"), text(body, CONVERSATION_ID)
    if date is None:
        raise problem("missing.date", "The event has no eventTime.", "eventTime")
    if conversation_id is None:
        raise problem("missing.attribute", f"The event has no {CONVERSATION_ID}.", CONVERSATION_ID)
    same = {name: name for name in _SAME} if kind != "attributes" else {"participantId": "participantId"}
    return native_event(
        schema_id,
        GENESYS,
        date=date,
        conversation_id=conversation_id,
        parts=[text(body, name) for name in ("participantId", "sessionId", "flowOutcomeId")],
        identifiers=_identifiers(body),
        attributes={name: _value(body, schema_id, name, source) for name, source in (same | dict(sources)).items()},
    )


def _value(body: Body, schema_id: str, name: str, source: str | Read) -> Any:
    """The value of an attribute. The schema judges it, so a value of the wrong kind is left as it is."""
    if not isinstance(source, str):
        return source(body)
    value = body.get(source)
    if name in _ENUMS and isinstance(value, str):
        return choice(schema_id, name, value.strip() or None)
    return None if isinstance(value, str) and not value.strip() else value


def _identifiers(body: Body) -> list[Identifier]:
    """The customer's external contact, telephone number and addresses.

    `conversationExternalContactIds` are those of everybody in the conversation. If it has several, it is unknown which
    of them is the customer, and they are not the same person.
    """
    own, others = text(body, "externalContactId"), texts(body, "conversationExternalContactIds")
    contact = own or (others[0] if len(others) == 1 else None)
    is_outbound = (text(body, "direction") or "").upper() == "OUTBOUND"
    addresses = [text(body, name) for name in (("dnis", "addressTo") if is_outbound else ("ani", "addressFrom"))]
    return [
        *([(GENESYS, contact)] if contact else []),
        *contact_identifiers([*addresses, *texts(body, "callbackNumbers")]),
    ]
