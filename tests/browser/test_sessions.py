"""Back, reload, two tabs, sessions that end, no network, an API that is slow or fails, and addresses of others."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from journeys.registry.people.model import Role
from tests.browser.conftest import Account, Sample, fill_sign_in
from tests.browser.test_sources import create_endpoint, create_issue
from tests.conftest import Caller

Opens = Callable[..., Page]
Own = tuple[Caller, Account]

API = "**/api/v2/journey/**"


def problem(status: int) -> dict[str, Any]:
    """An error of the API."""
    return {"status": status, "code": "a.code", "message": f"A refusal with {status}.", "contextId": "an-id"}


def answer(page: Page, pattern: str, status: int) -> None:
    page.route(pattern, lambda route: route.fulfill(status=status, json=problem(status)))


def test_back_and_forward_lead_through_pages_and_filters(
    signed_in: Opens, person: Callable[..., Account], sample: Sample
) -> None:
    page = signed_in(person(Role.VIEWER, sample.organization_id), "views")
    page.get_by_role("link", name=sample.view["name"], exact=True).click()
    expect(page.get_by_role("heading", level=1, name=sample.view["name"])).to_be_visible()
    page.get_by_role("link", name="Versions", exact=True).click()
    expect(page.get_by_role("region", name="Versions")).to_be_visible()
    page.get_by_role("link", name="Usage and limits").click()
    expect(page.get_by_role("heading", level=1, name="Usage and limits")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("region", name="Versions")).to_be_visible()
    page.go_back()
    expect(page.locator(".journey-graph")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Views")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", level=1, name=sample.view["name"])).to_be_visible()


def test_a_reload_asks_to_sign_in_and_returns_to_the_same_address(
    signed_in: Opens, person: Callable[..., Account], sample: Sample
) -> None:
    account = person(Role.VIEWER, sample.organization_id)
    address = f"views/{sample.view['id']}?tab=table"
    page = signed_in(account, address)
    page.reload()
    fill_sign_in(page, account.email)
    expect(page.get_by_role("region", name="Links")).to_be_visible()
    assert page.url.endswith(f"#/{address}")


def test_two_tabs_sign_in_and_out_by_themselves(signed_in: Opens, person: Callable[..., Account]) -> None:
    account = person()
    first = signed_in(account, "usage")
    second = first.context.new_page()
    second.goto(f"{first.url.partition('#')[0]}#/people")
    fill_sign_in(second, account.email)
    expect(second.get_by_role("region", name="People of the organization")).to_be_visible()
    first.reload()
    fill_sign_in(first, account.email)
    expect(first.get_by_role("heading", level=1, name="Usage and limits")).to_be_visible()
    second.get_by_role("link", name="API clients").click()
    expect(second.get_by_role("heading", level=1, name="API clients")).to_be_visible()


# -- a session that ends in the middle of work -------------------------------------------------------------------------


def expire(page: Page) -> None:
    """Make the API refuse the present token, and the sign-in refuse to renew it."""
    used: list[str] = []

    def refuse(route: Route) -> None:
        token = route.request.headers["authorization"]
        used.append(token)
        if token == used[0]:
            route.fulfill(status=401, json=problem(401))
        else:
            route.continue_()

    def no_renewal(route: Route) -> None:
        if "grant_type=refresh_token" in (route.request.post_data or ""):
            route.fulfill(status=400, json={"error": "invalid_grant"})
        else:
            route.continue_()

    page.route(API, refuse)
    page.route("**/oauth2/token", no_renewal)


def test_a_form_outlives_its_session(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    page = signed_in(administrator, "people")
    page.get_by_role("button", name="Invite a person").click()
    page.get_by_label("E-mail address").fill(f"{uuid.uuid4().hex[:12]}@test.example")
    page.get_by_label("Name").fill("Grace")
    expire(page)
    page.get_by_role("button", name="Send the invitation").click()
    again = page.get_by_role("dialog", name="Your session has ended")
    expect(again).to_be_visible()

    with page.expect_popup() as first:
        again.get_by_role("button", name="Sign in").click()
    first.value.locator("input[name=username]").wait_for()
    first.value.close()
    expect(again.get_by_role("alert")).to_contain_text("The window was closed")

    with page.expect_popup() as second:
        again.get_by_role("button", name="Sign in").click()
    fill_sign_in(second.value, administrator.email)
    expect(again).to_have_count(0)
    expect(page.get_by_role("row", name="Grace")).to_be_visible()
    assert "Grace" in {one["name"] for one in client.api.call("GET", "people")["entities"]}


def test_another_person_cannot_continue_the_session(signed_in: Opens, own: Own, person: Callable[..., Account]) -> None:
    page = signed_in(own[1], "people")
    expire(page)
    page.get_by_role("link", name="API clients").click()
    again = page.get_by_role("dialog", name="Your session has ended")
    with page.expect_popup() as opened:
        again.get_by_role("button", name="Sign in").click()
    fill_sign_in(opened.value, person().email)
    expect(again.get_by_role("alert")).to_contain_text("Somebody else signed in")


# -- a network that fails, and an API that is slow or fails ------------------------------------------------------------


def test_without_a_network_the_page_says_so_and_goes_on_when_it_is_back(signed_in: Opens, own: Own) -> None:
    page = signed_in(own[1])
    page.get_by_role("link", name="Usage and limits").click()
    expect(page.get_by_role("row", name="Event types")).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Usage and limits")
    page.context.set_offline(True)
    page.get_by_role("link", name="Usage and limits").click()
    expect(page.get_by_role("alert").first).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    expect(page.get_by_role("row", name="Event types")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


PAGES = {
    "": "Home",
    "views": "Views",
    "paths": "Paths",
    "sources/types": "Sources",
    "sources/configurations": "Sources",
    "sources/endpoints": "Sources",
    "customers?source=crm&value=ada": "Customers",
    "failures": "Failures",
    "usage": "Usage and limits",
    "people": "People",
    "clients": "API clients",
    "builder": "Builder",
}
"""Pages that load data, by address."""


def test_a_slow_api_leaves_no_page_empty(signed_in: Opens, own: Own) -> None:
    page = signed_in(own[1])
    page.route(API, lambda _: None)  # never answers
    for route in [*list(PAGES)[1:], ""]:
        page.evaluate("route => { location.hash = `#/${route}`; }", route)
        expect(page.locator("main").get_by_text("Loading").first).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize("status", [500, 429, 503])
def test_a_failing_api_is_explained_and_can_be_tried_again(signed_in: Opens, own: Own, status: int) -> None:
    client, administrator = own
    _, configuration_id = create_issue(client.api)
    create_endpoint(client.api, configuration_id)
    page = signed_in(administrator)
    answer(page, API, status)
    for route in [*list(PAGES)[1:], ""]:
        page.evaluate("route => { location.hash = `#/${route}`; }", route)
        main = page.locator("main")
        expect(main.get_by_role("alert").first).to_contain_text(f"A refusal with {status}.")
        expect(main.get_by_role("button", name="Try again").first).to_be_visible()
    page.unroute(API)
    page.evaluate("() => { location.hash = '#/sources/endpoints'; }")
    expect(page.get_by_role("link", name="Our shop", exact=True)).to_be_visible()


# -- addresses of others -----------------------------------------------------------------------------------------------


def test_the_addresses_of_another_organization_lead_to_nothing(
    signed_in: Opens, own: Own, sample: Sample, caller: Callable[..., Caller]
) -> None:
    other = caller()
    schema_id, configuration_id = create_issue(other.api)
    endpoint = create_endpoint(other.api, configuration_id)
    page = signed_in(own[1])
    for route in (
        f"views/{sample.view['id']}",
        f"builder/{sample.view['id']}",
        "paths/an-unknown-job",
        f"sources/types/{schema_id}",
        f"sources/configurations/{configuration_id}",
        f"sources/endpoints/{endpoint['id']}",
        f"sources/endpoints/{endpoint['id']}/deliveries",
        "failures/an-unknown-failure",
    ):
        page.evaluate("route => { location.hash = `#/${route}`; }", route)
        main = page.locator("main")
        expect(main).to_contain_text(re.compile("There is no|does not exist"))
        expect(main.get_by_role("link").first).to_be_visible()
        for name in (sample.view["name"], "Issue", "Our shop", "Issues of our shop"):
            expect(main.get_by_text(name, exact=True)).to_have_count(0)
