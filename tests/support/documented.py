"""Deliveries as the senders document them, each with the events that the newest preset makes of it.

tests/support/deliveries/SENDER/NAME.json is one story, with invented identifiers:

| field | meaning |
| --- | --- |
| `about` | what the story shows, in one sentence |
| `documentation` | the pages that describe these payloads |
| `mapping` | the endpoint's own mapping, if it has one |
| `options` | the endpoint's options, if they differ from those of the sender's case in tests/support/webhooks.py |
| `deliveries` | the deliveries in the order in which they arrive |

A delivery has these fields:

| field | meaning |
| --- | --- |
| `headers` | the headers that the sender sends, without the signature |
| `body`, `form` or `text` | the payload: JSON, a form whose objects are sent as JSON text, or text |
| `events` | the events: `id`, `dateCreated`, `identifiers` as pairs of source and value, and `attributes` |
| `outcomes` | what becomes of each event: `created` (the default), `duplicate`, or the code of the refusal |
| `repeats` | the index of the delivery that this one repeats, with the same payload and headers |
| `response` | the status of the response to a delivery that carries no event, such as a ping |

Each delivery arrives a minute after the one before it; the first one arrives at FIRST_RECEIVED.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from standardwebhooks import Webhook

from journeys.webhooks.delivery import Delivery
from tests.support.webhooks import SenderCase, sender_cases

FOLDER = Path(__file__).parent / "deliveries"
FIRST_RECEIVED = 1795255200.0
"""2026-11-21T10:00:00Z, in seconds."""
SECONDS_BETWEEN = 60
URL = "https://api.example.com/prod/webhooks/"
"""The endpoint of each sender has the sender's name."""


@dataclass(frozen=True)
class DocumentedDelivery:
    """One delivery of a story. `outcomes` has one entry per event; `response` is set if there are none to expect."""

    delivery: Delivery
    events: tuple[dict[str, Any], ...]
    outcomes: tuple[str, ...]
    response: int | None


@dataclass(frozen=True)
class Story:
    """Deliveries of one sender in the order in which they arrive."""

    name: str
    sender: str
    secret: str
    options: Mapping[str, Any]
    mapping: Mapping[str, Any]
    deliveries: tuple[DocumentedDelivery, ...]


@cache
def stories() -> tuple[Story, ...]:
    """Return the stories of all senders."""
    return tuple(_read(case, path) for case in sender_cases() for path in sorted((FOLDER / case.name).glob("*.json")))


def attribute_types(sender: str) -> dict[str, dict[str, str]]:
    """Return the properties of a schema that fits the attributes of all stories of a sender."""
    properties: dict[str, dict[str, str]] = {}
    for story in stories():
        for delivery in story.deliveries if story.sender == sender else ():
            for event in delivery.events:
                for name, value in event["attributes"].items():
                    type_ = {str: "string", bool: "boolean"}.get(type(value), "number")
                    assert properties.setdefault(name, {"type": type_}) == {"type": type_}, (story.name, name)
    return properties


def _read(case: SenderCase, path: Path) -> Story:
    data = json.loads(path.read_text())
    options = data.get("options", case.options)
    raw = data["deliveries"]
    whole = [raw[one["repeats"]] | {"outcomes": ["duplicate"] * 1000} | one if "repeats" in one else one for one in raw]
    return Story(
        name=f"{case.name}/{path.stem}",
        sender=case.name,
        secret=case.secret,
        options=options,
        mapping=data.get("mapping", {}),
        deliveries=tuple(
            _delivery(case, options, one, FIRST_RECEIVED + index * SECONDS_BETWEEN) for index, one in enumerate(whole)
        ),
    )


DELIVERY_IDS = frozenset(
    {"x-github-delivery", "x-shopify-event-id", "x-shopify-webhook-id", "x-zendesk-webhook-invocation-id"}
)
"""Headers of a sample delivery that a documented one has only if its file names them."""


def _delivery(case: SenderCase, options: Mapping[str, Any], data: Mapping[str, Any], now: float) -> DocumentedDelivery:
    events = tuple(_event(one) for one in data.get("events", ()))
    body = _body(data)
    url = URL + case.name
    sent = case.deliver(url=url, now=now, body=body, options=options)
    signed = {name: value for name, value in _lower(sent.headers).items() if name not in DELIVERY_IDS}
    headers = signed | _lower(data.get("headers", {}))
    if case.name == "standard":
        headers = _signed_as_standard(_lower(data["headers"]), case.secret, body, now)
    return DocumentedDelivery(
        delivery=Delivery("POST", headers, sent.query, sent.body, url, now),
        events=events,
        outcomes=tuple(data.get("outcomes", ["created"] * len(events))[: len(events)]),
        response=data.get("response"),
    )


def _body(data: Mapping[str, Any]) -> bytes:
    if "text" in data:
        return str(data["text"]).encode()
    if "form" in data:
        fields = {name: _json(value) if isinstance(value, dict) else value for name, value in data["form"].items()}
        return urlencode(fields).encode()
    return _json(data["body"]).encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _event(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as a mapping makes it."""
    identifiers = [{"externalSourceId": source, "value": value} for source, value in data["identifiers"]]
    return {**data, "identifiers": {"externalIds": identifiers}}


def _signed_as_standard(headers: Mapping[str, str], secret: str, body: bytes, now: float) -> dict[str, str]:
    """Return headers with those that sign the message's id, which is in one of them, as Standard Webhooks or Svix."""
    prefix = "svix" if "svix-id" in headers else "webhook"
    signature = Webhook(secret).sign(headers[f"{prefix}-id"], datetime.fromtimestamp(int(now), UTC), body.decode())
    return {**headers, f"{prefix}-timestamp": str(int(now)), f"{prefix}-signature": signature}
