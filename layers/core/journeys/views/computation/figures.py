"""Sums up the evaluation of a view's links: the figures of all customers of a batch of events."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from journeys.views.computation.durations import Durations
from journeys.views.computation.links import LinkEvaluation
from journeys.views.computation.partial_result import Counts, added
from journeys.views.computation.plan import ComputationPlan
from journeys.views.computation.portions import Integers, Numbers, portions


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """The figures of all elements and links, and where each event is reachable.

    `elements` has one entry per element, `durations` one per link and `spans` one per span, all by index in the plan.
    `marks` has the shape and dtype of the input marks: bit i is set if the event is reachable at element i. It is all
    zeros if the plan has no charts, because only charts use it.
    """

    elements: tuple[Counts, ...]
    durations: tuple[Durations, ...]
    spans: tuple[Durations, ...]
    marks: NDArray[Any]


def evaluate_links(
    plan: ComputationPlan,
    hashes: Integers,
    dates: Integers,
    marks: NDArray[Any],
    conversations: Numbers | None = None,
) -> LinkFigures:
    """Evaluate all links of a plan. The events may be in any order; all events of a customer must be among them.

    `conversations` is needed if links join by conversation. Raises TooManyConversations.
    """
    elements: tuple[Counts, ...] = (Counts(),) * len(plan.order)
    durations: tuple[Durations, ...] = (Durations(),) * len(plan.links)
    spans: tuple[Durations, ...] = (Durations(),) * len(plan.spans)
    reachable = np.zeros_like(marks)
    for portion in portions(hashes, dates, marks, conversations):
        evaluation = LinkEvaluation(plan, portion)
        elements = added(elements, (Counts.of(evaluation.states(index)) for index in range(len(elements))))
        durations = added(durations, (Durations.of(evaluation.link(link).milliseconds) for link in plan.links))
        spans = added(spans, (Durations.of(evaluation.span(*span).milliseconds) for span in plan.spans))
        if plan.charts:
            reachable[portion.rows] = evaluation.reachable_marks()
    return LinkFigures(elements, durations, spans, reachable)
