"""The first page: figures, what to do first, and cards that fail on their own."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from journeys.registry.people.model import Role
from tests.browser.conftest import Account, Sample, fill_sign_in, violations
from tests.conftest import Caller

Opens = Callable[..., Page]
LOADED = 60_000
"""Milliseconds within which the first event appears: it lands in the archive first."""


def region(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


@pytest.fixture
def reader(sample: Sample, person: Callable[..., Account]) -> Account:
    return person(Role.VIEWER, sample.organization_id)


def test_the_figures_are_those_of_the_api(sample: Sample, signed_in: Opens, reader: Account) -> None:
    page = signed_in(reader)
    days = sample.api.call("GET", "activity")["entities"]
    events = region(page, "Events")
    expect(events.get_by_role("definition").first).to_have_text(f"{sum(day['eventCount'] for day in days):,}")
    events.get_by_text("Show as a table").click()
    rows = events.get_by_role("table").locator("tbody tr")
    expect(rows).to_have_count(len(days))
    shown = [row.split("\t")[1] for row in rows.all_inner_texts()]
    assert shown == [f"{day['eventCount']:,}" for day in reversed(days)]

    limits = {limit["key"]: limit for limit in sample.api.call("GET", "limits")["entities"]}
    types = limits["event.types.per.org"]
    expect(region(page, "Event types").get_by_role("progressbar")).to_have_attribute("value", str(types["count"]))
    expect(region(page, "Event types")).to_contain_text(f"{types['count']} of {types['value']} used")
    views = region(page, "Views")
    expect(views.get_by_role("link", name=sample.view["name"])).to_be_visible()
    expect(views).to_contain_text("Computed")


def test_the_days_are_reached_with_the_arrow_keys(signed_in: Opens, reader: Account) -> None:
    page = signed_in(reader)
    bars = page.get_by_role("toolbar", name="Events by day").get_by_role("button")
    expect(bars).to_have_count(14)
    bars.last.focus()
    today = page.locator(".home-readout strong").inner_text()
    page.keyboard.press("ArrowLeft")
    expect(bars.nth(12)).to_be_focused()
    expect(page.locator(".home-readout strong")).not_to_have_text(today)
    page.keyboard.press("Home")
    expect(bars.first).to_be_focused()


def test_the_checklist_of_a_new_organization_leads_to_the_first_figures(
    signed_in: Opens, own: tuple[Caller, Account]
) -> None:
    (client, account) = own
    api = client.api
    page = signed_in(account)

    def expect_step(title: str, link: str) -> None:
        current = page.locator("[aria-current=step]")
        expect(current).to_contain_text(title)
        expect(current.get_by_role("link", name=link)).to_be_visible()

    expect_step("Define an event type", "Define event type")
    page.get_by_role("link", name="Define event type").click()
    expect(page).to_have_url(f"{page.url.split('#')[0]}#/sources/types/new")
    schema = api.call(
        "POST", "externalevents/schemas", {"title": "Order", "properties": {"number": {"type": "string"}}}
    )
    page.go_back()
    expect_step("Activate it for views", "Activate event type")
    api.call("PUT", f"views/eventdefinitions/{schema['id']}/activate", {})
    page.reload()
    sign_in_again(page, account)
    expect_step("Connect a source", "Connect source")
    configuration = api.ensure_configuration("Shop orders", schema["id"], "Shop")
    leave_and_return(page)
    expect_step("Receive the first event", "Show how to send")
    api.send(configuration, [an_event()])
    expect(page.locator("[aria-current=step]")).to_contain_text("Build the first view", timeout=LOADED)
    expect(region(page, "Events").get_by_role("definition").first).to_have_text("1")
    element = {"id": "order", "name": "Order", "attributes": {"type": "Event", "id": schema["id"]}}
    view = api.call("POST", "views", {"name": "Orders", "duration": "P7D", "elements": [element]})
    leave_and_return(page)
    expect_step("Compute it", "Compute view")
    job = api.call("POST", f"views/{view['id']}/versions/1/jobs")
    wait_for_job(page, api, f"views/{view['id']}/versions/1/jobs/{job['id']}")
    leave_and_return(page)
    expect(region(page, "Views").get_by_text("Computed")).to_be_visible()
    expect(page.get_by_text("What to do next")).to_have_count(0)


def sign_in_again(page: Page, account: Account) -> None:
    """The session ends with a reload. The emulator may have forgotten who signed in, and then asks again."""
    heading, field = page.locator("main h1").first, page.locator("input[name=username]")
    expect(heading.or_(field)).to_be_visible()
    if field.is_visible():
        fill_sign_in(page, account.email)
    expect(heading).to_be_visible()


def leave_and_return(page: Page) -> None:
    """Go to another page and back, so that the first page asks the API again."""
    page.get_by_role("link", name="Failures", exact=True).click()
    expect(page.get_by_role("heading", name="Failures", level=1)).to_be_visible()
    page.get_by_role("link", name="Home", exact=True).click()


def wait_for_job(page: Page, api: Any, path: str) -> None:
    for _ in range(120):
        if api.call("GET", path)["status"] == "Complete":
            return
        page.wait_for_timeout(500)
    pytest.fail("the job did not become complete within a minute")


def an_event() -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "dateCreated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "attributes": {"number": "1"},
        "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "C-1"}]},
    }


def test_a_viewer_of_a_new_organization_is_told_whom_to_ask(signed_in: Opens, person: Callable[..., Account]) -> None:
    page = signed_in(person(Role.VIEWER))
    current = page.locator("[aria-current=step]")
    expect(current).to_contain_text("Ask an integrator of your organization")
    expect(current.get_by_role("link")).to_have_count(0)


def test_a_card_that_fails_leaves_the_others(signed_in: Opens, reader: Account) -> None:
    page = signed_in(reader)
    broken = {"message": "Try again later.", "code": "internal.error", "status": 500, "contextId": "an-id"}
    page.route("**/api/v2/journey/activity", lambda route: route.fulfill(status=500, json=broken))
    leave_and_return(page)
    events = region(page, "Events")
    expect(events.get_by_role("alert")).to_contain_text("Try again later.")
    expect(region(page, "Event types").get_by_role("progressbar")).to_be_visible()
    page.unroute("**/api/v2/journey/activity")
    events.get_by_role("button", name="Try again").click()
    expect(events.get_by_role("toolbar")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_the_page_is_accessible_and_fits(signed_in: Opens, reader: Account, size: str, theme: str) -> None:
    page = signed_in(reader, size=size, theme=theme)
    expect(region(page, "Events").get_by_role("toolbar")).to_be_visible()
    expect(region(page, "Views")).to_contain_text("Computed")
    assert violations(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_checklist_is_accessible(signed_in: Opens, person: Callable[..., Account], theme: str) -> None:
    page = signed_in(person(), size="narrow", theme=theme)
    expect(page.locator("[aria-current=step]")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
