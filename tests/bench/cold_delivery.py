"""The first delivery of a webhook in a new process: the time that a sender waits when a function starts cold.

It is compared with a plain function that verifies the same delivery with the same secret and puts it, using only boto3.
On Lambda, boto3 is compiled with the runtime and the layers are not; the benchmark does the same.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.bench.figures import Figure, NotHere
from tests.support.template import ROOT
from tools.local_stack import ministack
from tools.paths import VENVS
from tools.sam_local.cases import CASES, SECRETS_PREFIX
from tools.sam_local.seed import create_tables, seed, seed_endpoints
from tools.stack import REGION

ROUNDS = 9
SENDER_WAITS_SECONDS = 3
DELIVERY = next(case for case in CASES if case.name == "webhook-shopify").file

_PRODUCT = f"""
import json, sys, time
import handler
from tests.support.functions import Context
event = json.load(open({str(DELIVERY)!r}))
answer = handler.handler(event, Context())
assert answer["statusCode"] == 200 and json.loads(answer["body"])["failed"] == 0, answer
cold = time.perf_counter()
handler.handler(event, Context())
print(time.perf_counter() - cold)
"""
_PLAIN = f"""
import base64, hmac, json, uuid
import boto3
dynamodb, secrets = boto3.client("dynamodb"), boto3.client("secretsmanager")
event = json.load(open({str(DELIVERY)!r}))
body = base64.b64decode(event["body"])
name = "{SECRETS_PREFIX}" + event["pathParameters"]["endpointId"]
secret = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])["current"]
signature = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
assert hmac.compare_digest(event["headers"]["X-Shopify-Hmac-SHA256"], signature)
item = {{"pk": {{"S": str(uuid.uuid4())}}, "sk": {{"S": "event"}}, "body": {{"S": body.decode()}}}}
dynamodb.put_item(TableName="EventsTable", Item=item, ConditionExpression="attribute_not_exists(pk)")
"""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as home, _stores(Path(home)) as endpoint_url:
        environment = _environment(endpoint_url, Path(home) / "compiled")
        _seconds(_PLAIN, environment)  # compiles what it uses; from here on nothing is
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        product, plain, warm = [], [], []
        for _ in range(ROUNDS):
            seconds, printed = _seconds(_PRODUCT, environment)
            product.append(seconds)
            warm.append(float(printed))
            plain.append(_seconds(_PLAIN, environment)[0])
    ours, theirs = statistics.median(product), statistics.median(plain)
    parameters: dict[str, Any] = {
        "handler": f"{ours * 1000:.0f} ms",
        "plain": f"{theirs * 1000:.0f} ms",
        "best": f"{min(product) * 1000:.0f} and {min(plain) * 1000:.0f} ms",
        "the next delivery": f"{statistics.median(warm) * 1000:.0f} ms",
        "measure": f"wall time of a process, medians of {ROUNDS} rounds, in turns",
    }
    return [
        Figure("delivery", "cold delivery / plain function", ours / theirs, target=3.0, parameters=parameters),
        Figure("delivery", "the slowest cold delivery", max(product), "s", SENDER_WAITS_SECONDS),
    ]


@contextmanager
def _stores(home: Path) -> Iterator[str]:
    """Starts an emulator with an endpoint per sender, and returns its address."""
    if not (VENVS / "stack").exists():
        raise NotHere("the local stack is not installed; make install")
    host = "127.0.0.1"
    port = ministack.free_port(host, 0)
    pid = ministack.start(home, host, port, SERVICES="dynamodb,s3,secretsmanager")
    try:
        endpoint_url = f"http://{host}:{port}"
        session = boto3.Session("bench", "bench", region_name=REGION)
        dynamodb = session.client("dynamodb", endpoint_url=endpoint_url)
        create_tables(dynamodb)
        configuration_id = seed(dynamodb, "RegistryTable")
        secretsmanager = session.client("secretsmanager", endpoint_url=endpoint_url)
        seed_endpoints(dynamodb, "RegistryTable", secretsmanager, configuration_id)
        yield endpoint_url
    finally:
        ministack.stop(pid)


def _environment(endpoint_url: str, compiled: Path) -> dict[str, str]:
    """The environment of a process. It has its own folder for bytecode, so that earlier runs do not help."""
    tables = {f"{name}_TABLE": f"{name.capitalize()}Table" for name in ("EVENTS", "FAILURES", "DELIVERIES", "REGISTRY")}
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return (
        inherited
        | tables
        | {
            "AWS_ENDPOINT_URL": endpoint_url,
            "SECRETS_PREFIX": SECRETS_PREFIX,
            "DELIVERIES_QUEUE_URL": f"{endpoint_url}/queue",
            "PYTHONPYCACHEPREFIX": str(compiled),
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "functions" / "webhooks", ROOT / "layers" / "core", ROOT))),
        }
    )


def _seconds(script: str, environment: dict[str, str]) -> tuple[float, str]:
    """The seconds that a new process takes, and the last line of its output."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    return time.perf_counter() - began, done.stdout.split("\n")[-2] if done.stdout else ""
