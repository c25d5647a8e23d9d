"""API operations on failures: the events that were refused, and their replay."""

from typing import Any

from journeys import cursors, keys
from journeys.aws import dynamodb, s3
from journeys.errors import Conflict
from journeys.events.bindings import Bindings
from journeys.events.failures.model import FAILURE_REASONS
from journeys.events.failures.replay import Replay
from journeys.events.failures.requests import ReplayFilter
from journeys.events.failures.store import FailureStore
from journeys.events.failures.summary import summarize
from journeys.events.ingest import Ingest
from journeys.events.store import EventLog
from journeys.http.parameters import CURSOR, PAGE_SIZE, Parameter, choice, moment, optional_choice, text
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.jsontext import omit_none
from journeys.native.ingest import NativeIngest
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.response_size import count_fitting
from journeys.settings import IngestSettings
from journeys.webhooks.mapper import Mapper
from journeys.webhooks.processing import Processor
from journeys.webhooks.replaying import DeliveryReplay
from journeys.webhooks.store import EndpointStore

FAILURES = "/api/v2/journey/externalevents/failures"
FAILURE = f"{FAILURES}/<failure_id>"
TAG = "Failures"
VIEW, EDIT = (f"journey:externalEventsFailures:{action}" for action in ("view", "edit"))

CONFIGURATION = text("configurationId", "Only failures of this configuration.")
ENDPOINT = text("endpointId", "Only failures of deliveries to this webhook endpoint.")
REASON = optional_choice("reason", "Only failures with this reason.", FAILURE_REASONS)
STATUS = choice("status", "Only failures with this status.", ("all", "open", "resolved"))
FROM = moment("from", "Only failures whose last attempt was at or after this time.")
TO = moment("to", "Only failures whose last attempt was before this time.")
FILTERS: tuple[Parameter[Any], ...] = (CONFIGURATION, ENDPOINT, REASON, STATUS, FROM, TO)

settings = IngestSettings.read()
table = settings.registry_table
failures = FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket)
bindings = Bindings(ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table))
log = EventLog(dynamodb(), settings.events_table)
ingest = Ingest(log, failures, bindings)
deliveries = DeliveryReplay(EndpointStore(dynamodb(), table), bindings, Processor(ingest, Mapper(bindings), failures))
replay = Replay(ingest, failures, deliveries, NativeIngest(log, failures))
router = Router.for_registry(table)


@router.route(
    "GET",
    FAILURES,
    summary="List failures",
    tag=TAG,
    permission=VIEW,
    query=(*FILTERS, PAGE_SIZE, CURSOR),
    response="FailureListing",
)
def list_failures(request: Request) -> dict[str, Any]:
    size, cursor, status = request.get(PAGE_SIZE), request.get(CURSOR), request.get(STATUS)
    scope = ("failures", request.organization_id, *(str(request.get(filter_)) for filter_ in FILTERS))
    page = failures.newest_first(
        request.organization_id,
        size=size,
        since=request.get(FROM),
        until=request.get(TO),
        after=cursors.decode(cursor, keys.FAILURE_BY_TIME, *scope) if cursor is not None else None,
        configuration_id=request.get(CONFIGURATION),
        endpoint_id=request.get(ENDPOINT),
        reason=request.get(REASON),
        status=status if status != "all" else None,
    )
    entities = [failure.to_wire(whole=False) for _, failure in page.rows]
    fitting = count_fitting(entities)
    position = page.rows[fitting - 1][0] if fitting < len(entities) else page.position
    return omit_none(
        {
            "entities": entities[:fitting],
            "nextCursor": cursors.encode(position, *scope) if position is not None else None,
        }
    )


@router.route(
    "GET",
    f"{FAILURES}/summary",
    summary="Count failures by reason and configuration",
    tag=TAG,
    permission=VIEW,
    query=(FROM, TO),
    response="FailureSummary",
)
def summarize_failures(request: Request) -> dict[str, Any]:
    return summarize(failures.all_newest_first(request.organization_id, since=request.get(FROM), until=request.get(TO)))


@router.route(
    "POST",
    f"{FAILURES}/replay",
    summary="Replay failures",
    tag=TAG,
    permission=EDIT,
    body=ReplayFilter,
    response="ReplayResult",
)
def replay_failures(request: Request, body: ReplayFilter) -> dict[str, Any]:
    scope = ("replay", request.organization_id, *body.scope())
    progress = replay.matching(
        request.organization_id,
        configuration_id=body.configurationId,
        endpoint_id=body.endpointId,
        reason=body.reason,
        since=body.since_ms(),
        until=body.until_ms(),
        after=cursors.decode(body.cursor, keys.FAILURE_BY_TIME, *scope) if body.cursor is not None else None,
        request_id=request.request_id,
    )
    wire = progress.to_wire()
    if not wire["complete"] and progress.position is not None:
        wire["nextCursor"] = cursors.encode(progress.position, *scope)
    return wire


@router.route("GET", FAILURE, summary="Get a failure", tag=TAG, permission=VIEW, response="Failure")
def get_failure(request: Request, failure_id: str) -> dict[str, Any]:
    return failures.get(request.organization_id, failure_id).to_wire(whole=True)


@router.route(
    "POST",
    f"{FAILURE}/replay",
    summary="Replay one failure",
    tag=TAG,
    permission=EDIT,
    response="Failure",
    errors=(Conflict,),
)
def replay_failure(request: Request, failure_id: str) -> dict[str, Any]:
    return replay.one(request.organization_id, failure_id, request_id=request.request_id).to_wire(whole=True)


handler = router.handle
