"""A work order: all that a try of a job needs to know, fixed when the try begins, so that every part sees the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from journeys.archive.columns import BUCKETS
from journeys.archive.model import Snapshot
from journeys.errors import NotFound
from journeys.registry.schemas.kinds import AttributeKind
from journeys.registry.schemas.model import Schema
from journeys.views.computation.plan import EventType, Plan, compile_plan
from journeys.views.jobs.model import Job
from journeys.views.model import ViewDefinition

Buckets = tuple[int, int]
"""The first and the last of some buckets of customers."""


@dataclass(frozen=True, slots=True)
class Order:
    """`at` is the moment T that the view is computed for; `parts` are the buckets of each part."""

    organization_id: str
    job_id: str
    attempt: int
    at: int
    definition: ViewDefinition
    types: Mapping[str, EventType]
    snapshot: Snapshot
    parts: tuple[Buckets, ...]

    def plan(self) -> Plan:
        return compile_plan(self.definition, self.types, self.at)

    def to_values(self) -> dict[str, Any]:
        """A form that JSON can hold."""
        return {
            "organizationId": self.organization_id,
            "jobId": self.job_id,
            "attempt": self.attempt,
            "at": self.at,
            "definition": self.definition.to_values(),
            "types": {
                id_: {"slot": one.slot, "fields": {name: str(kind) for name, kind in one.fields.items()}}
                for id_, one in self.types.items()
            },
            "snapshot": self.snapshot.to_values(),
            "parts": [list(buckets) for buckets in self.parts],
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Order":
        return cls(
            organization_id=values["organizationId"],
            job_id=values["jobId"],
            attempt=values["attempt"],
            at=values["at"],
            definition=ViewDefinition.model_validate(values["definition"]),
            types={
                id_: EventType(one["slot"], {name: AttributeKind(kind) for name, kind in one["fields"].items()})
                for id_, one in values["types"].items()
            },
            snapshot=Snapshot.from_values(values["snapshot"]),
            parts=tuple((first, last) for first, last in values["parts"]),
        )


def make_order(
    job: Job,
    definition: ViewDefinition,
    schema: Callable[[str, str], Schema],
    snapshot: Snapshot,
    events_per_run: int,
) -> Order:
    """The order of a job's present try. Raises NotFound where an event type of the view is gone."""
    types = {id_: _event_type(schema, job, id_) for id_ in {one.attributes.id for one in definition.elements}}
    plan = compile_plan(definition, types, job.date_created)
    return Order(
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
            f"The view names the event definition {id_}, which is gone.", code="event.definition.gone"
        ) from None
    return EventType(found.slot, {name: field.kind for name, field in found.document.fields.items()})


def split(snapshot: Snapshot, events_per_run: int) -> tuple[Buckets, ...]:
    """All buckets in as few parts as will do with that many events each; one bucket is the least that a part has.

    A file's events count as spread evenly over its buckets, as customers' hashes are.
    """
    rows = [0.0] * BUCKETS
    for file in snapshot.files:
        held = range(file.first_bucket, file.last_bucket + 1)
        for bucket in held:
            rows[bucket] += file.rows / len(held)
    parts: list[Buckets] = []
    first, filled = 0, 0.0
    for bucket, more in enumerate(rows):
        if bucket > first and filled + more > events_per_run:
            parts.append((first, bucket - 1))
            first, filled = bucket, 0.0
        filled += more
    return (*parts, (first, BUCKETS - 1))
