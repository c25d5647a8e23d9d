"""The pages on paths in a real browser: the form, the picture, the table, files, addresses, and a view of a path."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import ANY

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from journeys.registry.people.model import Role
from tests.browser.conftest import SECONDS, Account, Sample, violations
from tests.browser.test_views import records, saved, send_forms, view_of
from tests.conftest import Caller
from tools.local_stack.sample import WEB_VISIT
from tools.operator.view_results import computed_paths

Opens = Callable[..., Page]
Own = tuple[Caller, Account]

STEPS = 3
OUTCOMES = ("others", "ended", "dropped")


@pytest.fixture(scope="module")
def paths(sample: Sample) -> tuple[dict[str, Any], dict[str, Any]]:
    """A job of the paths after a visit, which lead to orders, cases and calls, and its result."""
    definitions = {one["name"]: one["id"] for one in sample.api.call("GET", "views/eventdefinitions")["entities"]}
    start = {"attributes": {"type": "Event", "id": definitions[WEB_VISIT.title]}}
    definition = {"name": "After a visit", "duration": "P61D", "start": start, "steps": STEPS, "collapseRepeats": True}
    job = sample.api.call("POST", "paths/jobs", definition)
    return computed_paths(sample.api, job["id"], timeout=SECONDS)


@pytest.fixture
def paths_page(
    signed_in: Opens, person: Callable[..., Account], sample: Sample, paths: tuple[dict[str, Any], dict[str, Any]]
) -> Callable[..., Page]:
    """Opens the result of the sample's paths, as a person with a role."""

    def make(query: str = "", role: Role = Role.ANALYST, **options: Any) -> Page:
        account = person(role, sample.organization_id)
        return signed_in(account, f"paths/{paths[0]['id']}{query}", **options)

    return make


def rows(step: dict[str, Any], level: int = 0) -> Iterator[tuple[str, int, int]]:
    """The rows of the table: name, customers and paths of each step and outcome, in their order."""
    yield step["eventType"]["name"], step["customerCount"], step["eventCount"]
    for below in step["steps"]:
        yield from rows(below, level + 1)
    others = "Others" if level < STEPS else "Further steps"
    for outcome, name in zip(OUTCOMES, (others, "Ended", "Dropped off"), strict=True):
        if step[outcome]["eventCount"]:
            yield name, step[outcome]["customerCount"], step[outcome]["eventCount"]


def shown_rows(page: Page) -> list[tuple[str, int, int]]:
    """The same as the page's table shows them."""
    table = page.get_by_role("region", name="Steps")
    expect(table).to_be_visible()
    cells = table.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.wrap-anywhere').textContent,"
        " ...[...row.querySelectorAll('td')].map(cell => cell.textContent)])"
    )
    return [
        (name, int(customers.replace(",", "")), int(some.replace(",", ""))) for name, customers, _, _, some, _ in cells
    ]


def tree(page: Page) -> Locator:
    return page.get_by_role("tree")


def branch(page: Page, key: str) -> Locator:
    return tree(page).locator(f"[data-key='{key}']")


def focus(page: Page, key: str = "") -> None:
    """Focus the start, which Tab reaches, or another step by its key."""
    expect(tree(page)).to_be_visible()
    branch(page, key).focus()


# -- figures -----------------------------------------------------------------------------------------------------------


def test_the_table_and_the_picture_have_the_figures_of_the_api(
    paths_page: Callable[..., Page], paths: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    page = paths_page("?show=table")
    result = paths[1]
    expected = list(rows(result["tree"]))
    assert shown_rows(page) == expected
    customers, some = result["tree"]["customerCount"], result["tree"]["eventCount"]
    expect(page.get_by_text(f"{some:,} paths of {customers:,} customers.")).to_be_visible()
    page.get_by_role("link", name="Diagram").click()
    expect(branch(page, "")).to_be_visible()
    labels = tree(page).get_by_role("treeitem").evaluate_all("all => all.map(one => one.ariaLabel)")
    figures = [(name, f"{customers:,} customer", f"{some:,} path") for name, customers, some in expected]
    assert len(labels) == len(figures)
    for label, (name, customers, some) in zip(labels, figures, strict=True):
        assert label.startswith(name)
        assert f". {customers}" in label
        assert f". {some}" in label
    common = page.get_by_role("region", name="Commonest complete paths").locator("tbody tr")
    assert common.locator("td:nth-child(2)").all_inner_texts() == [
        f"{one['customerCount']:,}" for one in result["paths"]
    ]


def test_the_csv_is_that_of_the_api(paths_page: Callable[..., Page], sample: Sample, paths: Any) -> None:
    page = paths_page()
    found = records(saved(page, page.get_by_role("button", name="Download CSV")))
    answer = sample.api.request("GET", f"paths/jobs/{paths[0]['id']}/results", format="csv")
    assert found == list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


# -- choosing and hiding -----------------------------------------------------------------------------------------------


def test_the_keyboard_reaches_every_step_chooses_paths_and_hides_what_follows(
    paths_page: Callable[..., Page], paths: Any
) -> None:
    page = paths_page()
    first = paths[1]["tree"]["steps"][0]
    focus(page)
    page.keyboard.press("ArrowRight")
    expect(branch(page, "0")).to_be_focused()
    expect(page.locator(".paths-tip")).to_contain_text(f"{first['customerCount']} customers: ")
    page.keyboard.press("ArrowLeft")
    reached = {""}
    for _ in range(10):  # Down through each column, whose first bar the start's first path leads to.
        page.keyboard.press("ArrowRight")
        at = page.evaluate("document.activeElement.dataset.key")
        while (key := page.evaluate("document.activeElement.dataset.key")) not in reached:
            reached.add(key)
            page.keyboard.press("ArrowDown")
        while page.evaluate("document.activeElement.dataset.key") != at:
            page.keyboard.press("ArrowUp")
    assert len(reached) == len(list(rows(paths[1]["tree"])))
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(branch(page, "0")).to_have_attribute("aria-expanded", "false")
    expect(branch(page, "0.0")).to_have_count(0)
    expect(page).to_have_url(re.compile("closed=0"))
    page.keyboard.press("Space")
    expect(branch(page, "0.0")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(branch(page, "0")).to_have_attribute("aria-selected", "true")
    expect(branch(page, "0")).to_be_focused()
    expect(branch(page, "1")).to_have_count(0)
    expect(page.get_by_role("navigation", name="Shown paths")).to_contain_text(first["eventType"]["name"])
    page.keyboard.press("Escape")
    expect(branch(page, "1")).to_have_count(1)
    expect(branch(page, "0")).to_be_focused()


def test_a_link_shows_another_reader_the_same(paths_page: Callable[..., Page], paths: Any, open_page: Opens) -> None:
    page = paths_page(permissions=["clipboard-read", "clipboard-write"])
    place = tree(page).bounding_box()
    branch(page, "1").click()
    expect(branch(page, "1")).to_have_attribute("aria-selected", "true")
    assert place is not None
    assert tree(page).bounding_box() == {**place, "width": ANY, "height": ANY, "x": ANY}  # It stays below the pointer.
    branch(page, "1.0").hover()
    branch(page, "1.0").locator("xpath=../*[contains(@class, 'paths-toggle')]").click()
    expect(branch(page, "1.0")).to_have_attribute("aria-expanded", "false")
    page.get_by_role("button", name="Paths", exact=True).click()
    expect(page).to_have_url(re.compile("by=paths"))
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    shown = tree(page).get_by_role("treeitem").evaluate_all("all => all.map(one => one.dataset.key)")
    other = paths_page(copied.split(paths[0]["id"])[1], role=Role.VIEWER)
    expect(branch(other, "1")).to_have_attribute("aria-selected", "true")
    assert tree(other).get_by_role("treeitem").evaluate_all("all => all.map(one => one.dataset.key)") == shown
    expect(other.get_by_role("button", name="Paths", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(other.get_by_role("link", name="Make a view")).to_have_count(0)
    page.get_by_role("link", name="Table").click()
    second = paths[1]["tree"]["steps"][1]
    assert shown_rows(page)[:2] == [
        (paths[1]["tree"]["eventType"]["name"], second["customerCount"], second["eventCount"]),
        (second["eventType"]["name"], second["customerCount"], second["eventCount"]),
    ]
    page.go_back()
    page.get_by_role("link", name="Show all paths").click()
    expect(branch(page, "0")).to_be_visible()


def test_an_address_of_paths_that_are_not_shown_says_so(paths_page: Callable[..., Page]) -> None:
    page = paths_page("?path=nothing&then=ended")
    expect(page.get_by_text("names paths that this result does not show")).to_be_visible()
    expect(branch(page, "1")).to_be_visible()


def test_a_complete_path_is_shown_with_the_figures_of_its_row(paths_page: Callable[..., Page]) -> None:
    page = paths_page()
    link = page.get_by_role("region", name="Commonest complete paths").get_by_role("link", name="Show the path").first
    expect(link).to_be_visible()
    _, customers, _, some, _ = link.locator("xpath=ancestor::tr").locator("th, td").all_inner_texts()
    link.click()
    expect(page.get_by_text(re.compile(rf"^Only {some} paths? of {customers} customers?$"))).to_be_visible()


def test_complete_paths_are_saved_as_the_api_has_them(
    paths_page: Callable[..., Page], sample: Sample, paths: Any
) -> None:
    page = paths_page()
    found = records(saved(page, page.get_by_role("button", name="Save these paths as CSV")))
    answer = sample.api.request("GET", f"paths/jobs/{paths[0]['id']}/results", format="csv", table="paths")
    assert found == list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


def test_an_exploration_that_does_not_exist_leads_on(
    signed_in: Opens, person: Callable[..., Account], sample: Sample
) -> None:
    page = signed_in(person(Role.VIEWER, sample.organization_id), "paths/gone")
    expect(page.get_by_role("heading", name="There is no exploration at this address")).to_be_visible()
    page.get_by_role("link", name="Show recent explorations").click()
    expect(page.get_by_role("heading", level=1, name="Paths")).to_be_visible()
    expect(page.get_by_text("Choose where paths start.")).to_have_count(0)


# -- exploring ---------------------------------------------------------------------------------------------------------


def test_choosing_a_start_is_enough_and_a_path_becomes_a_view(signed_in: Opens, own: Own) -> None:
    client, analyst = own
    send_forms(client, view_of(client), [5, 10, 15])
    page = signed_in(analyst, "paths")
    page.get_by_label("Event that paths start at").select_option(label="Forms step")
    page.get_by_role("button", name="Add condition").click()
    page.get_by_label("Attribute").select_option(label="step")
    page.get_by_role("checkbox", name="opened").check()
    page.get_by_text("More options").click()
    page.get_by_label("Count repeats in a row as one step").uncheck()
    page.get_by_role("button", name="Explore paths").click()
    expect(page.get_by_role("heading", level=1, name="After Forms step (opened)")).to_be_visible()
    expect(branch(page, "0")).to_have_attribute("aria-label", re.compile(r"^Forms step, step 1\. 3 customers: 100%"))
    page.get_by_role("region", name="Commonest complete paths").get_by_role("link", name="Make a view").click()
    expect(page.get_by_text("was made of a path, and is not saved yet")).to_be_visible()
    expect(page.locator(".journey-graph").get_by_role("button")).to_have_count(2)
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_text("Version 1 is saved.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"#/builder/[0-9a-f-]+$"))
    view = client.api.call("GET", f"views/{page.url.split('/')[-1]}")
    assert [one["name"] for one in view["elements"]] == ["1. Forms step", "2. Forms step"]
    (condition,) = view["elements"][0]["filter"]["predicates"]
    assert (condition["dimension"], condition["values"]) == ("step", ["opened"])
    page.goto(f"{page.url.split('#')[0]}#/paths")
    page.get_by_role("link", name="Change and explore again").click()
    expect(page.get_by_label("Event that paths start at").locator("option:checked")).to_have_text("Forms step")
    expect(page.get_by_role("checkbox", name="opened")).to_be_checked()
    expect(page.get_by_label("Count repeats in a row as one step")).not_to_be_checked()


def test_problems_lead_to_their_fields_and_so_do_those_of_the_api(signed_in: Opens, own: Own) -> None:
    client, analyst = own
    view_of(client)
    page = signed_in(analyst, "paths")
    page.get_by_role("button", name="Explore paths").click()
    start = page.get_by_label("Event that paths start at")
    expect(start).to_be_focused()
    expect(start).to_have_attribute("aria-invalid", "true")
    start.select_option(label="Forms step")
    expect(page.get_by_role("heading", name="to fix")).to_have_count(0)
    page.get_by_text("More options").click()
    page.get_by_label("A path ends after a time").check()
    page.get_by_label("Longest pause").fill("400")
    page.get_by_label("Unit of the session gap").select_option("Days")
    page.get_by_role("button", name="Explore paths").click()
    gap = page.get_by_label("Longest pause")
    expect(gap).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="longer than 365 days")).to_be_visible()
    gap.fill("3")
    expect(page.get_by_role("heading", name="to fix")).to_have_count(0)


def test_an_exploration_that_runs_can_be_canceled_and_a_failed_one_says_why(
    paths_page: Callable[..., Page], paths: Any
) -> None:
    page = paths_page("?show=table")
    show = (
        f"() => {{ location.hash = '#/paths'; setTimeout(() => {{ location.hash = '#/paths/{paths[0]['id']}'; }}); }}"
    )
    job: dict[str, Any] = {"name": "Slow", "status": "Executing"}

    def answer(route: Route) -> None:
        if route.request.method == "PATCH":
            job["status"] = "Cancelled"
        route.fulfill(json=paths[0] | job)

    page.route(re.compile(rf"/paths/jobs/{paths[0]['id']}$"), answer)
    page.evaluate(show, paths[0]["id"])
    expect(page.get_by_text("The paths are being followed.")).to_be_visible()
    page.get_by_role("button", name="Cancel exploration").click()
    expect(page.get_by_text("The exploration was canceled.")).to_be_visible()
    job |= {"status": "Failed", "error": {"code": "too.many.paths", "message": "Use fewer steps."}}
    page.evaluate(show, paths[0]["id"])
    expect(page.get_by_text("Use fewer steps.")).to_be_visible()
    expect(page.get_by_role("link", name="start it again")).to_be_visible()


# -- accessibility -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_the_pages_on_paths_pass_axe(paths_page: Callable[..., Page], size: str, theme: str) -> None:
    page = paths_page(size=size, theme=theme)
    expect(page.get_by_role("region", name="Steps") if size == "narrow" else tree(page)).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="Diagram").click()
    focus(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Shown paths")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="Table").click()
    expect(page.get_by_role("region", name="Steps")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{page.url.split('#')[0]}#/paths")
    page.get_by_text("More options").click()
    page.get_by_label("Only paths that reach").check()
    page.get_by_role("button", name="Explore paths").click()
    expect(page.get_by_role("heading", name="2 problems to fix")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
