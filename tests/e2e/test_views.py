"""A journey view over the sample events on the local stack, compared with the reference implementation."""

import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rich.console import Console

from journeys import dates
from journeys.native.reading import read
from journeys.registry.native_types import NATIVE_TYPES
from journeys.views.breakdown import Breakdown
from journeys.views.computation.breakdown_results import SHOWN_VALUES
from journeys.views.model import ViewDefinition, period
from tests.conftest import Caller
from tests.support.breakdown_reference import breakdown_of
from tests.support.views_reference import Happened, customers, figures
from tools.api import ApiClient, batches
from tools.local_stack.run import configurations
from tools.local_stack.sample import ORDER, calls, events
from tools.local_stack.sample_view import sample_view
from tools.local_stack.stack import EVENTS_PER_RUN
from tools.native_events import put_events
from tools.operator.admin import Admin
from tools.operator.show import show_view
from tools.stack import Stack

CUSTOMERS = 90
"""Enough customers that their events need more than one run."""
SECONDS = 180
PREFIX = "/api/v2/journey/"


def send_sample(stack: Stack, own: Caller) -> list[Happened]:
    """Send the sample events and calls. Returns them for the reference; `definition_id` is the event type's title."""
    api, source, now = own.api, f"local.{own.organization_id}", datetime.now(UTC)
    Admin(stack).add_native_source(own.organization_id, source)
    envelopes = list(calls(own.organization_id, CUSTOMERS, now, source))
    put_events(stack, envelopes)
    by_type: dict[str, list[dict[str, Any]]] = {}
    for event_type, event in events(own.organization_id, CUSTOMERS, now):
        by_type.setdefault(event_type.title, []).append(event)
    for title, configuration_id in configurations(api).items():
        for batch in batches(by_type[title]):
            answer = api.send(configuration_id, batch)
            assert {one["outcome"] for one in answer["processed"]} == {"created"}
            assert len(answer["processed"]) == len(batch)
    native = [one for one in map(read, envelopes) if one is not None]
    sent = [(title, event) for title, some in by_type.items() for event in some]
    sent += [(NATIVE_TYPES[one.schema_id].title, dict(one.event)) for one in native]
    persons = persons_of([event for _, event in sent])
    return [
        Happened(persons[identifiers_of(event)[0]], dates.parse(event["dateCreated"]), title, decimals(event))
        for title, event in sent
    ]


def identifiers_of(event: dict[str, Any]) -> list[str]:
    """The event's identifiers that link, or its first one."""
    given = event["identifiers"]["externalIds"]
    linking = [one for one in given if one["externalSourceId"] != "phone"] or given[:1]
    return [f"{one['externalSourceId']} {one['value']}" for one in linking]


def persons_of(sent: list[dict[str, Any]]) -> dict[str, str]:
    """A name of the person behind each identifier: identifiers that an event names together are one person's."""
    persons: dict[str, set[str]] = {}
    for event in sent:
        merged = set[str]().union(*(persons.get(one, {one}) for one in identifiers_of(event)))
        persons |= dict.fromkeys(merged, merged)
    return {one: min(merged) for one, merged in persons.items()}


def decimals(event: dict[str, Any]) -> dict[str, Any]:
    """The event's attributes, with decimals for numbers that are not whole."""
    return {
        name: Decimal(repr(value)) if isinstance(value, float) else value for name, value in event["attributes"].items()
    }


def computed(
    api: ApiClient, view: dict[str, Any], options: dict[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compute the view. Returns the complete job and its result."""
    versions = f"views/{view['id']}/versions/{view['version']}/jobs"
    job = api.call("POST", versions, options)
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
    sent = send_sample(stack, own)
    assert len(sent) > EVENTS_PER_RUN
    definitions = {one["name"]: one["id"] for one in own.api.call("GET", "views/eventdefinitions")["entities"]}
    view = own.api.call("POST", "views", sample_view(definitions))

    deadline = time.monotonic() + SECONDS
    while True:  # until all events are in the archive
        job, result = computed(own.api, view)
        usage = own.api.call("GET", "usage")["entities"]
        if (
            sum(month["externalEventCount"] + month.get("nativeEventCount", 0) for month in usage) >= len(sent)
            or time.monotonic() > deadline
        ):
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
    talked = next(one for one in result["elements"] if one["id"] == "answered")
    assert talked["metrics"]["participantCount"] > 0
    assert talked["followedBy"][0]["connectionCount"] > 0

    check_breakdown(own.api, view, definition, happened)
    check_comparison(own.api, view, job, definition, happened)

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

    check_customers(own.api, job, definition, happened, placed["participantCount"])


def check_customers(
    api: ApiClient, job: dict[str, Any], view: ViewDefinition, happened: list[Happened], participants: int
) -> None:
    """List who placed an order, page by page, and follow each address to the customer's journey."""
    query: dict[str, Any] = {"elementId": "placed", "state": "Participants", "pageSize": "50"}
    found: list[dict[str, Any]] = []
    while query:
        page = api.call("GET", f"{job['selfUri'].removeprefix(PREFIX)}/results/customers", **query)
        assert page["total"] == page["listed"] == participants
        found += page["entities"]
        query = dict(parse_qsl(urlsplit(page.get("nextUri", "")).query))
    assert len({tuple(entry["customer"].values()) for entry in found}) == participants
    known = customers(view, happened, dates.parse(job["dateCreated"]))
    assert participants == sum(len(known["placed", state]) for state in ("Completed", "Flow", "Active", "Dropout"))
    for entry in found[:3]:
        address = urlsplit(entry["selfUri"])
        journey = api.call("GET", address.path.removeprefix(PREFIX), **dict(parse_qsl(address.query)))
        listed = {(one["externalSourceId"], one["value"]) for one in entry["identifiers"]}
        assert listed <= {(one["externalSourceId"], one["value"]) for one in journey["identifiers"]}
        assert ORDER.title in [one["eventName"] for one in journey["eventTypes"]]


def check_breakdown(api: ApiClient, view: dict[str, Any], definition: ViewDefinition, happened: list[Happened]) -> None:
    """The view broken down by the category of a case, computed in parts, has the figures of the reference."""
    breakdown = Breakdown(elementId="case", attribute="category")
    job, result = computed(api, view, {"breakdown": breakdown.to_values()})
    expected = breakdown_of(definition, happened, dates.parse(job["dateCreated"]), breakdown, SHOWN_VALUES)
    assert [
        (one["kind"], one.get("value", ""), one["customerCount"], [element["metrics"] for element in one["elements"]])
        for one in result["breakdown"]["values"]
    ] == [(*group, size, [element["metrics"] for element in elements]) for group, size, elements in expected]
    assert {"Value", "NotReached"} <= {one["kind"] for one in result["breakdown"]["values"]}


def check_comparison(
    api: ApiClient, view: dict[str, Any], job: dict[str, Any], definition: ViewDefinition, happened: list[Happened]
) -> None:
    """The view and the half of its time before now are compared; both have the figures of the reference."""
    at = dates.parse(job["dateCreated"])
    half = f"{dates.text(at - period(definition.duration or '') // 2)}/{dates.text(at)}"
    later, _ = computed(api, view, {"interval": half})
    before, _ = computed(api, view, {"period": "Before"})
    assert api.call("GET", f"views/{view['id']}/versions/1/jobs/latest")["id"] == job["id"]
    shorter = definition.model_copy(update={"interval": half, "duration": None})
    expected = figures(shorter, happened, dates.parse(later["dateCreated"]))["elements"]
    path = later["selfUri"].removeprefix("/api/v2/journey/")
    compared = api.call("GET", f"{path}/results/comparison", jobId=before["id"])
    assert compared["otherJob"]["options"] == {"period": "Before"}
    for element, own in zip(compared["elements"], expected, strict=True):
        assert {name: figure["value"] for name, figure in element["metrics"].items()} == own["metrics"]
        assert {figure["otherValue"] for figure in element["metrics"].values()} == {0}  # before there were events
    assert all("ratioReason" in figure for element in compared["elements"] for figure in element["metrics"].values())
