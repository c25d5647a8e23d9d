"""Reading a person of five identifiers against reading one identifier that has the same events."""

import random
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

from journeys.events.model import ExternalId
from journeys.identity.model import Evidence, pair
from journeys.identity.reading import PersonReader
from journeys.identity.store import IdentitySettingsStore
from journeys.journey.projection import count_steps
from journeys.journey.reading import JourneyReader
from journeys.parallel import Reads
from journeys.registry.event_types import EventTypes
from tests.bench.database import Database, journey_key_of
from tests.bench.figures import Figure
from tests.bench.sample import ORGANIZATION, SOURCE_ID

EVENTS = 1000
IDENTIFIERS = 5
ROUNDS = 9
TARGET = 3.0
FIRST = 1_767_225_600_000
"""2026-01-01."""


def run() -> list[Figure]:
    with Database() as database:
        return _run(database)


def _run(database: Database) -> list[Figure]:
    chance, reads = random.Random(13), Reads()
    database.warm(chance)
    persons = PersonReader(database.links, IdentitySettingsStore(database.client, database.tables.registry), reads)
    reader = JourneyReader(
        database.journeys, database.log, EventTypes(database.client, database.tables.registry), reads
    )
    moments = [FIRST + 60_000 * number for number in range(EVENTS)]
    # The events of a person's identifiers alternate, so the transitions of the whole journey have to be merged.
    alone = _stored(database, chance, [moments])
    several = _stored(database, chance, [moments[place::IDENTIFIERS] for place in range(IDENTIFIERS)])
    database.links.put(ORGANIZATION, {pair(*two): Evidence(FIRST, "c", "e", FIRST) for two in pairwise(several)})

    def summary(asked: ExternalId, *, of_person: bool) -> int:
        found = persons.person(ORGANIZATION, asked).identifiers if of_person else (asked,)
        assert len(found) == (IDENTIFIERS if of_person else 1)
        answer = reader.summary(ORGANIZATION, asked, found)
        assert answer["transitionsComplete"]
        return int(answer["eventCount"])

    def pages(asked: ExternalId, *, of_person: bool) -> int:
        read, cursor = 0, None
        while read == 0 or cursor is not None:
            found = persons.person(ORGANIZATION, asked).identifiers if of_person else (asked,)
            page = reader.events(
                ORGANIZATION, asked, found,
                ascending=True, page_size=100, cursor=cursor, event_name=None, since=None, until=None,
            )  # fmt: skip
            read, cursor = read + len(page["entities"]), page.get("nextCursor")
        return read

    def journey(asked: ExternalId, *, of_person: bool) -> int:
        summary(asked, of_person=of_person)
        return pages(asked, of_person=of_person)

    return [
        _compared("a person's journey, 5 identifiers / 1", journey, several[0], alone[0], TARGET),
        _compared("its summary alone", summary, several[0], alone[0], None),
        _compared("its pages alone", pages, several[0], alone[0], None),
    ]


def _stored(database: Database, chance: random.Random, moments: list[list[int]]) -> list[ExternalId]:
    """Stores the events and journeys of one identifier per list of dates."""
    customers = [f"customer {chance.getrandbits(64):x}" for _ in moments]
    for customer, dates in zip(customers, moments, strict=True):
        count_steps(database.journeys, journey_key_of(customer), database.send(chance, customer, dates))
    return [ExternalId(SOURCE_ID, customer) for customer in customers]


def _compared(
    name: str, read: Callable[..., int], several: ExternalId, alone: ExternalId, target: float | None
) -> Figure:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        for asked, of_person, milliseconds in ((several, True, ours), (alone, False, theirs)):
            began = time.perf_counter()
            assert read(asked, of_person=of_person) == EVENTS
            milliseconds.append((time.perf_counter() - began) * 1000)
    person, one = statistics.median(ours), statistics.median(theirs)
    parameters = {
        "person": f"{person:.0f} ms",
        "one identifier": f"{one:.0f} ms",
        "best": f"{min(ours):.0f} and {min(theirs):.0f} ms",
        "events": f"{EVENTS:,}, alternating between the identifiers",
        "measure": f"wall time, medians of {ROUNDS} rounds, in turns",
    }
    return Figure("person", name, person / one, target=target, parameters=parameters)
