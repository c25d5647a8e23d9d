"""A load run: senders, killed functions, rebuilds and readers at the same time.

A sender sends an event again until it has a response, as real senders do, so that every event has one outcome.
"""

import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Event as Flag
from threading import Lock

import httpx

from journeys import dates
from journeys.identity.model import Pair
from tools.load import stored
from tools.load.organizations import LoadOrganization
from tools.load.outcomes import outcome_of, outcomes_of
from tools.load.traffic import (
    FRESH,
    HOT_CUSTOMERS,
    NO_RESPONSE,
    QUEUED,
    RECORDED,
    LoadTally,
    TrafficDelivery,
    TrafficRequest,
    links_of,
)
from tools.local_stack.sample import CUSTOMER_SOURCE
from tools.native_events import put_events
from tools.operator.archive_repair import ArchiveRepair
from tools.operator.repair import JourneyRepair
from tools.operator.report import RepairReport, RepairScope
from tools.operator.stores import OperatorStores
from tools.stack import Stack

DELIVERED_SHARE, CALLED_SHARE = 0.1, 0.15
"""The shares of events that are delivered to webhooks, and that a contact center puts on the event bus."""

POSTERS = 2
"""Threads of each organization that post events."""

LARGE_INTERVAL = 10.0
"""Seconds before each delivery of many events. Only the first organization sends them."""

KILLED = (
    "IngestFunction", "ProjectorFunction", "WebhooksFunction", "LandingFunction", "DeliveriesFunction",
    "NativeFunction",
)  # fmt: skip
KILL_INTERVAL = 3.0
SURVIVAL_SECONDS = 15.0
"""How long a killed function is then left alone. On a busy machine it would otherwise never finish its start."""

REBUILD_INTERVAL, READ_INTERVAL = 2.0, 0.5
RETRY_SECONDS, MAX_BACKOFF_SECONDS = 120.0, 10.0
"""How long a sender sends an event again that got no response, and its longest pause.

When a function's process ends, the emulator ends all other processes of that function, also those that start. On a busy
machine they can start only if the senders pause for longer than a start takes.
"""

READER_SECONDS = 6.0
"""Seconds before a rebuild deletes replaced rows. No request to the local stack takes longer; on AWS it is a minute."""

STILL_SECONDS, CATCH_UP_SECONDS = 30.0, 400.0
"""How long journeys and archive may make no progress, and how long they may take altogether."""
QUEUE_STILL_SECONDS = 150.0
"""The same while acknowledged events are not in the log: a killed function's message is hidden for two minutes."""
NATIVE_HIDDEN_SECONDS = 90
"""How long a native event whose function was killed is hidden. The template's six minutes would outlast the run."""

RETRYABLE_STATUSES = frozenset({429, 500, 502, 503, 504})


class Pace:
    """Limits several threads to a rate per second. A delay of more than a second is not made up for."""

    def __init__(self, rate: float, stopped: Flag) -> None:
        self._rate, self._stopped = rate, stopped
        self._due, self._lock = time.monotonic(), Lock()

    def wait(self, number: int) -> bool:
        """Waits until `number` more may be sent. Returns False when the run has stopped."""
        with self._lock:
            due = self._due = max(self._due, time.monotonic() - 1)
            self._due += number / self._rate
        return not self._stopped.wait(max(0.0, due - time.monotonic()))


def _deliver_once(http: httpx.Client, url: str, delivery: TrafficDelivery) -> httpx.Response:
    return http.post(url, content=delivery.body, headers=delivery.headers(url))  # signed anew for each attempt


@dataclass
class SideEffects:
    """What happened while events were sent."""

    killed: Counter[str] = field(default_factory=Counter)
    rebuilds: int = 0
    rebuilt: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    lost_events: int = 0
    """Reads of a journey that returned fewer events than an earlier read."""
    seconds: float = 0.0


@dataclass
class StoredState:
    """What is stored at the end of a run."""

    failures: Counter[str]
    """By reason."""
    links: set[tuple[str, Pair]]
    """With their organization."""
    native: Counter[str]
    """Native events that were created, duplicates or dropped."""


class LoadRun:
    """One load run. `kill` kills a function, by its name in the template; without it none is killed."""

    def __init__(
        self,
        stack: Stack,
        organizations: Sequence[LoadOrganization],
        *,
        rate: float,
        scopes: Sequence[RepairScope] = (RepairScope(),),
        kill: Callable[[str], int] | None = None,
    ) -> None:
        self._stack, self._organizations = stack, organizations
        self.rate, self._scopes, self._kill = rate, scopes, kill
        self._stopped, self._lock, self._started = Flag(), Lock(), dates.now_ms()
        self.tally, self.side_effects = LoadTally(), SideEffects()
        self.links: set[tuple[str, Pair]] = set()
        """The links that the new events make, with their organization."""

    def run(self, seconds: float, tick: Callable[[float], None] = lambda _: None) -> None:
        """Sends events for some seconds, and then until every event has a response.

        Args:
            tick: called with the seconds that have passed, four times a second.
        """
        start = time.monotonic()
        posting = Pace(self.rate * (1 - DELIVERED_SHARE - CALLED_SHARE), self._stopped)
        delivering = Pace(self.rate * DELIVERED_SHARE, self._stopped)
        calling = Pace(self.rate * CALLED_SHARE, self._stopped)
        workers: list[Callable[[], None]] = [self._rebuild]
        for organization in self._organizations:
            workers += [partial(self._post, organization, posting)] * POSTERS
            workers += [partial(self._deliver, organization, delivering), partial(self._read, organization)]
            workers.append(partial(self._call, organization, calling))
        workers.append(partial(self._deliver_many, self._organizations[0]))
        if self._kill is not None:
            workers.append(partial(self._kill_functions, self._kill))
        with ThreadPoolExecutor(len(workers)) as threads:
            running: list[Future[None]] = [threads.submit(worker) for worker in workers]
            try:
                while (passed := time.monotonic() - start) < seconds:
                    tick(passed)
                    if wait(running, timeout=0.25, return_when=FIRST_EXCEPTION).done:
                        break
            finally:
                self._stopped.set()
            for future in running:
                future.result()
        self.side_effects.seconds = time.monotonic() - start

    # -- senders -------------------------------------------------------------------------------------------------------

    def _post(self, organization: LoadOrganization, pace: Pace) -> None:
        while True:
            request = organization.traffic.request()
            if not pace.wait(len(request.kinds)):
                return
            self.tally.send(request.kinds)
            for kind, event in zip(request.kinds, request.events, strict=True):
                if kind in FRESH:
                    self._link(organization, links_of(event))
            self._send(organization, request)

    def _send(self, organization: LoadOrganization, request: TrafficRequest) -> None:
        """Sends events until each has an outcome."""
        path = f"externalevents/configurations/{organization.configurations[request.title]}/events"
        indexes, retried, deadline = list(range(len(request.kinds))), False, time.monotonic() + RETRY_SECONDS
        while indexes:
            post = partial(organization.api.request, "POST", path, request.body(indexes))
            response, attempts = self._response(post, deadline)
            retried = retried or attempts > 1
            outcomes, indexes = outcomes_of(response, indexes)
            if indexes and time.monotonic() > deadline:
                outcomes |= dict.fromkeys(indexes, NO_RESPONSE)
                indexes = []
            for index, outcome in outcomes.items():
                kind = request.kinds[index]
                self.tally.add(kind, outcome, retried=retried)
                if kind in FRESH and outcome in RECORDED:
                    organization.traffic.recorded(request.title, request.events[index], delivered=False)
            if indexes:
                self.tally.miss("events to retry")
                retried = True
                time.sleep(0.5)

    def _deliver(self, organization: LoadOrganization, pace: Pace) -> None:
        with httpx.Client(timeout=40) as http:
            while True:
                delivery = organization.traffic.delivery()
                if not pace.wait(1):
                    return
                self._deliver_until_acknowledged(http, organization, delivery)

    def _deliver_many(self, organization: LoadOrganization) -> None:
        with httpx.Client(timeout=40) as http:
            while not self._stopped.wait(LARGE_INTERVAL):
                self._deliver_until_acknowledged(http, organization, organization.traffic.large_delivery())

    def _deliver_until_acknowledged(
        self, http: httpx.Client, organization: LoadOrganization, delivery: TrafficDelivery
    ) -> None:
        self.tally.send([delivery.kind] * len(delivery.events))
        post = partial(_deliver_once, http, organization.endpoints[delivery.sender.name], delivery)
        response, attempts = self._response(post, time.monotonic() + RETRY_SECONDS)
        outcome = outcome_of(response)
        for event in delivery.events:
            self.tally.add(delivery.kind, outcome, retried=attempts > 1)
            if delivery.kind in FRESH and outcome in RECORDED:
                organization.traffic.recorded(delivery.sender.event_type.title, event, delivered=True)

    def _call(self, organization: LoadOrganization, pace: Pace) -> None:
        """Puts events of calls on the event bus. Nobody is told what becomes of them."""
        while True:
            call = organization.traffic.call(organization.native_source)
            if not pace.wait(len(call.kinds)):
                return
            self.tally.send(call.kinds)
            put_events(self._stack, call.events)
            self._link(organization, call.links)
            for kind in call.kinds:
                self.tally.add(kind, QUEUED, retried=False)

    def _link(self, organization: LoadOrganization, links: Iterable[Pair]) -> None:
        with self._lock:
            self.links.update((organization.organization_id, one) for one in links)

    def _response(self, request: Callable[[], httpx.Response], deadline: float) -> tuple[httpx.Response | None, int]:
        """The first response that says what became of a request, or None, and the number of attempts."""
        for attempts in itertools.count(1):
            try:
                response = request()
            except httpx.TransportError as error:
                self.tally.miss(type(error).__name__)
            else:
                if response.status_code not in RETRYABLE_STATUSES:
                    return response, attempts
                self.tally.miss(str(response.status_code))
            if time.monotonic() > deadline:
                return None, attempts
            time.sleep(random.uniform(0.5, 1) * min(MAX_BACKOFF_SECONDS, 0.2 * 2**attempts))
        raise AssertionError("itertools.count does not end")

    # -- at the same time ----------------------------------------------------------------------------------------------

    def _kill_functions(self, kill: Callable[[str], int]) -> None:
        """Kills one function after another. A function that does not run is skipped until its next turn.

        The first one is killed after an event has its outcome, so that the functions have started once.
        """
        while not self.tally.answered:
            if self._stopped.wait(0.25):
                return
        pause = KILL_INTERVAL
        not_before: dict[str, float] = {}
        for function in itertools.cycle(KILLED):
            if self._stopped.wait(pause):
                return
            killed = 0 if time.monotonic() < not_before.get(function, 0.0) else kill(function)
            if killed:
                not_before[function] = time.monotonic() + SURVIVAL_SECONDS
            self.side_effects.killed[function] += killed
            pause = random.uniform(0.5, 1.5) * KILL_INTERVAL if killed else 0.1

    def _rebuild(self) -> None:
        repair, _ = self._repair()
        while not self._stopped.wait(REBUILD_INTERVAL):
            for scope in self._scopes:
                report = RepairReport()
                repair.rebuild_journeys(scope, report)
                self.side_effects.rebuilt.update(report.outcomes)
            self.side_effects.rebuilds += 1

    def _read(self, organization: LoadOrganization) -> None:
        """Reads the journeys that change most. A later read must not return fewer events."""
        most: Counter[str] = Counter()
        for customer in itertools.cycle(HOT_CUSTOMERS):
            if self._stopped.wait(READ_INTERVAL):
                return
            with contextlib.suppress(httpx.TransportError):
                response = organization.api.request(
                    "GET", "customers", externalSourceId=CUSTOMER_SOURCE, value=customer
                )
                if response.is_success:
                    count = response.json()["eventCount"]
                    with self._lock:
                        self.side_effects.reads += 1
                        self.side_effects.lost_events += count < most[customer]
                    most[customer] = max(most[customer], count)

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def _repair(self) -> tuple[JourneyRepair, ArchiveRepair]:
        stores = OperatorStores(self._stack)
        repair = JourneyRepair(
            stores.journeys, stores.links, stores.log, threads=2, reader_seconds=READER_SECONDS, in_flight_seconds=0
        )
        return repair, ArchiveRepair(stores.archive, stores.landing)

    def verify(self, *, repair: bool = False) -> RepairReport:
        """The differences between the log, the journeys and the archive."""
        journeys, archive = self._repair()
        total = RepairReport()
        for scope in self._scopes:
            report = RepairReport()
            journeys.verify(scope, report, repair=repair, archive=archive)
            total.events += report.events
            total.journeys += report.journeys
            total.differences.update(report.differences)
            total.repaired.update(report.repaired)
        return total

    def settle(self, tick: Callable[[int], None] = lambda _: None) -> RepairReport:
        """Waits until the log has every new event and journeys and archive match it, or until nothing progresses.

        Args:
            tick: called with the number of differences and missing events that are left.
        """
        expected = sum(self.tally.sent[kind] for kind in FRESH)
        start = progressed = time.monotonic()
        least: int | None = None
        while True:
            waiting = stored.waiting(self._stack)
            report = self.verify()
            missing = max(0, expected - report.events) + waiting
            left, now = report.differences.total() + missing, time.monotonic()
            tick(left)
            if least is None or left < least:
                least, progressed = left, now
            still = QUEUE_STILL_SECONDS if missing else STILL_SECONDS
            if not left or now - progressed > still or now - start > CATCH_UP_SECONDS:
                return report
            time.sleep(1)

    def failures(self) -> Counter[str]:
        """The stored failures, by reason."""
        failures: Counter[str] = Counter()
        for organization in self._organizations:
            for summary in organization.api.call("GET", "externalevents/failures/summary")["entities"]:
                failures[summary["reason"]] += summary["count"]
        return failures

    def stored(self) -> StoredState:
        """What is stored at the end, and what the function `native` logged."""
        stores = OperatorStores(self._stack)
        ids = [organization.organization_id for organization in self._organizations]
        sources = [f"{organization.native_source}." for organization in self._organizations]
        logged = stored.logged(self._stack, self._started, sources)
        return StoredState(
            failures=self.failures(),
            links={(one, both) for one in ids for both in stored.links(stores, one)},
            native=Counter(created=sum(stored.native_events(stores, one) for one in ids)) + logged,
        )
