"""Compiles a definition of paths into a plan: the SQL that reads and marks its events, and numbers for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from journeys.registry.schemas.model import ALL_SLOTS
from journeys.views.computation.filters import Parameters
from journeys.views.computation.plan import EventType, compile_marks, event_type, time_range
from journeys.views.model import period
from journeys.views.paths.model import PathDefinition

START, END = 1, 2
"""The marks of an event that matches the definition's `start`, and of one that matches its `end`."""
TYPE_BITS, MARK_BITS = 6, 2
"""Bits of an event type's place in the order and of the marks, in the lowest byte of a packed event (see `steps`)."""


@dataclass(frozen=True, slots=True)
class PathPlan:
    """The paths of the events with `start <= date < end`; both in milliseconds since 1970.

    `marks` is a SQL expression for the marks of an event; it reads `filter_columns` and takes the query parameters
    `parameters`. `considered` are the numbers of the event types that count as steps, and `types` these and those of
    marked events, both sorted. `order` has the same types in the order that events of the same time have. `gap` is in
    milliseconds, or None if sessions do not end.
    """

    start: int
    end: int
    types: tuple[int, ...]
    considered: tuple[int, ...]
    order: tuple[int, ...]
    marks: str
    filter_columns: tuple[str, ...]
    parameters: Mapping[str, object]
    steps: int
    backwards: bool
    collapse: bool
    has_end: bool
    gap: int | None


def compile_paths(definition: PathDefinition, types: Mapping[str, EventType], at: int) -> PathPlan:
    """The plan of a definition as of `at`, in milliseconds since 1970.

    `types` are event types by the id of the event definition: those of the definition, and if it names none that count
    as steps, all of the organization. Raises BrokenView.
    """
    parameters = Parameters()
    start, end = time_range(definition, at)
    selections = tuple(definition.selections().values())
    selected = [event_type(selection.attributes.id, types) for selection in selections]
    marks, filter_columns = compile_marks(selections, selected, parameters)
    steps = [event_type(id_, types) for id_ in (definition.eventTypes or types)]
    considered = [ALL_SLOTS.index(step.slot) for step in steps]
    marked = [ALL_SLOTS.index(one.slot) for one in selected]
    return PathPlan(
        start=start,
        end=end,
        types=tuple(sorted({*considered, *marked})),
        considered=tuple(sorted(considered)),
        order=_order(definition, considered, marked),
        marks=marks,
        filter_columns=filter_columns,
        parameters=parameters.values,
        steps=definition.steps,
        backwards=definition.direction == "Before",
        collapse=definition.collapseRepeats,
        has_end=definition.end is not None,
        gap=period(definition.sessionGap) if definition.sessionGap else None,
    )


def _order(definition: PathDefinition, considered: Sequence[int], marked: Sequence[int]) -> tuple[int, ...]:
    """The order of event types for events of the same time: that of `eventTypes`, if the definition names them.

    If these leave out the start's type, it comes first as paths are read, so that the others follow; the end's is last.
    """
    if definition.eventTypes is None:
        return tuple(sorted({*considered, *marked}))
    before, after = (marked[:1], marked[1:]) if definition.direction == "After" else (marked[1:], marked[:1])
    others = [[type_ for type_ in types if type_ not in considered] for types in (before, after)]
    return tuple(dict.fromkeys([*others[0], *considered, *others[1]]))
