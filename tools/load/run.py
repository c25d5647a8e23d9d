"""A load run: senders, killed functions, rebuilds and readers at the same time, and every event accounted for."""

import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Event as Flag
from threading import Lock

import httpx

from journeys.registry.clients.model import PERMISSIONS
from tools.api import ApiClient
from tools.load.traffic import FRESH, HOT_CUSTOMERS, NO_ANSWER, TAKEN, TOOLS, Delivery, Request, Tally, Traffic
from tools.local_stack.sample import CUSTOMER_SOURCE, EVENT_TYPES
from tools.operator.admin import Admin
from tools.operator.archive_repair import Archive
from tools.operator.operate import Parts
from tools.operator.repair import Operator
from tools.operator.report import Report, Scope
from tools.stack import Stack

DELIVERED_SHARE = 0.1
POSTERS = 2
"""Of each organisation; each waits for its answers."""

KILLED = ("IngestFunction", "ProjectorFunction", "WebhooksFunction", "LandingFunction")
KILLS_EVERY = 3.0
REBUILDS_AFTER, READS_AFTER = 2.0, 0.5
PATIENCE = 60.0
"""Seconds for which a sender sends again what it got no answer to."""

READERS_GONE = 6.0
"""Seconds after which a rebuild may remove the rows that it replaced; on AWS a minute, here no request takes longer."""

STILL, CATCH_UP = 30.0, 240.0
"""Seconds without progress, and in all, after which journeys and archive are taken to be as they will ever be."""


UNHEARD = frozenset({429, 500, 502, 503, 504})


class Pace:
    """So many a second, for several threads; who is behind for more than a second has lost that time."""

    def __init__(self, rate: float, stopped: Flag) -> None:
        self._rate, self._stopped = rate, stopped
        self._due, self._lock = time.monotonic(), Lock()

    def wait(self, number: int) -> bool:
        """Waits until it is the turn of `number` more; answers whether it ever is."""
        with self._lock:
            due = self._due = max(self._due, time.monotonic() - 1)
            self._due += number / self._rate
        return not self._stopped.wait(max(0.0, due - time.monotonic()))


@dataclass(frozen=True)
class Organization:
    """One of those whose senders take part. `endpoints` are the addresses of its tools, by sender."""

    organization_id: str
    api: ApiClient
    configurations: dict[str, str]
    endpoints: dict[str, str]
    traffic: Traffic


def set_up(stack: Stack, organization_id: str, seed: str) -> Organization:
    """Makes an organisation, its event types and its webhooks."""
    admin = Admin(stack)
    admin.create_organization(organization_id, organization_id.capitalize())
    client = admin.create_client(organization_id, "load", sorted(PERMISSIONS))
    api = ApiClient(stack.api_url, stack.token_url, client["clientId"], client["clientSecret"])
    configurations: dict[str, str] = {}
    for one in EVENT_TYPES:
        schema_id = api.call("POST", "externalevents/schemas", one.schema)["id"]
        wanted = {"name": one.title, "schemaId": schema_id, "source": one.source}
        configurations[one.title] = api.call("POST", "externalevents/configurations", wanted)["id"]
    endpoints: dict[str, str] = {}
    for tool in TOOLS:
        body = {
            "name": tool.sender,
            "sender": tool.sender,
            "configurationId": configurations[tool.event_type.title],
            "secret": tool.secret,
            "mapping": tool.mapping,
        }
        made = api.call("POST", "webhooks/endpoints", body)
        endpoints[tool.sender] = f"{stack.api_url}/webhooks/{made['id']}"
    return Organization(organization_id, api, configurations, endpoints, Traffic(seed))


def outcomes_of(answer: httpx.Response | None, places: Sequence[int]) -> tuple[dict[int, str], list[int]]:
    """What became of the events at these places of a request, and which of them are to be sent again."""
    if answer is None:
        return dict.fromkeys(places, NO_ANSWER), []
    said = answer.json()
    if not answer.is_success:
        return dict.fromkeys(places, str(said["code"])), []
    outcomes = {places[one["originalRequestIndex"]]: str(one["outcome"]) for one in said["processed"]}
    again: list[int] = []
    for one in said["unprocessedEntities"]:
        place = places[one["originalRequestIndex"]]
        if one["isRetryable"]:
            again.append(place)
        else:
            outcomes[place] = str(one["errorCode"])
    return outcomes, again


def outcome_of(answer: httpx.Response | None) -> str:
    """What became of the one event of a delivery."""
    if answer is None:
        return NO_ANSWER
    said = answer.json()
    return next(name for name, number in said.items() if number) if answer.is_success else str(said["code"])


def _deliver_once(http: httpx.Client, url: str, delivery: Delivery) -> httpx.Response:
    return http.post(url, content=delivery.body, headers=delivery.headers(url))  # signed anew at every try


@dataclass
class Meanwhile:
    """What went on while events were sent."""

    killed: Counter[str] = field(default_factory=Counter)
    rebuilds: int = 0
    rebuilt: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    fewer: int = 0
    """How often a journey was read with fewer events than before."""
    seconds: float = 0.0


class Load:
    """One load run. `kills` ends a function by its logical name; without it none is killed."""

    def __init__(
        self,
        stack: Stack,
        organizations: Sequence[Organization],
        *,
        rate: float,
        scopes: Sequence[Scope] = (Scope(),),
        kills: Callable[[str], int] | None = None,
    ) -> None:
        self._stack, self._organizations = stack, organizations
        self.rate, self._scopes, self._kills = rate, scopes, kills
        self._stopped, self._lock = Flag(), Lock()
        self.tally, self.meanwhile = Tally(), Meanwhile()

    def run(self, seconds: float, tick: Callable[[float], None] = lambda _: None) -> None:
        """Sends for so many seconds, and until every event is answered for; `tick` is told the seconds that passed."""
        began = time.monotonic()
        posts, deliveries = self.rate * (1 - DELIVERED_SHARE), self.rate * DELIVERED_SHARE
        posting, delivering = Pace(posts, self._stopped), Pace(deliveries, self._stopped)
        workers: list[Callable[[], None]] = [self._rebuild]
        for organization in self._organizations:
            workers += [partial(self._post, organization, posting)] * POSTERS
            workers += [partial(self._deliver, organization, delivering), partial(self._read, organization)]
        if self._kills is not None:
            workers.append(partial(self._kill, self._kills))
        with ThreadPoolExecutor(len(workers)) as threads:
            running: list[Future[None]] = [threads.submit(one) for one in workers]
            try:
                while (passed := time.monotonic() - began) < seconds:
                    tick(passed)
                    if wait(running, timeout=0.25, return_when=FIRST_EXCEPTION).done:
                        break
            finally:
                self._stopped.set()
            for one in running:
                one.result()
        self.meanwhile.seconds = time.monotonic() - began

    # -- senders -------------------------------------------------------------------------------------------------------

    def _post(self, organization: Organization, pace: Pace) -> None:
        while True:
            request = organization.traffic.request()
            if not pace.wait(len(request.kinds)):
                return
            self.tally.send(request.kinds)
            self._send(organization, request)

    def _send(self, organization: Organization, request: Request) -> None:
        """Sends events until it is known of each what became of it."""
        path = f"externalevents/configurations/{organization.configurations[request.title]}/events"
        left, again, ends = list(range(len(request.kinds))), False, time.monotonic() + PATIENCE
        while left:
            answer, tries = self._answer(partial(organization.api.ask, "POST", path, request.body(left)), ends)
            again = again or tries > 1
            outcomes, left = outcomes_of(answer, left)
            if left and time.monotonic() > ends:
                outcomes |= dict.fromkeys(left, NO_ANSWER)
                left = []
            for place, outcome in outcomes.items():
                kind = request.kinds[place]
                self.tally.add(kind, outcome, again=again)
                if kind in FRESH and outcome in TAKEN:
                    organization.traffic.taken(request.title, request.events[place], delivered=False)
            if left:
                self.tally.miss("events to be sent again")
                again = True
                time.sleep(0.5)

    def _deliver(self, organization: Organization, pace: Pace) -> None:
        with httpx.Client(timeout=40) as http:
            while True:
                delivery = organization.traffic.delivery()
                if not pace.wait(1):
                    return
                self.tally.send([delivery.kind])
                url = organization.endpoints[delivery.tool.sender]
                ask = partial(_deliver_once, http, url, delivery)
                answer, tries = self._answer(ask, time.monotonic() + PATIENCE)
                outcome = outcome_of(answer)
                self.tally.add(delivery.kind, outcome, again=tries > 1)
                if delivery.kind in FRESH and outcome in TAKEN:
                    organization.traffic.taken(delivery.tool.event_type.title, delivery.event, delivered=True)

    def _answer(self, ask: Callable[[], httpx.Response], ends: float) -> tuple[httpx.Response | None, int]:
        """The first answer that says what became of a request, and how often it was made until then."""
        for tries in itertools.count(1):
            try:
                answer = ask()
            except httpx.TransportError as error:
                self.tally.miss(type(error).__name__)
            else:
                if answer.status_code not in UNHEARD:
                    return answer, tries
                self.tally.miss(str(answer.status_code))
            if time.monotonic() > ends:
                return None, tries
            time.sleep(random.uniform(0.5, 1) * min(2.0, 0.1 * 2**tries))
        raise AssertionError("there is always another number")

    # -- beside them ---------------------------------------------------------------------------------------------------

    def _kill(self, kills: Callable[[str], int]) -> None:
        """Kills one function after another; one that has not come up again since gets time until its next turn."""
        waits = KILLS_EVERY
        for function in itertools.cycle(KILLED):
            if self._stopped.wait(waits):
                return
            killed = kills(function)
            self.meanwhile.killed[function] += killed
            waits = random.uniform(0.5, 1.5) * KILLS_EVERY if killed else 0.1

    def _rebuild(self) -> None:
        operator, _ = self._operator()
        while not self._stopped.wait(REBUILDS_AFTER):
            for scope in self._scopes:
                report = Report()
                operator.rebuild(scope, report)
                self.meanwhile.rebuilt.update(report.outcomes)
            self.meanwhile.rebuilds += 1

    def _read(self, organization: Organization) -> None:
        """Reads the journeys that change most; none may ever have fewer events than before."""
        seen: Counter[str] = Counter()
        for customer in itertools.cycle(HOT_CUSTOMERS):
            if self._stopped.wait(READS_AFTER):
                return
            with contextlib.suppress(httpx.TransportError):
                answer = organization.api.ask("GET", "customers", externalSourceId=CUSTOMER_SOURCE, value=customer)
                if answer.is_success:
                    count = answer.json()["eventCount"]
                    with self._lock:
                        self.meanwhile.reads += 1
                        self.meanwhile.fewer += count < seen[customer]
                    seen[customer] = max(seen[customer], count)

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def _operator(self) -> tuple[Operator, Archive]:
        parts = Parts(self._stack)
        operator = Operator(parts.journeys, parts.log, threads=2, readers_gone=READERS_GONE, under_way=0)
        return operator, Archive(parts.archive, parts.landing)

    def verify(self, *, mend: bool = False) -> Report:
        """What differs between the log, the journeys and the archive, now."""
        operator, archive = self._operator()
        whole = Report()
        for scope in self._scopes:
            report = Report()
            operator.verify(scope, report, mend=mend, archive=archive)
            whole.events += report.events
            whole.journeys += report.journeys
            for mine, its in ((whole.found, report.found), (whole.mended, report.mended)):
                mine.update(its)
        return whole

    def settle(self, tick: Callable[[int], None] = lambda _: None) -> Report:
        """Waits until journeys and archive are what the log says, or come no nearer to it; `tick` is told how many
        differences are left."""
        began = moved = time.monotonic()
        least: int | None = None
        while True:
            report = self.verify()
            left, now = report.found.total(), time.monotonic()
            tick(left)
            if least is None or left < least:
                least, moved = left, now
            if not left or now - moved > STILL or now - began > CATCH_UP:
                return report
            time.sleep(1)

    def failures(self) -> Counter[str]:
        """What was refused and is kept, by reason."""
        kept: Counter[str] = Counter()
        for organization in self._organizations:
            for one in organization.api.call("GET", "externalevents/failures/summary")["entities"]:
                kept[one["reason"]] += one["count"]
        return kept
