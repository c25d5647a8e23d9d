"""API operations on usage: the number of events of an organization by month and by day, and its limits."""

from typing import Any

from journeys import dates
from journeys.archive.activity import activity
from journeys.archive.store import ArchiveStore
from journeys.archive.usage import usage
from journeys.aws import dynamodb, s3
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.quotas.store import QuotaStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import ArchiveSettings
from journeys.views.jobs.shares.store import ShareStore
from journeys.views.limits import Limits

USAGE, ACTIVITY, LIMITS = (f"/api/v2/journey/{name}" for name in ("usage", "activity", "limits"))
VIEW = "journey:usage:view"
TAG = "Usage"

settings = ArchiveSettings.read()
table = settings.registry_table
archive = ArchiveStore(dynamodb(), table, s3, settings.archive_bucket)
configurations, schemas = ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table)
limits = Limits(QuotaStore(dynamodb(), table), schemas, ShareStore(dynamodb(), table))
router = Router.for_registry(table)


@router.route("GET", USAGE, summary="Get the usage by month", tag=TAG, permission=VIEW, response="Usage")
def get_usage(request: Request) -> dict[str, Any]:
    return usage(archive.figures(request.organization_id))


@router.route("GET", ACTIVITY, summary="Get the events of the last days", tag=TAG, permission=VIEW, response="Activity")
def get_activity(request: Request) -> dict[str, Any]:
    organization_id = request.organization_id
    figures = archive.figures(organization_id)
    titles = {schema.schema_id: schema.title for schema in schemas.all(organization_id)}
    return activity(figures, configurations.all(organization_id, deleted=True), titles, dates.now_ms())


@router.route(
    "GET", LIMITS, summary="List the limits of the organization", tag=TAG, permission=VIEW, response="LimitListing"
)
def list_limits(request: Request) -> dict[str, Any]:
    entities = [use.to_wire() for use in limits.all(request.organization_id)]
    return {"total": len(entities), "entities": entities, "selfUri": LIMITS}


handler = router.handle
