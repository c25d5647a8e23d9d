"""The API of journey views: versions, charts, schedules, the range of available data, and values for filters."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field

from journeys import dates
from journeys.archive.store import ArchiveStore
from journeys.aws import dynamodb, s3
from journeys.cache import Cache
from journeys.errors import BadRequest, Detail
from journeys.http import Api, Request
from journeys.registry.clients.store import ClientStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import ArchiveSettings
from journeys.views.encodings import Labels, validate
from journeys.views.model import VIEWS, ReadOnly, ViewDefinition, version_number
from journeys.views.model import View as SavedView
from journeys.views.rules import check
from journeys.views.schedules.model import Frequency
from journeys.views.schedules.store import ScheduleStore
from journeys.views.store import ViewStore, ViewSummary

VIEW = f"{VIEWS}/<view_id>"
VERSIONS = f"{VIEW}/versions"
VERSION = f"{VERSIONS}/<version>"
CHART = f"{VERSION}/charts/<chart_id>"
SCHEDULES = f"{VIEWS}/schedules"
SCHEDULE = f"{VIEW}/schedules"
MAX_IDS = 100

MAY_VIEW, MAY_ADD, MAY_EDIT, MAY_DELETE = (f"journey:views:{action}" for action in ("view", "add", "edit", "delete"))
MAY_VIEW_SCHEDULE, MAY_ADD_SCHEDULE, MAY_EDIT_SCHEDULE, MAY_DELETE_SCHEDULE = (
    f"journey:viewsSchedule:{action}" for action in ("view", "add", "edit", "delete")
)

settings = ArchiveSettings.read()
table = settings.registry_table
views = ViewStore(dynamodb(), table)
schedules = ScheduleStore(dynamodb(), table)
schemas = SchemaStore(dynamodb(), table)
archive = ArchiveStore(dynamodb(), table, s3, settings.archive_bucket)
api = Api(Cache(ClientStore(dynamodb(), table).get))


class ScheduleRequest(BaseModel):
    """The contract's `JourneyViewSchedule` as a request; what the platform sets may be repeated."""

    model_config = ConfigDict(strict=True, extra="forbid")

    frequency: Frequency = Field(strict=False)
    id: ReadOnly
    dateModified: ReadOnly
    dateNext: ReadOnly
    user: ReadOnly
    selfUri: ReadOnly


def checked(request: Request) -> ViewDefinition:
    """The view that a request carries, if it can be computed. Raises BadRequest."""
    definition = request.model(ViewDefinition)
    check(definition, {schema.schema_id: schema for schema in schemas.all(request.organization_id)})
    return definition


# -- views -------------------------------------------------------------------------------------------------------------


def wanted(request: Request) -> list[ViewSummary]:
    """The views that a listing is asked for: those whose name holds a text, or that a client of that id made."""
    found = views.all(request.organization_id)
    text, ids = request.text("nameOrCreatedBy"), request.text("id")
    if text is not None:
        found = [head for head in found if text.casefold() in head.name.casefold() or text == head.created_by]
    if ids is not None:
        named = {one.strip() for one in ids.split(",")}
        if len(named) > MAX_IDS:
            raise BadRequest(
                f"The query parameter id names {MAX_IDS} views at most.", details=[Detail("invalid.parameter", "id")]
            )
        found = [head for head in found if head.view_id in named]
    return found


@api.route("GET", VIEWS, permission=MAY_VIEW)
def list_views(request: Request) -> dict[str, Any]:
    charts = request.choice("expand", ("none", "charts")) == "charts"
    page = request.page(VIEWS, wanted(request), lambda head: {"head": head}, ("nameOrCreatedBy", "expand", "id"))
    latest = views.latest(request.organization_id, [entity["head"] for entity in page["entities"]])
    return page | {"entities": [view.to_wire(charts=charts) for view in latest]}


@api.route("POST", VIEWS, permission=MAY_ADD, status=201)
def create_view(request: Request) -> dict[str, Any]:
    return views.create(request.organization_id, checked(request), request.caller.client_id).to_wire()


@api.route("GET", VIEW, permission=MAY_VIEW)
def get_view(request: Request, view_id: str) -> dict[str, Any]:
    return views.get(request.organization_id, view_id).to_wire()


@api.route("DELETE", VIEW, permission=MAY_DELETE)
def delete_view(request: Request, view_id: str) -> None:
    views.delete(request.organization_id, view_id)


# -- versions and charts -----------------------------------------------------------------------------------------------


def saved(request: Request, view_id: str, version: str) -> SavedView:
    """The version of a view that a path names. Raises NotFound."""
    return views.get_version(request.organization_id, view_id, version_number(version))


@api.route("POST", VERSIONS, permission=MAY_EDIT, status=201)
def create_version(request: Request, view_id: str) -> dict[str, Any]:
    definition = checked(request)
    return views.add_version(request.organization_id, view_id, definition, request.caller.client_id).to_wire()


@api.route("GET", VERSION, permission=MAY_VIEW)
def get_version(request: Request, view_id: str, version: str) -> dict[str, Any]:
    return saved(request, view_id, version).to_wire()


@api.route("PUT", VERSION, permission=MAY_EDIT)
def update_version(request: Request, view_id: str, version: str) -> dict[str, Any]:
    number, definition = version_number(version), checked(request)
    edited = views.edit_version(request.organization_id, view_id, number, definition, request.caller.client_id)
    return edited.to_wire()


@api.route("GET", CHART, permission=MAY_VIEW)
def get_chart(request: Request, view_id: str, version: str, chart_id: str) -> dict[str, Any]:
    view = saved(request, view_id, version)
    return view.chart_to_wire(view.chart(chart_id))


@api.route("GET", f"{CHART}/versions/<chart_version>", permission=MAY_VIEW)
def get_chart_version(
    request: Request, view_id: str, version: str, chart_id: str, chart_version: str
) -> dict[str, Any]:
    view = saved(request, view_id, version)
    view.chart(chart_id)  # which may have changed since, but is one of this version's
    number = version_number(chart_version)
    return view.chart_to_wire(views.chart(request.organization_id, view_id, chart_id, number))


# -- schedules ---------------------------------------------------------------------------------------------------------


@api.route("GET", SCHEDULES, permission=MAY_VIEW_SCHEDULE)
def list_schedules(request: Request) -> dict[str, Any]:
    return request.page(SCHEDULES, schedules.all(request.organization_id), lambda one: one.to_wire())


@api.route("GET", SCHEDULE, permission=MAY_VIEW_SCHEDULE)
def get_schedule(request: Request, view_id: str) -> dict[str, Any]:
    return schedules.get(request.organization_id, view_id).to_wire()


@api.route("POST", SCHEDULE, permission=MAY_ADD_SCHEDULE, status=201)
def create_schedule(request: Request, view_id: str) -> dict[str, Any]:
    given = request.model(ScheduleRequest)
    return schedules.create(request.organization_id, view_id, given.frequency, request.caller.client_id).to_wire()


@api.route("PUT", SCHEDULE, permission=MAY_EDIT_SCHEDULE)
def update_schedule(request: Request, view_id: str) -> dict[str, Any]:
    given = request.model(ScheduleRequest)
    return schedules.update(request.organization_id, view_id, given.frequency, request.caller.client_id).to_wire()


@api.route("DELETE", SCHEDULE, permission=MAY_DELETE_SCHEDULE)
def delete_schedule(request: Request, view_id: str) -> dict[str, Any]:
    return schedules.delete(request.organization_id, view_id).to_wire()


# -- what views can be made of -----------------------------------------------------------------------------------------


@api.route("GET", f"{VIEWS}/data/details", permission=MAY_VIEW)
def get_data_details(request: Request) -> dict[str, Any]:
    """The contract's `DataRange`; empty where there are no events."""
    found = archive.data_range(request.organization_id)
    return {} if found is None else {"dateMin": dates.text(found[0]), "dateMax": dates.text(found[1])}


@api.route("POST", f"{VIEWS}/encodings/validate", permission=MAY_VIEW)
def validate_encodings(request: Request) -> dict[str, Any]:
    labels = request.model(Labels).root
    return {"entities": validate(labels, schemas.all(request.organization_id))}


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
