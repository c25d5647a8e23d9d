"""Who is behind a figure, and compared with what: in a real browser, with the keyboard, and by address."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from journeys.registry.people.model import Role
from tests.bench.console import CONSOLE, built, signed_in_address
from tests.bench.console_server import VIEW, recorded, serving
from tests.browser.conftest import SECONDS, Account, Sample, violations
from tests.browser.test_views import card, send_forms, view_of
from tests.conftest import Caller
from tools.operator.view_results import computed_view

Opens = Callable[..., Page]
Own = tuple[Caller, Account]


@pytest.fixture
def sample_page(signed_in: Opens, person: Callable[..., Account], sample: Sample) -> Callable[..., Page]:
    """Opens a part of the sample view."""

    def make(query: str = "", role: Role = Role.ANALYST, **options: Any) -> Page:
        account = person(role, sample.organization_id)
        return signed_in(account, f"views/{sample.view['id']}{query}", **options)

    return make


def panel(page: Page) -> Locator:
    return page.get_by_role("dialog")


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(encoding="utf-8-sig", newline=""), strict=True))


def saved(page: Page, button: Locator) -> list[dict[str, str]]:
    with page.expect_download() as download:
        button.click()
    return rows(Path(download.value.path()))


# -- who ---------------------------------------------------------------------------------------------------------------


def test_the_customers_behind_a_number_are_those_of_the_api(sample_page: Callable[..., Page], sample: Sample) -> None:
    (placed,) = (element for element in sample.result["elements"] if element["id"] == "placed")
    completed = placed["metrics"]["completedCount"]
    page = sample_page("?tab=table", theme="dark")
    number = page.get_by_role("button", name=re.compile(f"^{completed} customers reached Order placed and completed"))
    number.click()
    expect(panel(page).get_by_role("heading")).to_have_text(
        f"{completed} customers reached Order placed and completed the journey"
    )
    expect(panel(page).locator("tbody tr")).to_have_count(min(completed, 50))
    assert violations(page) == []
    read = saved(page, panel(page).get_by_role("button", name="Download CSV"))
    assert len({(row["externalSourceId"], row["value"]) for row in read}) == completed
    first = panel(page).locator("tbody tr").first
    value = first.get_by_role("link").inner_text()
    first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()
    assert f"value={value.replace('@', '%40')}" in page.url
    page.go_back()
    expect(panel(page).locator("tbody tr")).to_have_count(min(completed, 50))


def test_the_keyboard_opens_a_list_and_returns_from_it(sample_page: Callable[..., Page]) -> None:
    page = sample_page()
    expect(card(page, "Order placed")).to_be_visible()
    card(page, "Order placed").focus()
    number = page.get_by_role("button", name=re.compile("customers reached Order placed. Show who"))
    expect(number).to_be_visible()
    page.keyboard.press("Tab")
    expect(number).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("heading", name=re.compile("reached Order placed"))).to_be_focused()
    page.keyboard.press("Tab")
    expect(panel(page).get_by_role("button", name="Close the list")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)
    expect(number).to_be_focused()
    assert "who=" not in page.url


def test_a_list_is_in_the_address_and_covers_a_narrow_page(sample_page: Callable[..., Page]) -> None:
    page = sample_page("?who=elementId%3Dplaced%26linkId%3Ddelivered", size="narrow")
    expect(panel(page).get_by_role("heading")).to_contain_text("went on from Order placed to Order delivered")
    expect(panel(page).get_by_role("link").first).to_be_visible()
    assert page.locator("dialog:modal").count() == 1
    box = panel(page).bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    assert violations(page) == []


def test_the_numbers_of_a_picture_and_of_a_chart_can_be_clicked(
    sample_page: Callable[..., Page], sample: Sample
) -> None:
    page = sample_page()
    page.locator(".who-target", has=page.locator("title", has_text="customers reached Survey answered.")).click()
    expect(panel(page).get_by_role("heading")).to_contain_text("reached Survey answered")
    (chart,) = (one for one in sample.view["charts"] if one["name"].startswith("Customers with a case"))
    (result,) = (one for one in sample.result["charts"] if one["id"] == chart["id"])
    largest = max(result["metrics"][0]["values"], key=lambda one: one["value"])
    group = largest["groupByAttributes"][0]["value"]
    section = page.get_by_role("region", name=chart["name"])
    section.get_by_role("button", name="Show as table").click()
    section.get_by_role("button", name=re.compile(f"^{largest['value']} customers, {group}")).click()
    expect(panel(page).get_by_role("heading")).to_have_text(
        f"{largest['value']} customers behind {chart['name']}, {group}"
    )


def test_what_a_person_may_not_do_is_not_offered(open_page: Opens) -> None:
    answers = recorded()
    me = answers["/api/v2/journey/me"]
    me["permissions"] = sorted({*me["permissions"]} - {"journey:viewsCustomers:view", "journey:viewsJobs:add"})
    with serving(built(CONSOLE), CONSOLE, answers=answers) as url:
        page = open_page()
        who = "who=elementId%3De0%26state%3DDropout"
        page.goto(signed_in_address(page, url, f"#/views/{VIEW}?tab=table&{who}"))
        expect(page.get_by_role("region", name="Elements")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("Show who|Compare|Break down"))).to_have_count(0)
        expect(panel(page)).to_have_count(0)


# -- compared with what ------------------------------------------------------------------------------------------------


def test_a_view_is_compared_with_the_period_before(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    view = view_of(client)
    send_forms(client, view, (2, 10, 90))
    _, result = computed_view(client.api, view["id"], timeout=SECONDS)
    opened = result["elements"][0]["metrics"]["participantCount"]
    page = signed_in(administrator, f"views/{view['id']}")
    page.get_by_role("button", name="Compare …").click()
    page.get_by_role("button", name="Compare", exact=True).click()
    section = page.get_by_role("region", name="Compared with the period before")
    compared = section.get_by_role("region", name="Opened, compared")
    expect(compared).to_contain_text(f"This period: {opened}")
    expect(compared).to_contain_text("The period before: 0")
    expect(section).to_contain_text("No difference is tested for significance.")
    assert violations(page) == []
    read = saved(page, section.get_by_role("button", name="Download CSV"))
    assert {row["elementId"] for row in read} == {"opened", "submitted"}
    section.get_by_role("button", name="Show as table").click()
    expect(section.get_by_role("region", name="Comparison").get_by_role("row").nth(1)).to_contain_text("Opened")
    address = page.url
    section.get_by_role("button", name="Close").click()
    expect(section).to_have_count(0)
    page.goto(address)
    expect(compared).to_contain_text(f"This period: {opened}")
    page.goto(re.sub(r"other=[^&]+", "other=gone", address))
    expect(section).to_contain_text("no longer exist")
    section.get_by_role("button", name="Compute again").click()
    expect(compared).to_contain_text(f"This period: {opened}")


def test_a_view_is_broken_down_by_an_attribute(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    view = view_of(client)
    send_forms(client, view, (2, 10, 90))
    computed_view(client.api, view["id"], timeout=SECONDS)
    page = signed_in(administrator, f"views/{view['id']}", size="narrow", theme="dark")
    page.get_by_role("button", name="Break down …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Break down by").select_option(value="elementId=opened&attribute=step")
    assert violations(page) == []
    dialog.get_by_role("button", name="Break down", exact=True).click()
    section = page.get_by_role("region", name="Broken down by step at Opened")
    part = section.get_by_role("region", name="opened: 3 customers")
    expect(part).to_contain_text(re.compile(r"Submitted3 · 100%"))
    expect(part).to_contain_text("Median time10 min")
    assert violations(page) == []
    read = saved(page, section.get_by_role("button", name="Download CSV", exact=True))
    assert [(row["kind"], row["value"], row["elementId"], row["customerCount"]) for row in read] == [
        ("Value", "opened", "opened", "3"),
        ("Value", "opened", "submitted", "3"),
    ]
    section.get_by_role("button", name="Show as table").click()
    expect(section.get_by_role("region", name="Breakdown").locator("tbody tr")).to_have_count(1)
    address = page.url
    section.get_by_role("button", name="Close").click()
    expect(section).to_have_count(0)
    page.goto(address)
    expect(part).to_contain_text("Median time10 min")
    page.goto(re.sub(r"&job=[^&]+", "", address))
    lost = page.get_by_role("region", name="Breakdown", exact=True)
    expect(lost).to_contain_text("has no breakdown")
    page.get_by_role("button", name="Show the newest figures").click()
    expect(lost).to_have_count(0)
