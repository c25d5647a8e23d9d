"""From an event type to a customer's journey, through the API of the deployed stack."""

import itertools
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from journeys import dates, keys
from journeys.events.model import StoredEvent
from journeys.events.validation import MAX_ID_BYTES
from journeys.journey.fold import journey_of
from journeys.journey.model import Step, step
from journeys.journey.store import JourneyStore
from tests.conftest import Caller
from tools.api import ApiClient, ApiError, batches
from tools.stack import Stack

MINUTES = 60  # in seconds
PAGE = {"title": "Page viewed", "required": ["page"], "properties": {"page": {"type": "string"}}}
ORDER = {"title": "Order placed", "properties": {"total": {"type": "number"}}}


def event(
    event_id: str,
    date: str,
    attributes: dict[str, Any],
    customer: tuple[str, str] = ("crm", "ada"),
    *others: tuple[str, str],
) -> Any:
    """An event of a customer. `others` are further identifiers of the same customer."""
    return {
        "id": event_id,
        "dateCreated": date,
        "identifiers": {
            "externalIds": [{"externalSourceId": source, "value": value} for source, value in (customer, *others)]
        },
        "attributes": attributes,
    }


def configure(api: ApiClient, schema: dict[str, Any], source: str) -> str:
    """A configuration for a new event type."""
    made = api.call("POST", "externalevents/schemas", schema)
    wanted = {"name": source, "schemaId": made["id"], "source": source}
    return str(api.call("POST", "externalevents/configurations", wanted)["id"])


def wait_for(
    api: ApiClient, count: int, customer: tuple[str, str] = ("crm", "ada"), seconds: float = 5 * MINUTES
) -> Any:
    """The customer's summary, as soon as it counts so many events. The stream has one shard, which all tests share."""
    ends = time.monotonic() + seconds
    found: Any = None
    while time.monotonic() < ends:
        try:
            found = api.call("GET", "customers", externalSourceId=customer[0], value=customer[1])
        except ApiError as error:
            if error.status != 404:
                raise
        else:
            assert found["eventCount"] <= count
            if found["eventCount"] == count:
                return found
        time.sleep(0.2)
    raise AssertionError(f"the journey has {found and found['eventCount']} of {count} events")


def pages(api: ApiClient, customer: tuple[str, str] = ("crm", "ada"), **query: Any) -> Iterator[list[Any]]:
    """A customer's events, page by page."""
    cursor = None
    while True:
        page = api.call(
            "GET", "customers/events", externalSourceId=customer[0], value=customer[1], cursor=cursor, **query
        )
        yield page["entities"]
        cursor = page.get("nextCursor")
        if cursor is None:
            return


def events_of(api: ApiClient, customer: tuple[str, str] = ("crm", "ada"), **query: Any) -> list[Any]:
    return list(itertools.chain.from_iterable(pages(api, customer, **query)))


def ids(events: Sequence[Any]) -> list[str]:
    return [one["id"] for one in events]


def assert_journeys_equal_a_rebuild(stack: Stack, organization_id: str) -> int:
    """Checks that every stored journey equals a rebuild from the log. Returns the number of journeys."""
    by_customer: dict[str, set[Step]] = defaultdict(set)
    scan = stack.dynamodb.get_paginator("scan").paginate
    condition: Any = {
        "ConsistentRead": True,
        "FilterExpression": "begins_with(pk, :org)",
        "ExpressionAttributeValues": {":org": {"S": f"{organization_id}#"}},
    }
    for page in scan(TableName=stack.outputs["EventsTableName"], **condition):
        for stored in map(StoredEvent.from_item, page["Items"]):
            customer = stored.event.customer
            by_customer[keys.journey(organization_id, customer.source_id, customer.value)].add(
                step(stored.event.date_created, stored.configuration_id, stored.event.event_id, stored.slot)
            )
    rows: dict[str, set[Step]] = defaultdict(set)
    for page in scan(TableName=stack.outputs["JourneysTableName"], **condition):
        for row in page["Items"]:
            if row["sk"]["S"] != keys.SUMMARY:
                rows[row["pk"]["S"]].add(Step(row["sk"]["S"], row["slot"]["S"]))
    assert rows == by_customer
    store = JourneyStore(stack.dynamodb, stack.outputs["JourneysTableName"])
    for key, steps in by_customer.items():
        assert store.summary(key).journey == journey_of(steps)
    return len(by_customer)


# -- the whole way -----------------------------------------------------------------------------------------------------


def send_valid_and_invalid_events(api: ApiClient, configuration_id: str) -> None:
    """Sends p-1, p-2 and six events that are duplicates or invalid, and checks the response."""
    first = event("p-1", "2026-01-02T10:00:00Z", {"page": "/home"})
    answer = api.call(
        "POST",
        f"externalevents/configurations/{configuration_id}/events",
        {
            "entities": [
                first,
                event("p-2", "2026-01-02T11:00:00.250+01:00", {"page": "/shoes"}),
                first,
                event("p-1", "2026-01-02T10:00:00Z", {"page": "/other"}),
                {"id": "p-3", "identifiers": first["identifiers"], "attributes": {"page": "/"}},
                {"id": "p-4", "dateCreated": "2026-01-02T10:00:00Z", "attributes": {"page": "/"}},
                event("p-5", "2026-01-02T12:00:00Z", {"page": "/cart", "referrer": "search"}),
                event("p-6", "2026-01-02T12:00:00Z", {"page": 5}),
            ]
        },
    )
    assert answer["processed"] == [
        {"originalRequestIndex": 0, "id": "p-1", "outcome": "created"},
        {"originalRequestIndex": 1, "id": "p-2", "outcome": "created"},
        {"originalRequestIndex": 2, "id": "p-1", "outcome": "duplicate"},
    ]
    refused = [
        (one["originalRequestIndex"], one["statusCode"], one["errorCode"], one["isRetryable"])
        for one in answer["unprocessedEntities"]
    ]
    assert refused == [
        (3, 409, "event.conflict", False),
        (4, 400, "missing.date", False),
        (5, 400, "missing.identifier", False),
        (6, 422, "unknown.attribute", False),
        (7, 422, "invalid.attribute", False),
    ]


def assert_failures_are_listed(api: ApiClient, configuration_id: str) -> None:
    failures = api.call("GET", "externalevents/failures")["entities"]
    assert sorted(one["reason"] for one in failures) == [
        "event.conflict", "invalid.attribute", "missing.date", "missing.identifier", "unknown.attribute",
    ]  # fmt: skip
    assert {one["configurationId"] for one in failures} == {configuration_id}
    (conflict,) = [one for one in failures if one["reason"] == "event.conflict"]
    assert conflict["differingFields"] == ["attributes.page"]
    assert api.call("GET", f"externalevents/failures/{conflict['id']}")["payload"]["attributes"] == {"page": "/other"}


def correct_the_schema_and_replay(api: ApiClient, page_type: dict[str, Any]) -> None:
    """Adds the attribute that p-5 has, and replays its failure."""
    corrected = page_type["jsonSchema"] | {"properties": {"page": {"type": "string"}, "referrer": {"type": "string"}}}
    api.call("PUT", f"externalevents/schemas/{page_type['id']}", {"version": 1, "jsonSchema": corrected})
    replayed = api.call("POST", "externalevents/failures/replay", {"reason": "unknown.attribute"})
    assert replayed == {
        "replayed": 1,
        "created": 1,
        "duplicate": 0,
        "failed": 0,
        "ignored": 0,
        "failedReasons": [],
        "complete": True,
    }


def assert_the_failure_is_resolved(api: ApiClient) -> None:
    (resolved,) = api.call("GET", "externalevents/failures", status="resolved")["entities"]
    whole = api.call("GET", f"externalevents/failures/{resolved['id']}")
    assert (whole["reason"], [replay["outcome"] for replay in whole["replays"]]) == ("unknown.attribute", ["created"])
    assert len(api.call("GET", "externalevents/failures", status="open")["entities"]) == 4


def assert_summary(summary: dict[str, Any], page_schema_id: str) -> None:
    assert (summary["externalSourceId"], summary["value"]) == ("crm", "ada")
    assert (summary["dateFirstEvent"], summary["dateLastEvent"]) == (
        "2025-12-31T23:59:59.999Z",
        "2026-01-02T13:00:00.000Z",
    )
    types = {one["eventName"]: one for one in summary["eventTypes"]}
    assert {name: one["eventCount"] for name, one in types.items()} == {"Page viewed": 3, "Order placed": 2}
    assert types["Page viewed"]["schemaId"] == page_schema_id
    assert types["Page viewed"]["dateFirstEvent"] == "2026-01-02T10:00:00.000Z"
    assert types["Page viewed"]["dateLastEvent"] == "2026-01-02T12:00:00.000Z"
    transitions = {(one["from"], one["to"]): one["count"] for one in summary["transitions"]}
    assert transitions == {
        ("Order placed", "Page viewed"): 1,
        ("Page viewed", "Page viewed"): 2,
        ("Page viewed", "Order placed"): 1,
    }
    assert ids(summary["recentEvents"]) == ["o-1", "p-5", "p-2", "p-1", "o-0"]


def test_from_an_event_type_to_a_journey_including_an_event_that_is_replayed(
    stack: Stack, caller: Callable[..., Caller]
) -> None:
    one = caller()
    api = one.api
    pages_id, orders_id = configure(api, PAGE, "Adobe"), configure(api, ORDER, "ERP")
    (page_type,) = [
        schema
        for schema in api.call("GET", "externalevents/schemas")["entities"]
        if schema["jsonSchema"]["title"] == "Page viewed"
    ]
    send_valid_and_invalid_events(api, pages_id)
    wait_for(api, 2)
    api.send(orders_id, [event("o-1", "2026-01-02T13:00:00Z", {"total": 99.95})])
    wait_for(api, 3)
    late = event("o-0", "2025-12-31T23:59:59.999Z", {"total": 5})
    api.send(orders_id, [late, late])
    wait_for(api, 4)
    assert_failures_are_listed(api, pages_id)
    correct_the_schema_and_replay(api, page_type)
    summary = wait_for(api, 5)
    assert_the_failure_is_resolved(api)
    assert_summary(summary, page_type["id"])

    events = events_of(api)
    assert ids(events) == ["o-0", "p-1", "p-2", "p-5", "o-1"]
    assert events[2] | {"dateReceived": ""} == {
        "id": "p-2",
        "configurationId": pages_id,
        "schemaId": page_type["id"],
        "eventName": "Page viewed",
        "source": "Adobe",
        "dateCreated": "2026-01-02T10:00:00.250Z",
        "dateReceived": "",
        "attributes": {"page": "/shoes"},
        "identifier": {"externalSourceId": "crm", "value": "ada"},
    }
    assert abs(dates.parse(events[2]["dateReceived"]) - dates.now_ms()) < 10 * MINUTES * 1000
    assert events[4]["attributes"] == {"total": 99.95}
    assert assert_journeys_equal_a_rebuild(stack, one.organization_id) == 1


def test_a_person_under_four_identifiers_has_one_journey_that_can_be_split_and_joined(
    caller: Callable[..., Caller],
) -> None:
    """A customer visits anonymously, signs in and orders, opens a case, and answers a survey."""
    api, stranger = caller().api, caller().api
    visitor, email, crm, survey = ("web", "v-1"), ("email", "ada@shop.example"), ("crm", "4711"), ("survey", "r-9")
    pages_id, orders_id = configure(api, PAGE, "Adobe"), configure(api, ORDER, "ERP")
    api.send(pages_id, [event("p-1", "2026-01-02T10:00:00Z", {"page": "/home"}, visitor)])
    api.send(orders_id, [event("o-1", "2026-01-02T10:10:00Z", {"total": 5}, visitor, email)])
    api.send(pages_id, [event("p-3", "2026-01-02T10:30:00Z", {"page": "/survey"}, survey, email)])
    api.send(pages_id, [event("p-2", "2026-01-02T10:20:00Z", {"page": "/case"}, email, crm)])
    api.send(orders_id, [event("o-2", "2026-01-02T10:05:00Z", {"total": 7}, crm)])
    summary = wait_for(api, 5, email)
    assert (summary["transitionsComplete"], sum(one["count"] for one in summary["transitions"])) == (True, 4)
    everything = ["p-1", "o-2", "o-1", "p-2", "p-3"]
    for identifier in (visitor, email, crm, survey):
        assert wait_for(api, 5, identifier)["identifiers"] == summary["identifiers"]
        assert ids(events_of(api, identifier, pageSize=2)) == everything

    link = {name: {"externalSourceId": one[0], "value": one[1]} for name, one in (("from", email), ("to", visitor))}
    shown = api.call("POST", "customers/unlinks", link)
    assert [one["value"] for one in shown["identifiers"]] == ["4711", "ada@shop.example", "r-9"]
    assert ids(events_of(api, visitor)) == ["p-1", "o-1"]
    assert ids(events_of(api, crm)) == ["o-2", "p-2", "p-3"]
    (cut,) = api.call("GET", "customers/identifiers", **_query(visitor))["unlinked"]
    assert (cut["evidence"]["eventId"], cut["decision"]["state"]) == ("o-1", "Unlinked")
    api.call("POST", "customers/links", link)
    assert ids(events_of(api, survey)) == everything

    (match,) = api.call("GET", "customers/search", value="4711")["entities"]
    assert (match["externalSourceId"], match["eventCount"]) == ("crm", 1)
    assert stranger.call("GET", "customers/search", value="4711")["entities"] == []
    api.call("PUT", "customers/settings", {"linking": "Only", "sources": ["web", "email"]})
    assert ids(events_of(api, visitor)) == ["p-1", "o-1", "p-2"]
    known = api.call("GET", "customers/settings")["knownSources"]
    assert {one["externalSourceId"] for one in known if one["linking"]} == {"web", "email"}


def _query(identifier: tuple[str, str]) -> dict[str, str]:
    return {"externalSourceId": identifier[0], "value": identifier[1]}


def test_validating_stores_nothing(stack: Stack, caller: Callable[..., Caller]) -> None:
    one = caller()
    configuration_id = configure(one.api, PAGE, "Adobe")
    good = event("p-1", "2026-01-02T10:00:00Z", {"page": "/home"})
    answer = one.api.call(
        "POST", f"externalevents/configurations/{configuration_id}/events/validate", {"entities": [good, {}]}
    )
    assert [len(answer["processed"]), len(answer["unprocessedEntities"])] == [1, 1]
    assert one.api.call("GET", "externalevents/failures")["entities"] == []
    assert one.api.send(configuration_id, [good])["processed"][0]["outcome"] == "created"


# -- a long journey ----------------------------------------------------------------------------------------------------


def test_a_journey_longer_than_one_read_pages_through_completely(stack: Stack, caller: Callable[..., Caller]) -> None:
    """In both orders, and by type and time; every fourth event bears the date of the one before it.

    DynamoDB reads a megabyte at once. Ids are as long as allowed, so that few steps are more than that.
    """
    count = 3_000
    one = caller()
    api = one.api
    feeds = [(configure(api, {"title": title}, title), title) for title in ("Common", "Rare")]
    start = dates.parse("2026-01-01T00:00:00Z")
    sent: list[tuple[str, str, str, Any]] = []
    for number in range(count):
        configuration_id, title = feeds[number % 100 == 7]
        date = dates.text(start + 1000 * (number - (number % 4 == 3)))
        event_id = f"e-{number:05d}-{'x' * MAX_ID_BYTES}"[:MAX_ID_BYTES]
        sent.append((date, configuration_id, title, event(event_id, date, {})))
    requests = [
        (configuration_id, request)
        for configuration_id, _ in feeds
        for request in batches([body for _, feed, _, body in sent if feed == configuration_id])
    ]
    requests.sort(key=lambda request: str(request[1][0]["dateCreated"]))  # nearly in order; the rare ones come late
    with ThreadPoolExecutor(2) as threads:
        for answer in threads.map(lambda request: api.send(*request), requests):
            assert answer["unprocessedEntities"] == []
    summary = wait_for(api, count)
    assert {one["eventName"]: one["eventCount"] for one in summary["eventTypes"]} == {"Common": 2_970, "Rare": 30}
    first_read = stack.dynamodb.query(
        TableName=stack.outputs["JourneysTableName"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": keys.journey(one.organization_id, "crm", "ada")}},
    )
    assert "LastEvaluatedKey" in first_read

    # the order is by date, then by configuration, then by id
    in_order = sorted(sent, key=lambda row: (row[0], row[1], row[3]["id"]))
    expected = [row[3]["id"] for row in in_order]
    assert ids(events_of(api, pageSize=100)) == expected
    assert ids(events_of(api, pageSize=97, order="desc")) == expected[::-1]
    rare = [row[3]["id"] for row in in_order if row[2] == "Rare"]
    assert ids(events_of(api, pageSize=30, eventName="Rare")) == rare
    assert ids(events_of(api, pageSize=30, eventName="Rare", order="desc")) == rare[::-1]
    low, high = dates.text(start + 1_000_000), dates.text(start + 1_200_000)
    span: dict[str, Any] = {"from": low, "to": high}
    between = [row[3]["id"] for row in in_order if low <= row[0] < high]
    assert len(between) == 200
    assert ids(events_of(api, pageSize=50, **span)) == between
    assert ids(events_of(api, pageSize=50, order="desc", **span)) == between[::-1]
    assert ids(events_of(api, eventName="Rare", **span)) == [id_ for id_ in between if id_ in rare]
    assert assert_journeys_equal_a_rebuild(stack, one.organization_id) == 1


def test_a_customer_never_seen_is_not_found(caller: Callable[..., Caller]) -> None:
    api = caller().api
    for path in ("customers", "customers/events"):
        with pytest.raises(ApiError) as caught:
            api.call("GET", path, externalSourceId="crm", value="nobody")
        assert (caught.value.status, caught.value.code) == (404, "not.found")


def test_a_cursor_is_good_only_for_the_listing_that_gave_it(caller: Callable[..., Caller]) -> None:
    api = caller().api
    configuration_id = configure(api, PAGE, "Adobe")
    customers = [("crm", "ada"), ("crm", "bob")]
    for customer in customers:
        api.send(
            configuration_id,
            [event(f"{customer[1]}-{n}", f"2026-01-0{n}T10:00:00Z", {"page": "/"}, customer) for n in (1, 2, 3)],
        )
        wait_for(api, 3, customer)
    query = {"externalSourceId": "crm", "value": "ada", "pageSize": 1}
    cursor = api.call("GET", "customers/events", **query)["nextCursor"]
    assert ids(api.call("GET", "customers/events", cursor=cursor, **query)["entities"]) == ["ada-2"]
    foreign: list[dict[str, Any]] = [
        {"cursor": cursor, "value": "bob"},
        {"cursor": cursor, "order": "desc"},
        {"cursor": cursor, "eventName": "Page viewed"},
        {"cursor": cursor, "from": "2026-01-01T00:00:00Z"},
        {"cursor": cursor[:-2]},
        {"cursor": "!"},
        {"cursor": "e-1"},
    ]
    for changes in foreign:
        with pytest.raises(ApiError) as caught:
            api.call("GET", "customers/events", **(query | changes))
        assert (caught.value.status, caught.value.code) == (400, "invalid.cursor"), changes


# -- identifiers of all kinds ------------------------------------------------------------------------------------------

IDENTIFIERS = [
    ("crm", "a/b"),
    ("crm", "a//b/"),
    ("crm", "../a"),
    ("crm", "ada@example.com"),
    ("crm", "a#b"),
    ("crm#a", "b"),
    ("crm", "100%"),
    ("crm", "%2F"),
    ("crm", "a b"),
    ("crm", "a+b"),
    ("crm", "a&b=c?d"),
    ("crm", "SUMMARY"),
    ("web/shop", "Zoë Ångström"),
    ("crm", "顧客"),
    ("crm", "🙂"),
    ("crm", "e\u0301"),
    ("crm", "\u00e9"),
    ("crm", "Ada"),
    ("crm", "ada"),
    ("CRM", "ada"),
    ("crm", "\"a\\b'"),
]


def test_identifiers_of_all_kinds_name_one_customer_each(stack: Stack, caller: Callable[..., Caller]) -> None:
    one = caller()
    configuration_id = configure(one.api, PAGE, "Adobe")
    places = {customer: f"e-{place}" for place, customer in enumerate(IDENTIFIERS)}
    one.api.send(
        configuration_id,
        [
            event(event_id, "2026-01-02T10:00:00Z", {"page": customer[1]}, customer)
            for customer, event_id in places.items()
        ],
    )
    for customer, event_id in places.items():
        summary = wait_for(one.api, 1, customer)
        assert (summary["externalSourceId"], summary["value"]) == customer
        (found,) = events_of(one.api, customer)
        assert (found["id"], found["attributes"]) == (event_id, {"page": customer[1]})
    assert assert_journeys_equal_a_rebuild(stack, one.organization_id) == len(IDENTIFIERS)


def test_ids_of_events_of_all_kinds_are_kept(caller: Callable[..., Caller]) -> None:
    api = caller().api
    configuration_id = configure(api, PAGE, "Adobe")
    wanted = sorted({value for _, value in IDENTIFIERS})
    sent = [event(id_, f"2026-01-02T10:00:{second:02d}Z", {"page": "/"}) for second, id_ in enumerate(wanted)]
    assert [one["outcome"] for one in api.send(configuration_id, sent)["processed"]] == ["created"] * len(wanted)
    assert [one["outcome"] for one in api.send(configuration_id, sent)["processed"]] == ["duplicate"] * len(wanted)
    wait_for(api, len(wanted))
    assert ids(events_of(api, pageSize=5)) == wanted


# -- the law -----------------------------------------------------------------------------------------------------------


def test_after_a_load_every_journey_equals_a_rebuild_from_the_log(stack: Stack, caller: Callable[..., Caller]) -> None:
    """Two senders at once, events out of order, one in five sent twice, dates that coincide."""
    one = caller()
    feeds = [configure(one.api, {"title": f"Type {letter}"}, "ERP") for letter in "ABC"]
    randomness = random.Random(2)
    customers = [("crm", f"customer-{number}") for number in range(25)]
    load: list[tuple[str, tuple[str, str], Any]] = []
    for number in range(1_200):
        date = dates.text(dates.parse("2026-01-01T00:00:00Z") + 60_000 * randomness.randrange(200))
        customer = randomness.choice(customers)
        load.append((randomness.choice(feeds), customer, event(f"e-{number}", date, {}, customer)))
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for _, customer, _ in load:
        totals[customer] += 1
    load += randomness.sample(load, len(load) // 5)
    randomness.shuffle(load)
    requests = [
        (feed, request) for feed in feeds for request in batches([body for to, _, body in load if to == feed], 40)
    ]
    randomness.shuffle(requests)
    with ThreadPoolExecutor(2) as threads:
        for answer in threads.map(lambda request: one.api.send(*request), requests):
            assert answer["unprocessedEntities"] == []
    for customer, total in totals.items():
        wait_for(one.api, total, customer)
    assert assert_journeys_equal_a_rebuild(stack, one.organization_id) == len(totals)
