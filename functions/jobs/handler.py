"""The API of jobs: create, list, read and cancel the jobs of journey views, and read their results."""

from typing import Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from journeys.aws import dynamodb, s3, sqs
from journeys.cache import Cache
from journeys.errors import BadRequest, Detail
from journeys.http import Api, Request
from journeys.registry.clients.store import ClientStore
from journeys.settings import JobSettings
from journeys.views.jobs.model import Job, Status
from journeys.views.jobs.service import JobResults, JobService
from journeys.views.jobs.store import JobQueue, JobStore, WorkStore
from journeys.views.model import ReadOnly, interval, version_number
from journeys.views.store import ViewStore

JOBS = "/api/v2/journey/views/jobs"
VERSION_JOBS = "/api/v2/journey/views/<view_id>/versions/<version>/jobs"
JOB = f"{VERSION_JOBS}/<job_id>"
VIEW, ADD, EDIT = (f"journey:viewsJobs:{action}" for action in ("view", "add", "edit"))
VIEW_RESULTS = "journey:viewsResults:view"
FILTERS = ("interval", "statuses")

settings = JobSettings.read()
table = settings.registry_table
jobs = JobService(ViewStore(dynamodb(), table), JobStore(dynamodb(), table), JobQueue(sqs(), settings.jobs_queue_url))
results = JobResults(jobs, WorkStore(s3(), settings.archive_bucket))
api = Api(Cache(ClientStore(dynamodb(), table).get))


class JobUpdate(BaseModel):
    """The contract's `JourneyViewJob` as a request. The only change that a job allows is to cancel it."""

    model_config = ConfigDict(strict=True, extra="forbid")

    status: Literal["Cancelled"]
    id: ReadOnly
    dateCreated: ReadOnly
    dateCompleted: ReadOnly
    journeyView: ReadOnly
    dateCompletionEstimated: ReadOnly
    estimatedCompletionMargin: ReadOnly
    userId: ReadOnly
    error: ReadOnly
    dateDataUntil: ReadOnly
    selfUri: ReadOnly


def listing(request: Request, path: str, client_id: str | None = None) -> dict[str, Any]:
    """A page of the organization's jobs, newest first; only those of one client if `client_id` is given."""
    since_ms, until_ms = interval_filter(request)
    found = jobs.list(
        request.organization_id,
        since_ms=since_ms,
        until_ms=until_ms,
        statuses=status_filter(request),
        client_id=client_id,
    )
    return request.page(path, found, Job.to_wire, FILTERS)


def interval_filter(request: Request) -> tuple[int | None, int | None]:
    """The start and the end of the query's interval, in milliseconds. Raises BadRequest."""
    text = request.text("interval")
    if text is None:
        return None, None
    try:
        return interval(text)
    except ValueError as error:
        raise BadRequest(
            f"The query parameter interval {error}.", details=[Detail("invalid.parameter", "interval")]
        ) from None


def status_filter(request: Request) -> frozenset[Status]:
    """The statuses that the query names; all of them by default. Raises BadRequest."""
    text = request.text("statuses")
    try:
        return frozenset(map(Status, text.split(","))) if text is not None else frozenset(Status)
    except ValueError:
        raise BadRequest(
            "The query parameter statuses has an unknown status. "
            f"Use one or more of {', '.join(Status)}, separated by commas.",
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
    client_id = request.caller.client_id
    return jobs.accept(request.organization_id, view_id, version_number(version), client_id).to_wire()


@api.route("GET", f"{VERSION_JOBS}/latest", permission=VIEW)
def get_latest_job(request: Request, view_id: str, version: str) -> dict[str, Any]:
    return jobs.get_latest(request.organization_id, view_id, version_number(version)).to_wire()


@api.route("GET", JOB, permission=VIEW)
def get_job(request: Request, view_id: str, version: str, job_id: str) -> dict[str, Any]:
    return jobs.get(request.organization_id, view_id, version_number(version), job_id).to_wire()


@api.route("PATCH", JOB, permission=EDIT)
def cancel_job(request: Request, view_id: str, version: str, job_id: str) -> dict[str, Any]:
    request.model(JobUpdate)
    return jobs.cancel(request.organization_id, view_id, version_number(version), job_id).to_wire()


@api.route("GET", f"{JOB}/results", permission=VIEW_RESULTS)
def get_results(request: Request, view_id: str, version: str, job_id: str) -> dict[str, Any]:
    return results.get(request.organization_id, view_id, version_number(version), job_id)


@api.route("GET", f"{JOB}/results/charts/<chart_id>", permission=VIEW_RESULTS)
def get_chart_result(request: Request, view_id: str, version: str, job_id: str, chart_id: str) -> dict[str, Any]:
    return results.get_chart(request.organization_id, view_id, version_number(version), job_id, chart_id)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
