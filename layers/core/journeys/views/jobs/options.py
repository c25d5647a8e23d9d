"""Options of a job: what it computes differently from its view. A job without options computes the view as it is.

The job applies its options to the view's definition, so everything after that knows definitions only. The rules are
checked when the job is accepted, and again, by compiling the plan, when it is computed.
"""

from collections.abc import Iterator
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from journeys import dates
from journeys.views.breakdown import Breakdown
from journeys.views.breakdown import problems as breakdown_problems
from journeys.views.computation.plan import time_range
from journeys.views.model import Text, ViewDefinition
from journeys.views.paths.model import PathDefinition
from journeys.views.rules import Schemas, ViewProblem, refuse, time_problems


class JobOptions(BaseModel):
    """What a job computes differently from its view; all of it is optional.

    `interval` is an ISO-8601 interval. `period` Before is the period before the view's own, of the same length. If the
    view's own period has not ended, the one before is cut at the same moment within it. With `breakdown`, the result
    also has the figures of groups of customers. Unknown fields are refused.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    interval: Text | None = None
    period: Literal["Before"] | None = None
    breakdown: Breakdown | None = None

    def to_values(self) -> dict[str, Any]:
        """The options that are set. `model_validate` restores them."""
        return self.model_dump(mode="python", exclude_none=True)


D_co = TypeVar("D_co", bound=ViewDefinition | PathDefinition, covariant=True)


class Applied(NamedTuple, Generic[D_co]):
    """What a job computes: a definition, and the time T that it is computed as of, in milliseconds since 1970."""

    definition: D_co
    at: int


def applied(options: JobOptions | None, definition: ViewDefinition, at: int) -> Applied[ViewDefinition]:
    """What a job computes of a view; `at` is the time of the job.

    For the period before, T is earlier by the length of the period. So customers are active in both periods alike, and
    not dropouts in the period before only because it has ended. If the view's own period has not ended, the period
    before ends at T, so both have as many days of events. Raises BrokenView, and OverflowError if the period before
    begins before the year 1.
    """
    if options is None or (options.interval is None and options.period is None):
        return Applied(definition, at)
    interval = options.interval
    if options.period is not None:
        start, end = time_range(definition, at)
        length = end - start
        at -= length
        # If the view's interval has not begun, nothing has elapsed: a millisecond stands for an empty period.
        until = min(start, max(at, start - length + 1))
        interval = f"{dates.text(start - length)}/{dates.text(until)}"
    return Applied(definition.model_copy(update={"interval": interval, "duration": None}), at)


def check(options: JobOptions, view: ViewDefinition, at: int, schemas: Schemas) -> None:
    """Check the options of a job of a view against all rules. Raises BadRequest with one detail per problem."""
    refuse(problems(options, view, at, schemas), "invalid.options")


def problems(options: JobOptions, view: ViewDefinition, at: int, schemas: Schemas) -> Iterator[ViewProblem]:
    """All problems of the options. `at` is the time of the job, in milliseconds since 1970."""
    if options.breakdown is not None:
        yield from breakdown_problems(options.breakdown, view, schemas)
    if options.interval is not None and options.period is not None:
        yield ViewProblem("interval.or.period", "period", "There are both an interval and a period. Set one of them.")
        return
    try:
        yield from time_problems(applied(options, view, at).definition)
    except OverflowError:
        yield ViewProblem(
            "period.too.early", "period", "The period before begins before the year 1. Use an interval instead."
        )
