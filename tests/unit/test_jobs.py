"""Jobs of journey views through their API: accepted, listed, cancelled, and what becomes of them."""

import uuid
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.exceptions import ClientError
from PureCloudPlatformClientV2 import models

from journeys import dates
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.views.jobs.model import ACCEPTED_MS, EXECUTING_MS, lowest_id, new_id, scheduled_id
from journeys.views.jobs.store import JobStore
from journeys.views.model import View, ViewDefinition
from journeys.views.store import ViewStore
from tests.conftest import ORGANIZATION
from tests.support.functions import api_event
from tests.support.functions import call as ask
from tests.support.jobs import HOUR, NOON, Calls, Office, office

__all__ = ["office"]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time of all functions, in milliseconds; it stands still unless a test moves it."""
    moment = [NOON + 24 * HOUR]
    monkeypatch.setattr(dates, "now_ms", lambda: moment[0])
    return moment


@pytest.fixture
def view(office: Office, now: list[int]) -> View:
    """A view of orders: three customers placed one in the last week, one of them twice, and one long ago."""
    placed = office.event_type("Order placed", amount="number")
    office.land(placed, ("ada", NOON), ("ada", NOON + HOUR), ("bob", NOON), received=NOON + 2 * HOUR, amount=5)
    office.land(placed, ("cyd", NOON + 1), ("old", NOON - 90 * 24 * HOUR), received=NOON + 3 * HOUR, amount=7)
    return office.view(
        name="Orders",
        duration="P7D",
        elements=[{"id": "placed", "name": "Placed", "attributes": {"id": placed.schema_id}}],
        charts=[{"name": "How many", "metrics": [{"id": "m", "elementId": "placed"}]}],
    )


def statuses(page: Any) -> list[str]:
    return [job["status"] for job in page["entities"]]


# -- acceptance and the whole way --------------------------------------------------------------------------------------


def test_a_job_is_accepted_at_once_and_waits_in_the_queue(office: Office, view: View, now: list[int]) -> None:
    status, job = office.ask("POST", f"/{view.view_id}/versions/1/jobs")
    assert status == 202
    assert job.keys() <= set(models.JourneyViewJob().attribute_map.values())
    assert (job["status"], job["userId"], job["dateCreated"]) == ("Accepted", "client", dates.text(now[0]))
    assert job["journeyView"] == view.to_wire()
    assert job["selfUri"] == f"/api/v2/journey/views/{view.view_id}/versions/1/jobs/{job['id']}"
    assert office.ask("GET", f"/{view.view_id}/versions/1/jobs/{job['id']}") == (200, job)
    (message,) = office.messages()
    assert message["body"] == f'{{"organizationId": "{ORGANIZATION}", "jobId": "{job["id"]}"}}'


def test_a_job_ends_with_its_results(office: Office, view: View, now: list[int]) -> None:
    path = office.accept(view)
    now[0] += 5000
    assert office.deliver() == []
    job = office.job(path)
    assert (job["status"], job["dateCompleted"]) == ("Complete", dates.text(now[0]))
    assert job["dateDataUntil"] == dates.text(NOON + 3 * HOUR)
    results = office.results(path)
    (element,), (chart,) = results["elements"], results["charts"]
    assert element["id"] == "placed"
    assert element["metrics"]["participantCount"] == 3
    assert results["dateDataUntil"] == job["dateDataUntil"]
    assert chart["id"] == view.definition.charts[0].id
    assert chart["metrics"][0]["values"][0]["value"] == 3
    assert chart["selfUri"] == f"/api/v2/journey/views{path}/results/charts/{chart['id']}"
    status, alone = office.ask("GET", f"{path}/results/charts/{chart['id']}")
    assert (status, alone) == (200, chart | {"dateDataUntil": job["dateDataUntil"]})
    assert office.ask("GET", f"{path}/results/charts/another")[0] == 404


def test_a_job_computes_the_view_as_it_was_when_it_was_accepted(office: Office, view: View) -> None:
    path = office.accept(view)
    store = ViewStore(office.tables.dynamodb, office.tables.registry)
    changed = view.definition.to_values() | {"name": "Changed", "duration": "P1000D"}
    store.edit_version(ORGANIZATION, view.view_id, 1, ViewDefinition.model_validate(changed), "client")
    assert office.deliver() == []
    assert office.results(path)["elements"][0]["metrics"]["participantCount"] == 3
    assert office.job(path)["journeyView"]["name"] == "Orders"
    again = office.accept(view)
    assert office.deliver() == []
    assert office.results(again)["elements"][0]["metrics"]["participantCount"] == 4


def test_a_view_over_an_empty_archive_has_results_too(office: Office, now: list[int]) -> None:
    placed = office.event_type("Order placed")
    elements = [{"id": "a", "name": "A", "attributes": {"id": placed.schema_id}}]
    path = office.accept(office.view(name="None", duration="P7D", elements=elements))
    assert office.deliver() == []
    assert office.results(path)["elements"][0]["metrics"]["participantCount"] == 0
    assert "dateDataUntil" not in office.job(path)


def test_a_job_that_cannot_be_queued_has_failed(office: Office, view: View) -> None:
    def fault(_: int, name: str, call: Any) -> Any:
        if name == "send_message":
            raise ClientError({"Error": {"Code": "InternalError"}}, "SendMessage")
        return call()

    status, error = ask(office.load("jobs", Calls(fault)), api_event("POST", f"views/{view.view_id}/versions/1/jobs"))
    assert (status, error["code"]) == (503, "service.unavailable")
    _, page = office.ask("GET", "/jobs")
    assert [(job["status"], job["error"]["code"]) for job in page["entities"]] == [("Failed", "job.not.queued")]


@pytest.mark.parametrize("version", ["2", "0", "latest", "-1", "1" * 50, "¹"])
def test_a_version_that_is_not_there_has_no_jobs(office: Office, view: View, version: str) -> None:
    assert office.ask("POST", f"/{view.view_id}/versions/{version}/jobs")[0] == 404
    assert office.ask("GET", f"/{view.view_id}/versions/{version}/jobs/latest")[0] == 404


def test_a_job_belongs_to_its_view_its_version_and_its_organisation(office: Office, view: View) -> None:
    path = office.accept(view)
    job_id = path.rsplit("/", 1)[1]
    store = ViewStore(office.tables.dynamodb, office.tables.registry)
    store.add_version(ORGANIZATION, view.view_id, view.definition, "client")
    other = office.view(**view.definition.to_values())
    assert office.ask("GET", f"/{view.view_id}/versions/2/jobs/{job_id}")[0] == 404
    assert office.ask("GET", f"/{other.view_id}/versions/1/jobs/{job_id}")[0] == 404
    clients = ClientStore(office.tables.dynamodb, office.tables.registry)
    clients.put(Client("rival", "globex", "A rival", PERMISSIONS))
    for method, body in (("GET", None), ("PATCH", {"status": "Cancelled"})):
        assert office.ask(method, path, body, client_id="rival")[0] == 404
    assert office.ask("GET", "/jobs", client_id="rival")[1]["entities"] == []
    assert office.job(path)["status"] == "Accepted"


@pytest.mark.parametrize(
    ("method", "below", "permission"),
    [
        ("GET", "/jobs", "journey:viewsJobs:view"),
        ("GET", "/jobs/me", "journey:viewsJobs:view"),
        ("POST", "/v/versions/1/jobs", "journey:viewsJobs:add"),
        ("GET", "/v/versions/1/jobs/latest", "journey:viewsJobs:view"),
        ("GET", "/v/versions/1/jobs/j", "journey:viewsJobs:view"),
        ("PATCH", "/v/versions/1/jobs/j", "journey:viewsJobs:edit"),
        ("GET", "/v/versions/1/jobs/j/results", "journey:viewsResults:view"),
        ("GET", "/v/versions/1/jobs/j/results/charts/c", "journey:viewsResults:view"),
    ],
)
def test_every_operation_takes_its_permission(office: Office, method: str, below: str, permission: str) -> None:
    clients = ClientStore(office.tables.dynamodb, office.tables.registry)
    clients.put(Client("almost", ORGANIZATION, "All but one", PERMISSIONS - {permission}))
    status, error = office.ask(method, below, client_id="almost")
    assert (status, error["messageParams"]) == (403, {"permission": permission})


def test_a_deleted_views_jobs_are_gone_and_none_is_computed(office: Office, view: View) -> None:
    path = office.accept(view)
    ViewStore(office.tables.dynamodb, office.tables.registry).delete(ORGANIZATION, view.view_id)
    for below in ("", "/results"):
        assert office.ask("GET", path + below)[0] == 404
    assert office.ask("PATCH", path, {"status": "Cancelled"})[0] == 404
    assert office.deliver() == []
    _, page = office.ask("GET", "/jobs")
    assert [(job["status"], job["error"]["code"]) for job in page["entities"]] == [("Failed", "view.deleted")]


# -- listing -----------------------------------------------------------------------------------------------------------


def test_jobs_are_listed_newest_first_and_pages_keep_the_filters(office: Office, view: View, now: list[int]) -> None:
    paths = []
    for _ in range(5):
        now[0] += 1
        paths.append(office.accept(view))
    office.ask("PATCH", paths[0], {"status": "Cancelled"})
    start, end = dates.text(now[0] - 4), dates.text(now[0])
    query = {"pageSize": "2", "interval": f"{start}/{end}", "statuses": "Accepted,Executing"}
    _, page = office.ask("GET", "/jobs", query=query)
    ids = [path.rsplit("/", 1)[1] for path in paths]
    assert [job["id"] for job in page["entities"]] == [ids[3], ids[2]]  # without the end, and the cancelled one
    assert page["entities"][0]["journeyView"] == {
        "id": view.view_id,
        "version": 1,
        "name": "Orders",
        "selfUri": view.self_uri,
    }
    assert (page["total"], page["pageCount"], page["pageNumber"]) == (3, 2, 1)
    parts = urlsplit(page["nextUri"])
    assert parts.path == "/api/v2/journey/views/jobs"
    _, following = office.ask("GET", "/jobs", query=dict(parse_qsl(parts.query)))
    assert [job["id"] for job in following["entities"]] == [ids[1]]


def test_an_interval_takes_its_beginning_and_leaves_its_end(office: Office, view: View, now: list[int]) -> None:
    office.accept(view)
    for start, end, found in ((0, 1, 1), (-1, 0, 0), (1, 2, 0), (-5, 5, 1)):
        interval = f"{dates.text(now[0] + start)}/{dates.text(now[0] + end)}"
        assert len(office.ask("GET", "/jobs", query={"interval": interval})[1]["entities"]) == found


def test_one_sees_ones_own_jobs_apart(office: Office, view: View) -> None:
    clients = ClientStore(office.tables.dynamodb, office.tables.registry)
    clients.put(Client("other", ORGANIZATION, "Another", PERMISSIONS))
    office.accept(view)
    status, theirs = office.ask("POST", f"/{view.view_id}/versions/1/jobs", client_id="other")
    assert status == 202
    assert len(office.ask("GET", "/jobs")[1]["entities"]) == 2
    _, page = office.ask("GET", "/jobs/me", client_id="other")
    assert [job["id"] for job in page["entities"]] == [theirs["id"]]
    assert urlsplit(page["selfUri"]).path == "/api/v2/journey/views/jobs/me"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"interval": "yesterday"}, "interval"),
        ({"interval": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"}, "interval"),
        ({"statuses": "Accepted,Lost"}, "statuses"),
        ({"statuses": "accepted"}, "statuses"),
        ({"pageSize": "0"}, "pageSize"),
        ({"pageNumber": "x"}, "pageNumber"),
    ],
)
def test_a_listing_refuses_what_it_does_not_understand(office: Office, query: dict[str, str], field: str) -> None:
    for path in ("/jobs", "/jobs/me"):
        status, error = office.ask("GET", path, query=query)
        assert (status, [detail["fieldName"] for detail in error["details"]]) == (400, [field])


def test_the_latest_job_of_a_version(office: Office, view: View, now: list[int]) -> None:
    assert office.ask("GET", f"/{view.view_id}/versions/1/jobs/latest")[0] == 404
    for _ in range(3):
        now[0] += 1
        path = office.accept(view)
        assert office.ask("GET", f"/{view.view_id}/versions/1/jobs/latest") == (200, office.job(path))


# -- statuses that are true --------------------------------------------------------------------------------------------


def test_a_job_is_cancelled_before_it_is_computed(office: Office, view: View, now: list[int]) -> None:
    path = office.accept(view)
    now[0] += 10
    for _ in range(2):  # a repeat finds it as it wants it
        status, job = office.ask("PATCH", path, {"status": "Cancelled"})
        assert (status, job["status"], job["dateCompleted"]) == (200, "Cancelled", dates.text(now[0]))
    assert office.deliver() == []
    assert office.job(path)["status"] == "Cancelled"
    status, error = office.ask("GET", f"{path}/results")
    assert (status, error["code"], error["messageParams"]) == (409, "job.not.complete", {"status": "Cancelled"})


def test_a_job_that_has_ended_cannot_be_cancelled(office: Office, view: View) -> None:
    path = office.accept(view)
    assert office.deliver() == []
    status, error = office.ask("PATCH", path, {"status": "Cancelled"})
    assert (status, error["code"], error["messageParams"]) == (409, "job.ended", {"status": "Complete"})
    assert office.job(path)["status"] == "Complete"


@pytest.mark.parametrize("body", [{}, {"status": "Complete"}, {"status": None}, {"status": "Cancelled", "x": 1}, []])
def test_a_job_takes_no_other_change(office: Office, view: View, body: Any) -> None:
    path = office.accept(view)
    assert office.ask("PATCH", path, body)[0] == 400
    assert office.job(path)["status"] == "Accepted"


def test_a_job_may_be_sent_back_as_it_was_fetched_but_cancelled(office: Office, view: View) -> None:
    path = office.accept(view)
    assert office.ask("PATCH", path, office.job(path) | {"status": "Cancelled"})[0] == 200


@pytest.mark.parametrize("executing", [False, True])
def test_a_lost_job_has_failed(office: Office, view: View, now: list[int], *, executing: bool) -> None:
    path = office.accept(view)
    if executing:
        with office.small_runs(2):
            assert office.deliver() == []  # the state machine was started, and is never heard of again
        assert office.job(path)["status"] == "Executing"
    deadline = now[0] + (EXECUTING_MS if executing else ACCEPTED_MS)
    now[0] = deadline - 1
    assert office.job(path)["status"] == ("Executing" if executing else "Accepted")
    now[0] = deadline
    job = office.job(path)
    assert (job["status"], job["error"]["code"], job["dateCompleted"]) == ("Failed", "job.lost", dates.text(deadline))
    assert office.ask("PATCH", path, {"status": "Cancelled"})[1]["code"] == "job.ended"
    assert statuses(office.ask("GET", "/jobs", query={"statuses": "Failed"})[1]) == ["Failed"]
    assert statuses(office.ask("GET", "/jobs", query={"statuses": "Accepted,Executing"})[1]) == []

    office.deliver()  # whoever comes too late changes nothing
    office.run_machine()
    assert office.job(path) == job


def test_whoever_is_told_twice_to_begin_begins_once_more(office: Office, view: View) -> None:
    job_id = office.accept(view).rsplit("/", 1)[1]
    jobs = JobStore(office.tables.dynamodb, office.tables.registry)
    tries = [jobs.claim(ORGANIZATION, job_id) for _ in range(3)]
    assert [one and one.attempt for one in tries] == [1, 2, 3]
    assert jobs.claim(ORGANIZATION, new_id(NOON)) is None


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_ids_are_uuids_that_sort_by_their_moment() -> None:
    moments = [0, 1, 65_535, 65_536, NOON - 1, NOON, NOON + 1, 2**48 - 1]
    ids = [new_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert {uuid.UUID(one).variant for one in ids} == {uuid.RFC_4122}
    for moment, one in zip(moments, ids, strict=True):
        assert int(uuid.UUID(one).hex[:12], 16) == moment
        assert lowest_id(moment) < one
        assert moment == 2**48 - 1 or one < lowest_id(moment + 1)
    assert len({new_id(NOON) for _ in range(1000)}) == 1000
    assert scheduled_id("v", NOON) == scheduled_id("v", NOON) != scheduled_id("w", NOON)
