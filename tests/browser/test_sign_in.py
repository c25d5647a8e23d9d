"""Signing in and out, and sessions that end, in a real browser."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from journeys.registry.people.model import Role
from tests.browser.conftest import PASSWORD, Account, fill_sign_in, violations
from tools.stack import Stack

Opens = Callable[..., Page]


def test_a_person_signs_in_and_sees_the_organization(signed_in: Opens, person: Callable[..., Account]) -> None:
    page = signed_in(person(Role.VIEWER))
    expect(page.get_by_text("A test's viewer")).to_be_visible()
    assert page.evaluate("() => [localStorage.length, sessionStorage.length]") == [0, 0]
    assert "code=" not in page.url


def test_a_deep_link_survives_the_sign_in(signed_in: Opens, person: Callable[..., Account]) -> None:
    page = signed_in(person(), "views?name=a%20name")
    assert page.url.endswith("#/views?name=a%20name")


def test_what_the_browser_keeps_over_the_sign_in_names_no_customer(
    stack: Stack, open_page: Opens, person: Callable[..., Account]
) -> None:
    page = open_page()
    page.goto(f"{stack.console_url}#/customers?value=jane%40example.com")
    page.locator("input[name=username]").wait_for()
    assert "jane" not in page.url
    kept = page.evaluate("() => JSON.stringify(sessionStorage)")  # the emulator's sign-in page has the same origin
    assert "sign-in" in kept
    assert "jane" not in kept
    fill_sign_in(page, person().email)
    expect(page.locator("main h1, main h2").first).to_be_visible()
    assert page.url.endswith("#/customers?value=jane%40example.com")


def test_a_person_without_an_organization_is_told_what_to_ask_for(stack: Stack, open_page: Opens) -> None:
    email = f"{uuid.uuid4().hex[:12]}@test.example"
    pool = stack.outputs["PeoplePoolId"]
    stack.cognito.admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS")
    stack.cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=PASSWORD, Permanent=True)
    page = open_page()
    page.goto(stack.console_url)
    fill_sign_in(page, email)
    expect(page.get_by_role("heading", name="You have no access yet")).to_be_visible()
    expect(page.get_by_text("Ask an administrator")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("answer", ["code=anything&state=forged", "error=access_denied&error_description=Denied"])
def test_an_answer_to_another_sign_in_is_refused(stack: Stack, open_page: Opens, answer: str) -> None:
    page = open_page()
    page.goto(f"{stack.console_url}?{answer}")
    expect(page.get_by_role("heading", name="The console could not start")).to_be_visible()


def test_signing_out_ends_the_session(stack: Stack, signed_in: Opens, person: Callable[..., Account]) -> None:
    page = signed_in(person())
    page.get_by_role("button", name="Sign out").click()
    page.locator("input[name=username]").wait_for()
    page.goto(stack.console_url)
    page.locator("input[name=username]").wait_for()


def test_an_expired_token_is_replaced_unseen(signed_in: Opens, person: Callable[..., Account]) -> None:
    page = signed_in(person())
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=401, json={"message": "expired", "code": "authentication.required", "status": 401})

    page.route("**/api/v2/journey/**", refuse_once)
    with page.expect_request("**/oauth2/token"):
        page.get_by_role("link", name="Usage and limits").click()
    expect(page.get_by_role("heading", name="Usage and limits")).to_be_visible()
    assert len(refused) == 1


def test_a_page_from_another_release_says_so_and_can_be_tried_again(
    signed_in: Opens, person: Callable[..., Account]
) -> None:
    page = signed_in(person())
    page.route("**/assets/*.js", lambda route: route.fulfill(status=404))
    page.get_by_role("link", name="Usage and limits").click()
    expect(page.get_by_role("alert")).to_contain_text("reload the console")


def test_an_unknown_address_leads_back(signed_in: Opens, person: Callable[..., Account]) -> None:
    page = signed_in(person(), "nothing/here")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.get_by_role("link", name="Go to the first page").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_the_menu_works_with_the_keyboard_on_a_narrow_screen(signed_in: Opens, person: Callable[..., Account]) -> None:
    page = signed_in(person(), size="narrow")
    menu = page.get_by_role("button", name="Menu")
    menu.focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "false")
    assert page.evaluate("() => document.activeElement.id") == "main"
