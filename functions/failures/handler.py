"""Failed events: what was not taken in and why, and trying it again."""

from itertools import islice
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from journeys import cursors, dates
from journeys.aws import dynamodb, s3
from journeys.cache import Cache
from journeys.events.bindings import Bindings
from journeys.events.failures.replay import Replay
from journeys.events.failures.store import FailureStore
from journeys.events.failures.summary import summarize
from journeys.events.ingest import Ingest
from journeys.events.store import EventLog
from journeys.http import Api, Request
from journeys.jsontext import omit_none
from journeys.registry.clients.store import ClientStore
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.response_size import count_fitting
from journeys.settings import IngestSettings

FAILURES = "/api/v2/journey/externalevents/failures"
FAILURE = f"{FAILURES}/<failure_id>"
VIEW, EDIT = (f"journey:externalEventsFailures:{action}" for action in ("view", "edit"))

settings = IngestSettings.read()
table = settings.registry_table
failures = FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket)
ingest = Ingest(
    EventLog(dynamodb(), settings.events_table),
    failures,
    Bindings(ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table)),
)
replay = Replay(ingest, failures)
api = Api(Cache(ClientStore(dynamodb(), table).get))


def _moment(text: str) -> str:
    dates.parse(text)
    return text


Moment = Annotated[str, AfterValidator(_moment)]


class ReplayFilter(BaseModel):
    """Which open failures to replay: all that match everything given."""

    model_config = ConfigDict(strict=True, extra="forbid")

    configurationId: str | None = None
    reason: str | None = None
    since: Moment | None = Field(default=None, alias="from")
    until: Moment | None = Field(default=None, alias="to")


@api.route("GET", FAILURES, permission=VIEW)
def list_failures(request: Request) -> dict[str, Any]:
    size = request.page_size()
    filters = {name: request.text(name) for name in ("configurationId", "reason", "from", "to")}
    status = request.choice("status", ("all", "open", "resolved"))
    scope = ("failures", request.organization_id, status, *map(str, filters.values()))
    cursor = request.text("cursor")
    found = failures.newest_first(
        request.organization_id,
        since=request.moment("from"),
        until=request.moment("to"),
        after=cursors.decode(cursor, *scope) if cursor is not None else None,
        page=size + 2,
        configuration_id=filters["configurationId"],
        reason=filters["reason"],
        status=status if status != "all" else None,
    )
    page = list(islice(found, size + 1))
    entities = [failure.to_wire(whole=False) for _, failure in page[:size]]
    fit = count_fitting(entities)
    return omit_none(
        {
            "entities": entities[:fit],
            "nextCursor": cursors.encode(page[fit - 1][0], *scope) if len(page) > fit else None,
        }
    )


@api.route("GET", f"{FAILURES}/summary", permission=VIEW)
def get_summary(request: Request) -> dict[str, Any]:
    return summarize(
        failures.newest_first(request.organization_id, since=request.moment("from"), until=request.moment("to"))
    )


@api.route("POST", f"{FAILURES}/replay", permission=EDIT)
def replay_matching(request: Request) -> dict[str, Any]:
    given = request.model(ReplayFilter)
    return replay.matching(
        request.organization_id,
        configuration_id=given.configurationId,
        reason=given.reason,
        since=dates.parse(given.since) if given.since is not None else None,
        until=dates.parse(given.until) if given.until is not None else None,
        request_id=request.request_id,
    )


@api.route("GET", FAILURE, permission=VIEW)
def get_failure(request: Request, failure_id: str) -> dict[str, Any]:
    return failures.get(request.organization_id, failure_id).to_wire(whole=True)


@api.route("POST", f"{FAILURE}/replay", permission=EDIT)
def replay_one(request: Request, failure_id: str) -> dict[str, Any]:
    return replay.one(request.organization_id, failure_id, request_id=request.request_id).to_wire(whole=True)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
