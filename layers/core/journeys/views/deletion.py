"""Deletes a view with everything that belongs to it. A deletion that was interrupted can be continued.

First the view is marked, and its schedule is deleted: from then on no request finds the view or adds to it. Then its
jobs, their results, its versions and its charts are deleted in batches. The view's own item is deleted last, so a
repeated deletion finds what is left.
"""

from collections.abc import Callable

from journeys import keys
from journeys.errors import ServiceUnavailable
from journeys.views.jobs.store import JobStore
from journeys.views.jobs.work.store import WorkStore
from journeys.views.store import ViewStore

BATCH = 100
"""Items of a view that are deleted at a time."""


class ViewDeletion:
    """Deletes views."""

    def __init__(self, views: ViewStore, jobs: JobStore, work: WorkStore) -> None:
        self._views, self._jobs, self._work = views, jobs, work

    def delete(self, organization_id: str, view_id: str, is_time_left: Callable[[], bool]) -> None:
        """Delete a view, or continue its deletion.

        Raises NotFound if there is no such view, and ServiceUnavailable if the time is used up before the end.
        """
        self._views.start_deletion(organization_id, view_id)
        while parts := self._views.parts(organization_id, view_id, BATCH):
            if not is_time_left():
                raise ServiceUnavailable("The view is partly deleted. Send the request again to delete the rest.")
            self._delete_jobs(organization_id, [key for key in map(keys.job_of_version, parts) if key is not None])
            self._views.delete_parts(organization_id, view_id, parts)
        self._views.finish_deletion(organization_id, view_id)

    def _delete_jobs(self, organization_id: str, job_ids: list[str]) -> None:
        """Delete jobs and their results. Attempts that are running do not find their jobs anymore."""
        if not job_ids:
            return
        for job in self._jobs.find(organization_id, job_ids):
            self._jobs.end(job)
        # An attempt could start until its job ended, so the number of attempts is read after that.
        self._work.delete_results(self._jobs.find(organization_id, job_ids))
        self._jobs.delete(organization_id, job_ids)
