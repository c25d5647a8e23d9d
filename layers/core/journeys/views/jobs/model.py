"""A job: the computation of one version of a view, or of paths, from its acceptance to its end."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from journeys import dates
from journeys.jsontext import omit_none
from journeys.views.jobs.options import JobOptions
from journeys.views.model import View
from journeys.views.paths.model import PATHS, PathDefinition

START_DEADLINE_MS = 604_800_000
"""Milliseconds that a job can wait for its first attempt, seven days. After that it has failed.

This bounds the time that a job waits for others, and is shorter than the time that the queue keeps its message.
"""
ATTEMPT_DEADLINE_MS = 3_600_000
"""Milliseconds that an attempt can take, one hour. After that the job has failed.

This is longer than the queue's visibility timeout and the state machine's time limit, so both can still retry.
"""


NEVER = 10**14
"""A time in milliseconds after all others."""


class Status(StrEnum):
    """The contract's job `status`. `Scheduled` is part of the contract, but no job has it."""

    ACCEPTED = "Accepted"
    EXECUTING = "Executing"
    COMPLETE = "Complete"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    SCHEDULED = "Scheduled"


class Kind(StrEnum):
    """What a job computes."""

    VIEW = "View"
    PATHS = "Paths"


UNFINISHED = (Status.ACCEPTED, Status.EXECUTING)


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, as shown to the analyst."""

    code: str
    message: str


LOST = JobError("job.lost", "The computation did not end in time. Create a new job.")
BROKEN = JobError("computation.failed", "The computation failed repeatedly: a server error. Create a new job.")
NOT_QUEUED = JobError("job.not.queued", "The job could not be queued. Create a new job.")


@dataclass(frozen=True, slots=True)
class Job:
    """A job. All dates are milliseconds since 1970.

    `date_created` is the time T that the view is computed as of. `attempt` is the number of the current attempt, the
    only one that can complete the job; it is 0 before the first. `received` is when the newest event in the archive was
    received, at the time that the result was computed from. `revision` is that of the view's version when the job was
    accepted. The job and its result do not exist after `expires`. A job of paths has no view: its `view_id` is empty.
    `options` are what a job of a view computes differently from its view.

    A job that is unfinished at its `deadline` has failed. Every write requires that the deadline has not passed.
    Therefore no job executes forever, and no job that was shown as failed completes later.
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
    revision: int = 1
    expires: int = NEVER
    attempt: int = 0
    received: int | None = None
    date_completed: int | None = None
    error: JobError | None = None
    kind: Kind = Kind.VIEW
    options: JobOptions | None = None

    def seen_at(self, now: int) -> "Job":
        """The job as of `now`. An unfinished job past its deadline has failed, although no write has recorded it."""
        if self.status not in UNFINISHED or self.deadline > now:
            return self
        return replace(self, status=Status.FAILED, date_completed=self.deadline, error=LOST)

    @property
    def date_accepted(self) -> int:
        """When the job was accepted, which set the deadline; the job must be waiting for its first attempt."""
        return self.deadline - START_DEADLINE_MS

    @property
    def date_begun(self) -> int:
        """When the current attempt started. The start set the deadline; the job must have had an attempt."""
        return self.deadline - ATTEMPT_DEADLINE_MS

    @property
    def path(self) -> str:
        """The job's path in the API."""
        if self.kind is Kind.PATHS:
            return f"{PATHS}/jobs/{self.job_id}"
        return f"/api/v2/journey/views/{self.view_id}/versions/{self.version}/jobs/{self.job_id}"

    def to_wire(self, view: View | None = None) -> dict[str, Any]:
        """The contract's `JourneyViewJob`, with three additional fields.

        `options` are what the job computes differently from its view. `error` says why the job failed. `dateDataUntil`
        is when the newest event in the archive was received. Without `view`, `journeyView` has the view's id, version,
        name and address only.
        """
        options = self.options.to_values() if self.options else None
        return self._to_wire({"journeyView": view.to_wire() if view else self._view_to_wire(), "options": options})

    def paths_to_wire(self, definition: PathDefinition | None = None) -> dict[str, Any]:
        """A job of paths, with or without its definition."""
        return self._to_wire({"name": self.name, "definition": definition.to_values() if definition else None})

    def _to_wire(self, content: Mapping[str, Any]) -> dict[str, Any]:
        return omit_none(
            {
                "id": self.job_id,
                "dateCreated": dates.text(self.date_created),
                "dateCompleted": dates.text(self.date_completed) if self.date_completed is not None else None,
                "status": self.status,
                **content,
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
        """The attributes of the job's item, without its key."""
        return {
            "jobId": self.job_id,
            "kind": str(self.kind),
            "viewId": self.view_id,
            "version": self.version,
            "name": self.name,
            "userId": self.user_id,
            "status": str(self.status),
            "dateCreated": dates.text(self.date_created),
            "deadline": self.deadline,
            "revision": self.revision,
            "expires": self.expires // 1000,  # DynamoDB's time to live is in seconds.
            "attempt": self.attempt,
            "received": self.received,
            "dateCompleted": dates.text(self.date_completed) if self.date_completed is not None else None,
            "error": {"code": self.error.code, "message": self.error.message} if self.error else None,
            "options": self.options.to_values() if self.options else None,
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
            revision=values.get("revision", 1),
            expires=values["expires"] * 1000 if "expires" in values else NEVER,
            attempt=values["attempt"],
            received=values.get("received"),
            date_completed=dates.parse(values["dateCompleted"]) if "dateCompleted" in values else None,
            error=JobError(error["code"], error["message"]) if error else None,
            kind=Kind(values.get("kind", Kind.VIEW)),
            options=JobOptions.model_validate(values["options"]) if "options" in values else None,
        )


def accepted(
    organization_id: str,
    view: View,
    job_id: str,
    user_id: str,
    *,
    date_created: int,
    now: int,
    expires: int,
    options: JobOptions | None = None,
) -> Job:
    """A new job that waits for its first attempt. Dates are milliseconds since 1970."""
    return Job(
        organization_id=organization_id,
        job_id=job_id,
        view_id=view.view_id,
        version=view.version,
        name=view.definition.name,
        user_id=user_id,
        status=Status.ACCEPTED,
        date_created=date_created,
        deadline=now + START_DEADLINE_MS,
        revision=view.revision,
        expires=expires,
        options=options,
    )


def accepted_paths(
    organization_id: str, definition: PathDefinition, job_id: str, user_id: str, *, now: int, expires: int
) -> Job:
    """A new job of paths that waits for its first attempt. Dates are milliseconds since 1970."""
    return Job(
        organization_id=organization_id,
        job_id=job_id,
        view_id="",
        version=0,
        name=definition.name,
        user_id=user_id,
        status=Status.ACCEPTED,
        date_created=moment_of(job_id),
        deadline=now + START_DEADLINE_MS,
        expires=expires,
        kind=Kind.PATHS,
    )


# -- ids ---------------------------------------------------------------------------------------------------------------


def new_id(moment: int) -> str:
    """A new job id: a UUID of version 7. Ids sort by `moment`, in milliseconds since 1970."""
    return _id(moment, secrets.randbits(74))


def moment_of(job_id: str) -> int:
    """The moment of a job's id, in milliseconds since 1970."""
    return uuid.UUID(job_id).int >> 80


def scheduled_id(view_id: str, moment: int) -> str:
    """The id of the job that a view's schedule creates for a due date. The same arguments give the same id."""
    digest = blake2b(f"{view_id}\n{moment}".encode(), digest_size=10).digest()
    return _id(moment, int.from_bytes(digest, "big") & ((1 << 74) - 1))


def lowest_id(moment: int) -> str:
    """A lower bound, as text, for the ids of `moment` and of all later moments."""
    return f"{moment:012x}"[:8] + "-" + f"{moment:012x}"[8:]


def _id(moment: int, rest: int) -> str:
    high, low = rest >> 62, rest & ((1 << 62) - 1)
    return str(uuid.UUID(int=moment << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
