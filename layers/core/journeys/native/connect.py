"""Reads the contact events of Amazon Connect, which it puts on the default event bus of the account.

Fields: https://docs.aws.amazon.com/connect/latest/adminguide/contact-events.html. The page writes some names with a
capital in its tables and samples (AgentInfo, instanceARN), so names are compared without regard to case.
"""

from collections.abc import Mapping
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
)
from journeys.registry.native_types import AMAZON_CONNECT, NATIVE_TYPES

DETAIL_TYPE = "Amazon Connect Contact Event"
SOURCE = "aws.connect"
"""The source of these events. Only AWS can send it."""

_OUTBOUND = frozenset({"OUTBOUND", "EXTERNAL_OUTBOUND", "CALLBACK", "AGENT_REPLY"})
_TRANSFERS = frozenset({"TRANSFER", "QUEUE_TRANSFER"})

Fields = Mapping[str, Any]

_KINDS: Mapping[str, tuple[str, str | None, str]] = {
    "INITIATED": ("native-customer-start", None, "initiationTimestamp"),
    "CONNECTED_TO_SYSTEM": ("native-flow-start", None, "connectedToSystemTimestamp"),
    "QUEUED": ("native-acd-start", "queueInfo", "enqueueTimestamp"),
    "CONNECTED_TO_AGENT": ("native-user-start", "agentInfo", "connectedToAgentTimestamp"),
    "DISCONNECTED": ("native-customer-end", None, "disconnectTimestamp"),
    "COMPLETED": ("native-acw", "agentInfo", "afterContactWorkEndTimestamp"),
}
"""The event types by `eventType`, and the field with the time: the object that holds it, if one does, and its name."""


def instance(envelope: Mapping[str, Any]) -> str | None:
    """The ARN of the instance that an event is of."""
    detail = envelope.get("detail")
    arn = _lower(detail).get("instancearn") if isinstance(detail, dict) else None
    return arn if isinstance(arn, str) else None


def read(envelope: Mapping[str, Any]) -> NativeEvent | None:
    """The event of an EventBridge event; None if it is of a kind that is not stored. Raises InvalidEvent."""
    detail = _lower(mapping(envelope, "detail"))
    kind = _text(detail, "eventType")
    if kind is None:
        raise problem("invalid.event", "The event has no eventType.", "eventType")
    if kind not in _KINDS:
        return None
    schema_id, holder, timestamp = _KINDS[kind]
    contact_id = _text(detail, "contactId")
    if contact_id is None:
        raise problem("missing.attribute", "The event has no contactId.", "contactId")
    queue, agent = (_lower(mapping(detail, name)) for name in ("queueinfo", "agentinfo"))
    held = {"queueInfo": queue, "agentInfo": agent}[holder] if holder is not None else detail
    date = _moment(held, timestamp)
    if date is None and kind == "COMPLETED":
        return None  # Every contact is completed. Without this time, no agent had work after it.
    if date is None:
        date = moment(envelope.get("time"), "time")
    if date is None:
        raise problem("missing.date", f"The event has neither {timestamp} nor time.", timestamp)
    attributes = _attributes(schema_id, detail, queue, agent)
    known = {name: value for name, value in attributes.items() if name in _fields(schema_id)}
    return native_event(
        schema_id,
        AMAZON_CONNECT,
        date=date,
        conversation_id=_text(detail, "initialContactId") or contact_id,
        parts=[contact_id],
        identifiers=_identifiers(detail),
        attributes={"sessionId": contact_id} | known,
    )


def _attributes(schema_id: str, detail: Fields, queue: Fields, agent: Fields) -> dict[str, Any]:
    """Every attribute that a contact event can give, whether or not its type has it."""
    method = _text(detail, "initiationMethod")
    direction = (
        None if method is None else "inbound" if method == "INBOUND" else "outbound" if method in _OUTBOUND else None
    )
    ends = _moment(detail, "disconnectTimestamp"), _moment(agent, "connectedToAgentTimestamp")
    work = _moment(agent, "afterContactWorkEndTimestamp"), _moment(agent, "afterContactWorkStartTimestamp")
    return {
        "mediaType": choice(schema_id, "mediaType", _text(detail, "channel")),
        "direction": direction,
        "initiationMethod": method,
        "transferred": method in _TRANSFERS if method is not None else None,
        "queueId": _last_part(_text(queue, "queueArn")),
        "agentId": _last_part(_text(agent, "agentArn")),
        "disconnectReason": _text(detail, "disconnectReason"),
        "interactingDurationMs": _duration(*ends),
        "wrapUpDurationMs": _duration(*work),
    }


def _duration(end: int | None, start: int | None) -> int | None:
    return end - start if end is not None and start is not None else None


def _identifiers(detail: Fields) -> list[Identifier]:
    """The customer's id, and the customer's telephone number or address."""
    customer_id, endpoint = _text(detail, "customerId"), _lower(mapping(detail, "customerendpoint"))
    return [
        *([(AMAZON_CONNECT, customer_id)] if customer_id else []),
        *contact_identifiers([_text(endpoint, "address")]),
    ]


def _last_part(arn: str | None) -> str | None:
    """The id at the end of an ARN."""
    return arn.rpartition("/")[2] or None if arn is not None else None


def _fields(schema_id: str) -> frozenset[str]:
    return frozenset(NATIVE_TYPES[schema_id].document.fields)


def _lower(values: Mapping[str, Any]) -> Fields:
    return {name.lower(): value for name, value in values.items()}


def _text(fields: Fields, name: str) -> str | None:
    return text({name: fields.get(name.lower())}, name)


def _moment(fields: Fields, name: str) -> int | None:
    return moment(fields.get(name.lower()), name)
