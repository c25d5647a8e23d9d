"""HubSpot, with version 3 of its signature.

- Sends: a JSON list of up to 100 events, about contacts, companies, deals, tickets and all other objects.
- Signature: HMAC-SHA256 over method, address, body and timestamp in base64, in the header `X-HubSpot-Signature-v3`.
- Secret: the client secret of the app.
- Time: the header `X-HubSpot-Request-Timestamp`, in milliseconds, within five minutes.
- Id: a digest of what happened, without `attemptNumber`. HubSpot documents that `eventId` is not unique.
- Customer: the contact's id under the source `hubspot`. Every other kind of object has a source of its own, such as
  `hubspot-company` and `hubspot-deal`, in both formats of subscriptions (`deal.creation`, and `object.creation` with an
  `objectTypeId`). A change of a contact's email address or telephone number adds it. An association belongs to the
  contact in it; a merge names the contact that remains first, and then those that were merged into it.
- Payload: an event with `objects` added, which lists the objects that it is about, contacts first.
- Test delivery: "Test" of a subscription sends an event with an invented object, like any other event.
- Documentation: "Validating requests", https://developers.hubspot.com/docs/api/webhooks/validating-requests; "Webhooks
  API", https://developers.hubspot.com/docs/api/webhooks; "Create generic webhook subscriptions",
  https://developers.hubspot.com/docs/apps/legacy-apps/public-apps/create-generic-webhook-subscriptions.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from journeys.webhooks.delivery import Delivery
from journeys.webhooks.senders.base import Options, SecretGuide, Secrets, Sender
from journeys.webhooks.signatures import base64_text, mac, require_any, require_recent

_DECODED = ":/?@!$'()*,;"
"""Characters that HubSpot decodes in the address before it signs it."""

_KINDS = {"0-1": "contact", "0-2": "company", "0-3": "deal", "0-5": "ticket", "0-7": "product", "0-8": "line_item"}
"""The kinds of objects that both formats of subscriptions know. All others are known by their `objectTypeId`."""

_IDENTITY = (
    *("portalId", "subscriptionId", "subscriptionType", "eventType", "eventId", "occurredAt", "objectTypeId"),
    *("objectId", "propertyName", "propertyValue", "messageId", "primaryObjectId", "mergedObjectIds", "newObjectId"),
    *("fromObjectId", "toObjectId", "associationType", "associationTypeId", "associationRemoved"),
)
"""The fields that tell events apart and are the same in every attempt of a delivery."""


def _changed(*properties: str) -> str:
    """Return an expression for a list of the event, which is empty unless it changes one of a contact's properties."""
    names = " || ".join(f"propertyName == '{name}'" for name in properties)
    return f"[@][?objects[0].kind == 'contact' && ({names})]"


class HubSpot(Sender):
    name = "hubspot"
    title = "HubSpot"
    documentation = "https://developers.hubspot.com/docs/api/webhooks"
    owns_secret = True
    sends = "Changes of contacts, companies, deals, tickets and all other objects."
    steps = (
        (
            "In HubSpot, open Settings, Integrations, Private Apps, and choose or create an app. For a public app, "
            "open it in your developer account."
        ),
        "Open the tab Webhooks, click Edit webhooks, and paste the endpoint's address as Target URL.",
        "Click Create subscription, choose the objects and their events, click Subscribe, and then commit the changes.",
        "Copy the client secret from the tab Auth, and store it here. It is not the access token.",
        "Test the subscription, or change a contact.",
    )
    secret_guide = SecretGuide(
        "HubSpot generates it. Copy the client secret from the app's settings, Auth.",
        "Use the app's client secret, not its access token, which begins with pat-.",
    )
    presets = {
        1: {
            "id": "eventId",
            "dateCreated": "occurredAt",
            "dateFormat": "unix_ms",
            "externalSourceId": "'hubspot'",
            "customer": "objectId",
            "attributes": {
                "type": "subscriptionType",
                "property": "propertyName",
                "value": "propertyValue",
                "source": "changeSource",
            },
        },
        2: {
            "id": f"digest({', '.join(_IDENTITY)})",
            "dateCreated": "occurredAt",
            "dateFormat": "unix_ms",
            "externalIds": [
                *(
                    {"externalSourceId": "'hubspot'", "value": f"objects[?kind == 'contact'].id | [{index}]"}
                    for index in range(3)
                ),
                {"externalSourceId": "'email'", "value": f"{_changed('email')} | lower([0].propertyValue)"},
                {"externalSourceId": "'phone'", "value": f"{_changed('phone', 'mobilephone')} | [0].propertyValue"},
                {
                    "externalSourceId": "join('-', ['hubspot', objects[?kind != 'contact'].kind | [0]])",
                    "value": "objects[?kind != 'contact'].id | [0]",
                },
            ],
            "attributes": {
                "type": "subscriptionType || eventType",
                "property": "propertyName",
                "value": "propertyValue",
                "source": "changeSource",
                "object": "objects[0].kind",
                "association": "associationType",
                "removed": "associationRemoved",
                "message": "messageType",
            },
        },
    }

    def can_be_secret(self, secret: str) -> bool:
        return not secret.startswith("pat-")

    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        signature, timestamp = delivery.header("x-hubspot-signature-v3"), delivery.header("x-hubspot-request-timestamp")
        require_recent(timestamp, delivery.now, unit=0.001)
        content = f"{delivery.method}{_signed_uri(delivery)}".encode() + delivery.body + timestamp.encode()
        require_any([signature], (base64_text(mac(secret.encode(), content)) for secret in secrets))

    def extract_payloads(self, delivery: Delivery) -> list[Any]:
        return [_with_objects(event) for event in super().extract_payloads(delivery)]


def _with_objects(event: Any) -> Any:
    """Return an event with its `objects`: the kind and the id of each object that it is about, contacts first."""
    if not isinstance(event, dict):
        return event
    objects = [{"kind": kind, "id": id_} for kind, id_ in _objects(event) if kind and id_]
    objects.sort(key=lambda item: item["kind"] != "contact")
    if not objects:
        return event
    return event | {"objects": objects[:1] if event.get("associationRemoved") else objects}


def _objects(event: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
    """Yield the objects of an event. Two associated objects of one kind are not one object, so only one is yielded."""
    subscribed = (_text(event, "subscriptionType") or _text(event, "eventType")).partition(".")[0]
    kind = _kind(event.get("fromObjectTypeId") or event.get("objectTypeId")) if subscribed == "object" else subscribed
    merged = event.get("mergedObjectIds")
    if "fromObjectId" in event:
        yield kind, event["fromObjectId"]
        associated = _text(event, "associationType").partition("_TO_")[2].lower()
        other = _kind(event.get("toObjectTypeId")) or (associated if associated in _KINDS.values() else None)
        if other != kind:
            yield other, event.get("toObjectId")
    elif isinstance(merged, list):
        named = (event.get("newObjectId"), event.get("primaryObjectId"), *merged)
        yield from ((kind, id_) for id_ in dict.fromkeys(id_ for id_ in named if isinstance(id_, int | str)))
    else:
        yield kind, event.get("objectId")


def _text(event: Mapping[str, Any], name: str) -> str:
    """Return a field that is text, or an empty text."""
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _kind(type_id: Any) -> str | None:
    """Return the kind of object that a type's id names, such as `contact`, or the id if the kind has no name."""
    return _KINDS.get(type_id, type_id) if isinstance(type_id, str) else None


def _signed_uri(delivery: Delivery) -> str:
    """Return the address as HubSpot signs it, with its query, which API Gateway decodes."""
    if not delivery.query:
        return delivery.uri
    return f"{delivery.uri}?{urlencode(delivery.query, quote_via=quote, safe=_DECODED, errors='surrogatepass')}"
