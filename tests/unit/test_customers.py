"""The operations on customers: one person under several identifiers, links by hand, search and settings."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeys import dates
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.events.store import EventLog
from journeys.identity import resolve
from journeys.identity.model import Evidence, pairs
from journeys.identity.settings import NOT_LINKING
from journeys.identity.store import LinkStore
from journeys.journey.model import step_of
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore
from journeys.registry.clients.model import Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.limits import MAX_EVENT_TYPES
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.model import SLOTS
from journeys.registry.schemas.store import SchemaStore
from tests.conftest import ORGANIZATION
from tests.support.functions import Context, api_event, load
from tests.support.tables import Tables
from tests.unit.test_ingest import SCHEMA

NOON = dates.parse("2026-01-31T12:00:00Z")
VISITOR, EMAIL, PHONE, SURVEY = (
    ExternalId("web", "visitor-1"),
    ExternalId("email", "ada@shop.example"),
    ExternalId("phone", "+4930123"),
    ExternalId("survey", "r-77"),
)
STRANGER = "globex"


def wire(identifier: ExternalId) -> dict[str, str]:
    return {"externalSourceId": identifier.source_id, "value": identifier.value}


@dataclass
class Customers:
    """The customers function, with events that a test stores."""

    tables: Tables
    function: ModuleType
    stored: list[StoredEvent] = field(default_factory=list)

    def store(self, second: int, *identifiers: ExternalId, slot: str = "a", organization_id: str = ORGANIZATION) -> str:
        """Stores an event, its step, and the links of its identifiers. Returns its id."""
        event = Event(f"e-{len(self.stored)}", NOON + second * 1000, identifiers, {})
        title = f"Type {slot}"
        one = StoredEvent(event, organization_id, "c-1", f"s-{slot}", 1, slot, title, "CRM", NOON, "r#1")
        assert EventLog(self.tables.dynamodb, self.tables.events).put(one.to_item()) is None
        journey_key, step = step_of(one)
        count_steps(JourneyStore(self.tables.dynamodb, self.tables.journeys), journey_key, [step])
        links = LinkStore(self.tables.dynamodb, self.tables.links)
        links.put(organization_id, dict.fromkeys(pairs(identifiers), Evidence.of(one)))
        links.add_sources(organization_id, [one.source_id for one in identifiers], now_ms=NOON)
        self.stored.append(one)
        return event.event_id

    def call(
        self, method: str, path: str, body: Any = None, *, client_id: str = "client", **query: str
    ) -> tuple[int, Any]:
        event = api_event(method, f"customers{path}", body, query=query or None, client_id=client_id)
        response = self.function.handler(event, Context())
        return response["statusCode"], json.loads(response["body"])

    def get(self, identifier: ExternalId, path: str = "", **query: str) -> Any:
        status, body = self.call("GET", path, **wire(identifier), **query)
        assert status == 200, body
        return body

    def events(self, identifier: ExternalId, **query: str) -> list[dict[str, Any]]:
        """The events of all pages."""
        found: list[dict[str, Any]] = []
        for _ in range(1000):
            page = self.get(identifier, "/events", **query)
            found += page["entities"]
            if "nextCursor" not in page:
                return found
            query["cursor"] = page["nextCursor"]
        raise AssertionError("the pages do not end")

    def decide(self, action: str, one: ExternalId, other: ExternalId, **how: str) -> tuple[int, Any]:
        return self.call("POST", f"/{action}", {"from": wire(one), "to": wire(other)}, **how)


@pytest.fixture
def customers(tables: Tables) -> Customers:
    return Customers(tables, load("customers"))


@pytest.fixture
def ada(customers: Customers) -> Customers:
    """One person who visits, orders under her e-mail, and answers a survey; and a telephone number that two share."""
    customers.store(0, VISITOR)
    customers.store(10, VISITOR, EMAIL, slot="b")
    customers.store(20, EMAIL, PHONE, slot="c")
    customers.store(15, VISITOR)
    customers.store(30, SURVEY, EMAIL, slot="d")
    customers.store(40, PHONE, slot="c")
    return customers


# -- one person --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [VISITOR, EMAIL, SURVEY])
def test_each_identifier_of_a_person_leads_to_the_same_journey(ada: Customers, asked: ExternalId) -> None:
    summary = ada.get(asked)
    assert summary["identifiers"] == [wire(EMAIL), wire(SURVEY), wire(VISITOR)]
    assert (summary["externalSourceId"], summary["value"]) == (asked.source_id, asked.value)
    assert (summary["eventCount"], summary["transitionsComplete"]) == (5, True)
    assert (summary["dateFirstEvent"], summary["dateLastEvent"]) == (
        dates.text(NOON),
        dates.text(NOON + 30_000),
    )
    assert sum(one["count"] for one in summary["transitions"]) == 4
    assert [event["id"] for event in summary["recentEvents"]] == ["e-4", "e-2", "e-3", "e-1", "e-0"]
    assert [event["identifier"] for event in ada.events(asked, pageSize="2")] == [
        wire(VISITOR), wire(VISITOR), wire(VISITOR), wire(EMAIL), wire(SURVEY)
    ]  # fmt: skip


def test_one_identifier_alone_is_as_before(ada: Customers) -> None:
    summary = ada.get(VISITOR, scope="identifier")
    assert (summary["eventCount"], summary["identifiers"]) == (3, [wire(VISITOR)])
    assert [event["id"] for event in ada.events(VISITOR, scope="identifier")] == ["e-0", "e-1", "e-3"]


def test_a_telephone_number_stands_alone_unless_the_settings_say_otherwise(ada: Customers) -> None:
    assert ada.get(PHONE)["identifiers"] == [wire(PHONE)]
    status, body = ada.call("PUT", "/settings", {"linking": "AllExcept", "sources": []})
    assert status == 200, body
    assert ada.get(PHONE)["eventCount"] == 6


def test_an_identifier_without_own_events_leads_to_its_person(customers: Customers) -> None:
    customers.store(0, VISITOR, EMAIL)
    assert customers.get(EMAIL)["eventCount"] == 1
    assert customers.get(EMAIL, "/identifiers")["identifiers"] == [
        wire(EMAIL) | {"eventCount": 0},
        wire(VISITOR) | {"eventCount": 1, "dateFirstEvent": dates.text(NOON), "dateLastEvent": dates.text(NOON)},
    ]
    for path in ("", "/events"):
        status, body = customers.call("GET", path, **wire(EMAIL), scope="identifier")
        assert (status, "customers/identifiers" in body["message"]) == (404, True)


def test_an_identifier_that_may_not_link_and_has_no_own_events_is_shown(customers: Customers) -> None:
    customers.store(0, EMAIL, PHONE)
    shown = customers.get(PHONE, "/identifiers")
    assert (shown["identifiers"], shown["links"]) == ([wire(PHONE) | {"eventCount": 0}], [])
    status, body = customers.call("GET", "", **wire(PHONE))
    assert (status, "customers/identifiers" in body["message"]) == (404, True)


def test_a_cursor_of_a_person_survives_a_change_of_the_identifiers(ada: Customers) -> None:
    first = ada.get(EMAIL, "/events", pageSize="2")
    assert [event["id"] for event in first["entities"]] == ["e-0", "e-1"]
    assert ada.decide("unlinks", EMAIL, VISITOR)[0] == 200
    rest = ada.events(EMAIL, pageSize="2", cursor=first["nextCursor"])
    assert [event["id"] for event in rest] == ["e-2", "e-4"]


def test_a_cursor_of_another_identifier_of_the_person_is_refused(ada: Customers) -> None:
    cursor = ada.get(EMAIL, "/events", pageSize="2")["nextCursor"]
    status, body = ada.call("GET", "/events", **wire(VISITOR), pageSize="2", cursor=cursor)
    assert (status, body["code"]) == (400, "invalid.cursor")


CHOICES = [VISITOR, EMAIL, SURVEY, ExternalId("erp", "4711"), PHONE]


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.lists(st.sampled_from(CHOICES), min_size=1, max_size=3, unique=True)),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 5),
    st.booleans(),
)
def test_the_journey_of_a_person_is_that_of_its_events(
    customers: Customers, chosen: list[tuple[int, list[ExternalId]]], size: int, ascending: bool
) -> None:
    """Any events of any identifiers, against all events of the person sorted."""
    customers.tables.clear()
    ClientStore(customers.tables.dynamodb, customers.tables.registry).put(
        Client("client", ORGANIZATION, "A client", frozenset({"journey:customers:view"}))
    )
    customers.stored.clear()
    for second, identifiers in chosen:
        customers.store(second, *identifiers)
    persons = resolve.persons(
        [pair for one in customers.stored for pair in pairs(one.event.external_ids)],
        {},
        customers.function.linking.get(ORGANIZATION),
    )
    asked = chosen[0][1][0]
    of_person = persons[asked].identifiers if asked in persons else (asked,)
    expected = sorted(
        (one for one in customers.stored if one.event.customer in of_person),
        key=lambda one: step_of(one)[1].key,
        reverse=not ascending,
    )
    found = customers.events(asked, pageSize=str(size), order="asc" if ascending else "desc")
    assert [event["id"] for event in found] == [one.event.event_id for one in expected]
    assert customers.get(asked)["eventCount"] == len(expected)


# -- links by hand -----------------------------------------------------------------------------------------------------


def test_unlinking_splits_a_person_and_linking_joins_it_again(ada: Customers) -> None:
    status, body = ada.decide("unlinks", EMAIL, VISITOR)
    assert status == 200, body
    assert [one["value"] for one in body["identifiers"]] == [EMAIL.value, SURVEY.value]
    (cut,) = body["unlinked"]
    assert (cut["from"], cut["to"]) == (wire(EMAIL), wire(VISITOR))
    assert (cut["evidence"]["eventId"], cut["decision"]["state"]) == ("e-1", "Unlinked")
    assert cut["decision"]["by"] == {"id": "client"}
    assert (ada.get(VISITOR)["eventCount"], ada.get(EMAIL)["eventCount"]) == (3, 2)
    assert ada.get(VISITOR, "/identifiers")["unlinked"] == [cut]
    status, body = ada.decide("links", VISITOR, EMAIL)
    assert (status, body["unlinked"]) == (200, [])
    assert ada.get(SURVEY)["eventCount"] == 5


@pytest.mark.parametrize("action", ["links", "unlinks"])
def test_deciding_the_same_again_changes_nothing(ada: Customers, action: str) -> None:
    first = ada.decide(action, EMAIL, VISITOR)
    before = ada.tables.items(ada.tables.links)
    assert ada.decide(action, EMAIL, VISITOR) == first
    assert sorted(map(str, ada.tables.items(ada.tables.links))) == sorted(map(str, before))


def test_two_identifiers_that_no_event_named_together_can_be_linked(customers: Customers) -> None:
    customers.store(0, VISITOR)
    customers.store(1, SURVEY)
    status, body = customers.decide("links", SURVEY, VISITOR)
    assert status == 200, body
    (link,) = body["links"]
    assert "evidence" not in link
    assert customers.get(VISITOR)["eventCount"] == 2


@pytest.mark.parametrize("action", ["links", "unlinks"])
def test_identifiers_that_nobody_sent_cannot_be_linked(ada: Customers, action: str) -> None:
    before = ada.tables.items(ada.tables.links)
    status, body = ada.decide(action, ExternalId("crm", "nobody"), ExternalId("crm", "nobody else"))
    assert (status, body["code"]) == (404, "not.found")
    assert ada.tables.items(ada.tables.links) == before


@pytest.mark.parametrize("action", ["links", "unlinks"])
def test_identifiers_of_another_organization_are_not_found(ada: Customers, action: str) -> None:
    """The stranger has the same identifiers neither in its journeys nor in its links."""
    clients = ClientStore(ada.tables.dynamodb, ada.tables.registry)
    clients.put(
        Client("stranger", STRANGER, "A stranger", frozenset({"journey:customers:view", "journey:customers:edit"}))
    )
    before = ada.tables.items(ada.tables.links)
    assert ada.decide(action, EMAIL, VISITOR, client_id="stranger")[0] == 404
    for path in ("", "/events", "/identifiers"):
        assert ada.call("GET", path, **wire(EMAIL), client_id="stranger")[0] == 404
    assert ada.call("GET", "/search", value=EMAIL.value, client_id="stranger") == (200, {"entities": []})
    assert ada.tables.items(ada.tables.links) == before
    customers_own = ExternalId("email", EMAIL.value)
    ada.store(0, customers_own, organization_id=STRANGER)
    assert ada.call("GET", "", **wire(EMAIL), client_id="stranger")[1]["eventCount"] == 1
    assert ada.get(EMAIL)["eventCount"] == 5


def test_a_source_that_does_not_link_is_refused_with_the_reason(ada: Customers) -> None:
    status, body = ada.decide("links", EMAIL, PHONE)
    assert (status, body["code"]) == (409, "source.not.linking")
    assert '"phone"' in body["message"]
    assert "customers/settings" in body["message"]
    assert ada.decide("unlinks", EMAIL, PHONE)[0] == 200


LONG = "é" * 128
"""256 bytes in UTF-8."""

BODIES: dict[str, Any] = {
    "nothing": {},
    "one identifier": {"from": wire(EMAIL)},
    "the same twice": {"from": wire(EMAIL), "to": wire(EMAIL)},
    "a placeholder": {"from": wire(EMAIL), "to": {"externalSourceId": "crm", "value": "guest"}},
    "an empty value": {"from": wire(EMAIL), "to": {"externalSourceId": "crm", "value": ""}},
    "white space": {"from": wire(EMAIL), "to": {"externalSourceId": " ", "value": "x"}},
    "a long value": {"from": wire(EMAIL), "to": {"externalSourceId": "crm", "value": LONG}},
    "a long source": {"from": wire(EMAIL), "to": {"externalSourceId": LONG, "value": "x"}},
    "a number": {"from": wire(EMAIL), "to": {"externalSourceId": "crm", "value": 4711}},
    "a field too many": {"from": wire(EMAIL), "to": wire(VISITOR), "organizationId": STRANGER},
    "a list": {"from": [wire(EMAIL)], "to": wire(VISITOR)},
}


@pytest.mark.parametrize("action", ["links", "unlinks"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_invalid_link_is_refused_without_repeating_it(ada: Customers, action: str, body: Any) -> None:
    before = ada.tables.items(ada.tables.links)
    status, error = ada.call("POST", f"/{action}", body)
    assert status == 400, error
    for secret in (EMAIL.value, VISITOR.value, LONG, STRANGER):
        assert secret not in json.dumps(error, ensure_ascii=False)
    assert ada.tables.items(ada.tables.links) == before


@pytest.mark.parametrize("field_name", ["from", "to"])
def test_a_placeholder_is_refused_with_the_field_that_has_it(ada: Customers, field_name: str) -> None:
    body = {"from": wire(EMAIL), "to": wire(VISITOR)} | {field_name: wire(ExternalId("crm", "\u201cguest\u201d"))}
    status, error = ada.call("POST", "/links", body)
    assert (status, error["details"][0]["fieldName"]) == (400, field_name)
    assert "placeholder" in error["message"]


def test_the_links_that_were_cut_last_are_listed(ada: Customers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journeys.journey.identifiers.MAX_UNLINKED", 2)
    for number in range(3):
        monkeypatch.setattr("journeys.journey.identifiers.dates.now_ms", lambda number=number: NOON + number)
        status, body = ada.decide("unlinks", EMAIL, ExternalId("crm", f"{3 - number}"))
        assert status == 200, body
    assert [one["from"]["value"] for one in body["unlinked"]] == ["1", "2"]


# -- guards ------------------------------------------------------------------------------------------------------------


def test_an_identifier_that_everybody_shares_links_nobody_and_is_named(customers: Customers) -> None:
    kiosk = ExternalId("device", "kiosk")
    visitors = [ExternalId("web", f"visitor-{number:02}") for number in range(resolve.MAX_LINKS + 1)]
    for number, visitor in enumerate(visitors):
        customers.store(number, visitor, kiosk)
    shown = customers.get(visitors[0], "/identifiers")
    assert [one["value"] for one in shown["identifiers"]] == [visitors[0].value]
    assert [one["value"] for one in shown["stopped"]] == ["kiosk"]
    assert customers.get(kiosk, "/identifiers")["stopped"] == [wire(kiosk) | {"eventCount": 0}]
    assert customers.get(visitors[0])["eventCount"] == 1
    assert customers.decide("unlinks", visitors[0], kiosk)[0] == 200
    assert customers.get(visitors[1])["eventCount"] == resolve.MAX_LINKS


def test_a_link_that_would_stop_an_identifier_is_refused(customers: Customers) -> None:
    visitors = [ExternalId("web", f"visitor-{number:02}") for number in range(resolve.MAX_LINKS + 1)]
    for number, visitor in enumerate(visitors[:-1]):
        customers.store(number, visitor, EMAIL)
    customers.store(50, visitors[-1])
    before = customers.tables.items(customers.tables.links)
    for one, other in ((visitors[-1], EMAIL), (EMAIL, visitors[-1])):
        status, body = customers.decide("links", one, other)
        assert (status, body["code"]) == (409, "identifier.stopped")
        assert f"{resolve.MAX_LINKS} links" in body["message"]
    assert customers.tables.items(customers.tables.links) == before
    assert customers.decide("unlinks", visitors[0], EMAIL)[0] == 200
    assert customers.decide("links", visitors[-1], EMAIL)[0] == 200
    customers.store(60, ExternalId("web", "by an event"), EMAIL)
    status, body = customers.decide("links", EMAIL, visitors[-1])
    assert (status, body["stopped"]) == (200, [wire(EMAIL) | {"eventCount": 0}])


def test_a_link_that_would_make_a_person_too_large_is_refused(customers: Customers) -> None:
    chain = [ExternalId("crm", f"c-{number:03}") for number in range(resolve.MAX_IDENTIFIERS)]
    for number in range(len(chain) - 1):
        customers.store(number, *chain[number : number + 2])
    before = customers.tables.items(customers.tables.links)
    for one, other in ((SURVEY, chain[3]), (chain[3], SURVEY)):
        status, body = customers.decide("links", one, other)
        assert (status, body["code"]) == (409, "person.too.large")
        assert f"{resolve.MAX_IDENTIFIERS} identifiers" in body["message"]
    assert customers.tables.items(customers.tables.links) == before
    assert customers.decide("unlinks", SURVEY, chain[3])[0] == 200
    assert customers.decide("unlinks", chain[-2], chain[-1])[0] == 200
    assert customers.decide("links", SURVEY, chain[3])[0] == 200
    customers.store(99, chain[-2], ExternalId("crm", "by an event"))
    status, body = customers.decide("links", SURVEY, chain[3])
    assert (status, body["tooLarge"]) == (200, True)
    assert customers.get(SURVEY, "/identifiers")["tooLarge"] is True


def test_an_identifier_of_a_person_that_is_too_large_is_shown(customers: Customers) -> None:
    chain = [ExternalId("crm", f"c-{number:03}") for number in range(resolve.MAX_IDENTIFIERS + 1)]
    for number in range(len(chain) - 1):
        customers.store(number, *chain[number : number + 2])
    shown = customers.get(chain[-1], "/identifiers")
    assert (shown["identifiers"], shown["tooLarge"]) == ([wire(chain[-1]) | {"eventCount": 0}], True)
    for path in ("", "/events"):
        status, body = customers.call("GET", path, **wire(chain[-1]))
        assert (status, "customers/identifiers" in body["message"]) == (404, True)
    status, body = customers.decide("unlinks", chain[-1], chain[-2])
    assert (status, body["tooLarge"]) == (200, False)


def test_the_summary_of_the_largest_person_is_one_answer(customers: Customers) -> None:
    chain = [ExternalId("crm", f"c-{number:03}") for number in range(resolve.MAX_IDENTIFIERS)]
    for number, one in enumerate(chain):
        customers.store(number, *chain[number : number + 2])
        customers.store(100 - number, one)
    summary = customers.get(chain[7])
    assert (summary["eventCount"], len(summary["identifiers"])) == (2 * len(chain), len(chain))
    assert (summary["transitions"], summary["transitionsComplete"]) == (
        [{"from": "unknown", "to": "unknown", "count": 2 * len(chain) - 1}],
        True,
    )
    assert len(customers.events(chain[0], pageSize="7")) == 2 * len(chain)
    customers.store(200, chain[-1], ExternalId("crm", "one too many"))
    assert customers.get(chain[7])["eventCount"] == 2
    assert customers.get(chain[7], "/identifiers")["tooLarge"] is True


# -- event types -------------------------------------------------------------------------------------------------------


def test_a_person_is_narrowed_by_event_type(ada: Customers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journeys.registry.schemas.store._free_slot", lambda used, _: SLOTS[used])
    schemas = SchemaStore(ada.tables.dynamodb, ada.tables.registry)
    for letter in "abcd":
        assert len(SLOTS) == MAX_EVENT_TYPES
        schemas.create(ORGANIZATION, parse(SCHEMA | {"title": f"Type {letter}"}), {"id": "client"})
    assert [event["id"] for event in ada.events(SURVEY, eventName="Type a", pageSize="1")] == ["e-0", "e-3"]
    assert ada.events(SURVEY, eventName="No such type") == []


# -- search and settings -----------------------------------------------------------------------------------------------


def found(answer: tuple[int, Any]) -> list[str]:
    status, body = answer
    assert status == 200, body
    return [f"{one['externalSourceId']} {one['eventCount']}" for one in body["entities"]]


def test_a_search_finds_a_value_in_every_source(ada: Customers) -> None:
    ada.store(50, ExternalId("crm", EMAIL.value))
    assert found(ada.call("GET", "/search", value=EMAIL.value)) == ["crm 1", "email 1"]
    ada.store(60, ExternalId("crm", "other"), ExternalId("loyalty", "L-1"))
    assert found(ada.call("GET", "/search", value="L-1")) == ["loyalty 0"]


@pytest.mark.parametrize("value", ["nobody", "x" * 5000, "é" * 3000, "a#b", "SUMMARY", " ", "%23"])
def test_a_search_for_anything_else_finds_nothing(ada: Customers, value: str) -> None:
    assert found(ada.call("GET", "/search", value=value)) == []


@pytest.mark.parametrize("path", ["", "/events", "/identifiers"])
@pytest.mark.parametrize("value", ["x" * 5000, "é" * 3000, "a#b", "\0"])
def test_identifiers_longer_than_any_are_not_found(ada: Customers, path: str, value: str) -> None:
    assert ada.call("GET", path, externalSourceId="crm", value=value)[0] == 404
    assert ada.call("GET", path, externalSourceId=value, value="x")[0] == 404


def test_settings_say_which_sources_link(ada: Customers) -> None:
    status, before = ada.call("GET", "/settings")
    assert (status, before["linking"]) == (200, "AllExcept")
    assert {"externalSourceId": "phone", "linking": False} in before["knownSources"]
    assert {"externalSourceId": "email", "linking": True} in before["knownSources"]
    status, after = ada.call("PUT", "/settings", {"linking": "Only", "sources": ["web", "email", "web"]})
    assert (status, after["sources"]) == (200, ["email", "web"])
    assert ada.call("GET", "/settings") == (200, after)
    assert ada.get(EMAIL)["eventCount"] == 4
    assert ada.call("PUT", "/settings", {"linking": "None"})[0] == 200
    assert ada.get(EMAIL)["eventCount"] == 1
    assert ada.call("PUT", "/settings", {"linking": "None"})[0] == 200


def test_sources_in_the_settings_are_compared_without_case_and_white_space(ada: Customers) -> None:
    status, body = ada.call("PUT", "/settings", {"linking": "AllExcept", "sources": ["phone", " Phone "]})
    assert (status, body["sources"]) == (200, ["Phone"])
    assert ada.get(PHONE)["identifiers"] == [wire(PHONE)]


def test_switching_links_off_keeps_the_sources(ada: Customers) -> None:
    assert ada.call("PUT", "/settings", {"linking": "None"})[1]["sources"] == list(NOT_LINKING)
    assert ada.call("PUT", "/settings", {"linking": "None", "sources": ["web"]})[1]["sources"] == ["web"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"linking": "Some"},
        {"linking": "AllExcept"},
        {"linking": "Only"},
        {"linking": "Only", "sources": "web"},
        {"linking": "Only", "sources": [LONG]},
        {"linking": "Only", "sources": [""]},
        {"linking": "Only", "sources": [f"s-{number}" for number in range(101)]},
        {"linking": "Only", "sources": [], "revision": 1},
    ],
    ids=[
        "nothing",
        "another word",
        "no sources except",
        "no sources only",
        "a text",
        "a long source",
        "an empty source",
        "too many",
        "a field too many",
    ],
)
def test_invalid_settings_are_refused(ada: Customers, body: Any) -> None:
    before = ada.call("GET", "/settings")
    assert ada.call("PUT", "/settings", body)[0] == 400
    assert ada.call("GET", "/settings") == before


# -- permissions -------------------------------------------------------------------------------------------------------


def _edits() -> Iterable[tuple[str, str, Any]]:
    yield "POST", "/links", {"from": wire(EMAIL), "to": wire(VISITOR)}
    yield "POST", "/unlinks", {"from": wire(EMAIL), "to": wire(VISITOR)}
    yield "PUT", "/settings", {"linking": "None"}


def test_who_only_views_customers_cannot_change_links(ada: Customers) -> None:
    clients = ClientStore(ada.tables.dynamodb, ada.tables.registry)
    clients.put(Client("viewer", ORGANIZATION, "A viewer", frozenset({"journey:customers:view"})))
    for method, path, body in _edits():
        status, error = ada.call(method, path, body, client_id="viewer")
        assert (status, error["messageParams"]) == (403, {"permission": "journey:customers:edit"})
    assert ada.get(EMAIL)["eventCount"] == 5
