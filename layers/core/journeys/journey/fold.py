"""How a journey grows by one step: pure functions, one small change each."""

from collections.abc import Iterable, Mapping

from journeys.journey.model import Journey, Span, Step


def add(journey: Journey, step: Step, before: Step | None, after: Step | None) -> Journey:
    """The journey with a step more, which comes directly after `before` and directly before `after`."""
    return Journey(
        count=journey.count + 1,
        first=step if journey.first is None else min(journey.first, step),
        last=step if journey.last is None else max(journey.last, step),
        types={**journey.types, step.slot: _widen(journey.types.get(step.slot), step)},
        transitions=_between(journey.transitions, before, step, after),
    )


def rebuild(steps: Iterable[Step]) -> Journey:
    """The journey of a set of steps: the law that every other way to it is held to."""
    journey, before = Journey(), None
    for step in sorted(set(steps)):
        journey = add(journey, step, before, None)
        before = step
    return journey


def _widen(span: Span | None, step: Step) -> Span:
    if span is None:
        return Span(1, step.date, step.date)
    return Span(span.count + 1, min(span.first, step.date), max(span.last, step.date))


def _between(transitions: Mapping[str, int], before: Step | None, step: Step, after: Step | None) -> Mapping[str, int]:
    """Minus the step from before to after, plus the two that take its place."""
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
