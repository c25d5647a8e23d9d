"""What the newest preset of each sender makes of the payloads that the sender documents."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import jsontext
from journeys.events.attributes import AttributeValidator
from journeys.events.ingest import Ingest
from journeys.events.model import Event, differences
from journeys.events.store import EventLog
from journeys.events.validation import check
from journeys.registry.schemas.document import Document, parse
from journeys.webhooks.delivery import Delivery, InvalidPayload, SignatureInvalid
from journeys.webhooks.expressions import Evaluator
from journeys.webhooks.mapper import Mapper
from journeys.webhooks.mapping import compile_mapping, is_same_event
from journeys.webhooks.processing import DeliveryOutcome, Processor
from journeys.webhooks.receive import Receiver
from journeys.webhooks.senders.base import MAX_FORM_FIELDS
from journeys.webhooks.senders.registry import SENDERS
from tests.support.documented import DocumentedDelivery, Story, attribute_types, stories
from tests.support.inbox import Inbox, make_inbox, new_queue
from tests.support.tables import Tables
from tests.support.webhooks import sender_cases

OTHER_SECRETS = {case.name: case.other_secret for case in sender_cases()}
each = pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)


def made(story: Story, delivery: Delivery, fields: Any) -> list[dict[str, Any]]:
    """Return the events of a delivery."""
    sender = SENDERS[story.sender]
    mapping = compile_mapping(sender.presets[sender.latest_preset], story.mapping)
    evaluator = Evaluator.of_delivery(delivery.headers, int(delivery.now * 1000))
    payloads = sender.extract_payloads(delivery)
    return [event for payload in payloads for event in mapping.to_events(payload, fields, evaluator)]


def document(story: Story) -> Document:
    return parse({"title": "Delivered", "properties": attribute_types(story.sender) or {"type": {"type": "string"}}})


@each
def test_the_preset_makes_the_events_of_a_documented_delivery(story: Story) -> None:
    fields = document(story).fields
    for sent in story.deliveries:
        if sent.response is None and set(sent.outcomes) != {"duplicate"}:
            events = json.loads(jsontext.dumps(made(story, sent.delivery, fields)))
            assert events == list(sent.events)


@each
def test_each_event_of_a_story_is_stored_once(story: Story) -> None:
    """A repeated delivery is a duplicate. Different events have different ids, so that none is a conflict."""
    stored: dict[str, Event] = {}
    for sent in story.deliveries:
        if sent.response is None:
            raw = made(story, sent.delivery, document(story).fields)
            assert [_outcome(story, stored, event, sent) for event in raw] == list(sent.outcomes)


def _outcome(story: Story, stored: dict[str, Event], raw: Mapping[str, Any], sent: DocumentedDelivery) -> str:
    event = check(raw, AttributeValidator(document(story)), int(sent.delivery.now * 1000))
    if not isinstance(event, Event):
        return event.reason
    existing = stored.setdefault(event.event_id, event)
    if existing is event:
        return "created"
    differing = list(differences(existing, event))
    same = not differing or is_same_event(raw, differing, int(sent.delivery.now * 1000))
    return "duplicate" if same else "event.conflict"


@pytest.mark.parametrize("name", SENDERS)
def test_the_newest_preset_finds_no_customer_in_a_payload_without_one(name: str) -> None:
    """Otherwise the text `null`, or false, would become the customer of many events."""
    sender = SENDERS[name]
    mapping = compile_mapping(sender.presets[sender.latest_preset], {"timeZone": "UTC"})
    payloads: list[Any] = [{}, {"x": 1}, [], None, "text", 5, {"data": {"object": {}}, "event": {}, "detail": {}}]
    for payload in payloads:
        with suppress(InvalidPayload):
            for event in mapping.to_events(payload, (), Evaluator.of_delivery({}, 0)):
                assert event["identifiers"]["externalIds"] == []


@pytest.mark.parametrize("name", ["standard", "github", "shopify", "stripe", "segment", "zendesk", "slack"])
def test_the_newest_preset_makes_no_id_of_a_payload_without_one(name: str) -> None:
    """Otherwise different deliveries could have one id."""
    mapping = compile_mapping(SENDERS[name].presets[2], {})
    payloads: list[Any] = [{}, {"x": 1}, [], None, "text", 5]
    for payload in payloads:
        (event,) = mapping.to_events(payload, (), Evaluator.of_delivery({}, 0))
        assert event["id"] is None


@pytest.mark.parametrize("name", SENDERS)
def test_every_sender_has_three_documented_payloads(name: str) -> None:
    bodies = {sent.delivery.body for story in stories() if story.sender == name for sent in story.deliveries}
    assert len(bodies) >= 3


def test_an_order_with_many_items_is_within_the_budget_of_its_expressions() -> None:
    """Otherwise a long order could never be stored. 700 items of this size are nearly a delivery of 1 MiB."""
    price = {"shop_money": {"amount": "1.00", "currency_code": "EUR"}}
    item = {f"field{number}": price for number in range(20)}
    order = {"id": 1, "total_price": "1.00", "customer": {"id": 7}, "line_items": [item] * 700}
    assert len(json.dumps(order)) > 900_000
    mapping = compile_mapping(SENDERS["shopify"].presets[2], {})
    (event,) = mapping.to_events(order, ("items",), Evaluator.of_delivery({"x-shopify-event-id": "e"}, 0))
    assert (event["id"], event["attributes"]) == ("e:unknown", {"items": 700})


@each
def test_a_documented_delivery_is_signed_and_answered(story: Story) -> None:
    sender = SENDERS[story.sender]
    for sent in story.deliveries:
        if story.sender != "adobe":  # Its key is on a server.
            sender.verify(sent.delivery, [story.secret], story.options)
            with pytest.raises(SignatureInvalid):
                sender.verify(sent.delivery, [OTHER_SECRETS[story.sender]], story.options)
        response = sender.signed_handshake(sent.delivery)
        assert (response.status if response else None) == sent.response


# -- through the receiver ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", dict.fromkeys(story.sender for story in stories()))
def test_the_receiver_stores_each_event_once_and_counts_the_others(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each story has a configuration of its own, because several have the same ids."""
    inbox = make_inbox(tables, monkeypatch)
    for story in stories():
        if story.sender == name:
            version = SENDERS[name].latest_preset
            changes = {"mapping": story.mapping, "options": story.options, "preset_version": version}
            inbox.change(name, configuration_id=inbox.new_configuration(story.name), **changes)
            received = [_receive(inbox, story, sent.delivery) for sent in story.deliveries]
            assert received == [_expected(story, sent) for sent in story.deliveries], story.name


def _receive(inbox: Inbox, story: Story, delivery: Delivery) -> Counter[str] | int:
    """Return the outcomes of a delivery, or the status of the response to one that carries no event."""
    now_ms = int(delivery.now * 1000)
    bindings = inbox.new_bindings()
    log = EventLog(inbox.tables.dynamodb, inbox.tables.events)
    ingest = Ingest(log, inbox.failures, bindings, now_ms=lambda: now_ms)
    processor = CountingProcessor(ingest, Mapper(bindings), inbox.failures)
    receiver = Receiver(inbox.endpoints, inbox.secrets, processor, inbox.new_recorder(), new_queue())
    response = receiver.receive(story.sender, delivery, request_id=str(now_ms))
    return response.status if processor.outcomes is None else +processor.outcomes


class CountingProcessor(Processor):
    """A processor that counts the outcomes, because some senders receive no counts."""

    outcomes: Counter[str] | None = None

    def ingest(self, *arguments: Any, **named: Any) -> DeliveryOutcome:
        outcome = super().ingest(*arguments, **named)
        self.outcomes = Counter(outcome.to_wire())
        return outcome


def _expected(story: Story, sent: DocumentedDelivery) -> Counter[str] | int:
    if sent.response is not None:
        return sent.response
    return Counter(one if one in ("created", "duplicate") else "failed" for one in sent.outcomes)


# -- forms -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, sender in SENDERS.items() if sender.accepts_forms])
@pytest.mark.parametrize(
    "body", [b"payload=%7B", b"payload=", b"a=%FF", "a=é".encode(), b"&".join([b"a=1"] * (MAX_FORM_FIELDS + 1))]
)
def test_a_broken_form_is_an_invalid_payload(name: str, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    delivery = Delivery("POST", headers, {}, body, "https://x/", 0)
    with pytest.raises(InvalidPayload):
        SENDERS[name].extract_payloads(delivery)
    assert SENDERS[name].signed_handshake(delivery) is None


@pytest.mark.parametrize("name", [name for name, sender in SENDERS.items() if sender.accepts_forms])
def test_a_sample_in_json_is_never_read_as_a_form(name: str) -> None:
    """A sample can be tested with the headers of a form, because that is what the sender sends."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    sample = Delivery("POST", headers, {}, b'{"payload": "x"}', "https://x/", 0)
    assert SENDERS[name].sample_payloads(sample) == [{"payload": "x"}]


def test_slack_shows_nothing_after_an_interaction_or_a_command() -> None:
    for content_type, body in (("application/x-www-form-urlencoded", ""), ("application/json", None)):
        response = SENDERS["slack"].success_response(
            Delivery("POST", {"content-type": content_type}, {}, b"", "https://x/", 0)
        )
        assert (response.body if response else None) == body


# -- payloads that no sender documents ---------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 10**30) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@cache
def names(sender: str) -> list[str]:
    """Return the names that the payloads of a sender's stories have on their highest levels."""
    found: set[str] = set()
    for story in stories():
        for sent in story.deliveries if story.sender == sender else ():
            for payload in SENDERS[sender].extract_payloads(sent.delivery) if sent.response is None else ():
                found |= payload.keys() if isinstance(payload, dict) else set()
    return sorted(found)


@pytest.mark.parametrize("name", ["adobe", "cloudevents", "hmac", "hubspot", "servicenow"])
@settings(max_examples=50)
@given(data=st.data())
def test_any_json_becomes_events_or_an_invalid_payload(name: str, data: st.DataObject) -> None:
    sender = SENDERS[name]
    mapping = compile_mapping(sender.presets[sender.latest_preset], {})
    payload = data.draw(st.dictionaries(st.sampled_from(names(name)), VALUES, max_size=6) | VALUES)
    headers = {"content-type": "application/cloudevents+json"}
    body = json.dumps([payload, payload]).encode()
    try:
        payloads = sender.extract_payloads(Delivery("POST", headers, {}, body, "https://x/", 0))
        events = [event for one in payloads for event in mapping.to_events(one, (), Evaluator.of_delivery(headers, 0))]
    except InvalidPayload:
        return
    jsontext.loads(jsontext.dumps(events).encode())


@pytest.mark.parametrize(
    ("event", "identifiers"),
    [
        ({"subscriptionType": 5, "objectId": 1}, []),
        ({"subscriptionType": {"contact": 1}, "eventType": "contact.creation", "objectId": 1}, [("hubspot", "1")]),
        ({"subscriptionType": "object.creation", "objectTypeId": ["0-1"], "objectId": 1}, []),
        ({"subscriptionType": "deal.associationChange", "associationType": 7, "fromObjectId": 1, "toObjectId": 2},
         [("hubspot-deal", "1")]),
        ({"subscriptionType": "contact.merge", "mergedObjectIds": [[1], {}, None, 2]}, [("hubspot", "2")]),
    ],
)  # fmt: skip
def test_a_field_of_hubspot_with_another_type_names_no_object(
    event: dict[str, Any], identifiers: list[tuple[str, str]]
) -> None:
    delivery = Delivery("POST", {}, {}, json.dumps([event]).encode(), "https://x/", 0)
    (payload,) = SENDERS["hubspot"].extract_payloads(delivery)
    mapping = compile_mapping(SENDERS["hubspot"].presets[2], {})
    (only,) = mapping.to_events(payload, (), Evaluator.of_delivery({}, 0))
    assert [(one["externalSourceId"], one["value"]) for one in only["identifiers"]["externalIds"]] == identifiers


def test_a_number_in_a_field_of_servicenow_is_kept() -> None:
    mapping = compile_mapping(SENDERS["servicenow"].presets[2], {})
    record = {"caller_id": 7, "state": 2, "priority": {"display_value": "", "value": ""}, "reassignment_count": 3}
    (event,) = mapping.to_events(record, ("state", "priority", "reassignments"), Evaluator.of_delivery({}, 0))
    assert event["identifiers"]["externalIds"] == [{"externalSourceId": "servicenow", "value": "7"}]
    assert event["attributes"] == {"state": 2, "reassignments": 3}


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("adobe", {"eventid": "1", "time": "2025-01-31T09:30:00Z", "data": {"customerId": "1"}}),
        ("cloudevents", {"source": "/", "id": "1", "data": {"customerId": "1"}}),
        ("hmac", {"date": "2025-01-31T09:30:00Z", "customer": "1"}),
        ("hubspot", {"subscriptionType": "contact.creation", "objects": [{"kind": "contact", "id": 1}]}),
        ("servicenow", {"sys_updated_on": "2025-01-31 09:30:00", "number": "INC1", "caller_id": {"value": "1"}}),
    ],
)
def test_a_delivery_of_1000_events_is_within_the_budget_of_expressions(name: str, payload: Any) -> None:
    mapping = compile_mapping(SENDERS[name].presets[2], {})
    evaluator = Evaluator.of_delivery({}, 0)
    fields = mapping.attributes.keys()
    events = [event for _ in range(1000) for event in mapping.to_events(payload, fields, evaluator)]
    assert len(events) == 1000


# -- versions ----------------------------------------------------------------------------------------------------------

FIRST_VERSIONS = {
    "standard": "8d29ca004438a388",
    "stripe": "e20538e0b4ee84b0",
    "shopify": "c53c837d87cd6987",
    "github": "615be7e7bd916688",
    "adobe": "270099561867a3b4",
    "qualtrics": "f75d3616b1bbd3ff",
    "servicenow": "7e686c746b5f5717",
    "hubspot": "a99f993061b335a9",
    "zendesk": "a6f7409125a9e65e",
    "segment": "4d3e6a3027b780d9",
    "slack": "080c61f97bb26469",
    "salesforce": "a428e770379f3d41",
    "cloudevents": "660f754919278e2b",
    "hmac": "cbfc9e8984a49da2",
}


@pytest.mark.parametrize("name", SENDERS)
def test_the_first_version_of_a_preset_never_changes(name: str) -> None:
    """The ids of stored events depend on it: a change would store a repeated delivery as a second event."""
    canonical = jsontext.canonical(SENDERS[name].presets[1])
    assert hashlib.sha256(canonical.encode()).hexdigest()[:16] == FIRST_VERSIONS[name]
