"""A journey view over the sample events on the local stack, compared with the reference implementation."""

import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console

from journeys import dates
from journeys.views.model import ViewDefinition
from tests.conftest import Caller
from tests.support.views_reference import Happened, figures
from tools.api import ApiClient, batches
from tools.local_stack.run import configurations
from tools.local_stack.sample import events
from tools.local_stack.sample_view import sample_view
from tools.local_stack.stack import EVENTS_PER_RUN
from tools.operator.show import show_view
from tools.stack import Stack

CUSTOMERS = 90
"""Enough customers that their events need more than one run."""
SECONDS = 180


def send_sample(api: ApiClient, seed: str) -> list[Happened]:
    """Send the sample events. Returns them for the reference; their `definition_id` is the title of the event type."""
    sent: list[Happened] = []
    by_type: dict[str, list[dict[str, Any]]] = {}
    for event_type, event in events(seed, CUSTOMERS, datetime.now(UTC)):
        by_type.setdefault(event_type.title, []).append(event)
        attributes = {
            name: Decimal(repr(value)) if isinstance(value, float) else value
            for name, value in event["attributes"].items()
        }
        customer = event["identifiers"]["externalIds"][0]["value"]
        sent.append(Happened(customer, dates.parse(event["dateCreated"]), event_type.title, attributes))
    for title, configuration_id in configurations(api).items():
        for batch in batches(by_type[title]):
            answer = api.send(configuration_id, batch)
            assert {one["outcome"] for one in answer["processed"]} == {"created"}
            assert len(answer["processed"]) == len(batch)
    return sent


def computed(api: ApiClient, view: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compute the view. Returns the complete job and its result."""
    versions = f"views/{view['id']}/versions/{view['version']}/jobs"
    job = api.call("POST", versions)
    deadline = time.monotonic() + SECONDS
    while job["status"] in ("Accepted", "Executing"):
        assert time.monotonic() < deadline, job["status"]
        time.sleep(0.5)
        job = api.call("GET", f"{versions}/{job['id']}")
    assert job["status"] == "Complete", job
    return job, api.call("GET", f"{versions}/{job['id']}/results")


def test_a_view_of_the_sample_events_has_the_same_figures_as_the_reference(
    stack: Stack, caller: Callable[..., Caller]
) -> None:
    own = caller()
    sent = send_sample(own.api, own.organization_id)
    assert len(sent) > EVENTS_PER_RUN
    definitions = {one["name"]: one["id"] for one in own.api.call("GET", "views/eventdefinitions")["entities"]}
    view = own.api.call("POST", "views", sample_view(definitions))

    deadline = time.monotonic() + SECONDS
    while True:  # until all events are in the archive
        job, result = computed(own.api, view)
        usage = own.api.call("GET", "usage")["entities"]
        if sum(month["externalEventCount"] for month in usage) >= len(sent) or time.monotonic() > deadline:
            job, result = computed(own.api, view)
            break

    happened = [Happened(one.customer, one.date, definitions[one.definition_id], one.attributes) for one in sent]
    definition = ViewDefinition.model_validate(sample_view(definitions))
    expected = figures(definition, happened, dates.parse(job["dateCreated"]))
    assert [(one["id"], one["metrics"]) for one in result["elements"]] == [
        (one["id"], one["metrics"]) for one in expected["elements"]
    ]
    assert [[link["connectionCount"] for link in one["followedBy"]] for one in result["elements"]] == [
        [link["connectionCount"] for link in one["followedBy"]] for one in expected["elements"]
    ]
    assert [chart["metrics"] for chart in result["charts"]] == json.loads(
        json.dumps([chart["metrics"] for chart in expected["charts"]], default=float)
    )
    assert result["elements"][0]["metrics"]["participantCount"] > CUSTOMERS / 2

    machines = stack.client("stepfunctions")
    (machine,) = machines.list_state_machines()["stateMachines"]
    executions = machines.list_executions(stateMachineArn=machine["stateMachineArn"], maxResults=1000)["executions"]
    (execution,) = [one for one in executions if one["name"].startswith(job["id"])]
    assert execution["status"] == "SUCCEEDED"
    told = json.loads(machines.describe_execution(executionArn=execution["executionArn"])["input"])
    assert len(told["parts"]) > 1

    shown = io.StringIO()
    show_view(Console(file=shown, width=120), job["journeyView"], result)
    lines = [line for line in shown.getvalue().splitlines() if "Order placed" in line]
    placed = next(one["metrics"] for one in result["elements"] if one["id"] == "placed")
    assert any(f" {placed['participantCount']} " in line for line in lines)
    assert any(f"{placed['dropoutCount']} dropped out" in line for line in lines)
