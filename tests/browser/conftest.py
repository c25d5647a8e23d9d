"""Fixtures of the browser tests: Chromium, people who sign in, and an organization with sample data.

Without Chromium the tests are skipped, and say so; in CI that is a failure.
"""

import fcntl
import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect, sync_playwright

from journeys.registry.people.model import Role
from tests.conftest import Caller
from tests.support.template import ROOT
from tools.api import ApiClient, batches
from tools.browser import ARGUMENTS, NO_CHROMIUM, chromium
from tools.local_stack.run import configurations
from tools.local_stack.sample import calls, events
from tools.local_stack.sample_view import sample_view
from tools.native_events import put_events
from tools.operator.admin import Admin
from tools.operator.view_results import computed_view
from tools.stack import Stack

PASSWORD = "a password of a test"
CUSTOMERS = 40
SECONDS = 180
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
SIZES: dict[str, ViewportSize] = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}

PATIENCE = 60_000
"""Milliseconds. A function that starts on a busy machine takes its time; a test that passes does not wait."""

expect.set_options(timeout=PATIENCE)


@dataclass(frozen=True)
class Account:
    """A person who can sign in, or an e-mail address that belongs to nobody in the registry."""

    email: str
    organization_id: str
    person_id: str


@dataclass(frozen=True)
class Sample:
    """An organization with the sample events and a computed view; all tests share it, and none changes it."""

    organization_id: str
    api: ApiClient
    view: dict[str, Any]
    result: dict[str, Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as it is installed on this machine."""
    path = chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def person(stack: Stack) -> Callable[..., Account]:
    """Creates people of a new or an existing organization."""
    return lambda role=Role.ADMINISTRATOR, organization_id=None: create_person(stack, role, organization_id)


def create_person(stack: Stack, role: Role, organization_id: str | None = None) -> Account:
    """Create a person with a password, who can sign in at once."""
    admin = Admin(stack)
    if organization_id is None:
        organization_id = f"org-{uuid.uuid4().hex[:12]}"
        admin.create_organization(organization_id, "A test's own")
    email = f"{uuid.uuid4().hex[:12]}@test.example"
    made = admin.create_person(organization_id, email, f"A test's {role.value}", role, PASSWORD)
    stack.cognito.admin_set_user_password(
        UserPoolId=stack.outputs["PeoplePoolId"], Username=made.caller_id, Password=PASSWORD, Permanent=True
    )
    return Account(email, organization_id, made.caller_id)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages, each in a browser profile of its own. An error in a page's console fails the test."""
    problems: list[str] = []
    contexts = []

    def watch(message: ConsoleMessage) -> None:
        if message.type == "error" and not _expected(message):
            problems.append(message.text)

    def make(size: str = "wide", theme: Any = "light", **options: Any) -> Page:
        context = browser.new_context(viewport=SIZES[size], color_scheme=theme, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", watch)
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert not problems


def _expected(message: ConsoleMessage) -> bool:
    """The browser itself writes an error for each response of 4xx or 5xx, and for each request without a network."""
    return message.text.startswith("Failed to load resource:")


@pytest.fixture
def signed_in(stack: Stack, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Signs a person in, and returns the page at a route of the console."""

    def make(account: Account, route: str = "", **options: Any) -> Page:
        page = open_page(**options)
        page.goto(f"{stack.console_url}#/{route}")
        fill_sign_in(page, account.email)
        expect(page.locator("main h1, main h2").first).to_be_visible()
        return page

    return make


def fill_sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill in the sign-in page, which belongs to Cognito or its emulator."""
    page.locator("input[name=username]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")


def violations(page: Page) -> list[str]:
    """What axe finds on the page: the rule, and the elements that break it."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in found]


@pytest.fixture(scope="session")
def sample(stack: Stack) -> Sample:
    """An organization with the sample events and a computed view. The test processes share it."""
    home = ROOT / ".local" / "test"
    with (home / "browser.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _sample(stack, home / "browser.json")


def _sample(stack: Stack, file: Path) -> Sample:
    if file.exists():
        known = json.loads(file.read_text())
        if known["apiUrl"] == stack.api_url and known["organizationId"] in dict(Admin(stack).organizations()):
            return Sample(known["organizationId"], _api(stack, known["client"]), known["view"], known["result"])
    admin, organization_id = Admin(stack), f"org-{uuid.uuid4().hex[:12]}"
    admin.create_organization(organization_id, "Sample Shop")
    client = admin.create_client(organization_id, "everything", ["all"]).to_json()
    api = _api(stack, client)
    for event_type, sent in _by_type(organization_id).items():
        for batch in batches(sent):
            api.send(configurations(api)[event_type], batch)
    source = f"local.{organization_id}"
    admin.add_native_source(organization_id, source)
    put_events(stack, calls(organization_id, CUSTOMERS, datetime.now(UTC), source))
    definitions = {one["name"]: one["id"] for one in api.call("GET", "views/eventdefinitions")["entities"]}
    view_id = api.call("POST", "views", sample_view(definitions))["id"]
    view, result = computed_view(api, view_id, timeout=SECONDS)
    known = {"apiUrl": stack.api_url, "organizationId": organization_id, "client": client}
    file.write_text(json.dumps(known | {"view": view, "result": result}))
    return Sample(organization_id, api, view, result)


def _by_type(seed: str) -> dict[str, list[dict[str, Any]]]:
    sent: dict[str, list[dict[str, Any]]] = {}
    for event_type, event in events(seed, CUSTOMERS, datetime.now(UTC)):
        sent.setdefault(event_type.title, []).append(event)
    return sent


def _api(stack: Stack, client: dict[str, Any]) -> ApiClient:
    return ApiClient(stack.api_url, stack.token_url, client["clientId"], client["clientSecret"])


@pytest.fixture
def own(caller: Callable[..., Caller], person: Callable[..., Account]) -> tuple[Caller, Account]:
    """A new organization: a client with all permissions, and an administrator."""
    client = caller()
    return client, person(Role.ADMINISTRATOR, client.organization_id)
