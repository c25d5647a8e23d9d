"""Compares the result of a job with that of another job of the same view."""

from typing import Any

from journeys import dates
from journeys.errors import BadRequest, Detail, NotFound
from journeys.jsontext import omit_none
from journeys.views.comparison import Computed, compare
from journeys.views.jobs.model import Job, Kind
from journeys.views.jobs.service import JobService, require_complete
from journeys.views.jobs.work.store import WorkStore

OTHER_JOB = "jobId"
"""The query parameter with the id of the other job."""


class JobComparison:
    """Compares the results of complete jobs."""

    def __init__(self, jobs: JobService, work: WorkStore) -> None:
        self._jobs, self._work = jobs, work

    def get(self, organization_id: str, view_id: str, version: int, job_id: str, other_id: str) -> dict[str, Any]:
        """The comparison of a job with another one, which can be of another version of the view.

        Raises BadRequest if the jobs cannot be compared, NotFound, and Conflict if one of them is not complete.
        """
        job = self._jobs.get_complete(organization_id, view_id, version, job_id)
        if other_id == job_id:
            raise _not_comparable("A job cannot be compared with itself. Use the id of another job of the view.")
        other = self._other(organization_id, view_id, other_id)
        computed, other_computed = self._computed(job), self._computed(other)
        return {
            "job": _to_wire(job, computed),
            "otherJob": _to_wire(other, other_computed),
            **compare(computed, other_computed),
            "selfUri": f"{job.path}/results/comparison?{OTHER_JOB}={other_id}",
        }

    def _other(self, organization_id: str, view_id: str, job_id: str) -> Job:
        try:
            job = self._jobs.get_any(organization_id, job_id)
        except NotFound:
            raise NotFound(f"There is no job with the id in {OTHER_JOB}.") from None
        if job.kind is Kind.PATHS:
            raise _not_comparable(f"The job in {OTHER_JOB} computes paths. Use the id of a job of the same view.")
        if job.view_id != view_id:
            raise _not_comparable(
                f"The job in {OTHER_JOB} computes another view. Use the id of a job of the same view."
            )
        return require_complete(job, f"the job in {OTHER_JOB}")

    def _computed(self, job: Job) -> Computed:
        return Computed(*self._jobs.applied_view(job), self._work.result(job))


def _not_comparable(message: str) -> BadRequest:
    return BadRequest(message, code="not.comparable", details=[Detail("not.comparable", OTHER_JOB)])


def _to_wire(job: Job, computed: Computed) -> dict[str, Any]:
    return omit_none(
        {
            "id": job.job_id,
            "version": job.version,
            "dateCreated": dates.text(job.date_created),
            "interval": computed.interval_text(),
            "options": job.options.to_values() if job.options else None,
            "dateDataUntil": dates.text(job.received) if job.received else None,
            "selfUri": job.path,
        }
    )
