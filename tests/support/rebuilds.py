"""Runs a rebuild of a damaged journey beside projectors and a reader, with their store calls interleaved."""

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
from journeys.journey.store import JourneyStore
from tests.support.schedules import KEY, NOON, Crash, MemoryStore, ScheduledStore, Turns, facts, facts_of, patiently


def stored(one: Step, key: str = KEY) -> StoredEvent:
    """The event of a step."""
    organization_id, source_id, customer = keys.split(key)
    configuration_id, event_id = one.event_ids
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
    """A journey in memory whose rows can be of several generations."""

    def __init__(self) -> None:
        self.partitions: dict[str, list[Step]] = {KEY: []}
        super().__init__()

    @property
    def rows(self) -> list[Step]:
        """The rows of the journey's current generation."""
        return self.partitions.setdefault(keys.steps(KEY, self.stored.generation), [])

    @rows.setter
    def rows(self, steps: list[Step]) -> None:
        self.partitions[keys.steps(KEY, self.stored.generation)] = steps

    def counted(self) -> dict[str, Step]:
        """The steps that the journey counts: those that have a row or are pending."""
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
        self.delete_rows(partition, steps)  # putting a row again replaces it
        self._of(partition).put_rows(partition, steps)

    def delete_rows(self, partition: str, steps: Sequence[Step]) -> None:
        rows = self.partitions.setdefault(partition, [])
        for one in steps:
            index = bisect_left(rows, one)
            if rows[index : index + 1] == [one]:
                del rows[index]


class ScheduledGenerationStore(ScheduledStore):
    """A scheduled store that can also delete and list rows."""

    _memory: GenerationStore

    def delete_rows(self, partition: str, steps: Sequence[Step]) -> None:
        for one in self._in_random_order(steps):
            self._before()
            self._memory.delete_rows(partition, [one])

    def steps(self, partition: str, **_: object) -> Iterator[Step]:
        """Yields row after row. Rows that are put or deleted meanwhile are seen or not, as in DynamoDB."""
        last: Step | None = None
        while True:
            self._before()
            rows = self._memory.partitions.get(partition, [])
            later = rows if last is None else [one for one in rows if one > last]
            if not later:
                return
            last = later[0]
            yield last


# -- damage ------------------------------------------------------------------------------------------------------------

ORPHANED = step(NOON + 1, "c", "foreign", "a")


def damage(memory: GenerationStore, random: Random) -> bool:
    """Damages a journey in a random way. Returns whether its summary may be wrong afterwards."""
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
        case 4:  # a row without an event, which the summary does not count
            memory.put_rows(KEY, [ORPHANED])
        case 5:  # the same, counted
            memory.put_rows(KEY, [ORPHANED])
            memory.stored = Summary(fold.journey_of(memory.rows), memory.stored.version + 1)
            return False
        case 6:  # a summary with wrong figures
            memory.stored = replace(memory.stored, journey=Journey(count=random.randrange(9)))
        case 7:  # a row of another type than its event
            memory.put_rows(KEY, [replace(one, slot="z") for one in rows[:1]])
        case 8:  # the pending steps are lost
            memory.stored = replace(memory.stored, pending=())
            memory.rows = rows[1:]
    return True


# -- schedules ---------------------------------------------------------------------------------------------------------

Rebuild = Callable[[JourneyStore, EventLog, Sequence[Step]], RebuildResult]
"""A way to rebuild: the product's, or one with a deliberate error that the schedules must detect."""


def product(store: JourneyStore, log: EventLog, found: Sequence[Step]) -> RebuildResult:
    """The product's way, but without waiting between attempts and without a limit on them."""
    return rebuild_journey(store, log, KEY, found, sleep=lambda _: None, waits=lambda: repeat(0.0))


def random_schedule(seed: int, how: Rebuild = product, *, waits_for_readers: bool = True) -> str | None:
    """Runs the schedule of a seed. Returns what is wrong with the journey or with what a reader saw, or None."""
    return _Schedule(Random(seed), how, waits_for_readers).run()


class _Schedule:
    """A rebuild, a reader and two projectors, of which one runs at a time."""

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
        self._response_lost = random.choice((0.0, 0.1))
        self._switching = random.choice((0.1, 0.4, 1.0))
        self._turns = Turns(4, self._choose)
        self._reading = self._rebuilt = False
        self._noticed: list[str] = []

    def run(self) -> str | None:
        tasks = (self._rebuilder, self._reader, self._projector, self._projector)
        self._turns.run(lambda number: tasks[number](number))
        return "; ".join([*self._noticed, *_wrong(self._memory, self._log)]) or None

    def _choose(self, now: int, unfinished: Sequence[int]) -> int:
        random = self._random
        return now if now >= 0 and random.random() >= self._switching else random.choice(unfinished)

    def _store(self, number: int, *, crashes: bool = True) -> ScheduledGenerationStore:
        def before() -> None:
            self._turns.take(number)
            if crashes and self._crashes and self._random.random() < self._crash:
                self._crashes -= 1
                raise Crash

        return ScheduledGenerationStore(self._memory, before, self._random, self._response_lost if crashes else 0.0)

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
            must_count = self._started_with | (_keys(self._found) if self._rebuilt else frozenset())
            summary = store.summary(KEY)
            counted, rows = self._memory.counted(), _keys(self._memory.rows)  # at the same time
            another = summary.generation != self._first_generation
            if (another or not self._summary_wrong) and facts(summary.journey) != facts_of(counted.values()):
                self._noticed.append("a summary with figures of other steps than it counts")
            if not (must_count | (_keys(self._found) if another else frozenset())) <= counted.keys():
                self._noticed.append("a summary without steps that were projected before")
            listed = _keys(store.steps(keys.steps(KEY, summary.generation)))
            if not rows <= listed:
                self._noticed.append("a listing without rows that existed when it started")
            self._reading = False


def _keys(steps: Iterable[Step]) -> frozenset[str]:
    return frozenset(one.key for one in steps)


def _wrong(memory: GenerationStore, log: MemoryLog) -> Iterator[str]:
    """What is wrong with a stored journey that should be the journey of the log."""
    steps = [step_of(event)[1] for event in log.events.values()]
    if facts(memory.stored.journey) != facts_of(steps):
        yield f"the summary is {facts(memory.stored.journey)}, not {facts_of(steps)}"
    if {(one.key, one.slot) for one in memory.rows} != {(one.key, one.slot) for one in steps}:
        yield "rows are missing, wrong, or should not exist"
