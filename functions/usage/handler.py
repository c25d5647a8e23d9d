"""How many events an organisation brought in, by month."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.archive.store import ArchiveStore
from journeys.archive.usage import usage
from journeys.aws import dynamodb, s3
from journeys.cache import Cache
from journeys.http import Api, Request
from journeys.registry.clients.store import ClientStore
from journeys.settings import ArchiveSettings

USAGE = "/api/v2/journey/usage"
VIEW = "journey:usage:view"

settings = ArchiveSettings.read()
archive = ArchiveStore(dynamodb(), settings.registry_table, s3, settings.archive_bucket)
api = Api(Cache(ClientStore(dynamodb(), settings.registry_table).get))


@api.route("GET", USAGE, permission=VIEW)
def get_usage(request: Request) -> dict[str, Any]:
    return usage(archive.snapshot(request.organization_id))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
