"""The API of journey views: views, versions, charts, schedules, the data range, and encodings."""

from collections.abc import Callable
from typing import Any

import pytest
from PureCloudPlatformClientV2 import models

from journeys import dates, keys
from journeys.archive.model import Figures, ManifestSummary
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.store import SchemaStore
from journeys.views.schedules import store as schedules_store
from journeys.views.schedules.model import Frequency, next_date
from journeys.views.schedules.store import ScheduleStore
from journeys.views.store import ViewStore
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables
from tests.support.views import ORDER, ORDER_DOCUMENT, PARCEL, PARCEL_DOCUMENT, view_body

VIEWS = "/api/v2/journey/views"
ORG = "acme"


class Views:
    """A client of the views API."""

    def __init__(self, tables: Tables) -> None:
        self.tables, self.module = tables, load("views")
        self.define_events(ORG)
        clients = ClientStore(tables.dynamodb, tables.registry)
        clients.put(Client("colleague", ORG, "A colleague", PERMISSIONS))
        clients.put(Client("rival", "globex", "A rival", PERMISSIONS))

    def define_events(self, organization_id: str) -> None:
        schemas = SchemaStore(self.tables.dynamodb, self.tables.registry)
        for schema_id, document in ((ORDER, ORDER_DOCUMENT), (PARCEL, PARCEL_DOCUMENT)):
            schemas.create(organization_id, parse(document), {"id": "client"}, schema_id=schema_id)
            schemas.activate(organization_id, schema_id, None, None)

    def ask(self, method: str, path: str = "", body: Any = None, client_id: str = "client", **query: str) -> Any:
        return call(self.module, api_event(method, f"views{path}", body, client_id=client_id, query=query or None))

    def ok(self, method: str, path: str = "", body: Any = None, client_id: str = "client", **query: str) -> Any:
        status, answer = self.ask(method, path, body, client_id, **query)
        assert status == (201 if method == "POST" and path != "/encodings/validate" else 200), answer
        return answer

    def create(self, client_id: str = "client", **changes: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.ok("POST", "", view_body() | changes, client_id)
        return made

    def names(self, **query: str) -> list[str]:
        return [view["name"] for view in self.ok("GET", "", **query)["entities"]]

    def chart_versions(self, view: dict[str, Any]) -> dict[str, int]:
        return {chart["id"]: chart["version"] for chart in view["charts"]}

    def rows(self) -> list[tuple[str, str]]:
        """The keys of all items of views and schedules in the registry table."""
        found = ((item["pk"]["S"], item["sk"]["S"]) for item in self.tables.items(self.tables.registry))
        return sorted(key for key in found if "VIEW" in key[0] or key[0] == keys.SCHEDULES)


def names(model: Any) -> set[str]:
    return set(model.attribute_map.values())


def given(view: dict[str, Any]) -> dict[str, Any]:
    """Fields of a view that the platform neither sets nor completes."""
    return {name: view[name] for name in ("name", "description", "duration")}


@pytest.fixture
def views(tables: Tables) -> Views:
    return Views(tables)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The current time in milliseconds since 1970. Tests change its single element."""
    now = [dates.parse("2026-11-23T10:00:00Z")]
    monkeypatch.setattr(dates, "now_ms", lambda: now[0])
    return now


# -- views and their versions ------------------------------------------------------------------------------------------


def test_a_created_view_has_the_requests_fields_and_those_that_the_platform_sets(views: Views) -> None:
    made = views.create()
    assert made.keys() == names(models.JourneyView()) - {"interval"}
    assert given(made) == given(view_body())
    assert (made["version"], made["createdBy"], made["modifiedBy"]) == (1, {"id": "client"}, {"id": "client"})
    assert made["dateCreated"] == made["dateModified"]
    assert made["selfUri"] == f"{VIEWS}/{made['id']}/versions/1"
    assert views.ok("GET", f"/{made['id']}") == made
    assert views.ok("GET", f"/{made['id']}/versions/1") == made


def test_every_field_of_a_view_is_stored(views: Views) -> None:
    made, body = views.create(), view_body()
    assert contained(body, made) == []


def contained(wanted: Any, found: Any, where: str = "") -> list[str]:
    """The paths at which `found` lacks a value of `wanted`."""
    if isinstance(wanted, dict):
        return [
            problem
            for name, value in wanted.items()
            for problem in (contained(value, found[name], f"{where}.{name}") if name in found else [f"{where}.{name}"])
        ]
    if isinstance(wanted, list):
        if len(wanted) != len(found):
            return [where]
        return [
            problem
            for place, value in enumerate(wanted)
            for problem in contained(value, found[place], f"{where}[{place}]")
        ]
    return [] if wanted == found else [where]


def test_omitted_fields_get_the_contracts_defaults(views: Views) -> None:
    made = views.create()
    order, _, heavy = made["elements"]
    assert order["followedBy"][1] == {"id": "heavy", "eventCountType": "Sequential"}
    assert order["filter"]["predicates"][1]["operator"] == "Matches"
    assert heavy["attributes"]["type"] == "Event"
    assert made["charts"][1]["metrics"][0]["aggregate"] == "CustomerCount"


def test_a_fetched_view_can_be_sent_back(views: Views) -> None:
    made = views.create()
    again = views.ok("PUT", f"/{made['id']}/versions/1", made)
    assert {**again, "dateModified": made["dateModified"]} == made
    new = views.ok("POST", f"/{made['id']}/versions", made)
    assert (new["version"], views.chart_versions(new)) == (2, {"by-month": 1, "customers": 1})


def test_a_new_version_is_the_latest_and_earlier_versions_are_unchanged(views: Views) -> None:
    first = views.create()
    body = view_body() | {"name": "Renamed", "charts": []}
    second = views.ok("POST", f"/{first['id']}/versions", body, "colleague")
    assert (second["version"], second["name"], second["charts"]) == (2, "Renamed", [])
    assert (second["createdBy"], second["modifiedBy"]) == ({"id": "client"}, {"id": "colleague"})
    assert second["dateCreated"] == first["dateCreated"]
    assert views.ok("GET", f"/{first['id']}") == second
    assert views.ok("GET", f"/{first['id']}/versions/1") == first
    assert views.names() == ["Renamed"]


def test_an_edit_replaces_a_version_and_keeps_its_number(views: Views) -> None:
    first = views.create()
    views.ok("POST", f"/{first['id']}/versions", view_body() | {"name": "Second"})
    edited = views.ok("PUT", f"/{first['id']}/versions/1", view_body() | {"name": "First"}, "colleague")
    assert (edited["version"], edited["name"], edited["modifiedBy"]) == (1, "First", {"id": "colleague"})
    assert edited["dateModified"] >= first["dateModified"]
    assert views.ok("GET", f"/{first['id']}/versions/1") == edited
    assert views.names() == ["Second"]  # the name of the latest version
    views.ok("PUT", f"/{first['id']}/versions/2", view_body() | {"name": "Third"})
    assert views.names() == ["Third"]
    assert views.ok("GET", f"/{first['id']}")["version"] == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/versions"),
        ("GET", "/versions/1"),
        ("PUT", "/versions/1"),
        ("GET", "/versions/1/charts/by-month"),
        ("GET", "/versions/1/charts/by-month/versions/1"),
        ("GET", "/schedules"),
        ("POST", "/schedules"),
        ("PUT", "/schedules"),
        ("DELETE", "/schedules"),
    ],
)
def test_a_view_is_not_found_by_another_organization_or_after_its_deletion(
    views: Views, method: str, path: str
) -> None:
    views.define_events("globex")
    made, other = views.create(), views.create()
    views.ok("POST", f"/{made['id']}/schedules", {"frequency": "Daily"})
    body = ({"frequency": "Weekly"} if "schedules" in path else view_body()) if method in ("POST", "PUT") else None
    before = views.rows()
    assert views.ask(method, f"/{made['id']}{path}", body, "rival")[0] == 404
    assert views.ask(method, f"/unknown{path}", body)[0] == 404
    assert views.rows() == before
    assert views.ask("DELETE", f"/{made['id']}") == (204, None)
    assert views.ask(method, f"/{made['id']}{path}", body)[0] == 404
    views.ask("DELETE", f"/{other['id']}")
    assert views.rows() == []


@pytest.mark.parametrize("version", ["0", "2", "latest", "-1", "1.0", "\u0661", "123456789"])
def test_a_missing_version_is_not_found(views: Views, version: str) -> None:
    made = views.create()
    assert views.ask("GET", f"/{made['id']}/versions/{version}")[0] == 404
    assert views.ask("PUT", f"/{made['id']}/versions/{version}", view_body())[0] == 404
    assert views.ask("GET", f"/{made['id']}/versions/{version}/charts/by-month")[0] == 404
    assert views.ask("GET", f"/{made['id']}/versions/1/charts/by-month/versions/{version}")[0] == 404


# -- concurrent changes ------------------------------------------------------------------------------------------------


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Run a function between the reads and the writes of the next change of a view."""

    def happens(something: Callable[[], Any]) -> None:
        next_charts = ViewStore._next_charts

        def meets(self: ViewStore, *arguments: Any) -> Any:
            found = next_charts(self, *arguments)
            monkeypatch.setattr(ViewStore, "_next_charts", next_charts)
            something()
            return found

        monkeypatch.setattr(ViewStore, "_next_charts", meets)

    return happens


Meanwhile = Callable[[Callable[[], Any]], None]


def test_concurrent_new_versions_get_different_numbers(views: Views, meanwhile: Meanwhile) -> None:
    made = views.create()
    path, found = f"/{made['id']}/versions", list[Any]()
    meanwhile(lambda: found.append(views.ok("POST", path, view_body() | {"name": "Quicker"})))
    slower = views.ok("POST", path, view_body() | {"name": "Slower"})
    assert [view["version"] for view in (*found, slower)] == [2, 3]
    assert views.ok("GET", f"{path}/2")["name"] == "Quicker"
    assert views.names() == ["Slower"]


def test_an_edit_concurrent_with_a_new_version_changes_the_earlier_version(views: Views, meanwhile: Meanwhile) -> None:
    made = views.create()
    path = f"/{made['id']}/versions"
    meanwhile(lambda: views.ok("POST", path, view_body() | {"name": "New"}))
    assert views.ok("PUT", f"{path}/1", view_body() | {"name": "Edited"})["version"] == 1
    assert views.names() == ["New"]
    assert views.ok("GET", f"/{made['id']}")["version"] == 2
    assert views.ok("GET", f"{path}/1")["name"] == "Edited"


def test_concurrent_edits_give_a_chart_different_versions(views: Views, meanwhile: Meanwhile) -> None:
    made, weekly, yearly = views.create(), view_body(), view_body()
    weekly["charts"][0]["groupByTime"], yearly["charts"][0]["groupByTime"] = "Week", "Year"
    path = f"/{made['id']}/versions/1"
    meanwhile(lambda: views.ok("PUT", path, weekly))
    assert views.chart_versions(views.ok("PUT", path, yearly))["by-month"] == 3
    found = [views.ok("GET", f"{path}/charts/by-month/versions/{version}")["groupByTime"] for version in (1, 2, 3)]
    assert found == ["Month", "Week", "Year"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/versions"), ("PUT", "/versions/1")])
def test_a_change_concurrent_with_the_deletion_of_the_view_is_not_found(
    views: Views, meanwhile: Meanwhile, method: str, path: str
) -> None:
    made = views.create()
    meanwhile(lambda: views.ask("DELETE", f"/{made['id']}"))
    assert views.ask(method, f"/{made['id']}{path}", view_body())[0] == 404
    assert views.rows() == []


def test_an_edit_of_an_earlier_version_concurrent_with_the_deletion_is_not_found(
    views: Views, meanwhile: Meanwhile
) -> None:
    made = views.create()
    views.ok("POST", f"/{made['id']}/versions", view_body())
    meanwhile(lambda: views.ask("DELETE", f"/{made['id']}"))
    assert views.ask("PUT", f"/{made['id']}/versions/1", view_body())[0] == 404
    assert views.rows() == []


# -- refused views -----------------------------------------------------------------------------------------------------


def test_an_invalid_view_is_refused_by_every_operation_and_not_stored(views: Views) -> None:
    made = views.create()
    before = views.rows()
    body = view_body() | {"interval": "yesterday"}
    body["elements"][2]["followedBy"] = [{"id": "order"}]
    for method, path in (("POST", ""), ("POST", f"/{made['id']}/versions"), ("PUT", f"/{made['id']}/versions/1")):
        status, error = views.ask(method, path, body)
        assert (status, error["code"]) == (400, "invalid.view")
        assert [(detail["errorCode"], detail["fieldName"]) for detail in error["details"]][:3] == [
            ("interval.or.duration", "interval"),
            ("invalid.interval", "interval"),
            ("cycle", "elements[0].followedBy[0].id"),
        ]
    assert views.rows() == before
    assert views.ok("GET", f"/{made['id']}") == made


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (["name"], " ", "name"),
        (["colour"], "red", "colour"),
        (["elements"], [], "elements"),
        (["elements", 1, "name"], 5, "elements[1].name"),
        (["elements", 0, "followedBy", 0, "eventCountType"], "Any", "elements[0].followedBy[0].eventCountType"),
        (
            ["elements", 0, "followedBy", 0, "constraintWithin", "value"],
            -1,
            "elements[0].followedBy[0].constraintWithin.value",
        ),
        (
            ["elements", 0, "filter", "numberPredicates", 0, "range", "gte", "number"],
            "10",
            "elements[0].filter.numberPredicates[0].range.gte.number",
        ),
        (
            ["elements", 0, "filter", "numberPredicates", 0, "range", "gte", "number"],
            10**38,
            "elements[0].filter.numberPredicates[0].range.gte.number",
        ),
        (["elements", 0, "filter", "type"], "Or", "elements[0].filter.type"),
        (["charts", 0, "id"], "a/b", "charts[0].id"),
        (["charts", 0, "metrics"], [], "charts[0].metrics"),
        (["charts", 0, "metrics", 0, "aggregate"], "Median", "charts[0].metrics[0].aggregate"),
        (["charts", 0, "groupByTime"], "Hour", "charts[0].groupByTime"),
    ],
)
def test_an_invalid_field_is_named_in_the_details(views: Views, path: list[Any], value: Any, where: str) -> None:
    body: Any = view_body()
    at = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    status, error = views.ask("POST", "", body)
    assert (status, error["code"]) == (400, "invalid.field")
    assert [detail["fieldName"] for detail in error["details"]] == [where]


def test_a_view_cannot_use_event_types_of_another_organization_or_disabled_ones(views: Views) -> None:
    schemas = SchemaStore(views.tables.dynamodb, views.tables.registry)
    secret = schemas.create("globex", parse(ORDER_DOCUMENT | {"title": "Theirs"}), {"id": "rival"})
    schemas.activate("globex", secret.schema_id, None, None)
    body = view_body()
    body["elements"][0]["attributes"]["id"] = secret.schema_id
    assert views.ask("POST", "", body)[1]["details"][0]["errorCode"] == "unknown.event.definition"
    schemas.update(ORG, ORDER, version=1, enabled=False, document=None)
    assert views.ask("POST", "", view_body())[1]["details"][0]["errorCode"] == "inactive.event.definition"


# -- listing -----------------------------------------------------------------------------------------------------------


def test_views_are_listed_by_name_in_pages(views: Views) -> None:
    for name in ("b", "C", "a"):
        views.create(name=name)
    page = views.ok("GET", pageSize="2")
    assert page.keys() == names(models.JourneyViewListing()) - {"previousUri"}
    assert ([view["name"] for view in page["entities"]], page["total"], page["pageCount"]) == (["a", "b"], 3, 2)
    assert views.names(pageSize="2", pageNumber="2") == ["C"]
    assert views.ok("GET", client_id="rival")["entities"] == []


def test_a_listing_has_the_latest_versions_and_charts_only_on_request(views: Views) -> None:
    made = views.create()
    latest = views.ok("POST", f"/{made['id']}/versions", view_body() | {"description": "Changed"})
    (listed,) = views.ok("GET", expand="charts")["entities"]
    assert listed == latest
    (listed,) = views.ok("GET")["entities"]
    assert listed == {name: value for name, value in latest.items() if name != "charts"}


def test_views_are_found_by_part_of_their_name_or_by_their_creator(views: Views) -> None:
    views.create(name="Orders of the shop")
    views.create("colleague", name="Parcels")
    assert views.names(nameOrCreatedBy="ORDER") == ["Orders of the shop"]
    assert views.names(nameOrCreatedBy="colleague") == ["Parcels"]
    assert views.names(nameOrCreatedBy="collea") == []
    page = views.ok("GET", nameOrCreatedBy="s", pageSize="1")
    assert page["total"] == 2
    assert "nameOrCreatedBy=s" in page["nextUri"]


def test_views_are_found_by_up_to_100_ids(views: Views) -> None:
    ids = [views.create(name=f"View {number}")["id"] for number in range(3)]
    assert views.names(id=f"{ids[2]}, {ids[0]},unknown") == ["View 0", "View 2"]
    assert views.ok("GET", id=ids[0], client_id="rival")["entities"] == []
    assert views.names(id=",".join([*ids, *map(str, range(97))])) == ["View 0", "View 1", "View 2"]
    status, error = views.ask("GET", "", id=",".join(map(str, range(101))))
    assert (status, error["details"]) == (400, [{"errorCode": "invalid.parameter", "fieldName": "id"}])


def test_an_unknown_expand_value_is_refused(views: Views) -> None:
    assert views.ask("GET", "", expand="jobs")[0] == 400


# -- charts ------------------------------------------------------------------------------------------------------------


def test_a_chart_without_an_id_gets_one(views: Views) -> None:
    body = view_body()
    del body["charts"][0]["id"], body["charts"][1]["id"]
    made = views.ok("POST", "", body)
    ids = list(views.chart_versions(made))
    assert len(set(ids)) == 2
    assert all(len(one) == 36 for one in ids)
    chart = views.ok("GET", f"/{made['id']}/versions/1/charts/{ids[0]}")
    assert chart == made["charts"][0]
    assert chart.keys() == names(models.JourneyViewChart())
    assert chart["selfUri"] == f"{VIEWS}/{made['id']}/versions/1/charts/{ids[0]}/versions/1"


def test_a_chart_gets_a_version_per_change_and_each_version_can_be_read(views: Views) -> None:
    made = views.create()
    body = view_body()
    body["charts"][0]["groupByTime"] = "Week"
    second = views.ok("POST", f"/{made['id']}/versions", body)
    assert views.chart_versions(second) == {"by-month": 2, "customers": 1}
    body["charts"][0]["groupByTime"] = "Year"
    edited = views.ok("PUT", f"/{made['id']}/versions/2", body)
    assert views.chart_versions(edited) == {"by-month": 3, "customers": 1}
    path = f"/{made['id']}/versions/2/charts/by-month"
    found = [views.ok("GET", f"{path}/versions/{version}") for version in (1, 2, 3)]
    assert [chart["groupByTime"] for chart in found] == ["Month", "Week", "Year"]
    assert found[2] == views.ok("GET", path)
    assert views.ok("GET", f"/{made['id']}/versions/1/charts/by-month")["groupByTime"] == "Month"
    assert views.ask("GET", f"{path}/versions/4")[0] == 404


def test_editing_an_earlier_version_keeps_the_versions_of_unchanged_charts(views: Views) -> None:
    made = views.create()
    body = view_body()
    body["charts"][0]["groupByTime"] = "Week"
    views.ok("POST", f"/{made['id']}/versions", body)
    assert views.chart_versions(views.ok("PUT", f"/{made['id']}/versions/1", view_body()))["by-month"] == 1
    body["charts"][0]["groupByTime"] = "Year"
    assert views.chart_versions(views.ok("PUT", f"/{made['id']}/versions/1", body))["by-month"] == 3


def test_a_chart_that_is_removed_and_added_again_gets_a_new_version(views: Views) -> None:
    made = views.create()
    views.ok("POST", f"/{made['id']}/versions", view_body() | {"charts": []})
    assert views.ask("GET", f"/{made['id']}/versions/2/charts/by-month")[0] == 404
    assert views.ask("GET", f"/{made['id']}/versions/2/charts/by-month/versions/1")[0] == 404
    body = view_body()
    body["charts"][0]["version"] = 7  # what a request says of it counts for nothing
    assert views.chart_versions(views.ok("POST", f"/{made['id']}/versions", body)) == {"by-month": 2, "customers": 2}


# -- deletion ----------------------------------------------------------------------------------------------------------


def test_deleting_a_view_deletes_all_of_its_items(views: Views) -> None:
    made, other = views.create(name="Old"), views.create(name="Kept")
    store = ViewStore(views.tables.dynamodb, views.tables.registry)
    definition = store.get(ORG, made["id"]).definition
    for _ in range(30):
        store.add_version(ORG, made["id"], definition, "client")
    views.ok("POST", f"/{made['id']}/schedules", {"frequency": "Daily"})
    assert views.ask("DELETE", f"/{made['id']}") == (204, None)
    assert views.names() == ["Kept"]
    assert not [key for key in views.rows() if made["id"] in "".join(key)]
    assert views.ok("GET", f"/{other['id']}") == other


def test_a_deletion_without_time_is_continued_by_the_next_request(
    views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = views.create()
    monkeypatch.setattr(views.module, "DELETION_SECONDS", 0)
    status, error = views.ask("DELETE", f"/{made['id']}")
    assert (status, error["code"]) == (503, "service.unavailable")
    assert any(made["id"] in pk for pk, _ in views.rows())  # unreachable items remain
    for path in ("", "/versions/1", "/versions/1/charts/by-month", "/schedules"):
        assert views.ask("GET", f"/{made['id']}{path}")[0] == 404
    for method, path in (("POST", "/versions"), ("PUT", "/versions/1")):
        assert views.ask(method, f"/{made['id']}{path}", view_body())[0] == 404
    assert views.ask("POST", f"/{made['id']}/schedules", {"frequency": "Daily"})[0] == 404
    assert views.names() == []
    monkeypatch.setattr(views.module, "DELETION_SECONDS", 15)
    assert views.ask("DELETE", f"/{made['id']}") == (204, None)
    assert not any(made["id"] in "".join(key) for key in views.rows())
    assert views.ask("DELETE", f"/{made['id']}")[0] == 404


# -- schedules ---------------------------------------------------------------------------------------------------------


def test_a_schedule_is_created_read_changed_and_deleted(views: Views, now: list[int]) -> None:
    made = views.create()
    path = f"/{made['id']}/schedules"
    assert views.ask("GET", path)[0] == 404
    schedule = views.ok("POST", path, {"frequency": "Daily"})
    assert schedule == {
        "id": made["id"],
        "frequency": "Daily",
        "dateModified": "2026-11-23T10:00:00.000Z",
        "dateNext": "2026-11-24T00:00:00.000Z",
        "user": {"id": "client"},
        "selfUri": f"{VIEWS}{path}",
    }
    assert schedule.keys() - {"dateNext"} == names(models.JourneyViewSchedule())
    assert views.ok("GET", path) == schedule
    status, error = views.ask("POST", path, {"frequency": "Weekly"})
    assert (status, error["code"]) == (409, "schedule.exists")
    now[0] += 1_000
    changed = views.ok("PUT", path, schedule | {"frequency": "Monthly"}, "colleague")
    assert (changed["frequency"], changed["user"]) == ("Monthly", {"id": "colleague"})
    assert (changed["dateModified"], changed["dateNext"]) == ("2026-11-23T10:00:01.000Z", "2026-12-01T00:00:00.000Z")
    assert views.ok("GET", path) == changed
    assert views.ok("DELETE", path) == changed
    assert views.ask("GET", path)[0] == 404
    assert views.ask("PUT", path, {"frequency": "Daily"})[0] == 404
    assert views.ask("DELETE", path)[0] == 404


def test_schedules_are_listed_in_pages_per_organization(views: Views) -> None:
    ids = sorted(views.create()["id"] for _ in range(3))
    for one in ids:
        views.ok("POST", f"/{one}/schedules", {"frequency": "Daily"})
    views.define_events("globex")
    theirs = views.create("rival")["id"]
    views.ok("POST", f"/{theirs}/schedules", {"frequency": "Weekly"}, "rival")
    page = views.ok("GET", "/schedules", pageSize="2")
    assert page.keys() == names(models.JourneyViewScheduleListing()) - {"previousUri"}
    assert ([one["id"] for one in page["entities"]], page["total"]) == (ids[:2], 3)
    assert [one["id"] for one in views.ok("GET", "/schedules", client_id="rival")["entities"]] == [theirs]


@pytest.mark.parametrize("body", [{}, {"frequency": "Hourly"}, {"frequency": None}, {"frequency": "Daily", "at": 9}])
def test_an_invalid_schedule_is_refused(views: Views, body: Any) -> None:
    made = views.create()
    status, error = views.ask("POST", f"/{made['id']}/schedules", body)
    assert (status, error["code"]) == (400, "invalid.field")


@pytest.mark.parametrize(
    ("frequency", "moment", "following"),
    [
        ("Daily", "2026-11-23T00:00:00.000Z", "2026-11-24T00:00:00.000Z"),
        ("Daily", "2026-11-23T23:59:59.999Z", "2026-11-24T00:00:00.000Z"),
        ("Daily", "2028-02-28T12:00:00.000Z", "2028-02-29T00:00:00.000Z"),
        ("Weekly", "2026-11-22T23:59:59.999Z", "2026-11-23T00:00:00.000Z"),
        ("Weekly", "2026-11-23T00:00:00.000Z", "2026-11-30T00:00:00.000Z"),
        ("Weekly", "2026-12-28T10:00:00.000Z", "2027-01-04T00:00:00.000Z"),
        ("Monthly", "2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"),
        ("Monthly", "2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z"),
        ("Monthly", "2026-10-31T23:59:59.999Z", "2026-11-01T00:00:00.000Z"),
    ],
)
def test_periods_start_at_midnight_utc_on_mondays_and_on_the_first_of_the_month(
    frequency: str, moment: str, following: str
) -> None:
    assert dates.text(next_date(Frequency(frequency), dates.parse(moment))) == following


def test_a_schedule_is_due_once_per_period(views: Views, now: list[int]) -> None:
    made = views.create()
    views.ok("POST", f"/{made['id']}/schedules", {"frequency": "Daily"})
    store = ScheduleStore(views.tables.dynamodb, views.tables.registry)
    midnight = dates.parse("2026-11-24T00:00:00Z")
    assert list(store.due(midnight - 1)) == []
    now[0] = midnight
    (due,) = store.due(now[0])
    assert (due.organization_id, due.view_id, due.client_id) == (ORG, made["id"], "client")
    assert store.advance(due, now[0])
    assert not store.advance(due, now[0])
    assert list(store.due(now[0])) == []
    now[0] = dates.parse("2026-11-27T09:00:00Z")  # days later; missed periods are skipped
    (due,) = store.due(now[0])
    assert store.advance(due, now[0])
    assert dates.text(store.get(ORG, made["id"]).date_next) == "2026-11-28T00:00:00.000Z"


def test_a_schedule_that_was_changed_or_deleted_is_not_advanced(views: Views, now: list[int]) -> None:
    made = views.create()
    path = f"/{made['id']}/schedules"
    views.ok("POST", path, {"frequency": "Weekly"})
    store = ScheduleStore(views.tables.dynamodb, views.tables.registry)
    now[0] = dates.parse("2026-11-30T00:01:00Z")
    (due,) = store.due(now[0])
    changed = views.ok("PUT", path, {"frequency": "Daily"})
    assert changed["dateNext"] == dates.text(due.date_next)  # a due job stays due
    assert not store.advance(due, now[0])
    (due,) = store.due(now[0])
    assert store.advance(due, now[0])
    assert views.ok("GET", path)["dateNext"] == "2026-12-01T00:00:00.000Z"
    stale = store.get(ORG, made["id"])
    views.ok("DELETE", path)
    assert not store.advance(stale, now[0])
    assert views.ask("GET", path)[0] == 404


def test_a_change_concurrent_with_the_timer_does_not_restore_a_past_date(
    views: Views, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = views.create()
    path = f"/{made['id']}/schedules"
    views.ok("POST", path, {"frequency": "Daily"})
    store = ScheduleStore(views.tables.dynamodb, views.tables.registry)
    now[0] = dates.parse("2026-11-24T00:01:00Z")
    (due,) = store.due(now[0])
    replacement, met = schedules_store._replacement, list[bool]()

    def meets_the_timer(*arguments: Any) -> Any:
        if not met:
            met.append(True)
            assert store.advance(due, now[0])
        return replacement(*arguments)

    monkeypatch.setattr(schedules_store, "_replacement", meets_the_timer)
    assert views.ok("PUT", path, {"frequency": "Daily"})["dateNext"] == "2026-11-25T00:00:00.000Z"


# -- data details and encodings ----------------------------------------------------------------------------------------


def test_the_data_range_is_empty_without_events(views: Views) -> None:
    assert views.ok("GET", "/data/details") == {}


def test_the_data_range_is_that_of_the_archive(views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def figures(organization_id: str) -> Figures:
        asked.append(organization_id)
        return Figures(ManifestSummary(first=1_000, last=2_500))

    monkeypatch.setattr(views.module.archive, "figures", figures)
    found = views.ok("GET", "/data/details")
    assert found == {"dateMin": "1970-01-01T00:00:01.000Z", "dateMax": "1970-01-01T00:00:02.500Z"}
    assert found.keys() == names(models.DataRange())
    assert asked == [ORG]


def test_a_label_is_encoded_if_an_active_event_type_can_have_the_value(views: Views) -> None:
    wanted = {
        ("channel", "web"): True,
        ("channel", "fax"): False,
        ("member", "true"): True,
        ("member", "maybe"): False,
        ("total", "1.5"): True,
        ("total", "much"): False,
        ("note", "anything"): True,
        ("due", "2026-01-01"): False,
        ("labels", "a"): False,
        ("nothing", "a"): False,
        ("depot", "north"): True,
    }
    labels = [{"name": name, "value": value, "encoded": None} for name, value in wanted]
    found = views.ok("POST", "/encodings/validate", labels)["entities"]
    assert {(one["name"], one["value"]): one["encoded"] for one in found} == wanted
    assert all(one.keys() == names(models.Label()) for one in found)
    SchemaStore(views.tables.dynamodb, views.tables.registry).update(
        ORG, PARCEL, version=1, enabled=False, document=None
    )
    (depot,) = views.ok("POST", "/encodings/validate", [{"name": "depot", "value": "north"}])["entities"]
    assert depot["encoded"] is False


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        ({"name": "a", "value": "b"}, "bad.request", []),
        ([{"name": "a", "value": "b"}, {"name": "a"}], "invalid.field", ["[1].value"]),
        ([{"name": "a", "value": 5}], "invalid.field", ["[0].value"]),
        ([{"name": "a", "value": "b"}] * 1001, "invalid.field", [""]),
    ],
)
def test_invalid_labels_are_refused(views: Views, body: Any, code: str, where: list[str]) -> None:
    status, error = views.ask("POST", "/encodings/validate", body)
    assert (status, error["code"], [detail["fieldName"] for detail in error["details"]]) == (400, code, where)


# -- permissions -------------------------------------------------------------------------------------------------------


def test_each_operation_requires_its_permission(views: Views) -> None:
    assert {(route.method, route.path): route.permission for route in views.module.router.routes} == {
        ("GET", VIEWS): "journey:views:view",
        ("POST", VIEWS): "journey:views:add",
        ("GET", f"{VIEWS}/<view_id>"): "journey:views:view",
        ("DELETE", f"{VIEWS}/<view_id>"): "journey:views:delete",
        ("POST", f"{VIEWS}/<view_id>/versions"): "journey:views:edit",
        ("GET", f"{VIEWS}/<view_id>/versions/<int:version>"): "journey:views:view",
        ("PUT", f"{VIEWS}/<view_id>/versions/<int:version>"): "journey:views:edit",
        ("GET", f"{VIEWS}/<view_id>/versions/<int:version>/charts/<chart_id>"): "journey:views:view",
        (
            "GET",
            f"{VIEWS}/<view_id>/versions/<int:version>/charts/<chart_id>/versions/<int:chart_version>",
        ): "journey:views:view",
        ("GET", f"{VIEWS}/schedules"): "journey:viewsSchedule:view",
        ("GET", f"{VIEWS}/<view_id>/schedules"): "journey:viewsSchedule:view",
        ("POST", f"{VIEWS}/<view_id>/schedules"): "journey:viewsSchedule:add",
        ("PUT", f"{VIEWS}/<view_id>/schedules"): "journey:viewsSchedule:edit",
        ("DELETE", f"{VIEWS}/<view_id>/schedules"): "journey:viewsSchedule:delete",
        ("GET", f"{VIEWS}/data/details"): "journey:views:view",
        ("POST", f"{VIEWS}/encodings/validate"): "journey:views:view",
    }
