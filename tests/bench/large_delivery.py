"""A webhook delivery of 1,000 events: how long its sender waits, and what a delivery writes to DynamoDB.

boto3 is at work; DynamoDB, S3 and SQS respond after fixed times. The wait is compared with that of a plain function
that verifies the same delivery and stores its body in S3.
"""

import base64
import hmac
import json
import math
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from journeys import aws, dates, jsontext, keys
from journeys.aws import Item, item_size, to_item
from journeys.webhooks.model import Endpoint
from tests.bench.figures import Figure
from tests.bench.sample import ORGANIZATION, SOURCE_ID, EventType, customer_id, event, event_type, registry_items
from tests.bench.stubs import Raw, SlowDynamoDB
from tests.support.functions import Context, api_event, load

ROUNDS = 7
EVENTS = 1000
AT_ONCE = 100
"""The events of a delivery whose events are stored before it is acknowledged."""
DYNAMODB_SECONDS, S3_SECONDS, SQS_SECONDS = 0.005, 0.040, 0.010
SENDER_WAITS_SECONDS = 2.2
MAX_RATIO = 4.0
WRITE_UNIT = 1024
"""Bytes of an item that one write unit pays for."""

ENDPOINT, SECRET = "bench-endpoint", "a secret of the shop"
ATTRIBUTES = ("orderId", "page", "channel", "items", "amount", "member", "campaign")


def run() -> list[Figure]:
    chance, kept = random.Random(5), event_type(0)
    with _stores(kept) as (module, tables, s3):
        whole, few = _delivery(chance, EVENTS), _delivery(chance, AT_ONCE)
        assert _answer(module, whole) == {"queued": True}
        assert _answer(module, few)["created"] == AT_ONCE
        queued, stored, plain = [], [], []
        for _ in range(ROUNDS):
            queued.append(_seconds(lambda: _answer(module, whole)))
            stored.append(_seconds(lambda: _answer(module, few)))
            plain.append(_seconds(lambda: _plain(s3, whole)))
        units = [_write_units(tables, module, _delivery(chance, number)) for number in (1, AT_ONCE, EVENTS)]
    ours, theirs = statistics.median(queued), statistics.median(plain)
    parameters: dict[str, Any] = {
        f"{EVENTS} events": f"{ours * 1000:.0f} ms, {len(base64.b64decode(whole['body'])) // 1024} KB",
        "plain": f"{theirs * 1000:.0f} ms",
        "best": f"{min(queued) * 1000:.0f} and {min(plain) * 1000:.0f} ms",
        "DynamoDB, S3, SQS": f"{DYNAMODB_SECONDS * 1000:.0f}, {S3_SECONDS * 1000:.0f}, {SQS_SECONDS * 1000:.0f} ms",
        "measure": f"wall time, medians of {ROUNDS} rounds, in turns",
    }
    return [
        Figure("large", f"acknowledging {EVENTS} events", ours, "s", SENDER_WAITS_SECONDS, parameters=parameters),
        Figure("large", f"acknowledging {EVENTS} events / verifying and storing the body", ours / theirs,
               target=MAX_RATIO),
        Figure("large", f"storing and acknowledging {AT_ONCE} events", statistics.median(stored), "s",
               SENDER_WAITS_SECONDS),
        Figure("large", "write units a delivery, beside those of its events", max(units), target=1,
               parameters={f"1 / {AT_ONCE} / {EVENTS} events": " / ".join(f"{one:g}" for one in units)}),
    ]  # fmt: skip


@contextmanager
def _stores(kept: EventType) -> Iterator[tuple[ModuleType, "_Tables", Any]]:
    """The function with clients that respond after fixed times, the tables, and the client of S3."""
    made = {name: getattr(aws, name) for name in ("dynamodb", "s3", "sqs", "secretsmanager")}
    tables = _Tables([*registry_items([kept]), _endpoint(kept)])
    answers = {
        "dynamodb": tables,
        "s3": _Slow(S3_SECONDS, None),
        "sqs": _Slow(SQS_SECONDS, {"MessageId": "m"}),
        "secretsmanager": _Slow(DYNAMODB_SECONDS, {"SecretString": json.dumps({"current": SECRET})}),
    }
    os.environ |= {"SECRETS_PREFIX": "bench/webhooks/", "DELIVERIES_QUEUE_URL": "https://sqs.us-east-1.test/1/queue"}
    clients = {}
    for name, answer in answers.items():
        clients[name] = boto3.client(name, config=aws._CONFIG)  # type: ignore[call-overload]
        clients[name].meta.events.register(f"before-send.{name}", answer)
        setattr(aws, name, lambda client=clients[name]: client)
    try:
        yield load("webhooks"), tables, clients["s3"]
    finally:
        for name, function in made.items():
            setattr(aws, name, function)


class _Slow:
    """Responds to boto3's HTTP requests with the same JSON, or with nothing, each after the same time."""

    def __init__(self, seconds: float, answer: dict[str, Any] | None) -> None:
        self._seconds, self._answer = seconds, json.dumps(answer).encode() if answer else b""

    def __call__(self, request: Any, **_: Any) -> Any:
        time.sleep(self._seconds)
        headers: Any = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, Raw(self._answer))


class _Tables(SlowDynamoDB):
    """DynamoDB, which counts the write units of the items by their tables."""

    def __init__(self, items: list[Item]) -> None:
        super().__init__(items, DYNAMODB_SECONDS)
        self.written: Counter[str] = Counter()

    def __call__(self, request: Any, **how: Any) -> Any:
        if request.headers["X-Amz-Target"].endswith(b".PutItem"):
            put = json.loads(request.body)
            self.written[put["TableName"]] += math.ceil(item_size(put["Item"]) / WRITE_UNIT)
        return super().__call__(request, **how)


def _endpoint(kept: EventType) -> Item:
    mapping = {
        "id": "id",
        "dateCreated": "dateCreated",
        "externalSourceId": f"'{SOURCE_ID}'",
        "customer": "identifiers.externalIds[0].value",
        "attributes": {name: f"attributes.{name}" for name in ATTRIBUTES} | {"type": None, "status": None},
    }
    now_ms = dates.now_ms()
    endpoint = Endpoint(
        *(ENDPOINT, ORGANIZATION, "Shop", "hmac", kept.configuration.configuration_id, True, now_ms, now_ms),
        options={"header": "X-Signed"},
        mapping=mapping,
    )
    return keys.webhook(ENDPOINT) | to_item(endpoint.to_values())


def _delivery(chance: random.Random, events: int) -> dict[str, Any]:
    """A signed delivery of that many new events, as API Gateway passes it."""
    now = dates.now_ms()
    made = [event(chance, customer_id(chance), now - chance.randrange(10**9)) for _ in range(events)]
    body = jsontext.dumps(made).encode()
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    request = api_event("POST", "", raw=body, headers={"X-Signed": signature})
    return request | {"pathParameters": {"endpointId": ENDPOINT}}


def _answer(module: ModuleType, request: dict[str, Any]) -> dict[str, Any]:
    answer = module.handler(request, Context())
    assert answer["statusCode"] == 200, answer
    told: dict[str, Any] = json.loads(answer["body"])
    return told


def _plain(s3: Any, request: dict[str, Any]) -> None:
    body = base64.b64decode(request["body"])
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    assert hmac.compare_digest(request["headers"]["X-Signed"], signature)
    s3.put_object(Bucket="archive", Key="deliveries/1", Body=body)


def _write_units(tables: _Tables, module: ModuleType, request: dict[str, Any]) -> int:
    """The write units of a delivery without those of the events table."""
    tables.written.clear()
    _answer(module, request)
    return tables.written.total() - tables.written["events"]


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
