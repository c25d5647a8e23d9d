"""A request of 100 events against 100 requests of one, with boto3 at work and DynamoDB answering in 5 ms."""

import random
import statistics
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import boto3

from journeys import aws, dates
from tests.bench.figures import Figure
from tests.bench.sample import CLIENT, body, customer_id, event, event_type, registry_items
from tests.bench.stubs import SlowDynamoDB, answered, ingest_handler
from tests.support.functions import Context, api_event

ROUNDS = 7
EVENTS = 100
ANSWER_SECONDS = 0.005


def run() -> list[Figure]:
    chance = random.Random(4)
    kept = event_type(0)
    client = boto3.client("dynamodb", config=aws._CONFIG)
    client.meta.events.register("before-send.dynamodb", SlowDynamoDB(registry_items([kept]), ANSWER_SECONDS))
    module = ingest_handler(client)
    now = dates.now_ms()
    sent = [event(chance, customer_id(chance), now - chance.randrange(10**9)) for _ in range(EVENTS)]
    path = f"externalevents/configurations/{kept.configuration.configuration_id}/events"
    whole = [api_event("POST", path, raw=body(sent), client_id=CLIENT)]
    single = [api_event("POST", path, raw=body([one]), client_id=CLIENT) for one in sent]
    assert len(answered(module, whole[0])["processed"]) == EVENTS
    answered(module, single[0])
    together: list[float] = []
    alone: list[float] = []
    for _ in range(ROUNDS):
        together.append(_milliseconds(module, whole))
        alone.append(_milliseconds(module, single))
    ours, theirs = statistics.median(together), statistics.median(alone)
    parameters: dict[str, Any] = {
        "one request of 100": f"{ours:.0f} ms",
        "100 requests of one": f"{theirs:.0f} ms",
        "best": f"{min(together):.0f} and {min(alone):.0f} ms",
        "puts at once": aws.PUT_CONCURRENCY,
        "measure": f"wall time, medians of {ROUNDS} rounds, in turns",
    }
    name = "one request of 100 / 100 requests of one"
    return [Figure("request", name, ours / theirs, target=0.20, parameters=parameters)]


def _milliseconds(module: ModuleType, requests: Sequence[dict[str, Any]]) -> float:
    began = time.perf_counter()
    for request in requests:
        module.handler(request, Context())
    return (time.perf_counter() - began) * 1000
