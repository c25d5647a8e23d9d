"""Projectors on one customer, their store calls in any order, with crashes between them; and what must come of it.

Each projector runs in a thread, but only the one whose turn it is goes on; before every call to the store a seeded draw
says who is next, so a seed is a schedule and can be run again. A call that DynamoDB splits into items (reading several
rows, putting several) is split here as well, in any order.
"""

# ruff: noqa: ARG002  (a store of one customer's journey has no use for the customer's key)

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


# -- what a journey must be --------------------------------------------------------------------------------------------


def facts(journey: Journey) -> dict[str, object]:
    """All that a journey says, the slots of its ends included, which the equality of steps leaves out."""
    return {
        "count": journey.count,
        "first": journey.first and (journey.first.key, journey.first.slot),
        "last": journey.last and (journey.last.key, journey.last.slot),
        "types": {slot: (span.count, span.first, span.last) for slot, span in journey.types.items()},
        "transitions": dict(journey.transitions),
    }


def facts_of(steps: Iterable[Step]) -> dict[str, object]:
    """What the journey of a set of steps must say, worked out without the fold."""
    inorder = sorted({one.key: one for one in steps}.values(), key=lambda one: one.key)
    dates: dict[str, list[int]] = {}
    for one in inorder:
        dates.setdefault(one.slot, []).append(one.date)
    return {
        "count": len(inorder),
        "first": (inorder[0].key, inorder[0].slot) if inorder else None,
        "last": (inorder[-1].key, inorder[-1].slot) if inorder else None,
        "types": {slot: (len(some), min(some), max(some)) for slot, some in dates.items()},
        "transitions": dict(Counter(before.slot + after.slot for before, after in pairwise(inorder))),
    }


# -- a store in memory -------------------------------------------------------------------------------------------------


class MemoryStore(JourneyStore):
    """One customer's journey in memory, which notes the calls it gets and the rows it hands out."""

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

    def existing_rows(self, journey_key: str, steps: Iterable[Step]) -> frozenset[str]:
        self.calls.append("existing_rows")
        found = frozenset(one.key for one in set(steps) if self._has(one))
        self.rows_read += len(found)
        return found

    def neighbor(self, journey_key: str, key: str, *, forward: bool) -> Step | None:
        self.calls.append("neighbor")
        here = Step(key, "")
        found = (
            self.rows[bisect_right(self.rows, here) :][:1]
            if forward
            else self.rows[: bisect_left(self.rows, here)][-1:]
        )
        self.rows_read += len(found)
        return found[0] if found else None

    def put_rows(self, journey_key: str, steps: Sequence[Step]) -> None:
        self.calls.append("put_rows")
        for one in steps:
            if not self._has(one):
                insort(self.rows, one)

    def _has(self, one: Step) -> bool:
        return self.rows[bisect_left(self.rows, one) :][:1] == [one]


# -- turns -------------------------------------------------------------------------------------------------------------

_threads = ThreadPoolExecutor(8, thread_name_prefix="projector")


class Turns:
    """Lets one of several tasks go on at a time. `choose` draws from the tasks that can."""

    def __init__(self, tasks: int, choose: Callable[[int, Sequence[int]], int]) -> None:
        self._choose = choose
        self._unfinished = list(range(tasks))
        self._gates = [Lock() for _ in self._unfinished]
        for gate in self._gates:
            gate.acquire()

    def run(self, task: Callable[[int], None]) -> None:
        """Runs the task as often as there are turns to take; it takes its number. Raises what a task raised."""
        running = [_threads.submit(self._one, task, number) for number in self._unfinished]
        self._gates[self._choose(-1, self._unfinished)].release()
        for one in running:
            one.result()

    def take(self, number: int) -> None:
        """Returns when it is this task's turn again."""
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
    """A projector ended here; nothing that it did before is undone."""


class _ScheduledStore(JourneyStore):
    """A store in memory, before every call to which the turn may go to another projector."""

    def __init__(self, memory: MemoryStore, before: Callable[[], None], random: Random, answer_lost: float) -> None:
        self._memory, self._before, self._random, self._answer_lost = memory, before, random, answer_lost

    def summary(self, journey_key: str) -> Summary:
        self._before()
        return self._memory.summary(journey_key)

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._before()
        self._memory.put_summary(journey_key, summary)
        if self._random.random() < self._answer_lost:
            raise SummaryConflict  # which is what the client's own repeat of the call comes back with

    def existing_rows(self, journey_key: str, steps: Iterable[Step]) -> frozenset[str]:
        return frozenset().union(*(self._existing_rows(journey_key, one) for one in self._in_any_order(steps)))

    def _existing_rows(self, journey_key: str, one: Step) -> frozenset[str]:
        self._before()
        return self._memory.existing_rows(journey_key, [one])

    def neighbor(self, journey_key: str, key: str, *, forward: bool) -> Step | None:
        self._before()
        return self._memory.neighbor(journey_key, key, forward=forward)

    def put_rows(self, journey_key: str, steps: Sequence[Step]) -> None:
        for one in self._in_any_order(steps):
            self._before()
            self._memory.put_rows(journey_key, [one])

    def _in_any_order(self, steps: Iterable[Step]) -> list[Step]:
        inorder = sorted(set(steps))
        return self._random.sample(inorder, len(inorder))


# -- schedules ---------------------------------------------------------------------------------------------------------

Count = Callable[[JourneyStore, Sequence[Step]], object]
"""A way to bring steps into a journey: the product's, or a broken one that must be found out."""


def patiently(store: JourneyStore, steps: Sequence[Step]) -> int:
    """The product's way, which here waits for nothing and gives up never."""
    return count_steps(store, KEY, steps, sleep=lambda _: None, waits=lambda: repeat(0.0))


@dataclass
class Trouble:
    """What a schedule may do to projectors: how likely each call is the last one, and how many may crash at most."""

    crash: float = 0.0
    crashes: int = 8
    answer_lost: float = 0.0


def run(
    memory: MemoryStore,
    batches: Sequence[Sequence[Step]],
    *,
    projectors: int,
    random: Random,
    choose: Callable[[int, Sequence[int]], int],
    trouble: Trouble,
    count: Count,
) -> None:
    """Projectors take batches until none is left; the batch of one that crashed comes again later, maybe cut in two."""
    waiting = [list(batch) for batch in batches]
    turns = Turns(projectors, choose)
    left = trouble.crashes

    def projector(number: int) -> None:
        nonlocal left

        def before() -> None:
            nonlocal left
            turns.take(number)
            if left and random.random() < trouble.crash:
                left -= 1
                raise Crash

        while waiting:
            batch = waiting.pop(0)
            try:
                count(_ScheduledStore(memory, before, random, trouble.answer_lost), batch)
            except Crash:
                cut = random.randrange(len(batch))
                waiting.extend(part for part in (batch[:cut], batch[cut:]) if part)

    turns.run(projector)


def random_schedule(seed: int, count: Count = patiently) -> str | None:
    """One schedule out of a seed: what is wrong with the journey that it ends in, or None."""
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
        for batch in random.sample(batches, random.choice((1, 1, 2))):  # the same event may come in two
            batch.append(one)
    restless = random.choice((0.1, 0.4, 1.0))

    def choose(now: int, unfinished: Sequence[int]) -> int:
        return now if now >= 0 and random.random() >= restless else random.choice(unfinished)

    run(
        memory,
        [batch for batch in batches if batch],
        projectors=random.randint(2, 4),
        random=random,
        choose=choose,
        trouble=Trouble(crash=random.choice((0.0, 0.03, 0.15)), answer_lost=random.choice((0.0, 0.1))),
        count=count,
    )
    return wrong(memory, steps)


def all_schedules(before: Sequence[Step], batches: Sequence[Sequence[Step]]) -> Iterator[str | None]:
    """Every interleaving of the calls of one projector a batch; for each what is wrong with its journey, or None.

    The order of the items within one call is drawn, not gone through.
    """
    path: list[tuple[int, int]] = []  # at each point where there was a choice: the one taken, and how many there were
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
            trouble=Trouble(),
            count=patiently,
        )
        yield wrong(memory, [*before, *(one for batch in batches for one in batch)])
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return
        path[-1] = (path[-1][0] + 1, path[-1][1])


def wrong(memory: MemoryStore, steps: Sequence[Step]) -> str | None:
    """What is wrong with a journey that is said to hold these steps, or None."""
    is_, should_be = facts(memory.stored.journey), facts_of(steps)
    differing = [f"{name} is {is_[name]}, not {should_be[name]}" for name in is_ if is_[name] != should_be[name]]
    rows, expected = {(one.key, one.slot) for one in memory.rows}, {(one.key, one.slot) for one in steps}
    if rows != expected:
        differing.append(f"rows {sorted(rows ^ expected)} are missing or too many")
    return "; ".join(differing) or None
