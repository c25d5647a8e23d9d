"""The pages on people, API clients and limits, in a real browser."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from journeys.registry.people.model import Role
from tests.browser.conftest import Account, Sample, fill_sign_in, violations
from tests.conftest import Caller
from tools.api import ApiError
from tools.stack import Stack

Opens = Callable[..., Page]
Own = tuple[Caller, Account]


def cell(page: Page, row: str, number: int) -> Any:
    return page.get_by_role("row", name=row).locator("td").nth(number)


def test_an_administrator_invites_changes_and_disables_a_person(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    email = f"Grace.{uuid.uuid4().hex[:12]}@Test.example"
    page = signed_in(administrator, "people")
    page.get_by_role("button", name="Invite a person").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Name").fill("Grace")
    page.get_by_label("Role").select_option("analyst")
    page.keyboard.press("Enter")
    expect(cell(page, "Grace", 0)).to_have_text(email.lower())
    expect(cell(page, "Grace", 1)).to_have_text("Analyst")

    page.get_by_role("button", name="Edit Grace").click()
    page.get_by_label("Role").select_option("integrator")
    page.get_by_role("button", name="Save the changes").click()
    expect(cell(page, "Grace", 1)).to_have_text("Integrator")

    page.get_by_role("button", name="Disable Grace").click()
    page.get_by_role("button", name="Disable the person").click()
    expect(cell(page, "Grace", 2)).to_have_text("Disabled")
    listed = {one["name"]: (one["role"], one["state"]) for one in client.api.call("GET", "people")["entities"]}
    assert listed["Grace"] == ("integrator", "Disabled")


def test_what_the_api_refuses_is_said_in_the_dialog_and_keeps_the_entries(signed_in: Opens, own: Own) -> None:
    _, administrator = own
    page = signed_in(administrator, "people")
    page.get_by_role("button", name="Invite a person").click()
    page.get_by_label("E-mail address").fill(administrator.email)
    page.get_by_label("Name").fill("Twice")
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Twice")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Invite a person")).to_be_focused()


def test_a_new_clients_secret_is_shown_once_and_works(stack: Stack, signed_in: Opens, own: Own) -> None:
    page = signed_in(own[1], "clients")
    page.get_by_role("button", name="Create an API client").click()
    page.get_by_label("Name").fill("nightly import")
    page.get_by_role("group", name="Usage and limits").get_by_label("view").check()
    page.get_by_role("button", name="Create the client").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("not shown again")
    client_id, secret = dialog.locator("code").all_text_contents()
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    page.get_by_role("button", name="I have copied the secret").click()
    assert secret not in page.content()
    form = {"grant_type": "client_credentials", "scope": "journey/api"}
    token = httpx.post(stack.token_url, data=form, auth=(client_id, secret)).json()["access_token"]
    answer = httpx.get(
        f"{stack.api_url}/api/v2/journey/me", headers={"Authorization": f"Bearer {token}"}, timeout=40
    ).json()
    assert answer["permissions"] == ["journey:usage:view"]

    page.get_by_role("button", name="Delete nightly import").click()
    page.get_by_role("button", name="Delete the client").click()
    expect(page.get_by_role("row", name="nightly import")).to_have_count(0)
    with pytest.raises(ApiError):
        own[0].api.call("GET", f"clients/{client_id}")


def test_only_permissions_of_the_reader_can_be_granted(signed_in: Opens, own: Own) -> None:
    page = signed_in(own[1], "clients")
    page.get_by_role("button", name="Create an API client").click()
    offered = page.get_by_role("dialog").get_by_role("checkbox")
    me = own[0].api.call("GET", "me")  # a client with every permission, as an administrator has
    expect(offered).to_have_count(len(me["permissions"]))


def test_limits_are_those_of_the_api(signed_in: Opens, sample: Sample, person: Callable[..., Account]) -> None:
    page = signed_in(person(Role.VIEWER, sample.organization_id), "usage")
    limits = {one["key"]: one for one in sample.api.call("GET", "limits")["entities"]}
    types = limits["event.types.per.org"]
    expect(cell(page, "Event types", 0)).to_have_text(str(types["count"]))
    expect(cell(page, "Event types", 1)).to_have_text(str(types["value"]))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.INTEGRATOR])
def test_others_are_not_offered_people_and_clients(
    signed_in: Opens, person: Callable[..., Account], role: Role
) -> None:
    page = signed_in(person(role), "people")
    expect(page.get_by_role("heading", name="You may not see the page People")).to_be_visible()
    expect(page.get_by_role("link", name="API clients")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_the_pages_are_accessible(
    stack: Stack, open_page: Opens, person: Callable[..., Account], theme: str, size: str
) -> None:
    page = open_page(size=size, theme=theme)
    page.goto(f"{stack.console_url}#/people")
    fill_sign_in(page, person().email)
    expect(page.get_by_role("region", name="People of the organization")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Invite a person").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    for route, button in (("usage", None), ("clients", "Create an API client")):
        page.evaluate(f"() => {{ location.hash = '#/{route}'; }}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if button:
            page.get_by_role("button", name=button).click()
        assert violations(page) == []
