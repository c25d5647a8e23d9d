"""API operations on journey views: versions, charts and schedules, the range of the data, and filter values."""

from typing import Any

from journeys import dates
from journeys.archive.store import ArchiveStore
from journeys.aws import dynamodb, s3
from journeys.errors import Conflict, LimitReached
from journeys.http.parameters import PAGE, Parameter, choice, text
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.registry.event_types import EventTypes
from journeys.settings import ViewSettings
from journeys.views.deletion import ViewDeletion
from journeys.views.encodings import Labels, validate
from journeys.views.jobs.store import JobStore
from journeys.views.jobs.work.store import WorkStore
from journeys.views.model import VIEWS, ViewDefinition
from journeys.views.rules import check
from journeys.views.schedules.requests import ScheduleRequest
from journeys.views.schedules.store import ScheduleStore
from journeys.views.store import ViewStore, ViewSummary

VIEW = f"{VIEWS}/<view_id>"
VERSIONS = f"{VIEW}/versions"
VERSION = f"{VERSIONS}/<int:version>"
CHART = f"{VERSION}/charts/<chart_id>"
SCHEDULES = f"{VIEWS}/schedules"
SCHEDULE = f"{VIEW}/schedules"
TAG, SCHEDULES_TAG = "Views", "View schedules"
MAX_IDS = 100
DELETION_SECONDS = 15
"""The time of one request for the deletion of a view. It is below the function's timeout by more than one batch."""

MAY_VIEW, MAY_ADD, MAY_EDIT, MAY_DELETE = (f"journey:views:{action}" for action in ("view", "add", "edit", "delete"))
MAY_VIEW_SCHEDULE, MAY_ADD_SCHEDULE, MAY_EDIT_SCHEDULE, MAY_DELETE_SCHEDULE = (
    f"journey:viewsSchedule:{action}" for action in ("view", "add", "edit", "delete")
)


def parse_ids(value: str) -> frozenset[str] | None:
    """Return the ids of a comma-separated list, or None if it is empty. Raises ValueError if there are too many."""
    ids = frozenset(part.strip() for part in value.split(",")) - {""}
    if len(ids) > MAX_IDS:
        raise ValueError
    return ids or None


NAME_OR_CREATED_BY = text(
    "nameOrCreatedBy", "Only views whose name contains this text, or that the client with this id created."
)
EXPAND = choice("expand", "Whether the views are listed with their charts.", ("none", "charts"))
IDS: Parameter[frozenset[str] | None] = Parameter(
    "id",
    f"Only the views with these ids, separated by commas; at most {MAX_IDS}.",
    parse_ids,
    None,
    f"Use at most {MAX_IDS} ids, separated by commas.",
    {"type": "string"},
)

settings = ViewSettings.read()
table = settings.registry_table
views = ViewStore(dynamodb(), table, int(settings.job_retention_days))
deletion = ViewDeletion(views, JobStore(dynamodb(), table), WorkStore(s3(), settings.archive_bucket))
schedules = ScheduleStore(dynamodb(), table)
event_types = EventTypes(dynamodb(), table)
archive = ArchiveStore(dynamodb(), table, s3, settings.archive_bucket)
router = Router.for_registry(table)


def checked(request: Request, definition: ViewDefinition) -> ViewDefinition:
    """Return the definition if it can be computed. Raises BadRequest."""
    check(definition, event_types.by_id(request.organization_id))
    return definition


# -- views -------------------------------------------------------------------------------------------------------------


def is_listed(request: Request, summary: ViewSummary) -> bool:
    """Return whether a view matches the filters of a listing."""
    name, ids = request.get(NAME_OR_CREATED_BY), request.get(IDS)
    return (name is None or name.casefold() in summary.name.casefold() or name == summary.created_by) and (
        ids is None or summary.view_id in ids
    )


@router.route(
    "GET",
    VIEWS,
    summary="List views",
    tag=TAG,
    permission=MAY_VIEW,
    query=(NAME_OR_CREATED_BY, EXPAND, IDS, *PAGE),
    response="JourneyViewListing",
)
def list_views(request: Request) -> dict[str, Any]:
    summaries = [summary for summary in views.all(request.organization_id) if is_listed(request, summary)]
    page = request.page(VIEWS, summaries)
    with_charts = request.get(EXPAND) == "charts"
    latest = views.latest(request.organization_id, page["entities"])
    return page | {"entities": [view.to_wire(charts=with_charts) for view in latest]}


@router.route(
    "POST",
    VIEWS,
    summary="Create a view",
    tag=TAG,
    permission=MAY_ADD,
    body=ViewDefinition,
    response="JourneyView",
    status=201,
    errors=(LimitReached,),
)
def create_view(request: Request, body: ViewDefinition) -> dict[str, Any]:
    return views.create(request.organization_id, checked(request, body), request.caller.caller_id).to_wire()


@router.route("GET", VIEW, summary="Get a view", tag=TAG, permission=MAY_VIEW, response="JourneyView")
def get_view(request: Request, view_id: str) -> dict[str, Any]:
    return views.get(request.organization_id, view_id).to_wire()


@router.route("DELETE", VIEW, summary="Delete a view", tag=TAG, permission=MAY_DELETE, response=None)
def delete_view(request: Request, view_id: str) -> None:
    deletion.delete(request.organization_id, view_id, lambda: request.seconds_spent() < DELETION_SECONDS)


# -- versions and charts -----------------------------------------------------------------------------------------------


@router.route(
    "POST",
    VERSIONS,
    summary="Create a version of a view",
    tag=TAG,
    permission=MAY_EDIT,
    body=ViewDefinition,
    response="JourneyView",
    status=201,
    errors=(LimitReached,),
)
def create_view_version(request: Request, view_id: str, body: ViewDefinition) -> dict[str, Any]:
    definition, client_id = checked(request, body), request.caller.caller_id
    return views.add_version(request.organization_id, view_id, definition, client_id).to_wire()


@router.route("GET", VERSION, summary="Get a version of a view", tag=TAG, permission=MAY_VIEW, response="JourneyView")
def get_view_version(request: Request, view_id: str, version: int) -> dict[str, Any]:
    return views.get_version(request.organization_id, view_id, version).to_wire()


@router.route(
    "PUT",
    VERSION,
    summary="Update a version of a view",
    tag=TAG,
    permission=MAY_EDIT,
    body=ViewDefinition,
    response="JourneyView",
    errors=(LimitReached,),
)
def update_view_version(request: Request, view_id: str, version: int, body: ViewDefinition) -> dict[str, Any]:
    definition, client_id = checked(request, body), request.caller.caller_id
    return views.edit_version(request.organization_id, view_id, version, definition, client_id).to_wire()


@router.route("GET", CHART, summary="Get a chart", tag=TAG, permission=MAY_VIEW, response="JourneyViewChart")
def get_chart(request: Request, view_id: str, version: int, chart_id: str) -> dict[str, Any]:
    view = views.get_version(request.organization_id, view_id, version)
    return view.chart_to_wire(view.chart(chart_id))


@router.route(
    "GET",
    f"{CHART}/versions/<int:chart_version>",
    summary="Get a version of a chart",
    tag=TAG,
    permission=MAY_VIEW,
    response="JourneyViewChart",
)
def get_chart_version(
    request: Request, view_id: str, version: int, chart_id: str, chart_version: int
) -> dict[str, Any]:
    view = views.get_version(request.organization_id, view_id, version)
    view.chart(chart_id)  # raises NotFound if this version of the view does not have the chart
    return view.chart_to_wire(views.chart(request.organization_id, view_id, chart_id, chart_version))


# -- schedules ---------------------------------------------------------------------------------------------------------


@router.route(
    "GET",
    SCHEDULES,
    summary="List schedules",
    tag=SCHEDULES_TAG,
    permission=MAY_VIEW_SCHEDULE,
    query=PAGE,
    response="ViewScheduleListing",
)
def list_schedules(request: Request) -> dict[str, Any]:
    return request.page(SCHEDULES, schedules.all(request.organization_id), lambda schedule: schedule.to_wire())


@router.route(
    "GET",
    SCHEDULE,
    summary="Get the schedule of a view",
    tag=SCHEDULES_TAG,
    permission=MAY_VIEW_SCHEDULE,
    response="ViewSchedule",
)
def get_schedule(request: Request, view_id: str) -> dict[str, Any]:
    return schedules.get(request.organization_id, view_id).to_wire()


@router.route(
    "POST",
    SCHEDULE,
    summary="Create the schedule of a view",
    tag=SCHEDULES_TAG,
    permission=MAY_ADD_SCHEDULE,
    body=ScheduleRequest,
    response="ViewSchedule",
    status=201,
    errors=(Conflict,),
)
def create_schedule(request: Request, view_id: str, body: ScheduleRequest) -> dict[str, Any]:
    return schedules.create(request.organization_id, view_id, body.frequency, request.caller.caller_id).to_wire()


@router.route(
    "PUT",
    SCHEDULE,
    summary="Update the schedule of a view",
    tag=SCHEDULES_TAG,
    permission=MAY_EDIT_SCHEDULE,
    body=ScheduleRequest,
    response="ViewSchedule",
)
def update_schedule(request: Request, view_id: str, body: ScheduleRequest) -> dict[str, Any]:
    return schedules.update(request.organization_id, view_id, body.frequency, request.caller.caller_id).to_wire()


@router.route(
    "DELETE",
    SCHEDULE,
    summary="Delete the schedule of a view",
    tag=SCHEDULES_TAG,
    permission=MAY_DELETE_SCHEDULE,
    response="ViewSchedule",
)
def delete_schedule(request: Request, view_id: str) -> dict[str, Any]:
    return schedules.delete(request.organization_id, view_id).to_wire()


# -- data and values ---------------------------------------------------------------------------------------------------


@router.route(
    "GET",
    f"{VIEWS}/data/details",
    summary="Get the date range of the data",
    tag=TAG,
    permission=MAY_VIEW,
    response="DataRange",
)
def get_data_range(request: Request) -> dict[str, Any]:
    # The response is empty if the organization has no events.
    found = archive.figures(request.organization_id).dates
    return {} if found is None else {"dateMin": dates.text(found[0]), "dateMax": dates.text(found[1])}


@router.route(
    "POST",
    f"{VIEWS}/encodings/validate",
    summary="Check which values filters can use",
    tag=TAG,
    permission=MAY_VIEW,
    body=Labels,
    response="LabelListing",
)
def validate_encodings(request: Request, body: Labels) -> dict[str, Any]:
    return {"entities": validate(body.root, event_types.all(request.organization_id))}


handler = router.handle
