"""The console in Chromium: the page of a view beside a minimal React and React Flow app, and a long journey scrolled.

Both pages come from one server (console_server.py), compressed. The reader has just signed in: the address is the
answer of the sign-in page, and nothing is in the browser's cache.

Drawing and scrolling are measured in processor time of the page's main thread, from Chromium's trace. Other processes
of the machine do not change it.
"""

import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.console_server import ELEMENTS, LINKS, NONCE, STEPS, VIEW, serving
from tests.bench.figures import Figure, NotHere
from tests.support.template import ROOT

ROUNDS = 5
SLOWER = 4
"""How many times slower the throttled processor is."""
BYTES_PER_SECOND = 6_400_000 / 8
LATENCY = 20
"""Milliseconds that the throttled network adds to a request."""
NODE = ROOT / ".local" / "venvs" / "node" / "bin"
PEER = ROOT / "tests" / "bench" / "console_peer"
CONSOLE = ROOT / "console"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")

Rounds = list[dict[str, float]]

CATEGORIES = ("devtools.timeline", "disabled-by-default-devtools.timeline", "blink.user_timing")

SEAL = """
async ({ nonce, returnTo }) => {
  const text = (bytes) => btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const [raw, iv] = [crypto.getRandomValues(new Uint8Array(32)), crypto.getRandomValues(new Uint8Array(12))];
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  const plain = new TextEncoder().encode(JSON.stringify({ verifier: "v", nonce, returnTo }));
  const bytes = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain);
  sessionStorage.setItem("sign-in", text(iv) + "." + text(new Uint8Array(bytes)));
  return text(raw);
}
"""
"""Keeps a sign-in as console/src/session/ does, and returns its state."""

WATCH = """
window.drawn = new Promise((resolve) => {
  const count = (selector) => document.querySelectorAll(selector).length;
  const look = () => {
    const ours = count(".journey-graph [role=button]") >= ELEMENTS && count(".journey-graph .link-label") >= LINKS;
    const theirs = count(".react-flow__node .element") >= ELEMENTS && count(".react-flow__edge") >= LINKS;
    if (!ours && !theirs) return;
    observer.disconnect();
    requestAnimationFrame(() => { const channel = new MessageChannel(); channel.port1.onmessage = () => {
      performance.mark("bench-drawn");
      const data = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/results")).at(-1);
      const paint = performance.getEntriesByName("first-contentful-paint")[0];
      resolve({ drawn: performance.now(), data: data.responseEnd, paint: paint.startTime });
    }; channel.port2.postMessage(0); });
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true });
});
""".replace("ELEMENTS", str(ELEMENTS)).replace("LINKS", str(LINKS))
"""Tells when the graph was drawn: the frame after its last element is in the document has been painted."""

SCROLL = """
async (steps) => {
  let longest = 0;
  let frames = 0;
  const next = () => new Promise(requestAnimationFrame);
  let before = await next();
  for (let still = 0; still < 240; still += 1) {
    scrollBy(0, innerHeight * 0.8);
    const now = await next();
    performance.mark("bench-frame");
    longest = Math.max(longest, now - before);
    frames += 1;
    before = now;
    if (scrollY + innerHeight < document.documentElement.scrollHeight - 2) still = 0;
    if ([...document.querySelectorAll("article.event")].some((row) => Number(row.ariaPosInSet) === steps)) break;
  }
  const reached = Math.max(...[...document.querySelectorAll("article.event")].map((row) => Number(row.ariaPosInSet)));
  return { wall: longest, frames, reached };
}
"""
"""Scrolls to the end, most of a window in each frame, while the pages of the listing arrive."""


def run() -> list[Figure]:
    console, peer = built(CONSOLE), built(PEER)
    with serving(console, peer) as url, _chromium() as browser:
        ours = [_load(browser, url, "console", throttled=True) for _ in range(ROUNDS)]
        theirs = [_load(browser, url, "peer", throttled=True) for _ in range(ROUNDS)]
        fast = [_load(browser, url, "console") for _ in range(ROUNDS)]
        fast_peer = [_load(browser, url, "peer") for _ in range(ROUNDS)]
        scrolled = _scroll(browser, url)
    if scrolled["reached"] != STEPS:
        raise RuntimeError(f"the timeline ended at event {scrolled['reached']} of {STEPS}")
    size, peer_size = _entry(console), _entry(peer)
    slow = {"processor": f"{SLOWER} times slower", "network": f"6.4 Mbit/s, {LATENCY} ms", "rounds": ROUNDS}
    return [
        Figure("console", "entry, gzip", size / 1000, "kB", 60, parameters={"peer": f"{peer_size / 1000:.0f} kB"}),
        _ratio("first contentful paint / React and React Flow", ours, theirs, "paint", 0.5, slow),
        _ratio("from the start to the drawn graph / React and React Flow", ours, theirs, "drawn", None, slow),
        _drawing(fast, fast_peer),
        Figure(
            "console",
            "longest frame, scrolling through a journey",
            scrolled["longest"],
            "ms",
            50,
            parameters={"steps": STEPS, "frames": scrolled["frames"], "wall time": f"{scrolled['wall']:.0f} ms"},
        ),
    ]


def _ratio(name: str, ours: Rounds, theirs: Rounds, what: str, target: float | None, parameters: Any) -> Figure:
    own, other = (statistics.median(one[what] for one in rounds) for rounds in (ours, theirs))
    return Figure("console", name, own / other, "", target, parameters={"ms": f"{own:.0f} / {other:.0f}"} | parameters)


def _drawing(ours: Rounds, theirs: Rounds) -> Figure:
    own, other = (statistics.median(one["processor"] for one in rounds) for rounds in (ours, theirs))
    waited, waited_for_peer = (
        statistics.median(one["drawn"] - one["data"] for one in rounds) for rounds in (ours, theirs)
    )
    parameters = {
        "elements": ELEMENTS,
        "links": LINKS,
        "peer": f"{other:.0f} ms",
        "wall time": f"{waited:.0f} / {waited_for_peer:.0f} ms",
        "rounds": ROUNDS,
    }
    return Figure("console", "a view is drawn after its data", own, "ms", 100, parameters=parameters)


def built(folder: Path) -> Path:
    """Build an app, and return its files. Raises NotHere without Node."""
    if not (NODE / "node").exists():
        raise NotHere("Node is not installed; `make console` installs it")
    environment = os.environ | {"PATH": f"{NODE}{os.pathsep}{os.environ['PATH']}"}
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent"], cwd=folder, env=environment, check=True)
    subprocess.run(
        ["npx", "vite", "build", "--logLevel", "error"],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder / "dist"


def _entry(files: Path) -> int:
    """The bytes of the scripts and styles that the page names, compressed."""
    names = re.findall(r'(?:src|href)="\./([^"]+\.(?:js|css))"', (files / "index.html").read_text())
    return sum(len(gzip.compress((files / name).read_bytes(), mtime=0)) for name in names)


@contextmanager
def _chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if path is None:
        raise NotHere("there is no Chromium on this machine (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        yield context.new_page()
    finally:
        context.close()


def signed_in_address(page: Page, url: str, route: str) -> str:
    """The address with which the sign-in page returns to a page of the console."""
    page.goto(f"{url}/console/licenses.txt")  # the same origin, and nothing of the console itself
    state = page.evaluate(SEAL, {"nonce": NONCE, "returnTo": route})
    return f"{url}/console/?code=c&state={state}"


def _load(browser: Browser, url: str, app: str, throttled: bool = False) -> dict[str, float]:
    """Milliseconds from the start of the navigation to the first paint, the figures' arrival, and the drawn graph.

    Without a throttle, `processor` is the time that the main thread works from the figures' arrival to the drawn graph.
    """
    with _page(browser) as page:
        address = signed_in_address(page, url, f"#/views/{VIEW}") if app == "console" else f"{url}/peer/"
        page.add_init_script(WATCH)
        if throttled:
            _throttle(page)
            return _drawn(page, address)
        with _traced(browser, page) as trace:
            measured = _drawn(page, address)
        arrived = trace.times("ResourceFinish", trace.request("/results"))[-1]
        return measured | {"processor": trace.processor(arrived, trace.times("bench-drawn")[-1])}


def _throttle(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    network = {"offline": False, "latency": LATENCY, "downloadThroughput": BYTES_PER_SECOND}
    session.send("Network.emulateNetworkConditions", network | {"uploadThroughput": BYTES_PER_SECOND})
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})


def _drawn(page: Page, address: str) -> dict[str, float]:
    page.goto(address, wait_until="commit")
    measured: dict[str, float] = page.evaluate("() => window.drawn")
    return measured


def _scroll(browser: Browser, url: str) -> dict[str, Any]:
    """Scroll through the journey. `longest` is the most that the main thread works from one frame to the next."""
    with _page(browser) as page:
        page.goto(signed_in_address(page, url, "#/customers?source=crm&value=7"))
        page.locator("article.event").first.wait_for()
        with _traced(browser, page) as trace:
            measured: dict[str, Any] = page.evaluate(SCROLL, STEPS)
        frames = trace.times("bench-frame")
        return measured | {"longest": max(trace.processor(*pair) for pair in pairwise(frames))}


class _Trace:
    """What Chromium recorded. Times are in its microseconds."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def times(self, name: str, request: str | None = None) -> list[int]:
        """When the page's events of this name happened, in order."""
        found = [one for one in self.events if one["name"] == name]
        return sorted(one["ts"] for one in found if request is None or one["args"]["data"]["requestId"] == request)

    def request(self, address: str) -> str:
        """The id of the last request whose address has this ending."""
        sent = [one["args"]["data"] for one in self.events if one["name"] == "ResourceSendRequest"]
        return str(next(one["requestId"] for one in reversed(sent) if one["url"].endswith(address)))

    def processor(self, start: int, end: int) -> float:
        """Milliseconds that the main thread worked in the tasks that began in this time."""
        main = {(one["pid"], one["tid"]) for one in self.events if one["name"].startswith("bench-")}
        tasks = (one for one in self.events if one["name"] == "RunTask" and start <= one["ts"] < end)
        return sum(float(one.get("tdur", 0)) for one in tasks if (one["pid"], one["tid"]) in main) / 1000


@contextmanager
def _traced(browser: Browser, page: Page) -> Iterator[_Trace]:
    """Record a trace. The events are there at the end."""
    trace = _Trace()
    browser.start_tracing(page=page, categories=list(CATEGORIES))
    yield trace
    trace.events = json.loads(browser.stop_tracing())["traceEvents"]
