"""The API of jobs: create, list, read and cancel jobs, and read their results."""

import itertools
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from PureCloudPlatformClientV2 import models

from journeys import aws, cursors, dates
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.views.jobs import service
from journeys.views.jobs.model import (
    ATTEMPT_DEADLINE_MS,
    START_DEADLINE_MS,
    Status,
    lowest_id,
    moment_of,
    new_id,
    scheduled_id,
)
from journeys.views.jobs.store import JobStore
from journeys.views.model import View, ViewDefinition
from journeys.views.store import ViewStore
from tests.conftest import ORGANIZATION
from tests.support.aws_errors import client_error
from tests.support.functions import api_event
from tests.support.functions import call as ask
from tests.support.jobs import HOUR, NOON, Calls, JobHarness, harness
from tests.support.views import delete_view

__all__ = ["harness"]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The current time of all functions, in milliseconds since 1970. Tests change its single element."""
    moment = [NOON + 24 * HOUR]
    monkeypatch.setattr(dates, "now_ms", lambda: moment[0])
    return moment


@pytest.fixture
def view(harness: JobHarness, now: list[int]) -> View:
    """A view of orders. Three customers ordered within the last week, one of them twice; a fourth ordered earlier."""
    placed = harness.event_type("Order placed", amount="number")
    harness.land(placed, ("ada", NOON), ("ada", NOON + HOUR), ("bob", NOON), received=NOON + 2 * HOUR, amount=5)
    harness.land(placed, ("cyd", NOON + 1), ("old", NOON - 90 * 24 * HOUR), received=NOON + 3 * HOUR, amount=7)
    return harness.view(
        name="Orders",
        duration="P7D",
        elements=[{"id": "placed", "name": "Placed", "attributes": {"id": placed.schema_id}}],
        charts=[{"name": "How many", "metrics": [{"id": "m", "elementId": "placed"}]}],
    )


def statuses(page: Any) -> list[str]:
    return [job["status"] for job in page["entities"]]


# -- creation and results ----------------------------------------------------------------------------------------------


def test_a_new_job_is_accepted_and_queued(harness: JobHarness, view: View, now: list[int]) -> None:
    status, job = harness.request("POST", f"/{view.view_id}/versions/1/jobs")
    assert status == 202
    assert job.keys() <= set(models.JourneyViewJob().attribute_map.values())
    assert (job["status"], job["userId"], job["dateCreated"]) == ("Accepted", "client", dates.text(now[0]))
    assert job["journeyView"] == view.to_wire()
    assert job["selfUri"] == f"/api/v2/journey/views/{view.view_id}/versions/1/jobs/{job['id']}"
    assert harness.request("GET", f"/{view.view_id}/versions/1/jobs/{job['id']}") == (200, job)
    (message,) = harness.messages()
    assert message["body"] == f'{{"organizationId": "{ORGANIZATION}", "jobId": "{job["id"]}"}}'


def test_the_date_of_a_job_is_that_of_its_id(
    harness: JobHarness, view: View, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listings select jobs by the moments of their ids, and report their dates."""
    clock = itertools.count(now[0])
    monkeypatch.setattr(dates, "now_ms", lambda: next(clock))
    job = harness.job(harness.accept(view))
    created = dates.parse(job["dateCreated"])
    for end, expected in ((created, []), (created + 1, [job["id"]])):
        interval = f"{dates.text(now[0] - HOUR)}/{dates.text(end)}"
        status, page = harness.request("GET", "/jobs", query={"interval": interval})
        assert (status, [one["id"] for one in page["entities"]]) == (200, expected)


def test_a_complete_job_has_results(harness: JobHarness, view: View, now: list[int]) -> None:
    path = harness.accept(view)
    now[0] += 5000
    assert harness.deliver() == []
    job = harness.job(path)
    assert (job["status"], job["dateCompleted"]) == ("Complete", dates.text(now[0]))
    assert job["dateDataUntil"] == dates.text(NOON + 3 * HOUR)
    results = harness.results(path)
    (element,), (chart,) = results["elements"], results["charts"]
    assert element["id"] == "placed"
    assert element["metrics"]["participantCount"] == 3
    assert results["dateDataUntil"] == job["dateDataUntil"]
    assert chart["id"] == view.definition.charts[0].id
    assert chart["metrics"][0]["values"][0]["value"] == 3
    assert chart["selfUri"] == f"/api/v2/journey/views{path}/results/charts/{chart['id']}"
    status, alone = harness.request("GET", f"{path}/results/charts/{chart['id']}")
    assert (status, alone) == (200, chart | {"dateDataUntil": job["dateDataUntil"]})
    assert harness.request("GET", f"{path}/results/charts/another")[0] == 404


def test_a_job_computes_the_view_as_of_its_acceptance(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    store = ViewStore(harness.tables.dynamodb, harness.tables.registry)
    changed = view.definition.to_values() | {"name": "Changed", "duration": "P1000D"}
    store.edit_version(ORGANIZATION, view.view_id, 1, ViewDefinition.model_validate(changed), "client")
    assert harness.deliver() == []
    assert harness.results(path)["elements"][0]["metrics"]["participantCount"] == 3
    assert harness.job(path)["journeyView"]["name"] == "Orders"
    again = harness.accept(view)
    assert harness.deliver() == []
    assert harness.results(again)["elements"][0]["metrics"]["participantCount"] == 4


def test_a_view_over_an_empty_archive_has_results(harness: JobHarness, now: list[int]) -> None:
    placed = harness.event_type("Order placed")
    elements = [{"id": "a", "name": "A", "attributes": {"id": placed.schema_id}}]
    path = harness.accept(harness.view(name="None", duration="P7D", elements=elements))
    assert harness.deliver() == []
    assert harness.results(path)["elements"][0]["metrics"]["participantCount"] == 0
    assert "dateDataUntil" not in harness.job(path)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("InternalError", 500, (503, "service.unavailable")),
        ("RequestThrottled", 403, (429, "too.many.requests")),
        ("AccessDenied", 403, (500, "internal.error")),
    ],
)
def test_a_job_that_cannot_be_queued_fails(
    harness: JobHarness, view: View, code: str, status: int, expected: tuple[int, str]
) -> None:
    def fault(_: int, name: str, call: Any) -> Any:
        if name == "send_message":
            raise client_error(code, status)
        return call()

    answered, error = ask(
        harness.load("jobs", Calls(fault)), api_event("POST", f"views/{view.view_id}/versions/1/jobs")
    )
    assert (answered, error["code"]) == expected
    _, page = harness.request("GET", "/jobs")
    assert [(job["status"], job["error"]["code"]) for job in page["entities"]] == [("Failed", "job.not.queued")]


@pytest.mark.parametrize("version", ["2", "0", "latest", "-1", "1" * 50, "¹"])
def test_jobs_of_a_missing_version_are_not_found(harness: JobHarness, view: View, version: str) -> None:
    assert harness.request("POST", f"/{view.view_id}/versions/{version}/jobs")[0] == 404
    assert harness.request("GET", f"/{view.view_id}/versions/{version}/jobs/latest")[0] == 404


def test_a_job_is_found_only_under_its_view_version_and_organization(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    job_id = path.rsplit("/", 1)[1]
    store = ViewStore(harness.tables.dynamodb, harness.tables.registry)
    store.add_version(ORGANIZATION, view.view_id, view.definition, "client")
    other = harness.view(**view.definition.to_values())
    assert harness.request("GET", f"/{view.view_id}/versions/2/jobs/{job_id}")[0] == 404
    assert harness.request("GET", f"/{other.view_id}/versions/1/jobs/{job_id}")[0] == 404
    clients = ClientStore(harness.tables.dynamodb, harness.tables.registry)
    clients.put(Client("rival", "globex", "A rival", PERMISSIONS))
    for method, body in (("GET", None), ("PATCH", {"status": "Cancelled"})):
        assert harness.request(method, path, body, client_id="rival")[0] == 404
    assert harness.request("GET", "/jobs", client_id="rival")[1]["entities"] == []
    assert harness.job(path)["status"] == "Accepted"


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
        ("GET", "/v/versions/1/jobs/j/results/customers", "journey:viewsCustomers:view"),
    ],
)
def test_every_operation_requires_its_permission(harness: JobHarness, method: str, below: str, permission: str) -> None:
    clients = ClientStore(harness.tables.dynamodb, harness.tables.registry)
    clients.put(Client("almost", ORGANIZATION, "All but one", PERMISSIONS - {permission}))
    status, error = harness.request(method, below, client_id="almost")
    assert (status, error["messageParams"]) == (403, {"permission": permission})


def test_jobs_of_a_deleted_view_are_not_found_and_not_computed(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    delete_view(harness.tables, ORGANIZATION, view.view_id)
    for below in ("", "/results"):
        assert harness.request("GET", path + below)[0] == 404
    assert harness.request("PATCH", path, {"status": "Cancelled"})[0] == 404
    assert harness.deliver() == []
    assert harness.request("GET", "/jobs")[1]["entities"] == []


# -- listing -----------------------------------------------------------------------------------------------------------


def test_jobs_are_listed_newest_first_and_pages_keep_the_filters(
    harness: JobHarness, view: View, now: list[int]
) -> None:
    paths = []
    for _ in range(5):
        now[0] += 1
        paths.append(harness.accept(view))
    harness.request("PATCH", paths[0], {"status": "Cancelled"})
    start, end = dates.text(now[0] - 4), dates.text(now[0])
    query = {"pageSize": "2", "interval": f"{start}/{end}", "statuses": "Accepted,Executing"}
    _, page = harness.request("GET", "/jobs", query=query)
    ids = [path.rsplit("/", 1)[1] for path in paths]
    assert [job["id"] for job in page["entities"]] == [
        ids[3],
        ids[2],
    ]  # without the end of the interval, and without the canceled job
    assert page["entities"][0]["journeyView"] == {
        "id": view.view_id,
        "version": 1,
        "name": "Orders",
        "selfUri": view.self_uri,
    }
    assert page.keys() & {"total", "pageCount", "lastUri", "previousUri"} == set()
    following = follow(harness, page["nextUri"])
    assert [job["id"] for job in following["entities"]] == [ids[1]]
    assert (following["total"], following["pageCount"], following["pageNumber"]) == (3, 2, 2)
    assert "nextUri" not in following
    assert following["lastUri"] == following["selfUri"] == page["nextUri"]
    assert follow(harness, following["previousUri"]) == page
    _, by_number = harness.request("GET", "/jobs", query=query | {"pageNumber": "2"})
    assert by_number["entities"] == following["entities"]
    assert (by_number["total"], by_number["pageCount"]) == (3, 2)


def test_the_jobs_of_one_view_are_listed_and_a_page_of_them_leads_to_no_others(
    harness: JobHarness, view: View, now: list[int]
) -> None:
    other, ids = harness.view(**view.definition.to_values()), []
    for listed in (view, other, view, view):
        now[0] += 1
        ids.append(harness.accept(listed).rsplit("/", 1)[1])
    _, page = harness.request("GET", "/jobs", query={"viewId": view.view_id, "pageSize": "2"})
    assert [job["id"] for job in page["entities"]] == [ids[3], ids[2]]
    following = follow(harness, page["nextUri"])
    assert ([job["id"] for job in following["entities"]], following["total"]) == ([ids[0]], 3)
    cursor = dict(parse_qsl(urlsplit(page["nextUri"]).query))["cursor"]
    assert harness.request("GET", "/jobs", query={"cursor": cursor})[1]["code"] == "invalid.cursor"
    assert harness.request("GET", "/jobs", query={"viewId": "unknown"})[1]["entities"] == []


def follow(harness: JobHarness, uri: str) -> Any:
    """The page at a URI of a listing."""
    parts = urlsplit(uri)
    assert parts.path == "/api/v2/journey/views/jobs"
    status, page = harness.request("GET", "/jobs", query=dict(parse_qsl(parts.query)))
    assert status == 200, page
    return page


class RowsRead:
    """Counts the rows that queries read."""

    def __init__(self, harness: JobHarness, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows, query = 0, harness.tables.dynamodb.query

        def counting(**request: Any) -> Any:
            answer = query(**request)
            self.rows += answer["ScannedCount"]
            return answer

        monkeypatch.setattr(harness.tables.dynamodb, "query", counting)


def test_a_page_reads_only_what_it_returns(
    harness: JobHarness, view: View, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(9):
        now[0] += 1
        harness.accept(view)
    read = RowsRead(harness, monkeypatch)
    _, page = harness.request("GET", "/jobs", query={"pageSize": "3"})
    assert read.rows == 4  # one more, to know whether others follow
    follow(harness, page["nextUri"])
    assert read.rows == 8


def test_a_page_reads_a_bounded_number_of_jobs(
    harness: JobHarness, view: View, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_ROWS_READ", 5)
    for _ in range(7):
        now[0] += 1
        harness.accept(view)
    harness.request("PATCH", oldest := harness.accept(view), {"status": "Cancelled"})
    now[0] += 1
    paths = [harness.accept(view) for _ in range(1)]
    read = RowsRead(harness, monkeypatch)
    query = {"pageSize": "2", "statuses": "Complete"}
    _, page = harness.request("GET", "/jobs", query=query)
    assert (page["entities"], read.rows) == ([], 5)
    last = follow(harness, page["nextUri"])
    assert (last["entities"], last["total"], "nextUri" in last) == ([], 0, False)
    for number in ("2", "3", "999999999"):
        status, error = harness.request("GET", "/jobs", query={"pageSize": "4", "pageNumber": number})
        assert (status, error["code"], error["details"][0]["fieldName"]) == (400, "page.too.far", "pageNumber")
    assert oldest != paths[0]


@pytest.mark.parametrize(
    "position", ["", "1", "x 019a", f"1 {'0' * 35}g", f"-1 {'0' * 36}", "1 SUMMARY", f"{'1' * 1000} {'0' * 36}"]
)
def test_a_forged_position_of_a_listing_is_refused(harness: JobHarness, view: View, position: str) -> None:
    cursor = cursors.encode(position, "jobs", ORGANIZATION, "None", "None", "None", "None", *sorted(Status))
    status, error = harness.request("GET", "/jobs", query={"cursor": cursor})
    assert (status, error["code"]) == (400, "invalid.cursor")


# -- retention ---------------------------------------------------------------------------------------------------------


def test_jobs_and_their_references_expire_after_90_days(harness: JobHarness, view: View, now: list[int]) -> None:
    path = harness.accept(view)
    assert harness.deliver() == []
    expires = (now[0] + 90 * 24 * HOUR) // 1000
    rows = {item["sk"]["S"]: item.get("expires") for item in harness.tables.items(harness.tables.registry)}
    job_id = path.rsplit("/", 1)[1]
    assert rows[job_id] == rows[f"JOB#00000001#{job_id}"] == {"N": str(expires)}
    now[0] = expires * 1000 - 1
    harness.results(path)
    now[0] += 1
    for suffix in ("", "/results"):
        assert harness.request("GET", f"{path}{suffix}")[0] == 404
    assert harness.request("GET", "/jobs")[1]["entities"] == []


def test_an_expired_result_of_a_job_that_exists_is_404(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    assert harness.deliver() == []
    for stored in aws.s3().list_objects_v2(Bucket="archive", Prefix="results/")["Contents"]:
        aws.s3().delete_object(Bucket="archive", Key=stored["Key"])
    status, error = harness.request("GET", f"{path}/results")
    assert (status, error["code"]) == (404, "results.expired")


def test_a_replaced_version_is_kept_as_long_as_jobs_can_refer_to_it(
    harness: JobHarness, view: View, now: list[int]
) -> None:
    store = ViewStore(harness.tables.dynamodb, harness.tables.registry)
    definition = ViewDefinition.model_validate(view.definition.to_values() | {"name": "Changed"})
    first = harness.accept(view)
    store.edit_version(ORGANIZATION, view.view_id, 1, definition, "client")
    second = harness.accept(view)
    store.edit_version(ORGANIZATION, view.view_id, 1, view.definition, "client")
    assert [harness.job(path)["journeyView"]["name"] for path in (first, second)] == ["Orders", "Changed"]
    kept = [item for item in harness.tables.items(harness.tables.registry) if item["sk"]["S"].startswith("REVISION#")]
    assert {int(item["expires"]["N"]) for item in kept} == {(now[0] + 91 * 24 * HOUR) // 1000}
    assert len(kept) == 2


def test_an_interval_includes_its_start_and_excludes_its_end(harness: JobHarness, view: View, now: list[int]) -> None:
    harness.accept(view)
    for start, end, found in ((0, 1, 1), (-1, 0, 0), (1, 2, 0), (-5, 5, 1)):
        interval = f"{dates.text(now[0] + start)}/{dates.text(now[0] + end)}"
        assert len(harness.request("GET", "/jobs", query={"interval": interval})[1]["entities"]) == found


def test_a_client_can_list_its_own_jobs(harness: JobHarness, view: View) -> None:
    clients = ClientStore(harness.tables.dynamodb, harness.tables.registry)
    clients.put(Client("other", ORGANIZATION, "Another", PERMISSIONS))
    harness.accept(view)
    status, theirs = harness.request("POST", f"/{view.view_id}/versions/1/jobs", client_id="other")
    assert status == 202
    assert len(harness.request("GET", "/jobs")[1]["entities"]) == 2
    _, page = harness.request("GET", "/jobs/me", client_id="other")
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
def test_a_listing_refuses_invalid_query_parameters(harness: JobHarness, query: dict[str, str], field: str) -> None:
    for path in ("/jobs", "/jobs/me"):
        status, error = harness.request("GET", path, query=query)
        assert (status, [detail["fieldName"] for detail in error["details"]]) == (400, [field])


def test_the_latest_job_of_a_version_is_the_one_accepted_last(harness: JobHarness, view: View, now: list[int]) -> None:
    assert harness.request("GET", f"/{view.view_id}/versions/1/jobs/latest")[0] == 404
    for _ in range(3):
        now[0] += 1
        path = harness.accept(view)
        assert harness.request("GET", f"/{view.view_id}/versions/1/jobs/latest") == (200, harness.job(path))


# -- statuses ----------------------------------------------------------------------------------------------------------


def test_a_canceled_job_is_not_computed(harness: JobHarness, view: View, now: list[int]) -> None:
    path = harness.accept(view)
    now[0] += 10
    for _ in range(2):  # canceling again changes nothing
        status, job = harness.request("PATCH", path, {"status": "Cancelled"})
        assert (status, job["status"], job["dateCompleted"]) == (200, "Cancelled", dates.text(now[0]))
    assert harness.deliver() == []
    assert harness.job(path)["status"] == "Cancelled"
    status, error = harness.request("GET", f"{path}/results")
    assert (status, error["code"], error["messageParams"]) == (409, "job.not.complete", {"status": "Cancelled"})


def test_an_ended_job_cannot_be_canceled(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    assert harness.deliver() == []
    status, error = harness.request("PATCH", path, {"status": "Cancelled"})
    assert (status, error["code"], error["messageParams"]) == (409, "job.ended", {"status": "Complete"})
    assert harness.job(path)["status"] == "Complete"


@pytest.mark.parametrize("body", [{}, {"status": "Complete"}, {"status": None}, {"status": "Cancelled", "x": 1}, []])
def test_a_job_can_only_be_changed_to_cancelled(harness: JobHarness, view: View, body: Any) -> None:
    path = harness.accept(view)
    assert harness.request("PATCH", path, body)[0] == 400
    assert harness.job(path)["status"] == "Accepted"


def test_a_fetched_job_can_be_sent_back_as_cancelled(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    assert harness.request("PATCH", path, harness.job(path) | {"status": "Cancelled"})[0] == 200


@pytest.mark.parametrize("executing", [False, True])
def test_a_job_past_its_deadline_has_failed(
    harness: JobHarness, view: View, now: list[int], *, executing: bool
) -> None:
    path = harness.accept(view)
    if executing:
        with harness.small_runs(2):
            assert harness.deliver() == []  # the state machine starts and never ends
        assert harness.job(path)["status"] == "Executing"
    deadline = now[0] + (ATTEMPT_DEADLINE_MS if executing else START_DEADLINE_MS)
    now[0] = deadline - 1
    assert harness.job(path)["status"] == ("Executing" if executing else "Accepted")
    now[0] = deadline
    job = harness.job(path)
    assert (job["status"], job["error"]["code"], job["dateCompleted"]) == ("Failed", "job.lost", dates.text(deadline))
    assert harness.request("PATCH", path, {"status": "Cancelled"})[1]["code"] == "job.ended"
    assert statuses(harness.request("GET", "/jobs", query={"statuses": "Failed"})[1]) == ["Failed"]
    assert statuses(harness.request("GET", "/jobs", query={"statuses": "Accepted,Executing"})[1]) == []

    harness.deliver()  # late attempts change nothing
    harness.run_machine()
    assert harness.job(path) == job


def test_each_claim_starts_a_new_attempt(harness: JobHarness, view: View) -> None:
    job_id = harness.accept(view).rsplit("/", 1)[1]
    jobs = JobStore(harness.tables.dynamodb, harness.tables.registry)
    attempts = [jobs.claim(ORGANIZATION, job_id) for _ in range(3)]
    assert [one and one.attempt for one in attempts] == [1, 2, 3]
    assert jobs.claim(ORGANIZATION, new_id(NOON)) is None


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_job_ids_are_uuids_that_sort_by_time() -> None:
    moments = [0, 1, 65_535, 65_536, NOON - 1, NOON, NOON + 1, 2**48 - 1]
    ids = [new_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert {uuid.UUID(one).variant for one in ids} == {uuid.RFC_4122}
    for moment, one in zip(moments, ids, strict=True):
        assert int(uuid.UUID(one).hex[:12], 16) == moment_of(one) == moment
        assert lowest_id(moment) < one
        assert moment == 2**48 - 1 or one < lowest_id(moment + 1)
    assert len({new_id(NOON) for _ in range(1000)}) == 1000
    assert scheduled_id("v", NOON) == scheduled_id("v", NOON) != scheduled_id("w", NOON)
