"""Pictures of the console for the documentation, made from the sample data of the local stack."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Error, Page, sync_playwright

from tools.browser import ARGUMENTS, NO_CHROMIUM, chromium
from tools.errors import SetupError, ToolError
from tools.paths import ROOT

FOLDER = ROOT / "docs" / "images"
WIDTH = 1440
"""Pixels. The whole sample journey fits."""
MAX_BYTES = 1_100_000
"""Bytes of all pictures together, which every checkout downloads."""
TIMEOUT = 60_000
"""Milliseconds within which a page must have loaded."""
LOADED = "() => document.querySelector('main h1') && !document.querySelector('main .loading')"
"""Whether a page shows its data: nothing on it is still being loaded."""


@dataclass(frozen=True)
class Picture:
    """A picture: the name of its file, the route with {view} and {paths} for the sample's ids, and its height.

    With `breakdown`, the page breaks the view down by this choice of its dialog, and the picture shows the result.
    """

    name: str
    route: str
    height: int
    theme: Literal["light", "dark"] = "light"
    breakdown: str = ""


PICTURES = (
    Picture("console-view", "views/{view}", 660),
    Picture("console-view-dark", "views/{view}", 660, "dark"),
    Picture("console-who", "views/{view}?who=elementId%3Ddelivered%26linkId%3Dsupport", 660),
    Picture("console-builder", "builder/{view}", 660),
    Picture("console-breakdown", "views/{view}", 760, breakdown="elementId=case&attribute=category"),
    Picture("console-paths", "paths/{paths}", 940),
    Picture("console-customer", "customers?source=crm&value=C-0024", 660),
)


def take(console_url: str, person: dict[str, Any], ids: Mapping[str, str], folder: Path = FOLDER) -> Iterator[Path]:
    """Write the pictures to a folder, as a person who signs in to the console. Yields the path of each.

    Raises SetupError without Chromium, and ToolError if a page did not load.
    """
    path = chromium()
    if path is None:
        raise SetupError(NO_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            for theme in ("light", "dark"):
                page = _signed_in(browser, console_url, person, theme)
                for picture in PICTURES:
                    if picture.theme == theme:
                        yield _take(page, picture, ids, folder)
        except Error as error:
            raise ToolError(f"A page of the console did not load: {error.message.splitlines()[0]}") from error
        finally:
            browser.close()


def person_of(description: Path) -> dict[str, Any]:
    """The administrator of the local stack's first organization, with the password. Raises ToolError."""
    for organization in json.loads(description.read_text())["organizations"]:
        for person in organization.get("people", []):
            if person["role"] == "administrator":
                return dict(person)
    raise ToolError("The local stack has no administrator. Start it again with `make down` and `make run`.")


def _signed_in(browser: Browser, console_url: str, person: dict[str, Any], theme: Any) -> Page:
    context = browser.new_context(
        viewport={"width": WIDTH, "height": 800}, color_scheme=theme, reduced_motion="reduce", locale="en-US"
    )
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    page.goto(console_url)
    page.locator("input[name=username]").fill(person["email"])
    page.locator("input[name=password]").fill(person["password"])
    page.keyboard.press("Enter")
    page.wait_for_function(LOADED)
    return page


def _take(page: Page, picture: Picture, ids: Mapping[str, str], folder: Path) -> Path:
    route = picture.route.format(**ids)
    page.set_viewport_size({"width": WIDTH, "height": picture.height})
    with page.expect_response("**/api/v2/journey/**"):
        page.evaluate("route => { location.hash = `#/${route}` }", route)
    page.wait_for_load_state("networkidle")
    page.wait_for_function(LOADED)
    if picture.breakdown:
        _break_down(page, picture.breakdown)
    path = folder / f"{picture.name}.png"
    page.screenshot(path=path, animations="disabled")
    return path


def _break_down(page: Page, by: str) -> None:
    """Break the view on the page down, and scroll to the result."""
    page.get_by_role("button", name="Break down …").click()
    page.get_by_label("Break down by").select_option(by)
    page.get_by_role("button", name="Break down", exact=True).click()
    page.locator(".broken-card").first.wait_for()
    page.locator("#broken-down").evaluate("heading => heading.scrollIntoView()")
