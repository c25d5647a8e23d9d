"""Job operations for the API and for schedules: start, look up, list and cancel jobs, and read their results."""

from collections.abc import Collection
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from journeys import dates
from journeys.defects import report
from journeys.errors import BadRequest, Conflict, Detail, NotFound
from journeys.registry.event_types import EventTypes
from journeys.registry.limits import WAITING_JOBS
from journeys.registry.quotas.store import QuotaStore
from journeys.telemetry import emit_count
from journeys.views import tables
from journeys.views.jobs.model import NOT_QUEUED, Job, Kind, Status, accepted, accepted_paths, moment_of, scheduled_id
from journeys.views.jobs.options import Applied, JobOptions, check
from journeys.views.jobs.store import JobQueue, JobStore
from journeys.views.jobs.work.store import WorkStore
from journeys.views.model import View, ViewDefinition
from journeys.views.paths.model import PathDefinition
from journeys.views.schedules.model import Schedule
from journeys.views.store import ViewStore
from journeys.views.tables import TABLES, Table

DAY_MS = 86_400_000
MAX_ROWS_READ = 1000
"""Jobs that are read for one page of a listing."""


class JobWithView(NamedTuple):
    """A job, and the view as it was when the job was accepted."""

    job: Job
    view: View

    def to_wire(self) -> dict[str, Any]:
        """The contract's `JourneyViewJob`."""
        return self.job.to_wire(self.view)


class JobPage(NamedTuple):
    """A page of jobs. `position` is the id of the job after which the next page begins, or None at the end."""

    jobs: list[Job]
    position: str | None


class JobService:
    """Starts, looks up, lists and cancels an organization's jobs.

    To accept a job, the service first writes its row and then sends a message to the queue of the compute function.
    Jobs and their results are kept for `retention_days`.
    """

    def __init__(
        self,
        views: ViewStore,
        jobs: JobStore,
        queue: JobQueue,
        quotas: QuotaStore,
        event_types: EventTypes,
        retention_days: int,
    ) -> None:
        self._views, self._jobs, self._queue, self._quotas = views, jobs, queue, quotas
        self._event_types = event_types
        self._retention_ms = retention_days * DAY_MS

    def accept(
        self,
        organization_id: str,
        view_id: str,
        version: int,
        client_id: str,
        job_id: str,
        options: JobOptions | None = None,
    ) -> JobWithView:
        """Create a job with a new id for one version of a view.

        Raises BadRequest if the options do not fit the view, NotFound if the version does not exist, and
        TooManyWaiting. If the queue does not accept the message, marks the job as failed and raises TooManyRequests,
        ServiceUnavailable or ServerError.
        """
        view, job = self._new(organization_id, view_id, version, client_id, job_id, options)
        self._create_and_send(job)
        return JobWithView(job, view)

    def accept_once(
        self,
        organization_id: str,
        view_id: str,
        version: int,
        client_id: str,
        job_id: str,
        options: JobOptions | None = None,
    ) -> JobWithView:
        """Create the job with this id, or return it if a repeated request finds it.

        If the queue does not accept the message, the job waits: a repeated request sends the message again. Raises
        BadRequest if the options do not fit the view, NotFound if the version does not exist, TooManyWaiting, and the
        errors of the stores.
        """
        _, job = self._new(organization_id, view_id, version, client_id, job_id, options)
        return self._with_view(self._create_once(job))

    def accept_paths(self, organization_id: str, definition: PathDefinition, client_id: str, job_id: str) -> Job:
        """Create a job with a new id for paths. Raises the errors of `accept`, except NotFound."""
        job = self._new_paths(organization_id, definition, client_id, job_id)
        self._create_and_send(job, definition)
        return job

    def accept_paths_once(self, organization_id: str, definition: PathDefinition, client_id: str, job_id: str) -> Job:
        """Create the job of paths with this id, or return it if a repeated request finds it; as `accept_once`."""
        return self._create_once(self._new_paths(organization_id, definition, client_id, job_id), definition)

    def _new_paths(self, organization_id: str, definition: PathDefinition, client_id: str, job_id: str) -> Job:
        now = dates.now_ms()
        return accepted_paths(organization_id, definition, job_id, client_id, now=now, expires=now + self._retention_ms)

    def _new(
        self,
        organization_id: str,
        view_id: str,
        version: int,
        client_id: str,
        job_id: str,
        options: JobOptions | None,
    ) -> tuple[View, Job]:
        view, now = self._views.get_version(organization_id, view_id, version), dates.now_ms()
        # Listings select jobs by the moments of their ids.
        created, expires = moment_of(job_id), now + self._retention_ms
        if options is not None:
            schemas = self._event_types.by_id(organization_id) if options.breakdown else {}
            check(options, view.definition, created, schemas)
        return view, accepted(
            organization_id, view, job_id, client_id, date_created=created, now=now, expires=expires, options=options
        )

    def accept_scheduled(self, schedule: Schedule, due_ms: int) -> Job:
        """Create the job that a schedule has for a due date, for the latest version of the view.

        The view is computed as of `due_ms`, even if the timer runs late. The call is idempotent: the same schedule and
        due date always give the same job. Raises NotFound if the view does not exist, and the errors of the stores.
        """
        organization_id = schedule.organization_id
        view, job_id = self._views.get(organization_id, schedule.view_id), scheduled_id(schedule.view_id, due_ms)
        now = dates.now_ms()
        job = accepted(
            organization_id, view, job_id, schedule.client_id, date_created=due_ms, now=now,
            expires=now + self._retention_ms,
        )  # fmt: skip
        return self._create_once(job)

    def _create_and_send(self, job: Job, paths: PathDefinition | None = None) -> None:
        """Create a job and queue it. If the queue does not accept the message, mark the job as failed."""
        self._create(job, paths)
        try:
            self._queue.send(job.organization_id, job.job_id)
        except (ClientError, BotoCoreError) as error:
            response = report("a job could not be queued", error)
            self._jobs.fail(job.organization_id, job.job_id, NOT_QUEUED)
            emit_count("JobsFailed", reason=NOT_QUEUED.code)
            raise response from None

    def _create_once(self, job: Job, paths: PathDefinition | None = None) -> Job:
        """Create a job, or return the existing one with its id; queue it if it waits."""
        if not self._create(job, paths):
            job = self._jobs.get(job.organization_id, job.job_id)
        if job.status is Status.ACCEPTED:
            # Send even if the row existed: the run that wrote it may have stopped before it sent the message.
            self._queue.send(job.organization_id, job.job_id)
        return job

    def _create(self, job: Job, paths: PathDefinition | None) -> bool:
        """Store a new job. Returns False if a job with this id exists. Raises NotFound and TooManyWaiting."""
        most = self._quotas.get(job.organization_id, WAITING_JOBS).value
        if most == 0:
            raise WAITING_JOBS.reached(0, 0)
        return self._jobs.create(job, most, paths)

    def get(self, organization_id: str, view_id: str, version: int, job_id: str) -> JobWithView:
        """One job of a version. Raises NotFound, also if the view was deleted."""
        return self._with_view(self._find(organization_id, view_id, version, job_id))

    def get_latest(self, organization_id: str, view_id: str, version: int) -> JobWithView:
        """The most recently accepted job of a version without options. Raises NotFound."""
        self._views.get_version(organization_id, view_id, version)
        return self._with_view(self._jobs.latest(organization_id, view_id, version))

    def page(
        self,
        organization_id: str,
        *,
        size: int,
        skip: int = 0,
        after: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        statuses: Collection[Status] = frozenset(Status),
        client_id: str | None = None,
        view_id: str | None = None,
        kind: Kind = Kind.VIEW,
    ) -> JobPage:
        """Up to `size` of the organization's jobs, newest first: those that follow the job `after` and `skip` others.

        Filters: accepted at or after `since_ms` and before `until_ms` (milliseconds since 1970), with one of
        `statuses`, created by `client_id`, of the view `view_id`, and of one kind. None means no filter. A page with
        filters can be short although others follow, because it reads up to MAX_ROWS_READ jobs. Raises BadRequest if the
        page begins after these.
        """
        wanted, read, now = skip + size, 0, dates.now_ms()
        found: list[Job] = []
        while read < MAX_ROWS_READ and wanted < MAX_ROWS_READ:
            limit = min(wanted + 1, MAX_ROWS_READ - read)  # One more shows whether others follow.
            jobs, ended = self._jobs.newest_first(organization_id, since_ms, until_ms, after=after, limit=limit)
            for job in jobs:
                if job.kind is not kind or job.status not in statuses or job.expires <= now:
                    continue
                if client_id not in (None, job.user_id) or view_id not in (None, job.view_id):
                    continue
                if len(found) == wanted:
                    return JobPage(found[skip:], found[-1].job_id)
                found.append(job)
            if ended:
                return JobPage(found[skip:], None)
            read, after = read + len(jobs), jobs[-1].job_id
        if len(found) <= skip and skip:
            raise BadRequest(
                f"The page begins after the newest {MAX_ROWS_READ} jobs. Follow the nextUri of the previous page, or "
                "use the query parameter interval.",
                code="page.too.far",
                details=[Detail("page.too.far", "pageNumber")],
            )
        return JobPage(found[skip:], after)

    def cancel(self, organization_id: str, view_id: str, version: int, job_id: str) -> JobWithView:
        """Cancel a job; a job that is already canceled stays so. Raises NotFound, and Conflict if the job has ended."""
        self._find(organization_id, view_id, version, job_id)
        return self._with_view(self._jobs.cancel(organization_id, job_id))

    def get_any(self, organization_id: str, job_id: str) -> Job:
        """One job of any view, or of paths. Raises NotFound."""
        return self._jobs.get(organization_id, job_id)

    def get_complete(self, organization_id: str, view_id: str, version: int, job_id: str) -> Job:
        """One job that has a result. Raises NotFound, and Conflict if the job is not complete."""
        return require_complete(self._find(organization_id, view_id, version, job_id))

    def _find(self, organization_id: str, view_id: str, version: int, job_id: str) -> Job:
        self._views.get_version(organization_id, view_id, version)
        job = self._jobs.get(organization_id, job_id)
        if (job.view_id, job.version) != (view_id, version):
            raise NotFound("This version of the view has no job with this id.")
        return job

    def get_paths(self, organization_id: str, job_id: str) -> tuple[Job, PathDefinition]:
        """One job of paths, and its definition. Raises NotFound."""
        job = self._find_paths(organization_id, job_id)
        return job, self._jobs.paths(job)

    def cancel_paths(self, organization_id: str, job_id: str) -> tuple[Job, PathDefinition]:
        """Cancel a job of paths, as `cancel`."""
        job = self._find_paths(organization_id, job_id)
        return self._jobs.cancel(organization_id, job_id), self._jobs.paths(job)

    def get_complete_paths(self, organization_id: str, job_id: str) -> Job:
        """One job of paths that has a result. Raises NotFound, and Conflict if the job is not complete."""
        return require_complete(self._find_paths(organization_id, job_id))

    def _find_paths(self, organization_id: str, job_id: str) -> Job:
        job = self._jobs.get(organization_id, job_id)
        if job.kind is not Kind.PATHS:
            raise NotFound("There is no job of paths with this id.")
        return job

    def _with_view(self, job: Job) -> JobWithView:
        return JobWithView(job, self.computed_view(job))

    def computed_view(self, job: Job) -> View:
        """The view as it was when the job was accepted."""
        return self._jobs.view(job)

    def applied_view(self, job: Job) -> Applied[ViewDefinition]:
        """What the job computed: its view's definition with its options, and the time that it was computed as of."""
        return self._jobs.applied_view(job)


def require_complete(job: Job, name: str = "the job") -> Job:
    """The job. Raises Conflict if it has no result; `name` says which job that is."""
    if job.status is not Status.COMPLETE:
        raise Conflict(
            f"The status of {name} is {job.status}. Only a job with the status Complete has results.",
            code="job.not.complete",
            params={"status": job.status},
        )
    return job


class JobResults:
    """Reads the results of complete jobs."""

    def __init__(self, jobs: JobService, work: WorkStore) -> None:
        self._jobs, self._work = jobs, work

    def get(self, organization_id: str, view_id: str, version: int, job_id: str) -> dict[str, Any]:
        """The contract's `JourneyViewResult`. Raises NotFound, and Conflict if the job is not complete."""
        job, result = self._read(organization_id, view_id, version, job_id)
        charts = [_chart_to_wire(job, chart) for chart in result["charts"]]
        return result | {"charts": charts} | _data_until(job)

    def get_chart(self, organization_id: str, view_id: str, version: int, job_id: str, chart_id: str) -> dict[str, Any]:
        """The contract's `JourneyViewChartResult`. Raises NotFound, and Conflict if the job is not complete."""
        job, result = self._read(organization_id, view_id, version, job_id)
        for chart in result["charts"]:
            if chart["id"] == chart_id:
                return _chart_to_wire(job, chart) | _data_until(job)
        raise _no_chart()

    def table(self, organization_id: str, view_id: str, version: int, job_id: str, name: str) -> Table:
        """A table of the result, by its name in TABLES. Raises NotFound, and Conflict if the job is not complete."""
        job, result = self._read(organization_id, view_id, version, job_id)
        return TABLES[name](self._jobs.computed_view(job).definition, result)

    def chart_table(self, organization_id: str, view_id: str, version: int, job_id: str, chart_id: str) -> Table:
        """The table of one chart. Raises NotFound, and Conflict if the job is not complete."""
        job, result = self._read(organization_id, view_id, version, job_id)
        own = [chart for chart in result["charts"] if chart["id"] == chart_id]
        if not own:
            raise _no_chart()
        return tables.charts(self._jobs.computed_view(job).definition, {"charts": own})

    def get_paths(self, organization_id: str, job_id: str) -> dict[str, Any]:
        """The result of a job of paths. Raises NotFound, and Conflict if the job is not complete."""
        job = self._jobs.get_complete_paths(organization_id, job_id)
        return self._work.result(job) | _data_until(job) | {"selfUri": f"{job.path}/results"}

    def _read(self, organization_id: str, view_id: str, version: int, job_id: str) -> tuple[Job, dict[str, Any]]:
        job = self._jobs.get_complete(organization_id, view_id, version, job_id)
        return job, self._work.result(job)


def _chart_to_wire(job: Job, chart: dict[str, Any]) -> dict[str, Any]:
    return chart | {"selfUri": f"{job.path}/results/charts/{chart['id']}"}


def _no_chart() -> NotFound:
    return NotFound("The view has no chart with this id.")


def _data_until(job: Job) -> dict[str, Any]:
    return {"dateDataUntil": dates.text(job.received)} if job.received else {}
