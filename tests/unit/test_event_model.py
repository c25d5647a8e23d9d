"""The items of events, and the comparison of events with the same id."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import dates
from journeys.events.model import Event, ExternalId, StoredEvent, differences

CUSTOMER = (ExternalId("crm", "c"),)
TEXTS = st.text(max_size=10)
NUMBERS = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1), st.decimals(-(10**18), 10**18, places=19), st.integers(-3, 3)
)
ATTRIBUTES = st.dictionaries(
    st.text(min_size=1, max_size=10), st.one_of(TEXTS, st.booleans(), NUMBERS, st.lists(TEXTS, max_size=3)), max_size=5
)
EVENTS = st.builds(
    Event,
    event_id=st.text(min_size=1, max_size=20),
    date_created=st.integers(0, dates.parse("9999-12-31T23:59:59.999Z")),
    external_ids=st.lists(st.builds(ExternalId, TEXTS, TEXTS), min_size=1, max_size=3).map(tuple),
    attributes=ATTRIBUTES,
)


def stored(event: Event, **changes: Any) -> StoredEvent:
    values: dict[str, Any] = {
        "organization_id": "acme",
        "configuration_id": "c-1",
        "schema_id": "s-1",
        "schema_version": 2,
        "slot": "a",
        "event_name": "Order placed",
        "source": "ERP",
        "date_received": 1_769_850_000_123,
        "receipt": "r#0",
    }
    return StoredEvent(event, **values | changes)


def an_event(**changes: Any) -> Event:
    values: dict[str, Any] = {"event_id": "e", "date_created": 1, "external_ids": CUSTOMER, "attributes": {}}
    return Event(**values | changes)


@given(EVENTS, st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5))
def test_an_event_is_read_from_its_item_unchanged(event: Event, organization: str, configuration: str) -> None:
    before = stored(event, organization_id=organization, configuration_id=configuration)
    after = StoredEvent.from_item(before.to_item())
    assert after == before
    assert list(differences(after.event, event)) == []


@given(st.tuples(*[st.text(max_size=3)] * 3), st.tuples(*[st.text(max_size=3)] * 3))
def test_two_events_have_the_same_key_only_if_all_three_ids_are_equal(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    keys = [
        stored(an_event(event_id=names[2]), organization_id=names[0], configuration_id=names[1]).key
        for names in (one, other)
    ]
    assert (keys[0] == keys[1]) is (one == other)


@given(EVENTS, EVENTS)
def test_differences_do_not_depend_on_the_order_of_the_events(one: Event, other: Event) -> None:
    assert list(differences(one, other)) == list(differences(other, one))


SAME: list[tuple[Any, Any]] = [(5, Decimal("5.0")), (Decimal("1E+2"), 100), (0, Decimal("-0.0")), (["a"], ["a"])]
OTHER: list[tuple[Any, Any]] = [
    (1, True), (0, False), (True, Decimal(1)), ("5", 5), ("true", True), ("a", "A"), ("é", "e\u0301"), ("a", "a "),
    (["a", "b"], ["b", "a"]), ([], ""), (Decimal("0.1"), Decimal("0.10000000000000000000000000000000000001")),
    (10**37, 10**37 + 1), ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_numbers_are_compared_by_value(one: Any, other: Any) -> None:
    assert list(differences(an_event(attributes={"a": one}), an_event(attributes={"a": other}))) == []


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_values_of_different_kinds_differ(one: Any, other: Any) -> None:
    found = differences(an_event(attributes={"a": one}), an_event(attributes={"a": other}))
    assert list(found) == ["attributes.a"]


def test_differences_name_exactly_the_differing_fields() -> None:
    one = an_event(attributes={"a": 1, "b": 1, "same": "x", "empty": ""})
    other = an_event(
        date_created=2,
        external_ids=(*CUSTOMER, ExternalId("loyalty", "7")),
        attributes={"b": 2, "c": False, "same": "x", "empty": ""},
    )
    assert list(differences(one, other)) == [
        "dateCreated", "identifiers.externalIds", "attributes.a", "attributes.b", "attributes.c",
    ]  # fmt: skip
    assert list(differences(one, one)) == []


def test_the_order_of_external_ids_matters() -> None:
    ids = (ExternalId("crm", "c"), ExternalId("loyalty", "7"))
    found = differences(an_event(external_ids=ids), an_event(external_ids=ids[::-1]))
    assert list(found) == ["identifiers.externalIds"]


def test_an_item_has_a_map_of_attributes_and_readable_dates() -> None:
    event = an_event(date_created=1_769_850_000_987, attributes={"paid": True, "amount": Decimal("19.90")})
    assert stored(event).to_item() == {
        "pk": {"S": "acme#c-1#e"},
        "dateCreated": {"S": "2026-01-31T09:00:00.987Z"},
        "dateReceived": {"S": "2026-01-31T09:00:00.123Z"},
        "externalIds": {"L": [{"M": {"externalSourceId": {"S": "crm"}, "value": {"S": "c"}}}]},
        "attributes": {"M": {"paid": {"BOOL": True}, "amount": {"N": "19.90"}}},
        "schemaId": {"S": "s-1"},
        "schemaVersion": {"N": "2"},
        "slot": {"S": "a"},
        "eventName": {"S": "Order placed"},
        "source": {"S": "ERP"},
        "receipt": {"S": "r#0"},
        "v": {"N": "1"},
    }


def test_an_event_is_returned_without_internal_fields() -> None:
    assert stored(an_event(attributes={"paid": True})).to_wire() == {
        "id": "e",
        "configurationId": "c-1",
        "schemaId": "s-1",
        "eventName": "Order placed",
        "source": "ERP",
        "dateCreated": "1970-01-01T00:00:00.001Z",
        "dateReceived": "2026-01-31T09:00:00.123Z",
        "attributes": {"paid": True},
    }
