"""Whether a journey is what the log makes of it: the rule, and how it is read while events keep arriving."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from journeys import keys
from journeys.aws import backoff
from journeys.events.model import StoredEvent
from journeys.events.store import EventLog
from journeys.journey import fold
from journeys.journey.model import Journey, Step, Summary, step
from journeys.journey.store import JourneyStore

ATTEMPTS = 12
ROWS_PER_READ = 1000

Steps = Mapping[str, Step]
"""Steps by their keys."""


# -- the rule ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Differences:
    """How a journey differs from the log; each of `steps` is named once."""

    missing: tuple[Step, ...] = ()
    """Events that are not counted."""
    rowless: tuple[Step, ...] = ()
    """Steps that are counted and have no row: whoever counted them has not put it yet, or crashed before."""
    foreign: tuple[Step, ...] = ()
    """Steps that are counted and have no event."""
    mistaken: tuple[Step, ...] = ()
    """Steps that are counted as of another type than their event is."""
    summary: bool = False
    """Whether the summary says something else than the steps that it counts."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.rowless or not self.law_holds)

    @property
    def law_holds(self) -> bool:
        """Whether the journey is right as far as it goes, so that all that is wrong is what it lacks."""
        return not (self.foreign or self.mistaken or self.summary)

    def without(self, under_way: Iterable[str]) -> "Differences":
        """What is left when the events of these steps need not be in the journey yet."""
        passed = frozenset(under_way)
        return replace(
            self,
            missing=tuple(one for one in self.missing if one.key not in passed),
            rowless=tuple(one for one in self.rowless if one.key not in passed),
        )


def compare(journey: Journey, pending: Iterable[Step], rows: Steps, logged: Steps) -> Differences:
    """How a journey with these rows and pending steps differs from what is in the log."""
    waiting = {one.key: one for one in pending}
    counted = {**waiting, **rows}
    return Differences(
        missing=tuple(sorted(one for key, one in logged.items() if key not in counted)),
        rowless=tuple(sorted(one for key, one in waiting.items() if key in logged and key not in rows)),
        foreign=tuple(sorted(one for key, one in counted.items() if key not in logged)),
        mistaken=tuple(sorted(one for key, one in counted.items() if key in logged and one.slot != logged[key].slot)),
        summary=facts(journey) != facts(fold.rebuild(counted.values())),
    )


def facts(journey: Journey) -> tuple[Any, ...]:
    """All that a journey says, in a form that can be compared and printed, its parts in one order."""
    return (
        journey.count,
        journey.first and (journey.first.key, journey.first.slot),
        journey.last and (journey.last.key, journey.last.slot),
        sorted((slot, span.count, span.first, span.last) for slot, span in journey.types.items()),
        sorted(journey.transitions.items()),
    )


# -- reading -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """A summary and the rows, which are read after it, so that some of later summaries may be among them."""

    summary: Summary
    rows: Steps

    @property
    def counted(self) -> frozenset[str]:
        """The keys of the steps that have a row or are pending."""
        return frozenset(self.rows) | {one.key for one in self.summary.pending}

    def compare(self, logged: Steps) -> Differences:
        """How it differs from what is in the log."""
        return compare(self.summary.journey, self.summary.pending, self.rows, logged)


def read(store: JourneyStore, journey_key: str, before: State | None = None) -> State:
    """A journey as it is stored. `before` is how it was read earlier, which may save reading the rows again.

    Then steps that were pending and are not any more are taken to have their rows, as the law has it.
    """
    summary = store.summary(journey_key)
    if before is not None and summary.generation == before.summary.generation:
        counted = before.counted
        new = [one for one in summary.pending if one.key not in counted]
        # whoever counts steps names them pending, so where so many are, they are all that was counted since
        if summary.journey.count - before.summary.journey.count == len(new):
            return State(summary, {**before.rows, **{one.key: one for one in before.summary.pending}})
    partition = keys.steps(journey_key, summary.generation)
    rows = store.steps(partition, ascending=True, page=ROWS_PER_READ)
    return State(summary, {one.key: one for one in rows})


def place(stored: StoredEvent) -> tuple[str, Step]:
    """Whose journey an event belongs to, and its step."""
    customer = stored.event.customer
    return (
        keys.journey(stored.organization_id, customer.source_id, customer.value),
        step(stored.event.date_created, stored.configuration_id, stored.event.event_id, stored.slot),
    )


def in_log(log: EventLog, journey_key: str, step_keys: Iterable[str]) -> dict[str, Step]:
    """Those of a customer's steps that have an event in the log now, as the log has them."""
    organization = journey_key.split("#", 1)[0]
    names = ["#".join([organization, *parts[1:]]) for parts in (key.split("#") for key in step_keys) if len(parts) == 3]
    if not names:
        return {}
    placed = map(place, log.get_all(names).values())
    wanted = frozenset(step_keys)
    return {one.key: one for key, one in placed if key == journey_key and one.key in wanted}


def examine(
    store: JourneyStore,
    log: EventLog,
    journey_key: str,
    found: Iterable[Step],
    *,
    sleep: Callable[[float], None] = time.sleep,
    waits: Callable[[], Iterator[float]] = lambda: backoff(attempts=ATTEMPTS),
) -> Differences:
    """How a customer's journey differs from the log, of which a scan found these steps.

    Raises TooManyRequests where the journey does not stand still for long enough to be read.
    """
    logged = {one.key: one for one in found}
    for wait in waits():
        state = read(store, journey_key)
        logged |= in_log(log, journey_key, state.counted - logged.keys())
        differing = state.compare(logged)
        if store.summary(journey_key).version == state.summary.version:  # rows are those of that summary
            return differing
        sleep(wait)
    raise AssertionError("backoff ends by raising")
