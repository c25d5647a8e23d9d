"""The vendor's unmodified Python SDK as a client of the jobs of journey views and their results."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import PureCloudPlatformClientV2 as Vendor
import pytest
from PureCloudPlatformClientV2.rest import ApiException

from tests.contract import test_vendor_sdk
from tests.contract.test_vendor_sdk import UNKNOWN, Unhappy, World, empty_fields, event, request
from tests.contract.test_vendor_sdk_views import chart, element, link, saved

world = test_vendor_sdk.world

OPERATIONS = frozenset(
    {
        "get_journey_view_version_job",
        "get_journey_view_version_job_results",
        "get_journey_view_version_job_results_chart",
        "get_journey_view_version_jobs_latest",
        "get_journey_views_jobs",
        "get_journey_views_jobs_me",
        "patch_journey_view_version_job",
        "post_journey_view_version_jobs",
    }
)

JOBS = "/api/v2/journey/views/jobs"
ENDED = {"Complete", "Failed", "Cancelled"}
COMPUTED, LANDED = 60, 120
"""Seconds until a small job has ended and an event is in the archive."""

NEVER_KNOWN = ["date_completion_estimated", "estimated_completion_margin"]


def accepted(world: World, **changes: Any) -> Any:
    """Create a view and a job."""
    view = saved(world, **changes)
    return world.sdk.post_journey_view_version_jobs(view.id, str(view.version))


def again(world: World, job: Any) -> Any:
    """Return the current state of a job."""
    return world.sdk.get_journey_view_version_job(job.journey_view.id, str(job.journey_view.version), job.id)


def ended(world: World, job: Any) -> Any:
    """Wait until a job has ended, and return it."""
    for _ in range(COMPUTED * 2):
        if (now := again(world, job)).status in ENDED:
            return now
        time.sleep(0.5)
    raise AssertionError(f"the job is {now.status} after {COMPUTED} seconds")


def cancelled(world: World, job: Any, status: str = "Cancelled") -> Any:
    body = request("JourneyViewJob", status=status)
    return world.sdk.patch_journey_view_version_job(job.journey_view.id, str(job.journey_view.version), job.id, body)


def results(world: World, job: Any) -> Any:
    return world.sdk.get_journey_view_version_job_results(job.journey_view.id, str(job.journey_view.version), job.id)


def fields_without_view(job: Any) -> list[str]:
    """Return the empty fields of a job. The fields of its view are tested elsewhere."""
    return [where for where in empty_fields(job) if not where.startswith("journey_view.")]


# -- when it goes well -------------------------------------------------------------------------------------------------

HAPPY: dict[str, Callable[[World], None]] = {}


def happy(check: Callable[[World], None]) -> Callable[[World], None]:
    """Register the test of a successful call. The function has the name of the operation."""
    HAPPY[check.__name__] = check
    return check


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_successful_response_has_every_known_field(world: World, operation: str) -> None:
    HAPPY[operation](world)
    assert operation in world.sdk.called


@happy
def post_journey_view_version_jobs(world: World) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    view = saved(world)
    job = world.sdk.post_journey_view_version_jobs(view.id, "1")
    assert fields_without_view(job) == ["date_completed", *NEVER_KNOWN]
    assert (job.status, job.user_id) == ("Accepted", world.client_id)
    assert before <= job.date_created <= datetime.now(UTC) + timedelta(seconds=5)
    assert job.journey_view == view
    assert job.self_uri == f"{view.self_uri}/jobs/{job.id}"


@happy
def get_journey_view_version_job(world: World) -> None:
    job = accepted(world)
    done = ended(world, job)
    assert fields_without_view(done) == NEVER_KNOWN
    assert (done.status, done.id, done.journey_view) == ("Complete", job.id, job.journey_view)
    assert done.date_created == job.date_created <= done.date_completed


@happy
def get_journey_view_version_jobs_latest(world: World) -> None:
    first = accepted(world)
    view_id = first.journey_view.id
    assert world.sdk.get_journey_view_version_jobs_latest(view_id, "1").id == first.id
    second = world.sdk.post_journey_view_version_jobs(view_id, "1")
    assert world.sdk.get_journey_view_version_jobs_latest(view_id, "1").id == second.id


@happy
def patch_journey_view_version_job(world: World) -> None:
    job = accepted(world)
    with suppress(ApiException):  # the job can complete before it is canceled
        assert cancelled(world, job).status == "Cancelled"
        time.sleep(3)
        assert again(world, job).status == "Cancelled"
        return
    assert again(world, job).status == "Complete"


@happy
def get_journey_views_jobs(world: World) -> None:
    first = accepted(world)
    view_id = first.journey_view.id
    jobs = [first, *(world.sdk.post_journey_view_version_jobs(view_id, "1") for _ in range(2))]
    for job in jobs:
        assert ended(world, job).status == "Complete"
    newest_first = [job.id for job in reversed(jobs)]
    listing = world.sdk.get_journey_views_jobs(page_size=2, page_number=2, statuses="Complete,Failed")
    assert [job.id for job in listing.entities] == newest_first[2:]
    assert (listing.total, listing.page_count, listing.page_size, listing.page_number) == (3, 2, 2, 2)
    assert listing.previous_uri == f"{JOBS}?statuses=Complete%2CFailed&pageSize=2&pageNumber=1"
    assert world.sdk.get_journey_views_jobs(statuses="Cancelled").entities == []
    before = first.date_created - timedelta(days=1)
    interval = f"{before.isoformat()}/{first.date_created.isoformat()}"
    assert world.sdk.get_journey_views_jobs(interval=interval).entities == []  # an interval does not include its end
    interval = f"{before.isoformat()}/{datetime.now(UTC).isoformat()}"
    assert [job.id for job in world.sdk.get_journey_views_jobs(interval=interval).entities] == newest_first


@happy
def get_journey_views_jobs_me(world: World) -> None:
    job = accepted(world)
    listing = world.sdk.get_journey_views_jobs_me()
    assert [one.id for one in listing.entities] == [job.id]
    assert listing.entities[0].journey_view.name == job.journey_view.name
    assert listing.self_uri == f"{JOBS}/me?pageSize=25&pageNumber=1"


@happy
def get_journey_view_version_job_results(world: World) -> None:
    """Ada has two events, an hour apart. Bob has one event a day ago, so he is still active."""
    type_, configuration = event_type_with_events(world)
    day_ago = datetime.now(UTC) - timedelta(days=1)
    ada, bob = (
        request(
            "ExternalEventIdentifiers",
            external_ids=[request("ExternalEventExternalId", external_source_id="crm", value=f"{name}@example.com")],
        )
        for name in ("ada", "bob")
    )
    answer = world.send(
        configuration,
        event("ada-1", date_created=day_ago, identifiers=ada),
        event("ada-2", date_created=day_ago + timedelta(hours=1), identifiers=ada),
        event("bob-1", date_created=day_ago, identifiers=bob),
    )
    assert answer.unprocessed_entities == []
    view = saved_over(world, [element("first", type_, link("second")), element("second", type_)])
    for _ in range(LANDED // 2):
        job = ended(world, world.sdk.post_journey_view_version_jobs(view.id, "1"))
        found = results(world, job)
        first, second = found.elements
        if first.metrics.participant_count == 2:
            break
        time.sleep(2)
    assert [where for where in empty_fields(found) if not where.endswith("self_uri")] == []
    assert (first.id, second.id) == ("first", "second")
    assert metrics(first) == {"participants": 2, "completed": 1, "flow": 0, "active": 1, "dropout": 0}
    assert metrics(second) == {"participants": 1, "completed": 1, "flow": 0, "active": 0, "dropout": 0}
    assert [(one.id, one.connection_count) for one in first.followed_by] == [("second", 1)]
    assert found.charts == []

    charted = saved_over(world, view.elements, chart())
    job = ended(world, world.sdk.post_journey_view_version_jobs(charted.id, "1"))
    plain = plainly(world, f"{job.self_uri}/results")
    (drawn,) = plain["charts"]
    assert (drawn["id"], drawn["version"], [metric["id"] for metric in drawn["metrics"]]) == ("visits", 1, ["spent"])
    assert sum(one["value"] for one in drawn["metrics"][0]["values"]) == 3 * 5.5
    assert drawn["selfUri"] == f"{job.self_uri}/results/charts/visits"
    assert plainly(world, drawn["selfUri"]) == drawn | {"dateDataUntil": plain["dateDataUntil"]}
    with pytest.raises(TypeError, match="not iterable"):  # the SDK has another model with the name Number
        results(world, job)


def plainly(world: World, path: str) -> Any:
    """Return a response without the SDK, whose models cannot hold the values of a chart."""
    client = world.sdk._api.api_client
    answer = httpx.get(f"{client.host}{path}", headers={"Authorization": f"Bearer {client.access_token}"}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def metrics(one: Any) -> dict[str, int]:
    names = ("participant", "completed", "flow", "active", "dropout")
    shown = {"participant": "participants"}
    return {shown.get(name, name): getattr(one.metrics, f"{name}_count") for name in names}


def event_type_with_events(world: World) -> tuple[str, str]:
    """Create an active event type and its configuration."""
    schema = world.schema()
    world.activate(schema.id)
    return schema.id, world.configuration(schema.id).id


def saved_over(world: World, elements: Any, *charts: Any) -> Any:
    body = request("JourneyView", name="Comes again", duration="P30D", elements=elements, charts=list(charts))
    return world.sdk.post_journey_views(body)


@happy
def get_journey_view_version_job_results_chart(world: World) -> None:
    job = ended(world, accepted(world))
    drawn = world.sdk.get_journey_view_version_job_results_chart(job.journey_view.id, "1", job.id, "visits")
    assert list(empty_fields(drawn)) == []
    assert (drawn.id, drawn.version) == ("visits", 1)
    assert [(metric.id, metric.values) for metric in drawn.metrics] == [("spent", [])]


# -- when it does not --------------------------------------------------------------------------------------------------


def _deleted(world: World) -> Any:
    """Return a job whose view was deleted."""
    job = accepted(world)
    world.sdk.delete_journey_view(job.journey_view.id)
    return job


def _not_complete(world: World) -> Any:
    """Return a job that fails because its event type was deleted."""
    view = saved(world)
    world.sdk.delete_journey_externalevents_schema(view.elements[0].attributes.id)
    job = ended(world, world.sdk.post_journey_view_version_jobs(view.id, "1"))
    assert job.status == "Failed"
    return job


UNHAPPY = [
    Unhappy("post_journey_view_version_jobs", 404, "not.found",
            lambda w: w.sdk.post_journey_view_version_jobs(UNKNOWN, "1")),
    Unhappy("post_journey_view_version_jobs", 404, "not.found",
            lambda w: w.sdk.post_journey_view_version_jobs(saved(w).id, "2")),
    Unhappy("post_journey_view_version_jobs", 401, "authentication.required",
            lambda w: w.anonymous.post_journey_view_version_jobs(UNKNOWN, "1")),
    Unhappy("post_journey_view_version_jobs", 403, "missing.permissions",
            lambda w: w.powerless.post_journey_view_version_jobs(UNKNOWN, "1")),
    Unhappy("get_journey_view_version_job", 404, "not.found",
            lambda w: w.sdk.get_journey_view_version_job(saved(w).id, "1", UNKNOWN)),
    Unhappy("get_journey_view_version_job", 404, "not.found", lambda w: again(w, _deleted(w))),
    Unhappy("get_journey_view_version_jobs_latest", 404, "not.found",
            lambda w: w.sdk.get_journey_view_version_jobs_latest(saved(w).id, "1")),
    Unhappy("patch_journey_view_version_job", 400, "invalid.field",
            lambda w: cancelled(w, accepted(w), status="Complete")),
    Unhappy("patch_journey_view_version_job", 409, "job.ended", lambda w: cancelled(w, ended(w, accepted(w)))),
    Unhappy("get_journey_views_jobs", 400, "bad.request", lambda w: w.sdk.get_journey_views_jobs(interval="today")),
    Unhappy("get_journey_views_jobs", 403, "missing.permissions", lambda w: w.powerless.get_journey_views_jobs()),
    Unhappy("get_journey_views_jobs_me", 400, "bad.request", lambda w: w.sdk.get_journey_views_jobs_me(statuses="X")),
    Unhappy("get_journey_view_version_job_results", 409, "job.not.complete", lambda w: results(w, _not_complete(w))),
    Unhappy("get_journey_view_version_job_results", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_view_version_job_results(UNKNOWN, "1", UNKNOWN)),
    Unhappy("get_journey_view_version_job_results_chart", 404, "not.found",
            lambda w: w.sdk.get_journey_view_version_job_results_chart(
                (job := ended(w, accepted(w))).journey_view.id, "1", job.id, UNKNOWN)),
]  # fmt: skip


@pytest.mark.parametrize("case", UNHAPPY, ids=lambda case: f"{case.operation}-{case.code}")
def test_a_failed_call_raises_an_exception_with_an_error_body(world: World, case: Unhappy) -> None:
    with pytest.raises(ApiException) as caught:
        case.call(world)
    body = json.loads(caught.value.body)
    assert (caught.value.status, body["code"]) == (case.status, case.code), body["message"]
    assert body["message"]
    assert body["contextId"]
    assert case.operation in world.sdk.called | world.powerless.called | world.anonymous.called


# -- and all of them ---------------------------------------------------------------------------------------------------


def test_every_operation_has_a_test_of_success_and_of_failure() -> None:
    assert len(OPERATIONS) == 8
    assert HAPPY.keys() == OPERATIONS
    assert {case.operation for case in UNHAPPY} == OPERATIONS


def test_the_operations_are_all_that_the_sdk_has_for_jobs() -> None:
    offered = {name for name in dir(Vendor.JourneyApi) if "journey_view" in name and "_job" in name}
    assert {name for name in offered if not name.endswith("_with_http_info")} == OPERATIONS
