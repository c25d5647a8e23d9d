"""A job: one computation of one version of a view, from its acceptance to its end."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from journeys import dates
from journeys.jsontext import omit_none
from journeys.views.model import View

ACCEPTED_MS = 7_200_000
"""How long a job may wait to be begun before it counts as lost."""
EXECUTING_MS = 1_800_000
"""How long a try may take: more than until the queue hands its message out again, and than the state machine runs."""


class Status(StrEnum):
    """The contract's `status`; none of ours is ever Scheduled."""

    ACCEPTED = "Accepted"
    EXECUTING = "Executing"
    COMPLETE = "Complete"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    SCHEDULED = "Scheduled"


UNFINISHED = (Status.ACCEPTED, Status.EXECUTING)


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, for the analyst."""

    code: str
    message: str


LOST = JobError("job.lost", "The computation did not end in time; start a new job.")
BROKEN = JobError("computation.failed", "The computation failed here, several times; start a new job.")
NOT_QUEUED = JobError("job.not.queued", "The job could not be queued; start a new job.")


@dataclass(frozen=True, slots=True)
class Job:
    """`date_created` is the moment T that the view is computed for, `attempt` the try that may complete the job, and
    `received` the newest receipt in the archive that its result was computed from. Dates are milliseconds.

    A job that is unfinished at its deadline has failed, and every write demands that it has not come yet: so nothing
    executes for ever, and no job that was seen as failed completes.
    """

    organization_id: str
    job_id: str
    view_id: str
    version: int
    name: str
    user_id: str
    status: Status
    date_created: int
    deadline: int
    attempt: int = 0
    received: int | None = None
    date_completed: int | None = None
    error: JobError | None = None

    def seen_at(self, now: int) -> "Job":
        """The job as it is at that moment: a lost one has failed, though nobody was left to write so."""
        if self.status not in UNFINISHED or self.deadline > now:
            return self
        return replace(self, status=Status.FAILED, date_completed=self.deadline, error=LOST)

    @property
    def date_begun(self) -> int:
        """When the last try was claimed, which set the deadline; of a job that was claimed at all."""
        return self.deadline - EXECUTING_MS

    @property
    def path(self) -> str:
        """Where the API has the job."""
        return f"/api/v2/journey/views/{self.view_id}/versions/{self.version}/jobs/{self.job_id}"

    def to_wire(self, view: View | None = None) -> dict[str, Any]:
        """The contract's `JourneyViewJob`, with the view as it was at acceptance, or its name alone; and ours: `error`
        and `dateDataUntil`, the newest receipt in the archive that the result was computed from."""
        return omit_none(
            {
                "id": self.job_id,
                "dateCreated": dates.text(self.date_created),
                "dateCompleted": dates.text(self.date_completed) if self.date_completed is not None else None,
                "status": self.status,
                "journeyView": view.to_wire() if view else self._view_to_wire(),
                "userId": self.user_id,
                "error": {"code": self.error.code, "message": self.error.message} if self.error else None,
                "dateDataUntil": dates.text(self.received) if self.received else None,
                "selfUri": self.path,
            }
        )

    def _view_to_wire(self) -> dict[str, Any]:
        self_uri = f"/api/v2/journey/views/{self.view_id}/versions/{self.version}"
        return {"id": self.view_id, "version": self.version, "name": self.name, "selfUri": self_uri}

    def to_values(self) -> dict[str, Any]:
        """What a row holds, beside its key."""
        return {
            "jobId": self.job_id,
            "viewId": self.view_id,
            "version": self.version,
            "name": self.name,
            "userId": self.user_id,
            "status": str(self.status),
            "dateCreated": dates.text(self.date_created),
            "deadline": self.deadline,
            "attempt": self.attempt,
            "received": self.received,
            "dateCompleted": dates.text(self.date_completed) if self.date_completed is not None else None,
            "error": {"code": self.error.code, "message": self.error.message} if self.error else None,
        }

    @classmethod
    def from_values(cls, organization_id: str, values: Mapping[str, Any]) -> "Job":
        error = values.get("error")
        return cls(
            organization_id=organization_id,
            job_id=values["jobId"],
            view_id=values["viewId"],
            version=values["version"],
            name=values["name"],
            user_id=values["userId"],
            status=Status(values["status"]),
            date_created=dates.parse(values["dateCreated"]),
            deadline=values["deadline"],
            attempt=values["attempt"],
            received=values.get("received"),
            date_completed=dates.parse(values["dateCompleted"]) if "dateCompleted" in values else None,
            error=JobError(error["code"], error["message"]) if error else None,
        )


def accepted(organization_id: str, view: View, job_id: str, user_id: str, *, date_created: int, now: int) -> Job:
    """A new job, which waits to be begun."""
    return Job(
        organization_id=organization_id,
        job_id=job_id,
        view_id=view.view_id,
        version=view.version,
        name=view.definition.name,
        user_id=user_id,
        status=Status.ACCEPTED,
        date_created=date_created,
        deadline=now + ACCEPTED_MS,
    )


# -- ids ---------------------------------------------------------------------------------------------------------------


def new_id(moment: int) -> str:
    """An id for a job of that moment, in the form of a UUID (version 7); ids sort as their moments do."""
    return _id(moment, secrets.randbits(74))


def scheduled_id(view_id: str, moment: int) -> str:
    """The id of the job that a view's schedule makes for a moment: the same however often it is made."""
    digest = blake2b(f"{view_id}\n{moment}".encode(), digest_size=10).digest()
    return _id(moment, int.from_bytes(digest, "big") & ((1 << 74) - 1))


def lowest_id(moment: int) -> str:
    """What the ids of a moment, and of all later ones, are not less than."""
    return f"{moment:012x}"[:8] + "-" + f"{moment:012x}"[8:]


def _id(moment: int, rest: int) -> str:
    high, low = rest >> 62, rest & ((1 << 62) - 1)
    return str(uuid.UUID(int=moment << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
