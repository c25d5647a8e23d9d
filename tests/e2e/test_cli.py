"""`journeys admin`, `send`, `show`, `deliver` and `logs` on the deployed stack."""

import json
import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import Result

from tests.e2e.test_pipeline import configure
from tests.support.cli import run_journeys
from tools.api import ApiClient
from tools.stack import Stack

SCHEMA = {
    "title": "Order Placed",
    "properties": {"total": {"type": "number"}, "currency": {"type": "string"}, "items": {"type": "integer"}},
}


@pytest.fixture
def run(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command on the stack, as a new client of a new organization that `journeys admin` created."""
    monkeypatch.setenv("JOURNEYS_STACK", stack.name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(stack.endpoint_url))
    organization_id = f"org-{uuid.uuid4().hex[:12]}"
    assert run_journeys("admin", "organization", "create", organization_id, "--name", "A test").exit_code == 0
    created = run_journeys("admin", "client", "create", organization_id, "--name", "a test", "--permission", "all")
    client = json.loads(created.stdout)
    monkeypatch.setenv("JOURNEYS_CLIENT_ID", client["clientId"])
    monkeypatch.setenv("JOURNEYS_CLIENT_SECRET", client["clientSecret"])
    return run_journeys


@pytest.fixture
def api(run: Callable[..., Result], stack: Stack) -> ApiClient:
    """The API as the client of `run`."""
    environment = os.environ
    return ApiClient(
        stack.api_url, stack.token_url, environment["JOURNEYS_CLIENT_ID"], environment["JOURNEYS_CLIENT_SECRET"]
    )


def wait_for_success(command: Callable[[], Result], seconds: float = 180) -> Result:
    """Runs a command until it succeeds: a new event takes some time to reach the journey, longer in a busy test run."""
    deadline = time.monotonic() + seconds
    while (result := command()).exit_code and time.monotonic() < deadline:
        time.sleep(1)
    assert result.exit_code == 0, result.output
    return result


def test_events_are_sent_delivered_and_shown(run: Callable[..., Result], api: ApiClient) -> None:
    configuration_id = configure(api, SCHEMA, "Shop")
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    rows = f"id,dateCreated,externalSourceId,value,total,items\no-1,{now},crm,ada,9.5,2\no-2,,crm,ada,1,1\n"

    assert run("send", "--configuration", "Shop", "--validate-only", stdin=rows).exit_code == 1
    assert run("show", "customer", "crm", "ada").exit_code == 1
    result = run("send", "--configuration", "Shop", stdin=rows)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "2 events: 1 created, 1 refused."
    assert "Event 2 was refused: missing.date" in result.stdout or "Event 2 was refused: invalid.date" in result.stdout
    assert "1 duplicate" in run("send", "--configuration", "Shop", stdin=rows).stdout

    mapping = {"externalSourceId": "'crm'", "attributes": {"items": None, "status": None}}
    body = {"name": "Web shop", "sender": "shopify", "configurationId": configuration_id, "secret": "secret-of-shop"}
    api.call("POST", "webhooks/endpoints", body | {"mapping": mapping})
    result = run("deliver", "shopify", "Web shop")
    assert (result.exit_code, result.stdout[:4]) == (0, "200 "), result.output
    assert run("deliver", "shopify", "Web shop", "--secret", "another").exit_code == 1

    shown = wait_for_success(lambda: run("show", "customer", "crm", "ada", "--json"))
    assert [event["id"] for event in json.loads(shown.stdout)["events"]] == ["o-1"]
    assert "The journey of ada" in run("show", "customer", "crm", "ada").stdout


def test_a_view_is_computed_and_shown(run: Callable[..., Result], api: ApiClient) -> None:
    configure(api, SCHEMA, "Shop")
    (schema,) = api.call("GET", "externalevents/schemas")["entities"]
    api.call("PUT", f"views/eventdefinitions/{schema['id']}/activate", {})
    attributes = {"type": "Event", "id": schema["id"], "source": "Shop"}
    element = {"id": "order", "name": "Order placed", "attributes": attributes}
    api.call("POST", "views", {"name": "Orders", "duration": "P7D", "elements": [element], "charts": []})
    result = run("show", "view", "orders")
    assert result.exit_code == 0, result.output
    assert "Order placed" in result.stdout
    first = run("show", "view", "Orders", "--json")
    assert first.stdout == run("show", "view", "Orders", "--json").stdout


def test_logs_shows_the_last_lines_of_a_function(run: Callable[..., Result], api: ApiClient) -> None:
    api.call("GET", "externalevents/schemas")
    result = run("logs", "--function", "schemas", "--lines", "3")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 0
