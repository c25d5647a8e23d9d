"""API operations on the jobs that compute journey views and paths, and on their results."""

import re
from dataclasses import replace
from typing import Any

from journeys import cursors, dates
from journeys.aws import dynamodb, s3, sqs
from journeys.errors import Conflict, TooManyWaiting
from journeys.http.csv_pages import CSV_FORMAT, FORMAT, csv_page, wants_csv
from journeys.http.list_pages import list_page
from journeys.http.parameters import (
    CURSOR,
    PAGE,
    PAGE_NUMBER,
    PAGE_SIZE,
    Parameter,
    choice,
    optional_choice,
    required_text,
    text,
)
from journeys.http.request import Request
from journeys.http.response import TextBody
from journeys.http.router import Router
from journeys.registry.event_types import EventTypes
from journeys.registry.quotas.store import QuotaStore
from journeys.registry.repeats.store import RepeatStore
from journeys.settings import JobSettings
from journeys.views.jobs.comparing import OTHER_JOB, JobComparison
from journeys.views.jobs.customers import COLUMNS, STATES, CustomerLists, Figure, log_listing, parse_group
from journeys.views.jobs.model import Kind, Status, new_id
from journeys.views.jobs.options import JobOptions
from journeys.views.jobs.requests import JobUpdate, PathJobUpdate
from journeys.views.jobs.service import JobResults, JobService
from journeys.views.jobs.store import JobQueue, JobStore
from journeys.views.jobs.work.store import WorkStore
from journeys.views.model import VIEWS, interval
from journeys.views.paths.model import MAX_STEPS, PATHS, PathDefinition, parse_ids, view_of
from journeys.views.paths.rules import check as check_paths
from journeys.views.store import ViewStore
from journeys.views.tables import PATH_TABLES, TABLES
from journeys.views.tables import comparison as comparison_table

JOBS = "/api/v2/journey/views/jobs"
VERSION_JOBS = "/api/v2/journey/views/<view_id>/versions/<int:version>/jobs"
LATEST, JOB = f"{VERSION_JOBS}/latest", f"{VERSION_JOBS}/<job_id>"
PATH_JOBS = f"{PATHS}/jobs"
PATH_JOB = f"{PATH_JOBS}/<path_job_id>"
TAG, PATHS_TAG = "View jobs", "Paths"
VIEW, ADD, EDIT = (f"journey:viewsJobs:{action}" for action in ("view", "add", "edit"))
VIEW_RESULTS = "journey:viewsResults:view"
VIEW_CUSTOMERS = "journey:viewsCustomers:view"

INTERVAL: Parameter[tuple[int | None, int | None]] = Parameter(
    "interval",
    "Only jobs that were created in this ISO-8601 interval.",
    interval,
    (None, None),
    "Use an ISO-8601 interval whose end is after its start, such as 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z.",
    {"type": "string"},
)
STATUSES: Parameter[frozenset[Status]] = Parameter(
    "statuses",
    f"Only jobs with one of these statuses, separated by commas: {', '.join(Status)}.",
    lambda value: frozenset(map(Status, value.split(","))),
    frozenset(Status),
    f"Use one or more of {', '.join(Status)}, separated by commas.",
    {"type": "string"},
)
VIEW_ID = text("viewId", "Only jobs that compute the view with this id.")
PATH_LISTING = (INTERVAL, STATUSES, *PAGE, CURSOR)
LISTING = (INTERVAL, STATUSES, VIEW_ID, *PAGE, CURSOR)
OTHER = required_text(OTHER_JOB, "The id of the other job, of any version of the same view.")
TABLE = optional_choice("table", "The table that the CSV has. Default: elements.", tuple(TABLES))
PATH_TABLE = optional_choice("table", "The table that the CSV has. Default: steps.", tuple(PATH_TABLES))
ROWS = replace(CURSOR, description="With format=csv, the cursor in the header Link of the previous page.")
PATH: Parameter[tuple[str, ...]] = Parameter(
    "path",
    f"The ids of the event definitions of the path's steps after its start, separated by commas; at most {MAX_STEPS}.",
    parse_ids,
    (),
    f"Use at most {MAX_STEPS} ids of event definitions, separated by commas.",
    {"type": "string"},
)
IS_ENDED = choice("ended", "Whether the last step is the end of the definition, with its filter.", ("false", "true"))
FIGURE: tuple[Parameter[Any], ...] = (
    text("elementId", "The element whose customers in a state, or on a link, are listed."),
    optional_choice("state", "The customers of the element: all participants, or those in one state.", STATES),
    text("linkId", "The id of the element that a link of the element leads to."),
    text("chartId", "The chart that has the group."),
    text("metricId", "A metric of the chart."),
    Parameter(
        "group",
        "The group of the chart: a JSON array of the values of its `groupByAttributes` in the result, in their order; "
        "null for a missing one. Default: [], the only group of a chart without groups.",
        parse_group,
        None,
        'Use a JSON array of texts and nulls, such as ["2026-01","web",null].',
        {"type": "string"},
    ),
)
LISTED = replace(CURSOR, description="The cursor in the nextUri of the previous page; with CSV, in the header Link.")
POSITION = re.compile(r"[0-9]{1,9} [0-9a-f-]{36}")
"""How many jobs precede a page, and the id of the last of them."""

settings = JobSettings.read()
table = settings.registry_table
event_types, repeats = EventTypes(dynamodb(), table), RepeatStore(dynamodb(), table)
jobs = JobService(
    ViewStore(dynamodb(), table),
    JobStore(dynamodb(), table),
    JobQueue(sqs(), settings.jobs_queue_url),
    QuotaStore(dynamodb(), table),
    event_types,
    int(settings.job_retention_days),
)
work = WorkStore(s3(), settings.archive_bucket)
results, comparison, customer_lists = JobResults(jobs, work), JobComparison(jobs, work), CustomerLists(jobs, work)
router = Router.for_registry(table)


def listing(
    request: Request, path: str, *, kind: Kind = Kind.VIEW, client_id: str | None = None, view_id: str | None = None
) -> dict[str, Any]:
    """Return a page of the organization's jobs of one kind, newest first; only those of one client or view if given."""
    (since_ms, until_ms), statuses, cursor = request.get(INTERVAL), request.get(STATUSES), request.get(CURSOR)
    size, number = request.get(PAGE_SIZE), request.get(PAGE_NUMBER)
    filters = (str(kind), str(client_id), str(view_id), str(since_ms), str(until_ms), *sorted(statuses))
    scope = ("jobs", request.organization_id, *filters)
    before, after = size * (number - 1), None
    if cursor is not None:
        preceding, after = cursors.decode(cursor, POSITION, *scope).split(" ")
        before = int(preceding)
    page = jobs.page(
        request.organization_id,
        size=size,
        skip=before if after is None else 0,
        after=after,
        since_ms=since_ms,
        until_ms=until_ms,
        statuses=statuses,
        client_id=client_id,
        view_id=view_id,
        kind=kind,
    )
    known = before + len(page.jobs)
    return request.page_of_query(
        path,
        [job.to_wire() if kind is Kind.VIEW else job.paths_to_wire() for job in page.jobs],
        cursor=cursor,
        next_cursor=cursors.encode(f"{known} {page.position}", *scope) if page.position else None,
        total=None if page.position else known,
    )


@router.route("GET", JOBS, summary="List jobs", tag=TAG, permission=VIEW, query=LISTING, response="ViewJobListing")
def list_jobs(request: Request) -> dict[str, Any]:
    return listing(request, JOBS, view_id=request.get(VIEW_ID))


@router.route(
    "GET",
    f"{JOBS}/me",
    summary="List the jobs of this client",
    tag=TAG,
    permission=VIEW,
    query=LISTING,
    response="ViewJobListing",
)
def list_own_jobs(request: Request) -> dict[str, Any]:
    return listing(request, f"{JOBS}/me", client_id=request.caller.caller_id, view_id=request.get(VIEW_ID))


@router.route(
    "POST",
    VERSION_JOBS,
    summary="Create a job",
    tag=TAG,
    permission=ADD,
    body=JobOptions,
    needs_body=False,
    response="ViewJob",
    status=202,
    errors=(TooManyWaiting, Conflict),
    idempotent=True,
)
def create_job(request: Request, view_id: str, version: int, body: JobOptions) -> dict[str, Any]:
    organization_id, client_id = request.organization_id, request.caller.caller_id
    key, job_id = request.idempotency_key, new_id(dates.now_ms())
    options = body if body.to_values() else None
    if key is None:
        return jobs.accept(organization_id, view_id, version, client_id, job_id, options).to_wire()
    content = f"{view_id} {version}" + (f" {options.model_dump_json()}" if options else "")
    job_id = repeats.claim(organization_id, f"createJob {client_id}", key, content, job_id)
    return jobs.accept_once(organization_id, view_id, version, client_id, job_id, options).to_wire()


@router.route("GET", LATEST, summary="Get the latest job of a view", tag=TAG, permission=VIEW, response="ViewJob")
def get_latest_job(request: Request, view_id: str, version: int) -> dict[str, Any]:
    return jobs.get_latest(request.organization_id, view_id, version).to_wire()


@router.route("GET", JOB, summary="Get a job", tag=TAG, permission=VIEW, response="ViewJob")
def get_job(request: Request, view_id: str, version: int, job_id: str) -> dict[str, Any]:
    return jobs.get(request.organization_id, view_id, version, job_id).to_wire()


@router.route(
    "PATCH",
    JOB,
    summary="Cancel a job",
    tag=TAG,
    permission=EDIT,
    body=JobUpdate,
    response="ViewJob",
    errors=(Conflict,),
)
def cancel_job(request: Request, view_id: str, version: int, job_id: str, body: JobUpdate) -> dict[str, Any]:
    return jobs.cancel(request.organization_id, view_id, version, job_id).to_wire()


@router.route(
    "GET",
    f"{JOB}/results",
    summary="Get the results of a job",
    tag=TAG,
    permission=VIEW_RESULTS,
    query=(FORMAT, TABLE, ROWS),
    response="ViewResult",
    errors=(Conflict,),
)
def get_job_results(request: Request, view_id: str, version: int, job_id: str) -> dict[str, Any] | TextBody:
    if wants_csv(request, TABLE):
        name = request.get(TABLE) or next(iter(TABLES))
        table = results.table(request.organization_id, view_id, version, job_id, name)
        return csv_page(request, results_path(view_id, version, job_id), name, *table, table=name)
    return results.get(request.organization_id, view_id, version, job_id)


@router.route(
    "GET",
    f"{JOB}/results/charts/<chart_id>",
    summary="Get the result of a chart",
    tag=TAG,
    permission=VIEW_RESULTS,
    query=(FORMAT, ROWS),
    response="ViewChartResult",
    errors=(Conflict,),
)
def get_job_chart_result(
    request: Request, view_id: str, version: int, job_id: str, chart_id: str
) -> dict[str, Any] | TextBody:
    if wants_csv(request):
        table = results.chart_table(request.organization_id, view_id, version, job_id, chart_id)
        return csv_page(request, f"{results_path(view_id, version, job_id)}/charts/{chart_id}", "chart", *table)
    return results.get_chart(request.organization_id, view_id, version, job_id, chart_id)


@router.route(
    "GET",
    f"{JOB}/results/comparison",
    summary="Compare the results of two jobs",
    tag=TAG,
    permission=VIEW_RESULTS,
    query=(OTHER, FORMAT, ROWS),
    response="ViewComparison",
    errors=(Conflict,),
)
def compare_job_results(request: Request, view_id: str, version: int, job_id: str) -> dict[str, Any] | TextBody:
    other_id = request.get(OTHER)
    compared = comparison.get(request.organization_id, view_id, version, job_id, other_id)
    if wants_csv(request):
        path = f"{results_path(view_id, version, job_id)}/comparison"
        return csv_page(request, path, "comparison", *comparison_table(compared), **{OTHER.name: other_id})
    return compared


@router.route(
    "GET",
    f"{JOB}/results/customers",
    summary="List the customers behind a figure",
    tag=TAG,
    permission=VIEW_CUSTOMERS,
    query=(*FIGURE, FORMAT, PAGE_SIZE, LISTED),
    response="ViewCustomerListing",
    errors=(Conflict,),
)
def list_job_customers(request: Request, view_id: str, version: int, job_id: str) -> dict[str, Any] | TextBody:
    figure = Figure(*map(request.get, FIGURE))
    found = customer_lists.get(request.organization_id, view_id, version, job_id, figure)
    path = f"{results_path(view_id, version, job_id)}/customers"
    if request.get(FORMAT) == CSV_FORMAT:
        rows = (customer.to_row(request.url(customer.path)) for customer in found.listed)
        table = csv_page(request, path, "customers", COLUMNS, rows, **figure.to_query())
        log_listing(request.caller, job_id, figure.kind, table.rows or 0)
        counts = {"X-Total-Count": str(found.total), "X-Listed-Count": str(len(found.listed))}
        return replace(table, headers={**table.headers, **counts})
    page = list_page(request, path, [customer.to_wire() for customer in found.listed], *figure.scope)
    log_listing(request.caller, job_id, figure.kind, len(page["entities"]))
    return page | {"total": found.total, "listed": len(found.listed), "maximum": found.maximum}


def results_path(view_id: str, version: int, job_id: str) -> str:
    return f"{VIEWS}/{view_id}/versions/{version}/jobs/{job_id}/results"


# -- paths -------------------------------------------------------------------------------------------------------------


@router.route(
    "GET",
    PATH_JOBS,
    summary="List jobs of paths",
    tag=PATHS_TAG,
    permission=VIEW,
    query=PATH_LISTING,
    response="PathJobListing",
)
def list_path_jobs(request: Request) -> dict[str, Any]:
    return listing(request, PATH_JOBS, kind=Kind.PATHS)


@router.route(
    "POST",
    PATH_JOBS,
    summary="Create a job of paths",
    tag=PATHS_TAG,
    permission=ADD,
    body=PathDefinition,
    response="PathJob",
    status=202,
    errors=(TooManyWaiting, Conflict),
    idempotent=True,
)
def create_path_job(request: Request, body: PathDefinition) -> dict[str, Any]:
    organization_id, client_id = request.organization_id, request.caller.caller_id
    check_paths(body, event_types.by_id(organization_id))
    key, job_id = request.idempotency_key, new_id(dates.now_ms())
    if key is None:
        return jobs.accept_paths(organization_id, body, client_id, job_id).paths_to_wire(body)
    job_id = repeats.claim(organization_id, f"createPathJob {client_id}", key, body.model_dump_json(), job_id)
    return jobs.accept_paths_once(organization_id, body, client_id, job_id).paths_to_wire(body)


@router.route("GET", PATH_JOB, summary="Get a job of paths", tag=PATHS_TAG, permission=VIEW, response="PathJob")
def get_path_job(request: Request, path_job_id: str) -> dict[str, Any]:
    job, definition = jobs.get_paths(request.organization_id, path_job_id)
    return job.paths_to_wire(definition)


@router.route(
    "PATCH",
    PATH_JOB,
    summary="Cancel a job of paths",
    tag=PATHS_TAG,
    permission=EDIT,
    body=PathJobUpdate,
    response="PathJob",
    errors=(Conflict,),
)
def cancel_path_job(request: Request, path_job_id: str, body: PathJobUpdate) -> dict[str, Any]:
    job, definition = jobs.cancel_paths(request.organization_id, path_job_id)
    return job.paths_to_wire(definition)


@router.route(
    "GET",
    f"{PATH_JOB}/results",
    summary="Get the results of a job of paths",
    tag=PATHS_TAG,
    permission=VIEW_RESULTS,
    query=(FORMAT, PATH_TABLE, ROWS),
    response="PathResult",
    errors=(Conflict,),
)
def get_path_job_results(request: Request, path_job_id: str) -> dict[str, Any] | TextBody:
    result = results.get_paths(request.organization_id, path_job_id)
    if wants_csv(request, PATH_TABLE):
        name = request.get(PATH_TABLE) or next(iter(PATH_TABLES))
        return csv_page(request, result["selfUri"], name, *PATH_TABLES[name](result), table=name)
    return result


@router.route(
    "GET",
    f"{PATH_JOB}/view",
    summary="Get a view of one path",
    tag=PATHS_TAG,
    permission=VIEW,
    query=(PATH, IS_ENDED),
    response="JourneyView",
)
def get_path_view(request: Request, path_job_id: str) -> dict[str, Any]:
    _, definition = jobs.get_paths(request.organization_id, path_job_id)
    titles = {schema.schema_id: schema.title for schema in event_types.all(request.organization_id)}
    return view_of(definition, request.get(PATH), titles, ended=request.get(IS_ENDED) == "true").to_values()


handler = router.handle
