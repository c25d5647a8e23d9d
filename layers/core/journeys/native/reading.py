"""Reads the events of all vendors: which source sent an event, and what it says."""

from collections.abc import Mapping
from typing import Any

from journeys.native import connect, genesys
from journeys.native.model import NativeEvent, problem
from journeys.registry.native_types import AMAZON_CONNECT, GENESYS


def source_of(envelope: Mapping[str, Any]) -> str | None:
    """The source by which an EventBridge event finds its organization, or None.

    It is the event's own source, which nobody but AWS and its partners can choose if it begins with `aws.`. Amazon
    Connect sends the events of all instances under one source, so there it is the ARN of the instance.
    """
    source = envelope.get("source")
    if source == connect.SOURCE:
        return connect.instance(envelope)
    return source if isinstance(source, str) else None


def vendor_of(envelope: Mapping[str, Any]) -> str:
    """The vendor of an EventBridge event, also if the event cannot be read."""
    return AMAZON_CONNECT if envelope.get("detail-type") == connect.DETAIL_TYPE else GENESYS


def read(envelope: Mapping[str, Any]) -> NativeEvent | None:
    """The event of an EventBridge event; None if it is of a kind that is not stored. Raises InvalidEvent."""
    detail_type = envelope.get("detail-type")
    if not isinstance(detail_type, str):
        raise problem("invalid.event", "The event has no detail-type.", "detail-type")
    if detail_type.startswith(genesys.DETAIL_TYPE):
        return genesys.read(envelope)
    return connect.read(envelope) if detail_type == connect.DETAIL_TYPE else None
