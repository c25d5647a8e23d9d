"""The whole story in a real browser, from the first event type to a healed failure: by keyboard, and by pointer."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import SECONDS, Account
from tests.browser.test_sources import deliver
from tests.conftest import Caller
from tests.e2e.test_pipeline import wait_for
from tools.api import ApiClient
from tools.deliveries import sample_payload
from tools.operator.view_results import computed_view

Opens = Callable[..., Page]
Own = tuple[Caller, Account]

MOST_TABS = 150
"""Presses of Tab. A control that needs more counts as unreachable."""

STEPS = {"ada": ("opened", "closed"), "bob": ("opened", "closed"), "eve": ("opened", "reopened"), "kim": ("opened",)}
"""What happened to the issue of each customer, an hour apart."""


class Pointer:
    """Uses a page as somebody does who points and clicks."""

    def press(self, control: Locator) -> None:
        control.click()

    def write(self, control: Locator, text: str) -> None:
        control.fill(text)

    def choose(self, control: Locator, option: str) -> None:
        control.select_option(label=option)


class Keyboard:
    """Uses a page with Tab, Enter, Space and letters alone."""

    def press(self, control: Locator) -> None:
        self._reach(control)
        control.page.keyboard.press("Space" if control.get_attribute("type") == "checkbox" else "Enter")

    def write(self, control: Locator, text: str) -> None:
        self._reach(control)
        control.page.keyboard.press("Control+A")
        control.page.keyboard.type(text)

    def choose(self, control: Locator, option: str) -> None:
        self._reach(control)
        control.page.keyboard.type(option)
        expect(control.locator("option:checked")).to_have_text(option)

    def _reach(self, control: Locator) -> None:
        expect(control).to_have_count(1)
        expect(control).to_be_enabled()
        for _ in range(MOST_TABS):
            if control.evaluate("control => control === document.activeElement"):
                return
            control.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {control}")


Hand = Pointer | Keyboard


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True)


@pytest.mark.parametrize("hand", [Keyboard(), Pointer()], ids=["keyboard", "pointer"])
def test_from_the_first_event_type_to_a_healed_failure(signed_in: Opens, own: Own, hand: Hand) -> None:
    client, administrator = own
    page = signed_in(administrator)
    define_the_event_type(page, hand)
    make_the_configuration(page, hand)
    url, secret = connect_the_source(page, hand)
    see_the_first_delivery(page, hand, url, secret)
    send_the_others(client.api, url, secret)
    see_a_journey(page, hand, client.api)
    build_and_compute_the_view(page, hand)
    read_the_figures(page, hand, client.api)
    break_the_mapping(page, hand)
    assert deliver(url, secret, payload("joe", "opened", 0)) == 200
    heal_the_failure(page, hand, client.api)
    wait_for(client.api, 1, ("github", "joe"))


# -- sources -----------------------------------------------------------------------------------------------------------


def define_the_event_type(page: Page, hand: Hand) -> None:
    hand.press(link(page, "Define event type"))
    hand.write(page.get_by_label("Name"), "Issue")
    for name in ("action", "repository"):
        hand.press(button(page, "Add field"))
        hand.write(page.get_by_role("group", name="New field").get_by_label("Name"), name)
    hand.press(page.get_by_role("group", name="action").get_by_label("Every event must have this field"))
    hand.press(button(page, "Create event type"))
    expect(page.get_by_role("heading", level=1, name="Issue")).to_be_visible()
    hand.press(button(page, "Activate for views"))
    hand.press(page.get_by_role("dialog").get_by_role("button", name="Activate for views"))
    expect(page.get_by_text("No configuration", exact=True)).to_be_visible()


def make_the_configuration(page: Page, hand: Hand) -> None:
    hand.press(link(page, "Use"))
    hand.press(link(page, "Create configuration"))
    expect(page.get_by_label("Event type").locator("option:checked")).to_have_text("Issue")
    hand.write(page.get_by_label("Source"), "Our shop")
    hand.write(page.get_by_label("Name"), "Issues of our shop")
    hand.press(button(page, "Create configuration"))
    expect(page.get_by_role("heading", level=1, name="Issues of our shop")).to_be_visible()


def connect_the_source(page: Page, hand: Hand) -> tuple[str, str]:
    """The address and the secret that the guide shows."""
    hand.press(link(page, "Connect a tool"))
    hand.write(page.get_by_label("Search tools"), "git")
    hand.press(page.get_by_role("link", name="GitHub"))
    hand.press(button(page, "Create endpoint"))
    expect(page.get_by_text("In GitHub, open the settings")).to_be_visible()
    expect(page.get_by_text("Waiting for the first delivery")).to_be_visible()
    url, secret = page.get_by_role("region", name="Address and secret").locator("code").all_text_contents()
    return url, secret


def payload(customer: str, action: str, hours: int) -> bytes:
    """The delivery that GitHub sends for an issue that changed some hours ago."""
    sample: dict[str, Any] = json.loads(sample_payload("github"))
    sample["issue"]["updated_at"] = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(sample | {"action": action, "sender": {"login": customer}}).encode()


def see_the_first_delivery(page: Page, hand: Hand, url: str, secret: str) -> None:
    assert deliver(url, secret, payload("ada", "opened", 9)) == 200
    arrived = page.get_by_role("region", name="The first delivery")
    expect(arrived.get_by_text("1 event stored.")).to_be_visible()
    hand.press(button(page, "I have copied the secret"))
    assert secret not in page.content()


def send_the_others(api: ApiClient, url: str, secret: str) -> None:
    """Deliver what happened to every customer, and wait until journeys and views can show it."""
    for place, (customer, steps) in enumerate(STEPS.items()):
        for number, action in enumerate(steps):
            if (customer, number) != ("ada", 0):
                assert deliver(url, secret, payload(customer, action, 8 - 2 * place - number)) == 200
    for customer, steps in STEPS.items():
        wait_for(api, len(steps), ("github", customer))
    deadline = time.monotonic() + SECONDS
    newest = (datetime.now(UTC) - timedelta(hours=2, minutes=5)).isoformat()
    while api.call("GET", "views/data/details").get("dateMax", "")[:19] < newest[:19]:
        assert time.monotonic() < deadline
        time.sleep(0.5)


# -- journeys and views ------------------------------------------------------------------------------------------------


def see_a_journey(page: Page, hand: Hand, api: ApiClient) -> None:
    hand.press(link(page, "Customers"))
    hand.write(page.get_by_label("Identifier's source"), "github")
    hand.write(page.get_by_label("Identifier", exact=True), "ada")
    hand.press(button(page, "Show journey"))
    expect(page.get_by_text("2 of 2 events loaded")).to_be_visible()
    found = api.call("GET", "customers", externalSourceId="github", value="ada")
    assert found["eventCount"] == 2
    (follows,) = found["transitions"]
    expect(page.locator("table.follows tbody tr")).to_have_text([f"{follows['from']}{follows['to']}{follows['count']}"])
    hand.press(page.locator(".event").first.get_by_role("button"))
    attributes = page.get_by_role("table", name="Attributes of the event")
    expect(attributes.get_by_role("row", name="action")).to_contain_text("closed")


def build_and_compute_the_view(page: Page, hand: Hand) -> None:
    hand.press(link(page, "Views"))
    hand.press(link(page, "Build the first view"))
    hand.press(page.get_by_role("button", name="Issue"))
    add_element_details(page, hand, "Opened", "opened")
    for name, action in (("Closed", "closed"), ("Reopened", "reopened")):
        if name == "Reopened":
            hand.press(button(page, "Elements (2)"))
            hand.press(page.get_by_role("region", name="Elements").get_by_role("button", name="Opened"))
        hand.choose(page.get_by_label("Event to add"), "Issue")
        hand.press(button(page, "Add after “Opened”"))
        add_element_details(page, hand, name, action)
    hand.press(button(page, "Charts (0)"))
    hand.press(button(page, "Add chart"))
    hand.write(page.get_by_label("Name"), "Actions")
    hand.press(button(page, "Group by an attribute"))
    hand.choose(page.get_by_role("group", name="Grouped by").get_by_label("Attribute", exact=True), "action")
    hand.press(button(page, "Settings"))
    hand.write(page.get_by_label("Name"), "What becomes of issues")
    hand.press(button(page, "Save view"))
    expect(page.get_by_text("Version 1 is saved.")).to_be_visible()
    hand.press(button(page, "Compute now"))
    page.wait_for_url("**#/views/*")


def add_element_details(page: Page, hand: Hand, name: str, action: str) -> None:
    expect(page.get_by_label("Name")).to_have_value("Issue")
    hand.write(page.get_by_label("Name"), name)
    hand.press(button(page, "Add condition"))
    hand.choose(page.get_by_label("Attribute", exact=True), "action")
    hand.write(page.get_by_label("Value", exact=True), action)


def read_the_figures(page: Page, hand: Hand, api: ApiClient) -> None:
    """The figures are those of the deliveries, and the page shows those of the API."""
    view_id = page.url.rpartition("/")[2].partition("?")[0]
    view, result = computed_view(api, view_id, timeout=SECONDS)
    names = {element["id"]: element["name"] for element in view["elements"]}
    counted = {names[one["id"]]: one["metrics"]["participantCount"] for one in result["elements"]}
    assert counted == {"Opened": 4, "Closed": 2, "Reopened": 1}
    expect(page.locator(".journey-explanation")).to_be_visible(timeout=SECONDS * 1000)

    chart = page.get_by_role("region", name="Actions")
    hand.press(chart.get_by_role("button", name="Show as table"))
    (value,) = result["charts"][0]["metrics"][0]["values"]
    shown = chart.locator("tbody tr td")
    expect(shown).to_have_text([value["groupByAttributes"][-1]["value"], str(value["value"])])

    hand.press(link(page, "Table"))
    for element in result["elements"]:
        metrics = element["metrics"]
        counts = ("participantCount", "completedCount", "flowCount", "activeCount", "dropoutCount")
        cells = page.get_by_role("region", name="Elements").get_by_role("row", name=names[element["id"]]).locator("td")
        expect(cells.first).to_be_visible()
        assert cells.all_inner_texts()[:5] == [str(metrics[count]) for count in counts]


# -- failures ----------------------------------------------------------------------------------------------------------


def break_the_mapping(page: Page, hand: Hand) -> None:
    hand.press(link(page, "Sources"))
    hand.press(link(page, "Endpoints"))
    hand.press(link(page, "GitHub"))
    hand.press(link(page, "Mapping"))
    hand.press(button(page, "Replace action"))
    hand.write(page.get_by_label("action", exact=True), "issue.action")
    hand.press(button(page, "Save mapping"))
    expect(button(page, "Save mapping")).to_have_count(0)


def heal_the_failure(page: Page, hand: Hand, api: ApiClient) -> None:
    hand.press(link(page, "Failures"))
    hand.press(link(page, "Required attribute missing"))
    failure = page.url
    expect(page.get_by_role("region", name="What was delivered")).to_contain_text('"login": "joe"')
    expect(page.get_by_role("region", name="What became of it")).to_contain_text("action")
    hand.press(page.get_by_role("link", name="mapping"))
    hand.press(button(page, "Use the preset for action"))
    hand.press(button(page, "Save mapping"))
    expect(button(page, "Save mapping")).to_have_count(0)
    page.go_back()
    expect(page).to_have_url(failure)
    hand.press(button(page, "Replay this failure"))
    expect(page.get_by_text("Last replay: stored; events: 1 stored")).to_be_visible()
    expect(page.get_by_text("Resolved", exact=True)).to_be_visible()
    assert api.call("GET", "externalevents/failures", status="open")["entities"] == []
