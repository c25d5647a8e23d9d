"""Compares a stored journey with the log: what may differ, and how to compare while events keep arriving."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from journeys import keys
from journeys.aws import backoff
from journeys.events.store import EventLog
from journeys.journey import fold
from journeys.journey.model import Journey, Step, Summary, step_of
from journeys.journey.store import JourneyStore

ATTEMPTS = 12
ROWS_PER_READ = 1000

Steps = Mapping[str, Step]
"""Steps by their keys."""


# -- the comparison ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Differences:
    """How a journey differs from the log. A step appears in only one of the lists."""

    missing: tuple[Step, ...] = ()
    """Events in the log that the journey does not count."""
    missing_row: tuple[Step, ...] = ()
    """Pending steps without a row: their projector has not put the row yet, or crashed before it did."""
    orphaned: tuple[Step, ...] = ()
    """Counted steps without an event in the log."""
    wrong_type: tuple[Step, ...] = ()
    """Counted steps whose event type differs from that of the event in the log."""
    wrong_summary: bool = False
    """Whether the summary's figures differ from those of the steps that it counts."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.missing_row or not self.only_incomplete)

    @property
    def only_incomplete(self) -> bool:
        """Whether the journey is correct for the steps that it counts, so that adding the missing ones repairs it."""
        return not (self.orphaned or self.wrong_type or self.wrong_summary)

    def without(self, step_keys: Iterable[str]) -> "Differences":
        """The differences except missing steps and rows of these steps, which need not be projected yet."""
        excluded = frozenset(step_keys)
        return replace(
            self,
            missing=tuple(step for step in self.missing if step.key not in excluded),
            missing_row=tuple(step for step in self.missing_row if step.key not in excluded),
        )


def compare(journey: Journey, pending: Iterable[Step], rows: Steps, logged: Steps) -> Differences:
    """Compares a journey, with its pending steps and rows, with the steps of the events in the log."""
    without_row = {step.key: step for step in pending}
    counted = {**without_row, **rows}
    return Differences(
        missing=tuple(sorted(step for key, step in logged.items() if key not in counted)),
        missing_row=tuple(sorted(step for key, step in without_row.items() if key in logged and key not in rows)),
        orphaned=tuple(sorted(step for key, step in counted.items() if key not in logged)),
        wrong_type=tuple(
            sorted(step for key, step in counted.items() if key in logged and step.slot != logged[key].slot)
        ),
        wrong_summary=facts(journey) != facts(fold.journey_of(counted.values())),
    )


def facts(journey: Journey) -> tuple[Any, ...]:
    """All figures of a journey in a fixed order, for comparing and printing.

    Unlike the equality of journeys, it includes the event types of the first and the last step.
    """
    return (
        journey.count,
        journey.first and (journey.first.key, journey.first.slot),
        journey.last and (journey.last.key, journey.last.slot),
        sorted((slot, span.count, span.first, span.last) for slot, span in journey.types.items()),
        sorted(journey.transitions.items()),
    )


# -- reading a journey while it may change -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """A summary, and the rows that were read after it. The rows may include steps that only later summaries count."""

    summary: Summary
    rows: Steps

    @property
    def counted(self) -> frozenset[str]:
        """The keys of the steps that have a row or are pending."""
        return frozenset(self.rows) | {step.key for step in self.summary.pending}

    def compare(self, logged: Steps) -> Differences:
        """Compares the journey with the steps of the events in the log."""
        return compare(self.summary.journey, self.summary.pending, self.rows, logged)


def read_state(store: JourneyStore, journey_key: str, previous: State | None = None) -> State:
    """Reads a journey. With `previous`, an earlier state, the rows are read again only if that is necessary.

    If every step that was counted since is pending in the new summary, the earlier rows are still complete: steps that
    were pending before are either still pending or have a row by now.
    """
    summary = store.summary(journey_key)
    if previous is not None and summary.generation == previous.summary.generation:
        counted = previous.counted
        new = [step for step in summary.pending if step.key not in counted]
        if summary.journey.count - previous.summary.journey.count == len(new):
            return State(summary, {**previous.rows, **{step.key: step for step in previous.summary.pending}})
    partition = keys.steps(journey_key, summary.generation)
    rows = store.steps(partition, ascending=True, page=ROWS_PER_READ)
    return State(summary, {step.key: step for step in rows})


def logged_steps(log: EventLog, journey_key: str, step_keys: Iterable[str]) -> dict[str, Step]:
    """The steps, out of those with these keys, whose events are in the log for this customer."""
    organization = journey_key.split("#", 1)[0]
    event_keys = [
        "#".join([organization, *parts[1:]]) for parts in (key.split("#") for key in step_keys) if len(parts) == 3
    ]
    if not event_keys:
        return {}
    wanted = frozenset(step_keys)
    found = map(step_of, log.get_all(event_keys).values())
    return {step.key: step for owner, step in found if owner == journey_key and step.key in wanted}


def compare_with_log(
    store: JourneyStore,
    log: EventLog,
    journey_key: str,
    scanned: Iterable[Step],
    *,
    sleep: Callable[[float], None] = time.sleep,
    waits: Callable[[], Iterator[float]] = lambda: backoff(attempts=ATTEMPTS),
) -> Differences:
    """Compares a customer's journey with the log.

    `scanned` are the customer's steps that a scan of the log found. Events that were stored after the scan are looked
    up. Raises TooManyRequests if the summary changes during every attempt to read the journey.
    """
    logged = {step.key: step for step in scanned}
    for wait in waits():
        state = read_state(store, journey_key)
        logged |= logged_steps(log, journey_key, state.counted - logged.keys())
        differences = state.compare(logged)
        if store.summary(journey_key).version == state.summary.version:  # The rows belong to this summary.
            return differences
        sleep(wait)
    raise AssertionError("backoff ends by raising")
