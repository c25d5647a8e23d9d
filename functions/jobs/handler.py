"""Jobs of journey views: asking for one, looking at them, cancelling, and their results."""

from typing import Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from journeys.aws import dynamodb, s3, sqs
from journeys.cache import Cache
from journeys.errors import BadRequest, Conflict, Detail, NotFound
from journeys.http import Api, Request
from journeys.jsontext import present
from journeys.registry.clients.store import ClientStore
from journeys.settings import JobSettings
from journeys.views.jobs.accept import Desk
from journeys.views.jobs.model import Job, Status
from journeys.views.jobs.store import JobQueue, JobStore, WorkStore
from journeys.views.model import Passed, interval
from journeys.views.store import ViewStore

JOBS = "/api/v2/journey/views/jobs"
VERSION_JOBS = "/api/v2/journey/views/<view_id>/versions/<version>/jobs"
JOB = f"{VERSION_JOBS}/<job_id>"
VIEW, ADD, EDIT = (f"journey:viewsJobs:{action}" for action in ("view", "add", "edit"))
VIEW_RESULTS = "journey:viewsResults:view"
FILTERS = ("interval", "statuses")

settings = JobSettings.read()
table = settings.registry_table
views = ViewStore(dynamodb(), table)
jobs = JobStore(dynamodb(), table)
work = WorkStore(s3(), settings.archive_bucket)
desk = Desk(views, jobs, JobQueue(sqs(), settings.jobs_queue_url))
api = Api(Cache(ClientStore(dynamodb(), table).get))


class JobUpdate(BaseModel):
    """The contract's `JourneyViewJob` as a request: to cancel it is all that can be done with a job."""

    model_config = ConfigDict(strict=True, extra="forbid")

    status: Literal["Cancelled"]
    id: Passed
    dateCreated: Passed
    dateCompleted: Passed
    journeyView: Passed
    dateCompletionEstimated: Passed
    estimatedCompletionMargin: Passed
    userId: Passed
    error: Passed
    dateDataUntil: Passed
    selfUri: Passed


def number(version: str) -> int:
    """The version that a path names. Raises NotFound."""
    if not (version.isascii() and version.isdigit() and len(version) <= 8):
        raise NotFound("There is no such version of a view.")
    return int(version)


def find(request: Request, view_id: str, version: str, job_id: str) -> Job:
    """The job of a path. Raises NotFound, also where its view was deleted."""
    views.get_version(request.organization_id, view_id, number(version))
    job = jobs.get(request.organization_id, job_id)
    if (job.view_id, job.version) != (view_id, number(version)):
        raise NotFound("This version of the view has no such job.")
    return job


def find_result(request: Request, view_id: str, version: str, job_id: str) -> tuple[Job, dict[str, Any]]:
    """The job of a path, and its result. Raises NotFound, and Conflict where it is not complete."""
    job = find(request, view_id, version, job_id)
    if job.status is not Status.COMPLETE:
        raise Conflict(
            f"The job has no results; it is {job.status}.", code="job.not.complete", params={"status": job.status}
        )
    return job, work.result(job)


def chart_to_wire(job: Job, chart: dict[str, Any]) -> dict[str, Any]:
    """The contract's `JourneyViewChartResult`."""
    return chart | {"selfUri": f"{job.path}/results/charts/{chart['id']}"}


def listing(request: Request, path: str, user_id: str | None = None) -> dict[str, Any]:
    """A page of the organisation's jobs, or of those that one client asked for; the newest first."""
    since, until = between(request)
    statuses = wanted(request)
    found = [
        job
        for job in jobs.newest_first(request.organization_id, since, until)
        if job.status in statuses and user_id in (None, job.user_id)
    ]
    return request.page(path, found, Job.to_wire, FILTERS)


def between(request: Request) -> tuple[int | None, int | None]:
    """The moments of the query's interval. Raises BadRequest."""
    text = request.text("interval")
    if text is None:
        return None, None
    try:
        return interval(text)
    except ValueError as error:
        raise BadRequest(
            f"The query parameter interval is {error}.", details=[Detail("invalid.parameter", "interval")]
        ) from None


def wanted(request: Request) -> frozenset[Status]:
    """The statuses that the query names, all of them by default. Raises BadRequest."""
    text = request.text("statuses")
    try:
        return frozenset(map(Status, text.split(","))) if text is not None else frozenset(Status)
    except ValueError:
        raise BadRequest(
            f"The query parameter statuses must be some of {', '.join(Status)}, with commas between them.",
            details=[Detail("invalid.parameter", "statuses")],
        ) from None


@api.route("GET", JOBS, permission=VIEW)
def list_jobs(request: Request) -> dict[str, Any]:
    return listing(request, JOBS)


@api.route("GET", f"{JOBS}/me", permission=VIEW)
def list_own_jobs(request: Request) -> dict[str, Any]:
    return listing(request, f"{JOBS}/me", request.caller.client_id)


@api.route("POST", VERSION_JOBS, permission=ADD, status=202)
def create_job(request: Request, view_id: str, version: str) -> dict[str, Any]:
    job = desk.accept(request.organization_id, view_id, number(version), request.caller.client_id)
    return job.to_wire(jobs.view(job))


@api.route("GET", f"{VERSION_JOBS}/latest", permission=VIEW)
def get_latest_job(request: Request, view_id: str, version: str) -> dict[str, Any]:
    views.get_version(request.organization_id, view_id, number(version))
    job = jobs.latest(request.organization_id, view_id, number(version))
    return job.to_wire(jobs.view(job))


@api.route("GET", JOB, permission=VIEW)
def get_job(request: Request, view_id: str, version: str, job_id: str) -> dict[str, Any]:
    job = find(request, view_id, version, job_id)
    return job.to_wire(jobs.view(job))


@api.route("PATCH", JOB, permission=EDIT)
def cancel_job(request: Request, view_id: str, version: str, job_id: str) -> dict[str, Any]:
    request.model(JobUpdate)
    find(request, view_id, version, job_id)
    job = jobs.cancel(request.organization_id, job_id)
    return job.to_wire(jobs.view(job))


@api.route("GET", f"{JOB}/results", permission=VIEW_RESULTS)
def get_results(request: Request, view_id: str, version: str, job_id: str) -> dict[str, Any]:
    job, result = find_result(request, view_id, version, job_id)
    charts = [chart_to_wire(job, chart) for chart in result["charts"]]
    return present(result | {"charts": charts, "dateDataUntil": job.to_wire().get("dateDataUntil")})


@api.route("GET", f"{JOB}/results/charts/<chart_id>", permission=VIEW_RESULTS)
def get_chart_result(request: Request, view_id: str, version: str, job_id: str, chart_id: str) -> dict[str, Any]:
    job, result = find_result(request, view_id, version, job_id)
    for chart in result["charts"]:
        if chart["id"] == chart_id:
            return present(chart_to_wire(job, chart) | {"dateDataUntil": job.to_wire().get("dateDataUntil")})
    raise NotFound("The view has no such chart.")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
