"""The specification of one attempt at a job, fixed when the attempt starts so that all parts compute the same view."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from journeys.archive.columns import BUCKETS
from journeys.archive.model import Snapshot
from journeys.errors import NotFound
from journeys.registry.schemas.kinds import AttributeKind
from journeys.registry.schemas.model import Schema
from journeys.views.computation.plan import ComputationPlan, EventType, compile_plan
from journeys.views.jobs.model import Job
from journeys.views.model import ViewDefinition

Buckets = tuple[int, int]
"""The first and the last of consecutive customer buckets."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """Everything that an attempt needs to compute its job.

    `at` is the time T that the view is computed as of, in milliseconds since 1970. `types` are the event types of the
    view's elements by the id of the event definition. `snapshot` names the archive's files when the attempt started.
    `parts` has the buckets of each part.
    """

    organization_id: str
    job_id: str
    attempt: int
    at: int
    definition: ViewDefinition
    types: Mapping[str, EventType]
    snapshot: Snapshot
    parts: tuple[Buckets, ...]

    def plan(self) -> ComputationPlan:
        return compile_plan(self.definition, self.types, self.at)

    def to_values(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "organizationId": self.organization_id,
            "jobId": self.job_id,
            "attempt": self.attempt,
            "at": self.at,
            "definition": self.definition.to_values(),
            "types": {
                id_: {
                    "slot": event_type.slot,
                    "fields": {name: str(kind) for name, kind in event_type.fields.items()},
                }
                for id_, event_type in self.types.items()
            },
            "snapshot": self.snapshot.to_values(),
            "parts": [list(buckets) for buckets in self.parts],
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "JobSpec":
        return cls(
            organization_id=values["organizationId"],
            job_id=values["jobId"],
            attempt=values["attempt"],
            at=values["at"],
            definition=ViewDefinition.model_validate(values["definition"]),
            types={
                id_: EventType(stored["slot"], {name: AttributeKind(kind) for name, kind in stored["fields"].items()})
                for id_, stored in values["types"].items()
            },
            snapshot=Snapshot.from_values(values["snapshot"]),
            parts=tuple((first, last) for first, last in values["parts"]),
        )


def make_spec(
    job: Job,
    definition: ViewDefinition,
    schema: Callable[[str, str], Schema],
    snapshot: Snapshot,
    events_per_run: int,
) -> JobSpec:
    """The specification of a job's current attempt.

    `schema` looks up an event type by organization and id. Raises NotFound if an event type of the view was deleted,
    and BrokenView if the view does not fit its event types.
    """
    type_ids = {element.attributes.id for element in definition.elements}
    types = {id_: _event_type(schema, job, id_) for id_ in type_ids}
    plan = compile_plan(definition, types, job.date_created)
    return JobSpec(
        organization_id=job.organization_id,
        job_id=job.job_id,
        attempt=job.attempt,
        at=job.date_created,
        definition=definition,
        types=types,
        snapshot=snapshot,
        parts=split(snapshot.within(plan.start, plan.end), events_per_run),
    )


def _event_type(schema: Callable[[str, str], Schema], job: Job, id_: str) -> EventType:
    try:
        found = schema(job.organization_id, id_)
    except NotFound:
        raise NotFound(
            f"The view uses the event definition {id_}, which was deleted. Edit the view's elements.",
            code="event.definition.gone",
        ) from None
    return EventType(found.slot, {name: field.kind for name, field in found.document.fields.items()})


def split(snapshot: Snapshot, events_per_run: int) -> tuple[Buckets, ...]:
    """Split all buckets into as few parts as possible with at most `events_per_run` events each.

    A part has at least one bucket, even if that has more events. The events of a file count as evenly distributed over
    its buckets, because customer hashes are.
    """
    rows = [0.0] * BUCKETS
    for file in snapshot.files:
        buckets = range(file.first_bucket, file.last_bucket + 1)
        for bucket in buckets:
            rows[bucket] += file.rows / len(buckets)
    parts: list[Buckets] = []
    first, filled = 0, 0.0
    for bucket, more in enumerate(rows):
        if bucket > first and filled + more > events_per_run:
            parts.append((first, bucket - 1))
            first, filled = bucket, 0.0
        filled += more
    return (*parts, (first, BUCKETS - 1))
