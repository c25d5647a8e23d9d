"""Events: as a sender sends them, and as the log stores them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from journeys import dates, keys
from journeys.aws import IN_FORM, Item, from_item, to_value


@dataclass(frozen=True, slots=True, order=True)
class ExternalId:
    """A customer's identifier in one external source."""

    source_id: str
    value: str


@dataclass(frozen=True, slots=True)
class Event:
    """A valid event. `date_created` is in milliseconds since 1970. The first of `external_ids` is the customer."""

    event_id: str
    date_created: int
    external_ids: tuple[ExternalId, ...]
    attributes: Mapping[str, Any]

    @property
    def customer(self) -> ExternalId:
        return self.external_ids[0]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in the log, with the configuration and the schema version under which it was stored.

    `receipt` names the request that stored the event and the event's index in that request.
    """

    event: Event
    organization_id: str
    configuration_id: str
    schema_id: str
    schema_version: int
    slot: str
    event_name: str
    source: str
    date_received: int
    receipt: str

    @property
    def key(self) -> str:
        return keys.event(self.organization_id, self.configuration_id, self.event.event_id)

    def to_item(self) -> Item:
        """The item of the events table. Its key is made of the organization, the configuration and the event id."""
        event = self.event
        return {
            "pk": {"S": self.key},
            "dateCreated": {"S": dates.text(event.date_created)},
            "dateReceived": {"S": dates.text(self.date_received)},
            "externalIds": {
                "L": [
                    {"M": {"externalSourceId": {"S": external_id.source_id}, "value": {"S": external_id.value}}}
                    for external_id in event.external_ids
                ]
            },
            "attributes": to_value(event.attributes),
            "schemaId": {"S": self.schema_id},
            "schemaVersion": {"N": str(self.schema_version)},
            "slot": {"S": self.slot},
            "eventName": {"S": self.event_name},
            "source": {"S": self.source},
            "receipt": {"S": self.receipt},
        } | IN_FORM

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "StoredEvent":
        values = from_item(item)
        organization_id, configuration_id, event_id = keys.split(values["pk"])
        return cls(
            Event(
                event_id=event_id,
                date_created=dates.parse(values["dateCreated"]),
                external_ids=tuple(ExternalId(id_["externalSourceId"], id_["value"]) for id_ in values["externalIds"]),
                attributes=values["attributes"],
            ),
            organization_id=organization_id,
            configuration_id=configuration_id,
            schema_id=values["schemaId"],
            schema_version=values["schemaVersion"],
            slot=values["slot"],
            event_name=values["eventName"],
            source=values["source"],
            date_received=dates.parse(values["dateReceived"]),
            receipt=values["receipt"],
        )

    def to_wire(self) -> dict[str, Any]:
        """The event as a journey returns it."""
        return {
            "id": self.event.event_id,
            "configurationId": self.configuration_id,
            "schemaId": self.schema_id,
            "eventName": self.event_name,
            "source": self.source,
            "dateCreated": dates.text(self.event.date_created),
            "dateReceived": dates.text(self.date_received),
            "attributes": dict(self.event.attributes),
        }


def differences(stored: Event, sent: Event) -> Iterator[str]:
    """The names of the fields in which two events with the same id differ. Equal events have none.

    Numbers are compared by value, so `5.0` equals `5`. Booleans are not numbers, so `true` does not equal `1`.
    """
    if stored.date_created != sent.date_created:
        yield "dateCreated"
    if stored.external_ids != sent.external_ids:
        yield "identifiers.externalIds"
    for name in sorted(stored.attributes.keys() | sent.attributes.keys()):
        old, new = stored.attributes.get(name), sent.attributes.get(name)
        if old != new or isinstance(old, bool) is not isinstance(new, bool):
            yield f"attributes.{name}"
