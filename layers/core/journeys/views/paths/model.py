"""Paths: the event types that follow a starting event, or precede it, without steps that anybody defined.

`rules` checks what a definition may contain, and `partial_result` defines the figures. Unknown fields are refused.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from journeys.errors import BadRequest, Detail
from journeys.registry.schemas.model import ALL_SLOTS
from journeys.views.model import (
    AnyIdentity,
    CountedIdentity,
    Element,
    ElementAttributes,
    EventCountType,
    EventSelection,
    Id,
    Link,
    Name,
    Text,
    TimeConstraint,
    ViewDefinition,
    period,
)

PATHS = "/api/v2/journey/paths"

MAX_STEPS = 10
"""Steps that a path can have beside its start."""
MAX_PER_LEVEL = 50
"""Steps that a result can show per level; also the complete paths that it can list."""
MAX_NAME = 256
"""Characters of the name of a view or an element."""


class PathDefinition(BaseModel):
    """What to compute: the paths from each event that matches `start`.

    With `end`, only the paths that reach an event that matches it. `eventTypes` are the ids of the event types that
    count as steps, in the order that events of the same time have; None means all. The event types of `start` and `end`
    count as steps only at these events, unless `eventTypes` has them. `sessionGap` is an ISO-8601 duration: a longer
    time between two events ends a session. Paths without `identity` are those of persons, as in a view.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: Name
    interval: Text | None = None
    duration: Text | None = None
    start: EventSelection
    direction: Literal["After", "Before"] = "After"
    steps: int = Field(default=5, ge=1, le=MAX_STEPS)
    end: EventSelection | None = None
    sessionGap: Text | None = None
    eventTypes: list[Id] | None = Field(default=None, min_length=1, max_length=len(ALL_SLOTS))
    collapseRepeats: bool = False
    identity: AnyIdentity | None = None
    mostPerLevel: int = Field(default=10, ge=1, le=MAX_PER_LEVEL)

    @property
    def counts_persons(self) -> bool:
        return self.identity is not CountedIdentity.IDENTIFIER

    def selections(self) -> Mapping[str, EventSelection]:
        """`start` and, if it is set, `end`, by the names of their fields."""
        return {"start": self.start} | ({"end": self.end} if self.end else {})

    def to_values(self) -> dict[str, Any]:
        """The fields that are set. `model_validate` restores the definition."""
        return self.model_dump(mode="python", exclude_none=True)


def view_of(
    definition: PathDefinition, path: tuple[str, ...], titles: Mapping[str, str], *, ended: bool = False
) -> ViewDefinition:
    """A view of one path: an element per step, from the earliest to the latest, with a link from each to the next.

    `path` has the ids of the event types after (or before) the start, in the order of the result. `titles` are the
    names of event types by id. With `ended`, the last step is the definition's `end`, and gets its filter. Raises
    BadRequest if the path has an event type that `titles` lacks.

    A view counts events that follow at any distance, a path those that follow next. Each customer of the path is
    therefore a participant of every element, and the view can have more.
    """
    if any(id_ not in titles for id_ in path):
        raise BadRequest(
            'The query parameter "path" has an id that no event definition has. Use the ids of the result\'s steps.',
            details=[Detail("unknown.event.definition", "path")],
        )
    selections = [definition.start, *(EventSelection(attributes=ElementAttributes(id=id_)) for id_ in path)]
    if ended and path and definition.end:
        selections[-1] = definition.end
    if definition.direction == "Before":
        selections.reverse()
    steps = [titles[id_] for id_ in (path if definition.direction == "After" else reversed(path))]
    view = {
        "name": (f"{definition.name}: {' > '.join(steps)}" if steps else definition.name)[:MAX_NAME],
        "interval": definition.interval,
        "duration": definition.duration,
        "identity": definition.identity,
        "elements": [
            Element(
                id=f"step-{number}",
                name=f"{number}. {titles.get(selection.attributes.id, 'Event')}"[:MAX_NAME],
                attributes=selection.attributes,
                filter=selection.filter,
                followedBy=[_link(definition, number + 1)] if number < len(selections) else [],
            )
            for number, selection in enumerate(selections, 1)
        ],
    }
    return ViewDefinition.model_validate(view)


def _link(definition: PathDefinition, number: int) -> Link:
    """A link to the element of a step. Events of the same time also follow each other in a path."""
    within = None
    if definition.sessionGap:
        within = TimeConstraint(unit="Seconds", value=math.ceil(period(definition.sessionGap) / 1000))
    return Link(id=f"step-{number}", constraintWithin=within, eventCountType=EventCountType.ALL)


_IDS = TypeAdapter(Annotated[tuple[Id, ...], Field(max_length=MAX_STEPS)])


def parse_ids(value: str) -> tuple[str, ...]:
    """The ids of a path's steps, separated by commas; an empty text has none.

    Raises ValueError if one is invalid or there are too many.
    """
    return _IDS.validate_python(tuple(value.split(",")) if value else ())
