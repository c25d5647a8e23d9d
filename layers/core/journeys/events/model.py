"""An event, as it was understood, and as it is stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from journeys import dates, keys
from journeys.aws import Item, from_item, to_value


@dataclass(frozen=True, slots=True)
class ExternalId:
    """Who a customer is in one system."""

    source_id: str
    value: str


@dataclass(frozen=True, slots=True)
class Event:
    """What a sender told. `date_created` is in milliseconds; the first of `external_ids` is the customer."""

    event_id: str
    date_created: int
    external_ids: tuple[ExternalId, ...]
    attributes: Mapping[str, Any]

    @property
    def customer(self) -> ExternalId:
        return self.external_ids[0]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in the log, with what it was taken in under. `receipt` names the request and the place in it."""

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
        """The item of the log; its key names the organisation, the configuration and the event."""
        event = self.event
        return {
            "pk": {"S": self.key},
            "dateCreated": {"S": dates.text(event.date_created)},
            "dateReceived": {"S": dates.text(self.date_received)},
            "externalIds": {
                "L": [
                    {"M": {"externalSourceId": {"S": one.source_id}, "value": {"S": one.value}}}
                    for one in event.external_ids
                ]
            },
            "attributes": to_value(event.attributes),
            "schemaId": {"S": self.schema_id},
            "schemaVersion": {"N": str(self.schema_version)},
            "slot": {"S": self.slot},
            "eventName": {"S": self.event_name},
            "source": {"S": self.source},
            "receipt": {"S": self.receipt},
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "StoredEvent":
        values = from_item(item)
        organization_id, configuration_id, event_id = keys.split(values["pk"])
        return cls(
            Event(
                event_id=event_id,
                date_created=dates.parse(values["dateCreated"]),
                external_ids=tuple(ExternalId(one["externalSourceId"], one["value"]) for one in values["externalIds"]),
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
        """An event as a journey shows it."""
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


def differences(one: Event, other: Event) -> Iterator[str]:
    """The names of the fields in which two events of the same id differ; none means that they are the same event.

    Values are compared with their kinds, so `true` is not `1`, and numbers by what they are worth, so `5.0` is `5`.
    """
    if one.date_created != other.date_created:
        yield "dateCreated"
    if one.external_ids != other.external_ids:
        yield "identifiers.externalIds"
    for name in sorted(one.attributes.keys() | other.attributes.keys()):
        was, now = one.attributes.get(name), other.attributes.get(name)
        if was != now or isinstance(was, bool) is not isinstance(now, bool):
            yield f"attributes.{name}"
