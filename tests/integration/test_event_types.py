"""Event types under concurrency: the limit, the titles and the versions hold.

Threads run against databases with transactions like DynamoDB's. The tests also check the response of each thread.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from journeys import keys
from journeys.aws import from_item
from journeys.errors import Conflict, LimitReached, NotFound
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.document import Document, parse
from journeys.registry.schemas.model import SLOTS, Schema
from journeys.registry.schemas.store import SchemaStore
from tests.support.tables import Tables

ORG = "acme"
BY = {"id": "client", "name": "A client"}
T = TypeVar("T")


def document(title: str, **properties: object) -> Document:
    return parse({"title": title, "properties": properties})


def at_once(calls: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """The result or the error of each call. All calls start at the same time."""
    barrier = threading.Barrier(len(calls))

    def run(one: Callable[[], T]) -> T | Exception:
        barrier.wait(timeout=60)
        try:
            return one()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def kinds(answers: Sequence[object]) -> Counter[str]:
    return Counter(type(answer).__name__ for answer in answers)


def creating(store: SchemaStore, title: str) -> Callable[[], Schema]:
    return lambda: store.create(ORG, document(title), BY)


def counter(database: Tables) -> tuple[int, list[str]]:
    """The counter item: the number of event types and their slots."""
    (row,) = [from_item(item) for item in database.items(database.registry) if item["sk"]["S"] == "EVENT_TYPES"]
    return row["used"], sorted(row.get("slots", ()))


def test_50_concurrent_creations_leave_exactly_20_event_types(database: Tables) -> None:
    store = SchemaStore(database.dynamodb, database.registry)
    answers = at_once([creating(store, f"Type {number}") for number in range(50)])

    assert kinds(answers) == {"Schema": 20, "LimitReached": 30}
    refused = [answer for answer in answers if isinstance(answer, LimitReached)]
    assert {(error.namespace, error.key, error.value, error.count) for error in refused} == {
        ("external.events.data.ingestion", "event.types.per.org", 20, 20)
    }
    created = [answer for answer in answers if isinstance(answer, Schema)]
    assert store.all(ORG) == sorted(created, key=lambda schema: schema.title.casefold())
    assert sorted(schema.slot for schema in created) == list(SLOTS)
    assert counter(database) == (20, list(SLOTS))
    assert store.count(ORG) == 20
    # Each schema has its version and its title, and the refused ones left nothing behind.
    partitions = [keys.split(item["pk"]["S"]) for item in database.items(database.registry)]
    assert Counter(parts[2] for parts in partitions if len(parts) > 2) == {"SCHEMAS": 20, "SCHEMA": 20, "TITLES": 20}


def test_the_counter_is_correct_after_concurrent_creations_and_deletions(database: Tables) -> None:
    store = SchemaStore(database.dynamodb, database.registry)
    old = [store.create(ORG, document(f"Old {number}"), BY) for number in range(18)]
    for round_ in range(3):
        new = [creating(store, f"New {round_} {number}") for number in range(10)]
        answers = at_once([*new, *[_deleting(store, schema) for schema in old[round_ * 5 : round_ * 5 + 5]]])
        assert kinds(answers).keys() <= {"Schema", "LimitReached", "NoneType"}
        assert kinds(answers)["NoneType"] == 5

        stored = store.all(ORG)
        assert len(stored) <= 20
        assert counter(database) == (len(stored), sorted(schema.slot for schema in stored))
        assert len({schema.slot for schema in stored}) == len(stored)


def _deleting(store: SchemaStore, schema: Schema) -> Callable[[], None]:
    return lambda: store.delete(ORG, schema.schema_id)


def test_of_concurrent_creations_with_the_same_title_one_succeeds(database: Tables) -> None:
    store = SchemaStore(database.dynamodb, database.registry)
    for round_ in range(5):
        titles = [f"order {round_}", f"Order {round_}", f"ORDER {round_}", f" order {round_} "]
        answers = at_once([creating(store, titles[number % 4]) for number in range(12)])
        assert kinds(answers) == {"Schema": 1, "Conflict": 11}
        assert {answer.code for answer in answers if isinstance(answer, Conflict)} == {"title.in.use"}
        assert len(store.all(ORG)) == store.count(ORG) == round_ + 1


def test_of_concurrent_renaming_enabling_and_creating_with_the_same_title_one_succeeds(database: Tables) -> None:
    store = SchemaStore(database.dynamodb, database.registry)
    for round_ in range(10):
        title = f"Wanted {round_}"
        disabled = store.create(ORG, document(title), BY)
        store.update(ORG, disabled.schema_id, version=1, enabled=False, document=None)
        other = store.create(ORG, document(f"Other {round_}"), BY)

        def rename(schema_id: str = other.schema_id, title: str = title) -> Schema:
            return store.update(ORG, schema_id, version=1, enabled=None, document=document(title))

        def enable(schema_id: str = disabled.schema_id) -> Schema:
            return store.update(ORG, schema_id, version=2, enabled=True, document=None)

        answers = at_once([creating(store, title), rename, enable])
        assert kinds(answers) == {"Schema": 1, "Conflict": 2}
        assert {answer.code for answer in answers if isinstance(answer, Conflict)} == {"title.in.use"}
        assert [schema.title for schema in store.all(ORG) if schema.enabled].count(title) == 1
        for schema in store.all(ORG):
            store.delete(ORG, schema.schema_id)
    assert counter(database) == (0, [])


def test_of_concurrent_updates_of_a_version_one_succeeds(database: Tables) -> None:
    store = SchemaStore(database.dynamodb, database.registry)
    made = store.create(ORG, document("Order"), BY)
    for version in range(1, 6):

        def update(number: int, version: int = version) -> Callable[[], Schema]:
            # Each update adds a field, so all updates are allowed and different.
            fields = {f"v{old}": {"type": "string"} for old in range(1, version + 1)}
            new = document("Order", **fields)
            new = parse({**new.raw, "description": f"by {number}"})
            return lambda: store.update(ORG, made.schema_id, version=version, enabled=None, document=new)

        answers = at_once([update(number) for number in range(12)])
        assert kinds(answers) == {"Schema": 1, "Conflict": 11}
        conflicts = [answer for answer in answers if isinstance(answer, Conflict)]
        assert {(error.code, error.params["version"]) for error in conflicts} == {
            ("version.conflict", str(version + 1))
        }
        (winner,) = [answer for answer in answers if isinstance(answer, Schema)]
        assert store.get(ORG, made.schema_id) == store.version(ORG, made.schema_id, version + 1) == winner
    assert [schema.version for schema in store.versions(ORG, made.schema_id)] == [6, 5, 4, 3, 2, 1]


def binding(
    store: ConfigurationStore, organization_id: str, schema_id: str, head_start: float = 0
) -> Callable[[], str]:
    def bind() -> str:
        time.sleep(head_start)
        return store.create(
            organization_id, name="Orders", description=None, division_id=None, schema_id=schema_id, source="ERP"
        ).configuration_id

    return bind


def test_no_configuration_exists_for_a_deleted_schema(database: Tables) -> None:
    schemas = SchemaStore(database.dynamodb, database.registry)
    configurations = ConfigurationStore(database.dynamodb, database.registry)
    for round_ in range(60):
        org = f"org-{round_}"
        schema_id = schemas.create(org, document("Order"), BY).schema_id

        def delete(org: str = org, schema_id: str = schema_id) -> None:
            schemas.delete(org, schema_id)

        # Deleting reads first, so it starts 0 to 7 milliseconds earlier: in some rounds it wins, in others it loses.
        both: list[Callable[[], str | None]] = [delete, binding(configurations, org, schema_id, round_ % 8 / 1000)]
        deleted, bound = at_once(both)
        there, fed, used = schemas.all(org), configurations.all(org), schemas.count(org)
        if deleted is None:
            assert (type(bound), there, fed, used) == (NotFound, [], [], 0)
        else:
            assert isinstance(deleted, Conflict)
            assert deleted.code == "schema.in.use"
            assert isinstance(bound, str)
            assert [one.configuration_id for one in fed] == [bound]
            assert [(schema.schema_id, schema.used) for schema in there] == [(schema_id, True)]
            assert used == 1


def test_a_schema_that_is_bound_during_its_deletion_is_not_deleted(database: Tables) -> None:
    """The schema is bound between the read and the write of its deletion."""

    configurations = ConfigurationStore(database.dynamodb, database.registry)

    class Slow:
        """A client that binds the schema after reading it."""

        def __getattr__(self, name: str) -> Any:
            return getattr(database.dynamodb, name)

        def get_item(self, **request: Any) -> Any:
            found = database.dynamodb.get_item(**request)
            if not from_item(found.get("Item", {})).get("used", True):
                binding(configurations, ORG, request["Key"]["sk"]["S"])()
            return found

    schemas = SchemaStore(Slow(), database.registry)  # type: ignore[arg-type]
    made = schemas.create(ORG, document("Order"), BY)
    with pytest.raises(Conflict) as caught:
        schemas.delete(ORG, made.schema_id)
    assert caught.value.code == "schema.in.use"
    assert counter(database) == (1, [made.slot])
    assert [one.schema_id for one in configurations.all(ORG)] == [made.schema_id]


def test_a_deleted_schema_cannot_be_bound(database: Tables) -> None:
    schemas = SchemaStore(database.dynamodb, database.registry)
    configurations = ConfigurationStore(database.dynamodb, database.registry)
    made = schemas.create(ORG, document("Order"), BY)
    schemas.delete(ORG, made.schema_id)
    with pytest.raises(NotFound):
        binding(configurations, ORG, made.schema_id)()
    assert configurations.all(ORG) == []
    assert schemas.all(ORG) == []
