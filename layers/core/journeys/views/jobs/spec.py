"""The specification of one attempt at a job, fixed when the attempt starts so that all parts compute the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from journeys.archive.columns import BUCKETS
from journeys.archive.model import Snapshot
from journeys.errors import NotFound
from journeys.registry.definitions import is_active
from journeys.registry.event_types import EventTypes
from journeys.registry.schemas.kinds import AttributeKind
from journeys.registry.schemas.model import Schema
from journeys.views.breakdown import Breakdown
from journeys.views.computation.plan import ComputationPlan, EventType, compile_plan
from journeys.views.jobs.identity import JobIdentity
from journeys.views.jobs.model import Job, Kind
from journeys.views.jobs.options import Applied
from journeys.views.model import ViewDefinition
from journeys.views.paths.model import PathDefinition
from journeys.views.paths.plan import PathPlan, compile_paths

Buckets = tuple[int, int]
"""The first and the last of consecutive customer buckets."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """Everything that an attempt needs to compute its job.

    `at` is the time T that the definition is computed as of, in milliseconds since 1970. `types` are the event types
    that it needs, by the id of the event definition. `snapshot` names the archive's files when the attempt started.
    `parts` has the buckets of each part. `identity` says which identifiers are one person; None counts identifiers.
    `breakdown` says which groups of customers the result also has.
    """

    organization_id: str
    job_id: str
    attempt: int
    at: int
    definition: ViewDefinition | PathDefinition
    types: Mapping[str, EventType]
    snapshot: Snapshot
    parts: tuple[Buckets, ...]
    identity: JobIdentity | None = None
    breakdown: Breakdown | None = None

    @property
    def kind(self) -> Kind:
        return Kind.PATHS if isinstance(self.definition, PathDefinition) else Kind.VIEW

    def plan(self) -> ComputationPlan | PathPlan:
        """The plan of the definition. Raises BrokenView."""
        if isinstance(self.definition, PathDefinition):
            return compile_paths(self.definition, self.types, self.at)
        return compile_plan(self.definition, self.types, self.at, self.breakdown)

    def to_values(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "organizationId": self.organization_id,
            "jobId": self.job_id,
            "attempt": self.attempt,
            "at": self.at,
            "kind": str(self.kind),
            "definition": self.definition.to_values(),
            "types": {
                id_: {
                    "slot": event_type.slot,
                    "name": event_type.name,
                    "fields": {name: str(kind) for name, kind in event_type.fields.items()},
                }
                for id_, event_type in self.types.items()
            },
            "snapshot": self.snapshot.to_values(),
            "parts": [list(buckets) for buckets in self.parts],
            "identity": self.identity and self.identity.to_values(),
            "breakdown": self.breakdown and self.breakdown.to_values(),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "JobSpec":
        model = PathDefinition if values["kind"] == Kind.PATHS else ViewDefinition
        return cls(
            organization_id=values["organizationId"],
            job_id=values["jobId"],
            attempt=values["attempt"],
            at=values["at"],
            definition=model.model_validate(values["definition"]),
            types={
                id_: EventType(
                    stored["slot"],
                    {name: AttributeKind(kind) for name, kind in stored["fields"].items()},
                    stored["name"],
                )
                for id_, stored in values["types"].items()
            },
            snapshot=Snapshot.from_values(values["snapshot"]),
            parts=tuple((first, last) for first, last in values["parts"]),
            identity=JobIdentity.from_values(values.get("identity")),
            breakdown=Breakdown.model_validate(values["breakdown"]) if values.get("breakdown") else None,
        )


def make_spec(
    job: Job,
    applied: Applied[ViewDefinition | PathDefinition],
    event_types: EventTypes,
    snapshot: Snapshot,
    events_per_run: int,
    identity: Callable[[str], JobIdentity],
) -> JobSpec:
    """The specification of a job's current attempt.

    `identity` reads which identifiers an organization counts as one person. Raises NotFound if an event type of the
    definition was deleted, and BrokenView if the definition does not fit its event types.
    """
    definition = applied.definition
    spec = JobSpec(
        organization_id=job.organization_id,
        job_id=job.job_id,
        attempt=job.attempt,
        at=applied.at,
        definition=definition,
        types=_event_types(definition, job.organization_id, event_types),
        snapshot=snapshot,
        parts=(),
        identity=identity(job.organization_id) if definition.counts_persons else None,
        breakdown=job.options.breakdown if job.options else None,
    )
    plan = spec.plan()
    return replace(spec, parts=split(snapshot.within(plan.start, plan.end), events_per_run))


def _event_types(
    definition: ViewDefinition | PathDefinition, organization_id: str, event_types: EventTypes
) -> dict[str, EventType]:
    """The event types of a definition by the id of the event definition: those that it names.

    If paths name no event types that count as steps, all active ones do.
    """
    types = {}
    if isinstance(definition, ViewDefinition):
        ids = {element.attributes.id for element in definition.elements}
    else:
        ids = {selection.attributes.id for selection in definition.selections().values()}
        ids |= set(definition.eventTypes or ())
        if definition.eventTypes is None:
            active = filter(is_active, event_types.all(organization_id))
            types = {schema.schema_id: _event_type(schema) for schema in active}
    for id_ in ids - types.keys():
        try:
            types[id_] = _event_type(event_types.get(organization_id, id_))
        except NotFound:
            raise NotFound(
                f"The event definition {id_} was deleted. Edit what uses it.", code="event.definition.gone"
            ) from None
    return types


def _event_type(schema: Schema) -> EventType:
    return EventType(schema.slot, {name: field.kind for name, field in schema.document.fields.items()}, schema.title)


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
