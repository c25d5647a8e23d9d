"""Sums up the evaluation of a view's links: the figures of all customers of a batch of events, and who they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from journeys.views.computation.breakdown import RowValues, tally_groups
from journeys.views.computation.durations import Durations
from journeys.views.computation.group_tallies import GroupTallies
from journeys.views.computation.links import LinkEvaluation
from journeys.views.computation.lists import Lists
from journeys.views.computation.partial_result import Counts, added
from journeys.views.computation.plan import ComputationPlan
from journeys.views.computation.portions import Integers, Numbers, portions


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """The figures of all elements and links, and where each event is reachable.

    `elements` has one entry per element, `durations` one per link and `spans` one per span, all by index in the plan.
    `lists` are the customers behind them, without those of charts; None if they were not asked for.
    `marks` has the shape and dtype of the input marks: bit i is set if the event is reachable at element i. It is all
    zeros if the plan has no charts, because only charts use it. `breakdown` has the figures of groups of customers.
    """

    elements: tuple[Counts, ...]
    durations: tuple[Durations, ...]
    spans: tuple[Durations, ...]
    marks: NDArray[Any]
    lists: Lists | None
    breakdown: GroupTallies | None


def evaluate_links(
    plan: ComputationPlan,
    hashes: Integers,
    dates: Integers,
    marks: NDArray[Any],
    conversations: Numbers | None = None,
    values: RowValues | None = None,
    *,
    with_lists: bool = True,
) -> LinkFigures:
    """Evaluate all links of a plan. The events may be in any order; all events of a customer must be among them.

    `conversations` is needed if links join by conversation, and `values` for a breakdown. Raises TooManyConversations
    and TooManyValues.
    """
    elements: tuple[Counts, ...] = (Counts(),) * len(plan.order)
    durations: tuple[Durations, ...] = (Durations(),) * len(plan.links)
    spans: tuple[Durations, ...] = (Durations(),) * len(plan.spans)
    lists = Lists.empty(len(plan.order), len(plan.links)) if with_lists else None
    breakdown = GroupTallies.empty(values.texts) if values else None
    reachable = np.zeros_like(marks)
    for portion in portions(hashes, dates, marks, conversations):
        evaluation = LinkEvaluation(plan, portion)
        states = [evaluation.states(index) for index in range(len(elements))]
        linked = [evaluation.link(link) for link in plan.links]
        elements = added(elements, map(Counts.of, states))
        durations = added(durations, (Durations.of(timed.milliseconds) for timed in linked))
        if lists is not None:
            lists += Lists.of(evaluation.customers, states, [timed.customers for timed in linked])
        if plan.breakdown and values and breakdown:
            breakdown += tally_groups(plan.breakdown, evaluation, portion.rows, values, states, linked)
        spans = added(spans, (Durations.of(evaluation.span(*span).milliseconds) for span in plan.spans))
        if plan.charts:
            reachable[portion.rows] = evaluation.reachable_marks()
    return LinkFigures(elements, durations, spans, reachable, lists, breakdown and breakdown.pruned())
