"""What the browser refuses in the console, and hostile content of events, which stays text on every page.

The console's function serves it here, with its headers, beside recorded answers of the API: an API would refuse some of
these texts, and no page may rely on that.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.bench.console import CONSOLE, built, signed_in_address
from tests.bench.console_server import JOB, OTHER_JOB, PATHS, VIEW, recorded, serving
from tests.browser.conftest import PATIENCE

Opens = Callable[..., Page]

HTML = "<img src=x onerror=\"window.hit='image'\"><script>window.hit='script'</script>"
HOSTILE = {
    "html": HTML,
    "link": "javascript:window.hit='link'",
    "template": "{{constructor.constructor('window.hit=1')()}}",
    "direction": "invoice\u202egpj.exe",
    "long": "x" * 10_000,
    HTML: {"nested": [HTML]},
    "__proto__": HTML,
    "constructor": HTML,
}

INJECT = """
async () => {
  const refused = [];
  window.hit = 0;
  addEventListener("securitypolicyviolation", ({ effectiveDirective }) => refused.push(effectiveDirective));
  const attempt = (act) => { try { act(); } catch (error) { refused.push(error.name); } };
  const added = (name, text) => {
    const element = document.createElement(name);
    attempt(() => { element.textContent = text; });
    document.body.append(element);
  };
  added("script", "window.hit = 'script'");
  added("style", "body { display: none }");
  attempt(() => { document.body.firstElementChild.innerHTML = "<img src=x onerror='window.hit = 1'>"; });
  attempt(() => { document.body.setAttribute("onclick", "window.hit = 'handler'"); });
  document.body.click();
  await fetch("https://foreign.example/").catch(() => undefined);
  const image = new Image();
  await new Promise((resolve) => { image.onerror = resolve; image.src = "https://foreign.example/x.png"; });
  return { refused, hit: window.hit, display: getComputedStyle(document.body).display };
}
"""


def hostile(answer: Any, key: str = "") -> Any:
    """The answer with markup in every text that a sender or a person chooses."""
    if isinstance(answer, dict):
        return {name: hostile(value, name) for name, value in answer.items()}
    if isinstance(answer, list):
        return [hostile(value, key) for value in answer]
    is_text = isinstance(answer, str)
    return (
        f"{answer} {HTML}"
        if is_text and key in {"name", "eventName", "value", "source", "displayName", "description"}
        else answer
    )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the console, whose API answers with hostile content."""
    answers = hostile(recorded())
    with serving(built(CONSOLE), CONSOLE, answers=answers, attributes=HOSTILE) as address:
        yield address


def opened(open_page: Opens, url: str, route: str) -> Page:
    page = open_page()
    page.goto(signed_in_address(page, url, route))
    return page


def assert_only_text(page: Page) -> None:
    assert page.evaluate("() => window.hit") is None
    assert page.locator("main img[src='x'], main script, a[href^='javascript:']").count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_the_browser_refuses_injected_scripts_styles_and_foreign_addresses(browser: Any, url: str) -> None:
    page = browser.new_context().new_page()
    page.goto(signed_in_address(page, url, f"#/views/{VIEW}"))
    expect(page.locator("main h1")).to_be_visible()
    found = page.evaluate(INJECT)
    page.context.close()
    assert found["hit"] == 0
    assert found["display"] != "none"
    assert {"require-trusted-types-for", "style-src-elem", "connect-src", "img-src"} <= set(found["refused"])


def test_no_other_page_frames_the_console(browser: Any, url: str) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{url}/peer/README.md")
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text, timeout=PATIENCE):
        page.evaluate(
            "(source) => { document.body.innerHTML = `<iframe src='${source}'></iframe>`; }", f"{url}/console/"
        )
    expect(page.frame_locator("iframe").get_by_text("Journeys")).to_have_count(0)
    page.context.close()


@pytest.mark.parametrize("route", [f"#/views/{VIEW}", f"#/views/{VIEW}?tab=table"])
def test_hostile_names_of_a_view_stay_text(open_page: Opens, url: str, route: str) -> None:
    page = opened(open_page, url, route)
    expect(page.locator("main h1")).to_contain_text("<img src=x")
    expect(page.get_by_text("<img src=x").nth(2)).to_be_attached()
    assert_only_text(page)


@pytest.mark.parametrize("route", [f"#/paths/{PATHS}", f"#/paths/{PATHS}?show=table&path=s-1"])
def test_hostile_names_of_paths_stay_text(open_page: Opens, url: str, route: str) -> None:
    page = opened(open_page, url, route)
    expect(page.locator("main h1")).to_contain_text("<img src=x")
    expect(page.get_by_role("tree").or_(page.get_by_role("region", name="Steps"))).to_be_visible()
    expect(page.get_by_text("<img src=x").nth(2)).to_be_attached()
    assert_only_text(page)


def test_hostile_identifiers_and_names_stay_text_in_lists_and_comparisons(open_page: Opens, url: str) -> None:
    shown = f"job={JOB}&with=before&other={OTHER_JOB}&who={quote('elementId=e0&state=Dropout')}"
    page = opened(open_page, url, f"#/views/{VIEW}?{shown}")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("link")).to_contain_text("<img src=x")
    expect(panel.get_by_role("heading")).to_contain_text("<img src=x")
    expect(page.get_by_role("region", name="Compared with the period before")).to_contain_text("<img src=x")
    assert_only_text(page)


@pytest.mark.parametrize("value", ["7", HTML, "../7", "javascript:hit=1", "invoice\u202egpj.exe"])
def test_hostile_events_stay_text(open_page: Opens, url: str, value: str) -> None:
    page = opened(open_page, url, f"#/customers?source=crm&value={quote(value)}")
    first = page.locator("article.event").first
    first.get_by_role("button").first.click()
    table = first.get_by_role("table")
    expect(table).to_contain_text("window.hit='image'")
    expect(table).to_contain_text("javascript:window.hit='link'")
    assert_only_text(page)


def test_an_address_that_is_no_page_stays_text(open_page: Opens, url: str) -> None:
    page = opened(open_page, url, f"#/{HTML}/%2e%2e/__proto__")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert_only_text(page)


def test_nothing_of_the_session_is_stored(open_page: Opens, url: str) -> None:
    page = opened(open_page, url, f"#/views/{VIEW}")
    expect(page.locator("main h1")).to_be_visible()
    assert page.evaluate("() => [localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert page.evaluate("async () => (await indexedDB.databases()).length + (await caches.keys()).length") == 0
    assert page.url == f"{url}/console/#/views/{VIEW}"
