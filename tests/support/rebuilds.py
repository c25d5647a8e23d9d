"""A rebuild among projectors and a reader, their store calls in any order, from journeys that were damaged before."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import repeat
from random import Random

from journeys import keys
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.events.store import EventLog
from journeys.journey import fold
from journeys.journey.model import Journey, Step, Summary, step, step_of
from journeys.journey.rebuild import RebuildResult, delete_generation, rebuild_journey
from journeys.journey.store import JourneyStore, SummaryConflict
from tests.support.schedules import KEY, NOON, Crash, MemoryStore, Turns, facts, facts_of, patiently


def stored(one: Step, key: str = KEY) -> StoredEvent:
    """The event of a step."""
    organization_id, source_id, customer = keys.split(key)
    configuration_id, event_id = one.event_name
    return StoredEvent(
        Event(event_id, one.date, (ExternalId(source_id, customer),), {}),
        organization_id=organization_id,
        configuration_id=configuration_id,
        schema_id="schema",
        schema_version=1,
        slot=one.slot,
        event_name="Event",
        source="Source",
        date_received=NOON,
        receipt="request#0",
    )


class MemoryLog(EventLog):
    """A log in memory."""

    def __init__(self) -> None:
        self.events: dict[str, StoredEvent] = {}

    def add(self, steps: Iterable[Step]) -> None:
        self.events |= {event.key: event for event in map(stored, steps)}

    def get_all(self, event_keys: Sequence[str]) -> dict[str, StoredEvent]:
        return {key: self.events[key] for key in event_keys if key in self.events}


class GenerationStore(MemoryStore):
    """A journey in memory whose rows may be of several generations."""

    def __init__(self) -> None:
        self.partitions: dict[str, list[Step]] = {KEY: []}
        super().__init__()

    @property
    def rows(self) -> list[Step]:
        """Those of the journey."""
        return self.partitions.setdefault(keys.steps(KEY, self.stored.generation), [])

    @rows.setter
    def rows(self, steps: list[Step]) -> None:
        self.partitions[keys.steps(KEY, self.stored.generation)] = steps

    def counted(self) -> dict[str, Step]:
        """What is counted by the law: what has a row, and what is pending."""
        return {one.key: one for one in (*self.stored.pending, *self.rows)}

    def _of(self, partition: str) -> MemoryStore:
        """A store of one partition's rows."""
        part = MemoryStore()
        part.rows = self.partitions.setdefault(partition, [])
        return part

    def existing_rows(self, partition: str, steps: Iterable[Step]) -> frozenset[str]:
        return self._of(partition).existing_rows(partition, steps)

    def neighbor(self, partition: str, key: str, *, forward: bool) -> Step | None:
        return self._of(partition).neighbor(partition, key, forward=forward)

    def put_rows(self, partition: str, steps: Sequence[Step]) -> None:
        self.delete_rows(partition, steps)  # a row that is put again is put over
        self._of(partition).put_rows(partition, steps)

    def delete_rows(self, partition: str, steps: Sequence[Step]) -> None:
        rows = self.partitions.setdefault(partition, [])
        for one in steps:
            place = bisect_left(rows, one)
            if rows[place : place + 1] == [one]:
                del rows[place]


class ScheduledStore(JourneyStore):
    """A store in memory, before every call to which, and every row of it, the turn may go to another task."""

    def __init__(
        self, memory: GenerationStore, before: Callable[[], None], random: Random, answer_lost: float = 0.0
    ) -> None:
        self._memory, self._before, self._random, self._answer_lost = memory, before, random, answer_lost

    def summary(self, journey_key: str) -> Summary:
        self._before()
        return self._memory.summary(journey_key)

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        self._before()
        self._memory.put_summary(journey_key, summary)
        if self._random.random() < self._answer_lost:
            raise SummaryConflict

    def existing_rows(self, partition: str, steps: Iterable[Step]) -> frozenset[str]:
        found = frozenset[str]()
        for one in self._in_any_order(steps):
            self._before()
            found |= self._memory.existing_rows(partition, [one])
        return found

    def neighbor(self, partition: str, key: str, *, forward: bool) -> Step | None:
        self._before()
        return self._memory.neighbor(partition, key, forward=forward)

    def put_rows(self, partition: str, steps: Sequence[Step]) -> None:
        for one in self._in_any_order(steps):
            self._before()
            self._memory.put_rows(partition, [one])

    def delete_rows(self, partition: str, steps: Sequence[Step]) -> None:
        for one in self._in_any_order(steps):
            self._before()
            self._memory.delete_rows(partition, [one])

    def steps(self, partition: str, **_: object) -> Iterator[Step]:
        """Row after row in order, each as it is when it comes."""
        at: Step | None = None
        while True:
            self._before()
            rows = self._memory.partitions.get(partition, [])
            later = rows if at is None else [one for one in rows if one > at]
            if not later:
                return
            at = later[0]
            yield at

    def _in_any_order(self, steps: Iterable[Step]) -> list[Step]:
        inorder = sorted(set(steps))
        return self._random.sample(inorder, len(inorder))


# -- damage ------------------------------------------------------------------------------------------------------------

FOREIGN = step(NOON + 1, "c", "foreign", "a")


def damage(memory: GenerationStore, random: Random) -> bool:
    """Harms a journey in one of the ways there are; answers whether its summary may be wrong by now."""
    rows = memory.rows
    match random.randrange(9):
        case 0:
            return False
        case 1:  # the table is lost
            memory.partitions, memory.stored = {KEY: []}, Summary()
            return False
        case 2:  # rows are lost
            memory.rows = [one for one in rows if random.random() < 0.5]
        case 3:  # the summary is lost
            memory.stored = Summary()
        case 4:  # a row of no event, which the summary does not count
            memory.put_rows(KEY, [FOREIGN])
        case 5:  # the same, counted
            memory.put_rows(KEY, [FOREIGN])
            memory.stored = Summary(fold.journey_of(memory.rows), memory.stored.version + 1)
            return False
        case 6:  # a summary that says something else
            memory.stored = replace(memory.stored, journey=Journey(count=random.randrange(9)))
        case 7:  # a row of another type than its event
            memory.put_rows(KEY, [replace(one, slot="z") for one in rows[:1]])
        case 8:  # what is pending is forgotten
            memory.stored = replace(memory.stored, pending=())
            memory.rows = rows[1:]
    return True


# -- schedules ---------------------------------------------------------------------------------------------------------

Rebuild = Callable[[JourneyStore, EventLog, Sequence[Step]], RebuildResult]
"""A way to rebuild: the product's, or a broken one that must be found out."""


def product(store: JourneyStore, log: EventLog, found: Sequence[Step]) -> RebuildResult:
    """The product's way, which here waits for nothing and gives up never."""
    return rebuild_journey(store, log, KEY, found, sleep=lambda _: None, waits=lambda: repeat(0.0))


def random_schedule(seed: int, how: Rebuild = product, *, waits_for_readers: bool = True) -> str | None:
    """One schedule out of a seed: what is wrong with the journey that it ends in or that a reader saw, or None."""
    return _Schedule(Random(seed), how, waits_for_readers).run()


class _Schedule:
    """A rebuild, a reader and two projectors, of whom one is on at a time."""

    def __init__(self, random: Random, how: Rebuild, waits_for_readers: bool) -> None:
        self._random, self._how, self._waits_for_readers = random, how, waits_for_readers
        moments = random.randint(1, 4)
        steps = [
            step(NOON + random.randrange(moments), "c", f"{number}", random.choice("abc"))
            for number in range(random.randint(1, 6))
        ]
        self._memory, self._log = GenerationStore(), MemoryLog()
        self._found = steps[: random.randrange(len(steps) + 1)]
        self._log.add(self._found)
        before = random.sample(self._found, random.randrange(len(self._found) + 1))
        if before:
            patiently(self._memory, before)
        repeated = random.sample(steps, random.randint(1, min(3, len(steps))))
        self._batches = [[one] for one in (*(one for one in steps if one not in before), *repeated)]
        random.shuffle(self._batches)
        self._summary_wrong = damage(self._memory, random)
        self._started_with = self._memory.counted().keys() & _keys(self._found)
        self._first_generation = self._memory.stored.generation

        self._crash, self._crashes = random.choice((0.0, 0.0, 0.05)), 4
        self._answer_lost = random.choice((0.0, 0.1))
        self._restless = random.choice((0.1, 0.4, 1.0))
        self._turns = Turns(4, self._choose)
        self._reading = self._rebuilt = False
        self._noticed: list[str] = []

    def run(self) -> str | None:
        tasks = (self._rebuilder, self._reader, self._projector, self._projector)
        self._turns.run(lambda number: tasks[number](number))
        return "; ".join([*self._noticed, *_wrong(self._memory, self._log)]) or None

    def _choose(self, now: int, unfinished: Sequence[int]) -> int:
        random = self._random
        return now if now >= 0 and random.random() >= self._restless else random.choice(unfinished)

    def _store(self, number: int, *, crashes: bool = True) -> ScheduledStore:
        def before() -> None:
            self._turns.take(number)
            if crashes and self._crashes and self._random.random() < self._crash:
                self._crashes -= 1
                raise Crash

        return ScheduledStore(self._memory, before, self._random, self._answer_lost if crashes else 0.0)

    def _rebuilder(self, number: int) -> None:
        done: RebuildResult | None = None
        while done is None:
            with suppress(Crash):
                done = self._how(self._store(number), self._log, self._found)
        self._rebuilt = True
        if done.replaced is not None:
            while self._waits_for_readers and self._reading:
                self._turns.take(number)
            delete_generation(self._store(number, crashes=False), KEY, done.replaced)

    def _projector(self, number: int) -> None:
        while self._batches:
            batch = self._batches.pop(0)
            self._log.add(batch)
            counted: int | None = None
            while counted is None:
                with suppress(Crash):
                    counted = patiently(self._store(number), batch)

    def _reader(self, number: int) -> None:
        store = self._store(number, crashes=False)
        for _ in range(4):
            self._reading = True
            must_see = self._started_with | (_keys(self._found) if self._rebuilt else frozenset())
            summary = store.summary(KEY)
            counted, rows = self._memory.counted(), _keys(self._memory.rows)  # at this very moment
            another = summary.generation != self._first_generation
            if (another or not self._summary_wrong) and facts(summary.journey) != facts_of(counted.values()):
                self._noticed.append("a summary of other steps than it counts")
            if not (must_see | (_keys(self._found) if another else frozenset())) <= counted.keys():
                self._noticed.append("a summary without what was projected before")
            listed = _keys(store.steps(keys.steps(KEY, summary.generation)))
            if not rows <= listed:
                self._noticed.append("a listing without rows that were there when it was begun")
            self._reading = False


def _keys(steps: Iterable[Step]) -> frozenset[str]:
    return frozenset(one.key for one in steps)


def _wrong(memory: GenerationStore, log: MemoryLog) -> Iterator[str]:
    """What is wrong with a journey that is said to be that of the log."""
    steps = [step_of(event)[1] for event in log.events.values()]
    if facts(memory.stored.journey) != facts_of(steps):
        yield f"the summary is {facts(memory.stored.journey)}, not {facts_of(steps)}"
    if {(one.key, one.slot) for one in memory.rows} != {(one.key, one.slot) for one in steps}:
        yield "rows are missing, wrong or too many"
