"""The page on a customer's journey and the person behind it, in a real browser."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from journeys.registry.people.model import Role
from tests.browser.conftest import Account, fill_sign_in, violations
from tests.conftest import Caller
from tests.e2e.test_pipeline import wait_for
from tools.api import ApiClient, batches

Opens = Callable[..., Page]
Own = tuple[Caller, Account]
Shop = tuple[ApiClient, Account, str, str]

NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
LONG = {"externalSourceId": "crm", "value": "long"}
MANY = 10_000
DRAWN = 60
"""The most events that are in the document at a time, whatever the number that was loaded."""

HOSTILE = {
    "image": "<img src=x onerror=alert(1)>",
    "link": "javascript:alert(1)",
    "direction": "invoice\u202egpj.exe",
    "word": "W" * 10_000,
    "controls": "bell\u0007 escape\u001b[31m",
    "marks": "Z" + "\u0335\u0321\u0316" * 60,
}


def configuration(api: ApiClient, title: str, source: str, names: Mapping[str, str]) -> str:
    """The id of a configuration of an event type with these attributes."""
    properties = {name: {"type": kind} for name, kind in names.items()}
    schema = api.call("POST", "externalevents/schemas", {"title": title, "required": [], "properties": properties})
    body = {"name": f"{title} of {source}", "schemaId": schema["id"], "source": source}
    made: str = api.call("POST", "externalevents/configurations", body)["id"]
    return made


def event(customer: str, number: int, attributes: Mapping[str, Any], hours: float = 1) -> dict[str, Any]:
    return of({"crm": customer}, f"{customer}-{number}", hours * number, attributes)


def of(identifiers: Mapping[str, str], event_id: str, hours: float, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """An event that names these identifiers, some hours ago. It is stored under the first."""
    external_ids = [{"externalSourceId": source, "value": value} for source, value in identifiers.items()]
    return {
        "id": event_id,
        "dateCreated": (NOW - timedelta(hours=hours)).isoformat(),
        "identifiers": {"externalIds": external_ids},
        "attributes": dict(attributes),
    }


@pytest.fixture
def shop(own: Own) -> Shop:
    """An organization with two sources: the configuration of orders, and that of visits."""
    api = own[0].api
    orders = configuration(api, "Order", "Shop", {"orderId": "string", "amount": "number"})
    visits = configuration(api, "Visit", "Web", {"page": "string", "pages": "integer", "known": "boolean"})
    return api, own[1], orders, visits


def figure(page: Page, name: str) -> Locator:
    return page.locator(".figures > div", has_text=name).locator("dd")


def test_the_figures_and_the_events_are_those_of_the_api(signed_in: Opens, shop: Shop) -> None:
    api, account, orders, visits = shop
    for batch in batches([event("ada", n, {"orderId": f"SO-{n}", "amount": 9.5 * n}, 5) for n in range(0, 250, 2)]):
        api.send(orders, batch)
    for batch in batches(
        [event("ada", n, {"page": f"page {n}", "pages": n, "known": True}, 5) for n in range(1, 250, 2)]
    ):
        api.send(visits, batch)
    found = wait_for(api, 250, ("crm", "ada"))
    page = signed_in(account, "customers")
    page.get_by_label("Identifier's source").fill("crm")
    page.get_by_label("Identifier", exact=True).fill("ada")
    page.keyboard.press("Enter")

    expect(figure(page, "Events")).to_have_text("250")
    expect(figure(page, "Event types")).to_have_text("2")
    types = page.get_by_role("region", name="Events by type")
    for one in found["eventTypes"]:
        expect(types.get_by_role("button", name=one["eventName"])).to_contain_text(str(one["eventCount"]))
    rows = page.locator("table.follows tbody tr")
    expect(rows).to_have_count(len(found["transitions"]))
    for number, one in enumerate(found["transitions"]):
        assert rows.nth(number).locator("th, td").all_inner_texts() == [one["from"], one["to"], str(one["count"])]

    expect(page.get_by_text("100 of 250 events loaded")).to_be_visible()
    expect(page.locator(".event").first).to_contain_text("SO-0")
    expect(page.get_by_role("list", name="Sources").get_by_role("listitem")).to_have_count(2)
    marks = page.locator(".source-legend path").evaluate_all("all => all.map(one => one.getAttribute('d'))")
    assert len(set(marks)) == 2
    page.get_by_role("button", name="Load more events").click()
    expect(page.get_by_text("200 of 250 events loaded")).to_be_visible()
    page.mouse.wheel(0, 100_000)
    expect(page.get_by_text("250 of 250 events loaded, these are all")).to_be_visible()
    page.mouse.wheel(0, 100_000)
    expect(page.locator(".event").last).to_contain_text("page 249")
    assert page.evaluate("() => [document.title, localStorage.length, sessionStorage.length]") == [
        "Customers · Journeys",
        0,
        0,
    ]


def test_filters_are_in_the_address_and_survive_reload_and_back(signed_in: Opens, shop: Shop) -> None:
    api, account, orders, visits = shop
    api.send(orders, [event("bob", n, {"orderId": f"SO-{n}"}, 24) for n in range(0, 6, 2)])
    api.send(visits, [event("bob", n, {"page": f"page {n}"}, 24) for n in range(1, 6, 2)])
    wait_for(api, 6, ("crm", "bob"))
    page = signed_in(account, "customers?source=crm&value=bob")
    expect(page.locator(".event")).to_have_count(6)
    expect(page.locator(".timeline-rows h3")).to_have_count(6)
    page.get_by_label("Event type").select_option("Visit")
    expect(page.locator(".event")).to_have_count(3)
    page.get_by_label("Order", exact=True).select_option("asc")
    expect(page.locator(".event").first).to_contain_text("page 5")
    page.get_by_label("From").fill((NOW - timedelta(days=3)).strftime("%Y-%m-%d"))
    expect(page.locator(".event")).to_have_count(2)
    page.reload()
    fill_sign_in(page, account.email)
    expect(page.locator(".event")).to_have_count(2)
    expect(page.get_by_label("Event type")).to_have_value("Visit")
    page.get_by_label("To").fill((NOW - timedelta(days=2)).strftime("%Y-%m-%d"))
    expect(page.locator(".event")).to_have_count(1)
    page.get_by_label("Event type").select_option("Order")
    expect(page.locator(".event")).to_contain_text("SO-2")
    page.go_back()
    expect(page.locator(".event")).to_contain_text("page 3")
    page.get_by_label("To").fill((NOW - timedelta(days=30)).strftime("%Y-%m-%d"))
    expect(page.get_by_text("This day is after the last one.")).to_be_visible()
    page.get_by_role("button", name="Show all events").click()
    expect(page.locator(".event")).to_have_count(6)


def test_the_timeline_is_read_with_the_keyboard(signed_in: Opens, shop: Shop) -> None:
    api, account, _, visits = shop
    sent = [event("kim", n, {"page": f"page {n}", "pages": n, "known": n % 2 == 0}, 13) for n in range(40)]
    api.send(visits, sent)
    wait_for(api, 40, ("crm", "kim"))
    page = signed_in(account, "customers?source=crm&value=kim")
    expect(page.get_by_text("40 of 40 events loaded, these are all")).to_be_visible()
    page.get_by_label("Order", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.locator(".event > button:focus")).to_contain_text("page 0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".event > button:focus")).to_contain_text("page 2")
    page.keyboard.press("Enter")
    attributes = page.get_by_role("table", name="Attributes of the event")
    expect(attributes.get_by_role("row", name="pages")).to_contain_text("integer")
    expect(attributes.get_by_role("row", name="known")).to_contain_text("boolean")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".event > button:focus")).to_contain_text("page 3")
    page.keyboard.press("End")
    last = page.locator(".event > button:focus")
    expect(last).to_contain_text("page 39")
    expect(last).to_be_in_viewport()
    page.keyboard.press("Home")
    expect(page.locator(".event > button:focus")).to_contain_text("page 0")


def test_an_unknown_identifier_is_said_clearly(signed_in: Opens, own: Own) -> None:
    page = signed_in(own[1], "customers?source=crm&value=nobody")
    expect(page.get_by_role("heading", name="No events under this identifier")).to_be_visible()
    expect(page.get_by_role("link", name="look at the failures")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_hostile_values_stay_text_and_keep_the_layout(signed_in: Opens, shop: Shop, size: str) -> None:
    api, account, _, _ = shop
    source = '"><img src=x onerror=alert(1)>'
    hostile = configuration(api, "<b>Hostile</b>", source, dict.fromkeys(HOSTILE, "string"))
    api.send(hostile, [event("eve", 1, HOSTILE), event("eve", 2, HOSTILE)])
    wait_for(api, 2, ("crm", "eve"))
    page = signed_in(account, "customers?source=crm&value=eve", size=size)
    page.on("dialog", lambda _: pytest.fail("content was run"))
    first = page.locator(".event").first
    first.get_by_role("button").click()
    details = first.get_by_role("table")
    expect(details).to_contain_text("<img src=x onerror=alert(1)>")
    expect(details).to_contain_text("invoiceU+202Egpj.exe")
    expect(details).to_contain_text("escapeU+001B[31m")
    expect(page.locator("main img, main b, main a[href^=javascript]")).to_have_count(0)
    details.get_by_role("button", name="Show all 10,000 characters").click()
    expect(details).to_contain_text("W" * 10_000)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert_no_overlap(page)
    assert violations(page) == []


def assert_no_overlap(page: Page) -> None:
    """Each event ends above the next."""
    boxes = page.locator(".event").evaluate_all(
        "all => all.map(one => { const box = one.getBoundingClientRect(); return [box.top, box.bottom]; })"
    )
    assert all(above[1] <= below[0] for above, below in pairwise(boxes))


@pytest.fixture
def long_journey(signed_in: Opens, own: Own) -> Page:
    """The page of a customer with 10,000 events, which the test answers in place of the API."""
    page = signed_in(own[1], "customers")
    page.route("**/journey/customers?*", lambda route: route.fulfill(json=_long_summary()))
    page.route("**/journey/customers/events?*", _long_page)
    page.route("**/journey/customers/identifiers?*", lambda route: route.fulfill(json=persons_of([LONG])))
    page.evaluate("() => { location.hash = '#/customers?source=crm&value=long'; }")
    expect(page.locator(".event").first).to_be_visible()
    return page


def _long_event(number: int) -> dict[str, Any]:
    made = event("long", number, {"page": f"page {number}", "pages": number})
    date = datetime.fromisoformat(made["dateCreated"]).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    kind = number % 3
    return {
        "id": made["id"],
        "configurationId": "C",
        "schemaId": "S",
        "eventName": ("Visit", "Order", "Case")[kind],
        "source": ("Web", "Shop", "Desk")[kind],
        "dateCreated": date,
        "dateReceived": date,
        "attributes": made["attributes"],
        "identifier": LONG,
    }


def _long_summary() -> dict[str, Any]:
    first, last = _long_event(MANY - 1)["dateCreated"], _long_event(0)["dateCreated"]
    return summary([LONG], eventCount=MANY, dateFirstEvent=first, dateLastEvent=last)


def summary(identifiers: Sequence[Mapping[str, str]], **fields: Any) -> dict[str, Any]:
    """The answer of `GET customers` about a person with these identifiers."""
    nothing: dict[str, Any] = {"eventTypes": [], "transitions": [], "transitionsComplete": True, "recentEvents": []}
    return {**identifiers[0], "identifiers": list(identifiers), **nothing, **fields}


def persons_of(identifiers: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The answer of `GET customers/identifiers` about identifiers that an event linked."""
    date = NOW.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    known = {"eventCount": 1, "dateFirstEvent": date, "dateLastEvent": date}
    evidence = {"eventId": "E", "configurationId": "C", "dateCreated": date, "dateReceived": date}
    return {
        **identifiers[0],
        "identifiers": [{**one, **known} for one in identifiers],
        "links": [{"from": one, "to": other, "evidence": evidence} for one, other in pairwise(identifiers)],
        "unlinked": [],
        "stopped": [],
        "tooLarge": False,
    }


def _long_page(route: Route) -> None:
    query = parse_qs(urlsplit(route.request.url).query)
    start, size = int(query.get("cursor", ["0"])[0]), int(query["pageSize"][0])
    end = min(start + size, MANY)
    body = {"entities": [_long_event(number) for number in range(start, end)]}
    route.fulfill(body=json.dumps(body | ({"nextCursor": str(end)} if end < MANY else {})))


def test_ten_thousand_events_are_reached_by_scrolling_and_few_are_in_the_document(long_journey: Page) -> None:
    page = long_journey
    page.evaluate(
        """async () => {
          while (!document.body.textContent.includes('these are all')) {
            scrollBy(0, 5000);
            await new Promise((done) => requestAnimationFrame(done));
          }
          scrollTo(0, document.documentElement.scrollHeight);
        }"""
    )
    expect(page.get_by_text("10,000 of 10,000 events loaded, these are all")).to_be_visible()
    expect(page.locator(".event").last).to_contain_text("page 9999")
    assert page.locator(".event").count() < DRAWN
    assert page.locator(".event").last.get_attribute("aria-posinset") == str(MANY)
    page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight / 2)")
    expect(page.locator(".event").first).not_to_contain_text("page 99")
    assert page.locator(".event").count() < DRAWN
    assert_no_overlap(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_the_page_is_accessible(signed_in: Opens, shop: Shop, theme: str, size: str) -> None:
    api, account, orders, visits = shop
    api.send(orders, [event("axe", 1, {"orderId": "SO-1", "amount": 3})])
    api.send(visits, [event("axe", 2, {"page": "start", "pages": 1, "known": False})])
    wait_for(api, 2, ("crm", "axe"))
    page = signed_in(account, "customers", size=size, theme=theme)
    assert violations(page) == []
    page.get_by_label("Identifier's source").fill("crm")
    page.get_by_label("Identifier", exact=True).fill("axe")
    page.get_by_role("button", name="Show journey").click()
    page.locator(".event").first.get_by_role("button").click()
    expect(page.get_by_role("table", name="Attributes of the event")).to_be_visible()
    assert violations(page) == []


# -- the person behind identifiers -------------------------------------------------------------------------------------


@pytest.fixture
def lena(shop: Shop) -> Shop:
    """A customer who visits unknown, signs in with an e-mail address, and orders: three identifiers, two links."""
    api, _, orders, visits = shop
    api.send(
        visits,
        [
            of({"visitor": "v-1"}, "visit-1", 50, {"page": "start"}),
            of({"visitor": "v-1", "email": "lena@example.com"}, "visit-2", 40, {"page": "sign-in"}),
        ],
    )
    api.send(
        orders,
        [
            of({"email": "lena@example.com", "crm": "C-7"}, "order-1", 30, {"orderId": "SO-1"}),
            of({"crm": "C-7"}, "order-2", 20, {"orderId": "SO-2"}),
        ],
    )
    wait_for(api, 4, ("email", "lena@example.com"))
    return shop


LENA = "customers?source=email&value=lena%40example.com"


def identifiers(page: Page) -> Locator:
    return page.get_by_role("list", name="Identifiers of the person").get_by_role("listitem")


def test_a_person_is_one_journey_whose_steps_name_their_identifiers(signed_in: Opens, lena: Shop) -> None:
    page = signed_in(lena[1], LENA)
    expect(page.get_by_role("heading", name="One person, 3 identifiers")).to_be_visible()
    expect(identifiers(page)).to_have_count(3)
    expect(identifiers(page).filter(has_text="C-7")).to_contain_text("by an event of Order of Shop")
    expect(identifiers(page).filter(has_text="lena@example.com")).to_contain_text("Looked up")
    expect(page.locator(".event")).to_have_count(4)
    tags = page.locator(".event .identifier-tag").all_inner_texts()
    assert [tag.split()[-1] for tag in tags] == ["C-7", "lena@example.com", "v-1", "v-1"]
    numbers = {tag.split()[-1]: tag.split()[0] for tag in tags}
    assert sorted(numbers.values()) == ["1", "2", "3"]

    identifiers(page).filter(has_text="v-1").get_by_role("button", name="Filter").click()
    expect(page.locator(".event")).to_have_count(2)
    assert "ofValue=v-1" in page.url
    expect(page.get_by_label("Identifier", exact=True).last).to_have_value('["visitor","v-1"]')
    page.get_by_label("Identifier", exact=True).last.select_option("All identifiers")
    expect(page.locator(".event")).to_have_count(4)

    identifiers(page).filter(has_text="C-7").get_by_role("link", name="Only this").click()
    expect(page.get_by_text("2 other identifiers of the same person are left out.")).to_be_visible()
    expect(figure(page, "Events")).to_have_text("1")
    expect(page.locator(".event")).to_contain_text("SO-2")
    assert "scope=identifier" in page.url
    page.get_by_role("link", name="Show the whole person").click()
    expect(figure(page, "Events")).to_have_text("4")


def test_unlinking_says_what_changes_and_is_undone_by_relinking_with_the_keyboard(signed_in: Opens, lena: Shop) -> None:
    page = signed_in(lena[1], LENA)
    unlink = identifiers(page).filter(has_text="v-1").get_by_role("button", name="Unlink")
    unlink.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Unlink this identifier?")
    expect(dialog).to_contain_text("The person becomes 2 customers")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(unlink).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Unlink").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="One person, 2 identifiers")).to_be_visible()
    expect(figure(page, "Events")).to_have_text("2")
    unlinked = page.get_by_role("listitem").filter(has_text="Unlinked by you")
    expect(unlinked).to_contain_text("v-1")
    assert violations(page) == []
    unlinked.get_by_role("button", name="Relink").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="One person, 3 identifiers")).to_be_visible()
    expect(figure(page, "Events")).to_have_text("4")
    expect(identifiers(page).filter(has_text="v-1")).to_contain_text("relinked by you")


def test_two_identifiers_are_joined_by_hand(signed_in: Opens, shop: Shop) -> None:
    api, account, orders, _ = shop
    api.send(
        orders, [of({"crm": "C-8"}, "a", 9, {"orderId": "SO-8"}), of({"card": "K-8"}, "b", 8, {"orderId": "SO-9"})]
    )
    wait_for(api, 1, ("card", "K-8"))
    page = signed_in(account, "customers?source=crm&value=C-8")
    expect(page.get_by_text("No other identifier is linked with this one.")).to_be_visible()
    page.get_by_role("button", name="Join another identifier").click()
    dialog = page.get_by_role("dialog", name="Join another identifier")
    expect(dialog.get_by_role("button", name="Join identifiers")).to_be_disabled()
    dialog.get_by_label("Source of the other identifier").fill("phone")
    expect(dialog.get_by_text("Identifiers of this source do not link")).to_be_visible()
    dialog.get_by_label("Source of the other identifier").fill("card")
    dialog.get_by_label("Other identifier", exact=True).fill("K-8")
    expect(dialog.get_by_text("It adds 1 event.")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="One person, 2 identifiers")).to_be_visible()
    expect(identifiers(page).filter(has_text="K-8")).to_contain_text("by you")
    expect(page.locator(".event")).to_have_count(2)


def test_a_value_alone_finds_identifiers_of_all_sources(signed_in: Opens, shop: Shop) -> None:
    api, account, orders, _ = shop
    api.send(
        orders,
        [
            of({"crm": "77"}, "a", 3, {"orderId": "SO-1"}),
            of({"card": "77"}, "b", 2, {"orderId": "SO-2"}),
            of({"card": "78"}, "c", 1, {"orderId": "SO-3"}),
        ],
    )
    wait_for(api, 1, ("card", "78"))
    page = signed_in(account, "customers")
    page.get_by_label("Identifier", exact=True).fill("77")
    page.keyboard.press("Enter")
    found = page.get_by_role("table", name="Identifiers with this value")
    expect(found.get_by_role("link")).to_have_text(["card 77", "crm 77"])
    assert violations(page) == []
    found.get_by_role("link", name="crm 77").click()
    expect(page.locator(".event")).to_contain_text("SO-1")
    page.get_by_label("Identifier's source").fill("")
    page.get_by_label("Identifier", exact=True).first.fill("78")
    page.get_by_role("button", name="Show journey").click()
    expect(page.locator(".event")).to_contain_text("SO-3")
    assert "source=card" in page.url


def test_who_may_not_change_customers_is_offered_no_change(
    signed_in: Opens, lena: Shop, person: Callable[..., Account]
) -> None:
    viewer = person(Role.VIEWER, lena[1].organization_id)
    page = signed_in(viewer, LENA)
    expect(identifiers(page)).to_have_count(3)
    expect(page.get_by_role("button", name="Unlink")).to_have_count(0)
    expect(page.get_by_role("button", name="Join another identifier")).to_have_count(0)


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_a_source_that_no_longer_links_splits_the_person(signed_in: Opens, lena: Shop, size: str) -> None:
    page = signed_in(lena[1], "sources/identifiers", size=size)
    assert violations(page) == []
    expect(page.get_by_label("phone", exact=True)).not_to_be_checked()
    expect(page.get_by_label("visitor", exact=True)).to_be_checked()
    page.get_by_label("visitor", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_label("Another source").fill("loyalty-card")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("loyalty-card", exact=True)).not_to_be_checked()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_role("button", name="Save settings")).to_have_count(0)
    settings = lena[0].call("GET", "customers/settings")
    assert settings["linking"] == "AllExcept"
    assert {"visitor", "loyalty-card", "phone"} <= set(settings["sources"])
    page.evaluate(f"() => {{ location.hash = '#/{LENA}'; }}")
    expect(page.get_by_role("heading", name="One person, 2 identifiers")).to_be_visible()


# -- conversations with the contact center -----------------------------------------------------------------------------

CALLER = [
    {"externalSourceId": "genesys", "value": "contact-of-a-caller"},
    {"externalSourceId": "email", "value": "a-caller-with-a-long-address@mail.example.com"},
]
CALL = (
    ("customer-start", "Customer start", 0, {"mediaType": "voice", "direction": "inbound"}),
    ("acd-start", "ACD start", 10, {"queueId": "service"}),
    ("acd-end", "ACD end", 55, {"queueId": "service", "acdOutcome": "answered", "connectedDurationMs": 45_000}),
    ("user-start", "Agent start", 56, {"agentId": "17"}),
    ("user-end", "Agent end", 176, {"agentId": "17", "interactingDurationMs": 120_000}),
    ("wrapup", "Wrap-up", 200, {"wrapUpCode": "Return arranged"}),
)


def _step(event_id: str, seconds: float, who: int, **fields: Any) -> dict[str, Any]:
    date = (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"id": event_id, "dateCreated": date, "dateReceived": date, "identifier": CALLER[who], **fields}


@pytest.fixture
def caller_page(signed_in: Opens, own: Own) -> Callable[..., Page]:
    """The page of somebody who called and then answered a survey. The test answers in place of the API."""
    call = [
        _step(
            kind,
            seconds,
            0,
            configurationId="native",
            schemaId=f"native-{kind}",
            eventName=name,
            source="genesys",
            attributes={"vendor": "genesys", "conversationId": "one"} | attributes,
        )
        for kind, name, seconds, attributes in CALL
    ]
    survey = _step(
        "survey", 900, 1, configurationId="C", schemaId="S", eventName="Survey", source="Q", attributes={"score": 9}
    )
    steps = [survey, *reversed(call)]
    known = {"eventCount": len(steps), "dateFirstEvent": steps[-1]["dateCreated"]}
    journey = summary(CALLER, **known, dateLastEvent=survey["dateCreated"], recentEvents=steps)

    def opened(**options: Any) -> Page:
        page = signed_in(own[1], "customers", **options)
        page.route("**/journey/customers?*", lambda route: route.fulfill(json=journey))
        page.route("**/journey/customers/events?*", lambda route: route.fulfill(json={"entities": steps}))
        page.route("**/journey/customers/identifiers?*", lambda route: route.fulfill(json=persons_of(CALLER)))
        page.evaluate("() => { location.hash = '#/customers?source=genesys&value=contact-of-a-caller'; }")
        # Only the rows in sight are in the document.
        page.locator(".event").scroll_into_view_if_needed()
        expect(page.locator(".conversation")).to_be_visible()
        return page

    return opened


def test_a_conversation_is_one_row_that_the_keyboard_opens(caller_page: Callable[..., Page]) -> None:
    page = caller_page()
    conversation = page.locator(".conversation")
    expect(conversation).to_contain_text("Inbound call")
    expect(conversation).to_contain_text("3 min 20 sec, 6 events, Genesys Cloud")
    for part in ("Queue service, 45 sec", "Agent 17, 2 min", "Wrap-up Return arranged"):
        expect(conversation).to_contain_text(part)
    expect(page.locator(".event")).to_have_count(1)
    expect(page.get_by_role("list", name="Sources")).to_contain_text("Contact center: Genesys Cloud")

    button = conversation.get_by_role("button")
    button.focus()
    page.keyboard.press("ArrowRight")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".event.within").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".event > button:focus")).to_contain_text("Wrap-up")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Attributes of the event")).to_contain_text("Return arranged")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".event > button:focus")).to_contain_text("Agent end")
    page.keyboard.press("ArrowLeft")
    expect(button).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(page.locator(".event")).to_have_count(1)
    page.keyboard.press("ArrowUp")
    expect(page.locator(".event > button:focus")).to_contain_text("Survey")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_a_person_with_conversations_is_accessible(caller_page: Callable[..., Page], theme: str, size: str) -> None:
    page = caller_page(size=size, theme=theme)
    page.locator(".conversation").get_by_role("button").click()
    page.locator(".event.within").first.get_by_role("button").click()
    expect(page.get_by_role("table", name="Attributes of the event")).to_be_visible()
    page.get_by_text("The link in detail").click()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert_no_overlap(page)
    assert violations(page) == []
