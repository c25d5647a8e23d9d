"""The capacity that an event consumes in DynamoDB, from the request to the journey, for journeys of several lengths.

Ingest puts the event, and `count_steps` adds it to the journey: alone or in a burst for one customer, by one projector
or by four that start together. Late events are either consecutive, like a session that was sent late, or scattered over
the whole journey.
"""

import random
import statistics
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

from journeys import dates
from journeys.aws import item_size
from journeys.journey.model import Step
from journeys.journey.projection import count_steps
from journeys.journey.store import _summary_item
from tests.bench.database import Database, journey_key_of
from tests.bench.figures import Figure
from tests.bench.meter import Cost, Meter
from tests.bench.sample import customer_id

BATCH = 100
DAY_MS = 24 * 60 * 60 * 1000
SPAN_MS = 90 * DAY_MS
SEEDED_UNTIL_MS = 10 * DAY_MS
"""How long ago the initial journeys ended, and how long they lasted."""

LENGTHS = (10, 1_000, 100_000)
GAPS = 9
"""The number of positions over which the events of a scattered burst are spread: the length of the shortest journey."""

IN_ORDER, LATE, SCATTERED = "in order", "late, one session", "late, scattered"
MAX_RATIO = 1.2
MAX_ROWS = 6.0


@dataclass(frozen=True)
class Case:
    """The events of one customer that arrive at once, the number of projectors, and the number of repetitions."""

    events: int
    projectors: int
    times: int
    modes: tuple[str, ...]
    target: float | None = None

    @property
    def name(self) -> str:
        if self.events == 1:
            return "single events"
        return f"bursts of {self.events}, {self.projectors} projector{'s' if self.projectors > 1 else ''}"


CASES = (
    Case(1, 1, 6, (IN_ORDER, LATE), target=3.1),
    Case(50, 1, 3, (IN_ORDER, LATE, SCATTERED), target=2.1),
    Case(50, 4, 5, (IN_ORDER, LATE), target=2.4),
    Case(500, 1, 1, (IN_ORDER, LATE)),
    Case(500, 4, 2, (IN_ORDER, LATE)),
)


def run() -> list[Figure]:
    with Database() as database:
        return _Bench(database).figures()


class _Bench:
    def __init__(self, database: Database) -> None:
        self._database, self._chance = database, random.Random(1)
        self._meter = Meter(database.client)
        database.warm(self._chance)
        self._now = dates.now_ms()
        self._number = count()
        self._longest = _Customer(*self._seeded(LENGTHS[-1]))

    def figures(self) -> list[Figure]:
        figures: list[Figure] = []
        for case in CASES:
            for mode in case.modes:
                costs = {
                    length: [self._burst(case, mode, one) for one in self._customers(length, case)]
                    for length in LENGTHS
                }
                figures += self._of_case(case, mode, costs)
        return figures

    # -- measuring -----------------------------------------------------------------------------------------------------

    def _burst(self, case: Case, mode: str, customer: "_Customer") -> Cost:
        """The cost of one burst for a customer without pending steps."""
        journey_key = journey_key_of(customer.name)
        count_steps(self._database.journeys, journey_key, self._send(customer, IN_ORDER, 1))
        with self._meter.measured() as cost:
            steps = self._send(customer, mode, case.events)
            shares = [_in_batches(steps[place :: case.projectors]) for place in range(case.projectors)]
            together = threading.Barrier(case.projectors)

            def project(share: Sequence[Sequence[Step]]) -> int:
                together.wait()
                return sum(count_steps(self._database.journeys, journey_key, batch) for batch in share)

            with ThreadPoolExecutor(case.projectors) as threads:
                assert sum(threads.map(project, shares)) == case.events
        return cost

    def _send(self, customer: "_Customer", mode: str, events: int) -> list[Step]:
        return self._database.send(self._chance, customer.name, list(customer.moments(self._chance, mode, events)))

    # -- customers -----------------------------------------------------------------------------------------------------

    def _customers(self, length: int, case: Case) -> Iterator["_Customer"]:
        """One customer per repetition: a new one, or always the one with the longest journey."""
        if length == LENGTHS[-1]:
            yield from [self._longest] * case.times
            return
        fresh = length * case.times if length == LENGTHS[0] else length
        customers = [_Customer(*self._seeded(length)) for _ in range(fresh // length)]
        yield from (customers * case.times)[: case.times]

    def _seeded(self, length: int) -> tuple[str, list[int]]:
        name = customer_id(self._chance)
        first = self._now - SEEDED_UNTIL_MS - SPAN_MS
        moments = [first + SPAN_MS * place // length for place in range(length)]
        self._database.seed(self._chance, name, moments)
        return name, moments

    # -- reporting -----------------------------------------------------------------------------------------------------

    def _of_case(self, case: Case, mode: str, costs: dict[int, list[Cost]]) -> list[Figure]:
        writes = {length: _per_event(case, [cost.write_units for cost in of]) for length, of in costs.items()}
        rows = {length: _per_event(case, [cost.rows_read for cost in of]) for length, of in costs.items()}
        reads = {length: _per_event(case, [cost.read_units for cost in of]) for length, of in costs.items()}
        refused = statistics.mean(cost.refused for of in costs.values() for cost in of)
        summary = self._database.journeys.summary(journey_key_of(self._longest.name))
        parameters = {
            "state": f"{item_size(_summary_item(journey_key_of(self._longest.name), summary))} B",
            "types": len(summary.journey.types),
            "projectors": case.projectors,
        }
        name = f"{case.name}, {mode}"
        lengths = " / ".join(f"{length:,}" for length in LENGTHS)
        figures = [
            Figure(
                "capacity",
                f"{name}: write units an event",
                max(writes.values()),
                target=case.target,
                parameters=parameters | {lengths: _each(writes), "refused writes a burst": round(refused, 1)},
            ),
            Figure(
                "capacity",
                f"{name}: rows read an event",
                max(rows.values()),
                target=MAX_ROWS,
                parameters=parameters | {lengths: _each(rows), "read units": _each(reads)},
            ),
        ]
        for what, measured in (("write units", writes), ("rows read", rows), ("read units", reads)):
            ratio = max(measured.values()) / min(measured.values())
            figures.append(
                Figure(
                    "capacity",
                    f"{name}: {what}, dearest length / cheapest",
                    ratio,
                    target=MAX_RATIO,
                    parameters={lengths: _each(measured)},
                )
            )
        return figures


class _Customer:
    """A customer and the times of the next events."""

    def __init__(self, name: str, seeded: Sequence[int]) -> None:
        self.name, self._seeded = name, seeded
        self._last = seeded[-1] + 1000

    def moments(self, chance: random.Random, mode: str, events: int) -> Iterator[int]:
        if mode == IN_ORDER:
            for _ in range(events):
                self._last += 1000
                yield self._last
            return
        gaps = chance.sample(range(len(self._seeded) - 1), GAPS if mode == SCATTERED else 1)
        for place in range(events):
            gap = gaps[place % len(gaps)]
            low, high = self._seeded[gap], self._seeded[gap + 1]
            yield chance.randrange(low + 1, high)


def _in_batches(steps: Sequence[Step]) -> list[Sequence[Step]]:
    return [steps[start : start + BATCH] for start in range(0, len(steps), BATCH)]


def _per_event(case: Case, amounts: Sequence[float]) -> float:
    return statistics.mean(amounts) / case.events


def _each(measured: dict[int, float]) -> str:
    return " / ".join(f"{one:.2f}" for one in measured.values())
