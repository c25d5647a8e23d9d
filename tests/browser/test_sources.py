"""The pages on sources, in a real browser: event types, configurations, and the endpoints of webhooks."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Dialog, Page, expect

from journeys.registry.people.model import Role
from tests.browser.conftest import Account, fill_sign_in, violations
from tests.conftest import Caller
from tools.api import ApiClient
from tools.deliveries import SALESFORCE_ORGANIZATION, sample_payload
from tools.signing import sign

Opens = Callable[..., Page]
Own = tuple[Caller, Account]

FIELDS = {"action": {"type": "string"}, "state": {"enum": ["open", "closed"]}, "title": {"type": "string"}}
ISSUE = {"title": "Issue", "properties": FIELDS, "required": ["action"]}
SECRET = "a-secret-of-a-test"


def create_issue(api: ApiClient, schema: dict[str, Any] = ISSUE) -> tuple[str, str]:
    """Create an event type and its configuration. Return their ids."""
    schema_id = api.call("POST", "externalevents/schemas", schema)["id"]
    body = {"name": "Issues of our shop", "schemaId": schema_id, "source": "GitHub"}
    return schema_id, api.call("POST", "externalevents/configurations", body)["id"]


def create_endpoint(api: ApiClient, configuration_id: str) -> dict[str, Any]:
    body = {"name": "Our shop", "sender": "github", "configurationId": configuration_id, "secret": SECRET}
    created: dict[str, Any] = api.call("POST", "webhooks/endpoints", body)
    return created


def deliver(url: str, secret: str, payload: bytes) -> int:
    """Deliver a payload as GitHub does, and return the status of the response."""
    signed = sign("github", payload, secret, url, time.time())
    return httpx.post(url, content=signed.body, headers=signed.headers, timeout=40).status_code


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


# -- event types -------------------------------------------------------------------------------------------------------


def test_an_event_type_is_created_and_versioned_with_the_keyboard_alone(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    page = signed_in(administrator, "sources/types/new")
    page.get_by_label("Name").focus()
    page.keyboard.type("Order")
    press(page, "Tab", "Tab")
    expect(page.get_by_role("button", name="Add field")).to_be_focused()
    press(page, "Enter")
    expect(page.get_by_role("group", name="New field").get_by_label("Name")).to_be_focused()
    page.keyboard.type("orderId")
    press(page, "Tab")
    page.keyboard.type("Identifier")
    press(page, "Tab", "Space", "Enter")
    expect(page.get_by_role("heading", name="Order", exact=True)).to_be_visible()
    (created,) = client.api.call("GET", "externalevents/schemas")["entities"]
    field = {"allOf": [{"$ref": "#/definitions/identifier"}]}
    assert (created["jsonSchema"]["properties"], created["jsonSchema"]["required"]) == ({"orderId": field}, ["orderId"])

    page.get_by_role("button", name="Add field").focus()
    press(page, "Enter")
    expect(page.get_by_role("group", name="New field").get_by_label("Name")).to_be_focused()
    page.keyboard.type("city")
    expect(page.get_by_text("It cannot become required")).to_be_visible()
    press(page, "Enter")
    expect(page.get_by_text("Version 2.")).to_be_visible()
    page.get_by_role("link", name="Versions").focus()
    press(page, "Enter")
    expect(page.get_by_text("Field “city” added (text).")).to_be_visible()


def test_what_a_version_must_keep_is_locked_and_says_why(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    schema_id, _ = create_issue(client.api)
    page = signed_in(administrator, f"sources/types/{schema_id}")
    page.locator("summary", has_text="state").click()
    field = page.get_by_role("group", name="state")
    expect(field.get_by_text("The kind stays")).to_be_visible()
    expect(field.get_by_text("A field cannot be removed")).to_be_visible()
    expect(field.get_by_label("Every event must have this field")).to_be_disabled()
    expect(field.get_by_role("button")).to_have_count(0)
    field.get_by_label("More values").fill("merged\nmerged")
    page.get_by_role("button", name="Save version 2").click()
    expect(field.get_by_text("Each value may stand once.")).to_be_visible()
    field.get_by_label("More values").fill("merged")
    page.get_by_role("button", name="Save version 2").click()
    expect(page.get_by_text("Version 2.")).to_be_visible()
    saved = client.api.call("GET", f"externalevents/schemas/{schema_id}")["jsonSchema"]["properties"]["state"]
    assert saved == {"enum": ["open", "closed", "merged"]}


def test_numbers_that_a_browser_cannot_hold_survive_the_editor(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    largest = 12345678901234567890123
    schema = {"title": "Measure", "properties": {"value": {"type": "integer", "maximum": largest}}}
    schema_id, _ = create_issue(client.api, schema)
    page = signed_in(administrator, f"sources/types/{schema_id}")
    page.get_by_label("Description").first.fill("Changed")
    page.get_by_role("button", name="Save version 2").click()
    expect(page.get_by_text("Version 2.")).to_be_visible()
    saved = client.api.call("GET", f"externalevents/schemas/{schema_id}")["jsonSchema"]
    assert (saved["description"], saved["properties"]["value"]["maximum"]) == ("Changed", largest)


def test_changes_that_are_not_saved_are_not_lost_without_a_question(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    schema_id, _ = create_issue(client.api)
    page = signed_in(administrator, f"sources/types/{schema_id}")
    page.get_by_label("Description").first.fill("Not saved")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", stay)
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_label("Description").first).to_have_value("Not saved")
    assert asked == ["Leave this page? What you changed is not saved."]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_text("Created with 3 fields.")).to_be_visible()


def test_an_event_type_is_activated_disabled_and_refuses_to_be_deleted_while_it_is_used(
    signed_in: Opens, own: Own
) -> None:
    client, administrator = own
    schema_id, _ = create_issue(client.api)
    page = signed_in(administrator, f"sources/types/{schema_id}")
    page.get_by_role("button", name="Activate for views").click()
    page.get_by_label("Name in views").fill("Issues")
    page.get_by_role("dialog").get_by_role("button", name="Activate for views").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete event type").click()
    expect(page.get_by_role("alert")).to_contain_text("Disable it instead")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("button", name="Disable event type").click()
    expect(page.get_by_text("Disabled", exact=True)).to_be_visible()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("Newer than in views")).to_be_visible()
    page.get_by_role("button", name="Take over version 3").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible()
    listed = client.api.call("GET", "views/eventdefinitions")["entities"][0]
    assert listed["displayName"] == "Issues"


# -- configurations ----------------------------------------------------------------------------------------------------


def test_events_are_checked_and_each_outcome_is_shown(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    _, configuration_id = create_issue(client.api)
    page = signed_in(administrator, f"sources/configurations/{configuration_id}")
    expect(page.get_by_role("region", name="Command that sends an event")).to_contain_text(
        f"/api/v2/journey/externalevents/configurations/{configuration_id}/events"
    )
    entered = page.get_by_label("Events as JSON")
    (event,) = json.loads(entered.input_value())
    entered.fill(json.dumps([event, event | {"id": "second", "attributes": {"state": "odd"}}]))
    page.get_by_role("button", name="Check events").click()
    outcomes = page.get_by_role("table", name="Outcome of each event").locator("tbody tr")
    expect(outcomes.nth(0)).to_contain_text("Valid")
    expect(outcomes.nth(1)).to_contain_text("Refused")
    expect(outcomes.nth(1)).to_contain_text("attributes.")


def test_a_configuration_that_endpoints_use_is_deleted_only_with_them_disabled(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    _, configuration_id = create_issue(client.api)
    endpoint = create_endpoint(client.api, configuration_id)
    page = signed_in(administrator, f"sources/configurations/{configuration_id}")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("link", name="Our shop")).to_be_visible()
    expect(dialog.get_by_role("button", name="Delete configuration")).to_be_disabled()
    dialog.get_by_label("Disable these endpoints").check()
    dialog.get_by_role("button", name="Delete configuration").click()
    expect(page.get_by_role("heading", name="There is no configuration yet")).to_be_visible()
    assert client.api.call("GET", f"webhooks/endpoints/{endpoint['id']}")["disabledReason"] == "configuration.deleted"


# -- endpoints ---------------------------------------------------------------------------------------------------------


def test_a_tool_is_connected_and_its_first_delivery_arrives_live(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    create_issue(client.api)
    page = signed_in(administrator, "sources/endpoints")
    page.get_by_role("link", name="Connect a tool").click()
    page.get_by_label("Search tools").fill("git")
    page.get_by_role("link", name="GitHub").click()
    page.get_by_role("button", name="Create endpoint").click()
    expect(page.get_by_text("Copy the secret now.")).to_be_visible()
    expect(page.get_by_text("In GitHub, open the settings")).to_be_visible()
    url, secret = page.get_by_role("region", name="Address and secret").locator("code").all_text_contents()
    assert secret not in page.url
    assert page.evaluate("() => localStorage.length") == 0
    expect(page.get_by_text("Waiting for the first delivery")).to_be_visible()

    page.get_by_role("button", name="Test payload").click()
    expect(page.get_by_text("Would be stored")).to_be_visible()
    assert deliver(url, secret, sample_payload("github")) == 200
    arrived = page.get_by_role("region", name="The first delivery")
    expect(arrived.get_by_text("Ingested")).to_be_visible()
    expect(arrived.get_by_text("1 event stored.")).to_be_visible()

    page.get_by_role("button", name="I have copied the secret").click()
    assert secret not in page.content()
    arrived.get_by_role("link", name="A delivery arrived").click()
    expect(page.get_by_role("dialog").get_by_text("1 event stored")).to_be_visible()
    page.reload()
    fill_sign_in(page, administrator.email)
    expect(page.get_by_role("dialog").get_by_text("1 event stored")).to_be_visible()


@pytest.mark.parametrize("sender", ["github", "qualtrics", "salesforce", "stripe"])
def test_an_event_type_is_made_for_what_a_tool_sends(signed_in: Opens, own: Own, sender: str) -> None:
    page = signed_in(own[1], f"sources/endpoints/new?sender={sender}")
    page.get_by_role("link", name="Create an event type with these fields").click()
    page.get_by_role("button", name="Create event type").click()
    page.get_by_role("button", name="Create configuration").click()
    for option in ("organizationId", "clientId", "header"):
        if page.get_by_label(option, exact=True).count():
            page.get_by_label(option, exact=True).fill(SALESFORCE_ORGANIZATION)
    page.get_by_role("button", name="Create endpoint").click()
    page.get_by_role("button", name="Test payload").click()
    expect(page.get_by_text("Would be stored").first).to_be_visible()


def test_a_refused_delivery_is_explained_and_replayed_after_the_mapping_is_changed(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    _, configuration_id = create_issue(client.api)
    endpoint = create_endpoint(client.api, configuration_id)
    payload = {key: value for key, value in json.loads(sample_payload("github")).items() if key != "action"}
    assert deliver(endpoint["url"], "a-wrong-secret", sample_payload("github")) == 401
    assert deliver(endpoint["url"], SECRET, json.dumps(payload).encode()) < 300
    page = signed_in(administrator, f"sources/endpoints/{endpoint['id']}/deliveries")
    rows = page.get_by_role("table", name="Deliveries").locator("tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Outcome").select_option("refused")
    expect(rows).to_have_count(1)
    rows.get_by_role("link").click()
    expect(page.get_by_role("dialog")).to_contain_text("The signature is wrong.")
    page.get_by_role("button", name="Close").click()

    page.get_by_role("link", name="Mapping").click()
    page.get_by_role("button", name="Replace action").click()
    page.get_by_label("action", exact=True).fill("|| broken")
    page.get_by_role("button", name="Save mapping").click()
    expect(page.get_by_label("action", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("action", exact=True).fill("'opened'")
    page.get_by_role("button", name="Save mapping").click()
    expect(page.get_by_role("button", name="Save mapping")).to_have_count(0)

    page.get_by_role("link", name="Deliveries").click()
    page.get_by_label("Outcome").select_option("failed")
    expect(rows).to_have_count(1)
    rows.get_by_role("link").click()
    page.get_by_role("button", name="Replay delivery").click()
    expect(page.get_by_text("Its events are stored now.")).to_be_visible()


def test_a_payload_that_would_be_refused_shows_the_problem_at_the_field(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    _, configuration_id = create_issue(client.api)
    endpoint = create_endpoint(client.api, configuration_id)
    page = signed_in(administrator, f"sources/endpoints/{endpoint['id']}/test")
    payload = page.get_by_label("Payload")
    payload.fill("{")
    expect(page.get_by_text("This is not JSON")).to_be_visible()
    payload.fill(json.dumps({"action": "opened", "issue": {"state": "odd"}, "sender": {"login": "octocat"}}))
    page.get_by_role("button", name="Test payload").click()
    expect(page.get_by_text("Would be refused", exact=True)).to_be_visible()
    refused = page.locator("dd.bad")
    expect(refused).to_contain_text("odd")
    expect(refused.locator(".problem")).to_be_visible()


def test_a_secret_is_rotated_and_the_previous_one_ends(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    _, configuration_id = create_issue(client.api)
    endpoint = create_endpoint(client.api, configuration_id)
    page = signed_in(administrator, f"sources/endpoints/{endpoint['id']}")
    page.get_by_role("button", name="Rotate secret").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Accept the previous secret").uncheck()
    dialog.get_by_role("button", name="Generate a secret").click()
    expect(dialog).to_contain_text("It is not shown again.")
    secret = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="Close").click()
    assert secret not in page.content()
    payload = sample_payload("github")
    assert (deliver(endpoint["url"], SECRET, payload), deliver(endpoint["url"], secret, payload)) == (401, 200)


def test_a_tool_that_generates_its_secret_is_waited_for(signed_in: Opens, own: Own) -> None:
    client, administrator = own
    create_issue(client.api)
    page = signed_in(administrator, "sources/endpoints/new?sender=stripe")
    page.get_by_role("button", name="Create endpoint").click()
    expect(page.get_by_text("Waits for its secret")).to_be_visible()
    page.get_by_label("Secret of Stripe").fill("sk_not_a_signing_secret")
    page.get_by_role("button", name="Store secret").click()
    expect(page.get_by_label("Secret of Stripe")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Secret of Stripe").fill("whsec_a_signing_secret")
    page.get_by_role("button", name="Store secret").click()
    expect(page.get_by_text("It receives deliveries.")).to_be_visible()


# -- all of them -------------------------------------------------------------------------------------------------------


def test_what_a_viewer_may_not_do_is_not_offered(
    signed_in: Opens, caller: Callable[..., Caller], person: Callable[..., Account]
) -> None:
    client = caller()
    schema_id, configuration_id = create_issue(client.api)
    endpoint = create_endpoint(client.api, configuration_id)
    page = signed_in(person(Role.VIEWER, client.organization_id), "sources/types")
    expect(page.get_by_role("link", name="Issue")).to_be_visible()
    expect(page.get_by_role("link", name="Create event type")).to_have_count(0)
    for route in (f"types/{schema_id}", f"configurations/{configuration_id}", f"endpoints/{endpoint['id']}"):
        page.goto(f"{page.url.partition('#')[0]}#/sources/{route}")
        expect(page.locator("main .card").first).to_be_visible()
        expect(page.locator("main button", has_text="Delete")).to_have_count(0)
        expect(page.locator("main button", has_text="Disable")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_the_pages_are_accessible_and_fit_the_screen(signed_in: Opens, own: Own, size: str, theme: str) -> None:
    client, administrator = own
    schema_id, configuration_id = create_issue(client.api)
    endpoint_id = create_endpoint(client.api, configuration_id)["id"]
    page = signed_in(administrator, "sources/types", size=size, theme=theme)
    routes = {
        "types": page.get_by_role("link", name="Issue"),
        f"types/{schema_id}": page.get_by_text("action", exact=True),
        f"types/{schema_id}/versions": page.get_by_text("Created with 3 fields."),
        f"types/{schema_id}/use": page.get_by_role("link", name="Issues of our shop"),
        "configurations": page.get_by_role("link", name="Issues of our shop"),
        "identifiers": page.get_by_role("group", name="Sources that link"),
        f"configurations/{configuration_id}": page.get_by_role("button", name="Check events"),
        "endpoints": page.get_by_role("link", name="Our shop"),
        f"endpoints/{endpoint_id}": page.get_by_role("heading", name="Mapping in effect"),
        f"endpoints/{endpoint_id}/deliveries": page.get_by_role("heading", name="Nothing was delivered yet"),
        f"endpoints/{endpoint_id}/mapping": page.get_by_role("button", name="Add identifier"),
        f"endpoints/{endpoint_id}/test": page.get_by_role("button", name="Test payload"),
        f"endpoints/{endpoint_id}/settings": page.get_by_role("button", name="Save settings"),
        f"endpoints/{endpoint_id}/setup": page.get_by_text("In GitHub, open the settings"),
        "endpoints/new": page.get_by_role("link", name="Stripe"),
        "endpoints/new?sender=salesforce": page.get_by_label("organizationId"),
    }
    found: dict[str, list[str]] = {}
    for route, shown in routes.items():
        page.goto(f"{page.url.partition('#')[0]}#/sources/{route}")
        expect(shown.first).to_be_visible()
        for summary in page.locator("main summary").all():
            summary.click()
        wide = page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
        problems = violations(page) + (["scrolls sideways"] if wide else [])
        if problems:
            found[route] = problems
    assert found == {}
