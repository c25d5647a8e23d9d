"""The pages on failures, in a real browser: counts, filters, the fix, and replays."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from journeys.registry.people.model import Role
from tests.browser.conftest import Account, fill_sign_in, violations
from tests.conftest import Caller
from tests.e2e.test_pipeline import configure, wait_for
from tools.api import ApiClient

Opens = Callable[..., Page]
Own = tuple[Caller, Account]

SECRET = "the secret of a test"
ORDER = {
    "title": "Order",
    "required": ["orderId"],
    "properties": {"orderId": {"type": "string"}, "amount": {"type": "number"}},
}
MAPPING = {
    "id": "order.id",
    "dateCreated": "order.at",
    "customer": "order.buyer",
    "externalSourceId": "'crm'",
    "attributes": {"orderId": "order.id", "amount": "order.total"},
}


class Shop:
    """An organization with a configuration, and an endpoint whose mapping forgets to convert the amount."""

    def __init__(self, own: Own) -> None:
        self.api: ApiClient = own[0].api
        self.account = own[1]
        self.configuration = configure(self.api, ORDER, "Shop")
        options = {"header": "x-signature", "algorithm": "sha256", "encoding": "hex"}
        wanted = {"name": "Our shop", "sender": "hmac", "configurationId": self.configuration, "secret": SECRET}
        made = self.api.call("POST", "webhooks/endpoints", wanted | {"options": options, "mapping": MAPPING})
        self.endpoint, self._url = str(made["id"]), str(made["url"])

    def deliver(self, number: int, **fields: Any) -> dict[str, Any]:
        """Deliver an order, as the tool would. The counts of its events."""
        order = {"id": f"SO-{number}", "at": datetime.now(UTC).isoformat(), "buyer": "ada", "total": "12.50", **fields}
        body = json.dumps({"order": order}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Topic": "orders/paid", "X-Signature": signature}
        answer: dict[str, Any] = httpx.post(self._url, content=body, headers=headers, timeout=40).json()
        return answer

    def correct(self) -> None:
        attributes = MAPPING["attributes"] | {"amount": "to_number(order.total)"}  # type: ignore[operator]
        self.api.call("PATCH", f"webhooks/endpoints/{self.endpoint}", {"mapping": MAPPING | {"attributes": attributes}})

    def send(self, *attributes: dict[str, Any]) -> None:
        """Send events over the API. All are refused."""
        events = [
            {
                "id": f"event {number}",
                "dateCreated": datetime.now(UTC).isoformat(),
                "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "bob"}]},
                "attributes": one,
            }
            for number, one in enumerate(attributes)
        ]
        assert len(self.api.send(self.configuration, events)["unprocessedEntities"]) == len(events)

    def open_failures(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.call("GET", "externalevents/failures", status="open")["entities"]
        return found


@pytest.fixture
def shop(own: Own) -> Shop:
    return Shop(own)


def chips(page: Page, title: str) -> dict[str, str]:
    """The numbers of a group of counts, by name."""
    buttons = page.get_by_role("region", name=title).get_by_role("button").all()
    return {
        one.locator(".chip-label").inner_text().strip(): one.locator("strong").inner_text().strip() for one in buttons
    }


def test_the_counts_are_those_of_the_api_and_filter_the_list(signed_in: Opens, shop: Shop) -> None:
    shop.send({"orderId": "1", "colour": "red"}, {"orderId": "2", "color": "red"}, {"amount": 3})
    for number in range(3):
        shop.deliver(number)
    page = signed_in(shop.account, "failures")
    rows = page.get_by_role("table", name="Failures, newest first").locator("tbody tr")
    expect(rows).to_have_count(6)
    summary = shop.api.call("GET", "externalevents/failures/summary")["entities"]
    by_reason = {one["reason"]: str(one["openCount"]) for one in summary}
    assert chips(page, "By reason") == {
        "Attribute not in the event type": by_reason["unknown.attribute"],
        "Required attribute missing": by_reason["missing.attribute"],
        "Value not allowed": by_reason["invalid.attribute"],
    }
    assert chips(page, "By source") == {"Shop": "3", "hmac": "3"}

    page.get_by_role("button", name="Attribute not in the event type").click()
    expect(rows).to_have_count(2)
    assert "reason=unknown.attribute" in page.url
    page.go_back()
    expect(rows).to_have_count(6)
    page.go_forward()
    page.reload()
    fill_sign_in(page, shop.account.email)
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Attribute not in the event type").click()
    expect(rows).to_have_count(6)
    page.get_by_role("button", name="hmac").click()
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="hmac").click()
    page.get_by_label("Configuration or endpoint").select_option("Our shop (endpoint)")
    expect(rows).to_have_count(3)
    page.get_by_label("Status").select_option("Resolved")
    expect(page.get_by_role("heading", name="No failures match the filters")).to_be_visible()


def test_a_broken_mapping_is_seen_fixed_and_replayed(signed_in: Opens, shop: Shop) -> None:
    """With the keyboard alone, apart from the correction of the mapping, which the pages on sources test."""
    assert shop.deliver(1)["failed"] == 1
    page = signed_in(shop.account, "failures")
    link = page.get_by_role("link", name="Value not allowed")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Value not allowed")).to_be_visible()
    delivered = page.get_by_role("region", name="What was delivered")
    expect(delivered).to_contain_text("orders/paid")
    expect(delivered).to_contain_text('"total": "12.50"')
    expect(delivered).not_to_contain_text("x-signature")
    became = page.get_by_role("region", name="What became of it")
    expect(became.get_by_role("row", name="amount")).to_contain_text("must be a number")
    top = "one => one.getBoundingClientRect().top"
    assert delivered.evaluate(top) == became.evaluate(top), "they stand side by side"

    expect(page.get_by_role("link", name="Open the event type")).to_be_visible()
    mapping = page.get_by_role("link", name="mapping")
    assert mapping.get_attribute("href") == f"#/sources/endpoints/{shop.endpoint}/mapping"

    page.get_by_role("button", name="Replay this failure").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Last replay: failed again (value not allowed)")).to_be_visible()
    shop.correct()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Last replay: stored; events: 1 stored")).to_be_visible()
    expect(page.get_by_text("Resolved", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Replay this failure")).to_have_count(0)
    expect(page.get_by_role("region", name="Replays").get_by_role("listitem")).to_have_count(2)
    assert shop.open_failures() == []
    found = wait_for(shop.api, 1)
    assert found["recentEvents"][0]["attributes"] == {"orderId": "SO-1", "amount": 12.5}


def test_all_that_match_are_replayed_and_what_failed_again_is_said(signed_in: Opens, shop: Shop) -> None:
    for number in range(4):
        shop.deliver(number, buyer=None if number == 3 else "ada")
    shop.send({"amount": 3})
    shop.correct()
    page = signed_in(shop.account, f"failures?endpointId={shop.endpoint}")
    page.get_by_role("button", name="Replay all that match").click()
    page.get_by_role("dialog").get_by_role("button", name="Replay failures").click()
    expect(page.get_by_role("heading", name="Replay done")).to_be_visible()
    expect(page.get_by_text("4 failures replayed: 3 stored, 0 stored before, 1 failed again")).to_be_visible()
    expect(page.get_by_role("list", name="Why failures failed again")).to_contain_text("No customer")
    rows = page.get_by_role("table", name="Failures, newest first").locator("tbody tr")
    expect(rows).to_have_count(1)
    assert sorted(one["source"] for one in shop.open_failures()) == ["Shop", "hmac"]


def test_a_long_replay_shows_its_progress_and_can_be_stopped(signed_in: Opens, shop: Shop) -> None:
    """The test answers in place of the API: each request replays 10 failures, and 100 remain."""
    shop.deliver(1)
    page = signed_in(shop.account, "failures")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/failures/replay", hold)
    counts = {"replayed": 10, "created": 9, "duplicate": 0, "failed": 1, "ignored": 0}
    step = counts | {"failedReasons": [{"reason": "missing.date", "count": 1}], "complete": False, "remaining": 100}
    page.get_by_role("button", name="Replay all that match").click()
    expect(page.get_by_text("1 open failure matches the filters")).to_be_visible()
    with page.expect_request("**/failures/replay"):
        page.get_by_role("dialog").get_by_role("button", name="Replay failures").click()
    with page.expect_request("**/failures/replay"):
        waiting[-1].fulfill(json=step | {"nextCursor": "the next"})
    expect(page.get_by_text("10 failures replayed")).to_be_visible()
    bar = page.get_by_role("progressbar", name="Progress of the replay")
    assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("10", "110")
    assert '"cursor":"the next"' in (waiting[-1].request.post_data or "")
    page.get_by_role("button", name="Stop the replay").click()
    expect(page.get_by_role("button", name="Stopping after this step")).to_be_focused()
    waiting[-1].fulfill(json=step | {"nextCursor": "another"})
    expect(page.get_by_role("heading", name="Replay stopped")).to_be_visible()
    expect(page.get_by_text("20 failures replayed: 18 stored")).to_be_visible()
    expect(page.get_by_role("list", name="Why failures failed again")).to_contain_text("No date")
    assert len(waiting) == 2


def test_a_viewer_is_not_offered_a_replay(signed_in: Opens, person: Callable[..., Account], shop: Shop) -> None:
    shop.deliver(1)
    viewer = person(Role.VIEWER, shop.account.organization_id)
    page = signed_in(viewer, "failures")
    page.get_by_role("link", name="Value not allowed").click()
    expect(page.get_by_role("region", name="What was delivered")).to_be_visible()
    expect(page.get_by_role("button", name="Replay")).to_have_count(0)
    page.get_by_role("main").get_by_role("link", name="Failures").click()
    expect(page.get_by_role("table", name="Failures, newest first")).to_be_visible()
    expect(page.get_by_role("button", name="Replay")).to_have_count(0)


def test_another_organizations_failure_is_not_there(
    signed_in: Opens, person: Callable[..., Account], shop: Shop
) -> None:
    shop.deliver(1)
    page = signed_in(person(), f"failures/{shop.open_failures()[0]['id']}")
    expect(page.get_by_role("heading", name="There is no such failure")).to_be_visible()


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_what_was_delivered_stays_text_and_keeps_the_layout(signed_in: Opens, shop: Shop, size: str) -> None:
    image = "<img src=x onerror=alert(1)>"
    shop.deliver(1, total=image, note="W" * 5000, direction="a\u202eb", **{image: image})
    page = signed_in(shop.account, "failures", size=size)
    page.on("dialog", lambda _: pytest.fail("content was run"))
    page.get_by_role("link", name="Value not allowed").click()
    delivered = page.get_by_role("region", name="What was delivered")
    expect(delivered).to_contain_text(f'"total": "{image}"')
    delivered.get_by_role("button", name="Show all").click()
    expect(delivered).to_contain_text("W" * 5000)
    expect(page.get_by_role("region", name="What became of it")).to_contain_text(image)
    expect(page.locator("main img")).to_have_count(0)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_the_pages_are_accessible(signed_in: Opens, shop: Shop, theme: str, size: str) -> None:
    shop.deliver(1)
    shop.send({"amount": 3})
    page = signed_in(shop.account, "failures", size=size, theme=theme)
    expect(page.get_by_role("table", name="Failures, newest first")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Replay all that match").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Replay all that match")).to_be_focused()
    for reason in ("Value not allowed", "Required attribute missing"):
        page.get_by_role("link", name=reason).click()
        expect(page.get_by_role("region", name="What became of it")).to_be_visible()
        assert violations(page) == []
        page.go_back()
    page.evaluate("() => { location.hash = '#/failures?reason=event.removed'; }")
    expect(page.get_by_role("heading", name="No failures match the filters")).to_be_visible()
    assert violations(page) == []
