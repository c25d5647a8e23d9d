"""Runs projectors, people who decide, a repair and a reader on the links of one organization, with their store calls
interleaved, and compares the resolved persons with those of a rebuild from the log.

A seed is a schedule that can be repeated. A call that DynamoDB splits into rows is split here as well, in random order,
and processes crash between rows. Two other designs run in the same schedules, which must find what is wrong with them:
`Pointers` and `GuardsAtArrival`.

    python -m tests.support.link_schedules [SCHEDULES]
"""

# ruff: noqa: ARG002  (a design ignores what only another one needs, and there is one organization)

import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from random import Random

from journeys.events.model import StoredEvent
from journeys.events.store import EventLog
from journeys.identity.linker import Linker
from journeys.identity.model import Decision, DecisionState, Evidence, Identifier, Links, Pair, made_by, pair
from journeys.identity.repair import LinkRepair, rows_made_by
from journeys.identity.resolve import Guards, person
from journeys.identity.settings import IdentitySettings, Linking
from journeys.identity.store import LinkStore
from tests.support.identities import every_pair, groups, identifier, stored_event
from tests.support.schedules import Crash, Turns

ORGANIZATION = "acme"
POOL = [identifier(name) for name in ("web:a", "web:b", "web:c", "web:d", "email:a", "email:b", "crm:7", "phone:1")]
EVIDENCE = Evidence(0, "gone", "gone", 0)
"""The event of an orphaned row. The log does not have it."""
ALL = IdentitySettings(Linking.ALL_EXCEPT, ())
NO_GUARDS = Guards(1000, 1000)
Groups = Mapping[Identifier, frozenset[Identifier]]


# -- stores in memory --------------------------------------------------------------------------------------------------


class MemoryLog(EventLog):
    """The log in memory."""

    def __init__(self) -> None:
        self.events: dict[str, StoredEvent] = {}
        self.before: Callable[[], None] = lambda: None

    def add(self, events: Iterable[StoredEvent]) -> None:
        self.events |= {stored.key: stored for stored in events}

    def scan(self) -> list[StoredEvent]:
        """Every event that was stored before the scan began; events that are stored during the scan are missed."""
        found = list(self.events.values())
        self.before()
        return found

    def get_all(self, event_keys: Sequence[str]) -> dict[str, StoredEvent]:
        self.before()
        return {key: self.events[key] for key in event_keys if key in self.events}


class Memory:
    """The links table in memory. `pointers` are what the design with pointers stores."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Identifier, Identifier], Evidence] = {}
        self.decisions: dict[Pair, Decision] = {}
        self.sources: set[str] = set()
        self.pointers: dict[Identifier, Identifier] = {}

    def links(self, one: Identifier) -> Links:
        return Links(
            one,
            {other: evidence for (first, other), evidence in self.rows.items() if first == one},
            {both[both[0] == one]: decision for both, decision in self.decisions.items() if one in both},
        )


class ScheduledLinks(LinkStore):
    """The store of one process. Before every call, and every row of a call, `before` may let another process run.

    `stale` is the probability that an eventually consistent read misses a row.
    """

    def __init__(self, memory: Memory, before: Callable[[], None], random: Random, stale: float) -> None:
        self.memory, self.before, self._random, self._stale = memory, before, random, stale

    def links(self, organization_id: str, identifier: Identifier) -> Links:
        self.before()
        return self.memory.links(identifier)

    def existing(self, organization_id: str, pairs: Iterable[Pair]) -> frozenset[Pair]:
        missing: set[Pair] = set()
        wanted = list(pairs)
        for row in self._rows(wanted):
            self.before()
            if row not in self.memory.rows or self._random.random() < self._stale:
                missing.add(pair(*row))
        return frozenset(set(wanted) - missing)

    def put(self, organization_id: str, links: Mapping[Pair, Evidence]) -> None:
        for row in self._rows(links):
            self.before()
            self.memory.rows[row] = links[pair(*row)]

    def delete(self, organization_id: str, pairs: Iterable[Pair]) -> None:
        for row in self._rows(pairs):
            self.before()
            self.memory.rows.pop(row, None)

    def decision(self, organization_id: str, pair: Pair) -> Decision | None:
        self.before()
        return self.memory.decisions.get(pair)

    def put_decision(self, organization_id: str, pair: Pair, new: Decision) -> bool:
        self.before()
        stored = self.memory.decisions.get(pair)
        if (stored.revision if stored is not None else 0) != new.revision - 1:
            return False
        self.memory.decisions[pair] = new
        return True

    def add_sources(self, organization_id: str, sources: Iterable[str], *, now_ms: int) -> None:
        for source in sources:
            self.before()
            self.memory.sources.add(source)

    def _rows(self, pairs: Iterable[Pair]) -> list[tuple[Identifier, Identifier]]:
        rows = [row for first, second in pairs for row in ((first, second), (second, first))]
        return self._random.sample(rows, len(rows))


# -- designs -----------------------------------------------------------------------------------------------------------


class Design(ABC):
    """A way to store what events link, and to resolve persons. Only the product's has decisions and repairs."""

    complete = False

    @abstractmethod
    def process(self, store: ScheduledLinks, clock: Callable[[], float]) -> Callable[[Sequence[StoredEvent]], object]:
        """What a new process does with a batch of events."""

    @abstractmethod
    def persons(self, memory: Memory, settings: IdentitySettings, guards: Guards) -> Groups:
        """The persons that the stored rows stand for."""

    def expected(
        self,
        events: Iterable[StoredEvent],
        decisions: Mapping[Pair, Decision],
        settings: IdentitySettings,
        guards: Guards,
    ) -> Groups:
        """The persons of a rebuild from the log, by brute force."""
        return groups(made_by(events).keys(), decisions, settings, guards)


class Product(Design):
    """Links are stored, and persons are resolved when they are read."""

    complete = True

    def process(self, store: ScheduledLinks, clock: Callable[[], float]) -> Callable[[Sequence[StoredEvent]], object]:
        linker = Linker(store, clock=clock)
        return lambda events: linker.link(ORGANIZATION, events)

    def persons(self, memory: Memory, settings: IdentitySettings, guards: Guards) -> Groups:
        return {
            one: frozenset(person(memory.links, one, settings, guards=guards).identifiers)
            for one in {first for first, _ in memory.rows} | {one for both in memory.decisions for one in both}
        }


class Pointers(Design):
    """Union-find: each identifier points to the one that it was merged into, and the last is the person.

    It runs without guards, decisions and repairs, and is still wrong: a root that two processes read can be merged by
    both, so that a merge is lost or two roots point to each other.
    """

    def __init__(self) -> None:
        self.cycles = 0

    def process(self, store: ScheduledLinks, clock: Callable[[], float]) -> Callable[[Sequence[StoredEvent]], object]:
        def merge(events: Sequence[StoredEvent]) -> None:
            for stored in events:
                first, *others = dict.fromkeys(stored.event.external_ids)
                for other in others:
                    into, root = self._root(store, first), self._root(store, other)
                    store.before()
                    if into != root:
                        store.memory.pointers[root] = into

        return merge

    def _root(self, store: ScheduledLinks, one: Identifier) -> Identifier:
        for _ in POOL:
            store.before()
            if one not in store.memory.pointers:
                break
            one = store.memory.pointers[one]
        return one

    def persons(self, memory: Memory, settings: IdentitySettings, guards: Guards) -> Groups:
        roots: dict[Identifier, Identifier] = {}
        cyclic = False
        for one in POOL:
            seen = [one]
            while (last := memory.pointers.get(seen[-1])) is not None and last not in seen:
                seen.append(last)
            cyclic = cyclic or last is not None
            roots[one] = seen[-1]
        self.cycles += cyclic
        return {one: frozenset(other for other in POOL if roots[other] == root) for one, root in roots.items()}

    def expected(
        self,
        events: Iterable[StoredEvent],
        decisions: Mapping[Pair, Decision],
        settings: IdentitySettings,
        guards: Guards,
    ) -> Groups:
        return super().expected(events, {}, ALL, NO_GUARDS)


class GuardsAtArrival(Design):
    """The projector counts an identifier's links before it stores one more, and readers follow every stored link.

    Which links an identifier has then depends on which event came first.
    """

    GUARDS = Guards(2, 1000)

    def process(self, store: ScheduledLinks, clock: Callable[[], float]) -> Callable[[Sequence[StoredEvent]], object]:
        def link(events: Sequence[StoredEvent]) -> None:
            for both, evidence in made_by(events).items():
                known = [store.links(ORGANIZATION, one).evidence.keys() for one in both]
                if all(len(others | {both[not index]}) <= self.GUARDS.links for index, others in enumerate(known)):
                    store.put(ORGANIZATION, {both: evidence})

        return link

    def persons(self, memory: Memory, settings: IdentitySettings, guards: Guards) -> Groups:
        return Product().persons(memory, ALL, NO_GUARDS)

    def expected(
        self,
        events: Iterable[StoredEvent],
        decisions: Mapping[Pair, Decision],
        settings: IdentitySettings,
        guards: Guards,
    ) -> Groups:
        return super().expected(events, {}, ALL, self.GUARDS)


# -- schedules ---------------------------------------------------------------------------------------------------------


def random_schedule(seed: int, design: Design) -> str | None:
    """Runs the schedule of a seed. Returns what is wrong with the links, or with what a reader saw, or None."""
    return _Schedule(Random(seed), design).run()


class _Schedule:
    """Two projectors, two people who decide, a repair and a reader, of which one runs at a time."""

    def __init__(self, random: Random, design: Design) -> None:
        self._random, self._design = random, design
        self._memory, self._log = Memory(), MemoryLog()
        self._now = 1000.0
        pool = random.sample(POOL, random.randint(3, len(POOL)))
        events = [
            stored_event(number, *random.sample(pool, min(len(pool), random.choice((1, 2, 2, 2, 3)))))
            for number in range(random.randint(1, 8))
        ]
        self._batches = [list(random.sample(events, random.randint(1, min(3, len(events))))) for _ in range(2)]
        self._batches += [[one] for one in events]
        random.shuffle(self._batches)
        self._pairs = every_pair(pool)
        self._settings = random.choice((ALL, IdentitySettings(), IdentitySettings(Linking.ONLY, ("web", "email"))))
        self._guards = Guards(random.randint(1, 4), random.randint(2, 6))
        self._crash, self._crashes = random.choice((0.0, 0.0, 0.05, 0.15)), 4
        self._stale = random.choice((0.0, 0.2))
        self._switching = random.choice((0.1, 0.4, 1.0))
        self._ever: set[Pair] = set()
        self._noticed: list[str] = []
        self._ids = count()
        if design.complete:
            self._damage()

    def _damage(self) -> None:
        """Stores rows that no event made: both rows of a link, or one."""
        for both in self._random.sample(self._pairs, self._random.choice((0, 0, 1, 2))):
            self._ever.add(both)
            for row in self._random.choice(((both,), (both, both[::-1]), (both[::-1],))):
                self._memory.rows[row] = EVIDENCE

    def run(self) -> str | None:
        tasks: list[Callable[[int], None]] = [self._projector, self._projector]
        if self._design.complete:
            tasks += [self._person, self._person, self._repairer, self._reader]
        self._turns = Turns(len(tasks), self._choose)
        self._turns.run(lambda number: tasks[number](number))
        return "; ".join([*self._noticed, *self._wrong()]) or None

    def _choose(self, now: int, unfinished: Sequence[int]) -> int:
        random = self._random
        return now if now in unfinished and random.random() >= self._switching else random.choice(unfinished)

    def _store(self, number: int, *, crashes: bool = True) -> ScheduledLinks:
        return ScheduledLinks(self._memory, self._before(number, crashes=crashes), self._random, self._stale)

    def _before(self, number: int, *, crashes: bool) -> Callable[[], None]:
        def before() -> None:
            self._now += self._random.choice((0, 0, 1, 10))
            self._turns.take(number)
            if crashes and self._crashes and self._random.random() < self._crash:
                self._crashes -= 1
                raise Crash

        return before

    def _projector(self, number: int) -> None:
        store = self._store(number)
        process = self._design.process(store, lambda: self._now)
        while self._batches:
            waiting = [self._batches.pop(0)]
            self._log.add(waiting[0])
            self._ever |= made_by(waiting[0]).keys()
            while waiting:
                batch = waiting.pop()
                try:
                    process(batch)
                except Crash:  # Either a call failed, or the process ended and a new one remembers nothing.
                    if self._random.random() < 0.5:
                        process = self._design.process(store, lambda: self._now)
                    cut = self._random.randrange(len(batch))
                    waiting += [part for part in (batch[:cut], batch[cut:]) if part]

    def _person(self, number: int) -> None:
        store = self._store(number)
        for _ in range(self._random.choice((0, 1, 3))):
            both, state = self._random.choice(self._pairs), self._random.choice(list(DecisionState))
            if state is DecisionState.LINKED:
                self._ever.add(both)
            with suppress(Crash):
                store.decide(ORGANIZATION, both, state, by=f"{next(self._ids)}", now_ms=0)

    def _repairer(self, number: int) -> None:
        store = self._store(number)
        self._log.before = store.before
        done = False
        while not done:
            with suppress(Crash):
                self._repair(store)
                done = True

    def _repair(self, store: ScheduledLinks) -> None:
        repair = LinkRepair(store, self._log)
        made = rows_made_by(made_by(self._log.scan()))
        for one in self._random.sample(POOL, len(POOL)):
            found = repair.compare(ORGANIZATION, one, made.get(one, {}), store.links(ORGANIZATION, one).evidence)
            repair.repair(found)
        if repair.removed:
            repair.complete(ORGANIZATION, self._log.scan())

    def _reader(self, number: int) -> None:
        store = self._store(number, crashes=False)
        for _ in range(2):
            start = self._random.choice(POOL)
            found = person(store.reader(ORGANIZATION), start, self._settings, guards=self._guards)
            if start not in found.identifiers or len(found.identifiers) > max(1, self._guards.identifiers):
                self._noticed.append("a person without its identifier, or with too many")
            if not {link.pair for link in found.links} <= self._ever:
                self._noticed.append("a link that neither an event nor anybody made")
            self._settings = self._random.choice((self._settings, ALL, IdentitySettings(Linking.NONE)))

    def _wrong(self) -> Iterator[str]:
        """What differs from a rebuild of the log."""
        events, decisions = list(self._log.events.values()), self._memory.decisions
        expected = self._design.expected(events, decisions, self._settings, self._guards)
        found = self._design.persons(self._memory, self._settings, self._guards)
        if _joined(found) != _joined(expected):
            yield f"persons are {found}, not {expected}"
        if not self._design.complete:
            return
        rows = {row for both in made_by(events) for row in (both, both[::-1])}
        if self._memory.rows.keys() != rows:
            yield f"rows {self._memory.rows.keys() ^ rows} are missing or should not exist"
        sources = {one.source_id for stored in events for one in stored.event.external_ids}
        if self._memory.sources != sources:
            yield "sources are missing"


def _joined(persons: Groups) -> Groups:
    """The persons with several identifiers. All other identifiers stand alone."""
    return {one: of for one, of in persons.items() if len(of) > 1}


def failures(design: Design, seeds: Iterable[int]) -> dict[int, str]:
    """What is wrong in each schedule that finds something."""
    return {seed: wrong for seed in seeds if (wrong := random_schedule(seed, design))}


def main(schedules: int) -> int:
    """Prints how many schedules find something wrong, for each design. The product must have none."""
    pointers = Pointers()
    found = Counter(
        {type(one).__name__: len(failures(one, range(schedules))) for one in (Product(), pointers, GuardsAtArrival())}
    )
    for name, number in found.items():
        print(f"{name:20} {number:7,} of {schedules:,} schedules differ from a rebuild")
    print(f"{'':20} {pointers.cycles:7,} with pointers in a circle")
    return 1 if found["Product"] else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
