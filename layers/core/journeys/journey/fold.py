"""Computes a journey from its steps. The same set of steps always gives the same journey.

`journey_of` defines what a journey is: sort the steps, and add one after the other. `add` adds a single step at any
position, also between two steps that were added earlier. Both give the same journey, because no figure depends on
the order in which the steps are added:

- The count, the first and last step, and the figures of each event type are sums, minimums and maximums.
- The transitions count the pairs of neighboring steps. A new step between two neighbors ends their pair and forms two
  new ones: adding b to "a c" removes "ac" and adds "ab" and "bc".

There are two conditions, and `projection` ensures both: each step is added once, and it is added together with the
steps that are directly before and after it at that moment.
"""

from collections.abc import Iterable, Mapping

from journeys.journey.model import Journey, Span, Step


def journey_of(steps: Iterable[Step]) -> Journey:
    """The journey of a set of steps. Every stored journey must equal this for the events of its customer."""
    journey, before = Journey(), None
    for step in sorted(set(steps)):
        journey = add(journey, step, before, None)
        before = step
    return journey


def add(journey: Journey, step: Step, before: Step | None, after: Step | None) -> Journey:
    """The journey with one more step. `before` and `after` are its neighbors, or None at either end."""
    return Journey(
        count=journey.count + 1,
        first=step if journey.first is None else min(journey.first, step),
        last=step if journey.last is None else max(journey.last, step),
        types={**journey.types, step.slot: _add_to_span(journey.types.get(step.slot), step)},
        transitions=_add_to_transitions(journey.transitions, before, step, after),
    )


def _add_to_span(span: Span | None, step: Step) -> Span:
    if span is None:
        return Span(1, step.date, step.date)
    return Span(span.count + 1, min(span.first, step.date), max(span.last, step.date))


def _add_to_transitions(
    transitions: Mapping[str, int], before: Step | None, step: Step, after: Step | None
) -> Mapping[str, int]:
    """Removes the transition between the neighbors and adds those to and from the new step."""
    changes: list[tuple[str, int]] = []
    if before is not None and after is not None:
        changes.append((before.slot + after.slot, -1))
    if before is not None:
        changes.append((before.slot + step.slot, 1))
    if after is not None:
        changes.append((step.slot + after.slot, 1))
    changed = dict(transitions)
    for pair, change in changes:
        changed[pair] = changed.get(pair, 0) + change
        if not changed[pair]:
            del changed[pair]
    return changed
