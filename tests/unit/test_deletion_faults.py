"""Deletions of views and schemas that fail at any call to AWS, and are then repeated: nothing is left.

After a failure, a request finds all of the view or nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from journeys import aws, keys
from journeys.registry.limits import VIEWS
from journeys.registry.quotas.store import QuotaStore
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.store import SchemaStore
from journeys.views import deletion
from journeys.views.jobs.model import Status
from journeys.views.jobs.store import JobStore
from journeys.views.model import View, ViewDefinition
from journeys.views.schedules.model import Frequency
from journeys.views.schedules.store import ScheduleStore
from journeys.views.store import ViewStore
from tests.conftest import ORGANIZATION
from tests.support.functions import api_event, call
from tests.support.jobs import Calls, Crash, Fault, JobHarness, harness

__all__ = ["harness"]


@dataclass
class Saved:
    """The stored items and objects at one moment."""

    harness: JobHarness
    items: list[dict[str, Any]]
    objects: list[str]

    @classmethod
    def of(cls, harness: JobHarness) -> "Saved":
        return cls(harness, harness.tables.items(harness.tables.registry), objects())

    def restore(self) -> None:
        tables = self.harness.tables
        now = [{"pk": item["pk"], "sk": item["sk"]} for item in tables.items(tables.registry)]
        aws.delete_all(tables.dynamodb, tables.registry, now)
        aws.put_all(tables.dynamodb, tables.registry, self.items)
        for key in self.objects:
            aws.s3().put_object(Bucket="archive", Key=key, Body=b"{}")


def objects() -> list[str]:
    return [found["Key"] for found in aws.s3().list_objects_v2(Bucket="archive").get("Contents", [])]


def fail_before(error: type[BaseException]) -> Callable[[int], Fault]:
    """Faults that raise instead of the call with a number."""

    def at(stop: int) -> Fault:
        def fault(number: int, name: str, make: Callable[[], Any]) -> Any:
            return _fail(error, name) if number == stop else make()

        return fault

    return at


def fail_after(error: type[BaseException]) -> Callable[[int], Fault]:
    """Faults that make the call with a number, and raise."""

    def at(stop: int) -> Fault:
        def fault(number: int, name: str, make: Callable[[], Any]) -> Any:
            made = make()
            return _fail(error, name) if number == stop else made

        return fault

    return at


def _fail(error: type[BaseException], name: str) -> None:
    if error is ClientError:
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, name)
    raise error


FAULTS = [fail_before(ClientError), fail_after(ClientError), fail_before(Crash), fail_after(Crash)]
NAMES = ["throttled before the call", "throttled after the call", "killed before the call", "killed after the call"]


def ask(function: ModuleType, method: str, path: str) -> int:
    """The status of a request; 0 if the function was killed."""
    try:
        return call(function, api_event(method, path))[0]
    except Crash:
        return 0


# -- views -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def view(harness: JobHarness, monkeypatch: pytest.MonkeyPatch) -> View:
    """A view with two versions, an edited one, a schedule, and jobs in every state, more than one batch."""
    monkeypatch.setattr(deletion, "BATCH", 4)
    placed = harness.event_type("Order placed")
    elements = [{"id": "e", "name": "E", "attributes": {"id": placed.schema_id}}]
    view = harness.view(name="Orders", duration="P7D", elements=elements)
    store = ViewStore(harness.tables.dynamodb, harness.tables.registry)
    definition = ViewDefinition.model_validate(view.definition.to_values() | {"name": "Changed"})
    store.edit_version(ORGANIZATION, view.view_id, 1, definition, "client")
    ScheduleStore(harness.tables.dynamodb, harness.tables.registry).create(
        ORGANIZATION, view.view_id, Frequency.DAILY, "client"
    )
    for _ in range(2):
        complete(harness, harness.accept(view), attempts=2)
    harness.request("PATCH", harness.accept(view), {"status": "Cancelled"})
    second = store.add_version(ORGANIZATION, view.view_id, definition, "client")
    JobStore(harness.tables.dynamodb, harness.tables.registry).claim(ORGANIZATION, job_id(harness.accept(second)))
    harness.accept(second)
    return view


def job_id(path: str) -> str:
    return path.rsplit("/", 1)[1]


def complete(harness: JobHarness, path: str, *, attempts: int) -> None:
    """Complete a job that has a result of each attempt."""
    store, id_ = JobStore(harness.tables.dynamodb, harness.tables.registry), job_id(path)
    for attempt in range(1, attempts + 1):
        store.claim(ORGANIZATION, id_)
        aws.s3().put_object(Bucket="archive", Key=f"results/{ORGANIZATION}/{id_}/{attempt}.json", Body=b"{}")
    harness.tables.dynamodb.put_item(
        TableName=harness.tables.registry,
        Item=keys.job(ORGANIZATION, id_)
        | aws.to_item(replace(store.get(ORGANIZATION, id_), status=Status.COMPLETE).to_values()),
    )


@pytest.mark.parametrize("fail", FAULTS, ids=NAMES)
def test_a_view_whose_deletion_failed_at_any_call_can_be_deleted_again(
    harness: JobHarness, view: View, fail: Callable[[int], Fault]
) -> None:
    path, jobs = f"views/{view.view_id}", len(objects())
    saved, views, number = Saved.of(harness), harness.load("views"), 0
    assert jobs == 4
    while True:
        saved.restore()
        calls = Calls(fail(number))
        first = ask(harness.load("views", calls), "DELETE", path)
        assert first in (0, 204, 429), first
        found = ask(views, "GET", path)
        status, listing = call(views, api_event("GET", "views"))
        assert (status, len(listing["entities"])) == (200, 1 if found == 200 else 0)
        if found == 200:
            assert harness.tables.items(harness.tables.registry) != []
        assert ask(views, "DELETE", path) in (204, 404)
        left = [item for item in harness.tables.items(harness.tables.registry) if view.view_id in str(item)]
        assert (left, objects()) == ([], []), f"{calls.names[-1]}, call {number}"
        assert QuotaStore(harness.tables.dynamodb, harness.tables.registry).get(ORGANIZATION, VIEWS).used == 0
        if len(calls.names) <= number:  # the fault was not reached
            assert first == 204
            break
        number += 1
    assert number > 15


# -- schemas -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def schema(harness: JobHarness) -> Schema:
    """A schema with three versions."""
    store = SchemaStore(harness.tables.dynamodb, harness.tables.registry)
    schema = store.create(ORGANIZATION, parse({"title": "Order"}), {"id": "client"})
    for version in (1, 2):
        store.update(ORGANIZATION, schema.schema_id, version=version, enabled=None, document=parse({"title": "Order"}))
    return schema


@pytest.mark.parametrize("fail", FAULTS, ids=NAMES)
def test_a_schema_whose_deletion_failed_at_any_call_can_be_deleted_again(
    harness: JobHarness, schema: Schema, fail: Callable[[int], Fault]
) -> None:
    path = f"externalevents/schemas/{schema.schema_id}"
    saved, schemas, number = Saved.of(harness), harness.load("schemas"), 0
    store = SchemaStore(harness.tables.dynamodb, harness.tables.registry)
    while True:
        saved.restore()
        calls = Calls(fail(number))
        first = ask(harness.load("schemas", calls), "DELETE", path)
        assert first in (0, 204, 429), first
        found = ask(schemas, "GET", path)
        for below in ("/versions", "/versions/1", "/versions/3"):
            assert ask(schemas, "GET", path + below) == found
        assert len(store.all(ORGANIZATION)) == (1 if found == 200 else 0)
        assert ask(schemas, "DELETE", path) in (204, 404)
        left = [item for item in harness.tables.items(harness.tables.registry) if schema.schema_id in str(item)]
        assert left == [], f"{calls.names[-1]}, call {number}"
        assert store.count(ORGANIZATION) == 0
        again = store.create(ORGANIZATION, parse({"title": "Order"}), {"id": "client"})  # the title is free
        store.delete(ORGANIZATION, again.schema_id)
        if len(calls.names) <= number:
            assert first == 204
            break
        number += 1
    assert number > 4
