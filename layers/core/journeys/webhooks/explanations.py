"""Explain refusals of events in terms of the mapping: an integrator corrects the mapping, not the event."""

from dataclasses import replace

from journeys.events.refusals import EventProblem, Refusal

_MESSAGES = {
    "missing.id": "The mapping found no id. Correct mapping.id.",
    "missing.date": "The mapping found no date. Correct mapping.dateCreated.",
    "invalid.date": (
        "The date that mapping.dateCreated found is not in the format of mapping.dateFormat, or it has no time zone: "
        "then name one in mapping.timeZone."
    ),
    "missing.identifier": (
        "The mapping found no identifier of the customer. Correct mapping.customer or mapping.externalIds, or let the "
        "endpoint ignore such events with routing."
    ),
}


def explain(refusal: Refusal) -> Refusal:
    """Return a refusal with messages that name the parts of the mapping. Its reason stays the same."""
    if refusal.problems:
        explained = Refusal.of([_explain(problem) for problem in refusal.problems])
        return replace(explained, differing=refusal.differing)
    return replace(refusal, message=_MESSAGES.get(refusal.reason, refusal.message))


def _explain(problem: EventProblem) -> EventProblem:
    return replace(problem, message=_MESSAGES.get(problem.reason, problem.message))
