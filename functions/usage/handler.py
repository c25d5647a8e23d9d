"""API operation on usage: the number of events of an organization by month."""

from typing import Any

from journeys.archive.store import ArchiveStore
from journeys.archive.usage import usage
from journeys.aws import dynamodb, s3
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.settings import ArchiveSettings

USAGE = "/api/v2/journey/usage"
VIEW = "journey:usage:view"

settings = ArchiveSettings.read()
archive = ArchiveStore(dynamodb(), settings.registry_table, s3, settings.archive_bucket)
router = Router.for_registry(settings.registry_table)


@router.route("GET", USAGE, summary="Get the usage by month", tag="Usage", permission=VIEW, response="Usage")
def get_usage(request: Request) -> dict[str, Any]:
    return usage(archive.snapshot(request.organization_id))


handler = router.handle
