"""The pages on views in a real browser: figures, keyboard, files, computation, versions and schedule."""

import csv
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from journeys.registry.people.model import Role
from tests.browser.conftest import SECONDS, Account, Sample, violations
from tests.conftest import Caller
from tools.operator.view_results import computed_view

Opens = Callable[..., Page]
Own = tuple[Caller, Account]

PNG = b"\x89PNG\r\n\x1a\n"


def view_of(client: Caller, name: str = "Forms", **changes: Any) -> dict[str, Any]:
    """Create an event type and a view of two elements."""
    properties = {"step": {"type": "string", "enum": ["opened", "submitted"]}, "seconds": {"type": "number"}}
    schema = client.api.call("POST", "externalevents/schemas", {"title": f"{name} step", "properties": properties})
    client.api.call("PUT", f"views/eventdefinitions/{schema['id']}/activate", {})
    view: dict[str, Any] = client.api.call("POST", "views", definition(schema["id"], name) | changes)
    return view


def definition(schema_id: str, name: str) -> dict[str, Any]:
    """Return a view of those who opened a form, and of those who submitted it within two days."""

    def element(id_: str) -> dict[str, Any]:
        predicates = [{"dimension": "step", "values": [id_]}]
        return {
            "id": id_,
            "name": id_.capitalize(),
            "attributes": {"type": "Event", "id": schema_id},
            "filter": {"predicates": predicates},
        }

    followed_by = [{"id": "submitted", "constraintWithin": {"unit": "Days", "value": 2}}]
    elements = [element("opened") | {"followedBy": followed_by}, element("submitted")]
    return {"name": name, "duration": "P30D", "elements": elements}


def send_forms(client: Caller, view: dict[str, Any], minutes: Iterable[int]) -> None:
    """Send customers who each opened a form and submitted it after these minutes, and wait until views count them."""
    configuration_id = client.api.ensure_configuration("Forms", view["elements"][0]["attributes"]["id"], "Forms")
    opened = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    sent: list[dict[str, Any]] = [
        {
            "id": f"{index}-{step}",
            "dateCreated": (opened + timedelta(minutes=after)).isoformat().replace("+00:00", "Z"),
            "identifiers": {"externalIds": [{"externalSourceId": "forms", "value": f"F-{index}"}]},
            "attributes": {"step": step},
        }
        for index, taken in enumerate(minutes)
        for step, after in (("opened", 0), ("submitted", taken))
    ]
    assert not client.api.send(configuration_id, sent)["unprocessedEntities"]
    newest = max(event["dateCreated"] for event in sent)
    deadline = time.monotonic() + SECONDS
    while client.api.call("GET", "views/data/details").get("dateMax", "")[:19] < newest[:19]:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def card(page: Page, name: str) -> Locator:
    return page.locator(".journey-graph").get_by_role("button", name=re.compile(f"^{name}\\b"))


@pytest.fixture
def sample_page(signed_in: Opens, person: Callable[..., Account], sample: Sample) -> Callable[..., Page]:
    """Opens a part of the sample view, as a person with a role."""

    def make(query: str = "", role: Role = Role.ANALYST, **options: Any) -> Page:
        account = person(role, sample.organization_id)
        return signed_in(account, f"views/{sample.view['id']}{query}", **options)

    return make


# -- figures -----------------------------------------------------------------------------------------------------------


def test_the_figures_on_the_page_are_those_of_the_api(sample_page: Callable[..., Page], sample: Sample) -> None:
    page = sample_page("?tab=table")
    names = {element["id"]: element["name"] for element in sample.view["elements"]}
    expect(page.get_by_role("region", name="Elements")).to_be_visible()
    for element in sample.result["elements"]:
        metrics = element["metrics"]
        row = page.get_by_role("region", name="Elements").get_by_role("row", name=names[element["id"]])
        counts = ("participantCount", "completedCount", "flowCount", "activeCount", "dropoutCount")
        assert row.locator("td").all_inner_texts()[:5] == [f"{metrics[count]:,}" for count in counts]
        for link in element["followedBy"]:
            links = page.get_by_role("region", name="Links").get_by_role("row")
            of_link = links.filter(has_text=names[element["id"]]).filter(has_text=names[link["id"]])
            assert of_link.first.locator("td").nth(2).inner_text() == f"{link['connectionCount']:,}"


def test_the_picture_explains_its_numbers_in_sentences(sample_page: Callable[..., Page], sample: Sample) -> None:
    page = sample_page()
    (placed,) = (element for element in sample.result["elements"] if element["id"] == "placed")
    metrics = placed["metrics"]
    sentence = (
        f"Of {metrics['participantCount']} customers who reached Order placed, {metrics['completedCount']} completed "
        f"the journey, {metrics['flowCount']} went on but did not complete it, {metrics['activeCount']} may still go "
        f"on, and {metrics['dropoutCount']} dropped out."
    )
    card(page, "Order placed").hover()
    expect(page.locator(".journey-explanation")).to_contain_text(sentence)
    expect(page.locator(".journey-explanation")).to_contain_text("went on to Order delivered within 7 days.")


def test_durations_are_those_of_the_api_in_the_picture_in_cards_and_in_a_table(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    view = view_of(client, durations=[{"fromId": "opened", "toId": "submitted"}])
    minutes = (2, 10, 90)
    send_forms(client, view, minutes)
    _, result = computed_view(client.api, view["id"], timeout=SECONDS)
    (link,) = result["elements"][0]["followedBy"]
    assert link["duration"]["customerCount"] == len(minutes)
    page = signed_in(administrator, f"views/{view['id']}")
    expect(page.locator(".journey-graph .label-median")).to_have_text("median 10 min")
    card(page, "Opened").focus()
    expect(page.locator(".journey-explanation")).to_contain_text("Half of them took at most 10 min (the median)")
    cards = page.get_by_role("region", name="Duration from Opened to Submitted")
    expect(cards).to_have_count(2)
    for about in ("Across the view, 3 customers", "Link within 2 days, 3 customers"):
        one = cards.filter(has_text=about)
        for text in ("Minimum2 min", "Median10 min", "Maximum1.5 hr"):
            expect(one.locator("dl div").filter(has_text=re.compile(f"^{text}$"))).to_have_count(1)
        expect(one.locator(".duration-histogram rect")).to_have_count(3)
        one.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(one.locator("tbody tr")).to_have_count(3)
    assert violations(page) == []
    (row,) = records(saved(page, page.get_by_role("button", name="Save durations across the view as CSV")))
    assert int(row["durationMedian"]) == result["durations"][0]["median"]
    page.get_by_role("link", name="Table", exact=True).click()
    rows = page.get_by_role("region", name="Durations").locator("tbody tr")
    expect(rows).to_have_count(2)
    shown = rows.first.locator("td").all_inner_texts()
    assert shown == ["Submitted", "3", "2 min", "10 min", "34 min", "1.5 hr", "1.5 hr", "1.5 hr", "1.5 hr"]
    assert violations(page) == []


def test_the_values_of_a_chart_are_drawn_and_stand_in_its_table(
    sample_page: Callable[..., Page], sample: Sample
) -> None:
    page = sample_page()
    (chart,) = (one for one in sample.view["charts"] if one["name"].startswith("Customers with a case"))
    (result,) = (one for one in sample.result["charts"] if one["id"] == chart["id"])
    values = {one["groupByAttributes"][0]["value"]: one["value"] for one in result["metrics"][0]["values"]}
    section = page.get_by_role("region", name=chart["name"])
    expect(section.locator("svg [aria-label=bar] rect")).to_have_count(len(values))
    section.get_by_role("button", name="Show as table").click()
    rows = section.locator("tbody tr")
    expect(rows).to_have_count(len(values))
    shown = {row.locator("th").inner_text(): row.locator("td").inner_text() for row in rows.all()}
    assert shown == {name: f"{value:,}" for name, value in values.items()}


# -- keyboard ----------------------------------------------------------------------------------------------------------


def test_the_keyboard_reaches_every_element_and_follows_the_links(
    sample_page: Callable[..., Page], sample: Sample
) -> None:
    page = sample_page()
    expect(page.get_by_text("Point at an element or a link")).to_be_visible()
    card(page, "Checkout visited").focus()
    page.keyboard.press("ArrowRight")
    expect(card(page, "Order placed")).to_be_focused()
    expect(page.locator(".journey-explanation")).to_contain_text("who reached Order placed")
    page.keyboard.press("ArrowLeft")
    expect(card(page, "Checkout visited")).to_be_focused()
    reached = set()
    for _ in sample.view["elements"]:
        reached.add(page.evaluate("document.activeElement.dataset.element"))
        page.keyboard.press("ArrowDown")
    assert reached == {element["id"] for element in sample.view["elements"]}


def test_a_selected_element_is_in_the_address_and_stays_after_a_reload(sample_page: Callable[..., Page]) -> None:
    page = sample_page()
    card(page, "Order placed").focus()
    page.keyboard.press("Enter")
    expect(card(page, "Order placed")).to_have_attribute("aria-pressed", "true")
    assert "element=placed" in page.url
    page.keyboard.press("Enter")
    expect(card(page, "Order placed")).to_have_attribute("aria-pressed", "false")


# -- files -------------------------------------------------------------------------------------------------------------


def saved(page: Page, button: Locator) -> Path:
    with page.expect_download() as download:
        button.click()
    return Path(download.value.path())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_saved_picture_opens_by_itself(sample_page: Callable[..., Page], open_page: Opens, theme: str) -> None:
    page = sample_page(theme=theme)
    chart = page.get_by_role("region", name="Customers with a case")
    expect(chart.locator("svg")).to_be_visible()
    for button in (page.get_by_role("button", name="Save picture as SVG"), chart.get_by_role("button", name="SVG")):
        file = saved(page, button)
        text = file.read_text()
        assert not any(part in text for part in ("var(", "class=", "<style"))
        assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
        alone = open_page()
        alone.set_content(f"<img src='data:image/svg+xml,{_escaped(text)}'>")
        assert alone.locator("img").evaluate("async image => { await image.decode(); return image.naturalWidth }") > 100
    png = saved(page, page.get_by_role("button", name="Save picture as PNG")).read_bytes()
    assert png.startswith(PNG)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("#", "%23").replace("'", "%27")


def records(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(encoding="utf-8-sig", newline=""), strict=True))


def test_the_saved_figures_are_those_of_the_api(sample_page: Callable[..., Page], sample: Sample) -> None:
    page = sample_page()
    read = {
        table: records(saved(page, page.get_by_role("button", name=f"Save {table} as CSV")))
        for table in ("elements", "links", "charts")
    }
    results = sample.result["elements"]
    counts = ("participantCount", "completedCount", "flowCount", "activeCount", "dropoutCount")
    assert [[row["elementId"], *(int(row[count]) for count in counts)] for row in read["elements"]] == [
        [element["id"], *(element["metrics"][count] for count in counts)] for element in results
    ]
    assert [(row["sourceElementId"], row["targetElementId"], int(row["connectionCount"])) for row in read["links"]] == [
        (element["id"], link["id"], link["connectionCount"]) for element in results for link in element["followedBy"]
    ]
    values = [(chart["id"], metric["values"]) for chart in sample.result["charts"] for metric in chart["metrics"]]
    assert [(row["chartId"], float(row["value"])) for row in read["charts"]] == [
        (id_, value["value"]) for id_, some in values for value in some
    ]
    for chart in sample.view["charts"]:
        button = page.get_by_role("region", name=chart["name"]).get_by_role("button", name="Save as CSV")
        if button.count():  # A chart of single values has no file of its own.
            (first, *_) = alone = records(saved(page, button))
            own = [row for row in read["charts"] if row["chartId"] == chart["id"]]
            assert alone == [{name: row[name] for name in first} for row in own]


def test_the_keyboard_saves_a_table(sample_page: Callable[..., Page]) -> None:
    page = sample_page("?tab=table")
    button = page.get_by_role("button", name="Save links as CSV")
    expect(button).to_be_visible()
    page.get_by_role("button", name="Save elements as CSV").focus()
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(" - links.csv")
    expect(button).to_be_enabled()


# -- jobs --------------------------------------------------------------------------------------------------------------


def test_a_view_is_computed_and_an_older_result_can_be_shown(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    view = view_of(client)
    page = signed_in(administrator, f"views/{view['id']}")
    expect(page.get_by_text("This version has no figures yet")).to_be_visible()
    page.get_by_role("button", name="Compute figures").click()
    expect(page.locator(".journey-explanation")).to_be_visible(timeout=120_000)
    first = client.api.call("GET", f"views/{view['id']}/versions/1/jobs/latest")
    page.get_by_role("button", name="Compute now").click()
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.locator("tbody tr").filter(has_text="Complete")).to_have_count(2, timeout=120_000)
    expect(page.locator("tbody tr").first).to_contain_text("shown")  # the newest result, once the page has loaded it
    page.get_by_role("link", name="Show result").click()
    expect(page.get_by_text("Result of the job of")).to_be_visible()
    assert f"job={first['id']}" in page.url
    page.get_by_role("button", name="show the newest result").click()
    expect(page.get_by_text("Result of the job of")).to_have_count(0)


def test_the_history_has_the_jobs_of_this_view_only(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    view, other = view_of(client), view_of(client, "Letters")
    for one in (view, other, view):
        client.api.call("POST", f"views/{one['id']}/versions/1/jobs")
    page = signed_in(administrator, f"views/{view['id']}?tab=jobs")
    expect(page.locator("tbody tr")).to_have_count(2)


# -- versions and schedule ---------------------------------------------------------------------------------------------


def test_what_changed_between_two_versions_is_said(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    view = view_of(client)
    changed = definition(view["elements"][0]["attributes"]["id"], "Forms") | {"duration": "P60D"}
    changed["elements"] = changed["elements"][:1]
    changed["elements"][0].pop("followedBy")
    client.api.call("POST", f"views/{view['id']}/versions", changed)
    page = signed_in(administrator, f"views/{view['id']}?tab=versions")
    differences = page.locator(".view-differences li")
    expect(differences).to_have_count(3)
    texts = " ".join(differences.all_inner_texts())
    for part in ("View: time frame", "the last 30 days", "the last 60 days", "Element Submitted was removed"):
        assert part in texts
    page.get_by_label("From").select_option("2")
    expect(page.get_by_text("Both versions count the same.")).to_be_visible()
    page.get_by_role("link", name="Show version 1").click()
    expect(page.get_by_text("Version 1 of 2")).to_be_visible()


def test_a_schedule_is_created_changed_and_deleted(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    view = view_of(client)
    page = signed_in(administrator, f"views/{view['id']}?tab=schedule")
    expect(page.get_by_text("This view has no schedule")).to_be_visible()
    page.get_by_label("Compute").select_option("Daily")
    page.get_by_role("button", name="Create schedule").click()
    expect(page.get_by_text("is computed daily")).to_be_visible()
    page.get_by_label("Compute").select_option("Monthly")
    page.get_by_role("button", name="Change schedule").click()
    expect(page.get_by_text("is computed monthly")).to_be_visible()
    schedule = client.api.call("GET", f"views/{view['id']}/schedules")
    assert schedule["frequency"] == "Monthly"
    shown = page.locator(".view-schedule time").get_attribute("datetime")
    assert shown == schedule["dateNext"]
    page.get_by_role("button", name="Delete schedule").click()
    expect(page.get_by_text("This view has no schedule")).to_be_visible()


# -- the list ----------------------------------------------------------------------------------------------------------


def test_views_are_searched_duplicated_and_deleted(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    view_of(client, "Forms")
    view_of(client, "Letters")
    page = signed_in(administrator, "views")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Search by name").fill("form")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "search=form" in page.url
    page.get_by_role("button", name="Duplicate Forms").click()
    expect(page.get_by_role("heading", name="Copy of Forms")).to_be_visible()
    page.get_by_role("button", name="Delete view").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete view").click()
    expect(page.get_by_role("heading", name="Views", exact=True)).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(2)
    assert {one["name"] for one in client.api.call("GET", "views")["entities"]} == {"Forms", "Letters"}


def test_without_views_the_list_leads_to_the_builder(signed_in: Opens, own: Own) -> None:
    page = signed_in(own[1], "views")
    expect(page.get_by_role("heading", name="There are no views yet")).to_be_visible()
    assert page.get_by_role("link", name="Build the first view").get_attribute("href") == "#/builder"


def test_a_viewer_is_offered_no_changes(sample_page: Callable[..., Page]) -> None:
    page = sample_page(role=Role.VIEWER)
    expect(card(page, "Order placed")).to_be_visible()
    for name in ("Compute now", "Duplicate view", "Delete view"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_role("link", name="Edit view")).to_have_count(0)


# -- accessibility -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_the_pages_on_views_pass_axe(sample_page: Callable[..., Page], sample: Sample, size: str, theme: str) -> None:
    page = sample_page(size=size, theme=theme)
    expect(page.locator(".chart-frame svg").first).to_be_visible()
    assert violations(page) == []
    for tab, shown in (("table", "Links"), ("jobs", "Jobs"), ("versions", "Versions")):
        page.goto(f"{page.url.split('#')[0]}#/views/{sample.view['id']}?tab={tab}")
        expect(page.get_by_role("region", name=shown)).to_be_visible()
        assert violations(page) == []
    page.goto(f"{page.url.split('#')[0]}#/views/{sample.view['id']}?tab=schedule")
    expect(page.get_by_text("This view has no schedule")).to_be_visible()
    assert violations(page) == []
    page.goto(f"{page.url.split('#')[0]}#/views")
    expect(page.get_by_role("region", name="Views")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
