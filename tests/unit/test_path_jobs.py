"""Jobs that compute paths: the API, the rules of a definition, and the computation in one run and in parts."""

import csv
import io
from typing import Any

import pytest

from journeys import dates, keys
from journeys.aws import from_item
from journeys.events.model import ExternalId
from journeys.registry.limits import WAITING_JOBS
from journeys.registry.quotas.store import QuotaStore
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.store import SchemaStore
from journeys.views.paths.model import MAX_STEPS, PathDefinition
from journeys.views.paths.rules import problems
from tests.conftest import ORGANIZATION
from tests.support.functions import Context, api_event
from tests.support.jobs import HOUR, NOON, JobHarness, harness
from tests.support.views import ORDER, ORDER_DOCUMENT, PARCEL, PARCEL_DOCUMENT, schema

__all__ = ["harness"]

JOBS = "paths/jobs"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [NOON + 24 * HOUR]
    monkeypatch.setattr(dates, "now_ms", lambda: moment[0])
    return moment


@pytest.fixture
def placed(harness: JobHarness) -> Schema:
    """Orders of ten customers. All but one of them are asked for a rating an hour later."""
    placed, rated = harness.event_type("Order placed", amount="number"), harness.event_type("Rated")
    names = [f"customer {number}" for number in range(10)]
    harness.land(placed, *((name, NOON) for name in names), amount=5)
    harness.land(rated, *((name, NOON + HOUR) for name in names[1:]), received=NOON + 2 * HOUR)
    return placed


def body(after: Schema, **values: Any) -> dict[str, Any]:
    return {"name": "After an order", "duration": "P7D", "start": {"attributes": {"id": after.schema_id}}} | values


def accept(harness: JobHarness, body: Any, **how: Any) -> Any:
    status, job = harness.ask("POST", JOBS, body, **how)
    assert status == 202, job
    return job


def results(harness: JobHarness, job: Any) -> Any:
    status, result = harness.ask("GET", f"{JOBS}/{job['id']}/results")
    assert status == 200, result
    return result


# -- the API -----------------------------------------------------------------------------------------------------------


def test_a_job_of_paths_is_accepted_and_computed(harness: JobHarness, placed: Schema, now: list[int]) -> None:
    job = accept(harness, body(placed))
    assert (job["status"], job["name"], job["userId"]) == ("Accepted", "After an order", "client")
    assert job["definition"]["steps"] == 5
    assert harness.ask("GET", f"{JOBS}/{job['id']}") == (200, job)
    assert harness.ask("GET", f"{JOBS}/{job['id']}/results")[0] == 409
    assert harness.deliver() == []
    status, complete = harness.ask("GET", f"{JOBS}/{job['id']}")
    assert (status, complete["status"]) == (200, "Complete")
    result = results(harness, job)
    assert result["selfUri"] == f"/api/v2/journey/{JOBS}/{job['id']}/results"
    assert result["dateDataUntil"] == dates.text(NOON + 2 * HOUR)
    assert result["start"] == {"customerCount": 10, "eventCount": 10}
    assert result["tree"]["eventType"] == {"id": placed.schema_id, "name": "Order placed"}
    (step,) = result["tree"]["steps"]
    assert (step["eventType"]["name"], step["customerCount"]) == ("Rated", 9)
    assert [path["customerCount"] for path in result["paths"]] == [9, 1]


def test_a_job_of_paths_in_parts_has_the_same_results(harness: JobHarness, placed: Schema) -> None:
    whole = accept(harness, body(placed))
    assert harness.deliver() == []
    parts = accept(harness, body(placed))
    with harness.small_runs():
        assert harness.deliver() == []
    assert len(next(iter(harness.machine.started.values()))["parts"]) > 1
    harness.run_machine()
    expected, result = results(harness, whole), results(harness, parts)
    assert result | {"selfUri": ""} == expected | {"selfUri": ""}


def test_a_filter_of_the_start_and_an_end_apply(harness: JobHarness, placed: Schema) -> None:
    dear = {"numberPredicates": [{"dimension": "amount", "range": {"gt": {"number": 5}}}]}
    start = {"attributes": {"id": placed.schema_id}}
    (rated,) = (one for one in SchemaStore(harness.tables.dynamodb, harness.tables.registry).all(ORGANIZATION)
                if one.title == "Rated")  # fmt: skip
    none = accept(harness, body(placed, start=start | {"filter": dear}))
    ending = accept(harness, body(placed, end={"attributes": {"id": rated.schema_id}}))
    assert harness.deliver() == []
    assert results(harness, none)["start"]["eventCount"] == 0
    assert results(harness, ending)["tree"]["customerCount"] == 9


def test_a_path_goes_on_under_another_identifier_of_the_person(harness: JobHarness) -> None:
    visited, called = harness.event_type("Visited"), harness.event_type("Called")
    harness.land(visited, ("visitor", NOON), also=(ExternalId("crm", "ann"),))
    harness.land(called, ("ann", NOON + HOUR), received=NOON + 2 * HOUR)
    persons, identifiers = (accept(harness, body(visited, identity=one)) for one in (None, "Identifier"))
    assert harness.deliver() == []
    assert [len(results(harness, job)["tree"]["steps"]) for job in (persons, identifiers)] == [1, 0]
    assert harness.ask("POST", JOBS, body(visited, identity="Nobody"))[0] == 400


def test_a_job_of_paths_is_found_under_paths_and_in_its_organization_only(harness: JobHarness, placed: Schema) -> None:
    job = accept(harness, body(placed))
    view = harness.view(
        name="v", duration="P7D", elements=[{"id": "a", "name": "A", "attributes": {"id": placed.schema_id}}]
    )
    of_view = harness.accept(view).rpartition("/")[2]
    assert harness.ask("GET", f"{JOBS}/{of_view}")[0] == 404
    assert harness.ask("GET", f"{JOBS}/{of_view}/results")[0] == 404
    assert harness.ask("PATCH", f"{JOBS}/{of_view}", {"status": "Cancelled"})[0] == 404
    assert harness.request("GET", f"/{view.view_id}/versions/1/jobs/{job['id']}")[0] == 404
    assert [one["id"] for one in harness.ask("GET", JOBS)[1]["entities"]] == [job["id"]]
    assert [one["id"] for one in harness.request("GET", "/jobs")[1]["entities"]] == [of_view]


def test_a_listing_has_no_definitions(harness: JobHarness, placed: Schema) -> None:
    accept(harness, body(placed))
    (listed,) = harness.ask("GET", JOBS, query={"statuses": "Accepted"})[1]["entities"]
    assert listed["name"] == "After an order"
    assert "definition" not in listed
    assert harness.ask("GET", JOBS, query={"statuses": "Complete"})[1]["entities"] == []


def test_a_canceled_job_of_paths_is_not_computed(harness: JobHarness, placed: Schema) -> None:
    job = accept(harness, body(placed))
    status, canceled = harness.ask("PATCH", f"{JOBS}/{job['id']}", {"status": "Cancelled"})
    assert (status, canceled["status"], canceled["definition"]) == (200, "Cancelled", job["definition"])
    assert harness.deliver() == []
    assert harness.ask("GET", f"{JOBS}/{job['id']}")[1]["status"] == "Cancelled"


def test_a_repeated_request_creates_one_job(harness: JobHarness, placed: Schema) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = (accept(harness, body(placed), headers=headers) for _ in range(2))
    assert first["id"] == again["id"]
    status, refused = harness.ask("POST", JOBS, body(placed, steps=2), headers=headers)
    assert (status, refused["code"]) == (409, "idempotency.key.reused")


def test_waiting_jobs_of_paths_count_toward_the_quota(harness: JobHarness, placed: Schema) -> None:
    QuotaStore(harness.tables.dynamodb, harness.tables.registry).set(ORGANIZATION, WAITING_JOBS, 1)
    accept(harness, body(placed))
    status, refused = harness.ask("POST", JOBS, body(placed))
    assert (status, refused["code"]) == (429, "limit.reached")


def test_a_job_of_paths_and_its_definition_expire_together(harness: JobHarness, placed: Schema) -> None:
    job = accept(harness, body(placed))
    table = harness.tables
    items = [
        from_item(table.dynamodb.get_item(TableName=table.registry, Key=key)["Item"])
        for key in (keys.job(ORGANIZATION, job["id"]), keys.paths(ORGANIZATION, job["id"]))
    ]
    assert items[0]["expires"] == items[1]["expires"]


def test_a_deleted_event_type_fails_the_job_of_paths(harness: JobHarness, placed: Schema) -> None:
    job = accept(harness, body(placed, eventTypes=[placed.schema_id]))
    key = keys.schema(ORGANIZATION, placed.schema_id)
    harness.tables.dynamodb.delete_item(TableName=harness.tables.registry, Key=key)
    assert harness.deliver() == []
    failed = harness.ask("GET", f"{JOBS}/{job['id']}")[1]
    assert (failed["status"], failed["error"]["code"]) == ("Failed", "event.definition.gone")


def test_results_as_csv_have_a_row_per_step(harness: JobHarness, placed: Schema) -> None:
    job = accept(harness, body(placed))
    assert harness.deliver() == []
    response = harness.api.handler(api_event("GET", f"{JOBS}/{job['id']}/results", query={"format": "csv"}), Context())
    assert response["statusCode"] == 200
    header, start, rated = csv.reader(io.StringIO(response["body"]))
    assert header[:6] == ["level", "path", "eventTypeId", "eventTypeName", "customerCount", "eventCount"]
    assert [start[1], *start[4:8]] == ["Order placed", "10", "10", "1", "1"]
    assert [rated[1], *rated[4:8]] == ["Order placed > Rated", "9", "9", "9", "9"]


def test_complete_paths_are_a_csv_of_their_own(harness: JobHarness, placed: Schema) -> None:
    job = accept(harness, body(placed))
    assert harness.deliver() == []
    address = f"{JOBS}/{job['id']}/results"
    event = api_event("GET", address, query={"format": "csv", "table": "paths"})
    header, first, second = csv.reader(io.StringIO(harness.api.handler(event, Context())["body"]))
    assert header == ["path", "eventTypeIds", "customerCount", "eventCount"]
    (rated,) = results(harness, job)["paths"][0]["eventTypes"]
    assert first == ["Order placed > Rated", rated["id"], "9", "9"]
    assert second == ["Order placed", "", "1", "1"]
    assert harness.ask("GET", address, query={"format": "csv", "table": "elements"})[0] == 400
    assert harness.ask("GET", address, query={"table": "paths"})[0] == 400


def test_a_path_of_a_result_becomes_a_view(harness: JobHarness, placed: Schema) -> None:
    another = harness.event_type("Another").schema_id
    job = accept(harness, body(placed, direction="Before", sessionGap="PT1.5S"))
    query = {"path": f"{placed.schema_id},{another}"}
    status, view = harness.ask("GET", f"{JOBS}/{job['id']}/view", query=query)
    assert status == 200
    assert [element["attributes"]["id"] for element in view["elements"]] == [
        another,
        placed.schema_id,
        placed.schema_id,
    ]
    assert [element["name"] for element in view["elements"]] == ["1. Another", "2. Order placed", "3. Order placed"]
    assert view["name"] == "After an order: Another > Order placed"
    assert view["elements"][0]["followedBy"] == [
        {"id": "step-2", "eventCountType": "All", "constraintWithin": {"unit": "Seconds", "value": 2}}
    ]
    assert harness.ask("GET", f"{JOBS}/{job['id']}/view", query={"path": ",".join("a" * 11)})[0] == 400


def test_a_view_of_no_step_has_the_start_only(harness: JobHarness, placed: Schema) -> None:
    address = f"{JOBS}/{accept(harness, body(placed))['id']}/view"
    status, view = harness.ask("GET", address, query={"path": ""})
    assert (status, view) == harness.ask("GET", address)
    assert (view["name"], len(view["elements"])) == ("After an order", 1)


def test_a_view_of_an_unknown_event_type_is_refused(harness: JobHarness, placed: Schema) -> None:
    address = f"{JOBS}/{accept(harness, body(placed))['id']}/view"
    status, refused = harness.ask("GET", address, query={"path": f"{placed.schema_id},nope"})
    assert (status, refused["details"][0]["errorCode"]) == (400, "unknown.event.definition")
    assert "nope" not in refused["message"]


# -- rules -------------------------------------------------------------------------------------------------------------

SCHEMAS = {
    ORDER: schema(ORDER, ORDER_DOCUMENT),
    PARCEL: schema(PARCEL, PARCEL_DOCUMENT, "b"),
    "inactive": schema("inactive", {"title": "Inactive", "properties": {}}, "c", active=False),
}


def found(**values: Any) -> list[tuple[str, str]]:
    complete = {"name": "p", "duration": "P30D", "start": {"attributes": {"id": ORDER}}} | values
    return [(problem.code, problem.path) for problem in problems(PathDefinition.model_validate(complete), SCHEMAS)]


def test_a_complete_definition_has_no_problems() -> None:
    heavy = {"numberPredicates": [{"dimension": "weight", "range": {"gt": {"number": 10}}}]}
    end = {"attributes": {"id": PARCEL}, "filter": heavy}
    assert found(end=end, sessionGap="P365D", eventTypes=[ORDER, PARCEL], collapseRepeats=True) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"duration": None}, ("interval.or.duration", "interval")),
        ({"start": {"attributes": {"id": "none"}}}, ("unknown.event.definition", "start.attributes.id")),
        ({"end": {"attributes": {"id": "inactive"}}}, ("inactive.event.definition", "end.attributes.id")),
        ({"eventTypes": ["none"]}, ("unknown.event.definition", "eventTypes[0]")),
        ({"eventTypes": [ORDER, ORDER]}, ("duplicate.id", "eventTypes[1]")),
        ({"sessionGap": "soon"}, ("invalid.duration", "sessionGap")),
        ({"sessionGap": "PT0S"}, ("invalid.duration", "sessionGap")),
        ({"sessionGap": "P366D"}, ("invalid.duration", "sessionGap")),
    ],
)
def test_each_problem_of_a_definition_is_named(values: dict[str, Any], expected: tuple[str, str]) -> None:
    assert found(**values) == [expected]


def test_all_problems_are_reported_together(harness: JobHarness, placed: Schema) -> None:
    wrong = {"predicates": [{"dimension": "colour", "values": ["red"]}]}
    start = {"attributes": {"id": placed.schema_id}, "filter": wrong}
    status, refused = harness.ask("POST", JOBS, body(placed, start=start, sessionGap="PT0S", eventTypes=["none"]))
    assert (status, refused["code"]) == (400, "invalid.paths")
    assert [detail["fieldName"] for detail in refused["details"]] == [
        "start.filter.predicates[0].dimension", "eventTypes[0]", "sessionGap",
    ]  # fmt: skip


def test_a_definition_that_is_too_large_is_refused() -> None:
    values = [f"{number:04000d}" for number in range(20)]
    filter_ = {"predicates": [{"dimension": "note", "values": values}]}
    assert found(start={"attributes": {"id": ORDER}, "filter": filter_}) == [("paths.too.large", "start.filter")]


@pytest.mark.parametrize("values", [{"steps": MAX_STEPS + 1}, {"steps": 0}, {"mostPerLevel": 51}, {"extra": 1}])
def test_the_form_of_a_definition_is_checked(harness: JobHarness, placed: Schema, values: dict[str, Any]) -> None:
    assert harness.ask("POST", JOBS, body(placed, **values))[0] == 400
