"""Runs several projectors on one customer with their store calls interleaved, and checks the resulting journey.

Each projector runs in a thread, but only one of them runs at a time. Before every call to the store, a seeded random
choice decides which one runs next. So a seed is a schedule that can be repeated. A call that DynamoDB splits into items
(reading several rows, putting several rows) is split here as well, in random order. Projectors can crash between calls.
"""

# ruff: noqa: ARG002  (a store of one customer's journey ignores the customer's key)

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise, repeat
from random import Random
from threading import Lock

from journeys.journey.model import Journey, Step, Summary, step
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore, SummaryConflict

KEY = "acme#crm#4711"
NOON = 1_750_000_000_000


# -- the expected journey ----------------------------------------------------------------------------------------------


def facts(journey: Journey) -> dict[str, object]:
    """All figures of a journey, including the slots of the first and last step, which equality of steps ignores."""
    return {
        "count": journey.count,
        "first": journey.first and (journey.first.key, journey.first.slot),
        "last": journey.last and (journey.last.key, journey.last.slot),
        "types": {slot: (span.count, span.first, span.last) for slot, span in journey.types.items()},
        "transitions": dict(journey.transitions),
    }


def facts_of(steps: Iterable[Step]) -> dict[str, object]:
    """The expected figures of the journey of a set of steps, calculated without the fold."""
    in_order = sorted({step_.key: step_ for step_ in steps}.values(), key=lambda step_: step_.key)
    dates: dict[str, list[int]] = {}
    for step_ in in_order:
        dates.setdefault(step_.slot, []).append(step_.date)
    return {
        "count": len(in_order),
        "first": (in_order[0].key, in_order[0].slot) if in_order else None,
        "last": (in_order[-1].key, in_order[-1].slot) if in_order else None,
        "types": {slot: (len(of_type), min(of_type), max(of_type)) for slot, of_type in dates.items()},
        "transitions": dict(Counter(before.slot + after.slot for before, after in pairwise(in_order))),
    }


# -- a store in memory -------------------------------------------------------------------------------------------------


class MemoryStore(JourneyStore):
    """One customer's journey in memory. It records the calls, and counts the rows that it returned."""

    def __init__(self, steps: Iterable[Step] = (), journey: Journey | None = None) -> None:
        self.stored = Summary(journey=journey or Journey(), version=1 if journey else 0)
        self.rows = sorted(steps)
        self.calls: list[str] = []
        self.rows_read = 0

    def summary(self, journey_key: str) -> Summary:
        self.calls.append("summary")
        return self.stored

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self.calls.append("put_summary")
        if summary.version != self.stored.version:
            raise SummaryConflict
        self.stored = replace(summary, version=summary.version + 1)

    def existing_rows(self, partition: str, steps: Iterable[Step]) -> frozenset[str]:
        self.calls.append("existing_rows")
        found = frozenset(one.key for one in set(steps) if self._has(one))
        self.rows_read += len(found)
        return found

    def neighbor(self, partition: str, key: str, *, forward: bool) -> Step | None:
        self.calls.append("neighbor")
        position = Step(key, "")
        found = (
            self.rows[bisect_right(self.rows, position) :][:1]
            if forward
            else self.rows[: bisect_left(self.rows, position)][-1:]
        )
        self.rows_read += len(found)
        return found[0] if found else None

    def put_rows(self, partition: str, steps: Sequence[Step]) -> None:
        self.calls.append("put_rows")
        for one in steps:
            if not self._has(one):
                insort(self.rows, one)

    def _has(self, one: Step) -> bool:
        return self.rows[bisect_left(self.rows, one) :][:1] == [one]


# -- turns -------------------------------------------------------------------------------------------------------------

_threads = ThreadPoolExecutor(8, thread_name_prefix="projector")


class Turns:
    """Lets one of several tasks run at a time. `choose` picks it, given the current task and the unfinished ones."""

    def __init__(self, tasks: int, choose: Callable[[int, Sequence[int]], int]) -> None:
        self._choose = choose
        self._unfinished = list(range(tasks))
        self._gates = [Lock() for _ in self._unfinished]
        for gate in self._gates:
            gate.acquire()

    def run(self, task: Callable[[int], None]) -> None:
        """Runs all tasks to their end; `task` gets its number. Raises the error of a task that failed."""
        running = [_threads.submit(self._one, task, number) for number in self._unfinished]
        self._gates[self._choose(-1, self._unfinished)].release()
        for future in running:
            future.result()

    def take(self, number: int) -> None:
        """Lets `choose` pick the next task. Returns when it is this task's turn."""
        chosen = self._choose(number, self._unfinished)
        if chosen != number:
            self._gates[chosen].release()
            self._gates[number].acquire()

    def _one(self, task: Callable[[int], None], number: int) -> None:
        self._gates[number].acquire()
        try:
            task(number)
        finally:
            self._unfinished.remove(number)
            if self._unfinished:
                self._gates[self._choose(-1, self._unfinished)].release()


class Crash(Exception):
    """Simulates a crash: the projector stops at this call, and its earlier writes remain."""


class ScheduledStore(JourneyStore):
    """A store in memory. Before every call, and every item of a call, `before` may let another task run.

    `response_lost` is the probability that a write of the summary succeeds but reports a conflict, as it does if the
    client repeats a call whose response was lost.
    """

    def __init__(
        self, memory: MemoryStore, before: Callable[[], None], random: Random, response_lost: float = 0.0
    ) -> None:
        self._memory, self._before, self._random, self._response_lost = memory, before, random, response_lost

    def summary(self, journey_key: str) -> Summary:
        self._before()
        return self._memory.summary(journey_key)

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._before()
        self._memory.put_summary(journey_key, summary)
        if self._random.random() < self._response_lost:
            raise SummaryConflict

    def existing_rows(self, partition: str, steps: Iterable[Step]) -> frozenset[str]:
        found = frozenset[str]()
        for step_ in self._in_random_order(steps):
            self._before()
            found |= self._memory.existing_rows(partition, [step_])
        return found

    def neighbor(self, partition: str, key: str, *, forward: bool) -> Step | None:
        self._before()
        return self._memory.neighbor(partition, key, forward=forward)

    def put_rows(self, partition: str, steps: Sequence[Step]) -> None:
        for step_ in self._in_random_order(steps):
            self._before()
            self._memory.put_rows(partition, [step_])

    def _in_random_order(self, steps: Iterable[Step]) -> list[Step]:
        in_order = sorted(set(steps))
        return self._random.sample(in_order, len(in_order))


# -- schedules ---------------------------------------------------------------------------------------------------------

Count = Callable[[JourneyStore, Sequence[Step]], object]
"""A way to add steps to a journey: the product's, or one with a deliberate error that the schedules must detect."""


def patiently(store: JourneyStore, steps: Sequence[Step]) -> int:
    """The product's way, but without waiting between attempts and without a limit on them."""
    return count_steps(store, KEY, steps, sleep=lambda _: None, waits=lambda: repeat(0.0))


@dataclass
class Faults:
    """The errors of a schedule: the probability of a crash at each call, the most crashes, and of a lost response."""

    crash: float = 0.0
    crashes: int = 8
    response_lost: float = 0.0


def run(
    memory: MemoryStore,
    batches: Sequence[Sequence[Step]],
    *,
    projectors: int,
    random: Random,
    choose: Callable[[int, Sequence[int]], int],
    faults: Faults,
    count: Count,
) -> None:
    """Lets projectors process all batches. The batch of a crashed projector is delivered again, maybe in two parts."""
    waiting = [list(batch) for batch in batches]
    turns = Turns(projectors, choose)
    crashes_left = faults.crashes

    def projector(number: int) -> None:
        nonlocal crashes_left

        def before() -> None:
            nonlocal crashes_left
            turns.take(number)
            if crashes_left and random.random() < faults.crash:
                crashes_left -= 1
                raise Crash

        while waiting:
            batch = waiting.pop(0)
            try:
                count(ScheduledStore(memory, before, random, faults.response_lost), batch)
            except Crash:
                cut = random.randrange(len(batch))
                waiting.extend(part for part in (batch[:cut], batch[cut:]) if part)

    turns.run(projector)


def random_schedule(seed: int, count: Count = patiently) -> str | None:
    """Runs the schedule of a seed. Returns what is wrong with the resulting journey, or None."""
    random = Random(seed)
    moments = random.randint(1, 4)
    slots = "abc"[: random.randint(1, 3)]
    steps = [
        step(NOON + random.randrange(moments), "c", f"{number}", random.choice(slots))
        for number in range(random.randint(1, 7))
    ]
    memory = MemoryStore()
    before = random.sample(steps, random.choice((0, 0, random.randrange(len(steps)))))
    if before:
        patiently(memory, before)
    batches: list[list[Step]] = [[] for _ in range(random.randint(2, 5))]
    for one in steps:
        for batch in random.sample(batches, random.choice((1, 1, 2))):  # an event may be in two batches
            batch.append(one)
    switching = random.choice((0.1, 0.4, 1.0))

    def choose(now: int, unfinished: Sequence[int]) -> int:
        return now if now >= 0 and random.random() >= switching else random.choice(unfinished)

    run(
        memory,
        [batch for batch in batches if batch],
        projectors=random.randint(2, 4),
        random=random,
        choose=choose,
        faults=Faults(crash=random.choice((0.0, 0.03, 0.15)), response_lost=random.choice((0.0, 0.1))),
        count=count,
    )
    return wrong(memory, steps)


def all_schedules(before: Sequence[Step], batches: Sequence[Sequence[Step]]) -> Iterator[str | None]:
    """Runs every interleaving of the calls of one projector per batch. Yields for each what is wrong, or None.

    The order of the items within one call is random; not all of them are tried.
    """
    path: list[tuple[int, int]] = []  # for each choice: the index taken, and the number of options
    while True:
        memory = MemoryStore()
        patiently(memory, before)
        taken = 0

        def choose(_: int, unfinished: Sequence[int]) -> int:
            nonlocal taken
            if taken == len(path):
                path.append((0, len(unfinished)))
            taken += 1
            return unfinished[path[taken - 1][0]]

        run(
            memory,
            batches,
            projectors=len(batches),
            random=Random(0),
            choose=choose,
            faults=Faults(),
            count=patiently,
        )
        yield wrong(memory, [*before, *(one for batch in batches for one in batch)])
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return
        path[-1] = (path[-1][0] + 1, path[-1][1])


def wrong(memory: MemoryStore, steps: Sequence[Step]) -> str | None:
    """What is wrong with a stored journey that should consist of these steps, or None."""
    actual, expected = facts(memory.stored.journey), facts_of(steps)
    differing = [f"{name} is {actual[name]}, not {expected[name]}" for name in actual if actual[name] != expected[name]]
    rows, expected_rows = {(one.key, one.slot) for one in memory.rows}, {(one.key, one.slot) for one in steps}
    if rows != expected_rows:
        differing.append(f"rows {sorted(rows ^ expected_rows)} are missing or should not exist")
    return "; ".join(differing) or None
