"""A load run on a local stack of its own: everything at once, for a while, and then every event is accounted for.

    python -m tools.load [--seconds 60] [--rate 40]

Senders post single events and batches, send again what they sent, send late events, many events of a few customers,
deliver to webhooks, and get one in a hundred wrong, in two organisations with the same ids. Meanwhile the functions
that take events in, count and archive them are killed in turn, journeys are rebuilt, and read. Whoever gets no answer
sends again, as real senders do. Status: 0 when all adds up, 1 when anything does not, 2 when it could not be run.
"""

import argparse
import contextlib
import io
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Event as Flag
from threading import Lock
from typing import TextIO

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from journeys.journey.rebuild import Outcome
from journeys.registry.clients.model import PERMISSIONS
from tools.admin import Admin
from tools.api import Api, ApiError
from tools.local_stack import LocalStack, StackFailed
from tools.ministack import ROOT
from tools.operate import Parts
from tools.repair import KINDS, Archive, Operator, Report, Scope
from tools.sample import CUSTOMER_SOURCE, EVENT_TYPES
from tools.stack import Stack
from tools.traffic import (
    FRESH,
    HOT_CUSTOMERS,
    KEPT,
    NO_ANSWER,
    REFUSED,
    TAKEN,
    TOOLS,
    Delivery,
    Kind,
    Request,
    Tally,
    Traffic,
)

HOME = ROOT / ".local" / "load"
ORGANIZATIONS = ("acme", "globex")
SECONDS, RATE = 60, 40
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

WIDTH = 120
"""Of a line in a file."""

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
    api: Api
    configurations: dict[str, str]
    endpoints: dict[str, str]
    traffic: Traffic


def set_up(stack: Stack, organization_id: str, seed: str) -> Organization:
    """Makes an organisation, its event types and its webhooks."""
    admin = Admin(stack)
    admin.create_organization(organization_id, organization_id.capitalize())
    client = admin.create_client(organization_id, "load", sorted(PERMISSIONS))
    api = Api(stack.api_url, stack.token_url, client["clientId"], client["clientSecret"])
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


# -- killing -----------------------------------------------------------------------------------------------------------


def physical_names(stack: Stack, functions: Sequence[str]) -> dict[str, str]:
    """What functions of the template are called once they are deployed."""
    describe = stack.client("cloudformation").describe_stack_resource
    return {
        name: describe(StackName=stack.name, LogicalResourceId=name)["StackResourceDetail"]["PhysicalResourceId"]
        for name in functions
    }


def processes(listing: str, emulator: int, function: str) -> list[int]:
    """In which an emulator runs a function, of a listing of pid, parent and command: it runs a script of its own,
    `_worker.py`, in a folder that is named after the function."""
    found = []
    for line in listing.splitlines():
        pid, parent, command = line.split(maxsplit=2)
        if int(parent) == emulator and f"ministack-lambda-{function}-" in command and command.endswith("_worker.py"):
            found.append(int(pid))
    return found


def kill(emulator: int, function: str) -> int:
    """Kills a function wherever it runs, in the middle of whatever it does; answers how many processes that were."""
    listing = subprocess.run(
        ["/bin/ps", "-ww", "-A", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    killed = 0
    for pid in processes(listing, emulator, function):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


# -- the run -----------------------------------------------------------------------------------------------------------


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


# -- what it came to ---------------------------------------------------------------------------------------------------


def sent_table(tally: Tally) -> Table:
    """What was sent, and what became of it."""
    table = Table(title="What became of all that was sent", title_justify="left")
    for column in ("what", "sent", "created", "duplicate", "refused", "", "adds up"):
        table.add_column(column, justify="right" if column in ("sent", "created", "duplicate", "refused") else "left")

    def add(what: str, kinds: Sequence[Kind]) -> None:
        refused = sum((tally.refused(kind) for kind in kinds), Counter[str]())
        numbers = (
            sum(tally.sent[kind] for kind in kinds),
            *(tally.number(kinds, outcome) for outcome in TAKEN),
            refused.total(),
        )
        reasons = ", ".join(sorted(refused)) if len(kinds) == 1 else ""
        table.add_row(what, *(f"{one:,}" for one in numbers), reasons, _yes(all(map(tally.adds_up, kinds))))

    for kind in Kind:
        add(kind, [kind])
    table.add_section()
    add("in all", list(Kind))
    return table


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so in the end."""

    what: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        return self.expected == self.found


def checks(tally: Tally, meanwhile: Meanwhile, report: Report, failures: Counter[str]) -> list[Check]:
    """What must be so when all that was sent is answered for, and `report` is what verify found."""
    kept = [Check(f"failures: {REFUSED[kind]}", tally.sent[kind], failures[REFUSED[kind]]) for kind in sorted(KEPT)]
    others = failures.total() - sum(one.found for one in kept)
    return [
        Check("events in the log", sum(tally.sent[kind] for kind in FRESH), report.events),
        *kept,
        Check("failures of any other reason", 0, others),
        Check("journeys read with fewer events than before", 0, meanwhile.fewer),
        *(Check(kind, 0, report.found[kind]) for kind in KINDS),
    ]


def checks_table(found: Sequence[Check]) -> Table:
    """What must be so, and whether it is."""
    table = Table(title="What there is now, and what verify finds", title_justify="left")
    for column in ("what", "expected", "found", "holds"):
        table.add_column(column, justify="right" if column in ("expected", "found") else "left")
    for one in found:
        table.add_row(one.what, f"{one.expected:,}", f"{one.found:,}", _yes(one.holds))
    return table


def _console(file: TextIO) -> Console:
    console = Console(file=file, highlight=False)
    return console if console.is_terminal else Console(file=file, highlight=False, width=WIDTH)


def _yes(holds: bool) -> str:
    return "yes" if holds else "[bold red]NO[/bold red]"


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {number:,}" for what, number in sorted(counts.items()) if number) or "none"


def _happened(load: Load) -> str:
    """What went on while the events were sent."""
    tally, meanwhile = load.tally, load.meanwhile
    changed = Counter({what: number for what, number in meanwhile.rebuilt.items() if what != Outcome.RIGHT})
    return "\n".join(
        (
            f"{tally.sent.total():,} events sent in {meanwhile.seconds:.0f} s; {load.rate:g} a second were asked for",
            f"killed: {_said(meanwhile.killed)}",
            f"requests that got no answer, and were sent again: {_said(tally.unanswered)}",
            f"rebuilds of all journeys: {meanwhile.rebuilds:,}; journeys that one had to touch: {_said(changed)}",
            f"journeys read: {meanwhile.reads:,} times",
        )
    )


# -- the command -------------------------------------------------------------------------------------------------------


class _Line:
    """The progress line; where nobody watches, one is printed now and then."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress, self._printed = console, progress, 0.0

    def task(self, name: str, total: float | None) -> TaskID:
        return self._progress.add_task(f"{name:11}", total=total, said="")

    def tell(self, task: TaskID, done: float | None, said: str) -> None:
        self._progress.update(task, completed=done, said=said)
        if not self._console.is_terminal and time.monotonic() - self._printed > 10:
            self._printed = time.monotonic()
            self._console.print(f"  {said}", soft_wrap=True)


def _so_far(load: Load) -> str:
    tally, meanwhile = load.tally, load.meanwhile
    return (
        f"{tally.sent.total():,} sent, {tally.unanswered.total():,} unheard, "
        f"{meanwhile.killed.total():,} killed, {meanwhile.rebuilds:,} rebuilds"
    )


def _run(local: LocalStack, given: argparse.Namespace, console: Console, errors: Console) -> int:
    stack = local.up()
    emulator = int(json.loads((HOME / "ministack.json").read_text())["pid"])
    functions = physical_names(stack, KILLED)
    columns = (TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn(), TextColumn("{task.fields[said]}"))
    with (
        Progress(*columns, console=errors, redirect_stdout=False) as progress,
        contextlib.redirect_stdout(io.StringIO()),  # the functions' code prints its metrics
    ):
        line = _Line(errors, progress)
        organizations = [set_up(stack, one, "load") for one in ORGANIZATIONS]
        load = Load(stack, organizations, rate=given.rate, kills=lambda name: kill(emulator, functions[name]))
        task = line.task("sending", given.seconds)
        load.run(given.seconds, lambda passed: line.tell(task, passed, _so_far(load)))
        line.tell(task, given.seconds, _so_far(load))
        task = line.task("catching up", None)
        report = load.settle(lambda left: line.tell(task, None, f"{left:,} differences"))
        failures = load.failures()
        mended = load.verify(mend=True) if report.found.total() else None
        after = load.verify() if mended is not None else report
    found = checks(load.tally, load.meanwhile, report, failures)
    console.print(_happened(load))
    console.print(sent_table(load.tally))
    console.print(checks_table(found))
    if mended is not None:
        console.print(
            f"mended: {_said(mended.mended)}; verify finds after that: {_said(after.found)}\n"
            "(What a function asks for again is delivered again by AWS, and not by the emulator.)"
        )
    return 0 if all(one.holds for one in found) and all(map(load.tally.adds_up, Kind)) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers with its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for which events are sent ({SECONDS})")
    parser.add_argument("--rate", type=float, default=RATE, help=f"events a second, of all senders ({RATE})")
    given = parser.parse_args(arguments)
    if given.seconds <= 0 or given.rate <= 0:
        parser.error("seconds and rate are greater than nothing")
    console, errors = (_console(file) for file in (sys.stdout, sys.stderr))
    local = LocalStack(HOME)
    local.down()  # one that a run left behind when it was killed
    try:
        return _run(local, given, console, errors)
    except KeyboardInterrupt:
        trouble = "Interrupted."
    except (StackFailed, ApiError) as error:
        trouble = str(error)
    except (httpx.HTTPError, BotoCoreError, ClientError) as error:
        trouble = f"The local stack does not answer ({type(error).__name__}); its log is in {HOME.relative_to(ROOT)}."
    finally:
        local.down()
    errors.print(trouble, style="red", markup=False)
    return 2


if __name__ == "__main__":
    sys.exit(main())
