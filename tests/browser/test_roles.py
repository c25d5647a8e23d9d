"""Every page as each role, in both themes: what may be seen, what is offered, and axe."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from journeys.registry.people.model import ROLES, Role
from tests.browser.conftest import Account, violations
from tests.browser.test_sources import create_endpoint, create_issue
from tests.conftest import Caller
from tests.e2e.test_pipeline import wait_for

Opens = Callable[..., Page]

NAME = "Issues opened"
LONG_AGO = "2020-01-01T00:00:00Z/2020-02-01T00:00:00Z"
"""An interval without events."""


@dataclass(frozen=True)
class Visit:
    """A page: its address, the text that shows that it is complete, and the actions that need a permission."""

    route: str
    shown: str
    permission: str
    actions: tuple[tuple[str, str], ...] = ()
    """Names of buttons and links, each with the permission that it needs."""


VISITS = (
    Visit("", "Events", "usage:view"),
    Visit("views", "Issues opened", "views:view", (
        ("New view", "views:add"),
        ("Compute now of Issues opened", "viewsJobs:add"),
        ("Edit Issues opened", "views:edit"),
        ("Duplicate Issues opened", "views:add"),
        ("Delete Issues opened", "views:delete"),
    )),
    Visit("views/{view}", "This version has no figures yet", "views:view", (
        ("Compute figures", "viewsJobs:add"),
        ("Edit view", "views:edit"),
        ("Duplicate view", "views:add"),
        ("Delete view", "views:delete"),
    )),
    Visit("views/{view}?tab=versions", "Version 1", "views:view"),
    Visit("views/{view}?tab=schedule", "This view has no schedule", "viewsSchedule:view", (
        ("Create schedule", "viewsSchedule:add"),
    )),
    Visit("builder", "With which event", "views:edit"),
    Visit("builder/{view}", "Issues opened", "views:edit", (("Save view", "views:edit"),)),
    Visit("paths", "After opened", "viewsJobs:view", (
        ("Explore paths", "viewsJobs:add"),
        ("Change and explore again After opened", "viewsJobs:add"),
    )),
    Visit("paths/{paths}", "No event starts a path", "viewsJobs:view", (
        ("Change and explore again", "viewsJobs:add"),
        ("Download CSV", "viewsResults:view"),
    )),
    Visit("customers", "Identifier", "customers:view"),
    Visit("customers?source=crm&value=ada", "1 of 1 event loaded", "customers:view"),
    Visit("sources/types", "Issue", "externalEventsSchema:view", (("Create event type", "externalEventsSchema:add"),)),
    Visit("sources/types/{type}", "Fields", "externalEventsSchema:view", (
        ("Add field", "externalEventsSchema:edit"),
        ("Disable", "externalEventsSchema:edit"),
        ("Delete", "externalEventsSchema:delete"),
    )),
    Visit("sources/configurations", "Issues of our shop", "externalEventsConfiguration:view", (
        ("Create configuration", "externalEventsConfiguration:add"),
    )),
    Visit("sources/configurations/{configuration}", "Command", "externalEventsConfiguration:view", (
        ("Rename", "externalEventsConfiguration:edit"),
        ("Delete", "externalEventsConfiguration:delete"),
        ("Check events", "externalEventsEvent:add"),
    )),
    Visit("sources/endpoints", "Our shop", "webhooks:view", (("Connect a tool", "webhooks:add"),)),
    Visit("sources/endpoints/{endpoint}", "Mapping in effect", "webhooks:view", (
        ("Rename", "webhooks:edit"),
        ("Rotate secret", "webhooks:edit"),
        ("Delete", "webhooks:delete"),
    )),
    Visit("failures", "Attribute not in the event type", "externalEventsFailures:view", (
        ("Replay all that match", "externalEventsFailures:edit"),
    )),
    Visit("failures/{failure}", "What was delivered", "externalEventsFailures:view", (
        ("Replay this failure", "externalEventsFailures:edit"),
    )),
    Visit("usage", "Event types", "usage:view"),
    Visit("people", "A test's administrator", "people:view", (("Invite a person", "people:add"),)),
    Visit("clients", "a test's client", "clients:view", (("Create an API client", "clients:add"),)),
)  # fmt: skip


@pytest.fixture
def ids(caller: Callable[..., Caller]) -> dict[str, str]:
    """An organization with one of everything, and the ids of what it has."""
    client = caller()
    api = client.api
    schema_id, configuration_id = create_issue(api)
    api.call("PUT", f"views/eventdefinitions/{schema_id}/activate", {})
    element = {"id": "opened", "name": "Opened", "attributes": {"id": schema_id}}
    view = api.call("POST", "views", {"name": NAME, "duration": "P30D", "elements": [element]})
    start = {"attributes": {"type": "Event", "id": schema_id}}
    paths = api.call("POST", "paths/jobs", {"name": "After opened", "interval": LONG_AGO, "start": start})
    event = {
        "id": "an event",
        "dateCreated": datetime.now(UTC).isoformat(),
        "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "ada"}]},
        "attributes": {"action": "opened"},
    }
    api.send(configuration_id, [event, event | {"id": "refused", "attributes": {"action": "opened", "colour": "red"}}])
    wait_for(api, 1)
    return {
        "organization": client.organization_id,
        "view": view["id"],
        "paths": paths["id"],
        "type": schema_id,
        "configuration": configuration_id,
        "endpoint": create_endpoint(api, configuration_id)["id"],
        "failure": api.call("GET", "externalevents/failures")["entities"][0]["id"],
    }


def missing_or_surplus(page: Page, visit: Visit, role: Role) -> list[str]:
    """The actions that the role may do but does not find, and those that it finds but may not do."""
    main, found = page.locator("main"), []
    for name, permission in visit.actions:
        controls = main.get_by_role("button", name=name, exact=True).or_(
            main.get_by_role("link", name=name, exact=True)
        )
        if may(role, permission):
            expect(controls.first).to_be_visible()
        elif controls.count():
            found.append(f"{name} is offered without {permission}")
    return found


def may(role: Role, permission: str) -> bool:
    return f"journey:{permission}" in ROLES[role]


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_what_it_may_see_and_is_offered_what_it_may_do(
    signed_in: Opens, person: Callable[..., Account], ids: dict[str, str], role: Role
) -> None:
    page = signed_in(person(role, ids["organization"]))
    found: dict[str, list[str]] = {}
    for visit in VISITS:
        page.emulate_media(color_scheme="light")
        page.evaluate("route => { location.hash = `#/${route}`; }", visit.route.format(**ids))
        if may(role, visit.permission):
            expect(page.locator("main").get_by_text(visit.shown).first).to_be_visible()
            problems = missing_or_surplus(page, visit, role)
        else:
            expect(page.get_by_role("heading", name="You may not see")).to_be_visible()
            expect(page.locator("main")).to_contain_text("Ask an administrator")
            problems = []
        problems += violations(page)
        page.emulate_media(color_scheme="dark")
        problems += violations(page)
        if problems:
            found[visit.route] = problems
    assert found == {}
