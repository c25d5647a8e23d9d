"""Quotas under concurrency: simultaneous creations never exceed them, and the count stays right."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.limits import CONFIGURATIONS, ENDPOINTS, VIEW_VERSIONS, VIEWS, Quota
from journeys.registry.quotas.store import QuotaStore
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.store import SchemaStore
from journeys.views.model import ViewDefinition
from journeys.views.store import ViewStore
from journeys.webhooks.model import Endpoint, new_endpoint_id
from journeys.webhooks.store import EndpointStore
from tests.support.tables import Tables
from tests.support.views import delete_view

ORG = "acme"
MOST, AT_ONCE = 5, 20


def at_once(calls: Sequence[Callable[[], object]]) -> Counter[str]:
    """How many calls ended with each type of result or error. All calls start at the same time."""
    barrier = threading.Barrier(len(calls))

    def run(one: Callable[[], object]) -> str:
        barrier.wait(timeout=60)
        try:
            one()
        except Exception as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(pool.map(run, calls))


def endpoint() -> Endpoint:
    return Endpoint(
        endpoint_id=new_endpoint_id(), organization_id=ORG, name="Shop", sender="shopify", configuration_id="c",
        routing=None, enabled=True, date_created=1, date_modified=1, options={}, mapping={}, preset_version=1,
    )  # fmt: skip


def definition() -> ViewDefinition:
    elements = [{"id": "e", "name": "E", "attributes": {"type": "Event", "id": "type"}}]
    return ViewDefinition.model_validate({"name": "A view", "duration": "P7D", "elements": elements})


Creation = tuple[Callable[[int], object], Callable[[], int]]
"""Creates the resource with this number, and counts the existing ones."""


def configurations(database: Tables) -> Creation:
    store = ConfigurationStore(database.dynamodb, database.registry)
    schema = SchemaStore(database.dynamodb, database.registry).create(ORG, parse({"title": "T"}), {"id": "client"})

    def create(number: int) -> object:
        return store.create(
            ORG, name="C", description=None, division_id=None, schema_id=schema.schema_id, source=f"source {number}"
        )

    return create, lambda: len(store.all(ORG))


def endpoints(database: Tables) -> Creation:
    store = EndpointStore(database.dynamodb, database.registry)
    return lambda _: store.create(endpoint()), lambda: len(store.all(ORG))


def views(database: Tables) -> Creation:
    store = ViewStore(database.dynamodb, database.registry)
    return lambda _: store.create(ORG, definition(), "client"), lambda: len(store.all(ORG))


def versions(database: Tables) -> Creation:
    store = ViewStore(database.dynamodb, database.registry)
    view_id = store.create(ORG, definition(), "client").view_id
    return lambda _: store.add_version(ORG, view_id, definition(), "client"), lambda: store.get(ORG, view_id).version


@pytest.mark.parametrize(
    ("quota", "make"),
    [(CONFIGURATIONS, configurations), (ENDPOINTS, endpoints), (VIEWS, views), (VIEW_VERSIONS, versions)],
    ids=lambda value: value.key if isinstance(value, Quota) else "",
)
def test_concurrent_creations_fill_a_quota_exactly(
    database: Tables, quota: Quota, make: Callable[[Tables], Creation]
) -> None:
    quotas = QuotaStore(database.dynamodb, database.registry)
    quotas.set(ORG, quota, MOST)
    create, count = make(database)
    room = MOST - count()
    outcomes = at_once([lambda number=number: create(number) for number in range(AT_ONCE)])  # type: ignore[misc]
    assert outcomes == {"done": room, "LimitReached": AT_ONCE - room}
    assert count() == MOST
    assert quotas.get(ORG, quota).used in (MOST, None)


def test_the_count_is_right_after_concurrent_creations_and_deletions(database: Tables) -> None:
    store, quotas = ViewStore(database.dynamodb, database.registry), QuotaStore(database.dynamodb, database.registry)
    quotas.set(ORG, VIEWS, MOST)
    for _ in range(3):
        old = [summary.view_id for summary in store.all(ORG)]
        creations = [lambda: store.create(ORG, definition(), "client") for _ in range(8)]
        deletions = [lambda id_=id_: delete_view(database, ORG, id_) for id_ in old for _ in range(2)]
        outcomes = at_once([*creations, *deletions])
        assert outcomes["NotFound"] <= len(old)
        assert outcomes.keys() <= {"done", "LimitReached", "NotFound"}
        assert quotas.get(ORG, VIEWS).used == len(store.all(ORG)) <= MOST
