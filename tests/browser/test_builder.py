"""Building a view in a real browser, with the keyboard and with the pointer, and what happens when saving fails."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser.conftest import SECONDS, Account, violations
from tests.conftest import Caller
from tools.api import ApiClient, batches
from tools.local_stack.run import configurations
from tools.local_stack.sample import ORDER, SURVEY, WEB_VISIT, events
from tools.operator.view_results import computed_view

Opens = Callable[..., Page]
Own = tuple[Caller, Account]

CUSTOMERS = 8
MOST_TABS = 120
"""Presses of Tab. A control that needs more counts as unreachable."""


@pytest.fixture
def shop(own: Own) -> Own:
    """An organization with the event types of the sample."""
    configurations(own[0].api)
    return own


def definitions(api: ApiClient) -> dict[str, str]:
    """The ids of the event definitions, by name."""
    return {one["name"]: one["id"] for one in api.call("GET", "views/eventdefinitions")["entities"]}


def created_view(api: ApiClient, **changes: Any) -> dict[str, Any]:
    """A view of two elements with a link."""
    ids = definitions(api)
    view: dict[str, Any] = {
        "name": "From order to survey",
        "duration": "P30D",
        "elements": [
            {
                "id": "order",
                "name": "Order",
                "attributes": {"id": ids[ORDER.title]},
                "displayAttributes": {"x": 7, "col": 2},
                "followedBy": [{"id": "survey", "constraintWithin": {"unit": "Days", "value": 7}}],
            },
            {"id": "survey", "name": "Survey", "attributes": {"id": ids[SURVEY.title]}},
        ],
    }
    created: dict[str, Any] = api.call("POST", "views", view | changes)
    return created


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


def card(page: Page, element_id: str) -> Locator:
    """The button of an element in the picture."""
    return page.locator(f'[data-element="{element_id}"]')


def drawn(page: Page, element_id: str, part: str) -> Locator:
    """A part of an element in the picture."""
    return page.locator(".element", has=card(page, element_id)).locator(part)


def reach(page: Page, control: Locator) -> None:
    """Press Tab until the control has the focus."""
    expect(control).to_have_count(1)
    for _ in range(MOST_TABS):
        if control.evaluate("control => control === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {control}")


def press(page: Page, control: Locator, key: str = "Enter") -> None:
    reach(page, control)
    page.keyboard.press(key)


def write(page: Page, control: Locator, text: str) -> None:
    reach(page, control)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def choose(page: Page, control: Locator, option: str) -> None:
    """Choose an option of a list by typing it."""
    reach(page, control)
    page.keyboard.type(option)
    expect(control.locator("option:checked")).to_have_text(option)


# -- the whole way -----------------------------------------------------------------------------------------------------


def sent_events(api: ApiClient) -> list[dict[str, Any]]:
    """Send the events of some customers, and wait until views can be computed from them. Returns the web visits."""
    sent: dict[str, list[dict[str, Any]]] = {}
    for event_type, event in events("a shop", CUSTOMERS, datetime.now(UTC)):
        sent.setdefault(event_type.title, []).append(event)
    ids = configurations(api)
    for title, some in sent.items():
        for batch in batches(some):
            api.send(ids[title], batch)
    newest = max(event["dateCreated"] for some in sent.values() for event in some)
    deadline = time.monotonic() + SECONDS
    while api.call("GET", "views/data/details").get("dateMax", "")[:19] < newest[:19]:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return sent[WEB_VISIT.title]


def test_a_view_is_built_saved_and_computed_with_the_keyboard(signed_in: Opens, shop: Own) -> None:
    client, analyst = shop
    visits = sent_events(client.api)
    page = signed_in(analyst, "builder")

    press(page, button(page, "Web Visit"))
    expect(page.get_by_label("Name")).to_be_focused()
    write(page, page.get_by_label("Name"), "Checkout")
    press(page, button(page, "Add condition"))
    expect(page.get_by_label("Attribute")).to_be_focused()
    choose(page, page.get_by_label("Attribute"), "section")
    press(page, page.get_by_label("checkout", exact=True), "Space")

    choose(page, page.get_by_label("Event to add"), "Order Updated")
    press(page, button(page, "Add after “Checkout”"))
    expect(page.get_by_label("Name")).to_have_value("Order Updated")
    reach(page, page.locator('.journey-graph [role="button"][tabindex="0"]'))
    page.keyboard.press("End")
    expect(card(page, "element-2")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(card(page, "element-1")).to_be_focused()
    page.keyboard.press("Enter")
    choose(page, page.get_by_label("Event to add"), "Survey Response")
    press(page, button(page, "Add after “Checkout”"))
    press(page, button(page, "Elements (3)"))
    press(page, page.get_by_role("region", name="Elements").get_by_role("button", name="Checkout"))
    write(page, page.get_by_role("group", name="Order Updated").get_by_label("Within", exact=True), "7")
    expect(page.get_by_text("Order Updated must follow within 7 days after Checkout.")).to_be_visible()

    press(page, button(page, "Charts (0)"))
    press(page, button(page, "Add chart"))
    write(page, page.get_by_label("Name"), "Checkouts by month")
    choose(page, page.get_by_label("Time (UTC)"), "month")
    press(page, button(page, "Settings"))
    press(page, button(page, "Use “From Checkout to"))
    write(page, page.get_by_label("The last"), "90")
    choose(page, page.get_by_label("Count", exact=True), "identifiers")
    press(page, button(page, "Save view"))

    expect(page.get_by_text("Version 1 is saved.")).to_be_visible()
    expect(button(page, "Compute now")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**#/views/*")
    view_id = page.url.rpartition("/")[2].partition("?")[0]
    view, result = computed_view(client.api, view_id, timeout=SECONDS)
    assert view["name"] == "From Checkout to Survey Response"
    assert view["duration"] == "P90D"
    assert view["identity"] == "Identifier"
    expect(page.get_by_text("Counts identifiers")).to_be_visible()
    first, *_ = view["elements"]
    assert first["followedBy"] == [
        {"id": "element-2", "constraintWithin": {"unit": "Days", "value": 7}, "eventCountType": "Sequential"},
        {"id": "element-3", "eventCountType": "Sequential"},
    ]
    customers = {
        event["identifiers"]["externalIds"][0]["value"]
        for event in visits
        if event["attributes"]["section"] == "checkout"
    }
    assert result["elements"][0]["metrics"]["participantCount"] == len(customers)
    assert result["charts"][0]["metrics"][0]["values"]


def drag(page: Page, source: str, target: str) -> None:
    """Drag from the handle of an element to another element."""
    handle = drawn(page, source, ".handle").bounding_box()
    box = drawn(page, target, ".card-box").bounding_box()
    assert handle
    assert box
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 5, box["y"] + 5, steps=4)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_a_view_is_built_with_the_pointer(signed_in: Opens, shop: Own, size: str) -> None:
    client, analyst = shop
    page = signed_in(analyst, "builder", size=size)
    button(page, "Order Updated").click()
    page.get_by_label("Event to add").select_option(label="Survey Response")
    button(page, "Add element").click()
    page.get_by_label("Event to add").select_option(label="Case Updated")
    button(page, "Add element").click()
    expect(card(page, "element-3")).to_be_visible()
    drag(page, "element-1", "element-2")
    expect(page.get_by_text("“Order Updated” is connected to “Survey Response”.")).to_be_visible()
    drag(page, "element-1", "element-3")
    expect(page.get_by_text("“Order Updated” is connected to “Case Updated”.")).to_be_visible()
    expect(page.locator(".journey-graph .link")).to_have_count(2)
    card(page, "element-2").scroll_into_view_if_needed()
    drag(page, "element-2", "element-1")
    expect(page.get_by_text("the link would lead back")).to_be_visible()

    button(page, "Add condition").click()
    page.get_by_label("Attribute").select_option(label="amount")
    page.get_by_label("Number").fill("99.50")
    button(page, "Settings").click()
    page.get_by_label("Name").fill("Orders and what follows")
    button(page, "Save view").click()
    expect(page.get_by_text("Version 1 is saved.")).to_be_visible()
    view_id = page.url.rpartition("/builder/")[2].partition("?")[0]
    saved = client.api.call("GET", f"views/{view_id}")
    assert [link["id"] for link in saved["elements"][0]["followedBy"]] == ["element-2", "element-3"]
    [predicate] = saved["elements"][0]["filter"]["numberPredicates"]
    assert predicate["dimension"] == "amount"
    assert predicate["range"] == {"gte": {"number": 99.5}}

    page.get_by_label("Description").fill("With a description")
    button(page, "Save view").click()
    expect(page.get_by_text("Version 2 is saved.")).to_be_visible()
    assert client.api.call("GET", f"views/{view_id}")["description"] == "With a description"


# -- undo, problems, and leaving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_events_of_the_contact_center_stand_apart(signed_in: Opens, shop: Own, theme: str) -> None:
    page = signed_in(shop[1], "builder", theme=theme)
    expect(page.get_by_role("heading", name="External")).to_be_visible()
    expect(page.get_by_role("heading", name="Contact center")).to_be_visible()
    button(page, "Customer start").click()
    options = page.get_by_label("Event to add").locator("optgroup")
    expect(options).to_have_count(2)
    assert [group.get_attribute("label") for group in options.all()] == ["External", "Contact center"]
    page.get_by_label("Event to add").select_option(label="Order Updated")
    button(page, "Add after “Customer start”").click()
    expect(page.get_by_role("button", name="Customer start, Customer start, contact center")).to_be_visible()
    expect(drawn(page, "element-1", ".native-lines")).to_have_count(1)
    expect(drawn(page, "element-2", ".native-lines")).to_have_count(0)
    expect(page.locator(".journey-legend")).to_have_text("Contact center")
    assert violations(page) == []


def test_undo_and_redo(signed_in: Opens, shop: Own) -> None:
    page = signed_in(shop[1], f"builder/{created_view(shop[0].api)['id']}")
    expect(button(page, "Undo")).to_be_disabled()
    card(page, "order").click()
    page.get_by_label("Name").fill("")
    page.keyboard.type("Purchase")
    expect(drawn(page, "order", ".card-name")).to_have_text("Purchase")
    button(page, "Remove element").click()
    expect(card(page, "order")).to_have_count(0)
    page.keyboard.press("Control+Z")
    expect(drawn(page, "order", ".card-name")).to_have_text("Purchase")
    expect(page.locator(".journey-graph .link")).to_have_count(1)
    page.keyboard.press("Control+Z")
    expect(drawn(page, "order", ".card-name")).to_have_text("Order")
    expect(button(page, "Save view")).to_be_disabled()
    page.keyboard.press("Control+Shift+Z")
    button(page, "Redo").click()
    expect(card(page, "order")).to_have_count(0)


def test_problems_are_found_before_saving_and_lead_to_their_fields(signed_in: Opens, shop: Own) -> None:
    page = signed_in(shop[1], f"builder/{created_view(shop[0].api)['id']}")
    card(page, "survey").click()
    page.get_by_label("Name").fill("ORDER")
    button(page, "Settings").click()
    page.get_by_label("The last").fill("")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.method))
    button(page, "Save view").click()
    expect(page.get_by_role("heading", name="2 problems to fix")).to_be_visible()
    page.get_by_role("link", name="Another element has the same name").click()
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Name").fill("Survey")
    expect(page.get_by_role("heading", name="1 problem to fix")).to_be_visible()
    assert "POST" not in requests


def test_what_the_api_refuses_is_shown_at_its_field(signed_in: Opens, shop: Own) -> None:
    page = signed_in(shop[1], f"builder/{created_view(shop[0].api)['id']}?element=order")
    button(page, "Add condition").click()
    page.get_by_label("Attribute").select_option(label="amount")
    page.get_by_label("Number").fill("1" * 39)
    button(page, "Charts (0)").click()
    button(page, "Save view").click()
    number = page.get_by_label("Number")
    expect(number).to_be_focused()
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("link", name="38 digits")).to_be_visible()
    number.fill("100")
    expect(page.get_by_role("heading", name="problem")).to_have_count(0)
    button(page, "Save view").click()
    expect(page.get_by_text("Version 2 is saved.")).to_be_visible()


def test_what_has_no_control_survives(signed_in: Opens, shop: Own) -> None:
    client, analyst = shop
    before = created_view(client.api)
    page = signed_in(analyst, f"builder/{before['id']}?part=view")
    page.get_by_label("Name").fill("Renamed")
    button(page, "Save view").click()
    expect(page.get_by_text("Version 2 is saved.")).to_be_visible()
    after = client.api.call("GET", f"views/{before['id']}")
    assert after["elements"] == before["elements"]
    assert after["name"] == "Renamed"


def test_a_save_that_fails_keeps_everything_and_can_be_repeated(signed_in: Opens, shop: Own) -> None:
    page = signed_in(shop[1], f"builder/{created_view(shop[0].api)['id']}?part=view")
    page.get_by_label("Name").fill("Kept")
    page.route("**/versions", lambda route: route.abort())
    button(page, "Save view").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(page.get_by_label("Name")).to_have_value("Kept")
    page.unroute("**/versions")
    button(page, "Try again").click()
    expect(page.get_by_text("Version 2 is saved.")).to_be_visible()


def test_leaving_with_unsaved_changes_asks(signed_in: Opens, shop: Own) -> None:
    page = signed_in(shop[1])
    page.evaluate("location.hash = '#/builder'")
    button(page, "Order Updated").click()
    answers = ["dismiss", "accept"]
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        getattr(dialog, answers.pop(0))()

    page.on("dialog", answer)
    page.go_back()
    expect(card(page, "element-1")).to_be_visible()
    assert "builder" in page.url
    page.get_by_label("Name").fill("Purchase")  # what is shown changes the address: that is no leaving
    button(page, "Settings").click()
    assert len(asked) == 1
    page.get_by_role("link", name="Home").click()
    expect(card(page, "element-1")).to_have_count(0)
    assert len(asked) == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_everybody_can_use_the_builder(signed_in: Opens, shop: Own, size: str, theme: str) -> None:
    page = signed_in(shop[1], "builder", size=size, theme=theme)
    expect(page.get_by_role("heading", name="With which event")).to_be_visible()
    assert violations(page) == []
    button(page, "Order Updated").click()
    page.get_by_label("Event to add").select_option(label="Survey Response")
    button(page, "Add after “Order Updated”").click()
    card(page, "element-1").click()
    button(page, "Add condition").click()
    page.get_by_text("More on this link").click()
    assert violations(page) == []
    button(page, "Charts (0)").click()
    button(page, "Add chart").click()
    button(page, "Group by an attribute").click()
    assert violations(page) == []
    button(page, "Save view").click()
    expect(page.get_by_role("heading", name="to fix")).to_be_visible()
    button(page, "Settings").click()
    assert violations(page) == []
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0
