"""The load run: the mix of traffic, the expected outcomes, retries, and killed functions."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from threading import Event as Flag
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from journeys import dates, jsontext, keys
from journeys.events.attributes import AttributeValidator
from journeys.events.model import Event as ValidEvent
from journeys.events.model import ExternalId
from journeys.events.store import EventLog
from journeys.events.validation import check
from journeys.http.body import MAX_BODY
from journeys.identity.model import Evidence, Pair, pair
from journeys.identity.store import LinkStore
from journeys.native.bindings import NativeBindings
from journeys.native.reading import read
from journeys.registry.schemas.document import parse
from journeys.webhooks.delivery import Delivery as Received
from journeys.webhooks.delivery import SignatureInvalid
from journeys.webhooks.expressions import Evaluator
from journeys.webhooks.mapping import compile_mapping
from journeys.webhooks.senders.registry import SENDERS
from tests.support.tables import Tables
from tools.load import run as load_run
from tools.load import stored, traffic
from tools.load.kills import kill, processes
from tools.load.organizations import LoadOrganization
from tools.load.outcomes import outcome_of
from tools.load.report import LoadCheck, checks
from tools.load.run import LoadRun, Pace, StoredState
from tools.load.traffic import (
    DELIVERED,
    FRESH,
    NO_RESPONSE,
    ON_BUS,
    POSTED,
    QUEUED,
    REFUSAL_REASONS,
    REPEATS,
    STORED_REFUSALS,
    LoadTally,
    Traffic,
    TrafficDelivery,
    TrafficKind,
    TrafficRequest,
    links_of,
)
from tools.local_stack.sample import EVENT_TYPES
from tools.operator.report import ARCHIVE_MISSING, RepairReport
from tools.operator.stores import OperatorStores
from tools.stack import Stack

URL = "https://api.example/local/webhooks/one"
"""The address of an endpoint."""


def requests(sent: Traffic, number: int) -> list[TrafficRequest]:
    """Requests whose new events are recorded at once."""
    generated = []
    for _ in range(number):
        request = sent.request()
        generated.append(request)
        for kind, event in zip(request.kinds, request.events, strict=True):
            if kind in FRESH:
                sent.recorded(request.title, event, delivered=False)
    return generated


def posted(number: int = 150) -> list[tuple[str, TrafficKind, Any]]:
    return [
        (request.title, kind, event)
        for request in requests(Traffic("seed"), number)
        for kind, event in zip(request.kinds, request.events, strict=True)
    ]


def delivered(number: int = 200) -> list[TrafficDelivery]:
    sent, generated = Traffic("seed"), []
    for _ in range(number):
        delivery = sent.delivery()
        generated.append(delivery)
        if delivery.kind in FRESH:
            sent.recorded(delivery.sender.event_type.title, delivery.events[0], delivered=True)
    return generated


def as_read(event: Any) -> Any:
    """An event as a function parses it."""
    return jsontext.loads(json.dumps(event).encode())


# -- traffic -----------------------------------------------------------------------------------------------------------


def test_one_percent_of_posted_events_is_invalid_equally_of_each_kind() -> None:
    kinds = Counter(kind for _, kind, _ in posted())
    decks = kinds.total() // sum(POSTED.values())
    assert decks >= 5
    for kind in REFUSAL_REASONS.keys() & POSTED.keys():
        assert decks - 1 <= kinds[kind] <= decks + 1, kind
    assert sum(POSTED[kind] for kind in REFUSAL_REASONS.keys() & POSTED.keys()) * 100 == sum(POSTED.values())


def test_a_request_has_1_to_100_events_and_invalid_json_is_sent_alone() -> None:
    found = requests(Traffic("seed"), 150)
    sizes = [len(request.events) for request in found]
    assert (min(sizes), max(sizes) <= 100, sizes.count(1) > 30, sum(size > 50 for size in sizes) > 10) == (
        1, True, True, True,
    )  # fmt: skip
    garbled = [request for request in found if TrafficKind.GARBLED in request.kinds]
    assert garbled
    for request in found:
        if request in garbled:
            assert len(request.kinds) == 1
            with pytest.raises(ValueError, match="delimiter"):
                json.loads(request.body([0]))
        else:
            indexes = list(range(len(request.events)))
            assert json.loads(request.body(indexes)) == {"entities": list(request.events)}


def test_the_product_accepts_or_refuses_each_kind_as_expected() -> None:
    """The rules of ingest accept every new event, and refuse invalid input for the expected reason."""
    validators = {one.title: AttributeValidator(parse(one.schema)) for one in EVENT_TYPES}
    seen: dict[tuple[str, str], Any] = {}
    late = 0
    for title, kind, event in posted():
        checked = check(as_read(event), validators[title], dates.now_ms())
        if kind in (TrafficKind.UNDATED, TrafficKind.UNKNOWN):
            assert not isinstance(checked, ValidEvent)
            assert checked.reason == REFUSAL_REASONS[kind]
            continue
        assert isinstance(checked, ValidEvent), checked
        if kind in FRESH:
            assert (title, checked.event_id) not in seen
            seen[title, checked.event_id] = checked
        if kind is TrafficKind.REPEATED:
            assert seen[title, checked.event_id] == checked
        if kind is TrafficKind.CONFLICTING:
            assert seen[title, checked.event_id] != checked
        days = (dates.now_ms() - checked.date_created) / 86_400_000
        assert 2 <= days <= 61 if kind is TrafficKind.LATE else kind in REPEATS or days < 0.1
        late += kind is TrafficKind.LATE
        assert (checked.customer.value in traffic.HOT_CUSTOMERS) == (kind is TrafficKind.HOT) or kind in REPEATS
    assert late > 100


def test_two_organizations_send_the_same_ids() -> None:
    first, second = ([event["id"] for _, _, event in posted(30)] for _ in range(2))
    assert first == second


def test_deliveries_pass_signature_verification_and_forged_ones_do_not() -> None:
    """The product's senders and mappings decide."""
    validators = {one.title: AttributeValidator(parse(one.schema)) for one in EVENT_TYPES}
    found = delivered()
    kinds = Counter(one.kind for one in found)
    assert kinds[TrafficKind.FORGED] == 4
    assert kinds[TrafficKind.REDELIVERED] > 20
    assert {one.sender.name for one in found} == {sender.name for sender in traffic.SENDERS}
    for one in found:
        headers = {name.lower(): value for name, value in one.headers(URL).items()}
        received = Received("POST", headers, {}, one.body, URL, time.time())
        sender = SENDERS[one.sender.name]
        if one.kind is TrafficKind.FORGED:
            with pytest.raises(SignatureInvalid):
                sender.verify(received, [one.sender.secret], {})
            continue
        sender.verify(received, [one.sender.secret], {})
        (payload,) = sender.extract_payloads(received)
        fields = validators[one.sender.event_type.title]
        mapping = compile_mapping(sender.presets[sender.latest_preset], one.sender.mapping)
        (event,) = mapping.to_events(payload, parse(one.sender.event_type.schema).fields, Evaluator.of_delivery({}, 0))
        assert check(event, fields, dates.now_ms()) == check(as_read(one.events[0]), fields, dates.now_ms())


def test_a_large_delivery_has_1000_new_events_in_one_list() -> None:
    sent = Traffic("seed")
    first, second = sent.large_delivery(), sent.large_delivery()
    ids = {event["id"] for delivery in (first, second) for event in delivery.events}
    assert (len(first.events), len(ids), first.kind in FRESH) == (1000, 2000, True)
    headers = {name.lower(): value for name, value in first.headers(URL).items()}
    received = Received("POST", headers, {}, first.body, URL, time.time())
    sender = SENDERS[first.sender.name]
    sender.verify(received, [first.sender.secret], {})
    assert len(sender.extract_payloads(received)) == 1000
    assert len(first.body) <= MAX_BODY


def calls(number: int = 60) -> list[tuple[TrafficKind, Any]]:
    sent = Traffic("seed")
    made = [sent.call("load.acme") for _ in range(number)]
    return [one for call in made for one in zip(call.kinds, call.events, strict=True)]


def test_the_product_accepts_refuses_or_drops_each_native_event_as_expected() -> None:
    """Ingest's rules accept new events and refuse malformed ones. The others have a source that nobody has."""
    found, bindings = calls(), NativeBindings()
    by_kind: dict[TrafficKind, list[ValidEvent]] = defaultdict(list)
    kinds = Counter(kind for kind, _ in found)
    assert min(kinds[kind] for kind in ON_BUS) >= 20
    for kind, envelope in found:
        event = read(as_read(envelope))
        assert event is not None
        validator = bindings.get("acme", NativeBindings.key(event.schema_id, event.vendor)).validator
        checked = check(event.event, validator, dates.now_ms())
        assert (envelope["source"] == "load.acme") == (kind is not TrafficKind.NATIVE_UNMAPPED)
        if kind is TrafficKind.NATIVE_MALFORMED:
            assert not isinstance(checked, ValidEvent)
            assert checked.reason == REFUSAL_REASONS[kind]
            continue
        assert isinstance(checked, ValidEvent), checked
        by_kind[kind].append(checked)
    new, repeated = by_kind[TrafficKind.NATIVE], by_kind[TrafficKind.NATIVE_REPEATED]
    assert len({one.event_id for one in new}) == len(new)
    assert all(one in new for one in repeated)


def test_the_events_of_a_call_are_put_out_of_order() -> None:
    sent = Traffic("seed")
    orders = []
    for _ in range(20):
        call = sent.call("load.acme")
        new = zip(call.kinds, call.events, strict=True)
        orders.append([one["detail"]["eventBody"]["eventTime"] for kind, one in new if kind is TrafficKind.NATIVE])
    assert sum(order != sorted(order) for order in orders) >= 15


def test_each_event_that_is_dropped_has_a_source_of_its_own() -> None:
    sources = [envelope["source"] for kind, envelope in calls() if kind is TrafficKind.NATIVE_UNMAPPED]
    assert len(sources) == len(set(sources))
    assert all(source.startswith("load.acme.") for source in sources)


def test_the_expected_links_are_those_that_the_product_makes() -> None:
    numbers = Counter(len(links_of(event)) for _, kind, event in posted() if kind is TrafficKind.NEW)
    assert set(numbers) == {0, 1, 3}
    assert 0.3 < (numbers[1] + numbers[3]) / numbers.total() < 0.5
    sent = Traffic("seed")
    for _ in range(20):
        call = sent.call("load.acme")
        made: set[Pair] = set()
        for kind, envelope in zip(call.kinds, call.events, strict=True):
            event = read(as_read(envelope))
            assert event is not None
            if kind is TrafficKind.NATIVE:
                made |= set(links_of(dict(event.event)))
        assert call.links == made != set()


# -- expected outcomes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TrafficKind)
@pytest.mark.parametrize("retried", [False, True])
@pytest.mark.parametrize(
    "outcome", ["created", "duplicate", QUEUED, *REFUSAL_REASONS.values(), "internal.error", NO_RESPONSE]
)
def test_each_kind_adds_up_only_with_its_expected_outcomes(kind: TrafficKind, retried: bool, outcome: str) -> None:
    tally = LoadTally()
    tally.send([kind])
    assert not tally.adds_up(kind)
    tally.add(kind, outcome, retried=retried)
    expected = (
        (kind in FRESH and outcome == "created")
        or (outcome == "duplicate" and (kind in REPEATS or (kind in FRESH and retried)))
        or (outcome == QUEUED and kind in DELIVERED)
        or REFUSAL_REASONS.get(kind) == outcome
    )
    assert tally.adds_up(kind) == (outcome == QUEUED if kind in ON_BUS else expected)


def test_a_lost_event_or_a_second_outcome_does_not_add_up() -> None:
    tally = LoadTally()
    tally.send([TrafficKind.NEW, TrafficKind.NEW])
    tally.add(TrafficKind.NEW, "created", retried=False)
    assert not tally.adds_up(TrafficKind.NEW)
    tally.add(TrafficKind.NEW, "created", retried=False)
    assert tally.adds_up(TrafficKind.NEW)
    tally.add(TrafficKind.NEW, "duplicate", retried=True)
    assert not tally.adds_up(TrafficKind.NEW)


PAIR = pair(ExternalId("crm", "C-1"), ExternalId("email", "c-1@mail.example"))


def settled() -> tuple[LoadRun, RepairReport, StoredState]:
    """A run without any problem, and what is stored at its end."""
    load = LoadRun(Stack("none", None), [], rate=1)
    load.tally.send(TrafficKind)
    load.links.add(("acme", PAIR))
    failures = Counter(REFUSAL_REASONS[kind] for kind in STORED_REFUSALS)
    native = Counter(created=1, duplicate=1, dropped=1)
    return load, RepairReport(events=len(FRESH)), StoredState(failures, {("acme", PAIR)}, native)


def broken(load: LoadRun, report: RepairReport, state: StoredState) -> list[str]:
    return [check.name for check in checks(load, report, state) if not check.passed]


def test_the_checks_fail_for_a_wrong_log_failure_journey_or_archive() -> None:
    assert broken(*settled()) == []
    load, report, state = settled()
    report.events -= 1
    report.differences[ARCHIVE_MISSING] += 1
    load.side_effects.lost_events += 1
    state.failures["missing.date"] -= 1
    state.failures["projection.failed"] += 1
    assert broken(load, report, state) == [
        "events in the log",
        "failures: missing.date",
        "failures with another reason",
        "reads that lost events",
        ARCHIVE_MISSING,
    ]
    assert not LoadCheck("name", 1, 0).passed


@pytest.mark.parametrize(
    ("outcome", "number", "name"),
    [
        ("created", 0, "native events created"),
        ("created", 2, "native events created"),
        ("duplicate", 0, "native events sent before, duplicates"),
        ("dropped", 0, "native events dropped"),
        ("dropped", 2, "native events dropped"),
    ],
)
def test_the_checks_fail_for_a_native_event_without_its_outcome(outcome: str, number: int, name: str) -> None:
    load, report, state = settled()
    state.native[outcome] = number
    assert broken(load, report, state) == [name]


def test_a_new_native_event_that_the_queue_delivers_again_is_one_more_duplicate() -> None:
    load, report, state = settled()
    state.native["duplicate"] += 1
    assert broken(load, report, state) == []


def test_the_checks_fail_for_a_missing_or_a_foreign_link() -> None:
    load, report, state = settled()
    state.links = {("globex", PAIR)}
    assert broken(load, report, state) == ["links", "links that no event sent"]


# -- sending -----------------------------------------------------------------------------------------------------------


class Server:
    """A fake API: returns the given responses, and after those one in which every event was created."""

    def __init__(self, *responses: httpx.Response | Exception) -> None:
        self.responses, self.requests = list(responses), list[list[str]]()

    def request(self, method: str, path: str, body: bytes) -> httpx.Response:
        assert (method, path) == ("POST", "externalevents/configurations/one/events")
        ids = [one["id"] for one in json.loads(body)["entities"]]
        self.requests.append(ids)
        response = self.responses.pop(0) if self.responses else created(ids)
        if isinstance(response, Exception):
            raise response
        return response


def created(ids: Sequence[str], outcome: str = "created", **retryable: str) -> httpx.Response:
    """A response in which every event was recorded, except the retryable ones: their ids and error codes."""
    body: dict[str, list[Any]] = {"processed": [], "unprocessedEntities": []}
    for index, event_id in enumerate(ids):
        if event_id in retryable:
            refused = {"originalRequestIndex": index, "isRetryable": True, "errorCode": retryable[event_id]}
            body["unprocessedEntities"].append(refused)
        else:
            body["processed"].append({"originalRequestIndex": index, "id": event_id, "outcome": outcome})
    return httpx.Response(200, json=body)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Callable[[Server, TrafficRequest], LoadTally]:
    """Sends one request to a server, without waiting between attempts."""
    monkeypatch.setattr("time.sleep", lambda _: None)

    def run(server: Server, request: TrafficRequest) -> LoadTally:
        organization = LoadOrganization("acme", server, {"Order": "one"}, {}, Traffic("seed"))  # type: ignore[arg-type]
        one = LoadRun(Stack("none", None), [organization], rate=1)
        one.tally.send(request.kinds)
        one._send(organization, request)
        return one.tally

    return run


def request_of(*ids: str) -> TrafficRequest:
    return TrafficRequest("Order", (TrafficKind.NEW,) * len(ids), tuple({"id": one} for one in ids))


def test_a_request_without_a_response_is_retried_until_it_has_one(
    post: Callable[[Server, TrafficRequest], LoadTally],
) -> None:
    server = Server(
        httpx.Response(502), httpx.ReadTimeout("no response"), httpx.Response(429), created("ab", "duplicate")
    )
    tally = post(server, request_of("a", "b"))
    assert server.requests == [["a", "b"]] * 4
    assert tally.unanswered == {"502": 1, "ReadTimeout": 1, "429": 1}
    assert (tally.outcomes, tally.adds_up(TrafficKind.NEW)) == ({(TrafficKind.NEW, "duplicate"): 2}, True)


def test_only_retryable_events_are_sent_again(post: Callable[[Server, TrafficRequest], LoadTally]) -> None:
    server = Server(created("abc", b="too.many.requests"), created("b", "duplicate"))
    tally = post(server, request_of("a", "b", "c"))
    assert server.requests == [["a", "b", "c"], ["b"]]
    assert (tally.number([TrafficKind.NEW], "created"), tally.number([TrafficKind.NEW], "duplicate")) == (2, 1)
    assert tally.adds_up(TrafficKind.NEW)


def test_a_duplicate_of_an_event_that_was_sent_once_is_unexpected(
    post: Callable[[Server, TrafficRequest], LoadTally],
) -> None:
    assert not post(Server(created("a", "duplicate")), request_of("a")).adds_up(TrafficKind.NEW)


def test_an_event_without_a_response_until_the_deadline_is_counted_as_such(
    post: Callable[[Server, TrafficRequest], LoadTally], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_run, "RETRY_SECONDS", -1.0)
    for server in (Server(httpx.Response(503)), Server(created("a", a="service.unavailable"))):
        tally = post(server, request_of("a"))
        assert tally.outcomes == {(TrafficKind.NEW, NO_RESPONSE): 1}
        assert not tally.adds_up(TrafficKind.NEW)


def test_a_refused_request_counts_its_events_by_the_error_code(
    post: Callable[[Server, TrafficRequest], LoadTally],
) -> None:
    tally = post(Server(httpx.Response(400, json={"code": "bad.request"})), request_of("a", "b"))
    assert tally.refused(TrafficKind.NEW) == {"bad.request": 2}


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (httpx.Response(200, json={"created": 0, "duplicate": 1, "failed": 0}), "duplicate"),
        (httpx.Response(200, json={"created": 0, "duplicate": 0, "failed": 1}), "failed"),
        (httpx.Response(401, json={"code": "not.proven"}), "not.proven"),
        (None, NO_RESPONSE),
    ],
)
def test_the_outcome_of_a_delivery(response: httpx.Response | None, outcome: str) -> None:
    assert outcome_of(response) == outcome


def test_the_pace_limits_the_rate_and_ends_with_the_run() -> None:
    stopped = Flag()
    pace, start = Pace(100, stopped), time.monotonic()
    assert all(pace.wait(number) for number in (5, 15, 1))
    assert time.monotonic() - start >= 0.19
    stopped.set()
    assert not pace.wait(1)


def test_the_links_of_new_posted_events_are_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    organization = LoadOrganization("acme", None, {}, {}, Traffic("seed"))  # type: ignore[arg-type]
    run, made = LoadRun(Stack("none", None), [organization], rate=1), list[TrafficRequest]()

    def send(_: LoadOrganization, request: TrafficRequest) -> None:
        made.append(request)
        if len(made) == 20:
            run._stopped.set()

    monkeypatch.setattr(run, "_send", send)
    run._post(organization, Pace(1e9, run._stopped))
    sent = [both for request in made for both in zip(request.kinds, request.events, strict=True)]
    expected = {("acme", one) for kind, event in sent if kind in FRESH for one in links_of(event)}
    assert run.links == expected != set()


def test_calls_are_put_on_the_bus_and_their_links_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[Any] = []
    organization = LoadOrganization("acme", None, {}, {}, Traffic("seed"))  # type: ignore[arg-type]
    run = LoadRun(Stack("none", None), [organization], rate=1)

    def put_one(_: Stack, events: Sequence[Any]) -> None:
        put.extend(events)
        run._stopped.set()

    monkeypatch.setattr(load_run, "put_events", put_one)
    run._call(organization, Pace(1e9, run._stopped))
    call = Traffic("seed").call(organization.native_source)
    assert [one["detail-type"] for one in put] == [one["detail-type"] for one in call.events]
    assert run.tally.sent == Counter(call.kinds)
    assert all(run.tally.adds_up(kind) for kind in ON_BUS)
    assert run.links == {("acme", one) for one in call.links}


# -- what is stored ----------------------------------------------------------------------------------------------------


class Logs:
    """A stack whose function `native` has logged these lines."""

    name = "one"

    def __init__(self, *lines: str) -> None:
        self._lines = lines

    def client(self, name: str) -> "Logs":
        assert name == "logs"
        return self

    def get_paginator(self, name: str) -> "Logs":
        assert name == "filter_log_events"
        return self

    def paginate(self, **given: Any) -> list[Any]:
        assert given == {"logGroupName": "/journeys/one/native", "startTime": 7}
        return [{"events": [{"message": line}]} for line in self._lines]


def test_duplicates_and_dropped_events_are_counted_from_the_log() -> None:
    taken, source = '{"EventsTaken":1,"outcome":"%s"}', '{"NativeEventsUnmapped":1,"nativeSource":"%s"}'
    lines = ("START", taken % "created", taken % "duplicate", taken % "duplicate",
             source % "load.acme.unknown-1", source % "load.acme.unknown-1", source % "load.acme.unknown-2",
             source % "local.other")  # fmt: skip
    assert stored.logged(Logs(*lines), 7, ["load.acme."]) == {"duplicate": 2, "dropped": 2}  # type: ignore[arg-type]


def test_links_with_both_rows_and_native_events_of_an_organization_are_counted(tables: Tables) -> None:
    """`OperatorStores` has the log and the links of the stack; here they are those of the test."""
    log, links = EventLog(tables.dynamodb, tables.events), LinkStore(tables.dynamodb, tables.links)
    stores = cast("OperatorStores", SimpleNamespace(log=log, links=links))
    lone = pair(PAIR.first, ExternalId("phone", "+13175550100"))
    for organization_id in ("acme", "acme2"):
        links.put(organization_id, dict.fromkeys((PAIR, lone), Evidence(1, "native", "e-1", 1)))
    row = next(one for one in tables.items(tables.links) if one["pk"]["S"].startswith("acme#phone"))
    tables.dynamodb.delete_item(TableName=tables.links, Key={"pk": row["pk"], "sk": row["sk"]})
    assert stored.links(stores, "acme") == {PAIR}
    assert stored.links(stores, "acme2") == {PAIR, lone}
    for configuration_id in ("native", "native2", "one"):
        for organization_id in ("acme", "acme2"):
            item = keys.item(keys.event(organization_id, configuration_id, "e-1"))
            tables.dynamodb.put_item(TableName=tables.events, Item=item)
    assert stored.native_events(stores, "acme") == 1


# -- at the same time --------------------------------------------------------------------------------------------------


class Journeys:
    """A fake API for reading journeys: returns the given counts; None means that there is no journey."""

    def __init__(self, run: LoadRun, *counts: int | None) -> None:
        self.run, self.counts = run, list(counts)

    def request(self, method: str, path: str, **query: str) -> httpx.Response:
        assert (method, path, query["externalSourceId"]) == ("GET", "customers", "crm")
        count = self.counts.pop(0)
        if not self.counts:
            self.run._stopped.set()
        return httpx.Response(404) if count is None else httpx.Response(200, json={"eventCount": count})


@pytest.mark.parametrize(("counts", "reads", "fewer"), [((None, 3, 3, 5), 3, 0), ((7, 6, 7, 5), 4, 2)])
def test_a_read_with_fewer_events_than_before_is_counted(
    monkeypatch: pytest.MonkeyPatch, counts: Sequence[int | None], reads: int, fewer: int
) -> None:
    monkeypatch.setattr(load_run, "HOT_CUSTOMERS", ("hot",))
    monkeypatch.setattr(load_run, "READ_INTERVAL", 0.0)
    run = LoadRun(Stack("none", None), [], rate=1)
    run._read(LoadOrganization("acme", Journeys(run, *counts), {}, {}, Traffic("seed")))  # type: ignore[arg-type]
    assert (run.side_effects.reads, run.side_effects.lost_events) == (reads, fewer)


def test_functions_are_killed_in_turn_until_the_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_run, "KILL_INTERVAL", 0.0)
    monkeypatch.setattr(load_run, "SURVIVAL_SECONDS", 0.0)
    run, killed = LoadRun(Stack("none", None), [], rate=1), list[str]()
    run.tally.add(TrafficKind.NEW, "created", retried=False)

    def kill_function(function: str) -> int:
        killed.append(function)
        if len(killed) == len(load_run.KILLED) + 2:
            run._stopped.set()
        return 2 if function == "IngestFunction" else 1

    run._kill_functions(kill_function)
    assert killed == [*load_run.KILLED, *load_run.KILLED[:2]]
    assert run.side_effects.killed["IngestFunction"] == 4


def test_no_function_is_killed_before_a_sender_has_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    run = LoadRun(Stack("none", None), [], rate=1)
    run.tally.add(TrafficKind.NATIVE, QUEUED, retried=False)  # The sender does not learn this outcome.
    waits = iter([False, False, True])
    monkeypatch.setattr(run._stopped, "wait", lambda _: next(waits))
    run._kill_functions(lambda _: pytest.fail("a function was killed"))
    assert next(waits, None) is None


def test_a_killed_function_is_left_alone_until_it_had_time_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    now, killed = 0.0, list[tuple[str, float]]()
    run = LoadRun(Stack("none", None), [], rate=1)
    run.tally.add(TrafficKind.NEW, "created", retried=False)

    def wait(seconds: float) -> bool:
        nonlocal now
        now += seconds
        return now > 60

    monkeypatch.setattr(run._stopped, "wait", wait)
    monkeypatch.setattr("time.monotonic", lambda: now)

    def kill_function(function: str) -> int:
        if function == "IngestFunction":
            killed.append((function, now))
            return 1
        return 0

    run._kill_functions(kill_function)
    pauses = [later - earlier for (_, earlier), (_, later) in pairwise(killed)]
    assert len(pauses) >= 3
    assert min(pauses) >= load_run.SURVIVAL_SECONDS


# -- killing -----------------------------------------------------------------------------------------------------------


def test_processes_finds_only_this_emulators_processes_of_the_function() -> None:
    listing = """\
      10     7 /venv/bin/python /tmp/ministack-lambda-journeys-IngestFunction-1A-x_y/_worker.py
      11     7 /venv/bin/python /tmp/ministack-lambda-journeys-IngestFunction-1A-zz/_worker.py
      12     8 /venv/bin/python /tmp/ministack-lambda-journeys-IngestFunction-1A-x_y/_worker.py
      13     7 /venv/bin/python /tmp/ministack-lambda-journeys-IngestFunction-1AB-x/_worker.py
      14     7 /venv/bin/python /tmp/ministack-lambda-journeys-ProjectorFunction-2B-x/_worker.py
      15     7 less /tmp/ministack-lambda-journeys-IngestFunction-1A-x_y/log
       7     1 ministack"""
    assert processes(listing, 7, "journeys-IngestFunction-1A") == [10, 11]


def test_kill_ends_the_functions_processes_and_no_others(tmp_path: Path) -> None:
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
