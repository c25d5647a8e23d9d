"""Replacements for DynamoDB in benchmarks that measure something else."""

import io
import json
import time
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from botocore.awsrequest import AWSResponse

from journeys import aws
from journeys.aws import Item
from tests.support.functions import Context, load


class NoDynamoDB:
    """A client whose puts succeed without storing anything, and whose reads return given rows."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = {_key(item): item for item in items}

    def put_item(self, **_: Any) -> dict[str, Any]:
        return {}

    def get_item(self, *, Key: Item, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Item": self._items[_key(Key)]}


class SlowDynamoDB:
    """Responds to boto3's HTTP requests, each after the same time."""

    def __init__(self, items: Sequence[Item], seconds: float) -> None:
        self._items = {_key(item): item for item in items}
        self._seconds = seconds

    def __call__(self, request: Any, **_: Any) -> Any:
        answer: dict[str, Any] = {}
        if request.headers["X-Amz-Target"].endswith(b".GetItem"):
            answer = {"Item": self._items[_key(json.loads(request.body)["Key"])]}
        time.sleep(self._seconds)
        raw = Raw(json.dumps(answer).encode())
        headers: Any = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, raw)


class Raw(io.BytesIO):
    """The body of a response, as urllib3 passes it to botocore."""

    def stream(self, **_: Any) -> list[bytes]:
        return [self.read()]


def ingest_handler(client: Any) -> ModuleType:
    """The ingest function with a given client."""
    made = aws.dynamodb
    aws.dynamodb = lambda: client  # type: ignore[assignment]
    try:
        return load("ingest")
    finally:
        aws.dynamodb = made


def answered(module: ModuleType, request: Mapping[str, Any]) -> dict[str, Any]:
    """The parsed response of a handler. All events of the request must have been stored."""
    answer = module.handler(request, Context())
    assert answer["statusCode"] == 200, answer
    taken: dict[str, Any] = json.loads(answer["body"])
    assert not taken["unprocessedEntities"], taken
    return taken


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
