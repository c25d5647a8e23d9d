"""Customer data is sent through every operation of the deployed stack. None of its logs may contain it."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx

from journeys import dates
from tests.conftest import Caller
from tests.e2e.test_isolation import MARK, OPERATIONS, ORDER, OnStack
from tests.e2e.test_pipeline import MINUTES
from tests.support.description import served
from tests.support.template import ROOT
from tests.support.waiting import wait_until
from tests.support.webhooks import sender_cases
from tests.unit.test_canary import CANARY, EVENTS, HEADERS
from tools.native_events import genesys_event
from tools.stack import Stack

START = dates.parse("2026-03-02T12:00:00Z")


def logged(stack: Stack, group: str, since: float) -> str:
    """Everything that a function logged since a given time."""
    logs = stack.client("logs").get_paginator("filter_log_events")
    pages = logs.paginate(logGroupName=group, startTime=int(since * 1000))
    return "\n".join(event["message"] for page in pages for event in page["events"])


def groups(stack: Stack) -> list[str]:
    found = stack.client("logs").describe_log_groups(logGroupNamePrefix=f"/journeys/{stack.name}/")["logGroups"]
    return [group["logGroupName"] for group in found]


def test_no_log_of_the_stack_names_what_a_customer_is_known_by(stack: Stack, caller: Callable[..., Caller]) -> None:
    began = time.time()
    world = OnStack(stack, caller)
    world.headers = HEADERS
    path = f"externalevents/configurations/{world.ids['configurationId']}/events"
    bad: list[Any] = [event for event in EVENTS if event is not EVENTS[0]]
    status, text = world.ask(world.owner, "POST", path, {"entities": [EVENTS[0] | {"attributes": {}}, *bad]})
    assert (status, CANARY in text) == (200, True)
    named: dict[str, Any] = {"externalContactId": CANARY, "ani": f"sip:{CANARY}@shop.example", "wrapupNotes": CANARY,
                             "conversation_id": CANARY, "source": world.native_source}  # fmt: skip
    kinds = ("customer.start", "acw", "wrapup")
    bad = [genesys_event("acw", date_ms=START, **named, queueId=[CANARY])]
    world.put_native(*(genesys_event(kind, date_ms=START, **named) for kind in kinds), *bad)
    journey = f"customers?{urlencode({'externalSourceId': 'genesys', 'value': CANARY})}"
    wait_until(lambda: json.loads(world.ask(world.owner, "GET", journey)[1]).get("eventCount") == len(kinds), MINUTES)
    for operation in sorted(OPERATIONS, key=lambda one: (ORDER.index(one.method), -len(one.path))):
        if served(operation) and operation.method != "DELETE":
            for who in (world.stranger, world.owner):
                assert world.ask(who, *world.request(operation, world.ids))[0] < 500, operation.name
    for sender in sender_cases():
        sent = sender.deliver(url="https://api.example", now=time.time(), body=CANARY.encode())
        url = f"{stack.api_url}/webhooks/{world.ids['endpointId']}"
        answer = httpx.post(url, content=sent.body, headers=sent.headers | HEADERS, params={CANARY: CANARY}, timeout=40)
        assert answer.status_code == 401
        assert MARK not in answer.text
    time.sleep(2)  # the last lines are on their way

    everything = {group: logged(stack, group, began) for group in groups(stack)}
    assert {group for group, text in everything.items() if "request completed" in text} >= {
        f"/journeys/{stack.name}/{name}" for name in ("ingest", "schemas", "configurations", "failures", "customers")
    }
    assert "EventsTaken" in everything[f"/journeys/{stack.name}/native"]
    assert "DeliveriesNotProven" in everything[f"/journeys/{stack.name}/webhooks"]
    assert [group for group, text in everything.items() if MARK in text] == []
    if stack.endpoint_url is not None:
        log = (ROOT / ".local" / "test" / "ministack.log").read_text(errors="replace")
        lines = [line for line in log.splitlines() if MARK in line]
        assert lines == [], json.dumps(lines[:3])
