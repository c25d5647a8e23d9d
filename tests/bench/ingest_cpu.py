"""CPU of the ingest handler per event, without DynamoDB, against a plain function with a hand-written check."""

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from journeys import dates
from tests.bench.figures import Figure
from tests.bench.hand_written import take
from tests.bench.sample import CLIENT, body, customer_id, event, event_type, registry_items
from tests.bench.stubs import NoDynamoDB, answered, ingest_handler
from tests.support.functions import Context, api_event

ROUNDS = 25
EVENTS_A_ROUND = 400


def run() -> list[Figure]:
    return [_compare(100, target=3.0), _compare(1, target=None)]


def _compare(events: int, target: float | None) -> Figure:
    """Alternates between the handler and the plain function."""
    chance = random.Random(events)
    kept = event_type(0)
    client = NoDynamoDB(registry_items([kept]))
    module = ingest_handler(client)
    now = dates.now_ms()
    sent = [event(chance, customer_id(chance), now - chance.randrange(10**9)) for _ in range(events)]
    path = f"externalevents/configurations/{kept.configuration.configuration_id}/events"
    request = api_event("POST", path, raw=body(sent), client_id=CLIENT)
    calls = EVENTS_A_ROUND // events
    assert answered(module, request)["processed"][-1]["outcome"] == "created"
    handler: list[float] = []
    plain: list[float] = []
    for _ in range(ROUNDS):
        handler.append(_cpu(lambda: module.handler(request, Context()), calls) / events)
        plain.append(_cpu(lambda: take(client, "events", kept, request), calls) / events)
    ours, theirs = statistics.median(handler), statistics.median(plain)
    parameters: dict[str, Any] = {
        "events a request": events,
        "handler": f"{ours:.0f} us",
        "plain": f"{theirs:.0f} us",
        "best": f"{min(handler):.0f} and {min(plain):.0f} us",
        "measure": f"CPU time an event, medians of {ROUNDS} rounds, in turns",
    }
    return Figure("ingest", f"handler / plain, requests of {events}", ours / theirs, "", target, parameters=parameters)


def _cpu(call: Callable[[], object], calls: int) -> float:
    """Microseconds of CPU time of a call, of all threads."""
    began = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - began) / calls * 1e6
