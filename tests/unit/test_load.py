"""The load run's own rules: what it sends, what it expects of it, how it sends again, and whom it kills."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event as Flag
from typing import Any

import httpx
import pytest

from journeys import dates, jsontext
from journeys.events.model import Event as TakenEvent
from journeys.events.validation import AttributeValidator, check
from journeys.registry.schemas.document import parse
from journeys.webhooks.delivery import Delivery as Received
from journeys.webhooks.delivery import SignatureInvalid
from journeys.webhooks.mapping import compile_mapping
from journeys.webhooks.senders.registry import SENDERS
from tools.load import run as load_run
from tools.load import traffic
from tools.load.kills import kill, processes
from tools.load.report import Check, checks
from tools.load.run import Load, Meanwhile, Organization, Pace, outcome_of
from tools.load.traffic import FRESH, KEPT, NO_ANSWER, POSTED, REFUSED, REPEATS, Delivery, Kind, Request, Tally, Traffic
from tools.local_stack.sample import EVENT_TYPES
from tools.operator.report import ARCHIVE_MISSING, Report
from tools.stack import Stack

URL = "https://api.example/local/webhooks/one"
"""Where tools deliver to."""


def requests(sent: Traffic, number: int) -> list[Request]:
    """Requests, of which every new event is taken at once."""
    found = []
    for _ in range(number):
        request = sent.request()
        found.append(request)
        for kind, event in zip(request.kinds, request.events, strict=True):
            if kind in FRESH:
                sent.taken(request.title, event, delivered=False)
    return found


def posted(number: int = 150) -> list[tuple[str, Kind, Any]]:
    return [
        (request.title, kind, event)
        for request in requests(Traffic("seed"), number)
        for kind, event in zip(request.kinds, request.events, strict=True)
    ]


def delivered(number: int = 200) -> list[Delivery]:
    sent, found = Traffic("seed"), []
    for _ in range(number):
        delivery = sent.delivery()
        found.append(delivery)
        if delivery.kind in FRESH:
            sent.taken(delivery.tool.event_type.title, delivery.event, delivered=True)
    return found


def as_read(event: Any) -> Any:
    """An event as a function reads it."""
    return jsontext.loads(json.dumps(event).encode())


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_of_four_hundred_events_four_are_bad_each_in_another_way() -> None:
    kinds = Counter(kind for _, kind, _ in posted())
    decks = kinds.total() // sum(POSTED.values())
    assert decks >= 5
    for kind in REFUSED.keys() & POSTED.keys():
        assert decks - 1 <= kinds[kind] <= decks + 1, kind
    assert sum(POSTED[kind] for kind in REFUSED.keys() & POSTED.keys()) * 100 == sum(POSTED.values())


def test_requests_have_one_event_or_up_to_a_hundred_and_what_is_not_json_stands_alone() -> None:
    found = requests(Traffic("seed"), 150)
    sizes = [len(request.events) for request in found]
    assert (min(sizes), max(sizes) <= 100, sizes.count(1) > 30, sum(size > 50 for size in sizes) > 10) == (
        1, True, True, True,
    )  # fmt: skip
    garbled = [request for request in found if Kind.GARBLED in request.kinds]
    assert garbled
    for request in found:
        if request in garbled:
            assert len(request.kinds) == 1
            with pytest.raises(ValueError, match="delimiter"):
                json.loads(request.body([0]))
        else:
            places = list(range(len(request.events)))
            assert json.loads(request.body(places)) == {"entities": list(request.events)}


def test_what_is_posted_is_what_its_kind_says_in_the_eyes_of_the_product() -> None:
    """The rules of ingest take every new event, and refuse bad input for the reason that is expected."""
    validators = {one.title: AttributeValidator(parse(one.schema)) for one in EVENT_TYPES}
    seen: dict[tuple[str, str], Any] = {}
    late = 0
    for title, kind, event in posted():
        judged = check(as_read(event), validators[title], dates.now_ms())
        if kind in (Kind.UNDATED, Kind.UNKNOWN):
            assert not isinstance(judged, TakenEvent)
            assert judged.reason == REFUSED[kind]
            continue
        assert isinstance(judged, TakenEvent), judged
        if kind in FRESH:
            assert (title, judged.event_id) not in seen
            seen[title, judged.event_id] = judged
        if kind is Kind.REPEATED:
            assert seen[title, judged.event_id] == judged
        if kind is Kind.CONFLICTING:
            assert seen[title, judged.event_id] != judged
        days = (dates.now_ms() - judged.date_created) / 86_400_000
        assert 2 <= days <= 61 if kind is Kind.LATE else kind in REPEATS or days < 0.1
        late += kind is Kind.LATE
        assert (judged.customer.value in traffic.HOT_CUSTOMERS) == (kind is Kind.HOT) or kind in REPEATS
    assert late > 100


def test_two_organisations_send_the_same_ids() -> None:
    first, second = ([event["id"] for _, _, event in posted(30)] for _ in range(2))
    assert first == second


def test_deliveries_are_proven_and_become_the_event_and_forged_ones_are_not() -> None:
    """By the product's own senders and mappings."""
    validators = {one.title: AttributeValidator(parse(one.schema)) for one in EVENT_TYPES}
    found = delivered()
    kinds = Counter(one.kind for one in found)
    assert kinds[Kind.FORGED] == 4
    assert kinds[Kind.REDELIVERED] > 20
    assert {one.tool.sender for one in found} == {tool.sender for tool in traffic.TOOLS}
    for one in found:
        headers = {name.lower(): value for name, value in one.headers(URL).items()}
        received = Received("POST", headers, {}, one.body, URL, time.time())
        sender = SENDERS[one.tool.sender]
        if one.kind is Kind.FORGED:
            with pytest.raises(SignatureInvalid):
                sender.verify(received, [one.tool.secret], {})
            continue
        sender.verify(received, [one.tool.secret], {})
        (payload,) = sender.extract_payloads(received)
        fields = validators[one.tool.event_type.title]
        mapping = compile_mapping(sender.default_mapping, one.tool.mapping)
        (event,) = mapping.to_events(payload, parse(one.tool.event_type.schema).fields)
        assert check(event, fields, dates.now_ms()) == check(as_read(one.event), fields, dates.now_ms())


# -- what is expected of it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("outcome", ["created", "duplicate", *REFUSED.values(), "internal.error", NO_ANSWER])
def test_every_kind_has_the_outcomes_that_are_right(kind: Kind, again: bool, outcome: str) -> None:
    tally = Tally()
    tally.send([kind])
    assert not tally.adds_up(kind)
    tally.add(kind, outcome, again=again)
    right = (
        (kind in FRESH and outcome == "created")
        or (outcome == "duplicate" and (kind in REPEATS or (kind in FRESH and again)))
        or REFUSED.get(kind) == outcome
    )
    assert tally.adds_up(kind) == right


def test_what_is_lost_or_told_twice_does_not_add_up() -> None:
    tally = Tally()
    tally.send([Kind.NEW, Kind.NEW])
    tally.add(Kind.NEW, "created", again=False)
    assert not tally.adds_up(Kind.NEW)
    tally.add(Kind.NEW, "created", again=False)
    assert tally.adds_up(Kind.NEW)
    tally.add(Kind.NEW, "duplicate", again=True)
    assert not tally.adds_up(Kind.NEW)


def settled() -> tuple[Tally, Meanwhile, Report, Counter[str]]:
    """A run at whose end all is as it should be."""
    tally = Tally()
    tally.send(Kind)
    report = Report(events=len(FRESH))
    return tally, Meanwhile(), report, Counter(REFUSED[kind] for kind in KEPT)


def broken(tally: Tally, meanwhile: Meanwhile, report: Report, failures: Counter[str]) -> list[str]:
    return [one.what for one in checks(tally, meanwhile, report, failures) if not one.holds]


def test_the_end_is_right_only_if_log_failures_journeys_and_archive_are() -> None:
    assert broken(*settled()) == []
    tally, meanwhile, report, failures = settled()
    report.events -= 1
    report.found[ARCHIVE_MISSING] += 1
    meanwhile.fewer += 1
    failures["missing.date"] -= 1
    failures["projection.failed"] += 1
    assert broken(tally, meanwhile, report, failures) == [
        "events in the log",
        "failures: missing.date",
        "failures of any other reason",
        "journeys read with fewer events than before",
        ARCHIVE_MISSING,
    ]
    assert not Check("what", 1, 0).holds


# -- sending -----------------------------------------------------------------------------------------------------------


class Server:
    """Stands in for the API: answers as it is told, and then that everything was created."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.asked = list(answers), list[list[str]]()

    def ask(self, method: str, path: str, body: bytes) -> httpx.Response:
        assert (method, path) == ("POST", "externalevents/configurations/one/events")
        ids = [one["id"] for one in json.loads(body)["entities"]]
        self.asked.append(ids)
        answer = self.answers.pop(0) if self.answers else took(ids)
        if isinstance(answer, Exception):
            raise answer
        return answer


def took(ids: Sequence[str], outcome: str = "created", **retryable: str) -> httpx.Response:
    """An answer that took all in, but for the events that are to be sent again: their ids and error codes."""
    said: dict[str, list[Any]] = {"processed": [], "unprocessedEntities": []}
    for place, event_id in enumerate(ids):
        if event_id in retryable:
            refused = {"originalRequestIndex": place, "isRetryable": True, "errorCode": retryable[event_id]}
            said["unprocessedEntities"].append(refused)
        else:
            said["processed"].append({"originalRequestIndex": place, "id": event_id, "outcome": outcome})
    return httpx.Response(200, json=said)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Callable[[Server, Request], Tally]:
    """Sends one request to a server, without waiting between tries."""
    monkeypatch.setattr("time.sleep", lambda _: None)

    def run(server: Server, request: Request) -> Tally:
        organization = Organization("acme", server, {"Order": "one"}, {}, Traffic("seed"))  # type: ignore[arg-type]
        one = Load(Stack("none", None), [organization], rate=1)
        one.tally.send(request.kinds)
        one._send(organization, request)
        return one.tally

    return run


def request_of(*ids: str) -> Request:
    return Request("Order", (Kind.NEW,) * len(ids), tuple({"id": one} for one in ids))


def test_what_got_no_answer_is_sent_again_until_it_gets_one(post: Callable[[Server, Request], Tally]) -> None:
    server = Server(httpx.Response(502), httpx.ReadTimeout("no answer"), httpx.Response(429), took("ab", "duplicate"))
    tally = post(server, request_of("a", "b"))
    assert server.asked == [["a", "b"]] * 4
    assert tally.unanswered == {"502": 1, "ReadTimeout": 1, "429": 1}
    assert (tally.outcomes, tally.adds_up(Kind.NEW)) == ({(Kind.NEW, "duplicate"): 2}, True)


def test_only_the_events_that_were_not_stored_are_sent_again(post: Callable[[Server, Request], Tally]) -> None:
    server = Server(took("abc", b="too.many.requests"), took("b", "duplicate"))
    tally = post(server, request_of("a", "b", "c"))
    assert server.asked == [["a", "b", "c"], ["b"]]
    assert (tally.number([Kind.NEW], "created"), tally.number([Kind.NEW], "duplicate")) == (2, 1)
    assert tally.adds_up(Kind.NEW)


def test_a_duplicate_that_was_sent_once_is_a_mistake(post: Callable[[Server, Request], Tally]) -> None:
    assert not post(Server(took("a", "duplicate")), request_of("a")).adds_up(Kind.NEW)


def test_who_never_gets_an_answer_says_so(
    post: Callable[[Server, Request], Tally], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_run, "PATIENCE", -1.0)
    for server in (Server(httpx.Response(503)), Server(took("a", a="service.unavailable"))):
        tally = post(server, request_of("a"))
        assert tally.outcomes == {(Kind.NEW, NO_ANSWER): 1}
        assert not tally.adds_up(Kind.NEW)


def test_a_request_that_is_refused_as_a_whole_says_why(post: Callable[[Server, Request], Tally]) -> None:
    tally = post(Server(httpx.Response(400, json={"code": "bad.request"})), request_of("a", "b"))
    assert tally.refused(Kind.NEW) == {"bad.request": 2}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.Response(200, json={"created": 0, "duplicate": 1, "failed": 0}), "duplicate"),
        (httpx.Response(200, json={"created": 0, "duplicate": 0, "failed": 1}), "failed"),
        (httpx.Response(401, json={"code": "not.proven"}), "not.proven"),
        (None, NO_ANSWER),
    ],
)
def test_what_became_of_a_delivery(answer: httpx.Response | None, outcome: str) -> None:
    assert outcome_of(answer) == outcome


def test_a_pace_is_kept_and_ends_when_the_run_does() -> None:
    stopped = Flag()
    pace, began = Pace(100, stopped), time.monotonic()
    assert all(pace.wait(number) for number in (5, 15, 1))
    assert time.monotonic() - began >= 0.19
    stopped.set()
    assert not pace.wait(1)


# -- beside the senders ------------------------------------------------------------------------------------------------


class Journeys:
    """Stands in for the API where journeys are read: each answer is a count, or None where there is no journey."""

    def __init__(self, run: Load, *counts: int | None) -> None:
        self.run, self.counts = run, list(counts)

    def ask(self, method: str, path: str, **query: str) -> httpx.Response:
        assert (method, path, query["externalSourceId"]) == ("GET", "customers", "crm")
        count = self.counts.pop(0)
        if not self.counts:
            self.run._stopped.set()
        return httpx.Response(404) if count is None else httpx.Response(200, json={"eventCount": count})


@pytest.mark.parametrize(("counts", "reads", "fewer"), [((None, 3, 3, 5), 3, 0), ((7, 6, 7, 5), 4, 2)])
def test_a_journey_with_fewer_events_than_before_is_noticed(
    monkeypatch: pytest.MonkeyPatch, counts: Sequence[int | None], reads: int, fewer: int
) -> None:
    monkeypatch.setattr(load_run, "HOT_CUSTOMERS", ("hot",))
    monkeypatch.setattr(load_run, "READS_AFTER", 0.0)
    run = Load(Stack("none", None), [], rate=1)
    run._read(Organization("acme", Journeys(run, *counts), {}, {}, Traffic("seed")))  # type: ignore[arg-type]
    assert (run.meanwhile.reads, run.meanwhile.fewer) == (reads, fewer)


def test_functions_are_killed_in_turn_until_the_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_run, "KILLS_EVERY", 0.0)
    run, killed = Load(Stack("none", None), [], rate=1), list[str]()

    def kills(function: str) -> int:
        killed.append(function)
        if len(killed) == 6:
            run._stopped.set()
        return 2 if function == "IngestFunction" else 1

    run._kill(kills)
    assert killed == [*load_run.KILLED, *load_run.KILLED[:2]]
    assert run.meanwhile.killed["IngestFunction"] == 4


# -- killing -----------------------------------------------------------------------------------------------------------


def test_only_the_processes_of_the_function_and_of_this_emulator_are_found() -> None:
    listing = """\
      10     7 /venv/bin/python /tmp/ministack-lambda-journeys-IngestFunction-1A-x_y/_worker.py
      11     7 /venv/bin/python /tmp/ministack-lambda-journeys-IngestFunction-1A-zz/_worker.py
      12     8 /venv/bin/python /tmp/ministack-lambda-journeys-IngestFunction-1A-x_y/_worker.py
      13     7 /venv/bin/python /tmp/ministack-lambda-journeys-IngestFunction-1AB-x/_worker.py
      14     7 /venv/bin/python /tmp/ministack-lambda-journeys-ProjectorFunction-2B-x/_worker.py
      15     7 less /tmp/ministack-lambda-journeys-IngestFunction-1A-x_y/log
       7     1 ministack"""
    assert processes(listing, 7, "journeys-IngestFunction-1A") == [10, 11]


def test_a_function_is_killed_outright(tmp_path: Path) -> None:
    function = f"TestFunction-{os.getpid()}"
    running = []
    for name in (f"ministack-lambda-{function}-a", f"ministack-lambda-Other{function}-b"):
        script = tmp_path / name / "_worker.py"
        script.parent.mkdir()
        script.write_text("import time\ntime.sleep(60)\n")
        running.append(subprocess.Popen([sys.executable, script]))
    try:
        assert kill(os.getpid(), function) == 1
        assert running[0].wait(10) == -signal.SIGKILL
        assert running[1].poll() is None
    finally:
        for one in running:
            one.kill()
            one.wait()
