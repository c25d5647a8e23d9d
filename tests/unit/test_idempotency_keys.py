"""The header Idempotency-Key of the operations that create jobs and webhook endpoints."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from journeys import aws, dates
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.repeats.store import KEY_SECONDS, RepeatStore
from tests.conftest import ORGANIZATION
from tests.support.aws_errors import client_error
from tests.support.functions import api_event, call
from tests.support.jobs import Calls, Crash, JobHarness, harness

__all__ = ["harness"]


@dataclass
class Operation:
    """An operation that takes a key, two different requests, and how many resources exist."""

    function: str
    harness: JobHarness
    paths: tuple[str, str]
    bodies: tuple[Any, Any]
    count: Callable[[], int]

    def send(self, key: str | None = None, *, other: bool = False, calls: Calls | None = None, **how: Any) -> Any:
        headers = {} if key is None else {"idempotency-key": key}
        event = api_event("POST", self.paths[other], self.bodies[other], headers=headers, **how)
        return call(self.harness.load(self.function, calls), event)


@pytest.fixture(params=["jobs", "endpoints"])
def operation(request: pytest.FixtureRequest, harness: JobHarness, monkeypatch: pytest.MonkeyPatch) -> Operation:
    monkeypatch.setenv("SECRETS_PREFIX", "journeys/webhooks/")
    tables = harness.tables
    ClientStore(tables.dynamodb, tables.registry).put(Client("other", ORGANIZATION, "Another", PERMISSIONS))
    schema = harness.event_type("Order placed")
    if request.param == "jobs":
        elements = [{"id": "e", "name": "E", "attributes": {"id": schema.schema_id}}]
        ids = [harness.view(name=name, duration="P7D", elements=elements).view_id for name in ("A", "B")]
        paths = [f"views/{id_}/versions/1/jobs" for id_ in ids]
        return Operation(
            "jobs", harness, (paths[0], paths[1]), (None, None),
            lambda: len(harness.request("GET", "/jobs", query={"pageSize": "100"})[1]["entities"]),
        )  # fmt: skip
    configuration = ConfigurationStore(tables.dynamodb, tables.registry).create(
        ORGANIZATION, name="C", description=None, division_id=None, schema_id=schema.schema_id, source="ERP"
    )
    body = {"name": "Shop", "sender": "segment", "configurationId": configuration.configuration_id}
    path = "webhooks/endpoints"
    return Operation(
        "endpoints", harness, (path, path), (body, body | {"name": "Other"}),
        lambda: len(call(harness.load("endpoints"), api_event("GET", path))[1]["entities"]),
    )  # fmt: skip


def test_a_repeated_request_creates_nothing_and_returns_the_same(operation: Operation) -> None:
    first = operation.send("key-1")
    assert first[0] in (201, 202)
    assert operation.send("key-1") == first
    assert operation.count() == 1
    assert operation.send("key-2")[1]["id"] != first[1]["id"]
    assert operation.send()[1]["id"] != operation.send()[1]["id"]
    assert operation.count() == 4


@pytest.mark.parametrize("operation", ["endpoints"], indirect=True)
def test_a_repetition_after_the_deletion_creates_the_endpoint_again(operation: Operation) -> None:
    """The item of a key does not say whether the endpoint was deleted or the first request was interrupted."""
    _, first = operation.send("key-1")
    deleted = call(operation.harness.load("endpoints"), api_event("DELETE", f"webhooks/endpoints/{first['id']}"))
    assert deleted[0] == 204
    status, second = operation.send("key-1")
    assert (status, second["id"], operation.count()) == (201, first["id"], 1)
    assert second["secret"] != first["secret"]


@pytest.mark.parametrize("operation", ["endpoints"], indirect=True)
def test_a_repetition_does_not_return_the_secret_of_a_rotation(operation: Operation) -> None:
    """Rotating needs another permission, and replaces a secret that the first client may have lost."""
    _, first = operation.send("key-1")
    rotate = api_event("POST", f"webhooks/endpoints/{first['id']}/secret", {})
    status, rotated = call(operation.harness.load("endpoints"), rotate)
    assert (status, rotated["secret"] != first["secret"]) == (200, True)
    status, repeated = operation.send("key-1")
    assert (status, repeated["id"], repeated.get("secret")) == (201, first["id"], None)


def test_a_key_for_another_request_is_refused(operation: Operation) -> None:
    operation.send("key-1")
    status, error = operation.send("key-1", other=True)
    assert (status, error["code"]) == (409, "idempotency.key.reused")
    assert operation.count() == 1


def test_the_keys_of_clients_are_independent(operation: Operation) -> None:
    first = operation.send("key-1")
    status, second = operation.send("key-1", client_id="other")
    assert status in (201, 202)
    assert second["id"] != first[1]["id"]


def test_a_key_is_forgotten_after_a_day(operation: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
    first, now = operation.send("key-1"), dates.now_ms()
    monkeypatch.setattr(dates, "now_ms", lambda: now + KEY_SECONDS * 1000 - 5000)
    assert operation.send("key-1")[1]["id"] == first[1]["id"]
    monkeypatch.setattr(dates, "now_ms", lambda: now + KEY_SECONDS * 1000 + 5000)
    assert operation.send("key-1", other=True)[1]["id"] != first[1]["id"]


@pytest.mark.parametrize("key", ["k" * 256, "a\tb", "schlüssel"])
def test_an_invalid_key_is_refused(operation: Operation, key: str) -> None:
    status, error = operation.send(key)
    assert (status, error["details"]) == (400, [{"errorCode": "invalid.header", "fieldName": "Idempotency-Key"}])


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("error", [Crash, ClientError], ids=["killed", "failed"])
def test_a_request_that_fails_at_any_call_is_completed_by_its_repetition(
    operation: Operation, error: type[BaseException], after: bool
) -> None:
    number = 0
    while True:

        def fault(at: int, _: str, make: Callable[[], Any], number: int = number) -> Any:
            made = make() if after or at != number else None
            if at == number:
                raise client_error("ServiceUnavailable", 503) if error is ClientError else Crash
            return made

        before, key, calls = operation.count(), f"key-{number}", Calls(fault)
        try:
            status = operation.send(key, calls=calls)[0]
        except Crash:
            status = 0
        assert status in (0, 201, 202, 503), status
        repeated = operation.send(key)
        assert repeated[0] in (201, 202)
        assert operation.count() == before + 1, f"call {number}"
        assert operation.send(key)[1] == repeated[1]
        if operation.function == "jobs":
            operation.harness.drain()
        if len(calls.names) <= number:
            break
        number += 1
    assert number > 4


def test_a_stored_key_contains_nothing_of_the_request(operation: Operation) -> None:
    operation.send("a secret key")
    tables = operation.harness.tables
    (row,) = [item for item in tables.items(tables.registry) if item["pk"]["S"].endswith("#REPEATS")]
    values = aws.from_item(row)
    assert values.keys() == {"pk", "sk", "content", "resourceId", "expires"}
    assert len(values["content"]) == len(values["sk"]) == 64


def test_a_key_that_expires_while_it_is_read_is_claimed_again(
    operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = operation.harness.tables
    store = RepeatStore(tables.dynamodb, tables.registry)
    assert store.claim(ORGANIZATION, "create", "key", "content", "first") == "first"

    def expired(**_: Any) -> Any:
        monkeypatch.undo()
        tables.clear()
        return {}

    monkeypatch.setattr(tables.dynamodb, "get_item", expired)
    assert store.claim(ORGANIZATION, "create", "key", "content", "second") == "second"
