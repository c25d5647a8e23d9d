"""Responses about a customer's journey never exceed the size that Lambda accepts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from journeys import aws, dates, keys
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.events.store import EventLog
from journeys.journey.model import Step, step
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.model import SLOTS
from journeys.registry.schemas.store import SchemaStore
from tests.conftest import ORGANIZATION
from tests.support.functions import Context, api_event, load
from tests.support.reads import rows_read
from tests.support.tables import Tables
from tests.unit.test_ingest import SCHEMA

MAX_RESPONSE = 6_291_556
"""The most bytes of a Lambda response. A larger one reaches the caller as 502."""

CUSTOMER = ExternalId("crm", "ada")
KEY = keys.journey(ORGANIZATION, CUSTOMER.source_id, CUSTOMER.value)
NOON = dates.parse("2026-01-31T12:00:00Z")
KILOBYTE = 1024


@dataclass(frozen=True)
class Reader:
    """The customers function, with journeys that a test creates."""

    tables: Tables
    function: ModuleType

    def store(self, notes: Sequence[str | None], slots: Mapping[int, str] | None = None) -> None:
        """Stores a journey with one event per second, each with a note. An event with None is missing from the log.

        `slots` are those of the events that are not of the type "a".
        """
        log, steps = EventLog(self.tables.dynamodb, self.tables.events), list[Step]()
        for number, note in enumerate(notes):
            event = Event(f"e-{number}", NOON + number * 1000, (CUSTOMER,), {"note": note})
            steps.append(step(event.date_created, "c-1", event.event_id, (slots or {}).get(number, "a")))
            if note is not None:
                stored = StoredEvent(event, ORGANIZATION, "c-1", "s-1", 1, "a", "Note", "CRM", NOON, f"r#{number}")
                assert log.put(stored.to_item()) is None
        count_steps(JourneyStore(self.tables.dynamodb, self.tables.journeys), KEY, steps)

    def get(self, path: str = "", **query: str) -> Any:
        """The body of a response, whose size Lambda accepts."""
        parameters = {"externalSourceId": CUSTOMER.source_id, "value": CUSTOMER.value} | query
        response = self.function.handler(api_event("GET", f"customers{path}", query=parameters), Context())
        assert response["statusCode"] == 200, response["body"]
        assert len(json.dumps(response)) <= MAX_RESPONSE
        return json.loads(response["body"])

    def pages(self, **query: str) -> list[list[str]]:
        """The ids of the journey's events, page by page."""
        found: list[list[str]] = []
        while True:
            page = self.get("/events", **query)
            found.append([event["id"] for event in page["entities"]])
            if "nextCursor" not in page:
                return found
            query["cursor"] = page["nextCursor"]


@pytest.fixture
def reader(tables: Tables) -> Reader:
    return Reader(tables, load("customers"))


def ids(numbers: Sequence[int]) -> list[str]:
    return [f"e-{number}" for number in numbers]


LARGE = {
    "letters": "n" * 290 * KILOBYTE,
    "quotes": '"' * 290 * KILOBYTE,
    "line breaks": "\n" * 290 * KILOBYTE,
    "control characters": "\x01" * 100 * KILOBYTE,
    "other letters": "ж" * 145 * KILOBYTE,
}


@pytest.mark.parametrize("note", LARGE.values(), ids=LARGE)
def test_all_large_events_of_a_journey_are_listed_in_pages_that_lambda_accepts(reader: Reader, note: str) -> None:
    reader.store([note] * 24)
    pages = reader.pages(pageSize="100")
    assert [one for page in pages for one in page] == ids(range(24))
    assert all(pages)
    assert len(pages) > 1


def test_large_events_are_listed_newest_first_and_by_date(reader: Reader) -> None:
    reader.store([LARGE["quotes"]] * 9)
    newest_first = reader.pages(pageSize="100", order="desc")
    assert [one for page in newest_first for one in page] == ids(range(9))[::-1]
    some = reader.pages(pageSize="7", **{"from": dates.text(NOON + 1000), "to": dates.text(NOON + 8000)})
    assert [one for page in some for one in page] == ids(range(1, 8))


@pytest.mark.parametrize("note", LARGE.values(), ids=LARGE)
def test_a_summary_has_the_most_recent_large_events_that_fit(reader: Reader, note: str) -> None:
    reader.store([note] * 24)
    summary = reader.get()
    recent = [event["id"] for event in summary["recentEvents"]]
    assert 1 <= len(recent) < 20
    assert recent == ids(range(24))[::-1][: len(recent)]
    assert summary["eventCount"] == 24


def test_small_events_fill_whole_pages(reader: Reader) -> None:
    reader.store(["small"] * 45)
    assert reader.pages(pageSize="20") == [ids(range(20)), ids(range(20, 40)), ids(range(40, 45))]
    assert reader.pages(pageSize="45") == [ids(range(45))]
    assert [event["id"] for event in reader.get()["recentEvents"]] == ids(range(25, 45))[::-1]


def test_an_event_missing_from_the_log_does_not_end_a_page_or_change_the_cursor(reader: Reader) -> None:
    large = LARGE["quotes"]
    reader.store([None, large, None, large, large, None, large, large, large, None])
    assert [one for page in reader.pages(pageSize="100") for one in page] == ids([1, 3, 4, 6, 7, 8])
    assert reader.pages(pageSize="1") == [[one] if one else [] for one in map(_present, range(10))]


@pytest.fixture
def types(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Event types with the titles Type a, Type b and Type c, and their letters as slots."""
    monkeypatch.setattr("journeys.registry.schemas.store._free_slot", lambda used, _: SLOTS[used])
    schemas = SchemaStore(tables.dynamodb, tables.registry)
    for letter in "abc":
        created = schemas.create(ORGANIZATION, parse(SCHEMA | {"title": f"Type {letter}"}), {"id": "client"})
        assert created.slot == letter


@pytest.mark.usefixtures("types")
@pytest.mark.parametrize("title", ["Type c", "No such type"])
def test_a_listing_of_an_event_type_that_the_customer_never_had_reads_no_steps(reader: Reader, title: str) -> None:
    reader.store(["small"] * 60)
    with rows_read(aws.dynamodb()) as rows:
        assert reader.get("/events", eventName=title)["entities"] == []
    assert sum(rows) <= 3  # the event types of the organization


@pytest.mark.usefixtures("types")
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_of_a_rare_event_type_reads_a_bounded_number_of_steps(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr("journeys.journey.merged.MAX_ROWS_READ", 20)
    rare = [5, 6, 110]
    reader.store(["small"] * 150, dict.fromkeys(rare, "b"))
    reader.get("/events", eventName="Type b")  # The event types are cached from now on.
    query = {"eventName": "Type b", "order": order, "pageSize": "2"}
    found: list[str] = []
    reads: list[int] = []
    while not reads or "cursor" in query:
        with rows_read(aws.dynamodb()) as rows:
            page = reader.get("/events", **query)
        reads.append(sum(rows))
        found += [event["id"] for event in page["entities"]]
        query["cursor"] = page.get("nextCursor", "")
        if not query["cursor"]:
            del query["cursor"]
    assert found == ids(rare if order == "asc" else rare[::-1])
    assert max(reads) <= 20
    assert sum(reads) <= 110 - 5 + 1 + 2 * len(reads)  # Nothing is read before the first and after the last.


@pytest.mark.usefixtures("types")
def test_a_page_of_a_frequent_event_type_reads_only_itself(reader: Reader) -> None:
    reader.store(["small"] * 150, {149: "b"})
    reader.get("/events", eventName="Type a")
    with rows_read(aws.dynamodb()) as rows:
        assert len(reader.get("/events", eventName="Type a", pageSize="10")["entities"]) == 10
    assert sum(rows) == 11


def _present(number: int) -> str | None:
    return f"e-{number}" if number not in (0, 2, 5, 9) else None
