"""Properties of mappings: any mapping and any payload cost a bounded amount of work and memory, and never an error.

Work is counted in the budget's units, visited nodes and bytes made, so that the tests do not depend on the machine.
"""

import contextlib
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from journeys import dates, jsontext
from journeys.errors import BadRequest
from journeys.http.body import MAX_BODY
from journeys.webhooks import expressions
from journeys.webhooks.delivery import InvalidPayload, ReceivedDelivery
from journeys.webhooks.expressions import (
    EVENT_BUDGET,
    MAX_EXPRESSION,
    MAX_RESULT_DEPTH,
    Evaluator,
    InvalidExpression,
    TooExpensive,
    compile_expression,
)
from journeys.webhooks.mapper import MAX_EVENTS, Mapper
from journeys.webhooks.mapping import compile_mapping
from journeys.webhooks.processing import Processor
from journeys.webhooks.senders.base import read_json
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.service import EndpointService
from tests.conftest import ORGANIZATION
from tests.support.functions import Context, api_event, load
from tests.support.inbox import CASES, Inbox, make_inbox, sample
from tests.support.properties import examples
from tests.support.tables import Tables
from tests.support.webhooks import SCHEMA, salesforce_body
from tests.unit.test_failures import LAMBDA_RESPONSE

# -- any expression ----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "id", "status", '"x y"', '""', '"\\u00fc"'])
FUNCTIONS = sorted(expressions._Functions.FUNCTION_TABLE)
VALUES = st.sampled_from(
    ["'text'", "''", "`1`", "`-0.0`", "`1e308`", "`1e999`", "`null`", "`[]`", "`{}`", '`"x"`', "`[1, [2]]`", "`NaN`"]
)


def _extended(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The rules of JMESPath's grammar that contain other expressions: https://jmespath.org/specification.html."""
    argument = inner | inner.map("&{}".format)
    call = st.builds(
        lambda name, some: f"{name}({','.join(some)})", st.sampled_from(FUNCTIONS), st.lists(argument, max_size=3)
    )
    operators = st.sampled_from(["|", "||", "&&", "==", "!=", "<", "<=", ">", ">="])
    followers = st.sampled_from(
        [
            "[*]",
            "[]",
            "[0]",
            "[-1]",
            "[1:]",
            "[::-1]",
            "[::2]",
            ".*",
            "[?@]",
            "[?a==b]",
            "[?@>`1`].a",
            ".[a,b]",
            ".{a:b}",
        ]
    )
    return st.one_of(
        call,
        st.builds("{}{}{}".format, inner, operators, inner),
        st.builds("{}.{}".format, inner, NAMES),
        st.builds("{}{}".format, inner, followers),
        st.builds("[{},{}]".format, inner, inner),
        st.builds("{{a:{},b:{}}}".format, inner, inner),
        inner.map("!{}".format),
        inner.map("({})".format),
    )


GRAMMAR = st.recursive(st.just("@") | NAMES | VALUES, _extended, max_leaves=20)
STEPS = [
    *("|[@,@]", "|[@,@][]", "|{a:@,b:@}", "|merge({a:@},{b:@})", "|[@,@][*].[@,@]", "|not_null(@,@)", "|[@]", ".[@,@]"),
    *("|to_string(@)", "|to_string([@,@])", "|join('',[@,@])", "|join(@,['','',''])", "|reverse(@)", "|lower(@)"),
    *("|map(&[@,@],@)", "|sort_by(@,&to_string(@))", "|max_by(@,&length(@))", "|[?@==@]", "|@==@", "|contains(@,@)"),
    *("|digest(@,@)", "|split(@,'a')", "|sum(@)", "|sum([@,@])", "|to_number(@)", "|keys(@)", "|values(@)", "||@"),
]  # fmt: skip
"""What an expression can repeat until it has 1,000 characters. Several of these double their value."""
HOSTILE = st.builds(
    lambda begin, steps, times: (begin + "".join(steps) * times)[:MAX_EXPRESSION],
    st.sampled_from(["@", "a", "a.b", "'aaaaaaaa'", "[@,@]", "`9e307`"]),
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=3),
    st.integers(1, 250),
)
EXPRESSIONS = GRAMMAR.map(lambda text: text[:MAX_EXPRESSION]) | HOSTILE | st.text(max_size=30)

# -- any payload -------------------------------------------------------------------------------------------------------

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["2026-01-31T09:30:00Z", "1e999990", "9" * 400, "\x01", "undefined", 10**307, -(2**1023), 1e308])
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "id", "date", ""]), inner, max_size=4)
    ),
    max_leaves=10,
)
LARGE: list[Any] = [
    {"a": "x" * 300_000, "b": [""] * 9000},
    {"a": "x" * 30_000, "b": [""] * 5000},
    {"a": ["x" * 300] * 1000, "b": "," * 100_000},
    {"a": [{"b": [1] * 50}] * 300, "id": '"' * 100_000},
    [{"a": index, "b": str(index)} for index in range(5000)],
    ["a" * 1000 + str(index) for index in range(300)],
    json.loads('{"a":' * 29 + "1" + "}" * 29),
    json.loads("[" * 29 + "]" * 29),
]
PAYLOADS = TREES | st.sampled_from(LARGE)


# -- counting the work -------------------------------------------------------------------------------------------------


@dataclass
class Work:
    """What evaluations did: the nodes visited, and the characters and items that functions read and made."""

    nodes: int = 0
    read: int = 0
    made: int = 0


@contextlib.contextmanager
def counted() -> Iterator[Work]:
    """Counts the work of all evaluations."""
    work = Work()

    class Interpreter(expressions._Interpreter):
        def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
            work.nodes += 1
            return super().visit(node, *args, **kwargs)

    call = expressions._Functions.call_function

    def call_function(self: Any, name: str, arguments: list[Any]) -> Any:
        if name not in expressions._SHALLOW_FUNCTIONS:
            work.read += sum(len(argument) for argument in arguments if isinstance(argument, str | list | dict))
        result = call(self, name, arguments)
        if isinstance(result, str | list | dict) and not any(result is argument for argument in arguments):
            work.made += len(result)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expressions, "_Interpreter", Interpreter)
        patch.setattr(expressions._Functions, "call_function", call_function)
        yield work


PAID = EVENT_BUDGET * expressions._BYTES_PER_UNIT
"""Characters that the budget of one event pays for."""
MAX_MADE = 8 * PAID
"""Characters that the functions of one event make at most: those that are paid for, and one result beyond them, which
`to_string` can make six times as long as its argument."""


def depth_of(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)
    return 0


@pytest.mark.slow
@settings(max_examples=examples(150))
@example("@" + "|[@,@]" * 21, {"a": 1})
@example("length(" + "@" + "|[@,@][]" * 100 + ")", [1])
@example("'" + "a" * 16 + "'" + "|join('',[@,@])" * 60, None)
@example("length(join(a,b))", LARGE[0])
@example("length(join(a,b))", LARGE[1])
@example("[" + ",".join(["contains(a,'b')"] * 60) + "]", LARGE[1])
@example("sum(@)", [10**307] * 3)
@example("`1e999`", None)
@example("@" + "|[@]" * 40, 1)
@given(EXPRESSIONS, PAYLOADS)
def test_any_expression_does_bounded_work_and_returns_json(text: str, payload: Any) -> None:
    try:
        compiled = compile_expression(text)
    except InvalidExpression:
        return
    with counted() as work:
        try:
            result = Evaluator.of_delivery({"x-a": "b"}, 0).for_event().value(compiled, payload)
        except TooExpensive:
            result = None
    assert work.nodes <= EVENT_BUDGET + 1
    assert work.read <= PAID
    assert work.made <= MAX_MADE
    assert depth_of(result) <= MAX_RESULT_DEPTH
    written = jsontext.dumps(result)
    assert jsontext.loads(f"[{written}]".encode()) == [result]
    assert len(written) <= 6 * PAID


# -- any mapping -------------------------------------------------------------------------------------------------------

ANYTHING: st.SearchStrategy[Any] = (
    EXPRESSIONS | st.none() | st.integers() | st.lists(st.integers(), max_size=2) | st.just({"a": {"b": []}})
)
ATTRIBUTES = [*SCHEMA["properties"], "unknown", ""]
MAPPINGS = st.fixed_dictionaries(
    {},
    optional={
        "events": ANYTHING,
        "id": ANYTHING | st.just("id"),
        "dateCreated": ANYTHING | st.just("'2026-01-31T09:30:00Z'"),
        "customer": ANYTHING | st.just("'c'"),
        "externalSourceId": ANYTHING,
        "externalIds": ANYTHING
        | st.lists(st.fixed_dictionaries({"externalSourceId": ANYTHING, "value": ANYTHING}), max_size=3),
        "attributes": ANYTHING | st.dictionaries(st.sampled_from(ATTRIBUTES), ANYTHING, max_size=4),
        "dateFormat": st.sampled_from(["iso", "unix", "unix_ms", "%Y-%m-%d", "%s", "%", "x" * 200]) | ANYTHING,
        "timeZone": st.sampled_from(["Europe/Berlin", "../etc/passwd", "\x00", "x" * 5000]) | ANYTHING,
        "other": ANYTHING,
    },
)
VALID_MAPPINGS = st.fixed_dictionaries(
    {"customer": st.just("'c'") | GRAMMAR, "dateCreated": st.just("'2026-01-31T09:30:00Z'") | GRAMMAR},
    optional={
        "events": GRAMMAR | HOSTILE,
        "id": GRAMMAR | HOSTILE,
        "attributes": st.dictionaries(st.sampled_from(list(SCHEMA["properties"])), GRAMMAR | HOSTILE, max_size=4),
    },
)


@pytest.mark.slow
@settings(max_examples=examples(100))
@example("hmac", {"attributes": dict.fromkeys(SCHEMA["properties"], "a")}, {"a": "\x01" * 100_000})
@given(st.sampled_from(sorted(SENDERS)), MAPPINGS, PAYLOADS)
def test_any_mapping_is_refused_or_makes_events_of_any_payload(name: str, own: dict[str, Any], payload: Any) -> None:
    preset = SENDERS[name].presets[SENDERS[name].latest_preset]
    try:
        mapping = compile_mapping(preset, own)
    except BadRequest:
        return
    evaluator = Evaluator.of_delivery({}, 0)
    with counted() as work:
        try:
            items = mapping.items(payload, evaluator)
            events = [
                mapping.to_event(item, SCHEMA["properties"], evaluator.for_event()) for item in items[:MAX_EVENTS]
            ]
        except InvalidPayload:
            events = []
    assert work.nodes <= expressions.DELIVERY_BUDGET + 1
    for event in events:
        written = jsontext.dumps({"entities": [event]})
        assert jsontext.loads(written.encode()) == {"entities": [event]}
        assert len(written) <= 6 * PAID


def test_the_events_of_a_delivery_share_a_budget_of_visited_nodes() -> None:
    mapping = compile_mapping(SENDERS["hmac"].presets[1], {"events": "@", "id": "@" + "|@" * 100})
    evaluator, made = Evaluator.of_delivery({}, 0), 0
    with counted() as work, contextlib.suppress(InvalidPayload):
        for item in mapping.items([{}] * 9000, evaluator):
            mapping.to_event(item, (), evaluator.for_event())
            made += 1
    assert 0 < made < 9000
    assert work.nodes <= expressions.DELIVERY_BUDGET + 1


# -- any delivery ------------------------------------------------------------------------------------------------------


@pytest.fixture
def inbox(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    return make_inbox(tables, monkeypatch)


FORMS = [
    b"MSG=%ff&HMAC=1",
    b"MSG=&HMAC=",
    b"MSG=1&MSG=2&HMAC=1",
    b"payload=%5B",
    b"&" * 5000,
    b"<a/>",
    salesforce_body(),
]


@settings(max_examples=examples(100))
@given(
    st.sampled_from(sorted(SENDERS)),
    TREES.map(lambda payload: jsontext.dumps(payload).encode())
    | st.sampled_from(FORMS)
    | st.sampled_from([case.body for case in CASES.values()])
    | st.binary(max_size=60),
    st.sampled_from(["", "application/json", "application/x-www-form-urlencoded", "application/cloudevents+json",
                     "application/cloudevents-batch+json", "text/xml"]),
)  # fmt: skip
def test_a_sender_finds_payloads_in_any_body_or_refuses_it(name: str, body: bytes, media_type: str) -> None:
    """A test, and a replay with another sender's preset, can meet bodies that no signature has vouched for."""
    delivery = ReceivedDelivery("e", body, {"content-type": media_type}, 0).to_delivery()
    for extract in (SENDERS[name].extract_payloads, SENDERS[name].sample_payloads):
        try:
            payloads = extract(delivery)
        except InvalidPayload:
            continue
        assert jsontext.dumps(payloads)


@pytest.mark.slow
@settings(max_examples=100)
@given(st.sampled_from(sorted(CASES)), VALID_MAPPINGS, TREES | st.lists(TREES, max_size=4))
def test_a_test_and_a_delivery_agree(inbox: Inbox, name: str, own: dict[str, Any], payload: Any) -> None:
    """Except for conflicts with stored events, which only storing can find."""
    bindings = inbox.new_bindings()
    try:
        compile_mapping(SENDERS[name].presets[inbox.endpoints.get(ORGANIZATION, name).preset_version], own)
    except BadRequest:
        return
    inbox.change(name, mapping=own)
    endpoint = inbox.endpoints.get(ORGANIZATION, name)
    body = jsontext.dumps(payload)
    tested = EndpointService(inbox.endpoints, inbox.secrets, bindings).test_mapping(
        ORGANIZATION, endpoint.endpoint_id, payload=None, body=body, headers={}
    )
    received = ReceivedDelivery(endpoint.endpoint_id, body.encode(), {}, dates.now_ms())
    processor = Processor(inbox.new_ingest(bindings), Mapper(bindings), inbox.failures)
    delivered = processor.process(endpoint, received, request_id=str(uuid.uuid4()), seconds=60)
    expected = Counter(event.outcome for event in tested)
    assert delivered.total == expected.total()
    assert delivered.ignored == expected["ignored"]
    ids = [event.event["id"] for event in tested if event.event is not None and event.refusal is None]
    if inbox.reasons().count("event.conflict") == 0 and len(set(ids)) == len(ids):
        assert delivered.failed == expected["refused"]
    assert not delivered.must_retry


HOSTILE_BODIES = [
    *(b"9" * 4300, b'{"id":' + b"9" * 4300 + b"}", b"-" + b"9" * 5000, b'{"date":1e999990}', b'{"date":"1e999990"}'),
    *(b"[" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40, b"[" + b"{}," * 5000 + b"{}]", b"\x01" * MAX_BODY),
    *(b"[" + b"[]," * 300_000 + b"[]]", b'{"id":"\\ud800"}', b'"' * 1000, b'{"a":1,"a":2}', b"\xff\xfe"),
]


@pytest.fixture
def failures(inbox: Inbox) -> ModuleType:
    """The function that shows and replays failures."""
    return load("failures")


def ask(function: ModuleType, method: str, path: str, body: Any = None, **query: str) -> Any:
    """Return the content of a response, which is 200 and fits into what Lambda returns."""
    response = function.handler(
        api_event(method, f"externalevents/failures{path}", body, query=query or None), Context()
    )
    assert response["statusCode"] == 200
    assert len(json.dumps(response)) < LAMBDA_RESPONSE
    return json.loads(response["body"])


@pytest.mark.slow
@settings(max_examples=60)
@given(VALID_MAPPINGS, TREES.map(lambda payload: jsontext.dumps(payload).encode()) | st.binary(max_size=50))
def test_no_delivery_is_a_server_error_and_its_failure_can_be_read(
    inbox: Inbox, failures: ModuleType, own: dict[str, Any], body: bytes
) -> None:
    try:
        compile_mapping(SENDERS["hmac"].presets[1], own)
    except BadRequest:
        return
    inbox.change("hmac", mapping=own)
    inbox.receiver._endpoints._existing.remove("hmac")
    assert inbox.receive("hmac", sample("hmac", body=body)).status == 200
    for failure in ask(failures, "GET", "", pageSize="1")["entities"]:
        ask(failures, "GET", f"/{failure['id']}")


@pytest.mark.slow
def test_hostile_deliveries_are_failures_that_can_be_read_and_replayed(inbox: Inbox, failures: ModuleType) -> None:
    inbox.change("hmac", mapping={"attributes": {"status": "@" + "|[@,@]" * 21, "title": "@" + "|[@]" * 40}})
    for body in HOSTILE_BODIES:
        response = inbox.receive("hmac", sample("hmac", body=body))
        assert (response.status, json.loads(response.body)["created"]) == (200, 0)
        assert json.loads(response.body)["failed"] >= 1
    listed = ask(failures, "GET", "")["entities"]
    assert len(listed) == len(HOSTILE_BODIES)
    for failure in listed:
        ask(failures, "GET", f"/{failure['id']}")
        ask(failures, "POST", f"/{failure['id']}/replay")
    progress = ask(failures, "POST", "/replay", {})
    assert progress["failed"] == progress["replayed"]


# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [309, 4300, 4301, 100_000])
@pytest.mark.parametrize("form", ["{}", "-{}", '{{"a": [{}]}}', "{}.0", "{}e5"])
def test_a_number_outside_the_range_of_a_double_is_refused(form: str, digits: int) -> None:
    with pytest.raises(InvalidPayload, match=r"range of a double|out of range"):
        read_json(form.format("9" * digits).encode())


@pytest.mark.parametrize("number", ["9" * 308, "-" + "9" * 308, "1e308", "0." + "1" * 5000, "1e-999999"])
def test_a_number_within_the_range_of_a_double_is_accepted(number: str) -> None:
    assert jsontext.dumps(read_json(number.encode()))
