"""The quotas of organizations: what counts toward them, what a refusal says, and how a wrong count is corrected."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PureCloudPlatformClientV2 import models

from journeys import aws, keys
from journeys.errors import LimitReached
from journeys.registry import limits
from journeys.registry.limits import (
    CONFIGURATIONS,
    CONFIGURATIONS_EVER,
    ENDPOINTS,
    EVENT_TYPES,
    QUOTAS,
    SCHEMA_VERSIONS,
    VIEW_EDITS,
    VIEW_VERSIONS,
    VIEWS,
    Quota,
)
from journeys.registry.quotas.store import QuotaStore
from journeys.registry.schemas.store import SchemaStore
from journeys.views import store as views_store
from tests.conftest import ORGANIZATION
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables

KEYS = {quota.key for quota in QUOTAS}


class Api:
    """The API of an organization with one event type."""

    def __init__(self, tables: Tables) -> None:
        self.quotas = QuotaStore(tables.dynamodb, tables.registry)
        self._functions: dict[str, ModuleType] = {}
        status, schema = self.ask("schemas", "POST", "externalevents/schemas", {"title": "Order", "properties": {}})
        assert status == 201
        self.schema_id = schema["id"]
        SchemaStore(tables.dynamodb, tables.registry).activate(ORGANIZATION, self.schema_id, None, None)

    def ask(self, function: str, method: str, path: str, body: Any = None, **how: Any) -> tuple[int, Any]:
        if function not in self._functions:
            self._functions[function] = load(function)
        return call(self._functions[function], api_event(method, path, body, **how))

    def configuration(self, source: str) -> tuple[int, Any]:
        body = {"name": "Orders", "schemaId": self.schema_id, "source": source}
        return self.ask("configurations", "POST", "externalevents/configurations", body)

    def view(self, path: str = "views") -> tuple[int, Any]:
        elements = [{"id": "e", "name": "E", "attributes": {"type": "Event", "id": self.schema_id}}]
        return self.ask("views", "POST", path, {"name": "A view", "duration": "P7D", "elements": elements})

    def endpoint(self, configuration_id: str) -> tuple[int, Any]:
        body = {"name": "Shop", "sender": "shopify", "configurationId": configuration_id, "secret": "a secret of 16"}
        return self.ask("endpoints", "POST", "webhooks/endpoints", body)

    def used(self, quota: Quota) -> int | None:
        return self.quotas.get(ORGANIZATION, quota).used


@pytest.fixture
def api(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("SECRETS_PREFIX", "journeys/webhooks/")
    return Api(tables)


def assert_refused(answer: tuple[int, Any], quota: Quota, value: int) -> None:
    status, error = answer
    assert (status, error["code"]) == (409, "limit.reached")
    assert error["limit"] == {"namespace": quota.namespace, "key": quota.key, "value": value}
    assert error["messageParams"] == {"limit": str(value), "count": str(value)}


# -- what counts -------------------------------------------------------------------------------------------------------


def test_the_defaults() -> None:
    assert [quota.default for quota in (ENDPOINTS, CONFIGURATIONS, CONFIGURATIONS_EVER, VIEWS, VIEW_VERSIONS)] == [
        50, 200, 2000, 500, 200,
    ]  # fmt: skip


def test_views_above_the_quota_are_refused_until_one_is_deleted(api: Api) -> None:
    api.quotas.set(ORGANIZATION, VIEWS, 2)
    (_, first), _ = api.view(), api.view()
    assert_refused(api.view(), VIEWS, 2)
    assert api.ask("views", "DELETE", f"views/{first['id']}")[0] == 204
    assert api.ask("views", "DELETE", f"views/{first['id']}")[0] == 404
    assert api.used(VIEWS) == 1
    assert api.view()[0] == 201
    assert api.view()[0] == 409


def test_versions_of_a_view_above_the_quota_are_refused(api: Api) -> None:
    api.quotas.set(ORGANIZATION, VIEW_VERSIONS, 2)
    _, view = api.view()
    assert api.view(f"views/{view['id']}/versions")[0] == 201
    assert_refused(api.view(f"views/{view['id']}/versions"), VIEW_VERSIONS, 2)


def test_endpoints_above_the_quota_are_refused_and_leave_no_secret(api: Api) -> None:
    api.quotas.set(ORGANIZATION, ENDPOINTS, 1)
    _, configuration = api.configuration("ERP")
    _, endpoint = api.endpoint(configuration["id"])
    assert_refused(api.endpoint(configuration["id"]), ENDPOINTS, 1)
    assert len(aws.secretsmanager().list_secrets()["SecretList"]) == 1
    assert api.ask("endpoints", "DELETE", f"webhooks/endpoints/{endpoint['id']}")[0] == 204
    assert api.used(ENDPOINTS) == 0
    assert api.endpoint(configuration["id"])[0] == 201


def test_a_deleted_configuration_counts_only_among_all_that_ever_existed(api: Api) -> None:
    api.quotas.set(ORGANIZATION, CONFIGURATIONS, 2)
    api.quotas.set(ORGANIZATION, CONFIGURATIONS_EVER, 3)
    made = [api.configuration(source)[1]["id"] for source in ("a", "b")]
    assert_refused(api.configuration("c"), CONFIGURATIONS, 2)
    for _ in range(2):
        assert api.ask("configurations", "DELETE", f"externalevents/configurations/{made[0]}")[0] == 204
        assert api.configuration("a")[0] == 201  # again the configuration that existed
    assert (api.used(CONFIGURATIONS), api.used(CONFIGURATIONS_EVER)) == (2, 2)
    for id_ in made:
        assert api.ask("configurations", "DELETE", f"externalevents/configurations/{id_}")[0] == 204
    assert api.ask("configurations", "DELETE", f"externalevents/configurations/{made[0]}")[0] == 404
    assert api.configuration("c")[0] == 201
    assert_refused(api.configuration("d"), CONFIGURATIONS_EVER, 3)
    assert (api.used(CONFIGURATIONS), api.used(CONFIGURATIONS_EVER)) == (1, 3)


def test_other_conflicts_are_reported_before_the_quota(api: Api) -> None:
    assert api.configuration("a")[0] == 201
    api.quotas.set(ORGANIZATION, CONFIGURATIONS, 1)
    status, error = api.configuration("a")
    assert (status, error["code"]) == (409, "configuration.exists")


def test_the_limits_are_listed_with_their_use(api: Api) -> None:
    api.quotas.set(ORGANIZATION, VIEWS, 7)
    api.view()
    status, listing = api.ask("usage", "GET", "limits")
    assert status == 200
    limits = {limit["key"]: limit for limit in listing["entities"]}
    assert limits.keys() == KEYS | {"event.types.per.org"}
    assert limits["views.per.org"] == {"namespace": "journey", "key": "views.per.org", "value": 7, "count": 1}
    assert limits["event.types.per.org"]["count"] == 1
    assert limits["webhook.endpoints.per.org"]["count"] == 0
    assert "count" not in limits["versions.per.view"]


@pytest.mark.parametrize("quota", [*QUOTAS, EVENT_TYPES, VIEW_EDITS, SCHEMA_VERSIONS], ids=lambda quota: quota.key)
def test_the_namespace_of_a_limit_is_one_of_the_contract(quota: Quota) -> None:
    limit = models.Limit()
    limit.namespace = quota.namespace
    assert limit.namespace == quota.namespace  # The SDK replaces a namespace that it does not know.


def test_a_version_can_be_edited_only_so_often(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_store, "VIEW_EDITS", replace(VIEW_EDITS, default=2))
    _, view = api.view()
    elements = [{"id": "e", "name": "E", "attributes": {"type": "Event", "id": api.schema_id}}]
    body = {"name": "Edited", "duration": "P7D", "elements": elements}
    path = f"views/{view['id']}/versions"
    for _ in range(2):
        assert api.ask("views", "PUT", f"{path}/1", body)[0] == 200
    assert_refused(api.ask("views", "PUT", f"{path}/1", body), VIEW_EDITS, 2)
    assert api.ask("views", "POST", path, body)[0] == 201
    assert api.ask("views", "PUT", f"{path}/2", body)[0] == 200


def test_a_schema_with_all_versions_can_only_be_disabled(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SCHEMA_VERSIONS", replace(SCHEMA_VERSIONS, default=2))
    path, document = f"externalevents/schemas/{api.schema_id}", {"title": "Order", "properties": {}}
    assert api.ask("schemas", "PUT", path, {"version": 1, "jsonSchema": document})[0] == 200
    for body in ({"jsonSchema": document}, {"enabled": True}):
        assert_refused(api.ask("schemas", "PUT", path, {"version": 2} | body), SCHEMA_VERSIONS, 2)
    assert api.ask("schemas", "PUT", path, {"version": 2, "enabled": False})[0] == 200


# -- an unknown or wrong count -----------------------------------------------------------------------------------------


def test_resources_without_a_counter_are_counted(api: Api, tables: Tables) -> None:
    for source in ("a", "b"):
        _, made = api.configuration(source)
    api.ask("configurations", "DELETE", f"externalevents/configurations/{made['id']}")
    for quota in (CONFIGURATIONS, CONFIGURATIONS_EVER):
        tables.dynamodb.delete_item(TableName=tables.registry, Key=keys.quota(ORGANIZATION, quota.key))
    api.configuration("c")
    assert (api.used(CONFIGURATIONS), api.used(CONFIGURATIONS_EVER)) == (2, 3)


@pytest.mark.parametrize("stored", [None, 0])
def test_a_deletion_corrects_a_count_that_is_too_low(api: Api, tables: Tables, stored: int | None) -> None:
    made = [api.view()[1]["id"] for _ in range(3)]
    key = keys.quota(ORGANIZATION, VIEWS.key)
    tables.dynamodb.delete_item(TableName=tables.registry, Key=key)
    if stored is not None:
        tables.dynamodb.put_item(TableName=tables.registry, Item=key | aws.to_item({"used": stored}))
    assert api.ask("views", "DELETE", f"views/{made[0]}")[0] == 204
    assert api.used(VIEWS) == 2


def test_a_count_that_changes_while_it_is_corrected_is_read_again(
    api: Api, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another request creates the counter between the reading of the rows and the correction."""
    key = keys.quota(ORGANIZATION, VIEWS.key)
    update = tables.dynamodb.update_item

    def late(**request: Any) -> Any:
        monkeypatch.undo()
        tables.dynamodb.put_item(TableName=tables.registry, Item=key | aws.to_item({"used": 5}))
        return update(**request)

    monkeypatch.setattr(tables.dynamodb, "update_item", late)
    api.quotas.create(ORGANIZATION, (VIEWS,), [])
    assert api.used(VIEWS) == 6


def test_an_error_of_the_database_is_raised(tables: Tables) -> None:
    quotas = QuotaStore(tables.dynamodb, "no-table")
    with pytest.raises(ClientError):
        quotas.create(ORGANIZATION, (VIEWS,), [])


def test_a_quota_of_zero_refuses_everything(api: Api) -> None:
    api.quotas.set(ORGANIZATION, VIEWS, 0)
    with pytest.raises(LimitReached):
        api.quotas.create(ORGANIZATION, (VIEWS,), [])
