"""A server for the benchmark of the console: its function, the peer's built files, and the API's recorded answers.

It answers a sign-in at once. Everything is compressed, and every answer takes the same way.
"""

import base64
import gzip
import json
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from journeys.registry.people.model import ROLES, Role
from tests.support.functions import load

ELEMENTS, LINKS, STEPS, PAGE, LEVELS = 50, 120, 10_000, 100, 3
VIEW, JOB, OTHER_JOB, PATHS = "v-1", "j-1", "j-2", "p-1"
CUSTOMER = {"externalSourceId": "crm", "value": "7"}
NONCE = "nonce-of-the-benchmark"
DATE = datetime(2026, 3, 1, tzinfo=UTC)
TYPES = ("Page viewed", "Cart changed", "Order placed", "Case opened", "Survey answered")


@contextmanager
def serving(
    console: Path, peer: Path, answers: dict[str, Any] | None = None, attributes: dict[str, Any] | None = None
) -> Iterator[str]:
    """Serve the built console below /console/ and the peer below /peer/. Yields the address.

    The API answers with `answers` by path, or as recorded. `attributes` are those of every event.
    """
    module = load("console")
    module.__dict__["ROOT"] = console
    bodies = {path: json.dumps(answer).encode() for path, answer in (answers or recorded()).items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path.startswith("/console"):
                stage = {"ConsoleClientId": "bench", "ConsoleSignInUrl": url}
                event = {"httpMethod": "GET", "path": address.path, "headers": {}, "stageVariables": stage}
                response = module.handler(event | {"requestContext": {"requestId": "bench"}}, None)
                body = response["body"].encode()
                if response.get("isBase64Encoded"):
                    body = base64.b64decode(body)
                self._answer(response["statusCode"], response["headers"], body)
            elif address.path.startswith("/peer/"):
                file = peer / (address.path.removeprefix("/peer/") or "index.html")
                kind = mimetypes.guess_type(file.name)[0] or "text/plain"
                self._compressed(file.read_bytes(), kind)
            elif address.path.endswith("/customers/events"):
                self._compressed(json.dumps(events(address.query, attributes)).encode(), "application/json")
            elif address.path in bodies:
                self._compressed(bodies[address.path], "application/json")
            else:
                self._answer(404, {"Content-Type": "application/json"}, b'{"message":"There is no such thing."}')

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            claims = (
                base64.urlsafe_b64encode(json.dumps({"nonce": NONCE, "sub": "bench"}).encode()).decode().rstrip("=")
            )
            tokens = {"access_token": "access", "id_token": f"e30.{claims}.", "expires_in": 900}
            self._compressed(json.dumps(tokens).encode(), "application/json")

        def _compressed(self, body: bytes, kind: str) -> None:
            headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
            self._answer(200, headers, gzip.compress(body, mtime=0))

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Write nothing: the figures are the benchmark's only output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


# -- recorded answers --------------------------------------------------------------------------------------------------


def recorded() -> dict[str, Any]:
    """The answers that the pages read, by path."""
    shown = view()
    job = {"id": JOB, "dateCreated": DATE.isoformat(), "status": "Complete", "journeyView": shown, "userId": "bench"}
    jobs = f"views/{VIEW}/versions/1/jobs"
    person = {"id": "bench", "kind": "Person", "name": "Ada", "role": "administrator"}
    me = {
        "organization": {"id": "o-1", "name": "Shop"},
        "permissions": sorted(ROLES[Role.ADMINISTRATOR]),
    }
    answers = {
        "me": person | me,
        f"views/{VIEW}": shown,
        f"{jobs}/latest": job,
        f"{jobs}/{JOB}": job,
        f"{jobs}/{JOB}/results": result(),
        f"{jobs}/{JOB}/results/customers": customers(),
        f"{jobs}/{JOB}/results/comparison": comparison(),
        f"{jobs}/{OTHER_JOB}": job | {"id": OTHER_JOB, "options": {"period": "Before"}},
        "views/eventdefinitions": {"entities": []},
        "paths/jobs": {"entities": [path_job()], "pageSize": 10, "pageNumber": 1},
        f"paths/jobs/{PATHS}": path_job(),
        f"paths/jobs/{PATHS}/results": path_result(),
        "customers": journey(),
        "customers/identifiers": identifiers(),
        "externalevents/configurations": {"entities": []},
        "externalevents/schemas": {"entities": []},
    }
    return {f"/api/v2/journey/{path}": answer for path, answer in answers.items()}


def links() -> list[list[int]]:
    """Which elements each element leads to: forward by at most five."""
    targets: list[list[int]] = [[] for _ in range(ELEMENTS)]
    for step in range(1, 6):
        for start in range(ELEMENTS - step):
            if sum(map(len, targets)) < LINKS:
                targets[start].append(start + step)
    return targets


def view() -> dict[str, Any]:
    elements = [
        {"id": f"e{place}", "name": f"Element {place}", "followedBy": [{"id": f"e{target}"} for target in targets]}
        for place, targets in enumerate(links())
    ]
    date = DATE.isoformat()
    facts = {"name": "Orders", "version": 1, "duration": "P30D", "dateCreated": date, "dateModified": date}
    return {"id": VIEW, **facts, "elements": elements, "charts": []}


def result() -> dict[str, Any]:
    elements = [
        {
            "id": f"e{place}",
            "metrics": metrics(1_000 * (ELEMENTS - place)),
            "followedBy": [{"id": f"e{target}", "connectionCount": 997 * target % 4_000} for target in targets],
        }
        for place, targets in enumerate(links())
    ]
    return {"elements": elements, "charts": [], "dateDataUntil": DATE.isoformat()}


def customers() -> dict[str, Any]:
    """Who is behind each figure: one customer that is listed, of a thousand."""
    listed = {"customer": CUSTOMER, "identifiers": [CUSTOMER], "selfUri": "?scope=person"}
    return {"entities": [listed], "pageSize": 1, "total": 1_000, "listed": 1, "maximum": 1, "selfUri": ""}


def comparison() -> dict[str, Any]:
    """The result beside itself, as the period before."""
    figures: list[dict[str, Any]] = [
        {
            "id": element["id"],
            "name": f"Element {place}",
            "metrics": {name: _compared(count) for name, count in element["metrics"].items()},
            "followedBy": [
                {"id": link["id"], "connectionCount": _compared(link["connectionCount"])}
                for link in element["followedBy"]
            ],
        }
        for place, element in enumerate(result()["elements"])
    ]
    job = {"id": JOB, "version": 1, "dateCreated": DATE.isoformat(), "selfUri": ""}
    other = job | {"id": OTHER_JOB, "options": {"period": "Before"}}
    levels = {"testCount": 0, "significanceLevel": 0.05, "correctedLevel": 0.05, "assumptions": []}
    interval = {"interval": f"{DATE.isoformat()}/{DATE.isoformat()}"}
    return {"job": job | interval, "otherJob": other | interval, "elements": figures, "durations": [], **levels}


def _compared(count: int) -> dict[str, Any]:
    test = {"name": "Two-proportion z-test", "reason": "The intervals of the jobs overlap."}
    return {"value": count, "otherValue": count, "difference": 0, "ratio": 1.0, "test": test}


def metrics(participants: int) -> dict[str, int]:
    groups = {"completedCount": participants // 4, "flowCount": participants // 2, "activeCount": participants // 8}
    return {"participantCount": participants, **groups, "dropoutCount": participants - sum(groups.values())}


def path_job() -> dict[str, Any]:
    start = {"attributes": {"type": "Event", "id": "s-0"}}
    definition = {"name": "After a visit", "duration": "P30D", "start": start, "direction": "After", "steps": 3}
    state = {"dateCreated": DATE.isoformat(), "status": "Complete", "userId": "bench", "name": "After a visit"}
    return {"id": PATHS, **state, "definition": definition, "selfUri": f"/api/v2/journey/paths/jobs/{PATHS}"}


def path_result() -> dict[str, Any]:
    """Paths of three steps: after each, half of them go on with each of two event types, until all drop off."""

    def path_step(level: int, place: int) -> dict[str, Any]:
        count = 1024 >> level
        figures = {"customerCount": count, "eventCount": count}
        nothing = {"customerCount": 0, "eventCount": 0}
        steps = [path_step(level + 1, 2 * place + 1 + branch) for branch in range(2)] if level < LEVELS else []
        outcomes = {"dropped": nothing if steps else figures, "ended": nothing, "others": nothing}
        event_type = {"id": f"s-{place % 5}", "name": TYPES[place % 5]}
        return {"eventType": event_type, **figures, **outcomes, "steps": steps}

    tree = path_step(0, 0)
    start = {"customerCount": tree["customerCount"], "eventCount": tree["eventCount"]}
    first = tree["steps"][0]
    common = {"eventTypes": [first["eventType"]], "customerCount": 1, "eventCount": 1}
    return {"start": start, "tree": tree, "paths": [common], "selfUri": f"{path_job()['selfUri']}/results"}


def step(place: int) -> dict[str, Any]:
    """The event at this place of the customer's journey, newest first. A day has about 14."""
    date = (DATE - timedelta(minutes=100 * place)).isoformat()
    name = TYPES[place * 7 % 5]
    attributes = {"amount": place * 1.5, "page": f"/products/{place}", "channel": "web", "member": place % 2 == 0}
    ids = {"id": f"event-{place}", "configurationId": f"c-{place % 5}", "schemaId": f"s-{place % 5}"}
    source = ("Web", "Mail", "Shop")[place % 3]
    return ids | {
        "eventName": name,
        "source": source,
        "dateCreated": date,
        "dateReceived": date,
        "attributes": attributes,
        "identifier": CUSTOMER,
    }


def events(query: str, attributes: dict[str, Any] | None = None) -> dict[str, Any]:
    start = int(parse_qs(query).get("cursor", ["0"])[0])
    end = min(start + PAGE, STEPS)
    following = {"nextCursor": str(end)} if end < STEPS else {}
    return {
        "entities": [step(place) | ({"attributes": attributes} if attributes else {}) for place in range(start, end)]
    } | following


def journey() -> dict[str, Any]:
    first, last = step(STEPS - 1)["dateCreated"], DATE.isoformat()
    dates = {"dateFirstEvent": first, "dateLastEvent": last}
    types = [
        {"schemaId": f"s-{place}", "eventName": name, "eventCount": STEPS // 5} | dates
        for place, name in enumerate(TYPES)
    ]
    person = {"externalSourceId": "crm", "value": "7", "eventCount": STEPS, "identifiers": [CUSTOMER]}
    return person | dates | {"eventTypes": types, "transitions": [], "recentEvents": []}


def identifiers() -> dict[str, Any]:
    """What links the identifiers of the one customer, who has only one."""
    return {"identifiers": [CUSTOMER | {"eventCount": STEPS}], "links": [], "stopped": [], "unlinked": []}
