"""How the partial results of each kind of job are restored, merged and turned into the API's result."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from journeys.views.breakdown import Breakdown
from journeys.views.computation import breakdown_results, results
from journeys.views.computation import partial_result as views
from journeys.views.computation.partial_result import PartialResult
from journeys.views.jobs.lists import ListObjects, to_objects
from journeys.views.jobs.model import Kind
from journeys.views.jobs.spec import JobSpec
from journeys.views.model import ViewDefinition
from journeys.views.paths import partial_result as paths


@dataclass(frozen=True, slots=True)
class Figures:
    """The functions for partial results of one kind. `to_result` takes those of all customers, merged.

    `to_lists` also takes the result, and makes the objects of the customers behind its figures, if there are any.
    """

    from_values: Callable[[Mapping[str, Any]], Any]
    merge: Callable[[Iterable[Any]], Any]
    to_result: Callable[[JobSpec, Any], dict[str, Any]]
    to_lists: Callable[[JobSpec, Any, dict[str, Any]], ListObjects | None] = lambda *_: None


def _view_result(definition: ViewDefinition, breakdown: Breakdown | None, merged: PartialResult) -> dict[str, Any]:
    return results.to_result(definition, merged) | breakdown_results.to_result(definition, breakdown, merged)


FIGURES: Mapping[Kind, Figures] = {
    Kind.VIEW: Figures(
        views.PartialResult.from_values,
        views.merge,
        lambda spec, merged: _view_result(spec.definition, spec.breakdown, merged),  # type: ignore[arg-type]  # Jobs of this kind have a view.
        lambda spec, merged, result: merged.lists and to_objects(spec.definition, merged.lists, result),  # type: ignore[arg-type]  # Jobs of this kind have a view.
    ),
    Kind.PATHS: Figures(
        paths.PathResult.from_values,
        paths.merge,
        lambda spec, merged: paths.to_result(spec.definition, spec.types, merged),  # type: ignore[arg-type]  # Jobs of this kind have paths.
    ),
}
