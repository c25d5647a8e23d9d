"""The rules for a definition of paths. All problems are reported together, as those of a view."""

from collections.abc import Iterator

from journeys.views.model import MILLISECONDS, period
from journeys.views.paths.model import PathDefinition
from journeys.views.rules import (
    Schemas,
    ViewProblem,
    activation_problems,
    event_definition_problems,
    filter_problems,
    refuse,
    size_problems,
    time_problems,
)

LONGEST_GAP = 365 * MILLISECONDS["Days"]
"""The longest session gap, in milliseconds."""


def check(definition: PathDefinition, schemas: Schemas) -> None:
    """Check a definition against all rules. Raises BadRequest with one detail per problem."""
    refuse(problems(definition, schemas), "invalid.paths")


def problems(definition: PathDefinition, schemas: Schemas) -> Iterator[ViewProblem]:
    """All problems of a definition."""
    yield from size_problems(definition.to_values(), "paths.too.large", "start.filter")
    yield from time_problems(definition)
    for name, selection in definition.selections().items():
        yield from event_definition_problems(selection, name, schemas)
        yield from filter_problems(selection, name, schemas)
    yield from event_type_problems(definition, schemas)
    yield from session_gap_problems(definition)


def event_type_problems(definition: PathDefinition, schemas: Schemas) -> Iterator[ViewProblem]:
    """The event types that count as steps are active, and each is named once."""
    ids = definition.eventTypes or []
    for index, id_ in enumerate(ids):
        yield from activation_problems(id_, f"eventTypes[{index}]", schemas)
        if id_ in ids[:index]:
            yield ViewProblem(
                "duplicate.id", f"eventTypes[{index}]", "The event type is named before. Name each event type once."
            )


def session_gap_problems(definition: PathDefinition) -> Iterator[ViewProblem]:
    """A session gap is a duration of more than zero and at most `LONGEST_GAP`."""
    if definition.sessionGap is None:
        return
    try:
        milliseconds = period(definition.sessionGap)
    except ValueError as error:
        yield ViewProblem("invalid.duration", "sessionGap", f"The duration {error}.")
    else:
        if not 0 < milliseconds <= LONGEST_GAP:
            yield ViewProblem(
                "invalid.duration",
                "sessionGap",
                "The session gap is zero or longer than 365 days. Use a duration between, such as PT30M.",
            )
